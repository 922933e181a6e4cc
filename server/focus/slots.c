/* Messages between a participant's claim (at the room's home) and the user's slot (at the user's).
 */
#include "server/focus/focus_priv.h"

#include <stdio.h>

#include "base/err.h"

enum slot_msg_kind {
	/* call to slot; in the order of enum ly_claim_out */
	M_CLAIM,
	M_ACTIVATE,
	M_RENEW,
	M_RELEASE,
	/* slot to call */
	M_GRANT,
	M_CONFLICT,
	M_REVOKE,
};

struct slot_msg {
	struct ly_msg msg;
	struct ly_focus *focus;
	enum slot_msg_kind kind;
	uint64_t claim;
	char *user;             /* owned: to the slot */
	char *move;             /* owned: CLAIM, may be NULL */
	struct ly_call_ref ref; /* owned: CLAIM, CONFLICT; REVOKE has the newcomer's */
	enum ly_call_end end;   /* RELEASE, REVOKE */
};

/** A user's slot with its timer; freed when idle. */
struct ly_focus_slot {
	struct ly_focus_home *at;
	char *user; /* owned; the key */
	struct ly_slot slot;
	struct ly_home_timer timer;
};

static void drop(struct ly_msg *msg)
{
	struct slot_msg *m = LY_CONTAINER_OF(msg, struct slot_msg, msg);

	ly_free(m->user, LY_MEM_QUEUE);
	ly_free(m->move, LY_MEM_QUEUE);
	ly_call_ref_fini(&m->ref);
	ly_free(m, LY_MEM_QUEUE);
}

static void slot_free(struct ly_focus_slot *s)
{
	ly_slot_fini(&s->slot);
	ly_free(s->user, LY_MEM_CALL);
	ly_free(s, LY_MEM_CALL);
}

static void run(struct ly_home *home, struct ly_msg *msg);

static struct slot_msg *new_msg(struct ly_focus *f, enum slot_msg_kind kind, uint64_t claim)
{
	struct slot_msg *m = ly_alloc(sizeof(*m), LY_MEM_QUEUE);

	if (m == NULL)
		return NULL;
	m->msg.run = run;
	m->msg.drop = drop;
	m->focus = f;
	m->kind = kind;
	m->claim = claim;
	return m;
}

/* ---- at the home of the call ---- */

static struct slot_msg *to_slot(struct ly_focus_part *p, enum slot_msg_kind kind)
{
	struct slot_msg *m = new_msg(p->call->at->focus, kind, p->claim.id);

	if (m == NULL)
		return NULL;
	m->user = ly_strdup(p->user, LY_MEM_QUEUE);
	if (m->user == NULL) {
		drop(&m->msg);
		return NULL;
	}
	return m;
}

static void post_to_slot(struct ly_focus_part *p, struct slot_msg *m)
{
	struct ly_focus_home *fh = p->call->at;

	ly_home_post(fh->home, ly_home_index_of(fh->focus->conf.n_homes, ly_span_str(m->user)),
		     &m->msg);
}

int ly_slots_claim(struct ly_focus_part *p, const char *move)
{
	struct slot_msg *m = to_slot(p, M_CLAIM);
	const struct ly_call_ref ref = { p->call->id, p->call->room, p->device, p->jid,
					 p->joined_wall };

	if (m == NULL)
		return -ENOMEM;
	m->move = move ? ly_strdup(move, LY_MEM_QUEUE) : NULL;
	if (ly_call_ref_copy(&m->ref, &ref) || (move != NULL && m->move == NULL)) {
		drop(&m->msg);
		return -ENOMEM;
	}
	post_to_slot(p, m);
	return 0;
}

void ly_slots_send(struct ly_focus_part *p, enum ly_claim_out what)
{
	struct slot_msg *m;

	if (what == LY_CLAIM_NOTHING || !p->call->at->focus->conf.one_active_call)
		return;
	m = to_slot(p, (enum slot_msg_kind)what);
	if (m == NULL)
		return; /* the lease does it, later */
	m->end = p->claim.end;
	post_to_slot(p, m);
}

