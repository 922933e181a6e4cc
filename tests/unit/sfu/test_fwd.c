/* Mapping of a sender's numbers onto a receiver's, and the window of what was seen. */
#include "sfu/fwd.h"
#include "sfu/seen.h"
#include "tests/unit/check.h"

static struct ly_fwd_in in(int64_t seq, uint32_t ts, uint16_t pic, bool key)
{
	return (struct ly_fwd_in) { .seq = seq,
				    .ts = ts,
				    .key_start = key,
				    .has_pic = true,
				    .pic_long = true,
				    .pic = pic,
				    .has_tl0 = true,
				    .tl0 = (uint8_t)pic };
}

struct step {
	const char *what;
	char verb; /* p packet, P pause, S switch */
	int64_t seq;
	uint32_t ts;
	uint16_t pic;
	bool key;
	ly_usec now;
	bool forwarded;
	uint16_t out_seq;
	uint32_t out_ts;
	uint16_t out_pic;
};

static void run(const struct step *steps, size_t n)
{
	struct ly_fwd f;

	ly_fwd_init(&f, 100);
	for (size_t i = 0; i < n; i++) {
		const struct step *s = &steps[i];
		struct ly_fwd_in pkt = in(s->seq, s->ts, s->pic, s->key);
		struct ly_fwd_out out = { 0 };

		if (s->verb == 'P')
			ly_fwd_pause(&f);
		if (s->verb == 'S')
			ly_fwd_switch(&f);
		if (s->verb != 'p')
			continue;
		ly_assert_i64(s->what, s->forwarded, ly_fwd_map(&f, &pkt, 90000, s->now, &out));
		if (!s->forwarded)
			continue;
		ly_assert_i64(s->what, s->out_seq, out.seq);
		ly_assert_i64(s->what, s->out_ts, out.ts);
		ly_assert_i64(s->what, s->out_pic, out.pic);
	}
}

static void test_pause(void **state)
{
	static const struct step steps[] = {
		{ "no keyframe yet", 'p', 70000, 1000, 50, false, 0, false },
		{ "begins", 'p', 70001, 4000, 51, true, 0, true, 100, 4000, 51 },
		{ "gap is kept", 'p', 70003, 7000, 52, false, 0, true, 102, 7000, 52 },
		{ "late one fills it", 'p', 70002, 4000, 51, false, 0, true, 101, 4000, 51 },
		{ "from before the run", 'p', 70000, 1000, 50, false, 0, false },
		{ "", 'P' },
		{ "paused", 'p', 70004, 10000, 53, false, 0, false },
		{ "paused", 'p', 70005, 13000, 54, false, 0, false },
		{ "resumes without a gap", 'p', 70006, 16000, 55, true, 0, true, 103, 16000, 53 },
		{ "goes on", 'p', 70007, 19000, 56, false, 0, true, 104, 19000, 54 },
		{ "from the pause", 'p', 70005, 13000, 54, false, 0, false },
	};

	(void)state;
	run(steps, LY_COUNTOF(steps));
}

static void test_switch(void **state)
{
	static const struct step steps[] = {
		{ "first sender", 'p', 70000, 4000, 10, true, 0, true, 100, 4000, 10 },
		{ "", 'S' },
		{ "its own frames wait", 'p', 90000, 777, 900, false, 1000, false },
		{ "second, half a second later", 'p', 90001, 777, 901, true, 500000, true, 101,
		  49000, 11 },
		{ "goes on", 'p', 90002, 3777, 902, false, 533000, true, 102, 52000, 12 },
	};

	(void)state;
	run(steps, LY_COUNTOF(steps));
}

static void test_wrap(void **state)
{
	struct ly_fwd f;
	struct ly_fwd_out out;

	(void)state;
	ly_fwd_init(&f, 32000);
	for (int64_t i = 0; i < 100000; i++) {
		struct ly_fwd_in pkt = in(65536 + i, (uint32_t)i, (uint16_t)(i & 0x7fff), i == 0);
		int64_t back;

		assert_true(ly_fwd_map(&f, &pkt, 90000, 0, &out));
		assert_int_equal(out.seq, (uint16_t)(32000 + i));
		assert_int_equal(out.pic, (uint16_t)(i & 0x7fff));
		assert_true(ly_fwd_back(&f, out.seq, &back));
		assert_int_equal(back, 65536 + i);
		assert_false(ly_fwd_back(&f, (uint16_t)(out.seq + 1), &back));
	}
	ly_assert_i64("the index for SRTP", 32000 + 99999, f.top);
}

static void test_short_picture_id(void **state)
{
	struct ly_fwd f;
	struct ly_fwd_out out;
	struct ly_fwd_in pkt = in(70000, 0, 126, true);

	(void)state;
	pkt.pic_long = false;
	ly_fwd_init(&f, 1);
	assert_true(ly_fwd_map(&f, &pkt, 90000, 0, &out));
	ly_fwd_pause(&f);
	pkt.seq += 50;
	pkt.pic = 3;
	assert_true(ly_fwd_map(&f, &pkt, 90000, 0, &out));
	ly_assert_i64("seven bits", 127, out.pic);
	pkt.seq++;
	pkt.pic = 4;
	assert_true(ly_fwd_map(&f, &pkt, 90000, 0, &out));
	ly_assert_i64("wraps", 0, out.pic);
}

static void test_seen(void **state)
{
	struct ly_seen s = { 0 };
	static const struct {
		const char *what;
		int64_t seq;
		bool fresh;
	} rows[] = {
		{ "first", 70000, true },
		{ "again", 70000, false },
		{ "late before first", 69990, true },
		{ "again", 69990, false },
		{ "jump", 70500, true },
		{ "in the jump", 70499, true },
		{ "again", 70499, false },
		{ "edge of the window", 70500 - 1023, true },
		{ "older", 70500 - 1024, false },
		{ "far ahead", 90000, true },
		{ "after it", 90001, true },
		{ "before it", 89999, true },
		{ "again", 90000, false },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].what, rows[i].fresh, ly_seen_add(&s, rows[i].seq));
}

static void test_seen_all(void **state)
{
	struct ly_seen s = { 0 };

	(void)state;
	for (int64_t i = 0; i < 200000; i++) {
		int64_t seq = ly_seen_extend(&s, (uint16_t)(i + 65000));

		ly_assert_i64("extended", i + 65000 + 65536, seq);
		assert_true(ly_seen_add(&s, seq));
		assert_false(ly_seen_add(&s, seq));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pause), cmocka_unit_test(test_switch),
		cmocka_unit_test(test_wrap),  cmocka_unit_test(test_short_picture_id),
		cmocka_unit_test(test_seen),  cmocka_unit_test(test_seen_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
