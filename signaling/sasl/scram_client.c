/* The client's side of SCRAM, for tests, tools and the load generator. */
#include <errno.h>
#include <stdio.h>

#include "signaling/sasl/sasl_priv.h"

int ly_scram_client_init(struct ly_scram_client *c, enum ly_scram_hash hash, const char *user,
			 const char *password, const char *cb_type, struct ly_span cb,
			 struct ly_rand *rand)
{
	size_t n = 0;

	memset(c, 0, sizeof(*c));
	if (3 * strlen(user) >= sizeof(c->user) || strlen(password) >= sizeof(c->password) ||
	    (cb_type && strlen(cb_type) + 6 > sizeof(c->gs2)))
		return -EINVAL;
	c->hash = hash;
	c->cb = cb;
	for (; *user; user++) {
		if (*user == ',' || *user == '=') {
			memcpy(c->user + n, *user == ',' ? "=2C" : "=3D", 3);
			n += 3;
		} else {
			c->user[n++] = *user;
		}
	}
	strcpy(c->password, password);
	if (cb_type != NULL)
		snprintf(c->gs2, sizeof(c->gs2), "p=%s,,", cb_type);
	else
		strcpy(c->gs2, "n,,");
	ly_rand_text(rand, c->nonce, 24);
	return 0;
}

static int copy_out(struct ly_buf *b, char *out, size_t cap)
{
	size_t len = b->len;
	int err = b->err ? -ENOMEM : len >= cap ? -ENOSPC : 0;

	if (!err) {
		memcpy(out, b->ptr, len);
		out[len] = '\0';
	}
	ly_buf_fini(b);
	return err ? err : (int)len;
}

/* The final message's proof, and the signature that the server must answer with. */
static void add_proof(struct ly_scram_client *c, struct ly_buf *final, const uint8_t *salted,
		      struct ly_span auth)
{
	uint8_t key[LY_SCRAM_HASH_MAX], stored[LY_SCRAM_HASH_MAX], sig[LY_SCRAM_HASH_MAX];
	size_t len = ly_scram_hash_len(c->hash);

	ly_scram_hmac(c->hash, ly_span(salted, len), ly_span_str("Client Key"), key);
	ly_scram_digest(c->hash, key, stored);
	ly_scram_hmac(c->hash, ly_span(stored, len), auth, sig);
	for (size_t i = 0; i < len; i++)
		key[i] ^= sig[i];
	ly_buf_adds(final, ",p=");
	ly_buf_add_base64(final, ly_span(key, len));
	ly_scram_hmac(c->hash, ly_span(salted, len), ly_span_str("Server Key"), key);
	ly_scram_hmac(c->hash, ly_span(key, len), auth, sig);
	ly_base64_encode(c->server_sig, sizeof(c->server_sig), ly_span(sig, len));
}

static uint32_t number(struct ly_span s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s.len && i < 9 && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
		n = n * 10 + (s.ptr[i] - '0');
	return n;
}

static int make_final(struct ly_scram_client *c, struct ly_span in, char *out, size_t cap)
{
	struct ly_span rest = in, nonce, salt64, iter;
	uint8_t salt[256], salted[LY_SCRAM_HASH_MAX];
	struct ly_buf final, auth, cb;
	int salt_len;

	if (!ly_scram_take(&rest, 'r', &nonce) || !ly_scram_take(&rest, 's', &salt64) ||
	    !ly_scram_take(&rest, 'i', &iter) || nonce.len <= strlen(c->nonce) ||
	    memcmp(nonce.ptr, c->nonce, strlen(c->nonce)) != 0)
		return -EBADMSG;
	salt_len = ly_base64_decode(salt, sizeof(salt), (const char *)salt64.ptr, salt64.len);
	if (salt_len < 0 || ly_scram_salted(c->hash, c->password, ly_span(salt, (size_t)salt_len),
					    number(iter), salted))
		return -EBADMSG;
	ly_buf_init(&final, LY_MEM_MISC, 0);
	ly_buf_init(&auth, LY_MEM_MISC, 0);
	ly_buf_init(&cb, LY_MEM_MISC, 0);
	ly_buf_adds(&cb, c->gs2);
	ly_buf_add(&cb, c->cb.ptr, c->cb.len);
	ly_buf_adds(&final, "c=");
	ly_buf_add_base64(&final, ly_buf_span(&cb));
	ly_buf_adds(&final, ",r=");
	ly_buf_add(&final, nonce.ptr, nonce.len);
	ly_buf_printf(&auth, "n=%s,r=%s,", c->user, c->nonce);
	ly_buf_add(&auth, in.ptr, in.len);
	ly_buf_addc(&auth, ',');
	ly_buf_add(&auth, final.ptr, final.len);
	add_proof(c, &final, salted, ly_buf_span(&auth));
	ly_buf_fini(&auth);
	ly_buf_fini(&cb);
	return copy_out(&final, out, cap);
}

int ly_scram_client_step(struct ly_scram_client *c, struct ly_span in, char *out, size_t cap)
{
	struct ly_span sig;
	struct ly_buf b;

	switch (c->step++) {
	case 0:
		ly_buf_init(&b, LY_MEM_MISC, 0);
		ly_buf_printf(&b, "%sn=%s,r=%s", c->gs2, c->user, c->nonce);
		return copy_out(&b, out, cap);
	case 1:
		return make_final(c, in, out, cap);
	case 2:
		if (!ly_scram_take(&in, 'v', &sig))
			return -EBADMSG;
		if (!ly_span_equal(sig, ly_span_str(c->server_sig)))
			return -EACCES;
		if (cap > 0)
			out[0] = '\0';
		return 0;
	default:
		return -EBADMSG;
	}
}
