/* muc#owner: the options of a room and its end (XEP-0045 s. 10.1, 10.2, 10.9). */
#include "signaling/features/xep_0045/muc_priv.h"

static void show_form(struct ly_room *room, struct ly_stanza *iq)
{
	struct ly_build b = ly_iq_result(iq);

	ly_build_open(&b, LY_NS_MUC_OWNER, "query");
	ly_muc_conf_build(&b, &room->conf, false);
	ly_muc_answer(room->muc, iq, &b);
}

/* s. 10.2.1: what occupants are told of new options; zero-ended. */
static void codes_of(const struct ly_muc_conf *was, const struct ly_muc_conf *is, unsigned codes[4])
{
	size_t n = 0;

	if (was->non_anonymous != is->non_anonymous)
		codes[n++] = is->non_anonymous ? 172 : 173;
	if (was->logging != is->logging)
		codes[n++] = is->logging ? 170 : 171;
	if (n == 0)
		codes[n++] = 104;
	codes[n] = 0;
}

/* After the change: those who may not stay leave, the answer comes with the commit. */
static void adopt(struct ly_room *room, struct ly_stanza *iq, struct ly_muc_conf *conf)
{
	bool was_locked = room->state == LY_ROOM_LOCKED;
	bool closes = conf->members_only && !room->conf.members_only;
	unsigned codes[4];

	codes_of(&room->conf, conf, codes);
	ly_muc_conf_fini(&room->conf);
	room->conf = *conf;
	ly_muc_room_unlock(room);
	ly_room_save(room, iq);
	if (closes)
		ly_room_remove_non_members(room);
	if (!was_locked)
		ly_room_tell_codes(room, codes);
	ly_muc_room_check_empty(room);
}

static void submit(struct ly_room *room, struct ly_stanza *iq, const struct ly_xml *x)
{
	const char *form_type = ly_muc_form_value(x, "FORM_TYPE");
	struct ly_muc_conf conf;
	const char *why = "";
	char text[128];
	int err;

	/* s. 10.1.2: no fields: the room as it is */
	if (ly_xml_child(x, LY_NS_DATA, "field") == NULL) {
		ly_muc_room_unlock(room);
		ly_room_save(room, iq);
		return;
	}
	if (form_type != NULL && strcmp(form_type, LY_NS_MUC_ROOMCONFIG) != 0) {
		ly_muc_refuse(room->muc, iq, LY_BAD_REQUEST, "This is another form.");
		return;
	}
	err = ly_muc_conf_copy(&conf, &room->conf);
	if (err == 0 && (err = ly_muc_conf_read(&conf, x, &why)) != 0)
		ly_muc_conf_fini(&conf);
	if (err == -EBADMSG) {
		snprintf(text, sizeof(text), "The value of %s is not possible.", why);
		ly_muc_refuse(room->muc, iq, LY_NOT_ACCEPTABLE, text);
	} else if (err != 0) {
		ly_muc_refuse(room->muc, iq, LY_RESOURCE_CONSTRAINT, NULL);
	} else {
		adopt(room, iq, &conf);
	}
}

static void cancel(struct ly_room *room, struct ly_stanza *iq)
{
	/* s. 10.1.3: a new room whose options nobody wants to give is no room */
	if (room->state == LY_ROOM_LOCKED)
		ly_muc_room_destroy(room, NULL, NULL, NULL);
	ly_muc_ok(room->muc, iq);
}

static bool is_too_long(const char *s)
{
	return s != NULL && strlen(s) > LY_MUC_MAX_TEXT;
}

static void destroy(struct ly_room *room, struct ly_stanza *iq, const struct ly_xml *el)
{
	const char *alternate = ly_xml_attr(el, "jid");
	const char *password = ly_xml_child_text(el, LY_NS_MUC_OWNER, "password");
	const char *reason = ly_xml_child_text(el, LY_NS_MUC_OWNER, "reason");
	struct ly_jid jid;

	if (alternate != NULL && ly_jid_parse(&jid, &iq->doc->arena, alternate) != 0) {
		ly_muc_refuse(room->muc, iq, LY_JID_MALFORMED, NULL);
		return;
	}
	if (is_too_long(password) || is_too_long(reason)) {
		ly_muc_refuse(room->muc, iq, LY_NOT_ACCEPTABLE, NULL);
		return;
	}
	ly_muc_room_destroy(room, alternate, password, reason);
	ly_room_forget(room, iq);
}

void ly_room_owner(struct ly_room *room, struct ly_stanza *iq)
{
	const struct ly_xml *query = ly_iq_payload(iq);
	const struct ly_xml *el = ly_xml_child(query, LY_NS_MUC_OWNER, "destroy");
	const struct ly_xml *x = ly_xml_child(query, LY_NS_DATA, "x");
	const char *type = x != NULL ? ly_xml_attr(x, "type") : NULL;

	if (ly_room_affiliation(room, iq->from.bare) != LY_MUC_OWNER)
		ly_muc_refuse(room->muc, iq, LY_FORBIDDEN, NULL);
	else if (iq->type == LY_T_GET)
		show_form(room, iq);
	else if (el != NULL)
		destroy(room, iq, el);
	else if (type != NULL && strcmp(type, "submit") == 0)
		submit(room, iq, x);
	else if (type != NULL && strcmp(type, "cancel") == 0)
		cancel(room, iq);
	else
		ly_muc_refuse(room->muc, iq, LY_BAD_REQUEST, NULL);
}
