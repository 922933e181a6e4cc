/* The serialiser. Elements get default namespace declarations where the namespace changes;
 * attributes keep their prefixes, declared on the element that carries them. */
#include "signaling/xml/xml.h"

/* Length of the UTF-8 sequence at @p s that XML 1.0 (s. 2.2) allows as a character; 0 if none. */
static size_t xml_char(const unsigned char *s)
{
	if (s[0] < 0x80)
		return s[0] >= 0x20 || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		return (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if (s[0] >= 0xe0 && s[0] < 0xf0) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
			return 0;
		if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0))
			return 0; /* overlong, surrogates */
		return s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe ? 0 : 3;
	}
	if (s[0] >= 0xf0 && s[0] < 0xf5) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 || (s[3] & 0xc0) != 0x80)
			return 0;
		return (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90) ? 0 : 4;
	}
	return 0;
}

static const char *entity(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\'':
		return "&apos;";
	case '"':
		return "&quot;";
	case '\r': /* a parser would turn these into a newline or a space */
		return "&#13;";
	default:
		return NULL;
	}
}

static void escape(struct ly_buf *out, const char *text, bool in_attr)
{
	const unsigned char *s = (const unsigned char *)text, *run = s;

	while (*s) {
		const char *e = entity(*s);
		size_t len = xml_char(s);

		if (in_attr && *s == '\n')
			e = "&#10;";
		else if (in_attr && *s == '\t')
			e = "&#9;";
		if (e == NULL && len != 0) {
			s += len;
			continue;
		}
		ly_buf_add(out, run, (size_t)(s - run));
		if (e != NULL)
			ly_buf_adds(out, e);
		run = ++s;
	}
	ly_buf_add(out, run, (size_t)(s - run));
}

void ly_xml_escape(struct ly_buf *out, const char *s)
{
	escape(out, s, false);
}

static void write_attr(struct ly_buf *out, const char *name, const char *value)
{
	ly_buf_addc(out, ' ');
	ly_buf_adds(out, name);
	ly_buf_adds(out, "='");
	escape(out, value, true);
	ly_buf_addc(out, '\'');
}

void ly_xml_write_to(struct ly_buf *out, const char *to)
{
	write_attr(out, "to", to);
}

/* True if an earlier attribute of the element already declared this one's prefix. */
static bool is_declared(const struct ly_xml *el, const struct ly_xml_attr *attr, size_t prefix)
{
	for (const struct ly_xml_attr *a = el->attrs; a != attr; a = a->next)
		if (a->ns != NULL && strncmp(a->name, attr->name, prefix + 1) == 0)
			return true;
	return false;
}

static void declare_prefix(struct ly_buf *out, const struct ly_xml *el,
			   const struct ly_xml_attr *attr)
{
	const char *colon = strchr(attr->name, ':');
	size_t prefix;

	if (attr->ns == NULL || colon == NULL)
		return;
	prefix = (size_t)(colon - attr->name);
	if (is_declared(el, attr, prefix))
		return;
	ly_buf_adds(out, " xmlns:");
	ly_buf_add(out, attr->name, prefix);
	ly_buf_adds(out, "='");
	escape(out, attr->ns, true);
	ly_buf_addc(out, '\'');
}

/* Writes the start tag, "/>" included when there are no children; *hole is set when given. */
static void write_start(struct ly_buf *out, const struct ly_xml *el, const char *outer_ns,
			size_t *hole)
{
	ly_buf_addc(out, '<');
	ly_buf_adds(out, el->name);
	if (hole != NULL)
		*hole = out->len;
	if (strcmp(el->ns, outer_ns) != 0)
		write_attr(out, "xmlns", el->ns);
	for (const struct ly_xml_attr *a = el->attrs; a != NULL; a = a->next) {
		if (hole != NULL && strcmp(a->name, "to") == 0)
			continue;
		declare_prefix(out, el, a);
		write_attr(out, a->name, a->value);
	}
	ly_buf_adds(out, el->first ? ">" : "/>");
}

static void write_end(struct ly_buf *out, const struct ly_xml *el)
{
	ly_buf_adds(out, "</");
	ly_buf_adds(out, el->name);
	ly_buf_addc(out, '>');
}

/* Without recursion, as in ly_build_copy(). */
static void write_tree(struct ly_buf *out, const struct ly_xml *el, const char *outer_ns,
		       size_t *hole)
{
	const struct ly_xml *n = el;

	for (;;) {
		if (n->name == NULL) {
			escape(out, n->text, false);
		} else {
			write_start(out, n, n == el ? outer_ns : n->parent->ns,
				    n == el ? hole : NULL);
			if (n->first != NULL) {
				n = n->first;
				continue;
			}
		}
		while (n != el && n->next == NULL) {
			n = n->parent;
			write_end(out, n);
		}
		if (n == el)
			return;
		n = n->next;
	}
}

void ly_xml_write(struct ly_buf *out, const struct ly_xml *el, const char *outer_ns)
{
	write_tree(out, el, outer_ns ? outer_ns : "", NULL);
}

struct ly_blob *ly_xml_to_blob(const struct ly_xml *el, bool hole)
{
	struct ly_blob *blob = NULL;
	struct ly_buf buf;
	size_t at = 0;

	ly_buf_init(&buf, LY_MEM_QUEUE, 0);
	write_tree(&buf, el, "", hole ? &at : NULL);
	if (!buf.err)
		blob = ly_blob_create(ly_buf_span(&buf), hole ? (uint32_t)at : LY_NO_HOLE);
	ly_buf_fini(&buf);
	return blob;
}
