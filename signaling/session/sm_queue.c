/* XEP-0198: the counters, the tickets of inbound stanzas, and what was sent and not acknowledged.
 */
#include "signaling/session/sm_priv.h"

#include "base/log.h"

static const struct ly_log lg = { "sm", "" };

/* ---- inbound ---- */

static void pop_resolved(struct ly_sm *sm)
{
	bool is_asked = false;

	while (!ly_list_is_empty(&sm->tickets)) {
		struct ly_sm_ticket *t = LY_LIST_ENTRY(sm->tickets.next, struct ly_sm_ticket, link);

		if (!t->is_resolved)
			break;
		sm->in += 1 + t->after;
		is_asked |= t->is_asked;
		ly_list_del(&t->link);
		ly_free(t, LY_MEM_SESSION);
	}
	if (is_asked)
		ly_sm_say_h(sm);
}

/* The document of the stanza is gone, and the session's home hears of it. */
static void ticket_run(struct ly_home *home, struct ly_msg *msg)
{
	struct ly_sm_ticket *t = LY_CONTAINER_OF(msg, struct ly_sm_ticket, msg);

	(void)home;
	t->is_resolved = true;
	if (t->sm)
		pop_resolved(t->sm);
	else
		ly_free(t, LY_MEM_SESSION);
}

static void ticket_drop(struct ly_msg *msg)
{
	struct ly_sm_ticket *t = LY_CONTAINER_OF(msg, struct ly_sm_ticket, msg);

	if (t->sm)
		ly_list_del(&t->link);
	ly_free(t, LY_MEM_SESSION);
}

static void ticket_done(struct ly_xml_ticket *base)
{
	struct ly_sm_ticket *t = LY_CONTAINER_OF(base, struct ly_sm_ticket, base);

	t->post(t->ctx, t->home, &t->msg);
}

void ly_sm_count(struct ly_sm *sm)
{
	if (ly_list_is_empty(&sm->tickets))
		sm->in++;
	else
		LY_LIST_ENTRY(sm->tickets.prev, struct ly_sm_ticket, link)->after++;
}

/* What a crash of the server must not swallow: it is stored, here or at its addressee's. */
static bool is_kept(const struct ly_stanza *st)
{
	switch (st->kind) {
	case LY_IQ:
		return st->type == LY_T_SET;
	case LY_MESSAGE:
		return st->type == LY_T_GROUPCHAT || ly_offline_keeps(st);
	default:
		return st->type >= LY_T_SUBSCRIBE && st->type <= LY_T_UNSUBSCRIBED;
	}
}

int ly_sm_take(struct ly_sm *sm, struct ly_stanza *st)
{
	struct ly_home *home = sm->session->home;
	struct ly_sm_ticket *t;

	if (!is_kept(st)) {
		ly_sm_count(sm);
		return 0;
	}
	t = ly_alloc(sizeof(*t), LY_MEM_SESSION);
	if (t == NULL) {
		ly_sm_count(sm);
		return -ENOMEM;
	}
	t->base.done = ticket_done;
	t->msg.run = ticket_run;
	t->msg.drop = ticket_drop;
	t->msg.must_run = true;
	t->post = home->env.post;
	t->ctx = home->env.ctx;
	t->home = home->conf.index;
	t->sm = sm;
	ly_list_add_tail(&sm->tickets, &t->link);
	st->doc->ticket = &t->base;
	return 0;
}

void ly_sm_answer(struct ly_sm *sm)
{
	if (ly_list_is_empty(&sm->tickets))
		ly_sm_say_h(sm);
	else
		LY_LIST_ENTRY(sm->tickets.prev, struct ly_sm_ticket, link)->is_asked = true;
}

/* ---- outbound ---- */

static struct ly_sm_group *join(struct ly_delivery *d)
{
	if (d->group == NULL) {
		d->group = ly_alloc(sizeof(*d->group), LY_MEM_SESSION);
		if (d->group == NULL)
			return NULL; /* better twice than never */
		d->group->refs = 1;
		d->first->group = d->group;
	}
	d->group->refs++;
	return d->group;
}

static void add_to_delivery(struct ly_delivery *d, struct ly_sm_out *out)
{
	out->is_seen = d->is_seen;
	if (d->first == NULL)
		d->first = out;
	else
		out->group = join(d);
}

/* @return whether somebody else has it or is to get it */
static bool leave_group(struct ly_sm_out *out, bool is_acked, struct ly_blob **blob)
{
	struct ly_sm_group *g = out->group;
	bool is_had;

	if (g == NULL)
		return out->is_seen;
	g->is_seen |= is_acked;
	is_had = g->is_seen || g->refs > 1 || out->is_seen;
	if (--g->refs)
		return is_had;
	if (!is_had && g->blob) {
		ly_blob_unref(*blob);
		*blob = ly_blob_ref(g->blob);
	}
	ly_blob_unref(g->blob);
	ly_free(g, LY_MEM_SESSION);
	return is_had;
}

