/* What an account gets (RFC 6121 s. 8.5): one resource, the best ones, the server on its behalf, or
 * the offline store. */
#include "signaling/router/core.h"
#include "signaling/session/core.h"
#include "signaling/session/sm.h"

#include "base/log.h"

static const struct ly_log lg = { "deliver", "" };

static bool is_subscription(enum ly_stanza_type type)
{
	return type == LY_T_SUBSCRIBE || type == LY_T_SUBSCRIBED || type == LY_T_UNSUBSCRIBE ||
	       type == LY_T_UNSUBSCRIBED;
}

/* ---- messages ---- */

bool ly_offline_keeps(const struct ly_stanza *st)
{
	if (st->type != LY_T_NORMAL && st->type != LY_T_CHAT)
		return false;
	if (ly_xml_child(st->root, "urn:xmpp:hints", "no-store") ||
	    ly_xml_child(st->root, "urn:xmpp:hints", "no-permanent-store"))
		return false;
	return ly_xml_child(st->root, LY_NS_CLIENT, "body") ||
	       ly_xml_child(st->root, "urn:xmpp:hints", "store");
}

static void offline_added(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct ly_stanza *st = ctx;

	if (home == NULL || req->err == 0) {
		ly_stanza_free(st);
		return;
	}
	if (req->err != -ENOENT)
		ly_log(&lg, LY_WARN, "offline-refused", "to=%s err=%s", req->owner,
		       ly_err_name(req->err));
	/* RFC 6121 s. 8.5.1, 8.5.2.2: an unknown account and a full store look the same */
	ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
}

static void add_delay(struct ly_build *b, const char *domain, ly_usec wall)
{
	char stamp[LY_DATETIME_MAX];

	ly_datetime_format(stamp, sizeof(stamp), wall);
	ly_build_open(b, "urn:xmpp:delay", "delay");
	ly_build_attr(b, "from", domain);
	ly_build_attr(b, "stamp", stamp);
	ly_build_close(b);
}

/* The message as it will be delivered: with the time of its arrival (XEP-0203), without `to`. */
static const char *offline_text(struct ly_home *home, struct ly_store_req *req,
				const struct ly_stanza *st)
{
	struct ly_build b;
	struct ly_xml *root;
	struct ly_blob *blob;
	const char *text = NULL;

	ly_build_init(&b, &req->arena);
	ly_build_open_like(&b, st->root);
	ly_build_copy_children(&b, st->root);
	if (!st->is_stamped)
		add_delay(&b, st->to.domain, home->wall);
	if (ly_build_finish(&b, &root))
		return NULL;
	blob = ly_xml_to_blob(root, true);
	if (blob)
		text = ly_arena_strndup(&req->arena, (const char *)blob->data, blob->len);
	ly_blob_unref(blob);
	return text;
}

