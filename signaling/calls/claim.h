/* The call's side of a claim on a user's slot (signaling/calls/slot.h): one per participant, at the
 * home of the room. It says whether this participant may be in the call now.
 *
 *   ASKED --granted--> GRANTED --begin--> RUNNING
 *     |                   |                  |
 *     +--- refused, stop, revoked, lease over ---> ENDED
 *
 * A granted claim is renewed every third of its lease. The lease counts from the moment of asking,
 * so it ends here before it ends at the slot; who gets no answer to its renewals stops in time.
 */
#ifndef LY_SIGNALING_CALLS_CLAIM_H
#define LY_SIGNALING_CALLS_CLAIM_H

#include "signaling/calls/slot.h"

enum ly_claim_state { LY_CLAIM_ASKED, LY_CLAIM_GRANTED, LY_CLAIM_RUNNING, LY_CLAIM_ENDED };

enum ly_claim_out {
	LY_CLAIM_NOTHING,
	LY_CLAIM_SEND_ACTIVATE, /* tell the slot that the call runs */
	LY_CLAIM_SEND_RENEW,    /* tell the slot that it still runs */
	LY_CLAIM_SEND_RELEASE,  /* tell the slot that it is over, with the reason `end` */
};

struct ly_claim {
	uint64_t id;
	enum ly_claim_state state;
	enum ly_call_end end; /* ENDED: why */
	ly_usec asked;        /* when the pending question was asked; LY_NEVER = none pending */
	ly_usec lease_until;
	ly_usec renew_at;
};

/** No answer to the first question within this time is a refusal. */
#define LY_CLAIM_ANSWER_TIME LY_SEC(3)

/** Starts asking; the caller sends the claim to the slot. */
void ly_claim_init(struct ly_claim *c, ly_usec now, uint64_t id);
/** [in] The slot said yes (to the claim or to a renewal). False if that comes too late: release it.
 */
bool ly_claim_granted(struct ly_claim *c, ly_usec now);
/** [in] The slot said no. */
void ly_claim_refused(struct ly_claim *c);
/** [in] The participant is in the call. @return what to send */
enum ly_claim_out ly_claim_begin(struct ly_claim *c);
/** [in] The participant is out of the call, for whatever reason. @return what to send */
enum ly_claim_out ly_claim_stop(struct ly_claim *c, enum ly_call_end end);
/** [in] Lets time pass. @return what to send; when it ends here, the caller stops the participant
 */
enum ly_claim_out ly_claim_tick(struct ly_claim *c, ly_usec now);
ly_usec ly_claim_deadline(const struct ly_claim *c);

static inline bool ly_claim_is_held(const struct ly_claim *c)
{
	return c->state == LY_CLAIM_GRANTED || c->state == LY_CLAIM_RUNNING;
}

#endif
