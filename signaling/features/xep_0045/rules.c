/* Decisions of XEP-0045 without any state of their own. */
#include "signaling/features/xep_0045/rules.h"

#include <ctype.h>
#include <stdlib.h>

/* Owners and admins get in beyond the limit, so that a room cannot be stuffed against them
 * (s. 7.2.9); "some reasonable number" more. */
#define EXTRA_FOR_ADMINS 10

const char *ly_muc_role_name(enum ly_muc_role role)
{
	static const char *const names[] = { "none", "visitor", "participant", "moderator" };

	return (size_t)role < LY_COUNTOF(names) ? names[role] : "none";
}

const char *ly_muc_affiliation_name(enum ly_muc_affiliation affiliation)
{
	static const char *const names[] = { "none", "outcast", "member", "admin", "owner" };

	return (size_t)affiliation < LY_COUNTOF(names) ? names[affiliation] : "none";
}

int ly_muc_may_join(const struct ly_muc_join_facts *f)
{
	unsigned extra = f->affiliation >= LY_MUC_ADMIN ? EXTRA_FOR_ADMINS : 0;

	if (f->affiliation == LY_MUC_OUTCAST)
		return LY_FORBIDDEN;
	if (f->locked)
		return LY_ITEM_NOT_FOUND;
	if (f->members_only && f->affiliation < LY_MUC_MEMBER)
		return LY_REGISTRATION_REQUIRED;
	if (f->has_password && !f->password_ok)
		return LY_NOT_AUTHORIZED;
	if (f->nick_taken)
		return LY_CONFLICT;
	if (f->too_many_sessions)
		return LY_RESOURCE_CONSTRAINT;
	if (f->n_occupants >= f->max_occupants + extra)
		return LY_SERVICE_UNAVAILABLE;
	return LY_MUC_OK;
}

enum ly_muc_role ly_muc_default_role(enum ly_muc_affiliation affiliation, bool moderated)
{
	if (affiliation >= LY_MUC_ADMIN)
		return LY_MUC_MODERATOR;
	if (affiliation == LY_MUC_OUTCAST)
		return LY_MUC_NONE;
	if (moderated && affiliation < LY_MUC_MEMBER)
		return LY_MUC_VISITOR;
	return LY_MUC_PARTICIPANT;
}

int ly_muc_may_set_role(const struct ly_muc_party *actor, const struct ly_muc_party *target,
			enum ly_muc_role to)
{
	bool takes_away = to < target->role;

	if (actor->role != LY_MUC_MODERATOR)
		return LY_FORBIDDEN;
	/* s. 8.2: nobody kicks somebody of a higher affiliation; equals do */
	if (to == LY_MUC_NONE)
		return target->affiliation > actor->affiliation ? LY_NOT_ALLOWED : LY_MUC_OK;
	/* s. 9.6, 9.7: moderator status is given and taken by admins and owners only */
	if ((to == LY_MUC_MODERATOR || target->role == LY_MUC_MODERATOR) && to != target->role &&
	    actor->affiliation < LY_MUC_ADMIN)
		return takes_away && target->affiliation >= LY_MUC_ADMIN ? LY_NOT_ALLOWED
									 : LY_FORBIDDEN;
	/* s. 8.4, 9.7: admins and owners keep what their affiliation gives them */
	if (takes_away && target->affiliation >= LY_MUC_ADMIN)
		return LY_NOT_ALLOWED;
	/* s. 8.4: voice is not taken from somebody at or above the moderator's own level; below
	 * admin the level is that of the role, which is moderator against participant */
	if (takes_away && target->affiliation > actor->affiliation)
		return LY_NOT_ALLOWED;
	return LY_MUC_OK;
}

int ly_muc_may_set_affiliation(enum ly_muc_affiliation actor, enum ly_muc_affiliation target,
			       enum ly_muc_affiliation to, bool self, bool last_owner)
{
	if (actor < LY_MUC_ADMIN)
		return LY_FORBIDDEN;
	/* s. 9.1: nobody bans himself */
	if (self && to == LY_MUC_OUTCAST)
		return LY_CONFLICT;
	/* s. 10.4: a room keeps an owner */
	if (last_owner && to != LY_MUC_OWNER)
		return actor == LY_MUC_OWNER ? LY_CONFLICT : LY_NOT_ALLOWED;
	if (actor == LY_MUC_OWNER)
		return LY_MUC_OK;
	/* an admin: bans and removals of admins and owners are not allowed, the lists of admins and
	 * owners are not his to edit; he may step down */
	if (target >= LY_MUC_ADMIN && !(self && to < LY_MUC_ADMIN))
		return target == to ? LY_MUC_OK : LY_NOT_ALLOWED;
	if (to >= LY_MUC_ADMIN)
		return LY_FORBIDDEN;
	return LY_MUC_OK;
}

