#include "server/admin/metrics.h"
#include "server/io/xmpp_conn.h"

#include <openssl/x509.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "server/io/homes.h"
#include "server/io/tls.h"
#include "signaling/session/session.h"

static const struct ly_log xmpp_log = { "xmpp", "" };

struct ly_xmpp {
	struct ly_list node;  /* in w->xmpps */
	struct ly_worker *w;  /* borrowed; changes with the loop */
	struct ly_conn *c;    /* borrowed; frees this by closed() */
	struct ly_ws *ws;     /* borrowed; NULL on TCP */
	struct ly_stream *stream;   /* owned */
	struct ly_session *session; /* owned by the home until detached; NULL before bind */
	uint64_t id;
	struct ly_loop_timer timer;
	ly_usec login_until;  /* LY_NEVER once bound */
	ly_usec resume_at;    /* reading goes on then; LY_NEVER = it is not stopped */
	int64_t tokens;       /* bytes it may still send now */
	ly_usec filled;       /* when tokens was last filled up */
	const char *resource; /* wanted; borrowed from the stream */
	const char *close_text; /* owned copy; see close_cond */
	uint8_t close_cond;   /* enum ly_stream_error, valid when wants_close */
	bool in_drain : 1;
	bool wants_bind : 1;
	bool wants_refusal : 1; /* credentials refused without asking the store */
	bool wants_close : 1;
	bool is_closed : 1;     /* the stream has said so */
};

static void drain(struct ly_xmpp *x);

static ly_usec now_of(const struct ly_xmpp *x)
{
	return ly_loop_now(x->w->loop);
}

static struct ly_xmpp *find(struct ly_worker *w, uint64_t id)
{
	return ly_map_find_num(&w->conns, id);
}

/* The connection on the calling loop; none on other threads (homes are freed by the main one). */
static struct ly_xmpp *find_here(uint64_t id)
{
	struct ly_loop *loop = ly_loop_current();

	return loop != NULL ? find(loop->user, id) : NULL;
}

/* -- life -- */

static int enter(struct ly_xmpp *x, struct ly_worker *w)
{
	int rc = ly_map_put_num(&w->conns, x->id, x);

	x->w = w;
	ly_list_add_tail(&w->xmpps, &x->node);
	w->n_xmpps++;
	return rc;
}

static void leave(struct ly_xmpp *x)
{
	ly_loop_timer_del(x->w->loop, &x->timer);
	if (x->node.next == NULL || x->node.next == &x->node)
		return;
	ly_map_del_num(&x->w->conns, x->id);
	ly_list_del(&x->node);
	x->w->n_xmpps--;
}

static void arm(struct ly_xmpp *x)
{
	ly_usec at = ly_stream_deadline(x->stream);

	at = LY_MIN(at, x->login_until);
	at = LY_MIN(at, x->resume_at);
	if (x->timer.t.pos == 0 ? at != LY_NEVER : at != x->timer.t.at)
		ly_loop_timer_set(x->w->loop, &x->timer, at);
}

static void on_timer(struct ly_loop *loop, struct ly_loop_timer *timer);

static struct ly_xmpp *create(struct ly_worker *w, const struct ly_stream_conf *conf,
			      enum ly_stream_kind kind)
{
	struct ly_xmpp *x = ly_alloc(sizeof(*x), LY_MEM_CONN);
	ly_usec now = ly_loop_now(w->loop);

	if (x == NULL)
		return NULL;
	ly_metric_add(LY_METRIC_XMPP_ACCEPTED, 1);
	x->timer.fire = on_timer;
	x->login_until = now + w->login_timeout;
	x->resume_at = LY_NEVER;
	x->filled = now;
	x->tokens = (int64_t)w->rate_bps * 4;
	x->id = (uint64_t)w->loop->index << 48 | ++w->next_conn;
	x->w = w;
	if (ly_stream_create(&x->stream, conf, kind, w->parsers) != 0) {
		ly_free(x, LY_MEM_CONN);
		return NULL;
	}
	if (enter(x, w) != 0) {
		leave(x);
		ly_stream_free(x->stream);
		ly_free(x, LY_MEM_CONN);
		return NULL;
	}
	return x;
}

