/* Facts about an Opus packet from its first bytes (RFC 6716 s. 3), without decoding. */
#ifndef LY_CODECS_OPUS_OPUS_H
#define LY_CODECS_OPUS_OPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/time.h"

struct ly_opus {
	uint8_t config; /* 0 to 31, RFC 6716 table 2 */
	bool stereo;
	uint8_t n_frames;  /* 1 to 48 */
	ly_usec frame_len; /* of one frame */
	ly_usec duration;  /* of the packet, at most 120 ms */
	bool dtx;          /* nothing but a TOC and at most one byte: comfort noise or silence */
};

/** @return 0, -EBADMSG (empty, frame count 0, or longer than 120 ms: RFC 6716 s. 3.4) */
int ly_opus_parse(struct ly_opus *out, struct ly_span payload);

#endif
