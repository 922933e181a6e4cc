#include "media/dtls/dtls.h"

#include <assert.h>
#include <openssl/err.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/log.h"
#include "media/dtls/dtls_priv.h"

/* What one datagram may carry: below the smallest MTU met in practice (RFC 8831 s. 5 uses 1200). */
#define MTU 1200
#define RECORD_HEADER 13
/* A peer's certificate chain is one small certificate. */
#define MAX_CERT_LIST 16384
/* Retransmissions: first after, at most every. */
#define RTO_MIN 250000
#define RTO_MAX 4000000
/* In case the peer disappears in the middle; also ends what OpenSSL would keep trying. */
#define HANDSHAKE_TIMEOUT LY_SEC(30)
/* Longest: sha-512 */
#define FINGERPRINT_CAP 200

struct ly_dtls {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	enum ly_dtls_role role;
	enum ly_dtls_state state;
	const char *error; /* static */
	size_t sent;       /* bytes of out that were handed to the caller */
	ly_usec deadline;  /* next retransmission */
	ly_usec give_up;   /* end of the handshake's time */
	char hash[8];
	char fingerprint[FINGERPRINT_CAP]; /* the peer's; empty = not known yet */
	struct ly_srtp_keys keys;
	struct ly_log log;
};

const char *ly_dtls_state_name(enum ly_dtls_state state)
{
	static const char *const names[] = { "new",   "handshake", "keyed",
					     "ready", "closed",    "failed" };

	return names[state];
}

static void set_state(struct ly_dtls *d, enum ly_dtls_state to, const char *why)
{
	static const uint8_t allowed[] = {
		[LY_DTLS_NEW] = 1 << LY_DTLS_HANDSHAKE | 1 << LY_DTLS_FAILED | 1 << LY_DTLS_CLOSED,
		[LY_DTLS_HANDSHAKE] =
			1 << LY_DTLS_KEYED | 1 << LY_DTLS_FAILED | 1 << LY_DTLS_CLOSED,
		[LY_DTLS_KEYED] = 1 << LY_DTLS_READY | 1 << LY_DTLS_FAILED | 1 << LY_DTLS_CLOSED,
		[LY_DTLS_READY] = 1 << LY_DTLS_CLOSED | 1 << LY_DTLS_FAILED,
		[LY_DTLS_FAILED] = 0,
	};

	if (d->state == to || !(allowed[d->state] & 1 << to))
		return;
	ly_log(&d->log, to == LY_DTLS_FAILED ? LY_WARN : LY_DEBUG, "dtls-state",
	       "from=%s to=%s why=%s", ly_dtls_state_name(d->state), ly_dtls_state_name(to), why);
	d->state = to;
	if (to == LY_DTLS_FAILED)
		d->error = why;
	if (to >= LY_DTLS_READY)
		d->deadline = d->give_up = LY_NEVER;
}

/* ---- the shared context ---- */

/* The peer's certificate is compared with the fingerprint from the signalling, nothing else. */
static int accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static unsigned next_timeout(SSL *ssl, unsigned last_us)
{
	(void)ssl;
	if (last_us == 0)
		return RTO_MIN;
	return LY_MIN(last_us * 2, RTO_MAX);
}

