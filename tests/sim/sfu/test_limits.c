/* What a peer or a caller can make grow has an end; running out of memory is an error, not a crash.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/heap.h"
#include "media/rtcp/rtcp.h"
#include "media/rtp/rtp.h"
#include "tests/sim/sfu/world.h"
#include "tests/unit/check.h"

static struct world *make(uint64_t seed, unsigned n)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_init(w, seed);
	for (unsigned i = 0; i < n; i++)
		world_join(w, i);
	world_connect(w);
	world_run(w, LY_SEC(1));
	return w;
}

static void done(struct world *w)
{
	world_fini(w);
	free(w);
}

static void send_rtcp(struct peer *p, struct ly_wr *w, uint8_t *buf, size_t cap)
{
	size_t len = ly_wr_len(w);

	assert_false(w->bad);
	assert_int_equal(ly_srtp_protect_rtcp(p->srtp, buf, &len, cap), 0);
	p->send(p->ctx, buf, len);
}

/* A receiver that asks for everything again and again gets a bounded share. */
static void test_nack_flood(void **state)
{
	struct world *w = make(40, 2);
	struct peer *p = w->peers[1];
	uint32_t ssrc = w->peers[0]->video.ssrc;
	struct ly_sfu_endpoint_stats st[2];
	uint64_t before;

	(void)state;
	ly_sfu_stats(w->sfu, WORLD_CONF, st, 2);
	before = st[1].retransmitted;
	for (unsigned i = 0; i < 500; i++) {
		uint8_t buf[1400];
		uint16_t seqs[100];
		struct ly_wr out = ly_wr(buf, 1200);
		int64_t top = peer_stream(p, ssrc)->top;

		for (unsigned k = 0; k < 100; k++)
			seqs[k] = (uint16_t)(top - 99 + k);
		ly_rtcp_write_rr(&out, p->video.ssrc, NULL, 0);
		ly_rtcp_write_nack(&out, p->video.ssrc, ssrc, seqs, 100);
		send_rtcp(p, &out, buf, sizeof(buf));
		world_run(w, LY_MS(2));
	}
	ly_sfu_stats(w->sfu, WORLD_CONF, st, 2);
	/* 50000 were asked for within a second */
	assert_in_range(st[1].retransmitted - before, 100, 4100);
	ly_assert_i64("nothing twice", 0, (int64_t)p->replays);
	world_run(w, LY_SEC(1));
	ly_assert_i64("the other is not disturbed", 0,
		      peer_missing(peer_stream(w->peers[0], p->video.ssrc)));
	done(w);
}

/* A peer whose address changes all the time: only the newest are remembered. */
static void test_many_addresses(void **state)
{
	struct world *w = make(41, 2);
	struct peer *p = w->peers[1];

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		p->addr.port = (uint16_t)(20000 + i);
		world_run(w, LY_SEC(8)); /* its next check for consent tells the new one */
		ly_assert_i64("follows", LY_SFU_CONNECTED, w->seen[1].state);
	}
	world_run(w, LY_SEC(8));
	ly_assert_i64("follows", LY_SFU_CONNECTED, w->seen[1].state);
	ly_assert_i64("the other stays", LY_SFU_CONNECTED, w->seen[0].state);
	done(w);
}

/* The same SSRC over and over is one stream; new ones all the time come to an end. */
static void test_many_streams(void **state)
{
	struct world *w = make(42, 2);
	static const char name[1][LY_SFU_NAME_MAX] = { "aaaa0000-v9" };

	(void)state;
	for (unsigned i = 0; i < 1100; i++) {
		struct ly_sfu_source_desc d = { .kind = LY_SFU_VIDEO, .ssrc = 100000 + i * 10 };

		memcpy(d.name, name[0], sizeof(d.name));
		assert_int_equal(ly_sfu_add_sources(w->sfu, WORLD_CONF, world_id(0), &d, 1, w->now),
				 0);
		assert_int_equal(
			ly_sfu_remove_sources(w->sfu, WORLD_CONF, world_id(0), name, 1, w->now), 0);
		world_run(w, LY_MS(1));
	}
	world_run(w, LY_SEC(1));
	ly_assert_i64("no gap", 0, peer_missing(peer_stream(w->peers[1], w->peers[0]->video.ssrc)));
	done(w);
}

