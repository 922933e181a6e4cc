/* RTCP: what is written is read back; malformed compounds. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "base/rand.h"
#include "media/bwe/twcc.h"
#include "media/rtcp/rtcp.h"

/* field by field: the padding of the struct is nobody's */
static void assert_same_report(const struct ly_rtp_report *a, const struct ly_rtp_report *b)
{
	assert_int_equal(a->ssrc, b->ssrc);
	assert_int_equal(a->fraction_lost, b->fraction_lost);
	assert_int_equal(a->lost, b->lost);
	assert_int_equal(a->top_seq, b->top_seq);
	assert_int_equal(a->jitter, b->jitter);
	assert_int_equal(a->lsr, b->lsr);
	assert_int_equal(a->dlsr, b->dlsr);
}

static void test_compound(void **state)
{
	static const struct ly_rtp_report blocks[2] = {
		{ 11, 25, -3, 70000, 44, 55, 66 },
		{ 12, 255, 0x7fffff, 1, 2, 3, 4 },
	};
	const struct ly_rtcp_sr sr = { 1, UINT64_C(0x1122334455667788), 90000, 10, 1000 };
	const uint32_t ssrcs[] = { 5, 6 };
	const uint16_t seqs[] = { 65534, 65535, 0, 14, 15, 100 };
	uint8_t mem[512];
	struct ly_wr w = ly_wr(mem, sizeof(mem));
	struct ly_rtcp_it it;
	struct ly_rtcp p;
	struct ly_rtp_report r;
	struct ly_remb remb;
	uint16_t pid, blp;
	uint32_t ssrc;
	uint8_t seq;

	(void)state;
	ly_rtcp_write_sr(&w, &sr, blocks, 2);
	ly_rtcp_write_rr(&w, 2, NULL, 0);
	ly_rtcp_write_cname(&w, 3, "abc");
	ly_rtcp_write_pli(&w, 4, 44);
	ly_rtcp_write_fir(&w, 5, 55, 9);
	ly_rtcp_write_nack(&w, 6, 66, seqs, LY_COUNTOF(seqs));
	ly_rtcp_write_remb(&w, 7, 2500000, ssrcs, 2);
	ly_rtcp_write_bye(&w, ssrcs, 2);
	assert_false(w.bad);
	assert_int_equal(0, ly_wr_len(&w) % 4);
	it = ly_rtcp_it(ly_span(mem, ly_wr_len(&w)));

	assert_true(ly_rtcp_next(&it, &p));
	assert_true(p.type == LY_RTCP_SR && p.ssrc == 1 && p.ntp == sr.ntp && p.rtp_ts == 90000 &&
		    p.packets == 10 && p.octets == 1000);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(ly_rtcp_report(&p, i, &r));
		assert_same_report(&blocks[i], &r);
	}
	assert_false(ly_rtcp_report(&p, 2, &r));

	assert_true(ly_rtcp_next(&it, &p));
	assert_true(p.type == LY_RTCP_RR && p.ssrc == 2 && p.count == 0);
	assert_false(ly_rtcp_report(&p, 0, &r));

	assert_true(ly_rtcp_next(&it, &p));
	assert_int_equal(LY_RTCP_SDES, p.type);
	ly_assert_bytes("cname", ly_span_str("abc"), ly_rtcp_cname(&p));

	assert_true(ly_rtcp_next(&it, &p));
	assert_true(p.type == LY_RTCP_PSFB && p.count == LY_PSFB_PLI && p.ssrc == 4 &&
		    p.media_ssrc == 44);
	assert_int_equal(-ENOENT, ly_rtcp_remb(&p, &remb));

	assert_true(ly_rtcp_next(&it, &p));
	assert_true(ly_rtcp_fir(&p, 0, &ssrc, &seq));
	assert_true(p.ssrc == 5 && ssrc == 55 && seq == 9);
	assert_false(ly_rtcp_fir(&p, 1, &ssrc, &seq));

	assert_true(ly_rtcp_next(&it, &p));
	assert_true(p.ssrc == 6 && p.media_ssrc == 66);
	assert_true(ly_rtcp_nack(&p, 0, &pid, &blp));
	assert_int_equal(65534, pid);
	assert_int_equal(0x8003, blp); /* +1, +2, +16 */
	assert_true(ly_rtcp_nack(&p, 1, &pid, &blp));
	assert_true(pid == 15 && blp == 0);
	assert_true(ly_rtcp_nack(&p, 2, &pid, &blp));
	assert_int_equal(100, pid);
	assert_false(ly_rtcp_nack(&p, 3, &pid, &blp));

	assert_true(ly_rtcp_next(&it, &p));
	assert_int_equal(0, ly_rtcp_remb(&p, &remb));
	assert_int_equal(2, remb.n_ssrcs);
	assert_in_range(remb.rate_bps, 2499000, 2500000);
	assert_int_equal(6, remb.ssrcs.ptr[7]);

	assert_true(ly_rtcp_next(&it, &p));
	assert_true(ly_rtcp_bye(&p, 1, &ssrc));
	assert_int_equal(6, ssrc);
	assert_false(ly_rtcp_bye(&p, 2, &ssrc));
	assert_false(ly_rtcp_next(&it, &p));
	assert_false(it.bad);
}

