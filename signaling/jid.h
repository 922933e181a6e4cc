/* XMPP addresses (RFC 7622): parsed, normalised, compared. */
#ifndef LY_SIGNALING_JID_H
#define LY_SIGNALING_JID_H

#include "base/arena.h"

/** Most bytes of each of the three parts (RFC 7622 s. 3.1), and of a whole JID with its zero. */
#define LY_JID_PART_MAX 1023
#define LY_JID_MAX (3 * LY_JID_PART_MAX + 3)

/** A normalised JID; all zero = absent. The strings live where the parser was told to put them. */
struct ly_jid {
	const char *full;     /* "local@domain/resource", as much of it as there is */
	const char *bare;     /* "local@domain" or "domain"; equal to full without a resource */
	const char *local;    /* NULL if none */
	const char *domain;   /* part of bare */
	const char *resource; /* part of full; NULL if none */
};

/** Parses and normalises: localpart by case folding and NFKC (UsernameCaseMapped but for the bidi
 *  rule), domain by IDNA2008 to lower-case U-labels, or an IP literal; resource NFC.
 *  @return 0, -EBADMSG (*out all zero), -ENOMEM */
int ly_jid_parse(struct ly_jid *out, struct ly_arena *arena, const char *s);

/** Copies a JID into another arena. @return 0, -ENOMEM */
int ly_jid_copy(struct ly_jid *out, struct ly_arena *arena, const struct ly_jid *jid);
/** A JID from normalised parts (local and resource may be NULL), validated. @return as
 * ly_jid_parse */
int ly_jid_make(struct ly_jid *out, struct ly_arena *arena, const char *local, const char *domain,
		const char *resource);

/** Normalises single parts into @p out (cap >= LY_JID_PART_MAX + 1). @return 0, -EBADMSG,
 * -ENOSPC */
int ly_jid_prep_local(char *out, size_t cap, const char *s);
int ly_jid_prep_domain(char *out, size_t cap, const char *s);
int ly_jid_prep_resource(char *out, size_t cap, const char *s);

/** Both absent counts as equal. */
bool ly_jid_equal(const struct ly_jid *a, const struct ly_jid *b);
bool ly_jid_bare_equal(const struct ly_jid *a, const struct ly_jid *b);

static inline bool ly_jid_is_set(const struct ly_jid *jid)
{
	return jid->full != NULL;
}

/** True when there is no resource. */
static inline bool ly_jid_is_bare(const struct ly_jid *jid)
{
	return jid->resource == NULL;
}

#endif
