/* Which protocol a datagram on a media port speaks (RFC 7983 s. 7, RFC 5761 s. 4). */
#ifndef LY_MEDIA_DEMUX_DEMUX_H
#define LY_MEDIA_DEMUX_DEMUX_H

#include "base/span.h"

enum ly_proto {
	LY_PROTO_UNKNOWN, /* empty, too short or a range that nobody uses */
	LY_PROTO_STUN,    /* 0 to 3 */
	LY_PROTO_DTLS,    /* 20 to 63 */
	LY_PROTO_TURN,    /* 64 to 79: TURN channel */
	LY_PROTO_RTP,     /* 128 to 191, second byte not an RTCP type */
	LY_PROTO_RTCP,    /* 128 to 191, second byte 192 to 223 */
};

enum ly_proto ly_demux(struct ly_span pkt);

#endif
