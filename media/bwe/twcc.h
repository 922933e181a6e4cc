/* Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01):
 * the receiver's recorder that builds it and the sender's parser.
 *
 *      |V=2|P|  FMT=15 |    PT=205     |           length              |
 *      |                     SSRC of packet sender                     |
 *      |                      SSRC of media source                     |
 *      |      base sequence number     |      packet status count      |
 *      |                 reference time                | fb pkt. count |
 *      |          packet chunk         |         packet chunk          | ...
 *      |  recv delta   | recv delta    | ... (1 or 2 bytes of 250 us)
 */
#ifndef LY_MEDIA_BWE_TWCC_H
#define LY_MEDIA_BWE_TWCC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/time.h"
#include "media/rtcp/rtcp.h"

#define LY_TWCC_WINDOW 1024 /* packets between two reports at most */

struct ly_twcc_recv {
	ly_usec interval; /* given; 0 = 100 ms */
	bool started;
	int64_t base, top; /* next to report; highest seen */
	ly_usec next;      /* when a report is due, LY_NEVER when nothing came */
	uint8_t fb_count;
	ly_usec at[LY_TWCC_WINDOW]; /* arrival by seq, 0 = missing */
};

void ly_twcc_recv_init(struct ly_twcc_recv *t, ly_usec interval);
/** Tells of a packet with this transport-wide sequence number. */
void ly_twcc_recv_packet(struct ly_twcc_recv *t, uint16_t seq, ly_usec now);
static inline ly_usec ly_twcc_recv_deadline(const struct ly_twcc_recv *t)
{
	return t->next;
}
/** Writes one feedback packet when due (or when @p force); call again while it returns true.
 *  @p w needs room for 1200 bytes. False: nothing to report, or no room. */
bool ly_twcc_recv_build(struct ly_twcc_recv *t, ly_usec now, bool force, uint32_t sender,
			uint32_t media, struct ly_wr *w);

/** One packet's fate as the peer reports it. */
struct ly_twcc_status {
	uint16_t seq;
	bool received;
	ly_usec at; /* the peer's clock, modulo 2^24 * 64 ms; only differences mean something */
};

struct ly_twcc_fb {
	uint16_t base;
	uint16_t n; /* packets it tells about */
	uint8_t fb_count;
};

/** Reads a feedback packet (type 205, FMT 15) into @p out, at most @p cap entries.
 *  @return how many, -EBADMSG, -ENOENT (another kind of packet) */
int ly_twcc_parse(const struct ly_rtcp *p, struct ly_twcc_fb *fb, struct ly_twcc_status *out,
		  size_t cap);

#endif
