/* How many packets the media server forwards per second of its CPU time: real sockets on
 * loopback; the clients run in threads of their own, whose CPU time is not counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "tests/bench/sfu_clients.h"

static struct {
	unsigned participants, publishers, rooms, seconds, threads, decrypt_every, bitrate, join_ms;
	bool use_gro, verbose;
} opt = { .participants = 10,
	  .rooms = 1,
	  .seconds = 5,
	  .threads = 1,
	  .decrypt_every = 1,
	  .bitrate = 600000 };

static void usage(void)
{
	fputs("usage: bench_sfu [-n participants] [-p publishers] [-r rooms] [-b video bit/s, 0 = "
	      "audio]\n"
	      "                 [-s seconds] [-t media threads] [-d decrypt one in so many] [-g] "
	      "[-v]\n"
	      "-g: clients let the kernel merge what they receive (UDP_GRO)\n",
	      stderr);
	exit(2);
}

static void parse(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "n:p:r:b:s:t:d:j:gv")) != -1) {
		unsigned v = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		switch (o) {
		case 'n':
			opt.participants = v;
			break;
		case 'p':
			opt.publishers = v;
			break;
		case 'r':
			opt.rooms = v;
			break;
		case 'b':
			opt.bitrate = v;
			break;
		case 's':
			opt.seconds = v;
			break;
		case 't':
			opt.threads = v;
			break;
		case 'd':
			opt.decrypt_every = v;
			break;
		case 'j':
			opt.join_ms = v;
			break;
		case 'g':
			opt.use_gro = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		default:
			usage();
		}
	}
	if (opt.publishers == 0 || opt.publishers > opt.participants)
		opt.publishers = opt.participants;
	if (!opt.participants || !opt.rooms || !opt.seconds || !opt.decrypt_every)
		usage();
}

static void log_line(void *ctx, enum ly_level level, const struct ly_log *log, const char *event,
		     const char *pairs)
{
	(void)ctx;
	fprintf(stderr, "%s %s[%s] %s %s\n", ly_level_name(level), log->component, log->id, event,
		pairs);
}

static double process_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct sums {
	struct ly_sfu_counters n;
	double cpu, client_cpu;
	ly_usec at;
};

static void sum_up(struct ly_media *m, struct sums *s)
{
	memset(s, 0, sizeof(*s));
	usleep(1100000); /* the counters are copied once a second */
	for (unsigned i = 0; i < ly_media_n_threads(m); i++) {
		struct ly_sfu_counters n;

		ly_media_counters(m, i, &n);
		s->n.rtp_in += n.rtp_in;
		s->n.rtp_forwarded += n.rtp_forwarded;
		s->n.packets_out += n.packets_out;
		s->n.runs += n.runs;
		s->n.batches += n.batches;
		s->n.dropped_limit += n.dropped_limit + n.dropped_receive + n.dropped_send;
		s->n.dropped_auth += n.dropped_auth + n.dropped_replay + n.dropped_malformed;
	}
}

static void report_clients(const struct clients *cs)
{
	uint64_t got = 0, missing = 0, bad = 0, n = 0, seen = 0;
	static uint64_t delays[2048];
	unsigned p50 = 0, p99 = 0;

	for (unsigned r = 0; r < opt.rooms; r++)
		for (unsigned i = 0; i < opt.participants; i++) {
			const struct peer *p = cs[r].peers[i];

			got += p->rtp_in;
			bad += p->bad_auth + p->replays + p->malformed;
			for (unsigned k = 0; k < p->n_streams; k++)
				missing += (uint64_t)peer_missing(&p->streams[k]);
			for (unsigned k = 0; k < LY_COUNTOF(delays); k++)
				n += p->delays[k], delays[k] += p->delays[k];
		}
	for (unsigned k = 0; k < LY_COUNTOF(delays); k++) {
		seen += delays[k];
		if (seen < n / 2)
			p50 = k + 1;
		if (seen < n - n / 100)
			p99 = k + 1;
	}
	printf("clients: received %llu, missing %llu (%.4f %%), bad %llu, delay p50 %.2f ms p99 "
	       "%.2f ms\n",
	       (unsigned long long)got, (unsigned long long)missing,
	       opt.decrypt_every == 1 && got ? 100.0 * (double)missing / (double)got : 0.0,
	       (unsigned long long)bad, p50 / 100.0, p99 / 100.0);
}

static int by_time(const void *a, const void *b)
{
	ly_usec x = *(const ly_usec *)a, y = *(const ly_usec *)b;

	return (x > y) - (x < y);
}

