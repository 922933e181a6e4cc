/* XMPP on connections: joins a connection (TCP or WebSocket) with its stream and, once a resource
 * is bound, with its session at the user's home, to whose loop the connection moves.
 *
 *   accept --> stream (login) --BIND--> [move to the home's loop] --> session --> closed: detach
 */
#ifndef LY_SERVER_IO_XMPP_CONN_H
#define LY_SERVER_IO_XMPP_CONN_H

#include "server/server.h"

/** Makes what a loop needs for its streams. @return 0, -ENOMEM */
int ly_xmpp_worker_init(struct ly_worker *w);
void ly_xmpp_worker_fini(struct ly_worker *w);

/** Takes over an accepted socket. */
void ly_xmpp_accept(struct ly_worker *w, int fd, const struct ly_addr *peer, bool direct_tls);
/** The open() of the WebSocket route; ctx is the server. */
int ly_xmpp_ws_open(struct ly_ws *ws, const struct ly_http_req *req, void *ctx);

/** struct ly_home_env.send and .close; ctx is the server, on the home's loop. */
void ly_xmpp_send(void *ctx, uint64_t conn, struct ly_blob *blob, struct ly_span to);
void ly_xmpp_close(void *ctx, uint64_t conn, enum ly_stream_error cond, const char *text);

/** Takes the limits of a configuration into use, on the worker's loop. */
void ly_xmpp_set_limits(struct ly_worker *w, const struct ly_config *conf);

/** Closes all streams of a loop with system-shutdown. */
void ly_xmpp_close_all(struct ly_worker *w);
/** Streams of a loop that are not closed yet. */
size_t ly_xmpp_count(const struct ly_worker *w);

#endif
