#include "server/io/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		       const unsigned char *in, unsigned int in_len, void *arg)
{
	const unsigned char *want = arg;

	(void)ssl;
	if (SSL_select_next_proto((unsigned char **)out, out_len, want, want[0] + 1u, in, in_len) ==
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void ly_tls_set_alpn(SSL_CTX *ctx, const char *protocol)
{
	static const unsigned char xmpp[] = "\013xmpp-client", http[] = "\010http/1.1";

	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn,
				   (void *)(strcmp(protocol, "xmpp-client") == 0 ? xmpp : http));
}

static const char *reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *s = ERR_reason_error_string(e);

	return s != NULL ? s : "unknown error";
}

static int load(SSL_CTX *ctx, const char *cert_path, const char *key_path, char *err, size_t cap)
{
	const char *paths[] = { cert_path, key_path };

	for (size_t i = 0; i < 2; i++) {
		if (access(paths[i], R_OK) == 0)
			continue;
		snprintf(err, cap, "cannot read the %s file %s: %s", i == 0 ? "certificate" : "key",
			 paths[i], strerror(errno));
		return -ENOENT;
	}
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1) {
		snprintf(err, cap, "%s is no PEM certificate: %s", cert_path, reason());
		return -EBADMSG;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1) {
		snprintf(err, cap, "%s is no usable key for %s: %s", key_path, cert_path, reason());
		return -EBADMSG;
	}
	return 0;
}

SSL_CTX *ly_tls_ctx_create(const char *cert_path, const char *key_path, char *err, size_t err_cap)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL) {
		snprintf(err, err_cap, "out of memory");
		return NULL;
	}
	if (load(ctx, cert_path, key_path, err, err_cap) != 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_num_tickets(ctx, 0);
	return ctx;
}

int ly_tls_exporter(SSL *ssl, uint8_t out[32])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_version(ssl) != TLS1_3_VERSION)
		return -EPROTO;
	return SSL_export_keying_material(ssl, out, 32, label, sizeof(label) - 1, NULL, 0, 0) == 1
		       ? 0
		       : -EPROTO;
}

static int add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX v3;
	X509_EXTENSION *ext;
	int ok;

	X509V3_set_ctx_nodb(&v3);
	X509V3_set_ctx(&v3, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &v3, nid, value);
	if (ext == NULL)
		return 0;
	ok = X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static X509 *make_cert(EVP_PKEY *key, const char *domain)
{
	X509 *x = X509_new();
	X509_NAME *name;
	char alt[1200];
	uint64_t serial = 0;
	int ok;

	if (x == NULL)
		return NULL;
	RAND_bytes((unsigned char *)&serial, sizeof(serial) - 1);
	snprintf(alt, sizeof(alt), "DNS:%s,DNS:*.%s,DNS:localhost,IP:127.0.0.1,IP:::1", domain,
		 domain);
	name = X509_get_subject_name(x);
	/* a common name holds 64 characters; the alternative names are what counts */
	ok = X509_set_version(x, 2) && ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) &&
	     X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	     X509_time_adj_ex(X509_getm_notAfter(x), 3650, 0, NULL) != NULL &&
	     X509_NAME_add_entry_by_txt(
		     name, "CN", MBSTRING_UTF8,
		     (const unsigned char *)(strlen(domain) <= 64 ? domain : "lyceum"), -1, -1,
		     0) &&
	     X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
	     add_ext(x, NID_subject_alt_name, alt) &&
	     add_ext(x, NID_basic_constraints, "critical,CA:FALSE") &&
	     add_ext(x, NID_ext_key_usage, "serverAuth") && X509_sign(x, key, EVP_sha256()) > 0;
	if (!ok) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static FILE *open_new(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int write_pair(EVP_PKEY *key, X509 *x, const char *cert_path, const char *key_path)
{
	FILE *kf = open_new(key_path, 0600), *cf = open_new(cert_path, 0644);
	int ok = kf != NULL && cf != NULL &&
		 PEM_write_PrivateKey(kf, key, NULL, NULL, 0, NULL, NULL) && PEM_write_X509(cf, x);

	if (kf != NULL && fclose(kf) != 0)
		ok = 0;
	if (cf != NULL && fclose(cf) != 0)
		ok = 0;
	return ok ? 0 : -EIO;
}

int ly_tls_self_made(const char *dir, const char *domain, char *cert_path, char *key_path,
		     size_t path_cap, char *err, size_t err_cap)
{
	EVP_PKEY *key;
	X509 *x;
	int rc = -EIO;

	if ((size_t)snprintf(cert_path, path_cap, "%s/cert.pem", dir) >= path_cap ||
	    (size_t)snprintf(key_path, path_cap, "%s/key.pem", dir) >= path_cap)
		return -ENOSPC;
	if (access(cert_path, R_OK) == 0 && access(key_path, R_OK) == 0)
		return 0;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		snprintf(err, err_cap, "cannot create the data directory %s: %s", dir,
			 strerror(errno));
		return -EIO;
	}
	key = EVP_EC_gen("P-256");
	x = key != NULL ? make_cert(key, domain) : NULL;
	if (x != NULL)
		rc = write_pair(key, x, cert_path, key_path);
	if (rc != 0)
		snprintf(err, err_cap, "cannot write a self-made certificate to %s: %s", dir,
			 x == NULL ? reason() : strerror(errno));
	X509_free(x);
	EVP_PKEY_free(key);
	return rc;
}
