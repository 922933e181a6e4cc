/* Published sources and the subscriptions of all other endpoints to them. */
#include <string.h>

#include "base/err.h"
#include "sfu/sfu_priv.h"

struct sfu_source *sfu_source_find(const struct sfu_conference *c, uint32_t ssrc)
{
	return ly_map_find_num(&c->ssrcs, ssrc);
}

static struct sfu_ledger *ledger_find(struct sfu_endpoint *to, uint32_t ssrc)
{
	for (size_t i = 0; i < to->n_ledger; i++)
		if (to->ledger[i].ssrc == ssrc)
			return &to->ledger[i];
	return NULL;
}

/* Remembers where the numbers of an ended stream stopped: its SSRC may come back, but no number
 * may be used twice with the same key (RFC 7714 s. 9.1). */
static int ledger_note(struct sfu_endpoint *to, const struct sfu_sub *sub)
{
	struct sfu_ledger *l = ledger_find(to, sub->source->desc.ssrc);

	if (l == NULL) {
		if (to->n_ledger == SFU_MAX_LEDGER)
			return -E2BIG;
		if (to->n_ledger == to->cap_ledger) {
			size_t cap = to->cap_ledger ? to->cap_ledger * 2 : 8;
			void *grown = ly_realloc(to->ledger, cap * sizeof(*l), LY_MEM_SFU);

			if (grown == NULL)
				return -ENOMEM;
			to->ledger = grown;
			to->cap_ledger = cap;
		}
		l = &to->ledger[to->n_ledger++];
		l->ssrc = sub->source->desc.ssrc;
	}
	l->top = sub->fwd.top;
	l->rtx_next = sub->rtx_next;
	return 0;
}

static void sub_init(struct ly_sfu *s, struct sfu_source *src, struct sfu_endpoint *to)
{
	struct sfu_sub *sub = &src->subs[to->slot];
	const struct sfu_ledger *l = ledger_find(to, src->desc.ssrc);

	memset(sub, 0, sizeof(*sub));
	/* Whoever has used up the ledger is sent nothing new rather than something unsafe. */
	if (l == NULL && to->is_ledger_full)
		return;
	sub->to = to;
	sub->source = src;
	/* below 2^15, so that a receiver that misses the first packets still guesses ROC 0 */
	ly_fwd_init(&sub->fwd, (uint16_t)(1 + ly_rand_below(s->conf.rand, 0x7ffe)));
	sub->rtx_next = 1 + ly_rand_below(s->conf.rand, 0x7ffe);
	if (l) {
		sub->fwd.top = l->top;
		sub->rtx_next = l->rtx_next;
	}
	sub->wanted = src->desc.kind == LY_SFU_AUDIO;
}

static void sub_fini(struct sfu_sub *sub)
{
	struct sfu_endpoint *to = sub->to;

	if (to == NULL)
		return;
	if (sub->fwd.ever && ledger_note(to, sub)) {
		ly_log(&to->log, LY_WARN, "too-many-streams", "limit=%d", SFU_MAX_LEDGER);
		to->is_ledger_full = true;
	}
	if (to->srtp_out && sub->source->desc.kind == LY_SFU_VIDEO)
		to->ev_forwarded |= sub->wanted;
	sub->to = NULL;
}

int sfu_subs_grow(struct sfu_conference *c, unsigned old_cap, unsigned cap)
{
	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_endpoint *ep = c->slots[i];

		for (unsigned k = 0; ep && k < ep->n_sources; k++) {
			struct sfu_source *src = ep->sources[k];
			struct sfu_sub *subs =
				ly_realloc(src->subs, cap * sizeof(*subs), LY_MEM_SFU);

			if (subs == NULL)
				return -ENOMEM;
			memset(subs + old_cap, 0, (cap - old_cap) * sizeof(*subs));
			src->subs = subs;
		}
	}
	return 0;
}

void sfu_subs_join(struct ly_sfu *s, struct sfu_endpoint *ep)
{
	struct sfu_conference *c = ep->conf;

	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_endpoint *from = c->slots[i];

		for (unsigned k = 0; from && from != ep && k < from->n_sources; k++)
			sub_init(s, from->sources[k], ep);
	}
	c->is_stale = true;
}

