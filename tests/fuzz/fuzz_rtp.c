/* Any bytes as RTP: header, extensions, RTX both ways; whatever is accepted stays within bounds. */
#include <string.h>

#include "media/demux/demux.h"
#include "media/rtp/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t copy[2048], rtx[2048], *p = copy;
	struct ly_rtp_ext ext;
	struct ly_rtp rtp;
	size_t off = 0, n;
	int packed;

	if (len > 1500)
		return 0;
	(void)ly_demux(ly_span(data, len));
	if (ly_rtp_parse(&rtp, ly_span(data, len)) != 0)
		return 0;
	if (rtp.header_len + rtp.payload.len + rtp.padding != len)
		__builtin_trap();
	while (ly_rtp_ext_next(&rtp, &off, &ext))
		(void)ly_rtp_ext_find(&rtp, ext.id);
	packed = ly_rtx_pack(rtx, sizeof(rtx), ly_span(data, len), 96, 1, 2);
	if (packed != (int)(len - rtp.padding + 2))
		__builtin_trap();
	n = (size_t)packed;
	p = rtx;
	if (ly_rtx_unpack(&p, &n, rtp.pt, rtp.ssrc) != 0 || n != len - rtp.padding)
		__builtin_trap();
	memcpy(copy, data, len);
	p = copy;
	(void)ly_rtx_unpack(&p, &len, 100, 5);
	return 0;
}
