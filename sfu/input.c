/* RTP from a sender: unprotect, tell the sources' books, one clean copy, one job per receiver. */
#include <string.h>

#include "base/err.h"
#include "sfu/sfu_priv.h"

/* New gaps are asked for after this, so that plain reordering costs nothing. */
#define REORDER LY_MS(10)

struct rtp_in {
	struct ly_rtp rtp;
	struct ly_span pkt;
	struct sfu_source *src;
	int64_t seq;
	ly_usec now;
};

/* The packet receivers are sent, but for what differs between them: fixed header, the elements
 * everybody negotiated, payload. The sender's MID would route it to a wrong m-line, so it is
 * left out. */
static struct ly_pkt *clean_copy(struct ly_sfu *s, const struct rtp_in *in)
{
	static const uint8_t zero[2];
	struct ly_pkt *pkt = ly_pkt_get(&s->pool);
	struct ly_rtp_ext exts[2] = { { LY_SFU_EXT_TRANSPORT_CC, ly_span(zero, 2) } };
	struct ly_rtp head = in->rtp;
	size_t n = 1;
	int len;

	if (pkt == NULL) {
		s->n.dropped_limit++;
		return NULL;
	}
	exts[1].id = LY_SFU_EXT_AUDIO_LEVEL;
	exts[1].data = ly_rtp_ext_find(&in->rtp, LY_SFU_EXT_AUDIO_LEVEL);
	if (in->src->desc.kind == LY_SFU_AUDIO && exts[1].data.len == 1)
		n = 2;
	head.ssrc = in->src->desc.ssrc;
	head.pt = in->src->desc.kind == LY_SFU_AUDIO ? LY_SFU_PT_OPUS : LY_SFU_PT_VP8;
	len = ly_rtp_write(pkt->data, LY_PKT_DATA_MAX, &head, exts, n);
	if (len < 0 || (size_t)len + in->rtp.payload.len > LY_PKT_DATA_MAX) {
		ly_pkt_unref(pkt);
		s->n.dropped_malformed++;
		return NULL;
	}
	if (in->rtp.payload.len)
		memcpy(pkt->data + len, in->rtp.payload.ptr, in->rtp.payload.len);
	pkt->len = (uint32_t)((size_t)len + in->rtp.payload.len);
	pkt->at = in->now;
	sfu_meta(pkt)->header_len = (uint8_t)len;
	sfu_meta(pkt)->tcc_off = LY_RTP_HEADER_LEN + 4 + 1; /* first element, after its id */
	return pkt;
}

static void fill_meta(struct sfu_meta *m, const struct rtp_in *in)
{
	const struct ly_span payload = in->rtp.payload;

	m->in = (struct ly_fwd_in) { .seq = in->seq, .ts = in->rtp.ts, .key_start = true };
	memset(&m->vp8, 0, sizeof(m->vp8));
	if (in->src->desc.kind == LY_SFU_AUDIO)
		return;
	m->in.key_start = false;
	if (payload.len == 0 || ly_vp8_parse(&m->vp8, payload))
		return; /* padding, or nothing we have to touch */
	m->in.key_start = m->vp8.keyframe;
	m->in.has_pic = m->vp8.picture_id >= 0;
	m->in.pic_long = m->vp8.picture_bits == 15;
	m->in.pic = m->in.has_pic ? (uint16_t)m->vp8.picture_id : 0;
	m->in.has_tl0 = m->vp8.tl0_pic_idx >= 0;
	m->in.tl0 = m->in.has_tl0 ? (uint8_t)m->vp8.tl0_pic_idx : 0;
}

static void fan_out(struct ly_sfu *s, const struct rtp_in *in, struct ly_pkt *pkt)
{
	struct sfu_source *src = in->src;
	struct sfu_conference *c = src->owner->conf;
	const struct sfu_meta *m = sfu_meta(pkt);

	for (unsigned i = 0; i < c->top; i++) {
		struct sfu_sub *sub = &src->subs[i];
		struct sfu_job job = { .pkt = pkt, .sub = sub };
		struct ly_fwd_out out;
		int64_t ext;

		if (!sub->to || !sub->wanted || !sub->to->is_ready)
			continue;
		if (!ly_fwd_map(&sub->fwd, &m->in, src->rate, in->now, &out))
			continue;
		ext = m->in.seq + sub->fwd.seq_off;
		job.index = (uint64_t)ext;
		job.seq = out.seq;
		job.ts = out.ts;
		job.pic = out.pic;
		job.tl0 = out.tl0;
		sfu_job_add(s, &job);
	}
}

static void on_keyframe(struct sfu_source *src)
{
	src->keyframes++;
	src->key_wanted = false;
}

