/* STUN (RFC 8489) for ICE: a thin wrapper over libnice's public STUN calls. One object serves all
 * ICE agents of a media thread; it keeps no state between calls, so nothing fills up. */
#ifndef LY_MEDIA_STUN_STUN_H
#define LY_MEDIA_STUN_STUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/span.h"

#define LY_STUN_ID_LEN 12
/** Room for each message that this wrapper builds (the longest USERNAME is 513 bytes). */
#define LY_STUN_MSG_MAX 768
/** RFC 8839 s. 5.4 */
#define LY_ICE_UFRAG_MIN 4
#define LY_ICE_PWD_MIN 22
#define LY_ICE_CRED_MAX 256

enum ly_stun_class {
	LY_STUN_REQUEST,
	LY_STUN_INDICATION,
	LY_STUN_SUCCESS,
	LY_STUN_ERROR,
};

/** What routing needs, read without checking integrity. */
struct ly_stun_peek {
	enum ly_stun_class cls;
	bool binding;               /* the method is Binding */
	uint8_t id[LY_STUN_ID_LEN]; /* transaction id */
	uint32_t tag;               /* its first four bytes: ly_ice_conf.tag of whoever asked */
	struct ly_span
		local_ufrag; /* of a request: USERNAME before the colon; borrowed, may be empty */
	struct ly_span remote_ufrag; /* after the colon */
};

/** Reads header and USERNAME of a datagram; everything in it is still unproven.
 *  @return 0, -EBADMSG (not a STUN message of RFC 5389 or later) */
int ly_stun_peek(struct ly_stun_peek *out, struct ly_span pkt);

struct ly_stun; /* opaque, 13 KB; not thread-safe */

/** @return 0, -ENOMEM; the caller owns *out */
int ly_stun_create(struct ly_stun **out);
void ly_stun_destroy(struct ly_stun *stun);

struct ly_stun_cred {
	struct ly_span username; /* as sent: "peer:own" */
	struct ly_span pwd;
};

/** A connectivity check to build (RFC 8445 s. 7.1). */
struct ly_stun_check {
	uint8_t id[LY_STUN_ID_LEN];
	bool controlling;
	bool use_candidate;
	uint32_t priority;
	uint64_t tie_breaker;
	struct ly_stun_cred cred;
};

/** Builds a Binding request. @return its length, -ENOSPC */
int ly_stun_build_check(struct ly_stun *stun, uint8_t *out, size_t cap,
			const struct ly_stun_check *check);

/** A request that came in, and how it was answered. */
struct ly_stun_request {
	uint32_t priority; /* 0 when absent */
	bool use_candidate;
	bool role_conflict; /* the peer was told 487, its check does not count */
	bool controlling;   /* in: our role; out: our role now (flipped if we lost the tie) */
	size_t reply_len;   /* bytes of the answer; 0 = do not answer */
};

/** Checks a Binding request and builds its answer, also for most refusals (400, 401, 420, 487).
 *  @p ufrag and @p pwd are ours; @p src becomes XOR-MAPPED-ADDRESS.
 *  @return 0, -EBADMSG (malformed), -EACCES (unknown user or bad MESSAGE-INTEGRITY),
 *  -EPROTO (not a Binding request); reply_len may be set together with an error */
int ly_stun_answer(struct ly_stun *stun, struct ly_span pkt, struct ly_span ufrag,
		   struct ly_span pwd, uint64_t tie_breaker, const struct ly_addr *src,
		   uint8_t *out, size_t cap, struct ly_stun_request *req);

struct ly_stun_response {
	struct ly_addr mapped; /* success: how the peer sees us */
	int code;              /* 0 success, or the error code (487, 401...) */
};

/** Checks a response to the check with @p id that was protected by @p pwd.
 *  @return 0, -EBADMSG (malformed, other id), -EACCES (bad MESSAGE-INTEGRITY) */
int ly_stun_response(struct ly_stun *stun, struct ly_span pkt, const uint8_t *id,
		     struct ly_span pwd, struct ly_stun_response *out);

#endif
