/* muc#admin: roles and affiliations, one by one and as lists (XEP-0045 s. 8, 9, 10). */
#include "signaling/features/xep_0045/muc_priv.h"

/* One item of a set, checked and to be applied. */
struct change {
	bool is_role;
	struct ly_muc_occupant *occ; /* role */
	enum ly_muc_role role;
	const char *bare; /* affiliation */
	enum ly_muc_affiliation affiliation;
	const char *nick, *reason;
};

struct request {
	struct ly_room *room;
	struct ly_stanza *iq;
	struct ly_muc_party actor;
	const char *actor_nick;
	struct change *changes; /* in the arena of iq */
	size_t n;
	unsigned owners_left;
};

static int role_of(const char *s, enum ly_muc_role *out)
{
	for (int r = LY_MUC_NONE; r <= LY_MUC_MODERATOR; r++)
		if (strcmp(s, ly_muc_role_name((enum ly_muc_role)r)) == 0) {
			*out = (enum ly_muc_role)r;
			return LY_MUC_OK;
		}
	return LY_BAD_REQUEST;
}

static int affiliation_of(const char *s, enum ly_muc_affiliation *out)
{
	for (int a = LY_MUC_AFF_NONE; a <= LY_MUC_OWNER; a++)
		if (strcmp(s, ly_muc_affiliation_name((enum ly_muc_affiliation)a)) == 0) {
			*out = (enum ly_muc_affiliation)a;
			return LY_MUC_OK;
		}
	return LY_BAD_REQUEST;
}

static void actor_of(struct request *rq)
{
	const struct ly_muc_session *s = ly_room_session(rq->room, &rq->iq->from);

	rq->actor.affiliation = ly_room_affiliation(rq->room, rq->iq->from.bare);
	rq->actor.role = s != NULL ? s->occ->role : LY_MUC_NONE;
	/* copied: the actor may remove itself */
	rq->actor_nick = s != NULL ? ly_arena_strdup(&rq->iq->doc->arena, s->occ->nick) : NULL;
}

/* ---- lists ---- */

static void list_role(struct ly_build *b, const struct request *rq, enum ly_muc_role role)
{
	LY_LIST_EACH (n, tmp, &rq->room->occupants) {
		const struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);
		const struct ly_muc_session *s = ly_muc_first_session(occ);

		if (occ->role != role || s == NULL)
			continue;
		ly_build_open(b, NULL, "item");
		ly_build_attr(b, "affiliation", ly_muc_affiliation_name(occ->affiliation));
		ly_build_attr(b, "role", ly_muc_role_name(occ->role));
		ly_build_attr(b, "nick", occ->nick);
		ly_build_attr(b, "jid", s->jid.full);
		ly_build_close(b);
	}
}

static void list_affiliation(struct ly_build *b, const struct request *rq,
			     enum ly_muc_affiliation affiliation)
{
	struct ly_map_slot slot;
	size_t it = 0;

	while (ly_map_next(&rq->room->members, &it, &slot)) {
		const struct ly_muc_member *m = (const struct ly_muc_member *)slot.value;

		if (m->affiliation != affiliation)
			continue;
		ly_build_open(b, NULL, "item");
		ly_build_attr(b, "affiliation", ly_muc_affiliation_name(affiliation));
		ly_build_attr(b, "jid", m->jid);
		ly_build_attr(b, "nick", m->nick);
		if (m->reason != NULL)
			ly_build_element(b, NULL, "reason", m->reason);
		ly_build_close(b);
	}
}

/* Checks what one item of a get asks for, and answers it into b. @return LY_MUC_OK or the condition
 */
static int list_item(struct ly_build *b, const struct request *rq, const struct ly_xml *item)
{
	const char *role_name = ly_xml_attr(item, "role");
	const char *affiliation_name = ly_xml_attr(item, "affiliation");
	enum ly_muc_affiliation affiliation;
	enum ly_muc_role role;
	int cond;

	if ((role_name == NULL) == (affiliation_name == NULL))
		return LY_BAD_REQUEST;
	if (role_name != NULL) {
		cond = role_of(role_name, &role);
		if (cond == LY_MUC_OK)
			cond = ly_muc_may_list_role(&rq->actor, role);
		if (cond == LY_MUC_OK)
			list_role(b, rq, role);
		return cond;
	}
	cond = affiliation_of(affiliation_name, &affiliation);
	if (cond == LY_MUC_OK && affiliation == LY_MUC_AFF_NONE)
		cond = LY_BAD_REQUEST; /* s. 5.2: there is no list of those without */
	if (cond == LY_MUC_OK)
		cond = ly_muc_may_list_affiliation(rq->actor.affiliation, affiliation,
						   rq->room->conf.non_anonymous);
	if (cond == LY_MUC_OK)
		list_affiliation(b, rq, affiliation);
	return cond;
}

