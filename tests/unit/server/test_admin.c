/* Tokens, the import file, keys as JSON, asking all homes, figures as text. */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/heap.h"
#include "server/admin/csv.h"
#include "server/admin/gather.h"
#include "server/admin/keys.h"
#include "server/admin/metrics.h"
#include "server/admin/prom.h"
#include "server/admin/tokens.h"

/* ---- tokens ---- */

static void test_tokens(void **state)
{
	struct ly_tokens *t = calloc(1, sizeof(*t));
	char a[LY_TOKEN_LEN + 1], b[LY_TOKEN_LEN + 1];
	struct ly_rand rand;

	(void)state;
	assert_non_null(t);
	ly_rand_seeded(&rand, 1);
	ly_tokens_issue(t, "op@localhost", 1000, LY_SEC(60), &rand, a);
	ly_tokens_issue(t, "other@localhost", 1000, LY_SEC(60), &rand, b);
	assert_int_equal(LY_TOKEN_LEN, strlen(a));
	ly_assert_str("valid", "op@localhost", ly_tokens_check(t, a, 2000));
	assert_null(ly_tokens_check(t, "", 2000));
	assert_null(ly_tokens_check(t, "short", 2000));
	assert_null(ly_tokens_check(t, a, 1000 + LY_SEC(60)));
	ly_tokens_revoke(t, "op@localhost");
	assert_null(ly_tokens_check(t, a, 2000));
	ly_assert_str("not the other's", "other@localhost", ly_tokens_check(t, b, 2000));
	a[3] ^= 1;
	assert_null(ly_tokens_check(t, a, 2000));
	/* full: the one that would expire first makes room */
	for (int i = 0; i < LY_TOKENS_MAX; i++)
		ly_tokens_issue(t, "many@localhost", 3000, LY_SEC(90), &rand, a);
	assert_null(ly_tokens_check(t, b, 3000));
	ly_assert_str("newest", "many@localhost", ly_tokens_check(t, a, 3000));
	free(t);
}

static void test_attempts(void **state)
{
	struct ly_tokens *t = calloc(1, sizeof(*t));
	struct ly_addr from, other, v6a, v6b;

	(void)state;
	assert_non_null(t);
	assert_int_equal(0, ly_addr_parse_ip(&from, "192.0.2.1", 5));
	assert_int_equal(0, ly_addr_parse_ip(&other, "192.0.2.2", 5));
	assert_int_equal(0, ly_addr_parse_ip(&v6a, "2001:db8::1", 5));
	assert_int_equal(0, ly_addr_parse_ip(&v6b, "2001:db8::2", 6));
	for (int i = 0; i < LY_TOKEN_ATTEMPTS; i++) {
		from.port = (uint16_t)(1000 + i);
		assert_int_equal(0, ly_tokens_attempt(t, &from, LY_SEC(1)));
		assert_int_equal(0, ly_tokens_attempt(t, i % 2 ? &v6a : &v6b, LY_SEC(1)));
	}
	assert_int_equal(51, ly_tokens_attempt(t, &from, LY_SEC(11)));
	assert_true(ly_tokens_attempt(t, &v6a, LY_SEC(11)) > 0);
	assert_int_equal(0, ly_tokens_attempt(t, &other, LY_SEC(11)));
	assert_int_equal(0, ly_tokens_attempt(t, &from, LY_SEC(62)));
	for (int i = 1; i < LY_TOKEN_ATTEMPTS; i++)
		assert_int_equal(0, ly_tokens_attempt(t, &from, LY_SEC(62)));
	assert_true(ly_tokens_attempt(t, &from, LY_SEC(62)) > 0);
	ly_tokens_forgive(t, &from);
	assert_int_equal(0, ly_tokens_attempt(t, &from, LY_SEC(62)));
	/* more addresses than rows: nothing breaks, the address in hand is still counted */
	for (unsigned i = 0; i < 3 * LY_TOKEN_ADDRS; i++) {
		struct ly_addr many = {
			.ip = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i }, .family = 4
		};

		assert_int_equal(0, ly_tokens_attempt(t, &many, LY_SEC(70)));
	}
	free(t);
}

/* ---- the import file ---- */

