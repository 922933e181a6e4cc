/* The control socket: a Unix socket that only the server's own user (and root) can open. One line
 * of JSON asks, {"command": "user add", "args": {…}}, one line answers, {"result": …} or {"error":
 * "…", "errno": …}. It has a thread of its own that serves one client at a time and runs the
 * commands at the first home. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "server/admin/admin_priv.h"

static const struct ly_log log_control = { "control", "" };

/* A portion of 500 accounts with their keys has 250 kB. */
#define REQUEST_MAX ((size_t)4 << 20)
#define CLIENT_TIMEOUT_MS 10000

/* A command on its way to the home and back; on the thread's stack. */
struct job {
	struct ly_msg msg;
	struct ly_admin *admin;
	const char *name;
	json_t *args;  /* taken by the command */
	json_t *reply; /* owned */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_done;
};

static void finish(struct job *job, json_t *reply)
{
	(void)pthread_mutex_lock(&job->lock);
	job->reply = reply;
	job->is_done = true;
	(void)pthread_cond_signal(&job->wake);
	(void)pthread_mutex_unlock(&job->lock);
}

static void on_done(struct ly_cmd *cmd, void *ctx)
{
	json_t *result = cmd->result ? cmd->result : json_null();

	cmd->result = NULL; /* it is the other thread's from now on */

	if (cmd->err) {
		json_decref(result);
		finish(ctx, json_pack("{s:s, s:i}", "error", cmd->error, "errno", cmd->err));
	} else {
		finish(ctx, json_pack("{s:o}", "result", result));
	}
}

static void run_job(struct ly_home *home, struct ly_msg *msg)
{
	struct job *job = LY_CONTAINER_OF(msg, struct job, msg);

	(void)home;
	ly_cmd_start(&job->admin->loops[0].env, "lyceumctl", job->name, job->args, on_done, job);
}

static void drop_job(struct ly_msg *msg)
{
	struct job *job = LY_CONTAINER_OF(msg, struct job, msg);

	json_decref(job->args);
	finish(job, NULL);
}

static json_t *run_command(struct ly_admin *a, const char *name, json_t *args)
{
	struct job job = {
		.msg = { .run = run_job, .drop = drop_job }, .admin = a, .name = name, .args = args
	};

	(void)pthread_mutex_init(&job.lock, NULL);
	(void)pthread_cond_init(&job.wake, NULL);
	a->server->env.post(a->server->env.ctx, 0, &job.msg);
	(void)pthread_mutex_lock(&job.lock);
	while (!job.is_done)
		(void)pthread_cond_wait(&job.wake, &job.lock);
	(void)pthread_mutex_unlock(&job.lock);
	(void)pthread_cond_destroy(&job.wake);
	(void)pthread_mutex_destroy(&job.lock);
	return job.reply;
}

static json_t *bad_request(const char *text)
{
	return json_pack("{s:s, s:i}", "error", text, "errno", -EBADMSG);
}

/* The name and the arguments of a request. The request itself is gone before the command runs: no
 * JSON is shared between the threads. @return NULL, or what is wrong with it */
static const char *parse(const struct ly_buf *line, char *name, size_t cap, json_t **args)
{
	json_t *request = json_loadb((char *)line->ptr, line->len, JSON_REJECT_DUPLICATES, NULL);
	const char *given = json_string_value(json_object_get(request, "command"));
	const char *why = NULL;

	*args = json_object_get(request, "args");
	if (request == NULL)
		why = "the request is not JSON";
	else if (given == NULL || (*args && !json_is_object(*args)))
		why = "the request must be {\"command\": text, \"args\": object}";
	else
		(void)snprintf(name, cap, "%s", given);
	*args = why ? NULL : *args ? json_incref(*args) : json_object();
	json_decref(request);
	return why;
}

static json_t *answer(struct ly_admin *a, const struct ly_buf *line)
{
	char name[100];
	json_t *args, *reply;
	const char *why = parse(line, name, sizeof(name), &args);

	if (why)
		return bad_request(why);
	reply = run_command(a, name, args);
	ly_log(&log_control, LY_INFO, "command", "name=\"%s\" ok=%d", name,
	       reply != NULL && json_object_get(reply, "error") == NULL);
	return reply;
}

/* Waits until a descriptor is ready. @return false on time-out, or when the server stops */
static bool wait_for(struct ly_admin *a, int fd, short events, int timeout_ms)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events },
				 { .fd = a->stop_fd[0], .events = POLLIN } };
	int n;

	do
		n = poll(fds, 2, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n > 0 && fds[1].revents == 0;
}

