/* Presence subscriptions (RFC 6121 s. 3): what the state machine of subscription.c decides, done.
 */
#include "signaling/session/core.h"

#include "base/log.h"

static const struct ly_log lg = { "subscribe", "" };

/* A request with more payload than this is kept without it. */
#define REQUEST_MAX 2048

static struct ly_sub_state state_of(const struct ly_contact *c)
{
	struct ly_sub_state s = { .sub = LY_SUB_NONE };

	if (c) {
		s.sub = (enum ly_subscription)c->sub;
		s.ask = c->ask;
		s.pending_in = c->pending_in;
		s.approved = c->approved;
	}
	return s;
}

/* A contact that is not in the roster yet: as an item, or known only by its request. */
static int add_contact(struct ly_user *user, const char *jid, const struct ly_sub_state *s,
		       const char *request)
{
	struct ly_store_contact item = {
		.jid = jid,
		.sub = s->sub,
		.listed = s->sub != LY_SUB_NONE || s->ask || s->approved,
		.ask = s->ask,
		.approved = s->approved,
		.pending_in = s->pending_in,
		.request = request,
	};

	if (user->roster.n >= user->home->conf.limits.roster)
		return -E2BIG;
	return ly_roster_put(&user->roster, &item, NULL);
}

/* Replaces a contact to keep the request with it. */
static int set_request(struct ly_user *user, const struct ly_contact *c, const char *request)
{
	const char **groups = ly_alloc((c->n_groups + 1u) * sizeof(*groups), LY_MEM_SESSION);
	struct ly_store_contact item;
	int err;

	if (groups == NULL)
		return -ENOMEM;
	ly_contact_get(c, &item, groups);
	item.request = request;
	err = ly_roster_put(&user->roster, &item, NULL);
	ly_free(groups, LY_MEM_SESSION);
	return err;
}

/* Takes over the new state, in memory and in the store. @return 0, -ENOMEM, -E2BIG */
static int apply(struct ly_user *user, const char *jid, const struct ly_sub_state *next,
		 const char *request)
{
	struct ly_contact *c = ly_roster_find(&user->roster, jid);
	int err = 0;

	if (c && request)
		err = set_request(user, c, request);
	else if (c == NULL)
		err = add_contact(user, jid, next, request);
	if (err) {
		ly_log(&lg, LY_WARN, "refused", "user=%s err=%s", user->jid, ly_err_name(err));
		return err;
	}
	c = ly_roster_find(&user->roster, jid);
	c->sub = (uint8_t)next->sub;
	c->ask = next->ask;
	c->approved = next->approved;
	c->pending_in = next->pending_in;
	if (!c->pending_in)
		c->request = NULL;
	if (c->sub != LY_SUB_NONE || c->ask || c->approved)
		c->listed = true;
	if (!c->listed && !c->pending_in)
		ly_roster_del(&user->roster, jid);
	ly_roster_save(user, jid);
	return 0;
}

/* The contact hears of what follows from the step, after the subscription stanza itself. */
static void show_or_hide(struct ly_user *user, const struct ly_sub_step *step, const char *jid)
{
	if (step->send_presence)
		ly_presence_show(user, jid);
	if (step->send_unavailable)
		ly_presence_hide(user, jid);
}

void ly_subscription_out(struct ly_session *s, struct ly_stanza *st)
{
	struct ly_user *user = s->user;
	struct ly_home *home = s->home;
	const char *jid = st->to.bare;
	struct ly_sub_step step;
	struct ly_stanza *out;
	int err = 0;

	if (strcmp(jid, user->jid) == 0) {
		ly_bounce(home, st, LY_NOT_ALLOWED, "nobody subscribes to oneself");
		return;
	}
	step = ly_sub_outbound(state_of(ly_roster_find(&user->roster, jid)), st->type);
	if (step.changed)
		err = apply(user, jid, &step.next, NULL);
	if (err) {
		ly_bounce(home, st, LY_RESOURCE_CONSTRAINT, "the roster is full");
		return;
	}
	if (step.push)
		ly_roster_push(user, jid, false);
	/* s. 3.1.2: from and to are bare JIDs whatever the client wrote */
	if (step.pass && ly_stanza_clone(&out, st, user->jid, jid) == 0)
		ly_route(home, out);
	show_or_hide(user, &step, jid);
	ly_stanza_free(st);
}

/* The request as it will be shown again at each log-in, without `to`. */
static char *request_text(const struct ly_stanza *st)
{
	struct ly_blob *blob;
	char *text = NULL;

	if (st->root->first == NULL)
		return NULL;
	blob = ly_xml_to_blob(st->root, true);
	if (blob && blob->len <= REQUEST_MAX)
		text = ly_strndup((const char *)blob->data, blob->len, LY_MEM_SESSION);
	ly_blob_unref(blob);
	return text;
}

static void deliver(struct ly_user *user, const struct ly_stanza *st)
{
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);
		bool wants = s->state == LY_SESSION_AVAILABLE;

		/* s. 3.1.6: answers and cancellations go to all that know the roster */
		if (st->type != LY_T_SUBSCRIBE)
			wants = wants || s->interested;
		if (wants)
			ly_session_send(s, st->root);
	}
}

void ly_subscription_in(struct ly_user *user, struct ly_stanza *st)
{
	struct ly_sub_step step;
	char *request = NULL;
	const char *jid;
	int err = 0;

	if (!ly_jid_is_set(&st->from) || strcmp(st->from.bare, user->jid) == 0) {
		ly_stanza_free(st);
		return;
	}
	jid = st->from.bare;
	step = ly_sub_inbound(state_of(ly_roster_find(&user->roster, jid)), st->type);
	if (step.next.pending_in && step.pass)
		request = request_text(st);
	if (step.changed)
		err = apply(user, jid, &step.next, request);
	ly_free(request, LY_MEM_SESSION);
	if (err) {
		ly_bounce(user->home, st, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	if (step.pass)
		deliver(user, st);
	if (step.push)
		ly_roster_push(user, jid, false);
	if (step.auto_reply)
		ly_presence_send(user->home, "subscribed", user->jid, jid);
	show_or_hide(user, &step, jid);
	ly_stanza_free(st);
	ly_user_check_idle(user);
}

void ly_subscription_requests(struct ly_session *s)
{
	const struct ly_roster *r = &s->user->roster;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct ly_contact *c = r->v[i];
		struct ly_blob *blob;

		if (!c->pending_in)
			continue;
		if (c->request)
			blob = ly_blob_create(ly_span_str(c->request), strlen("<presence"));
		else
			blob = ly_presence_blob("subscribe", c->jid);
		if (blob)
			ly_session_send_blob(s, blob, s->user->jid);
		ly_blob_unref(blob);
	}
}
