/* What a room says: presence with muc#user items, messages to all, answers. */
#include "signaling/features/xep_0045/muc_priv.h"

/* One presence to be built. */
struct shape {
	const struct ly_room *room;
	const struct ly_muc_occupant *occ;
	const char *real;             /* real JID, NULL = not shown */
	const struct ly_xml *payload; /* may be NULL */
	const struct ly_muc_note *note;
	bool self;
};

static void build_codes(struct ly_build *b, const unsigned *codes, size_t max)
{
	for (size_t i = 0; i < max && codes[i] != 0; i++) {
		ly_build_open(b, NULL, "status");
		ly_build_attr_fmt(b, "code", "%u", codes[i]);
		ly_build_close(b);
	}
}

static void build_item(struct ly_build *b, const struct shape *s)
{
	const struct ly_muc_note *note = s->note;
	bool leaves = note->gone && note->new_nick == NULL;

	ly_build_open(b, LY_NS_MUC_USER, "x");
	ly_build_open(b, NULL, "item");
	ly_build_attr(b, "affiliation", ly_muc_affiliation_name(s->occ->affiliation));
	ly_build_attr(b, "role", leaves ? "none" : ly_muc_role_name(s->occ->role));
	ly_build_attr(b, "jid", s->real);
	ly_build_attr(b, "nick", note->new_nick);
	if (note->actor != NULL) {
		ly_build_open(b, NULL, "actor");
		ly_build_attr(b, "nick", note->actor);
		ly_build_close(b);
	}
	if (note->reason != NULL && *note->reason)
		ly_build_element(b, NULL, "reason", note->reason);
	ly_build_close(b);
	if (s->self) {
		build_codes(b, (const unsigned[]) { 110 }, 1);
		build_codes(b, note->self_codes, LY_COUNTOF(note->self_codes));
	}
	build_codes(b, note->codes, LY_COUNTOF(note->codes));
	ly_build_close(b);
}

static void build_presence(struct ly_build *b, const struct shape *s)
{
	ly_build_open(b, LY_NS_CLIENT, "presence");
	ly_build_attr(b, "from", s->occ->jid);
	if (s->note->gone)
		ly_build_attr(b, "type", "unavailable");
	if (s->payload != NULL) {
		ly_build_attr(b, "xml:lang", ly_xml_attr(s->payload, "xml:lang"));
		ly_build_copy_children(b, s->payload);
	}
	build_item(b, s);
}

/* Serialised without `to`. NULL: no memory */
static struct ly_blob *presence_blob(const struct shape *s)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_blob *blob = NULL;
	struct ly_build b;
	struct ly_xml *root;

	if (doc == NULL)
		return NULL;
	ly_build_init(&b, &doc->arena);
	build_presence(&b, s);
	if (ly_build_finish(&b, &root) == 0)
		blob = ly_xml_to_blob(root, true);
	ly_xml_doc_free(doc);
	return blob;
}

static bool sees_real_jids(const struct ly_room *room, const struct ly_muc_occupant *viewer)
{
	return room->conf.non_anonymous || viewer->role == LY_MUC_MODERATOR;
}

static const struct ly_xml *own_payload(const struct ly_muc_occupant *occ,
					const struct ly_muc_session *s)
{
	const struct ly_xml_doc *doc = occ->agent != NULL ? occ->agent->presence
				       : s != NULL        ? s->presence
							  : NULL;

	return doc != NULL ? doc->root : NULL;
}

static struct shape shape_of(const struct ly_room *room, const struct ly_muc_occupant *occ,
			     const struct ly_muc_session *s, const struct ly_muc_note *note)
{
	struct shape shape = { .room = room, .occ = occ, .note = note };

	if (s == NULL)
		s = ly_muc_first_session(occ);
	shape.real = occ->agent != NULL ? occ->agent->real : s != NULL ? s->jid.full : NULL;
	if (note->payload != NULL)
		shape.payload = note->payload;
	else if (!note->gone)
		shape.payload = own_payload(occ, s);
	return shape;
}

