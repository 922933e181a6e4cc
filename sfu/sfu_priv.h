/* What the SFU's files share. Ownership: the SFU owns conferences and paths, a conference its
 * endpoints, an endpoint its sources, a source its subscriptions (one slot per endpoint of the
 * conference). */
#ifndef LY_SFU_SFU_PRIV_H
#define LY_SFU_SFU_PRIV_H

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/timers.h"
#include "codecs/vp8/vp8.h"
#include "media/bwe/twcc.h"
#include "media/dtls/dtls.h"
#include "media/ice/ice.h"
#include "media/rtcp/rtcp.h"
#include "media/rtp/cache.h"
#include "media/rtp/nack.h"
#include "media/rtp/pkt.h"
#include "media/rtp/rtp.h"
#include "media/rtp/stats.h"
#include "media/srtp/srtp.h"
#include "sfu/downlink.h"
#include "sfu/fwd.h"
#include "sfu/seen.h"
#include "sfu/sfu.h"
#include "sfu/speaker.h"

#define SFU_AUDIO_RATE 48000
#define SFU_VIDEO_RATE 90000
#define SFU_MAX_PATHS 32        /* addresses of one endpoint, as many as its ICE agent's pairs */
#define SFU_MAX_JOBS 16384      /* packets waiting to be built */
#define SFU_ARENA (512 << 10)   /* bytes of built packets handed out at once */
#define SFU_MAX_BUILT 256       /* packets handed out at once */
#define SFU_CTL_ARENA (1 << 20) /* STUN, DTLS, RTCP waiting to be sent */
#define SFU_MAX_CTL 4096
#define SFU_CACHE 256             /* packets kept per video source … */
#define SFU_CACHE_AGE LY_MS(1000) /* … and how long they answer NACKs */
#define SFU_MAX_PACKETS 65536     /* buffers of a thread */
#define SFU_MAX_LEDGER 1024       /* ended streams remembered per receiver */
#define SFU_MAX_GONE 64
#define SFU_MAX_RETIRED 32         /* ended SSRCs of a sender whose SRTP state is kept */
#define SFU_REPORT LY_SEC(1)       /* between reports */
#define SFU_PLI_SPACING LY_MS(200) /* between keyframe requests of one source */
#define SFU_PLI_IDLE LY_SEC(2)     /* the same while it sends nothing */
/* Retransmissions to one receiver: three for ten packets sent, so that they do not fill up a link
 * that is too narrow already; and how many tenths can be saved up. */
#define SFU_RTX_SHARE 3
#define SFU_RTX_COST 10
#define SFU_RTX_SAVED 2000
#define SFU_ANY_HEIGHT 4320 /* no constraint */
#define SFU_RTCP_MAX 1200
#define SFU_NO_JOB UINT32_MAX

struct sfu_endpoint;
struct sfu_source;
struct sfu_conference;

/** Facts of a forwarded packet, kept in the headroom of its buffer. */
struct sfu_meta {
	struct ly_fwd_in in;
	struct ly_vp8 vp8;
	uint8_t header_len; /* up to the payload */
	uint8_t tcc_off;    /* of the transport-wide sequence number; 0 = none */
};
_Static_assert(sizeof(struct sfu_meta) <= LY_PKT_HEADROOM, "meta fits the headroom");

static inline struct sfu_meta *sfu_meta(struct ly_pkt *pkt)
{
	return (struct sfu_meta *)(void *)pkt->mem;
}

/** One receiver's share of one source. */
struct sfu_sub {
	struct sfu_endpoint *to; /* borrowed; NULL = empty slot */
	struct sfu_source *source;
	bool wanted;
	uint16_t height; /* the tallest picture it wants; 0 = none */
	struct ly_fwd fwd;
	uint64_t rtx_next; /* index of the next retransmission */
	uint32_t packets, octets;
	/* the newest sender report given to it, and what came back */
	uint32_t lsr;
	ly_usec lsr_at;
	bool is_reported;
	uint32_t top_seq, lost;
	uint8_t fraction_lost;
	uint32_t jitter;
};

