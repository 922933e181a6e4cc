/* HTTP: paths, limits, pipelining, late answers. */
#include "tests/unit/server/harness.h"

#include "base/err.h"
#include "server/io/static.h"

static void test_decode_path(void **state)
{
	static const struct {
		const char *what, *in;
		int rc;
		const char *want;
	} rows[] = {
		{ "root", "/", 0, "/" },
		{ "plain", "/a/b.js", 0, "/a/b.js" },
		{ "escape", "/a%20b", 0, "/a b" },
		{ "utf-8 escape", "/%C3%A4", 0, "/\xc3\xa4" },
		{ "dot", "/a/./b", 0, "/a/b" },
		{ "dots inside", "/a/../b", 0, "/b" },
		{ "dots at the end", "/a/b/..", 0, "/a/" },
		{ "last dot", "/a/.", 0, "/a/" },
		{ "three dots are a name", "/a/...", 0, "/a/..." },
		{ "empty parts stay", "//a", 0, "//a" },
		{ "above the root", "/..", -EBADMSG, NULL },
		{ "above the root, deeper", "/a/../../b", -EBADMSG, NULL },
		{ "escaped dots", "/%2e%2e/b", -EBADMSG, NULL },
		{ "mixed dots", "/a/.%2e/%2E./b", -EBADMSG, NULL },
		{ "escaped slash", "/a%2fb", -EBADMSG, NULL },
		{ "zero byte", "/a%00b", -EBADMSG, NULL },
		{ "control character", "/a%0ab", -EBADMSG, NULL },
		{ "backslash", "/a\\b", -EBADMSG, NULL },
		{ "escaped backslash", "/%5c..", -EBADMSG, NULL },
		{ "cut escape", "/a%4", -EBADMSG, NULL },
		{ "bad escape", "/a%zz", -EBADMSG, NULL },
		{ "no slash", "a", -EBADMSG, NULL },
		{ "empty", "", -EBADMSG, NULL },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		char out[64];
		int rc = ly_http_decode_path(out, sizeof(out), ly_span_str(rows[i].in));

		ly_assert_i64(rows[i].what, rows[i].rc, rc);
		if (rc == 0)
			ly_assert_str(rows[i].what, rows[i].want, out);
	}
}

