/* STUN: the vectors of RFC 5769, answers, refusals, what routing reads; and demultiplexing. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "base/heap.h"
#include "base/rand.h"
#include "base/text.h"
#include "media/demux/demux.h"
#include "media/stun/stun.h"

/* RFC 5769 s. 2.1: "evtj:h6vY", password below. */
static const char request_hex[] = "000100582112a442b7e7a701bc34d686fa87dfae"
				  "802200105354554e207465737420636c69656e74"
				  "002400046e0001ff80290008932ff9b151263b36"
				  "000600096576746a3a6836765920202000080014"
				  "9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
/* s. 2.2 and 2.3 */
static const char response4_hex[] =
	"0101003c2112a442b7e7a701bc34d686fa87dfae"
	"8022000b7465737420766563746f7220002000080001a147e112a643"
	"000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
static const char response6_hex[] =
	"010100482112a442b7e7a701bc34d686fa87dfae"
	"8022000b7465737420766563746f7220002000140002a147"
	"0113a9faa5d3f179bc25f4b5bed2b9d9"
	"00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";
static const char pwd[] = "VOkJxbRl1RmTxUk/WvJxBt";
static const uint8_t id[] = {
	0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae
};

static struct ly_stun *stun;
static uint8_t mem[LY_STUN_MSG_MAX], reply[LY_STUN_MSG_MAX];

static int setup(void **state)
{
	(void)state;
	return ly_stun_create(&stun);
}

static int teardown(void **state)
{
	(void)state;
	ly_stun_destroy(stun);
	return ly_heap_used(LY_MEM_MEDIA) == 0 ? 0 : -1;
}

static struct ly_span unhex(const char *hex)
{
	int n = ly_hex_decode(mem, sizeof(mem), hex, strlen(hex));

	assert_true(n > 0);
	return ly_span(mem, (size_t)n);
}

static void test_peek(void **state)
{
	struct ly_stun_peek p;
	struct ly_span pkt = unhex(request_hex);

	(void)state;
	assert_int_equal(0, ly_stun_peek(&p, pkt));
	assert_int_equal(LY_STUN_REQUEST, p.cls);
	assert_true(p.binding);
	assert_memory_equal(id, p.id, 12);
	assert_int_equal(0xb7e7a701, p.tag);
	ly_assert_bytes("local", ly_span_str("evtj"), p.local_ufrag);
	ly_assert_bytes("remote", ly_span_str("h6vY"), p.remote_ufrag);
	for (size_t len = 0; len < pkt.len; len++)
		assert_int_equal(-EBADMSG, ly_stun_peek(&p, ly_span(pkt.ptr, len)));
	assert_int_equal(0, ly_stun_peek(&p, unhex(response4_hex)));
	assert_int_equal(LY_STUN_SUCCESS, p.cls);
	assert_int_equal(0, p.local_ufrag.len);
	mem[0] = 0x41;
	assert_int_equal(-EBADMSG, ly_stun_peek(&p, ly_span(mem, 80)));
}

static int answer(struct ly_span pkt, const char *ufrag, const char *key, bool controlling,
		  struct ly_stun_request *req)
{
	static const struct ly_addr src = { { 192, 0, 2, 9 }, 4000, 4, 0 };

	*req = (struct ly_stun_request) { .controlling = controlling };
	return ly_stun_answer(stun, pkt, ly_span_str(ufrag), ly_span_str(key), 1000, &src, reply,
			      sizeof(reply), req);
}

/* Code of the error answer in reply; 0 for success, -1 for no answer. */
static int code_of(const struct ly_stun_request *req)
{
	struct ly_stun_peek p;

	if (req->reply_len == 0)
		return -1;
	assert_int_equal(0, ly_stun_peek(&p, ly_span(reply, req->reply_len)));
	if (p.cls == LY_STUN_SUCCESS)
		return 0;
	assert_int_equal(LY_STUN_ERROR, p.cls);
	for (size_t i = 20; i + 8 <= req->reply_len; i += 4u + ((reply[i + 3] + 3u) & ~3u))
		if (reply[i] == 0 && reply[i + 1] == 9)
			return reply[i + 6] * 100 + reply[i + 7];
	return -1;
}

