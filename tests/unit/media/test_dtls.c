/* DTLS: two ends without loss (with loss: tests/sim), certificates, fingerprints, garbage. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "base/heap.h"
#include "base/rand.h"
#include "media/dtls/dtls_priv.h"

static struct ly_dtls_ctx *ctx[2];
static struct ly_dtls *end[2]; /* 0 server, 1 client */

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		if (ly_dtls_ctx_create(&ctx[i]) != 0 ||
		    ly_dtls_create(&end[i], ctx[i], i ? LY_DTLS_CLIENT : LY_DTLS_SERVER, NULL) != 0)
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		ly_dtls_destroy(end[i]);
		ly_dtls_ctx_destroy(ctx[i]);
	}
	return ly_heap_used(LY_MEM_MEDIA) == 0 ? 0 : -1;
}

/* Carries datagrams both ways until nothing moves. */
static void carry(void)
{
	struct ly_span data;
	bool moved;

	do {
		moved = false;
		for (int i = 0; i < 2; i++) {
			while (ly_dtls_poll(end[i], &data)) {
				uint8_t copy[1500];

				assert_in_range(data.len, 13, 1200);
				memcpy(copy, data.ptr, data.len);
				(void)ly_dtls_recv(end[!i], 0, ly_span(copy, data.len));
				moved = true;
			}
		}
	} while (moved);
}

static void expect(enum ly_dtls_state server, enum ly_dtls_state client)
{
	assert_string_equal(ly_dtls_state_name(server), ly_dtls_state_name(ly_dtls_state(end[0])));
	assert_string_equal(ly_dtls_state_name(client), ly_dtls_state_name(ly_dtls_state(end[1])));
}

static int tell(int i, const char *fingerprint)
{
	return ly_dtls_set_fingerprint(end[i], 0, "sha-256", fingerprint);
}

static void test_handshake(void **state)
{
	struct ly_srtp_keys a, b;

	(void)state;
	assert_int_equal(95, strlen(ly_dtls_ctx_fingerprint(ctx[0])));
	assert_string_not_equal(ly_dtls_ctx_fingerprint(ctx[0]), ly_dtls_ctx_fingerprint(ctx[1]));
	assert_int_equal(0, tell(1, ly_dtls_ctx_fingerprint(ctx[0])));
	assert_int_equal(0, ly_dtls_start(end[1], 0));
	assert_int_equal(-EPROTO, ly_dtls_start(end[1], 0));
	assert_true(ly_dtls_deadline(end[1]) < LY_SEC(1));
	carry();
	/* the server does not know the client's fingerprint yet */
	expect(LY_DTLS_KEYED, LY_DTLS_READY);
	assert_int_equal(-EPROTO, ly_dtls_get_keys(end[0], &a));
	assert_int_equal(0, tell(0, ly_dtls_ctx_fingerprint(ctx[1])));
	expect(LY_DTLS_READY, LY_DTLS_READY);
	assert_int_equal(LY_NEVER, ly_dtls_deadline(end[0]));
	assert_int_equal(0, tell(0, ly_dtls_ctx_fingerprint(ctx[1])));
	assert_int_equal(-EEXIST, tell(0, ly_dtls_ctx_fingerprint(ctx[0])));
	assert_int_equal(0, ly_dtls_get_keys(end[0], &a));
	assert_int_equal(0, ly_dtls_get_keys(end[1], &b));
	assert_int_equal(LY_SRTP_AEAD_AES_128_GCM, a.profile);
	assert_memory_equal(&a.tx, &b.rx, sizeof(a.tx));
	assert_memory_equal(&a.rx, &b.tx, sizeof(a.rx));
	assert_memory_not_equal(&a.rx, &a.tx, 16);
	ly_dtls_close(end[1], 0);
	carry();
	expect(LY_DTLS_CLOSED, LY_DTLS_CLOSED);
	assert_int_equal(-EPROTO, ly_dtls_recv(end[0], 0, ly_span("0123456789012345", 16)));
}

