/* The stream parser, the serialiser and the builder. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "signaling/xml/parser.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"

static struct ly_xml_pool *pool;

static int setup(void **state)
{
	(void)state;
	pool = ly_xml_pool_create(4);
	return pool ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	ly_xml_pool_free(pool);
	assert_int_equal(0, ly_heap_used(LY_MEM_XML));
	return 0;
}

/* Runs a whole input through a parser in pieces of @p step bytes and writes down what came out:
 * O(header) E(element) C X(error). */
static void trace(struct ly_xml_parser *p, const char *in, size_t step, struct ly_buf *out)
{
	size_t len = strlen(in);
	struct ly_xml_event ev;

	for (size_t i = 0; i < len; i += step) {
		assert_int_equal(0, ly_xml_feed(p, ly_span(in + i, LY_MIN(step, len - i))));
		for (;;) {
			ly_xml_next(p, &ev);
			if (ev.kind == LY_XML_MORE)
				break;
			if (ev.kind == LY_XML_CLOSE) {
				ly_buf_adds(out, "C");
				continue;
			}
			if (ev.kind == LY_XML_ERROR) {
				ly_buf_printf(out, "X%d", ev.error);
				return;
			}
			ly_buf_adds(out, ev.kind == LY_XML_OPEN ? "O" : "E");
			ly_xml_write(out, ev.doc->root, LY_NS_CLIENT);
			ly_xml_doc_free(ev.doc);
		}
	}
}

static void check_trace(const char *what, const char *in, size_t step, const char *want)
{
	struct ly_xml_parser *p;
	struct ly_buf out;

	ly_buf_init(&out, LY_MEM_MISC, 0);
	assert_int_equal(0, ly_xml_borrow(&p, pool, LY_XML_STREAM, &ly_xml_limits_default, NULL));
	trace(p, in, step, &out);
	ly_assert_str(what, want, ly_buf_str(&out));
	ly_xml_return(p);
	ly_buf_fini(&out);
}

