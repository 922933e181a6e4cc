/* SCRAM and PLAIN: the RFCs' vectors, refusals, and libgsasl as the other side. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "signaling/sasl/sasl_priv.h"

static struct ly_rand rnd;
static struct ly_sasl_conf conf;

static int setup(void **state)
{
	(void)state;
	ly_rand_seeded(&rnd, 5);
	conf = (struct ly_sasl_conf) { .domain = "localhost",
				       .rand = &rnd,
				       .secure = true,
				       .secret = ly_span_str("0123456789abcdef") };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(0, ly_heap_used(LY_MEM_SESSION));
	return 0;
}

/* RFC 5802 s. 5 and RFC 7677 s. 3: user "user", password "pencil". */
static const struct vector {
	const char *mech;
	enum ly_scram_hash hash;
	const char *client_first, *server_first, *client_final, *server_final, *salt, *nonce;
} vectors[] = {
	{ "SCRAM-SHA-1", LY_SCRAM_SHA1, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	  "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "QSXCR+Q6sek8bf92", "fyko+d2lbbFgONRv9qkxdawL" },
	{ "SCRAM-SHA-256", LY_SCRAM_SHA256, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "W22ZaJ0SNY7soEsUEjb6gQ==",
	  "rOprNGfwEbeRWgbNEkqO" },
};

static void vector_keys(const struct vector *v, struct ly_credentials *cred)
{
	uint8_t salt[32];
	int n = ly_base64_decode(salt, sizeof(salt), v->salt, strlen(v->salt));

	memset(cred, 0, sizeof(*cred));
	assert_true(n > 0);
	assert_int_equal(0,
			 ly_scram_keys_make(v->hash == LY_SCRAM_SHA1 ? &cred->sha1 : &cred->sha256,
					    v->hash, "pencil", ly_span(salt, (size_t)n), 4096));
}

static void test_vectors_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct ly_scram_client c;
		char out[256];

		assert_int_equal(0, ly_scram_client_init(&c, v->hash, "user", "pencil", NULL,
							 ly_span(NULL, 0), &rnd));
		strcpy(c.nonce, v->nonce);
		assert_true(ly_scram_client_step(&c, ly_span(NULL, 0), out, sizeof(out)) > 0);
		ly_assert_str(v->mech, v->client_first, out);
		assert_true(ly_scram_client_step(&c, ly_span_str(v->server_first), out,
						 sizeof(out)) > 0);
		ly_assert_str(v->mech, v->client_final, out);
		assert_int_equal(0, ly_scram_client_step(&c, ly_span_str(v->server_final), out,
							 sizeof(out)));
	}
}

/* The server with its nonce replaced by the vector's. */
static void test_vectors_server(void **state)
{
	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct ly_credentials cred;
		struct ly_sasl_out out;
		struct ly_sasl *s;

		vector_keys(v, &cred);
		assert_int_equal(0, ly_sasl_create(&s, &conf, v->mech));
		ly_sasl_step(s, ly_span_str(v->client_first), &out);
		assert_int_equal(LY_SASL_NEED_CREDENTIALS, out.kind);
		assert_string_equal("user", out.user);
		ly_sasl_credentials(s, &cred, &out);
		assert_int_equal(LY_SASL_CHALLENGE, out.kind);
		assert_memory_equal(out.data, v->server_first, 2 + strlen(v->nonce));
		ly_buf_reset(&s->nonce);
		ly_buf_add(&s->nonce, v->server_first + 2, strcspn(v->server_first + 2, ","));
		ly_buf_reset(&s->auth);
		ly_buf_printf(&s->auth, "%s,%s", v->client_first + 3, v->server_first);
		ly_sasl_step(s, ly_span_str(v->client_final), &out);
		assert_int_equal(LY_SASL_SUCCESS, out.kind);
		ly_assert_str(v->mech, v->server_final, out.data);
		ly_sasl_free(s);
	}
}