static void test_csv(void **state)
{
	static const struct {
		const char *line;
		int want;
		const char *jid, *password, *role, *why;
	} rows[] = {
		{ "a@b,secret\n", 1, "a@b", "secret", NULL, NULL },
		{ "a@b,secret,teacher\r\n", 1, "a@b", "secret", "teacher", NULL },
		{ "a@b,\"se,cr\"\"et\",teacher", 1, "a@b", "se,cr\"et", "teacher", NULL },
		{ "a@b, x ,", 1, "a@b", " x ", NULL, NULL },
		{ "", 0, NULL, NULL, NULL, NULL },
		{ "\r\n", 0, NULL, NULL, NULL, NULL },
		{ "# comment", 0, NULL, NULL, NULL, NULL },
		{ "a@b", -EBADMSG, NULL, NULL, NULL, "the password is missing" },
		{ "a@b,", -EBADMSG, NULL, NULL, NULL, "the password is missing" },
		{ ",x", -EBADMSG, NULL, NULL, NULL, "the address is missing" },
		{ "a@b,\"x", -EBADMSG, NULL, NULL, NULL, "does not end" },
		{ "a@b,\"x\"y", -EBADMSG, NULL, NULL, NULL, "followed by more" },
		{ "a@b,x,teacher,more", -EBADMSG, NULL, NULL, NULL, "more than three" },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_csv_user u = { 0 };
		struct ly_arena arena;
		const char *why = NULL;

		ly_arena_init(&arena, LY_MEM_MISC, 0);
		ly_assert_i64(rows[i].line, rows[i].want,
			      ly_csv_line(&u, &arena, ly_span_str(rows[i].line), &why));
		if (rows[i].want == 1) {
			ly_assert_str(rows[i].line, rows[i].jid, u.jid);
			ly_assert_str(rows[i].line, rows[i].password, u.password);
			if (rows[i].role)
				ly_assert_str(rows[i].line, rows[i].role, u.role);
			else
				assert_null(u.role);
		}
		if (rows[i].why && (why == NULL || strstr(why, rows[i].why) == NULL))
			fail_msg("%s: got %s", rows[i].line, why ? why : "(null)");
		ly_arena_fini(&arena);
	}
}

/* ---- keys ---- */

static void test_keys(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"4096",
		"4096:",
		"4096:00:11:22",
		"100:00:aa:bb",
		"-4096:00:aa:bb",
		"4096:zz:aa:bb",
	};
	struct ly_credentials made, back;
	struct ly_store_user user = { 0 };
	struct ly_rand rand;
	json_t *json;

	(void)state;
	ly_rand_seeded(&rand, 2);
	assert_int_equal(0, ly_credentials_make(&made, "secret", &rand, 4096));
	json = ly_keys_to_json(&made);
	assert_non_null(json);
	assert_int_equal(0, ly_keys_from_json(&back, json));
	json_decref(json);
	assert_true(ly_scram_keys_check(&back.sha256, LY_SCRAM_SHA256, "secret"));
	assert_true(ly_scram_keys_check(&back.sha1, LY_SCRAM_SHA1, "secret"));
	ly_keys_to_store(&user, &back);
	ly_keys_from_store(&back, &user);
	assert_true(ly_scram_keys_check(&back.sha256, LY_SCRAM_SHA256, "secret"));
	assert_false(ly_scram_keys_check(&back.sha256, LY_SCRAM_SHA256, "Secret"));
	for (size_t i = 0; i < LY_COUNTOF(bad); i++) {
		json = json_pack("{s:s, s:s}", "sha1", bad[i], "sha256", bad[i]);
		ly_assert_i64(bad[i], -EBADMSG, ly_keys_from_json(&back, json));
		json_decref(json);
	}
	assert_int_equal(-EBADMSG, ly_keys_from_json(&back, NULL));
}

/* ---- asking all homes; the queues are one list here ---- */

struct homes {
	struct ly_admin_providers p;
	struct ly_list queue;
	struct ly_admin_part *late;
	int n_fill, n_done;
	size_t n_items;
	bool got_null;
};

static void post(void *ctx, unsigned home, struct ly_msg *msg)
{
	struct homes *h = ctx;

	assert_true(home < h->p.n_homes);
	ly_list_add_tail(&h->queue, &msg->link);
}

static void fill(struct ly_home *home, void *ctx, struct ly_admin_part *part)
{
	struct homes *h = ctx;

	(void)home;
	ly_assert_str("arg", "call-1", part->arg);
	assert_int_equal(77, part->wall);
	assert_int_equal(0, json_array_append_new(part->out, json_integer(h->n_fill)));
	if (++h->n_fill == 2)
		h->late = part; /* answers later, as after asking the media threads */
	else
		ly_admin_part_done(part);
}

static void done(void *ctx, json_t *all)
{
	struct homes *h = ctx;

	h->n_done++;
	h->got_null = all == NULL;
	h->n_items = json_array_size(all);
}

