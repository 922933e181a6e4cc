#include "tests/sim/sfu/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/heap.h"
#include "base/util.h"
#include "media/demux/demux.h"
#include "tests/unit/check.h"

const char *world_id(unsigned i)
{
	static char ids[WORLD_MAX_PEERS][9];

	snprintf(ids[i], sizeof(ids[i]), "aaaa%04x", i);
	return ids[i];
}

void world_init(struct world *w, uint64_t seed)
{
	struct ly_sfu_conf conf = { 0 };

	memset(w, 0, sizeof(*w));
	w->now = LY_SEC(1000);
	w->delay = LY_MS(10);
	ly_rand_seeded(&w->rand, seed);
	ly_rand_seeded(&w->net, seed + 1);
	w->flying = calloc(WORLD_MAX_FLYING, sizeof(*w->flying));
	assert_non_null(w->flying);
	assert_int_equal(ly_addr_parse_ip(&w->server, "192.0.2.1", 10000), 0);
	assert_int_equal(peer_env_init(&w->env, &w->rand), 0);
	assert_int_equal(ly_dtls_ctx_create(&w->dtls), 0);
	conf.dtls = w->dtls;
	conf.rand = &w->rand;
	assert_int_equal(ly_sfu_create(&w->sfu, &conf, w->now), 0);
	assert_int_equal(ly_sfu_create_conference(w->sfu, WORLD_CONF, "algebra", w->now), 0);
}

void world_fini(struct world *w)
{
	ly_sfu_destroy(w->sfu);
	for (unsigned i = 0; i < WORLD_MAX_PEERS; i++)
		if (w->peers[i]) {
			peer_fini(w->peers[i]);
			free(w->peers[i]);
		}
	peer_env_fini(&w->env);
	ly_dtls_ctx_destroy(w->dtls);
	free(w->flying);
}

static bool is_media(const uint8_t *data, size_t len)
{
	enum ly_proto p = ly_demux(ly_span(data, len));

	return p == LY_PROTO_RTP || p == LY_PROTO_RTCP;
}

static void fly(struct world *w, int to, const struct ly_addr *from, const uint8_t *data,
		size_t len, unsigned loss)
{
	struct flying *f = &w->flying[w->n_flying];
	ly_usec queued = 0;

	assert_true(len <= sizeof(f->data));
	if (is_media(data, len) && ly_rand_below(&w->net, 1000) < loss)
		return;
	if (to >= 0 && w->cap_bps[to]) {
		if (w->free_at[to] > w->now + LY_MS(200))
			return; /* the queue is full */
		w->free_at[to] = LY_MAX(w->free_at[to], w->now) +
				 (ly_usec)((len + 40) * 8 * 1000000 / w->cap_bps[to]);
		queued = w->free_at[to] - w->now;
	}
	assert_true(w->n_flying < WORLD_MAX_FLYING);
	f->at = w->now + w->delay + queued;
	if (w->jitter)
		f->at += ly_rand_below(&w->net, (uint32_t)w->jitter);
	f->to = to;
	f->from = *from;
	f->len = len;
	memcpy(f->data, data, len);
	w->n_flying++;
}

static void peer_out(void *ctx, const uint8_t *data, size_t len)
{
	struct world_link *l = ctx;
	struct world *w = l->w;

	if (w->is_cut[l->peer])
		return;
	if (ly_demux(ly_span(data, len)) == LY_PROTO_RTP) {
		memcpy(w->last, data, len);
		w->last_len = len;
		w->last_from = w->peers[l->peer]->addr;
	}
	fly(w, -1, &w->peers[l->peer]->addr, data, len, w->loss_up);
}

static int peer_at(const struct world *w, const struct ly_addr *a)
{
	for (int i = 0; i < WORLD_MAX_PEERS; i++)
		if (w->peers[i] && ly_addr_equal(&w->peers[i]->addr, a))
			return i;
	return -1;
}

static int peer_named(const struct world *w, const char *id)
{
	for (int i = 0; i < WORLD_MAX_PEERS; i++)
		if (w->peers[i] && strcmp(w->peers[i]->id, id) == 0)
			return i;
	return -1;
}

static void on_event(struct world *w, const struct ly_sfu_event *ev)
{
	int i = ev->endpoint ? peer_named(w, ev->endpoint) : -1;
	struct world_seen *seen = i >= 0 ? &w->seen[i] : NULL;

	assert_int_equal(ev->conf, WORLD_CONF);
	if (ev->kind == LY_SFU_EV_DOMINANT_SPEAKER) {
		snprintf(w->dominant, sizeof(w->dominant), "%s", ev->n_names ? ev->names[0] : "");
		w->n_dominant++;
	} else if (seen && ev->kind == LY_SFU_EV_ENDPOINT_STATE) {
		seen->state = ev->state;
		seen->reason = ev->reason;
		seen->n_states++;
	} else if (seen && ev->kind == LY_SFU_EV_FORWARDED_SOURCES) {
		seen->forwarded_n = ev->n_names;
		seen->n_forwarded++;
		for (size_t k = 0; k < ev->n_names && k < 16; k++)
			memcpy(seen->forwarded[k], ev->names[k], LY_SFU_NAME_MAX);
	} else if (seen && ev->kind == LY_SFU_EV_SENDER_CONSTRAINT) {
		seen->max_height = ev->max_height;
		seen->n_constraints++;
	}
}

