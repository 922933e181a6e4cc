#include <assert.h>
#include <errno.h>

#include "signaling/sasl/sasl_priv.h"

/* Longest message of a client: a name, a nonce and channel binding data fit many times. */
#define MESSAGE_MAX 8192

const struct ly_sasl_mech *const ly_sasl_mechs[] = {
	&ly_sasl_scram_sha256_plus, &ly_sasl_scram_sha256, &ly_sasl_scram_sha1_plus,
	&ly_sasl_scram_sha1,        &ly_sasl_plain,        NULL,
};

static const char *const conds[LY_SASL_N_COND] = {
	[LY_SASL_ABORTED] = "aborted",
	[LY_SASL_ACCOUNT_DISABLED] = "account-disabled",
	[LY_SASL_ENCRYPTION_REQUIRED] = "encryption-required",
	[LY_SASL_INCORRECT_ENCODING] = "incorrect-encoding",
	[LY_SASL_INVALID_AUTHZID] = "invalid-authzid",
	[LY_SASL_INVALID_MECHANISM] = "invalid-mechanism",
	[LY_SASL_MALFORMED_REQUEST] = "malformed-request",
	[LY_SASL_NOT_AUTHORIZED] = "not-authorized",
	[LY_SASL_TEMPORARY_AUTH_FAILURE] = "temporary-auth-failure",
};

const char *ly_sasl_cond_name(enum ly_sasl_cond cond)
{
	return (size_t)cond < LY_SASL_N_COND ? conds[cond] : "temporary-auth-failure";
}

bool ly_sasl_mech_is_on(const struct ly_sasl_mech *mech, const struct ly_sasl_conf *conf)
{
	if (mech == &ly_sasl_plain)
		return conf->secure;
	return !mech->plus || conf->exporter.len || conf->endpoint.len;
}

int ly_sasl_create(struct ly_sasl **out, const struct ly_sasl_conf *conf, const char *mech)
{
	const struct ly_sasl_mech *const *m = ly_sasl_mechs;
	struct ly_sasl *s;

	while (*m != NULL && strcmp((*m)->name, mech) != 0)
		m++;
	if (*m == NULL || !ly_sasl_mech_is_on(*m, conf))
		return -ENOENT;
	s = ly_alloc(sizeof(*s), LY_MEM_SESSION);
	if (s == NULL)
		return -ENOMEM;
	s->conf = *conf;
	s->mech = *m;
	ly_buf_init(&s->data, LY_MEM_SESSION, 0);
	ly_buf_init(&s->gs2, LY_MEM_SESSION, 0);
	ly_buf_init(&s->auth, LY_MEM_SESSION, 0);
	ly_buf_init(&s->nonce, LY_MEM_SESSION, 0);
	ly_buf_init(&s->secret, LY_MEM_SESSION, 0);
	*out = s;
	return 0;
}

void ly_sasl_free(struct ly_sasl *s)
{
	if (s == NULL)
		return;
	if (s->secret.ptr != NULL)
		ly_wipe(s->secret.ptr, s->secret.cap);
	ly_buf_fini(&s->data);
	ly_buf_fini(&s->gs2);
	ly_buf_fini(&s->auth);
	ly_buf_fini(&s->nonce);
	ly_buf_fini(&s->secret);
	ly_wipe(s, sizeof(*s));
	ly_free(s, LY_MEM_SESSION);
}

void ly_sasl_fail(struct ly_sasl *s, struct ly_sasl_out *out, enum ly_sasl_cond cond)
{
	s->state = LY_SASL_S_END;
	out->kind = LY_SASL_FAILURE;
	out->cond = cond;
	out->user = s->user[0] ? s->user : NULL;
}

void ly_sasl_step(struct ly_sasl *s, struct ly_span in, struct ly_sasl_out *out)
{
	*out = (struct ly_sasl_out) { .kind = LY_SASL_FAILURE };
	ly_buf_reset(&s->data);
	if (in.len > MESSAGE_MAX || (s->state != LY_SASL_S_FIRST && s->state != LY_SASL_S_FINAL)) {
		ly_sasl_fail(s, out, LY_SASL_MALFORMED_REQUEST);
		return;
	}
	s->mech->step(s, in, out);
}

void ly_sasl_credentials(struct ly_sasl *s, const struct ly_credentials *cred,
			 struct ly_sasl_out *out)
{
	*out = (struct ly_sasl_out) { .kind = LY_SASL_FAILURE };
	ly_buf_reset(&s->data);
	if (s->state != LY_SASL_S_CREDENTIALS)
		ly_sasl_fail(s, out, LY_SASL_TEMPORARY_AUTH_FAILURE);
	else
		s->mech->credentials(s, cred, out);
}

bool ly_sasl_set_user(struct ly_sasl *s, struct ly_span name)
{
	char raw[LY_JID_PART_MAX + 1];

	if (name.len == 0 || name.len >= sizeof(raw) || memchr(name.ptr, 0, name.len) != NULL)
		return false;
	memcpy(raw, name.ptr, name.len);
	raw[name.len] = '\0';
	return ly_jid_prep_local(s->user, sizeof(s->user), raw) == 0;
}

bool ly_sasl_authzid_ok(const struct ly_sasl *s, struct ly_span authzid)
{
	struct ly_arena arena;
	struct ly_jid jid;
	bool ok = false;
	char *text;

	if (authzid.len == 0)
		return true;
	ly_arena_init(&arena, LY_MEM_SESSION, 0);
	text = ly_arena_strndup(&arena, (const char *)authzid.ptr, authzid.len);
	if (text != NULL && strlen(text) == authzid.len && ly_jid_parse(&jid, &arena, text) == 0)
		ok = jid.local && !jid.resource && strcmp(jid.local, s->user) == 0 &&
		     strcmp(jid.domain, s->conf.domain) == 0;
	ly_arena_fini(&arena);
	return ok;
}

void ly_sasl_fake_keys(struct ly_sasl *s, enum ly_scram_hash hash)
{
	uint8_t mac[LY_SCRAM_HASH_MAX] = { 0 };

	ly_scram_hmac(hash, s->conf.secret, ly_span_str(s->user), mac);
	memset(&s->keys, 0, sizeof(s->keys));
	s->keys.iterations = LY_SCRAM_ITERATIONS;
	s->keys.salt_len = 16;
	memcpy(s->keys.salt, mac, 16);
	ly_rand_bytes(s->conf.rand, s->keys.stored, sizeof(s->keys.stored));
	ly_rand_bytes(s->conf.rand, s->keys.server, sizeof(s->keys.server));
}
