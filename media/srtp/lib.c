/* libsrtp2: set-up and translation. */
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "media/srtp/srtp_priv.h"

/* Packets this much older than the newest are still accepted once. */
#define REPLAY_WINDOW 1024

static void init_once(void)
{
	(void)srtp_init();
}

/* The library's tables are global; several media threads may be first. */
void ly_srtp_lib_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_once);
}

int ly_srtp_policy(srtp_policy_t *policy, enum ly_srtp_profile profile,
		   const struct ly_srtp_key *master, uint8_t *key_mem)
{
	size_t key = ly_srtp_key_len(profile), salt = ly_srtp_salt_len(profile);

	memset(policy, 0, sizeof(*policy));
	switch (profile) {
	case LY_SRTP_AES128_CM_SHA1_80:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
		break;
	case LY_SRTP_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
		break;
	case LY_SRTP_AEAD_AES_256_GCM:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
		break;
	default:
		return -EINVAL;
	}
	memcpy(key_mem, master->key, key);
	memcpy(key_mem + key, master->salt, salt);
	policy->key = key_mem;
	policy->window_size = REPLAY_WINDOW;
	return 0;
}

/* srtp_remove_stream() wants network order, unlike the library's other calls with an SSRC. */
void ly_srtp_remove(srtp_t session, uint32_t ssrc)
{
	(void)srtp_remove_stream(session, htonl(ssrc));
}

int ly_srtp_err(srtp_err_status_t status)
{
	switch (status) {
	case srtp_err_status_ok:
		return 0;
	case srtp_err_status_auth_fail:
	case srtp_err_status_cipher_fail:
	case srtp_err_status_key_expired:
		return -EACCES;
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		return -EEXIST;
	case srtp_err_status_alloc_fail:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}
