/* One active call: the slot at the user's home and the claims of calls, alone and against each
 * other. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "base/heap.h"
#include "base/rand.h"
#include "signaling/calls/claim.h"
#include "signaling/calls/slot.h"

static const struct ly_call_ref algebra = { "c1", "algebra@r", "Firefox", "s@d/1", 5 };
static const struct ly_call_ref physics = { "c2", "physics@r", "Chromium", "s@d/2", 6 };
static const struct ly_call_ref history = { "c3", "history@r", "Phone", "s@d/3", 7 };

static void expect(struct ly_slot *s, enum ly_slot_out_kind kind, uint64_t claim)
{
	struct ly_slot_out out;

	assert_true(ly_slot_poll(s, &out));
	assert_int_equal(kind, out.kind);
	if (kind != LY_SLOT_NOTIFY)
		assert_int_equal(claim, out.claim);
}

static void expect_notify(struct ly_slot *s, bool active, const char *room, enum ly_call_end end)
{
	struct ly_slot_out out;

	assert_true(ly_slot_poll(s, &out));
	assert_int_equal(LY_SLOT_NOTIFY, out.kind);
	assert_int_equal(active, out.active);
	assert_string_equal(room, out.ref->room);
	if (!active)
		assert_int_equal(end, out.end);
}

static void expect_nothing(struct ly_slot *s)
{
	struct ly_slot_out out;

	assert_false(ly_slot_poll(s, &out));
}

static void test_second_call_conflicts(void **state)
{
	struct ly_slot s;
	struct ly_slot_out out;

	(void)state;
	ly_slot_init(&s);
	assert_int_equal(0, ly_slot_claim(&s, 0, 1, &algebra, NULL));
	expect(&s, LY_SLOT_GRANT, 1);
	assert_int_equal(0, ly_slot_activate(&s, 1));
	expect_notify(&s, true, "algebra@r", 0);
	assert_int_equal(0, ly_slot_claim(&s, 10, 2, &physics, NULL));
	assert_true(ly_slot_poll(&s, &out));
	assert_int_equal(LY_SLOT_CONFLICT, out.kind);
	assert_int_equal(2, out.claim);
	assert_string_equal("algebra@r", out.ref->room);
	assert_string_equal("Firefox", out.ref->device);
	/* asking to end a call that is not the running one changes nothing */
	assert_int_equal(0, ly_slot_claim(&s, 11, 3, &physics, "c9"));
	expect(&s, LY_SLOT_CONFLICT, 3);
	ly_slot_release(&s, 20, 1, LY_CALL_LEFT);
	expect_notify(&s, false, "algebra@r", LY_CALL_LEFT);
	expect_nothing(&s);
	assert_int_equal(LY_SLOT_IDLE, s.state);
	ly_slot_fini(&s);
}

static void test_move_waits_for_the_old_one(void **state)
{
	struct ly_slot s;

	(void)state;
	ly_slot_init(&s);
	ly_slot_claim(&s, 0, 1, &algebra, NULL);
	ly_slot_activate(&s, 1);
	while (ly_slot_poll(&s, &(struct ly_slot_out) { 0 }))
		;
	ly_slot_claim(&s, 10, 2, &physics, "c1");
	expect(&s, LY_SLOT_REVOKE, 1);
	expect_nothing(&s);
	assert_int_equal(-ENOENT, ly_slot_renew(&s, 11, 1));
	ly_slot_claim(&s, 12, 3, &history, "c1");
	expect(&s, LY_SLOT_CONFLICT, 2);
	ly_slot_release(&s, 13, 1, LY_CALL_MOVED);
	expect(&s, LY_SLOT_GRANT, 3);
	expect_notify(&s, false, "algebra@r", LY_CALL_MOVED);
	expect_nothing(&s);
	ly_slot_fini(&s);
}

static void test_mover_gives_up(void **state)
{
	struct ly_slot s;

	(void)state;
	ly_slot_init(&s);
	ly_slot_claim(&s, 0, 1, &algebra, NULL);
	ly_slot_activate(&s, 1);
	ly_slot_claim(&s, 10, 2, &physics, "c1");
	ly_slot_release(&s, 11, 2, LY_CALL_LEFT);
	while (ly_slot_poll(&s, &(struct ly_slot_out) { 0 }))
		;
	ly_slot_claim(&s, 12, 3, &history, "c1");
	expect_nothing(&s);
	ly_slot_release(&s, 13, 1, LY_CALL_MOVED);
	expect(&s, LY_SLOT_GRANT, 3);
	ly_slot_fini(&s);
}