static void test_request_vector(void **state)
{
	struct ly_stun_request req;
	struct ly_stun_response rsp;

	(void)state;
	assert_int_equal(0, answer(unhex(request_hex), "evtj", pwd, true, &req));
	assert_int_equal(0x6e0001ff, req.priority);
	assert_false(req.use_candidate);
	assert_false(req.role_conflict);
	assert_int_equal(0, code_of(&req));
	/* our own answer passes our own check, once for each time it is asked for */
	for (int i = 0; i < 300; i++)
		assert_int_equal(0, ly_stun_response(stun, ly_span(reply, req.reply_len), id,
						     ly_span_str(pwd), &rsp));
	assert_int_equal(4000, rsp.mapped.port);
	assert_int_equal(0, rsp.code);
}

static void test_response_vectors(void **state)
{
	struct ly_stun_response rsp;
	char text[LY_ADDR_MAX];

	(void)state;
	assert_int_equal(0,
			 ly_stun_response(stun, unhex(response4_hex), id, ly_span_str(pwd), &rsp));
	assert_string_equal("192.0.2.1:32853", ly_addr_format(&rsp.mapped, text, sizeof(text)));
	assert_int_equal(0,
			 ly_stun_response(stun, unhex(response6_hex), id, ly_span_str(pwd), &rsp));
	assert_string_equal("[2001:db8:1234:5678:11:2233:4455:6677]:32853",
			    ly_addr_format(&rsp.mapped, text, sizeof(text)));
	assert_int_equal(-EACCES, ly_stun_response(stun, unhex(response4_hex), id,
						   ly_span_str("wrongwrongwrongwrongwr"), &rsp));
	assert_int_equal(-EBADMSG,
			 ly_stun_response(stun, unhex(response4_hex),
					  (const uint8_t *)"123456789012", ly_span_str(pwd), &rsp));
}

static void test_refusals(void **state)
{
	static const struct {
		const char *what, *ufrag, *pwd;
		size_t flip; /* byte to change, 0 = none */
		int err, code;
	} rows[] = {
		{ "other ufrag", "evtk", pwd, 0, -EACCES, 401 },
		{ "shorter ufrag", "evt", pwd, 0, -EACCES, 401 },
		{ "wrong password", "evtj", "VOkJxbRl1RmTxUk/WvJxBx", 0, -EACCES, 401 },
		{ "bad fingerprint", "evtj", pwd, 107, -EBADMSG, 400 },
		{ "not binding", "evtj", pwd, 1, -EBADMSG, 400 },
	};
	struct ly_stun_request req;

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_span pkt = unhex(request_hex);

		if (rows[i].flip)
			mem[rows[i].flip] ^= 2;
		ly_assert_i64(rows[i].what, rows[i].err,
			      answer(pkt, rows[i].ufrag, rows[i].pwd, true, &req));
		ly_assert_i64(rows[i].what, rows[i].code, code_of(&req));
	}
}

/* A check built here is understood here; equal roles are settled by the tie-breaker (1000 here). */
static void test_checks_and_conflicts(void **state)
{
	static const struct {
		const char *what;
		bool theirs, ours;
		uint64_t tie;
		int code;
		bool conflict, ours_after;
	} rows[] = {
		{ "they control", true, false, 5, 0, false, false },
		{ "we control", false, true, 5, 0, false, true },
		{ "both control, we win", true, true, 5, 487, true, true },
		{ "both control, they win", true, true, 5000, 0, false, false },
		{ "nobody controls, we win", false, false, 5, 0, false, true },
		{ "nobody controls, they win", false, false, 5000, 487, true, false },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_stun_check c = {
			.controlling = rows[i].theirs,
			.use_candidate = rows[i].theirs,
			.priority = 77,
			.tie_breaker = rows[i].tie,
			.cred = { ly_span_str("evtj:h6vY"), ly_span_str(pwd) },
		};
		struct ly_stun_request req;
		struct ly_stun_response rsp;
		int len;

		memcpy(c.id, id, 12);
		len = ly_stun_build_check(stun, mem, sizeof(mem), &c);
		assert_true(len > 0);
		assert_int_equal(
			0, answer(ly_span(mem, (size_t)len), "evtj", pwd, rows[i].ours, &req));
		ly_assert_i64(rows[i].what, rows[i].code, code_of(&req));
		ly_assert_i64(rows[i].what, rows[i].conflict, req.role_conflict);
		ly_assert_i64(rows[i].what, rows[i].ours_after, req.controlling);
		assert_int_equal(0, ly_stun_response(stun, ly_span(reply, req.reply_len), id,
						     ly_span_str(pwd), &rsp));
		ly_assert_i64(rows[i].what, rows[i].code, rsp.code);
		assert_int_equal(-ENOSPC, ly_stun_build_check(stun, mem, 60, &c));
	}
}

