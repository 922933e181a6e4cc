#include "server/admin/metrics.h"
#include "server/io/http.h"

#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "server/io/http_priv.h"

static const struct ly_conn_ops http_ops;
static const struct ly_log http_log = { "http", "" };

/* -- the request -- */

void ly_http_req_free(struct ly_http_req *req)
{
	if (req == NULL)
		return;
	ly_buf_fini(&req->text);
	ly_buf_fini(&req->body_buf);
	ly_free(req->decoded, LY_MEM_CONN);
	ly_free(req, LY_MEM_CONN);
}

const char *ly_http_header(const struct ly_http_req *req, const char *name)
{
	const char *text = (const char *)req->text.ptr;

	for (unsigned i = 0; i < req->n_headers; i++)
		if (strcasecmp(text + req->headers[i].name, name) == 0)
			return text + req->headers[i].value;
	return NULL;
}

static struct ly_http_conn *of(http_parser *p)
{
	return p->data;
}

static int refuse(struct ly_http_conn *h, int status)
{
	if (h->refuse == 0)
		h->refuse = status;
	return -1; /* stops the parser (1 would mean something else at the end of the headers) */
}

static int on_begin(http_parser *p)
{
	struct ly_http_conn *h = of(p);
	struct ly_http_req *req = ly_alloc(sizeof(*req), LY_MEM_CONN);

	if (req == NULL)
		return 1;
	ly_buf_init(&req->text, LY_MEM_CONN, LY_HTTP_HEADER_MAX + LY_HTTP_HEADERS_MAX * 2 + 16);
	ly_buf_init(&req->body_buf, LY_MEM_CONN, LY_HTTP_BODY_MAX + 1);
	req->loop = h->c->loop;
	req->conn = h;
	req->peer = h->c->peer;
	req->is_tls = h->c->tls == LY_TLS_ON;
	h->req = req;
	ly_loop_timer_set(h->c->loop, &h->timer, ly_loop_now(h->c->loop) + LY_HTTP_TIMEOUT);
	return 0;
}

static int on_url(http_parser *p, const char *at, size_t len)
{
	struct ly_http_req *req = of(p)->req;

	if (memchr(at, 0, len) != NULL)
		return refuse(of(p), 400);
	ly_buf_add(&req->text, at, len);
	return req->text.len > LY_HTTP_HEADER_MAX / 2 ? refuse(of(p), 414) : 0;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
	struct ly_http_req *req = of(p)->req;

	if (req->in_value || req->n_headers == 0) {
		if (req->n_headers == LY_HTTP_HEADERS_MAX)
			return refuse(of(p), 431);
		ly_buf_addc(&req->text, 0);
		req->headers[req->n_headers].name = (uint32_t)req->text.len;
		req->headers[req->n_headers].value = (uint32_t)req->text.len;
		req->n_headers++;
		req->in_value = false;
	}
	ly_buf_add(&req->text, at, len);
	return req->text.err != 0 ? refuse(of(p), 431) : 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
	struct ly_http_req *req = of(p)->req;

	if (!req->in_value) {
		ly_buf_addc(&req->text, 0);
		req->headers[req->n_headers - 1].value = (uint32_t)req->text.len;
		req->in_value = true;
	}
	if (memchr(at, 0, len) != NULL)
		return refuse(of(p), 400);
	ly_buf_add(&req->text, at, len);
	return req->text.err != 0 ? refuse(of(p), 431) : 0;
}

static int on_headers(http_parser *p)
{
	struct ly_http_conn *h = of(p);
	struct ly_http_req *req = h->req;
	const char *expect;

	ly_buf_addc(&req->text, 0);
	if (req->text.err != 0)
		return refuse(h, 431);
	if (p->http_major != 1)
		return refuse(h, 505);
	if (p->content_length != ULLONG_MAX && p->content_length > LY_HTTP_BODY_MAX)
		return refuse(h, 413);
	if (p->method == HTTP_CONNECT)
		return refuse(h, 405);
	if (p->http_minor == 1 && ly_http_header(req, "host") == NULL)
		return refuse(h, 400); /* RFC 9112 s. 3.2 */
	expect = ly_http_header(req, "expect");
	if (expect != NULL && strcasecmp(expect, "100-continue") == 0)
		ly_conn_send(h->c, ly_span_str("HTTP/1.1 100 Continue\r\n\r\n"));
	req->method = http_method_str((enum http_method)p->method);
	req->is_head = p->method == HTTP_HEAD;
	h->is_upgrade = p->upgrade != 0;
	return 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
	struct ly_http_req *req = of(p)->req;

	if (req->body_buf.len + len > LY_HTTP_BODY_MAX)
		return refuse(of(p), 413);
	ly_buf_add(&req->body_buf, at, len);
	return req->body_buf.err != 0 ? 1 : 0;
}

