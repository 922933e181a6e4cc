/* SRTP and SRTCP (RFC 3711, 7714). Incoming packets and SRTCP go through libsrtp2, one session per
 * transport; outgoing RTP goes through a batch interface with two engines. */
#ifndef LY_MEDIA_SRTP_SRTP_H
#define LY_MEDIA_SRTP_SRTP_H

#include <stddef.h>
#include <stdint.h>

#include "media/srtp/keys.h"

/* ---- incoming RTP, RTCP both ways ---- */

struct ly_srtp; /* opaque */

/** @p max_ssrcs: for how many SSRCs of the peer rollover counter and replay list are kept (memory
 * is bounded by it); one more takes the place of the one not heard for longest.
 *  @return 0, -EINVAL (profile), -ENOMEM; the caller owns *out */
int ly_srtp_create(struct ly_srtp **out, const struct ly_srtp_keys *keys, unsigned max_ssrcs);
/** Wipes the keys. */
void ly_srtp_destroy(struct ly_srtp *s);

/** Unprotects in place; *len shrinks.
 *  @return 0, -EBADMSG (malformed), -EACCES (not authentic), -EEXIST (replayed or too old); on
 * error the packet must be dropped, its bytes may have changed */
int ly_srtp_unprotect(struct ly_srtp *s, uint8_t *pkt, size_t *len);
int ly_srtp_unprotect_rtcp(struct ly_srtp *s, uint8_t *pkt, size_t *len);
/** Protects RTCP in place; *len grows by up to LY_SRTCP_TRAILER_MAX.
 *  @return 0, -ENOSPC, -EBADMSG, -ENOMEM */
int ly_srtp_protect_rtcp(struct ly_srtp *s, uint8_t *pkt, size_t *len, size_t cap);
/** Forgets an SSRC of the peer that will not be used again: if it were, its rollover counter and
 * its replay list would begin anew. */
void ly_srtp_forget(struct ly_srtp *s, uint32_t ssrc);

/* ---- outgoing RTP, in batches ---- */

struct ly_srtp_engine; /* one per media thread */
struct ly_srtp_out;    /* the sending half of one transport */

/** Names of the engines built in and usable on this machine, best first, NULL-ended. */
const char *const *ly_srtp_engine_names(void);
/** @p name: "ipsec-mb", "libsrtp2", or NULL for the best.
 *  @return 0, -ENOENT (not built in or not usable here), -ENOMEM; the caller owns *out */
int ly_srtp_engine_create(struct ly_srtp_engine **out, const char *name);
/** After the last session of it. */
void ly_srtp_engine_destroy(struct ly_srtp_engine *eng);
const char *ly_srtp_engine_name(const struct ly_srtp_engine *eng);

/** @return 0, -EINVAL (profile), -ENOMEM; eng is borrowed, the caller owns *out */
int ly_srtp_out_create(struct ly_srtp_out **out, struct ly_srtp_engine *eng,
		       const struct ly_srtp_keys *keys);
/** Wipes the keys. */
void ly_srtp_out_destroy(struct ly_srtp_out *s);
/** Frees what an engine keeps for an SSRC that will not be used again. */
void ly_srtp_out_forget(struct ly_srtp_out *s, uint32_t ssrc);

/** One packet to protect in place. */
struct ly_srtp_job {
	struct ly_srtp_out *out; /* borrowed; of the engine that gets the batch */
	uint8_t *pkt;            /* a whole RTP packet, 4-byte aligned */
	size_t len;              /* in: plain; out: protected, when err is 0 */
	size_t cap;              /* bytes at pkt: len + LY_SRTP_TRAILER_MAX is always enough */
	uint64_t index;          /* 48 bits, ROC << 16 | sequence number (RFC 3711 s. 3.3.1); each
				  * at most once per SSRC and key. The first of an SSRC
				  * should be below 2^15: a receiver that misses packets
				  * around a rollover before its first cannot know of it */
	size_t header_len;       /* set by ly_srtp_protect() for the engine */
	int err;                 /* out: 0, -EBADMSG (no RTP, or not this sequence number), -ENOSPC,
				  * -E2BIG (libsrtp2: too many SSRCs), -EEXIST (libsrtp2: sent) */
};

/** Protects all jobs; order and sessions are free, nothing is allocated (libsrtp2's engine
 *  allocates at the first packet of an SSRC). @return how many succeeded */
size_t ly_srtp_protect(struct ly_srtp_engine *eng, struct ly_srtp_job *jobs, size_t n);

#endif
