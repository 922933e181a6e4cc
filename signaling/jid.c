#include "signaling/jid.h"

#include <errno.h>
#include <glib.h>
#include <idn2.h>

/* RFC 7622 s. 3.3.1: excluded from localparts though IdentifierClass has them. */
static const char excluded[] = "\"&'/:<>@";

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static int put(char *out, size_t cap, const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > LY_JID_PART_MAX)
		return -EBADMSG;
	if (len >= cap)
		return -ENOSPC;
	memcpy(out, s, len + 1);
	return 0;
}

/* IdentifierClass (RFC 8264 s. 4.2): letters, digits, marks, and ASCII without space. */
static bool is_identifier(gunichar c)
{
	if (c < 0x80)
		return c > 0x20 && c < 0x7f && strchr(excluded, (int)c) == NULL;
	switch (g_unichar_type(c)) {
	case G_UNICODE_LOWERCASE_LETTER:
	case G_UNICODE_UPPERCASE_LETTER:
	case G_UNICODE_OTHER_LETTER:
	case G_UNICODE_MODIFIER_LETTER:
	case G_UNICODE_DECIMAL_NUMBER:
	case G_UNICODE_NON_SPACING_MARK:
	case G_UNICODE_SPACING_MARK:
		return true;
	default:
		return false;
	}
}

/* Case folding and NFKC, to be freed with g_free(). NULL if @p s is not UTF-8. */
static char *fold(const char *s)
{
	char *norm = g_utf8_normalize(s, -1, G_NORMALIZE_NFKC), *lower, *out;

	if (norm == NULL)
		return NULL;
	lower = g_utf8_casefold(norm, -1);
	out = g_utf8_normalize(lower, -1, G_NORMALIZE_NFKC);
	g_free(lower);
	g_free(norm);
	return out;
}

static int prep_local_ascii(char *out, size_t cap, const char *s)
{
	int err = put(out, cap, s);

	if (err)
		return err;
	for (char *p = out; *p; p++) {
		if (!is_identifier((gunichar)(unsigned char)*p))
			return -EBADMSG;
		*p = g_ascii_tolower(*p);
	}
	return 0;
}

int ly_jid_prep_local(char *out, size_t cap, const char *s)
{
	char *once, *twice = NULL;
	int err = -EBADMSG;

	if (is_ascii(s))
		return prep_local_ascii(out, cap, s);
	if (strlen(s) > LY_JID_PART_MAX || !g_utf8_validate(s, -1, NULL))
		return -EBADMSG;
	once = fold(s);
	if (once != NULL)
		twice = fold(once);
	/* what changes again would give two forms of one address */
	if (twice == NULL || strcmp(once, twice) != 0)
		goto out;
	for (const char *p = once; *p; p = g_utf8_next_char(p))
		if (!is_identifier(g_utf8_get_char(p)))
			goto out;
	err = put(out, cap, once);
out:
	g_free(once);
	g_free(twice);
	return err;
}

/* "[2001:db8::1]": only its characters are checked, it is compared as text. */
static int prep_ipv6(char *out, size_t cap, const char *s)
{
	size_t len = strlen(s);
	int err;

	if (len < 4 || len > 64 || s[len - 1] != ']' ||
	    strspn(s + 1, "0123456789abcdefABCDEF:.") != len - 2)
		return -EBADMSG;
	err = put(out, cap, s);
	for (char *p = out; !err && *p; p++)
		*p = g_ascii_tolower(*p);
	return err;
}

/* Letters, digits, hyphen; underscore too, as container networks name hosts so. */
static int prep_ascii_domain(char *out, size_t cap, const char *s)
{
	size_t label = 0;
	int err = put(out, cap, s);

	if (err)
		return err;
	for (char *p = out; *p; p++) {
		*p = g_ascii_tolower(*p);
		if (*p == '.') {
			if (label == 0)
				return -EBADMSG;
			label = 0;
			continue;
		}
		if (!g_ascii_isalnum(*p) && *p != '-' && *p != '_')
			return -EBADMSG;
		if (++label > 63)
			return -EBADMSG;
	}
	return label ? 0 : -EBADMSG;
}

static int prep_idn(char *out, size_t cap, const char *s)
{
	const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
	uint8_t *ascii = NULL;
	char *utf8 = NULL;
	int err = -EBADMSG;

	if (idn2_lookup_u8((const uint8_t *)s, &ascii, flags) == IDN2_OK &&
	    idn2_to_unicode_8z8z((const char *)ascii, &utf8, 0) == IDN2_OK)
		err = put(out, cap, utf8);
	idn2_free(ascii);
	idn2_free(utf8);
	return err;
}

