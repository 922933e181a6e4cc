/* RTP: headers, extensions, sequence numbers, RTX, statistics, NACK list, cache, buffers. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "base/heap.h"
#include "base/rand.h"
#include "media/rtp/cache.h"
#include "media/rtp/nack.h"
#include "media/rtp/rtp.h"
#include "media/rtp/stats.h"

#define P(...) { __VA_ARGS__ }, sizeof((uint8_t[]) { __VA_ARGS__ })
#define HEAD(b0) b0, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 1, 2, 3, 4

static void test_parse(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[40];
		size_t len;
		int err;
		size_t header, payload, padding, ext;
	} rows[] = {
		{ "header only", P(HEAD(0x80)), 0, 12, 0, 0, 0 },
		{ "payload", P(HEAD(0x80), 7, 7), 0, 12, 2, 0, 0 },
		{ "two CSRCs", P(HEAD(0x82), 0, 0, 0, 1, 0, 0, 0, 2, 7), 0, 20, 1, 0, 0 },
		{ "padding", P(HEAD(0xa0), 7, 0, 0, 3), 0, 12, 1, 3, 0 },
		{ "only padding", P(HEAD(0xa0), 0, 2), 0, 12, 0, 2, 0 },
		{ "extension", P(HEAD(0x90), 0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0, 7), 0, 20, 1, 0,
		  4 },
		{ "empty extension", P(HEAD(0x90), 0xbe, 0xde, 0, 0, 7), 0, 16, 1, 0, 0 },
		{ "empty", { 0 }, 0, -EBADMSG, 0, 0, 0, 0 },
		{ "short", P(0x80, 0xe0, 1, 2, 0, 0, 0, 9, 1, 2, 3), -EBADMSG, 0, 0, 0, 0 },
		{ "version 1", P(HEAD(0x40)), -EBADMSG, 0, 0, 0, 0 },
		{ "CSRC cut", P(HEAD(0x81), 0, 0, 0), -EBADMSG, 0, 0, 0, 0 },
		{ "extension cut", P(HEAD(0x90), 0xbe, 0xde, 0, 2, 0, 0, 0, 0), -EBADMSG, 0, 0, 0,
		  0 },
		{ "padding 0", P(HEAD(0xa0), 7, 0), -EBADMSG, 0, 0, 0, 0 },
		{ "padding too long", P(HEAD(0xa0), 7, 3), -EBADMSG, 0, 0, 0, 0 },
		{ "padding without payload", P(HEAD(0xa0)), -EBADMSG, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_rtp p;
		int err = ly_rtp_parse(&p, ly_span(rows[i].bytes, rows[i].len));

		ly_assert_i64(rows[i].what, rows[i].err, err);
		if (err)
			continue;
		ly_assert_i64(rows[i].what, 0x1234, p.seq);
		ly_assert_i64(rows[i].what, 96, p.pt);
		assert_true(p.marker);
		ly_assert_i64(rows[i].what, 9, p.ts);
		ly_assert_i64(rows[i].what, 0x01020304, p.ssrc);
		ly_assert_i64(rows[i].what, (int64_t)rows[i].header, (int64_t)p.header_len);
		ly_assert_i64(rows[i].what, (int64_t)rows[i].payload, (int64_t)p.payload.len);
		ly_assert_i64(rows[i].what, (int64_t)rows[i].padding, p.padding);
		ly_assert_i64(rows[i].what, (int64_t)rows[i].ext, (int64_t)p.ext.len);
	}
}

static void test_ext_find(void **state)
{
	static const struct {
		const char *what;
		uint16_t profile;
		uint8_t bytes[16];
		size_t len;
		uint8_t id;
		int want; /* first byte of the data, -1 absent, -2 empty */
	} rows[] = {
		{ "one byte", LY_RTP_ONE_BYTE, P(0x10, 0xaa, 0x51, 1, 2, 0, 0, 0), 1, 0xaa },
		{ "second", LY_RTP_ONE_BYTE, P(0x10, 0xaa, 0x51, 1, 2, 0, 0, 0), 5, 1 },
		{ "absent", LY_RTP_ONE_BYTE, P(0x10, 0xaa, 0x51, 1, 2, 0, 0, 0), 2, -1 },
		{ "padding between", LY_RTP_ONE_BYTE, P(0, 0, 0x10, 0xaa, 0, 0, 0x30, 7), 3, 7 },
		{ "15 ends it", LY_RTP_ONE_BYTE, P(0xf0, 0xaa, 0x30, 7), 3, -1 },
		{ "cut", LY_RTP_ONE_BYTE, P(0x33, 1, 2, 3), 3, -1 },
		{ "two byte", LY_RTP_TWO_BYTE, P(1, 1, 0xaa, 99, 2, 5, 6, 0), 99, 5 },
		{ "two byte, app bits", LY_RTP_TWO_BYTE | 3, P(1, 1, 0xaa, 0), 1, 0xaa },
		{ "two byte, empty", LY_RTP_TWO_BYTE, P(7, 0, 0, 0), 7, -2 },
		{ "two byte, cut", LY_RTP_TWO_BYTE, P(7, 9, 0, 0), 7, -1 },
		{ "another profile", 0x1234, P(0x10, 0xaa, 0, 0), 1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_rtp p = { .has_ext = true,
				    .ext_profile = rows[i].profile,
				    .ext = { rows[i].bytes, rows[i].len } };
		struct ly_span s = ly_rtp_ext_find(&p, rows[i].id);

		ly_assert_i64(rows[i].what, rows[i].want,
			      s.ptr == NULL ? -1
			      : s.len       ? s.ptr[0]
					    : -2);
	}
}

