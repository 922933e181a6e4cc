/* Events are not queued but marked on what they are about and read off its state when they are
 * polled, so that there is at most one of a kind per object. */
#include <string.h>

#include "base/err.h"
#include "sfu/sfu_priv.h"

void sfu_ep_event(struct ly_sfu *s, struct sfu_endpoint *ep)
{
	if (ly_list_is_empty(&ep->event_node))
		ly_list_add_tail(&s->ep_events, &ep->event_node);
}

void sfu_conf_event(struct ly_sfu *s, struct sfu_conference *c)
{
	if (ly_list_is_empty(&c->event_node))
		ly_list_add_tail(&s->conf_events, &c->event_node);
}

static void add_name(struct ly_sfu *s, struct ly_sfu_event *ev, const char *name)
{
	if (ev->n_names == s->cap_names) {
		size_t cap = s->cap_names ? s->cap_names * 2 : 32;
		void *grown = ly_realloc(s->names, cap * LY_SFU_NAME_MAX, LY_MEM_SFU);

		if (grown == NULL)
			return; /* an incomplete list is corrected by the next one */
		s->names = grown;
		s->cap_names = cap;
	}
	memset(s->names[ev->n_names], 0, LY_SFU_NAME_MAX);
	memcpy(s->names[ev->n_names++], name, strnlen(name, LY_SFU_NAME_MAX - 1));
}

static void add_forwarded(struct ly_sfu *s, struct ly_sfu_event *ev, const struct sfu_endpoint *to)
{
	const struct sfu_conference *c = to->conf;

	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_endpoint *from = c->slots[i];

		for (unsigned k = 0; from && from != to && k < from->n_sources; k++) {
			struct sfu_source *src = from->sources[k];

			if (src->subs[to->slot].to && src->subs[to->slot].wanted &&
			    src->desc.kind == LY_SFU_VIDEO)
				add_name(s, ev, src->desc.name);
		}
	}
}

static bool height_event(struct sfu_endpoint *ep, struct ly_sfu_event *ev)
{
	for (unsigned i = 0; i < ep->n_sources; i++) {
		if (!ep->sources[i]->ev_height)
			continue;
		ep->sources[i]->ev_height = false;
		ev->kind = LY_SFU_EV_SENDER_CONSTRAINT;
		ev->source = ep->sources[i]->desc.name;
		ev->max_height = ep->sources[i]->told_height;
		return true;
	}
	ep->ev_sources = false;
	return false;
}

/* One event of an endpoint; false when it has no more. */
static bool ep_event(struct ly_sfu *s, struct sfu_endpoint *ep, struct ly_sfu_event *ev)
{
	ev->conf = ep->conf->id;
	ev->endpoint = ep->id;
	if (ep->ev_state) {
		ep->ev_state = false;
		ev->kind = LY_SFU_EV_ENDPOINT_STATE;
		ev->state = ep->state;
		ev->reason = ep->reason;
		return true;
	}
	if (ep->ev_sources && height_event(ep, ev))
		return true;
	if (ep->ev_forwarded) {
		ep->ev_forwarded = false;
		ev->kind = LY_SFU_EV_FORWARDED_SOURCES;
		add_forwarded(s, ev, ep);
		ev->names = (const char(*)[LY_SFU_NAME_MAX])s->names;
		return true;
	}
	return false;
}

static void speaker_event(struct ly_sfu *s, struct sfu_conference *c, struct ly_sfu_event *ev)
{
	ev->kind = LY_SFU_EV_DOMINANT_SPEAKER;
	ev->conf = c->id;
	if (c->speaker)
		add_name(s, ev, c->speaker->id);
	for (unsigned i = 0; i < c->n_previous; i++)
		if (c->speaker && strcmp(c->previous[i], c->speaker->id) != 0)
			add_name(s, ev, c->previous[i]);
	ev->names = (const char(*)[LY_SFU_NAME_MAX])s->names;
}

bool ly_sfu_poll_event(struct ly_sfu *s, struct ly_sfu_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	while (!ly_list_is_empty(&s->ep_events)) {
		struct sfu_endpoint *ep =
			LY_LIST_ENTRY(s->ep_events.next, struct sfu_endpoint, event_node);

		if (ep_event(s, ep, ev))
			return true;
		ly_list_del(&ep->event_node);
	}
	if (!ly_list_is_empty(&s->conf_events)) {
		struct sfu_conference *c =
			LY_LIST_ENTRY(s->conf_events.next, struct sfu_conference, event_node);

		ly_list_del(&c->event_node);
		speaker_event(s, c, ev);
		return true;
	}
	return false;
}
