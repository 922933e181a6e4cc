/* WebSocket: the handshake, framing, close codes. */
#include "tests/unit/server/harness.h"

#include "base/err.h"

/* RFC 6455 s. 1.3 */
static void test_accept_key(void **state)
{
	char out[29];

	(void)state;
	assert_int_equal(ly_ws_accept_key(out, "dGhlIHNhbXBsZSBub25jZQ=="), 0);
	assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_int_equal(ly_ws_accept_key(out, "short"), -EBADMSG);
	assert_int_equal(ly_ws_accept_key(out, "dGhlIHNhbXBsZSBub25jZQ!!"), -EBADMSG);
}

static void test_frame_header(void **state)
{
	static const struct {
		const char *what;
		uint64_t len;
		uint8_t want[10];
		size_t n;
	} rows[] = {
		{ "empty", 0, { 0x81, 0 }, 2 },
		{ "short", 125, { 0x81, 125 }, 2 },
		{ "16 bits", 126, { 0x81, 126, 0, 126 }, 4 },
		{ "16 bits, most", 65535, { 0x81, 126, 0xff, 0xff }, 4 },
		{ "64 bits", 65536, { 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 }, 10 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		uint8_t out[10];
		size_t n = ly_ws_frame_header(out, 1, rows[i].len);

		ly_assert_bytes(rows[i].what, ly_span(rows[i].want, rows[i].n), ly_span(out, n));
	}
}

static void on_message(struct ly_ws *ws, struct ly_span text)
{
	if (ly_span_equal(text, ly_span_str("bye")))
		ly_ws_close(ws, 1000, "as asked");
	else
		ly_ws_send(ws, text);
}

static void on_closed(struct ly_ws *ws, unsigned code)
{
	*(_Atomic unsigned *)ly_ws_user(ws) = code;
}

static const struct ly_ws_ops ops = { .message = on_message, .closed = on_closed };
static _Atomic unsigned last_code;

static int on_open(struct ly_ws *ws, const struct ly_http_req *req, void *ctx)
{
	(void)ctx;
	if (strcmp(req->query, "no") == 0)
		return 403;
	ly_ws_attach(ws, &ops, &last_code, 1 << 20);
	return 0;
}

static const struct ly_ws_route ws_routes[] = {
	{ "/echo/", NULL, on_open, NULL },
	{ "/xmpp", "xmpp", on_open, NULL },
};

#define UP \
	"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"

static void test_handshake(void **state)
{
	static const struct {
		const char *what, *request, *want;
	} rows[] = {
		{ "good", "GET /echo/x HTTP/1.1\r\n" UP V13 "\r\n", "HTTP/1.1 101 " },
		{ "accept", "GET /echo/x HTTP/1.1\r\n" UP V13 "\r\n",
		  "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
		{ "subprotocol",
		  "GET /xmpp HTTP/1.1\r\n" UP V13 "Sec-WebSocket-Protocol: foo, xmpp\r\n\r\n",
		  "Sec-WebSocket-Protocol: xmpp" },
		{ "without it", "GET /xmpp HTTP/1.1\r\n" UP V13 "\r\n", "HTTP/1.1 400 " },
		{ "a longer word",
		  "GET /xmpp HTTP/1.1\r\n" UP V13 "Sec-WebSocket-Protocol: xmpp2\r\n\r\n",
		  "HTTP/1.1 400 " },
		{ "old version", "GET /echo/ HTTP/1.1\r\n" UP "Sec-WebSocket-Version: 8\r\n\r\n",
		  "HTTP/1.1 426 " },
		{ "refused", "GET /echo/?no HTTP/1.1\r\n" UP V13 "\r\n", "HTTP/1.1 403 " },
		{ "unknown", "GET /nix HTTP/1.1\r\n" UP V13 "\r\n", "HTTP/1.1 404 " },
		{ "no key",
		  "GET /echo/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
		  "Upgrade: websocket\r\n" V13 "\r\n",
		  "HTTP/1.1 400 " },
	};
	struct harness *h = *state;

	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		char out[4096];
		int fd = harness_connect(h);

		harness_send(fd, rows[i].request, strlen(rows[i].request));
		harness_read(fd, out, sizeof(out), rows[i].want);
		if (strstr(out, rows[i].want) == NULL)
			fail_msg("%s: want \"%s\" in \"%s\"", rows[i].what, rows[i].want, out);
		close(fd);
	}
}

static int open_ws(struct harness *h)
{
	static const char request[] = "GET /echo/ HTTP/1.1\r\n" UP V13 "\r\n";
	char out[4096];
	int fd = harness_connect(h);

	harness_send(fd, request, sizeof(request) - 1);
	harness_read(fd, out, sizeof(out), "\r\n\r\n");
	assert_memory_equal(out, "HTTP/1.1 101 ", 13);
	return fd;
}

/* A client's frame, masked with 1 2 3 4. @return its length */
static size_t frame(uint8_t *out, unsigned first, const void *payload, size_t len, bool masked)
{
	const uint8_t *p = payload;
	size_t n = ly_ws_frame_header(out, 0, len);

	out[0] = (uint8_t)first;
	if (!masked) {
		memcpy(out + n, p, len);
		return n + len;
	}
	out[1] |= 0x80;
	for (uint8_t i = 0; i < 4; i++)
		out[n++] = (uint8_t)(i + 1);
	for (size_t i = 0; i < len; i++)
		out[n + i] = p[i] ^ (uint8_t)(i % 4 + 1);
	return n + len;
}

/* Sends frames cut into pieces of @p piece bytes and compares what comes back. */
static void exchange(struct harness *h, const char *what, const uint8_t *in, size_t len,
		     size_t piece, struct ly_span want)
{
	int fd = open_ws(h);
	char out[4096];
	size_t got = 0;

	for (size_t i = 0; i < len; i += piece) {
		harness_send(fd, in + i, LY_MIN(piece, len - i));
		if (piece < 100)
			usleep(300);
	}
	while (got < want.len) {
		size_t n = harness_read(fd, out + got, sizeof(out) - got, "");

		if (n == 0)
			break;
		got += n;
	}
	ly_assert_bytes(what, want, ly_span(out, got));
	close(fd);
}

static void test_frames(void **state)
{
	static const uint8_t hello[] = "\x81\x05hello", pong[] = "\x8a\x02hi";
	static const uint8_t bye[] = "\x88\x0a\x03\xe8"
				     "as asked";
	uint8_t in[256];
	size_t n = frame(in, 0x81, "hello", 5, true);

	for (size_t piece = 1; piece <= n; piece++)
		exchange(*state, "cut", in, n, piece, ly_span(hello, 7));
	n = frame(in, 0x01, "he", 2, true);
	n += frame(in + n, 0x89, "hi", 2, true); /* a ping between the fragments */
	n += frame(in + n, 0x00, "", 0, true);
	n += frame(in + n, 0x80, "llo", 3, true);
	memcpy(in + 100, pong, 4);
	memcpy(in + 104, hello, 7);
	exchange(*state, "fragments", in, n, 3, ly_span(in + 100, 11));
	n = frame(in, 0x81, "bye", 3, true);
	exchange(*state, "close by us", in, n, 100, ly_span(bye, 12));
}

static void test_bad_frames(void **state)
{
	static const struct {
		const char *what;
		unsigned first;
		const char *payload;
		bool masked;
		unsigned code;
	} rows[] = {
		{ "unmasked", 0x81, "hello", false, 1002 },
		{ "reserved bit", 0xc1, "hello", true, 1002 },
		{ "binary", 0x82, "hello", true, 1003 },
		{ "unknown opcode", 0x83, "hello", true, 1002 },
		{ "unknown control opcode", 0x8b, "hello", true, 1002 },
		{ "continuation of nothing", 0x80, "hello", true, 1002 },
		{ "fragmented ping", 0x09, "hello", true, 1002 },
		{ "not UTF-8", 0x81, "\xff\xfe", true, 1007 },
		{ "overlong UTF-8", 0x81, "\xc0\xaf", true, 1007 },
		{ "surrogate", 0x81, "\xed\xa0\x80", true, 1007 },
		{ "close with one byte", 0x88, "x", true, 1002 },
		{ "close with a reserved code", 0x88, "\x03\xed", true, 1002 },
		{ "close", 0x88, "\x03\xe8", true, 1000 },
	};

	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		int fd = open_ws(*state);
		uint8_t in[64];
		char out[256];
		size_t n = frame(in, rows[i].first, rows[i].payload, strlen(rows[i].payload),
				 rows[i].masked);

		harness_send(fd, in, n);
		n = harness_read(fd, out, sizeof(out), NULL); /* to the end: the server closes */
		ly_assert_i64(rows[i].what, 1, n >= 4);
		ly_assert_i64(rows[i].what, 0x88, (uint8_t)out[0]);
		ly_assert_i64(rows[i].what, rows[i].code, (uint8_t)out[2] << 8 | (uint8_t)out[3]);
		close(fd);
	}
}

