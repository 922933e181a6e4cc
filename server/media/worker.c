#include "server/media/worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/util.h"

/* Gathering pays when at least so many datagrams come in its time. */
#define LOAD 1.5
#define GATHER_DEFAULT 300
#define RATE_OVER LY_MS(10)
#define NICE (-10)
/* From so many packets waiting on the rest of a frame is let in before it is sent, so long
 * (ns). */
#define FINISH_FROM 32
#define FINISH_PER_PACKET 1500L
#define FINISH_MAX 100000L
/* Batches taken from one socket before the others and the clock get their turn. */
#define ROUNDS 4
/** Dropped datagrams are logged this often. */
#define DROPS_EVERY LY_SEC(10)
/* How long the thread sleeps at most, so that counters are at most a second old. */
#define SLEEP_MAX LY_SEC(1)

static ly_usec clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ly_usec)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- life ---- */

static int open_sockets(struct ly_media_worker *w)
{
	char text[LY_ADDR_MAX];

	for (size_t i = 0; i < w->conf->n_bind; i++) {
		struct ly_addr at = w->conf->bind[i];
		struct epoll_event ev = { .events = EPOLLIN };
		int err;

		at.port = w->conf->base_port ? (uint16_t)(w->conf->base_port + w->index) : 0;
		/* all addresses of one thread have one port */
		if (at.port == 0 && w->n_udp > 0)
			at.port = w->udp[0].local.port;
		err = ly_udp_open(&w->udp[w->n_udp], &at);
		if (err) {
			ly_log(&w->log, LY_ERROR, "media-port", "address=%s why=\"%s\"",
			       ly_addr_format(&at, text, sizeof(text)), strerror(-err));
			return err;
		}
		ev.data.u64 = w->n_udp;
		if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, w->udp[w->n_udp++].fd, &ev))
			return -errno;
	}
	return 0;
}

static uint8_t local_of(const struct ly_media_worker *w, uint8_t family)
{
	for (size_t i = 0; i < w->n_udp; i++)
		if (w->udp[i].local.family == family)
			return (uint8_t)i;
	return 0;
}

int ly_media_worker_init(struct ly_media_worker *w, const struct ly_media_conf *conf,
			 unsigned index, struct ly_dtls_ctx *dtls)
{
	struct epoll_event wake = { .events = EPOLLIN, .data.u64 = LY_MEDIA_MAX_ADDRS };
	struct ly_sfu_conf sfu = { .dtls = dtls, .rand = &w->rand.rand };
	int err;

	w->index = index;
	w->conf = conf;
	w->log = (struct ly_log) { "media", "" };
	w->tail = &w->head;
	pthread_mutex_init(&w->lock, NULL);
	ly_rand_system_init(&w->rand);
	w->buffers = ly_alloc((size_t)LY_UDP_BATCH * LY_MEDIA_BUFFER, LY_MEM_MEDIA);
	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	w->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->buffers == NULL)
		return -ENOMEM;
	if (w->epfd < 0 || w->wakefd < 0 || epoll_ctl(w->epfd, EPOLL_CTL_ADD, w->wakefd, &wake))
		return -errno;
	err = open_sockets(w);
	if (err)
		return err;
	sfu.lost_after = conf->lost_after;
	sfu.connect_within = conf->connect_within;
	sfu.local_of[0] = local_of(w, 4);
	sfu.local_of[1] = local_of(w, 6);
	return ly_sfu_create(&w->sfu, &sfu, clock_now());
}

static void wake(struct ly_media_worker *w)
{
	uint64_t one = 1;
	ssize_t n = write(w->wakefd, &one, sizeof(one));

	(void)n; /* full means that it is awake */
}

void ly_media_worker_fini(struct ly_media_worker *w)
{
	if (w->conf == NULL)
		return;
	if (w->is_running) {
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_mutex_unlock(&w->lock);
		wake(w);
		pthread_join(w->thread, NULL);
	}
	while (w->head) {
		struct ly_media_cmd *c = w->head;

		w->head = c->next;
		ly_media_cmd_destroy(c);
	}
	ly_sfu_destroy(w->sfu);
	for (size_t i = 0; i < w->n_udp; i++)
		ly_udp_close(&w->udp[i]);
	if (w->epfd >= 0)
		close(w->epfd);
	if (w->wakefd >= 0)
		close(w->wakefd);
	ly_free(w->buffers, LY_MEM_MEDIA);
	pthread_mutex_destroy(&w->lock);
	w->conf = NULL;
}