void sfu_subs_leave(struct sfu_endpoint *ep)
{
	struct sfu_conference *c = ep->conf;

	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_endpoint *from = c->slots[i];

		for (unsigned k = 0; from && k < from->n_sources; k++)
			from->sources[k]->subs[ep->slot].to = NULL;
	}
}

static void source_free(struct sfu_source *src)
{
	if (src == NULL)
		return;
	ly_rtp_cache_fini(&src->cache);
	ly_free(src->subs, LY_MEM_SFU);
	ly_free(src, LY_MEM_SFU);
}

static struct sfu_source *source_create(struct sfu_endpoint *ep,
					const struct ly_sfu_source_desc *desc)
{
	struct sfu_source *src = ly_alloc(sizeof(*src), LY_MEM_SFU);

	if (src == NULL)
		return NULL;
	src->desc = *desc;
	src->owner = ep;
	src->rate = desc->kind == LY_SFU_AUDIO ? SFU_AUDIO_RATE : SFU_VIDEO_RATE;
	src->height = src->told_height = SFU_ANY_HEIGHT;
	src->height_since = LY_NEVER;
	ly_rtp_stats_init(&src->stats, src->rate);
	ly_nack_init(&src->nack);
	src->subs = ly_alloc(ep->conf->cap * sizeof(*src->subs), LY_MEM_SFU);
	if (src->subs == NULL || (desc->kind == LY_SFU_VIDEO &&
				  ly_rtp_cache_init(&src->cache, SFU_CACHE, SFU_CACHE_AGE))) {
		ly_free(src->subs, LY_MEM_SFU);
		ly_free(src, LY_MEM_SFU);
		return NULL;
	}
	return src;
}

static bool is_named(const struct sfu_conference *c, const char *name)
{
	for (unsigned i = 0; i < c->top; i++)
		for (unsigned k = 0; c->slots[i] && k < c->slots[i]->n_sources; k++)
			if (strcmp(c->slots[i]->sources[k]->desc.name, name) == 0)
				return true;
	return false;
}

static int check(const struct sfu_conference *c, const struct ly_sfu_source_desc *d)
{
	size_t len = strnlen(d->name, LY_SFU_NAME_MAX);

	if (len == 0 || len == LY_SFU_NAME_MAX || d->ssrc == 0 || d->ssrc == d->rtx_ssrc ||
	    (d->kind != LY_SFU_AUDIO && d->kind != LY_SFU_VIDEO))
		return -EINVAL;
	if (is_named(c, d->name) || sfu_source_find(c, d->ssrc) ||
	    (d->rtx_ssrc && sfu_source_find(c, d->rtx_ssrc)))
		return -EEXIST;
	return 0;
}

/* An SSRC in use again is not retired. */
static void unretire(struct sfu_endpoint *ep, uint32_t ssrc)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ep->n_retired; i++)
		if (ep->retired[i] != ssrc)
			ep->retired[n++] = ep->retired[i];
	ep->n_retired = n;
}

/* The sender's SRTP session has room for so many SSRCs: the one retired first makes way. */
static void retire(struct sfu_endpoint *ep, uint32_t ssrc)
{
	if (ssrc == 0)
		return;
	unretire(ep, ssrc);
	if (ep->n_retired == SFU_MAX_RETIRED) {
		if (ep->srtp)
			ly_srtp_forget(ep->srtp, ep->retired[0]);
		unretire(ep, ep->retired[0]);
	}
	ep->retired[ep->n_retired++] = ssrc;
}