static int on_complete(http_parser *p)
{
	of(p)->req->keep_alive = http_should_keep_alive(p) != 0;
	of(p)->is_waiting = true;
	http_parser_pause(p, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_message_begin = on_begin,
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

/* -- routing -- */

static bool fits(const struct ly_http_route *r, const struct ly_http_req *req)
{
	size_t len = strlen(r->path);

	if (len == 0 || r->path[len - 1] == '/')
		return strncmp(req->path, r->path, len) == 0;
	return strcmp(req->path, r->path) == 0;
}

static bool allows(const struct ly_http_route *r, const struct ly_http_req *req)
{
	return r->method == NULL || strcmp(r->method, req->method) == 0 ||
	       (req->is_head && strcmp(r->method, "GET") == 0);
}

static void dispatch(struct ly_http_conn *h, struct ly_http_req *req)
{
	bool found = false;

	ly_metric_add(LY_METRIC_HTTP_REQUESTS, 1);
	for (size_t i = 0; i < h->conf->n_routes; i++) {
		const struct ly_http_route *r = &h->conf->routes[i];

		if (!fits(r, req))
			continue;
		found = true;
		if (!allows(r, req))
			continue;
		r->handle(req, r->ctx);
		return;
	}
	ly_http_reply_error(req, found ? 405 : 404, found ? "method not allowed" : "not found");
}

static int split_target(struct ly_http_req *req)
{
	char *text = (char *)req->text.ptr;
	char *path = text, *query = strchr(text, '?');
	size_t len = query != NULL ? (size_t)(query - path) : strlen(path);

	if (path[0] != '/')
		return -EBADMSG; /* absolute form is for proxies; "*" has no handler */
	req->query = query != NULL ? query + 1 : "";
	req->decoded = ly_alloc(len + 2, LY_MEM_CONN);
	if (req->decoded == NULL)
		return -ENOMEM;
	req->path = req->decoded;
	return ly_http_decode_path(req->decoded, len + 2, ly_span(path, len));
}

static void serve(struct ly_http_conn *h)
{
	struct ly_http_req *req = h->req;
	int rc = split_target(req);

	ly_loop_timer_del(h->c->loop, &h->timer);
	req->body = ly_buf_span(&req->body_buf);
	if (rc != 0) {
		ly_http_reply_error(req, rc == -ENOMEM ? 503 : 400, "bad request target");
		return;
	}
	if (h->is_upgrade && ly_http_header(req, "upgrade") != NULL &&
	    strcasecmp(ly_http_header(req, "upgrade"), "websocket") == 0 && ly_ws_upgrade(h, req))
		return;
	dispatch(h, req);
}

/* Parses until a request is complete or the bytes end; what is left over is kept. */
static void parse(struct ly_http_conn *h, struct ly_span bytes)
{
	size_t n;

	n = http_parser_execute(&h->parser, &settings, (const char *)bytes.ptr, bytes.len);
	if (h->is_waiting) {
		http_parser_pause(&h->parser, 0);
		ly_conn_pause(h->c);
		ly_buf_add(&h->rest, bytes.ptr + n, bytes.len - n);
		serve(h);
		return;
	}
	if (HTTP_PARSER_ERRNO(&h->parser) != HPE_OK) {
		int status = h->refuse != 0                                         ? h->refuse
			     : HTTP_PARSER_ERRNO(&h->parser) == HPE_HEADER_OVERFLOW ? 431
										    : 400;

		ly_log(&http_log, LY_WARN, "bad-request", "status=%d reason=\"%s\"", status,
		       http_errno_description(HTTP_PARSER_ERRNO(&h->parser)));
		if (h->req == NULL && on_begin(&h->parser) != 0) {
			ly_conn_abort(h->c, "resources");
			return;
		}
		h->is_waiting = true;
		h->req->keep_alive = false; /* NOLINT: on_begin() made it */
		ly_conn_pause(h->c);
		ly_http_reply_error(h->req, status, ly_http_status_text(status));
	}
}

/* -- the connection -- */

void ly_http_conn_free(struct ly_http_conn *h)
{
	ly_loop_timer_del(h->c->loop, &h->timer);
	if (h->req != NULL && h->is_waiting)
		h->req->conn = NULL; /* the handler still has it and will answer into the void */
	else
		ly_http_req_free(h->req);
	ly_buf_fini(&h->rest);
	ly_free(h, LY_MEM_CONN);
}

static void on_data(struct ly_conn *c, struct ly_span bytes)
{
	parse(c->user, bytes);
}

static void on_eof(struct ly_conn *c)
{
	struct ly_http_conn *h = c->user;

	if (!h->is_waiting)
		ly_conn_close(c, "eof");
	else
		h->req->keep_alive = false;
}

static void on_closed(struct ly_conn *c, const char *why)
{
	struct ly_http_conn *h = c->user;

	(void)why;
	if (h->conf->limits != NULL)
		ly_limits_leave(h->conf->limits, &c->peer, ly_loop_now(c->loop));
	ly_http_conn_free(h);
}

/* All of the answer is written: now the next request of the pipeline. Not before, so that a row of
 * a thousand small requests is no recursion and waits for a peer that does not read. */
static void on_drained(struct ly_conn *c)
{
	struct ly_http_conn *h = c->user;
	struct ly_buf rest = h->rest;

	if (h->is_waiting || rest.len == 0)
		return;
	ly_buf_init(&h->rest, LY_MEM_CONN, LY_LOOP_SCRATCH);
	parse(h, ly_buf_span(&rest));
	ly_buf_fini(&rest);
	if (c->user == h && !h->is_waiting && h->rest.len == 0)
		ly_conn_resume(c);
}

static const struct ly_conn_ops http_ops = {
	.data = on_data,
	.eof = on_eof,
	.drained = on_drained,
	.closed = on_closed,
};

static void on_timer(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	struct ly_http_conn *h = LY_CONTAINER_OF(timer, struct ly_http_conn, timer);

	(void)loop;
	if (h->req != NULL && !h->is_waiting) {
		h->is_waiting = true;
		h->req->keep_alive = false;
		ly_http_reply_error(h->req, 408, "request timeout");
		return;
	}
	ly_conn_close(h->c, "idle");
}

void ly_http_accept(struct ly_loop *loop, int fd, const struct ly_addr *peer,
		    const struct ly_http_conf *conf, SSL_CTX *tls)
{
	struct ly_http_conn *h = ly_alloc(sizeof(*h), LY_MEM_CONN);

	if (h != NULL)
		h->c = ly_conn_create(loop, fd, peer, &http_ops, h);
	if (h == NULL || h->c == NULL) {
		if (h == NULL)
			close(fd);
		ly_free(h, LY_MEM_CONN);
		if (conf->limits != NULL)
			ly_limits_leave(conf->limits, peer, ly_loop_now(loop));
		return;
	}
	h->conf = conf;
	http_parser_init(&h->parser, HTTP_REQUEST);
	h->parser.data = h;
	h->timer.fire = on_timer;
	ly_buf_init(&h->rest, LY_MEM_CONN, LY_LOOP_SCRATCH);
	ly_loop_timer_set(loop, &h->timer, ly_loop_now(loop) + LY_HTTP_TIMEOUT);
	h->c->max_queue = 64u << 20;
	if (tls != NULL && ly_conn_start_tls(h->c, tls) != 0)
		ly_conn_abort(h->c, "resources");
}

/* -- the answer -- */

static const char security_headers[] =
	"X-Content-Type-Options: nosniff\r\n"
	"X-Frame-Options: DENY\r\n"
	"Referrer-Policy: no-referrer\r\n"
	"Cross-Origin-Opener-Policy: same-origin\r\n"
	"Permissions-Policy: camera=(self), microphone=(self), display-capture=(self)\r\n"
	"Content-Security-Policy: default-src 'self'; connect-src 'self' ws: wss:; "
	"img-src 'self' data: blob:; media-src 'self' blob: mediastream:; "
	"style-src 'self' 'unsafe-inline'; font-src 'self' data:; worker-src 'self' blob:; "
	"object-src 'none'; base-uri 'self'; frame-ancestors 'none'\r\n";

static void send_reply(struct ly_http_conn *h, struct ly_http_req *req, int status,
		       const char *content_type, struct ly_span body, const char *extra)
{
	bool no_body = status == 204 || status == 304 || status < 200;
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONN, 0);
	ly_buf_printf(&b, "HTTP/1.1 %d %s\r\n", status, ly_http_status_text(status));
	if (content_type != NULL && !no_body)
		ly_buf_printf(&b, "Content-Type: %s\r\n", content_type);
	if (!no_body)
		ly_buf_printf(&b, "Content-Length: %zu\r\n", body.len);
	ly_buf_adds(&b, req->keep_alive ? "" : "Connection: close\r\n");
	ly_buf_adds(&b, security_headers);
	if (extra != NULL)
		ly_buf_adds(&b, extra);
	ly_buf_adds(&b, "\r\n");
	if (!no_body && !req->is_head)
		ly_buf_add(&b, body.ptr, body.len);
	if (b.err != 0 || ly_conn_send(h->c, ly_buf_span(&b)) != 0)
		ly_conn_abort(h->c, "resources");
	ly_buf_fini(&b);
}

void ly_http_reply(struct ly_http_req *req, int status, const char *content_type,
		   struct ly_span body, const char *extra)
{
	struct ly_http_conn *h = req->conn;

	if (h != NULL) {
		bool keep_alive = req->keep_alive;

		send_reply(h, req, status, content_type, body, extra);
		ly_log(&http_log, LY_DEBUG, "request", "method=%s path=%s status=%d",
		       req->method != NULL ? req->method : "-", req->path != NULL ? req->path : "-",
		       status);
		h->req = NULL;
		h->is_waiting = false;
		if (keep_alive) {
			ly_loop_timer_set(h->c->loop, &h->timer,
					  ly_loop_now(h->c->loop) + LY_HTTP_KEEP_ALIVE);
			if (h->rest.len == 0) /* else on_drained() goes on with it */
				ly_conn_resume(h->c);
		} else {
			ly_conn_close(h->c, "answered");
		}
	}
	ly_http_req_free(req);
}

void ly_http_reply_error(struct ly_http_req *req, int status, const char *text)
{
	char body[256];

	snprintf(body, sizeof(body), "{\"error\":\"%s\"}\n", text);
	ly_http_reply(req, status, "application/json", ly_span_str(body), NULL);
}

/* -- small pure parts -- */

static int hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (uint8_t)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Ends the path part that starts at @p start: handles "." and "..". @return the new length,
 * -EBADMSG */
static int end_part(char *out, size_t start, size_t len, bool is_last)
{
	size_t n = len - start;

	if (n == 1 && out[start] == '.')
		return (int)start;
	if (n == 2 && out[start] == '.' && out[start + 1] == '.') {
		if (start < 2)
			return -EBADMSG;
		start--; /* the slash before ".." */
		while (start > 0 && out[start - 1] != '/')
			start--;
		return (int)start;
	}
	if (!is_last)
		out[len++] = '/';
	return (int)len;
}

int ly_http_decode_path(char *out, size_t cap, struct ly_span in)
{
	size_t len = 0, start = 0;

	if (in.len == 0 || in.ptr[0] != '/')
		return -EBADMSG;
	if (cap < in.len + 1)
		return -ENOSPC;
	for (size_t i = 0; i < in.len; i++) {
		int c = in.ptr[i], hi, lo;

		if (c == '/') {
			int r = end_part(out, start, len, false);

			if (r < 0)
				return r;
			len = start = (size_t)r;
			continue;
		}
		if (c == '%') {
			hi = i + 2 < in.len ? hex_of(in.ptr[i + 1]) : -1;
			lo = hi >= 0 ? hex_of(in.ptr[i + 2]) : -1;
			if (lo < 0)
				return -EBADMSG;
			c = hi << 4 | lo;
			i += 2;
		}
		/* an escaped slash would make a part that no file name can be */
		if (c < 0x20 || c == 0x7f || c == '\\' || c == '/')
			return -EBADMSG;
		out[len++] = (char)c;
	}
	start = (size_t)end_part(out, start, len, true);
	if ((int)start < 0)
		return -EBADMSG;
	out[start] = 0;
	return 0;
}

const char *ly_http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Unknown";
}
