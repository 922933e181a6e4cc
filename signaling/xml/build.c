/* The builder of element trees. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "signaling/xml/xml.h"

void ly_build_init(struct ly_build *b, struct ly_arena *arena)
{
	*b = (struct ly_build) { .arena = arena };
}

static void *take(struct ly_build *b, size_t len)
{
	void *p = ly_arena_alloc(b->arena, len);

	if (p == NULL)
		b->err = -ENOMEM;
	return p;
}

static const char *take_str(struct ly_build *b, const char *s)
{
	char *p = ly_arena_strdup(b->arena, s);

	if (p == NULL)
		b->err = -ENOMEM;
	return p;
}

static void append(struct ly_build *b, struct ly_xml *node)
{
	node->parent = b->at;
	if (b->at == NULL) {
		b->root = node;
		return;
	}
	if (b->at->last != NULL)
		b->at->last->next = node;
	else
		b->at->first = node;
	b->at->last = node;
}

void ly_build_open(struct ly_build *b, const char *ns, const char *name)
{
	struct ly_xml *el;

	if (b->err)
		return;
	if (b->at == NULL && b->root != NULL) {
		b->err = -EINVAL;
		return;
	}
	if (b->depth >= LY_BUILD_DEPTH) {
		b->err = -E2BIG;
		return;
	}
	el = take(b, sizeof(*el));
	if (el == NULL)
		return;
	/* children mostly share their parent's namespace: share the string too */
	if (b->at != NULL && (ns == NULL || strcmp(ns, b->at->ns) == 0))
		el->ns = b->at->ns;
	else
		el->ns = take_str(b, ns ? ns : "");
	el->name = take_str(b, name);
	if (b->err)
		return;
	append(b, el);
	b->at = el;
	b->depth++;
}

void ly_build_attr(struct ly_build *b, const char *name, const char *value)
{
	if (b->err || value == NULL)
		return;
	if (b->at == NULL)
		b->err = -EINVAL;
	else
		b->err = ly_xml_set_attr(b->at, b->arena, name, value);
}

void ly_build_attr_fmt(struct ly_build *b, const char *name, const char *fmt, ...)
{
	va_list ap, again;
	char *text;
	int len;

	if (b->err)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = len < 0 ? NULL : take(b, (size_t)len + 1);
	if (text != NULL) {
		vsnprintf(text, (size_t)len + 1, fmt, again);
		ly_build_attr(b, name, text);
	}
	va_end(again);
}

/* Adjacent text becomes one node, so that ly_xml_text() sees all of it. */
static void join_text(struct ly_build *b, struct ly_xml *node, const char *s)
{
	size_t had = strlen(node->text), more = strlen(s);
	char *both = take(b, had + more + 1);

	if (both == NULL)
		return;
	memcpy(both, node->text, had);
	memcpy(both + had, s, more + 1);
	node->text = both;
}

void ly_build_text(struct ly_build *b, const char *s)
{
	struct ly_xml *node;

	if (b->err || s == NULL || *s == '\0')
		return;
	if (b->at == NULL) {
		b->err = -EINVAL;
		return;
	}
	if (b->at->last != NULL && b->at->last->name == NULL) {
		join_text(b, b->at->last, s);
		return;
	}
	node = take(b, sizeof(*node));
	if (node == NULL)
		return;
	node->ns = "";
	node->text = take_str(b, s);
	if (!b->err)
		append(b, node);
}

void ly_build_close(struct ly_build *b)
{
	if (b->err)
		return;
	if (b->at == NULL) {
		b->err = -EINVAL;
		return;
	}
	b->at = b->at->parent;
	b->depth--;
}

void ly_build_element(struct ly_build *b, const char *ns, const char *name, const char *text)
{
	ly_build_open(b, ns, name);
	ly_build_text(b, text);
	ly_build_close(b);
}

void ly_build_open_like(struct ly_build *b, const struct ly_xml *el)
{
	struct ly_xml_attr **at, *copy;

	ly_build_open(b, el->ns, el->name);
	if (b->err)
		return;
	at = &b->at->attrs;
	for (const struct ly_xml_attr *a = el->attrs; a != NULL && !b->err; a = a->next) {
		copy = take(b, sizeof(*copy));
		if (copy == NULL)
			return;
		copy->name = take_str(b, a->name);
		copy->value = take_str(b, a->value);
		copy->ns = a->ns ? take_str(b, a->ns) : NULL;
		*at = copy;
		at = &copy->next;
	}
}

/* Without recursion: depth is the peer's choice (bounded by the parser, but not by this
 * function). */
void ly_build_copy(struct ly_build *b, const struct ly_xml *el)
{
	const struct ly_xml *n = el;

	while (!b->err) {
		if (n->name == NULL) {
			ly_build_text(b, n->text);
		} else {
			ly_build_open_like(b, n);
			if (n->first != NULL) {
				n = n->first;
				continue;
			}
			ly_build_close(b);
		}
		while (n != el && n->next == NULL) {
			n = n->parent;
			ly_build_close(b);
		}
		if (n == el)
			return;
		n = n->next;
	}
}

void ly_build_copy_children(struct ly_build *b, const struct ly_xml *el)
{
	for (const struct ly_xml *c = el->first; c != NULL && !b->err; c = c->next)
		ly_build_copy(b, c);
}

int ly_build_finish(struct ly_build *b, struct ly_xml **root)
{
	if (!b->err && b->root == NULL)
		b->err = -EINVAL;
	b->at = NULL;
	b->depth = 0;
	*root = b->err ? NULL : b->root;
	return b->err;
}