static void test_leases(void **state)
{
	struct ly_slot s;

	(void)state;
	ly_slot_init(&s);
	ly_slot_claim(&s, 0, 1, &algebra, NULL);
	ly_slot_activate(&s, 1);
	while (ly_slot_poll(&s, &(struct ly_slot_out) { 0 }))
		;
	assert_int_equal(0, ly_slot_renew(&s, LY_SEC(20), 1));
	ly_slot_tick(&s, LY_SEC(49));
	expect_nothing(&s);
	assert_true(ly_slot_deadline(&s) == LY_SEC(50));
	ly_slot_tick(&s, LY_SEC(50));
	expect_notify(&s, false, "algebra@r", LY_CALL_LOST);
	assert_int_equal(-ENOENT, ly_slot_renew(&s, LY_SEC(51), 1));
	/* a claim that never becomes a call is told to stop */
	ly_slot_claim(&s, LY_SEC(60), 2, &physics, NULL);
	expect(&s, LY_SLOT_GRANT, 2);
	assert_int_equal(0, ly_slot_renew(&s, LY_SEC(89), 2));
	ly_slot_tick(&s, LY_SEC(90));
	expect(&s, LY_SLOT_REVOKE, 2);
	ly_slot_fini(&s);
	assert_int_equal(0, ly_heap_used(LY_MEM_CALL));
}

static void test_claim_timeouts(void **state)
{
	struct ly_claim c;

	(void)state;
	ly_claim_init(&c, 0, 1);
	assert_int_equal(LY_CLAIM_SEND_RELEASE, ly_claim_tick(&c, LY_CLAIM_ANSWER_TIME));
	assert_false(ly_claim_granted(&c, LY_SEC(4)));
	ly_claim_init(&c, 0, 2);
	assert_true(ly_claim_granted(&c, LY_SEC(1)));
	assert_int_equal(LY_CLAIM_SEND_ACTIVATE, ly_claim_begin(&c));
	assert_int_equal(LY_CLAIM_NOTHING, ly_claim_begin(&c));
	assert_int_equal(LY_CLAIM_SEND_RENEW, ly_claim_tick(&c, LY_SEC(10)));
	assert_true(ly_claim_granted(&c, LY_SEC(11)));
	assert_true(c.lease_until == LY_SEC(40));
	assert_int_equal(LY_CLAIM_SEND_RELEASE, ly_claim_tick(&c, LY_SEC(40)));
	assert_int_equal(LY_CALL_LOST, c.end);
}

/* Random calls of one user on several homes, over links that delay and lose messages. */
#define N_CALLS 6
#define LINK_LEN 64

enum wire_kind { W_CLAIM, W_MOVE, W_ACTIVATE, W_RENEW, W_RELEASE, W_GRANT, W_CONFLICT, W_REVOKE };

struct wire {
	enum wire_kind kind;
	uint64_t claim;
	ly_usec at;
};

struct link {
	struct wire q[LINK_LEN];
	unsigned head, n;
};

struct world {
	struct ly_slot slot;
	struct ly_claim claim[N_CALLS];
	char call[N_CALLS][8];
	bool used[N_CALLS];
	struct link up[N_CALLS], down[N_CALLS];
	struct ly_rand rand;
	uint32_t loss_percent;
	uint64_t next_id;
	ly_usec now;
	int granted, moved;
};

static void link_put(struct world *w, struct link *l, enum wire_kind kind, uint64_t claim)
{
	ly_usec at = w->now + LY_MS(ly_rand_below(&w->rand, 1000));

	if (ly_rand_below(&w->rand, 100) < w->loss_percent || l->n == LINK_LEN)
		return;
	if (l->n && l->q[(l->head + l->n - 1) % LINK_LEN].at > at)
		at = l->q[(l->head + l->n - 1) % LINK_LEN].at;
	l->q[(l->head + l->n++) % LINK_LEN] = (struct wire) { kind, claim, at };
}

static bool link_get(struct world *w, struct link *l, struct wire *out)
{
	if (l->n == 0 || l->q[l->head].at > w->now)
		return false;
	*out = l->q[l->head];
	l->head = (l->head + 1) % LINK_LEN;
	l->n--;
	return true;
}

static int call_of(const struct world *w, uint64_t claim)
{
	for (int i = 0; i < N_CALLS; i++)
		if (w->used[i] && w->claim[i].id == claim)
			return i;
	return (int)(claim % N_CALLS); /* an old claim of that call */
}

static void drain_slot(struct world *w)
{
	struct ly_slot_out out;

	while (ly_slot_poll(&w->slot, &out)) {
		static const enum wire_kind kinds[] = { W_GRANT, W_CONFLICT, W_REVOKE };

		if (out.kind != LY_SLOT_NOTIFY)
			link_put(w, &w->down[call_of(w, out.claim)], kinds[out.kind], out.claim);
		if (out.kind == LY_SLOT_NOTIFY && !out.active && out.end == LY_CALL_MOVED)
			w->moved++;
	}
}

