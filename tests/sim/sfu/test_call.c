/* Calls over a perfect and a lossy network: everyone gets everything, once, continuous, from a
 * keyframe on. */
#include <stdlib.h>

#include "base/heap.h"
#include "tests/sim/sfu/world.h"
#include "tests/unit/check.h"

static struct world *make(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_init(w, seed);
	return w;
}

static void done(struct world *w)
{
	world_fini(w);
	free(w);
}

static struct peer_stream *audio_of(struct world *w, unsigned to, unsigned from)
{
	return peer_stream(w->peers[to], w->peers[from]->audio_ssrc);
}

static struct peer_stream *video_of(struct world *w, unsigned to, unsigned from)
{
	return peer_stream(w->peers[to], w->peers[from]->video.ssrc);
}

static void check_clean(struct world *w, unsigned to, unsigned from)
{
	struct peer_stream *a = audio_of(w, to, from), *v = video_of(w, to, from);

	assert_true(a->packets > 0);
	assert_true(v->packets > 0);
	ly_assert_i64("audio missing", 0, peer_missing(a));
	ly_assert_i64("video missing", 0, peer_missing(v));
	ly_assert_i64("begins with a keyframe", 1, v->began_with_key);
	ly_assert_i64("picture ids jump", 0, (int64_t)v->pic_jumps);
	ly_assert_i64("timestamps go back", 0, (int64_t)v->ts_back);
	ly_assert_i64("bad packets", 0,
		      (int64_t)(w->peers[to]->bad_auth + w->peers[to]->malformed));
	ly_assert_i64("replayed", 0, (int64_t)w->peers[to]->replays);
}

static void test_three(void **state)
{
	struct world *w = make(1);
	struct ly_sfu_endpoint_stats st[4];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		world_join(w, i);
	world_connect(w);
	world_run(w, LY_SEC(5));
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 3; k++)
			if (i != k) {
				check_clean(w, i, k);
				assert_in_range(audio_of(w, i, k)->packets, 240, 260);
				assert_in_range(video_of(w, i, k)->frames, 140, 160);
				assert_true(video_of(w, i, k)->srs >= 3);
			}
	ly_assert_i64("stats", 3, ly_sfu_stats(w->sfu, WORLD_CONF, st, 4));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(w->peers[i]->twcc_in > 30);
		assert_true(w->peers[i]->rr_in >= 3);
		ly_assert_i64("forwarded", 2, (int64_t)w->seen[i].forwarded_n);
		assert_in_range(st[i].up.bitrate_bps, 550000, 750000);
		assert_in_range(st[i].down.bitrate_bps, 1100000, 1500000);
		assert_in_range((uint64_t)st[i].rtt_ms, 18, 30);
		ly_assert_i64("lost", 0, (int64_t)st[i].up.lost);
		ly_assert_i64("receivers", 2, st[i].sources[1].receivers);
		assert_int_equal(st[i].remote.port, 5000 + i);
	}
	done(w);
}

static void test_join_and_leave(void **state)
{
	struct world *w = make(2);

	(void)state;
	world_join(w, 0);
	world_join(w, 1);
	world_connect(w);
	world_run(w, LY_SEC(2));
	world_join(w, 2);
	world_connect(w);
	world_run(w, LY_SEC(2));
	check_clean(w, 2, 0);
	check_clean(w, 0, 2);
	world_leave(w, 1);
	world_run(w, LY_SEC(2));
	check_clean(w, 0, 2);
	check_clean(w, 2, 0);
	/* those who stay were not disturbed by either */
	assert_true(video_of(w, 0, 2)->longest_gap < LY_MS(60));
	assert_true(w->peers[0]->byes > 0);
	ly_assert_i64("forwarded", 1, (int64_t)w->seen[0].forwarded_n);
	/* back under the same name with new credentials */
	world_join(w, 1);
	world_connect(w);
	world_run(w, LY_SEC(1));
	check_clean(w, 1, 0);
	done(w);
}

