/* Sessions: binding a resource, what the client sends, what it gets, the end. */
#include "signaling/session/core.h"
#include "signaling/session/sm.h"

#include "base/log.h"

static const struct ly_log lg = { "session", "" };

/* Letters and digits of a resource that the server chooses. */
#define RESOURCE_LEN 12

void ly_session_free(struct ly_session *s)
{
	if (s == NULL)
		return;
	ly_sm_free(s->sm);
	for (size_t i = 0; i < s->n_directed; i++)
		ly_free(s->directed[i], LY_MEM_SESSION);
	ly_free(s->directed, LY_MEM_SESSION);
	ly_blob_unref(s->presence);
	ly_free(s->jid, LY_MEM_SESSION);
	ly_list_del(&s->link);
	ly_free(s, LY_MEM_SESSION);
}

static void remember_last(struct ly_user *user)
{
	struct ly_store_req *req;

	if (user->n_sessions || !user->known)
		return;
	req = ly_store_req_create(user->home->conf.index, LY_STORE_LAST_PUT, user->jid);
	if (req == NULL)
		return; /* costs only the answer to "when was it here" */
	req->u.text.wall = user->home->wall;
	ly_home_store(user->home, req);
}

void ly_session_end(struct ly_session *s)
{
	struct ly_user *user = s->user;
	struct ly_home *home = s->home;
	struct ly_sm *sm = s->sm;
	bool is_detached = ly_sm_is_detached(sm);

	ly_hook(home, user, s, session_gone);
	ly_presence_end(s);
	ly_list_del(&s->link);
	s->state = LY_SESSION_DEAD;
	user->n_sessions--;
	home->n_sessions--;
	ly_list_add_tail(&home->dead, &s->link);
	ly_log(&lg, LY_INFO, "unbound", "jid=%s", s->jid);
	user->pins++;
	ly_sm_end(user, sm);
	user->pins--;
	s->sm = NULL;
	s->user = NULL;
	if (is_detached)
		ly_session_free(s);
	remember_last(user);
	ly_user_check_idle(user);
}

void ly_session_detach(struct ly_session *s)
{
	if (s == NULL)
		return;
	if (s->state != LY_SESSION_DEAD)
		ly_session_end(s);
	ly_session_free(s);
}

const char *ly_session_jid(const struct ly_session *s)
{
	return s->jid;
}

/* ---- binding ---- */

/* The full JID that is asked for, checked. */
static int full_jid(struct ly_home *home, struct ly_arena *arena, const char *bare,
		    const char *resource, struct ly_jid *out)
{
	char chosen[RESOURCE_LEN + 1];
	char prepped[LY_JID_PART_MAX + 1];
	const struct ly_host *host;
	struct ly_jid jid;

	if (ly_jid_parse(&jid, arena, bare) || jid.local == NULL || jid.resource)
		return -EINVAL;
	host = ly_home_host(home, jid.domain);
	if (host == NULL || host->kind != LY_HOST_USERS ||
	    ly_home_index_of(home->env.n_homes, ly_span_str(jid.bare)) != home->conf.index)
		return -EINVAL;
	if (resource == NULL || *resource == '\0') {
		ly_rand_text(home->conf.rand, chosen, RESOURCE_LEN);
		resource = chosen;
	}
	if (ly_jid_prep_resource(prepped, sizeof(prepped), resource))
		return -EINVAL;
	return ly_jid_make(out, arena, jid.local, jid.domain, prepped) ? -EINVAL : 0;
}

static struct ly_session *create(struct ly_user *user, uint64_t conn, const struct ly_jid *jid)
{
	struct ly_session *s = ly_alloc(sizeof(*s), LY_MEM_SESSION);

	if (s == NULL)
		return NULL;
	s->jid = ly_strdup(jid->full, LY_MEM_SESSION);
	if (s->jid == NULL) {
		ly_free(s, LY_MEM_SESSION);
		return NULL;
	}
	s->resource = s->jid + strlen(jid->bare) + 1;
	s->user = user;
	s->home = user->home;
	s->conn = conn;
	s->last_in = user->home->now;
	s->state = LY_SESSION_CONNECTED;
	return s;
}

