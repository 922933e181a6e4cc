#include "server/io/loop.h"

#include <time.h>

#include "base/err.h"
#include "base/heap.h"
#include "server/io/conn.h"

static _Thread_local struct ly_loop *current;

struct ly_loop *ly_loop_current(void)
{
	return current;
}

static ly_usec read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (ly_usec)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

ly_usec ly_clock_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

ly_usec ly_clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

ly_usec ly_loop_now(struct ly_loop *loop)
{
	if (loop->now == 0)
		loop->now = ly_clock_now();
	return loop->now;
}

static void chain_add(struct ly_loop_chain *c, struct ly_loop_msg *msg)
{
	msg->next = NULL;
	if (c->tail != NULL)
		c->tail->next = msg;
	else
		c->head = msg;
	c->tail = msg;
}

/* Puts a batch on the target's stack, newest first. Only who finds the stack empty wakes the loop.
 */
static void push(struct ly_loop *to, struct ly_loop_msg *newest, struct ly_loop_msg *oldest)
{
	struct ly_loop_msg *top = atomic_load_explicit(&to->inbox, memory_order_relaxed);

	do
		oldest->next = top;
	while (!atomic_compare_exchange_weak_explicit(&to->inbox, &top, newest,
						      memory_order_release, memory_order_relaxed));
	if (top == NULL)
		uv_async_send(&to->wake);
}

static struct ly_loop_msg *reverse(struct ly_loop_msg *m)
{
	struct ly_loop_msg *out = NULL;

	while (m != NULL) {
		struct ly_loop_msg *next = m->next;

		m->next = out;
		out = m;
		m = next;
	}
	return out;
}

void ly_loop_post(struct ly_loop *to, struct ly_loop_msg *msg)
{
	if (current == to)
		chain_add(&to->own, msg);
	else if (current != NULL && current->group == to->group)
		chain_add(&current->out[to->index], msg);
	else
		push(to, msg, msg);
}

static size_t run_list(struct ly_loop *loop, struct ly_loop_msg *m)
{
	size_t n = 0;

	while (m != NULL) {
		struct ly_loop_msg *next = m->next;

		m->run(loop, m);
		m = next;
		n++;
	}
	atomic_fetch_add_explicit(&loop->n_msgs, n, memory_order_relaxed);
	return n;
}

static size_t drain_inbox(struct ly_loop *loop)
{
	struct ly_loop_msg *m = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire);

	return run_list(loop, reverse(m));
}

static void on_wake(uv_async_t *async)
{
	drain_inbox(async->data);
}

/* Runs own messages, those they cause too, up to the bound. @return whether some are left */
static bool drain_own(struct ly_loop *loop)
{
	size_t n = 0;

	while (loop->own.head != NULL && n < LY_LOOP_DRAIN_MAX) {
		struct ly_loop_msg *m = loop->own.head;

		loop->own.head = m->next;
		if (loop->own.head == NULL)
			loop->own.tail = NULL;
		m->run(loop, m);
		n++;
	}
	atomic_fetch_add_explicit(&loop->n_msgs, n, memory_order_relaxed);
	return loop->own.head != NULL;
}

static void flush_out(struct ly_loop *loop)
{
	for (unsigned i = 0; i < loop->group->n; i++) {
		struct ly_loop_chain c = loop->out[i];

		if (c.head == NULL)
			continue;
		loop->out[i] = (struct ly_loop_chain) { 0 };
		/* the chain is oldest first, the stack newest first */
		push(&loop->group->loops[i], reverse(c.head), c.head);
	}
}

static void fire_timers(struct ly_loop *loop)
{
	struct ly_timer *t;

	while ((t = ly_timers_pop(&loop->timers, ly_loop_now(loop))) != NULL) {
		struct ly_loop_timer *lt = LY_CONTAINER_OF(t, struct ly_loop_timer, t);

		lt->fire(loop, lt);
	}
}

static void on_clock(uv_timer_t *clock)
{
	struct ly_loop *loop = clock->data;

	loop->armed_at = LY_NEVER; /* fired: the end of the turn runs what is due and re-arms */
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle; /* its being active keeps the loop from sleeping */
}

static void arm_clock(struct ly_loop *loop)
{
	ly_usec at = ly_timers_deadline(&loop->timers), left;

	if (at == loop->armed_at)
		return;
	loop->armed_at = at;
	if (at == LY_NEVER) {
		uv_timer_stop(&loop->clock);
		return;
	}
	left = at - ly_loop_now(loop);
	uv_update_time(&loop->uv);
	uv_timer_start(&loop->clock, on_clock, left <= 0 ? 0 : (uint64_t)(left + 999) / 1000, 0);
}

