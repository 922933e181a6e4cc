/* Who is sent which video: receivers' constraints, last-N with the selected and the loudest
 * first; and what that means for the senders. */
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "sfu/sfu_priv.h"

/* A sender is told to send less only when that has lasted: a page being reloaded is back
 * sooner. */
#define LOWER_AFTER LY_SEC(2)
/* Packets that a receiver's reports must tell of before they are judged. */
#define ENOUGH 50

static uint16_t limit_of(const struct sfu_endpoint *to, const struct sfu_source *src)
{
	for (size_t i = 0; i < to->n_limits; i++)
		if (strcmp(to->limits[i].name, src->desc.name) == 0)
			return to->limits[i].height;
	return to->default_height;
}

/* The place among those that may be forwarded; smaller is better. */
static uint64_t rank_of(const struct sfu_endpoint *to, const struct sfu_source *src)
{
	const struct sfu_conference *c = to->conf;
	const struct sfu_endpoint *from = src->owner;

	for (size_t i = 0; i < to->n_selected; i++)
		if (strcmp(to->selected[i], src->desc.name) == 0)
			return i;
	if (src->desc.video_type == LY_SFU_DESKTOP)
		return 1000 + from->slot;
	if (c->speaker == from)
		return 2000;
	for (unsigned i = 0; i < c->n_previous; i++)
		if (strcmp(c->previous[i], from->id) == 0)
			return 2001 + i;
	return 3000 + from->slot;
}

static void set_wanted(struct ly_sfu *s, struct sfu_sub *sub, bool wanted)
{
	if (sub->wanted != wanted) {
		sub->to->ev_forwarded = true;
		sub->wanted = wanted;
		if (!wanted)
			ly_fwd_pause(&sub->fwd);
	}
	if (wanted && !sub->fwd.active && sub->to->is_ready)
		sfu_want_key(s, sub->source);
}

struct choice {
	struct sfu_sub *sub;
	uint64_t rank;
};

/* Marks the best last_n of the candidates by going through them as often as one is taken: N is
 * small. */
static void take_best(struct ly_sfu *s, struct choice *all, size_t n, size_t last_n)
{
	for (size_t taken = 0; last_n < n && taken < last_n; taken++) {
		size_t best = taken;

		for (size_t i = taken + 1; i < n; i++)
			if (all[i].rank < all[best].rank)
				best = i;
		struct choice swap = all[taken];

		all[taken] = all[best];
		all[best] = swap;
	}
	for (size_t i = 0; i < n; i++)
		set_wanted(s, all[i].sub, i < last_n);
}

static void run_receiver(struct ly_sfu *s, struct sfu_endpoint *to, struct choice *all)
{
	struct sfu_conference *c = to->conf;
	size_t n = 0, limit = SIZE_MAX;

	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_endpoint *from = c->slots[i];

		for (unsigned k = 0; from && from != to && k < from->n_sources; k++) {
			struct sfu_source *src = from->sources[k];
			struct sfu_sub *sub = &src->subs[to->slot];

			if (!sub->to || src->desc.kind != LY_SFU_VIDEO)
				continue;
			sub->height = limit_of(to, src);
			if (sub->height == 0)
				set_wanted(s, sub, false);
			else
				all[n++] = (struct choice) { sub, rank_of(to, src) };
		}
	}
	if (to->last_n >= 0)
		limit = LY_MIN(limit, (size_t)to->last_n);
	limit = LY_MIN(limit, n);
	to->n_video = (unsigned)limit;
	/* held back by the downlink, but for one */
	if (limit > 1)
		limit -= LY_MIN((size_t)to->downlink.held, limit - 1);
	take_best(s, all, n, limit);
	if (to->ev_forwarded)
		sfu_ep_event(s, to);
}

void sfu_downlink_run(struct sfu_endpoint *ep, ly_usec now)
{
	uint64_t expected = ep->told_expected, lost = ep->told_lost;

	if (expected < ENOUGH)
		return; /* goes on adding up */
	ep->told_expected = ep->told_lost = 0;
	if (!ly_downlink_report(&ep->downlink, (double)lost / (double)expected, ep->n_video, now))
		return;
	ly_log(&ep->log, LY_INFO, "downlink", "loss_percent=%u held_back=%u",
	       (unsigned)(100 * lost / expected), ep->downlink.held);
	ep->conf->is_stale = true;
}

