/* ICE agents against each other: roles, consent, restart, new addresses, wrong passwords. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "base/heap.h"
#include "media/stun/stun.h"
#include "tests/sim/sim.h"

static const struct sim_link good = { .delay = LY_MS(20), .jitter = LY_MS(1) };

struct world {
	struct sim_net net;
	struct sim_peer a, b; /* a: the server, controlling unless told otherwise */
	bool cut;             /* nothing arrives any more */
};

static bool is_cut(void *ctx, const struct sim_datagram *d);

/* sim_run() sets net.ctx to its own pair, so the world is found through a static. */
static struct world *the_world;

static bool is_cut(void *ctx, const struct sim_datagram *d)
{
	(void)ctx;
	(void)d;
	return the_world->cut;
}

static void setup(struct world *w, bool a_controls, bool b_controls, ly_usec consent_timeout)
{
	struct sim_peer_conf a = { "192.0.2.1", 10000,
				   "srvufrag",  "serverpasswordserverpw",
				   a_controls,  LY_DTLS_SERVER,
				   11,          consent_timeout,
				   NULL };
	struct sim_peer_conf b = { "198.51.100.7",
				   50000,
				   "cliu",
				   "clientpasswordclientpw",
				   b_controls,
				   LY_DTLS_CLIENT,
				   12,
				   consent_timeout,
				   NULL };

	memset(w, 0, sizeof(*w));
	the_world = w;
	sim_net_init(&w->net, 5, &good);
	w->net.drops = is_cut;
	sim_peer_init(&w->a, &w->net, &a);
	sim_peer_init(&w->b, &w->net, &b);
}

static void teardown(struct world *w)
{
	sim_peer_fini(&w->a);
	sim_peer_fini(&w->b);
	sim_net_fini(&w->net);
	assert_int_equal(0, ly_heap_used(LY_MEM_MEDIA));
}

static bool both_ready(struct sim_peer *a, struct sim_peer *b)
{
	return ly_ice_state(a->ice) == LY_ICE_NOMINATED &&
	       ly_ice_state(b->ice) == LY_ICE_NOMINATED &&
	       ly_dtls_state(a->dtls) == LY_DTLS_READY && ly_dtls_state(b->dtls) == LY_DTLS_READY;
}

static void connect_both(struct world *w)
{
	sim_signal(&w->b, &w->a);
	sim_run(&w->net, &w->a, &w->b, w->net.now + LY_SEC(10), both_ready);
	assert_true(both_ready(&w->a, &w->b));
}

static void test_roles(void **state)
{
	static const struct {
		const char *what;
		bool a, b;
	} rows[] = {
		{ "server controls", true, false },
		{ "client controls", false, true },
		{ "both think they control", true, true },
		{ "neither", false, false },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct world w;
		struct ly_ice_stats a, b;

		setup(&w, rows[i].a, rows[i].b, 0);
		connect_both(&w);
		ly_ice_get_stats(w.a.ice, &a);
		ly_ice_get_stats(w.b.ice, &b);
		ly_assert_i64(rows[i].what, 1, a.controlling + b.controlling);
		assert_true(a.rtt >= LY_MS(40) && a.rtt < LY_MS(45));
		teardown(&w);
	}
}

/* Checks that come before the peer's credentials are known are answered, and count afterwards. */
static void test_early_checks(void **state)
{
	struct world w;
	ly_usec now;

	(void)state;
	setup(&w, true, false, 0);
	now = w.net.now;
	assert_int_equal(0, ly_ice_set_remote(w.b.ice, now, ly_ice_ufrag(w.a.ice),
					      ly_ice_pwd(w.a.ice), false));
	assert_int_equal(0, ly_ice_add_remote(w.b.ice, now, &w.a.addr, 1));
	sim_run(&w.net, &w.a, &w.b, now + LY_SEC(1), NULL);
	assert_int_equal(LY_ICE_NEW, ly_ice_state(w.a.ice));
	assert_int_equal(LY_ICE_CONNECTED, ly_ice_state(w.b.ice));
	assert_null(ly_ice_selected(w.a.ice));
	sim_signal(&w.b, &w.a);
	sim_run(&w.net, &w.a, &w.b, now + LY_SEC(2), both_ready);
	assert_true(both_ready(&w.a, &w.b));
	assert_int_equal(-EEXIST,
			 ly_ice_set_remote(w.a.ice, now, "other", "otherpasswordotherpass", false));
	teardown(&w);
}

