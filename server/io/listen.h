/* Listening sockets: accept, count per address, hand the connection to a loop, in turn. */
#ifndef LY_SERVER_IO_LISTEN_H
#define LY_SERVER_IO_LISTEN_H

#include "server/io/limits.h"
#include "server/io/loop.h"

/** Starts the protocol on a new socket; runs on the loop that gets it and owns the descriptor. The
 *  address has been counted: whoever takes it calls ly_limits_leave() at the end. */
typedef void (*ly_accept_fn)(struct ly_loop *loop, int fd, const struct ly_addr *peer, void *ctx);

struct ly_listener;

/** Opens sockets for the addresses; one of family 0 stands for all addresses of IPv6 and IPv4, port
 * 0 for a free port. The listener works once ly_listener_start() was called, and must live until
 *  ly_loops_fini() is done. @p name is the key in [listen], static; @p limits may be NULL.
 *  @return 0, -EIO (err has a sentence with address, port and hint), -E2BIG (err too), -ENOMEM */
int ly_listener_open(struct ly_listener **out, const char *name, const struct ly_addr *addrs,
		     size_t n, struct ly_loops *loops, struct ly_limits *limits, ly_accept_fn fn,
		     void *ctx, char *err, size_t err_cap);
/** Starts to accept; before the loops run or on the first loop's thread. @return 0, -EIO */
int ly_listener_start(struct ly_listener *l);
/** Stops accepting; on the first loop's thread or when the loops do not run. */
void ly_listener_stop(struct ly_listener *l);
void ly_listener_destroy(struct ly_listener *l);
/** The port of the first socket (the one the system chose for port 0); 0 if there is none. */
uint16_t ly_listener_port(const struct ly_listener *l);

#endif
