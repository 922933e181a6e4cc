/* Which packets of a source are missing and when to ask for them again (RFC 4585 s. 6.2.1). */
#ifndef LY_MEDIA_RTP_NACK_H
#define LY_MEDIA_RTP_NACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define LY_NACK_MAX 128  /* missing packets remembered */
#define LY_NACK_TRIES 10 /* requests for one packet */

struct ly_nack_item {
	int64_t seq;
	ly_usec next; /* when to ask (again) */
	ly_usec since;
	uint8_t tries;
};

struct ly_nack {
	int64_t top; /* highest seen, -1 before the first */
	unsigned n;
	bool overflowed; /* more was lost than can be asked for: a keyframe is due */
	struct ly_nack_item items[LY_NACK_MAX]; /* by seq, ascending */
};

void ly_nack_init(struct ly_nack *n);
/** Tells of a packet, by its extended sequence number (retransmitted ones too). New gaps are asked
 *  for after @p reorder (0 = at once). */
void ly_nack_recv(struct ly_nack *n, int64_t seq, ly_usec now, ly_usec reorder);
/** Fills @p out with what has to be asked for now, ascending; asks again after max(rtt, 20 ms)
 *  times 1.5; gives up after LY_NACK_TRIES or a second. @return how many */
size_t ly_nack_due(struct ly_nack *n, ly_usec now, ly_usec rtt, uint16_t *out, size_t cap);
/** The next time ly_nack_due() has something, or LY_NEVER. */
ly_usec ly_nack_deadline(const struct ly_nack *n);
/** True once after packets were given up: ask for a keyframe. */
bool ly_nack_take_overflow(struct ly_nack *n);

#endif
