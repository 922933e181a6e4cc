#include "media/rtp/cache.h"

#include "base/err.h"
#include "base/heap.h"

int ly_rtp_cache_init(struct ly_rtp_cache *c, size_t n, ly_usec max_age)
{
	size_t cap = 1;

	while (cap < n)
		cap *= 2;
	*c = (struct ly_rtp_cache) { .n = cap, .top = -1, .max_age = max_age };
	c->slots = ly_alloc(cap * sizeof(*c->slots), LY_MEM_MEDIA);
	if (c->slots == NULL) {
		c->n = 0;
		return -ENOMEM;
	}
	for (size_t i = 0; i < cap; i++)
		c->slots[i].seq = -1;
	return 0;
}

void ly_rtp_cache_clear(struct ly_rtp_cache *c)
{
	for (size_t i = 0; i < c->n; i++) {
		ly_pkt_unref(c->slots[i].pkt);
		c->slots[i] = (struct ly_rtp_cache_slot) { .seq = -1 };
	}
	c->top = -1;
}

void ly_rtp_cache_fini(struct ly_rtp_cache *c)
{
	ly_rtp_cache_clear(c);
	ly_free(c->slots, LY_MEM_MEDIA);
	*c = (struct ly_rtp_cache) { 0 };
}

void ly_rtp_cache_put(struct ly_rtp_cache *c, int64_t seq, struct ly_pkt *pkt)
{
	struct ly_rtp_cache_slot *slot;

	if (c->n == 0 || seq < 0 || seq <= c->top - (int64_t)c->n)
		return;
	if (seq > c->top)
		c->top = seq;
	slot = &c->slots[(size_t)seq & (c->n - 1)];
	ly_pkt_ref(pkt);
	ly_pkt_unref(slot->pkt);
	*slot = (struct ly_rtp_cache_slot) { seq, pkt };
}

struct ly_pkt *ly_rtp_cache_find(const struct ly_rtp_cache *c, int64_t seq, ly_usec now)
{
	const struct ly_rtp_cache_slot *slot;

	if (c->n == 0 || seq < 0)
		return NULL;
	slot = &c->slots[(size_t)seq & (c->n - 1)];
	if (slot->seq != seq || slot->pkt == NULL || now - slot->pkt->at > c->max_age)
		return NULL;
	return slot->pkt;
}
