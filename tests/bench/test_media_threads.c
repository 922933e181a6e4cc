/* The media threads with real sockets: calls on two threads at once, commands from two threads,
 * events back. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/heap.h"
#include "server/media/udp.h"
#include "tests/bench/sfu_clients.h"
#include "tests/unit/check.h"

struct heard {
	pthread_mutex_t lock;
	unsigned connected, failed, stats, refused;
	double up_bps;
	int error;
};

static void on_event(void *ctx, struct ly_media_event *ev)
{
	struct heard *h = ctx;

	pthread_mutex_lock(&h->lock);
	if (ev->kind == LY_MEDIA_ENDPOINT_STATE) {
		h->connected += ev->state == LY_SFU_CONNECTED;
		h->failed += ev->state == LY_SFU_FAILED;
	} else if (ev->kind == LY_MEDIA_STATS) {
		h->stats++;
		for (size_t i = 0; i < ev->stats.n_endpoints; i++)
			h->up_bps += (double)ev->stats.endpoints[i].up.bitrate_bps;
	} else if (ev->kind == LY_MEDIA_COMMAND_FAILED) {
		h->refused++;
		h->error = ev->error;
	}
	pthread_mutex_unlock(&h->lock);
	ly_media_event_free(ev);
}

static unsigned get(struct heard *h, const unsigned *what)
{
	unsigned v;

	pthread_mutex_lock(&h->lock);
	v = *what;
	pthread_mutex_unlock(&h->lock);
	return v;
}

static void wait_for(struct heard *h, const unsigned *what, unsigned n)
{
	for (unsigned i = 0; i < 1000 && get(h, what) < n; i++)
		usleep(10000);
	assert_in_range(get(h, what), n, UINT32_MAX);
}

static struct ly_media *media_make(struct heard *h, unsigned threads)
{
	struct ly_media_conf conf = { .n_threads = threads, .n_bind = 1 };
	struct ly_media *m;

	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	conf.event = on_event;
	conf.ctx = h;
	assert_int_equal(ly_addr_parse_ip(&conf.bind[0], "127.0.0.1", 0), 0);
	assert_int_equal(ly_media_create(&m, &conf), 0);
	return m;
}

static void test_two_calls(void **state)
{
	struct clients cs[2];
	struct heard h;
	struct ly_media *m = media_make(&h, 2);

	(void)state;
	for (unsigned r = 0; r < 2; r++) {
		struct clients_conf cc = { .n = 3, .first = r * 3, .n_publishing = 3 };

		cc.video_bps = 300000;
		cc.decrypt_every = 1;
		cc.conf = 100 + r;
		assert_int_equal(ly_media_create_conference(m, cc.conf, "room", &cc.thread), 0);
		assert_int_equal(cc.thread, r); /* the least loaded one */
		assert_int_equal(clients_start(&cs[r], m, &cc), 0);
	}
	wait_for(&h, &h.connected, 6);
	sleep(2);
	assert_int_equal(ly_media_request_stats(m, 100, 1), 0);
	assert_int_equal(ly_media_request_stats(m, 101, 2), 0);
	wait_for(&h, &h.stats, 2);
	assert_true(h.up_bps > 6 * 250000.0);
	for (unsigned r = 0; r < 2; r++)
		clients_stop(&cs[r]);
	for (unsigned i = 0; i < 6; i++) {
		struct peer *p = cs[i / 3].peers[i % 3];

		ly_assert_i64("streams", 4, p->n_streams);
		ly_assert_i64("bad", 0, (int64_t)(p->bad_auth + p->replays + p->malformed));
		for (unsigned k = 0; k < p->n_streams; k++) {
			assert_true(p->streams[k].packets > 50);
			ly_assert_i64("missing", 0, peer_missing(&p->streams[k]));
		}
	}
	assert_int_equal(ly_media_end_conference(m, 100), 0);
	assert_int_equal(ly_media_end_conference(m, 100), -ENOENT);
	ly_media_destroy(m);
	for (unsigned r = 0; r < 2; r++)
		clients_fini(&cs[r]);
	ly_assert_i64("refused", 0, h.refused);
}

