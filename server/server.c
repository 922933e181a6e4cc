#include "server/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "server/io/homes.h"
#include "server/admin/admin.h"
#include "server/calls.h"
#include "server/io/logsink.h"
#include "server/io/tls.h"
#include "server/io/xmpp_conn.h"

static const struct ly_log server_log = { "server", "" };

int ly_server_add_route(struct ly_server *s, const struct ly_http_route *route)
{
	if (s->http.n_routes == LY_MAX_ROUTES)
		return -E2BIG;
	s->routes[s->http.n_routes++] = *route;
	return 0;
}

int ly_server_add_ws(struct ly_server *s, const struct ly_ws_route *route)
{
	if (s->http.n_ws_routes == LY_COUNTOF(s->ws_routes))
		return -E2BIG;
	s->ws_routes[s->http.n_ws_routes++] = *route;
	return 0;
}

/* -- pages that the server makes itself -- */

static void config_json(struct ly_http_req *req, void *ctx)
{
	const struct ly_server *s = ctx;

	ly_http_reply(req, 200, "application/json", ly_span_str(s->config_json),
		      "Cache-Control: no-cache\r\n");
}

/* XEP-0156: where a client on another page finds the WebSocket. */
static void host_meta(struct ly_http_req *req, void *ctx)
{
	static const char fmt[] =
		"<?xml version='1.0' encoding='utf-8'?>\n"
		"<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>"
		"<Link rel='urn:xmpp:alt-connections:websocket' href='%s://%s/xmpp-websocket'/>"
		"</XRD>\n";
	static const char fmt_json[] =
		"{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:websocket\","
		"\"href\":\"%s://%s/xmpp-websocket\"}]}\n";
	const char *host = ly_http_header(req, "host");
	bool is_json = strcmp(req->path, "/.well-known/host-meta.json") == 0;
	char body[1024];

	(void)ctx;
	if (host == NULL || strlen(host) > 300 || strcspn(host, "<>&'\"\\ ") != strlen(host)) {
		ly_http_reply_error(req, 400, "bad host");
		return;
	}
	snprintf(body, sizeof(body), is_json ? fmt_json : fmt, req->is_tls ? "wss" : "ws", host);
	ly_http_reply(req, 200, is_json ? "application/json" : "application/xrd+xml",
		      ly_span_str(body), "Access-Control-Allow-Origin: *\r\n");
}

static int make_config_json(struct ly_server *s)
{
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONFIG, 0);
	/* a domain has no character that JSON escapes: the configuration checks it */
	ly_buf_printf(&b,
		      "{\"domain\":\"%s\",\"muc\":\"%s\",\"focus\":\"%s\","
		      "\"websocket\":\"/xmpp-websocket\",\"version\":\"" LY_VERSION "\"}\n",
		      s->conf->server.domain, s->muc, s->focus);
	if (b.err == 0)
		s->config_json = ly_strndup((char *)b.ptr, b.len, LY_MEM_CONFIG);
	ly_buf_fini(&b);
	return s->config_json != NULL ? 0 : -ENOMEM;
}

/* -- TLS -- */

static int load_tls(const struct ly_config *conf, SSL_CTX **xmpp, SSL_CTX **http, char *err,
		    size_t cap)
{
	char cert[1024], key[1024];
	bool is_given = conf->tls.certificate[0] != 0;
	int rc;

	if (is_given) {
		snprintf(cert, sizeof(cert), "%s", conf->tls.certificate);
		snprintf(key, sizeof(key), "%s", conf->tls.key);
	} else {
		rc = ly_tls_self_made(conf->server.data_dir, conf->server.domain, cert, key,
				      sizeof(cert), err, cap);
		if (rc != 0)
			return rc;
	}
	*xmpp = ly_tls_ctx_create(cert, key, err, cap);
	*http = *xmpp != NULL ? ly_tls_ctx_create(cert, key, err, cap) : NULL;
	if (*http == NULL) {
		size_t len = strlen(err);

		SSL_CTX_free(*xmpp);
		*xmpp = NULL;
		if (is_given)
			snprintf(err + len, cap - len,
				 "\n  set [tls] certificate and key in %s, or leave both empty for "
				 "a "
				 "self-made certificate",
				 conf->path);
		return -ENOENT;
	}
	ly_tls_set_alpn(*xmpp, "xmpp-client");
	ly_tls_set_alpn(*http, "http/1.1");
	return 0;
}