static void test_stream(void **state)
{
#define O "O<stream xmlns='http://etherx.jabber.org/streams' to='localhost' version='1.0'/>"
	static const struct {
		const char *what, *in, *want;
	} rows[] = {
		{ "header", HEADER, O },
		{ "stanza", HEADER "<message to='a@b'><body>x &lt; y &#x41;</body></message>",
		  O "E<message to='a@b'><body>x &lt; y A</body></message>" },
		{ "two in one piece, space between", HEADER "<a/> \n <b><c/>t</b>",
		  O "E<a/>E<b><c/>t</b>" },
		{ "closed", HEADER "<a/></stream:stream>", O "E<a/>C" },
		{ "other namespace", HEADER "<iq><q xmlns='u:1'><x/><y xmlns=''/></q></iq>",
		  O "E<iq><q xmlns='u:1'><x/><y xmlns=''/></q></iq>" },
		{ "prefixed element", HEADER "<iq><p:q xmlns:p='u:1'><p:x/><z/></p:q></iq>",
		  O "E<iq><q xmlns='u:1'><x/><z xmlns='jabber:client'/></q></iq>" },
		{ "attributes keep prefixes",
		  HEADER "<m xml:lang='de' p:a='1' xmlns:p='u:1' p:b='2'/>",
		  O "E<m xml:lang='de' xmlns:p='u:1' p:a='1' p:b='2'/>" },
		{ "CDATA", HEADER "<m><![CDATA[<x>&]]></m>", O "E<m>&lt;x&gt;&amp;</m>" },
		{ "text around elements", HEADER "<m>a<b/>c</m>", O "E<m>a<b/>c</m>" },
		{ "wrong end tag", HEADER "<a></b>", O "X1" },
		{ "text at top level", HEADER "hello", O "X1" },
		{ "unbound prefix", HEADER "<x:a/>", O "X1" },
		{ "duplicate attribute", HEADER "<a b='1' b='2'/>", O "X1" },
		{ "bad UTF-8", HEADER "<a>\xff\xfe</a>", O "X1" },
		{ "control character", HEADER "<a>\x01</a>", O "X1" },
		{ "not XML", "GET / HTTP/1.1\r\n\r\n", "X1" },
		{ "comment", HEADER "<a><!-- x --></a>", O "X2" },
		{ "instruction", HEADER "<?php x?>", O "X2" },
		{ "unknown entity", HEADER "<a>&nbsp;</a>", O "X2" },
		{ "entity bomb", "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>",
		  "X2" },
		{ "encoding", "<?xml version='1.0' encoding='ISO-8859-1'?><x>", "X4" },
		{ "header that closes at once",
		  "<stream:stream xmlns='jabber:client' "
		  "xmlns:stream='http://etherx.jabber.org/streams'/>",
		  "O<stream xmlns='http://etherx.jabber.org/streams'/>C" },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		for (size_t step = 1; step < 300; step = step * 2 + 1)
			check_trace(rows[i].what, rows[i].in, step, rows[i].want);
}

/* Feeds a header, then @p unit n times; returns the error that ends it. */
static enum ly_xml_error flood(const char *start, const char *unit, int n, size_t step,
			       const char *header)
{
	static const struct ly_xml_limits limits = { 10000, 8, 8, 100 };
	enum ly_xml_error error = LY_XML_OK;
	struct ly_xml_parser *p;
	struct ly_xml_event ev;
	struct ly_buf in;

	ly_buf_init(&in, LY_MEM_MISC, 0);
	if (header == NULL)
		ly_buf_adds(&in, HEADER);
	ly_buf_adds(&in, start);
	while (n-- > 0)
		ly_buf_adds(&in, unit);
	assert_int_equal(0, ly_xml_borrow(&p, pool, LY_XML_STREAM, &limits, header));
	for (size_t i = 0; i < in.len && !error; i += step) {
		assert_int_equal(0, ly_xml_feed(p, ly_span(in.ptr + i, LY_MIN(step, in.len - i))));
		do {
			ly_xml_next(p, &ev);
			if (ev.kind == LY_XML_ERROR)
				error = ev.error;
			if (ev.kind == LY_XML_OPEN || ev.kind == LY_XML_ELEMENT)
				ly_xml_doc_free(ev.doc);
		} while (ev.kind != LY_XML_MORE && ev.kind != LY_XML_ERROR);
	}
	ly_xml_return(p);
	ly_buf_fini(&in);
	return error;
}

static void test_limits(void **state)
{
	static const struct {
		const char *what, *start, *unit;
		int n;
		enum ly_xml_error want;
	} rows[] = {
		{ "long text", "<a>", "xxxxxxxxxx", 1100, LY_XML_LIMIT },
		{ "long attribute", "<a b='", "xxxxxxxxxx", 1100, LY_XML_LIMIT },
		{ "long name", "<", "xxxxxxxxxx", 1100, LY_XML_LIMIT },
		{ "deep", "", "<a>", 9, LY_XML_LIMIT },
		{ "as deep as allowed", "", "<a>", 8, LY_XML_OK },
		{ "many children", "<a>", "<b/>", 101, LY_XML_LIMIT },
		{ "many attributes", "<a b='1' c='1' d='1' e='1' f='1' g='1' h='1' i='1' j='1'>",
		  "", 0, LY_XML_LIMIT },
		{ "many stanzas are fine", "", "<a><b/>text</a>", 5000, LY_XML_OK },
		{ "much white space is fine", "", "  \n  ", 5000, LY_XML_OK },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		for (size_t step = 1; step < 20000; step = step * 9) {
			ly_assert_i64(rows[i].what, rows[i].want,
				      flood(rows[i].start, rows[i].unit, rows[i].n, step, NULL));
			ly_assert_i64(rows[i].what, rows[i].want,
				      flood(rows[i].start, rows[i].unit, rows[i].n, step,
					    ly_xml_header_usual));
		}
	}
}

/* Gives the parser back after the header and primes another one with what it knew. */
static void check_reprime(const char *what, const char *header, const char *stanza,
			  const char *want, bool usual)
{
	struct ly_xml_parser *p;
	struct ly_xml_event ev;
	struct ly_buf out;
	const char *kept;

	ly_buf_init(&out, LY_MEM_MISC, 0);
	assert_int_equal(0, ly_xml_borrow(&p, pool, LY_XML_STREAM, &ly_xml_limits_default, NULL));
	assert_int_equal(0, ly_xml_feed(p, ly_span_str(header)));
	ly_xml_next(p, &ev);
	ly_assert_i64(what, LY_XML_OPEN, ev.kind);
	ly_xml_doc_free(ev.doc);
	ly_xml_next(p, &ev);
	ly_assert_i64(what, LY_XML_MORE, ev.kind);
	assert_true(ly_xml_is_quiet(p));
	kept = ly_xml_parser_header(p);
	ly_assert_i64(what, usual, kept == ly_xml_header_usual);
	ly_xml_return(p);

	assert_int_equal(0, ly_xml_borrow(&p, pool, LY_XML_STREAM, &ly_xml_limits_default, kept));
	assert_true(ly_xml_is_quiet(p));
	trace(p, stanza, 3, &out);
	ly_assert_str(what, want, ly_buf_str(&out));
	ly_xml_return(p);
	if (!usual)
		ly_free((void *)kept, LY_MEM_XML);
	ly_buf_fini(&out);
}

static void test_reprime(void **state)
{
	(void)state;
	check_reprime("usual", HEADER, "<a/></stream:stream>", "E<a/>C", true);
	check_reprime("own prefix",
		      "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:client' "
		      "xmlns:x='u:&amp;x'>",
		      "<a><x:b/></a></s:stream>", "E<a><b xmlns='u:&amp;x'/></a>C", false);
	check_reprime("no prefix",
		      "<stream xmlns='http://etherx.jabber.org/streams' xmlns:c='jabber:client'>",
		      "<c:a/></stream>", "E<a/>C", false);
}

static void test_quiet(void **state)
{
	struct ly_xml_parser *p;
	struct ly_xml_event ev;

	(void)state;
	assert_int_equal(0, ly_xml_borrow(&p, pool, LY_XML_STREAM, &ly_xml_limits_default,
					  ly_xml_header_usual));
	assert_int_equal(0, ly_xml_feed(p, ly_span_str("<mess")));
	ly_xml_next(p, &ev);
	assert_false(ly_xml_is_quiet(p));
	assert_int_equal(0, ly_xml_feed(p, ly_span_str("age>")));
	ly_xml_next(p, &ev);
	assert_false(ly_xml_is_quiet(p));
	assert_int_equal(0, ly_xml_feed(p, ly_span_str("</message><rest><too/")));
	ly_xml_next(p, &ev);
	assert_int_equal(LY_XML_ELEMENT, ev.kind);
	ly_xml_doc_free(ev.doc);
	assert_false(ly_xml_is_quiet(p));
	assert_int_equal(-EPROTO, ly_xml_feed(p, ly_span_str("x")));
	ly_assert_bytes("rest", ly_span_str("<rest><too/"), ly_xml_rest(p));
	ly_xml_next(p, &ev);
	assert_int_equal(LY_XML_MORE, ev.kind);
	assert_int_equal(0, ly_xml_feed(p, ly_span_str("></rest> \n")));
	ly_xml_next(p, &ev);
	assert_int_equal(LY_XML_ELEMENT, ev.kind);
	ly_xml_doc_free(ev.doc);
	ly_xml_next(p, &ev);
	assert_int_equal(LY_XML_MORE, ev.kind);
	assert_true(ly_xml_is_quiet(p));
	/* an empty element: the rest starts behind it */
	assert_int_equal(0, ly_xml_feed(p, ly_span_str("<a b='c'/>zz")));
	ly_xml_next(p, &ev);
	assert_int_equal(LY_XML_ELEMENT, ev.kind);
	ly_xml_doc_free(ev.doc);
	ly_assert_bytes("rest", ly_span_str("zz"), ly_xml_rest(p));
	ly_xml_return(p);
	assert_int_equal(0, ly_xml_pool_borrowed(pool));
}

static void test_messages(void **state)
{
	static const struct {
		const char *what, *in, *want;
	} rows[] = {
		{ "open", "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='x'/>",
		  "E<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='x'/>" },
		{ "stanza", " <message xmlns='jabber:client'><body>x</body></message>\n",
		  "E<message><body>x</body></message>" },
		{ "cut off", "<message xmlns='jabber:client'>", "X1" },
		{ "empty", " ", "X1" },
		{ "two", "<a/><b/>", "E<a xmlns=''/>X1" },
		{ "comment", "<!-- x --><a/>", "X2" },
	};
	struct ly_xml_parser *p;
	struct ly_buf out;

	(void)state;
	ly_buf_init(&out, LY_MEM_MISC, 0);
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		assert_int_equal(
			0, ly_xml_borrow(&p, pool, LY_XML_MESSAGE, &ly_xml_limits_default, NULL));
		ly_buf_reset(&out);
		trace(p, rows[i].in, 1000, &out);
		ly_assert_str(rows[i].what, rows[i].want, ly_buf_str(&out));
		ly_xml_return(p);
	}
	/* one parser, several messages */
	assert_int_equal(0, ly_xml_borrow(&p, pool, LY_XML_MESSAGE, &ly_xml_limits_default, NULL));
	ly_buf_reset(&out);
	for (int i = 0; i < 3; i++)
		trace(p, "<a xmlns='jabber:client'/>", 1000, &out);
	assert_true(ly_xml_is_quiet(p));
	ly_xml_return(p);
	assert_string_equal("E<a/>E<a/>E<a/>", ly_buf_str(&out));
	ly_buf_fini(&out);
}