static void on_audio_level(const struct rtp_in *in)
{
	struct ly_span level = ly_rtp_ext_find(&in->rtp, LY_SFU_EXT_AUDIO_LEVEL);
	bool voice;

	if (level.len)
		ly_voice_level(&in->src->owner->voice, ly_rtp_audio_level(level, &voice), in->now);
}

static void forward(struct ly_sfu *s, const struct rtp_in *in)
{
	struct ly_pkt *pkt = clean_copy(s, in);

	if (pkt == NULL)
		return;
	fill_meta(sfu_meta(pkt), in);
	if (sfu_meta(pkt)->vp8.keyframe)
		on_keyframe(in->src);
	if (in->src->desc.kind == LY_SFU_VIDEO)
		ly_rtp_cache_put(&in->src->cache, in->seq, pkt);
	fan_out(s, in, pkt);
	ly_pkt_unref(pkt);
}

/* Books about arrival; RTX packets are another stream and do not count. */
static void count(struct rtp_in *in, struct sfu_endpoint *ep, bool is_rtx)
{
	struct ly_span tcc = ly_rtp_ext_find(&in->rtp, LY_SFU_EXT_TRANSPORT_CC);
	struct ly_rd rd = ly_rd(tcc);

	if (tcc.len == 2 && ep->remote.transport_cc)
		ly_twcc_recv_packet(ep->twcc, ly_rd_u16(&rd), in->now);
	in->src->came_at = in->now;
	in->src->rate_bytes += in->pkt.len;
	if (!is_rtx)
		ly_rtp_stats_recv(&in->src->stats, in->rtp.seq, in->rtp.ts, in->pkt.len, in->now);
}

/* The SSRC is read before anything is decrypted: a stranger's costs nothing and takes no
 * session state. */
static struct sfu_source *source_of(struct ly_sfu *s, struct sfu_endpoint *ep, uint32_t ssrc)
{
	struct sfu_source *src = sfu_source_find(ep->conf, ssrc);

	if (src && src->owner == ep)
		return src;
	s->n.dropped_unknown_ssrc++;
	sfu_stranger(s, &ep->dst, "unknown-ssrc", ssrc);
	return NULL;
}

static int unwrap(struct rtp_in *in, uint8_t *data, size_t len)
{
	int err = ly_rtx_unpack(&data, &len, in->src->desc.kind == LY_SFU_VIDEO ? LY_SFU_PT_VP8 : 0,
				in->src->desc.ssrc);

	in->pkt = ly_span(data, len);
	return err ? err : ly_rtp_parse(&in->rtp, in->pkt);
}

static void count_error(struct ly_sfu *s, int err)
{
	if (err == -EACCES)
		s->n.dropped_auth++;
	else if (err == -EEXIST)
		s->n.dropped_replay++;
	else
		s->n.dropped_malformed++;
}

void sfu_rtp_in(struct ly_sfu *s, struct sfu_endpoint *ep, uint8_t *data, size_t len, ly_usec now)
{
	struct rtp_in in = { .now = now };
	struct ly_rd rd = ly_rd(ly_span(data, len));
	bool is_rtx;
	int err;

	ly_rd_skip(&rd, 8); /* to the SSRC */
	in.src = source_of(s, ep, ly_rd_u32(&rd));
	if (rd.bad || in.src == NULL)
		return;
	err = ly_srtp_unprotect(ep->srtp, data, &len);
	if (err == 0)
		err = ly_rtp_parse(&in.rtp, ly_span(data, len));
	if (err) {
		count_error(s, err);
		return;
	}
	s->n.rtp_in++;
	in.pkt = ly_span(data, len);
	is_rtx = in.rtp.ssrc != in.src->desc.ssrc;
	count(&in, ep, is_rtx);
	if (in.src->desc.kind == LY_SFU_AUDIO)
		on_audio_level(&in);
	if (is_rtx && unwrap(&in, data, len))
		return; /* padding sent as a probe */
	if (in.rtp.pt != (in.src->desc.kind == LY_SFU_AUDIO ? LY_SFU_PT_OPUS : LY_SFU_PT_VP8)) {
		s->n.dropped_malformed++; /* not in the offer */
		return;
	}
	in.seq = ly_seen_extend(&in.src->seen, in.rtp.seq);
	if (!ly_seen_add(&in.src->seen, in.seq))
		return; /* asked for twice, came twice */
	if (in.src->desc.kind == LY_SFU_VIDEO) {
		ly_nack_recv(&in.src->nack, in.seq, now, REORDER);
		s->is_mid_frame = !in.rtp.marker;
	}
	forward(s, &in);
	sfu_touch(s, ep);
}
