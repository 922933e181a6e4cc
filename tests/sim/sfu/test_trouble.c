/* Peers that vanish, strangers, replays, wrong certificates, restarts, SSRCs that come back:
 * nobody else is disturbed, and each is counted or told. */
#include <stdlib.h>

#include "base/err.h"
#include "base/heap.h"
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

static void check_undisturbed(struct world *w, unsigned to, unsigned from)
{
	struct peer_stream *v = peer_stream(w->peers[to], w->peers[from]->video.ssrc);

	assert_true(v->packets > 30);
	ly_assert_i64("missing", 0, peer_missing(v));
	ly_assert_i64("picture ids jump", 0, (int64_t)v->pic_jumps);
	ly_assert_i64("bad", 0, (int64_t)(w->peers[to]->bad_auth + w->peers[to]->replays));
	assert_true(v->longest_gap < LY_MS(80));
}

static void test_vanish(void **state)
{
	struct world *w = make(20, 3);

	(void)state;
	w->is_cut[1] = true;
	world_run(w, LY_SEC(8));
	ly_assert_i64("silent", LY_SFU_DISCONNECTED, w->seen[1].state);
	world_run(w, LY_SEC(3));
	ly_assert_i64("not yet", LY_SFU_DISCONNECTED, w->seen[1].state);
	world_run(w, LY_SEC(6));
	ly_assert_i64("lost", LY_SFU_FAILED, w->seen[1].state);
	ly_assert_i64("why", LY_SFU_REASON_CONSENT_LOST, w->seen[1].reason);
	ly_assert_i64("others stay", LY_SFU_CONNECTED, w->seen[0].state);
	check_undisturbed(w, 0, 2);
	check_undisturbed(w, 2, 0);
	world_leave(w, 1);
	world_run(w, LY_SEC(1));
	check_undisturbed(w, 0, 2);
	done(w);
}

static void test_short_outage(void **state)
{
	struct world *w = make(21, 2);

	(void)state;
	w->is_cut[1] = true;
	world_run(w, LY_SEC(8));
	ly_assert_i64("silent", LY_SFU_DISCONNECTED, w->seen[1].state);
	w->is_cut[1] = false;
	world_run(w, LY_SEC(5));
	ly_assert_i64("back", LY_SFU_CONNECTED, w->seen[1].state);
	assert_true(peer_stream(w->peers[1], w->peers[0]->video.ssrc)->last_at >
		    w->now - LY_MS(80));
	done(w);
}

static void test_never_connects(void **state)
{
	struct world *w = make(22, 2);

	(void)state;
	world_join(w, 2);
	w->is_cut[2] = true;
	world_run(w, LY_SEC(29));
	ly_assert_i64("tries", LY_SFU_CHECKING, w->seen[2].state);
	world_run(w, LY_SEC(3));
	ly_assert_i64("gave up", LY_SFU_FAILED, w->seen[2].state);
	ly_assert_i64("why", LY_SFU_REASON_NEVER_CONNECTED, w->seen[2].reason);
	check_undisturbed(w, 0, 1);
	done(w);
}

static void test_page_closed(void **state)
{
	struct world *w = make(23, 2);

	(void)state;
	ly_dtls_close(w->peers[1]->dtls, w->now);
	world_run(w, LY_MS(1));
	peer_tick(w->peers[1], w->now);
	{ /* what it has to say goes out with the next datagram that comes in */
		struct ly_span pkt;

		while (ly_dtls_poll(w->peers[1]->dtls, &pkt))
			world_inject(w, &w->peers[1]->addr, pkt.ptr, pkt.len);
	}
	world_run(w, LY_MS(50));
	ly_assert_i64("closed", LY_SFU_FAILED, w->seen[1].state);
	ly_assert_i64("why", LY_SFU_REASON_DTLS_CLOSED, w->seen[1].reason);
	done(w);
}