static void test_write(void **state)
{
	const struct ly_rtp h = { .marker = true, .pt = 100, .seq = 7, .ts = 8, .ssrc = 9 };
	const struct ly_rtp_ext small[] = { { 1, ly_span("\x7f", 1) }, { 5, ly_span("\1\2", 2) } };
	const struct ly_rtp_ext large[] = { { 1, ly_span("\x7f", 1) },
					    { 10, ly_span("12345678901234567", 17) } };
	const struct ly_rtp_ext zero[] = { { 0, ly_span("a", 1) } };
	uint8_t out[64];
	struct ly_rtp p;

	(void)state;
	assert_int_equal(12, ly_rtp_write(out, sizeof(out), &h, NULL, 0));
	assert_int_equal(24, ly_rtp_write(out, sizeof(out), &h, small, 2));
	assert_int_equal(0, ly_rtp_parse(&p, ly_span(out, 24)));
	assert_true(p.marker && p.pt == 100 && p.seq == 7 && p.ts == 8 && p.ssrc == 9);
	assert_int_equal(LY_RTP_ONE_BYTE, p.ext_profile);
	ly_assert_bytes("ext 5", small[1].data, ly_rtp_ext_find(&p, 5));
	assert_int_equal(40, ly_rtp_write(out, sizeof(out), &h, large, 2));
	assert_int_equal(0, ly_rtp_parse(&p, ly_span(out, 40)));
	assert_int_equal(LY_RTP_TWO_BYTE, p.ext_profile);
	ly_assert_bytes("ext 10", large[1].data, ly_rtp_ext_find(&p, 10));
	ly_assert_bytes("ext 1", large[0].data, ly_rtp_ext_find(&p, 1));
	assert_int_equal(-ENOSPC, ly_rtp_write(out, 23, &h, small, 2));
	assert_int_equal(-EINVAL, ly_rtp_write(out, sizeof(out), &h, zero, 1));
	ly_rtp_set_pt(out, 111);
	ly_rtp_set_marker(out, false);
	ly_rtp_set_seq(out, 0xffff);
	ly_rtp_set_ts(out, 0xfffffffe);
	ly_rtp_set_ssrc(out, 0xdeadbeef);
	assert_int_equal(0, ly_rtp_parse(&p, ly_span(out, 40)));
	assert_true(!p.marker && p.pt == 111 && p.seq == 0xffff && p.ts == 0xfffffffe &&
		    p.ssrc == 0xdeadbeef);
}

