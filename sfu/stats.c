/* Numbers of a conference, for the operator and the members' bridge channels. */
#include <string.h>

#include "base/err.h"
#include "sfu/sfu_priv.h"

static void source_stats(const struct sfu_source *src, struct ly_sfu_source_stats *out)
{
	const struct ly_rtp_stats *st = &src->stats;
	int64_t lost = ly_rtp_stats_lost(st);

	memset(out, 0, sizeof(*out));
	memcpy(out->name, src->desc.name, sizeof(out->name));
	out->kind = src->desc.kind;
	out->video_type = src->desc.video_type;
	out->ssrc = src->desc.ssrc;
	out->up = (struct ly_sfu_flow_stats) {
		.bitrate_bps = src->rate_bps,
		.packets = st->received,
		.bytes = st->bytes,
		.lost = lost > 0 ? (uint64_t)lost : 0,
		.loss = src->loss,
		.jitter_ms = ly_rtp_stats_jitter_ms(st),
	};
	out->keyframes = src->keyframes;
	out->nacks_sent = src->nacks;
	out->plis_sent = src->plis;
	out->audio_level = src->desc.kind == LY_SFU_AUDIO ? src->owner->voice.level : 127;
	for (unsigned i = 0; i < src->owner->conf->top; i++)
		if (src->subs[i].to && src->subs[i].wanted && src->subs[i].to->is_ready)
			out->receivers++;
}

static void add_up(struct ly_sfu_flow_stats *sum, const struct ly_sfu_flow_stats *one)
{
	sum->bitrate_bps += one->bitrate_bps;
	sum->packets += one->packets;
	sum->bytes += one->bytes;
	sum->lost += one->lost;
	sum->loss = LY_MAX(sum->loss, one->loss);
	sum->jitter_ms = LY_MAX(sum->jitter_ms, one->jitter_ms);
}

/* What the receiver reports of all it is sent. */
static void down_stats(const struct sfu_endpoint *ep, struct ly_sfu_flow_stats *out)
{
	const struct sfu_conference *c = ep->conf;
	unsigned n = 0;

	out->bitrate_bps = ep->down_bps;
	out->packets = ep->down_packets;
	out->bytes = ep->down_bytes;
	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_endpoint *from = c->slots[i];

		for (unsigned k = 0; from && from != ep && k < from->n_sources; k++) {
			const struct sfu_sub *sub = &from->sources[k]->subs[ep->slot];

			if (!sub->to || !sub->fwd.active)
				continue;
			out->lost += sub->lost;
			out->loss += sub->fraction_lost / 256.0;
			out->jitter_ms = LY_MAX(out->jitter_ms,
						sub->jitter * 1000.0 / from->sources[k]->rate);
			n++;
		}
	}
	out->loss = n ? out->loss / n : 0.0;
}

static void ep_stats(const struct sfu_endpoint *ep, struct ly_sfu_endpoint_stats *out)
{
	struct ly_ice_stats ice;

	memset(out, 0, sizeof(*out));
	memcpy(out->id, ep->id, sizeof(out->id));
	out->state = ep->state;
	out->remote = ep->dst;
	ly_ice_get_stats(ep->ice, &ice);
	out->rtt_ms = (double)(ep->rtt ? ep->rtt : ice.rtt) / 1000.0;
	out->dominant = ep->conf->speaker == ep;
	for (unsigned i = 0; i < ep->n_sources; i++) {
		source_stats(ep->sources[i], &out->sources[i]);
		add_up(&out->up, &out->sources[i].up);
	}
	out->n_sources = ep->n_sources;
	down_stats(ep, &out->down);
	out->nacks_received = ep->nacks_in;
	out->retransmitted = ep->retransmitted;
	out->plis_received = ep->plis_in;
	out->downlink_bps = ep->downlink_bps;
}

int ly_sfu_stats(struct ly_sfu *s, uint64_t conf, struct ly_sfu_endpoint_stats *out, size_t cap)
{
	struct sfu_conference *c = sfu_conf_find(s, conf);
	size_t n = 0;

	if (c == NULL)
		return -ENOENT;
	for (unsigned i = 0; i < c->top && n < cap; i++)
		if (c->slots[i])
			ep_stats(c->slots[i], &out[n++]);
	return (int)n;
}
