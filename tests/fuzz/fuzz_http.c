/* Any bytes as an HTTP or WebSocket client, cut in two at a place the first bytes choose, against
 * the real connection code on one loop without a thread. */
#include <sys/socket.h>
#include <unistd.h>

#include "server/io/http.h"
#include "server/io/static.h"
#include "server/io/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void echo_message(struct ly_ws *ws, struct ly_span text)
{
	ly_ws_send(ws, text);
}

static void echo_closed(struct ly_ws *ws, unsigned code)
{
	(void)ws;
	(void)code;
}

static const struct ly_ws_ops echo_ops = { .message = echo_message, .closed = echo_closed };

static int echo_open(struct ly_ws *ws, const struct ly_http_req *req, void *ctx)
{
	(void)req;
	(void)ctx;
	ly_ws_attach(ws, &echo_ops, NULL, 1 << 20);
	return 0;
}

static void post(struct ly_http_req *req, void *ctx)
{
	(void)ctx;
	ly_http_reply(req, 200, "text/plain", req->body, NULL);
}

static struct ly_static pages = { -1 };
static const struct ly_http_route routes[] = { { "POST", "/api/", post, NULL },
					       { "GET", "/", ly_static_handle, &pages } };
static const struct ly_ws_route ws_routes[] = { { "/ws/", NULL, echo_open, NULL },
						{ "/xmpp-websocket", "xmpp", echo_open, NULL } };
static const struct ly_http_conf conf = { .routes = routes,
					  .n_routes = LY_COUNTOF(routes),
					  .ws_routes = ws_routes,
					  .n_ws_routes = LY_COUNTOF(ws_routes) };

static void turn(struct ly_loop *loop)
{
	for (int i = 0; i < 3; i++)
		uv_run(&loop->uv, UV_RUN_NOWAIT);
}

static void drain(int fd)
{
	static uint8_t mem[65536];

	while (recv(fd, mem, sizeof(mem), MSG_DONTWAIT) > 0)
		;
}

/* A WebSocket is reached with frames only after a handshake, which is put before such inputs. */
static const char upgrade[] = "GET /ws/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
			      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct ly_loops g;
	struct ly_addr peer = { .family = 4 };
	size_t cut;
	int fds[2];

	if (len < 3 || len > 60000)
		return 0;
	if (g.loops == NULL && ly_loops_init(&g, 1) != 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return 0;
	ly_http_accept(&g.loops[0], fds[1], &peer, &conf, NULL);
	if (data[0] & 1)
		(void)!write(fds[0], upgrade, sizeof(upgrade) - 1);
	cut = (size_t)(data[1] << 8 | data[2]) % len;
	cut = cut < 3 ? 3 : cut;
	(void)!write(fds[0], data + 3, cut - 3);
	turn(&g.loops[0]);
	drain(fds[0]);
	(void)!write(fds[0], data + cut, len - cut);
	turn(&g.loops[0]);
	drain(fds[0]);
	close(fds[0]);
	for (int i = 0; i < 50 && g.loops[0].n_conns > 0; i++)
		turn(&g.loops[0]);
	if (g.loops[0].n_conns > 0)
		__builtin_trap(); /* a connection whose peer is gone stays */
	return 0;
}
