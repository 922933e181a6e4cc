#include "server/io/ws.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <strings.h>
#include <wslay/wslay.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "server/io/http_priv.h"

enum { OP_CONT = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct ly_ws {
	struct ly_conn *c;
	const struct ly_ws_ops *ops;
	void *user;
	struct ly_limits *limits; /* borrowed; may be NULL */
	/* state while frames arrive; NULL and empty when idle */
	wslay_frame_context_ptr frames;
	struct ly_span input; /* what the frame parser still reads */
	struct ly_buf msg;    /* fragments of the message so far */
	struct ly_buf control;
	uint64_t frame_left;    /* payload bytes of the present frame still to come */
	uint64_t n_fed, n_used; /* bytes given to the frame parser, and taken by whole frames */
	uint8_t opcode;         /* of the present frame */
	bool in_frame, in_message, is_fin;
	bool is_closing;      /* a close frame was sent */
	uint8_t n_unanswered; /* pings */
	unsigned code;        /* the peer's */
	struct ly_loop_timer ping;
};

static const struct ly_log ws_log = { "websocket", "" };
static const struct ly_conn_ops ws_ops;

void ly_ws_attach(struct ly_ws *ws, const struct ly_ws_ops *ops, void *user, size_t max_queue)
{
	ws->ops = ops;
	ws->user = user;
	ws->c->max_queue = max_queue;
}

void *ly_ws_user(const struct ly_ws *ws)
{
	return ws->user;
}

struct ly_conn *ly_ws_conn(const struct ly_ws *ws)
{
	return ws->c;
}

/* -- sending -- */

size_t ly_ws_frame_header(uint8_t out[10], unsigned opcode, uint64_t len)
{
	struct ly_wr w = ly_wr(out, 10);

	ly_wr_u8(&w, (uint8_t)(0x80 | opcode));
	if (len < 126) {
		ly_wr_u8(&w, (uint8_t)len);
	} else if (len < 65536) {
		ly_wr_u8(&w, 126);
		ly_wr_u16(&w, (uint16_t)len);
	} else {
		ly_wr_u8(&w, 127);
		ly_wr_u64(&w, len);
	}
	return ly_wr_len(&w);
}

static int send_frame(struct ly_ws *ws, unsigned opcode, struct ly_span payload)
{
	struct ly_buf b;
	uint8_t head[10];
	int rc;

	ly_buf_init(&b, LY_MEM_CONN, 0);
	ly_buf_add(&b, head, ly_ws_frame_header(head, opcode, payload.len));
	ly_buf_add(&b, payload.ptr, payload.len);
	rc = b.err != 0 ? b.err : ly_conn_send(ws->c, ly_buf_span(&b));
	ly_buf_fini(&b);
	return rc;
}

int ly_ws_send(struct ly_ws *ws, struct ly_span text)
{
	return ws->is_closing ? -EPROTO : send_frame(ws, OP_TEXT, text);
}

int ly_ws_send_blob(struct ly_ws *ws, struct ly_blob *blob, struct ly_span fill)
{
	uint8_t head[10];
	size_t len = blob->len + (blob->hole != LY_NO_HOLE ? fill.len : 0);

	if (ws->is_closing)
		return -EPROTO;
	return ly_conn_send_blob(ws->c, blob, ly_span(head, ly_ws_frame_header(head, OP_TEXT, len)),
				 fill);
}

void ly_ws_close(struct ly_ws *ws, unsigned code, const char *reason)
{
	uint8_t mem[125];
	struct ly_wr w = ly_wr(mem, sizeof(mem));

	if (!ws->is_closing) {
		if (code != 1005) {
			ly_wr_u16(&w, (uint16_t)code);
			ly_wr_bytes(&w, ly_span(reason, LY_MIN(strlen(reason), (size_t)123)));
		}
		ws->is_closing = true;
		send_frame(ws, OP_CLOSE, ly_span(mem, ly_wr_len(&w)));
	}
	ly_conn_close(ws->c, "websocket-close");
}

bool ly_ws_move(struct ly_ws *ws, struct ly_loop *to)
{
	if (ws->c->loop == to)
		return false;
	ly_loop_timer_del(ws->c->loop, &ws->ping);
	if (ly_conn_move(ws->c, to))
		return true;
	ly_loop_timer_set(ws->c->loop, &ws->ping, ly_loop_now(ws->c->loop) + LY_WS_PING);
	return false;
}

/* -- receiving -- */

static ssize_t feed(uint8_t *buf, size_t len, int flags, void *user)
{
	struct ly_ws *ws = user;
	size_t n = LY_MIN(len, ws->input.len);

	(void)flags;
	if (n == 0)
		return -1;
	memcpy(buf, ws->input.ptr, n);
	ws->input = ly_span(ws->input.ptr + n, ws->input.len - n);
	ws->n_fed += n;
	return (ssize_t)n;
}

/* The rules of a frame's header (RFC 6455 s. 5). @return 0 or the close code */
static unsigned check_frame(const struct ly_ws *ws, const struct wslay_frame_iocb *f)
{
	bool is_control = f->opcode >= OP_CLOSE;

	if (!f->mask || f->rsv != 0)
		return 1002; /* s. 5.1: a client's frames are masked */
	if (is_control)
		return f->fin && f->payload_length <= 125 && f->opcode <= OP_PONG ? 0 : 1002;
	if (f->opcode == OP_CONT ? !ws->in_message : ws->in_message)
		return 1002;
	if (f->opcode == OP_BINARY)
		return 1003;
	if (f->opcode > OP_BINARY)
		return 1002;
	return f->payload_length + ws->msg.len > LY_WS_MESSAGE_MAX ? 1009 : 0;
}

/* UTF-8 without overlong forms and surrogates (s. 8.1: else 1007). */
static bool is_utf8(struct ly_span s)
{
	size_t i = 0;

	while (i < s.len) {
		uint8_t c = s.ptr[i];
		size_t n = c < 0x80                ? 0
			   : c >= 0xc2 && c < 0xe0 ? 1
			   : (c & 0xf0) == 0xe0    ? 2
			   : c >= 0xf0 && c < 0xf5 ? 3
						   : 9;

		if (n == 9 || s.len - i <= n)
			return false;
		for (size_t k = 1; k <= n; k++)
			if ((s.ptr[i + k] & 0xc0) != 0x80)
				return false;
		if ((c == 0xe0 && s.ptr[i + 1] < 0xa0) || (c == 0xed && s.ptr[i + 1] > 0x9f) ||
		    (c == 0xf0 && s.ptr[i + 1] < 0x90) || (c == 0xf4 && s.ptr[i + 1] > 0x8f))
			return false;
		i += n + 1;
	}
	return true;
}

static void got_close(struct ly_ws *ws)
{
	struct ly_rd r = ly_rd(ly_buf_span(&ws->control));
	unsigned code = ws->control.len >= 2 ? ly_rd_u16(&r) : 1005;
	bool is_valid = ws->control.len == 0 ||
			(ws->control.len >= 2 &&
			 ((code >= 1000 && code < 1004) || (code >= 1007 && code <= 1014) ||
			  (code >= 3000 && code < 5000)));

	ws->code = code;
	if (ws->control.len < 2 && is_valid)
		ly_ws_close(ws, 1005, "");
	else
		ly_ws_close(ws, is_valid ? code : 1002, "");
}

static void end_frame(struct ly_ws *ws)
{
	ws->in_frame = false;
	switch (ws->opcode) {
	case OP_CLOSE:
		got_close(ws);
		break;
	case OP_PING:
		send_frame(ws, OP_PONG, ly_buf_span(&ws->control));
		break;
	case OP_PONG:
		ws->n_unanswered = 0;
		break;
	default:
		if (!ws->is_fin)
			break;
		ws->in_message = false;
		if (!is_utf8(ly_buf_span(&ws->msg))) {
			ly_ws_close(ws, 1007, "not UTF-8");
			break;
		}
		ws->n_unanswered = 0;
		ws->ops->message(ws, ly_buf_span(&ws->msg));
		ly_buf_fini(&ws->msg);
		ly_buf_init(&ws->msg, LY_MEM_CONN, LY_WS_MESSAGE_MAX + 1);
		break;
	}
	ly_buf_reset(&ws->control);
}

static unsigned got_payload(struct ly_ws *ws, const struct wslay_frame_iocb *f)
{
	struct ly_buf *to = f->opcode >= OP_CLOSE ? &ws->control : &ws->msg;

	if (!ws->in_frame) {
		unsigned code = check_frame(ws, f);

		if (code != 0)
			return code;
		ws->n_used += 6u + (f->payload_length < 126     ? 0u
				    : f->payload_length < 65536 ? 2u
								: 8u);
		ws->in_frame = true;
		ws->opcode = f->opcode;
		ws->frame_left = f->payload_length;
		if (f->opcode < OP_CLOSE) {
			ws->in_message = true;
			ws->is_fin = f->fin;
		}
	}
	ly_buf_add(to, f->data, f->data_length);
	if (to->err != 0)
		return 1011;
	ws->n_used += f->data_length;
	ws->frame_left -= f->data_length;
	if (ws->frame_left == 0)
		end_frame(ws);
	return 0;
}

/* Between messages nothing is kept: 4 kB of frame parser for each idle connection would be most of
 * it. */
static void park(struct ly_ws *ws)
{
	if (ws->frames == NULL)
		return;
	wslay_frame_context_free(ws->frames);
	ws->frames = NULL;
	ws->n_fed = ws->n_used = 0;
	ly_buf_fini(&ws->msg);
	ly_buf_fini(&ws->control);
}

static bool unpark(struct ly_ws *ws)
{
	static const struct wslay_frame_callbacks cb = { .recv_callback = feed };

	if (ws->frames != NULL)
		return true;
	ly_buf_init(&ws->msg, LY_MEM_CONN, LY_WS_MESSAGE_MAX + 1);
	ly_buf_init(&ws->control, LY_MEM_CONN, 128);
	return wslay_frame_context_init(&ws->frames, &cb, ws) == 0;
}

static void receive(struct ly_ws *ws)
{
	while (!ws->is_closing) {
		struct wslay_frame_iocb f = { 0 };
		ssize_t r = wslay_frame_recv(ws->frames, &f);
		unsigned code;

		if (r == WSLAY_ERR_WANT_READ)
			break;
		code = r < 0 ? 1002 : got_payload(ws, &f);
		if (code != 0) {
			ly_log(&ws_log, LY_WARN, "bad-frame", "code=%u", code);
			ly_ws_close(ws, code, "");
		}
	}
	/* wslay may hold the beginning of a header: then its context must stay */
	if (!ws->in_frame && !ws->in_message && ws->n_fed == ws->n_used)
		park(ws);
}

static void on_data(struct ly_conn *c, struct ly_span bytes)
{
	struct ly_ws *ws = c->user;

	if (ws->is_closing)
		return;
	if (!unpark(ws)) {
		ly_ws_close(ws, 1011, "out of memory");
		return;
	}
	ws->input = bytes;
	receive(ws);
	ws->input = ly_span(NULL, 0);
}

static void on_eof(struct ly_conn *c)
{
	ly_conn_close(c, "eof");
}

static void on_overflow(struct ly_conn *c)
{
	struct ly_ws *ws = c->user;

	if (ws->ops->overflow != NULL)
		ws->ops->overflow(ws);
	ly_ws_close(ws, 1008, "slow reader");
}

static void on_moved(struct ly_conn *c)
{
	struct ly_ws *ws = c->user;

	ly_loop_timer_set(c->loop, &ws->ping, ly_loop_now(c->loop) + LY_WS_PING);
	if (ws->ops->moved != NULL)
		ws->ops->moved(ws);
}

static void ws_free(struct ly_ws *ws)
{
	park(ws);
	ly_free(ws, LY_MEM_CONN);
}

static void on_closed(struct ly_conn *c, const char *why)
{
	struct ly_ws *ws = c->user;

	(void)why;
	ly_loop_timer_del(c->loop, &ws->ping);
	if (ws->limits != NULL)
		ly_limits_leave(ws->limits, &c->peer, ly_loop_now(c->loop));
	ws->ops->closed(ws, ws->code);
	ws_free(ws);
}

static const struct ly_conn_ops ws_ops = {
	.data = on_data,
	.eof = on_eof,
	.overflow = on_overflow,
	.moved = on_moved,
	.closed = on_closed,
};

static void on_ping(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	struct ly_ws *ws = LY_CONTAINER_OF(timer, struct ly_ws, ping);

	if (ws->n_unanswered == 2) {
		ly_ws_close(ws, 1001, "ping timeout");
		return;
	}
	ws->n_unanswered++;
	send_frame(ws, OP_PING, ly_span(NULL, 0));
	ly_loop_timer_set(loop, timer, ly_loop_now(loop) + LY_WS_PING);
}

/* -- the upgrade (RFC 6455 s. 4.2) -- */

int ly_ws_accept_key(char out[29], const char *key)
{
	uint8_t hash[SHA_DIGEST_LENGTH], nonce[20];
	char text[80];

	if (strlen(key) != 24 || ly_base64_decode(nonce, sizeof(nonce), key, 24) != 16)
		return -EBADMSG;
	snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	SHA1((const uint8_t *)text, strlen(text), hash);
	return ly_base64_encode(out, 29, ly_span(hash, sizeof(hash))) == 28 ? 0 : -EBADMSG;
}

/* A comma-separated list has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list != NULL && *list != 0) {
		list += strspn(list, ", \t");
		if (strncasecmp(list, word, len) == 0 &&
		    (list[len] == 0 || strchr(", \t", list[len]) != NULL))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static const struct ly_ws_route *find_route(const struct ly_http_conf *conf, const char *path)
{
	for (size_t i = 0; i < conf->n_ws_routes; i++) {
		const struct ly_ws_route *r = &conf->ws_routes[i];
		size_t len = strlen(r->path);

		if (r->path[len - 1] == '/' ? strncmp(path, r->path, len) == 0
					    : strcmp(path, r->path) == 0)
			return r;
	}
	return NULL;
}

static int send_switch(struct ly_conn *c, const char *accept, const char *protocol)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
		 accept, protocol != NULL ? "Sec-WebSocket-Protocol: " : "",
		 protocol != NULL ? protocol : "", protocol != NULL ? "\r\n" : "");
	return ly_conn_send(c, ly_span_str(text));
}

static void refuse(struct ly_http_req *req, int status, const char *extra)
{
	static const char body[] = "{\"error\":\"websocket refused\"}\n";

	req->keep_alive = false;
	ly_http_reply(req, status, "application/json", ly_span_str(body), extra);
}

/* Makes the connection one of ours; the HTTP half and the request end. */
static void switch_over(struct ly_http_conn *h, struct ly_ws *ws, struct ly_http_req *req)
{
	struct ly_conn *c = h->c;
	struct ly_buf keep = h->rest;

	h->rest = (struct ly_buf) { 0 };
	ly_buf_init(&h->rest, LY_MEM_CONN, 0);
	ws->limits = h->conf->limits;
	c->ops = &ws_ops;
	c->user = ws;
	h->is_waiting = false;
	h->req = NULL;
	ly_http_conn_free(h);
	ly_http_req_free(req);
	ly_conn_resume(c);
	ly_loop_timer_set(c->loop, &ws->ping, ly_loop_now(c->loop) + LY_WS_PING);
	if (ws->ops->opened != NULL)
		ws->ops->opened(ws);
	if (keep.len > 0)
		on_data(c, ly_buf_span(&keep));
	ly_buf_fini(&keep);
}

bool ly_ws_upgrade(struct ly_http_conn *h, struct ly_http_req *req)
{
	const struct ly_ws_route *route = find_route(h->conf, req->path);
	const char *key = ly_http_header(req, "sec-websocket-key");
	const char *version = ly_http_header(req, "sec-websocket-version");
	char accept[29];
	struct ly_ws *ws;
	int status;

	if (route == NULL)
		return false;
	if (version == NULL || strcmp(version, "13") != 0) {
		refuse(req, 426, "Sec-WebSocket-Version: 13\r\n");
		return true;
	}
	if (strcmp(req->method, "GET") != 0 || key == NULL || ly_ws_accept_key(accept, key) != 0 ||
	    (route->protocol != NULL &&
	     !has_word(ly_http_header(req, "sec-websocket-protocol"), route->protocol))) {
		refuse(req, 400, NULL);
		return true;
	}
	ws = ly_alloc(sizeof(*ws), LY_MEM_CONN);
	if (ws == NULL) {
		refuse(req, 503, NULL);
		return true;
	}
	ws->c = h->c;
	ws->code = 1006;
	ws->ping.fire = on_ping;
	status = route->open(ws, req, route->ctx);
	if (status == 0 && send_switch(h->c, accept, route->protocol) != 0)
		ly_conn_abort(h->c, "resources"); /* closed() follows */
	if (status != 0) {
		ly_free(ws, LY_MEM_CONN);
		refuse(req, status, NULL);
		return true;
	}
	switch_over(h, ws, req);
	return true;
}
