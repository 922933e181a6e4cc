/* The arithmetic of SCRAM (RFC 5802 s. 3) and the keys that are stored. */
#include <errno.h>
#include <glib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "signaling/sasl/sasl_priv.h"

#define PASSWORD_MAX 1024

static const EVP_MD *md(enum ly_scram_hash hash)
{
	return hash == LY_SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
}

size_t ly_scram_hash_len(enum ly_scram_hash hash)
{
	return hash == LY_SCRAM_SHA1 ? 20 : 32;
}

void ly_scram_hmac(enum ly_scram_hash hash, struct ly_span key, struct ly_span data, uint8_t *out)
{
	/* fails only without memory; the zeros left then fit no proof */
	memset(out, 0, ly_scram_hash_len(hash));
	HMAC(md(hash), key.ptr, (int)key.len, data.ptr, data.len, out, NULL);
}

void ly_scram_digest(enum ly_scram_hash hash, const uint8_t *in, uint8_t *out)
{
	if (hash == LY_SCRAM_SHA1)
		SHA1(in, 20, out);
	else
		SHA256(in, 32, out);
}

/* RFC 3454 table B.1: commonly mapped to nothing. */
static bool is_nothing(gunichar c)
{
	return c == 0xad || c == 0x34f || c == 0x1806 || (c >= 0x180b && c <= 0x180d) ||
	       (c >= 0x200b && c <= 0x200d) || c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) ||
	       c == 0xfeff;
}

/* RFC 4013 s. 2.3, by general category. */
static bool is_prohibited(gunichar c)
{
	GUnicodeType t = g_unichar_type(c);

	return t == G_UNICODE_CONTROL || t == G_UNICODE_PRIVATE_USE || t == G_UNICODE_SURROGATE ||
	       t == G_UNICODE_LINE_SEPARATOR || t == G_UNICODE_PARAGRAPH_SEPARATOR ||
	       (c >= 0xfff9 && c <= 0xffff) || (c >= 0x2ff0 && c <= 0x2ffb);
}

static int prep_ascii(char *out, size_t cap, const char *s)
{
	size_t len = strlen(s);

	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return -EBADMSG;
	if (len >= cap)
		return -ENOSPC;
	memcpy(out, s, len + 1);
	return 0;
}

static void free_text(char *s)
{
	if (s != NULL)
		ly_wipe(s, strlen(s));
	g_free(s);
}

int ly_saslprep(char *out, size_t cap, const char *s)
{
	GString *mapped;
	char *text, *norm;
	int err = 0;

	if (g_str_is_ascii(s))
		return prep_ascii(out, cap, s);
	if (!g_utf8_validate(s, -1, NULL))
		return -EBADMSG;
	mapped = g_string_sized_new(4 * PASSWORD_MAX);
	for (const char *p = s; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_type(c) == G_UNICODE_SPACE_SEPARATOR)
			g_string_append_c(mapped, ' ');
		else if (!is_nothing(c))
			g_string_append_unichar(mapped, c);
	}
	text = g_string_free(mapped, FALSE);
	norm = g_utf8_normalize(text, -1, G_NORMALIZE_NFKC);
	for (const char *p = norm; p && *p; p = g_utf8_next_char(p))
		if (is_prohibited(g_utf8_get_char(p)))
			err = -EBADMSG;
	if (norm == NULL)
		err = -EBADMSG;
	else if (!err && strlen(norm) >= cap)
		err = -ENOSPC;
	if (!err)
		memcpy(out, norm, strlen(norm) + 1);
	free_text(text);
	free_text(norm);
	return err;
}

int ly_scram_salted(enum ly_scram_hash hash, const char *password, struct ly_span salt,
		    uint32_t iterations, uint8_t *out)
{
	char prepared[PASSWORD_MAX + 1];
	int err;

	if (salt.len == 0 || iterations == 0 || iterations > 10000000)
		return -EINVAL;
	err = ly_saslprep(prepared, sizeof(prepared), password);
	if (err || prepared[0] == '\0')
		return -EBADMSG;
	err = ly_scram_pbkdf2(hash, ly_span_str(prepared), salt, iterations, out);
	ly_wipe(prepared, sizeof(prepared));
	return err;
}

int ly_scram_keys_make(struct ly_scram_keys *out, enum ly_scram_hash hash, const char *password,
		       struct ly_span salt, uint32_t iterations)
{
	uint8_t salted[LY_SCRAM_HASH_MAX], client[LY_SCRAM_HASH_MAX];
	size_t len = ly_scram_hash_len(hash);
	int err;

	memset(out, 0, sizeof(*out));
	if (salt.len > LY_SCRAM_SALT_MAX)
		return -EINVAL;
	err = ly_scram_salted(hash, password, salt, iterations, salted);
	if (err)
		return err;
	ly_scram_hmac(hash, ly_span(salted, len), ly_span_str("Client Key"), client);
	ly_scram_digest(hash, client, out->stored);
	ly_scram_hmac(hash, ly_span(salted, len), ly_span_str("Server Key"), out->server);
	out->iterations = iterations;
	out->salt_len = (uint8_t)salt.len;
	memcpy(out->salt, salt.ptr, salt.len);
	ly_wipe(salted, sizeof(salted));
	ly_wipe(client, sizeof(client));
	return 0;
}

int ly_credentials_make(struct ly_credentials *out, const char *password, struct ly_rand *rand,
			uint32_t iterations)
{
	uint8_t salt[2][16];
	int err;

	ly_rand_bytes(rand, salt, sizeof(salt));
	err = ly_scram_keys_make(&out->sha1, LY_SCRAM_SHA1, password, ly_span(salt[0], 16),
				 iterations);
	if (!err)
		err = ly_scram_keys_make(&out->sha256, LY_SCRAM_SHA256, password,
					 ly_span(salt[1], 16), iterations);
	return err;
}

bool ly_scram_keys_check(const struct ly_scram_keys *keys, enum ly_scram_hash hash,
			 const char *password)
{
	struct ly_scram_keys made;
	bool ok;

	if (keys->iterations == 0 ||
	    ly_scram_keys_make(&made, hash, password, ly_span(keys->salt, keys->salt_len),
			       keys->iterations))
		return false;
	ok = ly_equal_ct(made.stored, keys->stored, ly_scram_hash_len(hash));
	ly_wipe(&made, sizeof(made));
	return ok;
}

bool ly_scram_take(struct ly_span *rest, char name, struct ly_span *value)
{
	const uint8_t *comma;
	size_t len;

	if (rest->len < 2 || rest->ptr[0] != (uint8_t)name || rest->ptr[1] != '=')
		return false;
	comma = memchr(rest->ptr, ',', rest->len);
	len = comma ? (size_t)(comma - rest->ptr) : rest->len;
	*value = ly_span(rest->ptr + 2, len - 2);
	if (comma != NULL)
		len++;
	*rest = ly_span(rest->ptr + len, rest->len - len);
	return true;
}

void ly_buf_add_base64(struct ly_buf *b, struct ly_span in)
{
	size_t len = LY_BASE64_LEN(in.len);

	if (ly_buf_reserve(b, len + 1))
		return;
	if (ly_base64_encode((char *)b->ptr + b->len, len + 1, in) >= 0)
		b->len += len;
}
