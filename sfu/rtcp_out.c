/* RTCP to an endpoint: about what it sends (NACK, PLI, transport-wide feedback or REMB, RR) and
 * about what it is sent (SR with the senders' clocks, BYE). */
#include <string.h>

#include "base/err.h"
#include "sfu/sfu_priv.h"

/* Report blocks of one RR (RFC 3550 s. 6.4.2: five bits). */
#define MAX_BLOCKS 31
/* Bytes of one sender report without blocks. */
#define SR_LEN 28
/* What a sender without transport-wide feedback is told at most and at least. */
#define REMB_MAX 6000000
#define REMB_MIN 150000
#define REMB_START 1500000

static void rtcp_send(struct ly_sfu *s, struct sfu_endpoint *to, uint8_t *buf, struct ly_wr *w,
		      size_t cap)
{
	size_t len = ly_wr_len(w);

	if (w->bad || len == 0 || !to->is_ready)
		return;
	if (ly_srtp_protect_rtcp(to->srtp, buf, &len, cap))
		return;
	sfu_ctl_send(s, &to->dst, to->local, ly_span(buf, len));
}

/* A compound begins with a report (RFC 3550 s. 6.1); an empty one is the smallest. */
#define RTCP_BUF(w, ep) \
	uint8_t buf[SFU_RTCP_MAX + LY_SRTCP_TRAILER_MAX]; \
	struct ly_wr w = ly_wr(buf, SFU_RTCP_MAX); \
	ly_rtcp_write_rr(&w, (ep)->own_video_ssrc, NULL, 0)

void sfu_want_key(struct ly_sfu *s, struct sfu_source *src)
{
	src->key_wanted = true;
	sfu_touch(s, src->owner);
}

static ly_usec key_due(const struct sfu_source *src)
{
	ly_usec spacing = SFU_PLI_SPACING;

	if (!src->key_wanted)
		return LY_NEVER;
	if (src->key_asked == 0)
		return 0;
	/* A muted camera cannot answer: ask seldom until it sends again. */
	if (src->came_at <= src->key_asked)
		spacing = SFU_PLI_IDLE;
	/* an answer takes a round trip and a frame to encode */
	else if (src->owner->rtt > LY_MS(100))
		spacing += src->owner->rtt - LY_MS(100);
	return src->key_asked + spacing;
}

static void send_pli(struct ly_sfu *s, struct sfu_source *src, ly_usec now)
{
	struct sfu_endpoint *ep = src->owner;
	RTCP_BUF(w, ep);

	ly_rtcp_write_pli(&w, ep->own_video_ssrc, src->desc.ssrc);
	rtcp_send(s, ep, buf, &w, sizeof(buf));
	src->key_asked = now;
	src->plis++;
}

static void send_nack(struct ly_sfu *s, struct sfu_source *src, ly_usec now)
{
	struct sfu_endpoint *ep = src->owner;
	uint16_t seqs[LY_NACK_MAX];
	size_t n = ly_nack_due(&src->nack, now, ep->rtt, seqs, LY_COUNTOF(seqs));
	RTCP_BUF(w, ep);

	if (n > 0) {
		ly_rtcp_write_nack(&w, ep->own_video_ssrc, src->desc.ssrc, seqs, n);
		rtcp_send(s, ep, buf, &w, sizeof(buf));
		src->nacks += n;
	}
	if (ly_nack_take_overflow(&src->nack))
		src->key_wanted = true;
}

static void send_twcc(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	uint32_t media = ep->n_sources ? ep->sources[0]->desc.ssrc : 0;
	bool more = true;

	while (more) { /* reduced size (RFC 5506): it comes ten times a second */
		uint8_t buf[SFU_RTCP_MAX + LY_SRTCP_TRAILER_MAX];
		struct ly_wr w = ly_wr(buf, SFU_RTCP_MAX);

		more = ly_twcc_recv_build(ep->twcc, now, false, ep->own_video_ssrc, media, &w);
		if (more)
			rtcp_send(s, ep, buf, &w, sizeof(buf));
	}
}

/* ---- reports, once per interval ---- */

static void close_interval(struct sfu_source *src, ly_usec elapsed)
{
	const struct ly_rtp_stats *st = &src->stats;
	int64_t expected = st->started ? st->top_seq - st->base_seq + 1 : 0;
	int64_t new_expected = expected - src->last_expected;
	int64_t new_received = (int64_t)(st->received - src->last_received);

	src->loss = new_expected > 0 && new_received < new_expected
			    ? (double)(new_expected - new_received) / (double)new_expected
			    : 0.0;
	src->rate_bps = elapsed > 0 ? src->rate_bytes * 8000000 / (uint64_t)elapsed : 0;
	src->rate_bytes = 0;
	src->last_expected = expected;
	src->last_received = st->received;
}

/* A loss-based limit for senders whose only feedback is REMB. */
static void write_remb(struct sfu_endpoint *ep, struct ly_wr *w)
{
	uint32_t ssrcs[LY_SFU_MAX_SOURCES];
	unsigned n = 0;
	double loss = 0.0;

	for (unsigned i = 0; i < ep->n_sources; i++) {
		if (ep->sources[i]->desc.kind != LY_SFU_VIDEO)
			continue;
		ssrcs[n++] = ep->sources[i]->desc.ssrc;
		loss = LY_MAX(loss, ep->sources[i]->loss);
	}
	if (n == 0)
		return;
	if (ep->remb_bps == 0)
		ep->remb_bps = REMB_START;
	else if (loss > 0.1)
		ep->remb_bps = (uint64_t)((double)ep->remb_bps * (1.0 - 0.5 * loss));
	else if (loss < 0.02)
		ep->remb_bps += ep->remb_bps / 12;
	ep->remb_bps = LY_MIN(LY_MAX(ep->remb_bps, (uint64_t)REMB_MIN), (uint64_t)REMB_MAX);
	ly_rtcp_write_remb(w, ep->own_video_ssrc, ep->remb_bps, ssrcs, n);
}

