#include "codecs/vp8/vp8.h"

#include "base/err.h"

/* The extension octets behind X. */
static void read_extension(struct ly_vp8 *d, struct ly_rd *r, struct ly_span payload)
{
	uint8_t flags = ly_rd_u8(r);

	if (flags & 0x80) { /* I */
		d->picture_off = (uint8_t)(r->ptr - payload.ptr);
		d->picture_id = ly_rd_u8(r);
		d->picture_bits = 7;
		if (d->picture_id & 0x80) { /* M */
			d->picture_id = (d->picture_id & 0x7f) << 8 | ly_rd_u8(r);
			d->picture_bits = 15;
		}
	}
	if (flags & 0x40) { /* L */
		d->tl0_off = (uint8_t)(r->ptr - payload.ptr);
		d->tl0_pic_idx = ly_rd_u8(r);
	}
	if (flags & 0x30) { /* T or K: one octet for both */
		uint8_t v = ly_rd_u8(r);

		if (flags & 0x20) {
			d->tid = (int8_t)(v >> 6);
			d->layer_sync = (v & 0x20) != 0;
		}
		if (flags & 0x10)
			d->key_idx = (int8_t)(v & 0x1f);
	}
}

/* The frame header, RFC 6386 s. 9.1: three bytes of frame tag, then for keyframes a start code and
 * the size, little endian, with two bits of scaling on top. */
static void read_frame_header(struct ly_vp8 *d, const struct ly_rd *r)
{
	const uint8_t *p = r->ptr;

	d->keyframe = (p[0] & 0x01) == 0;
	if (!d->keyframe || ly_rd_left(r) < 10)
		return;
	if (p[3] != 0x9d || p[4] != 0x01 || p[5] != 0x2a)
		return;
	d->width = (uint16_t)((p[6] | p[7] << 8) & 0x3fff);
	d->height = (uint16_t)((p[8] | p[9] << 8) & 0x3fff);
}

int ly_vp8_parse(struct ly_vp8 *out, struct ly_span payload)
{
	struct ly_vp8 d = { .picture_id = -1, .tl0_pic_idx = -1, .tid = -1, .key_idx = -1 };
	struct ly_rd r = ly_rd(payload);
	uint8_t first = ly_rd_u8(&r);

	d.non_reference = (first & 0x20) != 0;
	d.start = (first & 0x10) != 0;
	d.partition = first & 0x07;
	if (first & 0x80)
		read_extension(&d, &r, payload);
	if (r.bad || ly_rd_left(&r) == 0)
		return -EBADMSG;
	d.desc_len = (uint8_t)(r.ptr - payload.ptr);
	d.frame_start = d.start && d.partition == 0;
	if (d.frame_start)
		read_frame_header(&d, &r);
	*out = d;
	return 0;
}

void ly_vp8_patch(uint8_t *payload, const struct ly_vp8 *d, uint16_t picture_id,
		  uint8_t tl0_pic_idx)
{
	if (d->picture_bits == 15) {
		payload[d->picture_off] = (uint8_t)(0x80 | picture_id >> 8);
		payload[d->picture_off + 1] = (uint8_t)picture_id;
	} else if (d->picture_bits == 7) {
		payload[d->picture_off] = (uint8_t)(picture_id & 0x7f);
	}
	if (d->tl0_off)
		payload[d->tl0_off] = tl0_pic_idx;
}
