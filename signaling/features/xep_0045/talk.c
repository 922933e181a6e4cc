/* Messages sent to a room or to an occupant (XEP-0045 s. 7.4, 7.5, 8.1). */
#include "signaling/features/xep_0045/muc_priv.h"

#include <inttypes.h>

#define NS_HINTS "urn:xmpp:hints"

void ly_room_next_id(struct ly_room *room, char out[24])
{
	uint64_t wall = (uint64_t)ly_home_wall(room->muc->home);

	/* a clock that steps back must not give an id twice */
	room->last_id = LY_MAX(wall, room->last_id + 1);
	snprintf(out, 24, "%016" PRIx64, room->last_id);
}

/* ---- the queue to everybody ---- */

void ly_muc_post_free(struct ly_muc_post *post)
{
	if (post == NULL)
		return;
	ly_blob_unref(post->live);
	ly_muc_said_free(post->said);
	ly_stanza_free(post->origin);
	ly_free(post, LY_MEM_ROOM);
}

void ly_room_post(struct ly_room *room, struct ly_muc_post *post)
{
	ly_list_add_tail(&room->posts, &post->link);
	room->n_posts++;
	room->post_bytes += post->live->len;
	ly_room_flush_posts(room);
}

static void go(struct ly_room *room, struct ly_muc_post *post)
{
	if (post->failed) {
		if (post->origin != NULL)
			ly_muc_refuse_typed(room->muc, post->origin, LY_INTERNAL_SERVER_ERROR,
					    LY_ERR_WAIT, "The message could not be kept.");
		post->origin = NULL;
	} else {
		ly_room_fan(room, post->live);
		if (post->said != NULL)
			ly_room_add_history(room, post->said);
		post->said = NULL;
	}
	ly_muc_post_free(post);
}

void ly_room_flush_posts(struct ly_room *room)
{
	while (!ly_list_is_empty(&room->posts)) {
		struct ly_muc_post *post =
			LY_LIST_ENTRY(room->posts.next, struct ly_muc_post, link);

		if (!post->ready)
			return;
		ly_list_del(&post->link);
		room->n_posts--;
		room->post_bytes -= post->live->len;
		go(room, post);
	}
}

/* ---- what an occupant says to all ---- */

/* Children that only the room may add (s. 17.3, XEP-0359 s. 6). */
static bool is_forged(const struct ly_room *room, const struct ly_xml *c)
{
	const char *by;

	if (c->name == NULL)
		return false;
	if (strcmp(c->ns, LY_NS_MUC_USER) == 0)
		return true;
	if (strcmp(c->ns, LY_NS_SID) != 0 || strcmp(c->name, "stanza-id") != 0)
		return false;
	by = ly_xml_attr(c, "by");
	return by != NULL && strcmp(by, room->jid) == 0;
}

/* The message as all get it; delay_wall 0: now, else as history. NULL: no memory */
static struct ly_blob *reflect(const struct ly_room *room, const struct ly_xml *msg,
			       const char *from, const char *stanza_id, ly_usec delay_wall)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_blob *blob = NULL;
	struct ly_xml *root;
	struct ly_build b;
	char stamp[LY_DATETIME_MAX];

	if (doc == NULL)
		return NULL;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	ly_build_attr(&b, "from", from);
	ly_build_attr(&b, "type", "groupchat");
	ly_build_attr(&b, "id", ly_xml_attr(msg, "id"));
	ly_build_attr(&b, "xml:lang", ly_xml_attr(msg, "xml:lang"));
	for (const struct ly_xml *c = msg->first; c != NULL; c = c->next)
		if (!is_forged(room, c))
			ly_build_copy(&b, c);
	if (stanza_id != NULL) {
		ly_build_open(&b, LY_NS_SID, "stanza-id");
		ly_build_attr(&b, "by", room->jid);
		ly_build_attr(&b, "id", stanza_id);
		ly_build_close(&b);
	}
	if (delay_wall != 0) {
		ly_datetime_format(stamp, sizeof(stamp), delay_wall);
		ly_build_open(&b, LY_NS_DELAY, "delay");
		ly_build_attr(&b, "from", room->jid);
		ly_build_attr(&b, "stamp", stamp);
		ly_build_close(&b);
	}
	if (ly_build_finish(&b, &root) == 0)
		blob = ly_xml_to_blob(root, true);
	ly_xml_doc_free(doc);
	return blob;
}

static bool is_kept(const struct ly_room *room, const struct ly_xml *msg)
{
	return room->conf.max_history > 0 && ly_xml_child(msg, LY_NS_CLIENT, "body") != NULL &&
	       ly_xml_child(msg, NS_HINTS, "no-store") == NULL &&
	       ly_xml_child(msg, NS_HINTS, "no-permanent-store") == NULL;
}