struct sfu_source {
	struct ly_sfu_source_desc desc;
	struct sfu_endpoint *owner; /* borrowed */
	struct ly_seen seen;
	struct ly_rtp_stats stats;
	struct ly_nack nack;
	struct ly_rtp_cache cache; /* video */
	struct sfu_sub *subs;      /* owned, by slot; conf->cap of them */
	uint32_t rate;
	/* the newest sender report */
	uint64_t sr_ntp;
	uint32_t sr_ts;
	ly_usec sr_at; /* 0 = none */
	/* keyframes */
	bool key_wanted;
	ly_usec key_asked; /* last request, 0 = never */
	ly_usec came_at;   /* last packet */
	uint64_t keyframes, plis, nacks;
	/* what receivers want, what the sender was told */
	uint16_t height, told_height;
	ly_usec height_since;
	bool ev_height;
	/* numbers of the last interval */
	uint64_t rate_bytes, rate_bps;
	int64_t last_expected;
	uint64_t last_received;
	double loss;
};

/** Where an ended stream to a receiver stopped: should its SSRC come again, its numbers go on. */
struct sfu_ledger {
	uint32_t ssrc;
	int64_t top;
	uint64_t rtx_next;
};

/** An address a peer has proven to be at. */
struct sfu_path {
	struct ly_addr addr; /* the map's key */
	struct sfu_endpoint *ep;
	struct ly_list node; /* of the endpoint, oldest first */
	uint8_t local;
	ly_usec heard;
};

struct sfu_limit {
	char name[LY_SFU_NAME_MAX];
	uint16_t height;
};

struct sfu_endpoint {
	char id[LY_SFU_ID_MAX];
	struct sfu_conference *conf; /* borrowed */
	unsigned slot;
	uint32_t tag; /* of its ICE transactions */
	struct ly_log log;

	/* transport: owned */
	struct ly_ice *ice;
	struct ly_dtls *dtls;
	struct ly_srtp *srtp;
	struct ly_srtp_out *srtp_out;
	size_t trailer; /* what protection adds */
	struct ly_list paths;
	unsigned n_paths;
	struct ly_addr dst; /* selected; family 0 = none */
	uint8_t local;
	char ufrag[LY_SFU_ICE_MAX], old_ufrag[LY_SFU_ICE_MAX]; /* keys in the SFU's map */
	bool has_remote, is_ready;                             /* ready: media flows */
	struct ly_sfu_remote remote;
	enum ly_sfu_endpoint_state state;
	enum ly_sfu_reason reason;
	ly_usec connect_by; /* LY_NEVER once connected */
	ly_usec heard;      /* last RTP, RTCP */
	bool ev_state, ev_forwarded, ev_sources;

	/* published */
	struct sfu_source *sources[LY_SFU_MAX_SOURCES];
	unsigned n_sources;
	/* SSRCs it published before, oldest first: their SRTP state stays, should they come back */
	uint32_t retired[SFU_MAX_RETIRED];
	unsigned n_retired;
	struct ly_voice voice;
	struct ly_twcc_recv *twcc; /* owned */
	uint64_t remb_bps;
	uint32_t own_audio_ssrc, own_video_ssrc;

	/* received */
	int32_t last_n;
	uint16_t default_height;
	char (*selected)[LY_SFU_NAME_MAX]; /* owned */
	size_t n_selected;
	struct sfu_limit *limits; /* owned */
	size_t n_limits;
	struct sfu_ledger *ledger; /* owned */
	size_t n_ledger, cap_ledger;
	bool is_ledger_full;
	struct ly_downlink downlink;
	unsigned n_video;                  /* video sources it would be sent but for the downlink */
	uint64_t told_expected, told_lost; /* by its reports, in this interval */
	uint32_t job_head, job_tail;       /* jobs waiting, SFU_NO_JOB = none */
	struct ly_list job_node;
	uint16_t tcc_seq;
	unsigned rtx_credit;  /* tenths of retransmissions it may have */
	unsigned next_report; /* slot with which the next report begins */

