/* A growable byte buffer. The first error sticks: later appends are no-ops, the end checks once. */
#ifndef LY_BASE_BUF_H
#define LY_BASE_BUF_H

#include "base/heap.h"
#include "base/span.h"
#include "base/util.h"

struct ly_buf {
	uint8_t *ptr;
	size_t len, cap;
	size_t limit; /* given: most bytes ever held; 0 = none */
	int err;      /* state: 0, -ENOMEM, -E2BIG */
	enum ly_mem kind;
};

void ly_buf_init(struct ly_buf *b, enum ly_mem kind, size_t limit);
void ly_buf_fini(struct ly_buf *b);
/** Forgets the content and the error, keeps the memory. */
void ly_buf_reset(struct ly_buf *b);
/** Makes room for @p more bytes after the content. @return 0, -ENOMEM, -E2BIG */
int ly_buf_reserve(struct ly_buf *b, size_t more);
void ly_buf_add(struct ly_buf *b, const void *ptr, size_t len);
void ly_buf_adds(struct ly_buf *b, const char *s);
void ly_buf_addc(struct ly_buf *b, char c);
void ly_buf_printf(struct ly_buf *b, const char *fmt, ...) LY_PRINTF(2, 3);
/** Drops the first @p len bytes. */
void ly_buf_consume(struct ly_buf *b, size_t len);
/** The content with a zero after it (not counted); NULL after an error. Borrowed. */
const char *ly_buf_str(struct ly_buf *b);

static inline struct ly_span ly_buf_span(const struct ly_buf *b)
{
	return ly_span(b->ptr, b->len);
}

#endif
