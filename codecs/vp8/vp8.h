/* The RTP payload of VP8 (RFC 7741): the descriptor before each packet's piece of a frame.
 *
 *      0 1 2 3 4 5 6 7
 *     |X|R|N|S|R| PID |   PID partition index, S start of partition, N non-reference frame
 *  X: |I|L|T|K| RSV   |
 *  I: |M| PictureID   |   M: 15 bits in two bytes
 *  L: |   TL0PICIDX   |
 * T|K:|TID|Y| KEYIDX  |
 */
#ifndef LY_CODECS_VP8_VP8_H
#define LY_CODECS_VP8_VP8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct ly_vp8 {
	int32_t picture_id;   /* -1 when absent */
	uint8_t picture_bits; /* 0, 7 or 15 */
	int16_t tl0_pic_idx;  /* -1 when absent */
	int8_t tid;           /* temporal layer, -1 when absent */
	int8_t key_idx;       /* -1 when absent */
	bool layer_sync;      /* Y: the packet's frame depends on layer 0 only */
	bool non_reference;   /* N */
	bool start;           /* S */
	uint8_t partition;    /* PID */
	bool frame_start;     /* S and PID 0: the payload begins with the frame header */
	bool keyframe;        /* frame_start of a keyframe (RFC 6386 s. 9.1: P bit is 0) */
	uint16_t width;       /* of a keyframe, without scaling bits; 0 when not in the packet */
	uint16_t height;
	uint8_t desc_len;    /* bytes of the descriptor */
	uint8_t picture_off; /* offset of the picture id in the payload, 0 when absent */
	uint8_t tl0_off;     /* offset of TL0PICIDX, 0 when absent */
};

/** Parses the payload of one RTP packet. @return 0, -EBADMSG (cut short or empty) */
int ly_vp8_parse(struct ly_vp8 *out, struct ly_span payload);

/** Writes new values over those that @p d found in @p payload (the same bytes or a copy); fields
 *  that the descriptor lacks are left alone. Values are cut to the field's width. */
void ly_vp8_patch(uint8_t *payload, const struct ly_vp8 *d, uint16_t picture_id,
		  uint8_t tl0_pic_idx);

#endif
