#include "media/demux/demux.h"

enum ly_proto ly_demux(struct ly_span pkt)
{
	uint8_t first;

	if (pkt.len < 2)
		return LY_PROTO_UNKNOWN;
	first = pkt.ptr[0];
	if (first <= 3)
		return LY_PROTO_STUN;
	if (first >= 20 && first <= 63)
		return LY_PROTO_DTLS;
	if (first >= 64 && first <= 79)
		return LY_PROTO_TURN;
	if (first < 128 || first > 191)
		return LY_PROTO_UNKNOWN;
	/* RFC 5761 s. 4: types 192 to 223 would be payload types 64 to 95 with the marker bit. */
	return pkt.ptr[1] >= 192 && pkt.ptr[1] <= 223 ? LY_PROTO_RTCP : LY_PROTO_RTP;
}