static void drain(struct homes *h)
{
	while (!ly_list_is_empty(&h->queue)) {
		struct ly_list *link = h->queue.next;
		struct ly_msg *msg = LY_LIST_ENTRY(link, struct ly_msg, link);

		ly_list_del(link);
		msg->run(NULL, msg);
	}
}

static void homes_init(struct homes *h)
{
	memset(h, 0, sizeof(*h));
	ly_list_init(&h->queue);
	h->p.n_homes = 3;
	h->p.post = post;
	h->p.post_ctx = h;
	h->p.v[LY_ADMIN_CALLS].fill = fill;
	h->p.v[LY_ADMIN_CALLS].ctx = h;
}

static void test_gather(void **state)
{
	struct homes h;

	(void)state;
	homes_init(&h);
	ly_admin_gather(&h.p, LY_ADMIN_CALLS, "call-1", 1, 77, done, &h);
	assert_int_equal(0, h.n_done);
	drain(&h);
	assert_int_equal(3, h.n_fill);
	assert_int_equal(0, h.n_done);
	ly_admin_part_done(h.late);
	drain(&h);
	assert_int_equal(1, h.n_done);
	assert_int_equal(3, h.n_items);
	ly_admin_gather(&h.p, LY_ADMIN_ROOMS, NULL, 0, 77, done, &h); /* nobody provides them */
	assert_int_equal(2, h.n_done);
	assert_int_equal(0, h.n_items);
	assert_false(h.got_null);
}

static void test_gather_drop(void **state)
{
	struct homes h;

	(void)state;
	homes_init(&h);
	ly_admin_gather(&h.p, LY_ADMIN_CALLS, "call-1", 0, 77, done, &h);
	while (!ly_list_is_empty(&h.queue)) {
		struct ly_msg *msg = LY_LIST_ENTRY(h.queue.next, struct ly_msg, link);

		ly_list_del(&msg->link);
		msg->drop(msg);
	}
	assert_int_equal(1, h.n_done);
	assert_true(h.got_null);
}

static void test_gather_no_memory(void **state)
{
	int64_t before = ly_heap_used(LY_MEM_MISC);

	(void)state;
	for (uint64_t nth = 1;; nth++) {
		struct homes h;
		bool failed;

		homes_init(&h);
		ly_heap_fail_at(nth);
		ly_admin_gather(&h.p, LY_ADMIN_CALLS, "call-1", 0, 77, done, &h);
		failed = ly_heap_failed();
		ly_heap_fail_at(0);
		drain(&h);
		if (h.late)
			ly_admin_part_done(h.late);
		drain(&h);
		assert_int_equal(1, h.n_done);
		ly_assert_i64("leak", before, ly_heap_used(LY_MEM_MISC));
		if (!failed)
			break;
		assert_true(h.got_null);
	}
}

/* ---- figures ---- */

static void test_prom(void **state)
{
	json_t *stats = json_pack("{s:s, s:i, s:{s:i}, s:{s:i}, s:[{s:i},{s:i}]}", "version", "1.2",
				  "sessions", 3, "store", "commit_us_sum", 1500000, "memory", "xml",
				  42, "loops", "lag_us", 10, "lag_us", 2500000);
	struct ly_buf out;
	const char *text;

	(void)state;
	ly_metric_add(LY_METRIC_LOGIN_OK, 2);
	assert_true(ly_metric_get(LY_METRIC_LOGIN_OK) >= 2);
	ly_buf_init(&out, LY_MEM_MISC, 0);
	ly_prom_write(&out, stats);
	text = ly_buf_str(&out);
	assert_non_null(text);
	assert_non_null(strstr(text, "lyceum_info{version=\"1.2\"} 1\n"));
	assert_non_null(strstr(text, "# TYPE lyceum_sessions gauge\nlyceum_sessions 3\n"));
	assert_non_null(strstr(text, "lyceum_store_commit_seconds_total 1.5\n"));
	assert_non_null(strstr(text, "lyceum_memory_bytes{kind=\"xml\"} 42\n"));
	assert_non_null(strstr(text, "lyceum_loop_lag_seconds{loop=\"0\"} 1e-05\n"));
	assert_non_null(strstr(text, "lyceum_loop_lag_seconds{loop=\"1\"} 2.5\n"));
	assert_null(strstr(text, "lyceum_rooms ")); /* not given, not shown */
	ly_buf_fini(&out);
	json_decref(stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_gather_drop),
		cmocka_unit_test(test_gather_no_memory),
		cmocka_unit_test(test_prom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