int ly_media_worker_post(struct ly_media_worker *w, struct ly_media_cmd *c)
{
	bool was_empty, full;

	pthread_mutex_lock(&w->lock);
	full = w->n_commands >= LY_MEDIA_MAX_COMMANDS;
	was_empty = w->head == NULL;
	if (!full) {
		*w->tail = c;
		w->tail = &c->next;
		w->n_commands++;
	}
	pthread_mutex_unlock(&w->lock);
	if (full) {
		ly_media_cmd_destroy(c);
		return -E2BIG;
	}
	if (was_empty)
		wake(w);
	return 0;
}

/* ---- events ---- */

static struct ly_media_event *event_make(enum ly_media_event_kind kind, uint64_t conf,
					 const char *endpoint)
{
	struct ly_media_event *ev = ly_alloc(sizeof(*ev), LY_MEM_QUEUE);

	if (ev) {
		ev->kind = kind;
		ev->conf = conf;
		snprintf(ev->endpoint, sizeof(ev->endpoint), "%s", endpoint ? endpoint : "");
	}
	return ev;
}

static void tell(struct ly_media_worker *w, struct ly_media_event *ev)
{
	if (w->conf->event)
		w->conf->event(w->conf->ctx, ev);
	else
		ly_media_event_free(ev);
}

static void tell_event(struct ly_media_worker *w, const struct ly_sfu_event *from)
{
	static const enum ly_media_event_kind kinds[] = {
		[LY_SFU_EV_ENDPOINT_STATE] = LY_MEDIA_ENDPOINT_STATE,
		[LY_SFU_EV_DOMINANT_SPEAKER] = LY_MEDIA_DOMINANT_SPEAKER,
		[LY_SFU_EV_FORWARDED_SOURCES] = LY_MEDIA_FORWARDED_SOURCES,
		[LY_SFU_EV_SENDER_CONSTRAINT] = LY_MEDIA_SENDER_CONSTRAINT,
	};
	struct ly_media_event *ev = event_make(kinds[from->kind], from->conf, from->endpoint);

	if (ev == NULL) {
		ly_log(&w->log, LY_ERROR, "event-lost", "why=memory");
		return;
	}
	ev->state = from->state;
	ev->reason = from->reason;
	ev->max_height = from->max_height;
	snprintf(ev->source, sizeof(ev->source), "%s", from->source ? from->source : "");
	if (from->n_names) {
		ev->names = ly_media_dup(from->names, from->n_names, LY_SFU_NAME_MAX);
		ev->n_names = ev->names ? from->n_names : 0;
	}
	tell(w, ev);
}

static void tell_events(struct ly_media_worker *w)
{
	struct ly_sfu_event ev;

	while (ly_sfu_poll_event(w->sfu, &ev))
		tell_event(w, &ev);
}

static int tell_stats(struct ly_media_worker *w, const struct ly_media_cmd *c)
{
	int n = ly_sfu_n_endpoints(w->sfu, c->conf);
	struct ly_media_event *ev;

	if (n < 0)
		return n;
	ev = event_make(LY_MEDIA_STATS, c->conf, NULL);
	if (ev)
		ev->stats.endpoints =
			ly_alloc((size_t)n * sizeof(*ev->stats.endpoints), LY_MEM_QUEUE);
	if (ev == NULL || ev->stats.endpoints == NULL) {
		ly_media_event_free(ev);
		return -ENOMEM;
	}
	n = ly_sfu_stats(w->sfu, c->conf, ev->stats.endpoints, (size_t)n);
	ev->stats.n_endpoints = (size_t)LY_MAX(n, 0);
	ev->token = c->token;
	tell(w, ev);
	return 0;
}

/* ---- the loop ---- */

static void flush(struct ly_media_worker *w, ly_usec now)
{
	const struct ly_sfu_out *out;
	size_t n;

	while ((n = ly_sfu_poll_out(w->sfu, now, &out)) > 0)
		for (size_t i = 0, k; i < n; i = k) {
			for (k = i + 1; k < n && out[k].local == out[i].local; k++)
				;
			ly_udp_send(&w->udp[out[i].local], out + i, k - i, &w->sent);
		}
}