	/* time */
	struct ly_timer timer;
	struct ly_list touched_node, event_node;
	ly_usec report_at, report_last;

	/* numbers */
	ly_usec rtt;
	uint64_t down_packets, down_bytes, down_rate_bytes, down_bps;
	uint64_t nacks_in, plis_in, retransmitted;
	uint64_t downlink_bps; /* what the receiver says it can take (REMB); 0 = unknown */
};

struct sfu_conference {
	uint64_t id;
	char name[64];
	struct ly_log log;
	struct sfu_endpoint **slots; /* owned */
	unsigned cap, n, top;        /* top: one above the highest used slot */
	struct ly_map ssrcs;         /* ssrc -> struct sfu_source, RTX ones too */
	struct sfu_endpoint *speaker;
	char previous[10][LY_SFU_ID_MAX];
	unsigned n_previous;
	struct ly_timer timer;
	struct ly_list event_node;
	bool ev_speaker, is_ending;
	bool is_stale; /* who is wanted has to be worked out again */
};

/** A packet to build for a receiver. */
struct sfu_job {
	struct ly_pkt *pkt; /* one reference */
	struct sfu_sub *sub;
	uint64_t index; /* of SRTP */
	uint32_t next;
	uint32_t ts;
	uint16_t seq, pic; /* seq: as the receiver knows it, the OSN of a retransmission */
	uint8_t tl0;
	bool is_rtx;
};

struct ly_sfu {
	struct ly_sfu_conf conf;
	struct ly_log log;
	struct ly_stun *stun;
	struct ly_srtp_engine *engine;
	struct ly_pkt_pool pool;
	struct ly_map confs, ufrags, paths, tags;
	struct sfu_path *last_path;
	struct ly_timers ep_timers, conf_timers;
	struct ly_list touched; /* endpoints to serve at the end of the input */
	struct ly_list ep_events, conf_events;
	uint32_t next_tag;
	struct ly_sfu_counters n;
	ly_usec now, logged_at; /* rate limit of the log about strangers */
	uint64_t log_dropped;
	/* addresses of peers that have gone lately: what still comes from them is no news */
	struct ly_addr gone[SFU_MAX_GONE];
	ly_usec gone_at[SFU_MAX_GONE];
	unsigned next_gone;

	struct sfu_job *jobs;
	uint32_t n_jobs;
	bool is_mid_frame; /* the last video packet that came was not the last of its frame */
	struct ly_list job_eps;
	uint8_t *arena;
	struct ly_srtp_job *srtp_jobs;
	struct sfu_endpoint **job_owner;
	bool *job_audio;
	struct ly_sfu_out *outs;
	uint8_t *ctl;
	size_t ctl_len;
	struct ly_sfu_out *ctl_outs;
	size_t n_ctl;
	char (*names)[LY_SFU_NAME_MAX];
	size_t cap_names;
};

/* conference.c */
struct sfu_conference *sfu_conf_find(const struct ly_sfu *s, uint64_t id);
struct sfu_endpoint *sfu_ep_find(const struct sfu_conference *c, const char *id);
int sfu_find(const struct ly_sfu *s, uint64_t conf, const char *id, struct sfu_endpoint **out);
void sfu_conf_destroy(struct ly_sfu *s, struct sfu_conference *c);

