/* Any bytes as the payload of VP8 and of Opus; rewriting leaves the length and the rest alone. */
#include <string.h>

#include "codecs/opus/opus.h"
#include "codecs/vp8/vp8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t copy[2048];
	struct ly_opus opus;
	struct ly_vp8 d, again;

	if (len > sizeof(copy))
		return 0;
	(void)ly_opus_parse(&opus, ly_span(data, len));
	if (ly_vp8_parse(&d, ly_span(data, len)) != 0)
		return 0;
	if (d.desc_len >= len)
		__builtin_trap();
	memcpy(copy, data, len);
	ly_vp8_patch(copy, &d, 0x1234, 99);
	if (ly_vp8_parse(&again, ly_span(copy, len)) != 0 || again.desc_len != d.desc_len ||
	    (d.tl0_off && again.tl0_pic_idx != 99) ||
	    (d.picture_bits == 15 && again.picture_id != 0x1234) ||
	    memcmp(copy + d.desc_len, data + d.desc_len, len - d.desc_len) != 0)
		__builtin_trap();
	return 0;
}
