#include "media/rtp/nack.h"

#include <string.h>

#include "base/util.h"

#define GIVE_UP LY_SEC(1)

void ly_nack_init(struct ly_nack *n)
{
	n->top = -1;
	n->n = 0;
	n->overflowed = false;
}

static void drop_first(struct ly_nack *n, unsigned count)
{
	n->n -= count;
	memmove(n->items, n->items + count, n->n * sizeof(n->items[0]));
}

static void add_gap(struct ly_nack *n, int64_t from, int64_t to, ly_usec now, ly_usec reorder)
{
	if (to - from > LY_NACK_MAX) { /* too much: only a keyframe helps */
		n->n = 0;
		n->overflowed = true;
		return;
	}
	if (n->n + (unsigned)(to - from) > LY_NACK_MAX) {
		drop_first(n, n->n + (unsigned)(to - from) - LY_NACK_MAX);
		n->overflowed = true;
	}
	for (int64_t seq = from; seq < to; seq++)
		n->items[n->n++] = (struct ly_nack_item) { seq, now + reorder, now, 0 };
}

void ly_nack_recv(struct ly_nack *n, int64_t seq, ly_usec now, ly_usec reorder)
{
	if (n->top < 0 || seq - n->top > 3000) {
		n->n = 0;
		n->top = seq;
		return;
	}
	if (seq > n->top) {
		if (seq > n->top + 1)
			add_gap(n, n->top + 1, seq, now, reorder);
		n->top = seq;
		return;
	}
	for (unsigned i = 0; i < n->n; i++) {
		if (n->items[i].seq != seq)
			continue;
		n->n--;
		memmove(n->items + i, n->items + i + 1, (n->n - i) * sizeof(n->items[0]));
		return;
	}
}

size_t ly_nack_due(struct ly_nack *n, ly_usec now, ly_usec rtt, uint16_t *out, size_t cap)
{
	ly_usec again = LY_MAX(rtt, LY_MS(20)) * 3 / 2;
	size_t got = 0;
	unsigned keep = 0;

	for (unsigned i = 0; i < n->n; i++) {
		struct ly_nack_item it = n->items[i];

		if (it.next <= now && got < cap) {
			if (it.tries >= LY_NACK_TRIES || now - it.since > GIVE_UP) {
				n->overflowed = true;
				continue;
			}
			out[got++] = (uint16_t)it.seq;
			it.tries++;
			it.next = now + again;
		}
		n->items[keep++] = it;
	}
	n->n = keep;
	return got;
}

ly_usec ly_nack_deadline(const struct ly_nack *n)
{
	ly_usec at = LY_NEVER;

	for (unsigned i = 0; i < n->n; i++)
		at = LY_MIN(at, n->items[i].next);
	return at;
}

bool ly_nack_take_overflow(struct ly_nack *n)
{
	bool was = n->overflowed;

	n->overflowed = false;
	return was;
}
