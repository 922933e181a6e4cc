/* The server's side of SCRAM (RFC 5802, RFC 7677), with channel binding.
 *
 *   FIRST --client-first--> CREDENTIALS --keys--> FINAL --client-final--> END */
#include <errno.h>

#include "signaling/sasl/sasl_priv.h"

#define NONCE_MAX 256 /* of a client */
#define NONCE_LEN 24  /* of ours, letters and digits: 142 bits */

/* The channel binding data of a type; empty if there is none. */
static struct ly_span binding(const struct ly_sasl *s, struct ly_span type)
{
	if (ly_span_equal(type, ly_span_str("tls-exporter")))
		return s->conf.exporter;
	if (ly_span_equal(type, ly_span_str("tls-server-end-point")))
		return s->conf.endpoint;
	return ly_span(NULL, 0);
}

/* Checks the channel binding flag, the first item of the GS2 header (RFC 5802 s. 6), and keeps the
 * data that the client must prove to have seen. */
static bool take_flag(struct ly_sasl *s, struct ly_span flag, struct ly_span *cb)
{
	if (s->mech->plus) {
		if (flag.len < 3 || memcmp(flag.ptr, "p=", 2) != 0)
			return false;
		*cb = binding(s, ly_span(flag.ptr + 2, flag.len - 2));
		return cb->len != 0;
	}
	if (flag.len != 1)
		return false;
	/* y: the client could bind but saw no -PLUS offered. If we did offer it, somebody removed
	 * it. */
	if (flag.ptr[0] == 'y')
		return s->conf.exporter.len == 0 && s->conf.endpoint.len == 0;
	return flag.ptr[0] == 'n';
}

/* Takes the next item up to a comma. */
static bool take_item(struct ly_span *rest, struct ly_span *item)
{
	const uint8_t *comma = rest->len ? memchr(rest->ptr, ',', rest->len) : NULL;

	if (comma == NULL)
		return false;
	*item = ly_span(rest->ptr, (size_t)(comma - rest->ptr));
	*rest = ly_span(comma + 1, rest->len - item->len - 1);
	return true;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, others are errors. */
static bool unescape(struct ly_buf *out, struct ly_span in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] != '=') {
			ly_buf_addc(out, (char)in.ptr[i]);
			continue;
		}
		if (in.len - i >= 3 && memcmp(in.ptr + i, "=2C", 3) == 0)
			ly_buf_addc(out, ',');
		else if (in.len - i >= 3 && memcmp(in.ptr + i, "=3D", 3) == 0)
			ly_buf_addc(out, '=');
		else
			return false;
		i += 2;
	}
	return !out->err;
}

static bool nonce_ok(struct ly_span nonce)
{
	if (nonce.len == 0 || nonce.len > NONCE_MAX)
		return false;
	for (size_t i = 0; i < nonce.len; i++)
		if (nonce.ptr[i] < 0x21 || nonce.ptr[i] > 0x7e)
			return false;
	return true;
}

/* gs2-cbind-flag "," [ "a=" authzid ] "," "n=" user "," "r=" nonce [ "," extensions ] */
static int parse_first(struct ly_sasl *s, struct ly_span in, enum ly_sasl_cond *cond)
{
	struct ly_span rest = in, flag, authzid, bare, name, nonce, cb = ly_span(NULL, 0);
	struct ly_buf text;
	bool ok;

	*cond = LY_SASL_MALFORMED_REQUEST;
	if (!take_item(&rest, &flag) || !take_item(&rest, &authzid))
		return -EBADMSG;
	bare = rest;
	if (!ly_scram_take(&rest, 'n', &name) || !ly_scram_take(&rest, 'r', &nonce) ||
	    !nonce_ok(nonce))
		return -EBADMSG;
	*cond = LY_SASL_NOT_AUTHORIZED;
	if (!take_flag(s, flag, &cb))
		return -EACCES;
	ly_buf_init(&text, LY_MEM_SESSION, 0);
	ok = unescape(&text, name) && ly_sasl_set_user(s, ly_buf_span(&text));
	if (ok && authzid.len) {
		*cond = LY_SASL_INVALID_AUTHZID;
		ly_buf_reset(&text);
		ok = authzid.len > 2 && memcmp(authzid.ptr, "a=", 2) == 0 &&
		     unescape(&text, ly_span(authzid.ptr + 2, authzid.len - 2)) &&
		     ly_sasl_authzid_ok(s, ly_buf_span(&text));
	}
	ly_buf_fini(&text);
	if (!ok)
		return -EACCES;
	ly_buf_add(&s->gs2, in.ptr, (size_t)(bare.ptr - in.ptr));
	ly_buf_add(&s->gs2, cb.ptr, cb.len);
	ly_buf_add(&s->auth, bare.ptr, bare.len);
	ly_buf_add(&s->nonce, nonce.ptr, nonce.len);
	return 0;
}

/* "c=" base64(gs2 header, binding) "," "r=" nonce [ "," extensions ] "," "p=" proof. @p without is
 * the message up to the proof. */