/* The refusal names the running call, so that the client can offer to move it. */
static void answer_conflict(struct ly_focus_part *p, const struct ly_call_ref *ref)
{
	struct ly_stanza *iq = p->pending;
	char since[LY_DATETIME_MAX];
	struct ly_build b;

	p->pending = NULL;
	if (iq == NULL)
		return;
	ly_datetime_format(since, sizeof(since), ref->since_wall);
	b = ly_stanza_error_open(iq, LY_CONFLICT, LY_ERR_CANCEL, NULL);
	ly_build_open(&b, LY_NS_CALLS, "active-call");
	ly_build_attr(&b, "id", ref->call);
	ly_build_attr(&b, "room", ref->room);
	ly_build_attr(&b, "device", ref->device);
	ly_build_attr(&b, "jid", ref->jid);
	ly_build_attr(&b, "since", since);
	ly_build_close(&b);
	ly_route_build(p->call->at->home, iq->doc, &b);
}

static void release_unknown(struct ly_focus_home *fh, struct slot_msg *m)
{
	struct slot_msg *r = new_msg(fh->focus, M_RELEASE, m->claim);

	if (r == NULL)
		return;
	r->user = m->user;
	m->user = NULL;
	r->end = LY_CALL_LEFT;
	ly_home_post(fh->home, ly_home_index_of(fh->focus->conf.n_homes, ly_span_str(r->user)),
		     &r->msg);
}

static void on_grant(struct ly_focus_home *fh, struct ly_focus_part *p, struct slot_msg *m)
{
	if (p == NULL || !ly_claim_granted(&p->claim, ly_home_now(fh->home))) {
		release_unknown(fh, m);
		if (p != NULL)
			ly_part_end(p, LY_CALL_LOST, "the server took too long", NULL,
				    LY_PART_TELL);
		return;
	}
	(void)ly_home_timer_set(fh->home, &p->timer, ly_claim_deadline(&p->claim));
	ly_part_granted(p);
}

static void run_at_call(struct ly_focus_home *fh, struct slot_msg *m)
{
	struct ly_focus_part *p = ly_map_find_num(&fh->claims, m->claim);

	if (m->kind == M_GRANT) {
		on_grant(fh, p, m);
	} else if (p != NULL && m->kind == M_CONFLICT) {
		atomic_fetch_add(&fh->focus->conflicts, 1);
		ly_log(&ly_focus_log, LY_INFO, "conflict", "jid=%s room=%s running=%s", p->jid,
		       p->call->room, m->ref.room);
		answer_conflict(p, &m->ref);
		ly_claim_refused(&p->claim);
		ly_part_end(p, LY_CALL_REVOKED, NULL, NULL, 0);
	} else if (p != NULL) {
		bool moved = m->end == LY_CALL_MOVED;

		ly_part_end(p, m->end,
			    moved ? "moved to another device" : "your call slot was released",
			    moved && m->ref.device ? m->ref.device : NULL, LY_PART_TELL);
	}
}

/* ---- at the home of the user ---- */

static void notify(struct ly_focus_slot *s, const struct ly_slot_out *out)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	if (doc == NULL)
		return;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	ly_build_attr(&b, "type", "headline");
	ly_build_attr(&b, "from", s->user);
	ly_build_attr(&b, "to", s->user);
	ly_build_open(&b, LY_NS_CALLS, "call");
	ly_build_attr(&b, "state", out->active ? "active" : "idle");
	ly_build_attr(&b, "id", out->ref->call);
	ly_build_attr(&b, "room", out->ref->room);
	ly_build_attr(&b, "device", out->ref->device);
	ly_build_attr(&b, "jid", out->ref->jid);
	if (!out->active)
		ly_build_attr(&b, "reason", ly_call_end_name(out->end));
	ly_build_close(&b);
	ly_route_build(s->at->home, doc, &b);
}

static void answer(struct ly_focus_slot *s, enum slot_msg_kind kind, uint64_t claim,
		   const struct ly_call_ref *ref, enum ly_call_end end)
{
	struct slot_msg *m = new_msg(s->at->focus, kind, claim);

	if (m == NULL)
		return;
	m->end = end;
	m->user = ly_strdup(s->user, LY_MEM_QUEUE);
	if (m->user == NULL || (ref != NULL && ref->call && ly_call_ref_copy(&m->ref, ref))) {
		drop(&m->msg);
		return;
	}
	ly_home_post(s->at->home, ly_focus_home_of_number(claim), &m->msg);
}

