/* A client's stream from the header to stanzas, over TCP and WebSocket, and all that may go wrong.
 */
#include "tests/unit/check.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "signaling/stream/stream.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define WS_OPEN "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>"
#define SASL_NS "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define PLAIN_OK /* student1, secret1 */ \
	"<auth " SASL_NS " mechanism='PLAIN'>AHN0dWRlbnQxAHNlY3JldDE=</auth>"
#define PLAIN_BAD "<auth " SASL_NS " mechanism='PLAIN'>AHN0dWRlbnQxAHdyb25n</auth>"
#define BIND(res) \
	"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" res "</bind></iq>"

static const char *const hosts[] = { "localhost", NULL };
static struct ly_xml_pool *pool;
static struct ly_rand rnd;
static struct ly_credentials cred;
static struct ly_stream_conf conf;

static int setup(void **state)
{
	(void)state;
	ly_rand_seeded(&rnd, 7);
	pool = ly_xml_pool_create(4);
	conf = (struct ly_stream_conf) { .hosts = hosts,
					 .rand = &rnd,
					 .plain_without_tls = true,
					 .secret = ly_span_str("0123456789abcdef") };
	return ly_credentials_make(&cred, "secret1", &rnd, LY_SCRAM_ITERATIONS_MIN);
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(0, ly_xml_pool_borrowed(pool));
	ly_xml_pool_free(pool);
	assert_int_equal(0, ly_heap_used(LY_MEM_XML));
	assert_int_equal(0, ly_heap_used(LY_MEM_CONN));
	assert_int_equal(0, ly_heap_used(LY_MEM_SESSION));
	return 0;
}

/* One server's end, played with an obliging store. */
struct end {
	struct ly_stream *s;
	struct ly_buf out; /* what was sent, since the last send() */
	struct ly_buf got; /* stanzas as "<...>", other events as words, since the last send() */
	bool hold;         /* does not answer AUTH_NEEDED and BIND */
	bool closed;
	enum ly_stream_error error;
};

static void on_event(struct end *e, struct ly_stream_event *ev)
{
	switch (ev->kind) {
	case LY_STREAM_OUT:
	case LY_STREAM_ANSWERED:
		ly_buf_add(&e->out, ev->data.ptr, ev->data.len);
		break;
	case LY_STREAM_STARTTLS:
		ly_buf_adds(&e->got, "starttls ");
		break;
	case LY_STREAM_AUTH_NEEDED:
		ly_buf_printf(&e->got, "need:%s@%s ", ev->user, ev->domain);
		if (!e->hold)
			ly_stream_credentials(e->s, 0, strcmp(ev->user, "student1") ? NULL : &cred);
		break;
	case LY_STREAM_AUTH_FAILED:
		ly_buf_printf(&e->got, "failed:%s ", ev->user ? ev->user : "?");
		break;
	case LY_STREAM_AUTHENTICATED:
		ly_buf_printf(&e->got, "auth:%s@%s ", ev->user, ev->domain);
		break;
	case LY_STREAM_BIND:
		ly_buf_printf(&e->got, "bind:%s ", ev->resource ? ev->resource : "?");
		if (!e->hold)
			assert_int_equal(
				0, ly_stream_bound(e->s, 0, ev->resource ? ev->resource : "r1"));
		break;
	case LY_STREAM_STANZA:
		ly_xml_write(&e->got, ev->stanza->root, LY_NS_CLIENT);
		ly_stanza_free(ev->stanza);
		break;
	case LY_STREAM_NONZA:
		ly_buf_printf(&e->got, "nonza:%s ", ev->nonza->root->name);
		ly_xml_doc_free(ev->nonza);
		break;
	case LY_STREAM_CLOSED:
		assert_false(e->closed);
		e->closed = true;
		e->error = ev->error;
		assert_non_null(ev->reason);
		break;
	}
}

static void drain(struct end *e)
{
	struct ly_stream_event ev;

	while (ly_stream_poll(e->s, &ev))
		on_event(e, &ev);
}

/* Sends text in pieces of @p step bytes (0: at once). */
static void send_step(struct end *e, const char *text, size_t step)
{
	size_t len = strlen(text);

	ly_buf_reset(&e->out);
	ly_buf_reset(&e->got);
	if (step == 0)
		step = len;
	for (size_t i = 0; i < len; i += step) {
		ly_stream_recv(e->s, 0, ly_span(text + i, LY_MIN(step, len - i)));
		drain(e);
	}
}

