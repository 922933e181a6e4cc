#include "server/io/xmpp_conn.h"

#include "base/err.h"
#include "base/log.h"
#include "server/io/homes.h"
#include "server/admin/metrics.h"
#include "server/io/xmpp_priv.h"

const struct ly_log ly_xmpp_log = { "xmpp", "" };

/* A session whose last stanzas are still being stored is asked again so soon. */
#define RESUME_RETRY LY_MS(10)

/* The connection on the calling loop; none on other threads (homes are freed by the main one). */
static struct ly_xmpp *find_here(uint64_t id)
{
	struct ly_loop *loop = ly_loop_current();

	return loop != NULL ? ly_xmpp_find(loop->user, id) : NULL;
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

void ly_xmpp_arm(struct ly_xmpp *x)
{
	ly_usec at = ly_stream_deadline(x->stream);

	at = LY_MIN(at, x->login_until);
	at = LY_MIN(at, LY_MIN(x->resume_at, x->bind_at));
	if (x->timer.t.pos == 0 ? at != LY_NEVER : at != x->timer.t.at)
		ly_loop_timer_set(x->w->loop, &x->timer, at);
}

static void on_timer(struct ly_loop *loop, struct ly_loop_timer *timer);

struct ly_xmpp *ly_xmpp_create(struct ly_worker *w, const struct ly_stream_conf *conf,
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
	x->bind_at = LY_NEVER;
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

/* A stream that was closed ends its session; a connection that broke may leave it (XEP-0198). */
static void leave_session(struct ly_xmpp *x)
{
	if (x->session == NULL)
		return;
	ly_log(&ly_xmpp_log, LY_INFO, "logout", "jid=%s", ly_session_jid(x->session));
	ly_homes_touch(x->w);
	if (x->is_closed && !x->is_lost)
		ly_session_detach(x->session);
	else
		ly_session_lost(x->session);
	x->session = NULL;
}

void ly_xmpp_destroy(struct ly_xmpp *x)
{
	leave_session(x);
	leave(x);
	ly_stream_free(x->stream);
	ly_xml_doc_free(x->resume);
	ly_free((void *)x->close_text, LY_MEM_CONN);
	ly_free(x, LY_MEM_CONN);
}

/* -- closing -- */

void ly_xmpp_request_close(struct ly_xmpp *x, enum ly_stream_error cond, const char *text)
{
	if (x->wants_close || x->is_closed)
		return;
	x->wants_close = true;
	x->close_cond = (uint8_t)cond;
	x->close_text = text != NULL ? ly_strdup(text, LY_MEM_CONN) : NULL;
	ly_xmpp_drain(x);
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
		ly_xmpp_request_close(x, cond, text);
}

/* -- bind -- */

static void log_login(struct ly_xmpp *x, const char *event)
{
	char ip[LY_ADDR_MAX];

	x->login_until = LY_NEVER;
	ly_metric_add(LY_METRIC_LOGIN_OK, 1);
	ly_log(&ly_xmpp_log, LY_INFO, event, "jid=%s peer=%s via=%s tls=%s",
	       ly_session_jid(x->session), ly_addr_format_ip(&x->c->peer, ip, sizeof(ip)),
	       x->ws != NULL ? "websocket" : "tcp", ly_conn_tls_version(x->c));
}

/* The connection that the session had until now: it may not have noticed yet that it is dead. */
static void close_replaced(uint64_t conn)
{
	struct ly_xmpp *old = conn ? find_here(conn) : NULL;

	if (old == NULL)
		return;
	old->session = NULL;
	ly_xmpp_request_close(old, LY_STREAM_CONFLICT, "resumed on a newer connection");
}

static void resume_here(struct ly_xmpp *x)
{
	uint64_t replaced;
	int rc = ly_session_resume(x->w->home, x->id, ly_stream_jid(x->stream), x->resume->root,
				   &x->session, &replaced);

	close_replaced(replaced);
	if (rc == -EAGAIN) {
		x->bind_at = ly_xmpp_now(x) + RESUME_RETRY;
		return;
	}
	ly_xml_doc_free(x->resume);
	x->resume = NULL;
	if (rc == -ERANGE)
		return; /* closed */
	if (rc != 0) {
		x->session = NULL;
		ly_stream_resume_failed(x->stream, ly_xmpp_now(x),
					rc == -EINVAL ? LY_BAD_REQUEST : LY_ITEM_NOT_FOUND);
		return;
	}
	if (ly_stream_resumed(x->stream, ly_xmpp_now(x), x->session->resource) != 0) {
		ly_conn_abort(x->c, "resources"); /* the session waits for the next one */
		return;
	}
	log_login(x, "resumed");
}

static void bind_here(struct ly_xmpp *x)
{
	int rc;

	ly_homes_touch(x->w);
	if (x->resume != NULL) {
		resume_here(x);
		return;
	}
	rc = ly_session_bind(x->w->home, x->id, ly_stream_jid(x->stream), x->resource, &x->session);
	if (rc != 0) {
		x->session = NULL;
		ly_stream_bind_failed(x->stream, ly_xmpp_now(x),
				      rc == -E2BIG    ? LY_RESOURCE_CONSTRAINT
				      : rc == -EINVAL ? LY_BAD_REQUEST
						      : LY_INTERNAL_SERVER_ERROR);
		return;
	}
	rc = ly_stream_bound(x->stream, ly_xmpp_now(x), x->session->resource);
	if (rc != 0) {
		ly_xmpp_request_close(x, LY_STREAM_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	log_login(x, "login");
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
		ly_xmpp_request_close(x, LY_STREAM_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	leave(x);
	if (x->ws != NULL ? !ly_ws_move(x->ws, to) : !ly_conn_move(x->c, to))
		enter(x, x->w); /* it is closing */
}

void ly_xmpp_arrived(struct ly_xmpp *x)
{
	struct ly_worker *w = x->c->loop->user;
	bool is_local = x->ws != NULL && x->c->tls != LY_TLS_ON; /* bound, so it was let in */

	if (enter(x, w) != 0) {
		ly_conn_abort(x->c, "resources");
		return;
	}
	ly_stream_adopt(x->stream, is_local ? &w->local : &w->strict, w->parsers);
	bind_here(x);
	ly_xmpp_drain(x);
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
	/* s. 5: it cannot be resumed. Not while the home itself closes it (env.close), which then
	 * ends the session too */
	if (!x->wants_close && x->session != NULL && x->session->sm != NULL)
		leave_session(x);
	if (ev->error != LY_STREAM_OK)
		ly_log(&ly_xmpp_log, ev->error == LY_STREAM_SYSTEM_SHUTDOWN ? LY_DEBUG : LY_WARN,
		       "stream-error", "peer=%s error=%s reason=\"%s\"",
		       ly_addr_format_ip(&x->c->peer, ip, sizeof(ip)),
		       ly_stream_error_name(ev->error), ev->reason != NULL ? ev->reason : "");
	end_connection(x);
}

static void write_out(struct ly_xmpp *x, struct ly_span data)
{
	if (x->ws != NULL)
		ly_ws_send(x->ws, data);
	else
		ly_conn_send(x->c, data);
}

/* XEP-0198, the only protocol with elements of its own. */
static void take_nonza(struct ly_xmpp *x, struct ly_xml_doc *doc)
{
	if (x->session == NULL && !x->wants_close && x->resume == NULL &&
	    strcmp(doc->root->name, "resume") == 0) {
		x->resume = doc;
		x->wants_bind = true;
		return;
	}
	if (x->session != NULL && !x->wants_close) {
		ly_homes_touch(x->w);
		ly_session_nonza(x->session, doc->root);
	} else if (!x->wants_close) {
		ly_stream_resume_failed(x->stream, ly_xmpp_now(x), LY_UNEXPECTED_REQUEST);
	}
	ly_xml_doc_free(doc);
}

static void handle(struct ly_xmpp *x, const struct ly_stream_event *ev)
{
	switch (ev->kind) {
	case LY_STREAM_OUT:
		write_out(x, ev->data);
		break;
	case LY_STREAM_ANSWERED:
		if (x->session == NULL || x->wants_close)
			break;
		ly_homes_touch(x->w);
		ly_session_answered(x->session, ev->data);
		break;
	case LY_STREAM_STARTTLS:
		start_tls(x);
		break;
	case LY_STREAM_AUTH_NEEDED:
		ly_xmpp_ask_store(x, ev->user, ev->domain);
		break;
	case LY_STREAM_AUTH_FAILED:
		ly_xmpp_login_failed(x, ev->user);
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
		take_nonza(x, ev->nonza);
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
		ly_stream_close(x->stream, ly_xmpp_now(x), (enum ly_stream_error)x->close_cond,
				x->close_text);
		return true;
	}
	if (x->wants_refusal) {
		x->wants_refusal = false;
		ly_stream_credentials_failed(x->stream, ly_xmpp_now(x));
		return true;
	}
	if (x->wants_bind) {
		x->wants_bind = false;
		do_bind(x);
		return true;
	}
	return false;
}

void ly_xmpp_drain(struct ly_xmpp *x)
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
		ly_xmpp_arm(x);
}

static void on_timer(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	struct ly_xmpp *x = LY_CONTAINER_OF(timer, struct ly_xmpp, timer);
	ly_usec now = ly_loop_now(loop);

	if (now >= x->resume_at) {
		x->resume_at = LY_NEVER;
		ly_conn_resume(x->c);
	}
	if (now >= x->bind_at) {
		x->bind_at = LY_NEVER;
		x->wants_bind = true;
	}
	if (now >= x->login_until) {
		x->login_until = LY_NEVER;
		ly_xmpp_request_close(x, LY_STREAM_CONNECTION_TIMEOUT, "log-in took too long");
		if (!x->is_closed) /* no stream yet: TLS never finished */
			ly_conn_abort(x->c, "login-timeout");
		return;
	}
	if (now >= ly_stream_deadline(x->stream))
		ly_stream_tick(x->stream, now);
	ly_xmpp_drain(x);
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
	static const char *const nonzas[] = { LY_NS_SM, NULL };
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
		.features = "<sm xmlns='" LY_NS_SM "'/>",
		.nonzas = nonzas,
		/* Priming a parser costs 4 us; parsers of a wave of log-ins that stay borrowed for
		 * seconds are allocated between the sessions and leave 4 kB of holes for each of
		 * them. */
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
	LY_LIST_EACH (it, tmp, &w->xmpps)
		ly_xmpp_request_close(LY_LIST_ENTRY(it, struct ly_xmpp, node),
				      LY_STREAM_SYSTEM_SHUTDOWN, NULL);
}

size_t ly_xmpp_count(const struct ly_worker *w)
{
	return w->n_xmpps;
}
