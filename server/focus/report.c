/* What operators see of the calls: each home's share of the answer. */
#include "server/focus/focus_priv.h"

/** Numbers younger than this are shown as they are. */
#define FRESH LY_MS(900)
/** How long a home waits for new numbers of the media threads. */
#define WAIT_FOR_STATS LY_MS(60)

/** One question at one home, while the media threads are asked. */
struct wait {
	struct ly_home_timer timer;
	struct ly_focus_home *fh;
	struct ly_admin_part *part;
};

static json_t *flow_json(const struct ly_sfu_flow_stats *f)
{
	return json_pack("{s:I,s:I,s:I,s:f,s:f}", "bitrate_bps", (json_int_t)f->bitrate_bps,
			 "packets", (json_int_t)f->packets, "lost", (json_int_t)f->lost, "loss",
			 f->loss, "jitter_ms", f->jitter_ms);
}

static const struct ly_sfu_source_stats *source_stats(const struct ly_sfu_endpoint_stats *ep,
						      const char *name)
{
	for (size_t i = 0; ep != NULL && i < ep->n_sources; i++)
		if (strcmp(ep->sources[i].name, name) == 0)
			return &ep->sources[i];
	return NULL;
}

static json_t *sources_json(const struct ly_focus_part *p, const struct ly_sfu_endpoint_stats *ep)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->sources.n; i++) {
		const struct ly_sfu_source_desc *d = &p->sources.v[i].desc;
		const struct ly_sfu_source_stats *st = source_stats(ep, d->name);
		static const struct ly_sfu_flow_stats nothing;
		json_t *s = flow_json(st ? &st->up : &nothing);

		json_object_set_new(s, "name", json_string(d->name));
		json_object_set_new(s, "kind",
				    json_string(d->kind == LY_SFU_AUDIO ? "audio" : "video"));
		json_object_set_new(s, "ssrc", json_integer(d->ssrc));
		json_object_set_new(
			s, "muted",
			json_boolean(d->kind == LY_SFU_AUDIO
					     ? p->muted_audio
					     : d->video_type == LY_SFU_CAMERA && p->muted_video));
		if (d->kind == LY_SFU_VIDEO)
			json_object_set_new(s, "video_type",
					    json_string(d->video_type == LY_SFU_DESKTOP
								? "desktop"
								: "camera"));
		json_object_set_new(s, "keyframes",
				    json_integer(st ? (json_int_t)st->keyframes : 0));
		json_object_set_new(s, "receivers", json_integer(st ? st->receivers : 0));
		json_array_append_new(list, s);
	}
	return list;
}

static const struct ly_sfu_endpoint_stats *endpoint_stats(const struct ly_focus_part *p)
{
	const struct ly_media_event *ev = p->call->stats;

	for (size_t i = 0; ev != NULL && i < ev->stats.n_endpoints; i++)
		if (strcmp(ev->stats.endpoints[i].id, p->endpoint) == 0)
			return &ev->stats.endpoints[i];
	return NULL;
}

static const char *state_name(const struct ly_focus_part *p)
{
	static const char *const names[] = { "connecting", "connected", "disconnected", "failed" };

	return p->state < LY_PART_ACTIVE ? "connecting" : names[p->media];
}

static json_t *part_json(const struct ly_focus_part *p)
{
	const struct ly_sfu_endpoint_stats *ep = endpoint_stats(p);
	char joined[LY_DATETIME_MAX], remote[LY_ADDR_MAX] = "";
	json_t *j;

	ly_datetime_format(joined, sizeof(joined), p->joined_wall);
	if (ep != NULL && ep->remote.family)
		ly_addr_format(&ep->remote, remote, sizeof(remote));
	j = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:b}", "jid", p->jid, "user", p->user,
		      "endpoint", p->endpoint, "device", p->device, "state", state_name(p),
		      "joined", joined, "remote", remote, "rtt_ms", ep ? ep->rtt_ms : 0.0,
		      "dominant", strcmp(p->call->dominant, p->endpoint) == 0 && p->endpoint[0]);
	if (ep != NULL) {
		json_object_set_new(j, "up", flow_json(&ep->up));
		json_object_set_new(j, "down", flow_json(&ep->down));
		json_object_set_new(j, "retransmitted",
				    json_integer((json_int_t)ep->retransmitted));
	}
	json_object_set_new(j, "sources", sources_json(p, ep));
	return j;
}

static json_t *call_json(struct ly_focus_call *c)
{
	char started[LY_DATETIME_MAX];
	json_t *parts = json_array();

	ly_datetime_format(started, sizeof(started), c->started_wall);
	LY_LIST_EACH (it, tmp, &c->parts) {
		json_array_append_new(parts,
				      part_json(LY_LIST_ENTRY(it, struct ly_focus_part, link)));
	}
	return json_pack("{s:s,s:s,s:s,s:o}", "id", c->id, "room", c->room, "started", started,
			 "participants", parts);
}

static void answer(struct ly_focus_home *fh, struct ly_admin_part *part)
{
	struct ly_map_slot it;
	size_t i = 0;

	while (ly_map_next(&fh->confs, &i, &it))
		json_array_append_new(part->out, call_json(it.value));
	ly_admin_part_done(part);
}

static void on_timer(struct ly_home *home, struct ly_home_timer *t)
{
	struct wait *w = LY_CONTAINER_OF(t, struct wait, timer);

	(void)home;
	answer(w->fh, w->part);
	ly_free(w, LY_MEM_CALL);
}

/* Asks for new numbers of every call whose old ones are not fresh. @return whether any was asked
 * for */
static bool ask_for_stats(struct ly_focus_home *fh)
{
	ly_usec now = ly_home_now(fh->home);
	struct ly_map_slot it;
	bool asked = false;
	size_t i = 0;

	while (ly_map_next(&fh->confs, &i, &it)) {
		struct ly_focus_call *c = it.value;

		if (c->stats != NULL && now - c->stats_at < FRESH)
			continue;
		if (ly_media_request_stats(fh->focus->media, c->conf, 0) == 0)
			asked = true;
	}
	return asked;
}

void ly_focus_fill_calls(struct ly_home *home, void *focus, struct ly_admin_part *part)
{
	struct ly_focus_home *fh = ly_focus_at(focus, home);
	struct wait *w = ask_for_stats(fh) ? ly_alloc(sizeof(*w), LY_MEM_CALL) : NULL;

	if (w == NULL) {
		answer(fh, part);
		return;
	}
	w->timer.fire = on_timer;
	w->fh = fh;
	w->part = part;
	if (ly_home_timer_set(home, &w->timer, ly_home_now(home) + WAIT_FOR_STATS)) {
		ly_free(w, LY_MEM_CALL);
		answer(fh, part);
	}
}

void ly_focus_fill_end_call(struct ly_home *home, void *focus, struct ly_admin_part *part)
{
	struct ly_focus_home *fh = ly_focus_at(focus, home);
	struct ly_map_slot it;
	size_t i = 0;

	while (part->arg != NULL && ly_map_next(&fh->confs, &i, &it)) {
		struct ly_focus_call *c = it.value;

		if (strcmp(c->id, part->arg) != 0)
			continue;
		ly_call_end(c, LY_CALL_REVOKED, "an operator ended the call");
		json_array_append_new(part->out, json_true());
		break;
	}
	ly_admin_part_done(part);
}

void ly_report_stats(struct ly_focus_home *fh, struct ly_media_event *ev)
{
	struct ly_focus_call *c = ly_map_find_num(&fh->confs, ev->conf);

	ly_media_event_free(c->stats);
	c->stats = ev;
	c->stats_at = ly_home_now(fh->home);
}