static void send_text(struct end *e, const char *text)
{
	send_step(e, text, 0);
}

static void start(struct end *e, enum ly_stream_kind kind)
{
	memset(e, 0, sizeof(*e));
	ly_buf_init(&e->out, LY_MEM_MISC, 0);
	ly_buf_init(&e->got, LY_MEM_MISC, 0);
	assert_int_equal(0, ly_stream_create(&e->s, &conf, kind, pool));
}

static void stop(struct end *e)
{
	ly_stream_free(e->s);
	ly_buf_fini(&e->out);
	ly_buf_fini(&e->got);
}

static bool said(struct end *e, const char *text)
{
	const char *out = ly_buf_str(&e->out);

	return out && strstr(out, text) != NULL;
}

static void assert_said(const char *what, struct end *e, const char *text)
{
	if (!said(e, text))
		fail_msg("%s: no \"%s\" in \"%s\"", what, text, ly_buf_str(&e->out));
}

static void assert_got(const char *what, struct end *e, const char *text)
{
	const char *got = ly_buf_str(&e->got);

	ly_assert_str(what, text, got);
}

/* Header, PLAIN, header, bind. */
static void login(struct end *e, size_t step)
{
	send_step(e, HEADER, step);
	assert_said("header", e, "<stream:features><mechanisms");
	assert_said("limits", e, "<max-bytes>16384</max-bytes></limits></stream:features>");
	send_step(e, PLAIN_OK, step);
	assert_said("success", e, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>");
	assert_got("login", e, "need:student1@localhost auth:student1@localhost ");
	send_step(e, HEADER, step);
	assert_said("features", e, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
	assert_said("limits", e, "<max-bytes>262144</max-bytes></limits></stream:features>");
	send_step(e, BIND("<resource>web</resource>"), step);
	assert_got("bind", e, "bind:web ");
	assert_said("bound", e, "<jid>student1@localhost/web</jid></bind></iq>");
	assert_true(ly_stream_is_bound(e->s));
	assert_string_equal("student1@localhost/web", ly_stream_jid(e->s));
}

static void test_login_plain(void **state)
{
	struct end e;

	(void)state;
	for (size_t step = 0; step < 8; step++) {
		start(&e, LY_STREAM_TCP);
		login(&e, step);
		send_step(&e, "<message to='teacher@localhost'><body>hi</body></message>", step);
		assert_got("stanza", &e,
			   "<message to='teacher@localhost' from='student1@localhost/web'>"
			   "<body>hi</body></message>");
		send_step(&e, "</stream:stream>", step);
		assert_true(e.closed);
		assert_int_equal(LY_STREAM_OK, e.error);
		assert_string_equal("</stream:stream>", ly_buf_str(&e.out));
		stop(&e);
	}
}

/* What a client that knows the server may send without waiting. */
static void test_pipelined(void **state)
{
	struct end e;

	(void)state;
	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER PLAIN_OK HEADER BIND("") "<presence/><message/>");
	assert_got(
		"all", &e,
		"need:student1@localhost auth:student1@localhost bind:? "
		"<presence from='student1@localhost/r1'/><message from='student1@localhost/r1'/>");
	stop(&e);
}

static int sasl_send(struct end *e, const char *element, const char *attrs, const char *data)
{
	char b64[1024], text[1400];

	if (ly_base64_encode(b64, sizeof(b64), ly_span_str(data)) < 0)
		return -1;
	snprintf(text, sizeof(text), "<%s " SASL_NS "%s>%s</%s>", element, attrs, b64, element);
	send_text(e, text);
	return 0;
}

/* The decoded data of the element that was sent last. */
static struct ly_span sasl_data(struct end *e, uint8_t *raw, size_t cap)
{
	const char *out = ly_buf_str(&e->out);
	const char *from = strchr(out, '>') + 1, *to = strchr(from, '<');
	int n = ly_base64_decode(raw, cap, from, (size_t)(to - from));

	assert_true(n >= 0);
	return ly_span(raw, (size_t)n);
}

static void scram_login(struct end *e, enum ly_scram_hash hash, const char *mech,
			const char *cb_type, struct ly_span cb, const char *password, bool want)
{
	struct ly_scram_client c;
	char msg[512], attr[64];
	uint8_t raw[512];

	assert_int_equal(0,
			 ly_scram_client_init(&c, hash, "student1", password, cb_type, cb, &rnd));
	assert_true(ly_scram_client_step(&c, ly_span(NULL, 0), msg, sizeof(msg)) > 0);
	snprintf(attr, sizeof(attr), " mechanism='%s'", mech);
	assert_int_equal(0, sasl_send(e, "auth", attr, msg));
	if (!said(e, "<challenge")) {
		assert_false(want);
		return;
	}
	assert_true(ly_scram_client_step(&c, sasl_data(e, raw, sizeof(raw)), msg, sizeof(msg)) > 0);
	assert_int_equal(0, sasl_send(e, "response", "", msg));
	if (!want) {
		assert_said(mech, e, "<failure " SASL_NS "><not-authorized/></failure>");
		return;
	}
	assert_said(mech, e, "<success");
	assert_int_equal(
		0, ly_scram_client_step(&c, sasl_data(e, raw, sizeof(raw)), msg, sizeof(msg)));
	assert_true(ly_stream_is_authenticated(e->s));
}

static void test_login_scram(void **state)
{
	static const uint8_t exporter[32] = { 1, 2, 3 }, other[32] = { 4 }, endpoint[32] = { 5 };
	static const struct {
		const char *mech;
		enum ly_scram_hash hash;
		const char *cb_type;
		const uint8_t *cb;
		const char *password;
		bool want;
	} rows[] = {
		{ "SCRAM-SHA-1", LY_SCRAM_SHA1, NULL, NULL, "secret1", true },
		{ "SCRAM-SHA-256", LY_SCRAM_SHA256, NULL, NULL, "secret1", true },
		{ "SCRAM-SHA-256", LY_SCRAM_SHA256, NULL, NULL, "secret2", false },
		{ "SCRAM-SHA-256-PLUS", LY_SCRAM_SHA256, "tls-exporter", exporter, "secret1",
		  true },
		{ "SCRAM-SHA-1-PLUS", LY_SCRAM_SHA1, "tls-server-end-point", endpoint, "secret1",
		  true },
		{ "SCRAM-SHA-256-PLUS", LY_SCRAM_SHA256, "tls-exporter", other, "secret1", false },
		{ "SCRAM-SHA-256-PLUS", LY_SCRAM_SHA256, "tls-unique", exporter, "secret1", false },
		{ "SCRAM-SHA-256", LY_SCRAM_SHA256, "tls-exporter", exporter, "secret1", false },
		{ "SCRAM-SHA-256-PLUS", LY_SCRAM_SHA256, NULL, NULL, "secret1", false },
	};
	struct ly_stream_tls tls = { ly_span(exporter, 32), ly_span(endpoint, 32) };
	struct end e;

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		start(&e, LY_STREAM_TCP);
		assert_int_equal(0, ly_stream_tls_done(e.s, 0, &tls));
		send_text(&e, HEADER);
		assert_said("plus", &e, "<mechanism>SCRAM-SHA-256-PLUS</mechanism>");
		assert_said("types", &e, "<channel-binding type='tls-server-end-point'/>");
		scram_login(&e, rows[i].hash, rows[i].mech, rows[i].cb_type,
			    ly_span(rows[i].cb, rows[i].cb ? 32 : 0), rows[i].password,
			    rows[i].want);
		stop(&e);
	}
}

