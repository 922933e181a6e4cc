#ifndef LY_MEDIA_DTLS_DTLS_PRIV_H
#define LY_MEDIA_DTLS_DTLS_PRIV_H

#include <openssl/ssl.h>

#include "media/dtls/dtls.h"

struct ly_dtls_ctx {
	SSL_CTX *ssl_ctx;
	char fingerprint[LY_FINGERPRINT_MAX];
};

/** Makes the key and the certificate of @p ctx. @return 0, -ENOMEM */
int ly_dtls_make_cert(SSL_CTX *ctx);
/** Writes "AA:BB:..." of @p cert. @return the length, -EINVAL (unknown hash), -ENOSPC */
int ly_dtls_cert_fingerprint(const X509 *cert, const char *hash, char *out, size_t cap);

#endif