static void run_command(struct ly_media_worker *w, const struct ly_media_cmd *c, ly_usec now)
{
	struct ly_media_event *ev;
	int err = c->kind == LY_MEDIA_CMD_REQUEST_STATS ? tell_stats(w, c)
							: ly_media_cmd_run(c, w->sfu, now);

	flush(w, now);
	tell_events(w);
	if (err == 0)
		return;
	ly_log(&w->log, LY_WARN, "command-failed", "command=%s endpoint=%s why=\"%s\"",
	       ly_media_cmd_name(c->kind), c->id, ly_err_name(err));
	ev = event_make(LY_MEDIA_COMMAND_FAILED, c->conf, c->id);
	if (ev == NULL)
		return;
	ev->error = err;
	ev->command = ly_media_cmd_name(c->kind);
	tell(w, ev);
}

/* With the lock held. */
static void count(struct ly_media_worker *w)
{
	w->counters = *ly_sfu_counters(w->sfu);
	w->counters.dropped_send = w->sent.dropped;
	for (size_t i = 0; i < w->n_udp; i++)
		w->counters.dropped_receive += ly_udp_lost(&w->udp[i]);
}

/* What peers and strangers sent in vain, in one line at a time. */
static void tell_drops(struct ly_media_worker *w, ly_usec now)
{
	const struct ly_sfu_counters *n = &w->counters, *o = &w->told;
	uint64_t address = n->dropped_unknown_address - o->dropped_unknown_address;
	uint64_t ssrc = n->dropped_unknown_ssrc - o->dropped_unknown_ssrc;
	uint64_t malformed = n->dropped_malformed - o->dropped_malformed;
	uint64_t auth = n->dropped_auth - o->dropped_auth;
	uint64_t replay = n->dropped_replay - o->dropped_replay;
	uint64_t limit = n->dropped_limit - o->dropped_limit;

	if (address + ssrc + malformed + auth + replay + limit == 0 ||
	    (w->told_at && now - w->told_at < DROPS_EVERY))
		return;
	ly_log(&w->log, LY_INFO, "dropped",
	       "unknown_address=%llu unknown_ssrc=%llu malformed=%llu authentication=%llu "
	       "replay=%llu limit=%llu",
	       (unsigned long long)address, (unsigned long long)ssrc, (unsigned long long)malformed,
	       (unsigned long long)auth, (unsigned long long)replay, (unsigned long long)limit);
	w->told = *n;
	w->told_at = now;
}

/* Takes what has been posted. @return false when the thread is to stop */
static bool run_commands(struct ly_media_worker *w, ly_usec now)
{
	struct ly_media_cmd *c;
	bool stop, counted = false;

	pthread_mutex_lock(&w->lock);
	c = w->head;
	w->head = NULL;
	w->tail = &w->head;
	w->n_commands = 0;
	stop = w->stop;
	if (now - w->counted_at >= LY_SEC(1)) {
		count(w);
		w->counted_at = now;
		counted = true;
	}
	pthread_mutex_unlock(&w->lock);
	if (counted)
		tell_drops(w, now);
	while (c) {
		struct ly_media_cmd *next = c->next;

		if (!stop)
			run_command(w, c, now);
		ly_media_cmd_destroy(c);
		c = next;
	}
	return !stop;
}

static void feed(struct ly_media_worker *w, struct ly_sfu_in *in, size_t n, ly_usec now)
{
	for (size_t done = 0; done < n;) {
		done += ly_sfu_recv(w->sfu, now, in + done, n - done);
		if (done < n)
			flush(w, now); /* makes room */
	}
}

/* Takes what has arrived on one socket. @return how many datagrams */
static size_t receive(struct ly_media_worker *w, size_t at, ly_usec now)
{
	struct ly_sfu_in in[LY_UDP_BATCH];
	size_t all = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t n;

		for (size_t i = 0; i < LY_UDP_BATCH; i++) {
			in[i].data = w->buffers + i * LY_MEDIA_BUFFER;
			in[i].cap = LY_MEDIA_BUFFER;
			in[i].local = (uint8_t)at;
		}
		n = ly_udp_recv(&w->udp[at], in, LY_UDP_BATCH);
		/* A peer may be quicker than this thread: what was posted before it was told of us
		 * must be done before its first check is looked at. */
		if (n > 0)
			(void)run_commands(w, now);
		feed(w, in, n, now);
		all += n;
		if (n < LY_UDP_BATCH)
			break;
	}
	return all;
}