static void test_starttls(void **state)
{
	struct ly_stream_tls none = { 0 };
	struct end e;

	(void)state;
	conf.starttls = conf.require_tls = true;
	conf.plain_without_tls = false;
	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER);
	assert_said("offer", &e,
		    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
		    "<required/></starttls>");
	send_text(&e, PLAIN_OK);
	assert_said("no login in the clear", &e, "<encryption-required/>");
	send_text(&e, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n");
	assert_string_equal("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
			    ly_buf_str(&e.out));
	assert_got("starttls", &e, "starttls ");
	assert_false(ly_stream_has_parser(e.s));
	assert_int_equal(0, ly_stream_tls_done(e.s, 0, &none));
	login(&e, 0);
	stop(&e);

	start(&e, LY_STREAM_TCP); /* smuggled clear text */
	send_text(&e, HEADER "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" HEADER PLAIN_OK);
	assert_true(e.closed && e.error == LY_STREAM_POLICY_VIOLATION);
	assert_false(said(&e, "<proceed"));
	stop(&e);

	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	send_text(&e, "<message/>");
	assert_true(e.closed);
	stop(&e);
	conf.starttls = conf.require_tls = false;

	start(&e, LY_STREAM_TCP); /* not offered */
	send_text(&e, HEADER);
	assert_false(said(&e, "PLAIN"));
	send_text(&e, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	assert_said("refused", &e, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	assert_true(e.closed);
	stop(&e);
	conf.plain_without_tls = true;
}

static void test_websocket(void **state)
{
	struct end e;

	(void)state;
	start(&e, LY_STREAM_WEBSOCKET);
	send_text(&e, WS_OPEN);
	assert_said("open", &e, "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='");
	assert_said("features", &e,
		    "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>");
	send_text(&e, PLAIN_OK);
	assert_said("success", &e, "<success");
	send_text(&e, WS_OPEN);
	assert_said("bind", &e, "<bind");
	send_text(&e, "<iq xmlns='jabber:client' type='set' id='b'>"
		      "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	assert_got("bind", &e, "bind:? ");
	assert_said("stands alone", &e, "<iq xmlns='jabber:client' type='result' id='b'>");
	send_text(&e, "<presence xmlns='jabber:client'/>");
	assert_got("stanza", &e, "<presence from='student1@localhost/r1'/>");
	send_text(&e, "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>");
	assert_string_equal("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>",
			    ly_buf_str(&e.out));
	assert_true(e.closed);
	stop(&e);
}

/* Messages that come while an answer is awaited keep their bounds. */
static void test_websocket_kept(void **state)
{
	struct end e;

	(void)state;
	start(&e, LY_STREAM_WEBSOCKET);
	send_text(&e, WS_OPEN);
	e.hold = true;
	send_text(&e, PLAIN_OK);
	assert_got("waits", &e, "need:student1@localhost ");
	send_text(&e, WS_OPEN);
	send_text(&e, "<iq xmlns='jabber:client' type='set' id='b'>"
		      "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	assert_string_equal("", ly_buf_str(&e.out));
	e.hold = false;
	ly_stream_credentials(e.s, 0, &cred);
	drain(&e);
	assert_got("goes on", &e, "auth:student1@localhost bind:? ");
	stop(&e);
}

static void test_stream_errors(void **state)
{
	static const struct {
		const char *what, *in;
		enum ly_stream_error want;
		const char *out;
	} rows[] = {
		{ "not XML", "GET / HTTP/1.1\r\n\r\n", LY_STREAM_NOT_WELL_FORMED,
		  "<not-well-formed" },
		{ "TLS record", "\x16\x03\x01\x02", LY_STREAM_NOT_WELL_FORMED, "<stream:stream" },
		{ "namespace", "<stream:stream xmlns:stream='u:1' version='1.0' to='localhost'>",
		  LY_STREAM_INVALID_NAMESPACE, "<invalid-namespace" },
		{ "root", "<x xmlns='http://etherx.jabber.org/streams' version='1.0'>",
		  LY_STREAM_BAD_FORMAT, "<bad-format" },
		{ "host",
		  "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
		  "to='elsewhere'>",
		  LY_STREAM_HOST_UNKNOWN, "<host-unknown" },
		{ "version",
		  "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' to='localhost'>",
		  LY_STREAM_UNSUPPORTED_VERSION, "<unsupported-version" },
		{ "entities", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", LY_STREAM_RESTRICTED_XML,
		  "<restricted-xml" },
		{ "comment", HEADER "<!-- x -->", LY_STREAM_RESTRICTED_XML, "<restricted-xml" },
		{ "encoding", "<?xml version='1.0' encoding='latin1'?><a>",
		  LY_STREAM_UNSUPPORTED_ENCODING, "<unsupported-encoding" },
		{ "stanza before login", HEADER "<message/>", LY_STREAM_NOT_AUTHORIZED,
		  "<not-authorized" },
		{ "response without auth", HEADER "<response " SASL_NS "/>",
		  LY_STREAM_NOT_AUTHORIZED, "<not-authorized" },
		{ "stanza before bind", HEADER PLAIN_OK HEADER "<message/>",
		  LY_STREAM_NOT_AUTHORIZED, "<not-authorized" },
		{ "unknown element", HEADER PLAIN_OK HEADER BIND("") "<x xmlns='u:1'/>",
		  LY_STREAM_UNSUPPORTED_STANZA_TYPE, "<unsupported-stanza-type" },
		{ "another's from",
		  HEADER PLAIN_OK HEADER BIND("") "<message from='teacher@localhost'/>",
		  LY_STREAM_INVALID_FROM, "<invalid-from" },
		{ "text", HEADER "hello", LY_STREAM_NOT_WELL_FORMED, "<not-well-formed" },
		{ "client error", HEADER PLAIN_OK HEADER BIND("") "<stream:error/>", LY_STREAM_OK,
		  "</stream:stream>" },
	};
	struct end e;

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		for (size_t step = 0; step < 3; step++) {
			start(&e, LY_STREAM_TCP);
			ly_buf_reset(&e.out);
			send_step(&e, rows[i].in, step);
			ly_assert_i64(rows[i].what, true, e.closed);
			ly_assert_i64(rows[i].what, rows[i].want, e.error);
			assert_said(rows[i].what, &e, rows[i].out);
			assert_said(rows[i].what, &e, "</stream:stream>");
			send_text(&e, "<more/>"); /* is of no effect */
			assert_string_equal("", ly_buf_str(&e.out));
			stop(&e);
		}
	}
}

static void test_wrong_passwords(void **state)
{
	struct end e;

	(void)state;
	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER);
	send_text(&e, PLAIN_BAD);
	assert_said("first", &e, "<failure " SASL_NS "><not-authorized/></failure>");
	assert_got("first", &e, "need:student1@localhost failed:student1 ");
	assert_false(e.closed);
	send_text(&e, "<auth " SASL_NS " mechanism='PLAIN'>AG5vYm9keQB4</auth>");
	assert_said("unknown user", &e, "<not-authorized/>");
	send_text(&e, PLAIN_BAD);
	assert_true(e.closed && e.error == LY_STREAM_POLICY_VIOLATION);
	stop(&e);

	start(&e, LY_STREAM_TCP); /* right at the third try */
	send_text(&e, HEADER PLAIN_BAD PLAIN_BAD PLAIN_OK);
	assert_true(ly_stream_is_authenticated(e.s));
	stop(&e);
}

/* Attempts that never get to the credentials guess nothing, but there is an end to them too. */
static void test_many_attempts(void **state)
{
	/* p=tls-unique,,n=user,r=abc */
	static const char in[] = "<auth " SASL_NS " mechanism='SCRAM-SHA-256-PLUS'>"
				 "cD10bHMtdW5pcXVlLCxuPXVzZXIscj1hYmM=</auth>";
	/* n,,n=user,r=abc: begun again and again */
	static const char begin[] =
		"<auth " SASL_NS " mechanism='SCRAM-SHA-256'>biwsbj11c2VyLHI9YWJj</auth>";
	struct ly_stream_tls tls = { .exporter = ly_span_str("exported keying material") };
	struct end e;

	(void)state;
	start(&e, LY_STREAM_TCP);
	assert_int_equal(0, ly_stream_tls_done(e.s, 0, &tls));
	send_text(&e, HEADER);
	for (int i = 0; i < 9; i++) {
		send_text(&e, in);
		assert_said("refused", &e, "<not-authorized/>");
		assert_got("no guess", &e, "");
		assert_false(e.closed);
	}
	send_text(&e, in);
	assert_true(e.closed && e.error == LY_STREAM_POLICY_VIOLATION);
	stop(&e);

	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER);
	for (int i = 0; i < 10; i++) {
		send_text(&e, begin);
		assert_said("begun", &e, "<challenge");
		assert_false(e.closed);
	}
	send_text(&e, begin);
	assert_true(e.closed && e.error == LY_STREAM_POLICY_VIOLATION);
	stop(&e);
}

static void test_sasl_errors(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "<auth " SASL_NS "/>", "<invalid-mechanism/>" },
		{ "<auth " SASL_NS " mechanism='DIGEST-MD5'>AA==</auth>", "<invalid-mechanism/>" },
		{ "<auth " SASL_NS " mechanism='PLAIN'>!!!</auth>", "<incorrect-encoding/>" },
		{ "<auth " SASL_NS " mechanism='PLAIN'>=</auth>", "<malformed-request/>" },
		{ "<auth " SASL_NS " mechanism='PLAIN'>AAAA</auth>", "<malformed-request/>" },
		{ "<auth " SASL_NS " mechanism='PLAIN'/><abort " SASL_NS "/>", "<aborted/>" },
		{ "<auth " SASL_NS " mechanism='PLAIN'/>",
		  "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></challenge>" },
		{ "<auth " SASL_NS " mechanism='SCRAM-SHA-256'>AAAA</auth>",
		  "<malformed-request/>" },
		/* authzid teacher@localhost for student1 */
		{ "<auth " SASL_NS
		  " mechanism='PLAIN'>dGVhY2hlckBsb2NhbGhvc3QAc3R1ZGVudDEAc2VjcmV0MQ==</auth>",
		  "<invalid-authzid/>" },
	};
	struct end e;

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		start(&e, LY_STREAM_TCP);
		send_text(&e, HEADER);
		send_text(&e, rows[i].in);
		assert_said(rows[i].in, &e, rows[i].out);
		assert_false(e.closed);
		stop(&e);
	}
	start(&e, LY_STREAM_TCP); /* the store is down */
	e.hold = true;
	send_text(&e, HEADER PLAIN_OK);
	ly_stream_credentials_failed(e.s, 0);
	drain(&e);
	assert_said("store", &e, "<temporary-auth-failure/>");
	e.hold = false;
	send_text(&e, PLAIN_OK);
	assert_true(ly_stream_is_authenticated(e.s));
	stop(&e);
}