int ly_muc_may_list_affiliation(enum ly_muc_affiliation actor, enum ly_muc_affiliation list,
				bool non_anonymous)
{
	if (actor >= LY_MUC_ADMIN)
		return LY_MUC_OK;
	/* s. 5.2.1 note: members see each other where real JIDs are no secret; clients need that
	 * to encrypt for those who are away */
	if (actor == LY_MUC_MEMBER && list >= LY_MUC_MEMBER && non_anonymous)
		return LY_MUC_OK;
	return LY_FORBIDDEN;
}

int ly_muc_may_list_role(const struct ly_muc_party *actor, enum ly_muc_role list)
{
	if (list == LY_MUC_NONE)
		return LY_BAD_REQUEST;
	if (list == LY_MUC_MODERATOR)
		return actor->affiliation >= LY_MUC_ADMIN ? LY_MUC_OK : LY_FORBIDDEN;
	return actor->role == LY_MUC_MODERATOR || actor->affiliation >= LY_MUC_ADMIN ? LY_MUC_OK
										     : LY_FORBIDDEN;
}

enum ly_muc_role ly_muc_role_after(enum ly_muc_role role, enum ly_muc_affiliation from,
				   enum ly_muc_affiliation to, bool members_only, bool moderated)
{
	enum ly_muc_role def = ly_muc_default_role(to, moderated);

	if (to == LY_MUC_OUTCAST || (members_only && to < LY_MUC_MEMBER))
		return LY_MUC_NONE;
	/* the power that came with the affiliation goes with it */
	if (from >= LY_MUC_ADMIN && to < LY_MUC_ADMIN)
		return def;
	return LY_MAX(role, def);
}

static uint64_t number_attr(const struct ly_xml *el, const char *name)
{
	const char *s = ly_xml_attr(el, name);
	char *end;
	unsigned long long v;

	if (s == NULL || !isdigit((unsigned char)*s))
		return UINT64_MAX;
	v = strtoull(s, &end, 10);
	return *end == '\0' ? v : UINT64_MAX;
}

struct ly_muc_history_wish ly_muc_history_parse(const struct ly_xml *history, ly_usec wall)
{
	struct ly_muc_history_wish wish = { UINT64_MAX, UINT64_MAX, 0 };
	const char *since;
	uint64_t seconds;
	ly_usec at;

	if (history == NULL)
		return wish;
	wish.max_chars = number_attr(history, "maxchars");
	wish.max_stanzas = number_attr(history, "maxstanzas");
	seconds = number_attr(history, "seconds");
	if (seconds < (uint64_t)(wall / 1000000))
		wish.since_wall = wall - LY_SEC(seconds);
	since = ly_xml_attr(history, "since");
	if (since != NULL && ly_datetime_parse(since, strlen(since), &at) == 0)
		wish.since_wall = LY_MAX(wish.since_wall, at);
	return wish;
}

size_t ly_muc_history_fit(const struct ly_muc_history_wish *wish, const uint32_t *sizes,
			  const ly_usec *walls, size_t n)
{
	uint64_t chars = 0;
	size_t fit = 0;

	while (fit < n && fit < wish->max_stanzas) {
		size_t i = n - 1 - fit;

		chars += sizes[i];
		if (chars > wish->max_chars || walls[i] < wish->since_wall)
			break;
		fit++;
	}
	return fit;
}

/* Code points that leave no mark: spaces, joiners, direction marks, fillers. */
static bool is_invisible(uint32_t c)
{
	return c <= 0x20 || c == 0x7f || c == 0xa0 || c == 0xad || c == 0x115f || c == 0x1160 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	       (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0x3164 || c == 0xfeff ||
	       c == 0xffa0;
}

/* Steps over one code point of well-formed UTF-8 (the JID parser has checked it). */
static uint32_t next_code_point(const unsigned char **s)
{
	unsigned char c = *(*s)++;
	unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	uint32_t v = more == 0 ? c : c & (0x3fu >> more);

	while (more-- > 0 && (**s & 0xc0) == 0x80)
		v = v << 6 | (*(*s)++ & 0x3f);
	return v;
}

bool ly_muc_nick_is_fit(const char *nick)
{
	const unsigned char *s = (const unsigned char *)nick;

	while (*s != '\0')
		if (!is_invisible(next_code_point(&s)))
			return true;
	return false;
}
