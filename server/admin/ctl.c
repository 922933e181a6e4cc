#include "server/admin/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

#define REPLY_MAX ((size_t)256 << 20)

/* ---- with a server: one line of JSON there, one back ---- */

/* One connection per command: the server waits only a short time for what a client sends. */
static int connect_to(const struct ly_config *conf, int *fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int err;

	*fd = -1;
	if (ly_config_socket_path(conf, addr.sun_path, sizeof(addr.sun_path)) != 0) {
		fprintf(stderr,
			"lyceumctl: [server] data_dir is too long for the control socket\n");
		return -EINVAL;
	}
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -EIO;
	if (connect(*fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	err = errno;
	(void)close(*fd);
	*fd = -1;
	if (err == ENOENT || err == ECONNREFUSED)
		return -ENOENT; /* no server, or one that was killed */
	fprintf(stderr, "lyceumctl: %s: %s\n", addr.sun_path, strerror(err));
	return err == EACCES ? -EACCES : -EIO;
}

int ly_ctl_open(struct ly_ctl *ctl, const struct ly_config *conf)
{
	int fd, err;

	memset(ctl, 0, sizeof(*ctl));
	ctl->conf = conf;
	ly_rand_system_init(&ctl->rand);
	err = connect_to(conf, &fd);
	ctl->has_server = err == 0;
	if (fd >= 0)
		(void)close(fd);
	return err == -ENOENT ? 0 : err;
}

void ly_ctl_close(struct ly_ctl *ctl)
{
	ly_db_close(ctl->db);
}

static int send_line(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0, at = 0;

	if (text == NULL)
		return -ENOMEM;
	text[len++] = '\n'; /* in place of the zero */
	while (at < len) {
		ssize_t n = send(fd, text + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	free(text);
	return at == len ? 0 : -EIO;
}

static json_t *recv_line(int fd)
{
	struct ly_buf buf;
	json_t *reply = NULL;
	char part[65536];
	ssize_t n;

	ly_buf_init(&buf, LY_MEM_MISC, REPLY_MAX);
	while ((n = recv(fd, part, sizeof(part), 0)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		ly_buf_add(&buf, part, (size_t)n);
		if (part[n - 1] == '\n')
			break;
	}
	if (n > 0 && buf.err == 0)
		reply = json_loadb((char *)buf.ptr, buf.len, 0, NULL);
	ly_buf_fini(&buf);
	return reply;
}

static int run_remote(struct ly_ctl *ctl, const char *name, json_t *args, json_t **result)
{
	json_t *request = json_pack("{s:s, s:o}", "command", name, "args", args);
	const char *error;
	json_t *reply = NULL;
	int fd, err = connect_to(ctl->conf, &fd);

	if (!err)
		err = request ? send_line(fd, request) : -ENOMEM;
	if (!err)
		reply = recv_line(fd);
	if (fd >= 0)
		(void)close(fd);
	error = json_string_value(json_object_get(reply, "error"));
	json_decref(request);
	if (error != NULL) {
		fprintf(stderr, "lyceumctl: %s\n", error);
		err = (int)json_integer_value(json_object_get(reply, "errno"));
		err = err < 0 ? err : -EINVAL;
	} else if (reply == NULL) {
		fprintf(stderr, "lyceumctl: the server closed the connection\n");
		err = -EIO;
	} else {
		*result = json_incref(json_object_get(reply, "result"));
		err = 0;
	}
	json_decref(reply);
	return err;
}

/* ---- without: the same command here, on the database ---- */

static ly_usec wall_now(void *ctx)
{
	struct timespec t;

	(void)ctx;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (ly_usec)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void run_waiting(struct ly_ctl *ctl)
{
	while (ctl->n_waiting) {
		struct ly_store_req *reqs[LY_CTL_WAITING_MAX];
		size_t n = ctl->n_waiting;

		memcpy(reqs, ctl->waiting, n * sizeof(reqs[0]));
		ctl->n_waiting = 0;
		ly_db_exec_many(ctl->db, reqs, n);
		for (size_t i = 0; i < n; i++)
			reqs[i]->msg.run(NULL, &reqs[i]->msg);
	}
}

/* Requests are collected so that those of one command share a transaction. */
static void store(void *ctx, struct ly_store_req *req)
{
	struct ly_ctl *ctl = ctx;

	if (ctl->n_waiting == LY_CTL_WAITING_MAX)
		run_waiting(ctl);
	ctl->waiting[ctl->n_waiting++] = req;
}

static int open_db(struct ly_ctl *ctl)
{
	const struct ly_config *c = ctl->conf;
	char path[4096], why[400];
	struct ly_db_conf conf = { .path = path };
	int err;

	if (ctl->db != NULL)
		return 0;
	if (mkdir(c->server.data_dir, 0700) != 0 && errno != EEXIST) {
		fprintf(stderr, "lyceumctl: %s: %s\n", c->server.data_dir, strerror(errno));
		return -EIO;
	}
	err = ly_config_db_path(c, path, sizeof(path));
	if (!err)
		err = ly_db_open(&ctl->db, &conf, why, sizeof(why));
	else
		(void)snprintf(why, sizeof(why), "the path is too long");
	if (err) {
		fprintf(stderr, "lyceumctl: %s: %s\n", path, why);
		return err;
	}
	(void)snprintf(ctl->rooms, sizeof(ctl->rooms), "conference.%s", c->server.domain);
	ctl->env = (struct ly_cmd_env) { .ctx = ctl,
					 .domain = c->server.domain,
					 .rooms = ctl->rooms,
					 .iterations = c->auth.iterations,
					 .rand = &ctl->rand.rand,
					 .wall = wall_now,
					 .store = store };
	return 0;
}

struct outcome {
	json_t *result;
	int err;
	bool is_done;
};

static void on_done(struct ly_cmd *cmd, void *ctx)
{
	struct outcome *o = ctx;

	o->is_done = true;
	o->err = cmd->err;
	if (cmd->err)
		fprintf(stderr, "lyceumctl: %s\n", cmd->error);
	else
		o->result = json_incref(cmd->result);
}

int ly_ctl_run(struct ly_ctl *ctl, const char *name, json_t *args, json_t **result)
{
	const struct ly_cmd_def *def = ly_cmd_find(name);
	struct outcome o = { 0 };
	int err;

	*result = NULL;
	if (args == NULL) {
		fprintf(stderr, "lyceumctl: out of memory\n");
		return -ENOMEM;
	}
	if (ctl->has_server)
		return run_remote(ctl, name, args, result);
	err = def && def->needs_server ? -EPROTO : open_db(ctl);
	if (err == -EPROTO && def && def->needs_server)
		fprintf(stderr,
			"lyceumctl: the server is not running (no answer at %s/lyceumd.sock)\n",
			ctl->conf->server.data_dir);
	if (err) {
		json_decref(args);
		return err;
	}
	ly_cmd_start(&ctl->env, "lyceumctl", name, args, on_done, &o);
	run_waiting(ctl);
	*result = o.result;
	return o.err;
}