static void test_stanza_errors(void **state)
{
	static const struct {
		const char *what, *in, *out;
	} rows[] = {
		{ "malformed to", "<message id='1' to='@'/>", "<jid-malformed" },
		{ "iq type", "<iq id='1' type='x'/>", "<bad-request" },
		{ "iq without id", "<iq type='get'><q/></iq>", "<bad-request" },
		{ "empty get", "<iq type='get' id='1'/>", "<bad-request" },
		{ "second bind", BIND("<resource>x</resource>"), "<not-allowed" },
		{ "session",
		  "<iq type='set' id='s'><session "
		  "xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
		  "<iq xmlns='jabber:client' type='result' id='s'/>" },
	};
	struct end e;

	(void)state;
	start(&e, LY_STREAM_TCP);
	login(&e, 0);
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		send_text(&e, rows[i].in);
		assert_said(rows[i].what, &e, rows[i].out);
		assert_got(rows[i].what, &e, "");
	}
	send_text(&e, "<iq type='result'/>");
	assert_string_equal("", ly_buf_str(&e.out));
	send_text(&e,
		  "<message from='Student1@localhost'/><message from='student1@localhost/web'/>");
	assert_got("own from", &e,
		   "<message from='student1@localhost/web'/>"
		   "<message from='student1@localhost/web'/>");
	assert_false(e.closed);
	stop(&e);
}

