/* Our PBKDF2 against RFC 6070's vectors and against OpenSSL's for many lengths. */
#include "tests/unit/check.h"

#include <openssl/evp.h>

#include "base/err.h"
#include "signaling/sasl/sasl_priv.h"

static void test_vectors(void **state)
{
	static const struct {
		const char *what;
		uint32_t iterations;
		uint8_t want[20];
	} rows[] = {
		{ "RFC 6070, 1",
		  1,
		  { 0x0c, 0x60, 0xc8, 0x0f, 0x96, 0x1f, 0x0e, 0x71, 0xf3, 0xa9,
		    0xb5, 0x24, 0xaf, 0x60, 0x12, 0x06, 0x2f, 0xe0, 0x37, 0xa6 } },
		{ "RFC 6070, 4096", 4096, { 0x4b, 0x00, 0x79, 0x01, 0xb7, 0x65, 0x48,
					    0x9a, 0xbe, 0xad, 0x49, 0xd9, 0x26, 0xf7,
					    0x21, 0xd0, 0x65, 0xa4, 0x29, 0xc1 } },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		uint8_t out[LY_SCRAM_HASH_MAX];

		assert_int_equal(0, ly_scram_pbkdf2(LY_SCRAM_SHA1, ly_span_str("password"),
						    ly_span_str("salt"), rows[i].iterations, out));
		ly_assert_bytes(rows[i].what, ly_span(rows[i].want, 20), ly_span(out, 20));
	}
}

static void test_against_openssl(void **state)
{
	static const enum ly_scram_hash hashes[] = { LY_SCRAM_SHA1, LY_SCRAM_SHA256 };
	static const char salt[] = "0123456789abcdef0123456789abcdefX";
	char password[150];

	(void)state;
	memset(password, 'p', sizeof(password));
	for (size_t h = 0; h < LY_COUNTOF(hashes); h++) {
		const EVP_MD *md = hashes[h] == LY_SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
		size_t len = ly_scram_hash_len(hashes[h]);

		for (size_t n = 1; n < sizeof(password); n++) {
			uint8_t want[LY_SCRAM_HASH_MAX], got[LY_SCRAM_HASH_MAX];
			size_t salt_len = 1 + n % LY_SCRAM_SALT_MAX;

			assert_int_equal(1,
					 PKCS5_PBKDF2_HMAC(password, (int)n, (const uint8_t *)salt,
							   (int)salt_len, (int)(1 + n % 5), md,
							   (int)len, want));
			assert_int_equal(0, ly_scram_pbkdf2(hashes[h], ly_span(password, n),
							    ly_span(salt, salt_len),
							    (uint32_t)(1 + n % 5), got));
			ly_assert_bytes("password length", ly_span(want, len), ly_span(got, len));
		}
		assert_int_equal(-EINVAL,
				 ly_scram_pbkdf2(hashes[h], ly_span("x", 1), ly_span(salt, 33), 1,
						 (uint8_t[32]) { 0 }));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_against_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
