#include "tests/bench/sfu_clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#define BATCH 32
#define BUFFER 2048
#define GRO_BUFFER 65536

ly_usec clients_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ly_usec)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void send_out(void *ctx, const uint8_t *data, size_t len)
{
	ssize_t n = send(*(int *)ctx, data, len, 0);

	(void)n; /* a full buffer is loss */
}

static int open_socket(const struct ly_addr *to, bool use_gro)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(to->port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int size = 8 << 20, one = 1;

	memcpy(&sin.sin_addr, to->ip, 4);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (use_gro)
		(void)setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)))
		return -errno;
	return fd;
}

static int join(struct clients *c, unsigned i)
{
	struct ly_sfu_endpoint_conf ep = { .has_remote = true };
	struct ly_sfu_source_desc sources[2];
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };
	struct peer *p = calloc(1, sizeof(*p));
	struct ly_addr at;
	char id[24];
	int err;

	if (p == NULL || ly_media_candidates(c->media, c->conf.thread, &at, 1) != 1)
		return -ENOMEM;
	snprintf(id, sizeof(id), "%08x", c->conf.first + i);
	err = peer_init(p, &c->env, id, c->conf.first + i, clients_now());
	if (err)
		return err;
	c->peers[i] = p;
	c->joined_at[i] = clients_now();
	c->fds[i] = open_socket(&at, c->conf.use_gro);
	if (c->fds[i] < 0)
		return c->fds[i];
	p->send = send_out;
	p->ctx = &c->fds[i];
	p->audio_on = i < c->conf.n_publishing;
	p->video.on = p->audio_on && c->conf.video_bps;
	p->video_bps = c->conf.video_bps;
	p->decrypt_every = c->conf.decrypt_every;
	p->no_nack = p->no_feedback = c->conf.decrypt_every > 1;
	snprintf(ep.id, sizeof(ep.id), "%s", id);
	ly_rand_text(&c->rand, ep.ufrag, 12);
	ly_rand_text(&c->rand, ep.pwd, 24);
	peer_describe(p, &ep.remote);
	err = ly_media_add_endpoint(c->media, c->conf.conf, &ep);
	if (err == 0 && p->audio_on)
		err = ly_media_add_sources(c->media, c->conf.conf, id, sources,
					   peer_sources(p, sources) - !p->video.on);
	if (err == 0)
		err = peer_set_server(p, &at, ep.ufrag, ep.pwd, ly_media_fingerprint(c->media),
				      clients_now());
	return err ? err : epoll_ctl(c->epfd, EPOLL_CTL_ADD, c->fds[i], &ev);
}

static void receive(struct peer *p, int fd, uint8_t *buffers)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	ly_usec now;
	int n;

	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec) { buffers + (size_t)i * BUFFER, BUFFER };
		msgs[i].msg_hdr = (struct msghdr) { .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	now = clients_now();
	for (int i = 0; i < n; i++)
		peer_recv(p, iov[i].iov_base, msgs[i].msg_len, BUFFER, now);
}

static void receive_gro(struct peer *p, int fd, uint8_t *buffer)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { buffer, GRO_BUFFER };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };
	ly_usec now = clients_now();

	for (unsigned k = 0; k < BATCH; k++) {
		ssize_t len;
		int segment;

		msg.msg_controllen = sizeof(control);
		len = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (len <= 0)
			return;
		segment = (int)len;
		for (struct cmsghdr *cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm))
			if (cm->cmsg_level == SOL_UDP && cm->cmsg_type == UDP_GRO)
				memcpy(&segment, CMSG_DATA(cm), sizeof(segment));
		for (ssize_t at = 0; at < len; at += segment)
			peer_recv(p, buffer + at, (size_t)LY_MIN(len - at, (ssize_t)segment),
				  BUFFER, now);
	}
}

static ly_usec turn(struct clients *c, ly_usec now)
{
	ly_usec at = now + LY_MS(100);
	unsigned ready = 0;

	if (c->n_joined < c->conf.n && now >= c->next_join) {
		(void)join(c, c->n_joined++);
		c->next_join += LY_MS(c->conf.join_ms);
	}
	if (c->n_joined < c->conf.n)
		at = LY_MIN(at, c->next_join);
	for (unsigned i = 0; i < c->conf.n; i++) {
		if (!c->peers[i])
			continue;
		if (peer_deadline(c->peers[i]) <= now)
			peer_tick(c->peers[i], now);
		at = LY_MIN(at, peer_deadline(c->peers[i]));
		ready += c->peers[i]->is_ready;
	}
	c->n_ready = ready;
	return at;
}

static double thread_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void *run(void *arg)
{
	struct clients *c = arg;
	uint8_t *buffers = malloc(GRO_BUFFER);
	bool was_measuring = false;
	double from = 0;

	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	while (!c->stop) {
		struct epoll_event evs[64];
		ly_usec now = clients_now(), wait = LY_MAX(turn(c, now) - now, 0);
		struct timespec ts = { wait / 1000000, wait % 1000000 * 1000 };
		int n = epoll_pwait2(c->epfd, evs, LY_COUNTOF(evs), &ts, NULL);

		for (int i = 0; i < n; i++) {
			unsigned k = evs[i].data.u32;

			if (c->conf.use_gro)
				receive_gro(c->peers[k], c->fds[k], buffers);
			else
				receive(c->peers[k], c->fds[k], buffers);
		}
		if (c->measuring != was_measuring) {
			was_measuring = c->measuring;
			if (was_measuring)
				from = thread_cpu();
			else
				c->cpu_s = thread_cpu() - from;
		}
	}
	free(buffers);
	return NULL;
}

int clients_start(struct clients *c, struct ly_media *media, const struct clients_conf *conf)
{
	int err;

	memset(c, 0, sizeof(*c));
	c->conf = *conf;
	c->media = media;
	ly_rand_seeded(&c->rand, conf->first + 77);
	c->peers = calloc(conf->n, sizeof(struct peer *));
	c->fds = calloc(conf->n, sizeof(int));
	c->joined_at = calloc(conf->n, sizeof(ly_usec));
	c->epfd = epoll_create1(EPOLL_CLOEXEC);
	err = peer_env_init(&c->env, &c->rand);
	c->next_join = clients_now();
	for (; conf->join_ms == 0 && c->n_joined < conf->n && err == 0; c->n_joined++)
		err = join(c, c->n_joined);
	return err ? err : -pthread_create(&c->thread, NULL, run, c);
}

void clients_stop(struct clients *c)
{
	c->stop = true;
	pthread_join(c->thread, NULL);
}

void clients_fini(struct clients *c)
{
	for (unsigned i = 0; i < c->conf.n; i++) {
		peer_fini(c->peers[i]);
		close(c->fds[i]);
		free(c->peers[i]);
	}
	peer_env_fini(&c->env);
	close(c->epfd);
	free(c->peers);
	free(c->fds);
	free(c->joined_at);
}