static void fan_to(struct ly_fan *fan, const struct ly_muc_occupant *to)
{
	LY_LIST_EACH (n, tmp, &to->sessions)
		ly_fan_add(fan, LY_LIST_ENTRY(n, struct ly_muc_session, link)->jid.full);
}

static struct ly_fan *fan_of(struct ly_room *room, struct ly_blob *blob)
{
	struct ly_fan *fan = blob != NULL ? ly_fan_create_blob(room->muc->home, blob) : NULL;

	ly_blob_unref(blob);
	return fan;
}

static void tell_others(struct ly_room *room, const struct shape *base)
{
	struct ly_fan *fans[2] = { NULL, NULL };
	bool made[2] = { false, false };

	LY_LIST_EACH (n, tmp, &room->occupants) {
		struct ly_muc_occupant *to = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);
		bool full = sees_real_jids(room, to);
		struct shape shape = *base;

		if (to == base->occ || to->agent != NULL)
			continue;
		if (!made[full]) {
			shape.real = full ? base->real : NULL;
			fans[full] = fan_of(room, presence_blob(&shape));
			made[full] = true;
		}
		fan_to(fans[full], to);
	}
	for (size_t i = 0; i < LY_COUNTOF(fans); i++)
		ly_fan_send(fans[i]);
}

static void tell_self(struct ly_room *room, const struct shape *base)
{
	struct shape shape = *base;

	shape.self = true;
	LY_LIST_EACH (n, tmp, &base->occ->sessions) {
		struct ly_muc_session *s = LY_LIST_ENTRY(n, struct ly_muc_session, link);
		struct ly_xml_doc *doc;
		struct ly_build b;

		if (base->note->only != NULL && base->note->only != s)
			continue;
		doc = ly_xml_doc_create(0);
		if (doc == NULL)
			return;
		ly_build_init(&b, &doc->arena);
		build_presence(&b, &shape);
		/* the item is closed: this is the presence element again */
		ly_build_attr(&b, "to", s->jid.full);
		ly_build_attr(&b, "id", base->note->id);
		ly_room_route(room, doc, &b);
	}
}

void ly_muc_forget_shown(struct ly_muc_occupant *occ)
{
	for (size_t i = 0; i < LY_COUNTOF(occ->shown); i++) {
		ly_blob_unref(occ->shown[i]);
		occ->shown[i] = NULL;
	}
}

void ly_room_announce(struct ly_room *room, struct ly_muc_occupant *occ, struct ly_muc_session *s,
		      const struct ly_muc_note *note)
{
	struct shape shape = shape_of(room, occ, s, note);

	ly_muc_forget_shown(occ);
	/* s. 7.14, 8.2: who leaves is told first; s. 7.1: who enters, last */
	if (note->gone && !note->others_only)
		tell_self(room, &shape);
	if (!note->self_only)
		tell_others(room, &shape);
	if (!note->gone && !note->others_only)
		tell_self(room, &shape);
}

void ly_room_show_all(struct ly_room *room, struct ly_muc_session *to)
{
	static const struct ly_muc_note plain = { .gone = false };
	bool full = sees_real_jids(room, to->occ);

	LY_LIST_EACH (n, tmp, &room->occupants) {
		struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);
		struct ly_fan *fan;

		if (occ == to->occ)
			continue;
		if (occ->shown[full] == NULL) {
			struct shape shape = shape_of(room, occ, NULL, &plain);

			shape.real = full ? shape.real : NULL;
			occ->shown[full] = presence_blob(&shape);
		}
		if (occ->shown[full] == NULL)
			continue;
		fan = ly_fan_create_blob(room->muc->home, occ->shown[full]);
		ly_fan_add(fan, to->jid.full);
		ly_fan_send(fan);
	}
}

void ly_room_fan(struct ly_room *room, struct ly_blob *blob)
{
	struct ly_fan *fan = ly_fan_create_blob(room->muc->home, blob);

	LY_LIST_EACH (n, tmp, &room->occupants)
		fan_to(fan, LY_LIST_ENTRY(n, struct ly_muc_occupant, link));
	ly_fan_send(fan);
}

