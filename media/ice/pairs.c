/* The table of pairs. */
#include <string.h>

#include "base/util.h"
#include "media/ice/ice_priv.h"

struct ly_ice_pair *ly_ice_pair_find(struct ly_ice *ice, const struct ly_addr *addr, uint32_t gen)
{
	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++) {
		struct ly_ice_pair *p = &ice->pairs[i];

		if (p->addr.family && p->gen == gen && ly_addr_equal(&p->addr, addr))
			return p;
	}
	return NULL;
}

/* A free slot, or the one that is missed least: failed, or not heard for five seconds. */
static struct ly_ice_pair *find_slot(struct ly_ice *ice, ly_usec now)
{
	struct ly_ice_pair *worst = NULL;

	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++) {
		struct ly_ice_pair *p = &ice->pairs[i];

		if (p->addr.family == 0)
			return p;
		if (p == ice->selected || p->check == LY_ICE_CHECK_NOMINATE)
			continue;
		if (p->state != LY_ICE_PAIR_FAILED &&
		    (p->last_heard == 0 || now - p->last_heard < LY_SEC(5)))
			continue;
		if (worst == NULL || p->last_heard < worst->last_heard)
			worst = p;
	}
	return worst;
}

/* RFC 8445 s. 6.1.2.3: G is the controlling side's priority, D the other's. */
static uint64_t pair_priority(const struct ly_ice *ice, uint32_t remote)
{
	uint64_t g = ice->controlling ? ice->local_priority : remote;
	uint64_t d = ice->controlling ? remote : ice->local_priority;

	return (LY_MIN(g, d) << 32) + 2 * LY_MAX(g, d) + (g > d);
}

struct ly_ice_pair *ly_ice_pair_get(struct ly_ice *ice, ly_usec now, const struct ly_addr *addr,
				    uint32_t remote_priority)
{
	struct ly_ice_pair *p = ly_ice_pair_find(ice, addr, ice->gen);

	if (p)
		return p;
	p = find_slot(ice, now);
	if (p == NULL)
		return NULL;
	*p = (struct ly_ice_pair) {
		.addr = *addr,
		.gen = ice->gen,
		.remote_priority = remote_priority,
		.priority = pair_priority(ice, remote_priority),
		.state = LY_ICE_PAIR_WAITING,
		.check_at = LY_NEVER,
	};
	return p;
}

void ly_ice_pairs_set_priorities(struct ly_ice *ice)
{
	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++)
		ice->pairs[i].priority = pair_priority(ice, ice->pairs[i].remote_priority);
}

void ly_ice_pairs_clear(struct ly_ice *ice, bool keep_selected)
{
	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++)
		if (!keep_selected || &ice->pairs[i] != ice->selected)
			ice->pairs[i] = (struct ly_ice_pair) { .check_at = LY_NEVER };
	if (!keep_selected)
		ice->selected = NULL;
}

void ly_ice_pairs_drop_old(struct ly_ice *ice)
{
	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++)
		if (ice->pairs[i].gen != ice->gen && &ice->pairs[i] != ice->selected)
			ice->pairs[i] = (struct ly_ice_pair) { .check_at = LY_NEVER };
}
