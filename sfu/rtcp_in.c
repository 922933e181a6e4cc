/* RTCP from an endpoint: about what it sends us (SR) and about what we send it (RR, NACK, PLI,
 * FIR, REMB, transport-wide feedback). */
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "sfu/sfu_priv.h"

/* The subscription of @p ep to the source with this SSRC; NULL if there is none. */
static struct sfu_sub *sub_of(struct sfu_endpoint *ep, uint32_t ssrc)
{
	struct sfu_source *src = sfu_source_find(ep->conf, ssrc);
	struct sfu_sub *sub = src ? &src->subs[ep->slot] : NULL;

	return sub && sub->to ? sub : NULL;
}

static void on_report(struct sfu_endpoint *ep, const struct ly_rtp_report *r, ly_usec now)
{
	struct sfu_sub *sub = sub_of(ep, r->ssrc);

	if (sub == NULL || r->ssrc != sub->source->desc.ssrc)
		return;
	if (sub->is_reported) {
		uint32_t expected = r->top_seq - sub->top_seq;
		int32_t lost = r->lost - (int32_t)sub->lost;

		if (expected < 65536) { /* else it has begun anew */
			ep->told_expected += expected;
			ep->told_lost += (uint64_t)LY_MIN(LY_MAX(lost, 0), (int32_t)expected);
		}
	}
	sub->is_reported = true;
	sub->top_seq = r->top_seq;
	sub->fraction_lost = r->fraction_lost;
	sub->lost = r->lost > 0 ? (uint32_t)r->lost : 0;
	sub->jitter = r->jitter;
	/* LSR is the sender's clock, so the way back is measured by our own note of when it was
	 * sent */
	if (r->lsr && r->lsr == sub->lsr) {
		ly_usec rtt = now - sub->lsr_at - (ly_usec)r->dlsr * 1000000 / 65536;

		if (rtt >= 0 && rtt < LY_SEC(10))
			ep->rtt = ep->rtt ? (ep->rtt * 7 + rtt) / 8 : rtt;
	}
}

static void on_sr(struct sfu_endpoint *ep, const struct ly_rtcp *p, ly_usec now)
{
	struct sfu_source *src = sfu_source_find(ep->conf, p->ssrc);

	if (src == NULL || src->owner != ep || src->desc.ssrc != p->ssrc)
		return;
	ly_rtp_stats_sr(&src->stats, p->ntp, now);
	src->sr_ntp = p->ntp;
	src->sr_ts = p->rtp_ts;
	src->sr_at = now;
}

static void resend(struct ly_sfu *s, struct sfu_sub *sub, uint16_t seq, ly_usec now)
{
	struct sfu_job job = { .sub = sub, .is_rtx = true };
	struct sfu_source *src = sub->source;
	struct ly_fwd_out out;
	int64_t in_seq;

	if (sub->to->rtx_credit < SFU_RTX_COST || !ly_fwd_back(&sub->fwd, seq, &in_seq))
		return;
	job.pkt = ly_rtp_cache_find(&src->cache, in_seq, now);
	if (job.pkt == NULL || !ly_fwd_again(&sub->fwd, &sfu_meta(job.pkt)->in, &out))
		return;
	job.index = sub->rtx_next;
	job.seq = out.seq;
	job.ts = out.ts;
	job.pic = out.pic;
	job.tl0 = out.tl0;
	if (!sfu_job_add(s, &job))
		return;
	sub->rtx_next++;
	sub->to->rtx_credit -= SFU_RTX_COST;
	sub->to->retransmitted++;
}

static void on_nack(struct ly_sfu *s, struct sfu_endpoint *ep, const struct ly_rtcp *p, ly_usec now)
{
	struct sfu_sub *sub = sub_of(ep, p->media_ssrc);
	uint16_t pid, blp;

	ep->nacks_in++;
	if (sub == NULL || !sub->source->desc.rtx_ssrc || !sub->wanted || !ep->is_ready)
		return;
	for (unsigned i = 0; ly_rtcp_nack(p, i, &pid, &blp); i++) {
		resend(s, sub, pid, now);
		for (unsigned bit = 0; bit < 16; bit++)
			if (blp & (1U << bit))
				resend(s, sub, (uint16_t)(pid + 1 + bit), now);
	}
}

static void on_key_request(struct ly_sfu *s, struct sfu_endpoint *ep, uint32_t ssrc)
{
	struct sfu_sub *sub = sub_of(ep, ssrc);

	ep->plis_in++;
	if (sub && sub->wanted && sub->source->desc.kind == LY_SFU_VIDEO)
		sfu_want_key(s, sub->source);
}

static void on_payload_feedback(struct ly_sfu *s, struct sfu_endpoint *ep, const struct ly_rtcp *p)
{
	struct ly_remb remb;
	uint32_t ssrc;
	uint8_t seq;

	if (p->count == LY_PSFB_PLI)
		on_key_request(s, ep, p->media_ssrc);
	for (unsigned i = 0; p->count == LY_PSFB_FIR && ly_rtcp_fir(p, i, &ssrc, &seq); i++)
		on_key_request(s, ep, ssrc);
	if (p->count == LY_PSFB_AFB && ly_rtcp_remb(p, &remb) == 0)
		ep->downlink_bps = remb.rate_bps;
}

static void on_packet(struct ly_sfu *s, struct sfu_endpoint *ep, const struct ly_rtcp *p,
		      ly_usec now)
{
	struct ly_rtp_report report;

	switch (p->type) {
	case LY_RTCP_SR:
		on_sr(ep, p, now);
		/* fall through */
	case LY_RTCP_RR:
		for (unsigned i = 0; ly_rtcp_report(p, i, &report); i++)
			on_report(ep, &report, now);
		break;
	case LY_RTCP_RTPFB:
		if (p->count == LY_RTPFB_NACK)
			on_nack(s, ep, p, now);
		break;
	case LY_RTCP_PSFB:
		on_payload_feedback(s, ep, p);
		break;
	default: /* SDES, BYE (the signalling removes sources), APP, XR: nothing to do */
		break;
	}
}

void sfu_rtcp_in(struct ly_sfu *s, struct sfu_endpoint *ep, uint8_t *data, size_t len, ly_usec now)
{
	struct ly_rtcp_it it;
	struct ly_rtcp p;
	int err = ly_srtp_unprotect_rtcp(ep->srtp, data, &len);

	if (err) {
		if (err == -EACCES)
			s->n.dropped_auth++;
		else if (err == -EEXIST)
			s->n.dropped_replay++;
		else
			s->n.dropped_malformed++;
		return;
	}
	it = ly_rtcp_it(ly_span(data, len));
	while (ly_rtcp_next(&it, &p))
		on_packet(s, ep, &p, now);
	if (it.bad)
		s->n.dropped_malformed++;
	sfu_touch(s, ep);
}