static void test_malformed(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[32];
		size_t len;
		unsigned good; /* packets before the bad one */
	} rows[] = {
		{ "one byte", { 0x80 }, 1, 0 },
		{ "version 1", { 0x40, 201, 0, 1, 0, 0, 0, 1 }, 8, 0 },
		{ "longer than it is", { 0x80, 201, 0, 2, 0, 0, 0, 1 }, 8, 0 },
		{ "no SSRC", { 0x80, 201, 0, 0 }, 4, 0 },
		{ "report block missing", { 0x81, 201, 0, 1, 0, 0, 0, 1 }, 8, 0 },
		{ "SR without sender info", { 0x80, 200, 0, 1, 0, 0, 0, 1 }, 8, 0 },
		{ "BYE without its SSRC", { 0x81, 203, 0, 0 }, 4, 0 },
		{ "feedback without media SSRC", { 0x81, 206, 0, 1, 0, 0, 0, 1 }, 8, 0 },
		{ "padding 0", { 0xa0, 201, 0, 1, 0, 0, 0, 0 }, 8, 0 },
		{ "padding too long", { 0xa0, 201, 0, 1, 0, 0, 0, 9 }, 8, 0 },
		{ "second one cut", { 0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 201, 0 }, 11, 1 },
		{ "trailing bytes", { 0x80, 203, 0, 0, 1 }, 5, 1 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_rtcp_it it = ly_rtcp_it(ly_span(rows[i].bytes, rows[i].len));
		struct ly_rtcp p;
		unsigned n = 0;

		while (ly_rtcp_next(&it, &p))
			n++;
		ly_assert_i64(rows[i].what, rows[i].good, n);
		ly_assert_i64(rows[i].what, true, it.bad);
	}
}

static void test_odd_bodies(void **state)
{
	static const uint8_t remb[] = { 'R', 'E', 'M', 'B', 2, 0xff, 0xff, 0xff, 0, 0, 0, 1 };
	static const uint8_t sdes[] = { 0, 0, 0, 1, 1, 200, 'a' };
	struct ly_rtcp p = { .type = LY_RTCP_PSFB, .count = LY_PSFB_AFB, .body = { remb, 12 } };
	struct ly_remb out;

	(void)state;
	assert_int_equal(-EBADMSG, ly_rtcp_remb(&p, &out));
	p.body.len = 3;
	assert_int_equal(-ENOENT, ly_rtcp_remb(&p, &out));
	p = (struct ly_rtcp) { .type = LY_RTCP_SDES, .count = 1, .body = { sdes, 7 } };
	assert_int_equal(0, ly_rtcp_cname(&p).len);
}

/* Random changes of a valid compound: everything is read within its bounds. */
static void test_garbage(void **state)
{
	static struct ly_twcc_status statuses[64];
	uint8_t mem[256];
	struct ly_rand rand;

	(void)state;
	ly_rand_seeded(&rand, 3);
	for (int i = 0; i < 20000; i++) {
		struct ly_wr w = ly_wr(mem, sizeof(mem));
		struct ly_rtcp_it it;
		struct ly_rtcp p;
		struct ly_remb remb;
		struct ly_rtp_report r;
		struct ly_twcc_fb fb;
		uint16_t a, b;

		ly_rtcp_write_rr(&w, 2, &(struct ly_rtp_report) { 0 }, 1);
		ly_rtcp_write_cname(&w, 3, "abcdef");
		ly_rtcp_write_remb(&w, 7, 2500000, (uint32_t[]) { 1, 2 }, 2);
		ly_rtcp_write_nack(&w, 6, 66, (uint16_t[]) { 1, 50 }, 2);
		for (int k = 0; k < 5; k++)
			mem[ly_rand_below(&rand, (uint32_t)ly_wr_len(&w))] =
				(uint8_t)ly_rand_u32(&rand);
		it = ly_rtcp_it(ly_span(mem, ly_wr_len(&w)));
		while (ly_rtcp_next(&it, &p)) {
			(void)ly_rtcp_remb(&p, &remb);
			(void)ly_rtcp_cname(&p);
			(void)ly_twcc_parse(&p, &fb, statuses, LY_COUNTOF(statuses));
			for (unsigned k = 0; ly_rtcp_nack(&p, k, &a, &b); k++)
				;
			for (unsigned k = 0; ly_rtcp_report(&p, k, &r); k++)
				;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compound),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_odd_bodies),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
