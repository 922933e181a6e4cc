#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <strings.h>

#include "signaling/xml/parser_priv.h"

/* A parser that has seen more in one piece is freed instead of kept: expat never shrinks its
 * buffers. */
#define GROWN 16384
/* Longest tag. expat scans an incomplete tag from its start at each feed, so the work that a peer
 * can cause by sending one byte at a time is this squared. */
#define TOKEN_MAX 32768
/* Namespace declarations of a stream header that are remembered, in bytes. */
#define DECLS_MAX 4096

const char ly_xml_header_usual[] =
	"<stream:stream xmlns='" LY_NS_CLIENT "' xmlns:stream='" LY_NS_STREAMS "'>";

static void fail(struct ly_xml_parser *p, enum ly_xml_error error, const char *detail)
{
	if (p->error)
		return;
	p->error = error;
	p->detail = detail;
	XML_StopParser(p->expat, XML_FALSE);
}

/* Depth of the elements that are handed out. */
static unsigned top(const struct ly_xml_parser *p)
{
	return p->mode == LY_XML_STREAM ? 1 : 0;
}

static void *take(struct ly_xml_parser *p, size_t len)
{
	void *mem = ly_arena_alloc(&p->doc->arena, len);

	if (mem == NULL)
		fail(p, LY_XML_NOMEM, "out of memory");
	return mem;
}

/* Notes the end of a token; false when the element has become too large. */
static bool note_token(struct ly_xml_parser *p)
{
	XML_Index at = XML_GetCurrentByteIndex(p->expat);

	if (p->error)
		return false;
	if (at >= 0)
		p->seen = (uint64_t)at + (uint64_t)XML_GetCurrentByteCount(p->expat);
	if (p->seen - p->item_start > p->limits.bytes) {
		fail(p, LY_XML_LIMIT, "element too large");
		return false;
	}
	return true;
}

static bool count_node(struct ly_xml_parser *p)
{
	if (++p->nodes <= p->limits.children)
		return true;
	fail(p, LY_XML_LIMIT, "too many elements");
	return false;
}

static void append(struct ly_xml_parser *p, struct ly_xml *node)
{
	node->parent = p->at;
	if (p->at == NULL) {
		p->doc->root = node;
		return;
	}
	if (p->at->last != NULL)
		p->at->last->next = node;
	else
		p->at->first = node;
	p->at->last = node;
}

/* Makes the collected character data a node. */
static void flush_text(struct ly_xml_parser *p)
{
	struct ly_xml *node;

	if (p->text.err)
		fail(p, p->text.err == -E2BIG ? LY_XML_LIMIT : LY_XML_NOMEM, "text");
	if (p->error || p->text.len == 0)
		return;
	if (!count_node(p))
		return;
	node = take(p, sizeof(*node));
	if (node == NULL)
		return;
	node->ns = "";
	node->text = ly_arena_strndup(&p->doc->arena, (const char *)p->text.ptr, p->text.len);
	if (node->text == NULL) {
		fail(p, LY_XML_NOMEM, "out of memory");
		return;
	}
	append(p, node);
	p->text.len = 0;
}

/* An expat name, "ns\nlocal\nprefix", in parts; ns and prefix may be empty. */
struct name {
	struct ly_span ns, local, prefix;
};

static struct name split_name(const char *s)
{
	const char *a = strchr(s, LY_XML_SEP), *b = a ? strchr(a + 1, LY_XML_SEP) : NULL;

	if (a == NULL)
		return (struct name) { .local = ly_span_str(s) };
	if (b == NULL)
		return (struct name) { ly_span(s, (size_t)(a - s)), ly_span_str(a + 1),
				       ly_span(NULL, 0) };
	return (struct name) { ly_span(s, (size_t)(a - s)), ly_span(a + 1, (size_t)(b - a - 1)),
			       ly_span_str(b + 1) };
}

static const char *copy(struct ly_xml_parser *p, struct ly_span s)
{
	char *mem = take(p, s.len + 1);

	if (mem != NULL && s.len)
		memcpy(mem, s.ptr, s.len);
	return mem;
}

static const char *prefixed(struct ly_xml_parser *p, const struct name *n)
{
	char *mem;

	if (n->prefix.len == 0)
		return copy(p, n->local);
	mem = take(p, n->prefix.len + n->local.len + 2);
	if (mem == NULL)
		return NULL;
	memcpy(mem, n->prefix.ptr, n->prefix.len);
	mem[n->prefix.len] = ':';
	memcpy(mem + n->prefix.len + 1, n->local.ptr, n->local.len);
	return mem;
}

