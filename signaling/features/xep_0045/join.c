/* Presence sent to a room: entering, changing presence or nick, leaving (XEP-0045 s. 7). */
#include "signaling/features/xep_0045/muc_priv.h"

/* What an occupant's presence shows: without what only the room may say or only the room is to read
 * (s. 17.3). NULL: no memory, or too large (*err says which). */
static struct ly_xml_doc *payload_of(const struct ly_stanza *st, int *err)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	*err = -ENOMEM;
	if (doc == NULL)
		return NULL;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "presence");
	ly_build_attr(&b, "xml:lang", ly_xml_attr(st->root, "xml:lang"));
	for (const struct ly_xml *c = st->root->first; c != NULL; c = c->next)
		if (c->name != NULL && strcmp(c->ns, LY_NS_MUC) != 0 &&
		    strcmp(c->ns, LY_NS_MUC_USER) != 0)
			ly_build_copy(&b, c);
	*err = ly_build_finish(&b, &doc->root);
	if (*err == 0 && doc->arena.used > LY_MUC_MAX_PRESENCE)
		*err = -E2BIG;
	if (*err != 0) {
		ly_xml_doc_free(doc);
		return NULL;
	}
	return doc;
}

static void refuse_errno(struct ly_muc *muc, struct ly_stanza *st, int err)
{
	if (err == -E2BIG)
		ly_muc_refuse(muc, st, LY_POLICY_VIOLATION, "The presence is too large.");
	else
		ly_muc_refuse(muc, st, LY_RESOURCE_CONSTRAINT, NULL);
}

/* Status codes of the presence that tells the user of having entered (s. 7.2.2 to 7.2.13). */
static void entry_codes(const struct ly_room *room, const struct ly_stanza *st, unsigned codes[5])
{
	const char *wanted = ly_xml_attr(st->root, "to");
	const char *nick = wanted != NULL ? strchr(wanted, '/') : NULL;
	size_t n = 0;

	if (room->conf.non_anonymous)
		codes[n++] = 100;
	if (room->conf.logging)
		codes[n++] = 170;
	if (room->state == LY_ROOM_LOCKED)
		codes[n++] = 201;
	/* the service prepared the nick and it came out different */
	if (nick != NULL && strcmp(nick + 1, st->to.resource) != 0)
		codes[n++] = 210;
	codes[n] = 0;
}

/* All that entering brings, in the order of s. 7.1. */
static void synchronise(struct ly_room *room, struct ly_muc_session *s, const struct ly_stanza *st,
			bool tell_others)
{
	const struct ly_xml *x = ly_xml_child(st->root, LY_NS_MUC, "x");
	struct ly_muc_note note = { .only = s, .self_only = !tell_others, .id = st->id };

	entry_codes(room, st, note.self_codes);
	ly_room_show_all(room, s);
	ly_room_announce(room, s->occ, s, &note);
	ly_room_send_history(room, s, ly_xml_child(x, LY_NS_MUC, "history"));
	ly_room_send_subject(room, s);
}

static int verdict(struct ly_room *room, const struct ly_stanza *st)
{
	const struct ly_muc_occupant *there = ly_room_by_nick(room, st->to.resource);
	const struct ly_xml *x = ly_xml_child(st->root, LY_NS_MUC, "x");
	const char *password = ly_xml_child_text(x, LY_NS_MUC, "password");
	struct ly_muc_join_facts f = {
		.affiliation = ly_room_affiliation(room, st->from.bare),
		.members_only = room->conf.members_only,
		.has_password = room->conf.has_password,
		.password_ok = password != NULL && strcmp(password, room->conf.password) == 0,
		.nick_taken = ly_room_nick_reserved(room, st->to.resource, st->from.bare),
		.n_occupants = room->n_occupants,
		.max_occupants = room->conf.max_users,
	};

	f.locked = room->state == LY_ROOM_LOCKED && f.affiliation != LY_MUC_OWNER;
	if (there != NULL && there->agent == NULL && strcmp(there->bare, st->from.bare) == 0) {
		/* another session of this very occupant takes no place (s. 7.2.8) */
		f.n_occupants = 0;
		f.too_many_sessions = there->n_sessions >= LY_MUC_MAX_SESSIONS;
	} else if (there != NULL) {
		f.nick_taken = true;
	}
	return ly_muc_may_join(&f);
}

/* Puts the sender into the tables. @return 0 or -ENOMEM with nothing changed but presence taken */
static int admit(struct ly_room *room, const struct ly_stanza *st, struct ly_xml_doc *presence,
		 struct ly_muc_session **out)
{
	struct ly_muc_occupant *occ = ly_room_by_nick(room, st->to.resource);
	bool is_new = occ == NULL;
	int err = 0;