static void test_build(void **state)
{
	struct ly_arena a;
	struct ly_build b;
	struct ly_xml *root, *copy;
	struct ly_buf out;

	(void)state;
	ly_arena_init(&a, LY_MEM_XML, 0);
	ly_buf_init(&out, LY_MEM_MISC, 0);
	ly_build_init(&b, &a);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	ly_build_attr(&b, "to", "a@b");
	ly_build_attr(&b, "id", NULL);
	ly_build_attr_fmt(&b, "n", "%d<'\n", 7);
	ly_build_element(&b, NULL, "body", "1 < 2 & \r\n\x01ok\xff");
	ly_build_open(&b, "u:1", "x");
	ly_build_text(&b, "t1");
	ly_build_text(&b, "t2");
	ly_build_element(&b, LY_NS_CLIENT, "y", NULL);
	assert_int_equal(0, ly_build_finish(&b, &root));
	ly_xml_write(&out, root, NULL);
	assert_string_equal("<message xmlns='jabber:client' to='a@b' n='7&lt;&apos;&#10;'>"
			    "<body>1 &lt; 2 &amp; &#13;\nok</body>"
			    "<x xmlns='u:1'>t1t2<y xmlns='jabber:client'/></x></message>",
			    ly_buf_str(&out));
	assert_string_equal("t1t2", ly_xml_child_text(root, NULL, "x"));
	assert_null(ly_xml_child(root, LY_NS_CLIENT, "x"));
	assert_string_equal("a@b", ly_xml_attr(root, "to"));

	ly_build_init(&b, &a);
	ly_build_copy(&b, root);
	assert_int_equal(0, ly_build_finish(&b, &copy));
	struct ly_blob *one = ly_xml_to_blob(root, true), *two = ly_xml_to_blob(copy, true);
	ly_assert_bytes("copy", ly_span(one->data, one->len), ly_span(two->data, two->len));
	assert_int_equal(strlen("<message"), one->hole);
	assert_memory_equal("<message xmlns='jabber:client' n=", one->data, 33);
	ly_blob_unref(one);
	ly_blob_unref(two);

	ly_build_init(&b, &a);
	ly_build_text(&b, "no element");
	ly_build_open(&b, "u", "x");
	assert_int_equal(-EINVAL, ly_build_finish(&b, &root));
	assert_null(root);
	ly_build_init(&b, &a);
	for (int i = 0; i <= LY_BUILD_DEPTH; i++)
		ly_build_open(&b, "u", "x");
	assert_int_equal(-E2BIG, ly_build_finish(&b, &root));
	ly_buf_fini(&out);
	ly_arena_fini(&a);
}

/* Every allocation of a parse may fail; nothing leaks. expat does without some (its copy of the
 * encoding's name), so success is an outcome too. */
static void test_no_memory(void **state)
{
	static const char in[] = "<m a='1' xmlns='u:1'><b>text</b><c xmlns='u:2'/></m>";
	struct ly_xml_doc *doc;
	uint64_t nth = 1;
	int err;

	(void)state;
	do {
		int64_t before = ly_heap_used(LY_MEM_XML);

		ly_heap_fail_at(nth++);
		err = ly_xml_parse(&doc, ly_span_str(in), NULL);
		if (!ly_heap_failed())
			break;
		if (err == 0)
			ly_xml_doc_free(doc);
		else
			ly_assert_i64("no memory", -ENOMEM, err);
		ly_assert_i64("leak", before, ly_heap_used(LY_MEM_XML));
	} while (nth < 1000);
	ly_heap_fail_at(0);
	assert_int_equal(0, err);
	assert_true(nth > 5);
	ly_xml_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),    cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reprime),   cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_messages),  cmocka_unit_test(test_build),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