struct swap {
	SSL_CTX *xmpp, *http;
	const struct ly_config *conf; /* its limits; NULL at the start */
};

static void swap(struct ly_loop *loop, void *ctx)
{
	struct ly_worker *w = loop->user;
	struct swap *new = ctx;

	SSL_CTX_free(w->tls_xmpp);
	SSL_CTX_free(w->tls_http);
	SSL_CTX_up_ref(new->xmpp);
	SSL_CTX_up_ref(new->http);
	w->tls_xmpp = new->xmpp;
	w->tls_http = new->http;
	if (new->conf != NULL)
		ly_xmpp_set_limits(w, new->conf);
	if (new->conf != NULL)
		ly_admin_set_conf(w->server->admin, loop, new->conf);
}

/* -- accepting -- */

static void accept_http(struct ly_loop *loop, int fd, const struct ly_addr *peer, void *ctx)
{
	ly_http_accept(loop, fd, peer, &((struct ly_server *)ctx)->http, NULL);
}

static void accept_https(struct ly_loop *loop, int fd, const struct ly_addr *peer, void *ctx)
{
	struct ly_worker *w = loop->user;

	ly_http_accept(loop, fd, peer, &((struct ly_server *)ctx)->http, w->tls_http);
}

static void accept_xmpp(struct ly_loop *loop, int fd, const struct ly_addr *peer, void *ctx)
{
	(void)ctx;
	ly_xmpp_accept(loop->user, fd, peer, false);
}

static void accept_xmpps(struct ly_loop *loop, int fd, const struct ly_addr *peer, void *ctx)
{
	(void)ctx;
	ly_xmpp_accept(loop->user, fd, peer, true);
}

static int open_listeners(struct ly_server *s, char *err, size_t cap)
{
	const struct ly_config *c = s->conf;
	const struct {
		const char *name;
		const struct ly_config_addrs *addrs;
		ly_accept_fn fn;
	} rows[LY_N_LISTEN] = {
		[LY_LISTEN_XMPP] = { "xmpp", &c->listen.xmpp, accept_xmpp },
		[LY_LISTEN_XMPPS] = { "xmpps", &c->listen.xmpps, accept_xmpps },
		[LY_LISTEN_HTTP] = { "http", &c->listen.http, accept_http },
		[LY_LISTEN_HTTPS] = { "https", &c->listen.https, accept_https },
	};

	for (size_t i = 0; i < LY_N_LISTEN; i++) {
		int rc = ly_listener_open(&s->listeners[i], rows[i].name, rows[i].addrs->v,
					  rows[i].addrs->n, &s->loops, s->limits, rows[i].fn, s,
					  err, cap);

		if (rc != 0)
			return rc;
	}
	return 0;
}

/* -- making it -- */

static struct ly_limits_conf limits_of(const struct ly_config *c)
{
	unsigned max = c->limits.connections_per_address;

	return (struct ly_limits_conf) {
		.max_conns = max,
		/* a browser opens a few connections per page; all of a school may come back at once
		 */
		.conns_per_minute = max * 4,
		.fails_per_minute = c->limits.login_failures,
		.max_addrs = 100000,
	};
}