static void test_values(void **state)
{
	bool voice;

	(void)state;
	assert_int_equal(0x2a, ly_rtp_audio_level(ly_span("\xaa", 1), &voice));
	assert_true(voice);
	assert_int_equal(127, ly_rtp_audio_level(ly_span(NULL, 0), &voice));
	assert_int_equal(1 << 18, ly_rtp_abs_send_time(LY_SEC(1)));
	assert_int_equal(0, ly_rtp_abs_send_time(LY_SEC(64)));
	assert_int_equal(1 << 17, ly_rtp_abs_send_time(LY_SEC(64000) + LY_MS(500)));
}

/* Extending 16-bit RTP sequence numbers to 64 bits (RFC 3550 appendix A.1 does it to 32). */
static void test_extend(void **state)
{
	static const struct {
		const char *what;
		int64_t top;
		uint16_t in;
		int64_t want;
	} rows[] = {
		{ "next in order", 100, 101, 101 },
		{ "forward over the wrap", 65535, 0, 65536 },
		{ "late, from before the wrap", 65536, 65535, 65535 },
		{ "largest jump seen as forward", 0, 32767, 32767 },
		{ "half the space is late", 65536, 32768, 32768 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].what, rows[i].want, ly_seq_extend(rows[i].top, rows[i].in));
	assert_int_equal(INT64_C(0x100000000), ly_ts_extend(0xffffffff, 0));
	assert_int_equal(0xffffffff, ly_ts_extend(INT64_C(0x100000000), 0xffffffff));
}

/* RFC 4588 s. 4: the OSN comes first in the payload; headers stay. */
static void test_rtx(void **state)
{
	uint8_t orig[] = { 0xb1, 0xe4, 0x12, 0x34, 0, 0,    0,    9, 1, 2, 3, 4, 0, 0, 0,
			   5,    0xbe, 0xde, 0,    1, 0x10, 0x55, 0, 0, 7, 8, 9, 0, 2 };
	uint8_t out[64], *p = out;
	struct ly_rtp r;
	size_t len;
	int n = ly_rtx_pack(out, sizeof(out), ly_span(orig, sizeof(orig)), 96, 0xabcdef01, 77);

	(void)state;
	assert_int_equal(24 + 2 + 3, n);
	assert_int_equal(0, ly_rtp_parse(&r, ly_span(out, (size_t)n)));
	assert_true(r.marker && r.pt == 96 && r.seq == 77 && r.ssrc == 0xabcdef01 && r.ts == 9);
	ly_assert_bytes("payload", ly_span("\x12\x34\7\x8\x9", 5), r.payload);
	ly_assert_bytes("ext", ly_span("\x55", 1), ly_rtp_ext_find(&r, 1));
	len = (size_t)n;
	assert_int_equal(0, ly_rtx_unpack(&p, &len, 100, 0x01020304));
	orig[0] &= (uint8_t)~0x20; /* the padding is gone */
	ly_assert_bytes("back", ly_span(orig, sizeof(orig) - 2), ly_span(p, len));
	assert_int_equal(-ENOSPC, ly_rtx_pack(out, 28, ly_span(orig, 27), 96, 1, 1));
	assert_int_equal(-EBADMSG, ly_rtx_pack(out, 64, ly_span(orig, 20), 96, 1, 1));
	p = orig;
	len = 24;
	assert_int_equal(-ENOENT, ly_rtx_unpack(&p, &len, 100, 1));
	len = 25;
	assert_int_equal(-EBADMSG, ly_rtx_unpack(&p, &len, 100, 1));
	len = 5;
	assert_int_equal(-EBADMSG, ly_rtx_unpack(&p, &len, 100, 1));
}