static void test_consent(void **state)
{
	struct world w;
	ly_usec cut_at;
	struct ly_ice_stats s;

	(void)state;
	setup(&w, true, false, 0);
	connect_both(&w);
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(300), NULL); /* idle, consent renewed */
	assert_true(both_ready(&w.a, &w.b));
	ly_ice_get_stats(w.a.ice, &s);
	assert_in_range(s.checks_sent, 45, 80);
	w.cut = true;
	cut_at = w.net.now;
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(40), NULL);
	assert_int_equal(LY_ICE_FAILED, ly_ice_state(w.a.ice));
	assert_int_equal(LY_ICE_FAILED, ly_ice_state(w.b.ice));
	assert_in_range(w.a.failed_at - cut_at, LY_SEC(23), LY_SEC(31));
	assert_null(ly_ice_selected(w.a.ice));
	assert_int_equal(LY_NEVER, ly_ice_deadline(w.a.ice));
	teardown(&w);
}

static void restart(struct world *w)
{
	static const char *const names[] = { "aaaa", "bbbb", "cccc", "dddd", "eeee" };
	static size_t n;
	const char *a = names[n++ % LY_COUNTOF(names)], *b = names[n++ % LY_COUNTOF(names)];

	assert_int_equal(-EINVAL, ly_ice_restart(w->a.ice, w->net.now, ly_ice_ufrag(w->a.ice),
						 "serverpasswordrestart01"));
	assert_int_equal(0, ly_ice_restart(w->a.ice, w->net.now, a, "serverpasswordrestart01"));
	assert_int_equal(0, ly_ice_restart(w->b.ice, w->net.now, b, "clientpasswordrestart01"));
}

static uint32_t generation(const struct sim_peer *p)
{
	struct ly_ice_stats s;

	ly_ice_get_stats(p->ice, &s);
	return s.generation;
}

/* Media goes on during a restart, on the old pair; afterwards the old credentials are refused. */
static void test_restart_while_connected(void **state)
{
	struct world w;
	unsigned before;

	(void)state;
	setup(&w, true, false, 0);
	w.a.send_media = w.b.send_media = true;
	connect_both(&w);
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(2), NULL);
	restart(&w);
	assert_string_equal("srvufrag", ly_ice_prev_ufrag(w.a.ice));
	before = w.a.received;
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(7), NULL);
	assert_int_equal(LY_ICE_NOMINATED, ly_ice_state(w.a.ice));
	assert_true(w.a.received - before > 340);
	before = w.a.received;
	w.b.addr.port = 50001; /* the client is on another network now */
	sim_signal(&w.b, &w.a);
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(2), NULL);
	assert_null(ly_ice_prev_ufrag(w.a.ice));
	assert_int_equal(1, generation(&w.a));
	assert_int_equal(50001, ly_ice_selected(w.a.ice)->port);
	assert_true(w.a.received - before > 90);
	/* a second restart in the middle of a third */
	restart(&w);
	restart(&w);
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(3), NULL);
	sim_signal(&w.b, &w.a);
	before = w.b.received;
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(2), NULL);
	assert_int_equal(3, generation(&w.b));
	assert_null(ly_ice_prev_ufrag(w.b.ice));
	assert_true(w.b.received - before > 90);
	teardown(&w);
}

static void test_restart_after_failure(void **state)
{
	struct world w;

	(void)state;
	setup(&w, true, false, LY_SEC(6));
	w.a.send_media = w.b.send_media = true;
	connect_both(&w);
	w.cut = true;
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(10), NULL);
	assert_int_equal(LY_ICE_FAILED, ly_ice_state(w.a.ice));
	w.cut = false;
	restart(&w);
	assert_int_equal(LY_ICE_NEW, ly_ice_state(w.a.ice));
	sim_signal(&w.b, &w.a);
	w.a.received = w.b.received = 0;
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(2), NULL);
	assert_int_equal(LY_ICE_NOMINATED, ly_ice_state(w.a.ice));
	assert_true(w.a.received > 80 && w.b.received > 80);
	teardown(&w);
}

