#include "server/media/udp.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* Bursts of keyframes of a full room must fit: 4 MB hold some 1800 datagrams (a 1200-byte one
 * takes 2304). */
#define SOCKET_BUFFER (4 << 20)
/* How long a full send buffer is waited for before the rest of a batch is dropped. */
#define SEND_WAIT_MS 5

static socklen_t to_sockaddr(const struct ly_addr *a, struct sockaddr_storage *ss)
{
	if (a->family == 6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

		memset(sin6, 0, sizeof(*sin6));
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(a->port);
		memcpy(&sin6->sin6_addr, a->ip, 16);
		return sizeof(*sin6);
	}
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = htons(a->port);
	memcpy(&sin->sin_addr, a->ip, 4);
	return sizeof(*sin);
}

static void from_sockaddr(const struct sockaddr_storage *ss, struct ly_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (ss->ss_family == AF_INET6) { /* NOLINT: filled by recvmmsg() */
		const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;

		a->family = 6;
		a->port = ntohs(sin6->sin6_port);
		memcpy(a->ip, &sin6->sin6_addr, 16);
	} else if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;

		a->family = 4;
		a->port = ntohs(sin->sin_port);
		memcpy(a->ip, &sin->sin_addr, 4);
	}
}

/* The FORCE variants need a privilege; without it the system's maximum is what there is. */
static void set_buffers(int fd)
{
	int size = SOCKET_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static bool probe_gso(int fd)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_UDP, UDP_SEGMENT, &value, &len) == 0;
}

int ly_udp_open(struct ly_udp *u, const struct ly_addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(addr, &ss);
	int one = 1, err;

	u->fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0)
		return -errno;
	set_buffers(u->fd);
	if (addr->family == 6)
		(void)setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(u->fd, (struct sockaddr *)&ss, len) ||
	    getsockname(u->fd, (struct sockaddr *)&ss, &(socklen_t) { sizeof(ss) })) {
		err = -errno;
		ly_udp_close(u);
		return err;
	}
	from_sockaddr(&ss, &u->local);
	u->has_gso = probe_gso(u->fd);
	return 0;
}

void ly_udp_close(struct ly_udp *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

size_t ly_udp_recv(struct ly_udp *u, struct ly_sfu_in *in, size_t n)
{
	struct mmsghdr msgs[LY_UDP_BATCH];
	struct iovec iov[LY_UDP_BATCH];
	struct sockaddr_storage from[LY_UDP_BATCH];
	int got;

	n = LY_MIN(n, (size_t)LY_UDP_BATCH);
	for (size_t i = 0; i < n; i++) {
		iov[i] = (struct iovec) { in[i].data, in[i].cap };
		msgs[i].msg_hdr = (struct msghdr) { .msg_name = &from[i],
						    .msg_namelen = sizeof(from[i]),
						    .msg_iov = &iov[i],
						    .msg_iovlen = 1 };
	}
	do {
		got = recvmmsg(u->fd, msgs, (unsigned)n, MSG_DONTWAIT, NULL);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return 0;
	for (size_t i = 0; i < (size_t)got; i++) {
		from_sockaddr(&from[i], &in[i].from);
		in[i].len = msgs[i].msg_hdr.msg_flags & MSG_TRUNC ? 0 : msgs[i].msg_len;
	}
	return (size_t)got;
}

uint64_t ly_udp_lost(const struct ly_udp *u)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(u->fd, SOL_SOCKET, SO_MEMINFO, info, &len))
		return 0;
	return info[SK_MEMINFO_DROPS];
}

