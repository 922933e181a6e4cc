#include "signaling/xml/xml.h"

#include <errno.h>

struct ly_xml_doc *ly_xml_doc_create(size_t limit)
{
	struct ly_xml_doc *doc = ly_alloc(sizeof(*doc), LY_MEM_XML);

	if (doc != NULL)
		ly_arena_init(&doc->arena, LY_MEM_XML, limit);
	return doc;
}

void ly_xml_doc_free(struct ly_xml_doc *doc)
{
	struct ly_xml_ticket *ticket;

	if (doc == NULL)
		return;
	ticket = doc->ticket;
	ly_arena_fini(&doc->arena);
	ly_free(doc, LY_MEM_XML);
	if (ticket)
		ticket->done(ticket);
}

const char *ly_xml_attr(const struct ly_xml *el, const char *name)
{
	if (el == NULL)
		return NULL;
	for (const struct ly_xml_attr *a = el->attrs; a != NULL; a = a->next)
		if (strcmp(a->name, name) == 0)
			return a->value;
	return NULL;
}

bool ly_xml_is(const struct ly_xml *el, const char *ns, const char *name)
{
	if (el == NULL || el->name == NULL)
		return false;
	if (name != NULL && strcmp(el->name, name) != 0)
		return false;
	return ns == NULL || strcmp(el->ns, ns) == 0;
}

static struct ly_xml *first_match(struct ly_xml *el, const char *ns, const char *name)
{
	while (el != NULL && !ly_xml_is(el, ns, name))
		el = el->next;
	return el;
}

struct ly_xml *ly_xml_child(const struct ly_xml *el, const char *ns, const char *name)
{
	return el ? first_match(el->first, ns, name) : NULL;
}

struct ly_xml *ly_xml_next_child(const struct ly_xml *prev, const char *ns, const char *name)
{
	return prev ? first_match(prev->next, ns, name) : NULL;
}

const char *ly_xml_text(const struct ly_xml *el)
{
	if (el == NULL)
		return "";
	for (const struct ly_xml *c = el->first; c != NULL; c = c->next)
		if (c->name == NULL)
			return c->text;
	return "";
}

const char *ly_xml_child_text(const struct ly_xml *el, const char *ns, const char *name)
{
	const struct ly_xml *c = ly_xml_child(el, ns, name);

	return c ? ly_xml_text(c) : NULL;
}

int ly_xml_set_attr(struct ly_xml *el, struct ly_arena *arena, const char *name, const char *value)
{
	struct ly_xml_attr **at = &el->attrs, *a;
	char *copy;

	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (value == NULL) {
		if (*at != NULL)
			*at = (*at)->next;
		return 0;
	}
	copy = ly_arena_strdup(arena, value);
	if (copy == NULL)
		return -ENOMEM;
	if (*at != NULL) {
		(*at)->value = copy;
		return 0;
	}
	a = ly_arena_alloc(arena, sizeof(*a));
	if (a == NULL)
		return -ENOMEM;
	a->name = ly_arena_strdup(arena, name);
	if (a->name == NULL)
		return -ENOMEM;
	a->value = copy;
	*at = a;
	return 0;
}