static bool parse_final(struct ly_sasl *s, struct ly_span in, struct ly_span *without,
			uint8_t proof[LY_SCRAM_HASH_MAX])
{
	struct ly_span rest = in, c, r, p = ly_span(NULL, 0), item;
	size_t len = ly_scram_hash_len(s->mech->hash);
	struct ly_buf want;
	bool ok;

	if (!ly_scram_take(&rest, 'c', &c) || !ly_scram_take(&rest, 'r', &r))
		return false;
	while (!ly_scram_take(&rest, 'p', &p))
		if (!take_item(&rest, &item))
			return false;
	if (rest.len != 0)
		return false; /* the proof comes last */
	*without = ly_span(in.ptr, (size_t)(p.ptr - 3 - in.ptr));
	ly_buf_init(&want, LY_MEM_SESSION, 0);
	ly_buf_add_base64(&want, ly_buf_span(&s->gs2));
	ok = !want.err && ly_span_equal(c, ly_buf_span(&want)) &&
	     ly_span_equal(r, ly_buf_span(&s->nonce));
	ly_buf_fini(&want);
	return ok &&
	       ly_base64_decode(proof, LY_SCRAM_HASH_MAX, (const char *)p.ptr, p.len) == (int)len;
}

static bool proof_fits(const struct ly_sasl *s, const uint8_t proof[LY_SCRAM_HASH_MAX])
{
	uint8_t sig[LY_SCRAM_HASH_MAX], client[LY_SCRAM_HASH_MAX], stored[LY_SCRAM_HASH_MAX];
	size_t len = ly_scram_hash_len(s->mech->hash);
	bool ok;

	ly_scram_hmac(s->mech->hash, ly_span(s->keys.stored, len), ly_buf_span(&s->auth), sig);
	for (size_t i = 0; i < len; i++)
		client[i] = proof[i] ^ sig[i];
	ly_scram_digest(s->mech->hash, client, stored);
	ok = ly_equal_ct(stored, s->keys.stored, len);
	ly_wipe(client, sizeof(client));
	return ok && s->is_known;
}

static void on_final(struct ly_sasl *s, struct ly_span in, struct ly_sasl_out *out)
{
	uint8_t proof[LY_SCRAM_HASH_MAX] = { 0 }, sig[LY_SCRAM_HASH_MAX];
	size_t len = ly_scram_hash_len(s->mech->hash);
	struct ly_span without;

	if (!parse_final(s, in, &without, proof)) {
		ly_sasl_fail(s, out, LY_SASL_NOT_AUTHORIZED);
		return;
	}
	ly_buf_addc(&s->auth, ',');
	ly_buf_add(&s->auth, without.ptr, without.len);
	if (s->auth.err || !proof_fits(s, proof)) {
		ly_sasl_fail(s, out, LY_SASL_NOT_AUTHORIZED);
		return;
	}
	ly_scram_hmac(s->mech->hash, ly_span(s->keys.server, len), ly_buf_span(&s->auth), sig);
	ly_buf_adds(&s->data, "v=");
	ly_buf_add_base64(&s->data, ly_span(sig, len));
	out->data = ly_buf_str(&s->data);
	out->user = s->user;
	if (out->data == NULL) {
		ly_sasl_fail(s, out, LY_SASL_TEMPORARY_AUTH_FAILURE);
		return;
	}
	s->state = LY_SASL_S_END;
	out->kind = LY_SASL_SUCCESS;
}

static void step(struct ly_sasl *s, struct ly_span in, struct ly_sasl_out *out)
{
	enum ly_sasl_cond cond;

	if (s->state == LY_SASL_S_FINAL) {
		on_final(s, in, out);
		return;
	}
	if (parse_first(s, in, &cond)) {
		ly_sasl_fail(s, out, cond);
		return;
	}
	s->state = LY_SASL_S_CREDENTIALS;
	out->kind = LY_SASL_NEED_CREDENTIALS;
	out->user = s->user;
}

static void credentials(struct ly_sasl *s, const struct ly_credentials *cred,
			struct ly_sasl_out *out)
{
	char ours[NONCE_LEN + 1];

	if (cred != NULL)
		s->keys = s->mech->hash == LY_SCRAM_SHA1 ? cred->sha1 : cred->sha256;
	s->is_known = s->keys.iterations != 0;
	if (!s->is_known)
		ly_sasl_fake_keys(s, s->mech->hash);
	ly_rand_text(s->conf.rand, ours, NONCE_LEN);
	ly_buf_adds(&s->nonce, ours);
	ly_buf_adds(&s->data, "r=");
	ly_buf_add(&s->data, s->nonce.ptr, s->nonce.len);
	ly_buf_adds(&s->data, ",s=");
	ly_buf_add_base64(&s->data, ly_span(s->keys.salt, s->keys.salt_len));
	ly_buf_printf(&s->data, ",i=%u", s->keys.iterations);
	ly_buf_addc(&s->auth, ',');
	ly_buf_add(&s->auth, s->data.ptr, s->data.len);
	out->data = ly_buf_str(&s->data);
	if (out->data == NULL || s->auth.err || s->nonce.err || s->gs2.err) {
		ly_sasl_fail(s, out, LY_SASL_TEMPORARY_AUTH_FAILURE);
		return;
	}
	s->state = LY_SASL_S_FINAL;
	out->kind = LY_SASL_CHALLENGE;
}

#define MECH(symbol, text, h, with_plus) \
	const struct ly_sasl_mech symbol = { \
		.name = text, \
		.hash = h, \
		.plus = with_plus, \
		.step = step, \
		.credentials = credentials, \
	}

MECH(ly_sasl_scram_sha1, "SCRAM-SHA-1", LY_SCRAM_SHA1, false);
MECH(ly_sasl_scram_sha1_plus, "SCRAM-SHA-1-PLUS", LY_SCRAM_SHA1, true);
MECH(ly_sasl_scram_sha256, "SCRAM-SHA-256", LY_SCRAM_SHA256, false);
MECH(ly_sasl_scram_sha256_plus, "SCRAM-SHA-256-PLUS", LY_SCRAM_SHA256, true);
