/* SRTP: the vectors of the RFCs, both engines byte for byte against each other, replay and limits.
 */
#include "tests/unit/check.h"

#include "base/err.h"
#include "base/heap.h"
#include "base/rand.h"
#include "base/text.h"
#include "media/srtp/srtp.h"
#include "media/srtp/srtp_priv.h"

static const enum ly_srtp_profile profiles[] = {
	LY_SRTP_AES128_CM_SHA1_80,
	LY_SRTP_AEAD_AES_128_GCM,
	LY_SRTP_AEAD_AES_256_GCM,
};

static struct ly_srtp_keys make_keys(enum ly_srtp_profile profile, uint64_t seed)
{
	struct ly_srtp_keys k = { .profile = profile };
	struct ly_rand r;

	ly_rand_seeded(&r, seed);
	ly_rand_bytes(&r, &k.tx, sizeof(k.tx));
	ly_rand_bytes(&r, &k.rx, sizeof(k.rx));
	return k;
}

static struct ly_srtp_keys swapped(struct ly_srtp_keys k)
{
	struct ly_srtp_key tx = k.tx;

	k.tx = k.rx;
	k.rx = tx;
	return k;
}

static void unhex(const char *hex, uint8_t *out, size_t len)
{
	assert_int_equal(len, ly_hex_decode(out, len, hex, strlen(hex)));
}

/* RFC 3711 appendix B.3. */
static void test_derive(void **state)
{
	struct ly_srtp_key master = { 0 };
	struct ly_srtp_session_keys k;
	uint8_t want[20];

	(void)state;
	unhex("e1f97a0d3e018be0d64fa32c06de4139", master.key, 16);
	unhex("0ec675ad498afeebb6960b3aabe6", master.salt, 14);
	assert_int_equal(0, ly_srtp_derive(LY_SRTP_AES128_CM_SHA1_80, &master, &k));
	unhex("c61e7a93744f39ee10734afe3ff7a087", want, 16);
	ly_assert_bytes("cipher key", ly_span(want, 16), ly_span(k.enc, 16));
	unhex("30cbbc08863d8c85d49db34a9ae1", want, 14);
	ly_assert_bytes("salt", ly_span(want, 14), ly_span(k.salt, 14));
	unhex("cebe321f6ff7716b6fd4ab49af256a156d38baa4", want, 20);
	ly_assert_bytes("auth key", ly_span(want, 20), ly_span(k.auth, 20));
}

static size_t make_packet(uint8_t *p, unsigned n_csrc, unsigned ext_words, size_t payload,
			  uint32_t ssrc, uint16_t seq)
{
	size_t len = 12 + 4u * n_csrc + (ext_words ? 4 + 4u * ext_words : 0) + payload;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + seq);
	p[0] = (uint8_t)(0x80 | n_csrc | (ext_words ? 0x10 : 0));
	p[1] = 100;
	p[2] = (uint8_t)(seq >> 8);
	p[3] = (uint8_t)seq;
	for (int i = 0; i < 4; i++)
		p[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	if (ext_words) {
		uint8_t *e = p + 12 + 4 * n_csrc;

		e[0] = 0xbe;
		e[1] = 0xde;
		e[2] = 0;
		e[3] = (uint8_t)ext_words;
	}
	return len;
}

#define N 200
static uint8_t pkts[2][N][1600] __attribute__((aligned(8)));

static const struct {
	const char *what;
	unsigned n_csrc, ext_words;
	size_t payload;
} shapes[] = {
	{ "plain", 0, 0, 100 },         { "large", 0, 2, 1200 },
	{ "empty payload", 0, 0, 0 },   { "one byte", 0, 1, 1 },
	{ "all CSRCs", 15, 0, 333 },    { "CSRCs and extension", 3, 5, 64 },
	{ "long extension", 0, 60, 9 }, { "one block", 0, 0, 16 },
};

