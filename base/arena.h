/* An arena: allocations that die together in one free. A stanza is one. */
#ifndef LY_BASE_ARENA_H
#define LY_BASE_ARENA_H

#include "base/heap.h"
#include "base/span.h"

struct ly_arena_block;

struct ly_arena {
	struct ly_arena_block *blocks; /* owned; newest first */
	size_t used;                   /* state: bytes handed out */
	size_t limit;                  /* given: most bytes ever handed out, 0 = none */
	enum ly_mem kind;
};

void ly_arena_init(struct ly_arena *a, enum ly_mem kind, size_t limit);
void ly_arena_fini(struct ly_arena *a);
/** Zeroed memory aligned for any type; NULL when out of memory or over the limit. */
void *ly_arena_alloc(struct ly_arena *a, size_t len);
/** A copy with a zero after it; NULL when out of memory. */
char *ly_arena_strndup(struct ly_arena *a, const char *s, size_t len);
char *ly_arena_strdup(struct ly_arena *a, const char *s);

#endif
