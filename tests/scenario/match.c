#include "tests/scenario/match.h"

#include <ctype.h>

static bool same_text(const char *want, const char *got)
{
	size_t n, m;

	while (isspace((unsigned char)*want))
		want++;
	while (isspace((unsigned char)*got))
		got++;
	for (n = strlen(want); n && isspace((unsigned char)want[n - 1]);)
		n--;
	for (m = strlen(got); m && isspace((unsigned char)got[m - 1]);)
		m--;
	if (n == 0 || (n == 1 && *want == '*'))
		return true;
	return n == m && memcmp(want, got, n) == 0;
}

static bool same_attrs(const struct ly_xml *want, const struct ly_xml *got)
{
	for (const struct ly_xml_attr *a = want->attrs; a; a = a->next) {
		const char *v = ly_xml_attr(got, a->name);

		if (strcmp(a->name, "absent") == 0)
			continue;
		if (strcmp(a->value, "!") == 0) {
			if (v)
				return false;
		} else if (v == NULL || (strcmp(a->value, "*") != 0 && strcmp(a->value, v) != 0)) {
			return false;
		}
	}
	return true;
}

static bool same_children(const struct ly_xml *want, const struct ly_xml *got, const char **why)
{
	const struct ly_xml *at = ly_xml_child(got, NULL, NULL);

	for (const struct ly_xml *w = ly_xml_child(want, NULL, NULL); w;
	     w = ly_xml_next_child(w, NULL, NULL)) {
		if (ly_xml_attr(w, "absent")) {
			*why = "a child that must be absent";
			if (ly_xml_child(got, w->ns, w->name))
				return false;
			continue;
		}
		while (at && !match(w, at, why))
			at = ly_xml_next_child(at, NULL, NULL);
		if (at == NULL)
			return false;
		at = ly_xml_next_child(at, NULL, NULL);
	}
	return true;
}

bool match(const struct ly_xml *want, const struct ly_xml *got, const char **why)
{
	*why = "name or namespace";
	if (strcmp(want->name, got->name) != 0 || strcmp(want->ns, got->ns) != 0)
		return false;
	*why = "attributes";
	if (!same_attrs(want, got))
		return false;
	*why = "text";
	if (!same_text(ly_xml_text(want), ly_xml_text(got)))
		return false;
	*why = "children";
	return same_children(want, got, why);
}
