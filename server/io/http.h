/* HTTP/1.1 on a connection (RFC 9112, parsed by libhttp-parser): keep-alive, limits, routes,
 * answers that may come later, and the hand-over to WebSocket.
 *
 * One request at a time per connection: while a handler has not answered, nothing more is read.
 */
#ifndef LY_SERVER_IO_HTTP_H
#define LY_SERVER_IO_HTTP_H

#include "base/addr.h"
#include "base/buf.h"
#include "server/io/conn.h"
#include "server/io/limits.h"
#include "server/io/loop.h"

/** Request line and headers together; more is answered by 431 (the target alone: 414). */
#define LY_HTTP_HEADER_MAX 16384
#define LY_HTTP_BODY_MAX (1u << 20)
#define LY_HTTP_HEADERS_MAX 64
/** A connection that has not completed a request after this time is closed (408). */
#define LY_HTTP_TIMEOUT LY_SEC(30)
#define LY_HTTP_KEEP_ALIVE LY_SEC(75)

struct ly_http_conn;

/** One request; valid until it is answered. All spans and strings are its own. */
struct ly_http_req {
	struct ly_loop *loop; /* handlers run and answer on this loop's thread */
	const char *method;   /* "GET"; static */
	const char *path;     /* decoded, starts with '/', without "." and ".." parts */
	const char *query;    /* as sent, without '?'; "" if none */
	struct ly_span body;
	struct ly_addr peer;
	bool is_tls;
	bool keep_alive;
	void *user; /* of the handler that answers later */

	/* private to http.c */
	struct ly_http_conn *conn; /* NULL when the connection went away */
	struct ly_buf text;        /* target and headers, zero-separated */
	struct {
		uint32_t name, value; /* offsets into text */
	} headers[LY_HTTP_HEADERS_MAX];
	unsigned n_headers;
	bool in_value;
	bool is_head;
	struct ly_buf body_buf;
	char *decoded; /* owned: path */
};

/** Answers with ly_http_reply(), now or later on the same loop, exactly once. */
typedef void (*ly_http_fn)(struct ly_http_req *req, void *ctx);

struct ly_http_route {
	const char *method; /* "GET" serves HEAD too; NULL: all */
	const char *path;   /* a prefix when it ends with '/' (or is ""), else exact */
	ly_http_fn handle;
	void *ctx;
};

struct ly_ws_route; /* server/io/ws.h */

/** Shared by all HTTP connections; borrowed and constant while the loops run. */
struct ly_http_conf {
	const struct ly_http_route *routes; /* the first that fits */
	size_t n_routes;
	const struct ly_ws_route *ws_routes;
	size_t n_ws_routes;
	struct ly_limits *limits; /* told when a connection is gone; may be NULL */
};

/** Takes over a socket; @p tls NULL for plain HTTP. */
void ly_http_accept(struct ly_loop *loop, int fd, const struct ly_addr *peer,
		    const struct ly_http_conf *conf, SSL_CTX *tls);

/** A header's value, case-insensitive; NULL if absent. */
const char *ly_http_header(const struct ly_http_req *req, const char *name);

/** Answers and frees @p req. @p extra: further header lines, each ending "\r\n", or NULL. The body
 * is copied; none is sent to HEAD, 204 and 304. Security headers are added to every answer. */
void ly_http_reply(struct ly_http_req *req, int status, const char *content_type,
		   struct ly_span body, const char *extra);
/** The same with a text of the status as JSON: {"error":"…"}; @p text must need no escaping. */
void ly_http_reply_error(struct ly_http_req *req, int status, const char *text);

/** Decodes %XX and removes "." and "..": "/a/../b" is "/b".
 *  @return 0, -EBADMSG (bad escape, a zero byte, a backslash, above the root), -ENOSPC */
int ly_http_decode_path(char *out, size_t cap, struct ly_span target_path);
const char *ly_http_status_text(int status);

#endif
