/* Which of a source's last 1024 packets came: nothing is forwarded twice, because a sequence
 * number used twice with the same key would break the protection of a receiver's SRTP (RFC 7714
 * s. 9.1). */
#ifndef LY_SFU_SEEN_H
#define LY_SFU_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define LY_SEEN_WINDOW 1024

struct ly_seen {
	bool started;
	int64_t top; /* highest extended number */
	uint64_t bits[LY_SEEN_WINDOW / 64];
};

/** Extends @p seq next to the highest one seen. */
int64_t ly_seen_extend(const struct ly_seen *s, uint16_t seq);
/** Marks it. False: seen before or too old; not to be used. */
bool ly_seen_add(struct ly_seen *s, int64_t seq);

#endif
