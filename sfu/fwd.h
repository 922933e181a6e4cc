/* What one receiver is sent of one source: maps the sender's numbers onto the receiver's, so
 * that a pause, a resume or a change of the source behind the receiver's SSRC leaves no gap in
 * the sequence numbers and VP8 picture ids (RFC 7741 s. 4.2), and decoding always begins with a
 * keyframe.
 *
 *   WAITING --keyframe's first packet--> ACTIVE --pause, switch--> WAITING
 *
 * Pure state: no packets, no time except what is passed in. */
#ifndef LY_SFU_FWD_H
#define LY_SFU_FWD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/** The facts of one incoming packet that forwarding depends on. */
struct ly_fwd_in {
	int64_t seq; /* extended */
	uint32_t ts;
	bool key_start; /* first packet of a keyframe; true for every packet of audio */
	bool has_pic;   /* VP8 picture id present … */
	bool pic_long;  /* … with 15 bits */
	uint16_t pic;
	bool has_tl0;
	uint8_t tl0;
};

/** The numbers the receiver sees. */
struct ly_fwd_out {
	uint16_t seq;
	uint32_t ts;
	uint16_t pic;
	uint8_t tl0;
};

struct ly_fwd {
	bool active;
	bool ever;       /* something has been sent */
	bool new_clock;  /* the next run comes from another sender's clock */
	int64_t first;   /* of the current run: the first incoming number … */
	int64_t seq_off; /* … and out = in + offset */
	uint32_t ts_off;
	uint16_t pic_off;
	uint8_t tl0_off;
	int64_t top;      /* highest number sent */
	uint32_t top_ts;  /* its timestamp … */
	ly_usec top_at;   /* … and when */
	uint16_t top_pic; /* newest picture id sent */
	uint8_t top_tl0;
};

/** @p seq is the first number to use, random (RFC 3550 s. 5.1), at least 1. */
void ly_fwd_init(struct ly_fwd *f, uint16_t seq);
/** Ends the current run; forwarding goes on at the next keyframe. */
void ly_fwd_pause(struct ly_fwd *f);
/** The next run is another sender's: timestamps go on by the time elapsed. */
void ly_fwd_switch(struct ly_fwd *f);
/** Maps a packet. @p rate is the RTP clock in Hz. False: not to be forwarded (waiting for a
 *  keyframe, or
 *  older than the run). */
bool ly_fwd_map(struct ly_fwd *f, const struct ly_fwd_in *in, uint32_t rate, ly_usec now,
		struct ly_fwd_out *out);
/** The same numbers again for a retransmission. False if the packet is not of the current run. */
bool ly_fwd_again(const struct ly_fwd *f, const struct ly_fwd_in *in, struct ly_fwd_out *out);
/** The incoming number behind one the receiver asks for. False if it is not of the current
 *  run. */
bool ly_fwd_back(const struct ly_fwd *f, uint16_t seq, int64_t *in_seq);
/** A timestamp of the sender (in an SR) as the receiver sees it. */
uint32_t ly_fwd_ts(const struct ly_fwd *f, uint32_t ts);

#endif
