/* A token bucket per key (source address, user name), bounded in number: slows down password
 * guessing. */
#ifndef LY_SIGNALING_STREAM_RATELIMIT_H
#define LY_SIGNALING_STREAM_RATELIMIT_H

#include "base/span.h"
#include "base/time.h"

struct ly_ratelimit; /* opaque; not thread-safe */

struct ly_ratelimit_conf {
	unsigned burst;   /* tokens of a full bucket, >= 1 */
	ly_usec interval; /* one token comes back per interval, > 0 */
	size_t max_keys;  /* keys remembered; beyond it the fullest of a few is dropped */
	uint64_t seed;    /* random */
};

/** @return 0, -EINVAL, -ENOMEM */
int ly_ratelimit_create(struct ly_ratelimit **out, const struct ly_ratelimit_conf *conf);
void ly_ratelimit_free(struct ly_ratelimit *r);
/** Takes a token if there is one. Keys are kept as 64-bit hashes. */
bool ly_ratelimit_take(struct ly_ratelimit *r, ly_usec now, struct ly_span key);
/** True if a token is there, without taking it (count failures only: look before, take after
 * one). */
bool ly_ratelimit_has(const struct ly_ratelimit *r, ly_usec now, struct ly_span key);
/** Time until there is a token again; 0 if there is one (for Retry-After). */
ly_usec ly_ratelimit_wait(const struct ly_ratelimit *r, ly_usec now, struct ly_span key);
size_t ly_ratelimit_keys(const struct ly_ratelimit *r);

#endif
