#include "base/heap.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int64_t used[LY_N_MEM];
static _Thread_local uint64_t fail_at;
static _Thread_local bool failed;

static void account(enum ly_mem kind, int64_t delta)
{
	atomic_fetch_add_explicit(&used[kind], delta, memory_order_relaxed);
}

static bool must_fail(void)
{
	if (fail_at == 0 || --fail_at != 0)
		return false;
	failed = true;
	return true;
}

void *ly_alloc(size_t len, enum ly_mem kind)
{
	void *p;

	if (must_fail())
		return NULL;
	p = calloc(1, len ? len : 1);
	if (p != NULL)
		account(kind, (int64_t)malloc_usable_size(p));
	return p;
}

void *ly_realloc(void *ptr, size_t len, enum ly_mem kind)
{
	int64_t before = ptr ? (int64_t)malloc_usable_size(ptr) : 0;
	void *p;

	if (must_fail())
		return NULL;
	p = realloc(ptr, len ? len : 1);
	if (p != NULL)
		account(kind, (int64_t)malloc_usable_size(p) - before);
	return p;
}

void ly_free(void *ptr, enum ly_mem kind)
{
	if (ptr == NULL)
		return;
	account(kind, -(int64_t)malloc_usable_size(ptr));
	free(ptr);
}

char *ly_strndup(const char *s, size_t len, enum ly_mem kind)
{
	char *p = ly_alloc(len + 1, kind);

	if (p != NULL)
		memcpy(p, s, len);
	return p;
}

char *ly_strdup(const char *s, enum ly_mem kind)
{
	return ly_strndup(s, strlen(s), kind);
}

int64_t ly_heap_used(enum ly_mem kind)
{
	return atomic_load_explicit(&used[kind], memory_order_relaxed);
}

const char *ly_mem_name(enum ly_mem kind)
{
	static const char *const names[LY_N_MEM] = {
		"misc",  "conn", "xml",   "session", "room",   "store",
		"queue", "call", "media", "sfu",     "config",
	};

	return names[kind];
}

void ly_heap_fail_at(uint64_t nth)
{
	fail_at = nth;
	failed = false;
}

bool ly_heap_failed(void)
{
	return failed;
}

void ly_wipe(void *ptr, size_t len)
{
	explicit_bzero(ptr, len);
}

bool ly_equal_ct(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= (uint8_t)(x[i] ^ y[i]);
	return diff == 0;
}
