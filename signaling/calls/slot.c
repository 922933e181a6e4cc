#include "signaling/calls/slot.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/util.h"

int ly_call_ref_copy(struct ly_call_ref *out, const struct ly_call_ref *in)
{
	struct ly_call_ref r = { .since_wall = in->since_wall };

	r.call = ly_strdup(in->call, LY_MEM_CALL);
	r.room = ly_strdup(in->room, LY_MEM_CALL);
	r.device = ly_strdup(in->device, LY_MEM_CALL);
	r.jid = ly_strdup(in->jid, LY_MEM_CALL);
	if (r.call == NULL || r.room == NULL || r.device == NULL || r.jid == NULL) {
		ly_call_ref_fini(&r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void ly_call_ref_fini(struct ly_call_ref *ref)
{
	if (ref == NULL)
		return;
	ly_free(ref->call, LY_MEM_CALL);
	ly_free(ref->room, LY_MEM_CALL);
	ly_free(ref->device, LY_MEM_CALL);
	ly_free(ref->jid, LY_MEM_CALL);
	memset(ref, 0, sizeof(*ref));
}

const char *ly_call_end_name(enum ly_call_end end)
{
	static const char *const names[] = { "left", "moved", "lost", "ended", "revoked" };

	return names[end];
}

void ly_slot_init(struct ly_slot *s)
{
	memset(s, 0, sizeof(*s));
}

void ly_slot_fini(struct ly_slot *s)
{
	if (s == NULL)
		return;
	ly_call_ref_fini(&s->now.ref);
	ly_call_ref_fini(&s->next.ref);
	ly_call_ref_fini(&s->ended);
	ly_slot_init(s);
}

/* Which state may follow which; rows are the old state. */
static bool may_follow(enum ly_slot_state from, enum ly_slot_state to)
{
	static const bool table[4][4] = {
		[LY_SLOT_IDLE] = { [LY_SLOT_CLAIMED] = true },
		[LY_SLOT_CLAIMED] = { [LY_SLOT_IDLE] = true,
				      [LY_SLOT_ACTIVE] = true,
				      [LY_SLOT_MOVING] = true },
		[LY_SLOT_ACTIVE] = { [LY_SLOT_IDLE] = true, [LY_SLOT_MOVING] = true },
		[LY_SLOT_MOVING] = { [LY_SLOT_CLAIMED] = true, [LY_SLOT_IDLE] = true },
	};

	return table[from][to];
}

static void set_state(struct ly_slot *s, enum ly_slot_state to)
{
	assert(may_follow(s->state, to));
	s->state = to;
}

static void put(struct ly_slot *s, struct ly_slot_out out)
{
	assert(s->n_out < LY_SLOT_OUTS);
	s->out[s->n_out++] = out;
}

bool ly_slot_poll(struct ly_slot *s, struct ly_slot_out *out)
{
	if (s->next_out == s->n_out) {
		s->next_out = s->n_out = 0;
		return false;
	}
	*out = s->out[s->next_out++];
	return true;
}

static void hold(struct ly_slot_holder *h, ly_usec now, uint64_t claim, struct ly_call_ref *ref)
{
	h->claim = claim;
	h->ref = *ref;
	memset(ref, 0, sizeof(*ref));
	h->lease_until = now + LY_SLOT_LEASE;
	h->activate_by = now + LY_SLOT_CLAIM_TIME;
}

/* The slot is free: the devices hear of it, and the one that waits to move here gets it. */
static void let_go(struct ly_slot *s, ly_usec now, enum ly_call_end end)
{
	bool was_running = s->now.activate_by == LY_NEVER;

	ly_call_ref_fini(&s->ended);
	s->ended = s->now.ref;
	memset(&s->now, 0, sizeof(s->now));
	if (s->state == LY_SLOT_MOVING && s->next.claim != 0) {
		hold(&s->now, now, s->next.claim, &s->next.ref);
		memset(&s->next, 0, sizeof(s->next));
		set_state(s, LY_SLOT_CLAIMED);
		put(s, (struct ly_slot_out) { .kind = LY_SLOT_GRANT, .claim = s->now.claim });
		end = LY_CALL_MOVED;
	} else {
		set_state(s, LY_SLOT_IDLE);
	}
	if (was_running)
		put(s,
		    (struct ly_slot_out) { .kind = LY_SLOT_NOTIFY, .ref = &s->ended, .end = end });
}

/* Another claim waits already: the newcomer takes its place, the user pressed the button there
 * last. */
static void replace_waiting(struct ly_slot *s, ly_usec now, uint64_t claim, struct ly_call_ref *ref)
{
	if (s->next.claim != 0)
		put(s, (struct ly_slot_out) { .kind = LY_SLOT_CONFLICT,
					      .claim = s->next.claim,
					      .ref = &s->now.ref });
	ly_call_ref_fini(&s->next.ref);
	hold(&s->next, now, claim, ref);
}

int ly_slot_claim(struct ly_slot *s, ly_usec now, uint64_t claim, const struct ly_call_ref *ref,
		  const char *move)
{
	struct ly_call_ref copy;
	int err;

	if (s->state != LY_SLOT_IDLE && s->now.claim == claim && s->state != LY_SLOT_MOVING) {
		put(s, (struct ly_slot_out) { .kind = LY_SLOT_GRANT, .claim = claim });
		return 0;
	}
	if (s->state == LY_SLOT_MOVING && s->next.claim == claim)
		return 0;
	if (s->state != LY_SLOT_IDLE && (move == NULL || strcmp(move, s->now.ref.call) != 0)) {
		put(s, (struct ly_slot_out) {
			       .kind = LY_SLOT_CONFLICT, .claim = claim, .ref = &s->now.ref });
		return 0;
	}
	err = ly_call_ref_copy(&copy, ref);
	if (err)
		return err;
	if (s->state == LY_SLOT_IDLE) {
		hold(&s->now, now, claim, &copy);
		set_state(s, LY_SLOT_CLAIMED);
		put(s, (struct ly_slot_out) { .kind = LY_SLOT_GRANT, .claim = claim });
	} else if (s->state == LY_SLOT_MOVING) {
		replace_waiting(s, now, claim, &copy);
	} else {
		hold(&s->next, now, claim, &copy);
		set_state(s, LY_SLOT_MOVING);
		put(s, (struct ly_slot_out) { .kind = LY_SLOT_REVOKE,
					      .claim = s->now.claim,
					      .end = LY_CALL_MOVED });
	}
	return 0;
}

int ly_slot_activate(struct ly_slot *s, uint64_t claim)
{
	if (s->state == LY_SLOT_IDLE || s->now.claim != claim)
		return -ENOENT;
	if (s->state != LY_SLOT_CLAIMED)
		return 0; /* active already, or it is about to be moved away */
	s->now.activate_by = LY_NEVER;
	set_state(s, LY_SLOT_ACTIVE);
	put(s, (struct ly_slot_out) { .kind = LY_SLOT_NOTIFY, .ref = &s->now.ref, .active = true });
	return 0;
}

int ly_slot_renew(struct ly_slot *s, ly_usec now, uint64_t claim)
{
	if (s->state == LY_SLOT_IDLE || s->state == LY_SLOT_MOVING || s->now.claim != claim)
		return -ENOENT;
	s->now.lease_until = now + LY_SLOT_LEASE;
	return 0;
}

void ly_slot_release(struct ly_slot *s, ly_usec now, uint64_t claim, enum ly_call_end end)
{
	if (s->state == LY_SLOT_MOVING && s->next.claim == claim) {
		/* The one that waited gave up, but the holder has been told to stop: it will. */
		ly_call_ref_fini(&s->next.ref);
		memset(&s->next, 0, sizeof(s->next));
		s->now.lease_until = LY_MIN(s->now.lease_until, now + LY_SLOT_LEASE);
		return;
	}
	if (s->state == LY_SLOT_IDLE || s->now.claim != claim)
		return;
	let_go(s, now, end);
}

void ly_slot_tick(struct ly_slot *s, ly_usec now)
{
	if (s->state == LY_SLOT_IDLE)
		return;
	if (now >= s->now.lease_until)
		ly_slot_release(s, now, s->now.claim, LY_CALL_LOST);
	if (s->state == LY_SLOT_CLAIMED && now >= s->now.activate_by) {
		put(s, (struct ly_slot_out) { .kind = LY_SLOT_REVOKE,
					      .claim = s->now.claim,
					      .end = LY_CALL_LOST });
		/* It may be running by now without our knowing: the lease decides, not this clock.
		 */
		s->now.activate_by = now + LY_SLOT_CLAIM_TIME;
	}
}

ly_usec ly_slot_deadline(const struct ly_slot *s)
{
	if (s->state == LY_SLOT_IDLE)
		return LY_NEVER;
	if (s->state == LY_SLOT_CLAIMED)
		return LY_MIN(s->now.lease_until, s->now.activate_by);
	return s->now.lease_until;
}
