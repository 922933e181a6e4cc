/* Homes seen from C: what scripts cannot reach. */
#include "tests/unit/check.h"

#include <stdio.h>

#include "base/err.h"
#include "tests/scenario/world.h"

static void test_resource_limit(void **state)
{
	struct world_conf conf = { .n_homes = 2, .seed = 1, .limits.resources = 3 };
	struct world *w = world_create(&conf);
	char label[32];

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	for (int i = 0; i < 3; i++) {
		snprintf(label, sizeof(label), "student1/r%d", i);
		ly_assert_i64(label, 0, peer_connect(world_peer(w, label)));
	}
	ly_assert_i64("one too many", -E2BIG, peer_connect(world_peer(w, "student1/r3")));
	ly_assert_i64("the same again replaces", 0, peer_connect(world_peer(w, "student1/r1")));
	world_settle(w);
	world_free(w);
}

static void test_unknown_account(void **state)
{
	struct world_conf conf = { .n_homes = 1, .seed = 1 };
	struct world *w = world_create(&conf);
	struct peer *p = world_peer(w, "nobody");
	struct ly_home_stats stats;

	(void)state;
	ly_assert_i64("bind", 0, peer_connect(p));
	peer_send(p, "<presence/>");
	world_settle(w);
	ly_assert_i64("closed", true, p->is_closed);
	ly_assert_str("why", "not-authorized", ly_stream_error_name(p->closed));
	peer_disconnect(p);
	ly_home_get_stats(world_home(w, 0), &stats);
	ly_assert_i64("users", 0, (int64_t)stats.users);
	ly_assert_i64("sessions", 0, (int64_t)stats.sessions);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resource_limit),
		cmocka_unit_test(test_unknown_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