static void drain_wake(struct ly_media_worker *w)
{
	uint64_t count;
	ssize_t n = read(w->wakefd, &count, sizeof(count));

	(void)n;
}

static void sleep_until_input(struct ly_media_worker *w)
{
	struct epoll_event evs[LY_MEDIA_MAX_ADDRS + 1];
	ly_usec wait = ly_sfu_deadline(w->sfu) - clock_now();
	struct timespec ts;
	int n;

	wait = LY_MAX(LY_MIN(wait, SLEEP_MAX), 0);
	ts.tv_sec = wait / 1000000;
	ts.tv_nsec = wait % 1000000 * 1000;
	n = epoll_pwait2(w->epfd, evs, LY_COUNTOF(evs), &ts, NULL);
	if (n < 0 && errno != EINTR) /* not in this kernel, or forbidden: whole milliseconds do */
		n = epoll_wait(w->epfd, evs, LY_COUNTOF(evs), (int)((wait + 999) / 1000));
	for (int i = 0; i < n; i++)
		if (evs[i].data.u64 == LY_MEDIA_MAX_ADDRS)
			drain_wake(w);
}

/* How many datagrams come in a gathering, smoothed over some tens of milliseconds. */
static void note_rate(struct ly_media_worker *w, size_t n, ly_usec now)
{
	ly_usec elapsed = now - w->turn_at;

	w->arrived += n;
	if (elapsed < RATE_OVER)
		return;
	w->per_gather =
		(w->per_gather + (double)w->arrived * (double)w->gather / (double)elapsed) / 2;
	w->arrived = 0;
	w->turn_at = now;
}

/* Under load a short sleep lets packets come together: fewer system calls, longer batches and
 * runs.
 */
static void gather(struct ly_media_worker *w, size_t last)
{
	struct timespec ts = { 0, w->gather * 1000 };

	if (last > 0 && w->per_gather >= LOAD)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
	else
		sleep_until_input(w);
}

/* A frame's packets come in a burst, and the thread is woken by the first: when many receivers
 * wait for it, the rest is let in before it is sent. Never longer than sending will take
 * anyway. */
static size_t finish_frame(struct ly_media_worker *w, ly_usec *now)
{
	unsigned waiting = ly_sfu_unfinished(w->sfu);
	struct timespec ts = { 0, LY_MIN(waiting * FINISH_PER_PACKET, FINISH_MAX) };
	size_t n = 0;

	if (waiting < FINISH_FROM)
		return 0;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
	*now = clock_now();
	for (size_t i = 0; i < w->n_udp; i++)
		n += receive(w, i, *now);
	return n;
}

static void *run(void *arg)
{
	struct ly_media_worker *w = arg;
	ly_usec now = clock_now();
	size_t last = 0;

	w->gather = w->conf->gather_max ? w->conf->gather_max : GATHER_DEFAULT;
	w->turn_at = now;
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	/* Sound suffers first when the machine is short of time. Without the privilege: as it is.
	 */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while (run_commands(w, now)) {
		gather(w, last);
		now = clock_now();
		last = 0;
		for (size_t i = 0; i < w->n_udp; i++)
			last += receive(w, i, now);
		last += finish_frame(w, &now);
		note_rate(w, last, now);
		if (ly_sfu_deadline(w->sfu) <= now)
			ly_sfu_tick(w->sfu, now);
		flush(w, now);
		tell_events(w);
	}
	ly_sfu_end_all(w->sfu, now);
	flush(w, now);
	return NULL;
}

int ly_media_worker_start(struct ly_media_worker *w)
{
	char name[16];
	int err = pthread_create(&w->thread, NULL, run, w);

	if (err)
		return -err;
	w->is_running = true;
	snprintf(name, sizeof(name), "media-%u", w->index % 1000);
	pthread_setname_np(w->thread, name);
	return 0;
}