static void get(struct request *rq, const struct ly_xml *query)
{
	const struct ly_xml *item = ly_xml_child(query, LY_NS_MUC_ADMIN, "item");
	struct ly_build b = ly_iq_result(rq->iq);
	int cond = item == NULL ? LY_BAD_REQUEST : LY_MUC_OK;

	ly_build_open(&b, LY_NS_MUC_ADMIN, "query");
	for (; item != NULL && cond == LY_MUC_OK;
	     item = ly_xml_next_child(item, LY_NS_MUC_ADMIN, "item"))
		cond = list_item(&b, rq, item);
	if (cond != LY_MUC_OK)
		ly_muc_refuse(rq->room->muc, rq->iq, (enum ly_cond)cond, NULL);
	else
		ly_muc_answer(rq->room->muc, rq->iq, &b);
}

/* ---- changes ---- */

/* A nick of the request as rooms compare them, in the arena of the IQ; NULL: none, or not possible.
 */
static const char *prepared_nick(struct request *rq, const struct ly_xml *item)
{
	const char *nick = ly_xml_attr(item, "nick");
	char out[LY_JID_PART_MAX + 1];

	if (nick == NULL || ly_jid_prep_resource(out, sizeof(out), nick) != 0)
		return NULL;
	return ly_arena_strdup(&rq->iq->doc->arena, out);
}

/* The occupant that an item means, by nick or by full JID; NULL if none. */
static struct ly_muc_occupant *occupant_of(struct request *rq, const struct ly_xml *item)
{
	const char *nick = prepared_nick(rq, item), *name = ly_xml_attr(item, "jid");
	const struct ly_muc_session *s;
	struct ly_jid jid;

	if (nick != NULL)
		return ly_room_by_nick(rq->room, nick);
	if (name == NULL || ly_jid_parse(&jid, &rq->iq->doc->arena, name) != 0)
		return NULL;
	s = ly_room_session(rq->room, &jid);
	return s != NULL ? s->occ : NULL;
}

static int check_role(struct request *rq, const struct ly_xml *item, struct change *c)
{
	struct ly_muc_party target;
	int cond = role_of(ly_xml_attr(item, "role"), &c->role);

	if (cond != LY_MUC_OK)
		return cond;
	if (ly_xml_attr(item, "nick") == NULL && ly_xml_attr(item, "jid") == NULL)
		return LY_BAD_REQUEST;
	if (rq->actor.role != LY_MUC_MODERATOR)
		return LY_FORBIDDEN;
	c->is_role = true;
	c->occ = occupant_of(rq, item);
	if (c->occ == NULL)
		return LY_ITEM_NOT_FOUND;
	if (c->occ->agent != NULL)
		return LY_NOT_ALLOWED;
	target = (struct ly_muc_party) { c->occ->role, c->occ->affiliation };
	return ly_muc_may_set_role(&rq->actor, &target, c->role);
}

/* The bare JID that an item means: its jid, or that of the occupant with its nick. */
static int bare_of(struct request *rq, const struct ly_xml *item, const char **bare)
{
	const char *name = ly_xml_attr(item, "jid"), *nick = prepared_nick(rq, item);
	const struct ly_muc_occupant *occ;
	struct ly_jid jid;

	if (name == NULL && nick == NULL)
		return LY_BAD_REQUEST;
	if (name != NULL) {
		if (ly_jid_parse(&jid, &rq->iq->doc->arena, name) != 0)
			return LY_JID_MALFORMED;
		*bare = jid.bare;
		return LY_MUC_OK;
	}
	occ = ly_room_by_nick(rq->room, nick);
	if (occ == NULL)
		return LY_ITEM_NOT_FOUND;
	*bare = ly_arena_strdup(&rq->iq->doc->arena, occ->bare);
	if (*bare == NULL)
		return LY_RESOURCE_CONSTRAINT;
	return occ->agent != NULL ? LY_NOT_ALLOWED : LY_MUC_OK;
}

