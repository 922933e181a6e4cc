/* Loops: order of messages, timers, limits per address, connections that move while bytes arrive.
 */
#include "tests/unit/server/harness.h"

#include "base/err.h"
#include "base/heap.h"
#include "server/io/limits.h"

#define N_MSGS 2000
#define N_LOOPS 3

struct order {
	struct ly_loops *g;
	unsigned next[N_LOOPS]; /* on the target loop only */
	_Atomic unsigned n_seen;
	_Atomic bool is_wrong;
};

struct order_msg {
	struct ly_loop_msg msg;
	struct order *o;
	unsigned source, number;
};

static void run_order(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct order_msg *m = LY_CONTAINER_OF(msg, struct order_msg, msg);

	(void)loop;
	if (m->number != m->o->next[m->source]++)
		m->o->is_wrong = true;
	m->o->n_seen++;
	free(m);
}

static void flood(struct ly_loop *loop, void *ctx)
{
	struct order *o = ctx;

	for (unsigned i = 0; i < N_MSGS; i++) {
		struct order_msg *m = calloc(1, sizeof(*m));

		m->msg.run = run_order;
		m->o = o;
		m->source = loop->index;
		m->number = i;
		ly_loop_post(&o->g->loops[0], &m->msg);
	}
}

/* First in, first out per (source, target), the own loop's messages too. */
static void test_order(void **state)
{
	struct harness *h = *state;
	struct order o = { .g = &h->loops };

	for (unsigned i = 0; i < N_LOOPS; i++)
		ly_loop_call(&h->loops.loops[i], flood, &o);
	for (int i = 0; i < 1000 && o.n_seen < N_LOOPS * N_MSGS; i++)
		usleep(1000);
	assert_int_equal(o.n_seen, N_LOOPS * N_MSGS);
	assert_false(o.is_wrong);
}

struct timed {
	struct ly_loop_timer timer;
	ly_usec at;
	_Atomic int64_t late; /* -1 before it fired */
};

static void fire(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	struct timed *t = LY_CONTAINER_OF(timer, struct timed, timer);

	t->late = ly_loop_now(loop) - t->at;
}

static void set_timers(struct ly_loop *loop, void *ctx)
{
	struct timed *t = ctx;

	for (int i = 0; i < 5; i++) {
		t[i].timer.fire = fire;
		t[i].late = -1;
		t[i].at = ly_loop_now(loop) + LY_MS(3 * (5 - i));
		ly_loop_timer_set(loop, &t[i].timer, t[i].at);
	}
	ly_loop_timer_del(loop, &t[2].timer);
}

static void test_timers(void **state)
{
	struct harness *h = *state;
	struct timed t[5] = { 0 };

	ly_loop_call(h->loops.loops, set_timers, t);
	usleep(60000);
	for (int i = 0; i < 5; i++) {
		if (i == 2)
			assert_int_equal(t[i].late, -1);
		else
			assert_true(t[i].late >= 0);
	}
}

/* An echo that moves to the next loop with every chunk. */
static void echo_data(struct ly_conn *c, struct ly_span bytes)
{
	struct ly_loops *g = c->loop->group;

	ly_conn_send(c, bytes);
	ly_conn_move(c, &g->loops[(c->loop->index + 1) % g->n]);
}

static void echo_closed(struct ly_conn *c, const char *why)
{
	(void)why;
	*(_Atomic bool *)c->user = true;
}

static const struct ly_conn_ops echo_ops = { .data = echo_data, .closed = echo_closed };

struct start {
	int fd;
	_Atomic bool closed;
};

static void start_echo(struct ly_loop *loop, void *ctx)
{
	struct start *s = ctx;

	assert_non_null(ly_conn_create(loop, s->fd, NULL, &echo_ops, (void *)&s->closed));
}

static void test_move(void **state)
{
	struct harness *h = *state;
	struct start s = { 0 };
	char out[512], in[512];
	size_t sent = 0, got = 0;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s.fd = fds[1];
	ly_loop_call(h->loops.loops, start_echo, &s);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7);
	while (got < 50000) {
		if (sent < 50000) {
			size_t len = 1 + sent % 300;

			for (size_t i = 0; i < len; i++)
				out[i] = (char)((sent + i) * 7);
			harness_send(fds[0], out, len);
			sent += len;
		}
		ssize_t r = recv(fds[0], in, sizeof(in), sent < 50000 ? MSG_DONTWAIT : 0);

		for (ssize_t i = 0; i < r; i++, got++)
			assert_int_equal(in[i], (char)(got * 7));
		assert_true(r != 0);
	}
	close(fds[0]);
	for (int i = 0; i < 1000 && !s.closed; i++)
		usleep(1000);
	assert_true(s.closed);
}

