/* The subscription state machine: RFC 6121 appendix A, as rules instead of nine states. The states
 * of the appendix are (sub, ask, pending_in); "to" excludes ask, "from" excludes pending_in. */
#include "signaling/session/roster.h"

static bool has_to(enum ly_subscription sub)
{
	return sub == LY_SUB_TO || sub == LY_SUB_BOTH;
}

static bool has_from(enum ly_subscription sub)
{
	return sub == LY_SUB_FROM || sub == LY_SUB_BOTH;
}

static enum ly_subscription make(bool to, bool from)
{
	if (to && from)
		return LY_SUB_BOTH;
	return to ? LY_SUB_TO : from ? LY_SUB_FROM : LY_SUB_NONE;
}

const char *ly_subscription_name(enum ly_subscription sub)
{
	static const char *const names[] = { "none", "to", "from", "both" };

	return names[sub];
}

/* What the caller has to do follows from the change alone. */
static struct ly_sub_step finish(struct ly_sub_state s, struct ly_sub_step step)
{
	const struct ly_sub_state *n = &step.next;

	step.push = n->sub != s.sub || n->ask != s.ask || n->approved != s.approved;
	step.changed = step.push || n->pending_in != s.pending_in;
	step.send_presence = has_from(n->sub) && !has_from(s.sub);
	step.send_unavailable = !has_from(n->sub) && has_from(s.sub);
	return step;
}

struct ly_sub_step ly_sub_outbound(struct ly_sub_state s, enum ly_stanza_type type)
{
	struct ly_sub_step step = { .next = s };
	bool to = has_to(s.sub), from = has_from(s.sub);

	switch (type) {
	case LY_T_SUBSCRIBE: /* A.2.1: always routed */
		step.pass = true;
		step.next.ask = s.ask || !to;
		break;
	case LY_T_UNSUBSCRIBE: /* A.2.2: always routed */
		step.pass = true;
		step.next.ask = false;
		step.next.sub = make(false, from);
		break;
	case LY_T_SUBSCRIBED: /* A.2.3: routed only as an answer, otherwise a pre-approval (s. 3.4)
			       */
		step.pass = s.pending_in;
		step.next.pending_in = false;
		if (s.pending_in)
			step.next.sub = make(to, true);
		else if (!from)
			step.next.approved = true;
		break;
	case LY_T_UNSUBSCRIBED: /* A.2.4: routed when there is something to refuse or cancel */
		step.pass = s.pending_in || from;
		step.next.pending_in = false;
		step.next.approved = false;
		step.next.sub = make(to, false);
		break;
	default:
		break;
	}
	return finish(s, step);
}

struct ly_sub_step ly_sub_inbound(struct ly_sub_state s, enum ly_stanza_type type)
{
	struct ly_sub_step step = { .next = s };
	bool to = has_to(s.sub), from = has_from(s.sub);

	switch (type) {
	case LY_T_SUBSCRIBE: /* A.3.1 */
		if (from || s.approved) {
			step.auto_reply = true;
			step.next.sub = make(to, true);
			step.next.pending_in = false;
		} else {
			step.pass = !s.pending_in;
			step.next.pending_in = true;
		}
		break;
	case LY_T_UNSUBSCRIBE: /* A.3.2 */
		step.pass = s.pending_in || from;
		step.next.pending_in = false;
		step.next.sub = make(to, false);
		break;
	case LY_T_SUBSCRIBED: /* A.3.3: only as an answer to our request */
		step.pass = s.ask;
		step.next.ask = false;
		if (s.ask)
			step.next.sub = make(true, from);
		break;
	case LY_T_UNSUBSCRIBED: /* A.3.4 */
		step.pass = s.ask || to;
		step.next.ask = false;
		step.next.sub = make(false, from);
		break;
	default:
		break;
	}
	return finish(s, step);
}