static struct ly_sm_out *pop(struct ly_sm *sm)
{
	struct ly_sm_out *out;

	if (ly_list_is_empty(&sm->queue))
		return NULL;
	out = LY_LIST_ENTRY(sm->queue.next, struct ly_sm_out, link);
	ly_list_del(&out->link);
	sm->bytes -= out->blob->len;
	sm->acked++;
	return out;
}

static void out_free(struct ly_sm_out *out)
{
	ly_blob_unref(out->blob);
	ly_free(out, LY_MEM_SESSION);
}

int ly_sm_acked(struct ly_sm *sm, uint32_t h)
{
	uint32_t n = h - sm->acked; /* modulo 2^32, as the counters (s. 4) */

	if (n > sm->sent - sm->acked)
		return -ERANGE;
	while (n--) {
		struct ly_sm_out *out = pop(sm);

		leave_group(out, true, &out->blob);
		out_free(out);
	}
	return 0;
}

static void set_broken(struct ly_sm *sm)
{
	struct ly_home *home = sm->session->home;

	if (sm->is_broken)
		return;
	/* not at once: the caller walks over sessions */
	sm->is_broken = true;
	ly_log(&lg, LY_WARN, "too-much-unacknowledged", "jid=%s stanzas=%u", sm->session->jid,
	       sm->sent - sm->acked);
	if (ly_home_timer_set(home, &sm->timer, home->now))
		ly_log(&lg, LY_ERROR, "out-of-memory", "jid=%s", sm->session->jid);
}

static struct ly_sm_out *create_out(const struct ly_session *s, struct ly_blob *blob,
				    const char *to)
{
	bool is_own = to && strcmp(to, s->jid) != 0 && strcmp(to, s->user->jid) != 0;
	size_t len = is_own ? strlen(to) + 1 : 0;
	struct ly_sm_out *out = ly_alloc(sizeof(*out) + len, LY_MEM_SESSION);

	if (out == NULL)
		return NULL;
	out->blob = ly_blob_ref(blob);
	if (is_own)
		out->to = memcpy(out->own, to, len);
	else if (to)
		out->to = strcmp(to, s->jid) == 0 ? s->jid : s->user->jid;
	out->wall = s->home->wall;
	return out;
}

bool ly_sm_keep(struct ly_sm *sm, struct ly_blob *blob, const char *to)
{
	struct ly_home *home = sm->session->home;
	const struct ly_home_limits *limits = &home->conf.limits;
	struct ly_sm_out *out = create_out(sm->session, blob, to);

	if (out == NULL) {
		set_broken(sm);
		return false;
	}
	ly_list_add_tail(&sm->queue, &out->link);
	sm->bytes += blob->len;
	sm->sent++;
	if (home->delivery)
		add_to_delivery(home->delivery, out);
	if (sm->sent - sm->acked > limits->unacked || sm->bytes > limits->unacked_bytes)
		set_broken(sm);
	return !sm->is_detached && !sm->is_broken;
}

/* ---- one message to several ---- */

void ly_delivery_begin(struct ly_home *home, struct ly_delivery *d)
{
	*d = (struct ly_delivery) { .first = NULL };
	home->delivery = d;
}

void ly_delivery_seen(struct ly_delivery *d)
{
	d->is_seen = true;
	if (d->first)
		d->first->is_seen = true;
	if (d->group)
		d->group->is_seen = true;
}

void ly_delivery_end(struct ly_home *home, struct ly_blob *blob)
{
	struct ly_delivery *d = home->delivery;

	home->delivery = NULL;
	if (d->group && blob)
		d->group->blob = ly_blob_ref(blob);
}

/* ---- the end ---- */

static void let_go(struct ly_sm *sm)
{
	LY_LIST_EACH (node, tmp, &sm->tickets) {
		struct ly_sm_ticket *t = LY_LIST_ENTRY(node, struct ly_sm_ticket, link);

		ly_list_del(node);
		t->sm = NULL;
	}
	ly_timers_del(&sm->session->home->timers, &sm->timer.timer);
}

void ly_sm_free(struct ly_sm *sm)
{
	struct ly_sm_out *out;

	if (sm == NULL)
		return;
	let_go(sm);
	while ((out = pop(sm)) != NULL) {
		leave_group(out, false, &out->blob);
		out_free(out);
	}
	ly_free(sm, LY_MEM_SESSION);
}

void ly_sm_end(struct ly_user *user, struct ly_sm *sm)
{
	struct ly_sm_out *out;

	if (sm == NULL)
		return;
	while ((out = pop(sm)) != NULL) {
		if (!leave_group(out, false, &out->blob))
			ly_redeliver(user, out->blob, out->wall);
		out_free(out);
	}
	ly_sm_free(sm);
}