static void test_loss(void **state)
{
	static const struct {
		const char *what;
		unsigned up, down;
		ly_usec jitter;
	} rows[] = {
		{ "2 % up", 20, 0, 0 },
		{ "5 % down", 0, 50, 0 },
		{ "10 % both ways, reordering", 100, 100, LY_MS(8) },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct world *w = make(10 + i);
		struct peer_stream *v;

		world_join(w, 0);
		world_join(w, 1);
		world_connect(w);
		w->loss_up = rows[i].up;
		w->loss_down = rows[i].down;
		w->jitter = rows[i].jitter;
		world_run(w, LY_SEC(10));
		w->loss_up = w->loss_down = 0;
		world_run(w, LY_SEC(1)); /* the last ones are asked for again */
		v = video_of(w, 1, 0);
		ly_assert_i64(rows[i].what, 0, peer_missing(v));
		assert_true(v->frames > 300);
		ly_assert_i64(rows[i].what, 0, (int64_t)w->peers[1]->replays);
		ly_assert_i64(rows[i].what, 0, (int64_t)w->peers[1]->bad_auth);
		if (rows[i].down)
			assert_true(v->recovered > 10);
		if (rows[i].up)
			assert_true(w->peers[0]->nack_in > 5);
		done(w);
	}
}

static void constrain(struct world *w, unsigned i, int last_n, uint16_t height, unsigned set)
{
	struct ly_sfu_constraints c = { .set = set, .last_n = last_n };

	c.default_max_height = height;
	assert_int_equal(ly_sfu_set_constraints(w->sfu, WORLD_CONF, world_id(i), &c, w->now), 0);
	world_run(w, LY_MS(20));
}

static void test_pause_resume(void **state)
{
	struct world *w = make(3);
	struct peer_stream *v;
	uint64_t before;

	(void)state;
	world_join(w, 0);
	world_join(w, 1);
	world_connect(w);
	world_run(w, LY_SEC(1));
	for (unsigned round = 0; round < 5; round++) {
		constrain(w, 1, 0, 0, LY_SFU_SET_DEFAULT);
		world_run(w, LY_MS(100));
		before = video_of(w, 1, 0)->packets;
		world_run(w, LY_SEC(3));
		v = video_of(w, 1, 0);
		ly_assert_i64("paused", (int64_t)before, (int64_t)v->packets);
		ly_assert_i64("sender is told", 0, w->seen[0].max_height);
		constrain(w, 1, 0, 720, LY_SFU_SET_DEFAULT);
		world_run(w, LY_SEC(1));
		assert_true(video_of(w, 1, 0)->packets > before + 50);
		ly_assert_i64("sender is told", 720, w->seen[0].max_height);
		check_clean(w, 1, 0);
	}
	assert_true(video_of(w, 1, 0)->keyframes >= 6);
	done(w);
}

static void test_last_n(void **state)
{
	struct world *w = make(4);
	static const char pick[1][LY_SFU_NAME_MAX] = { "aaaa0003-v0" };
	struct ly_sfu_constraints c = { .set = LY_SFU_SET_SELECTED, .selected = pick };

	(void)state;
	c.n_selected = 1;
	for (unsigned i = 0; i < 4; i++)
		world_join(w, i);
	world_connect(w);
	constrain(w, 0, 1, 0, LY_SFU_SET_LAST_N);
	ly_assert_i64("one of three", 1, (int64_t)w->seen[0].forwarded_n);
	assert_int_equal(ly_sfu_set_constraints(w->sfu, WORLD_CONF, world_id(0), &c, w->now), 0);
	world_run(w, LY_SEC(1));
	ly_assert_i64("one of three", 1, (int64_t)w->seen[0].forwarded_n);
	ly_assert_str("the selected one", "aaaa0003-v0", w->seen[0].forwarded[0]);
	ly_assert_i64("others are not touched", 3, (int64_t)w->seen[1].forwarded_n);
	done(w);
}

