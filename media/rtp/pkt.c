#include "media/rtp/pkt.h"

#include <assert.h>

#include "base/heap.h"

#define SLAB 64

void ly_pkt_pool_init(struct ly_pkt_pool *pool, size_t max)
{
	*pool = (struct ly_pkt_pool) { .max = max };
}

void ly_pkt_pool_fini(struct ly_pkt_pool *pool)
{
	assert(pool->n_used == 0);
	for (size_t i = 0; i < pool->n_slabs; i++)
		ly_free(pool->slabs[i], LY_MEM_MEDIA);
	ly_free(pool->slabs, LY_MEM_MEDIA);
	*pool = (struct ly_pkt_pool) { 0 };
}

static int grow(struct ly_pkt_pool *pool)
{
	struct ly_pkt *slab;

	if (pool->n_slabs == pool->cap_slabs) {
		size_t cap = pool->cap_slabs ? pool->cap_slabs * 2 : 8;
		struct ly_pkt **slabs =
			ly_realloc(pool->slabs, cap * sizeof(struct ly_pkt *), LY_MEM_MEDIA);

		if (slabs == NULL)
			return -1;
		pool->slabs = slabs;
		pool->cap_slabs = cap;
	}
	slab = ly_alloc(SLAB * sizeof(*slab), LY_MEM_MEDIA);
	if (slab == NULL)
		return -1;
	pool->slabs[pool->n_slabs++] = slab;
	for (size_t i = 0; i < SLAB; i++) {
		slab[i].pool = pool;
		slab[i].next_free = pool->free;
		pool->free = &slab[i];
	}
	return 0;
}

struct ly_pkt *ly_pkt_get(struct ly_pkt_pool *pool)
{
	struct ly_pkt *pkt;

	if (pool->n_used >= pool->max || (pool->free == NULL && grow(pool) != 0))
		return NULL;
	pkt = pool->free;
	pool->free = pkt->next_free;
	pool->n_used++;
	pkt->next_free = NULL;
	pkt->refs = 1;
	pkt->len = 0;
	pkt->at = 0;
	pkt->data = pkt->mem + LY_PKT_HEADROOM;
	return pkt;
}

struct ly_pkt *ly_pkt_ref(struct ly_pkt *pkt)
{
	pkt->refs++;
	return pkt;
}

void ly_pkt_unref(struct ly_pkt *pkt)
{
	if (pkt == NULL)
		return;
	assert(pkt->refs > 0);
	if (--pkt->refs > 0)
		return;
	pkt->next_free = pkt->pool->free;
	pkt->pool->free = pkt;
	pkt->pool->n_used--;
}

size_t ly_pkt_cap(const struct ly_pkt *pkt)
{
	return (size_t)(pkt->mem + sizeof(pkt->mem) - pkt->data);
}
