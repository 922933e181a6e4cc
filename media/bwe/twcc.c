#include "media/bwe/twcc.h"

#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "media/rtp/rtp.h"

#define TICK 250           /* us of a receive delta */
#define TICKS_PER_REF 256  /* reference time counts 64 ms */
#define MAX_PER_PACKET 400 /* at worst 920 bytes */
#define HEADER_LEN 20      /* common header, SSRCs, base, count, reference time, feedback count */

/* Packet status symbols, s. 3.1.1. */
enum { LOST = 0, SMALL = 1, LARGE = 2 };

void ly_twcc_recv_init(struct ly_twcc_recv *t, ly_usec interval)
{
	memset(t, 0, sizeof(*t));
	t->interval = interval ? interval : LY_MS(100);
	t->next = LY_NEVER;
}

static ly_usec *slot(struct ly_twcc_recv *t, int64_t seq)
{
	return &t->at[(size_t)seq % LY_TWCC_WINDOW];
}

static void restart(struct ly_twcc_recv *t, int64_t seq)
{
	memset(t->at, 0, sizeof(t->at));
	t->base = t->top = seq;
}

void ly_twcc_recv_packet(struct ly_twcc_recv *t, uint16_t seq, ly_usec now)
{
	int64_t ext;

	if (!t->started) {
		t->started = true;
		restart(t, 0x10000 + seq);
	}
	ext = ly_seq_extend(t->top, seq);
	if (ext <= t->top - LY_TWCC_WINDOW)
		return;
	if (ext - t->base >= LY_TWCC_WINDOW) { /* nobody built reports, or the sender jumped */
		if (ext - t->top >= LY_TWCC_WINDOW)
			restart(t, ext);
		t->base = LY_MAX(t->base, ext - LY_TWCC_WINDOW + 1);
	}
	while (t->top < ext)
		*slot(t, ++t->top) = 0;
	if (*slot(t, ext) == 0)
		*slot(t, ext) = LY_MAX(now, 1);
	if (ext < t->base) { /* late, reported as lost: report it again */
		t->base = ext;
	}
	if (t->next == LY_NEVER)
		t->next = now + t->interval;
}

/* What one feedback packet will say. */
struct plan {
	unsigned n;
	int64_t ref; /* 64 ms */
	uint8_t symbol[MAX_PER_PACKET];
	int16_t delta[MAX_PER_PACKET];
};

/* Takes packets from base on as long as their deltas fit; ends with one that came. */
static void make_plan(struct ly_twcc_recv *t, struct plan *plan)
{
	int64_t last = 0;
	unsigned n = 0;

	plan->n = 0;
	plan->ref = 0;
	/* a gap longer than a packet can tell of is left out */
	while (t->top - t->base >= MAX_PER_PACKET && *slot(t, t->base) == 0)
		t->base++;
	for (int64_t seq = t->base; seq <= t->top && n < MAX_PER_PACKET; seq++, n++) {
		ly_usec at = *slot(t, seq);
		int64_t d;

		plan->symbol[n] = LOST;
		if (at == 0)
			continue;
		if (plan->n == 0) {
			plan->ref = at / (TICK * TICKS_PER_REF);
			last = plan->ref * TICKS_PER_REF;
		}
		d = at / TICK - last;
		if (d < INT16_MIN || d > INT16_MAX)
			break;
		last += d;
		plan->delta[n] = (int16_t)d;
		plan->symbol[n] = d >= 0 && d <= 255 ? SMALL : LARGE;
		plan->n = n + 1;
	}
}

static void write_chunks(struct ly_wr *w, const struct plan *p)
{
	for (unsigned i = 0; i < p->n;) {
		unsigned run = 1;

		while (i + run < p->n && p->symbol[i + run] == p->symbol[i])
			run++;
		if (run >= 7 || i + run == p->n) { /* run length, 13 bits */
			ly_wr_u16(w, (uint16_t)(p->symbol[i] << 13 | run));
			i += run;
		} else { /* status vector of seven two-bit symbols */
			unsigned v = 0xc000;

			for (unsigned k = 0; k < 7 && i + k < p->n; k++)
				v |= (unsigned)p->symbol[i + k] << (12 - 2 * k);
			ly_wr_u16(w, (uint16_t)v);
			i = LY_MIN(i + 7, p->n);
		}
	}
}

/* Two bytes of delta each, a chunk for seven, padding. */
static size_t max_len(unsigned n)
{
	return HEADER_LEN + 2u * n + 2u * (n / 7 + 1) + 3;
}

