/* When video is held back from a receiver, and when it comes back. */
#include "sfu/downlink.h"
#include "tests/unit/check.h"

struct part {
	unsigned seconds;
	double loss;
	unsigned held; /* after it */
};

static void test_cases(void **state)
{
	static const struct {
		const char *what;
		unsigned wanted;
		struct part parts[6];
	} rows[] = {
		{ "a clean link", 4, { { 60, 0.0, 0 } } },
		{ "what retransmission can mend", 4, { { 60, 0.1, 0 } } },
		{ "a burst", 4, { { 3, 0.3, 0 }, { 10, 0.0, 0 } } },
		{ "one is left always", 1, { { 60, 0.5, 0 } } },
		{ "holding back helps, and it comes back",
		  4,
		  { { 4, 0.3, 1 }, { 5, 0.0, 1 }, { 4, 0.0, 0 }, { 60, 0.0, 0 } } },
		{ "too much again: the next try is later",
		  4,
		  { { 4, 0.3, 1 }, { 9, 0.0, 0 }, { 1, 0.3, 1 }, { 12, 0.0, 1 }, { 5, 0.0, 0 } } },
		{ "a third at once", 9, { { 4, 0.3, 3 } } },
		{ "extreme loss is believed sooner", 4, { { 2, 0.6, 1 } } },
		{ "it does not help: not congestion",
		  6,
		  { { 4, 0.2, 2 }, { 10, 0.2, 0 }, { 30, 0.2, 0 } } },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_downlink d = { 0 };
		ly_usec now = LY_SEC(100);

		for (size_t k = 0; k < 6 && rows[i].parts[k].seconds; k++) {
			const struct part *p = &rows[i].parts[k];

			for (unsigned s = 0; s < p->seconds; s++, now += LY_SEC(1)) {
				unsigned before = d.held;
				bool changed = ly_downlink_report(&d, p->loss, rows[i].wanted, now);

				ly_assert_i64(rows[i].what, d.held != before, changed);
			}
			ly_assert_i64(rows[i].what, p->held, d.held);
		}
	}
}

static void test_others_leave(void **state)
{
	struct ly_downlink d = { .held = 5 };

	(void)state;
	assert_true(ly_downlink_report(&d, 0.05, 3, LY_SEC(1)));
	ly_assert_i64("one is left", 2, d.held);
	assert_true(ly_downlink_report(&d, 0.05, 0, LY_SEC(2)));
	ly_assert_i64("nothing to hold back", 0, d.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_others_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