/* The longest names that RFC 8839 allows fit. */
static void test_longest_names(void **state)
{
	char name[513 + 1], own[257], key[257];
	struct ly_stun_check c = { .controlling = true, .priority = 1 };
	struct ly_stun_request req;
	int len;

	(void)state;
	memset(name, 'a', 513);
	name[256] = ':';
	name[513] = 0;
	memset(own, 'a', 256);
	own[256] = 0;
	memset(key, 'k', 256);
	key[256] = 0;
	c.cred = (struct ly_stun_cred) { ly_span_str(name), ly_span_str(key) };
	len = ly_stun_build_check(stun, mem, sizeof(mem), &c);
	assert_true(len > 0);
	assert_int_equal(0, answer(ly_span(mem, (size_t)len), own, key, false, &req));
	assert_int_equal(0, code_of(&req));
}

static void test_garbage(void **state)
{
	struct ly_rand r;
	struct ly_stun_request req;
	struct ly_stun_response rsp;

	(void)state;
	ly_rand_seeded(&r, 7);
	for (int i = 0; i < 20000; i++) {
		struct ly_span pkt = unhex(request_hex);
		unsigned n = 1 + ly_rand_below(&r, 4);

		while (n--)
			mem[ly_rand_below(&r, (uint32_t)pkt.len)] ^= (uint8_t)ly_rand_u32(&r);
		pkt.len -= ly_rand_below(&r, 2) ? ly_rand_below(&r, (uint32_t)pkt.len) : 0;
		(void)answer(pkt, "evtj", pwd, true, &req);
		(void)ly_stun_response(stun, pkt, id, ly_span_str(pwd), &rsp);
	}
}

static void test_demux(void **state)
{
	static const struct {
		const char *what;
		uint8_t first, second;
		size_t len;
		enum ly_proto want;
	} rows[] = {
		{ "empty", 0, 0, 0, LY_PROTO_UNKNOWN },
		{ "one byte", 0, 0, 1, LY_PROTO_UNKNOWN },
		{ "stun", 0, 1, 20, LY_PROTO_STUN },
		{ "stun end", 3, 1, 20, LY_PROTO_STUN },
		{ "zrtp", 16, 0, 20, LY_PROTO_UNKNOWN },
		{ "dtls", 20, 254, 20, LY_PROTO_DTLS },
		{ "dtls end", 63, 254, 20, LY_PROTO_DTLS },
		{ "turn", 64, 0, 20, LY_PROTO_TURN },
		{ "gap", 80, 0, 20, LY_PROTO_UNKNOWN },
		{ "rtp", 128, 111, 20, LY_PROTO_RTP },
		{ "rtp, marker", 128, 239, 20, LY_PROTO_RTP },
		{ "sr", 128, 200, 20, LY_PROTO_RTCP },
		{ "rtpfb", 0x8f, 205, 20, LY_PROTO_RTCP },
		{ "beyond", 192, 0, 20, LY_PROTO_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		uint8_t p[20] = { rows[i].first, rows[i].second };

		ly_assert_i64(rows[i].what, rows[i].want, ly_demux(ly_span(p, rows[i].len)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_request_vector),
		cmocka_unit_test(test_response_vectors),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_checks_and_conflicts),
		cmocka_unit_test(test_longest_names),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_demux),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
