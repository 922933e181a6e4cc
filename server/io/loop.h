/* Event-loop threads. Each has one inbound queue that any thread posts to without a lock, a heap of
 * timers and a clock that is read once per turn.
 *
 * Order: first in, first out per (source loop, target loop). What a loop posts to others is
 * collected during its turn and handed over at the end of it, one wake-up per batch; what it posts
 * to itself waits until the end of the same turn and is drained there, bounded, without a wake-up.
 */
#ifndef LY_SERVER_IO_LOOP_H
#define LY_SERVER_IO_LOOP_H

#include <stdatomic.h>
#include <uv.h>

#include "base/list.h"
#include "base/span.h"
#include "base/timers.h"

struct ly_loop;
struct ly_loops;

/** A message to a loop: first member of a struct that the poster allocates and run() releases. */
struct ly_loop_msg {
	struct ly_loop_msg *next;
	void (*run)(struct ly_loop *loop, struct ly_loop_msg *msg);
};

struct ly_loop_timer {
	struct ly_timer t;
	void (*fire)(struct ly_loop *loop, struct ly_loop_timer *timer);
};

/** Something to do at the end of each turn (homes with deadlines, batches); see ly_loop_add_turn().
 */
struct ly_loop_turn {
	struct ly_list node;
	void (*end)(struct ly_loop *loop, struct ly_loop_turn *turn);
};

/** Bytes of the loop's shared buffer for reading and gathering. */
#define LY_LOOP_SCRATCH 65536
/** Own messages run at the end of one turn; the rest waits for the next one. */
#define LY_LOOP_DRAIN_MAX 4096

struct ly_loop_chain {
	struct ly_loop_msg *head, *tail;
};

struct ly_loop {
	uv_loop_t uv;
	unsigned index;
	struct ly_loops *group; /* borrowed */
	struct ly_list dirty;   /* connections with output to write at the end of the turn */
	struct ly_list conns;   /* all connections of this loop */
	struct ly_list
		closing; /* connections whose last bytes are still being written, oldest first */
	struct ly_loop_timer sweep; /* ends those that take too long */
	size_t n_conns;
	uint8_t *scratch; /* owned; LY_LOOP_SCRATCH bytes, content valid within one call */
	void *user;       /* borrowed; what the server keeps per loop (struct ly_worker) */

	/* state, private to loop.c */
	_Atomic(struct ly_loop_msg *) inbox; /* newest first */
	struct ly_loop_chain own;
	struct ly_loop_chain *out; /* owned; one per target loop */
	struct ly_timers timers;
	struct ly_list turns;
	ly_usec now;      /* 0 = to be read */
	ly_usec armed_at; /* deadline that the uv timer is set to */
	uv_async_t wake;
	uv_prepare_t prepare;
	uv_idle_t idle;
	uv_timer_t clock;
	uv_thread_t thread;
	_Atomic uint64_t n_msgs;  /* messages run */
	_Atomic uint64_t n_turns; /* turns taken */
	bool is_stopping;
	bool again; /* set by a turn's end: come back at once */
};

struct ly_loops {
	struct ly_loop *loops; /* owned */
	unsigned n;
};

/** Prepares @p n loops; their threads start with ly_loops_start(). @return 0, -ENOMEM, -EIO */
int ly_loops_init(struct ly_loops *g, unsigned n);
/** Starts a thread per loop. @return 0, -EIO */
int ly_loops_start(struct ly_loops *g);
/** Stops all loops and waits for their threads. */
void ly_loops_stop(struct ly_loops *g);
/** Releases everything; what still waits in queues is run first so that it is released. */
void ly_loops_fini(struct ly_loops *g);

/** The loop of the calling thread; NULL on other threads. */
struct ly_loop *ly_loop_current(void);

/** Hands @p msg over to @p to; from any thread. Never fails and never runs the message at once. */
void ly_loop_post(struct ly_loop *to, struct ly_loop_msg *msg);

/** Monotonic time, the same during one turn. Only on the loop's thread. */
ly_usec ly_loop_now(struct ly_loop *loop);
/** Monotonic and wall time of any thread. */
ly_usec ly_clock_now(void);
ly_usec ly_clock_wall(void);

/** Arms or re-arms; LY_NEVER disarms. Only on the loop's thread. @return 0, -ENOMEM */
int ly_loop_timer_set(struct ly_loop *loop, struct ly_loop_timer *timer, ly_usec at);
void ly_loop_timer_del(struct ly_loop *loop, struct ly_loop_timer *timer);

/** Calls @p turn->end at the end of every turn, before output is written. */
void ly_loop_add_turn(struct ly_loop *loop, struct ly_loop_turn *turn);

/** Runs @p fn on the loop's thread and waits for it; not from a loop's thread. @return 0, -ENOMEM
 */
int ly_loop_call(struct ly_loop *loop, void (*fn)(struct ly_loop *loop, void *ctx), void *ctx);

#endif
