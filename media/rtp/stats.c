#include "media/rtp/stats.h"

#include <string.h>

#include "base/util.h"
#include "media/rtp/rtp.h"

#define MAX_DROPOUT 3000 /* RFC 3550 A.1 */
#define WINDOW 1024

static bool test_and_set(struct ly_rtp_stats *s, int64_t seq)
{
	uint64_t *word = &s->seen[(seq & (WINDOW - 1)) >> 6];
	uint64_t bit = UINT64_C(1) << (seq & 63);
	bool was = (*word & bit) != 0;

	*word |= bit;
	return was;
}

static void forget(struct ly_rtp_stats *s, int64_t from, int64_t to)
{
	if (to - from >= WINDOW)
		memset(s->seen, 0, sizeof(s->seen));
	else
		for (int64_t i = from; i <= to; i++)
			s->seen[(i & (WINDOW - 1)) >> 6] &= ~(UINT64_C(1) << (i & 63));
}

void ly_rtp_stats_init(struct ly_rtp_stats *s, uint32_t clock_rate)
{
	*s = (struct ly_rtp_stats) { .clock_rate = clock_rate };
}

static void start(struct ly_rtp_stats *s, int64_t seq)
{
	s->base_seq = s->top_seq = seq;
	memset(s->seen, 0, sizeof(s->seen));
	s->received = 0;
	s->expected_prior = s->received_prior = 0;
	s->transit = 0;
	s->jitter = 0;
	s->started = true;
}

/* RFC 3550 s. 6.4.1: the difference of transit times, smoothed by 1/16. */
static void update_jitter(struct ly_rtp_stats *s, uint32_t ts, ly_usec now)
{
	int64_t arrival = now / 1000000 * s->clock_rate + now % 1000000 * s->clock_rate / 1000000;
	int64_t transit = (int64_t)(uint32_t)arrival - (int64_t)ts;
	int32_t d = (int32_t)(uint32_t)(transit - s->transit);

	/* packets of one frame share a timestamp: only the first of them says something */
	if (s->received > 1 && ts != s->last_ts)
		s->jitter += ((double)(d < 0 ? -(int64_t)d : d) - s->jitter) / 16.0;
	if (s->received <= 1 || ts != s->last_ts)
		s->transit = transit;
	s->last_ts = ts;
}

int64_t ly_rtp_stats_recv(struct ly_rtp_stats *s, uint16_t seq, uint32_t ts, size_t len,
			  ly_usec now)
{
	int64_t ext, ahead;

	if (!s->started) /* one cycle up, so that packets from before the first stay positive */
		start(s, 0x10000 + seq);
	ext = ly_seq_extend(s->top_seq, seq);
	ahead = ext - s->top_seq;
	if (ahead > MAX_DROPOUT || ahead < -MAX_DROPOUT) {
		ext = ((s->top_seq >> 16) + 1) << 16 | seq;
		start(s, ext);
		ahead = 0;
	} else if (ahead > 0) {
		forget(s, s->top_seq + 1, ext);
		s->top_seq = ext;
	}
	if (ahead <= -WINDOW || test_and_set(s, ext)) {
		s->duplicates++;
		return -1;
	}
	if (ext < s->base_seq)
		s->base_seq = ext;
	s->received++;
	s->bytes += len;
	if (ahead >= 0)
		update_jitter(s, ts, now);
	return ext;
}

void ly_rtp_stats_sr(struct ly_rtp_stats *s, uint64_t ntp, ly_usec now)
{
	s->lsr = (uint32_t)(ntp >> 16);
	s->lsr_at = now;
}

static int64_t expected(const struct ly_rtp_stats *s)
{
	return s->started ? s->top_seq - s->base_seq + 1 : 0;
}

int64_t ly_rtp_stats_lost(const struct ly_rtp_stats *s)
{
	return expected(s) - (int64_t)s->received;
}

void ly_rtp_stats_report(struct ly_rtp_stats *s, uint32_t ssrc, ly_usec now,
			 struct ly_rtp_report *out)
{
	int64_t lost = ly_rtp_stats_lost(s);
	int64_t expected_int = expected(s) - s->expected_prior;
	int64_t lost_int = expected_int - ((int64_t)s->received - s->received_prior);

	s->expected_prior = expected(s);
	s->received_prior = (int64_t)s->received;
	*out = (struct ly_rtp_report) {
		.ssrc = ssrc,
		.fraction_lost = (uint8_t)(expected_int <= 0 || lost_int <= 0
						   ? 0
						   : LY_MIN((lost_int << 8) / expected_int, 255)),
		.lost = (int32_t)LY_MAX(LY_MIN(lost, 0x7fffff), -0x800000),
		.top_seq = (uint32_t)(s->top_seq - 0x10000),
		.jitter = (uint32_t)s->jitter,
		.lsr = s->lsr_at ? s->lsr : 0,
		.dlsr = s->lsr_at ? (uint32_t)((now - s->lsr_at) * 65536 / 1000000) : 0,
	};
}

double ly_rtp_stats_jitter_ms(const struct ly_rtp_stats *s)
{
	return s->clock_rate ? s->jitter * 1000.0 / s->clock_rate : 0;
}

ly_usec ly_rtp_report_rtt(const struct ly_rtp_report *r, uint64_t ntp_now)
{
	uint32_t now = (uint32_t)(ntp_now >> 16);
	int32_t rtt = (int32_t)(now - r->lsr - r->dlsr);

	if (r->lsr == 0)
		return 0;
	return rtt <= 0 ? 1 : (ly_usec)rtt * 1000000 / 65536;
}

uint64_t ly_ntp_from_wall(ly_usec wall)
{
	uint64_t sec = (uint64_t)(wall / 1000000) + UINT64_C(2208988800); /* 1900 to 1970 */
	uint64_t frac = ((uint64_t)(wall % 1000000) << 32) / 1000000;

	return sec << 32 | frac;
}
