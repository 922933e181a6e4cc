/* WebSocket (RFC 6455) on a connection that began as HTTP; frames are taken apart by wslay. An idle
 * one holds no buffers. Pings every 30 s; what does not answer two of them is closed. */
#ifndef LY_SERVER_IO_WS_H
#define LY_SERVER_IO_WS_H

#include "base/blob.h"
#include "server/io/http.h"

#define LY_WS_MESSAGE_MAX (256u << 10)
#define LY_WS_PING LY_SEC(30)

struct ly_ws;

/** Who speaks on it. Calls come on the loop of the connection. */
struct ly_ws_ops {
	/** The switch has been answered: from now on messages may be sent; may be NULL. */
	void (*opened)(struct ly_ws *ws);
	/** A text message; borrowed. */
	void (*message)(struct ly_ws *ws, struct ly_span text);
	/** More is queued than @p max_queue: a last word may be sent; may be NULL. */
	void (*overflow)(struct ly_ws *ws);
	/** Runs on the new loop after a move; may be NULL. */
	void (*moved)(struct ly_ws *ws);
	/** The last call; @p code is the peer's close code (1005: none, 1006: lost without). */
	void (*closed)(struct ly_ws *ws, unsigned code);
};

struct ly_ws_route {
	const char *path;     /* a prefix when it ends with '/', else exact */
	const char *protocol; /* subprotocol that the client must offer; NULL: none */
	/** Decides: 0 after having called ly_ws_attach(), or the HTTP status of the refusal. The
	 * request is valid during the call only; nothing may be sent yet. */
	int (*open)(struct ly_ws *ws, const struct ly_http_req *req, void *ctx);
	void *ctx;
};

/** In open(): sets who speaks. @p user is found again by ly_ws_user(). */
void ly_ws_attach(struct ly_ws *ws, const struct ly_ws_ops *ops, void *user, size_t max_queue);
void *ly_ws_user(const struct ly_ws *ws);
struct ly_conn *ly_ws_conn(const struct ly_ws *ws);

/** Sends one text message. @return as ly_conn_send() */
int ly_ws_send(struct ly_ws *ws, struct ly_span text);
/** Sends a blob, @p fill in its hole, as one text message. @return as ly_conn_send_blob() */
int ly_ws_send_blob(struct ly_ws *ws, struct ly_blob *blob, struct ly_span fill);
/** Sends a close frame and closes; @p reason is cut to 123 bytes. closed() follows. */
void ly_ws_close(struct ly_ws *ws, unsigned code, const char *reason);
/** Moves the connection to another loop (see ly_conn_move). */
bool ly_ws_move(struct ly_ws *ws, struct ly_loop *to);

/** The header of a frame that the server sends (RFC 6455 s. 5.2, never masked). @return its length
 */
size_t ly_ws_frame_header(uint8_t out[10], unsigned opcode, uint64_t len);
/** Sec-WebSocket-Accept for a key (s. 4.2.2); @p out has 29 bytes. @return 0, -EBADMSG */
int ly_ws_accept_key(char out[29], const char *key);

#endif
