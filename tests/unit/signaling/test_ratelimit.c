/* Token buckets against password guessing. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "signaling/stream/ratelimit.h"

static void test_bucket(void **state)
{
	static const struct {
		const char *what;
		int64_t at_ms;
		bool want;
	} rows[] = {
		{ "full: first", 0, true },
		{ "full: second", 0, true },
		{ "full: third", 0, true },
		{ "empty", 0, false },
		{ "still empty", 999, false },
		{ "one came back", 1000, true },
		{ "empty again", 1001, false },
		{ "full again: first", 60000, true },
		{ "full again: second", 60000, true },
		{ "full again: third", 60000, true },
		{ "not more than full", 60000, false },
	};
	struct ly_ratelimit_conf conf = { .burst = 3, .interval = LY_SEC(1), .max_keys = 10 };
	struct ly_span key = ly_span_str("192.0.2.1");
	struct ly_ratelimit *r;

	(void)state;
	assert_int_equal(0, ly_ratelimit_create(&r, &conf));
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		ly_usec now = LY_MS(rows[i].at_ms);

		ly_assert_i64(rows[i].what, rows[i].want, ly_ratelimit_has(r, now, key));
		ly_assert_i64(rows[i].what, rows[i].want, ly_ratelimit_wait(r, now, key) == 0);
		ly_assert_i64(rows[i].what, rows[i].want, ly_ratelimit_take(r, now, key));
	}
	assert_int_equal(LY_SEC(1), ly_ratelimit_wait(r, LY_SEC(60), key));
	assert_true(ly_ratelimit_take(r, LY_SEC(60), ly_span_str("192.0.2.2")));
	ly_ratelimit_free(r);
	conf.burst = 0;
	assert_int_equal(-EINVAL, ly_ratelimit_create(&r, &conf));
}

/* A flood of keys stays within the bound, and does not wash out the one that is being punished. */
static void test_bound(void **state)
{
	struct ly_ratelimit_conf conf = {
		.burst = 5, .interval = LY_SEC(60), .max_keys = 100, .seed = 42
	};
	struct ly_span bad = ly_span_str("198.51.100.7");
	struct ly_ratelimit *r;

	(void)state;
	assert_int_equal(0, ly_ratelimit_create(&r, &conf));
	while (ly_ratelimit_take(r, 0, bad))
		;
	for (int i = 0; i < 20000; i++) {
		assert_true(ly_ratelimit_take(r, i, ly_span(&i, sizeof(i))));
		assert_true(ly_ratelimit_keys(r) <= 100);
	}
	assert_false(ly_ratelimit_take(r, 20000, bad));
	ly_ratelimit_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