int ly_jid_prep_domain(char *out, size_t cap, const char *s)
{
	char buf[LY_JID_PART_MAX + 1];
	size_t len = strlen(s);

	if (len > LY_JID_PART_MAX)
		return -EBADMSG;
	memcpy(buf, s, len + 1);
	if (len > 1 && buf[len - 1] == '.') /* RFC 7622 s. 3.2: a final dot is stripped */
		buf[len - 1] = '\0';
	if (buf[0] == '[')
		return prep_ipv6(out, cap, buf);
	if (is_ascii(buf) && strcasestr(buf, "xn--") == NULL)
		return prep_ascii_domain(out, cap, buf);
	return g_utf8_validate(buf, -1, NULL) ? prep_idn(out, cap, buf) : -EBADMSG;
}

/* OpaqueString (RFC 8265 s. 4.2): spaces become ASCII spaces, NFC, no controls. */
int ly_jid_prep_resource(char *out, size_t cap, const char *s)
{
	GString *mapped;
	char *norm;
	int err;

	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return -EBADMSG;
	if (is_ascii(s))
		return put(out, cap, s);
	if (strlen(s) > LY_JID_PART_MAX || !g_utf8_validate(s, -1, NULL))
		return -EBADMSG;
	mapped = g_string_new(NULL);
	for (const char *p = s; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_type(c) == G_UNICODE_CONTROL ||
		    g_unichar_type(c) == G_UNICODE_UNASSIGNED) {
			g_string_free(mapped, TRUE);
			return -EBADMSG;
		}
		g_string_append_unichar(mapped, g_unichar_isspace(c) ? ' ' : c);
	}
	norm = g_utf8_normalize(mapped->str, -1, G_NORMALIZE_NFC);
	g_string_free(mapped, TRUE);
	err = norm ? put(out, cap, norm) : -EBADMSG;
	g_free(norm);
	return err;
}

/* Lays the strings of a JID out in one allocation: full, bare, local. */
static int assemble(struct ly_jid *out, struct ly_arena *arena, const char *local,
		    const char *domain, const char *resource)
{
	size_t n_local = local ? strlen(local) : 0, n_domain = strlen(domain);
	size_t n_res = resource ? strlen(resource) : 0;
	size_t n_bare = n_local + (local ? 1 : 0) + n_domain;
	char *mem = ly_arena_alloc(arena, 2 * n_bare + n_res + n_local + 4), *at = mem;

	if (mem == NULL)
		return -ENOMEM;
	if (local != NULL) {
		memcpy(at, local, n_local);
		at[n_local] = '@';
		at += n_local + 1;
	}
	memcpy(at, domain, n_domain + 1);
	*out = (struct ly_jid) { .bare = mem, .domain = at, .full = mem };
	at += n_domain + 1;
	if (resource != NULL) {
		out->full = at;
		memcpy(at, mem, n_bare);
		at[n_bare] = '/';
		memcpy(at + n_bare + 1, resource, n_res + 1);
		out->resource = at + n_bare + 1;
		at += n_bare + n_res + 2;
	}
	if (local != NULL) {
		memcpy(at, local, n_local + 1);
		out->local = at;
	}
	return 0;
}

int ly_jid_make(struct ly_jid *out, struct ly_arena *arena, const char *local, const char *domain,
		const char *resource)
{
	char l[LY_JID_PART_MAX + 1], d[LY_JID_PART_MAX + 1], r[LY_JID_PART_MAX + 1];
	int err = 0;

	*out = (struct ly_jid) { 0 };
	if (local != NULL)
		err = ly_jid_prep_local(l, sizeof(l), local);
	if (!err)
		err = ly_jid_prep_domain(d, sizeof(d), domain);
	if (!err && resource != NULL)
		err = ly_jid_prep_resource(r, sizeof(r), resource);
	if (err)
		return -EBADMSG;
	return assemble(out, arena, local ? l : NULL, d, resource ? r : NULL);
}

int ly_jid_parse(struct ly_jid *out, struct ly_arena *arena, const char *s)
{
	char buf[LY_JID_MAX];
	char *local = NULL, *domain = buf, *resource, *at;
	size_t len = strlen(s);

	*out = (struct ly_jid) { 0 };
	if (len >= sizeof(buf))
		return -EBADMSG;
	memcpy(buf, s, len + 1);
	resource = strchr(buf, '/'); /* RFC 7622 s. 3.1: first the resource, then the local part */
	if (resource != NULL)
		*resource++ = '\0';
	at = strchr(buf, '@');
	if (at != NULL) {
		*at = '\0';
		local = buf;
		domain = at + 1;
	}
	return ly_jid_make(out, arena, local, domain, resource);
}

int ly_jid_copy(struct ly_jid *out, struct ly_arena *arena, const struct ly_jid *jid)
{
	*out = (struct ly_jid) { 0 };
	if (jid->full == NULL)
		return 0;
	return assemble(out, arena, jid->local, jid->domain, jid->resource);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool ly_jid_equal(const struct ly_jid *a, const struct ly_jid *b)
{
	return same(a->full, b->full);
}

bool ly_jid_bare_equal(const struct ly_jid *a, const struct ly_jid *b)
{
	return same(a->bare, b->bare);
}