/* Batches of all shapes over two sessions and three SSRCs, across a rollover, by each engine. */
static void test_engines_agree(void **state)
{
	const char *const *names = ly_srtp_engine_names();

	(void)state;
	if (names[1] == NULL)
		skip();
	for (size_t pi = 0; pi < LY_COUNTOF(profiles); pi++) {
		struct ly_srtp_job jobs[2][N];
		struct ly_srtp_engine *eng[2];
		struct ly_srtp_out *out[2][2];

		for (int e = 0; e < 2; e++) {
			assert_int_equal(0, ly_srtp_engine_create(&eng[e], names[e]));
			for (int s = 0; s < 2; s++) {
				struct ly_srtp_keys k = make_keys(profiles[pi], 5 + (uint64_t)s);

				assert_int_equal(0, ly_srtp_out_create(&out[e][s], eng[e], &k));
			}
			for (unsigned i = 0; i < N; i++) {
				unsigned sh = i % LY_COUNTOF(shapes);
				uint64_t index = (i % 3 ? 65500 : 3 * 65536 + 65500) + i;
				size_t len = make_packet(pkts[e][i], shapes[sh].n_csrc,
							 shapes[sh].ext_words, shapes[sh].payload,
							 1000 + i % 3, (uint16_t)index);

				jobs[e][i] =
					(struct ly_srtp_job) { .out = out[e][i / 3 % 2],
							       .pkt = pkts[e][i],
							       .len = len,
							       .cap = len + LY_SRTP_TRAILER_MAX,
							       .index = index };
			}
			assert_int_equal(N, ly_srtp_protect(eng[e], jobs[e], N));
		}
		for (unsigned i = 0; i < N; i++)
			ly_assert_bytes(shapes[i % LY_COUNTOF(shapes)].what,
					ly_span(pkts[0][i], jobs[0][i].len),
					ly_span(pkts[1][i], jobs[1][i].len));
		for (int e = 0; e < 2; e++) {
			ly_srtp_out_destroy(out[e][0]);
			ly_srtp_out_destroy(out[e][1]);
			ly_srtp_engine_destroy(eng[e]);
		}
	}
	assert_int_equal(0, ly_heap_used(LY_MEM_MEDIA));
}

/* What an engine protects, ly_srtp unprotects: once. */
static void round_trip(enum ly_srtp_profile profile, const char *engine)
{
	struct ly_srtp_keys k = make_keys(profile, 9), peer = swapped(k);
	struct ly_srtp_engine *eng;
	struct ly_srtp_out *out;
	struct ly_srtp *in;
	uint8_t plain[1600], again[1600];

	assert_int_equal(0, ly_srtp_engine_create(&eng, engine));
	assert_int_equal(0, ly_srtp_out_create(&out, eng, &k));
	assert_int_equal(0, ly_srtp_create(&in, &peer, 2));
	for (unsigned i = 0; i < 300; i++) {
		uint64_t index = 65400 + i;
		size_t len = make_packet(pkts[0][0], 0, 1, 500, 77, (uint16_t)index), got, got2;
		struct ly_srtp_job j = { out, pkts[0][0], len, sizeof(pkts[0][0]), index, 0, 0 };

		memcpy(plain, pkts[0][0], len);
		assert_int_equal(1, ly_srtp_protect(eng, &j, 1));
		assert_int_equal(len + (profile == LY_SRTP_AES128_CM_SHA1_80 ? 10 : 16), j.len);
		memcpy(again, pkts[0][0], j.len);
		got = got2 = j.len;
		assert_int_equal(0, ly_srtp_unprotect(in, pkts[0][0], &got));
		ly_assert_bytes("unprotected", ly_span(plain, len), ly_span(pkts[0][0], got));
		assert_int_equal(-EEXIST, ly_srtp_unprotect(in, again, &got2));
	}
	ly_srtp_out_destroy(out);
	ly_srtp_destroy(in);
	ly_srtp_engine_destroy(eng);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (const char *const *e = ly_srtp_engine_names(); *e; e++)
		for (size_t i = 0; i < LY_COUNTOF(profiles); i++)
			round_trip(profiles[i], *e);
}

static size_t send_one(struct ly_srtp_engine *eng, struct ly_srtp_out *out, uint8_t *p,
		       uint32_t ssrc, uint16_t seq)
{
	size_t len = make_packet(p, 0, 0, 50, ssrc, seq);
	struct ly_srtp_job j = { out, p, len, 1600, seq, 0, 0 };

	assert_int_equal(1, ly_srtp_protect(eng, &j, 1));
	return j.len;
}

