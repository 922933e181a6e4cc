#include "media/rtcp/rtcp.h"

#include "base/err.h"

/* Reads what follows the common header, by packet type. */
static bool read_fixed(struct ly_rtcp *p, struct ly_rd *r)
{
	switch (p->type) {
	case LY_RTCP_SR:
		p->ssrc = ly_rd_u32(r);
		p->ntp = ly_rd_u64(r);
		p->rtp_ts = ly_rd_u32(r);
		p->packets = ly_rd_u32(r);
		p->octets = ly_rd_u32(r);
		break;
	case LY_RTCP_RTPFB:
	case LY_RTCP_PSFB:
		p->ssrc = ly_rd_u32(r);
		p->media_ssrc = ly_rd_u32(r);
		break;
	case LY_RTCP_SDES:
	case LY_RTCP_BYE: /* lists of SSRCs, possibly empty: all of it is the body */
		break;
	default:
		p->ssrc = ly_rd_u32(r);
		break;
	}
	p->body = ly_span(r->ptr, ly_rd_left(r));
	if (p->type == LY_RTCP_SR || p->type == LY_RTCP_RR)
		return !r->bad && p->body.len >= 24u * p->count;
	if (p->type == LY_RTCP_BYE)
		return p->body.len >= 4u * p->count;
	return !r->bad;
}

bool ly_rtcp_next(struct ly_rtcp_it *it, struct ly_rtcp *out)
{
	struct ly_rd r = ly_rd(it->rest);
	struct ly_rtcp p = { 0 };
	struct ly_span packet;
	uint8_t first;

	if (it->bad || it->rest.len == 0)
		return false;
	first = ly_rd_u8(&r);
	p.count = first & 0x1f;
	p.type = ly_rd_u8(&r);
	packet = ly_rd_bytes(&r, 4u * ly_rd_u16(&r));
	if (r.bad || first >> 6 != 2)
		goto bad;
	it->rest = ly_span(r.ptr, ly_rd_left(&r));
	/* RFC 3550 s. 6.4.1 wants a multiple of four, in the last packet only; browsers pad
	 * transport-wide feedback by one to three bytes, wherever it stands */
	if (first & 0x20) {
		uint8_t pad = packet.len ? packet.ptr[packet.len - 1] : 0;

		if (pad == 0 || pad > packet.len)
			goto bad;
		packet.len -= pad;
	}
	r = ly_rd(packet);
	if (!read_fixed(&p, &r))
		goto bad;
	*out = p;
	return true;
bad:
	it->bad = true;
	return false;
}

/* A cursor at entry i of size len. */
static bool entry(const struct ly_rtcp *p, unsigned i, size_t len, struct ly_rd *r)
{
	*r = ly_rd(p->body);
	ly_rd_skip(r, (size_t)i * len);
	return !r->bad && ly_rd_left(r) >= len;
}

bool ly_rtcp_report(const struct ly_rtcp *p, unsigned i, struct ly_rtp_report *out)
{
	struct ly_rd r;
	uint32_t lost;

	if ((p->type != LY_RTCP_SR && p->type != LY_RTCP_RR) || i >= p->count ||
	    !entry(p, i, 24, &r))
		return false;
	out->ssrc = ly_rd_u32(&r);
	out->fraction_lost = ly_rd_u8(&r);
	lost = ly_rd_u24(&r);
	out->lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
	out->top_seq = ly_rd_u32(&r);
	out->jitter = ly_rd_u32(&r);
	out->lsr = ly_rd_u32(&r);
	out->dlsr = ly_rd_u32(&r);
	return true;
}

bool ly_rtcp_nack(const struct ly_rtcp *p, unsigned i, uint16_t *pid, uint16_t *blp)
{
	struct ly_rd r;

	if (p->type != LY_RTCP_RTPFB || p->count != LY_RTPFB_NACK || !entry(p, i, 4, &r))
		return false;
	*pid = ly_rd_u16(&r);
	*blp = ly_rd_u16(&r);
	return true;
}

bool ly_rtcp_fir(const struct ly_rtcp *p, unsigned i, uint32_t *ssrc, uint8_t *seq)
{
	struct ly_rd r;

	if (p->type != LY_RTCP_PSFB || p->count != LY_PSFB_FIR || !entry(p, i, 8, &r))
		return false;
	*ssrc = ly_rd_u32(&r);
	*seq = ly_rd_u8(&r);
	return true;
}

bool ly_rtcp_bye(const struct ly_rtcp *p, unsigned i, uint32_t *ssrc)
{
	struct ly_rd r;

	if (p->type != LY_RTCP_BYE || i >= p->count || !entry(p, i, 4, &r))
		return false;
	*ssrc = ly_rd_u32(&r);
	return true;
}

struct ly_span ly_rtcp_cname(const struct ly_rtcp *p)
{
	struct ly_rd r = ly_rd(p->body);

	if (p->type != LY_RTCP_SDES || p->count == 0)
		return ly_span(NULL, 0);
	ly_rd_skip(&r, 4);
	while (!r.bad) {
		uint8_t item = ly_rd_u8(&r);
		struct ly_span text;

		if (item == 0)
			break;
		text = ly_rd_bytes(&r, ly_rd_u8(&r));
		if (item == 1 && !r.bad) /* CNAME, RFC 3550 s. 6.5.1 */
			return text;
	}
	return ly_span(NULL, 0);
}

#define REMB_NAME 0x52454d42u /* "REMB" */

int ly_rtcp_remb(const struct ly_rtcp *p, struct ly_remb *out)
{
	struct ly_rd r = ly_rd(p->body);
	uint32_t v;

	if (p->type != LY_RTCP_PSFB || p->count != LY_PSFB_AFB || ly_rd_u32(&r) != REMB_NAME)
		return -ENOENT;
	out->n_ssrcs = ly_rd_u8(&r);
	v = ly_rd_u24(&r);
	out->ssrcs = ly_rd_bytes(&r, 4u * out->n_ssrcs);
	if (r.bad)
		return -EBADMSG;
	/* 6 bits of exponent, 18 of mantissa */
	out->rate_bps = v >> 18 > 45 ? UINT64_MAX : (uint64_t)(v & 0x3ffff) << (v >> 18);
	return 0;
}