static void add_attrs(struct ly_xml_parser *p, struct ly_xml *el, const char **attrs)
{
	struct ly_xml_attr **at = &el->attrs;
	unsigned n = 0;

	for (; attrs[0] != NULL && !p->error; attrs += 2) {
		struct name name = split_name(attrs[0]);
		struct ly_xml_attr *a = take(p, sizeof(*a));

		if (a == NULL)
			return;
		if (++n > p->limits.attrs) {
			fail(p, LY_XML_LIMIT, "too many attributes");
			return;
		}
		a->name = prefixed(p, &name);
		a->value = copy(p, ly_span_str(attrs[1]));
		if (name.ns.len && !ly_span_equal(name.prefix, ly_span_str("xml")))
			a->ns = copy(p, name.ns);
		*at = a;
		at = &a->next;
	}
}

static struct ly_xml *new_element(struct ly_xml_parser *p, const struct name *name,
				  const char **attrs)
{
	struct ly_xml *el = take(p, sizeof(*el));

	if (el == NULL)
		return NULL;
	if (p->at != NULL && ly_span_equal(name->ns, ly_span_str(p->at->ns)))
		el->ns = p->at->ns;
	else
		el->ns = copy(p, name->ns);
	el->name = copy(p, name->local);
	add_attrs(p, el, attrs);
	return p->error ? NULL : el;
}

static bool new_doc(struct ly_xml_parser *p)
{
	assert(p->doc == NULL);
	p->nodes = 0;
	p->at = NULL;
	p->doc = ly_xml_doc_create(0); /* bounded by the limits on bytes and nodes */
	if (p->doc == NULL)
		fail(p, LY_XML_NOMEM, "out of memory");
	return p->doc != NULL;
}

/* Keeps the client's stream header, unless it is the one that nearly all clients send. */
static void keep_header(struct ly_xml_parser *p, const struct name *name)
{
	struct ly_buf b;

	if (p->n_decls == 2 && p->n_usual_decls == 2 &&
	    ly_span_equal(name->prefix, ly_span_str("stream")))
		return;
	ly_buf_init(&b, LY_MEM_XML, 0);
	ly_buf_addc(&b, '<');
	ly_buf_add(&b, name->prefix.ptr, name->prefix.len);
	if (name->prefix.len)
		ly_buf_addc(&b, ':');
	ly_buf_add(&b, name->local.ptr, name->local.len);
	ly_buf_add(&b, p->decls.ptr, p->decls.len);
	ly_buf_addc(&b, '>');
	p->header = b.err ? NULL : ly_strndup((const char *)b.ptr, b.len, LY_MEM_XML);
	ly_buf_fini(&b);
	if (p->header == NULL)
		fail(p, LY_XML_NOMEM, "out of memory");
	else if (p->decls.err)
		fail(p, LY_XML_LIMIT, "too many namespace declarations");
}

static void on_stream_open(struct ly_xml_parser *p, const struct name *name, const char **attrs)
{
	p->item_start = p->seen;
	if (p->is_priming || !new_doc(p))
		return;
	p->doc->root = new_element(p, name, attrs);
	if (p->error)
		return;
	keep_header(p, name);
	if (p->error)
		return;
	p->has_open = true;
	XML_StopParser(p->expat, XML_TRUE);
}

static void XMLCALL on_start(void *arg, const char *qname, const char **attrs)
{
	struct ly_xml_parser *p = arg;
	struct name name = split_name(qname);
	struct ly_xml *el;

	if (!note_token(p))
		return;
	if (p->depth++ < top(p)) {
		on_stream_open(p, &name, attrs);
		return;
	}
	if (p->depth - top(p) > p->limits.depth) {
		fail(p, LY_XML_LIMIT, "elements nested too deep");
		return;
	}
	if (p->depth - top(p) == 1 && !new_doc(p))
		return;
	flush_text(p);
	if (p->error || !count_node(p))
		return;
	el = new_element(p, &name, attrs);
	if (el == NULL)
		return;
	append(p, el);
	p->at = el;
}

static void XMLCALL on_end(void *arg, const char *qname)
{
	struct ly_xml_parser *p = arg;

	(void)qname;
	if (!note_token(p))
		return;
	if (--p->depth < top(p)) {
		p->has_close = true;
		XML_StopParser(p->expat, XML_TRUE);
		return;
	}
	flush_text(p);
	if (p->error)
		return;
	p->at = p->at->parent;
	if (p->depth > top(p))
		return;
	p->item_start = p->seen;
	p->has_element = true;
	XML_StopParser(p->expat, XML_TRUE);
}