/* @return 1 a line, 0 the end, or a negative errno */
static int read_line(struct ly_admin *a, int fd, struct ly_buf *line)
{
	uint8_t part[16384];

	for (;;) {
		const uint8_t *nl;
		ssize_t n;

		if (!wait_for(a, fd, POLLIN, CLIENT_TIMEOUT_MS))
			return -EIO;
		n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			return n == 0 ? 0 : -EIO;
		nl = memchr(part, '\n', (size_t)n);
		ly_buf_add(line, part, nl ? (size_t)(nl - part) : (size_t)n);
		if (line->err)
			return line->err;
		if (nl != NULL)
			return 1; /* what follows is not kept: a client waits for its answer */
	}
}

static bool write_reply(struct ly_admin *a, int fd, const json_t *reply)
{
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0, at = 0;

	if (text == NULL)
		return false;
	text[len++] = '\n';
	while (at < len && wait_for(a, fd, POLLOUT, CLIENT_TIMEOUT_MS)) {
		ssize_t n = send(fd, text + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	free(text);
	return at == len;
}

static void serve(struct ly_admin *a, int fd)
{
	struct ly_buf line;
	bool go_on = true;

	ly_buf_init(&line, LY_MEM_MISC, REQUEST_MAX);
	while (go_on) {
		json_t *reply = NULL;
		int rc = read_line(a, fd, &line);

		if (rc == 1)
			reply = answer(a, &line);
		else if (rc == -E2BIG)
			reply = json_pack("{s:s, s:i}", "error", "the request is too long", "errno",
					  rc);
		go_on = reply != NULL && write_reply(a, fd, reply) && rc == 1;
		json_decref(reply);
		if (line.ptr != NULL)
			ly_wipe(line.ptr, line.cap); /* may have held a password */
		ly_buf_reset(&line);
	}
	ly_buf_fini(&line);
}

static void *thread_main(void *arg)
{
	struct ly_admin *a = arg;

	while (wait_for(a, a->listen_fd, POLLIN, -1)) {
		int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		serve(a, fd);
		(void)close(fd);
	}
	return NULL;
}

/* A socket that a killed server left behind answers nobody. */
static bool is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0;

	if (fd >= 0)
		(void)close(fd);
	return alive;
}

static int address(const struct ly_config *conf, struct sockaddr_un *addr, char *err, size_t cap)
{
	*addr = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (ly_config_socket_path(conf, addr->sun_path, sizeof(addr->sun_path)) == 0)
		return 0;
	(void)snprintf(err, cap, "[server] data_dir is too long for the control socket in it");
	return -EIO;
}

int ly_admin_check_alone(const struct ly_config *conf, char *err, size_t cap)
{
	struct sockaddr_un addr;
	int rc = address(conf, &addr, err, cap);

	if (rc != 0 || !is_alive(&addr))
		return rc;
	(void)snprintf(err, cap, "another lyceumd is running in %s", conf->server.data_dir);
	return -EADDRINUSE;
}

static int open_socket(struct ly_admin *a, char *err, size_t cap)
{
	struct sockaddr_un addr;
	mode_t mask;
	int rc = ly_admin_check_alone(a->server->conf, err, cap);

	if (rc != 0)
		return rc;
	(void)address(a->server->conf, &addr, err, cap);
	(void)snprintf(a->path, sizeof(a->path), "%s", addr.sun_path);
	(void)unlink(a->path);
	a->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mask = umask(0177);
	rc = a->listen_fd < 0 ? -1 : bind(a->listen_fd, (struct sockaddr *)&addr, sizeof(addr));
	(void)umask(mask);
	if (rc == 0)
		rc = listen(a->listen_fd, 16);
	if (rc != 0)
		(void)snprintf(err, cap, "control socket %s: %s", a->path, strerror(errno));
	return rc == 0 ? 0 : -EIO;
}

int ly_control_start(struct ly_admin *a, char *err, size_t cap)
{
	int rc = open_socket(a, err, cap);

	if (rc == 0 && (pipe2(a->stop_fd, O_CLOEXEC) != 0 ||
			pthread_create(&a->thread, NULL, thread_main, a) != 0)) {
		(void)snprintf(err, cap, "control socket: no thread");
		rc = -EIO;
	}
	a->has_thread = rc == 0;
	if (rc != 0)
		ly_control_stop(a);
	return rc;
}

void ly_control_stop(struct ly_admin *a)
{
	if (a->stop_fd[1] >= 0) {
		(void)close(a->stop_fd[1]); /* the other end becomes readable */
		a->stop_fd[1] = -1;
	}
	if (a->has_thread)
		(void)pthread_join(a->thread, NULL);
	a->has_thread = false;
	if (a->stop_fd[0] >= 0)
		(void)close(a->stop_fd[0]);
	if (a->listen_fd >= 0) {
		(void)close(a->listen_fd);
		if (a->path[0])
			(void)unlink(a->path);
	}
	a->stop_fd[0] = a->listen_fd = -1;
}
