/* Users in memory: loading with the roster, holding what comes meanwhile, letting go of idle ones.
 */
#include "signaling/session/core.h"
#include "signaling/session/sm.h"

#include "base/log.h"

static const struct ly_log lg = { "user", "" };

void ly_user_free(struct ly_user *user)
{
	if (user == NULL)
		return;
	LY_LIST_EACH (node, tmp, &user->sessions)
		ly_session_free(LY_LIST_ENTRY(node, struct ly_session, link));
	LY_LIST_EACH (node, tmp, &user->pending) {
		struct ly_msg *msg = LY_LIST_ENTRY(node, struct ly_msg, link);

		ly_list_del(node);
		msg->drop(msg);
	}
	ly_timers_del(&user->home->timers, &user->idle.timer);
	ly_roster_fini(&user->roster);
	ly_free(user->jid, LY_MEM_SESSION);
	ly_free(user, LY_MEM_SESSION);
}

static void forget(struct ly_user *user)
{
	ly_map_del(&user->home->users, ly_span_str(user->jid));
	ly_user_free(user);
}

static bool is_idle(const struct ly_user *user)
{
	return user->n_sessions == 0 && user->pins == 0 && user->loads == 0 &&
	       user->call_slot == NULL && ly_list_is_empty(&user->pending);
}

static void on_idle(struct ly_home *home, struct ly_home_timer *t)
{
	struct ly_user *user = LY_CONTAINER_OF(t, struct ly_user, idle);

	(void)home;
	if (is_idle(user))
		forget(user);
}

void ly_user_check_idle(struct ly_user *user)
{
	struct ly_home *home = user->home;

	if (is_idle(user) &&
	    ly_home_timer_set(home, &user->idle, home->now + home->conf.limits.linger))
		forget(user); /* no memory for the timer */
}

bool ly_user_hold(struct ly_user *user, struct ly_stanza *st,
		  void (*run)(struct ly_home *home, struct ly_msg *msg))
{
	struct ly_carrier *c;

	if (user->n_pending >= user->home->conf.limits.waiting)
		return false;
	c = ly_carry(user->home, st, run);
	if (c == NULL)
		return false;
	ly_list_add_tail(&user->pending, &c->msg.link);
	user->n_pending++;
	return true;
}

static void take_pending(struct ly_user *user, struct ly_list *out)
{
	ly_list_init(out);
	LY_LIST_EACH (node, tmp, &user->pending) {
		ly_list_del(node);
		ly_list_add_tail(out, node);
	}
	user->n_pending = 0;
}

void ly_user_run_pending(struct ly_user *user)
{
	struct ly_home *home = user->home;
	struct ly_list todo;

	take_pending(user, &todo);
	while (!ly_list_is_empty(&todo)) {
		struct ly_msg *msg = LY_LIST_ENTRY(todo.next, struct ly_msg, link);

		ly_list_del(&msg->link);
		msg->run(home, msg);
	}
}

void ly_user_kick(struct ly_user *user, enum ly_stream_error cond, const char *text)
{
	user->pins++;
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (!ly_sm_is_detached(s->sm))
			user->home->env.close(user->home->env.ctx, s->conn, cond, text);
		ly_session_end(s);
	}
	user->pins--;
	ly_user_check_idle(user);
}

/* There is no such account (or it cannot be read): nothing may wait for it any longer. */
static void load_failed(struct ly_user *user, bool unknown)
{
	struct ly_home *home = user->home;
	struct ly_list todo;

	user->pins++; /* it ends below, not in the kick */
	ly_user_kick(user, unknown ? LY_STREAM_NOT_AUTHORIZED : LY_STREAM_INTERNAL_SERVER_ERROR,
		     unknown ? "no such account" : "the account cannot be read");
	take_pending(user, &todo);
	forget(user);
	while (!ly_list_is_empty(&todo)) {
		struct ly_msg *msg = LY_LIST_ENTRY(todo.next, struct ly_msg, link);
		struct ly_stanza *st = LY_CONTAINER_OF(msg, struct ly_carrier, msg)->st;

		ly_list_del(&msg->link);
		if (unknown)
			ly_refuse_unknown(home, st);
		else
			ly_bounce(home, st, LY_INTERNAL_SERVER_ERROR, NULL);
	}
}