static void tell_height(struct ly_sfu *s, struct sfu_source *src)
{
	src->told_height = src->height;
	src->ev_height = true;
	src->owner->ev_sources = true;
	sfu_ep_event(s, src->owner);
}

static void run_source(struct ly_sfu *s, struct sfu_source *src, ly_usec now)
{
	const struct sfu_conference *c = src->owner->conf;
	uint16_t height = 0;

	if (src->desc.kind != LY_SFU_VIDEO)
		return;
	for (unsigned i = 0; i < c->top; i++)
		if (src->subs[i].to && src->subs[i].wanted)
			height = LY_MAX(height, src->subs[i].height);
	if (height != src->height)
		src->height_since = now;
	src->height = height;
	if (height > src->told_height)
		tell_height(s, src);
}

void sfu_heights_run(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	for (unsigned i = 0; i < ep->n_sources; i++) {
		struct sfu_source *src = ep->sources[i];

		if (src->height < src->told_height && now - src->height_since >= LOWER_AFTER)
			tell_height(s, src);
	}
}

static size_t count_sources(const struct sfu_conference *c)
{
	size_t n = 0;

	for (unsigned i = 0; i < c->top; i++)
		n += c->slots[i] ? c->slots[i]->n_sources : 0;
	return n;
}

void sfu_wanted_run(struct ly_sfu *s, struct sfu_conference *c, ly_usec now)
{
	size_t n = count_sources(c);
	struct choice *all;

	if (!c->is_stale)
		return;
	all = ly_alloc((n + 1) * sizeof(*all), LY_MEM_SFU);
	if (all == NULL)
		return; /* stays stale: tried again at the conference's next timer */
	c->is_stale = false;
	for (unsigned i = 0; i < c->top; i++)
		if (c->slots[i])
			run_receiver(s, c->slots[i], all);
	for (unsigned i = 0; i < c->top; i++)
		for (unsigned k = 0; c->slots[i] && k < c->slots[i]->n_sources; k++)
			run_source(s, c->slots[i]->sources[k], now);
	ly_free(all, LY_MEM_SFU);
}

/* ---- the command ---- */

static int copy_selected(struct sfu_endpoint *ep, const struct ly_sfu_constraints *c)
{
	size_t n = LY_MIN(c->n_selected, (size_t)LY_SFU_MAX_CONSTRAINTS);
	char(*copy)[LY_SFU_NAME_MAX] = ly_alloc(n * LY_SFU_NAME_MAX, LY_MEM_SFU);

	if (copy == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		memcpy(copy[i], c->selected[i], LY_SFU_NAME_MAX - 1);
	ly_free(ep->selected, LY_MEM_SFU);
	ep->selected = copy;
	ep->n_selected = n;
	return 0;
}

static int copy_limits(struct sfu_endpoint *ep, const struct ly_sfu_constraints *c)
{
	size_t n = LY_MIN(c->n_sources, (size_t)LY_SFU_MAX_CONSTRAINTS);
	struct sfu_limit *copy = ly_alloc(n * sizeof(*copy), LY_MEM_SFU);

	if (copy == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		memcpy(copy[i].name, c->sources[i].name, LY_SFU_NAME_MAX - 1);
		copy[i].height = c->sources[i].max_height;
	}
	ly_free(ep->limits, LY_MEM_SFU);
	ep->limits = copy;
	ep->n_limits = n;
	return 0;
}

int ly_sfu_set_constraints(struct ly_sfu *s, uint64_t conf, const char *id,
			   const struct ly_sfu_constraints *c, ly_usec now)
{
	struct sfu_endpoint *ep;
	int err = sfu_find(s, conf, id, &ep);

	if (err)
		return err;
	s->now = now;
	if (c->set & LY_SFU_SET_SELECTED)
		err = copy_selected(ep, c);
	if (err == 0 && c->set & LY_SFU_SET_SOURCES)
		err = copy_limits(ep, c);
	if (c->set & LY_SFU_SET_LAST_N)
		ep->last_n = c->last_n < 0 ? -1 : c->last_n;
	if (c->set & LY_SFU_SET_DEFAULT)
		ep->default_height = c->default_max_height;
	ep->conf->is_stale = true;
	sfu_wanted_run(s, ep->conf, now);
	sfu_settle(s, now);
	return err;
}