/* Runs arrive as single datagrams, with the kernel's help and without. */
static void check_udp(const char *ip)
{
	static uint8_t data[70 * 100], got[LY_UDP_BATCH][2048];
	struct ly_sfu_in in[LY_UDP_BATCH];
	struct ly_udp_sent sent = { 0 };
	struct ly_udp a, b;
	struct ly_addr at;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i / 100);
	assert_int_equal(ly_addr_parse_ip(&at, ip, 0), 0);
	if (ly_udp_open(&a, &at) == -EADDRNOTAVAIL)
		return; /* a machine without IPv6 */
	assert_int_equal(ly_udp_open(&b, &at), 0);
	for (int gso = 1; gso >= 0; gso--) {
		struct ly_sfu_out out[3] = {
			{ .dst = b.local, .data = data, .len = 3850, .segment = 100 },
			{ .dst = b.local, .data = data, .len = 77 },
			{ .dst = b.local, .data = data, .len = 200, .segment = 100 },
		};

		a.has_gso = gso && a.has_gso;
		sent = (struct ly_udp_sent) { 0 };
		ly_udp_send(&a, out, 3, &sent);
		ly_assert_i64("datagrams", 39 + 1 + 2, (int64_t)sent.datagrams);
		ly_assert_i64("bytes", 3850 + 77 + 200, (int64_t)sent.bytes);
		ly_assert_i64("dropped", 0, (int64_t)sent.dropped);
		for (size_t i = 0; i < LY_UDP_BATCH; i++)
			in[i] = (struct ly_sfu_in) { .data = got[i], .cap = sizeof(got[i]) };
		ly_assert_i64("received", 42, (int64_t)ly_udp_recv(&b, in, LY_UDP_BATCH));
		for (size_t i = 0; i < 42; i++) {
			size_t want = i == 38 ? 50 : i == 39 ? 77 : 100;

			ly_assert_i64("length", (int64_t)want, (int64_t)in[i].len);
			ly_assert_i64("content", i < 39 ? (int64_t)i : i < 41 ? 0 : 1, got[i][9]);
			assert_true(ly_addr_equal(&in[i].from, &a.local));
		}
		ly_assert_i64("no more", 0, (int64_t)ly_udp_recv(&b, in, LY_UDP_BATCH));
	}
	/* longer than the buffer: told as empty */
	ly_udp_send(&a, &(struct ly_sfu_out) { .dst = b.local, .data = data, .len = 500 }, 1,
		    &sent);
	in[0].cap = 400;
	ly_assert_i64("received", 1, (int64_t)ly_udp_recv(&b, in, 1));
	ly_assert_i64("cut short", 0, (int64_t)in[0].len);
	/* to nowhere: dropped and counted, the next one goes */
	sent = (struct ly_udp_sent) { 0 };
	assert_int_equal(ly_addr_parse_ip(&at, "255.255.255.255", 9), 0);
	struct ly_sfu_out two[2] = { { .dst = at, .data = data, .len = 10 },
				     { .dst = b.local, .data = data, .len = 10 } };

	ly_udp_send(&a, two, 2, &sent);
	ly_assert_i64("dropped", 1, (int64_t)sent.dropped);
	in[0].cap = 400;
	ly_assert_i64("received", 1, (int64_t)ly_udp_recv(&b, in, 1));
	ly_udp_close(&a);
	ly_udp_close(&b);
}

static void test_udp(void **state)
{
	(void)state;
	check_udp("127.0.0.1");
	check_udp("::1");
}

static void test_refusals(void **state)
{
	struct ly_sfu_endpoint_conf ep = { .id = "aaaa0001", .ufrag = "abcdefgh" };
	struct ly_sfu_source_desc src = { .name = "aaaa0001-a0", .ssrc = 5 };
	struct heard h;
	struct ly_media *m = media_make(&h, 1);
	unsigned thread;

	(void)state;
	strcpy(ep.pwd, "abcdefghabcdefghabcdefgh");
	assert_int_equal(ly_media_add_endpoint(m, 1, &ep), -ENOENT);
	assert_int_equal(ly_media_create_conference(m, 1, "room", &thread), 0);
	assert_int_equal(ly_media_create_conference(m, 1, "room", &thread), -EEXIST);
	assert_int_equal(ly_media_add_endpoint(m, 1, &ep), 0);
	assert_int_equal(ly_media_remove_endpoint(m, 1, ""), -EINVAL);
	assert_int_equal(ly_media_add_endpoint(m, 1, &ep), 0);
	wait_for(&h, &h.refused, 1);
	ly_assert_i64("twice", -EEXIST, h.error);
	assert_int_equal(ly_media_add_sources(m, 1, "aaaa0001", &src, 1), 0);
	assert_int_equal(ly_media_add_sources(m, 1, "aaaa0001", &src, 1), 0);
	wait_for(&h, &h.refused, 2);
	assert_int_equal(ly_media_add_sources(m, 1, "nobody", &src, 1), 0);
	wait_for(&h, &h.refused, 3);
	ly_assert_i64("unknown endpoint", -ENOENT, h.error);
	ly_media_destroy(m);
}

static void test_port_in_use(void **state)
{
	struct ly_media_conf conf = { .n_threads = 1, .n_bind = 1 };
	struct ly_media *a, *b = NULL;
	struct ly_addr at;

	(void)state;
	assert_int_equal(ly_addr_parse_ip(&conf.bind[0], "127.0.0.1", 0), 0);
	assert_int_equal(ly_media_create(&a, &conf), 0);
	assert_int_equal(ly_media_candidates(a, 0, &at, 1), 1);
	conf.base_port = at.port;
	assert_int_equal(ly_media_create(&b, &conf), -EADDRINUSE);
	assert_null(b);
	ly_media_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_two_calls),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_port_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
