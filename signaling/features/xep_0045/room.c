/* A room's tables: occupants with their sessions, and affiliations. No stanzas here. */
#include "signaling/features/xep_0045/muc_priv.h"

int ly_room_init(struct ly_room *room, struct ly_muc *muc, const char *bare)
{
	struct ly_rand *rand = ly_home_rand(muc->home);

	room->muc = muc;
	ly_list_init(&room->occupants);
	ly_list_init(&room->agents);
	ly_list_init(&room->history);
	ly_list_init(&room->waiting);
	ly_list_init(&room->posts);
	ly_list_init(&room->dead);
	/* peers choose nicks and resources: seeded, so that they cannot choose collisions */
	ly_map_init(&room->nicks, LY_MEM_ROOM, ly_rand_u64(rand));
	ly_map_init(&room->sessions, LY_MEM_ROOM, ly_rand_u64(rand));
	ly_map_init(&room->members, LY_MEM_ROOM, ly_rand_u64(rand));
	room->jid = ly_strdup(bare, LY_MEM_ROOM);
	if (room->jid == NULL || ly_muc_conf_init(&room->conf) != 0) {
		ly_room_fini(room);
		return -ENOMEM;
	}
	return 0;
}

static void member_free(struct ly_muc_member *m)
{
	if (m == NULL)
		return;
	ly_free(m->jid, LY_MEM_ROOM);
	ly_free(m->nick, LY_MEM_ROOM);
	ly_free(m->reason, LY_MEM_ROOM);
	ly_free(m, LY_MEM_ROOM);
}

void ly_room_fini(struct ly_room *room)
{
	struct ly_map_slot slot;
	size_t it = 0;

	LY_LIST_EACH (n, tmp, &room->occupants)
		ly_room_del_occupant(room, LY_LIST_ENTRY(n, struct ly_muc_occupant, link));
	LY_LIST_EACH (n, tmp, &room->waiting) {
		struct ly_muc_wait *w = LY_LIST_ENTRY(n, struct ly_muc_wait, link);

		ly_list_del(n);
		ly_stanza_free(w->st);
		ly_free(w, LY_MEM_ROOM);
	}
	LY_LIST_EACH (n, tmp, &room->posts) {
		ly_list_del(n);
		ly_muc_post_free(LY_LIST_ENTRY(n, struct ly_muc_post, link));
	}
	ly_room_clear_history(room);
	while (ly_map_next(&room->members, &it, &slot))
		member_free((struct ly_muc_member *)slot.value);
	ly_map_fini(&room->members);
	ly_map_fini(&room->sessions);
	ly_map_fini(&room->nicks);
	ly_muc_conf_fini(&room->conf);
	ly_free(room->subject, LY_MEM_ROOM);
	ly_free(room->subject_nick, LY_MEM_ROOM);
	ly_free(room->jid, LY_MEM_ROOM);
}

int ly_room_set_str(char **at, const char *s)
{
	char *copy = NULL;

	if (s != NULL && (copy = ly_strdup(s, LY_MEM_ROOM)) == NULL)
		return -ENOMEM;
	ly_free(*at, LY_MEM_ROOM);
	*at = copy;
	return 0;
}

/* ---- occupants ---- */

struct ly_muc_occupant *ly_room_by_nick(const struct ly_room *room, const char *nick)
{
	return (struct ly_muc_occupant *)ly_map_find_str(&room->nicks, nick);
}

struct ly_muc_session *ly_room_session(const struct ly_room *room, const struct ly_jid *full)
{
	return (struct ly_muc_session *)ly_map_find_str(&room->sessions, full->full);
}

struct ly_muc_session *ly_muc_first_session(const struct ly_muc_occupant *occ)
{
	return ly_list_is_empty(&occ->sessions)
		       ? NULL
		       : LY_LIST_ENTRY(occ->sessions.next, struct ly_muc_session, link);
}

struct ly_muc_session *ly_room_by_bare(const struct ly_room *room, const char *bare)
{
	LY_LIST_EACH (n, tmp, &room->occupants) {
		struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);