/* Wrong bytes are refused and leave the session usable; the number of SSRCs is bounded. */
static void test_refusals(void **state)
{
	struct ly_srtp_keys k = make_keys(LY_SRTP_AEAD_AES_128_GCM, 3), peer = swapped(k);
	struct ly_srtp_engine *eng;
	struct ly_srtp_out *out;
	struct ly_srtp *in;
	uint8_t *p = pkts[0][0];
	size_t got;

	(void)state;
	assert_int_equal(0, ly_srtp_engine_create(&eng, NULL));
	assert_int_equal(0, ly_srtp_out_create(&out, eng, &k));
	assert_int_equal(0, ly_srtp_create(&in, &peer, 2));
	for (uint32_t ssrc = 1; ssrc <= 100; ssrc++) {
		got = send_one(eng, out, p, ssrc, 1);
		p[30] ^= 1;
		assert_int_equal(-EACCES, ly_srtp_unprotect(in, p, &got));
		p[30] ^= 1;
		got = send_one(eng, out, p, ssrc, 2);
		assert_int_equal(0, ly_srtp_unprotect(in, p, &got));
		got = send_one(eng, out, p, ssrc, 2);
		assert_int_equal(-EEXIST, ly_srtp_unprotect(in, p, &got));
	}
	/* the two heard last are kept, whichever came first */
	got = send_one(eng, out, p, 99, 3);
	assert_int_equal(0, ly_srtp_unprotect(in, p, &got));
	got = send_one(eng, out, p, 101, 3);
	assert_int_equal(0, ly_srtp_unprotect(in, p, &got));
	got = send_one(eng, out, p, 99, 3);
	assert_int_equal(-EEXIST, ly_srtp_unprotect(in, p, &got));
	ly_srtp_forget(in, 99);
	got = send_one(eng, out, p, 99, 3);
	assert_int_equal(0, ly_srtp_unprotect(in, p, &got));
	for (size_t len = 0; len < 40; len++) {
		got = len;

		memset(p, 0x90, 64);
		assert_true(ly_srtp_unprotect(in, p, &got) < 0);
		got = len;
		assert_true(ly_srtp_unprotect_rtcp(in, p, &got) < 0);
	}
	ly_srtp_out_destroy(out);
	ly_srtp_destroy(in);
	ly_srtp_engine_destroy(eng);
}

static void test_bad_jobs(void **state)
{
	struct ly_srtp_keys k = make_keys(LY_SRTP_AES128_CM_SHA1_80, 3);

	(void)state;
	for (const char *const *e = ly_srtp_engine_names(); *e; e++) {
		struct ly_srtp_engine *eng;
		struct ly_srtp_out *out;
		struct ly_srtp_job j[5];
		size_t len = 0;

		assert_int_equal(0, ly_srtp_engine_create(&eng, *e));
		assert_int_equal(0, ly_srtp_out_create(&out, eng, &k));
		for (unsigned i = 0; i < 5; i++) {
			len = make_packet(pkts[0][i], 0, 1, 50, 5, (uint16_t)(i + 1));
			j[i] = (struct ly_srtp_job) { out, pkts[0][i], len, len + 10, i + 1, 0, 0 };
		}
		j[0].cap = len + 9;
		j[1].index = 77;
		j[2].len = 11;
		pkts[0][3][15] = 200; /* the extension is longer than the packet */
		assert_int_equal(1, ly_srtp_protect(eng, j, 5));
		assert_int_equal(-ENOSPC, j[0].err);
		assert_int_equal(-EBADMSG, j[1].err);
		assert_int_equal(-EBADMSG, j[2].err);
		assert_int_equal(-EBADMSG, j[3].err);
		assert_int_equal(0, j[4].err);
		ly_srtp_out_destroy(out);
		ly_srtp_engine_destroy(eng);
	}
	k.profile = LY_SRTP_NONE;
	assert_int_equal(-EINVAL, ly_srtp_create(&(struct ly_srtp *) { NULL }, &k, 1));
	assert_int_equal(-ENOENT,
			 ly_srtp_engine_create(&(struct ly_srtp_engine *) { NULL }, "none"));
}

