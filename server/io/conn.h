/* A byte connection: a socket under uv_poll, plain or with OpenSSL on it, and a queue of blobs that
 * is written once per loop turn by a gathered write. It knows no protocol: what arrives goes to the
 * ops of its present user (XMPP, HTTP, WebSocket), which may be replaced while it lives.
 *
 * A connection belongs to one loop and is touched by that loop's thread only; ly_conn_move() takes
 * it to another one. An idle connection holds no buffers.
 *
 * Nothing is called back from within the functions that write or close: errors are reported at the
 * end of the turn by ops->closed, which is the last call; the connection is freed after it.
 */
#ifndef LY_SERVER_IO_CONN_H
#define LY_SERVER_IO_CONN_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <uv.h>

#include "base/addr.h"
#include "base/blob.h"
#include "base/list.h"
#include "server/io/loop.h"

struct ly_conn;

struct ly_conn_ops {
	/** Bytes arrived; borrowed, must be taken during the call (after ly_conn_pause() none
	 * follow). */
	void (*data)(struct ly_conn *c, struct ly_span bytes);
	/** The TLS handshake is done; may be NULL. */
	void (*secured)(struct ly_conn *c);
	/** The peer will send no more; may be NULL (the connection is then closed). */
	void (*eof)(struct ly_conn *c);
	/** More is queued than the limit allows: the callee may queue a last word, then the
	 * connection is closed in any case. May be NULL. */
	void (*overflow)(struct ly_conn *c);
	/** The output queue has become empty; may be NULL. */
	void (*drained)(struct ly_conn *c);
	/** Runs on the new loop after a move; may be NULL. */
	void (*moved)(struct ly_conn *c);
	/** The last call: @p why is a static word ("eof", "reset", "tls", "closed", ...). */
	void (*closed)(struct ly_conn *c, const char *why);
};

struct ly_out {
	struct ly_out *next;
	struct ly_blob *blob; /* one reference; NULL: only the bytes below */
	uint32_t pre_len;     /* extra[0 .. pre_len): before the blob (a frame header) */
	uint32_t fill_len;    /* extra[pre_len ..): goes into the blob's hole */
	uint32_t done;        /* bytes of the whole written so far */
	uint8_t extra[];
};

enum ly_conn_tls { LY_TLS_NONE, LY_TLS_HANDSHAKE, LY_TLS_ON };

struct ly_conn {
	struct ly_list node; /* in loop->conns */
	struct ly_list
		dirty; /* in loop->dirty while there is something to do at the end of the turn */
	struct ly_loop *loop;
	const struct ly_conn_ops *ops;
	void *user; /* of the ops */
	uv_poll_t *poll;
	SSL *ssl;
	struct ly_out *head, *tail;
	size_t queued;    /* bytes in the queue */
	size_t max_queue; /* more than this closes the connection */
	const char *why;  /* why it is to be closed; NULL while it lives */
	struct ly_loop *move_to;
	struct ly_addr peer;
	uint16_t local_port;
	int fd;
	enum ly_conn_tls tls : 4;
	bool wants_close : 1; /* close once the queue is written */
	bool is_paused : 1;
	bool is_blocked : 1; /* the socket took no more: wait for POLLOUT */
	bool has_overflowed : 1;
	bool saw_eof : 1;
	bool in_data : 1;     /* within ops->data */
	bool sent_fin : 1;    /* closing: all is written, the peer's end is waited for */
	uint8_t armed;        /* events that poll watches now */
	ly_usec linger_until; /* closing: when patience with a slow peer ends; 0 = not closing */
};

/** Most bytes read from one connection per turn. */
#define LY_CONN_READ_BUDGET 65536

/** Takes over @p fd (also on failure, which closes it). Call on the loop's thread.
 *  @return the connection, owned by its loop, or NULL */
struct ly_conn *ly_conn_create(struct ly_loop *loop, int fd, const struct ly_addr *peer,
			       const struct ly_conn_ops *ops, void *user);

/** Starts TLS as the server; bytes already queued are written in the clear before.
 *  @return 0, -ENOMEM, -EPROTO (TLS is on already) */
int ly_conn_start_tls(struct ly_conn *c, SSL_CTX *ctx);

/** Queues bytes (copied). @return 0, -ENOMEM, -E2BIG (limit; the connection will be closed),
 *  -EPROTO (closing) */
int ly_conn_send(struct ly_conn *c, struct ly_span bytes);

/** Queues one more reference to @p blob; @p pre goes before it, @p fill into its hole (both
 * copied).
 *  @return as ly_conn_send */
int ly_conn_send_blob(struct ly_conn *c, struct ly_blob *blob, struct ly_span pre,
		      struct ly_span fill);

/** Closes after what is queued has been written and the peer has closed too, at most two seconds
 * later: closing at once with unread bytes would reset the connection and destroy the last word. */
void ly_conn_close(struct ly_conn *c, const char *why);
/** Closes at the end of this turn whatever is queued. */
void ly_conn_abort(struct ly_conn *c, const char *why);

/** Stops and resumes reading (back-pressure). */
void ly_conn_pause(struct ly_conn *c);
void ly_conn_resume(struct ly_conn *c);

/** Moves to another loop at the end of the turn; ops->moved runs there. Until then the user must
 * not expect data. Harmless when it is there already (moved is then not called).
 *  @return whether a move is under way */
bool ly_conn_move(struct ly_conn *c, struct ly_loop *to);

/** Protocol version word for logs ("TLSv1.3", "" without TLS); static. */
const char *ly_conn_tls_version(const struct ly_conn *c);

/** For loop.c: writes what is queued on every connection that has something to do. */
void ly_conn_flush_all(struct ly_loop *loop);
/** For loop.c: the timer that ends closing connections whose peer does not read. */
void ly_conn_sweep(struct ly_loop *loop, struct ly_loop_timer *timer);
/** For loop.c: ends all connections of a stopped loop. */
void ly_conn_destroy_all(struct ly_loop *loop);

#endif
