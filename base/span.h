/* Byte spans and the cursor that all packet parsing goes through. */
#ifndef LY_BASE_SPAN_H
#define LY_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Borrowed read-only bytes. */
struct ly_span {
	const uint8_t *ptr;
	size_t len;
};

static inline struct ly_span ly_span(const void *ptr, size_t len)
{
	return (struct ly_span) { (const uint8_t *)ptr, len };
}

static inline struct ly_span ly_span_str(const char *s)
{
	return ly_span(s, strlen(s));
}

static inline bool ly_span_equal(struct ly_span a, struct ly_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/** A reading cursor. Reading past the end sets @c bad and gives zeros from then on, so code reads
 *  straight and checks once. */
struct ly_rd {
	const uint8_t *ptr, *end;
	bool bad;
};

static inline struct ly_rd ly_rd(struct ly_span s)
{
	const uint8_t *p = s.ptr ? s.ptr : (const uint8_t *)""; /* no arithmetic on NULL */

	return (struct ly_rd) { p, p + s.len, false };
}

static inline size_t ly_rd_left(const struct ly_rd *r)
{
	return (size_t)(r->end - r->ptr);
}

/** Takes the next @p len bytes; an empty span and bad when there are fewer. */
static inline struct ly_span ly_rd_bytes(struct ly_rd *r, size_t len)
{
	struct ly_span s;

	if (r->bad || ly_rd_left(r) < len) {
		r->bad = true;
		return ly_span(NULL, 0);
	}
	s = ly_span(r->ptr, len);
	r->ptr += len;
	return s;
}

static inline void ly_rd_skip(struct ly_rd *r, size_t len)
{
	(void)ly_rd_bytes(r, len);
}

/** Reads @p n (1 to 8) bytes, most significant first. */
static inline uint64_t ly_rd_be(struct ly_rd *r, size_t n)
{
	struct ly_span s = ly_rd_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.ptr[i];
	return v;
}

static inline uint8_t ly_rd_u8(struct ly_rd *r)
{
	return (uint8_t)ly_rd_be(r, 1);
}

static inline uint16_t ly_rd_u16(struct ly_rd *r)
{
	return (uint16_t)ly_rd_be(r, 2);
}

static inline uint32_t ly_rd_u24(struct ly_rd *r)
{
	return (uint32_t)ly_rd_be(r, 3);
}

static inline uint32_t ly_rd_u32(struct ly_rd *r)
{
	return (uint32_t)ly_rd_be(r, 4);
}

static inline uint64_t ly_rd_u64(struct ly_rd *r)
{
	return ly_rd_be(r, 8);
}

/** A writing cursor over memory of the caller; writing past the end sets @c bad. */
struct ly_wr {
	uint8_t *start, *ptr, *end;
	bool bad;
};

static inline struct ly_wr ly_wr(void *mem, size_t cap)
{
	return (struct ly_wr) { (uint8_t *)mem, (uint8_t *)mem, (uint8_t *)mem + cap, false };
}

static inline size_t ly_wr_len(const struct ly_wr *w)
{
	return (size_t)(w->ptr - w->start);
}

static inline void ly_wr_be(struct ly_wr *w, uint64_t v, size_t n)
{
	if (w->bad || (size_t)(w->end - w->ptr) < n) {
		w->bad = true;
		return;
	}
	for (size_t i = n; i > 0; i--)
		*w->ptr++ = (uint8_t)(v >> (8 * (i - 1)));
}

static inline void ly_wr_u8(struct ly_wr *w, uint8_t v)
{
	ly_wr_be(w, v, 1);
}

static inline void ly_wr_u16(struct ly_wr *w, uint16_t v)
{
	ly_wr_be(w, v, 2);
}

static inline void ly_wr_u24(struct ly_wr *w, uint32_t v)
{
	ly_wr_be(w, v, 3);
}

static inline void ly_wr_u32(struct ly_wr *w, uint32_t v)
{
	ly_wr_be(w, v, 4);
}

static inline void ly_wr_u64(struct ly_wr *w, uint64_t v)
{
	ly_wr_be(w, v, 8);
}

static inline void ly_wr_bytes(struct ly_wr *w, struct ly_span s)
{
	if (w->bad || (size_t)(w->end - w->ptr) < s.len) {
		w->bad = true;
		return;
	}
	if (s.len && s.ptr != NULL)
		memcpy(w->ptr, s.ptr, s.len);
	w->ptr += s.len;
}

#endif