static bool is_space(const char *s, int len)
{
	for (int i = 0; i < len; i++)
		if (strchr(" \t\r\n", s[i]) == NULL)
			return false;
	return true;
}

static void XMLCALL on_text(void *arg, const char *s, int len)
{
	struct ly_xml_parser *p = arg;

	if (!note_token(p))
		return;
	if (p->at != NULL && p->depth > top(p)) {
		ly_buf_add(&p->text, s, (size_t)len);
		return;
	}
	p->item_start = p->seen; /* white space between stanzas keeps a connection alive */
	if (!is_space(s, len))
		fail(p, LY_XML_BAD, "text between elements");
}

static void XMLCALL on_namespace(void *arg, const char *prefix, const char *uri)
{
	struct ly_xml_parser *p = arg;

	if (p->depth > 0 || p->mode != LY_XML_STREAM)
		return;
	p->n_decls++;
	if (prefix == NULL)
		p->n_usual_decls += uri && strcmp(uri, LY_NS_CLIENT) == 0;
	else if (strcmp(prefix, "stream") == 0)
		p->n_usual_decls += uri && strcmp(uri, LY_NS_STREAMS) == 0;
	ly_buf_adds(&p->decls, prefix ? " xmlns:" : " xmlns");
	ly_buf_adds(&p->decls, prefix ? prefix : "");
	ly_buf_adds(&p->decls, "='");
	ly_xml_escape(&p->decls, uri ? uri : "");
	ly_buf_addc(&p->decls, '\'');
}

static void XMLCALL on_decl(void *arg, const char *version, const char *encoding, int standalone)
{
	(void)standalone;
	if (version == NULL)
		fail(arg, LY_XML_RESTRICTED, "text declaration");
	else if (encoding != NULL && strcasecmp(encoding, "utf-8") != 0)
		fail(arg, LY_XML_ENCODING, "encoding other than UTF-8");
	else
		note_token(arg);
}

static void XMLCALL on_comment(void *arg, const char *data)
{
	(void)data;
	fail(arg, LY_XML_RESTRICTED, "comment");
}

static void XMLCALL on_instruction(void *arg, const char *target, const char *data)
{
	(void)target;
	(void)data;
	fail(arg, LY_XML_RESTRICTED, "processing instruction");
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *sysid, const char *pubid,
			       int has_internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal;
	fail(arg, LY_XML_RESTRICTED, "document type declaration");
}

static void *mem_alloc(size_t len)
{
	return ly_alloc(len, LY_MEM_XML);
}

static void *mem_realloc(void *ptr, size_t len)
{
	return ly_realloc(ptr, len, LY_MEM_XML);
}

static void mem_free(void *ptr)
{
	ly_free(ptr, LY_MEM_XML);
}

int ly_xml_parser_init(struct ly_xml_parser *p)
{
	static const XML_Memory_Handling_Suite mem = { mem_alloc, mem_realloc, mem_free };
	static const char sep[2] = { LY_XML_SEP, 0 };

	p->expat = XML_ParserCreate_MM("UTF-8", &mem, sep);
	if (p->expat == NULL)
		return -ENOMEM;
	XML_SetReturnNSTriplet(p->expat, 1);
	ly_buf_init(&p->text, LY_MEM_XML, 0);
	ly_buf_init(&p->decls, LY_MEM_XML, DECLS_MAX);
	return 0;
}

void ly_xml_parser_fini(struct ly_xml_parser *p)
{
	XML_ParserFree(p->expat);
	ly_buf_fini(&p->text);
	ly_buf_fini(&p->decls);
}

void ly_xml_parser_reset(struct ly_xml_parser *p)
{
	struct ly_xml_parser fresh = {
		.pool = p->pool,
		.expat = p->expat,
		.mode = p->mode,
		.limits = p->limits,
		.text = p->text,
		.decls = p->decls,
		.is_grown = p->is_grown,
	};

	ly_xml_doc_free(p->doc);
	ly_free(p->header, LY_MEM_XML);
	*p = fresh;
	ly_buf_reset(&p->text);
	ly_buf_reset(&p->decls);
	XML_ParserReset(p->expat, "UTF-8");
	XML_SetUserData(p->expat, p);
	XML_SetElementHandler(p->expat, on_start, on_end);
	XML_SetCharacterDataHandler(p->expat, on_text);
	XML_SetStartNamespaceDeclHandler(p->expat, on_namespace);
	XML_SetXmlDeclHandler(p->expat, on_decl);
	XML_SetCommentHandler(p->expat, on_comment);
	XML_SetProcessingInstructionHandler(p->expat, on_instruction);
	XML_SetStartDoctypeDeclHandler(p->expat, on_doctype);
#ifdef LY_HAVE_EXPAT_DEFERRAL
	XML_SetReparseDeferralEnabled(p->expat, XML_FALSE);
#endif
}

