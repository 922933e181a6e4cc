/* RTP packets (RFC 3550 s. 5.1): parsing, header extensions (RFC 8285), writing and patching in
 * place.
 *
 *      0                   1                   2                   3
 *      |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *      |                           timestamp                           |
 *      |           synchronization source (SSRC) identifier            |
 *      |            contributing sources, CC times 32 bits             |
 *   X: |  0xBEDE one-byte, 0x100? two-byte  |    length in 32 bits     | extension body
 */
#ifndef LY_MEDIA_RTP_RTP_H
#define LY_MEDIA_RTP_RTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define LY_RTP_HEADER_LEN 12
#define LY_RTP_ONE_BYTE 0xBEDE
#define LY_RTP_TWO_BYTE 0x1000

/** A parsed packet; spans are borrowed from it. */
struct ly_rtp {
	bool marker;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	uint8_t n_csrc;
	bool has_ext;
	uint16_t ext_profile;   /* LY_RTP_ONE_BYTE, LY_RTP_TWO_BYTE (low 4 bits free), or another */
	struct ly_span ext;     /* body of the extension, without its four-byte header */
	uint8_t padding;        /* bytes after the payload */
	size_t header_len;      /* up to the payload */
	struct ly_span payload; /* without padding */
};

/** @return 0, -EBADMSG (version, cut short, padding longer than the payload) */
int ly_rtp_parse(struct ly_rtp *out, struct ly_span pkt);

/** One header extension element. */
struct ly_rtp_ext {
	uint8_t id; /* 1 to 14, or to 255 in the two-byte form */
	struct ly_span data;
};

/** Walks over the elements: *off starts at 0. False at the end or where it is malformed. */
bool ly_rtp_ext_next(const struct ly_rtp *rtp, size_t *off, struct ly_rtp_ext *out);
/** The element @p id (1 to 14 usually); an empty span with ptr NULL when absent. */
struct ly_span ly_rtp_ext_find(const struct ly_rtp *rtp, uint8_t id);

/** Writes a header: fixed part from @p rtp (marker, pt, seq, ts, ssrc; no CSRCs) and @p n elements,
 *  in the one-byte form if all fit it, else two-byte. No element, no extension.
 *  @return the length, -ENOSPC, -EINVAL (id 0; id 15 and data over 255 bytes) */
int ly_rtp_write(uint8_t *out, size_t cap, const struct ly_rtp *rtp, const struct ly_rtp_ext *exts,
		 size_t n);

/* Patching the fixed header of a valid packet in place. */
static inline void ly_rtp_set_u16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void ly_rtp_set_u32(uint8_t *at, uint32_t v)
{
	ly_rtp_set_u16(at, (uint16_t)(v >> 16));
	ly_rtp_set_u16(at + 2, (uint16_t)v);
}

static inline void ly_rtp_set_pt(uint8_t *pkt, uint8_t pt)
{
	pkt[1] = (uint8_t)((pkt[1] & 0x80) | (pt & 0x7f));
}

static inline void ly_rtp_set_marker(uint8_t *pkt, bool marker)
{
	pkt[1] = (uint8_t)((pkt[1] & 0x7f) | (marker ? 0x80 : 0));
}

static inline void ly_rtp_set_seq(uint8_t *pkt, uint16_t seq)
{
	ly_rtp_set_u16(pkt + 2, seq);
}

static inline void ly_rtp_set_ts(uint8_t *pkt, uint32_t ts)
{
	ly_rtp_set_u32(pkt + 4, ts);
}

static inline void ly_rtp_set_ssrc(uint8_t *pkt, uint32_t ssrc)
{
	ly_rtp_set_u32(pkt + 8, ssrc);
}

/* Elements that WebRTC uses. */

/** ssrc-audio-level (RFC 6464). @return -dBov, 0 (loudest) to 127; *voice is the V bit */
uint8_t ly_rtp_audio_level(struct ly_span data, bool *voice);
/** abs-send-time: 24 bits, 6.18 fixed point seconds, of a monotonic time in microseconds. */
uint32_t ly_rtp_abs_send_time(int64_t usec);

/** The 64-bit sequence number nearest to @p top whose low 16 bits are @p seq; half the space away
 *  counts as late. */
static inline int64_t ly_seq_extend(int64_t top, uint16_t seq)
{
	return top + (int16_t)(uint16_t)(seq - (uint16_t)top);
}

/** The same for 32-bit timestamps. */
static inline int64_t ly_ts_extend(int64_t top, uint32_t ts)
{
	return top + (int32_t)(ts - (uint32_t)top);
}

/* RTX, RFC 4588: a retransmission is the old payload behind its original sequence number (OSN). */

/** Builds the retransmission of @p orig: header and extensions kept, OSN put before the payload,
 *  padding dropped. @return the length, -EBADMSG, -ENOSPC */
int ly_rtx_pack(uint8_t *out, size_t cap, struct ly_span orig, uint8_t pt, uint32_t ssrc,
		uint16_t seq);
/** Turns an RTX packet back in place: *pkt moves two bytes up, *len shrinks by two.
 *  @return 0, -EBADMSG, -ENOENT (no payload: padding sent as a probe) */
int ly_rtx_unpack(uint8_t **pkt, size_t *len, uint8_t pt, uint32_t ssrc);

#endif