	/* A room that an agent made for people belongs to the first of them. */
	if (room->n_owners == 0 && !room->stored)
		err = ly_room_set_member(room, st->from.bare, LY_MUC_OWNER, NULL, NULL);
	if (err == 0 && is_new)
		err = ly_room_add_occupant(room, st->to.resource, st->from.bare, &occ);
	if (err == 0 && is_new) {
		occ->affiliation = ly_room_affiliation(room, st->from.bare);
		occ->role = ly_muc_default_role(occ->affiliation, room->conf.moderated);
	}
	if (err == 0 && (err = ly_room_add_session(room, occ, &st->from, presence, out)) != 0 &&
	    is_new)
		ly_room_del_occupant(room, occ);
	if (err != 0)
		ly_xml_doc_free(presence);
	return err;
}

static void enter(struct ly_room *room, struct ly_stanza *st)
{
	struct ly_muc_session *s;
	struct ly_xml_doc *presence;
	int cond = verdict(room, st);
	int err;

	if (cond != LY_MUC_OK) {
		/* s. 7.2.9: the room may have a place later */
		ly_muc_refuse_typed(room->muc, st, (enum ly_cond)cond,
				    cond == LY_SERVICE_UNAVAILABLE ? LY_ERR_WAIT : LY_ERR_DEFAULT,
				    NULL);
		return;
	}
	presence = payload_of(st, &err);
	if (presence == NULL || (err = admit(room, st, presence, &s)) != 0) {
		refuse_errno(room->muc, st, err);
		return;
	}
	synchronise(room, s, st, s->occ->n_sessions == 1);
	if (s->occ->n_sessions == 1)
		ly_muc_agents_event(room, LY_MUC_EV_OCCUPANT, s->occ, LY_MUC_LEFT, NULL, NULL);
	ly_stanza_free(st);
}

/* New presence of somebody who is in the room with that nick. */
static void update(struct ly_room *room, struct ly_muc_session *s, struct ly_stanza *st)
{
	bool rejoins = ly_xml_child(st->root, LY_NS_MUC, "x") != NULL;
	bool is_first = ly_muc_first_session(s->occ) == s;
	struct ly_muc_note note = { .id = st->id, .self_only = !is_first };
	struct ly_xml_doc *presence;
	int err;

	presence = payload_of(st, &err);
	if (presence == NULL) {
		refuse_errno(room->muc, st, err);
		return;
	}
	ly_xml_doc_free(s->presence);
	s->presence = presence;
	/* s. 17.3: a join of one who is in is a wish for everything once more */
	if (rejoins)
		synchronise(room, s, st, is_first);
	else
		ly_room_announce(room, s->occ, s, &note);
	if (is_first)
		ly_muc_agents_event(room, LY_MUC_EV_CHANGED, s->occ, LY_MUC_LEFT, NULL, NULL);
	ly_stanza_free(st);
}

/* One of several sessions takes another nick, or joins its own user's other nick. */
static void move_session(struct ly_room *room, struct ly_muc_session *s, struct ly_stanza *st)
{
	struct ly_muc_occupant *occ = s->occ;
	struct ly_muc_note note = { .gone = true,
				    .new_nick = st->to.resource,
				    .codes = { 303 },
				    .only = s,
				    .self_only = occ->n_sessions > 1 };
	bool was_first = false;

	ly_room_announce(room, occ, s, &note);
	if (occ->n_sessions == 1) {
		/* to agents, who see one session of a nick, the other one stays and this one goes
		 */
		ly_muc_agents_event(room, LY_MUC_EV_GONE, occ, LY_MUC_LEFT, NULL, NULL);
		ly_room_del_occupant(room, occ);
		occ = NULL;
	} else {
		was_first = ly_muc_first_session(occ) == s;
		ly_room_del_session(room, s);
		if (was_first)
			ly_room_announce(room, occ, NULL,
					 &(struct ly_muc_note) { .others_only = true });
	}
	enter(room, st);
	if (was_first)
		ly_muc_agents_event(room, LY_MUC_EV_CHANGED, occ, LY_MUC_LEFT, NULL, NULL);
	ly_muc_room_check_empty(room); /* it may have been refused */
}

