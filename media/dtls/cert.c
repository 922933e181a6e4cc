#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <strings.h>

#include "base/err.h"
#include "base/util.h"
#include "media/dtls/dtls_priv.h"

#define DAY (24L * 3600)

static X509 *new_cert(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name;
	unsigned char serial[8];
	BIGNUM *bn = NULL;
	bool ok;

	if (cert == NULL || RAND_bytes(serial, sizeof(serial)) != 1)
		goto fail;
	serial[0] &= 0x7f;
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	name = X509_get_subject_name(cert);
	/* a fixed name: nothing about the server or its users belongs here (RFC 8827 s. 6.5) */
	ok = bn != NULL && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL &&
	     X509_set_version(cert, 2) == 1 &&
	     X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) != NULL &&
	     X509_gmtime_adj(X509_getm_notAfter(cert), 30 * DAY) != NULL &&
	     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC",
					-1, -1, 0) == 1 &&
	     X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
	     X509_sign(cert, key, EVP_sha256()) > 0;
	BN_free(bn);
	if (ok)
		return cert;
fail:
	X509_free(cert);
	return NULL;
}

int ly_dtls_make_cert(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? new_cert(key) : NULL;
	int err = 0;

	if (cert == NULL || SSL_CTX_use_certificate(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1)
		err = -ENOMEM;
	X509_free(cert);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return err;
}

int ly_dtls_cert_fingerprint(const X509 *cert, const char *hash, char *out, size_t cap)
{
	static const struct {
		const char *name;
		const EVP_MD *(*md)(void);
	} hashes[] = {
		{ "sha-256", EVP_sha256 },
		{ "sha-1", EVP_sha1 },
		{ "sha-384", EVP_sha384 },
		{ "sha-512", EVP_sha512 },
	};
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	const EVP_MD *md = NULL;

	for (size_t i = 0; i < LY_COUNTOF(hashes); i++)
		if (strcasecmp(hash, hashes[i].name) == 0)
			md = hashes[i].md();
	if (md == NULL || (cert && X509_digest(cert, md, digest, &len) != 1))
		return -EINVAL;
	if (cert == NULL)
		len = (unsigned)EVP_MD_get_size(md);
	if (cap < 3 * len)
		return -ENOSPC;
	for (unsigned i = 0; cert && i < len; i++)
		snprintf(out + 3 * i, 4, "%02X%s", digest[i], i + 1 < len ? ":" : "");
	return (int)(3 * len - 1);
}
