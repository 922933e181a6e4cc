/* What operators see of the calls: gathered from all homes, each adding its own. */
#include "server/focus/focus_priv.h"

#include "base/err.h"

/** Numbers younger than this are shown as they are. */
#define FRESH LY_MS(900)
/** How long a home waits for new numbers of the media threads. */
#define WAIT_FOR_STATS LY_MS(60)

struct report {
	struct ly_focus *focus;
	_Atomic unsigned pending; /* homes that have not added theirs */
	void (*done)(void *ctx, json_t *calls, json_t *users);
	void *ctx;
	struct part {
		json_t *calls, *users; /* each written by its home only */
	} parts[];
};

struct report_msg {
	struct ly_msg msg;
	struct report *report;
	struct ly_home_timer timer;
	unsigned index;
};

static void finish(struct report *r)
{
	json_t *calls = json_array(), *users = json_array();

	if (atomic_fetch_sub(&r->pending, 1) != 1) {
		json_decref(calls);
		json_decref(users);
		return;
	}
	for (unsigned i = 0; i < r->focus->conf.n_homes; i++) {
		json_array_extend(calls, r->parts[i].calls);
		json_array_extend(users, r->parts[i].users);
		json_decref(r->parts[i].calls);
		json_decref(r->parts[i].users);
	}
	r->done(r->ctx, calls, users);
	ly_free(r, LY_MEM_CALL);
}

static void drop(struct ly_msg *msg)
{
	struct report_msg *m = LY_CONTAINER_OF(msg, struct report_msg, msg);

	finish(m->report);
	ly_free(m, LY_MEM_QUEUE);
}

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

static void add_home(struct report_msg *m, struct ly_focus_home *fh)
{
	struct part *part = &m->report->parts[m->index];
	struct ly_map_slot it;
	size_t i = 0;

	while (ly_map_next(&fh->confs, &i, &it))
		json_array_append_new(part->calls, call_json(it.value));
	ly_slots_report(fh, part->users);
	drop(&m->msg);
}

static void on_timer(struct ly_home *home, struct ly_home_timer *t)
{
	struct report_msg *m = LY_CONTAINER_OF(t, struct report_msg, timer);

	add_home(m, ly_focus_at(m->report->focus, home));
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

static void run(struct ly_home *home, struct ly_msg *msg)
{
	struct report_msg *m = LY_CONTAINER_OF(msg, struct report_msg, msg);
	struct ly_focus_home *fh = ly_focus_at(m->report->focus, home);

	m->timer.fire = on_timer;
	if (!ask_for_stats(fh) ||
	    ly_home_timer_set(home, &m->timer, ly_home_now(home) + WAIT_FOR_STATS))
		add_home(m, fh);
}

void ly_report_stats(struct ly_focus_home *fh, struct ly_media_event *ev)
{
	struct ly_focus_call *c = ly_map_find_num(&fh->confs, ev->conf);

	ly_media_event_free(c->stats);
	c->stats = ev;
	c->stats_at = ly_home_now(fh->home);
}

int ly_focus_report(struct ly_focus *f, void (*done)(void *ctx, json_t *calls, json_t *users),
		    void *ctx)
{
	unsigned n = f->conf.n_homes;
	struct report *r = ly_alloc(sizeof(*r) + n * sizeof(r->parts[0]), LY_MEM_CALL);
	struct report_msg **msgs = ly_alloc(n * sizeof(struct report_msg *), LY_MEM_CALL);
	bool ok = r != NULL && msgs != NULL;

	for (unsigned i = 0; ok && i < n; i++)
		ok = (msgs[i] = ly_alloc(sizeof(*msgs[i]), LY_MEM_QUEUE)) != NULL;
	if (!ok) {
		for (unsigned i = 0; msgs != NULL && i < n; i++)
			ly_free(msgs[i], LY_MEM_QUEUE);
		ly_free(msgs, LY_MEM_CALL);
		ly_free(r, LY_MEM_CALL);
		return -ENOMEM;
	}
	r->focus = f;
	r->done = done;
	r->ctx = ctx;
	atomic_init(&r->pending, n);
	for (unsigned i = 0; i < n; i++) {
		r->parts[i].calls = json_array();
		r->parts[i].users = json_array();
	}
	for (unsigned i = 0; i < n; i++) {
		msgs[i]->msg.run = run;
		msgs[i]->msg.drop = drop;
		msgs[i]->report = r;
		msgs[i]->index = i;
		f->conf.post(f->conf.ctx, i, &msgs[i]->msg);
	}
	ly_free(msgs, LY_MEM_CALL);
	return 0;
}
