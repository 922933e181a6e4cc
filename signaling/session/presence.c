/* Presence (RFC 6121 s. 4): initial, updates, unavailable, probes, directed presence. */
#include "signaling/session/core.h"
#include "signaling/session/sm.h"

#include <stdlib.h>

#include "base/log.h"

static const struct ly_log lg = { "presence", "" };

static bool sees_us(const struct ly_contact *c)
{
	return c->sub == LY_SUB_FROM || c->sub == LY_SUB_BOTH;
}

static bool shown_to_us(const struct ly_contact *c)
{
	return c->sub == LY_SUB_TO || c->sub == LY_SUB_BOTH;
}

/* ---- making and sending ---- */

static struct ly_xml *build(struct ly_arena *arena, const char *type, const char *from,
			    const char *to)
{
	struct ly_build b;
	struct ly_xml *root;

	ly_build_init(&b, arena);
	ly_build_open(&b, LY_NS_CLIENT, "presence");
	ly_build_attr(&b, "from", from);
	ly_build_attr(&b, "to", to);
	ly_build_attr(&b, "type", type);
	ly_build_finish(&b, &root);
	return root;
}

void ly_presence_send(struct ly_home *home, const char *type, const char *from, const char *to)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_stanza *st;

	if (doc == NULL)
		return;
	doc->root = build(&doc->arena, type, from, to);
	if (doc->root == NULL || ly_stanza_wrap(&st, doc)) {
		ly_log(&lg, LY_ERROR, "lost", "type=%s to=%s", type, to);
		ly_xml_doc_free(doc);
		return;
	}
	ly_route(home, st);
}

struct ly_blob *ly_presence_blob(const char *type, const char *from)
{
	struct ly_arena arena;
	struct ly_blob *blob = NULL;
	struct ly_xml *root;

	ly_arena_init(&arena, LY_MEM_XML, 0);
	root = build(&arena, type, from, NULL);
	if (root)
		blob = ly_xml_to_blob(root, true);
	ly_arena_fini(&arena);
	return blob;
}

/* The same bytes to one addressee anywhere. */
static void send_blob_to(struct ly_home *home, struct ly_blob *blob, const char *jid, bool ended)
{
	struct ly_stanza *st;

	if (ly_fan_is_local(home, jid)) {
		struct ly_fan *fan = ly_fan_create_blob(home, blob);

		ly_fan_add(fan, jid);
		ly_fan_send(fan);
	} else if (ly_stanza_parse(&st, ly_span(blob->data, blob->len)) == 0) {
		st->ended = ended;
		if (ly_stanza_set_to(st, jid) == 0)
			ly_route(home, st);
		else
			ly_stanza_free(st);
	}
}

/* To contacts on domains that nobody serves nothing is sent: each would come back as an error. */
static bool is_reachable(const struct ly_home *home, const char *jid)
{
	const char *at = strchr(jid, '@');

	return ly_home_host(home, at ? at + 1 : jid) != NULL;
}

static void tell_contacts(struct ly_user *user, struct ly_blob *blob)
{
	struct ly_home *home = user->home;
	struct ly_fan *fan = ly_fan_create_blob(home, blob);

	for (uint32_t i = 0; i < user->roster.n; i++) {
		const struct ly_contact *c = user->roster.v[i];

		if (!sees_us(c))
			continue;
		if (ly_fan_is_local(home, c->jid))
			ly_fan_add(fan, c->jid);
		else if (is_reachable(home, c->jid))
			send_blob_to(home, blob, c->jid, false);
	}
	ly_fan_send(fan);
}

static void tell_own(struct ly_user *user, struct ly_blob *blob)
{
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (s->state == LY_SESSION_AVAILABLE)
			ly_session_send_blob(s, blob, user->jid);
	}
}

void ly_presence_show(struct ly_user *user, const char *contact)
{
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (s->state == LY_SESSION_AVAILABLE)
			send_blob_to(user->home, s->presence, contact, false);
	}
}

void ly_presence_hide(struct ly_user *user, const char *contact)
{
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (s->state == LY_SESSION_AVAILABLE)
			ly_presence_send(user->home, "unavailable", s->jid, contact);
	}
}

/* ---- initial presence and updates ---- */

static void probe_contacts(struct ly_session *s)
{
	struct ly_user *user = s->user;
	struct ly_fan *fan = ly_fan_create_probe(s->home, s->jid);

	for (uint32_t i = 0; i < user->roster.n; i++) {
		const struct ly_contact *c = user->roster.v[i];

		if (!shown_to_us(c))
			continue;
		if (ly_fan_is_local(s->home, c->jid))
			ly_fan_add(fan, c->jid);
		else if (is_reachable(s->home, c->jid))
			ly_presence_send(s->home, "probe", s->jid, c->jid);
	}
	ly_fan_send(fan);
}