static void destroy(struct ly_xmpp *x)
{
	if (x->session != NULL) {
		ly_log(&xmpp_log, LY_INFO, "logout", "jid=%s", ly_session_jid(x->session));
		ly_homes_touch(x->w);
		ly_session_detach(x->session);
	}
	leave(x);
	ly_stream_free(x->stream);
	ly_free((void *)x->close_text, LY_MEM_CONN);
	ly_free(x, LY_MEM_CONN);
}

/* -- closing -- */

static void request_close(struct ly_xmpp *x, enum ly_stream_error cond, const char *text)
{
	if (x->wants_close || x->is_closed)
		return;
	x->wants_close = true;
	x->close_cond = (uint8_t)cond;
	x->close_text = text != NULL ? ly_strdup(text, LY_MEM_CONN) : NULL;
	drain(x);
}

static void end_connection(struct ly_xmpp *x)
{
	if (x->ws != NULL)
		ly_ws_close(x->ws, 1000, "");
	else
		ly_conn_close(x->c, "stream-closed");
}

void ly_xmpp_close(void *ctx, uint64_t conn, enum ly_stream_error cond, const char *text)
{
	struct ly_xmpp *x = find_here(conn);

	(void)ctx;
	if (x != NULL)
		request_close(x, cond, text);
}

/* -- log-in -- */

static void keys_of(struct ly_scram_keys *out, const struct ly_store_scram *in)
{
	out->iterations = in->iterations;
	out->salt_len = in->salt_len;
	memcpy(out->salt, in->salt, LY_MIN(sizeof(out->salt), sizeof(in->salt)));
	memcpy(out->stored, in->stored_key, sizeof(out->stored));
	memcpy(out->server, in->server_key, sizeof(out->server));
}

struct cred_msg {
	struct ly_loop_msg msg;
	uint64_t id;
	int err;
	struct ly_credentials cred;
};

static void run_cred(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct cred_msg *m = LY_CONTAINER_OF(msg, struct cred_msg, msg);
	struct ly_xmpp *x = find(loop->user, m->id);

	if (x != NULL && !x->is_closed) {
		if (m->err == 0 || m->err == -ENOENT)
			ly_stream_credentials(x->stream, now_of(x), m->err == 0 ? &m->cred : NULL);
		else
			ly_stream_credentials_failed(x->stream, now_of(x));
		drain(x);
	}
	ly_wipe(&m->cred, sizeof(m->cred));
	ly_free(m, LY_MEM_CONN);
}

/* The store's answer comes while the home runs; the stream goes on after that, because it may bind. */
static void got_user(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct cred_msg *m = ctx;

	if (home == NULL) {
		ly_free(m, LY_MEM_CONN);
		return;
	}
	m->err = req->err;
	if (req->err == 0 && req->u.user.disabled)
		m->err = -ENOENT;
	if (m->err == 0) {
		keys_of(&m->cred.sha1, &req->u.user.scram[LY_STORE_SHA1]);
		keys_of(&m->cred.sha256, &req->u.user.scram[LY_STORE_SHA256]);
	}
	ly_loop_post(((struct ly_worker *)ly_home_server(home))->loop, &m->msg);
}

static void ask_store(struct ly_xmpp *x, const char *user, const char *domain)
{
	struct ly_server *s = x->w->server;
	struct cred_msg *m = NULL;
	struct ly_store_req *req = NULL;
	char jid[3072];

	if (ly_limits_may_login(s->limits, &x->c->peer, now_of(x)) != 0) {
		ly_metric_add(LY_METRIC_LOGIN_REFUSED, 1);
		ly_log(&xmpp_log, LY_WARN, "login-refused", "reason=too-many-failures user=%s", user);
		x->wants_refusal = true;
		return;
	}
	snprintf(jid, sizeof(jid), "%s@%s", user, domain);
	m = ly_alloc(sizeof(*m), LY_MEM_CONN);
	if (m != NULL)
		req = ly_store_req_create(x->w->loop->index, LY_STORE_USER_GET, jid);
	if (req == NULL) {
		ly_free(m, LY_MEM_CONN);
		x->wants_refusal = true;
		return;
	}
	m->msg.run = run_cred;
	m->id = x->id;
	req->done = got_user;
	req->ctx = m;
	s->env.store(s->env.ctx, req);
}