static void test_stats(void **state)
{
	struct ly_rtp_stats s;
	struct ly_rtp_report r;

	(void)state;
	ly_rtp_stats_init(&s, 90000);
	assert_int_equal(0, ly_rtp_stats_lost(&s));
	/* 100 packets over the wrap, every tenth lost, 10 ms apart in both clocks */
	for (unsigned i = 0; i < 100; i++)
		if (i % 10 != 5)
			assert_true(ly_rtp_stats_recv(&s, (uint16_t)(65500 + i), i * 900, 100,
						      LY_SEC(5) + LY_MS(10) * i) >= 0);
	assert_int_equal(10, ly_rtp_stats_lost(&s));
	assert_int_equal(-1, ly_rtp_stats_recv(&s, 65500, 0, 100, LY_SEC(6)));
	assert_int_equal(1, s.duplicates);
	ly_rtp_stats_sr(&s, UINT64_C(0x1122334455667788), LY_SEC(6));
	ly_rtp_stats_report(&s, 42, LY_SEC(7), &r);
	assert_int_equal(42, r.ssrc);
	assert_int_equal(25, r.fraction_lost);
	assert_int_equal(10, r.lost);
	assert_int_equal(65599, r.top_seq);
	assert_int_equal(0, r.jitter);
	assert_int_equal(0x33445566, r.lsr);
	assert_int_equal(65536, r.dlsr);
	/* a late one repairs, the next interval starts at nothing lost */
	assert_int_equal(0x10000 + 65505, ly_rtp_stats_recv(&s, 65505, 5 * 900, 100, LY_SEC(7)));
	ly_rtp_stats_report(&s, 42, LY_SEC(7), &r);
	assert_int_equal(0, r.fraction_lost);
	assert_int_equal(9, r.lost);
	/* jitter: every other packet 8 ms late */
	for (unsigned i = 100; i < 400; i++)
		ly_rtp_stats_recv(&s, (uint16_t)(65500 + i), i * 900, 100,
				  LY_SEC(5) + LY_MS(10) * i + (i & 1 ? LY_MS(8) : 0));
	assert_in_range((int)ly_rtp_stats_jitter_ms(&s), 7, 8);
	/* the source jumps: counting begins anew, extended numbers still grow */
	assert_true(ly_rtp_stats_recv(&s, 30000, 0, 100, LY_SEC(60)) > 0x20000);
	assert_int_equal(0, ly_rtp_stats_lost(&s));
	assert_int_equal(LY_SEC(2),
			 ly_rtp_report_rtt(&(struct ly_rtp_report) { .lsr = 65536, .dlsr = 65536 },
					   UINT64_C(4) << 32));
	assert_int_equal(0, ly_rtp_report_rtt(&(struct ly_rtp_report) { .lsr = 0 }, 1));
	assert_true(ly_ntp_from_wall(LY_MS(500)) == (UINT64_C(2208988800) << 32 | 0x80000000u));
}

