#ifndef LY_MEDIA_ICE_ICE_PRIV_H
#define LY_MEDIA_ICE_ICE_PRIV_H

#include "base/log.h"
#include "media/ice/ice.h"

#define LY_ICE_PAIRS_MAX 32
#define LY_ICE_CHECKS_MAX 32 /* requests whose answers are still known */
#define LY_ICE_EVENTS_MAX 8

/* Pace of new checks (RFC 8445 s. 14.2 allows 50 ms, and less for one component). */
#define LY_ICE_PACE LY_MS(20)
#define LY_ICE_RTO_MIN LY_MS(250)
#define LY_ICE_RTO_MAX LY_SEC(2)
#define LY_ICE_TRIES 7
/* When another pair takes over from the selected one. */
#define LY_ICE_SILENT LY_SEC(1)
#define LY_ICE_PROBE LY_MS(400)
#define LY_ICE_STAY LY_SEC(2)
/* Own checks of a pair that stands by, caused by the peer's. */
#define LY_ICE_STANDBY_INTERVAL LY_MS(500)

struct ly_ice_cred {
	char ufrag[LY_ICE_CRED_MAX + 1];
	char pwd[LY_ICE_CRED_MAX + 1];
};

struct ly_ice_gen {
	struct ly_ice_cred local, remote; /* remote.ufrag[0] is 0 until it is set */
};

enum ly_ice_pair_state {
	LY_ICE_PAIR_WAITING,
	LY_ICE_PAIR_CHECKING,
	LY_ICE_PAIR_VALID, /* an own check was answered */
	LY_ICE_PAIR_FAILED,
};

enum ly_ice_check_kind {
	LY_ICE_CHECK_NONE,
	LY_ICE_CHECK_CONN,     /* retransmitted */
	LY_ICE_CHECK_NOMINATE, /* with USE-CANDIDATE, retransmitted */
	LY_ICE_CHECK_CONSENT,  /* once (RFC 7675 s. 5.1) */
};

struct ly_ice_pair {
	struct ly_addr addr; /* family 0: the slot is free */
	uint32_t gen;
	uint32_t remote_priority;
	uint64_t priority; /* RFC 8445 s. 6.1.2.3 */
	enum ly_ice_pair_state state;
	bool peer_nominated; /* USE-CANDIDATE seen before the pair was valid */
	/* the check under way */
	enum ly_ice_check_kind check;
	uint8_t id[LY_STUN_ID_LEN];
	unsigned tries;
	ly_usec check_at;  /* when to send it (again), or LY_NEVER */
	ly_usec last_sent; /* 0 = never */
	/* what is known of it */
	ly_usec last_heard;    /* 0 = never */
	ly_usec last_response; /* to an own check */
	ly_usec valid_since;
	ly_usec rtt; /* smoothed, 0 = none yet */
};

/* One request sent; a free one has sent_at 0. */
struct ly_ice_check {
	uint8_t id[LY_STUN_ID_LEN];
	struct ly_addr addr;
	uint32_t gen;
	ly_usec sent_at;
	bool use_candidate, controlling, resent;
};

struct ly_ice {
	/* given */
	struct ly_stun *stun;
	struct ly_rand *rand;
	uint32_t tag;
	uint32_t local_priority;
	ly_usec consent_interval, consent_timeout;
	struct ly_log log;
	/* credentials: of this generation and of the one before, while it is answered */
	struct ly_ice_gen cur, prev;
	uint32_t gen;
	bool has_prev;
	/* state */
	enum ly_ice_state state;
	bool controlling;
	uint64_t tie_breaker;
	struct ly_ice_pair pairs[LY_ICE_PAIRS_MAX];
	struct ly_ice_check checks[LY_ICE_CHECKS_MAX];
	struct ly_ice_pair *selected; /* into pairs */
	ly_usec selected_at;
	ly_usec consent_at;    /* next consent check */
	ly_usec consent_until; /* when consent ends */
	ly_usec pace_at;       /* no new check before */
	ly_usec eval_at;       /* when to think about switching */
	struct ly_ice_stats stats;
	/* output */
	struct ly_ice_out events[LY_ICE_EVENTS_MAX];
	unsigned n_events;
	struct ly_addr reply_to;
	size_t reply_len; /* 0 = none */
	uint8_t reply[LY_STUN_MSG_MAX];
	uint8_t request[LY_STUN_MSG_MAX];
};

/* pairs.c */
struct ly_ice_pair *ly_ice_pair_find(struct ly_ice *ice, const struct ly_addr *addr, uint32_t gen);
/** Finds or adds a pair of this generation; NULL when there is no room. */
struct ly_ice_pair *ly_ice_pair_get(struct ly_ice *ice, ly_usec now, const struct ly_addr *addr,
				    uint32_t remote_priority);
void ly_ice_pairs_set_priorities(struct ly_ice *ice);
/** Frees all pairs, or all but those of the current generation and the selected one. */
void ly_ice_pairs_clear(struct ly_ice *ice, bool keep_selected);
void ly_ice_pairs_drop_old(struct ly_ice *ice);

/* checks.c */
void ly_ice_check_start(struct ly_ice *ice, struct ly_ice_pair *pair, enum ly_ice_check_kind kind,
			ly_usec at);
/** Builds the next due check into ice->request. @return its length, 0 = none is due */
size_t ly_ice_check_next(struct ly_ice *ice, ly_usec now, struct ly_addr *dst);
ly_usec ly_ice_check_deadline(const struct ly_ice *ice);
int ly_ice_recv_response(struct ly_ice *ice, ly_usec now, const struct ly_addr *src,
			 struct ly_span pkt, const uint8_t *id);
const struct ly_ice_gen *ly_ice_gen_of(const struct ly_ice *ice, uint32_t gen);

/* select.c: which pair is used */
void ly_ice_pair_answered(struct ly_ice *ice, ly_usec now, struct ly_ice_pair *pair,
			  bool use_candidate);
void ly_ice_pair_nominated(struct ly_ice *ice, ly_usec now, struct ly_ice_pair *pair);
ly_usec ly_ice_next_consent(struct ly_ice *ice, ly_usec now);
void ly_ice_evaluate(struct ly_ice *ice, ly_usec now);

/* ice.c */
void ly_ice_set_state(struct ly_ice *ice, enum ly_ice_state to);
void ly_ice_push(struct ly_ice *ice, const struct ly_ice_out *event);

#endif