bool ly_twcc_recv_build(struct ly_twcc_recv *t, ly_usec now, bool force, uint32_t sender,
			uint32_t media, struct ly_wr *w)
{
	uint8_t *start = w->ptr;
	struct plan plan;
	size_t len, padding;

	if (t->next == LY_NEVER || (now < t->next && !force))
		return false;
	make_plan(t, &plan);
	if (plan.n == 0 || (size_t)(w->end - w->ptr) < max_len(plan.n)) {
		t->next = plan.n ? now + t->interval : LY_NEVER;
		return false;
	}
	ly_wr_u8(w, 0x80 | LY_RTPFB_TWCC);
	ly_wr_u8(w, LY_RTCP_RTPFB);
	ly_wr_u16(w, 0);
	ly_wr_u32(w, sender);
	ly_wr_u32(w, media);
	ly_wr_u16(w, (uint16_t)t->base);
	ly_wr_u16(w, (uint16_t)plan.n);
	ly_wr_u24(w, (uint32_t)plan.ref & 0xffffff);
	ly_wr_u8(w, t->fb_count++);
	write_chunks(w, &plan);
	for (unsigned i = 0; i < plan.n; i++)
		if (plan.symbol[i] != LOST)
			ly_wr_be(w, (uint16_t)plan.delta[i], plan.symbol[i] == SMALL ? 1 : 2);
	len = (size_t)(w->ptr - start);
	padding = (4 - len % 4) % 4;
	if (padding) { /* RFC 3550 s. 6.4.1: the last byte counts */
		ly_wr_be(w, padding, padding);
		start[0] |= 0x20;
	}
	ly_rtp_set_u16(start + 2, (uint16_t)((len + padding) / 4 - 1));
	t->base += plan.n;
	t->next = t->base > t->top ? LY_NEVER : now;
	return true;
}

/* Reads symbols one by one out of the chunks. */
struct chunks {
	struct ly_rd *r;
	unsigned left; /* symbols left in this chunk */
	bool run;
	unsigned bits; /* per symbol of a vector */
	unsigned value;
};

static void next_chunk(struct chunks *c)
{
	unsigned v = ly_rd_u16(c->r);

	c->run = !(v & 0x8000);
	if (c->run) {
		c->left = v & 0x1fff;
		c->value = v >> 13 & 3;
		if (c->left == 0)
			c->r->bad = true;
	} else {
		c->bits = v & 0x4000 ? 2 : 1;
		c->left = 14 / c->bits;
		c->value = v & 0x3fff;
	}
}

static unsigned next_symbol(struct chunks *c)
{
	if (c->left == 0)
		next_chunk(c);
	if (c->r->bad)
		return LOST;
	c->left--;
	if (c->run)
		return c->value;
	return c->value >> (c->left * c->bits) & (c->bits == 2 ? 3 : 1);
}

int ly_twcc_parse(const struct ly_rtcp *p, struct ly_twcc_fb *fb, struct ly_twcc_status *out,
		  size_t cap)
{
	struct ly_rd r = ly_rd(p->body), symbols;
	struct chunks c = { .r = &r };
	ly_usec at;
	size_t n;

	if (p->type != LY_RTCP_RTPFB || p->count != LY_RTPFB_TWCC)
		return -ENOENT;
	fb->base = ly_rd_u16(&r);
	fb->n = ly_rd_u16(&r);
	at = (ly_usec)ly_rd_u24(&r) * TICKS_PER_REF * TICK;
	fb->fb_count = ly_rd_u8(&r);
	symbols = r;
	for (unsigned i = 0; i < fb->n && !r.bad; i += c.left) /* deltas begin behind all chunks */
		next_chunk(&c);
	c = (struct chunks) { .r = &symbols };
	n = LY_MIN((size_t)fb->n, cap);
	for (size_t i = 0; i < n && !r.bad; i++) {
		unsigned symbol = next_symbol(&c);

		if (symbol == SMALL)
			at += (ly_usec)ly_rd_u8(&r) * TICK;
		else if (symbol == LARGE)
			at += (ly_usec)(int16_t)ly_rd_u16(&r) * TICK;
		else if (symbol != LOST)
			r.bad = true;
		out[i] = (struct ly_twcc_status) { (uint16_t)(fb->base + i), symbol != LOST, at };
	}
	return r.bad ? -EBADMSG : (int)n;
}
