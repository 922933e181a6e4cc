/* Load for an XMPP server, from one thread: logs in N sessions, then measures what an idle one
 * costs the server in memory, and how many chat messages it delivers per second of its CPU time.
 *
 *   bench_xmpp PORT TLS(0|1) PID N PREFIX PASSWORD SECONDS WINDOW
 *
 * Accounts are PREFIX0@localhost, PREFIX1@localhost …; session 2k sends to session 2k+1, with
 * WINDOW messages in flight per pair. Any server that offers SCRAM-SHA-1 can be measured. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "signaling/sasl/scram.h"

#define CONCURRENT 100

enum state { S_NEW, S_FEATURES, S_CHALLENGE, S_SUCCESS, S_FEATURES2, S_BIND, S_READY };

struct client {
	int fd;
	unsigned number;
	enum state state;
	bool handshaken;
	SSL *ssl;
	struct ly_scram_client *scram;
	struct ly_buf in, out;
	size_t seen; /* chat: messages that have arrived */
};

static struct {
	int port, pid, epoll;
	bool tls;
	unsigned n;
	const char *prefix, *password;
	SSL_CTX *ctx;
	struct client *clients;
	unsigned n_started, n_ready;
	bool chatting;
	uint64_t received;
	struct ly_rand rand;
} b;