static void test_rtcp(void **state)
{
	static const uint8_t pli[] = { 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 };

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(profiles); i++) {
		struct ly_srtp_keys k = make_keys(profiles[i], 4), peer = swapped(k);
		struct ly_srtp *a, *b;
		uint8_t p[64] __attribute__((aligned(8)));
		size_t len = sizeof(pli);

		assert_int_equal(0, ly_srtp_create(&a, &k, 4));
		assert_int_equal(0, ly_srtp_create(&b, &peer, 4));
		memcpy(p, pli, len);
		assert_int_equal(-ENOSPC, ly_srtp_protect_rtcp(a, p, &len, 20));
		assert_int_equal(0, ly_srtp_protect_rtcp(a, p, &len, sizeof(p)));
		assert_true(len > sizeof(pli));
		p[9] ^= 1;
		assert_int_equal(-EACCES, ly_srtp_unprotect_rtcp(b, p, &(size_t) { len }));
		memcpy(p, pli, sizeof(pli));
		len = sizeof(pli);
		assert_int_equal(0, ly_srtp_protect_rtcp(a, p, &len, sizeof(p)));
		assert_int_equal(0, ly_srtp_unprotect_rtcp(b, p, &len));
		ly_assert_bytes("rtcp", ly_span(pli, sizeof(pli)), ly_span(p, len));
		ly_srtp_destroy(a);
		ly_srtp_destroy(b);
	}
}

/* RFC 7714 s. 16.1.1 and 16.2.1: the vectors begin with session keys. */
static void test_gcm_vectors(void **state)
{
	static const char plain[] =
		"8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669"
		"736120696e207061727465732074726573";
	static const struct {
		enum ly_srtp_profile profile;
		const char *key, *sealed; /* payload and tag */
	} rows[] = {
		{ LY_SRTP_AEAD_AES_128_GCM, "000102030405060708090a0b0c0d0e0f",
		  "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
		  "899d7f27beb16a9152cf765ee4390cce" },
		{ LY_SRTP_AEAD_AES_256_GCM,
		  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		  "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
		  "7aa3db36dfffd6b0f9bb7878d7a76c13" },
	};
	struct ly_srtp_engine *eng;

	(void)state;
	assert_int_equal(0, ly_srtp_engine_create(&eng, NULL));
	for (size_t i = 0; eng->ops->set_session_keys && i < LY_COUNTOF(rows); i++) {
		struct ly_srtp_keys master = { .profile = rows[i].profile };
		struct ly_srtp_session_keys keys = { .salt = "Quid pro quo" };
		struct ly_srtp_out *out;
		uint8_t *p = pkts[0][0], want[66];
		struct ly_srtp_job j;

		unhex(plain, p, 50);
		unhex(plain, want, 50);
		unhex(rows[i].sealed, want + 12, 54);
		unhex(rows[i].key, keys.enc, strlen(rows[i].key) / 2);
		assert_int_equal(0, ly_srtp_out_create(&out, eng, &master));
		eng->ops->set_session_keys(eng->state, out->session, rows[i].profile, &keys);
		j = (struct ly_srtp_job) { out, p, 50, 1600, 0xf17b, 0, 0 };
		assert_int_equal(1, ly_srtp_protect(eng, &j, 1));
		ly_assert_bytes(ly_srtp_profile_name(rows[i].profile), ly_span(want, 66),
				ly_span(p, j.len));
		ly_srtp_out_destroy(out);
	}
	ly_srtp_engine_destroy(eng);
}

/* Every allocation of ours may fail: an error, no leak, no crash. */
static void test_out_of_memory(void **state)
{
	struct ly_srtp_keys k = make_keys(LY_SRTP_AEAD_AES_128_GCM, 3);

	(void)state;
	for (const char *const *e = ly_srtp_engine_names(); *e; e++) {
		bool failed = true;

		for (uint64_t nth = 1; failed; nth++) {
			struct ly_srtp_engine *eng = NULL;
			struct ly_srtp_out *out = NULL;
			struct ly_srtp *in = NULL;
			int err;

			ly_heap_fail_at(nth);
			err = ly_srtp_engine_create(&eng, *e);
			err = err ? err : ly_srtp_out_create(&out, eng, &k);
			err = err ? err : ly_srtp_create(&in, &k, 4);
			failed = ly_heap_failed();
			ly_heap_fail_at(0);
			assert_int_equal(failed ? -ENOMEM : 0, err);
			ly_srtp_destroy(in);
			ly_srtp_out_destroy(out);
			ly_srtp_engine_destroy(eng);
			assert_int_equal(0, ly_heap_used(LY_MEM_MEDIA));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derive),      cmocka_unit_test(test_engines_agree),
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bad_jobs),    cmocka_unit_test(test_rtcp),
		cmocka_unit_test(test_gcm_vectors), cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