static void test_static_file_of(void **state)
{
	static const struct {
		const char *path, *want;
	} rows[] = {
		{ "/", "index.html" },
		{ "/operator", "operator.html" },
		{ "/assets/a.js", "assets/a.js" },
		{ "/.git/config", NULL },
		{ "/a/.hidden", NULL },
		{ "/a/", NULL },
		{ "//etc/passwd", NULL },
		{ "/a//b", NULL },
		{ "/a/../b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		const char *got = ly_static_file_of(rows[i].path);

		if (rows[i].want == NULL)
			assert_null(got);
		else
			ly_assert_str(rows[i].path, rows[i].want, got);
	}
}

static void hello(struct ly_http_req *req, void *ctx)
{
	(void)ctx;
	ly_http_reply(req, 200, "text/plain", ly_span_str("hello"), NULL);
}

static void echo(struct ly_http_req *req, void *ctx)
{
	char text[300];

	(void)ctx;
	snprintf(text, sizeof(text), "%s %s ?%s body=%zu", req->method, req->path, req->query,
		 req->body.len);
	ly_http_reply(req, 200, "text/plain", ly_span_str(text), NULL);
}

struct late {
	struct ly_loop_msg msg;
	struct ly_http_req *req;
};

static void run_late(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct late *l = LY_CONTAINER_OF(msg, struct late, msg);

	(void)loop;
	ly_http_reply(l->req, 200, "text/plain", ly_span_str("late"), NULL);
	free(l);
}

static void later(struct ly_http_req *req, void *ctx)
{
	struct late *l = calloc(1, sizeof(*l));

	(void)ctx;
	l->msg.run = run_late;
	l->req = req;
	ly_loop_post(req->loop, &l->msg);
}

static const struct ly_http_route routes[] = {
	{ "GET", "/hello", hello, NULL },
	{ NULL, "/echo/", echo, NULL },
	{ "GET", "/later", later, NULL },
};

#define HOST "Host: localhost\r\n"

static void test_answers(void **state)
{
	static const struct {
		const char *what, *request, *want;
	} rows[] = {
		{ "get", "GET /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK" },
		{ "late", "GET /later HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\nlate" },
		{ "query", "GET /echo/x?a=1 HTTP/1.1\r\n" HOST "\r\n", "GET /echo/x ?a=1 body=0" },
		{ "post", "POST /echo/ HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
		  "body=3" },
		{ "chunks",
		  "POST /echo/ HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
		  "body=5" },
		{ "unknown path", "GET /nix HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 Not Found" },
		{ "wrong method", "DELETE /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 " },
		{ "no host", "GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
		{ "old version", "GET /hello HTTP/1.0\r\n\r\n", "Connection: close" },
		{ "garbage", "\x16\x03\x01\x02 garbage\r\n\r\n", "HTTP/1.1 400 " },
		{ "no method", "FOO /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
		{ "absolute form", "GET http://x/hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 " },
		{ "traversal", "GET /../hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 " },
		{ "both lengths",
		  "POST /echo/ HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
		  "Transfer-Encoding: chunked\r\n\r\nabc",
		  "HTTP/1.1 400 " },
		{ "large body", "POST /echo/ HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n",
		  "HTTP/1.1 413 " },
		{ "security headers", "GET /nix HTTP/1.1\r\n" HOST "\r\n",
		  "Content-Security-Policy: " },
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

/* Every way to cut a request in two gives the same answer. */
static void test_byte_by_byte(void **state)
{
	static const char request[] =
		"POST /echo/a%20b?q HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi";
	struct harness *h = *state;

	for (size_t cut = 1; cut < sizeof(request) - 1; cut += 7) {
		char out[4096];
		int fd = harness_connect(h);

		harness_send(fd, request, cut);
		usleep(1000);
		harness_send(fd, request + cut, sizeof(request) - 1 - cut);
		harness_read(fd, out, sizeof(out), "body=2");
		assert_non_null(strstr(out, "POST /echo/a b ?q body=2"));
		close(fd);
	}
}

static void test_pipeline(void **state)
{
	struct harness *h = *state;
	char request[4096] = "", *out = calloc(1, 1 << 20);
	int fd = harness_connect(h), n = 0;

	for (int i = 0; i < 20; i++) {
		strcat(request, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
		strcat(request, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	}
	strcat(request, "GET /nix HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	harness_send(fd, request, strlen(request));
	harness_read(fd, out, 1 << 20, NULL);
	for (char *p = out; (p = strstr(p, "HTTP/1.1 200")) != NULL; p++)
		n++;
	assert_int_equal(n, 40);
	assert_non_null(strstr(out, "HTTP/1.1 404"));
	free(out);
	close(fd);
}

static void large_header(struct harness *h, size_t len, bool is_target, const char *want)
{
	char *request = malloc(len + 200), out[4096];
	int fd = harness_connect(h), n;

	n = sprintf(request, is_target ? "GET /" : "GET /hello HTTP/1.1\r\n" HOST "X: ");
	memset(request + n, 'a', len);
	strcpy(request + n + len, is_target ? " HTTP/1.1\r\n" HOST "\r\n" : "\r\n\r\n");
	harness_send(fd, request, strlen(request));
	harness_read(fd, out, sizeof(out), "\r\n\r\n");
	ly_assert_str(want, want, strncmp(out, want, strlen(want)) == 0 ? want : out);
	free(request);
	close(fd);
}

static void test_limits(void **state)
{
	large_header(*state, 8000, false, "HTTP/1.1 200 ");
	large_header(*state, 20000, false, "HTTP/1.1 431 ");
	large_header(*state, 300000, false, "HTTP/1.1 431 ");
	large_header(*state, 9000, true, "HTTP/1.1 414 ");
}

static void test_many_headers(void **state)
{
	struct harness *h = *state;
	char request[4096] = "GET /hello HTTP/1.1\r\n" HOST, out[4096];
	int fd = harness_connect(h);

	for (int i = 0; i < LY_HTTP_HEADERS_MAX; i++)
		strcat(request, "A: b\r\n");
	strcat(request, "\r\n");
	harness_send(fd, request, strlen(request));
	harness_read(fd, out, sizeof(out), "\r\n\r\n");
	assert_memory_equal(out, "HTTP/1.1 431 ", 13);
	close(fd);
}

/* A body without a length that grows over the limit. */
static void test_endless_body(void **state)
{
	static const char head[] =
		"POST /echo/ HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
	char *chunk = calloc(1, 70000), out[4096];
	int fd = harness_connect(*state), n;

	n = sprintf(chunk, "10000\r\n");
	strcpy(chunk + n + 65536, "\r\n");
	harness_send(fd, head, sizeof(head) - 1);
	for (int i = 0; i < 18; i++)
		harness_send(fd, chunk, (size_t)n + 65538);
	harness_read(fd, out, sizeof(out), "\r\n\r\n");
	assert_memory_equal(out, "HTTP/1.1 413 ", 13);
	free(chunk);
	close(fd);
}

static int setup(void **state)
{
	struct harness *h = calloc(1, sizeof(*h));

	h->conf.routes = routes;
	h->conf.n_routes = LY_COUNTOF(routes);
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
		cmocka_unit_test(test_decode_path),  cmocka_unit_test(test_static_file_of),
		cmocka_unit_test(test_answers),      cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_pipeline),     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many_headers), cmocka_unit_test(test_endless_body),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