/* A post of a message in the name of @p from; not queued yet. NULL: no memory */
static struct ly_muc_post *post_of(struct ly_room *room, const struct ly_xml *msg, const char *from,
				   bool keep)
{
	ly_usec wall = ly_home_wall(room->muc->home);
	struct ly_muc_post *post = (struct ly_muc_post *)ly_alloc(sizeof(*post), LY_MEM_ROOM);
	struct ly_blob *said;
	char id[24];

	if (post == NULL)
		return NULL;
	if (keep)
		ly_room_next_id(room, id);
	post->live = reflect(room, msg, from, keep ? id : NULL, 0);
	if (keep && (said = reflect(room, msg, from, id, wall)) != NULL) {
		post->said = ly_muc_said_create(said, wall);
		ly_blob_unref(said);
	}
	if (post->live == NULL || (keep && post->said == NULL)) {
		ly_muc_post_free(post);
		return NULL;
	}
	post->num = ++room->muc->next_id;
	post->ready = true;
	return post;
}

int ly_room_say(struct ly_room *room, const struct ly_xml *msg, const char *from)
{
	struct ly_muc_post *post = post_of(room, msg, from, false);

	if (post == NULL)
		return -ENOMEM;
	ly_room_post(room, post);
	return 0;
}

static bool may_set_subject(const struct ly_room *room, const struct ly_muc_occupant *occ)
{
	return occ->role == LY_MUC_MODERATOR ||
	       (room->conf.change_subject && occ->role == LY_MUC_PARTICIPANT);
}

static int set_subject(struct ly_room *room, const struct ly_muc_occupant *occ, const char *subject)
{
	if (ly_room_set_str(&room->subject_nick, occ->nick) != 0 ||
	    ly_room_set_str(&room->subject, subject) != 0)
		return -ENOMEM;
	room->subject_wall = ly_home_wall(room->muc->home);
	return 0;
}

static void change_subject(struct ly_room *room, const struct ly_muc_occupant *occ,
			   struct ly_stanza *st, const char *subject)
{
	struct ly_muc_post *post;

