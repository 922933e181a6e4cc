/* RTCP (RFC 3550 s. 6, RFC 4585, RFC 5104, REMB, transport-wide feedback): a compound packet is
 * read by an iterator and written by builders over a ly_wr. */
#ifndef LY_MEDIA_RTCP_RTCP_H
#define LY_MEDIA_RTCP_RTCP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "media/rtp/stats.h"

enum ly_rtcp_type {
	LY_RTCP_SR = 200,
	LY_RTCP_RR = 201,
	LY_RTCP_SDES = 202,
	LY_RTCP_BYE = 203,
	LY_RTCP_APP = 204,
	LY_RTCP_RTPFB = 205,
	LY_RTCP_PSFB = 206,
	LY_RTCP_XR = 207,
};

enum ly_rtcp_fmt {
	LY_RTPFB_NACK = 1,
	LY_RTPFB_TWCC = 15,
	LY_PSFB_PLI = 1,
	LY_PSFB_FIR = 4,
	LY_PSFB_AFB = 15, /* application layer: REMB */
};

/** One packet of a compound; spans are borrowed. */
struct ly_rtcp {
	uint8_t type;        /* enum ly_rtcp_type, or another */
	uint8_t count;       /* RC, SC or FMT */
	uint32_t ssrc;       /* of the sender; 0 when the packet has none */
	uint32_t media_ssrc; /* feedback: of the source it is about (may be 0) */
	struct ly_span
		body;    /* SR: after the sender info; feedback: the FCI; others: after the SSRC */
	uint64_t ntp;    /* SR */
	uint32_t rtp_ts; /* SR */
	uint32_t packets, octets; /* SR */
};

struct ly_rtcp_it {
	struct ly_span rest;
	bool bad; /* the compound was malformed somewhere */
};

static inline struct ly_rtcp_it ly_rtcp_it(struct ly_span compound)
{
	return (struct ly_rtcp_it) { compound, false };
}

/** The next packet; false at the end or at something malformed (it->bad). What came before is good.
 *  Reduced-size compounds (RFC 5506) are fine. */
bool ly_rtcp_next(struct ly_rtcp_it *it, struct ly_rtcp *out);

/* Reading bodies. @p i counts from 0; false when there are no more. */
bool ly_rtcp_report(const struct ly_rtcp *p, unsigned i, struct ly_rtp_report *out); /* SR, RR */
bool ly_rtcp_nack(const struct ly_rtcp *p, unsigned i, uint16_t *pid, uint16_t *blp);
bool ly_rtcp_fir(const struct ly_rtcp *p, unsigned i, uint32_t *ssrc, uint8_t *seq);
bool ly_rtcp_bye(const struct ly_rtcp *p, unsigned i, uint32_t *ssrc);
/** The CNAME of the first chunk; empty when there is none. */
struct ly_span ly_rtcp_cname(const struct ly_rtcp *p);

struct ly_remb {
	uint64_t rate_bps;
	unsigned n_ssrcs;
	struct ly_span ssrcs; /* n_ssrcs times four bytes */
};
/** @return 0, -ENOENT (not a REMB), -EBADMSG */
int ly_rtcp_remb(const struct ly_rtcp *p, struct ly_remb *out);

/* Writing; errors stick to the ly_wr. */
struct ly_rtcp_sr {
	uint32_t ssrc;
	uint64_t ntp;
	uint32_t rtp_ts, packets, octets;
};
void ly_rtcp_write_sr(struct ly_wr *w, const struct ly_rtcp_sr *sr, const struct ly_rtp_report *r,
		      unsigned n);
void ly_rtcp_write_rr(struct ly_wr *w, uint32_t ssrc, const struct ly_rtp_report *r, unsigned n);
void ly_rtcp_write_cname(struct ly_wr *w, uint32_t ssrc, const char *cname);
void ly_rtcp_write_bye(struct ly_wr *w, const uint32_t *ssrcs, unsigned n);
void ly_rtcp_write_pli(struct ly_wr *w, uint32_t sender, uint32_t media);
void ly_rtcp_write_fir(struct ly_wr *w, uint32_t sender, uint32_t media, uint8_t seq);
/** @p seqs ascending (modulo 2^16); packed into PID and BLP. */
void ly_rtcp_write_nack(struct ly_wr *w, uint32_t sender, uint32_t media, const uint16_t *seqs,
			size_t n);
void ly_rtcp_write_remb(struct ly_wr *w, uint32_t sender, uint64_t rate_bps, const uint32_t *ssrcs,
			unsigned n);

#endif
