#include "base/timers.h"

#include "base/err.h"

void ly_timers_init(struct ly_timers *t, enum ly_mem kind)
{
	*t = (struct ly_timers) { .kind = kind };
}

void ly_timers_fini(struct ly_timers *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		t->heap[i]->pos = 0;
	ly_free(t->heap, t->kind);
	ly_timers_init(t, t->kind);
}

static void place(struct ly_timers *t, size_t i, struct ly_timer *timer)
{
	t->heap[i] = timer;
	timer->pos = i + 1;
}

static void sift_up(struct ly_timers *t, size_t i, struct ly_timer *timer)
{
	while (i > 0 && t->heap[(i - 1) / 2]->at > timer->at) {
		place(t, i, t->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(t, i, timer);
}

static void sift_down(struct ly_timers *t, size_t i, struct ly_timer *timer)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= t->n)
			break;
		if (child + 1 < t->n && t->heap[child + 1]->at < t->heap[child]->at)
			child++;
		if (t->heap[child]->at >= timer->at)
			break;
		place(t, i, t->heap[child]);
		i = child;
	}
	place(t, i, timer);
}

static void reposition(struct ly_timers *t, size_t i, struct ly_timer *timer)
{
	if (i > 0 && t->heap[(i - 1) / 2]->at > timer->at)
		sift_up(t, i, timer);
	else
		sift_down(t, i, timer);
}

int ly_timers_set(struct ly_timers *t, struct ly_timer *timer, ly_usec at)
{
	if (at == LY_NEVER) {
		ly_timers_del(t, timer);
		return 0;
	}
	timer->at = at;
	if (timer->pos) {
		reposition(t, timer->pos - 1, timer);
		return 0;
	}
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 16;
		struct ly_timer **heap =
			ly_realloc(t->heap, cap * sizeof(struct ly_timer *), t->kind);

		if (heap == NULL)
			return -ENOMEM;
		t->heap = heap;
		t->cap = cap;
	}
	sift_up(t, t->n++, timer);
	return 0;
}

void ly_timers_del(struct ly_timers *t, struct ly_timer *timer)
{
	size_t i = timer->pos;
	struct ly_timer *last;

	if (i-- == 0)
		return;
	timer->pos = 0;
	last = t->heap[--t->n];
	if (last != timer)
		reposition(t, i, last);
}

ly_usec ly_timers_deadline(const struct ly_timers *t)
{
	return t->n ? t->heap[0]->at : LY_NEVER;
}

struct ly_timer *ly_timers_pop(struct ly_timers *t, ly_usec now)
{
	struct ly_timer *timer;

	if (t->n == 0 || t->heap[0]->at > now)
		return NULL;
	timer = t->heap[0];
	ly_timers_del(t, timer);
	return timer;
}