/* First messages that are refused at once. */
static void test_first(void **state)
{
	static const struct {
		const char *what, *in;
		int want; /* -1: accepted */
	} rows[] = {
		{ "good", "n,,n=user,r=abc", -1 },
		{ "own authzid", "n,a=user@localhost,n=user,r=abc", -1 },
		{ "another's authzid", "n,a=teacher@localhost,n=user,r=abc",
		  LY_SASL_INVALID_AUTHZID },
		{ "authzid elsewhere", "n,a=user@example.org,n=user,r=abc",
		  LY_SASL_INVALID_AUTHZID },
		{ "y without ours", "y,,n=user,r=abc", -1 },
		{ "p without PLUS", "p=tls-exporter,,n=user,r=abc", LY_SASL_NOT_AUTHORIZED },
		{ "extension that must be known", "n,,m=x,n=user,r=abc",
		  LY_SASL_MALFORMED_REQUEST },
		{ "empty", "", LY_SASL_MALFORMED_REQUEST },
		{ "no header", "n=user,r=abc", LY_SASL_MALFORMED_REQUEST },
		{ "no nonce", "n,,n=user", LY_SASL_MALFORMED_REQUEST },
		{ "empty nonce", "n,,n=user,r=", LY_SASL_MALFORMED_REQUEST },
		{ "control in nonce", "n,,n=user,r=a\x01", LY_SASL_MALFORMED_REQUEST },
		{ "no name", "n,,n=,r=abc", LY_SASL_NOT_AUTHORIZED },
		{ "bad escape", "n,,n=a=2Xb,r=abc", LY_SASL_NOT_AUTHORIZED },
		{ "cut escape", "n,,n=a=2,r=abc", LY_SASL_NOT_AUTHORIZED },
		{ "escaped comma", "n,,n=a=2Cb,r=abc", -1 },
		{ "not UTF-8", "n,,n=a\xff,r=abc", LY_SASL_NOT_AUTHORIZED },
		{ "unknown flag", "q,,n=user,r=abc", LY_SASL_NOT_AUTHORIZED },
	};
	struct ly_sasl_out out;
	struct ly_sasl *s;

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		assert_int_equal(0, ly_sasl_create(&s, &conf, "SCRAM-SHA-256"));
		ly_sasl_step(s, ly_span_str(rows[i].in), &out);
		if (rows[i].want < 0) {
			ly_assert_i64(rows[i].what, LY_SASL_NEED_CREDENTIALS, out.kind);
		} else {
			ly_assert_i64(rows[i].what, LY_SASL_FAILURE, out.kind);
			ly_assert_i64(rows[i].what, rows[i].want, out.cond);
		}
		ly_sasl_free(s);
	}
	/* y although we offered binding: somebody took the -PLUS mechanisms out of the list */
	conf.exporter = ly_span_str("exporter");
	assert_int_equal(0, ly_sasl_create(&s, &conf, "SCRAM-SHA-256"));
	ly_sasl_step(s, ly_span_str("y,,n=user,r=abc"), &out);
	assert_int_equal(LY_SASL_FAILURE, out.kind);
	ly_sasl_free(s);
	conf.exporter = ly_span(NULL, 0);
	assert_int_equal(-ENOENT, ly_sasl_create(&s, &conf, "SCRAM-SHA-256-PLUS"));
	assert_int_equal(-ENOENT, ly_sasl_create(&s, &conf, "X"));
	conf.secure = false;
	assert_int_equal(-ENOENT, ly_sasl_create(&s, &conf, "PLAIN"));
	conf.secure = true;
}

/* Final messages that are refused; %s is the nonce. */
static void test_final(void **state)
{
	static const char *const rows[] = {
		"",
		"c=biws,r=%s",
		"c=biws,p=AAAA",
		"r=%s,c=biws,p=AAAA",
		"c=biws,r=%sx,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"c=eSws,r=%s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"c=biws,r=%s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"c=biws,r=%s,p=AAAA",
		"c=biws,r=%s,p=!!!!",
		"c=biws,r=%s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,x=y",
	};
	struct ly_credentials cred;
	struct ly_sasl_out out;
	struct ly_sasl *s;

	(void)state;
	vector_keys(&vectors[1], &cred);
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		char nonce[100], msg[300];

		assert_int_equal(0, ly_sasl_create(&s, &conf, "SCRAM-SHA-256"));
		ly_sasl_step(s, ly_span_str("n,,n=user,r=abc"), &out);
		ly_sasl_credentials(s, &cred, &out);
		snprintf(nonce, sizeof(nonce), "%.*s", (int)strcspn(out.data + 2, ","),
			 out.data + 2);
		snprintf(msg, sizeof(msg), rows[i], nonce);
		ly_sasl_step(s, ly_span_str(msg), &out);
		ly_assert_i64(rows[i], LY_SASL_FAILURE, out.kind);
		ly_assert_i64(rows[i], LY_SASL_NOT_AUTHORIZED, out.cond);
		ly_sasl_step(s, ly_span_str(msg), &out); /* and it stays so */
		ly_assert_i64(rows[i], LY_SASL_FAILURE, out.kind);
		ly_sasl_free(s);
	}
}