static void map_expat_error(struct ly_xml_parser *p)
{
	enum XML_Error e = XML_GetErrorCode(p->expat);

	if (p->error)
		return;
	p->detail = XML_ErrorString(e);
	if (e == XML_ERROR_NO_MEMORY)
		p->error = LY_XML_NOMEM;
	else if (e == XML_ERROR_UNDEFINED_ENTITY)
		p->error = LY_XML_RESTRICTED;
	else
		p->error = LY_XML_BAD;
}

static void after_parse(struct ly_xml_parser *p, enum XML_Status st)
{
	p->is_suspended = st == XML_STATUS_SUSPENDED;
	if (st == XML_STATUS_ERROR)
		map_expat_error(p);
	if (p->error || p->is_suspended)
		return;
	if (p->fed - p->item_start > GROWN)
		p->is_grown = true;
	if (p->fed - p->item_start > p->limits.bytes) {
		p->error = LY_XML_LIMIT;
		p->detail = "element too large";
	} else if (p->fed - p->seen > TOKEN_MAX) {
		p->error = LY_XML_LIMIT;
		p->detail = "tag too large";
	}
}

int ly_xml_feed(struct ly_xml_parser *p, struct ly_span bytes)
{
	bool is_last = p->mode == LY_XML_MESSAGE;

	if (p->is_suspended || p->has_open || p->has_element || p->has_close || p->error ||
	    bytes.len > INT_MAX / 2)
		return -EPROTO;
	if (is_last && p->is_used)
		ly_xml_parser_reset(p);
	p->is_used = true;
	p->fed += bytes.len;
	if (bytes.len > GROWN)
		p->is_grown = true;
	if (is_last && bytes.len > p->limits.bytes) {
		p->error = LY_XML_LIMIT;
		p->detail = "message too large";
		return 0;
	}
	after_parse(p, XML_Parse(p->expat, (const char *)bytes.ptr, (int)bytes.len, is_last));
	return 0;
}

static bool take_event(struct ly_xml_parser *p, struct ly_xml_event *ev)
{
	if (p->has_open || p->has_element) {
		ev->kind = p->has_open ? LY_XML_OPEN : LY_XML_ELEMENT;
		p->has_open = p->has_element = false;
		ev->doc = p->doc;
		p->doc = NULL;
		return true;
	}
	if (p->error) {
		ev->kind = LY_XML_ERROR;
		ev->error = p->error;
		ev->detail = p->detail;
		return true;
	}
	if (p->has_close) {
		p->has_close = false;
		ev->kind = LY_XML_CLOSE;
		return true;
	}
	return false;
}

void ly_xml_next(struct ly_xml_parser *p, struct ly_xml_event *ev)
{
	*ev = (struct ly_xml_event) { .kind = LY_XML_MORE };
	while (!take_event(p, ev)) {
		if (!p->is_suspended)
			return;
		after_parse(p, XML_ResumeParser(p->expat));
	}
}

bool ly_xml_is_quiet(const struct ly_xml_parser *p)
{
	if (p->is_suspended || p->has_open || p->has_element || p->has_close || p->error)
		return false;
	return p->mode == LY_XML_MESSAGE || (p->depth == 1 && p->seen == p->fed);
}

struct ly_span ly_xml_rest(const struct ly_xml_parser *p)
{
	uint64_t left = p->fed - p->seen;
	int offset = 0, size = 0;
	const char *buf;

	if (!p->is_suspended || left == 0)
		return ly_span(NULL, 0);
	buf = XML_GetInputContext(p->expat, &offset, &size);
	if (buf == NULL || (uint64_t)size < left)
		return ly_span(NULL, 0);
	return ly_span(buf + size - left, (size_t)left);
}

const char *ly_xml_parser_header(const struct ly_xml_parser *p)
{
	if (p->header == NULL)
		return ly_xml_header_usual;
	return ly_strdup(p->header, LY_MEM_XML);
}