/* A restart whose old pair dies before the new generation is complete. */
static void test_restart_loses_old_pair(void **state)
{
	struct world w;

	(void)state;
	setup(&w, true, false, LY_SEC(6));
	connect_both(&w);
	restart(&w);
	w.cut = true;
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(8), NULL);
	assert_int_equal(LY_ICE_NEW, ly_ice_state(w.a.ice));
	assert_true(w.a.failed_at > 0);
	w.cut = false;
	sim_signal(&w.b, &w.a);
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(2), NULL);
	assert_int_equal(LY_ICE_NOMINATED, ly_ice_state(w.a.ice));
	teardown(&w);
}

/* A NAT gives the client another port: its checks and media come from there, the old one is dead.
 */
static void test_new_address(void **state)
{
	struct world w;
	ly_usec moved;

	(void)state;
	setup(&w, true, false, 0);
	w.a.send_media = w.b.send_media = true;
	connect_both(&w);
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(3), NULL);
	w.b.addr.port = 50777;
	moved = w.net.now;
	while (w.net.now < moved + LY_SEC(20) && ly_ice_selected(w.a.ice)->port != 50777)
		sim_run(&w.net, &w.a, &w.b, w.net.now + LY_MS(100), NULL);
	assert_int_equal(50777, ly_ice_selected(w.a.ice)->port);
	/* the client's next consent check shows the new address, then a second of silence */
	assert_true(w.net.now - moved < LY_SEC(8));
	w.b.received = 0;
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(1), NULL);
	assert_true(w.b.received > 40);
	teardown(&w);
}

/* Pairs are bounded; checks from more addresses are answered all the same. */
static void test_many_addresses(void **state)
{
	struct world w;
	struct ly_ice_stats s;

	(void)state;
	setup(&w, true, false, 0);
	for (uint16_t i = 0; i < 40; i++) {
		struct ly_addr addr = sim_addr("203.0.113.9", (uint16_t)(1000 + i));

		assert_int_equal(i < 32 ? 0 : -E2BIG,
				 ly_ice_add_remote(w.a.ice, w.net.now, &addr, i));
	}
	ly_ice_get_stats(w.a.ice, &s);
	assert_int_equal(32, s.n_pairs);
	assert_int_equal(
		0, ly_ice_set_remote(w.a.ice, w.net.now, "cliu", "clientpasswordclientpw", false));
	sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(20), NULL); /* all of them fail */
	assert_int_equal(LY_NEVER, ly_ice_deadline(w.a.ice));
	ly_ice_get_stats(w.a.ice, &s);
	assert_int_equal(32 * 7, s.checks_sent);
	connect_both(&w); /* a real one takes the place of a failed one */
	teardown(&w);
}

static void test_wrong_password(void **state)
{
	struct world w;
	struct ly_ice_stats s;
	ly_usec now;

	(void)state;
	setup(&w, true, false, 0);
	now = w.net.now;
	assert_int_equal(0, ly_ice_set_remote(w.b.ice, now, ly_ice_ufrag(w.a.ice),
					      "notthepasswordnotthepa", false));
	assert_int_equal(0, ly_ice_add_remote(w.b.ice, now, &w.a.addr, 1));
	assert_int_equal(0, ly_ice_set_remote(w.a.ice, now, ly_ice_ufrag(w.b.ice),
					      ly_ice_pwd(w.b.ice), false));
	sim_run(&w.net, &w.a, &w.b, now + LY_SEC(20), NULL);
	ly_ice_get_stats(w.a.ice, &s);
	assert_int_equal(LY_ICE_NEW, s.state);
	assert_int_equal(0, s.n_pairs);
	assert_true(s.refused > 0 && s.refused == s.requests);
	assert_int_equal(LY_ICE_NEW, ly_ice_state(w.b.ice));
	teardown(&w);
}

