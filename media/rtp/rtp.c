#include "media/rtp/rtp.h"

#include "base/err.h"

int ly_rtp_parse(struct ly_rtp *out, struct ly_span pkt)
{
	struct ly_rd r = ly_rd(pkt);
	struct ly_rtp p = { 0 };
	uint8_t b0 = ly_rd_u8(&r);
	uint8_t b1 = ly_rd_u8(&r);

	p.marker = (b1 & 0x80) != 0;
	p.pt = b1 & 0x7f;
	p.seq = ly_rd_u16(&r);
	p.ts = ly_rd_u32(&r);
	p.ssrc = ly_rd_u32(&r);
	p.n_csrc = b0 & 0x0f;
	ly_rd_skip(&r, 4u * p.n_csrc);
	if (b0 & 0x10) {
		p.has_ext = true;
		p.ext_profile = ly_rd_u16(&r);
		p.ext = ly_rd_bytes(&r, 4u * ly_rd_u16(&r));
	}
	if (r.bad || b0 >> 6 != 2)
		return -EBADMSG;
	p.header_len = (size_t)(r.ptr - pkt.ptr);
	p.payload = ly_span(r.ptr, ly_rd_left(&r));
	if (b0 & 0x20) {
		p.padding = p.payload.len ? p.payload.ptr[p.payload.len - 1] : 0;
		if (p.padding == 0 || p.padding > p.payload.len)
			return -EBADMSG;
		p.payload.len -= p.padding;
	}
	*out = p;
	return 0;
}

bool ly_rtp_ext_next(const struct ly_rtp *rtp, size_t *off, struct ly_rtp_ext *out)
{
	bool two_byte = (rtp->ext_profile & 0xfff0) == LY_RTP_TWO_BYTE;
	struct ly_rd r = ly_rd(rtp->ext);
	uint8_t id;
	size_t len;

	if (!rtp->has_ext || (!two_byte && rtp->ext_profile != LY_RTP_ONE_BYTE))
		return false;
	ly_rd_skip(&r, *off);
	do { /* zero bytes are padding between elements */
		if (r.bad || ly_rd_left(&r) == 0)
			return false;
		id = ly_rd_u8(&r);
	} while (id == 0);
	if (two_byte) {
		len = ly_rd_u8(&r);
	} else {
		len = (id & 0x0fu) + 1u;
		id = id >> 4;
		if (id == 15) /* RFC 8285 s. 4.2: stop processing here */
			return false;
	}
	out->data = ly_rd_bytes(&r, len);
	out->id = id;
	*off = rtp->ext.len - ly_rd_left(&r);
	return !r.bad;
}

struct ly_span ly_rtp_ext_find(const struct ly_rtp *rtp, uint8_t id)
{
	struct ly_rtp_ext e;
	size_t off = 0;

	while (ly_rtp_ext_next(rtp, &off, &e))
		if (e.id == id)
			return e.data;
	return ly_span(NULL, 0);
}

static int write_exts(struct ly_wr *w, const struct ly_rtp_ext *exts, size_t n)
{
	bool two_byte = false;
	size_t body = 0, padding;

	for (size_t i = 0; i < n; i++) {
		if (exts[i].id == 0 || exts[i].data.len > 255)
			return -EINVAL;
		two_byte = two_byte || exts[i].id > 14 || exts[i].data.len == 0 ||
			   exts[i].data.len > 16;
		body += exts[i].data.len;
	}
	body += two_byte ? 2 * n : n;
	padding = (4 - body % 4) % 4;
	ly_wr_u16(w, two_byte ? LY_RTP_TWO_BYTE : LY_RTP_ONE_BYTE);
	ly_wr_u16(w, (uint16_t)((body + padding) / 4));
	for (size_t i = 0; i < n; i++) {
		if (two_byte) {
			ly_wr_u8(w, exts[i].id);
			ly_wr_u8(w, (uint8_t)exts[i].data.len);
		} else {
			ly_wr_u8(w, (uint8_t)(exts[i].id << 4 | (exts[i].data.len - 1)));
		}
		ly_wr_bytes(w, exts[i].data);
	}
	ly_wr_be(w, 0, padding);
	return 0;
}

int ly_rtp_write(uint8_t *out, size_t cap, const struct ly_rtp *rtp, const struct ly_rtp_ext *exts,
		 size_t n)
{
	struct ly_wr w = ly_wr(out, cap);

	ly_wr_u8(&w, n ? 0x90 : 0x80);
	ly_wr_u8(&w, (uint8_t)((rtp->marker ? 0x80 : 0) | (rtp->pt & 0x7f)));
	ly_wr_u16(&w, rtp->seq);
	ly_wr_u32(&w, rtp->ts);
	ly_wr_u32(&w, rtp->ssrc);
	if (n) {
		int err = write_exts(&w, exts, n);

		if (err)
			return err;
	}
	return w.bad ? -ENOSPC : (int)ly_wr_len(&w);
}

uint8_t ly_rtp_audio_level(struct ly_span data, bool *voice)
{
	if (data.len == 0) {
		*voice = false;
		return 127;
	}
	*voice = (data.ptr[0] & 0x80) != 0;
	return data.ptr[0] & 0x7f;
}

uint32_t ly_rtp_abs_send_time(int64_t usec)
{
	uint64_t u = (uint64_t)usec;

	/* 64 s wrap: 6 bits of seconds, 18 of fraction */
	return (uint32_t)((u % 64000000u) * 262144u / 1000000u) & 0xffffff;
}

int ly_rtx_pack(uint8_t *out, size_t cap, struct ly_span orig, uint8_t pt, uint32_t ssrc,
		uint16_t seq)
{
	struct ly_rtp p;
	struct ly_wr w = ly_wr(out, cap);

	if (ly_rtp_parse(&p, orig) != 0)
		return -EBADMSG;
	ly_wr_bytes(&w, ly_span(orig.ptr, p.header_len));
	ly_wr_u16(&w, p.seq);
	ly_wr_bytes(&w, p.payload);
	if (w.bad)
		return -ENOSPC;
	out[0] &= (uint8_t)~0x20; /* no padding */
	ly_rtp_set_pt(out, pt);
	ly_rtp_set_seq(out, seq);
	ly_rtp_set_ssrc(out, ssrc);
	return (int)ly_wr_len(&w);
}

int ly_rtx_unpack(uint8_t **pkt, size_t *len, uint8_t pt, uint32_t ssrc)
{
	struct ly_rtp p;
	uint16_t osn;
	uint8_t *start;

	if (ly_rtp_parse(&p, ly_span(*pkt, *len)) != 0)
		return -EBADMSG;
	if (p.payload.len < 2)
		return p.payload.len == 0 ? -ENOENT : -EBADMSG;
	osn = (uint16_t)(p.payload.ptr[0] << 8 | p.payload.ptr[1]);
	start = *pkt + 2;
	memmove(start, *pkt, p.header_len); /* NOLINT: parsed, so not NULL */
	start[0] &= (uint8_t)~0x20;
	ly_rtp_set_pt(start, pt);
	ly_rtp_set_seq(start, osn);
	ly_rtp_set_ssrc(start, ssrc);
	*pkt = start;
	*len = p.header_len + p.payload.len - 2;
	return 0;
}