static void loaded(struct ly_user *user)
{
	if (!user->known || user->failed) {
		load_failed(user, !user->failed);
		return;
	}
	user->state = LY_USER_READY;
	user->pins++;
	ly_user_run_pending(user);
	user->pins--;
	ly_user_check_idle(user);
}

static void take_roster(struct ly_user *user, const struct ly_store_req *req)
{
	for (size_t i = 0; i < req->u.roster.n; i++)
		if (ly_roster_put(&user->roster, &req->u.roster.v[i], NULL))
			user->failed = true;
}

static void on_load(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct ly_user *user;

	(void)ctx;
	user = home ? ly_home_user(home, req->owner) : NULL;
	if (user == NULL)
		return;
	if (req->op == LY_STORE_USER_GET) {
		user->known = req->err == 0 && !req->u.user.disabled;
		user->role = req->err == 0 ? (uint8_t)req->u.user.role : 0;
	}
	if (req->err && req->err != -ENOENT) {
		ly_log(&lg, LY_ERROR, "load", "user=%s op=%s err=%s", user->jid,
		       ly_store_op_name(req->op), ly_err_name(req->err));
		user->failed = true;
	} else if (req->err == 0 && req->op == LY_STORE_ROSTER_GET) {
		take_roster(user, req);
	}
	if (--user->loads == 0)
		loaded(user);
}

static int submit_load(struct ly_user *user, enum ly_store_op op)
{
	struct ly_store_req *req = ly_store_req_create(user->home->conf.index, op, user->jid);

	if (req == NULL)
		return -ENOMEM;
	req->done = on_load;
	user->loads++;
	ly_home_store(user->home, req);
	return 0;
}

struct ly_user *ly_user_get(struct ly_home *home, const char *bare_jid)
{
	struct ly_user *user = ly_home_user(home, bare_jid);

	if (user)
		return user;
	user = ly_alloc(sizeof(*user), LY_MEM_SESSION);
	if (user == NULL)
		return NULL;
	user->home = home;
	user->idle.fire = on_idle;
	ly_list_init(&user->sessions);
	ly_list_init(&user->pending);
	user->jid = ly_strdup(bare_jid, LY_MEM_SESSION);
	if (user->jid == NULL || ly_map_put(&home->users, ly_span_str(user->jid), user)) {
		ly_user_free(user);
		return NULL;
	}
	if (submit_load(user, LY_STORE_USER_GET) || submit_load(user, LY_STORE_ROSTER_GET))
		user->failed = true; /* refused when the first has answered */
	if (user->loads == 0) {
		forget(user);
		return NULL;
	}
	return user;
}

bool ly_user_is_available(const struct ly_user *user)
{
	LY_LIST_EACH (node, tmp, &user->sessions)
		if (LY_LIST_ENTRY(node, struct ly_session, link)->state == LY_SESSION_AVAILABLE)
			return true;
	return false;
}

struct ly_session *ly_user_session(const struct ly_user *user, const char *resource)
{
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (strcmp(s->resource, resource) == 0)
			return s;
	}
	return NULL;
}

bool ly_user_may_see(const struct ly_user *user, const struct ly_jid *jid)
{
	const struct ly_contact *c;

	if (strcmp(user->jid, jid->bare) == 0)
		return true;
	c = ly_roster_find(&user->roster, jid->bare);
	return c && (c->sub == LY_SUB_FROM || c->sub == LY_SUB_BOTH);
}

int ly_user_notify(struct ly_user *user, struct ly_build *b)
{
	struct ly_arena arena;
	struct ly_build msg;
	struct ly_xml *from, *root;
	struct ly_blob *blob = NULL;
	int err = ly_build_finish(b, &from);

	if (err)
		return err;
	ly_arena_init(&arena, LY_MEM_XML, 0);
	ly_build_init(&msg, &arena);
	ly_build_open(&msg, LY_NS_CLIENT, "message");
	ly_build_attr(&msg, "type", "headline");
	ly_build_attr(&msg, "from", user->jid);
	ly_build_copy_children(&msg, from);
	err = ly_build_finish(&msg, &root);
	if (!err)
		blob = ly_xml_to_blob(root, true);
	if (!err && blob == NULL)
		err = -ENOMEM;
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (!err && s->state == LY_SESSION_AVAILABLE)
			ly_session_send_blob(s, blob, s->jid);
	}
	ly_blob_unref(blob);
	ly_arena_fini(&arena);
	return err;
}
