/* Packet buffers: fixed size, pooled per media thread, reference-counted without atomics. Who holds
 * more than one reference treats the bytes as read-only. */
#ifndef LY_MEDIA_RTP_PKT_H
#define LY_MEDIA_RTP_PKT_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/time.h"

#define LY_PKT_HEADROOM 64
#define LY_PKT_DATA_MAX 1500
#define LY_PKT_TAILROOM 64

struct ly_pkt_pool;

struct ly_pkt {
	struct ly_pkt_pool *pool; /* borrowed */
	struct ly_pkt *next_free; /* state of the pool */
	uint32_t refs;
	uint32_t len;  /* bytes at data */
	uint8_t *data; /* into mem; after LY_PKT_HEADROOM when taken from the pool */
	ly_usec at;    /* when it was received; set by the owner */
	uint8_t mem[LY_PKT_HEADROOM + LY_PKT_DATA_MAX + LY_PKT_TAILROOM];
};

struct ly_pkt_pool {
	struct ly_pkt *free;   /* owned list */
	struct ly_pkt **slabs; /* owned array of owned slabs */
	size_t n_slabs, cap_slabs;
	size_t n_used, max; /* max: given, most buffers at once */
};

/** Allocates nothing yet; grows in slabs of 64 buffers up to @p max. */
void ly_pkt_pool_init(struct ly_pkt_pool *pool, size_t max);
/** All buffers must be back. */
void ly_pkt_pool_fini(struct ly_pkt_pool *pool);
/** A buffer with one reference and len 0; NULL at the limit or out of memory. */
struct ly_pkt *ly_pkt_get(struct ly_pkt_pool *pool);
struct ly_pkt *ly_pkt_ref(struct ly_pkt *pkt);
void ly_pkt_unref(struct ly_pkt *pkt);
/** Bytes that can be written from data on. */
size_t ly_pkt_cap(const struct ly_pkt *pkt);

static inline struct ly_span ly_pkt_span(const struct ly_pkt *pkt)
{
	return ly_span(pkt->data, pkt->len);
}

#endif