		if (occ->agent == NULL && strcmp(occ->bare, bare) == 0)
			return ly_muc_first_session(occ);
	}
	return NULL;
}

static char *occupant_jid(const struct ly_room *room, const char *nick)
{
	size_t cap = strlen(room->jid) + strlen(nick) + 2;
	char *jid = (char *)ly_alloc(cap, LY_MEM_ROOM);

	if (jid != NULL)
		snprintf(jid, cap, "%s/%s", room->jid, nick);
	return jid;
}

static void occupant_free(struct ly_muc_occupant *occ)
{
	ly_muc_forget_shown(occ);
	ly_free(occ->nick, LY_MEM_ROOM);
	ly_free(occ->jid, LY_MEM_ROOM);
	ly_free(occ->bare, LY_MEM_ROOM);
	ly_free(occ, LY_MEM_ROOM);
}

int ly_room_add_occupant(struct ly_room *room, const char *nick, const char *bare,
			 struct ly_muc_occupant **out)
{
	struct ly_muc_occupant *occ = (struct ly_muc_occupant *)ly_alloc(sizeof(*occ), LY_MEM_ROOM);

	if (occ == NULL)
		return -ENOMEM;
	ly_list_init(&occ->sessions);
	occ->nick = ly_strdup(nick, LY_MEM_ROOM);
	occ->bare = ly_strdup(bare, LY_MEM_ROOM);
	occ->jid = occupant_jid(room, nick);
	if (occ->nick == NULL || occ->bare == NULL || occ->jid == NULL ||
	    ly_map_put(&room->nicks, ly_span_str(occ->nick), occ) != 0) {
		occupant_free(occ);
		return -ENOMEM;
	}
	ly_list_add_tail(&room->occupants, &occ->link);
	*out = occ;
	return 0;
}

int ly_room_add_session(struct ly_room *room, struct ly_muc_occupant *occ,
			const struct ly_jid *full, struct ly_xml_doc *presence,
			struct ly_muc_session **out)
{
	struct ly_muc_session *s = (struct ly_muc_session *)ly_alloc(sizeof(*s), LY_MEM_ROOM);

	if (s == NULL)
		return -ENOMEM;
	ly_arena_init(&s->strings, LY_MEM_ROOM, 0);
	if (ly_jid_copy(&s->jid, &s->strings, full) != 0 ||
	    ly_map_put(&room->sessions, ly_span_str(s->jid.full), s) != 0) {
		ly_arena_fini(&s->strings);
		ly_free(s, LY_MEM_ROOM);
		return -ENOMEM;
	}
	s->occ = occ;
	s->num = ++room->next_session;
	s->presence = presence;
	ly_list_add_tail(&occ->sessions, &s->link);
	if (occ->n_sessions++ == 0)
		room->n_occupants++;
	*out = s;
	return 0;
}

void ly_room_del_session(struct ly_room *room, struct ly_muc_session *s)
{
	if (--s->occ->n_sessions == 0)
		room->n_occupants--;
	ly_list_del(&s->link);
	ly_map_del(&room->sessions, ly_span_str(s->jid.full));
	ly_xml_doc_free(s->presence);
	ly_arena_fini(&s->strings);
	ly_free(s, LY_MEM_ROOM);
}

void ly_room_del_occupant(struct ly_room *room, struct ly_muc_occupant *occ)
{
	LY_LIST_EACH (n, tmp, &occ->sessions)
		ly_room_del_session(room, LY_LIST_ENTRY(n, struct ly_muc_session, link));
	ly_list_del(&occ->link);
	ly_map_del(&room->nicks, ly_span_str(occ->nick));
	occupant_free(occ);
}

