/* Outgoing RTP by libipsec-mb (x86-64): GCM by its direct calls, AES-CM with HMAC-SHA1 through
 * its job manager, which hashes several packets at once. No state per SSRC. */
#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/util.h"
#include "media/srtp/srtp_priv.h"

#define BATCH 32 /* jobs under way at once: more than the manager has lanes */

struct session {
	struct gcm_key_data gcm;                   /* AEAD profiles */
	DECLARE_ALIGNED(uint8_t enc[16 * 11], 16); /* AES-CM: expanded key */
	uint8_t ipad[20], opad[20];                /* HMAC-SHA1: hashed key blocks */
	uint8_t salt[LY_SRTP_SALT_MAX];
	void *mem; /* what was allocated: the struct is aligned within */
};

struct state {
	IMB_MGR *mgr; /* owned */
	struct gcm_context_data ctx;
	uint8_t iv[BATCH][16];
	uint8_t tag[BATCH][20];
};

static bool usable(void)
{
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
}

static void destroy(void *state)
{
	struct state *st = state;

	if (st->mgr)
		free_mb_mgr(st->mgr);
	ly_wipe(st, sizeof(*st));
	ly_free(st, LY_MEM_MEDIA);
}

static int create(void **state)
{
	struct state *st = ly_alloc(sizeof(*st), LY_MEM_MEDIA);
	IMB_ARCH arch;

	if (st == NULL)
		return -ENOMEM;
	st->mgr = alloc_mb_mgr(0);
	if (st->mgr == NULL) {
		destroy(st);
		return -ENOMEM;
	}
	init_mb_mgr_auto(st->mgr, &arch);
	*state = st;
	return 0;
}

/* RFC 2104: the state of the hash after the key block, XORed with ipad and opad. */
static void hmac_key(IMB_MGR *mgr, const uint8_t *key, size_t len, uint8_t pad, uint8_t *out)
{
	uint8_t block[IMB_SHA1_BLOCK_SIZE];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < len; i++)
		block[i] ^= key[i];
	IMB_SHA1_ONE_BLOCK(mgr, block, out);
	ly_wipe(block, sizeof(block));
}

static void expand_keys(IMB_MGR *mgr, struct session *s, enum ly_srtp_profile profile,
			const struct ly_srtp_session_keys *keys)
{
	DECLARE_ALIGNED(uint8_t dec[16 * 11], 16);

	memcpy(s->salt, keys->salt, sizeof(s->salt));
	switch (profile) {
	case LY_SRTP_AEAD_AES_128_GCM:
		IMB_AES128_GCM_PRE(mgr, keys->enc, &s->gcm);
		break;
	case LY_SRTP_AEAD_AES_256_GCM:
		IMB_AES256_GCM_PRE(mgr, keys->enc, &s->gcm);
		break;
	default:
		IMB_AES_KEYEXP_128(mgr, keys->enc, s->enc, dec);
		hmac_key(mgr, keys->auth, sizeof(keys->auth), 0x36, s->ipad);
		hmac_key(mgr, keys->auth, sizeof(keys->auth), 0x5c, s->opad);
		ly_wipe(dec, sizeof(dec));
		break;
	}
}

static int session_create(void *state, const struct ly_srtp_keys *keys, void **session)
{
	struct ly_srtp_session_keys derived;
	struct session *s;
	void *mem = ly_alloc(sizeof(*s) + 64, LY_MEM_MEDIA);
	int err;

	if (mem == NULL)
		return -ENOMEM;
	s = (struct session *)(((uintptr_t)mem + 63) & ~(uintptr_t)63);
	s->mem = mem;
	err = ly_srtp_derive(keys->profile, &keys->tx, &derived);
	if (err) {
		ly_free(mem, LY_MEM_MEDIA);
		return err;
	}
	expand_keys(((struct state *)state)->mgr, s, keys->profile, &derived);
	ly_wipe(&derived, sizeof(derived));
	*session = s;
	return 0;
}

static void set_session_keys(void *state, void *session, enum ly_srtp_profile profile,
			     const struct ly_srtp_session_keys *keys)
{
	expand_keys(((struct state *)state)->mgr, session, profile, keys);
}

static void session_destroy(void *session)
{
	struct session *s = session;
	void *mem = s->mem;

	ly_wipe(s, sizeof(*s));
	ly_free(mem, LY_MEM_MEDIA);
}

/* XORs SSRC (at off) and the 48-bit index behind it into the salt, which is what both modes do:
 * RFC 7714 s. 8.1 (off 2 of 12 bytes), RFC 3711 s. 4.1.1 (off 4 of 16, then two bytes of
 * counter). */
