/* Conferences and their endpoints: creation, removal, look-up. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "sfu/sfu_priv.h"

struct sfu_conference *sfu_conf_find(const struct ly_sfu *s, uint64_t id)
{
	return ly_map_find_num(&s->confs, id);
}

struct sfu_endpoint *sfu_ep_find(const struct sfu_conference *c, const char *id)
{
	for (unsigned i = 0; i < c->top; i++)
		if (c->slots[i] && strcmp(c->slots[i]->id, id) == 0)
			return c->slots[i];
	return NULL;
}

int sfu_find(const struct ly_sfu *s, uint64_t conf, const char *id, struct sfu_endpoint **out)
{
	struct sfu_conference *c = sfu_conf_find(s, conf);

	*out = c ? sfu_ep_find(c, id) : NULL;
	return *out ? 0 : -ENOENT;
}

int ly_sfu_create_conference(struct ly_sfu *s, uint64_t conf, const char *name, ly_usec now)
{
	struct sfu_conference *c;
	int err = -ENOMEM;

	if (sfu_conf_find(s, conf))
		return -EEXIST;
	c = ly_alloc(sizeof(*c), LY_MEM_SFU);
	if (c == NULL)
		return -ENOMEM;
	c->id = conf;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->log = (struct ly_log) { "sfu", c->name };
	ly_map_init(&c->ssrcs, LY_MEM_SFU, ly_rand_u64(s->conf.rand));
	ly_list_init(&c->event_node);
	if (ly_timers_set(&s->conf_timers, &c->timer, now + LY_SPEAKER_INTERVAL))
		goto out;
	err = ly_map_put_num(&s->confs, conf, c);
	if (err)
		goto out;
	s->n.conferences++;
	ly_log(&c->log, LY_INFO, "conference-created", "id=%llx", (unsigned long long)conf);
	return 0;
out:
	ly_timers_del(&s->conf_timers, &c->timer);
	ly_free(c, LY_MEM_SFU);
	return err;
}

static void ep_free(struct sfu_endpoint *ep)
{
	ly_free(ep->selected, LY_MEM_SFU);
	ly_free(ep->limits, LY_MEM_SFU);
	ly_free(ep->ledger, LY_MEM_SFU);
	ly_free(ep->twcc, LY_MEM_SFU);
	ly_free(ep, LY_MEM_SFU);
}

static void ep_destroy(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	struct sfu_conference *c = ep->conf;

	sfu_jobs_drop(s);
	sfu_transport_close(s, ep, now);
	sfu_sources_drop(s, ep, now);
	sfu_subs_leave(ep);
	sfu_transport_fini(s, ep);
	ly_timers_del(&s->ep_timers, &ep->timer);
	ly_list_del(&ep->touched_node);
	ly_list_del(&ep->event_node);
	if (c->speaker == ep)
		c->speaker = NULL;
	c->slots[ep->slot] = NULL;
	c->n--;
	while (c->top > 0 && c->slots[c->top - 1] == NULL)
		c->top--;
	s->n.endpoints--;
	ep_free(ep);
}

void sfu_conf_destroy(struct ly_sfu *s, struct sfu_conference *c)
{
	c->is_ending = true;
	for (unsigned i = 0; i < c->cap; i++)
		if (c->slots[i])
			ep_destroy(s, c->slots[i], s->now);
	ly_timers_del(&s->conf_timers, &c->timer);
	ly_list_del(&c->event_node);
	ly_map_del_num(&s->confs, c->id);
	ly_map_fini(&c->ssrcs);
	ly_free(c->slots, LY_MEM_SFU);
	ly_free(c, LY_MEM_SFU);
	s->n.conferences--;
}

int ly_sfu_end_conference(struct ly_sfu *s, uint64_t conf, ly_usec now)
{
	struct sfu_conference *c = sfu_conf_find(s, conf);

	if (c == NULL)
		return -ENOENT;
	s->now = now;
	ly_log(&c->log, LY_INFO, "conference-ended", "endpoints=%u", c->n);
	sfu_conf_destroy(s, c);
	return 0;
}

static int grow(struct sfu_conference *c)
{
	unsigned cap = c->cap ? c->cap * 2 : 8;
	struct sfu_endpoint **slots;
	int err;

	if (c->top < c->cap)
		return 0;
	for (unsigned i = 0; i < c->cap; i++)
		if (c->slots[i] == NULL)
			return 0;
	if (c->cap >= LY_SFU_MAX_ENDPOINTS)
		return -E2BIG;
	cap = LY_MIN(cap, (unsigned)LY_SFU_MAX_ENDPOINTS);
	slots = ly_realloc(c->slots, cap * sizeof(struct sfu_endpoint *), LY_MEM_SFU);
	if (slots == NULL)
		return -ENOMEM;
	memset(slots + c->cap, 0, (cap - c->cap) * sizeof(struct sfu_endpoint *));
	c->slots = slots;
	err = sfu_subs_grow(c, c->cap, cap);
	if (err == 0)
		c->cap = cap;
	return err;
}

static void take_slot(struct sfu_conference *c, struct sfu_endpoint *ep)
{
	unsigned i = 0;

	while (c->slots[i])
		i++;
	c->slots[i] = ep;
	ep->slot = i;
	c->n++;
	if (i >= c->top)
		c->top = i + 1;
}

static bool is_text(const char *s, size_t min, size_t cap)
{
	size_t len = strnlen(s, cap);

	return len >= min && len < cap;
}

static void ep_init(struct ly_sfu *s, struct sfu_endpoint *ep, struct sfu_conference *c,
		    const struct ly_sfu_endpoint_conf *conf, ly_usec now)
{
	memcpy(ep->id, conf->id, sizeof(ep->id));
	ep->conf = c;
	ep->log = (struct ly_log) { "sfu", ep->id };
	ep->last_n = -1;
	ep->default_height = SFU_ANY_HEIGHT;
	ep->job_head = ep->job_tail = SFU_NO_JOB;
	ep->connect_by = LY_NEVER;
	ep->rtx_credit = SFU_RTX_SAVED;
	ep->own_audio_ssrc =
		conf->own_audio_ssrc ? conf->own_audio_ssrc : ly_rand_u32(s->conf.rand) | 1;
	ep->own_video_ssrc =
		conf->own_video_ssrc ? conf->own_video_ssrc : ly_rand_u32(s->conf.rand) | 1;
	/* spread, so that not all who joined together report together */
	ep->report_at = now + ly_rand_below(s->conf.rand, (uint32_t)SFU_REPORT);
	ep->report_last = now;
	ly_list_init(&ep->paths);
	ly_list_init(&ep->job_node);
	ly_list_init(&ep->touched_node);
	ly_list_init(&ep->event_node);
}

