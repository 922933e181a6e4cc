/* Two users subscribe, refuse, cancel, remove, come and go at random, over homes that answer late:
 * in the end both rosters say the same about each other, and so does the store. */
#include "tests/unit/check.h"

#include <stdio.h>

#include "signaling/session/user.h"
#include "tests/scenario/world.h"

#define A "student1@localhost"
#define B "teacher@localhost"

static struct ly_sub_state state_of(struct world *w, const char *user, const char *contact)
{
	struct ly_user *u = ly_user_get(world_home_of(w, user), user);
	const struct ly_contact *c;

	world_settle(w);
	u = ly_home_user(world_home_of(w, user), user);
	c = ly_roster_find(&u->roster, contact);
	return c ? (struct ly_sub_state) { (enum ly_subscription)c->sub, c->ask, c->pending_in,
					   c->approved }
		 : (struct ly_sub_state) { 0 };
}

static bool to(struct ly_sub_state s)
{
	return s.sub == LY_SUB_TO || s.sub == LY_SUB_BOTH;
}

static bool from(struct ly_sub_state s)
{
	return s.sub == LY_SUB_FROM || s.sub == LY_SUB_BOTH;
}

static void check(struct world *w, const char *when)
{
	struct ly_sub_state a = state_of(w, A, B), b = state_of(w, B, A);

	ly_assert_i64(when, to(a), from(b));
	ly_assert_i64(when, from(a), to(b));
	ly_assert_i64(when, a.ask, b.pending_in);
	ly_assert_i64(when, a.pending_in, b.ask);
}

static void act(struct peer *p, const char *other, unsigned what)
{
	static const char *const types[] = { "subscribe", "subscribed", "unsubscribe",
					     "unsubscribed" };
	char xml[256];

	if (what == 5) {
		if (p->session)
			peer_disconnect(p);
		else
			ly_assert_i64("bind", 0, peer_connect(p));
		return;
	}
	if (p->session == NULL)
		return;
	if (what < 4)
		snprintf(xml, sizeof(xml), "<presence to='%s' type='%s'/>", other, types[what]);
	else if (what == 4)
		snprintf(xml, sizeof(xml),
			 "<iq type='set' id='x'><query xmlns='jabber:iq:roster'>"
			 "<item jid='%s' subscription='remove'/></query></iq>",
			 other);
	else if (what == 6)
		snprintf(xml, sizeof(xml), "<presence/>");
	else
		snprintf(xml, sizeof(xml),
			 "<iq type='set' id='x'><query xmlns='jabber:iq:roster'>"
			 "<item jid='%s' name='n%u'/></query></iq>",
			 other, what);
	ly_assert_i64("send", 0, peer_send(p, xml));
}

static void run(uint64_t seed, bool crossing)
{
	struct world_conf conf = { .n_homes = 3, .seed = seed, .store_delay = LY_MS(30) };
	struct world *w = world_create(&conf);
	struct peer *a = world_peer(w, "student1"), *b = world_peer(w, "teacher");
	struct ly_rand rand;
	char when[64];

	ly_rand_seeded(&rand, seed);
	fake_store_add_user(world_store(w), A);
	fake_store_add_user(world_store(w), B);
	for (int i = 0; i < 60; i++) {
		unsigned what = ly_rand_below(&rand, 8);
		bool first = ly_rand_below(&rand, 2);

		act(first ? a : b, first ? B : A, what);
		if (crossing && ly_rand_below(&rand, 3))
			continue;
		world_settle(w);
		snprintf(when, sizeof(when), "seed %u step %d", (unsigned)seed, i);
		if (!crossing)
			check(w, when);
	}
	world_settle(w);
	if (!crossing)
		check(w, "at the end");
	peer_disconnect(a);
	peer_disconnect(b);
	a->session = b->session = NULL;
	world_wait(w, LY_SEC(200)); /* both leave memory */
	assert_null(ly_home_user(world_home_of(w, A), A));
	if (!crossing)
		check(w, "after loading again");
	world_free(w);
}

static void test_in_turn(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++)
		run(seed, false);
}

/* Stanzas of both sides under way at once may leave what the next exchange repairs (RFC 6121 has no
 * answer to all crossings), but nothing breaks. */
static void test_crossing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++)
		run(seed, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_turn),
		cmocka_unit_test(test_crossing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
