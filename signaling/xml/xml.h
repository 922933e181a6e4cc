/* XML as XMPP uses it: an element tree in an arena, a builder for new trees, a serialiser.
 *
 * A parsed tree is const for everybody but the parser and the stream that stamps `from`; editing
 * means building a new one (ly_build_copy takes subtrees over). Text is unescaped. */
#ifndef LY_SIGNALING_XML_XML_H
#define LY_SIGNALING_XML_XML_H

#include "base/arena.h"
#include "base/blob.h"
#include "base/buf.h"
#include "base/util.h"

#define LY_NS_CLIENT "jabber:client"
#define LY_NS_STREAMS "http://etherx.jabber.org/streams"
#define LY_NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define LY_NS_XML "http://www.w3.org/XML/1998/namespace"

/** Most nested elements a builder makes. */
#define LY_BUILD_DEPTH 128

struct ly_xml_attr {
	struct ly_xml_attr *next; /* document order */
	const char *name;         /* as written, with its prefix: "to", "xml:lang", "x:y" */
	const char *value;        /* unescaped */
	const char *ns;           /* of a prefix other than xml; NULL otherwise */
};

/** An element (name set) or a text node (name NULL, text set). */
struct ly_xml {
	const char *ns;   /* element: its namespace, "" if none */
	const char *name; /* element: local name; NULL for text */
	const char *text; /* text node: unescaped, zero-terminated */
	struct ly_xml_attr *attrs;
	struct ly_xml *parent, *first, *last, *next;
};

/** Told when a document is freed, wherever that is. */
struct ly_xml_ticket {
	void (*done)(struct ly_xml_ticket *t);
};

/** A tree with the arena it lives in; one owner. */
struct ly_xml_doc {
	struct ly_arena arena;
	struct ly_xml *root;          /* NULL until built */
	struct ly_xml_ticket *ticket; /* NULL: nobody waits for its end */
};

/** An empty document whose arena hands out at most @p limit bytes (0: no limit). NULL: no
 * memory. */
struct ly_xml_doc *ly_xml_doc_create(size_t limit);
/** Frees the document and all that lives in its arena; NULL is fine. */
void ly_xml_doc_free(struct ly_xml_doc *doc);

/** The value of an attribute, by its name as written; NULL if absent. */
const char *ly_xml_attr(const struct ly_xml *el, const char *name);
/** True for an element of that namespace and name (NULL = any). */
bool ly_xml_is(const struct ly_xml *el, const char *ns, const char *name);
/** The first child element of that namespace and name (NULL = any); NULL if none. @p el may be
 * NULL. */
struct ly_xml *ly_xml_child(const struct ly_xml *el, const char *ns, const char *name);
/** The next sibling element after @p prev with that namespace and name (NULL = any). */
struct ly_xml *ly_xml_next_child(const struct ly_xml *prev, const char *ns, const char *name);
/** The first text node directly inside an element; "" if none or @p el is NULL. The parser and the
 *  builder join adjacent text, so this is all of it unless elements stand between. */
const char *ly_xml_text(const struct ly_xml *el);
/** The text of the child element @p name; NULL if there is no such child. */
const char *ly_xml_child_text(const struct ly_xml *el, const char *ns, const char *name);

/** Sets, replaces or (value NULL) removes an attribute of a tree that is still the caller's own.
 *  name and value are copied to the arena. @return 0, -ENOMEM */
int ly_xml_set_attr(struct ly_xml *el, struct ly_arena *arena, const char *name, const char *value);

/** Appends the element with the namespace declarations it needs inside an element whose default
 *  namespace is @p outer_ns (NULL: none, so that the result stands alone). Errors stick to @p
 * out. */
void ly_xml_write(struct ly_buf *out, const struct ly_xml *el, const char *outer_ns);
/** Appends text escaped for content and for attribute values in single or double quotes; bytes that
 *  XML forbids are left out. */
void ly_xml_escape(struct ly_buf *out, const char *s);

/** Serialises an element that stands alone (its namespace is declared). With @p hole, `to` is
 *  left out and the blob's hole, right after the start tag's name, is where ` to='…'` goes. One
 *  reference. @return the blob; NULL: no memory */
struct ly_blob *ly_xml_to_blob(const struct ly_xml *el, bool hole);
/** Appends ` to='…'`, escaped: what goes into a hole. */
void ly_xml_write_to(struct ly_buf *out, const char *to);

/** Builds a tree in an arena. The first error sticks and later calls do nothing, so code reads
 *  straight and ly_build_finish() checks once. Strings are copied. */
struct ly_build {
	struct ly_arena *arena; /* borrowed */
	struct ly_xml *root;    /* state */
	struct ly_xml *at;      /* state: the open element */
	int err;                /* state: 0, -ENOMEM, -E2BIG (depth), -EINVAL (misuse) */
	unsigned depth;
};

void ly_build_init(struct ly_build *b, struct ly_arena *arena);
/** Opens a child element; @p ns NULL = that of the parent. The first one opened is the root. */
void ly_build_open(struct ly_build *b, const char *ns, const char *name);
/** Sets an attribute of the open element; a NULL value is skipped. */
void ly_build_attr(struct ly_build *b, const char *name, const char *value);
void ly_build_attr_fmt(struct ly_build *b, const char *name, const char *fmt, ...) LY_PRINTF(3, 4);
/** Appends text to the open element; NULL and "" are skipped. */
void ly_build_text(struct ly_build *b, const char *s);
/** Opens, writes @p text (may be NULL), closes. */
void ly_build_element(struct ly_build *b, const char *ns, const char *name, const char *text);
/** Appends a deep copy of a subtree (or text node) to the open element, or makes it the root. */
void ly_build_copy(struct ly_build *b, const struct ly_xml *el);
/** Appends deep copies of all children of @p el to the open element. */
void ly_build_copy_children(struct ly_build *b, const struct ly_xml *el);
/** Opens a copy of an element with its attributes but without its children. */
void ly_build_open_like(struct ly_build *b, const struct ly_xml *el);
void ly_build_close(struct ly_build *b);
/** Closes whatever is open and hands out the root. @return 0, or the first error (*root is NULL) */
int ly_build_finish(struct ly_build *b, struct ly_xml **root);

#endif