static int source_add(struct ly_sfu *s, struct sfu_endpoint *ep,
		      const struct ly_sfu_source_desc *desc)
{
	struct sfu_conference *c = ep->conf;
	struct sfu_source *src;
	int err = ep->n_sources < LY_SFU_MAX_SOURCES ? check(c, desc) : -E2BIG;

	if (err)
		return err;
	src = source_create(ep, desc);
	if (src == NULL)
		return -ENOMEM;
	err = ly_map_put_num(&c->ssrcs, desc->ssrc, src);
	if (err == 0 && desc->rtx_ssrc) {
		err = ly_map_put_num(&c->ssrcs, desc->rtx_ssrc, src);
		if (err)
			ly_map_del_num(&c->ssrcs, desc->ssrc);
	}
	if (err) {
		source_free(src);
		return err;
	}
	ep->sources[ep->n_sources++] = src;
	unretire(ep, desc->ssrc);
	unretire(ep, desc->rtx_ssrc);
	for (unsigned i = 0; i < c->top; i++)
		if (c->slots[i] && c->slots[i] != ep)
			sub_init(s, src, c->slots[i]);
	return 0;
}

static void source_remove(struct sfu_endpoint *ep, unsigned at)
{
	struct sfu_source *src = ep->sources[at];
	struct sfu_conference *c = ep->conf;

	ly_map_del_num(&c->ssrcs, src->desc.ssrc);
	if (src->desc.rtx_ssrc)
		ly_map_del_num(&c->ssrcs, src->desc.rtx_ssrc);
	retire(ep, src->desc.ssrc);
	retire(ep, src->desc.rtx_ssrc);
	for (unsigned i = 0; i < c->top; i++)
		sub_fini(&src->subs[i]);
	ep->sources[at] = ep->sources[--ep->n_sources];
	source_free(src);
}

int ly_sfu_add_sources(struct ly_sfu *s, uint64_t conf, const char *id,
		       const struct ly_sfu_source_desc *sources, size_t n, ly_usec now)
{
	struct sfu_endpoint *ep;
	int err = sfu_find(s, conf, id, &ep);
	unsigned before;

	if (err)
		return err;
	sfu_jobs_drop(s);
	before = ep->n_sources;
	for (size_t i = 0; i < n && err == 0; i++)
		err = source_add(s, ep, &sources[i]);
	while (err && ep->n_sources > before)
		source_remove(ep, ep->n_sources - 1);
	if (err == 0) {
		ly_log(&ep->log, LY_INFO, "sources-added", "n=%zu all=%u", n, ep->n_sources);
		ep->conf->is_stale = true;
	}
	sfu_wanted_run(s, ep->conf, now);
	sfu_settle(s, now);
	return err;
}

/* Tells everybody who was sent them that the streams have ended (RFC 3550 s. 6.6). */
static void say_bye(struct ly_sfu *s, struct sfu_endpoint *ep, const uint32_t *ssrcs, unsigned n)
{
	struct sfu_conference *c = ep->conf;

	for (unsigned i = 0; n > 0 && !c->is_ending && i < c->top; i++)
		if (c->slots[i] && c->slots[i] != ep && c->slots[i]->is_ready)
			sfu_send_bye(s, c->slots[i], ssrcs, n);
}

int ly_sfu_remove_sources(struct ly_sfu *s, uint64_t conf, const char *id,
			  const char (*names)[LY_SFU_NAME_MAX], size_t n, ly_usec now)
{
	uint32_t gone[LY_SFU_MAX_SOURCES];
	unsigned n_gone = 0;
	struct sfu_endpoint *ep;
	int err = sfu_find(s, conf, id, &ep);

	if (err)
		return err;
	s->now = now;
	sfu_jobs_drop(s);
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < ep->n_sources; k++)
			if (strncmp(ep->sources[k]->desc.name, names[i], LY_SFU_NAME_MAX) == 0) {
				gone[n_gone++] = ep->sources[k]->desc.ssrc;
				source_remove(ep, k);
				break;
			}
	say_bye(s, ep, gone, n_gone);
	ep->conf->is_stale = true;
	sfu_wanted_run(s, ep->conf, now);
	sfu_settle(s, now);
	return 0;
}

void sfu_sources_drop(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	uint32_t gone[LY_SFU_MAX_SOURCES];
	unsigned n = 0;

	s->now = now;
	while (ep->n_sources > 0) {
		gone[n++] = ep->sources[ep->n_sources - 1]->desc.ssrc;
		source_remove(ep, ep->n_sources - 1);
	}
	say_bye(s, ep, gone, n);
}