/* The secret behind fake salts has to stay the same, or a restart would tell which users exist. */
static int load_secret(struct ly_server *s, char *err, size_t cap)
{
	char path[1100];
	int fd, rc = -EIO;

	snprintf(path, sizeof(path), "%s/secret", s->conf->server.data_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		rc = read(fd, s->secret, sizeof(s->secret)) == sizeof(s->secret) ? 0 : -EIO;
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		ly_rand_bytes(ly_rand_shared(), s->secret, sizeof(s->secret));
		if (fd >= 0 && write(fd, s->secret, sizeof(s->secret)) == sizeof(s->secret))
			rc = 0;
	}
	if (rc != 0)
		snprintf(err, cap, "cannot read or make %s: %s; remove it if it is damaged", path,
			 strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int open_db(struct ly_server *s, char *err, size_t cap)
{
	struct ly_db_conf conf = { .post = ly_homes_post, .ctx = s };
	char path[1100], why[512] = "";
	int rc = ly_config_db_path(s->conf, path, sizeof(path));

	if (rc == 0) {
		conf.path = path;
		rc = ly_db_open(&s->db, &conf, why, sizeof(why));
	}
	if (rc != 0)
		snprintf(err, cap, "cannot open the database %s: %s", path, why);
	return rc;
}

static void init_hosts(struct ly_server *s)
{
	snprintf(s->muc, sizeof(s->muc), "conference.%s", s->conf->server.domain);
	snprintf(s->focus, sizeof(s->focus), "focus.%s", s->conf->server.domain);
	s->domains[0] = s->conf->server.domain;
	s->hosts[s->n_hosts++] =
		(struct ly_host) { .domain = s->conf->server.domain, .kind = LY_HOST_USERS };
	s->hosts[s->n_hosts++] =
		(struct ly_host) { .domain = s->muc, .kind = LY_HOST_ROOMS, .name = "Classrooms" };
}

static int init_workers(struct ly_server *s, SSL_CTX *xmpp, SSL_CTX *http)
{
	s->workers = ly_alloc(s->loops.n * sizeof(*s->workers), LY_MEM_MISC);
	if (s->workers == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < s->loops.n; i++) {
		struct ly_worker *w = &s->workers[i];
		struct swap tls = { xmpp, http, NULL };
		int rc;

		w->server = s;
		w->loop = &s->loops.loops[i];
		w->loop->user = w;
		ly_rand_system_init(&w->rand);
		swap(w->loop, &tls);
		rc = ly_xmpp_worker_init(w);
		if (rc == 0)
			rc = ly_homes_init_worker(w);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void init_http(struct ly_server *s)
{
	static const char *const metas[] = { "/.well-known/host-meta",
					     "/.well-known/host-meta.json" };

	s->http.routes = s->routes;
	s->http.ws_routes = s->ws_routes;
	s->http.limits = s->limits;
	for (size_t i = 0; i < LY_COUNTOF(metas); i++)
		ly_server_add_route(s, &(struct ly_http_route) { "GET", metas[i], host_meta, s });
	ly_server_add_route(s, &(struct ly_http_route) { "GET", "/config.json", config_json, s });
	ly_server_add_ws(s,
			 &(struct ly_ws_route) { "/xmpp-websocket", "xmpp", ly_xmpp_ws_open, s });
}

static int init_all(struct ly_server *s, char *err, size_t cap)
{
	SSL_CTX *xmpp = NULL, *http = NULL;
	struct ly_limits_conf lc;
	int rc;

	snprintf(err, cap, "out of memory");
	if (mkdir(s->conf->server.data_dir, 0700) != 0 && errno != EEXIST) {
		snprintf(err, cap, "cannot create the data directory %s: %s",
			 s->conf->server.data_dir, strerror(errno));
		return -EIO;
	}
	rc = ly_admin_check_alone(s->conf, err, cap);
	if (rc == 0)
		rc = load_secret(s, err, cap);
	if (rc == 0)
		rc = load_tls(s->conf, &xmpp, &http, err, cap);
	if (rc != 0)
		return rc;
	init_hosts(s);
	lc = limits_of(s->conf);
	rc = ly_limits_create(&s->limits, &lc);
	if (rc == 0)
		rc = make_config_json(s);
	if (rc == 0)
		rc = ly_loops_init(&s->loops, s->conf->server.loops);
	if (rc == 0)
		rc = ly_calls_create(s);
	if (rc == 0) {
		ly_homes_init_env(s);
		rc = init_workers(s, xmpp, http);
	}
	SSL_CTX_free(xmpp);
	SSL_CTX_free(http);
	if (rc == 0)
		rc = open_db(s, err, cap);
	if (rc != 0)
		return rc;
	if (ly_static_init(&s->pages, s->conf->http.web_root) != 0)
		ly_log(&server_log, LY_WARN, "no-web-pages", "web_root=%s hint=\"npm run build\"",
		       s->conf->http.web_root);
	init_http(s);
	rc = ly_calls_start(s, err, cap);
	if (rc == 0)
		rc = ly_admin_create(&s->admin, s);
	if (rc != 0)
		return rc;
	ly_admin_set_provider(s->admin, LY_ADMIN_CALLS, ly_focus_fill_calls, s->calls);
	ly_admin_set_provider(s->admin, LY_ADMIN_END_CALL, ly_focus_fill_end_call, s->calls);
	return open_listeners(s, err, cap);
}

int ly_server_create(struct ly_server **out, struct ly_config *conf, char *err, size_t err_cap)
{
	struct ly_server *s = ly_alloc(sizeof(*s), LY_MEM_MISC);
	int rc;

	if (s == NULL) {
		snprintf(err, err_cap, "out of memory");
		ly_config_destroy(conf);
		return -ENOMEM;
	}
	s->conf = conf;
	s->pages.root_fd = -1;
	s->started = ly_clock_now();
	s->started_wall = ly_clock_wall();
	rc = init_all(s, err, err_cap);
	if (rc != 0) {
		ly_server_destroy(s);
		return rc;
	}
	*out = s;
	return 0;
}

int ly_server_start(struct ly_server *s)
{
	char err[300];
	int rc;

	/* everything that has its own path comes before the files */
	rc = ly_server_add_route(
		s, &(struct ly_http_route) { "GET", "/", ly_static_handle, &s->pages });
	for (size_t i = 0; i < LY_N_LISTEN && rc == 0; i++)
		rc = ly_listener_start(s->listeners[i]);
	if (rc == 0)
		rc = ly_loops_start(&s->loops);
	if (rc == 0) {
		rc = ly_admin_start(s->admin, err, sizeof(err));
		if (rc != 0)
			ly_log(&server_log, LY_ERROR, "no-control-socket", "%s", err);
	}
	if (rc == 0 && s->conf->archive.enabled)
		ly_log(&server_log, LY_WARN, "no-archive",
		       "key=\"[archive] enabled\" hint=\"this version archives nothing\"");
	if (rc == 0)
		ly_log(&server_log, LY_INFO, "started", "version=" LY_VERSION " domain=%s loops=%u",
		       s->conf->server.domain, s->loops.n);
	return rc;
}

/* -- reload -- */

static void log_lines(const char *event, enum ly_level level, struct ly_buf *text)
{
	char *save = NULL;

	if (ly_buf_str(text) == NULL)
		return;
	for (char *line = strtok_r((char *)text->ptr, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		ly_log(&server_log, level, event, "%s", line);
}

/* The loops borrow strings of the configuration they started with (domains), so the first one stays
 * as long as the server, and the newest one is the base of the next reload. */
static void keep_config(struct ly_server *s, struct ly_config *conf)
{
	if (s->reloaded != NULL)
		ly_config_destroy(s->reloaded);
	s->reloaded = conf;
}

void ly_server_reload(struct ly_server *s)
{
	struct ly_config *conf = NULL;
	struct ly_buf report;
	struct swap tls = { 0 };
	struct ly_limits_conf lc;
	char err[2048];
	int rc;

	ly_logsink_reopen();
	ly_buf_init(&report, LY_MEM_CONFIG, 0);
	rc = ly_config_reload(&conf, s->reloaded != NULL ? s->reloaded : s->conf, &report);
	log_lines(rc == 0 ? "reload" : "reload-failed", rc == 0 ? LY_INFO : LY_ERROR, &report);
	ly_buf_fini(&report);
	if (rc != 0)
		return;
	if (load_tls(conf, &tls.xmpp, &tls.http, err, sizeof(err)) != 0) {
		ly_log(&server_log, LY_ERROR, "reload-failed", "%s", err);
		ly_config_destroy(conf);
		return;
	}
	tls.conf = conf;
	for (unsigned i = 0; i < s->loops.n; i++)
		ly_loop_call(&s->loops.loops[i], swap, &tls);
	SSL_CTX_free(tls.xmpp);
	SSL_CTX_free(tls.http);
	ly_log_set_level(conf->log.level);
	lc = limits_of(conf);
	ly_limits_set(s->limits, &lc);
	ly_log(&server_log, LY_INFO, "reloaded", "file=%s", conf->path);
	keep_config(s, conf);
}

/* -- the end -- */

static void stop_listening(struct ly_loop *loop, void *ctx)
{
	struct ly_server *s = ctx;

	(void)loop;
	for (size_t i = 0; i < LY_N_LISTEN; i++)
		ly_listener_stop(s->listeners[i]);
}

static void close_streams(struct ly_loop *loop, void *ctx)
{
	(void)ctx;
	ly_xmpp_close_all(loop->user);
}

static void count_conns(struct ly_loop *loop, void *ctx)
{
	*(size_t *)ctx += ly_xmpp_count(loop->user);
}

void ly_server_stop(struct ly_server *s)
{
	ly_usec until = ly_clock_now() + LY_SEC(4);
	size_t n = 1;

	ly_log(&server_log, LY_INFO, "stopping", "%s", "");
	ly_admin_stop(s->admin);
	ly_loop_call(s->loops.loops, stop_listening, s);
	ly_calls_end_all(s);
	for (unsigned i = 0; i < s->loops.n; i++)
		ly_loop_call(&s->loops.loops[i], close_streams, NULL);
	while (n > 0 && ly_clock_now() < until) {
		n = 0;
		for (unsigned i = 0; i < s->loops.n; i++)
			ly_loop_call(&s->loops.loops[i], count_conns, &n);
		if (n > 0)
			usleep(20000);
	}
	ly_loops_stop(&s->loops);
	ly_log(&server_log, LY_INFO, "stopped", "left=%zu", n);
}

void ly_server_destroy(struct ly_server *s)
{
	if (s == NULL)
		return;
	ly_db_close(s->db); /* answers what waits: the homes' queues still stand */
	s->db = NULL;
	ly_loops_fini(&s->loops);
	s->is_down = true;
	for (unsigned i = 0; s->workers != NULL && i < s->loops.n; i++) {
		ly_homes_fini_worker(&s->workers[i]);
		ly_xmpp_worker_fini(&s->workers[i]);
		SSL_CTX_free(s->workers[i].tls_xmpp);
		SSL_CTX_free(s->workers[i].tls_http);
	}
	ly_calls_destroy(s);
	ly_admin_destroy(s->admin);
	for (size_t i = 0; i < LY_N_LISTEN; i++)
		ly_listener_destroy(s->listeners[i]);
	ly_free(s->workers, LY_MEM_MISC);
	ly_limits_destroy(s->limits);
	ly_static_fini(&s->pages);
	ly_free(s->config_json, LY_MEM_CONFIG);
	ly_config_destroy(s->reloaded);
	ly_config_destroy(s->conf);
	ly_free(s, LY_MEM_MISC);
}