static void slot_recv(struct world *w, int i, const struct wire *m)
{
	struct ly_call_ref ref = { w->call[i], "room", "device", "jid", 0 };

	switch (m->kind) {
	case W_CLAIM:
	case W_MOVE:
		assert_int_equal(0, ly_slot_claim(&w->slot, w->now, m->claim, &ref,
						  m->kind == W_MOVE && w->slot.now.ref.call
							  ? w->slot.now.ref.call
							  : NULL));
		break;
	case W_ACTIVATE:
		(void)ly_slot_activate(&w->slot, m->claim);
		break;
	case W_RENEW:
		link_put(w, &w->down[i],
			 ly_slot_renew(&w->slot, w->now, m->claim) ? W_REVOKE : W_GRANT, m->claim);
		break;
	default:
		ly_slot_release(&w->slot, w->now, m->claim, LY_CALL_LEFT);
		break;
	}
	drain_slot(w);
}

static void send_out(struct world *w, int i, enum ly_claim_out out)
{
	static const enum wire_kind kinds[] = { 0, W_ACTIVATE, W_RENEW, W_RELEASE };

	if (out != LY_CLAIM_NOTHING)
		link_put(w, &w->up[i], kinds[out], w->claim[i].id);
}

static void claim_recv(struct world *w, int i, const struct wire *m)
{
	struct ly_claim *c = &w->claim[i];

	if (c->id != m->claim) {
		if (m->kind == W_GRANT)
			link_put(w, &w->up[i], W_RELEASE, m->claim);
		return;
	}
	if (m->kind == W_GRANT) {
		if (ly_claim_granted(c, w->now))
			w->granted++;
		else
			link_put(w, &w->up[i], W_RELEASE, m->claim);
	} else if (m->kind == W_CONFLICT) {
		ly_claim_refused(c);
	} else {
		send_out(w, i, ly_claim_stop(c, LY_CALL_MOVED));
	}
}

static void act(struct world *w, int i)
{
	struct ly_claim *c = &w->claim[i];

	if (!w->used[i] || c->state == LY_CLAIM_ENDED) {
		w->used[i] = true;
		ly_claim_init(c, w->now, ++w->next_id * N_CALLS + (uint64_t)i);
		snprintf(w->call[i], sizeof(w->call[i]), "c%d", i);
		link_put(w, &w->up[i], ly_rand_below(&w->rand, 2) ? W_MOVE : W_CLAIM, c->id);
	} else if (c->state == LY_CLAIM_GRANTED) {
		send_out(w, i, ly_claim_begin(c));
	} else if (ly_rand_below(&w->rand, 6) == 0) {
		send_out(w, i, ly_claim_stop(c, LY_CALL_LEFT));
	}
}

static void step(struct world *w)
{
	struct wire m;
	int held = 0;

	w->now += LY_MS(ly_rand_below(&w->rand, 500));
	ly_slot_tick(&w->slot, w->now);
	drain_slot(w);
	for (int i = 0; i < N_CALLS; i++) {
		if (w->used[i])
			send_out(w, i, ly_claim_tick(&w->claim[i], w->now));
		while (link_get(w, &w->up[i], &m))
			slot_recv(w, i, &m);
		while (link_get(w, &w->down[i], &m))
			claim_recv(w, i, &m);
	}
	if (ly_rand_below(&w->rand, 4) == 0)
		act(w, (int)ly_rand_below(&w->rand, N_CALLS));
	for (int i = 0; i < N_CALLS; i++)
		held += w->used[i] && ly_claim_is_held(&w->claim[i]);
	assert_in_range(held, 0, 1);
}

static void test_random_interleavings(void **state)
{
	static const uint32_t losses[] = { 0, 5, 30 };
	int granted = 0, moved = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct world *w = calloc(1, sizeof(*w));

		assert_non_null(w);
		ly_rand_seeded(&w->rand, seed);
		ly_slot_init(&w->slot);
		w->loss_percent = losses[seed % 3];
		for (int i = 0; i < 4000; i++)
			step(w);
		granted += w->granted;
		moved += w->moved;
		/* everybody leaves: the slot is free after one lease, whatever was lost */
		for (int i = 0; i < N_CALLS; i++)
			if (w->used[i])
				send_out(w, i, ly_claim_stop(&w->claim[i], LY_CALL_LEFT));
		for (int i = 0; i < 2 * N_CALLS && w->slot.state != LY_SLOT_IDLE; i++) {
			w->now += LY_SLOT_LEASE;
			ly_slot_tick(&w->slot, w->now);
			drain_slot(w);
		}
		assert_int_equal(LY_SLOT_IDLE, w->slot.state);
		ly_slot_fini(&w->slot);
		free(w);
	}
	/* the walks did something: calls were granted, and calls were moved */
	assert_true(granted > 2000);
	assert_true(moved > 100);
	assert_int_equal(0, ly_heap_used(LY_MEM_CALL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_call_conflicts),
		cmocka_unit_test(test_move_waits_for_the_old_one),
		cmocka_unit_test(test_mover_gives_up),
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_claim_timeouts),
		cmocka_unit_test(test_random_interleavings),
	};

	return cmocka_run_group_tests_name("one active call", tests, NULL, NULL);
}