static void replace(struct ly_session *old, enum ly_stream_error cond, const char *text)
{
	struct ly_user *user = old->user;
	struct ly_home *home = old->home;

	ly_log(&lg, LY_INFO, "replaced", "jid=%s", old->jid);
	if (!ly_sm_is_detached(old->sm))
		home->env.close(home->env.ctx, old->conn, cond, text);
	user->pins++;
	ly_session_end(old);
	user->pins--;
}

/* Connections that broke without a word must not lock a user out for as long as TCP needs to
 * notice. */
static struct ly_session *most_silent(const struct ly_user *user)
{
	struct ly_session *oldest = NULL;

	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (ly_sm_is_detached(s->sm))
			return s;
		if (oldest == NULL || s->last_in < oldest->last_in)
			oldest = s;
	}
	return oldest;
}

/* Makes room for the resource; the older session of the same name goes (RFC 6120 s. 7.7.2.2). */
static int make_room(struct ly_user *user, const char *resource)
{
	const struct ly_home_limits *limits = &user->home->conf.limits;
	struct ly_session *old = ly_user_session(user, resource);

	if (old) {
		replace(old, LY_STREAM_CONFLICT, "the resource is in use on a newer connection");
		return 0;
	}
	if (user->n_sessions < limits->resources)
		return 0;
	old = most_silent(user);
	if (!ly_sm_is_detached(old->sm) && user->home->now - old->last_in <= limits->silent)
		return -E2BIG;
	replace(old, LY_STREAM_RESOURCE_CONSTRAINT,
		"too many devices, this one was silent longest");
	return 0;
}

int ly_session_bind(struct ly_home *home, uint64_t conn, const char *bare_jid, const char *resource,
		    struct ly_session **out)
{
	struct ly_arena arena;
	struct ly_jid jid;
	struct ly_user *user = NULL;
	struct ly_session *s;
	int err;

	*out = NULL;
	ly_arena_init(&arena, LY_MEM_SESSION, 0);
	err = full_jid(home, &arena, bare_jid, resource, &jid);
	if (err)
		goto out;
	user = ly_user_get(home, jid.bare);
	err = user ? make_room(user, jid.resource) : -ENOMEM;
	if (err)
		goto out;
	s = create(user, conn, &jid);
	if (s == NULL) {
		err = -ENOMEM;
		goto out;
	}
	ly_list_add_tail(&user->sessions, &s->link);
	user->n_sessions++;
	home->n_sessions++;
	ly_log(&lg, LY_INFO, "bound", "jid=%s", s->jid);
	ly_hook(home, user, s, session_bound);
	*out = s;
out:
	if (err && user)
		ly_user_check_idle(user);
	ly_arena_fini(&arena);
	return err;
}

/* ---- what the client sends ---- */

static void run_later(struct ly_home *home, struct ly_msg *msg);

static bool is_own(const struct ly_session *s, const struct ly_stanza *st)
{
	return !ly_jid_is_set(&st->to) || strcmp(st->to.full, s->user->jid) == 0;
}

static void take_iq(struct ly_session *s, struct ly_stanza *st)
{
	if (!is_own(s, st)) {
		ly_route(s->home, st);
		return;
	}
	if (st->type == LY_T_RESULT || st->type == LY_T_ERROR) {
		ly_stanza_free(st); /* the answer to a roster push */
		return;
	}
	if (!ly_pair_hold(s->home, st, s->user->jid, ly_session_key(s), run_later))
		ly_iq_dispatch(s->home, LY_TO_ACCOUNT, s->user, st);
}