static void drain(struct world *w)
{
	const struct ly_sfu_out *out;
	struct ly_sfu_event ev;
	size_t n;

	while ((n = ly_sfu_poll_out(w->sfu, w->now, &out)) > 0)
		for (size_t i = 0; i < n; i++) {
			size_t step = out[i].segment ? out[i].segment : out[i].len;
			int to = peer_at(w, &out[i].dst);

			for (size_t at = 0; to >= 0 && !w->is_cut[to] && at < out[i].len;
			     at += step)
				fly(w, to, &w->server, out[i].data + at,
				    LY_MIN(step, out[i].len - at),
				    w->loss_down + w->loss_down_of[to]);
		}
	while (ly_sfu_poll_event(w->sfu, &ev))
		on_event(w, &ev);
}

struct peer *world_join(struct world *w, unsigned i)
{
	struct ly_sfu_endpoint_conf conf = { .has_remote = true };
	struct ly_sfu_source_desc sources[2];
	struct peer *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(peer_init(p, &w->env, world_id(i), i, w->now), 0);
	w->links[i] = (struct world_link) { w, (int)i };
	memset(&w->seen[i], 0, sizeof(w->seen[i]));
	p->send = peer_out;
	p->ctx = &w->links[i];
	w->peers[i] = p;
	w->is_cut[i] = false;
	assert_int_equal(ly_addr_parse_ip(&p->addr, "192.0.2.9", (uint16_t)(5000 + i)), 0);
	snprintf(conf.id, sizeof(conf.id), "%s", p->id);
	ly_rand_text(&w->rand, conf.ufrag, 8);
	ly_rand_text(&w->rand, conf.pwd, 24);
	peer_describe(p, &conf.remote);
	conf.remote.transport_cc = !w->remb_only;
	conf.remote.remb = true;
	assert_int_equal(ly_sfu_add_endpoint(w->sfu, WORLD_CONF, &conf, w->now), 0);
	drain(w);
	assert_int_equal(ly_sfu_add_sources(w->sfu, WORLD_CONF, p->id, sources,
					    peer_sources(p, sources), w->now),
			 0);
	drain(w);
	assert_int_equal(peer_set_server(p, &w->server, conf.ufrag, conf.pwd,
					 ly_dtls_ctx_fingerprint(w->dtls), w->now),
			 0);
	p->audio_on = p->video.on = true;
	return p;
}

void world_leave(struct world *w, unsigned i)
{
	assert_int_equal(ly_sfu_remove_endpoint(w->sfu, WORLD_CONF, world_id(i), w->now), 0);
	drain(w);
	peer_fini(w->peers[i]);
	free(w->peers[i]);
	w->peers[i] = NULL;
}

static void deliver(struct world *w, size_t at)
{
	struct flying f = w->flying[at];

	memmove(&w->flying[at], &w->flying[at + 1], (w->n_flying - at - 1) * sizeof(f));
	w->n_flying--;
	if (f.to >= 0) {
		if (w->peers[f.to])
			peer_recv(w->peers[f.to], f.data, f.len, sizeof(f.data), w->now);
		return;
	}
	world_inject(w, &f.from, f.data, f.len);
}

void world_inject(struct world *w, const struct ly_addr *from, const uint8_t *data, size_t len)
{
	uint8_t copy[1600];
	struct ly_sfu_in in = { *from, 0, copy, len, sizeof(copy) };

	memcpy(copy, data, len);
	assert_int_equal(ly_sfu_recv(w->sfu, w->now, &in, 1), 1);
	drain(w);
}

/* The index of the earliest datagram; n_flying if there is none. */
static size_t earliest(const struct world *w)
{
	size_t best = w->n_flying;

	for (size_t i = 0; i < w->n_flying; i++)
		if (best == w->n_flying || w->flying[i].at < w->flying[best].at)
			best = i;
	return best;
}

static ly_usec next_deadline(const struct world *w)
{
	ly_usec at = ly_sfu_deadline(w->sfu);

	for (unsigned i = 0; i < WORLD_MAX_PEERS; i++)
		if (w->peers[i])
			at = LY_MIN(at, peer_deadline(w->peers[i]));
	return at;
}

void world_run(struct world *w, ly_usec duration)
{
	ly_usec end = w->now + duration;
	unsigned stuck = 0;

	while (w->now < end) {
		size_t next = earliest(w);
		ly_usec at = next_deadline(w);

		if (next < w->n_flying)
			at = LY_MIN(at, w->flying[next].at);
		/* a deadline that does not move is a fault of its owner */
		stuck = at <= w->now ? stuck + 1 : 0;
		assert_true(stuck < 5000);
		w->now = LY_MIN(LY_MAX(at, w->now), end);
		if (next < w->n_flying && w->flying[next].at <= w->now)
			deliver(w, next);
		for (unsigned i = 0; i < WORLD_MAX_PEERS; i++)
			if (w->peers[i] && peer_deadline(w->peers[i]) <= w->now)
				peer_tick(w->peers[i], w->now);
		if (ly_sfu_deadline(w->sfu) <= w->now) {
			ly_sfu_tick(w->sfu, w->now);
			drain(w);
		}
	}
}

void world_connect(struct world *w)
{
	for (unsigned tries = 0; tries < 1000; tries++) {
		bool all = true;

		for (unsigned i = 0; i < WORLD_MAX_PEERS; i++)
			if (w->peers[i] && w->seen[i].state != LY_SFU_CONNECTED)
				all = false;
		if (all)
			return;
		world_run(w, LY_MS(10));
	}
	fail_msg("not all are connected");
}
