#include "codecs/opus/opus.h"

#include "base/err.h"

/* RFC 6716 table 2. */
static ly_usec frame_len(uint8_t config)
{
	static const ly_usec silk[] = { 10000, 20000, 40000, 60000 };
	static const ly_usec celt[] = { 2500, 5000, 10000, 20000 };

	if (config < 12)
		return silk[config & 3];
	if (config < 16)
		return config & 1 ? 20000 : 10000; /* hybrid */
	return celt[config & 3];
}

int ly_opus_parse(struct ly_opus *out, struct ly_span payload)
{
	struct ly_rd r = ly_rd(payload);
	uint8_t toc = ly_rd_u8(&r);
	struct ly_opus o = { .config = toc >> 3, .stereo = (toc & 0x04) != 0 };

	switch (toc & 0x03) {
	case 0:
		o.n_frames = 1;
		break;
	case 3:
		o.n_frames = ly_rd_u8(&r) & 0x3f;
		break;
	default:
		o.n_frames = 2;
		break;
	}
	if (r.bad || o.n_frames == 0)
		return -EBADMSG;
	o.frame_len = frame_len(o.config);
	o.duration = o.frame_len * o.n_frames;
	if (o.duration > LY_MS(120))
		return -EBADMSG;
	o.dtx = payload.len <= 2;
	*out = o;
	return 0;
}