static void test_limits(void **state)
{
	struct ly_buf big;
	struct end e;

	(void)state;
	ly_buf_init(&big, LY_MEM_MISC, 0);
	for (int i = 0; i < 20000; i++)
		ly_buf_adds(&big, "x");
	start(&e, LY_STREAM_TCP); /* 16 kB before login */
	send_text(&e, HEADER "<auth " SASL_NS ">");
	send_text(&e, ly_buf_str(&big));
	assert_true(e.closed && e.error == LY_STREAM_POLICY_VIOLATION);
	stop(&e);

	start(&e, LY_STREAM_TCP); /* 256 kB after it */
	login(&e, 0);
	send_text(&e, "<message><body>");
	for (int i = 0; i < 13; i++)
		send_text(&e, ly_buf_str(&big));
	assert_false(e.closed);
	send_text(&e, ly_buf_str(&big));
	assert_true(e.closed && e.error == LY_STREAM_POLICY_VIOLATION);
	stop(&e);

	start(&e, LY_STREAM_TCP); /* what is kept while waiting is bounded */
	e.hold = true;
	send_text(&e, HEADER PLAIN_OK);
	for (int i = 0; i < 4; i++)
		send_text(&e, ly_buf_str(&big));
	assert_false(e.closed);
	send_text(&e, ly_buf_str(&big));
	assert_true(e.closed && e.error == LY_STREAM_POLICY_VIOLATION);
	stop(&e);
	ly_buf_fini(&big);
}

