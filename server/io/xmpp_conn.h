/* XMPP on connections: joins a connection (TCP or WebSocket) with its stream and, once a resource is
 * bound, with its session at the user's home, to whose loop the connection moves. */
#ifndef LY_SERVER_IO_XMPP_CONN_H
#define LY_SERVER_IO_XMPP_CONN_H

#include "server/server.h"

/** Makes what a loop needs for its streams and its home. @return 0, -ENOMEM */
int ly_xmpp_worker_init(struct ly_worker *w);
void ly_xmpp_worker_fini(struct ly_worker *w);

/** Takes over an accepted socket. */
void ly_xmpp_accept(struct ly_worker *w, int fd, const struct ly_addr *peer, bool direct_tls);

/** Takes new limits into use. */
void ly_xmpp_reload(struct ly_server *s, const struct ly_config *conf);

/** Closes all streams of a loop with system-shutdown. */
void ly_xmpp_close_all(struct ly_worker *w);
/** Streams of a loop that are not closed yet. */
size_t ly_xmpp_count(const struct ly_worker *w);

#endif
