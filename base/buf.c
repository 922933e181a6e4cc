#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

void ly_buf_init(struct ly_buf *b, enum ly_mem kind, size_t limit)
{
	*b = (struct ly_buf) { .kind = kind, .limit = limit };
}

void ly_buf_fini(struct ly_buf *b)
{
	if (b == NULL)
		return;
	ly_free(b->ptr, b->kind);
	ly_buf_init(b, b->kind, b->limit);
}

void ly_buf_reset(struct ly_buf *b)
{
	b->len = 0;
	b->err = 0;
}

int ly_buf_reserve(struct ly_buf *b, size_t more)
{
	size_t want = b->len + more, cap = b->cap ? b->cap : 64;
	uint8_t *p;

	if (b->err)
		return b->err;
	if (want < more || (b->limit && want > b->limit))
		return b->err = -E2BIG;
	if (want <= b->cap)
		return 0;
	while (cap < want)
		cap *= 2;
	p = ly_realloc(b->ptr, cap, b->kind);
	if (p == NULL)
		return b->err = -ENOMEM;
	b->ptr = p;
	b->cap = cap;
	return 0;
}

void ly_buf_add(struct ly_buf *b, const void *ptr, size_t len)
{
	if (len == 0 || ly_buf_reserve(b, len))
		return;
	memcpy(b->ptr + b->len, ptr, len);
	b->len += len;
}

void ly_buf_adds(struct ly_buf *b, const char *s)
{
	ly_buf_add(b, s, strlen(s));
}

void ly_buf_addc(struct ly_buf *b, char c)
{
	ly_buf_add(b, &c, 1);
}

void ly_buf_printf(struct ly_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* one more for the zero that vsnprintf writes; it is not part of the content */
	if (n < 0 || ly_buf_reserve(b, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	vsnprintf((char *)b->ptr + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void ly_buf_consume(struct ly_buf *b, size_t len)
{
	if (len >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->ptr, b->ptr + len, b->len - len);
	b->len -= len;
}

const char *ly_buf_str(struct ly_buf *b)
{
	if (ly_buf_reserve(b, 1))
		return NULL;
	b->ptr[b->len] = 0;
	return (const char *)b->ptr;
}