static void test_idle(void **state)
{
	struct end e;

	(void)state;
	start(&e, LY_STREAM_TCP);
	login(&e, 0);
	send_text(&e, "<presence/>");
	assert_true(ly_stream_has_parser(e.s));
	assert_int_equal(LY_SEC(5), ly_stream_deadline(e.s));
	ly_stream_tick(e.s, LY_SEC(4));
	assert_true(ly_stream_has_parser(e.s));
	ly_stream_tick(e.s, LY_SEC(5));
	assert_false(ly_stream_has_parser(e.s));
	assert_int_equal(LY_NEVER, ly_stream_deadline(e.s));
	assert_true(ly_heap_used(LY_MEM_CONN) < 500);
	print_message("idle stream: %lld bytes\n", (long long)ly_heap_used(LY_MEM_CONN));
	send_step(&e, "<message><body>a</body></message>", 1);
	assert_got("woken", &e, "<message from='student1@localhost/web'><body>a</body></message>");
	send_text(&e, "<message>");
	assert_int_equal(LY_NEVER, ly_stream_deadline(e.s));
	assert_int_equal(-EAGAIN, ly_stream_park(e.s));
	send_text(&e, "</message>");
	assert_int_equal(0, ly_stream_park(e.s));
	send_text(&e, "</stream:stream>");
	assert_true(e.closed && e.error == LY_STREAM_OK);
	stop(&e);
}