static void test_strangers(void **state)
{
	struct world *w = make(24, 2);
	const struct ly_sfu_counters *n = ly_sfu_counters(w->sfu);
	struct ly_addr stranger;
	uint8_t junk[300];
	uint64_t before;

	(void)state;
	assert_int_equal(ly_addr_parse_ip(&stranger, "198.51.100.7", 999), 0);
	before = n->dropped_unknown_address;
	world_inject(w, &stranger, w->last, w->last_len);
	ly_assert_i64("unknown address", (int64_t)before + 1, (int64_t)n->dropped_unknown_address);

	before = n->dropped_replay;
	world_run(w, LY_MS(50));
	world_inject(w, &w->last_from, w->last, w->last_len);
	world_inject(w, &w->last_from, w->last, w->last_len);
	assert_true(n->dropped_replay > before);

	before = n->dropped_unknown_ssrc;
	peer_send_stray(w->peers[0], 999999);
	peer_send_stray(w->peers[0], w->peers[1]->video.ssrc); /* another's */
	world_run(w, LY_MS(50));
	ly_assert_i64("unknown SSRC", (int64_t)before + 2, (int64_t)n->dropped_unknown_ssrc);

	before = n->dropped_auth;
	memcpy(junk, w->last, 200);
	junk[100] ^= 1;
	junk[3] ^= 0x40; /* another number, so that it is no replay */
	world_inject(w, &w->last_from, junk, 200);
	ly_assert_i64("forged", (int64_t)before + 1, (int64_t)n->dropped_auth);

	for (unsigned i = 0; i < 3000; i++) {
		size_t len = ly_rand_below(&w->net, sizeof(junk));

		ly_rand_bytes(&w->net, junk, sizeof(junk));
		world_inject(w, i & 1 ? &stranger : &w->peers[0]->addr, junk, len);
	}
	world_run(w, LY_SEC(1));
	check_undisturbed(w, 0, 1);
	check_undisturbed(w, 1, 0);
	done(w);
}

/* One packet of a member that is well protected and otherwise nonsense. */
static void send_nonsense(struct world *w, struct peer *p)
{
	static const uint8_t pts[] = { LY_SFU_PT_VP8, LY_SFU_PT_RTX, LY_SFU_PT_OPUS, 0, 127 };
	uint32_t ssrcs[] = { p->audio_ssrc, p->video.ssrc, p->video.rtx_ssrc };
	uint64_t *indexes[] = { &p->audio_index, &p->video.index, &p->video.rtx_index };
	unsigned which = ly_rand_below(&w->net, 3);
	size_t len = 12 + ly_rand_below(&w->net, ly_rand_below(&w->net, 10) ? 60 : 1300);
	uint8_t pkt[1500];

	ly_rand_bytes(&w->net, pkt, sizeof(pkt));
	*indexes[which] += ly_rand_below(&w->net, 20) ? 1 : ly_rand_below(&w->net, 3000);
	pkt[0] = (uint8_t)(0x80 | (pkt[0] & 0x3f));
	if (ly_rand_below(&w->net, 3))
		pkt[0] &= 0x90; /* mostly without CSRCs and padding */
	pkt[1] = (uint8_t)((pkt[1] & 0x80) | pts[ly_rand_below(&w->net, 5)]);
	pkt[2] = (uint8_t)(*indexes[which] >> 8);
	pkt[3] = (uint8_t)*indexes[which];
	for (unsigned i = 0; i < 4; i++)
		pkt[8 + i] = (uint8_t)(ssrcs[which] >> (24 - 8 * i));
	if (pkt[0] & 0x10) {
		pkt[12] = 0xbe;
		pkt[13] = 0xde;
		pkt[14] = 0;
		pkt[15] &= 7;
	}
	peer_send_raw(p, pkt, len, sizeof(pkt), *indexes[which]);
}

static void send_nonsense_rtcp(struct world *w, struct peer *p, uint32_t other)
{
	size_t len = 8 + 4 * ly_rand_below(&w->net, 60);
	uint8_t pkt[400];

	ly_rand_bytes(&w->net, pkt, sizeof(pkt));
	for (size_t at = 0; at + 12 < len; at += 4 + 4 * (size_t)pkt[at + 3]) {
		pkt[at] = (uint8_t)(0x80 | (pkt[at] & 0x1f));
		pkt[at + 1] = (uint8_t)(200 + pkt[at + 1] % 8);
		pkt[at + 2] = 0;
		pkt[at + 3] %= 20;
		for (unsigned i = 0; i < 4 && pkt[at + 11] & 1; i++)
			pkt[at + 8 + i] = (uint8_t)(other >> (24 - 8 * i));
	}
	peer_send_rtcp(p, pkt, len, sizeof(pkt));
}

static void test_hostile_member(void **state)
{
	struct world *w = make(29, 3);
	struct peer *p = w->peers[0];

	(void)state;
	uint64_t before = ly_sfu_counters(w->sfu)->rtp_in;

	p->audio_on = p->video.on = false;
	for (unsigned i = 0; i < 20000; i++) {
		send_nonsense(w, p);
		if (i % 4 == 0)
			send_nonsense_rtcp(w, p, w->peers[1]->video.ssrc);
		if (i % 10 == 0)
			world_run(w, LY_MS(2));
	}
	world_run(w, LY_SEC(1));
	assert_true(ly_sfu_counters(w->sfu)->rtp_in - before > 10000);
	check_undisturbed(w, 1, 2);
	check_undisturbed(w, 2, 1);
	ly_assert_i64("still there", LY_SFU_CONNECTED, w->seen[0].state);
	done(w);
}

