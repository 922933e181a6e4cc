#include "sfu/fwd.h"

#include <string.h>

void ly_fwd_init(struct ly_fwd *f, uint16_t seq)
{
	memset(f, 0, sizeof(*f));
	f->top = (int64_t)seq - 1;
}

void ly_fwd_pause(struct ly_fwd *f)
{
	f->active = false;
}

void ly_fwd_switch(struct ly_fwd *f)
{
	f->active = false;
	f->new_clock = true;
}

/* Half the space of 15 bits (or 7) is "newer", as with sequence numbers. */
static bool is_newer_pic(uint16_t a, uint16_t b)
{
	return (uint16_t)((a - b) & 0x7fff) < 0x4000;
}

static void begin_run(struct ly_fwd *f, const struct ly_fwd_in *in, uint32_t rate, ly_usec now)
{
	f->active = true;
	f->first = in->seq;
	f->seq_off = f->top + 1 - in->seq;
	if (f->ever) {
		if (f->new_clock) {
			uint64_t ticks = (uint64_t)(now - f->top_at) * rate / 1000000;

			f->ts_off = f->top_ts + (uint32_t)(ticks ? ticks : 1) - in->ts;
		}
		f->pic_off = (uint16_t)((f->top_pic + 1 - in->pic) & 0x7fff);
		f->tl0_off = (uint8_t)(f->top_tl0 + 1 - in->tl0);
	} else {
		f->top_pic = in->pic;
		f->top_tl0 = in->tl0;
	}
	f->new_clock = false;
}

bool ly_fwd_again(const struct ly_fwd *f, const struct ly_fwd_in *in, struct ly_fwd_out *out)
{
	uint16_t mask = in->pic_long ? 0x7fff : 0x7f;

	if (!f->active || in->seq < f->first)
		return false;
	out->seq = (uint16_t)(in->seq + f->seq_off);
	out->ts = in->ts + f->ts_off;
	out->pic = (uint16_t)((in->pic + f->pic_off) & mask);
	out->tl0 = (uint8_t)(in->tl0 + f->tl0_off);
	return true;
}

bool ly_fwd_map(struct ly_fwd *f, const struct ly_fwd_in *in, uint32_t rate, ly_usec now,
		struct ly_fwd_out *out)
{
	int64_t seq;

	if (!f->active) {
		if (!in->key_start)
			return false;
		begin_run(f, in, rate, now);
	}
	if (!ly_fwd_again(f, in, out))
		return false;
	seq = in->seq + f->seq_off;
	if (seq > f->top) {
		f->top = seq;
		f->top_ts = out->ts;
		f->top_at = now;
	}
	if (in->has_pic && is_newer_pic(out->pic, f->top_pic))
		f->top_pic = out->pic;
	if (in->has_tl0 && (int8_t)(out->tl0 - f->top_tl0) > 0)
		f->top_tl0 = out->tl0;
	f->ever = true;
	return true;
}

bool ly_fwd_back(const struct ly_fwd *f, uint16_t seq, int64_t *in_seq)
{
	/* the extended number next to the highest sent */
	int64_t out = f->top + (int16_t)(uint16_t)(seq - (uint16_t)f->top);

	*in_seq = out - f->seq_off;
	return f->active && out <= f->top && *in_seq >= f->first;
}

uint32_t ly_fwd_ts(const struct ly_fwd *f, uint32_t ts)
{
	return ts + f->ts_off;
}
