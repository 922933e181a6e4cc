/* The SFU as a whole: creation, input, time. */
#include "sfu/sfu.h"

#include <string.h>

#include "base/err.h"
#include "media/demux/demux.h"
#include "sfu/sfu_priv.h"

/* A path is noted as heard at most so often: its last_heard only has to be right within that. */
#define HEARD_EVERY LY_MS(100)

int ly_sfu_create(struct ly_sfu **out, const struct ly_sfu_conf *conf, ly_usec now)
{
	struct ly_sfu *s = ly_alloc(sizeof(*s), LY_MEM_SFU);
	int err;

	if (s == NULL)
		return -ENOMEM;
	s->conf = *conf;
	s->conf.lost_after = conf->lost_after ? conf->lost_after : LY_SEC(15);
	s->conf.connect_within = conf->connect_within ? conf->connect_within : LY_SEC(30);
	s->log = (struct ly_log) { "sfu", "" };
	s->now = now;
	ly_list_init(&s->touched);
	ly_list_init(&s->ep_events);
	ly_list_init(&s->conf_events);
	ly_pkt_pool_init(&s->pool, SFU_MAX_PACKETS);
	ly_map_init(&s->confs, LY_MEM_SFU, ly_rand_u64(conf->rand));
	ly_map_init(&s->ufrags, LY_MEM_SFU, ly_rand_u64(conf->rand));
	ly_map_init(&s->paths, LY_MEM_SFU, ly_rand_u64(conf->rand));
	ly_map_init(&s->tags, LY_MEM_SFU, ly_rand_u64(conf->rand));
	ly_timers_init(&s->ep_timers, LY_MEM_SFU);
	ly_timers_init(&s->conf_timers, LY_MEM_SFU);
	s->next_tag = ly_rand_u32(conf->rand);
	err = sfu_output_init(s);
	if (err == 0)
		err = ly_stun_create(&s->stun);
	if (err == 0)
		err = ly_srtp_engine_create(&s->engine, conf->engine);
	if (err) {
		ly_sfu_destroy(s);
		return err;
	}
	*out = s;
	return 0;
}

void ly_sfu_end_all(struct ly_sfu *s, ly_usec now)
{
	struct ly_map_slot slot;
	size_t it = 0;

	s->now = now;
	while (ly_map_next(&s->confs, &it, &slot)) {
		sfu_conf_destroy(s, slot.value);
		it = 0; /* the map has changed */
	}
}

void ly_sfu_destroy(struct ly_sfu *s)
{
	if (s == NULL)
		return;
	ly_sfu_end_all(s, s->now);
	sfu_output_fini(s);
	ly_srtp_engine_destroy(s->engine);
	ly_stun_destroy(s->stun);
	ly_timers_fini(&s->ep_timers);
	ly_timers_fini(&s->conf_timers);
	ly_map_fini(&s->confs);
	ly_map_fini(&s->ufrags);
	ly_map_fini(&s->paths);
	ly_map_fini(&s->tags);
	ly_pkt_pool_fini(&s->pool);
	ly_free(s->names, LY_MEM_SFU);
	ly_free(s, LY_MEM_SFU);
}

static void serve(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	ly_usec at;

	sfu_transport_run(s, ep, now);
	if (ep->conf->is_stale)
		sfu_wanted_run(s, ep->conf, now);
	sfu_feedback_run(s, ep, now);
	at = LY_MIN(sfu_transport_deadline(ep), sfu_feedback_deadline(ep));
	/* armed since it was created, or armed right now: out of memory means a later turn */
	if (at != ep->timer.at || ep->timer.pos == 0)
		(void)ly_timers_set(&s->ep_timers, &ep->timer, at);
}

void sfu_settle(struct ly_sfu *s, ly_usec now)
{
	while (!ly_list_is_empty(&s->touched)) {
		struct sfu_endpoint *ep =
			LY_LIST_ENTRY(s->touched.next, struct sfu_endpoint, touched_node);

		ly_list_del(&ep->touched_node);
		serve(s, ep, now);
	}
}

static void media_in(struct ly_sfu *s, struct sfu_path *path, enum ly_proto proto,
		     struct ly_sfu_in *in, ly_usec now)
{
	struct sfu_endpoint *ep = path->ep;