static void take_message(struct ly_session *s, struct ly_stanza *st)
{
	/* RFC 6121 s. 5.2.1: without `to` it goes to the own account */
	if (!ly_jid_is_set(&st->to) && ly_stanza_set_to(st, s->user->jid)) {
		ly_bounce(s->home, st, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	ly_hook(s->home, s->user, s, message_sent, st);
	ly_route(s->home, st);
}

static void take_presence(struct ly_session *s, struct ly_stanza *st)
{
	bool addressed = ly_jid_is_set(&st->to);

	switch (st->type) {
	case LY_T_AVAILABLE:
	case LY_T_UNAVAILABLE:
		if (addressed)
			ly_presence_directed(s, st);
		else
			ly_presence_broadcast(s, st);
		break;
	case LY_T_SUBSCRIBE:
	case LY_T_SUBSCRIBED:
	case LY_T_UNSUBSCRIBE:
	case LY_T_UNSUBSCRIBED:
		if (addressed)
			ly_subscription_out(s, st);
		else
			ly_bounce(s->home, st, LY_BAD_REQUEST, "a subscription needs an addressee");
		break;
	default:
		if (addressed)
			ly_route(s->home, st);
		else
			ly_stanza_free(st);
	}
}

static void take_stanza(struct ly_session *s, struct ly_stanza *st)
{
	if (st->kind == LY_IQ)
		take_iq(s, st);
	else if (st->kind == LY_MESSAGE)
		take_message(s, st);
	else
		take_presence(s, st);
}

/* A stanza that was held back: its session may have ended, or been replaced by one of the same
 * name. */
static void run_later(struct ly_home *home, struct ly_msg *msg)
{
	struct ly_carrier *c = LY_CONTAINER_OF(msg, struct ly_carrier, msg);
	struct ly_session *s = ly_home_session(home, c->st->from.full);

	if (s && ly_session_key(s) == c->session)
		take_stanza(s, c->st);
	else if (c->st->kind == LY_MESSAGE && ly_jid_is_set(&c->st->to))
		ly_route(home, c->st); /* a last word, its stream closed behind it */
	else
		ly_stanza_free(c->st);
}

void ly_session_recv(struct ly_session *s, struct ly_stanza *st)
{
	if (s->state == LY_SESSION_DEAD || !ly_jid_is_set(&st->from)) {
		ly_stanza_free(st);
		return;
	}
	s->home->n_in++;
	s->last_in = s->home->now;
	if (ly_sm_is_broken(s->sm)) {
		ly_stanza_free(st);
		ly_sm_break(s);
		return;
	}
	if (s->sm && ly_sm_take(s->sm, st)) {
		ly_bounce(s->home, st, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	if (s->user->state == LY_USER_READY) {
		take_stanza(s, st);
	} else if (ly_user_hold(s->user, st, run_later)) {
		struct ly_msg *msg = LY_LIST_ENTRY(s->user->pending.prev, struct ly_msg, link);

		LY_CONTAINER_OF(msg, struct ly_carrier, msg)->session = ly_session_key(s);
	} else {
		ly_bounce(s->home, st, LY_RESOURCE_CONSTRAINT, "the account is still being read");
	}
}

/* ---- what the client gets ---- */

void ly_session_send_blob(struct ly_session *s, struct ly_blob *blob, const char *to)
{
	struct ly_home *home = s->home;

	if (s->state == LY_SESSION_DEAD)
		return;
	home->n_out++;
	if (s->sm == NULL && home->delivery)
		ly_delivery_seen(home->delivery);
	if (s->sm && !ly_sm_keep(s->sm, blob, to))
		return;
	home->env.send(home->env.ctx, s->conn, blob, to ? ly_span_str(to) : ly_span(NULL, 0));
	if (s->sm)
		ly_sm_sent(s->sm);
}

int ly_session_send(struct ly_session *s, const struct ly_xml *root)
{
	struct ly_blob *blob = ly_xml_to_blob(root, false);

	if (blob == NULL)
		return -ENOMEM;
	ly_session_send_blob(s, blob, NULL);
	ly_blob_unref(blob);
	return 0;
}