/* New SSRCs all the time: the sender's session has room for the newest. */
static void test_many_shares(void **state)
{
	struct world *w = make(30, 2);
	struct peer *p = w->peers[0];
	char names[1][LY_SFU_NAME_MAX] = { "aaaa0000-v0" };
	struct ly_sfu_source_desc d[2];

	(void)state;
	for (unsigned i = 0; i < 150; i++) {
		assert_int_equal(ly_sfu_remove_sources(w->sfu, WORLD_CONF, p->id,
						       (const char(*)[LY_SFU_NAME_MAX])names, 1,
						       w->now),
				 0);
		p->video.ssrc += 100;
		p->video.rtx_ssrc += 100;
		peer_sources(p, d);
		assert_int_equal(ly_sfu_add_sources(w->sfu, WORLD_CONF, p->id, &d[1], 1, w->now),
				 0);
		world_run(w, LY_MS(100));
	}
	world_run(w, LY_SEC(2));
	assert_true(peer_stream(w->peers[1], p->video.ssrc)->packets > 30);
	ly_assert_i64("no gap", 0, peer_missing(peer_stream(w->peers[1], p->video.ssrc)));
	done(w);
}

static void test_wrong_fingerprint(void **state)
{
	struct world *w = make(25, 1);
	struct ly_sfu_endpoint_conf conf = { .id = "bbbb0000", .has_remote = true };
	struct ly_sfu_endpoint_stats st[4];
	struct peer *p = calloc(1, sizeof(*p));

	(void)state;
	/* peer 1 joins by the rules, but its certificate is announced wrongly */
	free(p);
	p = world_join(w, 1);
	assert_int_equal(ly_sfu_remove_endpoint(w->sfu, WORLD_CONF, p->id, w->now), 0);
	memcpy(conf.id, p->id, sizeof(conf.id));
	strcpy(conf.ufrag, "ijklmnop");
	strcpy(conf.pwd, "abcdefghabcdefghabcdefgh");
	peer_describe(p, &conf.remote);
	conf.remote.fingerprint[0] = conf.remote.fingerprint[0] == 'A' ? 'B' : 'A';
	assert_int_equal(ly_sfu_add_endpoint(w->sfu, WORLD_CONF, &conf, w->now), 0);
	ly_ice_destroy(p->ice);
	{
		struct ly_ice_conf ice = { .stun = w->env.stun, .rand = &w->rand, .tag = 9 };

		ice.ufrag = p->ufrag;
		ice.pwd = p->pwd;
		assert_int_equal(ly_ice_create(&p->ice, &ice, w->now), 0);
	}
	assert_int_equal(peer_set_server(p, &w->server, conf.ufrag, conf.pwd,
					 ly_dtls_ctx_fingerprint(w->dtls), w->now),
			 0);
	world_run(w, LY_SEC(2));
	ly_assert_i64("refused", LY_SFU_FAILED, w->seen[1].state);
	ly_assert_i64("why", LY_SFU_REASON_FINGERPRINT, w->seen[1].reason);
	ly_assert_i64("two members", 2, ly_sfu_stats(w->sfu, WORLD_CONF, st, 4));
	done(w);
}