int ly_sfu_add_endpoint(struct ly_sfu *s, uint64_t conf, const struct ly_sfu_endpoint_conf *epc,
			ly_usec now)
{
	struct sfu_conference *c = sfu_conf_find(s, conf);
	struct sfu_endpoint *ep;
	int err;

	s->now = now;
	if (c == NULL)
		return -ENOENT;
	if (!is_text(epc->id, 1, LY_SFU_ID_MAX) || !is_text(epc->ufrag, 4, LY_SFU_ICE_MAX) ||
	    !is_text(epc->pwd, 22, LY_SFU_ICE_MAX))
		return -EINVAL;
	if (sfu_ep_find(c, epc->id) || ly_map_find_str(&s->ufrags, epc->ufrag))
		return -EEXIST;
	sfu_jobs_drop(s); /* the slots may move */
	err = grow(c);
	if (err)
		return err;
	ep = ly_alloc(sizeof(*ep), LY_MEM_SFU);
	if (ep == NULL)
		return -ENOMEM;
	ep_init(s, ep, c, epc, now);
	ep->twcc = ly_alloc(sizeof(*ep->twcc), LY_MEM_SFU);
	err = ep->twcc ? sfu_transport_init(s, ep, epc, now) : -ENOMEM;
	if (err == 0)
		err = ly_timers_set(&s->ep_timers, &ep->timer, ep->report_at);
	if (err) {
		sfu_transport_fini(s, ep);
		ep_free(ep);
		return err;
	}
	ly_twcc_recv_init(ep->twcc, 0);
	take_slot(c, ep);
	sfu_subs_join(s, ep);
	s->n.endpoints++;
	ly_log(&ep->log, LY_INFO, "endpoint-added", "conference=%s", c->name);
	if (epc->has_remote)
		err = ly_sfu_set_remote(s, conf, ep->id, &epc->remote, now);
	if (err)
		ep_destroy(s, ep, now);
	else
		sfu_touch(s, ep);
	sfu_settle(s, now);
	return err;
}

int ly_sfu_remove_endpoint(struct ly_sfu *s, uint64_t conf, const char *id, ly_usec now)
{
	struct sfu_endpoint *ep;
	struct sfu_conference *c;
	int err = sfu_find(s, conf, id, &ep);

	if (err)
		return err;
	s->now = now;
	c = ep->conf;
	ly_log(&ep->log, LY_INFO, "endpoint-removed", "conference=%s", c->name);
	ep_destroy(s, ep, now);
	c->is_stale = true;
	sfu_wanted_run(s, c, now);
	sfu_settle(s, now);
	return 0;
}

int ly_sfu_n_endpoints(const struct ly_sfu *s, uint64_t conf)
{
	const struct sfu_conference *c = sfu_conf_find(s, conf);

	return c ? (int)c->n : -ENOENT;
}
