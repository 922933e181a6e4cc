/* Messages that the room passes on for somebody: mediated invitations and their refusal (XEP-0045
 * s. 7.8.2), requests for voice (s. 7.13, 8.6). */
#include "signaling/features/xep_0045/muc_priv.h"

void ly_room_invite(struct ly_room *room, const char *from, const char *to,
		    const struct ly_xml *invite, const char *id)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	if (doc == NULL)
		return;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	ly_build_attr(&b, "from", room->jid);
	ly_build_attr(&b, "to", to);
	ly_build_attr(&b, "id", id);
	ly_build_open(&b, LY_NS_MUC_USER, "x");
	ly_build_open(&b, NULL, "invite");
	ly_build_attr(&b, "from", from);
	if (invite != NULL)
		ly_build_copy_children(&b, invite);
	ly_build_close(&b);
	if (room->conf.has_password)
		ly_build_element(&b, NULL, "password", room->conf.password);
	ly_room_route(room, doc, &b);
}

/* @return LY_MUC_OK or the condition */
static int may_invite(const struct ly_room *room, const struct ly_muc_occupant *occ)
{
	if (occ->affiliation >= LY_MUC_ADMIN)
		return LY_MUC_OK;
	if (room->conf.members_only)
		return room->conf.allow_invites && occ->affiliation == LY_MUC_MEMBER ? LY_MUC_OK
										     : LY_FORBIDDEN;
	return occ->role >= LY_MUC_PARTICIPANT || room->conf.allow_invites ? LY_MUC_OK
									   : LY_FORBIDDEN;
}

/* Whom one <invite/> names. @return LY_MUC_OK or the condition */
static int invitee(const struct ly_room *room, struct ly_stanza *st, const struct ly_xml *invite,
		   struct ly_jid *out)
{
	const char *to = ly_xml_attr(invite, "to");

	if (to == NULL || ly_jid_parse(out, &st->doc->arena, to) != 0)
		return LY_JID_MALFORMED;
	if (out->local == NULL || strcmp(out->bare, room->jid) == 0)
		return LY_NOT_ACCEPTABLE;
	if (ly_room_affiliation(room, out->bare) == LY_MUC_OUTCAST)
		return LY_FORBIDDEN;
	return LY_MUC_OK;
}

static int check_invites(struct ly_room *room, struct ly_stanza *st, const struct ly_xml *x)
{
	unsigned n = 0;

	for (const struct ly_xml *i = ly_xml_child(x, NULL, "invite"); i != NULL;
	     i = ly_xml_next_child(i, NULL, "invite")) {
		struct ly_jid to;
		int cond = invitee(room, st, i, &to);

		if (cond != LY_MUC_OK)
			return cond;
		if (++n > LY_MUC_MAX_INVITES)
			return LY_POLICY_VIOLATION;
	}
	return LY_MUC_OK;
}

static void invite_all(struct ly_room *room, struct ly_stanza *st, const struct ly_xml *x)
{
	const struct ly_muc_session *s = ly_room_session(room, &st->from);
	int cond = s == NULL ? LY_NOT_ACCEPTABLE : may_invite(room, s->occ);
	bool changed = false;

	if (cond == LY_MUC_OK)
		cond = check_invites(room, st, x);
	if (cond != LY_MUC_OK) {
		ly_muc_refuse(room->muc, st, (enum ly_cond)cond, NULL);
		return;
	}
	for (const struct ly_xml *i = ly_xml_child(x, NULL, "invite"); i != NULL;
	     i = ly_xml_next_child(i, NULL, "invite")) {
		struct ly_jid to;

		if (invitee(room, st, i, &to) != LY_MUC_OK)
			continue;
		/* s. 7.8.2: an invitation opens a members-only room to the invited */
		if (room->conf.members_only &&
		    ly_room_affiliation(room, to.bare) == LY_MUC_AFF_NONE &&
		    ly_room_set_member(room, to.bare, LY_MUC_MEMBER, NULL, NULL) == 0)
			changed = true;
		ly_room_invite(room, room->conf.non_anonymous ? s->jid.full : s->occ->jid, to.full,
			       i, st->id);
	}
	if (changed)
		ly_room_save(room, NULL);
	ly_stanza_free(st);
}

