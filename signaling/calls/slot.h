/* A user's call slot: the one place that decides whether this user may be in a call. It lives at
 * the user's home; the calls that ask for it (signaling/calls/claim.h) live at the homes of their
 * rooms.
 *
 *              claim: GRANT                activate
 *   IDLE ----------------------> CLAIMED ----------> ACTIVE
 *    ^                             |  ^                |
 *    +--- release, lease over -----+  | GRANT to the   | claim with `move`: REVOKE to the holder
 *    +--- release, lease over --------|----------------+
 *                                     +--- MOVING <----+   (until it releases or its lease is over)
 *
 * A claim without `move` that finds the slot taken is answered with CONFLICT, which names the
 * running call. A claim with `move` is granted only when the old holder has let go, so that at no
 * moment two calls run. A holder renews its lease; the slot's copy of a lease ends after the
 * holder's, so that a lost message can delay a call but never double it.
 *
 * Sans-IO and pure: after a call marked [in], drain ly_slot_poll().
 */
#ifndef LY_SIGNALING_CALLS_SLOT_H
#define LY_SIGNALING_CALLS_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/** How long a claim holds the slot without being renewed. */
#define LY_SLOT_LEASE LY_SEC(30)
/** A claim that has not become a running call by then is dropped. */
#define LY_SLOT_CLAIM_TIME LY_SEC(30)

/** Names a call of a user for people and for clients. */
struct ly_call_ref {
	char *call;   /* id of the call */
	char *room;   /* bare JID of the room */
	char *device; /* what the user calls this device, "" if unknown */
	char *jid;    /* the full JID that is in the call */
	ly_usec since_wall;
};

int ly_call_ref_copy(struct ly_call_ref *out, const struct ly_call_ref *in);
void ly_call_ref_fini(struct ly_call_ref *ref);

enum ly_slot_state { LY_SLOT_IDLE, LY_SLOT_CLAIMED, LY_SLOT_ACTIVE, LY_SLOT_MOVING };

/** Why a user's call ended, in the words of the call-state message. */
enum ly_call_end {
	LY_CALL_LEFT,    /* the user left */
	LY_CALL_MOVED,   /* goes on at another device */
	LY_CALL_LOST,    /* media or session lost */
	LY_CALL_ENDED,   /* the call or its room is no more */
	LY_CALL_REVOKED, /* removed by a moderator or an operator */
};

const char *ly_call_end_name(enum ly_call_end end);

enum ly_slot_out_kind {
	LY_SLOT_GRANT,    /* to `claim` */
	LY_SLOT_CONFLICT, /* to `claim`; `ref` is the running call */
	LY_SLOT_REVOKE,   /* to `claim`, the holder: stop and release, reason in `end` */
	LY_SLOT_NOTIFY, /* to the user's devices: `active` and `ref`, with `end` when not active */
};

struct ly_slot_out {
	enum ly_slot_out_kind kind;
	uint64_t claim;
	const struct ly_call_ref *ref; /* borrowed until the next call */
	enum ly_call_end end;
	bool active;
};

struct ly_slot_holder {
	uint64_t claim; /* 0 = none */
	struct ly_call_ref ref;
	ly_usec lease_until;
	ly_usec activate_by;
};

#define LY_SLOT_OUTS 6

struct ly_slot {
	enum ly_slot_state state;
	struct ly_slot_holder now;  /* CLAIMED, ACTIVE, MOVING: who holds it */
	struct ly_slot_holder next; /* MOVING: who gets it then */
	struct ly_slot_out out[LY_SLOT_OUTS];
	unsigned n_out, next_out;
	struct ly_call_ref ended; /* keeps the words of the last NOTIFY alive */
};

void ly_slot_init(struct ly_slot *s);
void ly_slot_fini(struct ly_slot *s);

/** [in] A call wants the slot for the claim with this id (> 0, never used before). @p ref is
 * copied.
 *  @p move: call id that may be ended for it, NULL if none. The same claim again is granted again.
 *  @return 0, -ENOMEM (nothing changed, nothing is answered) */
int ly_slot_claim(struct ly_slot *s, ly_usec now, uint64_t claim, const struct ly_call_ref *ref,
		  const char *move);
/** [in] The claim's call runs now. @return 0, -ENOENT (does not hold the slot) */
int ly_slot_activate(struct ly_slot *s, uint64_t claim);
/** [in] The holder lives. @return 0, -ENOENT (tell it to stop) */
int ly_slot_renew(struct ly_slot *s, ly_usec now, uint64_t claim);
/** [in] The claim's call is over or was never begun; unknown claims are ignored. */
void ly_slot_release(struct ly_slot *s, ly_usec now, uint64_t claim, enum ly_call_end end);
/** [in] Lets time pass. */
void ly_slot_tick(struct ly_slot *s, ly_usec now);
ly_usec ly_slot_deadline(const struct ly_slot *s);
/** Hands out the next answer; false when drained. */
bool ly_slot_poll(struct ly_slot *s, struct ly_slot_out *out);

#endif
