#include "signaling/calls/claim.h"

#include "base/util.h"

void ly_claim_init(struct ly_claim *c, ly_usec now, uint64_t id)
{
	*c = (struct ly_claim) { .id = id, .state = LY_CLAIM_ASKED, .asked = now };
	c->lease_until = now + LY_CLAIM_ANSWER_TIME;
	c->renew_at = LY_NEVER;
}

bool ly_claim_granted(struct ly_claim *c, ly_usec now)
{
	if (c->state == LY_CLAIM_ENDED)
		return false;
	if (c->asked == LY_NEVER)
		return true; /* the answer to a question that was answered before */
	if (now >= c->lease_until) {
		c->state = LY_CLAIM_ENDED;
		c->end = LY_CALL_LOST;
		return false;
	}
	if (c->state == LY_CLAIM_ASKED)
		c->state = LY_CLAIM_GRANTED;
	c->lease_until = c->asked + LY_SLOT_LEASE;
	c->renew_at = c->asked + LY_SLOT_LEASE / 3;
	c->asked = LY_NEVER;
	return true;
}

void ly_claim_refused(struct ly_claim *c)
{
	c->state = LY_CLAIM_ENDED;
	c->end = LY_CALL_REVOKED;
}

enum ly_claim_out ly_claim_begin(struct ly_claim *c)
{
	if (c->state != LY_CLAIM_GRANTED)
		return LY_CLAIM_NOTHING;
	c->state = LY_CLAIM_RUNNING;
	return LY_CLAIM_SEND_ACTIVATE;
}

enum ly_claim_out ly_claim_stop(struct ly_claim *c, enum ly_call_end end)
{
	if (c->state == LY_CLAIM_ENDED)
		return LY_CLAIM_NOTHING;
	/* One that was only asked for may be on its way to being granted: it is released all the
	 * same. */
	c->state = LY_CLAIM_ENDED;
	c->end = end;
	return LY_CLAIM_SEND_RELEASE;
}

enum ly_claim_out ly_claim_tick(struct ly_claim *c, ly_usec now)
{
	if (c->state == LY_CLAIM_ENDED)
		return LY_CLAIM_NOTHING;
	if (now >= c->lease_until)
		return ly_claim_stop(c, LY_CALL_LOST);
	if (!ly_claim_is_held(c) || now < c->renew_at)
		return LY_CLAIM_NOTHING;
	if (c->asked == LY_NEVER)
		c->asked = now;
	c->renew_at = now + LY_SLOT_LEASE / 6; /* ask again soon when no answer comes */
	return LY_CLAIM_SEND_RENEW;
}

ly_usec ly_claim_deadline(const struct ly_claim *c)
{
	if (c->state == LY_CLAIM_ENDED)
		return LY_NEVER;
	return LY_MIN(c->lease_until, c->renew_at);
}
