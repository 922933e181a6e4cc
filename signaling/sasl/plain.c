/* PLAIN (RFC 4616), checked against the SCRAM keys: [authzid] NUL user NUL password. */
#include "signaling/sasl/sasl_priv.h"

static bool take_part(struct ly_span *rest, struct ly_span *part)
{
	const uint8_t *nul = rest->len ? memchr(rest->ptr, 0, rest->len) : NULL;

	if (nul == NULL)
		return false;
	*part = ly_span(rest->ptr, (size_t)(nul - rest->ptr));
	*rest = ly_span(nul + 1, rest->len - part->len - 1);
	return true;
}

static void step(struct ly_sasl *s, struct ly_span in, struct ly_sasl_out *out)
{
	struct ly_span rest = in, authzid, user;

	if (s->state != LY_SASL_S_FIRST || !take_part(&rest, &authzid) ||
	    !take_part(&rest, &user) || rest.len == 0 || memchr(rest.ptr, 0, rest.len) != NULL) {
		ly_sasl_fail(s, out, LY_SASL_MALFORMED_REQUEST);
		return;
	}
	if (!ly_sasl_set_user(s, user)) {
		ly_sasl_fail(s, out, LY_SASL_NOT_AUTHORIZED);
		return;
	}
	if (!ly_sasl_authzid_ok(s, authzid)) {
		ly_sasl_fail(s, out, LY_SASL_INVALID_AUTHZID);
		return;
	}
	ly_buf_add(&s->secret, rest.ptr, rest.len);
	s->state = LY_SASL_S_CREDENTIALS;
	out->kind = LY_SASL_NEED_CREDENTIALS;
	out->user = s->user;
}

static void credentials(struct ly_sasl *s, const struct ly_credentials *cred,
			struct ly_sasl_out *out)
{
	enum ly_scram_hash hash = LY_SCRAM_SHA256;
	const char *password = ly_buf_str(&s->secret);

	if (cred != NULL && cred->sha256.iterations == 0)
		hash = LY_SCRAM_SHA1;
	if (cred != NULL)
		s->keys = hash == LY_SCRAM_SHA1 ? cred->sha1 : cred->sha256;
	s->is_known = s->keys.iterations != 0;
	if (!s->is_known)
		ly_sasl_fake_keys(s, hash); /* takes as long as a known user does */
	if (password == NULL || !ly_scram_keys_check(&s->keys, hash, password) || !s->is_known) {
		ly_sasl_fail(s, out, LY_SASL_NOT_AUTHORIZED);
		return;
	}
	s->state = LY_SASL_S_END;
	out->kind = LY_SASL_SUCCESS;
	out->data = "";
	out->user = s->user;
}

const struct ly_sasl_mech ly_sasl_plain = {
	.name = "PLAIN",
	.step = step,
	.credentials = credentials,
};