int ly_room_rename(struct ly_room *room, struct ly_muc_occupant *occ, const char *nick)
{
	char *new_nick = ly_strdup(nick, LY_MEM_ROOM);
	char *new_jid = occupant_jid(room, nick);

	if (new_nick == NULL || new_jid == NULL ||
	    ly_map_put(&room->nicks, ly_span_str(new_nick), occ) != 0) {
		ly_free(new_nick, LY_MEM_ROOM);
		ly_free(new_jid, LY_MEM_ROOM);
		return -ENOMEM;
	}
	ly_map_del(&room->nicks, ly_span_str(occ->nick));
	ly_free(occ->nick, LY_MEM_ROOM);
	ly_free(occ->jid, LY_MEM_ROOM);
	occ->nick = new_nick;
	occ->jid = new_jid;
	return 0;
}

/* ---- affiliations ---- */

const struct ly_muc_member *ly_room_member(const struct ly_room *room, const char *bare)
{
	return (const struct ly_muc_member *)ly_map_find_str(&room->members, bare);
}

enum ly_muc_affiliation ly_room_affiliation(const struct ly_room *room, const char *bare)
{
	const struct ly_muc_member *m = ly_room_member(room, bare);
	const char *at = strchr(bare, '@');

	if (m == NULL && at != NULL) {
		m = ly_room_member(room, at + 1);
		if (m != NULL && m->affiliation != LY_MUC_OUTCAST)
			m = NULL;
	}
	return m != NULL ? m->affiliation : LY_MUC_AFF_NONE;
}

static void del_member(struct ly_room *room, struct ly_muc_member *m)
{
	if (m == NULL)
		return;
	room->n_owners -= m->affiliation == LY_MUC_OWNER;
	room->n_nicks -= m->nick != NULL;
	ly_map_del(&room->members, ly_span_str(m->jid));
	member_free(m);
}

static struct ly_muc_member *add_member(struct ly_room *room, const char *bare)
{
	struct ly_muc_member *m = (struct ly_muc_member *)ly_alloc(sizeof(*m), LY_MEM_ROOM);

	if (m == NULL)
		return NULL;
	m->jid = ly_strdup(bare, LY_MEM_ROOM);
	if (m->jid == NULL || ly_map_put(&room->members, ly_span_str(m->jid), m) != 0) {
		member_free(m);
		return NULL;
	}
	return m;
}

int ly_room_set_member(struct ly_room *room, const char *bare, enum ly_muc_affiliation affiliation,
		       const char *nick, const char *reason)
{
	struct ly_muc_member *m = (struct ly_muc_member *)ly_map_find_str(&room->members, bare);
	bool is_new = m == NULL;

	if (affiliation == LY_MUC_AFF_NONE) {
		del_member(room, m);
		return 0;
	}
	if (is_new && room->members.n >= LY_MUC_MAX_AFFILIATIONS)
		return -E2BIG;
	if (is_new && (m = add_member(room, bare)) == NULL)
		return -ENOMEM;
	/* s. 9.1: an outcast has no registered nick */
	if (affiliation == LY_MUC_OUTCAST)
		nick = "";
	if (nick != NULL) {
		room->n_nicks -= m->nick != NULL;
		if (ly_room_set_str(&m->nick, *nick ? nick : NULL) != 0)
			goto nomem;
		room->n_nicks += m->nick != NULL;
	}
	if (ly_room_set_str(&m->reason, reason) != 0)
		goto nomem;
	room->n_owners -= m->affiliation == LY_MUC_OWNER;
	room->n_owners += affiliation == LY_MUC_OWNER;
	m->affiliation = affiliation;
	return 0;
nomem:
	if (is_new)
		del_member(room, m);
	return -ENOMEM;
}

bool ly_room_nick_reserved(const struct ly_room *room, const char *nick, const char *bare)
{
	struct ly_map_slot slot;
	size_t it = 0;

	if (strcmp(nick, LY_MUC_SERVICE_NICK) == 0)
		return true;
	if (room->n_nicks == 0)
		return false;
	while (ly_map_next(&room->members, &it, &slot)) {
		const struct ly_muc_member *m = (const struct ly_muc_member *)slot.value;

		if (m->nick != NULL && strcmp(m->nick, nick) == 0 && strcmp(m->jid, bare) != 0)
			return true;
	}
	return false;
}
