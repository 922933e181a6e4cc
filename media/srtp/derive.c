/* Key derivation: AES in counter mode over label and salt (RFC 3711 s. 4.3.3); key derivation
 * rate 0. */
#include <openssl/evp.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "media/srtp/srtp_priv.h"

static int derive_one(enum ly_srtp_profile profile, const struct ly_srtp_key *master, uint8_t label,
		      uint8_t *out, size_t len)
{
	const EVP_CIPHER *cipher =
		ly_srtp_key_len(profile) == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[16] = { 0 };
	int n, err = -ENOMEM;

	/* x = (label || index 0) XOR salt: the label is byte 7 of 14; RFC 7714 s. 11 pads a 96-bit
	 * salt with zeros at the right */
	memcpy(iv, master->salt, ly_srtp_salt_len(profile));
	iv[7] ^= label;
	memset(out, 0, len);
	if (ctx && EVP_EncryptInit_ex(ctx, cipher, NULL, master->key, iv) == 1 &&
	    EVP_EncryptUpdate(ctx, out, &n, out, (int)len) == 1)
		err = 0;
	EVP_CIPHER_CTX_free(ctx);
	return err;
}

int ly_srtp_derive(enum ly_srtp_profile profile, const struct ly_srtp_key *master,
		   struct ly_srtp_session_keys *out)
{
	int err;

	if (ly_srtp_key_len(profile) == 0)
		return -EINVAL;
	err = derive_one(profile, master, 0, out->enc, ly_srtp_key_len(profile));
	if (err == 0)
		err = derive_one(profile, master, 1, out->auth, sizeof(out->auth));
	if (err == 0)
		err = derive_one(profile, master, 2, out->salt, ly_srtp_salt_len(profile));
	if (err)
		ly_wipe(out, sizeof(*out));
	return err;
}
