#include "sfu/seen.h"

#include <string.h>

#include "media/rtp/rtp.h"

int64_t ly_seen_extend(const struct ly_seen *s, uint16_t seq)
{
	/* the first is put one cycle up, so that late ones before it stay above zero */
	return s->started ? ly_seq_extend(s->top, seq) : (int64_t)seq + 65536;
}

static uint64_t *word(struct ly_seen *s, int64_t seq)
{
	return &s->bits[(uint64_t)seq % LY_SEEN_WINDOW / 64];
}

bool ly_seen_add(struct ly_seen *s, int64_t seq)
{
	uint64_t bit = 1ULL << ((uint64_t)seq % 64);

	if (!s->started) {
		s->started = true;
		s->top = seq - 1;
	}
	if (seq <= s->top - LY_SEEN_WINDOW)
		return false;
	if (seq > s->top + LY_SEEN_WINDOW) {
		memset(s->bits, 0, sizeof(s->bits));
		s->top = seq;
	}
	for (; s->top < seq; s->top++)
		*word(s, s->top + 1) &= ~(1ULL << ((uint64_t)(s->top + 1) % 64));
	if (*word(s, seq) & bit)
		return false;
	*word(s, seq) |= bit;
	return true;
}