/* A peer that does not read: the queue's limit closes it. */
static void full_data(struct ly_conn *c, struct ly_span bytes)
{
	static char block[60000];

	(void)bytes;
	c->max_queue = 200000;
	for (int i = 0; i < 40; i++)
		ly_conn_send(c, ly_span(block, sizeof(block)));
	assert_int_equal(ly_conn_send(c, ly_span(block, 1)) == 0, c->has_overflowed);
}

static void full_overflow(struct ly_conn *c)
{
	ly_conn_send(c, ly_span_str("last word"));
}

static const struct ly_conn_ops full_ops = { .data = full_data,
					     .overflow = full_overflow,
					     .closed = echo_closed };

static void start_full(struct ly_loop *loop, void *ctx)
{
	struct start *s = ctx;

	assert_non_null(ly_conn_create(loop, s->fd, NULL, &full_ops, (void *)&s->closed));
}

static void test_overflow(void **state)
{
	struct harness *h = *state;
	struct start s = { 0 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s.fd = fds[1];
	ly_loop_call(h->loops.loops, start_full, &s);
	harness_send(fds[0], "x", 1);
	for (int i = 0; i < 4000 && !s.closed; i++)
		usleep(1000);
	assert_true(s.closed);
	close(fds[0]);
}

/* An idle connection keeps no buffers: its own struct, the poll handle and nothing else. */
static void test_idle_memory(void **state)
{
	struct harness *h = *state;
	struct start s[50] = { 0 };
	int peers[50];
	int64_t before = ly_heap_used(LY_MEM_CONN);

	for (size_t i = 0; i < LY_COUNTOF(s); i++) {
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		s[i].fd = fds[1];
		peers[i] = fds[0];
		ly_loop_call(h->loops.loops, start_echo, &s[i]);
	}
	assert_true((ly_heap_used(LY_MEM_CONN) - before) / (int64_t)LY_COUNTOF(s) < 500);
	for (size_t i = 0; i < LY_COUNTOF(s); i++) {
		close(peers[i]);
		for (int k = 0; k < 1000 && !s[i].closed; k++)
			usleep(1000);
		assert_true(s[i].closed);
	}
}

static void test_address_limits(void **state)
{
	struct ly_limits_conf conf = {
		.max_conns = 2, .conns_per_minute = 60, .fails_per_minute = 3, .max_addrs = 4
	};
	struct ly_addr a = { .family = 4, .ip = { 192, 0, 2, 1 }, .port = 1 }, b = a;
	struct ly_limits *l;
	ly_usec now = LY_SEC(100);

	(void)state;
	b.port = 2; /* another port is the same address */
	assert_int_equal(ly_limits_create(&l, &conf), 0);
	assert_int_equal(ly_limits_enter(l, &a, now), 0);
	assert_int_equal(ly_limits_enter(l, &b, now), 0);
	assert_int_equal(ly_limits_enter(l, &a, now), -E2BIG);
	ly_limits_leave(l, &a, now);
	for (int i = 0; i < 58; i++) {
		assert_int_equal(ly_limits_enter(l, &a, now), 0);
		ly_limits_leave(l, &a, now);
	}
	assert_int_equal(ly_limits_enter(l, &a, now), -EAGAIN);
	assert_int_equal(ly_limits_enter(l, &a, now + LY_SEC(1)),
			 0); /* one per second comes back */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ly_limits_may_login(l, &a, now), 0);
		ly_limits_failed(l, &a, now);
	}
	assert_int_equal(ly_limits_may_login(l, &a, now), -EAGAIN);
	assert_int_equal(ly_limits_may_login(l, &a, now + LY_SEC(21)), 0);
	/* the table is bounded: beyond it addresses are let in uncounted */
	for (uint8_t i = 10; i < 50; i++) {
		struct ly_addr x = { .family = 4, .ip = { 192, 0, 2, i } };

		assert_int_equal(ly_limits_enter(l, &x, now), 0);
	}
	ly_limits_destroy(l);
}

static int setup(void **state)
{
	struct harness *h = calloc(1, sizeof(*h));

	harness_start(h, N_LOOPS);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	harness_stop(*state);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),       cmocka_unit_test(test_timers),
		cmocka_unit_test(test_move),        cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_idle_memory), cmocka_unit_test(test_address_limits),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
