/* The last packets of a source, kept once for all its receivers to answer their NACKs. */
#ifndef LY_MEDIA_RTP_CACHE_H
#define LY_MEDIA_RTP_CACHE_H

#include "media/rtp/pkt.h"

struct ly_rtp_cache_slot {
	int64_t seq;        /* extended; -1 = empty */
	struct ly_pkt *pkt; /* one reference */
};

struct ly_rtp_cache {
	struct ly_rtp_cache_slot *slots; /* owned */
	size_t n;                        /* a power of two */
	int64_t top;
	ly_usec max_age;
};

/** @p n slots, rounded up to a power of two; packets older than @p max_age are not found.
 *  @return 0, -ENOMEM */
int ly_rtp_cache_init(struct ly_rtp_cache *c, size_t n, ly_usec max_age);
void ly_rtp_cache_fini(struct ly_rtp_cache *c);
/** Takes a reference of its own; pkt->at must be set. Older than the window: ignored. */
void ly_rtp_cache_put(struct ly_rtp_cache *c, int64_t seq, struct ly_pkt *pkt);
/** Borrowed; NULL when it is not there (any more). */
struct ly_pkt *ly_rtp_cache_find(const struct ly_rtp_cache *c, int64_t seq, ly_usec now);
/** Gives all buffers back. */
void ly_rtp_cache_clear(struct ly_rtp_cache *c);

#endif
