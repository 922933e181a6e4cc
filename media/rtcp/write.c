#include "media/rtcp/rtcp.h"

#include "base/util.h"

static void header(struct ly_wr *w, unsigned count, enum ly_rtcp_type type, size_t body)
{
	ly_wr_u8(w, (uint8_t)(0x80 | (count & 0x1f)));
	ly_wr_u8(w, (uint8_t)type);
	ly_wr_u16(w, (uint16_t)(body / 4));
}

static void report_block(struct ly_wr *w, const struct ly_rtp_report *r)
{
	ly_wr_u32(w, r->ssrc);
	ly_wr_u8(w, r->fraction_lost);
	ly_wr_u24(w, (uint32_t)r->lost & 0xffffff);
	ly_wr_u32(w, r->top_seq);
	ly_wr_u32(w, r->jitter);
	ly_wr_u32(w, r->lsr);
	ly_wr_u32(w, r->dlsr);
}

void ly_rtcp_write_sr(struct ly_wr *w, const struct ly_rtcp_sr *sr, const struct ly_rtp_report *r,
		      unsigned n)
{
	n = LY_MIN(n, 31u);
	header(w, n, LY_RTCP_SR, 24 + 24u * n);
	ly_wr_u32(w, sr->ssrc);
	ly_wr_u64(w, sr->ntp);
	ly_wr_u32(w, sr->rtp_ts);
	ly_wr_u32(w, sr->packets);
	ly_wr_u32(w, sr->octets);
	for (unsigned i = 0; i < n; i++)
		report_block(w, &r[i]);
}

void ly_rtcp_write_rr(struct ly_wr *w, uint32_t ssrc, const struct ly_rtp_report *r, unsigned n)
{
	n = LY_MIN(n, 31u);
	header(w, n, LY_RTCP_RR, 4 + 24u * n);
	ly_wr_u32(w, ssrc);
	for (unsigned i = 0; i < n; i++)
		report_block(w, &r[i]);
}

void ly_rtcp_write_cname(struct ly_wr *w, uint32_t ssrc, const char *cname)
{
	struct ly_span text = ly_span_str(cname);
	size_t body, padding;

	text.len = LY_MIN(text.len, 255u);
	body = 4 + 2 + text.len;
	padding = 4 - body % 4; /* at least one zero ends the items */
	header(w, 1, LY_RTCP_SDES, body + padding);
	ly_wr_u32(w, ssrc);
	ly_wr_u8(w, 1);
	ly_wr_u8(w, (uint8_t)text.len);
	ly_wr_bytes(w, text);
	ly_wr_be(w, 0, padding);
}

void ly_rtcp_write_bye(struct ly_wr *w, const uint32_t *ssrcs, unsigned n)
{
	n = LY_MIN(n, 31u);
	header(w, n, LY_RTCP_BYE, 4u * n);
	for (unsigned i = 0; i < n; i++)
		ly_wr_u32(w, ssrcs[i]);
}

static void feedback(struct ly_wr *w, unsigned fmt, enum ly_rtcp_type type, uint32_t sender,
		     uint32_t media, size_t fci)
{
	header(w, fmt, type, 8 + fci);
	ly_wr_u32(w, sender);
	ly_wr_u32(w, media);
}

void ly_rtcp_write_pli(struct ly_wr *w, uint32_t sender, uint32_t media)
{
	feedback(w, LY_PSFB_PLI, LY_RTCP_PSFB, sender, media, 0);
}

void ly_rtcp_write_fir(struct ly_wr *w, uint32_t sender, uint32_t media, uint8_t seq)
{
	/* RFC 5104 s. 4.3.1.2: the SSRC of the media source is 0 in the header */
	feedback(w, LY_PSFB_FIR, LY_RTCP_PSFB, sender, 0, 8);
	ly_wr_u32(w, media);
	ly_wr_u8(w, seq);
	ly_wr_u24(w, 0);
}

/* Packs from seqs[*i] on; moves *i to the first that does not fit the 17 numbers of an entry. */
static void pack_nack(const uint16_t *seqs, size_t n, size_t *i, uint16_t *pid, uint16_t *blp)
{
	*pid = seqs[(*i)++];
	*blp = 0;
	for (; *i < n; (*i)++) {
		uint16_t d = (uint16_t)(seqs[*i] - *pid);

		if (d > 16)
			break;
		if (d > 0)
			*blp |= (uint16_t)(1u << (d - 1));
	}
}

void ly_rtcp_write_nack(struct ly_wr *w, uint32_t sender, uint32_t media, const uint16_t *seqs,
			size_t n)
{
	uint16_t pid, blp;
	size_t entries = 0;

	for (size_t i = 0; i < n; entries++)
		pack_nack(seqs, n, &i, &pid, &blp);
	feedback(w, LY_RTPFB_NACK, LY_RTCP_RTPFB, sender, media, 4 * entries);
	for (size_t i = 0; i < n;) {
		pack_nack(seqs, n, &i, &pid, &blp);
		ly_wr_u16(w, pid);
		ly_wr_u16(w, blp);
	}
}

void ly_rtcp_write_remb(struct ly_wr *w, uint32_t sender, uint64_t rate_bps, const uint32_t *ssrcs,
			unsigned n)
{
	unsigned exp = 0;

	n = LY_MIN(n, 255u);
	while (rate_bps >> exp > 0x3ffff)
		exp++;
	feedback(w, LY_PSFB_AFB, LY_RTCP_PSFB, sender, 0, 8 + 4u * n);
	ly_wr_bytes(w, ly_span_str("REMB"));
	ly_wr_u8(w, (uint8_t)n);
	ly_wr_u24(w, (uint32_t)(exp << 18 | (uint32_t)(rate_bps >> exp)));
	for (unsigned i = 0; i < n; i++)
		ly_wr_u32(w, ssrcs[i]);
}