static void show_own_others(struct ly_session *s)
{
	LY_LIST_EACH (node, tmp, &s->user->sessions) {
		struct ly_session *other = LY_LIST_ENTRY(node, struct ly_session, link);

		if (other != s && other->state == LY_SESSION_AVAILABLE)
			ly_session_send_blob(s, other->presence, s->user->jid);
	}
}

/* @return false: not a priority (s. 4.7.2.3) */
static bool read_priority(const struct ly_xml *root, int8_t *out)
{
	const char *text = ly_xml_child_text(root, LY_NS_CLIENT, "priority");
	char *end;
	long v;

	*out = 0;
	if (text == NULL || *text == '\0')
		return true;
	v = strtol(text, &end, 10);
	if (*end != '\0' || v < -128 || v > 127)
		return false;
	*out = (int8_t)v;
	return true;
}

static void take_available(struct ly_session *s, const struct ly_stanza *st, struct ly_blob *blob,
			   int8_t priority)
{
	bool first = s->state != LY_SESSION_AVAILABLE;
	bool wants_stored = priority >= 0 && (first || s->priority < 0);

	ly_blob_unref(s->presence);
	s->presence = ly_blob_ref(blob);
	s->priority = priority;
	s->state = LY_SESSION_AVAILABLE;
	ly_hook(s->home, s->user, s, presence_sent, st);
	tell_own(s->user, blob);
	tell_contacts(s->user, blob);
	if (first) {
		show_own_others(s);
		probe_contacts(s);
		ly_subscription_requests(s);
		s->was_available = true;
	}
	if (wants_stored)
		ly_offline_take(s->user);
}

static void forget_directed(struct ly_session *s, const char *jid)
{
	for (size_t i = 0; i < s->n_directed; i++) {
		if (strcmp(s->directed[i], jid) != 0)
			continue;
		ly_free(s->directed[i], LY_MEM_SESSION);
		s->directed[i] = s->directed[--s->n_directed];
		return;
	}
}

/* Everybody who was told that the session is there hears that it is not. */
static void take_unavailable(struct ly_session *s, struct ly_blob *blob, bool ended)
{
	if (s->state == LY_SESSION_AVAILABLE)
		tell_contacts(s->user, blob);
	while (s->n_directed) {
		char *jid = s->directed[--s->n_directed];

		send_blob_to(s->home, blob, jid, ended);
		ly_free(jid, LY_MEM_SESSION);
	}
	ly_blob_unref(s->presence);
	s->presence = NULL;
	s->priority = 0;
	s->state = LY_SESSION_CONNECTED;
}