/* An unknown user gets a challenge like a known one's, with the same salt each time. */
static void test_unknown_user(void **state)
{
	char first[2][200], msg[512];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ly_scram_client c;
		struct ly_sasl_out out;
		struct ly_sasl *s;

		assert_int_equal(0, ly_scram_client_init(&c, LY_SCRAM_SHA256, "nobody", "x", NULL,
							 ly_span(NULL, 0), &rnd));
		assert_int_equal(0, ly_sasl_create(&s, &conf, "SCRAM-SHA-256"));
		ly_scram_client_step(&c, ly_span(NULL, 0), msg, sizeof(msg));
		ly_sasl_step(s, ly_span_str(msg), &out);
		ly_sasl_credentials(s, NULL, &out);
		assert_int_equal(LY_SASL_CHALLENGE, out.kind);
		snprintf(first[i], sizeof(first[i]), "%s", strstr(out.data, ",s="));
		assert_non_null(strstr(first[i], ",i=10000"));
		assert_true(ly_scram_client_step(&c, ly_span_str(out.data), msg, sizeof(msg)) > 0);
		ly_sasl_step(s, ly_span_str(msg), &out);
		assert_int_equal(LY_SASL_FAILURE, out.kind);
		assert_int_equal(LY_SASL_NOT_AUTHORIZED, out.cond);
		assert_string_equal("nobody", out.user);
		ly_sasl_free(s);
	}
	assert_string_equal(first[0], first[1]);
}

static void test_plain(void **state)
{
#define MSG(s) ly_span(s, sizeof(s) - 1)
	const struct {
		const char *what;
		struct ly_span in;
		int want; /* -1: success */
	} rows[] = {
		{ "good", MSG("\0user\0pencil"), -1 },
		{ "folded name", MSG("\0USER\0pencil"), -1 },
		{ "own authzid", MSG("user@localhost\0user\0pencil"), -1 },
		{ "prepared password",
		  MSG("\0user\0pen\xc2\xad"
		      "cil"),
		  -1 },
		{ "wrong", MSG("\0user\0pencils"), LY_SASL_NOT_AUTHORIZED },
		{ "empty password", MSG("\0user\0"), LY_SASL_MALFORMED_REQUEST },
		{ "no password", MSG("\0user"), LY_SASL_MALFORMED_REQUEST },
		{ "four parts", MSG("\0user\0pencil\0"), LY_SASL_MALFORMED_REQUEST },
		{ "another's authzid", MSG("teacher@localhost\0user\0pencil"),
		  LY_SASL_INVALID_AUTHZID },
		{ "not UTF-8", MSG("\0user\0\xff"), LY_SASL_NOT_AUTHORIZED },
	};
	struct ly_credentials cred;
	struct ly_sasl_out out;
	struct ly_sasl *s;

	(void)state;
	for (int old = 0; old < 2; old++) {
		vector_keys(&vectors[old ? 0 : 1], &cred); /* old: only SHA-1 keys */
		for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
			assert_int_equal(0, ly_sasl_create(&s, &conf, "PLAIN"));
			ly_sasl_step(s, rows[i].in, &out);
			if (out.kind == LY_SASL_NEED_CREDENTIALS)
				ly_sasl_credentials(s, &cred, &out);
			ly_assert_i64(rows[i].what,
				      rows[i].want < 0 ? LY_SASL_SUCCESS : LY_SASL_FAILURE,
				      out.kind);
			if (rows[i].want >= 0)
				ly_assert_i64(rows[i].what, rows[i].want, out.cond);
			ly_sasl_free(s);
		}
	}
}