static void make_iv(uint8_t *iv, size_t off, const struct ly_srtp_job *j)
{
	for (size_t i = 0; i < 4; i++)
		iv[off + i] ^= j->pkt[8 + i];
	for (size_t i = 0; i < 6; i++)
		iv[off + 4 + i] ^= (uint8_t)(j->index >> (40 - 8 * i));
}

static void protect_gcm(struct state *st, struct ly_srtp_job *j)
{
	struct session *s = j->out->session;
	uint8_t iv[12];
	uint8_t *payload = j->pkt + j->header_len;
	size_t len = j->len - j->header_len;

	memcpy(iv, s->salt, sizeof(iv));
	make_iv(iv, 2, j);
	if (j->out->profile == LY_SRTP_AEAD_AES_128_GCM)
		IMB_AES128_GCM_ENC(st->mgr, &s->gcm, &st->ctx, payload, payload, len, iv, j->pkt,
				   j->header_len, payload + len, 16);
	else
		IMB_AES256_GCM_ENC(st->mgr, &s->gcm, &st->ctx, payload, payload, len, iv, j->pkt,
				   j->header_len, payload + len, 16);
	j->len += 16;
}

/* A job has come back from the manager: its tag goes over the ROC behind the packet. */
static void complete(struct state *st, const IMB_JOB *job)
{
	struct ly_srtp_job *j = job->user_data;
	size_t slot = (size_t)(uintptr_t)job->user_data2;

	if (job->status != IMB_STATUS_COMPLETED) {
		j->err = -EBADMSG;
		return;
	}
	memcpy(j->pkt + j->len, st->tag[slot], 10);
	j->len += 10;
}

static void submit_cm(struct state *st, struct ly_srtp_job *j, size_t slot)
{
	struct session *s = j->out->session;
	IMB_JOB *job = IMB_GET_NEXT_JOB(st->mgr);
	uint32_t roc = (uint32_t)(j->index >> 16);

	memset(st->iv[slot], 0, 16);
	memcpy(st->iv[slot], s->salt, 14);
	make_iv(st->iv[slot], 4, j);
	/* RFC 3711 s. 4.2: the ROC is hashed after the packet */
	for (size_t i = 0; i < 4; i++)
		j->pkt[j->len + i] = (uint8_t)(roc >> (24 - 8 * i));
	memset(job, 0, sizeof(*job));
	job->cipher_direction = IMB_DIR_ENCRYPT;
	job->chain_order = IMB_ORDER_CIPHER_HASH;
	job->cipher_mode = j->len > j->header_len ? IMB_CIPHER_CNTR : IMB_CIPHER_NULL;
	job->enc_keys = job->dec_keys = s->enc;
	job->key_len_in_bytes = 16;
	job->iv = st->iv[slot];
	job->iv_len_in_bytes = 16;
	job->src = j->pkt;
	job->dst = j->pkt + j->header_len;
	job->cipher_start_src_offset_in_bytes = j->header_len;
	job->msg_len_to_cipher_in_bytes = j->len - j->header_len;
	job->hash_alg = IMB_AUTH_HMAC_SHA_1;
	job->msg_len_to_hash_in_bytes = j->len + 4;
	job->u.HMAC._hashed_auth_key_xor_ipad = s->ipad;
	job->u.HMAC._hashed_auth_key_xor_opad = s->opad;
	job->auth_tag_output = st->tag[slot];
	job->auth_tag_output_len_in_bytes = 20;
	job->user_data = j;
	job->user_data2 = (void *)(uintptr_t)slot;
	for (job = IMB_SUBMIT_JOB(st->mgr); job; job = IMB_GET_COMPLETED_JOB(st->mgr))
		complete(st, job);
}

static void flush(struct state *st)
{
	IMB_JOB *job;

	while ((job = IMB_FLUSH_JOB(st->mgr)) != NULL)
		complete(st, job);
}

static void protect(void *state, struct ly_srtp_job *jobs, size_t n)
{
	struct state *st = state;
	size_t slot = 0;

	for (size_t i = 0; i < n; i++) {
		if (jobs[i].err)
			continue;
		if (jobs[i].out->profile != LY_SRTP_AES128_CM_SHA1_80) {
			protect_gcm(st, &jobs[i]);
			continue;
		}
		submit_cm(st, &jobs[i], slot);
		if (++slot == BATCH) {
			flush(st);
			slot = 0;
		}
	}
	flush(st);
}

const struct ly_srtp_engine_ops ly_srtp_engine_ipsec_mb = {
	.name = "ipsec-mb",
	.usable = usable,
	.create = create,
	.destroy = destroy,
	.session_create = session_create,
	.session_destroy = session_destroy,
	.protect = protect,
	.set_session_keys = set_session_keys,
};
