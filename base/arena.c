#include "base/arena.h"

#include <stdalign.h>

#define FIRST_BLOCK 1024
#define LARGEST_BLOCK 65536

struct ly_arena_block {
	struct ly_arena_block *next;
	size_t len, cap;
	alignas(max_align_t) uint8_t mem[];
};

void ly_arena_init(struct ly_arena *a, enum ly_mem kind, size_t limit)
{
	*a = (struct ly_arena) { .kind = kind, .limit = limit };
}

void ly_arena_fini(struct ly_arena *a)
{
	if (a == NULL)
		return;
	while (a->blocks != NULL) {
		struct ly_arena_block *b = a->blocks;

		a->blocks = b->next;
		ly_free(b, a->kind);
	}
	a->used = 0;
}

static struct ly_arena_block *add_block(struct ly_arena *a, size_t len)
{
	size_t cap = a->blocks ? a->blocks->cap * 2 : FIRST_BLOCK;
	struct ly_arena_block *b;

	if (cap > LARGEST_BLOCK)
		cap = LARGEST_BLOCK;
	if (cap < len)
		cap = len;
	b = ly_alloc(sizeof(*b) + cap, a->kind);
	if (b == NULL)
		return NULL;
	b->cap = cap;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *ly_arena_alloc(struct ly_arena *a, size_t len)
{
	const size_t align = alignof(max_align_t);
	struct ly_arena_block *b = a->blocks;
	void *p;

	if (len > SIZE_MAX / 2)
		return NULL;
	len = (len + align - 1) / align * align;
	if (a->limit && a->used + len > a->limit)
		return NULL;
	if (b == NULL || b->cap - b->len < len)
		b = add_block(a, len);
	if (b == NULL)
		return NULL;
	p = b->mem + b->len;
	b->len += len;
	a->used += len;
	return p;
}

char *ly_arena_strndup(struct ly_arena *a, const char *s, size_t len)
{
	char *p = ly_arena_alloc(a, len + 1);

	if (p != NULL && len)
		memcpy(p, s, len);
	return p;
}

char *ly_arena_strdup(struct ly_arena *a, const char *s)
{
	return ly_arena_strndup(a, s, strlen(s));
}