static void send_rr(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	struct ly_rtp_report blocks[LY_SFU_MAX_SOURCES];
	uint8_t buf[SFU_RTCP_MAX + LY_SRTCP_TRAILER_MAX];
	struct ly_wr w = ly_wr(buf, SFU_RTCP_MAX);
	unsigned n = 0;

	for (unsigned i = 0; i < ep->n_sources; i++)
		if (ep->sources[i]->stats.started)
			ly_rtp_stats_report(&ep->sources[i]->stats, ep->sources[i]->desc.ssrc, now,
					    &blocks[n++]);
	ly_rtcp_write_rr(&w, ep->own_video_ssrc, blocks, n);
	ly_rtcp_write_cname(&w, ep->own_video_ssrc, "lyceum");
	if (ep->remote.remb && !ep->remote.transport_cc)
		write_remb(ep, &w);
	rtcp_send(s, ep, buf, &w, sizeof(buf));
}

/* The sender's clock as of now, in its own words: its last report moved on by the time since. */
static void write_sr(struct sfu_sub *sub, struct ly_wr *w, ly_usec now)
{
	const struct sfu_source *src = sub->source;
	ly_usec age = now - src->sr_at;
	uint64_t ntp = src->sr_ntp + ((uint64_t)(age / 1000000) << 32) +
		       ((uint64_t)(age % 1000000) << 32) / 1000000;
	struct ly_rtcp_sr sr = {
		.ssrc = src->desc.ssrc,
		.ntp = ntp,
		.rtp_ts = ly_fwd_ts(&sub->fwd, src->sr_ts) +
			  (uint32_t)((uint64_t)age * src->rate / 1000000),
		.packets = sub->packets,
		.octets = sub->octets,
	};

	ly_rtcp_write_sr(w, &sr, NULL, 0);
	sub->lsr = (uint32_t)(ntp >> 16);
	sub->lsr_at = now;
}

/* Sender reports of everything forwarded to @p ep, as few datagrams as hold them. */
static void send_srs(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	struct sfu_conference *c = ep->conf;
	uint8_t buf[SFU_RTCP_MAX + LY_SRTCP_TRAILER_MAX];
	struct ly_wr w = ly_wr(buf, SFU_RTCP_MAX);

	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_endpoint *from = c->slots[i];

		for (unsigned k = 0; from && from != ep && k < from->n_sources; k++) {
			struct sfu_sub *sub = &from->sources[k]->subs[ep->slot];

			if (!sub->to || !sub->fwd.active || !from->sources[k]->sr_at)
				continue;
			if (ly_wr_len(&w) + SR_LEN > SFU_RTCP_MAX) {
				rtcp_send(s, ep, buf, &w, sizeof(buf));
				w = ly_wr(buf, SFU_RTCP_MAX);
			}
			write_sr(sub, &w, now);
		}
	}
	rtcp_send(s, ep, buf, &w, sizeof(buf));
}

/* Buffers that nobody can ask for any more go back: a slow source would hold them for long. */
static void trim_cache(struct sfu_source *src, ly_usec now)
{
	for (size_t i = 0; i < src->cache.n; i++) {
		struct ly_rtp_cache_slot *slot = &src->cache.slots[i];

		if (slot->pkt == NULL || now - slot->pkt->at <= SFU_CACHE_AGE)
			continue;
		ly_pkt_unref(slot->pkt);
		slot->pkt = NULL;
		slot->seq = -1;
	}
}

static void report(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	ly_usec elapsed = now - ep->report_last;

	for (unsigned i = 0; i < ep->n_sources; i++) {
		close_interval(ep->sources[i], elapsed);
		trim_cache(ep->sources[i], now);
	}
	ep->down_bps =
		elapsed > 0 ? (ep->down_bytes - ep->down_rate_bytes) * 8000000 / (uint64_t)elapsed
			    : 0;
	ep->down_rate_bytes = ep->down_bytes;
	ep->report_last = now;
	ep->report_at = now + SFU_REPORT;
	sfu_downlink_run(ep, now);
	sfu_heights_run(s, ep, now);
	if (!ep->is_ready)
		return;
	send_rr(s, ep, now);
	send_srs(s, ep, now);
}

void sfu_send_bye(struct ly_sfu *s, struct sfu_endpoint *to, const uint32_t *ssrcs, unsigned n)
{
	RTCP_BUF(w, to);

	ly_rtcp_write_bye(&w, ssrcs, n);
	rtcp_send(s, to, buf, &w, sizeof(buf));
}

void sfu_feedback_run(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	if (now >= ep->report_at)
		report(s, ep, now);
	if (!ep->is_ready)
		return;
	for (unsigned i = 0; i < ep->n_sources; i++) {
		struct sfu_source *src = ep->sources[i];

		if (ly_nack_deadline(&src->nack) <= now || src->nack.overflowed)
			send_nack(s, src, now);
		if (key_due(src) <= now)
			send_pli(s, src, now);
	}
	if (ly_twcc_recv_deadline(ep->twcc) <= now)
		send_twcc(s, ep, now);
}

ly_usec sfu_feedback_deadline(const struct sfu_endpoint *ep)
{
	ly_usec at = ep->report_at;

	if (!ep->is_ready)
		return at;
	for (unsigned i = 0; i < ep->n_sources; i++) {
		at = LY_MIN(at, ly_nack_deadline(&ep->sources[i]->nack));
		at = LY_MIN(at, key_due(ep->sources[i]));
	}
	return LY_MIN(at, ly_twcc_recv_deadline(ep->twcc));
}