/* From the moment of joining to the first packet of anybody's media. */
static void report_joins(const struct clients *cs)
{
	ly_usec *took = calloc((size_t)opt.rooms * opt.participants, sizeof(*took));
	size_t n = 0;

	for (unsigned r = 0; took && r < opt.rooms; r++)
		for (unsigned i = 0; i < opt.participants; i++) {
			const struct peer *p = cs[r].peers[i];
			ly_usec first = LY_NEVER;

			for (unsigned k = 0; k < p->n_streams; k++)
				if (p->streams[k].packets)
					first = LY_MIN(first, p->streams[k].first_at);
			if (first != LY_NEVER)
				took[n++] = first - cs[r].joined_at[i];
		}
	if (n > 0) {
		qsort(took, n, sizeof(*took), by_time);
		printf("joins: %zu with media, first after p50 %.1f ms p99 %.1f ms\n", n,
		       (double)took[n / 2] / 1000, (double)took[n - 1 - n / 100] / 1000);
	}
	free(took);
}

static bool wait_ready(struct clients *cs)
{
	for (unsigned tries = 0; tries < 300; tries++) {
		unsigned ready = 0;

		for (unsigned r = 0; r < opt.rooms; r++)
			ready += cs[r].n_ready;
		if (ready == opt.rooms * opt.participants)
			return true;
		usleep(100000);
	}
	return false;
}

static void measure(struct ly_media *m, struct clients *cs)
{
	struct sums a, b;
	double cpu, wall, client = 0;
	double from_cpu;
	ly_usec from;

	sum_up(m, &a);
	for (unsigned r = 0; r < opt.rooms; r++)
		cs[r].measuring = true;
	from = clients_now();
	from_cpu = process_cpu();
	sleep(opt.seconds);
	for (unsigned r = 0; r < opt.rooms; r++)
		cs[r].measuring = false;
	cpu = process_cpu() - from_cpu;
	wall = (double)(clients_now() - from) / 1e6;
	sum_up(m, &b);
	for (unsigned r = 0; r < opt.rooms; r++)
		client += cs[r].cpu_s;
	cpu -= client;
	/* counters cover a span that may differ from the measured one by part of a second: use
	 * rates */
	wall += 1.1;
	double rate = (double)(b.n.rtp_forwarded - a.n.rtp_forwarded) / wall;

	wall -= 1.1;
	printf("forwarded %.0f packets/s, in %.0f/s; server CPU %.1f %%, clients' CPU %.1f %%\n",
	       rate, (double)(b.n.rtp_in - a.n.rtp_in) / (wall + 1.1), 100 * cpu / wall,
	       100 * client / wall);
	printf("per server-CPU-second: %.0f; packets per run %.2f; per batch %.1f; dropped %llu, "
	       "refused %llu\n",
	       rate * wall / cpu,
	       (double)(b.n.packets_out - a.n.packets_out) / (double)(b.n.runs - a.n.runs),
	       (double)(b.n.rtp_forwarded - a.n.rtp_forwarded) /
		       (double)(b.n.batches - a.n.batches),
	       (unsigned long long)(b.n.dropped_limit - a.n.dropped_limit),
	       (unsigned long long)(b.n.dropped_auth - a.n.dropped_auth));
}

int main(int argc, char **argv)
{
	struct ly_media_conf conf = { .n_bind = 1 };
	struct clients *cs;
	struct ly_media *m;
	int err;

	parse(argc, argv);
	if (opt.verbose)
		ly_log_set_sink(log_line, NULL);
	ly_log_set_level(LY_INFO);
	conf.n_threads = opt.threads;
	(void)ly_addr_parse_ip(&conf.bind[0], "127.0.0.1", 0);
	err = ly_media_create(&m, &conf);
	if (err) {
		fprintf(stderr, "media: %s\n", strerror(-err));
		return 1;
	}
	cs = calloc(opt.rooms, sizeof(*cs));
	for (unsigned r = 0; r < opt.rooms && err == 0; r++) {
		struct clients_conf cc = { .n = opt.participants,
					   .first = r * opt.participants,
					   .n_publishing = opt.publishers,
					   .video_bps = opt.bitrate,
					   .decrypt_every = opt.decrypt_every,
					   .conf = r + 1,
					   .join_ms = opt.join_ms,
					   .use_gro = opt.use_gro };

		err = ly_media_create_conference(m, r + 1, "bench", &cc.thread);
		if (err == 0)
			err = clients_start(&cs[r], m, &cc);
	}
	if (err || !wait_ready(cs)) {
		fprintf(stderr, "not all are connected\n");
		return 1;
	}
	measure(m, cs);
	for (unsigned r = 0; r < opt.rooms; r++)
		clients_stop(&cs[r]);
	report_clients(cs);
	report_joins(cs);
	for (unsigned r = 0; r < opt.rooms; r++)
		clients_fini(&cs[r]);
	ly_media_destroy(m);
	free(cs);
	return 0;
}
