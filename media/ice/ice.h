/* The ICE agent of one transport on a shared UDP port (RFC 8445): answers checks, learns
 * peer-reflexive candidates, nominates when controlling, keeps consent (RFC 7675), restarts in
 * place.
 *
 * Sans-IO: owns no socket, clock or thread. After a call marked [in], drain ly_ice_poll(), then
 * arm one timer for ly_ice_deadline(). One component, one local address: a pair is known by the
 * peer's address alone.
 *
 *   NEW --own check answered--> CONNECTED --USE-CANDIDATE sent or seen--> NOMINATED
 *    ^                              |                                        |
 *    +---------restart-------- FAILED <-------------consent lost-------------+
 *
 * From CONNECTED on there is a selected pair to send on; it may change later. A restart of a
 * working agent keeps its state and its pair until a pair of the new generation is nominated.
 */
#ifndef LY_MEDIA_ICE_ICE_H
#define LY_MEDIA_ICE_ICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rand.h"
#include "base/span.h"
#include "base/time.h"
#include "media/stun/stun.h"

struct ly_ice; /* opaque; one owner, no locks */

enum ly_ice_state { LY_ICE_NEW, LY_ICE_CONNECTED, LY_ICE_NOMINATED, LY_ICE_FAILED };

struct ly_ice_conf {
	struct ly_stun *stun; /* borrowed, must outlive the agent; shared by a thread */
	struct ly_rand *rand; /* borrowed likewise */
	const char *ufrag;    /* ours, 4 to 256 ICE characters; copied */
	const char *pwd;      /* ours, 22 to 256; copied */
	bool controlling;     /* true for the side that offers (RFC 8445 s. 6.1.1) */
	uint32_t tag;      /* first bytes of our transaction ids: routes answers (ly_stun_peek) */
	uint32_t priority; /* of our candidate; 0 = a host candidate's default */
	ly_usec consent_interval; /* 0 = 5 s (RFC 7675 s. 5.1; spread by 20 %) */
	ly_usec consent_timeout;  /* 0 = 30 s */
	const char *log_id;       /* borrowed; NULL = "" */
};

enum ly_ice_out_kind {
	LY_ICE_SEND,     /* send data to dst */
	LY_ICE_STATE,    /* state was entered */
	LY_ICE_SELECTED, /* from now on media goes to dst */
};

struct ly_ice_out {
	enum ly_ice_out_kind kind;
	struct ly_addr dst;      /* SEND, SELECTED */
	struct ly_span data;     /* SEND; borrowed from the agent until its next call */
	enum ly_ice_state state; /* STATE */
};

struct ly_ice_stats {
	enum ly_ice_state state;
	bool controlling;
	uint32_t generation; /* counts restarts */
	unsigned n_pairs;
	ly_usec rtt;           /* smoothed, of the selected pair; 0 = none yet */
	ly_usec last_heard;    /* when the selected pair was last heard; 0 = never */
	ly_usec consent_until; /* when consent ends unless renewed; LY_NEVER without a pair */
	uint64_t checks_sent, checks_answered; /* ours; answered by the peer */
	uint64_t requests, refused; /* the peer's; refused ones (bad integrity, malformed) */
};

const char *ly_ice_state_name(enum ly_ice_state state);

/** Creates an agent in LY_ICE_NEW; conf is copied, the caller owns *out.
 *  @return 0, -EINVAL (length of ufrag or pwd, RFC 8839 s. 5.4), -ENOMEM */
int ly_ice_create(struct ly_ice **out, const struct ly_ice_conf *conf, ly_usec now);
void ly_ice_destroy(struct ly_ice *ice);

/** [in] Sets the peer's credentials of this generation; own checks start now, also on pairs that
 *  were learnt before. @p lite: the peer is ICE-lite, we become controlling (RFC 8445 s. 6.1.1).
 *  @return 0, -EINVAL (lengths), -EEXIST (others were set; the same again is fine) */
int ly_ice_set_remote(struct ly_ice *ice, ly_usec now, const char *ufrag, const char *pwd,
		      bool lite);

/** [in] Adds a candidate of the peer (optional: pairs are also learnt from its checks).
 *  @return 0 (also when known), -E2BIG (32 pairs), -EINVAL (no address) */
int ly_ice_add_remote(struct ly_ice *ice, ly_usec now, const struct ly_addr *addr,
		      uint32_t priority);

/** [in] Restarts with new own credentials (RFC 8445 s. 9); the peer's have to be set again. Checks
 *  with the old ones are answered until a new pair is nominated.
 *  @return 0, -EINVAL (lengths, or the ufrag is not new) */
int ly_ice_restart(struct ly_ice *ice, ly_usec now, const char *ufrag, const char *pwd);

/** [in] Takes one STUN datagram, read only during the call (RFC 8445 s. 7.3).
 *  @return 0, -EBADMSG (malformed), -EACCES (bad MESSAGE-INTEGRITY); on error the state is kept */
int ly_ice_recv(struct ly_ice *ice, ly_usec now, const struct ly_addr *src, struct ly_span pkt);

/** Tells that other data (DTLS, SRTP) came from @p src. A peer's DTLS may come before our own
 *  check of the pair is answered: take it in, and send what DTLS has to say once there is a
 *  selected pair.
 *  @return true if an authentic check or answer has come from that address */
bool ly_ice_heard(struct ly_ice *ice, ly_usec now, const struct ly_addr *src);

/** [in] Lets time pass. */
void ly_ice_tick(struct ly_ice *ice, ly_usec now);
/** Hands out the next datagram or event; false when drained. */
bool ly_ice_poll(struct ly_ice *ice, ly_usec now, struct ly_ice_out *out);
/** When ly_ice_tick() is next due, or LY_NEVER. */
ly_usec ly_ice_deadline(const struct ly_ice *ice);

enum ly_ice_state ly_ice_state(const struct ly_ice *ice);
/** Where to send media; NULL in NEW and FAILED. Borrowed until the next call. */
const struct ly_addr *ly_ice_selected(const struct ly_ice *ice);
/** Our ufrag of this generation; of the previous one while it is still answered, else NULL. */
const char *ly_ice_ufrag(const struct ly_ice *ice);
const char *ly_ice_prev_ufrag(const struct ly_ice *ice);
const char *ly_ice_pwd(const struct ly_ice *ice);
void ly_ice_get_stats(const struct ly_ice *ice, struct ly_ice_stats *out);

#endif
