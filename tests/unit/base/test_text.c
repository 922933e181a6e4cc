/* base64, hex, date and time, addresses. */
#include "tests/unit/check.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/text.h"
#include "base/time.h"

/* RFC 4648 s. 10 */
static void test_base64(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	char coded[32];
	uint8_t plain[32];

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		int n = ly_base64_encode(coded, sizeof(coded), ly_span_str(rows[i].plain));

		ly_assert_i64(rows[i].plain, (int64_t)strlen(rows[i].coded), n);
		ly_assert_str(rows[i].plain, rows[i].coded, coded);
		n = ly_base64_decode(plain, sizeof(plain), coded, strlen(coded));
		ly_assert_bytes(rows[i].plain, ly_span_str(rows[i].plain),
				ly_span(plain, (size_t)n));
	}
	assert_int_equal(-EBADMSG, ly_base64_decode(plain, sizeof(plain), "Zg=", 3));
	assert_int_equal(-EBADMSG, ly_base64_decode(plain, sizeof(plain), "Z!==", 4));
	assert_int_equal(-EBADMSG, ly_base64_decode(plain, sizeof(plain), "Zg==Zg==", 8));
	assert_int_equal(-ENOSPC, ly_base64_decode(plain, 2, "Zm9v", 4));
	assert_int_equal(-ENOSPC, ly_base64_encode(coded, 4, ly_span_str("foo")));
}

static void test_hex(void **state)
{
	uint8_t b[4];
	char s[9];

	(void)state;
	assert_int_equal(4, ly_hex_decode(b, sizeof(b), "00fF10a5", 8));
	assert_int_equal(8, ly_hex_encode(s, sizeof(s), ly_span(b, 4)));
	assert_string_equal("00ff10a5", s);
	assert_int_equal(-EBADMSG, ly_hex_decode(b, sizeof(b), "0g", 2));
	assert_int_equal(-ENOSPC, ly_hex_decode(b, sizeof(b), "0011223344", 10));
}

static void test_datetime(void **state)
{
	static const struct {
		const char *text;
		ly_usec wall;
	} rows[] = {
		{ "1970-01-01T00:00:00.000Z", 0 },
		{ "2000-02-29T12:00:00.500Z", 951825600500000 },
		{ "2026-11-20T13:00:01.002Z", 1795179601002000 },
		{ "1969-12-31T23:59:59.999Z", -1000 },
	};
	static const char *const bad[] = { "",
					   "2026",
					   "2026-13-01T00:00:00Z",
					   "2026-01-01 00:00:00Z",
					   "2026-01-01T00:00:00",
					   "2026-01-01T24:00:00Z",
					   "2026-01-01T00:00:00Zx" };
	char out[LY_DATETIME_MAX];
	ly_usec wall;

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		assert_true(ly_datetime_format(out, sizeof(out), rows[i].wall) > 0);
		ly_assert_str(rows[i].text, rows[i].text, out);
		assert_int_equal(0, ly_datetime_parse(out, strlen(out), &wall));
		ly_assert_i64(rows[i].text, rows[i].wall, wall);
	}
	assert_int_equal(0, ly_datetime_parse("2000-02-29T14:30:00+02:30", 25, &wall));
	assert_true(wall == 951825600000000);
	for (size_t i = 0; i < LY_COUNTOF(bad); i++)
		ly_assert_i64(bad[i], -EBADMSG, ly_datetime_parse(bad[i], strlen(bad[i]), &wall));
}

static void test_addr(void **state)
{
	struct ly_addr a, b;
	char s[LY_ADDR_MAX];

	(void)state;
	assert_int_equal(0, ly_addr_parse_ip(&a, "192.0.2.1", 5000));
	assert_string_equal("192.0.2.1:5000", ly_addr_format(&a, s, sizeof(s)));
	assert_int_equal(0, ly_addr_parse_ip(&b, "2001:db8::1", 5000));
	assert_string_equal("[2001:db8::1]:5000", ly_addr_format(&b, s, sizeof(s)));
	assert_false(ly_addr_equal(&a, &b));
	assert_int_equal(-EBADMSG, ly_addr_parse_ip(&a, "192.0.2.256", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_datetime),
		cmocka_unit_test(test_addr),
	};

	return cmocka_run_group_tests_name("base text", tests, NULL, NULL);
}
