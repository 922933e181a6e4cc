/* IQs from one occupant to another through the room (XEP-0045 s. 17.4), and pings of oneself
 * (XEP-0410). A relayed request carries the number of the asking session before its id, so that the
 * answer finds the device that asked without anything being kept here. */
#include "signaling/features/xep_0045/muc_priv.h"

#include <stdlib.h>

#define NS_VCARD "vcard-temp"

/* Sends a relayed IQ with another id. */
static void pass_on(struct ly_room *room, struct ly_stanza *iq, const char *from, const char *to,
		    const char *id)
{
	struct ly_stanza *copy;

	if (ly_stanza_clone(&copy, iq, from, to) != 0)
		return;
	if (ly_xml_set_attr(copy->doc->root, &copy->doc->arena, "id", id) != 0) {
		ly_stanza_free(copy);
		return;
	}
	copy->id = ly_xml_attr(copy->root, "id");
	ly_route(room->muc->home, copy);
}

const char *ly_room_mark_id(struct ly_arena *arena, const struct ly_muc_session *s, const char *id)
{
	size_t len = strlen(id) + 10;
	char *marked = (char *)ly_arena_alloc(arena, len);

	if (marked != NULL)
		snprintf(marked, len, "%x:%s", (unsigned)s->num, id);
	return marked;
}

struct ly_muc_session *ly_room_unmark_id(const struct ly_muc_occupant *occ, const char **id)
{
	char *end;
	unsigned long num = strtoul(*id, &end, 16);

	if (end == *id || *end != ':')
		return NULL;
	LY_LIST_EACH (n, tmp, &occ->sessions) {
		struct ly_muc_session *s = LY_LIST_ENTRY(n, struct ly_muc_session, link);

		if (s->num == num) {
			*id = end + 1;
			return s;
		}
	}
	return NULL;
}

static void request(struct ly_room *room, struct ly_stanza *iq)
{
	const struct ly_xml *payload = ly_iq_payload(iq);
	const struct ly_muc_session *s = ly_room_session(room, &iq->from), *first;
	const struct ly_muc_occupant *to = ly_room_by_nick(room, iq->to.resource);
	const char *id;

	if (s == NULL) {
		/* s. 6.6 for disco, XEP-0410 s. 3.1 for the others */
		bool disco = ly_xml_is(payload, LY_NS_DISCO_INFO, NULL) ||
			     ly_xml_is(payload, LY_NS_DISCO_ITEMS, NULL);

		ly_muc_refuse_typed(room->muc, iq, disco ? LY_BAD_REQUEST : LY_NOT_ACCEPTABLE,
				    disco ? LY_ERR_DEFAULT : LY_ERR_CANCEL,
				    "You are not in the room.");
		return;
	}
	if (to == NULL) {
		ly_muc_refuse(room->muc, iq, LY_ITEM_NOT_FOUND, NULL);
		return;
	}
	if (to == s->occ && iq->type == LY_T_GET && ly_xml_is(payload, LY_NS_PING, "ping")) {
		ly_muc_ok(room->muc, iq);
		return;
	}
	if (to->agent != NULL) {
		ly_muc_agent_stanza(to->agent, s, iq);
		return;
	}
	first = ly_muc_first_session(to);
	id = ly_room_mark_id(&iq->doc->arena, s, iq->id);
	if (id == NULL) {
		ly_muc_refuse(room->muc, iq, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	/* a vCard is the account's, not the device's */
	pass_on(room, iq, s->occ->jid,
		ly_xml_is(payload, NS_VCARD, NULL) ? first->jid.bare : first->jid.full, id);
	ly_stanza_free(iq);
}

static void answer(struct ly_room *room, struct ly_stanza *iq)
{
	const struct ly_muc_session *s = ly_room_session(room, &iq->from), *asked;
	const struct ly_muc_occupant *to = ly_room_by_nick(room, iq->to.resource);
	const char *id = iq->id;

	if (s == NULL)
		s = ly_room_by_bare(room, iq->from.full);
	if (s != NULL && to != NULL && to->agent != NULL) {
		ly_muc_agent_stanza(to->agent, s, iq);
		return;
	}
	if (s != NULL && to != NULL && (asked = ly_room_unmark_id(to, &id)) != NULL)
		pass_on(room, iq, s->occ->jid, asked->jid.full, id);
	ly_stanza_free(iq);
}

void ly_room_relay(struct ly_room *room, struct ly_stanza *iq)
{
	if (iq->type == LY_T_GET || iq->type == LY_T_SET)
		request(room, iq);
	else
		answer(room, iq);
}