/* s. 7.6 */
static void change_nick(struct ly_room *room, struct ly_muc_session *s, struct ly_stanza *st)
{
	struct ly_muc_occupant *occ = s->occ;
	const struct ly_muc_occupant *there = ly_room_by_nick(room, st->to.resource);
	struct ly_muc_note gone = { .gone = true, .new_nick = st->to.resource, .codes = { 303 } };
	struct ly_muc_note back = { .id = st->id };
	struct ly_xml_doc *presence;
	int err;

	if ((there != NULL && (there->agent != NULL || strcmp(there->bare, occ->bare) != 0)) ||
	    ly_room_nick_reserved(room, st->to.resource, occ->bare)) {
		ly_muc_refuse(room->muc, st, LY_CONFLICT, NULL);
		return;
	}
	if (there != NULL || occ->n_sessions > 1) {
		move_session(room, s, st);
		return;
	}
	presence = payload_of(st, &err);
	if (presence == NULL) {
		refuse_errno(room->muc, st, err);
		return;
	}
	ly_room_announce(room, occ, s, &gone);
	ly_muc_agents_event(room, LY_MUC_EV_GONE, occ, LY_MUC_RENAMED, NULL, st->to.resource);
	ly_xml_doc_free(s->presence);
	s->presence = presence;
	if (ly_room_rename(room, occ, st->to.resource) != 0) {
		/* already told to be gone under the old nick: so be it */
		ly_room_del_occupant(room, occ);
		ly_muc_refuse(room->muc, st, LY_RESOURCE_CONSTRAINT, NULL);
		ly_muc_room_check_empty(room);
		return;
	}
	ly_room_announce(room, occ, s, &back);
	ly_muc_agents_event(room, LY_MUC_EV_OCCUPANT, occ, LY_MUC_LEFT, NULL, NULL);
	ly_stanza_free(st);
}

/* ---- leaving ---- */

void ly_room_remove(struct ly_room *room, struct ly_muc_occupant *occ, enum ly_muc_gone why,
		    const struct ly_muc_note *note)
{
	ly_room_announce(room, occ, NULL, note);
	ly_muc_agents_event(room, LY_MUC_EV_GONE, occ, why, note->payload, NULL);
	ly_room_del_occupant(room, occ);
	ly_muc_room_check_empty(room);
}

void ly_room_remove_session(struct ly_room *room, struct ly_muc_session *s, enum ly_muc_gone why,
			    const struct ly_xml *payload, bool ended)
{
	struct ly_muc_occupant *occ = s->occ;
	struct ly_muc_note note = {
		.gone = true, .payload = payload, .only = s, .others_only = ended
	};
	bool was_first = ly_muc_first_session(occ) == s;

	if (why == LY_MUC_LOST)
		note.codes[0] = 333;
	if (occ->n_sessions == 1) {
		ly_room_remove(room, occ, why, &note);
		return;
	}
	note.self_only = true; /* the nick stays: the others are told nothing */
	ly_room_announce(room, occ, s, &note);
	ly_room_del_session(room, s);
	if (!was_first)
		return;
	ly_room_announce(room, occ, NULL, &(struct ly_muc_note) { .others_only = true });
	ly_muc_agents_event(room, LY_MUC_EV_CHANGED, occ, LY_MUC_LEFT, NULL, NULL);
}

void ly_room_remove_non_members(struct ly_room *room)
{
	struct ly_muc_note note = { .gone = true, .codes = { 322 } };

	LY_LIST_EACH (n, tmp, &room->occupants) {
		struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);

		if (occ->agent == NULL && occ->affiliation < LY_MUC_MEMBER)
			ly_room_remove(room, occ, LY_MUC_REMOVED, &note);
	}
}

static void leave(struct ly_room *room, struct ly_stanza *st)
{
	struct ly_muc_session *s = ly_room_session(room, &st->from);
	struct ly_xml_doc *payload;
	int err;

	/* s. 17.3: from somebody who is not in the room, silence */
	if (s != NULL) {
		payload = payload_of(st, &err); /* a farewell that is too large is left out */
		ly_room_remove_session(room, s, LY_MUC_LEFT, payload ? payload->root : NULL,
				       st->ended);
		ly_xml_doc_free(payload);
	}
	ly_stanza_free(st);
}

void ly_room_presence(struct ly_room *room, struct ly_stanza *st)
{
	struct ly_muc_session *s;

	if (st->type == LY_T_UNAVAILABLE) {
		leave(room, st);
		return;
	}
	if (st->type != LY_T_AVAILABLE) { /* s. 17.3: neither probes nor subscriptions join */
		ly_stanza_free(st);
		return;
	}
	s = ly_room_session(room, &st->from);
	if (st->to.resource == NULL)
		ly_muc_refuse(room->muc, st, LY_JID_MALFORMED, "A room nick is missing.");
	else if (!ly_muc_nick_is_fit(st->to.resource))
		ly_muc_refuse(room->muc, st, LY_NOT_ACCEPTABLE, "The nick is empty.");
	else if (s == NULL && ly_xml_child(st->root, LY_NS_MUC, "x") != NULL)
		enter(room, st);
	else if (s == NULL) {
		ly_muc_tell_not_in(room->muc, st);
		ly_stanza_free(st);
	} else if (strcmp(s->occ->nick, st->to.resource) != 0)
		change_nick(room, s, st);
	else
		update(room, s, st);
}