/* source.c */
struct sfu_source *sfu_source_find(const struct sfu_conference *c, uint32_t ssrc);
/** Makes room for @p cap slots in the subscriptions of all sources. @return 0, -ENOMEM */
int sfu_subs_grow(struct sfu_conference *c, unsigned old_cap, unsigned cap);
/** Subscribes a new endpoint to all sources there are. */
void sfu_subs_join(struct ly_sfu *s, struct sfu_endpoint *ep);
/** Empties an endpoint's slot everywhere. */
void sfu_subs_leave(struct sfu_endpoint *ep);
void sfu_sources_drop(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now);

/* transport.c */
int sfu_transport_init(struct ly_sfu *s, struct sfu_endpoint *ep,
		       const struct ly_sfu_endpoint_conf *conf, ly_usec now);
void sfu_transport_fini(struct ly_sfu *s, struct sfu_endpoint *ep);
void sfu_transport_close(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now);
void sfu_stun_in(struct ly_sfu *s, const struct ly_sfu_in *in, ly_usec now);
void sfu_dtls_in(struct ly_sfu *s, struct sfu_path *path, struct ly_span pkt, ly_usec now);
struct sfu_path *sfu_path_find(struct ly_sfu *s, const struct ly_addr *addr);
/** Ticks and drains ICE and DTLS, follows their states. */
void sfu_transport_run(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now);
ly_usec sfu_transport_deadline(const struct sfu_endpoint *ep);
void sfu_set_state(struct ly_sfu *s, struct sfu_endpoint *ep, enum ly_sfu_endpoint_state state,
		   enum ly_sfu_reason reason);
/** An address that belongs to nobody: counted, and logged at most once a second. */
void sfu_stranger(struct ly_sfu *s, const struct ly_addr *from, const char *what, uint32_t ssrc);

/* input.c */
void sfu_rtp_in(struct ly_sfu *s, struct sfu_endpoint *ep, uint8_t *data, size_t len, ly_usec now);
/* rtcp_in.c */
void sfu_rtcp_in(struct ly_sfu *s, struct sfu_endpoint *ep, uint8_t *data, size_t len, ly_usec now);

/* rtcp_out.c */
/** Sends what is due: NACKs, keyframe requests, transport-wide feedback, reports. */
void sfu_feedback_run(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now);
ly_usec sfu_feedback_deadline(const struct sfu_endpoint *ep);
void sfu_want_key(struct ly_sfu *s, struct sfu_source *src);
void sfu_send_bye(struct ly_sfu *s, struct sfu_endpoint *to, const uint32_t *ssrcs, unsigned n);

/* output.c */
int sfu_output_init(struct ly_sfu *s);
void sfu_output_fini(struct ly_sfu *s);
void sfu_ctl_send(struct ly_sfu *s, const struct ly_addr *dst, uint8_t local, struct ly_span data);
/** Queues a packet for sub->to; takes a reference of its own. False at the limit. */
bool sfu_job_add(struct ly_sfu *s, const struct sfu_job *job);
bool sfu_output_is_full(const struct ly_sfu *s, unsigned more);
void sfu_jobs_drop(struct ly_sfu *s);

/* wanted.c */
/** Works out anew what everybody in the conference is to be sent. */
void sfu_wanted_run(struct ly_sfu *s, struct sfu_conference *c, ly_usec now);
/** Looks at the receiver's reports of the last interval. */
void sfu_downlink_run(struct sfu_endpoint *ep, ly_usec now);
/** Tells senders of constraints that have stayed for a while. */
void sfu_heights_run(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now);

/* events.c */
void sfu_ep_event(struct ly_sfu *s, struct sfu_endpoint *ep);
void sfu_conf_event(struct ly_sfu *s, struct sfu_conference *c);

/* sfu.c */
static inline void sfu_touch(struct ly_sfu *s, struct sfu_endpoint *ep)
{
	if (ly_list_is_empty(&ep->touched_node))
		ly_list_add_tail(&s->touched, &ep->touched_node);
}
/** Serves touched endpoints and stale conferences; at the end of every input. */
void sfu_settle(struct ly_sfu *s, ly_usec now);

#endif
