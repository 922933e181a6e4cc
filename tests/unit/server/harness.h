/* A loop with HTTP on socket pairs: bytes go in at one end, what the server answers comes back. */
#ifndef LY_TESTS_UNIT_SERVER_HARNESS_H
#define LY_TESTS_UNIT_SERVER_HARNESS_H

#include "tests/unit/check.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/io/http.h"
#include "server/io/ws.h"

struct harness {
	struct ly_loops loops;
	struct ly_http_conf conf;
};

struct harness_accept {
	const struct harness *h;
	int fd;
};

static inline void harness_start(struct harness *h, unsigned n_loops)
{
	assert_int_equal(ly_loops_init(&h->loops, n_loops), 0);
	assert_int_equal(ly_loops_start(&h->loops), 0);
}

static inline void harness_stop(struct harness *h)
{
	ly_loops_stop(&h->loops);
	ly_loops_fini(&h->loops);
}

static inline void harness_accept_on(struct ly_loop *loop, void *ctx)
{
	struct harness_accept *a = ctx;
	struct ly_addr peer = { .family = 4, .ip = { 127, 0, 0, 1 }, .port = 1 };

	ly_http_accept(loop, a->fd, &peer, &a->h->conf, NULL);
}

/** @return our end of a new connection */
static inline int harness_connect(struct harness *h)
{
	struct harness_accept a = { .h = h };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	a.fd = fds[1];
	assert_int_equal(ly_loop_call(h->loops.loops, harness_accept_on, &a), 0);
	return fds[0];
}

static inline void harness_send(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t r = send(fd, p, len, MSG_NOSIGNAL);

		if (r <= 0)
			return; /* the server has closed already: what it said is read next */
		p += r;
		len -= (size_t)r;
	}
}

/** Reads until @p until is seen, the end, or two seconds without a byte. @return bytes read; the
 * text gets a zero */
static inline size_t harness_read(int fd, char *out, size_t cap, const char *until)
{
	size_t len = 0;

	while (len + 1 < cap) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t r;

		if (poll(&p, 1, 2000) != 1)
			break;
		r = recv(fd, out + len, cap - 1 - len, 0);
		if (r <= 0)
			break;
		len += (size_t)r;
		out[len] = 0;
		if (until != NULL && memmem(out, len, until, strlen(until)) != NULL)
			break;
	}
	out[len] = 0;
	return len;
}

#endif
