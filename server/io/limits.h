/* Limits per network address: connections at the same time, and token buckets for new connections
 * and log-in attempts. One table for all loops, locked: it is asked once per connection, not per
 * packet. IPv6 addresses count by their /64. */
#ifndef LY_SERVER_IO_LIMITS_H
#define LY_SERVER_IO_LIMITS_H

#include "base/addr.h"
#include "base/time.h"

/** Zero switches a limit off. */
struct ly_limits_conf {
	unsigned max_conns;        /* connections of one address at a time */
	unsigned conns_per_minute; /* new ones, burst of the same size */
	unsigned fails_per_minute; /* failed log-ins of one address, burst of the same size */
	unsigned max_addrs; /* rows of the table; a new address beyond it is let in uncounted */
};

struct ly_limits;

/** @return 0, -ENOMEM */
int ly_limits_create(struct ly_limits **out, const struct ly_limits_conf *conf);
void ly_limits_destroy(struct ly_limits *l);
/** Takes new limits (reload); counters stay. */
void ly_limits_set(struct ly_limits *l, const struct ly_limits_conf *conf);

/** A connection arrives. @return 0, -E2BIG (too many at a time), -EAGAIN (too fast) */
int ly_limits_enter(struct ly_limits *l, const struct ly_addr *from, ly_usec now);
/** It is gone (only after ly_limits_enter gave 0). */
void ly_limits_leave(struct ly_limits *l, const struct ly_addr *from, ly_usec now);
/** May this address try to log in? @return 0, -EAGAIN */
int ly_limits_may_login(struct ly_limits *l, const struct ly_addr *from, ly_usec now);
/** A log-in failed. */
void ly_limits_failed(struct ly_limits *l, const struct ly_addr *from, ly_usec now);

#endif
