#include "server/io/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/log.h"

#define MAX_SOCKETS 8
#define BACKLOG 4096
#define ACCEPT_BURST 64

struct socket_of {
	struct ly_listener *l;
	uv_poll_t poll;
	int fd;
	struct ly_addr addr;
};

struct ly_listener {
	struct ly_log log;
	struct ly_loops *loops;
	struct ly_limits *limits;
	ly_accept_fn fn;
	void *ctx;
	struct socket_of socks[MAX_SOCKETS];
	size_t n_socks;
	unsigned next; /* loop that gets the next connection */
	int spare_fd;  /* given up for a moment when descriptors run out */
	bool is_started;
	struct ly_loop_timer retry; /* accepting again after descriptors had run out */
};

struct accept_msg {
	struct ly_loop_msg msg;
	struct ly_listener *l;
	struct ly_addr peer;
	int fd;
};

static socklen_t to_sockaddr(const struct ly_addr *a, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (a->family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(a->port);
	memcpy(&in6->sin6_addr, a->ip, 16);
	return sizeof(*in6);
}

static void from_sockaddr(const struct sockaddr_storage *ss, struct ly_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*a = (struct ly_addr) { 0 };
	if (ss->ss_family == AF_INET) { /* NOLINT: filled by accept() */
		const struct sockaddr_in *in = (const struct sockaddr_in *)ss;

		a->family = 4;
		a->port = ntohs(in->sin_port);
		memcpy(a->ip, &in->sin_addr, 4);
	} else if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

		a->port = ntohs(in6->sin6_port);
		a->family = 6;
		memcpy(a->ip, &in6->sin6_addr, 16);
		if (memcmp(a->ip, mapped, 12) == 0) {
			/* IPv4 through the IPv6 wildcard socket */
			a->family = 4;
			memmove(a->ip, a->ip + 12, 4);
			memset(a->ip + 4, 0, 12);
		}
	}
}

static int bind_error(const char *name, const struct ly_addr *a, int e, char *err, size_t cap)
{
	char addr[LY_ADDR_MAX];
	const char *hint = "";

	if (e == EADDRINUSE)
		hint = "; another program listens there: stop it or set another port in [listen] ";
	else if (e == EACCES)
		hint = "; ports below 1024 need root or CAP_NET_BIND_SERVICE: see [listen] ";
	else if (e == EADDRNOTAVAIL)
		hint = "; this machine does not have that address: see [listen] ";
	snprintf(err, cap, "cannot listen on %s: %s%s%s", ly_addr_format(a, addr, sizeof(addr)),
		 strerror(e), hint, hint[0] ? name : "");
	return -EIO;
}

/* A wildcard IPv6 socket takes IPv4 too. @return the descriptor or a negative errno value */
static int open_socket(const struct ly_addr *a, bool is_wildcard)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(a, &ss);
	int one = 1, v6only = is_wildcard ? 0 : 1, e;
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(fd, (struct sockaddr *)&ss, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	e = errno;
	close(fd);
	return -e;
}

static int add_socket(struct ly_listener *l, const char *name, struct ly_addr a, char *err,
		      size_t cap)
{
	bool is_wildcard = a.family == 0;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct socket_of *s;
	int fd;

	if (l->n_socks == MAX_SOCKETS) {
		snprintf(err, cap, "[listen] %s names more than %d addresses", name, MAX_SOCKETS);
		return -E2BIG;
	}
	if (is_wildcard)
		a.family = 6;
	fd = open_socket(&a, is_wildcard);
	if (is_wildcard && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) {
		a.family = 4; /* no IPv6 here */
		fd = open_socket(&a, true);
	}
	if (fd < 0)
		return bind_error(name, &a, -fd, err, cap);
	s = &l->socks[l->n_socks++];
	s->l = l;
	s->fd = fd;
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		from_sockaddr(&ss, &s->addr);
	return 0;
}

static void run_accept(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct accept_msg *m = LY_CONTAINER_OF(msg, struct accept_msg, msg);

	m->l->fn(loop, m->fd, &m->peer, m->l->ctx);
	ly_free(m, LY_MEM_QUEUE);
}

