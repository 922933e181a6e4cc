/* disco#info and disco#items of a room (XEP-0045 s. 6.4, 6.5), and the list of all rooms (s. 6.3).
 */
#include "signaling/features/xep_0045/muc_priv.h"

#define NODE_NICK "x-roomuser-item"
#define NODE_TRAFFIC "http://jabber.org/protocol/muc#traffic"

static void add_feature(struct ly_build *b, const char *var)
{
	ly_build_open(b, NULL, "feature");
	ly_build_attr(b, "var", var);
	ly_build_close(b);
}

static void add_features(struct ly_build *b, const struct ly_muc_conf *c)
{
	static const char *const always[] = {
		LY_NS_DISCO_INFO,    LY_NS_DISCO_ITEMS, LY_NS_MUC, LY_NS_MUC_STABLE_ID,
		LY_NS_MUC_SELF_PING, LY_NS_MUC_REQUEST, LY_NS_SID, LY_NS_PING,
	};

	for (size_t i = 0; i < LY_COUNTOF(always); i++)
		add_feature(b, always[i]);
	add_feature(b, c->has_password ? "muc_passwordprotected" : "muc_unsecured");
	add_feature(b, c->is_public ? "muc_public" : "muc_hidden");
	add_feature(b, c->persistent ? "muc_persistent" : "muc_temporary");
	add_feature(b, c->members_only ? "muc_membersonly" : "muc_open");
	add_feature(b, c->moderated ? "muc_moderated" : "muc_unmoderated");
	add_feature(b, c->non_anonymous ? "muc_nonanonymous" : "muc_semianonymous");
}

static void add_number(struct ly_build *b, const char *var, const char *label, unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	ly_muc_form_field(b, var, NULL, label, text);
}

/* Names this meeting, as long as the room lives; clients of Jitsi want it. */
static void add_meeting_id(struct ly_build *b, const struct ly_room *room)
{
	char id[40];
	uint64_t hash = ly_hash(ly_span_str(room->jid), (uint64_t)room->created_wall);

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)hash);
	ly_muc_form_field(b, "muc#roominfo_meetingId", NULL, "Meeting", id);
}

static void add_form(struct ly_build *b, const struct ly_room *room)
{
	const struct ly_muc_conf *c = &room->conf;

	ly_build_open(b, LY_NS_DATA, "x");
	ly_build_attr(b, "type", "result");
	ly_muc_form_field(b, "FORM_TYPE", "hidden", NULL, LY_NS_MUC_ROOMINFO);
	ly_muc_form_field(b, "muc#roominfo_description", NULL, "Description", c->desc);
	ly_muc_form_field(b, "muc#roominfo_lang", NULL, "Language", c->lang);
	/* who may not enter is not to read along either */
	if (!c->members_only && !c->has_password && room->subject != NULL)
		ly_muc_form_field(b, "muc#roominfo_subject", NULL, "Subject", room->subject);
	ly_muc_form_field(b, "muc#roominfo_subjectmod", NULL, "Occupants may change the subject",
			  c->change_subject ? "1" : "0");
	add_number(b, "muc#roominfo_occupants", "Number of occupants", room->n_occupants);
	add_number(b, "muc#maxhistoryfetch", "Messages shown to those who enter", c->max_history);
	ly_muc_form_field(b, "muc#roomconfig_roomname", NULL, "Name", c->name);
	ly_muc_form_field(b, "muc#roomconfig_whois", NULL, "Who may see real addresses",
			  c->non_anonymous ? "anyone" : "moderators");
	add_meeting_id(b, room);
	ly_build_close(b);
}

static void own_nick(struct ly_room *room, struct ly_stanza *iq)
{
	const struct ly_muc_member *m = ly_room_member(room, iq->from.bare);
	struct ly_build b = ly_iq_result(iq);

	ly_build_open(&b, LY_NS_DISCO_INFO, "query");
	ly_build_attr(&b, "node", NODE_NICK);
	if (m != NULL && m->nick != NULL) {
		ly_build_open(&b, NULL, "identity");
		ly_build_attr(&b, "category", "conference");
		ly_build_attr(&b, "type", "text");
		ly_build_attr(&b, "name", m->nick);
	}
	ly_muc_answer(room->muc, iq, &b);
}

void ly_room_disco_info(struct ly_room *room, struct ly_stanza *iq)
{
	const char *node = ly_xml_attr(ly_iq_payload(iq), "node");
	const char *local_end = strchr(room->jid, '@');
	struct ly_build b;

	if (node != NULL && strcmp(node, NODE_NICK) == 0) {
		own_nick(room, iq);
		return;
	}
	if (node != NULL) {
		/* s. 17.1.1: nothing is taken out of the traffic */
		ly_muc_refuse(room->muc, iq,
			      strcmp(node, NODE_TRAFFIC) == 0 ? LY_SERVICE_UNAVAILABLE
							      : LY_ITEM_NOT_FOUND,
			      NULL);
		return;
	}
	b = ly_iq_result(iq);
	ly_build_open(&b, LY_NS_DISCO_INFO, "query");
	ly_build_open(&b, NULL, "identity");
	ly_build_attr(&b, "category", "conference");
	ly_build_attr(&b, "type", "text");
	if (*room->conf.name)
		ly_build_attr(&b, "name", room->conf.name);
	else
		ly_build_attr_fmt(&b, "name", "%.*s", (int)(local_end - room->jid), room->jid);
	ly_build_close(&b);
	add_features(&b, &room->conf);
	add_form(&b, room);
	ly_muc_answer(room->muc, iq, &b);
}

void ly_room_disco_items(struct ly_room *room, struct ly_stanza *iq)
{
	struct ly_build b = ly_iq_result(iq);
	bool may_see =
		ly_room_session(room, &iq->from) != NULL ||
		(room->conf.is_public && !room->conf.members_only && !room->conf.has_password);

	ly_build_open(&b, LY_NS_DISCO_ITEMS, "query");
	/* s. 6.5: a private list is an empty one */
	LY_LIST_EACH (n, tmp, &room->occupants) {
		const struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);

		if (!may_see)
			break;
		ly_build_open(&b, NULL, "item");
		ly_build_attr(&b, "jid", occ->jid);
		ly_build_close(&b);
	}
	ly_muc_answer(room->muc, iq, &b);
}