static void test_speaker(void **state)
{
	struct world *w = make(5);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		world_join(w, i);
		w->peers[i]->audio_level = 100;
	}
	world_connect(w);
	world_run(w, LY_SEC(2));
	ly_assert_i64("silence", 0, w->n_dominant);
	w->peers[1]->audio_level = 30;
	world_run(w, LY_SEC(3));
	ly_assert_str("speaks", world_id(1), w->dominant);
	w->peers[2]->audio_level = 30; /* a word thrown in */
	world_run(w, LY_MS(200));
	w->peers[2]->audio_level = 100;
	world_run(w, LY_SEC(3));
	ly_assert_str("still speaks", world_id(1), w->dominant);
	ly_assert_i64("no flicker", 1, w->n_dominant);
	w->peers[1]->audio_level = 100;
	w->peers[2]->audio_level = 35;
	world_run(w, LY_SEC(4));
	ly_assert_str("takes over", world_id(2), w->dominant);
	done(w);
}

static void test_remb(void **state)
{
	struct world *w = make(9);

	(void)state;
	world_join(w, 0);
	w->remb_only = true;
	world_join(w, 1);
	world_connect(w);
	world_run(w, LY_SEC(5));
	ly_assert_i64("not beside the other", 0, (int64_t)w->peers[0]->remb_in);
	assert_true(w->peers[0]->twcc_in > 10);
	assert_true(w->peers[1]->remb_in >= 3);
	ly_assert_i64("not negotiated", 0, (int64_t)w->peers[1]->twcc_in);
	done(w);
}

/* One of five has a link for two and a half videos; then it gets better. */
static void test_narrow_link(void **state)
{
	struct world *w = make(7);
	uint64_t got, missing;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		world_join(w, i);
	world_connect(w);
	world_run(w, LY_SEC(2));
	ly_assert_i64("all four", 4, (int64_t)w->seen[0].forwarded_n);
	w->cap_bps[0] = 1600000;
	world_run(w, LY_SEC(25));
	assert_in_range(w->seen[0].forwarded_n, 1, 3);
	got = audio_of(w, 0, 1)->packets;
	missing = (uint64_t)peer_missing(audio_of(w, 0, 1));
	/* tries to send more come ever more seldom: of 3000 packets few are lost */
	world_run(w, LY_SEC(60));
	assert_true(audio_of(w, 0, 1)->packets - got > 2850);
	assert_true((uint64_t)peer_missing(audio_of(w, 0, 1)) - missing < 150);
	for (unsigned i = 1; i < 5; i++)
		for (unsigned k = 1; k < 5; k++)
			if (i != k)
				check_clean(w, i, k); /* nobody else is affected */
	w->cap_bps[0] = 0;
	world_run(w, LY_SEC(120));
	ly_assert_i64("all are back", 4, (int64_t)w->seen[0].forwarded_n);
	done(w);
}

/* Loss that has nothing to do with how much is sent: video goes on. */
static void test_bad_radio(void **state)
{
	struct world *w = make(8);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		world_join(w, i);
	world_connect(w);
	w->loss_down_of[0] = 200;
	world_run(w, LY_SEC(60));
	ly_assert_i64("all are sent", 4, (int64_t)w->seen[0].forwarded_n);
	assert_true(w->seen[0].n_forwarded < 12);
	for (unsigned k = 1; k < 5; k++)
		assert_true(video_of(w, 0, k)->last_at > w->now - LY_MS(500));
	done(w);
}

static void test_keyframe_requests(void **state)
{
	struct world *w = make(6);
	uint64_t before;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		world_join(w, i);
	world_connect(w);
	world_run(w, LY_SEC(1));
	before = w->peers[0]->video.plis;
	for (unsigned k = 0; k < 100; k++) {
		for (unsigned i = 1; i < 6; i++)
			peer_send_pli(w->peers[i], w->peers[0]->video.ssrc, w->now);
		world_run(w, LY_MS(10));
	}
	/* 500 asked within a second: one at once, then one every 200 ms */
	assert_in_range(w->peers[0]->video.plis - before, 4, 7);
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three),
		cmocka_unit_test(test_join_and_leave),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_pause_resume),
		cmocka_unit_test(test_last_n),
		cmocka_unit_test(test_speaker),
		cmocka_unit_test(test_keyframe_requests),
		cmocka_unit_test(test_narrow_link),
		cmocka_unit_test(test_bad_radio),
		cmocka_unit_test(test_remb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