/* s. 9.3, 9.5: beside a jid, the nick is the one to be registered; an empty one is none. */
static int check_registered(struct request *rq, const struct ly_xml *item, struct change *c)
{
	const char *nick = ly_xml_attr(item, "nick");

	if (ly_xml_attr(item, "jid") == NULL || nick == NULL)
		return LY_MUC_OK;
	c->nick = *nick != '\0' ? prepared_nick(rq, item) : "";
	if (c->nick == NULL || (*c->nick != '\0' && !ly_muc_nick_is_fit(c->nick)))
		return LY_NOT_ACCEPTABLE;
	/* s. 7.10: who comes first has it */
	return ly_room_nick_reserved(rq->room, c->nick, c->bare) ? LY_CONFLICT : LY_MUC_OK;
}

static int check_affiliation(struct request *rq, const struct ly_xml *item, struct change *c)
{
	enum ly_muc_affiliation now;
	bool self, last;
	int cond = affiliation_of(ly_xml_attr(item, "affiliation"), &c->affiliation);

	if (cond == LY_MUC_OK && rq->actor.affiliation < LY_MUC_ADMIN)
		cond = LY_FORBIDDEN;
	if (cond == LY_MUC_OK)
		cond = bare_of(rq, item, &c->bare);
	if (cond != LY_MUC_OK)
		return cond;
	/* a whole domain can be banned, but not be a member (s. 9.2) */
	if (strchr(c->bare, '@') == NULL && c->affiliation > LY_MUC_OUTCAST)
		return LY_NOT_ACCEPTABLE;
	now = ly_room_affiliation(rq->room, c->bare);
	self = strcmp(c->bare, rq->iq->from.bare) == 0;
	last = now == LY_MUC_OWNER && rq->owners_left <= 1;
	cond = ly_muc_may_set_affiliation(rq->actor.affiliation, now, c->affiliation, self, last);
	if (cond == LY_MUC_OK && now == LY_MUC_OWNER && c->affiliation != LY_MUC_OWNER)
		rq->owners_left--;
	return cond == LY_MUC_OK ? check_registered(rq, item, c) : cond;
}

static int check_items(struct request *rq, const struct ly_xml *query)
{
	const struct ly_xml *item = ly_xml_child(query, LY_NS_MUC_ADMIN, "item");

	if (item == NULL)
		return LY_BAD_REQUEST;
	rq->changes = (struct change *)ly_arena_alloc(&rq->iq->doc->arena,
						      LY_MUC_MAX_ITEMS * sizeof(*rq->changes));
	if (rq->changes == NULL)
		return LY_RESOURCE_CONSTRAINT;
	for (; item != NULL; item = ly_xml_next_child(item, LY_NS_MUC_ADMIN, "item")) {
		bool has_role = ly_xml_attr(item, "role") != NULL;
		bool has_affiliation = ly_xml_attr(item, "affiliation") != NULL;
		struct change *c = &rq->changes[rq->n];
		int cond;

		/* s. 17.4: one of the two */
		if (has_role == has_affiliation)
			return LY_BAD_REQUEST;
		if (++rq->n > LY_MUC_MAX_ITEMS)
			return LY_POLICY_VIOLATION;
		cond = has_role ? check_role(rq, item, c) : check_affiliation(rq, item, c);
		if (cond != LY_MUC_OK)
			return cond;
		c->reason = ly_xml_child_text(item, LY_NS_MUC_ADMIN, "reason");
		if (c->reason != NULL && strlen(c->reason) > LY_MUC_MAX_TEXT)
			return LY_NOT_ACCEPTABLE;
	}
	if (rq->room->members.n + rq->n > LY_MUC_MAX_AFFILIATIONS)
		return LY_RESOURCE_CONSTRAINT;
	return LY_MUC_OK;
}

void ly_room_set_role(struct ly_room *room, struct ly_muc_occupant *occ, enum ly_muc_role role,
		      const char *actor, const char *reason)
{
	struct ly_muc_note note = { .actor = actor, .reason = reason };

	if (role == LY_MUC_NONE) {
		note.gone = true;
		note.codes[0] = 307;
		ly_room_remove(room, occ, LY_MUC_KICKED, &note);
		return;
	}
	if (role == occ->role)
		return;
	occ->role = role;
	ly_room_announce(room, occ, NULL, &note);
	ly_muc_agents_event(room, LY_MUC_EV_CHANGED, occ, LY_MUC_LEFT, NULL, NULL);
}