/* One frame, and many fragments, over the limit. */
static void test_too_large(void **state)
{
	size_t len = LY_WS_MESSAGE_MAX + 1;
	uint8_t *in = malloc(len + 14);
	char *payload = calloc(1, len), out[256];

	for (int round = 0; round < 2; round++) {
		int fd = open_ws(*state);
		size_t n;

		if (round == 0) {
			n = frame(in, 0x81, payload, len, true);
			harness_send(fd, in, n);
		} else {
			for (size_t i = 0; i <= len / 60000; i++) {
				n = frame(in, i == 0 ? 0x01 : 0x00, payload, 60000, true);
				harness_send(fd, in, n);
			}
		}
		n = harness_read(fd, out, sizeof(out), NULL);
		assert_true(n >= 4);
		assert_int_equal((uint8_t)out[2] << 8 | (uint8_t)out[3], 1009);
		close(fd);
	}
	free(in);
	free(payload);
}

static int setup(void **state)
{
	struct harness *h = calloc(1, sizeof(*h));

	h->conf.ws_routes = ws_routes;
	h->conf.n_ws_routes = LY_COUNTOF(ws_routes);
	harness_start(h, 1);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	harness_stop(*state);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept_key), cmocka_unit_test(test_frame_header),
		cmocka_unit_test(test_handshake),  cmocka_unit_test(test_frames),
		cmocka_unit_test(test_bad_frames), cmocka_unit_test(test_too_large),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