static void test_saslprep(void **state)
{
	static const struct {
		const char *in, *out; /* RFC 4013 s. 3 and others */
	} rows[] = {
		{ "I\xc2\xadX", "IX" },
		{ "user", "user" },
		{ "USER", "USER" },
		{ "\xc2\xaa", "a" },
		{ "\xe2\x85\xa8", "IX" },
		{ "\x07", NULL },
		{ "a\xc2\xa0"
		  "b",
		  "a b" },
		{ "\xff", NULL },
		{ "\xee\x80\x80", NULL },
	};
	struct ly_credentials cred;
	char out[64];

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		int err = ly_saslprep(out, sizeof(out), rows[i].in);

		ly_assert_i64(rows[i].in, rows[i].out ? 0 : -EBADMSG, err);
		if (!err)
			ly_assert_str(rows[i].in, rows[i].out, out);
	}
	assert_int_equal(-ENOSPC, ly_saslprep(out, 3, "abc"));
	assert_int_equal(-EBADMSG, ly_credentials_make(&cred, "", &rnd, 4096));
	assert_int_equal(0, ly_credentials_make(&cred, "secret", &rnd, 4096));
	assert_true(ly_scram_keys_check(&cred.sha1, LY_SCRAM_SHA1, "secret"));
	assert_true(ly_scram_keys_check(&cred.sha256, LY_SCRAM_SHA256, "secret"));
	assert_false(ly_scram_keys_check(&cred.sha256, LY_SCRAM_SHA256, "Secret"));
}

#ifdef LY_HAVE_GSASL
#include <gsasl.h>

/* libgsasl as the client of our server; @p cb: channel binding data or NULL. */
static bool gsasl_login(const char *mech, const char *password, const char *cb)
{
	struct ly_credentials cred;
	struct ly_sasl_out out = { .kind = LY_SASL_CHALLENGE, .data = "" };
	Gsasl_session *g;
	struct ly_sasl *s;
	Gsasl *ctx;
	int rc;

	assert_int_equal(0, ly_credentials_make(&cred, "pen=c,il", &rnd, 4096));
	assert_int_equal(GSASL_OK, gsasl_init(&ctx));
	assert_int_equal(GSASL_OK, gsasl_client_start(ctx, mech, &g));
	gsasl_property_set(g, GSASL_AUTHID, "us=e,r");
	gsasl_property_set(g, GSASL_PASSWORD, password);
	if (cb != NULL) {
		char b64[100];

		ly_base64_encode(b64, sizeof(b64), ly_span_str(cb));
		gsasl_property_set(g, GSASL_CB_TLS_EXPORTER, b64);
		conf.exporter = ly_span_str("exported keying material");
	}
	assert_int_equal(0, ly_sasl_create(&s, &conf, mech));
	do {
		size_t len = 0;
		char *msg = NULL;

		rc = gsasl_step(g, out.data, strlen(out.data), &msg, &len);
		if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
			break;
		if (out.kind != LY_SASL_SUCCESS) {
			ly_sasl_step(s, ly_span(msg, len), &out);
			if (out.kind == LY_SASL_NEED_CREDENTIALS)
				ly_sasl_credentials(s, &cred, &out);
		}
		gsasl_free(msg);
	} while (rc == GSASL_NEEDS_MORE && out.kind != LY_SASL_FAILURE);
	ly_sasl_free(s);
	gsasl_finish(g);
	gsasl_done(ctx);
	conf.exporter = ly_span(NULL, 0);
	return rc == GSASL_OK && out.kind == LY_SASL_SUCCESS;
}

static void test_gsasl(void **state)
{
	static const struct {
		const char *mech, *password, *cb;
		bool want;
	} rows[] = {
		{ "SCRAM-SHA-256", "pen=c,il", NULL, true },
		{ "SCRAM-SHA-1", "pen=c,il", NULL, true },
		{ "SCRAM-SHA-256-PLUS", "pen=c,il", "exported keying material", true },
		{ "SCRAM-SHA-1-PLUS", "pen=c,il", "exported keying material", true },
		{ "PLAIN", "pen=c,il", NULL, true },
		{ "SCRAM-SHA-256", "pencil", NULL, false },
		{ "SCRAM-SHA-256-PLUS", "pen=c,il", "of another connection", false },
		{ "PLAIN", "pencil", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].mech, rows[i].want,
			      gsasl_login(rows[i].mech, rows[i].password, rows[i].cb));
}
#else
static void test_gsasl(void **state)
{
	(void)state;
	skip();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_client), cmocka_unit_test(test_vectors_server),
		cmocka_unit_test(test_first),          cmocka_unit_test(test_final),
		cmocka_unit_test(test_unknown_user),   cmocka_unit_test(test_plain),
		cmocka_unit_test(test_saslprep),       cmocka_unit_test(test_gsasl),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
