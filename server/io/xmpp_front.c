/* XMPP from TCP and from WebSockets: what the transport says goes to the stream. */
#include <openssl/x509.h>
#include <unistd.h>

#include "base/log.h"
#include "server/io/tls.h"
#include "server/io/xmpp_priv.h"

/* Slows a client down that sends more than its share: reading stops until the debt is paid. */
static void charge(struct ly_xmpp *x, size_t len)
{
	int64_t rate = (int64_t)x->w->rate_bps;
	ly_usec now = ly_xmpp_now(x);

	if (rate == 0)
		return;
	x->tokens =
		LY_MIN(rate * 4, x->tokens + LY_MIN(now - x->filled, LY_SEC(4)) * rate / 1000000);
	x->filled = now;
	x->tokens -= (int64_t)len;
	if (x->tokens >= 0 || x->resume_at != LY_NEVER)
		return;
	x->resume_at = now + (-x->tokens * 1000000) / rate + 1000;
	ly_conn_pause(x->c);
}

static void took(struct ly_xmpp *x, struct ly_span bytes)
{
	charge(x, bytes.len);
	ly_stream_recv(x->stream, ly_xmpp_now(x), bytes);
	ly_xmpp_drain(x);
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
	if (ly_stream_tls_done(x->stream, ly_xmpp_now(x), &tls) != 0)
		ly_conn_abort(x->c, "resources");
	ly_wipe(exporter, sizeof(exporter));
	ly_xmpp_drain(x);
}

static void on_secured(struct ly_conn *c)
{
	tell_tls(c->user);
}

static void on_eof(struct ly_conn *c)
{
	struct ly_xmpp *x = c->user;

	x->is_lost = !x->is_closed;
	ly_stream_eof(x->stream, ly_xmpp_now(x));
	ly_xmpp_drain(x);
	if (!x->is_closed)
		ly_conn_abort(c, "eof");
}

static void on_overflow(struct ly_conn *c)
{
	ly_xmpp_request_close(c->user, LY_STREAM_RESOURCE_CONSTRAINT, "too much waits to be read");
}

static void on_moved(struct ly_conn *c)
{
	ly_xmpp_arrived(c->user);
}

static void on_closed(struct ly_conn *c, const char *why)
{
	struct ly_xmpp *x = c->user;

	ly_log(&ly_xmpp_log, LY_DEBUG, "closed", "why=%s", why);
	ly_limits_leave(x->w->server->limits, &c->peer, ly_xmpp_now(x));
	ly_xmpp_destroy(x);
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
	struct ly_xmpp *x = ly_xmpp_create(w, &w->strict, LY_STREAM_TCP);

	if (x == NULL)
		close(fd);
	else
		x->c = ly_conn_create(w->loop, fd, peer, &tcp_ops, x);
	if (x == NULL || x->c == NULL) {
		if (x != NULL)
			ly_xmpp_destroy(x);
		ly_limits_leave(w->server->limits, peer, ly_loop_now(w->loop));
		return;
	}
	x->c->max_queue = w->max_queue;
	ly_xmpp_arm(x);
	if (direct_tls && ly_conn_start_tls(x->c, w->tls_xmpp) != 0)
		ly_conn_abort(x->c, "resources");
}

/* -- from a WebSocket -- */

static void ws_opened(struct ly_ws *ws)
{
	struct ly_xmpp *x = ly_ws_user(ws);

	if (x->c->tls == LY_TLS_ON)
		tell_tls(x);
	ly_xmpp_arm(x);
}

static void ws_message(struct ly_ws *ws, struct ly_span text)
{
	took(ly_ws_user(ws), text);
}

static void ws_overflow(struct ly_ws *ws)
{
	ly_xmpp_request_close(ly_ws_user(ws), LY_STREAM_RESOURCE_CONSTRAINT,
			      "too much waits to be read");
}

static void ws_moved(struct ly_ws *ws)
{
	ly_xmpp_arrived(ly_ws_user(ws));
}

static void ws_closed(struct ly_ws *ws, unsigned code)
{
	ly_log(&ly_xmpp_log, LY_DEBUG, "closed", "websocket_code=%u", code);
	ly_xmpp_destroy(ly_ws_user(ws));
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
	struct ly_xmpp *x =
		ly_xmpp_create(w, is_local ? &w->local : &w->strict, LY_STREAM_WEBSOCKET);

	(void)ctx;
	if (x == NULL)
		return 503;
	x->c = ly_ws_conn(ws);
	x->ws = ws;
	ly_ws_attach(ws, &ws_ops, x, w->max_queue);
	return 0;
}