static void login_failed(struct ly_xmpp *x, const char *user)
{
	char ip[LY_ADDR_MAX];

	if (user != NULL) { /* else it came to no password */
		ly_limits_failed(x->w->server->limits, &x->c->peer, now_of(x));
		ly_metric_add(LY_METRIC_LOGIN_FAILED, 1);
	}
	ly_log(&xmpp_log, LY_WARN, "login-failed", "user=%s peer=%s", user != NULL ? user : "-",
	       ly_addr_format_ip(&x->c->peer, ip, sizeof(ip)));
}

/* -- bind -- */

static void bind_here(struct ly_xmpp *x)
{
	char ip[LY_ADDR_MAX];
	int rc;

	ly_homes_touch(x->w);
	rc = ly_session_bind(x->w->home, x->id, ly_stream_jid(x->stream), x->resource, &x->session);
	if (rc != 0) {
		x->session = NULL;
		ly_stream_bind_failed(x->stream, now_of(x),
				      rc == -E2BIG ? LY_RESOURCE_CONSTRAINT
				      : rc == -EINVAL ? LY_BAD_REQUEST
						      : LY_INTERNAL_SERVER_ERROR);
		return;
	}
	rc = ly_stream_bound(x->stream, now_of(x), x->session->resource);
	if (rc != 0) {
		request_close(x, LY_STREAM_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	x->login_until = LY_NEVER;
	ly_metric_add(LY_METRIC_LOGIN_OK, 1);
	ly_log(&xmpp_log, LY_INFO, "login", "jid=%s peer=%s via=%s tls=%s",
	       ly_session_jid(x->session), ly_addr_format_ip(&x->c->peer, ip, sizeof(ip)),
	       x->ws != NULL ? "websocket" : "tcp", ly_conn_tls_version(x->c));
}

/* Binds at the user's home: here, or after a move to its loop. */
static void do_bind(struct ly_xmpp *x)
{
	struct ly_server *s = x->w->server;
	const char *bare = ly_stream_jid(x->stream);
	unsigned home = ly_home_index_of(s->env.n_homes, ly_span_str(bare));
	struct ly_loop *to = &s->loops.loops[home];

	if (to == x->w->loop) {
		bind_here(x);
		return;
	}
	if (ly_stream_park(x->stream) != 0) {
		ly_stream_bind_failed(x->stream, now_of(x), LY_INTERNAL_SERVER_ERROR);
		return;
	}
	leave(x);
	if (x->ws != NULL ? !ly_ws_move(x->ws, to) : !ly_conn_move(x->c, to))
		enter(x, x->w); /* it is closing */
}

static void arrived(struct ly_xmpp *x)
{
	struct ly_worker *w = x->c->loop->user;
	bool is_local = x->ws != NULL && x->c->tls != LY_TLS_ON; /* bound, so it was let in */

	if (enter(x, w) != 0) {
		ly_conn_abort(x->c, "resources");
		return;
	}
	ly_stream_adopt(x->stream, is_local ? &w->local : &w->strict, w->parsers);
	bind_here(x);
	drain(x);
}

/* -- the stream's events -- */

static void start_tls(struct ly_xmpp *x)
{
	if (ly_conn_start_tls(x->c, x->w->tls_xmpp) != 0)
		ly_conn_abort(x->c, "starttls");
}

static void stream_closed(struct ly_xmpp *x, const struct ly_stream_event *ev)
{
	char ip[LY_ADDR_MAX];

	x->is_closed = true;
	if (ev->error != LY_STREAM_OK)
		ly_log(&xmpp_log, ev->error == LY_STREAM_SYSTEM_SHUTDOWN ? LY_DEBUG : LY_WARN,
		       "stream-error", "peer=%s error=%s reason=\"%s\"",
		       ly_addr_format_ip(&x->c->peer, ip, sizeof(ip)),
		       ly_stream_error_name(ev->error), ev->reason != NULL ? ev->reason : "");
	end_connection(x);
}

static void handle(struct ly_xmpp *x, const struct ly_stream_event *ev)
{
	switch (ev->kind) {
	case LY_STREAM_OUT:
		if (x->ws != NULL)
			ly_ws_send(x->ws, ev->data);
		else
			ly_conn_send(x->c, ev->data);
		break;
	case LY_STREAM_STARTTLS:
		start_tls(x);
		break;
	case LY_STREAM_AUTH_NEEDED:
		ask_store(x, ev->user, ev->domain);
		break;
	case LY_STREAM_AUTH_FAILED:
		login_failed(x, ev->user);
		break;
	case LY_STREAM_AUTHENTICATED:
		break;
	case LY_STREAM_BIND:
		x->resource = ev->resource;
		x->wants_bind = true;
		break;
	case LY_STREAM_STANZA:
		if (x->session == NULL || x->wants_close) {
			ly_stanza_free(ev->stanza);
			break;
		}
		ly_homes_touch(x->w);
		ly_session_recv(x->session, ev->stanza);
		break;
	case LY_STREAM_NONZA:
		ly_xml_doc_free(ev->nonza);
		break;
	case LY_STREAM_CLOSED:
		stream_closed(x, ev);
		break;
	}
}

/* What the events asked for and what may be done only when all of them are taken.
 * @return whether there may be new events */
static bool follow_up(struct ly_xmpp *x)
{
	if (x->is_closed)
		return false;
	if (x->wants_close) {
		ly_stream_close(x->stream, now_of(x), (enum ly_stream_error)x->close_cond,
				x->close_text);
		return true;
	}
	if (x->wants_refusal) {
		x->wants_refusal = false;
		ly_stream_credentials_failed(x->stream, now_of(x));
		return true;
	}
	if (x->wants_bind) {
		x->wants_bind = false;
		do_bind(x);
		return true;
	}
	return false;
}

static void drain(struct ly_xmpp *x)
{
	struct ly_stream_event ev;

	if (x->in_drain)
		return;
	x->in_drain = true;
	do {
		while (ly_stream_poll(x->stream, &ev))
			handle(x, &ev);
	} while (follow_up(x));
	x->in_drain = false;
	if (x->c->move_to == NULL)
		arm(x);
}

static void on_timer(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	struct ly_xmpp *x = LY_CONTAINER_OF(timer, struct ly_xmpp, timer);
	ly_usec now = ly_loop_now(loop);

	if (now >= x->resume_at) {
		x->resume_at = LY_NEVER;
		ly_conn_resume(x->c);
	}
	if (now >= x->login_until) {
		x->login_until = LY_NEVER;
		request_close(x, LY_STREAM_CONNECTION_TIMEOUT, "log-in took too long");
		if (!x->is_closed) /* no stream yet: TLS never finished */
			ly_conn_abort(x->c, "login-timeout");
		return;
	}
	if (now >= ly_stream_deadline(x->stream))
		ly_stream_tick(x->stream, now);
	drain(x);
}

/* Slows a client down that sends more than its share: reading stops until the debt is paid. */
static void charge(struct ly_xmpp *x, size_t len)
{
	int64_t rate = (int64_t)x->w->rate_bps;
	ly_usec now = now_of(x);

	if (rate == 0)
		return;
	x->tokens = LY_MIN(rate * 4, x->tokens + LY_MIN(now - x->filled, LY_SEC(4)) * rate / 1000000);
	x->filled = now;
	x->tokens -= (int64_t)len;
	if (x->tokens >= 0 || x->resume_at != LY_NEVER)
		return;
	x->resume_at = now + (-x->tokens * 1000000) / rate + 1000;
	ly_conn_pause(x->c);
}

/* -- from the connection -- */

static void took(struct ly_xmpp *x, struct ly_span bytes)
{
	charge(x, bytes.len);
	ly_stream_recv(x->stream, now_of(x), bytes);
	drain(x);
}

static void on_data(struct ly_conn *c, struct ly_span bytes)
{
	took(c->user, bytes);
}

static void tell_tls(struct ly_xmpp *x)
{
	uint8_t exporter[32], endpoint[EVP_MAX_MD_SIZE];
	unsigned endpoint_len = 0;
	X509 *cert = SSL_get_certificate(x->c->ssl);
	struct ly_stream_tls tls = { 0 };

	if (ly_tls_exporter(x->c->ssl, exporter) == 0)
		tls.exporter = ly_span(exporter, sizeof(exporter));
	if (cert != NULL && X509_digest(cert, EVP_sha256(), endpoint, &endpoint_len) == 1)
		tls.endpoint = ly_span(endpoint, endpoint_len);
	if (ly_stream_tls_done(x->stream, now_of(x), &tls) != 0)
		ly_conn_abort(x->c, "resources");
	ly_wipe(exporter, sizeof(exporter));
	drain(x);
}

static void on_secured(struct ly_conn *c)
{
	tell_tls(c->user);
}

static void on_eof(struct ly_conn *c)
{
	struct ly_xmpp *x = c->user;

	ly_stream_eof(x->stream, now_of(x));
	drain(x);
	if (!x->is_closed)
		ly_conn_abort(c, "eof");
}

static void on_overflow(struct ly_conn *c)
{
	request_close(c->user, LY_STREAM_RESOURCE_CONSTRAINT, "too much waits to be read");
}

static void on_moved(struct ly_conn *c)
{
	arrived(c->user);
}

static void on_closed(struct ly_conn *c, const char *why)
{
	struct ly_xmpp *x = c->user;

	ly_log(&xmpp_log, LY_DEBUG, "closed", "why=%s", why);
	ly_limits_leave(x->w->server->limits, &c->peer, now_of(x));
	destroy(x);
}

static const struct ly_conn_ops tcp_ops = {
	.data = on_data,
	.secured = on_secured,
	.eof = on_eof,
	.overflow = on_overflow,
	.moved = on_moved,
	.closed = on_closed,
};

void ly_xmpp_accept(struct ly_worker *w, int fd, const struct ly_addr *peer, bool direct_tls)
{
	struct ly_xmpp *x = create(w, &w->strict, LY_STREAM_TCP);

	if (x == NULL)
		close(fd);
	else
		x->c = ly_conn_create(w->loop, fd, peer, &tcp_ops, x);
	if (x == NULL || x->c == NULL) {
		if (x != NULL)
			destroy(x);
		ly_limits_leave(w->server->limits, peer, ly_loop_now(w->loop));
		return;
	}
	x->c->max_queue = w->max_queue;
	arm(x);
	if (direct_tls && ly_conn_start_tls(x->c, w->tls_xmpp) != 0)
		ly_conn_abort(x->c, "resources");
}

/* -- from a WebSocket -- */

static void ws_opened(struct ly_ws *ws)
{
	struct ly_xmpp *x = ly_ws_user(ws);

	if (x->c->tls == LY_TLS_ON)
		tell_tls(x);
	arm(x);
}

static void ws_message(struct ly_ws *ws, struct ly_span text)
{
	took(ly_ws_user(ws), text);
}

static void ws_overflow(struct ly_ws *ws)
{
	request_close(ly_ws_user(ws), LY_STREAM_RESOURCE_CONSTRAINT, "too much waits to be read");
}

static void ws_moved(struct ly_ws *ws)
{
	arrived(ly_ws_user(ws));
}

static void ws_closed(struct ly_ws *ws, unsigned code)
{
	ly_log(&xmpp_log, LY_DEBUG, "closed", "websocket_code=%u", code);
	destroy(ly_ws_user(ws));
}

static const struct ly_ws_ops ws_ops = {
	.opened = ws_opened,
	.message = ws_message,
	.overflow = ws_overflow,
	.moved = ws_moved,
	.closed = ws_closed,
};

static bool is_loopback(const struct ly_addr *a)
{
	static const uint8_t v6[16] = { [15] = 1 };

	return (a->family == 4 && a->ip[0] == 127) ||
	       (a->family == 6 && memcmp(a->ip, v6, sizeof(v6)) == 0);
}

int ly_xmpp_ws_open(struct ly_ws *ws, const struct ly_http_req *req, void *ctx)
{
	struct ly_worker *w = req->loop->user;
	bool is_local = !req->is_tls && is_loopback(&req->peer);
	struct ly_xmpp *x = create(w, is_local ? &w->local : &w->strict, LY_STREAM_WEBSOCKET);

	(void)ctx;
	if (x == NULL)
		return 503;
	x->c = ly_ws_conn(ws);
	x->ws = ws;
	ly_ws_attach(ws, &ws_ops, x, w->max_queue);
	return 0;
}

/* -- the home's words -- */

void ly_xmpp_send(void *ctx, uint64_t conn, struct ly_blob *blob, struct ly_span to)
{
	struct ly_xmpp *x = find_here(conn);
	char jid[3100];
	struct ly_buf fill;

	(void)ctx;
	if (x == NULL || x->is_closed)
		return;
	ly_buf_init(&fill, LY_MEM_QUEUE, 0);
	if (to.len > 0 && to.len < sizeof(jid) && blob->hole != LY_NO_HOLE) {
		memcpy(jid, to.ptr, to.len);
		jid[to.len] = 0;
		ly_xml_write_to(&fill, jid);
	}
	if (x->ws != NULL)
		ly_ws_send_blob(x->ws, blob, ly_buf_span(&fill));
	else
		ly_conn_send_blob(x->c, blob, ly_span(NULL, 0), ly_buf_span(&fill));
	ly_buf_fini(&fill);
}

/* -- the worker -- */

void ly_xmpp_set_limits(struct ly_worker *w, const struct ly_config *conf)
{
	w->rate_bps = conf->limits.stream_rate;
	w->max_queue = conf->limits.stream_queue;
	w->login_timeout = conf->limits.login_timeout;
	w->strict.after_login = ly_xml_limits_default;
	w->strict.after_login.bytes = (uint32_t)conf->limits.stanza_size;
	w->local.after_login = w->strict.after_login;
}

int ly_xmpp_worker_init(struct ly_worker *w)
{
	struct ly_server *s = w->server;

	ly_list_init(&w->xmpps);
	ly_map_init(&w->conns, LY_MEM_CONN, 0);
	w->parsers = ly_xml_pool_create(64);
	if (w->parsers == NULL)
		return -ENOMEM;
	w->strict = (struct ly_stream_conf) {
		.hosts = s->domains,
		.rand = &w->rand.rand,
		.secret = ly_span(s->secret, sizeof(s->secret)),
		.starttls = true,
		.require_tls = s->conf->auth.require_tls,
		/* Priming a parser costs 4 us; parsers of a wave of log-ins that stay borrowed for seconds
		 * are allocated between the sessions and leave 4 kB of holes for each of them. */
		.linger = LY_MS(200),
	};
	w->local = w->strict;
	w->local.require_tls = false;
	w->local.plain_without_tls = true;
	ly_xmpp_set_limits(w, s->conf);
	return 0;
}

void ly_xmpp_worker_fini(struct ly_worker *w)
{
	ly_map_fini(&w->conns);
	ly_xml_pool_free(w->parsers);
}

void ly_xmpp_close_all(struct ly_worker *w)
{
	ly_homes_touch(w);
	ly_home_close_all(w->home, LY_STREAM_SYSTEM_SHUTDOWN, NULL);
	LY_LIST_EACH(it, tmp, &w->xmpps)
		request_close(LY_LIST_ENTRY(it, struct ly_xmpp, node), LY_STREAM_SYSTEM_SHUTDOWN,
			      NULL);
}

size_t ly_xmpp_count(const struct ly_worker *w)
{
	return w->n_xmpps;
}
