/* Transport-wide feedback: what the recorder writes, the parser reads back. */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/rand.h"
#include "media/bwe/twcc.h"

static int parse(struct ly_wr *w, struct ly_twcc_fb *fb, struct ly_twcc_status *out, size_t cap)
{
	struct ly_rtcp_it it = ly_rtcp_it(ly_span(w->start, ly_wr_len(w)));
	struct ly_rtcp p;

	assert_true(ly_rtcp_next(&it, &p));
	return ly_twcc_parse(&p, fb, out, cap);
}

/* Bytes by hand: base 5, three packets, the second lost; times 64 ms, -, 64.5 ms. */
static void test_bytes(void **state)
{
	static const uint8_t want[] = { 0x8f, 205, 0, 5, 0, 0, 0, 1, 0,    0,    0,    2,
					0,    5,   0, 3, 0, 0, 1, 0, 0xd1, 0x00, 0x00, 0x02 };
	uint8_t mem[1200];
	struct ly_twcc_recv t;
	struct ly_wr w = ly_wr(mem, sizeof(mem));

	(void)state;
	ly_twcc_recv_init(&t, 0);
	ly_twcc_recv_packet(&t, 5, LY_MS(64));
	ly_twcc_recv_packet(&t, 7, 64500);
	assert_int_equal(LY_MS(164), ly_twcc_recv_deadline(&t));
	assert_false(ly_twcc_recv_build(&t, LY_MS(100), false, 1, 2, &w));
	assert_true(ly_twcc_recv_build(&t, LY_MS(164), false, 1, 2, &w));
	ly_assert_bytes("feedback", ly_span(want, sizeof(want)), ly_span(mem, ly_wr_len(&w)));
	assert_int_equal(LY_NEVER, ly_twcc_recv_deadline(&t));
	assert_false(ly_twcc_recv_build(&t, LY_SEC(1), true, 1, 2, &w));
}

/* Random loss, reordering, pauses and a wrapping sequence number, compared with what was put in. */
static void test_round_trip(void **state)
{
	static struct ly_twcc_status got[2048];
	static ly_usec truth[70000];
	static uint8_t reported[70000];
	struct ly_twcc_recv t;
	struct ly_rand r;
	ly_usec now = LY_SEC(10);
	int64_t done = 64000;

	(void)state;
	ly_rand_seeded(&r, 3);
	ly_twcc_recv_init(&t, LY_MS(50));
	for (int64_t seq = 64000; seq < 69000; seq++) {
		uint8_t mem[1200];
		struct ly_wr w = ly_wr(mem, sizeof(mem));
		struct ly_twcc_fb fb;

		now += ly_rand_below(&r, 100) ? ly_rand_below(&r, 4000) : LY_SEC(2);
		if (ly_rand_below(&r, 10) == 0)
			continue;
		truth[seq] = now;
		ly_twcc_recv_packet(&t, (uint16_t)seq, now);
		while (ly_twcc_recv_build(&t, now, false, 1, 2, &w)) {
			ly_usec off = 0;
			int n = parse(&w, &fb, got, LY_COUNTOF(got));

			assert_true(n > 0);
			for (int i = 0; i < n; i++) {
				int64_t s = done + (int16_t)(uint16_t)(got[i].seq - (uint16_t)done);

				assert_int_equal(truth[s] != 0, got[i].received);
				if (!got[i].received)
					continue;
				reported[s] = 1;
				if (off == 0)
					off = truth[s] - got[i].at;
				assert_true(llabs(truth[s] - got[i].at - off) <= 500);
			}
			done = done + (int16_t)(uint16_t)(fb.base + fb.n - (uint16_t)done);
			w = ly_wr(mem, sizeof(mem));
		}
	}
	for (int64_t seq = 64000; seq < done; seq++)
		assert_int_equal(truth[seq] != 0, reported[seq]);
	assert_true(done > 68000);
}

/* Feedback nobody fetches, and jumps, stay within the window. */
static void test_limits(void **state)
{
	uint8_t mem[1200];
	struct ly_twcc_recv t;
	struct ly_twcc_fb fb;
	struct ly_twcc_status got[500];
	unsigned n_fb = 0;

	(void)state;
	ly_twcc_recv_init(&t, 0);
	for (unsigned i = 0; i < 5000; i++)
		ly_twcc_recv_packet(&t, (uint16_t)i, LY_SEC(1) + i);
	for (;;) {
		struct ly_wr w = ly_wr(mem, sizeof(mem));

		if (!ly_twcc_recv_build(&t, LY_SEC(2), true, 1, 2, &w))
			break;
		assert_true(parse(&w, &fb, got, LY_COUNTOF(got)) > 0);
		n_fb++;
	}
	assert_int_equal(3, n_fb); /* 1024 packets */
	ly_twcc_recv_packet(&t, 30000, LY_SEC(3));
	ly_twcc_recv_packet(&t, 30900, LY_SEC(3));
	n_fb = 0;
	for (;;) {
		struct ly_wr w = ly_wr(mem, sizeof(mem));

		if (!ly_twcc_recv_build(&t, LY_SEC(4), true, 1, 2, &w))
			break;
		n_fb++;
	}
	assert_int_equal(2, n_fb);
	assert_int_equal(LY_NEVER, ly_twcc_recv_deadline(&t));
}

static void test_malformed(void **state)
{
	static const struct {
		const char *what;
		struct ly_span body;
	} rows[] = {
		{ "empty", { (const uint8_t *)"", 0 } },
		{ "no chunk", { (const uint8_t *)"\0\1\0\1\0\0\0\0", 8 } },
		{ "run of none", { (const uint8_t *)"\0\1\0\1\0\0\0\0\0\0\0\0", 12 } },
		{ "delta missing", { (const uint8_t *)"\0\1\0\3\0\0\0\0\x20\3\0\0", 12 } },
		{ "reserved symbol", { (const uint8_t *)"\0\1\0\1\0\0\0\0\x60\1\0\0", 12 } },
	};
	struct ly_twcc_status got[8];
	struct ly_twcc_fb fb;

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_rtcp p = { .type = LY_RTCP_RTPFB,
				     .count = LY_RTPFB_TWCC,
				     .body = rows[i].body };

		ly_assert_i64(rows[i].what, -EBADMSG, ly_twcc_parse(&p, &fb, got, 8));
	}
	assert_int_equal(-ENOENT, ly_twcc_parse(&(struct ly_rtcp) { .type = 206 }, &fb, got, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