/* A stream changes threads between BIND and ly_stream_bound(), with input behind the request. */
static void test_move(void **state)
{
	struct ly_xml_pool *other = ly_xml_pool_create(1);
	struct ly_stream_conf conf2 = conf;
	struct end e;

	(void)state;
	start(&e, LY_STREAM_TCP);
	e.hold = true;
	send_text(&e, HEADER);
	send_text(&e, PLAIN_OK);
	ly_stream_credentials(e.s, 0, &cred);
	drain(&e);
	send_text(&e, HEADER BIND("<resource>web</resource>") "<presence/><mess");
	assert_got("bind", &e, "bind:web ");
	assert_int_equal(0, ly_stream_park(e.s));
	ly_stream_adopt(e.s, &conf2, other);
	assert_int_equal(0, ly_xml_pool_borrowed(pool));
	assert_int_equal(0, ly_stream_bound(e.s, 0, "web"));
	drain(&e);
	assert_got("after", &e, "bind:web <presence from='student1@localhost/web'/>");
	send_text(&e, "age/>");
	assert_got("rest", &e, "<message from='student1@localhost/web'/>");
	stop(&e);
	ly_xml_pool_free(other);
}

static void test_close(void **state)
{
	struct end e;

	(void)state;
	start(&e, LY_STREAM_TCP);
	login(&e, 0);
	ly_buf_reset(&e.out);
	ly_stream_close(e.s, 0, LY_STREAM_SYSTEM_SHUTDOWN, "back <soon>");
	drain(&e);
	assert_string_equal("<stream:error><system-shutdown "
			    "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
			    "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>"
			    "back &lt;soon&gt;</text></stream:error></stream:stream>",
			    ly_buf_str(&e.out));
	assert_true(e.closed && ly_stream_is_closed(e.s));
	stop(&e);

	start(&e, LY_STREAM_WEBSOCKET);
	ly_stream_close(e.s, 0, LY_STREAM_CONFLICT, NULL);
	drain(&e);
	assert_said("ws", &e, "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>");
	assert_said("ws", &e, "<close xmlns=");
	stop(&e);

	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER);
	ly_stream_eof(e.s, 0);
	drain(&e);
	assert_true(e.closed);
	stop(&e);

	start(&e, LY_STREAM_TCP); /* bind refused, then granted */
	e.hold = true;
	send_text(&e, HEADER PLAIN_OK);
	ly_stream_credentials(e.s, 0, &cred);
	drain(&e);
	send_text(&e, HEADER BIND(""));
	ly_stream_bind_failed(e.s, 0, LY_RESOURCE_CONSTRAINT);
	drain(&e);
	assert_said("refused", &e,
		    "<iq type='error' id='b'><error type='wait'><resource-constraint");
	e.hold = false;
	send_text(&e, BIND(""));
	assert_true(ly_stream_is_bound(e.s));
	stop(&e);
}