	if (!may_set_subject(room, occ)) {
		ly_muc_refuse(room->muc, st, LY_FORBIDDEN, NULL);
		return;
	}
	if (strlen(subject) > LY_MUC_MAX_TEXT) {
		ly_muc_refuse(room->muc, st, LY_NOT_ACCEPTABLE, "The subject is too long.");
		return;
	}
	post = post_of(room, st->root, occ->jid, false);
	if (post == NULL || set_subject(room, occ, subject) != 0 ||
	    (room->conf.persistent && ly_room_keep_subject(room, post) != 0)) {
		ly_muc_post_free(post);
		ly_muc_refuse(room->muc, st, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	post->origin = st;
	ly_room_post(room, post);
}

static void groupchat(struct ly_room *room, struct ly_stanza *st)
{
	const struct ly_muc_session *s = ly_room_session(room, &st->from);
	const struct ly_xml *subject = ly_xml_child(st->root, LY_NS_CLIENT, "subject");
	struct ly_muc_post *post;
	bool keep;

	if (s == NULL) {
		ly_muc_refuse(room->muc, st, LY_NOT_ACCEPTABLE, "You are not in the room.");
		return;
	}
	if (room->n_posts >= LY_MUC_MAX_POSTS || room->post_bytes >= LY_MUC_MAX_POST_BYTES) {
		ly_muc_refuse(room->muc, st, LY_RESOURCE_CONSTRAINT, "Too many messages at once.");
		return;
	}
	/* s. 7.2.15 note: a subject with a body is a message like others */
	if (subject != NULL && ly_xml_child(st->root, LY_NS_CLIENT, "body") == NULL &&
	    ly_xml_child(st->root, LY_NS_CLIENT, "thread") == NULL) {
		change_subject(room, s->occ, st, ly_xml_text(subject));
		return;
	}
	if (s->occ->role < LY_MUC_PARTICIPANT) {
		ly_muc_refuse(room->muc, st, LY_FORBIDDEN, NULL);
		return;
	}
	keep = is_kept(room, st->root);
	post = post_of(room, st->root, s->occ->jid, keep);
	if (post == NULL || (keep && room->conf.persistent && ly_room_keep(room, post) != 0)) {
		ly_muc_post_free(post);
		ly_muc_refuse(room->muc, st, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	post->origin = st;
	ly_room_post(room, post);
}

void ly_room_send_subject(struct ly_room *room, const struct ly_muc_session *to)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;
	char stamp[LY_DATETIME_MAX];

	if (doc == NULL)
		return;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	if (room->subject_nick != NULL && *room->subject_nick)
		ly_build_attr_fmt(&b, "from", "%s/%s", room->jid, room->subject_nick);
	else
		ly_build_attr(&b, "from", room->jid);
	ly_build_attr(&b, "to", to->jid.full);
	ly_build_attr(&b, "type", "groupchat");
	ly_build_element(&b, NULL, "subject", room->subject);
	if (room->subject != NULL) {
		ly_datetime_format(stamp, sizeof(stamp), room->subject_wall);
		ly_build_open(&b, LY_NS_DELAY, "delay");
		ly_build_attr(&b, "from", room->jid);
		ly_build_attr(&b, "stamp", stamp);
		ly_build_close(&b);
	}
	ly_room_route(room, doc, &b);
}

/* ---- private messages ---- */

static bool may_send_private(const struct ly_room *room, const struct ly_muc_occupant *from,
			     const struct ly_muc_occupant *to)
{
	switch (room->conf.allow_pm) {
	case LY_MUC_ALLOW_ALL:
		return true;
	case LY_MUC_ALLOW_PARTICIPANTS:
		return from->role >= LY_MUC_PARTICIPANT;
	case LY_MUC_ALLOW_MODERATORS:
		return from->role == LY_MUC_MODERATOR;
	case LY_MUC_ALLOW_NONE:
		break;
	}
	return to->agent != NULL; /* the service itself can always be talked to */
}

/* s. 7.5: from the occupant's room JID, with an empty muc#user element to tell it from a chat */
static void deliver_private(struct ly_room *room, const struct ly_stanza *st, const char *from,
			    const struct ly_muc_occupant *to)
{
	LY_LIST_EACH (n, tmp, &to->sessions) {
		const struct ly_muc_session *s = LY_LIST_ENTRY(n, struct ly_muc_session, link);
		struct ly_xml_doc *doc = ly_xml_doc_create(0);
		struct ly_build b;

		if (doc == NULL)
			return;
		ly_build_init(&b, &doc->arena);
		ly_build_open_like(&b, st->root);
		ly_build_attr(&b, "from", from);
		ly_build_attr(&b, "to", s->jid.full);
		for (const struct ly_xml *c = st->root->first; c != NULL; c = c->next)
			if (!is_forged(room, c))
				ly_build_copy(&b, c);
		ly_build_element(&b, LY_NS_MUC_USER, "x", NULL);
		ly_room_route(room, doc, &b);
	}
}

static void private_message(struct ly_room *room, struct ly_stanza *st)
{
	struct ly_muc_occupant *to = ly_room_by_nick(room, st->to.resource);
	const struct ly_muc_session *s = ly_room_session(room, &st->from);

	if (st->type == LY_T_GROUPCHAT)
		ly_muc_refuse(room->muc, st, LY_BAD_REQUEST, "To one occupant: not groupchat.");
	else if (s == NULL)
		ly_muc_refuse(room->muc, st, LY_NOT_ACCEPTABLE, "You are not in the room.");
	else if (to == NULL)
		ly_muc_refuse(room->muc, st, LY_ITEM_NOT_FOUND, NULL);
	else if (!may_send_private(room, s->occ, to))
		ly_muc_refuse(room->muc, st, LY_FORBIDDEN, NULL);
	else if (to->agent != NULL)
		ly_muc_agent_stanza(to->agent, s, st);
	else {
		deliver_private(room, st, s->occ->jid, to);
		ly_stanza_free(st);
	}
}

/* An error for a private message goes back to its sender; errors for what the room itself has said
 * say at most that somebody is gone, which ly_muc_recv() has looked at. */
static void error_message(struct ly_room *room, struct ly_stanza *st)
{
	const struct ly_muc_session *s = ly_room_session(room, &st->from);
	const struct ly_muc_occupant *to =
		st->to.resource != NULL ? ly_room_by_nick(room, st->to.resource) : NULL;

	if (s != NULL && to != NULL && to->agent == NULL)
		deliver_private(room, st, s->occ->jid, to);
	ly_stanza_free(st);
}

void ly_room_message(struct ly_room *room, struct ly_stanza *st)
{
	if (st->type == LY_T_ERROR)
		error_message(room, st);
	else if (st->to.resource != NULL)
		private_message(room, st);
	else if (st->type == LY_T_GROUPCHAT)
		groupchat(room, st);
	else
		ly_room_mediate(room, st);
}