void ly_room_send(struct ly_room *room, const struct ly_xml *el, const char *from, const char *to)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	if (doc == NULL)
		return;
	ly_build_init(&b, &doc->arena);
	ly_build_open_like(&b, el);
	ly_build_attr(&b, "from", from);
	ly_build_attr(&b, "to", to);
	ly_build_copy_children(&b, el);
	ly_room_route(room, doc, &b);
}

void ly_room_route(struct ly_room *room, struct ly_xml_doc *doc, struct ly_build *b)
{
	ly_route_build(room->muc->home, doc, b);
}

void ly_room_tell_codes(struct ly_room *room, const unsigned *codes)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;
	struct ly_xml *root;
	struct ly_blob *blob;

	if (doc == NULL)
		return;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	ly_build_attr(&b, "type", "groupchat");
	ly_build_attr(&b, "from", room->jid);
	ly_build_open(&b, LY_NS_MUC_USER, "x");
	for (; *codes != 0; codes++)
		build_codes(&b, codes, 1);
	if (ly_build_finish(&b, &root) == 0 && (blob = ly_xml_to_blob(root, true)) != NULL) {
		ly_room_fan(room, blob);
		ly_blob_unref(blob);
	}
	ly_xml_doc_free(doc);
}

/* ---- answers ---- */

/* Routes a finished tree that lives in the arena of a stanza, and frees that stanza. */
static void route_and_free(struct ly_muc *muc, struct ly_stanza *st, struct ly_build *b)
{
	struct ly_stanza *reply;
	struct ly_xml *root;

	if (ly_build_finish(b, &root) == 0 && ly_stanza_from_xml(&reply, root) == 0)
		ly_route(muc->home, reply);
	ly_stanza_free(st);
}

void ly_muc_refuse_typed(struct ly_muc *muc, struct ly_stanza *st, enum ly_cond cond,
			 enum ly_error_type type, const char *text)
{
	struct ly_build b = ly_stanza_error_open(st, cond, type, text);

	ly_build_attr(&b, "by", st->to.bare);
	ly_build_close(&b);
	/* s. 7.2.6 to 7.2.10: clients tell a refused join by this element */
	if (st->kind == LY_PRESENCE && ly_xml_child(st->root, LY_NS_MUC, "x") != NULL)
		ly_build_element(&b, LY_NS_MUC, "x", NULL);
	route_and_free(muc, st, &b);
}

void ly_muc_refuse(struct ly_muc *muc, struct ly_stanza *st, enum ly_cond cond, const char *text)
{
	ly_muc_refuse_typed(muc, st, cond, LY_ERR_DEFAULT, text);
}

void ly_muc_answer(struct ly_muc *muc, struct ly_stanza *iq, struct ly_build *b)
{
	if (b->err != 0) {
		ly_muc_refuse(muc, iq, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	route_and_free(muc, iq, b);
}

void ly_muc_ok(struct ly_muc *muc, struct ly_stanza *iq)
{
	struct ly_build b = ly_iq_result(iq);

	ly_muc_answer(muc, iq, &b);
}

void ly_muc_tell_not_in(struct ly_muc *muc, const struct ly_stanza *presence)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	if (doc == NULL)
		return;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "presence");
	ly_build_attr(&b, "type", "unavailable");
	ly_build_attr(&b, "from", presence->to.full);
	ly_build_attr(&b, "to", presence->from.full);
	ly_build_attr(&b, "id", presence->id);
	ly_build_open(&b, LY_NS_MUC_USER, "x");
	ly_build_open(&b, NULL, "item");
	ly_build_attr(&b, "affiliation", "none");
	ly_build_attr(&b, "role", "none");
	ly_build_element(&b, NULL, "reason", "You are not in the room.");
	ly_build_close(&b);
	build_codes(&b, (const unsigned[]) { 110, 307, 333 }, 3);
	ly_route_build(muc->home, doc, &b);
}