static void die(const char *what, unsigned number)
{
	fprintf(stderr, "bench_xmpp: %s (session %u)\n", what, number);
	exit(1);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* CPU seconds of the server: user and system. */
static double cpu_s(void)
{
	char path[64], line[1024];
	unsigned long user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", b.pid);
	f = fopen(path, "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		die("no such server process", 0);
	fclose(f);
	sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
	       &system);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static long rss_kb(void)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", b.pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb;
}

static void flush_out(struct client *c)
{
	while (c->out.len > 0) {
		size_t done = 0;

		if (c->ssl != NULL) {
			if (!c->handshaken ||
			    SSL_write_ex(c->ssl, c->out.ptr, c->out.len, &done) != 1)
				return;
		} else {
			ssize_t r = send(c->fd, c->out.ptr, c->out.len, MSG_NOSIGNAL);

			if (r < 0)
				return;
			done = (size_t)r;
		}
		ly_buf_consume(&c->out, done);
	}
}

static void say(struct client *c, const char *text)
{
	ly_buf_adds(&c->out, text);
	flush_out(c);
}

static void say_header(struct client *c)
{
	say(c, "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' "
	       "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
}

static void start_next(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)b.port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct client *c = &b.clients[b.n_started];
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	int one = 1;

	c->number = b.n_started++;
	ly_buf_init(&c->in, LY_MEM_MISC, 0);
	ly_buf_init(&c->out, LY_MEM_MISC, 0);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("cannot connect", c->number);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (b.tls) {
		c->ssl = SSL_new(b.ctx);
		SSL_set_fd(c->ssl, c->fd);
		SSL_set_connect_state(c->ssl);
	}
	epoll_ctl(b.epoll, EPOLL_CTL_ADD, c->fd, &ev);
	c->state = S_FEATURES;
	say_header(c);
}

/* One step of SCRAM: what the server said goes in, the next element is sent. */
static void scram(struct client *c, const char *element, const char *in)
{
	uint8_t bytes[1024];
	char text[1024], b64[2048];
	int len = in == NULL ? 0 : ly_base64_decode(bytes, sizeof(bytes), in, strcspn(in, "<"));

	len = len < 0 ? -1
		      : ly_scram_client_step(c->scram, ly_span(bytes, (size_t)len), text,
					     sizeof(text));
	if (len < 0)
		die("SCRAM failed", c->number);
	ly_base64_encode(b64, sizeof(b64), ly_span(text, (size_t)len));
	ly_buf_printf(&c->out, "<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'%s>%s</%s>", element,
		      in == NULL ? " mechanism='SCRAM-SHA-1'" : "", b64, element);
	flush_out(c);
}

static void begin_scram(struct client *c)
{
	char user[64];

	snprintf(user, sizeof(user), "%s%u", b.prefix, c->number);
	c->scram = calloc(1, sizeof(*c->scram));
	ly_scram_client_init(c->scram, LY_SCRAM_SHA1, user, b.password, NULL, ly_span(NULL, 0),
			     &b.rand);
	scram(c, "auth", NULL);
}

/* @return whether the text has come; what came up to it is taken */
static const char *expect(struct client *c, const char *text)
{
	const char *s = ly_buf_str(&c->in), *at = s != NULL ? strstr(s, text) : NULL;

	if (at == NULL && s != NULL && (strstr(s, "<failure") || strstr(s, "</stream:stream>")))
		die(s, c->number);
	return at;
}

static void login_step(struct client *c)
{
	const char *at;

	switch (c->state) {
	case S_FEATURES:
		if (!expect(c, "</stream:features>"))
			return;
		begin_scram(c);
		break;
	case S_CHALLENGE:
		if (!expect(c, "</challenge>"))
			return;
		at = strchr(strstr((char *)c->in.ptr, "<challenge"), '>');
		scram(c, "response", at + 1);
		break;
	case S_SUCCESS:
		if (!expect(c, "</success>"))
			return;
		free(c->scram);
		say_header(c);
		break;
	case S_FEATURES2:
		if (!expect(c, "</stream:features>"))
			return;
		say(c, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		       "<resource>bench</resource></bind></iq>");
		break;
	case S_BIND:
		if (!expect(c, "</iq>"))
			return;
		say(c, "<presence/>");
		b.n_ready++;
		break;
	default:
		break;
	}
	if (c->state < S_READY)
		c->state++;
	ly_buf_reset(&c->in);
}

static void send_message(struct client *from, unsigned to)
{
	static unsigned id;

	ly_buf_printf(&from->out,
		      "<message to='%s%u@localhost/bench' type='chat' id='m%u'><body>a message of "
		      "usual length, as people write them to one another</body></message>",
		      b.prefix, to, id++);
}

/* Counts whole messages; each one that arrived lets its sender send the next. */
static void chat_step(struct client *c)
{
	static const char end[] = "</message>";
	const uint8_t *p = c->in.ptr, *stop = p + c->in.len, *at;
	unsigned n = 0;

	while (p < stop && (at = memmem(p, (size_t)(stop - p), end, sizeof(end) - 1)) != NULL) {
		p = at + sizeof(end) - 1;
		n++;
	}
	ly_buf_consume(&c->in, (size_t)(p - c->in.ptr));
	b.received += n;
	if (!b.chatting || c->number % 2 == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		send_message(&b.clients[c->number - 1], c->number);
	flush_out(&b.clients[c->number - 1]);
}

static void serve(struct client *c)
{
	static uint8_t mem[65536];

	if (c->ssl != NULL && !c->handshaken) {
		c->handshaken = SSL_do_handshake(c->ssl) == 1;
		if (!c->handshaken)
			return;
	}
	flush_out(c);
	for (;;) {
		size_t n = 0;
		ssize_t r;

		if (c->ssl != NULL) {
			if (SSL_read_ex(c->ssl, mem, sizeof(mem), &n) != 1)
				break;
		} else {
			r = recv(c->fd, mem, sizeof(mem), 0);
			if (r == 0)
				die("closed by the server", c->number);
			if (r < 0)
				break;
			n = (size_t)r;
		}
		ly_buf_add(&c->in, mem, n);
		if (c->state == S_READY)
			chat_step(c);
		else
			login_step(c);
	}
	if (c->in.len == 0)
		ly_buf_fini(&c->in);
	if (c->out.len == 0)
		ly_buf_fini(&c->out);
}

static void loop_until(double end, bool until_ready)
{
	struct epoll_event ev[256];

	while (now_s() < end && !(until_ready && b.n_ready == b.n)) {
		int n = epoll_wait(b.epoll, ev, 256, 50);

		for (int i = 0; i < n; i++)
			serve(ev[i].data.ptr);
		while (until_ready && b.n_started < b.n && b.n_started - b.n_ready < CONCURRENT)
			start_next();
	}
}

static void chat(double seconds, unsigned window)
{
	double began, cpu, took;
	uint64_t before;

	b.chatting = true;
	for (unsigned k = 0; k + 1 < b.n; k += 2) {
		for (unsigned i = 0; i < window; i++)
			send_message(&b.clients[k], k + 1);
		flush_out(&b.clients[k]);
	}
	loop_until(now_s() + 1, false); /* warm */
	began = now_s();
	cpu = cpu_s();
	before = b.received;
	loop_until(began + seconds, false);
	took = now_s() - began;
	cpu = cpu_s() - cpu;
	printf("chat: %.0f messages/s, server CPU %.0f %%, %.0f messages per server-CPU-second\n",
	       (double)(b.received - before) / took, 100 * cpu / took,
	       (double)(b.received - before) / cpu);
	b.chatting = false;
	loop_until(now_s() + 1, false);
}

int main(int argc, char **argv)
{
	struct rlimit r;
	double began = now_s(), cpu;
	long before;

	if (argc != 9)
		die("usage: bench_xmpp PORT TLS PID N PREFIX PASSWORD SECONDS WINDOW", 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	b.port = atoi(argv[1]);
	b.tls = atoi(argv[2]) != 0;
	b.pid = atoi(argv[3]);
	b.n = (unsigned)atoi(argv[4]);
	b.prefix = argv[5];
	b.password = argv[6];
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	b.epoll = epoll_create1(EPOLL_CLOEXEC);
	b.clients = calloc(b.n, sizeof(*b.clients));
	b.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_mode(b.ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	ly_rand_seeded(&b.rand, (uint64_t)getpid());
	before = rss_kb();
	cpu = cpu_s();
	loop_until(now_s() + 600, true);
	if (b.n_ready != b.n)
		die("log-ins take too long", b.n_ready);
	printf("log-in: %u sessions%s in %.1f s, %.2f ms of server CPU each\n", b.n,
	       b.tls ? " with TLS" : "", now_s() - began, 1000 * (cpu_s() - cpu) / b.n);
	loop_until(now_s() + 12,
		   false); /* streams give their parsers back after a few quiet seconds */
	cpu = cpu_s();
	loop_until(now_s() + 3, false);
	printf("idle: %ld kB before, %ld kB with %u sessions: %.0f bytes per session; CPU %.2f "
	       "%%\n",
	       before, rss_kb(), b.n, 1024.0 * (double)(rss_kb() - before) / b.n,
	       100 * (cpu_s() - cpu) / 3);
	if (atoi(argv[7]) > 0)
		chat(atof(argv[7]), (unsigned)atoi(argv[8]));
	return 0;
}
