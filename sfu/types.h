/* The plain structs with which the layer above describes conferences, endpoints and sources to
 * the SFU, and in which the SFU tells numbers back. No pointers to SFU objects: they may cross
 * threads. */
#ifndef LY_SFU_TYPES_H
#define LY_SFU_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/** Bytes of an endpoint id and of a source name, with the zero. */
#define LY_SFU_ID_MAX 40
#define LY_SFU_NAME_MAX 48
/** Bytes of an ICE ufrag or password with the zero (RFC 8839 s. 5.4: at most 256 characters). */
#define LY_SFU_ICE_MAX 257
/** Most sources one endpoint publishes (20 SSRCs, each video source with its RTX). */
#define LY_SFU_MAX_SOURCES 10
/** Most endpoints of one conference. */
#define LY_SFU_MAX_ENDPOINTS 500

/* Payload types and header extension ids of the offer (docs/PROTOCOL.md); the same for
 * everyone. */
#define LY_SFU_PT_OPUS 111
#define LY_SFU_PT_VP8 100
#define LY_SFU_PT_RTX 96
#define LY_SFU_EXT_AUDIO_LEVEL 1
#define LY_SFU_EXT_ABS_SEND_TIME 3
#define LY_SFU_EXT_TRANSPORT_CC 5
#define LY_SFU_EXT_MID 10

enum ly_sfu_kind { LY_SFU_AUDIO, LY_SFU_VIDEO };
enum ly_sfu_video_type { LY_SFU_CAMERA, LY_SFU_DESKTOP };

/** A published source. Its SSRCs are kept towards the receivers: announce exactly these. */
struct ly_sfu_source_desc {
	char name[LY_SFU_NAME_MAX]; /* "ab12cd34-v0"; unique in the conference */
	enum ly_sfu_kind kind;
	enum ly_sfu_video_type video_type; /* of video */
	uint32_t ssrc;                     /* unique in the conference, not 0 */
	uint32_t rtx_ssrc;                 /* video with RFC 4588; 0 = none */
};

/** The a=setup value the peer answered (RFC 8122): ACTIVE means that it sends the ClientHello. */
enum ly_sfu_setup { LY_SFU_SETUP_ACTIVE, LY_SFU_SETUP_PASSIVE };

/** What the peer's answer says about its transport. May come after checks and DTLS have begun. */
struct ly_sfu_remote {
	char ufrag[LY_SFU_ICE_MAX];
	char pwd[LY_SFU_ICE_MAX];
	char hash[16];         /* "sha-256" */
	char fingerprint[200]; /* "AB:CD:…" as in XEP-0320 */
	enum ly_sfu_setup setup;
	bool transport_cc; /* the peer negotiated transport-wide feedback */
	bool remb;         /* … goog-remb; used when there is no transport_cc */
};

/** One transport of one participant. */
struct ly_sfu_endpoint_conf {
	char id[LY_SFU_ID_MAX]; /* unique in the conference */
	/* Ours, chosen by the caller; the ufrag (at least 8 random characters) unique in the
	 * process. */
	char ufrag[LY_SFU_ICE_MAX];
	char pwd[LY_SFU_ICE_MAX];
	bool has_remote;
	struct ly_sfu_remote remote; /* when has_remote; else ly_*_set_remote() later */
	/* Ours for RTCP: sender SSRCs of the announced jvb-a0 and jvb-v0; 0 = chosen at
	 * random. */
	uint32_t own_audio_ssrc, own_video_ssrc;
};

/** The tallest picture a receiver wants of one source; 0 = paused. */
struct ly_sfu_constraint {
	char name[LY_SFU_NAME_MAX];
	uint16_t max_height;
};

/** What a receiver wants; fields not named in @c set stay as they were. Until the first one comes
 *  everything is forwarded. */
struct ly_sfu_constraints {
	enum {
		LY_SFU_SET_LAST_N = 1,
		LY_SFU_SET_DEFAULT = 2,
		LY_SFU_SET_SELECTED = 4,
		LY_SFU_SET_SOURCES = 8
	} set;
	int32_t last_n; /* most video sources forwarded; -1 = all */
	uint16_t default_max_height;
	/* Borrowed during the call. Selected ones come first under last_n. */
	const char (*selected)[LY_SFU_NAME_MAX];
	size_t n_selected;
	const struct ly_sfu_constraint *sources;
	size_t n_sources;
};
/** Most entries of each list of constraints that are kept. */
#define LY_SFU_MAX_CONSTRAINTS 256

/*  CHECKING --ICE and DTLS up, fingerprint right--> CONNECTED --silent--> DISCONNECTED -->
 * CONNECTED …
 *     any --15 s without consent, DTLS closed or failed--> FAILED (final) */
enum ly_sfu_endpoint_state {
	LY_SFU_CHECKING,
	LY_SFU_CONNECTED,
	LY_SFU_DISCONNECTED,
	LY_SFU_FAILED
};

enum ly_sfu_reason {
	LY_SFU_REASON_NONE,
	LY_SFU_REASON_NEVER_CONNECTED, /* no working path within the time allowed */
	LY_SFU_REASON_CONSENT_LOST,    /* RFC 7675 */
	LY_SFU_REASON_DTLS_FAILED,     /* alert, no shared profile, time-out */
	LY_SFU_REASON_DTLS_CLOSED,     /* close_notify */
	LY_SFU_REASON_FINGERPRINT      /* the certificate is not the announced one */
};

/** One direction's numbers over the last interval (about a second). */
struct ly_sfu_flow_stats {
	uint64_t bitrate_bps;
	uint64_t packets, bytes; /* since the beginning */
	uint64_t lost;           /* since the beginning */
	double loss;             /* 0 to 1, in the last interval */
	double jitter_ms;        /* largest of its sources' */
};

struct ly_sfu_source_stats {
	char name[LY_SFU_NAME_MAX];
	enum ly_sfu_kind kind;
	enum ly_sfu_video_type video_type;
	uint32_t ssrc;
	struct ly_sfu_flow_stats up; /* from its sender to us */
	uint64_t keyframes;
	uint64_t nacks_sent, plis_sent; /* by us to the sender */
	uint8_t audio_level;            /* last -dBov (RFC 6464), 127 = silence */
	uint32_t receivers;             /* endpoints it is being forwarded to */
};

struct ly_sfu_endpoint_stats {
	char id[LY_SFU_ID_MAX];
	enum ly_sfu_endpoint_state state;
	struct ly_addr remote; /* of the selected pair; family 0 = none */
	double rtt_ms;         /* smoothed; 0 = not measured yet */
	bool dominant;
	struct ly_sfu_flow_stats up, down;
	uint64_t nacks_received, retransmitted, plis_received;
	uint64_t downlink_bps; /* the estimate; 0 = none */
	struct ly_sfu_source_stats sources[LY_SFU_MAX_SOURCES];
	size_t n_sources;
};

/** Counters of one media thread since its start. */
struct ly_sfu_counters {
	uint64_t packets_in, bytes_in;   /* datagrams */
	uint64_t packets_out, bytes_out; /* datagrams */
	uint64_t rtp_in, rtp_forwarded;
	uint64_t dropped_unknown_address, dropped_unknown_ssrc, dropped_malformed;
	uint64_t dropped_auth, dropped_replay, dropped_limit;
	uint64_t dropped_receive, dropped_send; /* by the system: buffers full, no route */
	uint64_t batches, runs;                 /* protect batches; messages given to sendmmsg */
	uint32_t conferences, endpoints;
};

#endif