int ly_dtls_ctx_create(struct ly_dtls_ctx **out)
{
	struct ly_dtls_ctx *ctx = ly_alloc(sizeof(*ctx), LY_MEM_MEDIA);
	SSL_CTX *s;

	if (ctx == NULL)
		return -ENOMEM;
	s = ctx->ssl_ctx = SSL_CTX_new(DTLS_method());
	if (s == NULL || SSL_CTX_set_min_proto_version(s, DTLS1_2_VERSION) != 1 ||
	    ly_dtls_make_cert(s) != 0 ||
	    SSL_CTX_set_tlsext_use_srtp(s, "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:"
					   "SRTP_AES128_CM_SHA1_80") != 0 ||
	    SSL_CTX_set_cipher_list(s, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES") != 1 ||
	    ly_dtls_cert_fingerprint(SSL_CTX_get0_certificate(s), "sha-256", ctx->fingerprint,
				     sizeof(ctx->fingerprint)) < 0) {
		ly_dtls_ctx_destroy(ctx);
		ERR_clear_error();
		return -ENOMEM;
	}
	SSL_CTX_set_verify(s, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
	SSL_CTX_set_options(s, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
				       SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(s, MAX_CERT_LIST);
	SSL_CTX_set_read_ahead(s, 1);
	*out = ctx;
	return 0;
}

void ly_dtls_ctx_destroy(struct ly_dtls_ctx *ctx)
{
	if (ctx == NULL)
		return;
	SSL_CTX_free(ctx->ssl_ctx);
	ly_free(ctx, LY_MEM_MEDIA);
}

const char *ly_dtls_ctx_fingerprint(const struct ly_dtls_ctx *ctx)
{
	return ctx->fingerprint;
}

/* ---- one transport ---- */

int ly_dtls_create(struct ly_dtls **out, struct ly_dtls_ctx *ctx, enum ly_dtls_role role,
		   const char *log_id)
{
	struct ly_dtls *d = ly_alloc(sizeof(*d), LY_MEM_MEDIA);

	if (d == NULL)
		return -ENOMEM;
	d->role = role;
	d->error = "";
	d->deadline = d->give_up = LY_NEVER;
	d->log = (struct ly_log) { "dtls", log_id ? log_id : "" };
	d->ssl = SSL_new(ctx->ssl_ctx);
	d->in = BIO_new(BIO_s_mem());
	d->out = BIO_new(BIO_s_mem());
	if (d->ssl == NULL || d->in == NULL || d->out == NULL) {
		SSL_free(d->ssl);
		BIO_free(d->in);
		BIO_free(d->out);
		ly_free(d, LY_MEM_MEDIA);
		ERR_clear_error();
		return -ENOMEM;
	}
	BIO_set_mem_eof_return(d->in, -1);
	BIO_set_mem_eof_return(d->out, -1);
	SSL_set_bio(d->ssl, d->in, d->out);
	SSL_set_mtu(d->ssl, MTU);
	DTLS_set_timer_cb(d->ssl, next_timeout);
	if (role == LY_DTLS_SERVER)
		SSL_set_accept_state(d->ssl);
	else
		SSL_set_connect_state(d->ssl);
	*out = d;
	return 0;
}

void ly_dtls_destroy(struct ly_dtls *dtls)
{
	if (dtls == NULL)
		return;
	SSL_free(dtls->ssl);
	ly_wipe(&dtls->keys, sizeof(dtls->keys));
	ly_free(dtls, LY_MEM_MEDIA);
}

static void check_fingerprint(struct ly_dtls *d)
{
	char seen[FINGERPRINT_CAP];
	X509 *cert = SSL_get0_peer_certificate(d->ssl);

	if (cert == NULL || ly_dtls_cert_fingerprint(cert, d->hash, seen, sizeof(seen)) < 0 ||
	    strcasecmp(seen, d->fingerprint) != 0)
		set_state(d, LY_DTLS_FAILED, "fingerprint mismatch");
	else
		set_state(d, LY_DTLS_READY, "fingerprint matches");
}

/* RFC 5764 s. 4.2: client key, server key, client salt, server salt. */
static bool export_keys(struct ly_dtls *d)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	uint8_t material[2 * (LY_SRTP_KEY_MAX + LY_SRTP_SALT_MAX)];
	SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(d->ssl);
	enum ly_srtp_profile profile = p ? (enum ly_srtp_profile)p->id : LY_SRTP_NONE;
	size_t key = ly_srtp_key_len(profile), salt = ly_srtp_salt_len(profile);
	struct ly_srtp_key *client = d->role == LY_DTLS_CLIENT ? &d->keys.tx : &d->keys.rx;
	struct ly_srtp_key *server = d->role == LY_DTLS_CLIENT ? &d->keys.rx : &d->keys.tx;
	bool ok;

	if (key == 0)
		return false;
	ok = SSL_export_keying_material(d->ssl, material, 2 * (key + salt), label,
					sizeof(label) - 1, NULL, 0, 0) == 1;
	if (ok) {
		d->keys.profile = profile;
		memcpy(client->key, material, key);
		memcpy(server->key, material + key, key);
		memcpy(client->salt, material + 2 * key, salt);
		memcpy(server->salt, material + 2 * key + salt, salt);
	}
	ly_wipe(material, sizeof(material));
	return ok;
}

static void finished(struct ly_dtls *d)
{
	if (!export_keys(d)) {
		/* the handshake succeeds when no SRTP profile is shared, but it is of no use */
		set_state(d, LY_DTLS_FAILED, "no common SRTP profile");
		return;
	}
	set_state(d, LY_DTLS_KEYED, "handshake finished");
	if (d->fingerprint[0])
		check_fingerprint(d);
}

/* Lets OpenSSL work on what is in the input. */
static void drive(struct ly_dtls *d, ly_usec now)
{
	uint8_t data[256]; /* no application data is expected */
	int r, err;

	if (d->state == LY_DTLS_FAILED || d->state == LY_DTLS_CLOSED)
		return;
	ERR_clear_error();
	if (!SSL_is_init_finished(d->ssl)) {
		r = SSL_do_handshake(d->ssl);
		if (r == 1)
			finished(d);
	} else {
		do
			r = SSL_read(d->ssl, data, sizeof(data));
		while (r > 0);
	}
	err = r == 1 ? SSL_ERROR_NONE : SSL_get_error(d->ssl, r);
	if (err == SSL_ERROR_ZERO_RETURN)
		set_state(d, LY_DTLS_CLOSED, "close_notify received");
	else if (err == SSL_ERROR_SSL || err == SSL_ERROR_SYSCALL)
		set_state(d, LY_DTLS_FAILED,
			  SSL_is_init_finished(d->ssl) ? "fatal alert" : "handshake failed");
	ERR_clear_error();
	(void)now;
}

static void update_deadline(struct ly_dtls *d, ly_usec now)
{
	struct timeval left;

	d->deadline = LY_NEVER;
	if (d->state != LY_DTLS_HANDSHAKE)
		return;
	if (DTLSv1_get_timeout(d->ssl, &left) == 1)
		d->deadline = now + LY_SEC(left.tv_sec) + left.tv_usec;
}

static void begin(struct ly_dtls *d, ly_usec now)
{
	if (d->state != LY_DTLS_NEW)
		return;
	d->give_up = now + HANDSHAKE_TIMEOUT;
	set_state(d, LY_DTLS_HANDSHAKE, "started");
}

int ly_dtls_start(struct ly_dtls *dtls, ly_usec now)
{
	if (dtls->state != LY_DTLS_NEW)
		return -EPROTO;
	if (dtls->role == LY_DTLS_SERVER)
		return 0;
	begin(dtls, now);
	drive(dtls, now);
	update_deadline(dtls, now);
	return 0;
}

int ly_dtls_set_fingerprint(struct ly_dtls *dtls, ly_usec now, const char *hash, const char *text)
{
	int len = ly_dtls_cert_fingerprint(NULL, hash, NULL, SIZE_MAX);

	(void)now;
	if (len < 0 || strlen(text) != (size_t)len ||
	    strspn(text, "0123456789abcdefABCDEF:") != (size_t)len)
		return -EINVAL;
	if (dtls->fingerprint[0])
		return strcasecmp(dtls->hash, hash) == 0 && strcasecmp(dtls->fingerprint, text) == 0
			       ? 0
			       : -EEXIST;
	memcpy(dtls->hash, hash, strlen(hash) + 1);
	memcpy(dtls->fingerprint, text, (size_t)len + 1);
	if (dtls->state == LY_DTLS_KEYED)
		check_fingerprint(dtls);
	return dtls->state == LY_DTLS_FAILED ? -EACCES : 0;
}

int ly_dtls_recv(struct ly_dtls *dtls, ly_usec now, struct ly_span pkt)
{
	if (dtls->state == LY_DTLS_CLOSED || dtls->state == LY_DTLS_FAILED)
		return -EPROTO;
	if (pkt.len < RECORD_HEADER || pkt.len > 0xffff || pkt.ptr[0] < 20 || pkt.ptr[0] > 63)
		return -EBADMSG;
	begin(dtls, now);
	(void)BIO_reset(dtls->in); /* one datagram at a time: OpenSSL must not join two */
	if (BIO_write(dtls->in, pkt.ptr, (int)pkt.len) != (int)pkt.len)
		return 0; /* out of memory: like a lost datagram */
	drive(dtls, now);
	update_deadline(dtls, now);
	return dtls->state == LY_DTLS_FAILED ? -EPROTO : 0;
}

void ly_dtls_tick(struct ly_dtls *dtls, ly_usec now)
{
	if (now >= dtls->give_up && dtls->state == LY_DTLS_HANDSHAKE)
		set_state(dtls, LY_DTLS_FAILED, "handshake timed out");
	if (dtls->state != LY_DTLS_HANDSHAKE || now < dtls->deadline)
		return;
	ERR_clear_error();
	if (DTLSv1_handle_timeout(dtls->ssl) < 0)
		set_state(dtls, LY_DTLS_FAILED, "handshake timed out");
	ERR_clear_error();
	update_deadline(dtls, now);
}

/* A memory BIO loses the ends of datagrams: as many whole records as fit one make the next. */
static size_t datagram_len(const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (len - n >= RECORD_HEADER) {
		size_t record = RECORD_HEADER + ((size_t)p[n + 11] << 8 | p[n + 12]);

		if (record > len - n || (n > 0 && n + record > MTU))
			break;
		n += record;
	}
	return n;
}

bool ly_dtls_poll(struct ly_dtls *dtls, struct ly_span *out)
{
	char *mem;
	long len = BIO_get_mem_data(dtls->out, &mem);
	size_t n;

	if (len <= 0 || (size_t)len <= dtls->sent) {
		if (len > 0)
			(void)BIO_reset(dtls->out);
		dtls->sent = 0;
		return false;
	}
	n = datagram_len((uint8_t *)mem + dtls->sent, (size_t)len - dtls->sent);
	assert(n > 0);
	*out = ly_span(mem + dtls->sent, n);
	dtls->sent += n;
	return true;
}

ly_usec ly_dtls_deadline(const struct ly_dtls *dtls)
{
	if (dtls->state != LY_DTLS_HANDSHAKE)
		return LY_NEVER;
	return LY_MIN(dtls->deadline, dtls->give_up);
}

void ly_dtls_close(struct ly_dtls *dtls, ly_usec now)
{
	(void)now;
	ERR_clear_error();
	if (dtls->state == LY_DTLS_KEYED || dtls->state == LY_DTLS_READY)
		(void)SSL_shutdown(dtls->ssl);
	ERR_clear_error();
	set_state(dtls, LY_DTLS_CLOSED, "closed");
}

enum ly_dtls_state ly_dtls_state(const struct ly_dtls *dtls)
{
	return dtls->state;
}

const char *ly_dtls_error(const struct ly_dtls *dtls)
{
	return dtls->error;
}

int ly_dtls_get_keys(const struct ly_dtls *dtls, struct ly_srtp_keys *out)
{
	if (dtls->state != LY_DTLS_READY)
		return -EPROTO;
	*out = dtls->keys;
	return 0;
}
