/* TLS contexts: the server's certificate for all TLS ports, reloadable, and one that the server
 * makes for itself when none is configured. */
#ifndef LY_SERVER_IO_TLS_H
#define LY_SERVER_IO_TLS_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "base/time.h"

/** Loads a certificate chain and key (PEM files). TLS 1.2 and up, no sessions, no tickets, buffers
 *  released while idle. (Dropping the session after the handshake would save more, but OpenSSL 3.0
 * then writes records without encryption.) @p err gets a sentence that names the file and what to
 * do on failure.
 *  @return the context (one reference), or NULL */
SSL_CTX *ly_tls_ctx_create(const char *cert_path, const char *key_path, char *err, size_t err_cap);

/** ALPN: accept "xmpp-client" (RFC 7590, XEP-0368) or "http/1.1"; a client that asks for neither is
 *  refused, one that does not ask is accepted. */
void ly_tls_set_alpn(SSL_CTX *ctx, const char *protocol);

/** Makes cert.pem and key.pem (P-256, 0600, ten years) for @p domain and its sub-hosts in @p dir
 * unless both are there; their paths are written to the given buffers.
 *  @return 0, -EIO (err tells), -ENOSPC */
int ly_tls_self_made(const char *dir, const char *domain, char *cert_path, char *key_path,
		     size_t path_cap, char *err, size_t err_cap);

/** tls-exporter channel binding (RFC 9266): 32 bytes. @return 0, -EPROTO (not TLS 1.3) */
int ly_tls_exporter(SSL *ssl, uint8_t out[32]);

#endif
