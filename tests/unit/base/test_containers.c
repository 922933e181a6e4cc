/* Buffer, arena, map, timers, list, blob. */
#include "tests/unit/check.h"

#include "base/arena.h"
#include "base/blob.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/timers.h"

static void test_buf_limit_sticks(void **state)
{
	struct ly_buf b;

	(void)state;
	ly_buf_init(&b, LY_MEM_MISC, 10);
	ly_buf_adds(&b, "12345");
	ly_buf_printf(&b, "%d", 678);
	assert_string_equal("12345678", ly_buf_str(&b));
	ly_buf_adds(&b, "xyz");
	assert_int_equal(-E2BIG, b.err);
	ly_buf_adds(&b, "");
	assert_null(ly_buf_str(&b));
	ly_buf_reset(&b);
	ly_buf_adds(&b, "abcdef");
	ly_buf_consume(&b, 4);
	assert_string_equal("ef", ly_buf_str(&b));
	ly_buf_fini(&b);
	assert_int_equal(0, ly_heap_used(LY_MEM_MISC));
}

static void test_arena(void **state)
{
	struct ly_arena a;

	(void)state;
	ly_arena_init(&a, LY_MEM_XML, 100000);
	for (int i = 0; i < 90; i++) {
		char *p = ly_arena_alloc(&a, 1000);

		assert_non_null(p);
		assert_int_equal(0, (uintptr_t)p % sizeof(void *));
		memset(p, 0xaa, 1000);
	}
	assert_string_equal("hello", ly_arena_strndup(&a, "hello world", 5));
	assert_null(ly_arena_alloc(&a, 20000));
	ly_arena_fini(&a);
	assert_int_equal(0, ly_heap_used(LY_MEM_XML));
}

/* Against a plain array as the model, with many deletions: probe runs must stay whole. */
static void test_map_model(void **state)
{
	static bool model[512];
	struct ly_map m;
	struct ly_rand r;

	(void)state;
	ly_rand_seeded(&r, 7);
	ly_map_init(&m, LY_MEM_MISC, 42);
	for (int i = 0; i < 20000; i++) {
		uint32_t k = ly_rand_below(&r, 512);

		if (ly_rand_below(&r, 2)) {
			assert_int_equal(0, ly_map_put_num(&m, k, &model[k]));
			model[k] = true;
		} else {
			assert_ptr_equal(model[k] ? &model[k] : NULL, ly_map_del_num(&m, k));
			model[k] = false;
		}
	}
	for (uint32_t k = 0; k < 512; k++)
		assert_ptr_equal(model[k] ? &model[k] : NULL, ly_map_find_num(&m, k));
	ly_map_fini(&m);
}

static void test_map_strings(void **state)
{
	struct ly_map m;
	struct ly_map_slot slot;
	size_t it = 0, n = 0;
	int a = 1, b = 2;

	(void)state;
	ly_map_init(&m, LY_MEM_MISC, 1);
	assert_null(ly_map_find_str(&m, "a"));
	assert_int_equal(0, ly_map_put(&m, ly_span_str("alpha"), &a));
	assert_int_equal(0, ly_map_put(&m, ly_span_str(""), &b));
	assert_ptr_equal(&a, ly_map_find_str(&m, "alpha"));
	assert_ptr_equal(&b, ly_map_find_str(&m, ""));
	while (ly_map_next(&m, &it, &slot))
		n++;
	assert_int_equal(2, n);
	assert_ptr_equal(&a, ly_map_del(&m, ly_span_str("alpha")));
	assert_null(ly_map_del(&m, ly_span_str("alpha")));
	ly_map_fini(&m);
}

static void test_timers_order(void **state)
{
	struct ly_timer t[200] = { 0 };
	struct ly_timers h;
	struct ly_timer *p;
	struct ly_rand r;
	ly_usec last = 0;
	int n = 0;

	(void)state;
	ly_rand_seeded(&r, 3);
	ly_timers_init(&h, LY_MEM_MISC);
	for (int i = 0; i < 200; i++)
		assert_int_equal(0, ly_timers_set(&h, &t[i], ly_rand_below(&r, 1000)));
	for (int i = 0; i < 200; i += 2)
		assert_int_equal(0, ly_timers_set(&h, &t[i], ly_rand_below(&r, 1000)));
	for (int i = 0; i < 200; i += 5)
		ly_timers_del(&h, &t[i]);
	while ((p = ly_timers_pop(&h, 1000)) != NULL) {
		assert_true(p->at >= last);
		last = p->at;
		n++;
	}
	assert_int_equal(160, n);
	assert_true(ly_timers_deadline(&h) == LY_NEVER);
	ly_timers_fini(&h);
}

static void test_blob_refs(void **state)
{
	struct ly_blob *b = ly_blob_create(ly_span_str("<message/>"), 8);

	(void)state;
	assert_non_null(b);
	ly_blob_ref(b);
	ly_blob_unref(b);
	assert_int_equal(10, b->len);
	ly_blob_unref(b);
	assert_int_equal(0, ly_heap_used(LY_MEM_QUEUE));
}

static void test_list(void **state)
{
	struct item {
		int v;
		struct ly_list link;
	} a = { .v = 1 }, b = { .v = 2 }, c = { .v = 3 };
	struct ly_list head;
	int sum = 0;

	(void)state;
	ly_list_init(&head);
	assert_true(ly_list_is_empty(&head));
	ly_list_add_tail(&head, &b.link);
	ly_list_add_tail(&head, &c.link);
	ly_list_add_head(&head, &a.link);
	LY_LIST_EACH (it, tmp, &head) {
		struct item *i = LY_LIST_ENTRY(it, struct item, link);

		sum = sum * 10 + i->v;
		ly_list_del(it);
	}
	assert_int_equal(123, sum);
	assert_true(ly_list_is_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_limit_sticks),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_map_model),
		cmocka_unit_test(test_map_strings),
		cmocka_unit_test(test_timers_order),
		cmocka_unit_test(test_blob_refs),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests_name("base containers", tests, NULL, NULL);
}