	if (now - path->heard >= HEARD_EVERY) {
		path->heard = now;
		(void)ly_ice_heard(ep->ice, now, &in->from);
	}
	if (!ep->is_ready) {
		s->n.dropped_auth++; /* media before the fingerprint is checked, or after the end */
		return;
	}
	ep->heard = now;
	if (proto == LY_PROTO_RTP)
		sfu_rtp_in(s, ep, in->data, in->len, now);
	else
		sfu_rtcp_in(s, ep, in->data, in->len, now);
}

static void datagram_in(struct ly_sfu *s, struct ly_sfu_in *in, ly_usec now)
{
	enum ly_proto proto = ly_demux(ly_span(in->data, in->len));
	struct sfu_path *path;

	s->n.packets_in++;
	s->n.bytes_in += in->len;
	if (proto == LY_PROTO_STUN) {
		sfu_stun_in(s, in, now);
		return;
	}
	if (proto == LY_PROTO_UNKNOWN || proto == LY_PROTO_TURN) {
		s->n.dropped_malformed++;
		return;
	}
	path = sfu_path_find(s, &in->from);
	if (path == NULL) {
		s->n.dropped_unknown_address++;
		sfu_stranger(s, &in->from, "unknown-address", 0);
	} else if (proto == LY_PROTO_DTLS) {
		sfu_dtls_in(s, path, ly_span(in->data, in->len), now);
	} else {
		media_in(s, path, proto, in, now);
	}
}

size_t ly_sfu_recv(struct ly_sfu *s, ly_usec now, struct ly_sfu_in *in, size_t n)
{
	size_t i = 0;

	s->now = now;
	/* one packet makes at most one job per endpoint, or the 17 packets of a NACK entry many
	 * times */
	for (; i < n && !sfu_output_is_full(s, LY_SFU_MAX_ENDPOINTS); i++)
		datagram_in(s, &in[i], now);
	sfu_settle(s, now);
	return i;
}

unsigned ly_sfu_unfinished(const struct ly_sfu *s)
{
	return s->is_mid_frame ? s->n_jobs : 0;
}

/* ---- time ---- */

static struct sfu_endpoint *loudest(struct sfu_conference *c, ly_usec now)
{
	struct sfu_endpoint *next = NULL;

	for (unsigned i = 0; i < c->top; i++)
		if (c->slots[i])
			ly_voice_fade(&c->slots[i]->voice, now);
	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_endpoint *ep = c->slots[i];

		if (ep && ep != c->speaker &&
		    ly_voice_takes_over(&ep->voice, c->speaker ? &c->speaker->voice : NULL) &&
		    (!next || ep->voice.slow > next->voice.slow))
			next = ep;
	}
	return next;
}

/* The new speaker first; the list of earlier ones loses its last. */
static void note_speaker(struct sfu_conference *c, const char *id)
{
	unsigned i = 0;

	while (i < c->n_previous && strcmp(c->previous[i], id) != 0)
		i++;
	if (i == c->n_previous && i < LY_COUNTOF(c->previous))
		c->n_previous++;
	i = LY_MIN(i, (unsigned)LY_COUNTOF(c->previous) - 1);
	memmove(c->previous[1], c->previous[0], i * sizeof(c->previous[0]));
	memcpy(c->previous[0], id, sizeof(c->previous[0]));
}

static void conf_tick(struct ly_sfu *s, struct sfu_conference *c, ly_usec now)
{
	struct sfu_endpoint *next = loudest(c, now);

	if (next) {
		c->speaker = next;
		note_speaker(c, next->id);
		c->is_stale = true; /* last-N prefers speakers */
		sfu_conf_event(s, c);
	}
	sfu_wanted_run(s, c, now);
	(void)ly_timers_set(&s->conf_timers, &c->timer,
			    now + (c->n > 0 ? LY_SPEAKER_INTERVAL : LY_SEC(1)));
}

void ly_sfu_tick(struct ly_sfu *s, ly_usec now)
{
	struct ly_timer *t;

	s->now = now;
	while ((t = ly_timers_pop(&s->conf_timers, now)))
		conf_tick(s, LY_CONTAINER_OF(t, struct sfu_conference, timer), now);
	while ((t = ly_timers_pop(&s->ep_timers, now)))
		sfu_touch(s, LY_CONTAINER_OF(t, struct sfu_endpoint, timer));
	sfu_settle(s, now);
}

ly_usec ly_sfu_deadline(const struct ly_sfu *s)
{
	ly_usec a = ly_timers_deadline(&s->ep_timers), b = ly_timers_deadline(&s->conf_timers);

	return LY_MIN(a, b);
}

const struct ly_sfu_counters *ly_sfu_counters(const struct ly_sfu *s)
{
	return &s->n;
}