static void test_commands(void **state)
{
	struct world *w = make(26, 2);
	struct ly_sfu_source_desc d[LY_SFU_MAX_SOURCES + 1] = { 0 };
	struct ly_sfu_remote remote = { 0 };
	struct ly_sfu_endpoint_conf ep = { .id = "cccc0000", .ufrag = "abc" };

	(void)state;
	ly_assert_i64("no conference", -ENOENT, ly_sfu_add_sources(w->sfu, 99, "x", d, 1, w->now));
	ly_assert_i64("no endpoint", -ENOENT,
		      ly_sfu_add_sources(w->sfu, WORLD_CONF, "x", d, 1, w->now));
	ly_assert_i64("no name", -EINVAL,
		      ly_sfu_add_sources(w->sfu, WORLD_CONF, world_id(0), d, 1, w->now));
	peer_sources(w->peers[1], d);
	strcpy(d[0].name, "new-a0");
	ly_assert_i64("another's SSRC", -EEXIST,
		      ly_sfu_add_sources(w->sfu, WORLD_CONF, world_id(0), d, 1, w->now));
	for (unsigned i = 0; i <= LY_SFU_MAX_SOURCES; i++) {
		snprintf(d[i].name, sizeof(d[i].name), "many-v%u", i);
		d[i].ssrc = 50000 + i;
		d[i].rtx_ssrc = 0;
	}
	ly_assert_i64("too many", -E2BIG,
		      ly_sfu_add_sources(w->sfu, WORLD_CONF, world_id(0), d, LY_SFU_MAX_SOURCES + 1,
					 w->now));
	ly_assert_i64("none of them was kept", 0,
		      ly_sfu_add_sources(w->sfu, WORLD_CONF, world_id(0), d, 8, w->now));
	ly_assert_i64("short ufrag", -EINVAL, ly_sfu_add_endpoint(w->sfu, WORLD_CONF, &ep, w->now));
	ly_assert_i64("empty remote", -EINVAL,
		      ly_sfu_set_remote(w->sfu, WORLD_CONF, world_id(0), &remote, w->now));
	ly_assert_i64("same id", -EEXIST,
		      ly_sfu_create_conference(w->sfu, WORLD_CONF, "x", w->now));
	world_run(w, LY_SEC(1));
	check_undisturbed(w, 0, 1);
	done(w);
}

/* A screen share that is switched off and on comes with the same SSRCs: no number may be used
 * twice. */
static void test_ssrc_comes_back(void **state)
{
	struct world *w = make(27, 2);
	static const char name[1][LY_SFU_NAME_MAX] = { "aaaa0000-v0" };
	struct ly_sfu_source_desc d[2];

	(void)state;
	peer_sources(w->peers[0], d);
	for (unsigned round = 0; round < 5; round++) {
		assert_int_equal(
			ly_sfu_remove_sources(w->sfu, WORLD_CONF, world_id(0), name, 1, w->now), 0);
		world_run(w, LY_MS(300));
		assert_int_equal(
			ly_sfu_add_sources(w->sfu, WORLD_CONF, world_id(0), &d[1], 1, w->now), 0);
		world_run(w, LY_MS(700));
	}
	ly_assert_i64("nothing twice", 0, (int64_t)w->peers[1]->replays);
	ly_assert_i64("nothing refused", 0, (int64_t)w->peers[1]->bad_auth);
	ly_assert_i64("no gap", 0, peer_missing(peer_stream(w->peers[1], w->peers[0]->video.ssrc)));
	assert_true(w->peers[1]->byes >= 5);
	done(w);
}

static void test_restart(void **state)
{
	struct world *w = make(28, 2);
	struct ly_sfu_remote remote;
	struct peer *p = w->peers[0];

	(void)state;
	assert_int_equal(ly_sfu_ice_restart(w->sfu, WORLD_CONF, p->id, "newufrag",
					    "newpasswordnewpassword00", w->now),
			 0);
	ly_rand_text(&w->rand, p->ufrag, 8);
	ly_rand_text(&w->rand, p->pwd, 24);
	assert_int_equal(ly_ice_restart(p->ice, w->now, p->ufrag, p->pwd), 0);
	assert_int_equal(
		ly_ice_set_remote(p->ice, w->now, "newufrag", "newpasswordnewpassword00", false),
		0);
	assert_int_equal(ly_ice_add_remote(p->ice, w->now, &w->server, 0), 0);
	/* from another address: the peer has changed its network */
	p->addr.port = 6000;
	peer_describe(p, &remote);
	assert_int_equal(ly_sfu_set_remote(w->sfu, WORLD_CONF, p->id, &remote, w->now), 0);
	world_run(w, LY_SEC(8));
	ly_assert_i64("connected", LY_SFU_CONNECTED, w->seen[0].state);
	assert_true(peer_stream(w->peers[0], w->peers[1]->video.ssrc)->last_at >
		    w->now - LY_MS(80));
	assert_true(peer_stream(w->peers[1], w->peers[0]->video.ssrc)->last_at >
		    w->now - LY_MS(80));
	ly_assert_i64("nothing twice", 0, (int64_t)w->peers[1]->replays);
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vanish),         cmocka_unit_test(test_short_outage),
		cmocka_unit_test(test_never_connects), cmocka_unit_test(test_page_closed),
		cmocka_unit_test(test_strangers),      cmocka_unit_test(test_wrong_fingerprint),
		cmocka_unit_test(test_commands),       cmocka_unit_test(test_ssrc_comes_back),
		cmocka_unit_test(test_restart),        cmocka_unit_test(test_hostile_member),
		cmocka_unit_test(test_many_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