static void store_offline(struct ly_home *home, struct ly_stanza *st)
{
	struct ly_store_req *req;

	if (!ly_offline_keeps(st)) {
		ly_stanza_free(st);
		return;
	}
	req = ly_store_req_create(home->conf.index, LY_STORE_OFFLINE_ADD, st->to.bare);
	if (req)
		req->u.text.xml = offline_text(home, req, st);
	if (req == NULL || req->u.text.xml == NULL) {
		ly_store_req_destroy(req);
		ly_bounce(home, st, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	req->u.text.wall = home->wall;
	req->n = home->conf.limits.offline;
	req->done = offline_added;
	req->ctx = st;
	ly_home_store(home, req);
}

/* The resources a message to the bare JID goes to: all of the highest priority, for a headline all
 * that are not negative (s. 8.5.2.1.1). */
static size_t choose(const struct ly_user *user, bool all, struct ly_session **out)
{
	size_t n = 0;
	int best = 0;

	if (user == NULL)
		return 0;
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (s->state != LY_SESSION_AVAILABLE || s->priority < 0 || n == LY_RESOURCES_MAX)
			continue;
		if (!all && s->priority > best)
			n = 0;
		if (!all && s->priority < best)
			continue;
		best = s->priority; /* NOLINT: -128 to 127 is meant */
		out[n++] = s;
	}
	return n;
}

/* Within the message's delivery, if it is one. */
static struct ly_blob *send_to_all(struct ly_stanza *st, struct ly_session *const *to, size_t n)
{
	struct ly_blob *blob = ly_xml_to_blob(st->root, false);

	for (size_t i = 0; blob && i < n; i++)
		ly_session_send_blob(to[i], blob, NULL);
	if (blob == NULL)
		ly_log(&lg, LY_ERROR, "message-lost", "to=%s", st->to.full);
	return blob;
}

/* A message to sessions of a user, with what the features make of it. */
static void send_message(struct ly_home *home, struct ly_user *user, struct ly_stanza *st,
			 struct ly_session *const *to, size_t n)
{
	struct ly_delivery delivery;
	struct ly_blob *blob;

	ly_delivery_begin(home, &delivery);
	ly_hook(home, user, n == 1 ? to[0] : NULL, message_delivered, st, to, n);
	blob = send_to_all(st, to, n);
	ly_delivery_end(home, blob);
	ly_blob_unref(blob);
	ly_stanza_free(st);
}

static void message_to_bare(struct ly_home *home, struct ly_user *user, struct ly_stanza *st)
{
	struct ly_session *to[LY_RESOURCES_MAX];
	size_t n;

	if (st->type == LY_T_ERROR) {
		ly_stanza_free(st);
		return;
	}
	if (st->type == LY_T_GROUPCHAT) {
		ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	if (user && user->taking && ly_user_hold(user, st, ly_run_deliver))
		return; /* behind the stored ones */
	n = choose(user, st->type == LY_T_HEADLINE, to);
	if (n) {
		send_message(home, user, st, to, n);
		return;
	}
	if (user)
		ly_hook(home, user, NULL, message_delivered, st, to, 0);
	store_offline(home, st);
}

static void message_to_full(struct ly_home *home, struct ly_user *user, struct ly_session *session,
			    struct ly_stanza *st)
{
	if (session) {
		send_message(home, user, st, &session, 1);
	} else if (st->type == LY_T_CHAT) {
		message_to_bare(home, user, st); /* s. 8.5.3.2.1 */
	} else if (st->type == LY_T_HEADLINE) {
		ly_stanza_free(st);
	} else {
		ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
	}
}

/* A copy of a message with the time when it came, addressed to the account; NULL: no memory. */
static struct ly_stanza *as_late(const struct ly_user *user, const struct ly_stanza *st,
				 ly_usec wall)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	const char *domain = strchr(user->jid, '@') + 1;
	const struct ly_xml *delay = ly_xml_child(st->root, "urn:xmpp:delay", "delay");
	const char *by = ly_xml_attr(delay, "from");
	struct ly_stanza *late = NULL;
	struct ly_build b;

	if (doc == NULL)
		return NULL;
	ly_build_init(&b, &doc->arena);
	ly_build_open_like(&b, st->root);
	ly_build_attr(&b, "to", user->jid);
	ly_build_copy_children(&b, st->root);
	if (by == NULL || strcmp(by, domain) != 0) /* else it was stored before */
		add_delay(&b, domain, wall);
	if (ly_build_finish(&b, &doc->root) || ly_stanza_wrap(&late, doc)) {
		ly_xml_doc_free(doc);
		return NULL;
	}
	late->is_stamped = true;
	return late;
}

static bool starts_with(const struct ly_blob *blob, const char *text)
{
	return blob->len > strlen(text) && memcmp(blob->data, text, strlen(text)) == 0;
}

void ly_redeliver(struct ly_user *user, const struct ly_blob *blob, ly_usec wall)
{
	struct ly_stanza *st, *late;

	if (!starts_with(blob, "<message") && !starts_with(blob, "<iq"))
		return;
	if (ly_stanza_parse(&st, ly_span(blob->data, blob->len))) {
		ly_log(&lg, LY_ERROR, "unacknowledged-lost", "user=%s", user->jid);
		return;
	}
	if (st->kind == LY_IQ && (st->type == LY_T_GET || st->type == LY_T_SET)) {
		ly_bounce(user->home, st, LY_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	if (st->kind == LY_MESSAGE && ly_offline_keeps(st)) {
		late = as_late(user, st, wall);
		if (late)
			message_to_bare(user->home, user, late);
		else
			ly_log(&lg, LY_ERROR, "out-of-memory", "user=%s", user->jid);
	}
	ly_stanza_free(st);
}

/* ---- presence and IQ ---- */

static void presence_to(struct ly_home *home, struct ly_user *user, struct ly_session *session,
			struct ly_stanza *st)
{
	struct ly_user *loaded;

	if (is_subscription(st->type) || st->type == LY_T_PROBE) {
		loaded = ly_user_get(home, st->to.bare);
		if (loaded == NULL) {
			ly_stanza_free(st);
		} else if (loaded->state == LY_USER_LOADING) {
			if (!ly_user_hold(loaded, st, ly_run_deliver))
				ly_bounce(home, st, LY_RESOURCE_CONSTRAINT, NULL);
		} else if (st->type == LY_T_PROBE) {
			ly_presence_probe(loaded, st);
		} else {
			ly_subscription_in(loaded, st);
		}
		return;
	}
	if (session) {
		ly_session_send(session, st->root);
	} else if (ly_jid_is_bare(&st->to) && user) {
		struct ly_session *to[LY_RESOURCES_MAX];
		size_t n = 0;

		LY_LIST_EACH (node, tmp, &user->sessions) {
			struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

			if (s->state == LY_SESSION_AVAILABLE && n < LY_RESOURCES_MAX)
				to[n++] = s;
		}
		ly_blob_unref(send_to_all(st, to, n));
	}
	ly_stanza_free(st);
}

static void iq_to(struct ly_home *home, struct ly_session *session, struct ly_stanza *st)
{
	struct ly_user *user;

	if (session) {
		ly_session_send(session, st->root);
		ly_stanza_free(st);
		return;
	}
	if (st->type == LY_T_RESULT || st->type == LY_T_ERROR) {
		ly_stanza_free(st);
		return;
	}
	if (!ly_jid_is_bare(&st->to)) {
		ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	user = ly_user_get(home, st->to.bare);
	if (user && user->state == LY_USER_READY) {
		ly_iq_dispatch(home, LY_TO_ACCOUNT, user, st);
		ly_user_check_idle(user);
	} else if (user == NULL || !ly_user_hold(user, st, ly_run_deliver)) {
		ly_bounce(home, st, LY_RESOURCE_CONSTRAINT, NULL);
	}
}

void ly_deliver_account(struct ly_home *home, struct ly_stanza *st)
{
	struct ly_user *user = ly_home_user(home, st->to.bare);
	struct ly_session *session = NULL;

	if (user && st->to.resource)
		session = ly_user_session(user, st->to.resource);
	if (st->kind == LY_PRESENCE) {
		presence_to(home, user, session, st);
	} else if (st->kind == LY_IQ) {
		iq_to(home, session, st);
	} else {
		home->n_messages++;
		if (ly_jid_is_bare(&st->to))
			message_to_bare(home, user, st);
		else
			message_to_full(home, user, session, st);
	}
}

void ly_refuse_unknown(struct ly_home *home, struct ly_stanza *st)
{
	/* s. 8.5.1, 4.3.2: the answers are those that an account of a stranger would give */
	if (st->kind == LY_PRESENCE && st->type == LY_T_PROBE)
		ly_presence_refuse_probe(home, st);
	else if (st->kind == LY_PRESENCE)
		ly_stanza_free(st);
	else
		ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
}

/* ---- taking the stored ones ---- */

static void offline_taken(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct ly_user *user;

	(void)ctx;
	if (home == NULL)
		return;
	user = ly_home_user(home, req->owner);
	if (user == NULL)
		return;
	user->pins--;
	user->taking = false;
	if (req->err)
		ly_log(&lg, LY_ERROR, "offline-take", "user=%s err=%s", user->jid,
		       ly_err_name(req->err));
	ly_offline_hand_out(user, req);
	ly_user_run_pending(user);
	ly_user_check_idle(user);
}

void ly_offline_take(struct ly_user *user)
{
	struct ly_store_req *req;

	if (user->taking)
		return;
	req = ly_store_req_create(user->home->conf.index, LY_STORE_OFFLINE_TAKE, user->jid);
	if (req == NULL) {
		ly_log(&lg, LY_ERROR, "out-of-memory", "user=%s", user->jid);
		return;
	}
	req->done = offline_taken;
	user->taking = true;
	user->pins++;
	ly_home_store(user->home, req);
}