static void test_wrong_fingerprint(void **state)
{
	(void)state;
	assert_int_equal(0, tell(1, ly_dtls_ctx_fingerprint(ctx[1])));
	assert_int_equal(0, ly_dtls_start(end[1], 0));
	carry();
	expect(LY_DTLS_KEYED, LY_DTLS_FAILED);
	assert_string_equal("fingerprint mismatch", ly_dtls_error(end[1]));
	assert_int_equal(-EACCES, tell(0, ly_dtls_ctx_fingerprint(ctx[0])));
	expect(LY_DTLS_FAILED, LY_DTLS_FAILED);
}

static void test_fingerprint_text(void **state)
{
	static const struct {
		const char *hash, *text;
	} bad[] = {
		{ "md5", "AA" },
		{ "sha-256", "" },
		{ "sha-256", "AA:BB" },
		{ "sha-1", "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:D " },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(bad); i++)
		assert_int_equal(-EINVAL,
				 ly_dtls_set_fingerprint(end[0], 0, bad[i].hash, bad[i].text));
}

/* No DTLS, cut records, records of nonsense: the handshake goes on after it. */
static void test_garbage(void **state)
{
	uint8_t junk[64];
	struct ly_rand r;

	(void)state;
	ly_rand_seeded(&r, 1);
	assert_int_equal(-EBADMSG, ly_dtls_recv(end[0], 0, ly_span("\x16", 1)));
	assert_int_equal(-EBADMSG, ly_dtls_recv(end[0], 0, ly_span("\x80zzzzzzzzzzzzzzzzzzz", 20)));
	for (int i = 0; i < 500; i++) {
		ly_rand_bytes(&r, junk, sizeof(junk));
		junk[0] = (uint8_t)(20 + ly_rand_below(&r, 44));
		(void)ly_dtls_recv(end[0], 0, ly_span(junk, 13 + ly_rand_below(&r, 51)));
	}
	expect(LY_DTLS_HANDSHAKE, LY_DTLS_NEW);
	(void)tell(0, ly_dtls_ctx_fingerprint(ctx[1]));
	(void)tell(1, ly_dtls_ctx_fingerprint(ctx[0]));
	assert_int_equal(0, ly_dtls_start(end[1], 0));
	carry();
	expect(LY_DTLS_READY, LY_DTLS_READY);
	/* and in a finished one: replayed or unknown epochs do nothing */
	for (int i = 0; i < 500; i++) {
		ly_rand_bytes(&r, junk, sizeof(junk));
		junk[0] = (uint8_t)(20 + ly_rand_below(&r, 4));
		(void)ly_dtls_recv(end[0], 0, ly_span(junk, sizeof(junk)));
	}
	expect(LY_DTLS_READY, LY_DTLS_READY);
}

/* A handshake message with wrong content ends it, with a reason. */
static void test_broken_handshake(void **state)
{
	static const uint8_t hello[] = { 22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0,    14,  1,
					 0,  0,    2,    0, 0, 0, 0, 0, 0, 0, 2, 0xff, 0xff };

	(void)state;
	assert_int_equal(-EPROTO, ly_dtls_recv(end[0], 0, ly_span(hello, sizeof(hello))));
	expect(LY_DTLS_FAILED, LY_DTLS_NEW);
	assert_string_equal("handshake failed", ly_dtls_error(end[0]));
}

static void test_timeout(void **state)
{
	struct ly_span data;

	(void)state;
	assert_int_equal(0, ly_dtls_start(end[1], 0));
	while (ly_dtls_poll(end[1], &data))
		;
	ly_dtls_tick(end[1], LY_SEC(31));
	expect(LY_DTLS_NEW, LY_DTLS_FAILED);
	assert_string_equal("handshake timed out", ly_dtls_error(end[1]));
	assert_int_equal(LY_NEVER, ly_dtls_deadline(end[1]));
}

/* A client of OpenSSL alone, with datagrams so small that its ClientHello comes in pieces. */
struct raw_client {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	uint8_t pieces[32][300];
	size_t len[32], n;
};