/* An ICE-lite peer answers checks and sends none: we control, whatever the offer said. */
static void test_lite_peer(void **state)
{
	struct world w;
	ly_usec now;

	(void)state;
	setup(&w, false, false, 0);
	now = w.net.now;
	assert_int_equal(0, ly_ice_set_remote(w.a.ice, now, ly_ice_ufrag(w.b.ice),
					      ly_ice_pwd(w.b.ice), true));
	assert_int_equal(0, ly_ice_add_remote(w.a.ice, now, &w.b.addr, 1));
	sim_run(&w.net, &w.a, &w.b, now + LY_SEC(60), NULL); /* consent holds */
	assert_int_equal(LY_ICE_NOMINATED, ly_ice_state(w.a.ice));
	assert_int_equal(LY_ICE_NEW, ly_ice_state(w.b.ice)); /* has no credentials of ours */
	teardown(&w);
}

static void random_event(struct world *w, struct ly_rand *r, bool *restarted)
{
	switch (ly_rand_below(r, 6)) {
	case 0:
		w->b.addr.port = (uint16_t)(50000 + ly_rand_below(r, 8));
		break;
	case 1:
		w->cut = !w->cut;
		break;
	case 2:
		w->net.link.loss_pm = ly_rand_below(r, 500);
		w->net.link.jitter = LY_MS(1 + ly_rand_below(r, 100));
		break;
	case 3:
		restart(w);
		*restarted = true;
		break;
	default:
		if (*restarted)
			sim_signal(&w->b, &w->a);
		*restarted = false;
		break;
	}
}

/* Whatever happened, a restart on a good network gets media flowing again, both ways. */
static void test_random_trouble(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct world w;
		struct ly_rand r;
		bool restarted = false;

		ly_rand_seeded(&r, seed);
		setup(&w, seed & 1, seed & 2, LY_SEC(6));
		w.a.send_media = w.b.send_media = true;
		connect_both(&w);
		for (int i = 0; i < 40; i++) {
			random_event(&w, &r, &restarted);
			sim_run(&w.net, &w.a, &w.b, w.net.now + LY_MS(ly_rand_below(&r, 3000)),
				NULL);
		}
		w.cut = false;
		w.net.link = good;
		restart(&w);
		sim_signal(&w.b, &w.a);
		w.a.received = w.b.received = 0;
		sim_run(&w.net, &w.a, &w.b, w.net.now + LY_SEC(5), NULL);
		if (w.a.received < 200 || w.b.received < 200)
			fail_msg("seed %llu: %u and %u packets, %s and %s",
				 (unsigned long long)seed, w.a.received, w.b.received,
				 ly_ice_state_name(ly_ice_state(w.a.ice)),
				 ly_ice_state_name(ly_ice_state(w.b.ice)));
		teardown(&w);
	}
}

/* Every allocation may fail: -ENOMEM and nothing left behind. */
static void test_out_of_memory(void **state)
{
	struct ly_rand rand;
	struct ly_ice_conf conf = { .rand = &rand,
				    .ufrag = "abcd",
				    .pwd = "serverpasswordserverpw" };
	bool failed = true;

	(void)state;
	ly_rand_seeded(&rand, 1);
	for (uint64_t nth = 1; failed; nth++) {
		struct ly_stun *stun = NULL;
		struct ly_ice *ice = NULL;
		int err;

		ly_heap_fail_at(nth);
		err = ly_stun_create(&stun);
		conf.stun = stun;
		err = err ? err : ly_ice_create(&ice, &conf, LY_SEC(1));
		failed = ly_heap_failed();
		ly_heap_fail_at(0);
		assert_int_equal(failed ? -ENOMEM : 0, err);
		ly_ice_destroy(ice);
		ly_stun_destroy(stun);
	}
	conf.ufrag = "abc";
	assert_int_equal(-EINVAL, ly_ice_create(&(struct ly_ice *) { NULL }, &conf, LY_SEC(1)));
	assert_int_equal(0, ly_heap_used(LY_MEM_MEDIA));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_early_checks),
		cmocka_unit_test(test_consent),
		cmocka_unit_test(test_restart_while_connected),
		cmocka_unit_test(test_restart_after_failure),
		cmocka_unit_test(test_restart_loses_old_pair),
		cmocka_unit_test(test_new_address),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_lite_peer),
		cmocka_unit_test(test_random_trouble),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