/* The end of a turn: libuv calls this right before it sleeps. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct ly_loop *loop = prepare->data;
	bool more;

	fire_timers(loop);
	more = drain_own(loop);
	LY_LIST_EACH (it, tmp, &loop->turns) {
		struct ly_loop_turn *turn = LY_LIST_ENTRY(it, struct ly_loop_turn, node);

		turn->end(loop, turn);
	}
	more = loop->own.head != NULL ? drain_own(loop) : more;
	ly_conn_flush_all(loop);
	more = more || loop->own.head != NULL || loop->again;
	loop->again = false;
	flush_out(loop);
	arm_clock(loop);
	if (more)
		uv_idle_start(&loop->idle, on_idle);
	else
		uv_idle_stop(&loop->idle);
	atomic_fetch_add_explicit(&loop->n_turns, 1, memory_order_relaxed);
	loop->now = 0;
	if (loop->is_stopping)
		uv_stop(&loop->uv);
}

static int init_loop(struct ly_loop *loop, struct ly_loops *g, unsigned index)
{
	loop->index = index;
	loop->group = g;
	ly_list_init(&loop->dirty);
	ly_list_init(&loop->conns);
	ly_list_init(&loop->closing);
	ly_list_init(&loop->turns);
	loop->sweep.fire = ly_conn_sweep;
	ly_timers_init(&loop->timers, LY_MEM_QUEUE);
	loop->armed_at = LY_NEVER;
	loop->scratch = ly_alloc(LY_LOOP_SCRATCH, LY_MEM_CONN);
	loop->out = ly_alloc(g->n * sizeof(*loop->out), LY_MEM_QUEUE);
	if (loop->scratch == NULL || loop->out == NULL)
		return -ENOMEM;
	if (uv_loop_init(&loop->uv) != 0)
		return -EIO;
	loop->wake.data = loop->prepare.data = loop->clock.data = loop->idle.data = loop;
	if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0)
		return -EIO;
	uv_prepare_init(&loop->uv, &loop->prepare);
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_timer_init(&loop->uv, &loop->clock);
	uv_idle_init(&loop->uv, &loop->idle);
	return 0;
}

int ly_loops_init(struct ly_loops *g, unsigned n)
{
	*g = (struct ly_loops) { .n = n };
	g->loops = ly_alloc(n * sizeof(*g->loops), LY_MEM_QUEUE);
	if (g->loops == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		int err = init_loop(&g->loops[i], g, i);

		if (err)
			return err;
	}
	return 0;
}

static void thread_main(void *arg)
{
	struct ly_loop *loop = arg;

	current = loop;
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	current = NULL;
}

int ly_loops_start(struct ly_loops *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (uv_thread_create(&g->loops[i].thread, thread_main, &g->loops[i]) != 0)
			return -EIO;
	return 0;
}

static void run_stop(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	loop->is_stopping = true;
	ly_free(msg, LY_MEM_QUEUE);
}

void ly_loops_stop(struct ly_loops *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		struct ly_loop_msg *m;

		/* nothing useful is left to do without these bytes */
		do
			m = ly_alloc(sizeof(*m), LY_MEM_QUEUE);
		while (m == NULL);
		m->run = run_stop;
		ly_loop_post(&g->loops[i], m);
	}
	for (unsigned i = 0; i < g->n; i++)
		uv_thread_join(&g->loops[i].thread);
}

static void close_handle(uv_handle_t *h, void *ctx)
{
	(void)ctx;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

/* Runs what the stopped threads left to one another, until nothing new appears. */
static void drain_stopped(struct ly_loops *g)
{
	bool again = true;

	for (unsigned round = 0; again && round < 100; round++) {
		again = false;
		for (unsigned i = 0; i < g->n; i++) {
			current = &g->loops[i];
			again = drain_inbox(current) > 0 || again;
			again = drain_own(current) || again;
			flush_out(current);
		}
	}
	current = NULL;
}

void ly_loops_fini(struct ly_loops *g)
{
	if (g->loops == NULL)
		return;
	drain_stopped(g);
	for (unsigned i = 0; i < g->n; i++) {
		struct ly_loop *loop = &g->loops[i];

		current = loop;
		ly_conn_destroy_all(loop);
		current = NULL;
	}
	drain_stopped(g);
	for (unsigned i = 0; i < g->n; i++) {
		struct ly_loop *loop = &g->loops[i];

		uv_walk(&loop->uv, close_handle, NULL);
		uv_prepare_stop(&loop->prepare);
		uv_run(&loop->uv, UV_RUN_DEFAULT);
		uv_loop_close(&loop->uv);
		ly_timers_fini(&loop->timers);
		ly_free(loop->scratch, LY_MEM_CONN);
		ly_free(loop->out, LY_MEM_QUEUE);
	}
	ly_free(g->loops, LY_MEM_QUEUE);
	g->loops = NULL;
}

int ly_loop_timer_set(struct ly_loop *loop, struct ly_loop_timer *timer, ly_usec at)
{
	return ly_timers_set(&loop->timers, &timer->t, at);
}

void ly_loop_timer_del(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	ly_timers_del(&loop->timers, &timer->t);
}

void ly_loop_add_turn(struct ly_loop *loop, struct ly_loop_turn *turn)
{
	ly_list_add_tail(&loop->turns, &turn->node);
}

struct call_msg {
	struct ly_loop_msg msg;
	void (*fn)(struct ly_loop *loop, void *ctx);
	void *ctx;
	uv_sem_t done;
};

static void run_call(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct call_msg *m = LY_CONTAINER_OF(msg, struct call_msg, msg);

	m->fn(loop, m->ctx);
	uv_sem_post(&m->done);
}

int ly_loop_call(struct ly_loop *loop, void (*fn)(struct ly_loop *loop, void *ctx), void *ctx)
{
	struct call_msg m = { .msg.run = run_call, .fn = fn, .ctx = ctx };

	if (uv_sem_init(&m.done, 0) != 0)
		return -ENOMEM;
	ly_loop_post(loop, &m.msg);
	uv_sem_wait(&m.done);
	uv_sem_destroy(&m.done);
	return 0;
}