/* Hands out what the slot said; frees the slot when it is idle. */
static void drain(struct ly_focus_slot *s)
{
	struct ly_slot_out out;

	while (ly_slot_poll(&s->slot, &out)) {
		if (out.kind == LY_SLOT_NOTIFY)
			notify(s, &out);
		else if (out.kind == LY_SLOT_GRANT)
			answer(s, M_GRANT, out.claim, NULL, 0);
		else if (out.kind == LY_SLOT_CONFLICT)
			answer(s, M_CONFLICT, out.claim, out.ref, 0);
		else
			answer(s, M_REVOKE, out.claim, &s->slot.next.ref, out.end);
	}
	(void)ly_home_timer_set(s->at->home, &s->timer, ly_slot_deadline(&s->slot));
	if (s->slot.state != LY_SLOT_IDLE)
		return;
	ly_map_del(&s->at->slots, ly_span_str(s->user));
	slot_free(s);
}

static void on_slot_timer(struct ly_home *home, struct ly_home_timer *t)
{
	struct ly_focus_slot *s = LY_CONTAINER_OF(t, struct ly_focus_slot, timer);

	ly_slot_tick(&s->slot, ly_home_now(home));
	drain(s);
}

static struct ly_focus_slot *slot_of(struct ly_focus_home *fh, const char *user, bool create)
{
	struct ly_focus_slot *s = ly_map_find_str(&fh->slots, user);

	if (s != NULL || !create)
		return s;
	s = ly_alloc(sizeof(*s), LY_MEM_CALL);
	if (s == NULL)
		return NULL;
	s->at = fh;
	s->timer.fire = on_slot_timer;
	ly_slot_init(&s->slot);
	s->user = ly_strdup(user, LY_MEM_CALL);
	if (s->user == NULL || ly_map_put(&fh->slots, ly_span_str(s->user), s)) {
		slot_free(s);
		return NULL;
	}
	return s;
}

static void run_at_user(struct ly_focus_home *fh, struct slot_msg *m)
{
	ly_usec now = ly_home_now(fh->home);
	struct ly_focus_slot *s = slot_of(fh, m->user, m->kind == M_CLAIM);
	struct ly_focus_slot none = { .at = fh, .user = m->user };

	if (s == NULL) {
		/* no slot is held (or no memory for one): whoever thinks so has to stop */
		if (m->kind != M_RELEASE)
			answer(&none, M_REVOKE, m->claim, NULL, LY_CALL_LOST);
		return;
	}
	switch (m->kind) {
	case M_CLAIM:
		if (ly_slot_claim(&s->slot, now, m->claim, &m->ref, m->move))
			answer(s, M_REVOKE, m->claim, NULL, LY_CALL_LOST);
		break;
	case M_ACTIVATE:
		if (ly_slot_activate(&s->slot, m->claim))
			answer(s, M_REVOKE, m->claim, NULL, LY_CALL_LOST);
		break;
	case M_RENEW:
		answer(s, ly_slot_renew(&s->slot, now, m->claim) ? M_REVOKE : M_GRANT, m->claim,
		       NULL, LY_CALL_LOST);
		break;
	default:
		ly_slot_release(&s->slot, now, m->claim, m->end);
		break;
	}
	drain(s);
}

static void run(struct ly_home *home, struct ly_msg *msg)
{
	struct slot_msg *m = LY_CONTAINER_OF(msg, struct slot_msg, msg);
	struct ly_focus_home *fh = ly_focus_at(m->focus, home);

	if (m->kind <= M_RELEASE)
		run_at_user(fh, m);
	else
		run_at_call(fh, m);
	drop(msg);
}

/* The call is told to stop and releases the slot: the slot itself never frees what may still run.
 */
void ly_focus_session_gone(struct ly_focus *f, struct ly_home *home, const char *full_jid)
{
	struct ly_focus_home *fh = ly_focus_at(f, home);
	char user[LY_JID_MAX];
	struct ly_focus_slot *s;

	snprintf(user, sizeof(user), "%.*s", (int)strcspn(full_jid, "/"), full_jid);
	s = slot_of(fh, user, false);
	if (s == NULL)
		return;
	if (s->slot.now.claim != 0 && strcmp(s->slot.now.ref.jid, full_jid) == 0)
		answer(s, M_REVOKE, s->slot.now.claim, NULL, LY_CALL_LOST);
	if (s->slot.next.claim != 0 && strcmp(s->slot.next.ref.jid, full_jid) == 0)
		answer(s, M_REVOKE, s->slot.next.claim, NULL, LY_CALL_LOST);
}

void ly_slots_fini(struct ly_focus_home *fh)
{
	struct ly_map_slot it;
	size_t i = 0;

	while (ly_map_next(&fh->slots, &i, &it))
		slot_free(it.value);
}