void ly_presence_broadcast(struct ly_session *s, struct ly_stanza *st)
{
	struct ly_blob *blob;
	int8_t priority;

	if (!read_priority(st->root, &priority)) {
		ly_bounce(s->home, st, LY_BAD_REQUEST,
			  "the priority is not a number from -128 to 127");
		return;
	}
	blob = ly_xml_to_blob(st->root, true);
	if (blob == NULL) {
		ly_bounce(s->home, st, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	if (blob->len > s->home->conf.limits.presence) {
		ly_blob_unref(blob);
		ly_bounce(s->home, st, LY_NOT_ACCEPTABLE, "the presence is too large");
		return;
	}
	if (st->type == LY_T_AVAILABLE) {
		take_available(s, st, blob, priority);
	} else {
		if (s->state == LY_SESSION_AVAILABLE)
			tell_own(s->user, blob);
		take_unavailable(s, blob, false);
		ly_hook(s->home, s->user, s, presence_sent, st);
	}
	ly_blob_unref(blob);
	ly_stanza_free(st);
}

void ly_presence_end(struct ly_session *s)
{
	struct ly_blob *blob;

	if (s->state != LY_SESSION_AVAILABLE && s->n_directed == 0)
		return;
	blob = ly_presence_blob("unavailable", s->jid);
	if (blob == NULL) {
		ly_log(&lg, LY_ERROR, "out-of-memory", "jid=%s", s->jid);
		return;
	}
	if (s->state == LY_SESSION_AVAILABLE) {
		s->state = LY_SESSION_CONNECTED; /* its own connection is gone: no copy for it */
		tell_own(s->user, blob);
		s->state = LY_SESSION_AVAILABLE;
	}
	take_unavailable(s, blob, true);
	ly_blob_unref(blob);
}

/* ---- directed presence ---- */

/* One entry per room whatever the nick: a session is in a room once. */
static void forget_same_room(struct ly_session *s, const struct ly_jid *to)
{
	size_t len = strlen(to->bare);

	for (size_t i = 0; i < s->n_directed; i++)
		if (strncmp(s->directed[i], to->bare, len) == 0 && s->directed[i][len] == '/') {
			ly_free(s->directed[i], LY_MEM_SESSION);
			s->directed[i] = s->directed[--s->n_directed];
			return;
		}
}

static void forget_addressee(struct ly_session *s, const struct ly_jid *to)
{
	const struct ly_host *host = ly_home_host(s->home, to->domain);

	if (host && host->kind == LY_HOST_ROOMS)
		forget_same_room(s, to);
	else
		forget_directed(s, to->full);
}

static int remember_directed(struct ly_session *s, const struct ly_jid *to)
{
	char *copy;

	forget_addressee(s, to);
	if (s->n_directed >= s->home->conf.limits.directed)
		return -E2BIG;
	if (s->n_directed == s->cap_directed) {
		uint16_t cap = (uint16_t)(s->cap_directed ? s->cap_directed * 2 : 2);
		void *v = ly_realloc(s->directed, cap * sizeof(*s->directed), LY_MEM_SESSION);

		if (v == NULL)
			return -ENOMEM;
		s->directed = v;
		s->cap_directed = cap;
	}
	copy = ly_strdup(to->full, LY_MEM_SESSION);
	if (copy == NULL)
		return -ENOMEM;
	s->directed[s->n_directed++] = copy;
	return 0;
}

/* s. 4.6.3: those that get our broadcasts need no memory of ours. */
static bool gets_broadcasts(const struct ly_session *s, const struct ly_jid *to)
{
	return s->state == LY_SESSION_AVAILABLE && ly_user_may_see(s->user, to);
}

void ly_presence_directed(struct ly_session *s, struct ly_stanza *st)
{
	int err = 0;

	if (st->type == LY_T_UNAVAILABLE)
		forget_addressee(s, &st->to);
	else if (!gets_broadcasts(s, &st->to))
		err = remember_directed(s, &st->to);
	if (err)
		ly_bounce(s->home, st, LY_RESOURCE_CONSTRAINT, "too many directed presences");
	else
		ly_route(s->home, st);
}

/* ---- probes ---- */

void ly_presence_probed(struct ly_user *user, const char *prober)
{
	struct ly_arena arena;
	struct ly_jid jid;

	ly_arena_init(&arena, LY_MEM_XML, 0);
	if (ly_jid_parse(&jid, &arena, prober) == 0 && ly_user_may_see(user, &jid))
		ly_presence_show(user, prober);
	ly_arena_fini(&arena);
}

void ly_presence_probe(struct ly_user *user, struct ly_stanza *st)
{
	if (!ly_jid_is_set(&st->from)) {
		ly_stanza_free(st);
		return;
	}
	if (!ly_user_may_see(user, &st->from)) {
		ly_presence_refuse_probe(user->home, st);
		return;
	}
	if (ly_user_is_available(user))
		ly_presence_show(user, st->from.full);
	else
		ly_presence_send(user->home, "unavailable", user->jid, st->from.full);
	ly_stanza_free(st);
}

void ly_presence_refuse_probe(struct ly_home *home, struct ly_stanza *st)
{
	if (ly_jid_is_set(&st->from))
		ly_presence_send(home, "unsubscribed", st->to.bare, st->from.bare);
	ly_stanza_free(st);
}

/* ---- stored messages ---- */

static void store_again(struct ly_user *user, const struct ly_store_text *text)
{
	struct ly_store_req *req =
		ly_store_req_create(user->home->conf.index, LY_STORE_OFFLINE_ADD, user->jid);

	if (req) {
		req->u.text.xml = ly_store_str(req, text->xml);
		req->u.text.wall = text->wall;
		ly_home_store(user->home, req);
	}
	if (req == NULL)
		ly_log(&lg, LY_ERROR, "offline-lost", "user=%s", user->jid);
}

void ly_offline_hand_out(struct ly_user *user, const struct ly_store_req *req)
{
	for (size_t i = 0; !req->err && i < req->u.texts.n; i++) {
		const struct ly_store_text *text = &req->u.texts.v[i];
		struct ly_blob *blob = NULL;
		struct ly_delivery delivery;
		bool sent = false;

		ly_delivery_begin(user->home, &delivery);
		LY_LIST_EACH (node, tmp, &user->sessions) {
			struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

			if (s->state != LY_SESSION_AVAILABLE || s->priority < 0)
				continue;
			if (blob == NULL)
				blob = ly_blob_create(ly_span_str(text->xml), strlen("<message"));
			if (blob == NULL)
				break;
			ly_session_send_blob(s, blob, user->jid);
			sent = true;
		}
		ly_delivery_end(user->home, blob);
		if (!sent)
			store_again(user, text);
		ly_blob_unref(blob);
	}
}