struct send_batch {
	struct mmsghdr msgs[LY_UDP_BATCH];
	struct iovec iov[LY_UDP_BATCH];
	struct sockaddr_storage to[LY_UDP_BATCH];
	union {
		char buf[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control[LY_UDP_BATCH];
};

static void fill(struct send_batch *b, size_t i, const struct ly_sfu_out *o)
{
	struct msghdr *hdr = &b->msgs[i].msg_hdr;

	b->iov[i] = (struct iovec) { (void *)(uintptr_t)o->data, o->len };
	*hdr = (struct msghdr) { .msg_name = &b->to[i], .msg_iov = &b->iov[i], .msg_iovlen = 1 };
	hdr->msg_namelen = to_sockaddr(&o->dst, &b->to[i]);
	if (o->segment && o->len > o->segment) {
		struct cmsghdr *cm = &b->control[i].align;

		hdr->msg_control = cm;
		hdr->msg_controllen = sizeof(b->control[i].buf);
		cm->cmsg_level = SOL_UDP;
		cm->cmsg_type = UDP_SEGMENT;
		cm->cmsg_len = CMSG_LEN(sizeof(uint16_t));
		memcpy(CMSG_DATA(cm), &o->segment, sizeof(uint16_t));
	}
}

static bool wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, SEND_WAIT_MS) > 0;
}

static uint16_t n_datagrams(const struct ly_sfu_out *o)
{
	return (uint16_t)(o->segment ? (o->len + o->segment - 1) / o->segment : 1);
}

/* One message failed: @return true if it is to be tried again as it is. */
static bool on_error(struct ly_udp *u, const struct ly_sfu_out *o, int err,
		     struct ly_udp_sent *sent)
{
	if (err == EINTR)
		return true;
	if (err == EAGAIN && wait_writable(u->fd))
		return true;
	/* A device without checksum offload says EIO: from now on without runs; this one is
	 * lost. */
	if (n_datagrams(o) > 1 && (err == EIO || err == EINVAL))
		u->has_gso = false;
	sent->dropped += n_datagrams(o);
	return false;
}

static void send_some(struct ly_udp *u, const struct ly_sfu_out *out, size_t n,
		      struct ly_udp_sent *sent)
{
	struct send_batch b;

	for (size_t i = 0; i < n; i++)
		fill(&b, i, &out[i]);
	for (size_t i = 0; i < n;) {
		int done = sendmmsg(u->fd, b.msgs + i, (unsigned)(n - i), 0);

		if (done < 0) {
			if (!on_error(u, &out[i], errno, sent))
				i++;
			continue;
		}
		for (int k = 0; k < done; k++, i++) {
			sent->messages++;
			sent->datagrams += n_datagrams(&out[i]);
			sent->bytes += out[i].len;
		}
	}
}

/* Without UDP_SEGMENT: the run's datagrams as messages of their own. @return the next place in
 * @p at */
static size_t split(const struct ly_sfu_out *o, size_t *done, struct ly_sfu_out *at, size_t room)
{
	size_t n = 0;

	while (n < room && *done < o->len) {
		size_t len = LY_MIN((size_t)o->segment, o->len - *done);

		at[n++] =
			(struct ly_sfu_out) { .dst = o->dst, .data = o->data + *done, .len = len };
		*done += len;
	}
	return n;
}

static void send_without_gso(struct ly_udp *u, const struct ly_sfu_out *out, size_t n,
			     struct ly_udp_sent *sent)
{
	struct ly_sfu_out some[LY_UDP_BATCH];
	size_t k = 0, done = 0;

	for (size_t i = 0; i < n;) {
		if (out[i].segment) {
			k += split(&out[i], &done, some + k, LY_UDP_BATCH - k);
		} else {
			some[k++] = out[i];
			done = out[i].len;
		}
		if (done >= out[i].len) {
			i++;
			done = 0;
		}
		if (k == LY_UDP_BATCH || i == n) {
			send_some(u, some, k, sent);
			k = 0;
		}
	}
}

void ly_udp_send(struct ly_udp *u, const struct ly_sfu_out *out, size_t n, struct ly_udp_sent *sent)
{
	for (size_t i = 0; i < n && u->has_gso; i += LY_UDP_BATCH) {
		send_some(u, out + i, LY_MIN(n - i, (size_t)LY_UDP_BATCH), sent);
		if (!u->has_gso) {
			i += LY_UDP_BATCH;
			send_without_gso(u, out + LY_MIN(i, n), n - LY_MIN(i, n), sent);
			return;
		}
	}
	if (!u->has_gso)
		send_without_gso(u, out, n, sent);
}