static void test_nack(void **state)
{
	struct ly_nack n;
	uint16_t out[LY_NACK_MAX];
	ly_usec now = LY_SEC(1);

	(void)state;
	ly_nack_init(&n);
	ly_nack_recv(&n, 1000, now, LY_MS(5));
	ly_nack_recv(&n, 1004, now, LY_MS(5));
	assert_int_equal(0, ly_nack_due(&n, now, 0, out, LY_NACK_MAX));
	assert_int_equal(now + LY_MS(5), ly_nack_deadline(&n));
	ly_nack_recv(&n, 1002, now, LY_MS(5)); /* was only late */
	now += LY_MS(5);
	assert_int_equal(2, ly_nack_due(&n, now, LY_MS(40), out, LY_NACK_MAX));
	assert_int_equal(1001, out[0]);
	assert_int_equal(1003, out[1]);
	assert_int_equal(now + LY_MS(60), ly_nack_deadline(&n));
	assert_int_equal(0, ly_nack_due(&n, now, LY_MS(40), out, LY_NACK_MAX));
	ly_nack_recv(&n, 1003, now, 0);
	/* nobody sends 1001 again: asked for until given up */
	for (int i = 1; i < LY_NACK_TRIES; i++) {
		now += LY_MS(60);
		assert_int_equal(1, ly_nack_due(&n, now, LY_MS(40), out, LY_NACK_MAX));
	}
	assert_false(ly_nack_take_overflow(&n));
	assert_int_equal(0, ly_nack_due(&n, now + LY_MS(60), LY_MS(40), out, LY_NACK_MAX));
	assert_true(ly_nack_take_overflow(&n));
	assert_false(ly_nack_take_overflow(&n));
	assert_int_equal(LY_NEVER, ly_nack_deadline(&n));
	/* bounded: many small gaps, then one that is too large */
	for (int64_t seq = 1006; seq < 2000; seq += 2)
		ly_nack_recv(&n, seq, now, 0);
	assert_int_equal(LY_NACK_MAX, n.n);
	assert_true(ly_nack_take_overflow(&n));
	ly_nack_recv(&n, 2500, now, 0);
	assert_int_equal(0, n.n);
	assert_true(ly_nack_take_overflow(&n));
	ly_nack_recv(&n, 90000, now, 0);
	assert_int_equal(90000, n.top);
}

static void test_pool_and_cache(void **state)
{
	struct ly_pkt_pool pool;
	struct ly_rtp_cache c;
	struct ly_pkt *pkt;

	(void)state;
	ly_pkt_pool_init(&pool, 100);
	assert_int_equal(0, ly_rtp_cache_init(&c, 50, LY_SEC(1)));
	assert_int_equal(64, c.n);
	for (int64_t seq = 1000; seq < 1500; seq++) {
		pkt = ly_pkt_get(&pool);
		assert_non_null(pkt);
		assert_int_equal(LY_PKT_DATA_MAX + LY_PKT_TAILROOM, ly_pkt_cap(pkt));
		assert_int_equal(0, (uintptr_t)pkt->data % 8);
		pkt->at = LY_MS(seq);
		pkt->len = (uint32_t)(seq % 1000);
		ly_rtp_cache_put(&c, seq, pkt);
		ly_pkt_unref(pkt);
	}
	assert_int_equal(64, pool.n_used);
	assert_null(ly_rtp_cache_find(&c, 1435, LY_MS(1500)));
	assert_int_equal(436, ly_rtp_cache_find(&c, 1436, LY_MS(1500))->len);
	assert_null(ly_rtp_cache_find(&c, 1436, LY_MS(2437)));
	assert_null(ly_rtp_cache_find(&c, 1500, LY_MS(1500)));
	assert_null(ly_rtp_cache_find(&c, -1, LY_MS(1500)));
	/* the limit */
	for (int i = 64; i < 100; i++)
		assert_non_null(ly_pkt_get(&pool));
	assert_null(ly_pkt_get(&pool));
	pkt = ly_pkt_ref(ly_rtp_cache_find(&c, 1499, LY_MS(1500)));
	ly_rtp_cache_put(&c, 1300, pkt); /* too old to keep */
	ly_rtp_cache_fini(&c);
	assert_int_equal(37, pool.n_used);
	assert_int_equal(499, pkt->len);
	for (size_t s = 0; s < pool.n_slabs; s++) /* the test dropped its pointers: give all back */
		for (size_t i = 0; i < 64; i++)
			if (pool.slabs[s][i].refs)
				ly_pkt_unref(&pool.slabs[s][i]);
	ly_pkt_pool_fini(&pool);
	assert_int_equal(0, ly_heap_used(LY_MEM_MEDIA));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),          cmocka_unit_test(test_ext_find),
		cmocka_unit_test(test_write),          cmocka_unit_test(test_values),
		cmocka_unit_test(test_extend),         cmocka_unit_test(test_rtx),
		cmocka_unit_test(test_stats),          cmocka_unit_test(test_nack),
		cmocka_unit_test(test_pool_and_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