static void test_nonza(void **state)
{
	static const char *const nonzas[] = { "urn:xmpp:sm:3", NULL };
	struct end e;

	(void)state;
	conf.nonzas = nonzas;
	conf.features = "<sm xmlns='urn:xmpp:sm:3'/>";
	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER PLAIN_OK HEADER BIND("") "<enable xmlns='urn:xmpp:sm:3'/>");
	assert_said("feature", &e, "<sm xmlns='urn:xmpp:sm:3'/>");
	assert_got("nonza", &e,
		   "need:student1@localhost auth:student1@localhost bind:? "
		   "nonza:enable ");
	stop(&e);
	conf.nonzas = NULL;
	conf.features = NULL;
}

/* XEP-0198 before bind: what comes behind `<resume/>` waits for the answer. */
static void test_resume(void **state)
{
	static const char *const nonzas[] = { "urn:xmpp:sm:3", NULL };
	struct end e;

	(void)state;
	conf.nonzas = nonzas;
	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER PLAIN_OK HEADER);
	send_text(&e, "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/><presence/>");
	assert_got("waits", &e, "nonza:resume ");
	ly_stream_resume_failed(e.s, 0, LY_ITEM_NOT_FOUND);
	ly_buf_reset(&e.out);
	drain(&e);
	assert_said("failed", &e,
		    "<failed xmlns='urn:xmpp:sm:3'><item-not-found "
		    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
	assert_true(e.closed); /* a stanza before bind */
	stop(&e);
	start(&e, LY_STREAM_TCP);
	send_text(&e, HEADER PLAIN_OK HEADER);
	assert_int_equal(-EPROTO, ly_stream_resumed(e.s, 0, "web"));
	send_text(&e, "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/><presence/>");
	ly_buf_reset(&e.got);
	assert_int_equal(0, ly_stream_resumed(e.s, 0, "web"));
	drain(&e);
	assert_true(ly_stream_is_bound(e.s));
	assert_got("bound", &e, "<presence from='student1@localhost/web'/>");
	stop(&e);
	conf.nonzas = NULL;
}

/* Every allocation of a login may fail: the stream ends, nothing leaks. */
static void test_no_memory(void **state)
{
	uint64_t nth = 1;
	bool failed;

	(void)state;
	do {
		struct ly_stream *s;
		struct end e = { 0 };

		ly_heap_fail_at(nth++);
		if (ly_stream_create(&s, &conf, LY_STREAM_TCP, pool)) {
			failed = true;
			continue;
		}
		e.s = s;
		ly_buf_init(&e.out, LY_MEM_MISC, 0);
		ly_buf_init(&e.got, LY_MEM_MISC, 0);
		const char *in = HEADER "<auth " SASL_NS
					" mechanism='PLAIN'>AHN0dWRlbnQxAHNlY3JldDE=</auth>" HEADER;

		ly_stream_recv(s, 0, ly_span_str(in));
		struct ly_stream_event ev;
		while (ly_stream_poll(s, &ev)) {
			if (ev.kind == LY_STREAM_AUTH_NEEDED)
				ly_stream_credentials(s, 0, &cred);
		}
		failed = ly_heap_failed();
		ly_stream_free(s);
		ly_buf_fini(&e.out);
		ly_buf_fini(&e.got);
	} while (failed && nth < 2000);
	ly_heap_fail_at(0);
	assert_true(nth > 20 && nth < 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_plain),   cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_login_scram),   cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_websocket),     cmocka_unit_test(test_websocket_kept),
		cmocka_unit_test(test_stream_errors), cmocka_unit_test(test_wrong_passwords),
		cmocka_unit_test(test_sasl_errors),   cmocka_unit_test(test_stanza_errors),
		cmocka_unit_test(test_limits),        cmocka_unit_test(test_idle),
		cmocka_unit_test(test_move),          cmocka_unit_test(test_close),
		cmocka_unit_test(test_resume),        cmocka_unit_test(test_nonza),
		cmocka_unit_test(test_no_memory),     cmocka_unit_test(test_many_attempts),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