static void test_endpoints(void **state)
{
	struct world *w = make(43, 1);
	struct ly_sfu_endpoint_conf ep = { .pwd = "abcdefghabcdefghabcdefgh" };
	int err = 0;
	unsigned n = 1;

	(void)state;
	for (; err == 0 && n < 2 * LY_SFU_MAX_ENDPOINTS; n++) {
		snprintf(ep.id, sizeof(ep.id), "many%u", n);
		snprintf(ep.ufrag, sizeof(ep.ufrag), "manyufrag%u", n);
		err = ly_sfu_add_endpoint(w->sfu, WORLD_CONF, &ep, w->now);
	}
	ly_assert_i64("limit", -E2BIG, err);
	ly_assert_i64("limit", LY_SFU_MAX_ENDPOINTS, ly_sfu_n_endpoints(w->sfu, WORLD_CONF));
	done(w);
}

/* One life of an SFU with the nth allocation failing. @return true if it did */
static bool life(struct ly_dtls_ctx *dtls, uint64_t nth)
{
	struct ly_rand rand;
	struct ly_sfu_conf conf = { .dtls = dtls, .rand = &rand };
	struct ly_sfu_endpoint_conf ep = { .id = "a", .ufrag = "abcdefgh" };
	struct ly_sfu_source_desc d = { .name = "a-v0", .kind = LY_SFU_VIDEO, .ssrc = 5 };
	static const char names[1][LY_SFU_NAME_MAX] = { "a-v0" };
	struct ly_sfu_constraint limit = { "a-v0", 180 };
	struct ly_sfu_constraints c = { .set = LY_SFU_SET_SELECTED | LY_SFU_SET_SOURCES };
	struct ly_sfu_event ev;
	struct ly_sfu *s = NULL;
	bool failed;
	int errs[8] = { 0 };

	ly_rand_seeded(&rand, 1);
	strcpy(ep.pwd, "abcdefghabcdefghabcdefgh");
	d.rtx_ssrc = 6;
	c.selected = names;
	c.sources = &limit;
	c.n_selected = c.n_sources = 1;
	ly_heap_fail_at(nth);
	errs[0] = ly_sfu_create(&s, &conf, LY_SEC(1));
	if (errs[0] == 0) {
		errs[1] = ly_sfu_create_conference(s, 1, "x", LY_SEC(1));
		errs[2] = ly_sfu_add_endpoint(s, 1, &ep, LY_SEC(1));
		errs[3] = ly_sfu_add_sources(s, 1, "a", &d, 1, LY_SEC(1));
		ep.id[0] = 'b';
		ep.ufrag[0] = 'b';
		errs[4] = ly_sfu_add_endpoint(s, 1, &ep, LY_SEC(1));
		errs[5] = ly_sfu_set_constraints(s, 1, "b", &c, LY_SEC(1));
		errs[6] = ly_sfu_remove_sources(s, 1, "a", names, 1, LY_SEC(1));
		ly_sfu_tick(s, LY_SEC(3));
		while (ly_sfu_poll_event(s, &ev))
			;
		ly_sfu_remove_endpoint(s, 1, "a", LY_SEC(3));
	}
	failed = ly_heap_failed();
	ly_heap_fail_at(0);
	for (unsigned i = 0; i < LY_COUNTOF(errs); i++)
		if (errs[i] != 0 && errs[i] != -ENOMEM && errs[i] != -ENOENT)
			fail_msg("allocation %u, step %u: %d", (unsigned)nth, i, errs[i]);
	if (!failed)
		for (unsigned i = 0; i < LY_COUNTOF(errs); i++)
			ly_assert_i64("without a failure", 0, errs[i]);
	ly_sfu_destroy(s);
	return failed;
}

static void test_memory(void **state)
{
	struct ly_dtls_ctx *dtls;
	int64_t before;
	uint64_t nth = 1;

	(void)state;
	assert_int_equal(ly_dtls_ctx_create(&dtls), 0);
	before = ly_heap_used(LY_MEM_SFU);
	while (life(dtls, nth) && nth < 1000)
		nth++;
	assert_in_range(nth, 10, 999);
	ly_assert_i64("nothing is left", before, ly_heap_used(LY_MEM_SFU));
	ly_dtls_ctx_destroy(dtls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nack_flood),   cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_many_streams), cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
