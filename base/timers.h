/* A heap of deadlines. Timers are members of the structs they wake; the heap borrows them. */
#ifndef LY_BASE_TIMERS_H
#define LY_BASE_TIMERS_H

#include "base/heap.h"
#include "base/time.h"

struct ly_timer {
	ly_usec at;
	size_t pos; /* state: place in the heap plus one; 0 = not armed */
};

struct ly_timers {
	struct ly_timer **heap; /* owned array of borrowed timers */
	size_t n, cap;
	enum ly_mem kind;
};

void ly_timers_init(struct ly_timers *t, enum ly_mem kind);
void ly_timers_fini(struct ly_timers *t);
/** Arms or re-arms; LY_NEVER disarms. @return 0, -ENOMEM (only when it was not armed) */
int ly_timers_set(struct ly_timers *t, struct ly_timer *timer, ly_usec at);
void ly_timers_del(struct ly_timers *t, struct ly_timer *timer);
/** The earliest deadline, LY_NEVER when none. */
ly_usec ly_timers_deadline(const struct ly_timers *t);
/** Takes the earliest timer that is due, disarmed; NULL when none is. */
struct ly_timer *ly_timers_pop(struct ly_timers *t, ly_usec now);

#endif