static void hand_over(struct ly_listener *l, int fd, const struct ly_addr *peer)
{
	struct ly_loop *to = &l->loops->loops[l->next++ % l->loops->n];
	struct accept_msg *m;
	char ip[LY_ADDR_MAX];
	int rc = 0;

	if (l->limits != NULL)
		rc = ly_limits_enter(l->limits, peer, ly_loop_now(l->loops->loops));
	if (rc != 0) {
		ly_log(&l->log, LY_WARN, "refused", "peer=%s reason=%s",
		       ly_addr_format_ip(peer, ip, sizeof(ip)),
		       rc == -E2BIG ? "too-many-connections" : "too-fast");
		close(fd);
		return;
	}
	m = ly_alloc(sizeof(*m), LY_MEM_QUEUE);
	if (m == NULL) {
		close(fd);
		if (l->limits != NULL)
			ly_limits_leave(l->limits, peer, ly_loop_now(l->loops->loops));
		return;
	}
	m->msg.run = run_accept;
	m->l = l;
	m->peer = *peer;
	m->fd = fd;
	ly_loop_post(to, &m->msg);
}

static void on_listen(uv_poll_t *poll, int status, int events);

static void on_retry(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	struct ly_listener *l = LY_CONTAINER_OF(timer, struct ly_listener, retry);

	(void)loop;
	if (l->is_started)
		for (size_t i = 0; i < l->n_socks; i++)
			uv_poll_start(&l->socks[i].poll, UV_READABLE, on_listen);
}

/* No descriptors left: the spare one lets this client be turned away instead of hanging, then there
 * is a pause, or the loop would spin on the readable socket. */
static void out_of_fds(struct ly_listener *l, int fd, int e)
{
	ly_log(&l->log, LY_WARN, "accept-failed", "reason=\"%s\" hint=\"raise the file limit\"",
	       strerror(e));
	if (l->spare_fd >= 0) {
		int c;

		close(l->spare_fd);
		c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (c >= 0)
			close(c);
		l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	for (size_t i = 0; i < l->n_socks; i++)
		uv_poll_stop(&l->socks[i].poll);
	ly_loop_timer_set(l->loops->loops, &l->retry, ly_loop_now(l->loops->loops) + LY_MS(100));
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
	struct socket_of *s = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		struct ly_addr peer;
		int fd = accept4(s->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				out_of_fds(s->l, s->fd, errno);
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return;
		}
		from_sockaddr(&ss, &peer);
		hand_over(s->l, fd, &peer);
	}
}

int ly_listener_open(struct ly_listener **out, const char *name, const struct ly_addr *addrs,
		     size_t n, struct ly_loops *loops, struct ly_limits *limits, ly_accept_fn fn,
		     void *ctx, char *err, size_t err_cap)
{
	struct ly_listener *l = ly_alloc(sizeof(*l), LY_MEM_CONN);
	int rc = 0;

	if (l == NULL) {
		snprintf(err, err_cap, "out of memory");
		return -ENOMEM;
	}
	l->log = (struct ly_log) { "listen", name };
	l->loops = loops;
	l->limits = limits;
	l->fn = fn;
	l->ctx = ctx;
	l->retry.fire = on_retry;
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_socket(l, name, addrs[i], err, err_cap);
	if (rc != 0) {
		ly_listener_destroy(l);
		return rc;
	}
	*out = l;
	return 0;
}

int ly_listener_start(struct ly_listener *l)
{
	char addr[LY_ADDR_MAX];

	for (size_t i = 0; i < l->n_socks; i++) {
		struct socket_of *s = &l->socks[i];

		if (uv_poll_init_socket(&l->loops->loops->uv, &s->poll, s->fd) != 0)
			return -EIO;
		s->poll.data = s;
		uv_poll_start(&s->poll, UV_READABLE, on_listen);
		ly_log(&l->log, LY_INFO, "listening", "address=%s",
		       ly_addr_format(&s->addr, addr, sizeof(addr)));
	}
	l->is_started = true;
	return 0;
}

void ly_listener_stop(struct ly_listener *l)
{
	if (l == NULL || !l->is_started)
		return;
	l->is_started = false;
	ly_loop_timer_del(l->loops->loops, &l->retry);
	for (size_t i = 0; i < l->n_socks; i++) {
		uv_close((uv_handle_t *)&l->socks[i].poll, NULL);
		close(l->socks[i].fd);
		l->socks[i].fd = -1;
	}
}

void ly_listener_destroy(struct ly_listener *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n_socks; i++)
		if (l->socks[i].fd >= 0)
			close(l->socks[i].fd);
	if (l->spare_fd >= 0)
		close(l->spare_fd);
	ly_free(l, LY_MEM_CONN);
}

uint16_t ly_listener_port(const struct ly_listener *l)
{
	return l != NULL && l->n_socks > 0 ? l->socks[0].addr.port : 0;
}