static void raw_open(struct raw_client *c)
{
	memset(c, 0, sizeof(*c));
	c->ctx = SSL_CTX_new(DTLS_method());
	assert_int_equal(0, SSL_CTX_set_tlsext_use_srtp(c->ctx, "SRTP_AES128_CM_SHA1_80"));
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_QUERY_MTU);
	c->ssl = SSL_new(c->ctx);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(c->in, -1);
	BIO_set_mem_eof_return(c->out, -1);
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_mtu(c->ssl, 256);
	/* a name longer than a datagram makes the ClientHello so, too */
	assert_int_equal(
		0,
		SSL_set_alpn_protos(
			c->ssl,
			(const unsigned char
				 *)"\xc8"
				   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				   "aaaa"
				   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				   "aaaaaaaaa"
				   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			201));
	SSL_set_connect_state(c->ssl);
}

/* Steps the client and cuts its output into records. */
static void raw_step(struct raw_client *c)
{
	uint8_t *p;
	long left;

	(void)SSL_do_handshake(c->ssl);
	left = BIO_get_mem_data(c->out, (char **)&p);
	for (c->n = 0; left >= 13 && c->n < 32; c->n++) {
		size_t len = 13u + ((size_t)p[11] << 8 | p[12]);

		assert_true(len <= 300 && (long)len <= left);
		memcpy(c->pieces[c->n], p, len);
		c->len[c->n] = len;
		p += len;
		left -= (long)len;
	}
	(void)BIO_reset(c->out);
}

static void test_hello_in_pieces(void **state)
{
	struct raw_client c;
	struct ly_span data;

	(void)state;
	raw_open(&c);
	raw_step(&c);
	assert_true(c.n >= 2);
	for (size_t i = c.n; i-- > 0;) { /* the last one first */
		assert_int_equal(0, ly_dtls_recv(end[0], 0, ly_span(c.pieces[i], c.len[i])));
		assert_int_equal(i == 0, ly_dtls_poll(end[0], &data));
		if (i == 0)
			assert_int_equal(22, data.ptr[0]);
	}
	expect(LY_DTLS_HANDSHAKE, LY_DTLS_NEW);
	SSL_free(c.ssl);
	SSL_CTX_free(c.ctx);
}

/* A client without use_srtp: the handshake itself would succeed, but there is nothing to gain. */
static void test_no_common_profile(void **state)
{
	struct raw_client c;
	struct ly_span data;

	(void)state;
	raw_open(&c);
	SSL_free(c.ssl);
	SSL_CTX_free(c.ctx);
	c.ctx = SSL_CTX_new(DTLS_method());
	SSL_CTX_set_options(c.ctx, SSL_OP_NO_QUERY_MTU);
	SSL_CTX_use_certificate(c.ctx, SSL_CTX_get0_certificate(ctx[1]->ssl_ctx));
	SSL_CTX_use_PrivateKey(c.ctx, SSL_CTX_get0_privatekey(ctx[1]->ssl_ctx));
	c.ssl = SSL_new(c.ctx);
	c.in = BIO_new(BIO_s_mem());
	c.out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(c.in, -1);
	BIO_set_mem_eof_return(c.out, -1);
	SSL_set_bio(c.ssl, c.in, c.out);
	SSL_set_mtu(c.ssl, 256);
	SSL_set_connect_state(c.ssl);
	for (int round = 0; round < 8; round++) {
		raw_step(&c);
		for (size_t i = 0; i < c.n; i++)
			(void)ly_dtls_recv(end[0], 0, ly_span(c.pieces[i], c.len[i]));
		while (ly_dtls_poll(end[0], &data))
			BIO_write(c.in, data.ptr, (int)data.len);
	}
	expect(LY_DTLS_FAILED, LY_DTLS_NEW);
	assert_string_equal("no common SRTP profile", ly_dtls_error(end[0]));
	SSL_free(c.ssl);
	SSL_CTX_free(c.ctx);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_handshake),       T(test_wrong_fingerprint), T(test_fingerprint_text),
		T(test_garbage),         T(test_broken_handshake),  T(test_timeout),
		T(test_hello_in_pieces), T(test_no_common_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
