/* What a receiver knows about one source (RFC 3550 s. 6.4.1 and appendix A): loss, jitter, what
 * goes into a report block. */
#ifndef LY_MEDIA_RTP_STATS_H
#define LY_MEDIA_RTP_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct ly_rtp_stats {
	uint32_t clock_rate; /* given, Hz */
	/* state */
	bool started;
	int64_t base_seq, top_seq; /* extended */
	uint64_t received;         /* packets, duplicates not counted */
	uint64_t bytes;
	uint64_t duplicates;
	uint64_t seen[16]; /* the last 1024 numbers that came, one bit each */
	int64_t expected_prior, received_prior;
	int64_t transit;
	uint32_t last_ts;
	double jitter; /* in timestamp units */
	/* the last sender report */
	uint32_t lsr;
	ly_usec lsr_at; /* 0 = none */
};

void ly_rtp_stats_init(struct ly_rtp_stats *s, uint32_t clock_rate);
/** Counts one packet of @p len bytes. A jump by more than 3000 restarts (RFC 3550 A.1).
 *  @return its extended sequence number, or -1 for a duplicate */
int64_t ly_rtp_stats_recv(struct ly_rtp_stats *s, uint16_t seq, uint32_t ts, size_t len,
			  ly_usec now);
/** Takes the middle 32 bits of a sender report's NTP time. */
void ly_rtp_stats_sr(struct ly_rtp_stats *s, uint64_t ntp, ly_usec now);

struct ly_rtp_report {
	uint32_t ssrc;
	uint8_t fraction_lost; /* of 256, since the last report */
	int32_t lost;          /* 24 bits, signed */
	uint32_t top_seq;      /* extended to 32 bits */
	uint32_t jitter;       /* timestamp units */
	uint32_t lsr;
	uint32_t dlsr; /* 1/65536 s */
};

/** Fills a report block and starts a new interval. */
void ly_rtp_stats_report(struct ly_rtp_stats *s, uint32_t ssrc, ly_usec now,
			 struct ly_rtp_report *out);
int64_t ly_rtp_stats_lost(const struct ly_rtp_stats *s);
double ly_rtp_stats_jitter_ms(const struct ly_rtp_stats *s);

/** Round-trip time from a report block that reached us (RFC 3550 s. 6.4.1); @p ntp_now is ours of
 *  the same clock as our sender reports. 0 if the peer has seen no report of ours. */
ly_usec ly_rtp_report_rtt(const struct ly_rtp_report *r, uint64_t ntp_now);
/** 64-bit NTP time of wall-clock microseconds since 1970. */
uint64_t ly_ntp_from_wall(ly_usec wall);

#endif