static void reaffiliate(struct ly_room *room, struct ly_muc_occupant *occ, const char *actor,
			const char *reason)
{
	enum ly_muc_affiliation was = occ->affiliation;
	enum ly_muc_affiliation is = ly_room_affiliation(room, occ->bare);
	enum ly_muc_role role = ly_muc_role_after(occ->role, was, is, room->conf.members_only,
						  room->conf.moderated);
	struct ly_muc_note note = { .actor = actor, .reason = reason };

	if (was == is)
		return;
	occ->affiliation = is;
	if (role == LY_MUC_NONE) {
		note.gone = true;
		note.codes[0] = is == LY_MUC_OUTCAST ? 301 : 321;
		ly_room_remove(room, occ, is == LY_MUC_OUTCAST ? LY_MUC_BANNED : LY_MUC_REMOVED,
			       &note);
		return;
	}
	occ->role = role;
	ly_room_announce(room, occ, NULL, &note);
	ly_muc_agents_event(room, LY_MUC_EV_CHANGED, occ, LY_MUC_LEFT, NULL, NULL);
}

void ly_room_apply_affiliation(struct ly_room *room, const char *bare, const char *actor,
			       const char *reason)
{
	LY_LIST_EACH (n, tmp, &room->occupants) {
		struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);
		const char *at = strchr(occ->bare, '@');

		if (occ->agent == NULL &&
		    (strcmp(occ->bare, bare) == 0 || (at != NULL && strcmp(at + 1, bare) == 0)))
			reaffiliate(room, occ, actor, reason);
	}
}

/* s. 9.5: a new member of a members-only room who is not there gets an invitation */
static void greet(const struct request *rq, const struct change *c)
{
	if (rq->room->conf.members_only && c->affiliation == LY_MUC_MEMBER &&
	    ly_room_by_bare(rq->room, c->bare) == NULL)
		ly_room_invite(rq->room, rq->iq->from.bare, c->bare, NULL, NULL);
}

/* Changes the lists. @return true if there was something to change */
static bool change_members(struct request *rq)
{
	bool changed = false;

	for (size_t i = 0; i < rq->n; i++) {
		struct change *c = &rq->changes[i];
		bool was_out;

		if (c->is_role)
			continue;
		was_out = ly_room_affiliation(rq->room, c->bare) < LY_MUC_MEMBER;
		/* out of memory leaves this one as it was; the others stand */
		if (ly_room_set_member(rq->room, c->bare, c->affiliation, c->nick, c->reason) ==
			    0 &&
		    was_out)
			greet(rq, c);
		changed = true;
	}
	return changed;
}

static void change_roles(struct request *rq)
{
	for (size_t i = 0; i < rq->n; i++) {
		struct change *c = &rq->changes[i];

		/* somebody named twice: the last word counts, and the first might have removed him
		 */
		for (size_t k = i + 1; k < rq->n && c->is_role; k++)
			if (rq->changes[k].is_role && rq->changes[k].occ == c->occ)
				c->occ = NULL;
		if (c->is_role && c->occ != NULL)
			ly_room_set_role(rq->room, c->occ, c->role, rq->actor_nick, c->reason);
	}
}

static void set(struct request *rq, const struct ly_xml *query)
{
	struct ly_stanza *copy;
	int cond = check_items(rq, query);

	/* s. 8.2: the answer goes out before the others are told, and takes its IQ along */
	if (cond == LY_MUC_OK && ly_stanza_clone(&copy, rq->iq, NULL, NULL) != 0)
		cond = LY_RESOURCE_CONSTRAINT;
	if (cond != LY_MUC_OK) {
		ly_muc_refuse(rq->room->muc, rq->iq, (enum ly_cond)cond, NULL);
		return;
	}
	if (change_members(rq))
		ly_room_save(rq->room, copy);
	else
		ly_muc_ok(rq->room->muc, copy);
	change_roles(rq);
	for (size_t i = 0; i < rq->n; i++)
		if (!rq->changes[i].is_role)
			ly_room_apply_affiliation(rq->room, rq->changes[i].bare, rq->actor_nick,
						  rq->changes[i].reason);
	ly_stanza_free(rq->iq);
}

void ly_room_admin(struct ly_room *room, struct ly_stanza *iq)
{
	struct request rq = { .room = room, .iq = iq, .owners_left = room->n_owners };

	actor_of(&rq);
	if (iq->type == LY_T_GET)
		get(&rq, ly_iq_payload(iq));
	else
		set(&rq, ly_iq_payload(iq));
}