/* Tells the inviter; only somebody in the room, so that rooms do not relay messages to anybody. */
static void decline(struct ly_room *room, struct ly_stanza *st, const struct ly_xml *el)
{
	const char *name = ly_xml_attr(el, "to");
	const struct ly_muc_session *s = NULL;
	const struct ly_muc_occupant *occ;
	struct ly_xml_doc *doc;
	struct ly_build b;
	struct ly_jid to;

	if (name == NULL || ly_jid_parse(&to, &st->doc->arena, name) != 0) {
		ly_muc_refuse(room->muc, st, LY_JID_MALFORMED, NULL);
		return;
	}
	if (strcmp(to.bare, room->jid) == 0 && to.resource != NULL) {
		occ = ly_room_by_nick(room, to.resource);
		s = occ != NULL ? ly_muc_first_session(occ) : NULL;
	} else if ((s = ly_room_session(room, &to)) == NULL) {
		s = ly_room_by_bare(room, to.bare);
	}
	if (s == NULL || (doc = ly_xml_doc_create(0)) == NULL) {
		ly_muc_refuse(room->muc, st, LY_ITEM_NOT_FOUND, NULL);
		return;
	}
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	ly_build_attr(&b, "from", room->jid);
	ly_build_attr(&b, "to", s->jid.full);
	ly_build_attr(&b, "id", st->id);
	ly_build_open(&b, LY_NS_MUC_USER, "x");
	ly_build_open(&b, NULL, "decline");
	ly_build_attr(&b, "from", st->from.bare);
	ly_build_copy_children(&b, el);
	ly_room_route(room, doc, &b);
	ly_stanza_free(st);
}

/* ---- voice ---- */

static void ask_moderator(struct ly_room *room, const struct ly_muc_session *who,
			  const struct ly_muc_session *moderator)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	if (doc == NULL)
		return;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	ly_build_attr(&b, "from", room->jid);
	ly_build_attr(&b, "to", moderator->jid.full);
	ly_build_open(&b, LY_NS_DATA, "x");
	ly_build_attr(&b, "type", "form");
	ly_build_element(&b, NULL, "title", "Voice request");
	ly_muc_form_field(&b, "FORM_TYPE", "hidden", NULL, LY_NS_MUC_REQUEST);
	ly_muc_form_field(&b, "muc#role", "list-single", "Requested role", "participant");
	ly_muc_form_field(&b, "muc#jid", "jid-single", "User", who->jid.full);
	ly_muc_form_field(&b, "muc#roomnick", "text-single", "Nick", who->occ->nick);
	ly_muc_form_field(&b, "muc#request_allow", "boolean", "Let this person speak?", "false");
	ly_room_route(room, doc, &b);
}

static void ask_for_voice(struct ly_room *room, const struct ly_muc_session *who)
{
	LY_LIST_EACH (n, tmp, &room->occupants) {
		const struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);

		if (occ->role != LY_MUC_MODERATOR || occ->agent != NULL)
			continue;
		LY_LIST_EACH (m, tmp2, &occ->sessions)
			ask_moderator(room, who, LY_LIST_ENTRY(m, struct ly_muc_session, link));
	}
}

static bool is_true(const char *v)
{
	return v != NULL && (strcmp(v, "1") == 0 || strcmp(v, "true") == 0);
}

static void voice(struct ly_room *room, struct ly_stanza *st, const struct ly_xml *form)
{
	const struct ly_muc_session *s = ly_room_session(room, &st->from);
	const char *allow = ly_muc_form_value(form, "muc#request_allow");
	const char *nick = ly_muc_form_value(form, "muc#roomnick");
	struct ly_muc_occupant *who = nick != NULL ? ly_room_by_nick(room, nick) : NULL;

	if (s == NULL) {
		ly_muc_refuse(room->muc, st, LY_NOT_ACCEPTABLE, "You are not in the room.");
		return;
	}
	if (allow != NULL && s->occ->role != LY_MUC_MODERATOR) {
		ly_muc_refuse(room->muc, st, LY_FORBIDDEN, NULL);
		return;
	}
	if (allow != NULL && is_true(allow) && who != NULL && who->role == LY_MUC_VISITOR)
		ly_room_set_role(room, who, LY_MUC_PARTICIPANT, NULL, NULL);
	else if (allow == NULL && s->occ->role == LY_MUC_VISITOR)
		ask_for_voice(room, s);
	ly_stanza_free(st);
}

void ly_room_mediate(struct ly_room *room, struct ly_stanza *st)
{
	const struct ly_xml *x = ly_xml_child(st->root, LY_NS_MUC_USER, "x");
	const struct ly_xml *form = ly_xml_child(st->root, LY_NS_DATA, "x");
	const struct ly_xml *declined = ly_xml_child(x, LY_NS_MUC_USER, "decline");
	const char *form_type = form != NULL ? ly_muc_form_value(form, "FORM_TYPE") : NULL;

	if (ly_xml_child(x, LY_NS_MUC_USER, "invite") != NULL)
		invite_all(room, st, x);
	else if (declined != NULL)
		decline(room, st, declined);
	else if (form_type != NULL && strcmp(form_type, LY_NS_MUC_REQUEST) == 0)
		voice(room, st, form);
	else if (ly_room_session(room, &st->from) == NULL)
		ly_muc_refuse(room->muc, st, LY_NOT_ACCEPTABLE, "You are not in the room.");
	else /* s. 17.2 */
		ly_muc_refuse(room->muc, st, LY_BAD_REQUEST,
			      "Messages to all are of type groupchat.");
}
