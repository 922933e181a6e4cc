/* JIDs, stanzas and the replies to them. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "signaling/stanza.h"

static void test_jid(void **state)
{
	static const struct {
		const char *in, *full, *bare, *local, *resource;
	} rows[] = {
		{ "student1@localhost/web", "student1@localhost/web", "student1@localhost",
		  "student1", "web" },
		{ "LocalHost", "localhost", "localhost", NULL, NULL },
		{ "Student1@LocalHost./A/b@c ", "student1@localhost/A/b@c ", "student1@localhost",
		  "student1", "A/b@c " },
		{ "\xc3\x84nne@M\xc3\x9cnchen.example", "\xc3\xa4nne@m\xc3\xbcnchen.example",
		  "\xc3\xa4nne@m\xc3\xbcnchen.example", "\xc3\xa4nne", NULL },
		{ "a@xn--mnchen-3ya.example", "a@m\xc3\xbcnchen.example",
		  "a@m\xc3\xbcnchen.example", "a", NULL },
		{ "\xef\xbd\x81\xef\xbd\xa2", NULL }, /* fullwidth a, then a bracket */
		{ "\xef\xbd\x81@b", "a@b", "a@b", "a", NULL },
		{ "a@[2001:DB8::1]/r", "a@[2001:db8::1]/r", "a@[2001:db8::1]", "a", "r" },
		{ "a@192.0.2.1", "a@192.0.2.1", "a@192.0.2.1", "a", NULL },
		{ "a@b/\xe2\x80\x83x", "a@b/ x", "a@b", "a", " x" },
		{ "@b", NULL },
		{ "a@", NULL },
		{ "a@b/", NULL },
		{ "", NULL },
		{ "/r", NULL },
		{ "a b@c", NULL },
		{ "a\"b@c", NULL },
		{ "a@b@c", NULL },
		{ "a@b c", NULL },
		{ "a@b..c", NULL },
		{ "a@.b", NULL },
		{ "a\xff@b", NULL },
		{ "a@\xc3", NULL },
		{ "a@b/\x01", NULL },
		{ "a@b/\xc3", NULL },
		{ "a@b\xe2\x98\xba!", NULL },
		{ "\xe2\x99\x9a@b", NULL },
		{ "a@[zz]", NULL },
		{ "a@[", NULL },
	};
	struct ly_arena a;
	struct ly_jid jid, again;

	(void)state;
	ly_arena_init(&a, LY_MEM_MISC, 0);
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		int err = ly_jid_parse(&jid, &a, rows[i].in);

		ly_assert_i64(rows[i].in, rows[i].full ? 0 : -EBADMSG, err);
		if (err)
			continue;
		ly_assert_str(rows[i].in, rows[i].full, jid.full);
		ly_assert_str(rows[i].in, rows[i].bare, jid.bare);
		ly_assert_i64(rows[i].in, rows[i].local == NULL, jid.local == NULL);
		if (jid.local)
			ly_assert_str(rows[i].in, rows[i].local, jid.local);
		ly_assert_i64(rows[i].in, rows[i].resource == NULL, jid.resource == NULL);
		if (jid.resource)
			ly_assert_str(rows[i].in, rows[i].resource, jid.resource);
		assert_int_equal(0, ly_jid_parse(&again, &a, jid.full));
		assert_true(ly_jid_equal(&jid, &again));
		assert_int_equal(0, ly_jid_copy(&again, &a, &jid));
		assert_true(ly_jid_equal(&jid, &again) && ly_jid_bare_equal(&jid, &again));
	}
	ly_arena_fini(&a);
}

static void test_jid_bounds(void **state)
{
	static char text[5000];
	struct ly_arena a;
	struct ly_jid jid;

	(void)state;
	ly_arena_init(&a, LY_MEM_MISC, 0);
	for (int len = 1022; len <= 1025; len++) {
		int want = len <= 1023 ? 0 : -EBADMSG;

		memset(text, 'a', sizeof(text));
		strcpy(text + len, "@b");
		ly_assert_i64("local", want, ly_jid_parse(&jid, &a, text));
		memset(text, 'a', sizeof(text));
		memcpy(text, "a@b/", 4);
		text[4 + len] = '\0';
		ly_assert_i64("resource", want, ly_jid_parse(&jid, &a, text));
	}
	memset(text, 'a', 4999);
	text[4999] = '\0';
	ly_assert_i64("all", -EBADMSG, ly_jid_parse(&jid, &a, text));
	ly_assert_i64(
		"label", -EBADMSG,
		ly_jid_parse(&jid, &a,
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	ly_arena_fini(&a);
}

static void test_wrap(void **state)
{
	static const struct {
		const char *xml;
		int want;
		enum ly_stanza_kind kind;
		enum ly_stanza_type type;
	} rows[] = {
		{ "<message/>", 0, LY_MESSAGE, LY_T_NORMAL },
		{ "<message type='chat'/>", 0, LY_MESSAGE, LY_T_CHAT },
		{ "<message type='new'/>", 0, LY_MESSAGE, LY_T_NORMAL },
		{ "<presence/>", 0, LY_PRESENCE, LY_T_AVAILABLE },
		{ "<presence type='probe'/>", 0, LY_PRESENCE, LY_T_PROBE },
		{ "<presence type='new'/>", -EBADMSG },
		{ "<iq type='get' id='1'><q/></iq>", 0, LY_IQ, LY_T_GET },
		{ "<iq type='get' id='1'/>", -EBADMSG },
		{ "<iq type='set' id='1'><a/><b/></iq>", -EBADMSG },
		{ "<iq type='result' id='1'/>", 0, LY_IQ, LY_T_RESULT },
		{ "<iq type='result'/>", -EBADMSG },
		{ "<iq id='1'><q/></iq>", -EBADMSG },
		{ "<other/>", -EBADMSG },
		{ "<message to='@'/>", -EINVAL },
		{ "<message from='a@'/>", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_stanza *st = NULL;
		char buf[300];

		const char *end = strpbrk(rows[i].xml + 1, " />");
		int n = (int)(end - rows[i].xml);

		snprintf(buf, sizeof(buf), "%.*s xmlns='jabber:client'%s", n, rows[i].xml, end);
		ly_assert_i64(rows[i].xml, rows[i].want, ly_stanza_parse(&st, ly_span_str(buf)));
		if (rows[i].want == 0) {
			ly_assert_i64(rows[i].xml, rows[i].kind, st->kind);
			ly_assert_i64(rows[i].xml, rows[i].type, st->type);
		}
		ly_stanza_free(st);
	}
	assert_int_equal(0, ly_heap_used(LY_MEM_XML));
}

static void check_xml(const char *want, const struct ly_xml *el)
{
	struct ly_buf out;

	assert_non_null(el);
	ly_buf_init(&out, LY_MEM_MISC, 0);
	ly_xml_write(&out, el, LY_NS_CLIENT);
	assert_string_equal(want, ly_buf_str(&out));
	ly_buf_fini(&out);
}

static void test_replies(void **state)
{
	struct ly_stanza *iq, *clone;
	struct ly_build b;
	struct ly_xml *root;

	(void)state;
	assert_int_equal(0,
			 ly_stanza_parse(&iq, ly_span_str("<iq xmlns='jabber:client' type='get' "
							  "id='7' from='a@b/c' to='d'>"
							  "<ping xmlns='urn:xmpp:ping'/></iq>")));
	assert_true(ly_xml_is(ly_iq_payload(iq), "urn:xmpp:ping", "ping"));
	b = ly_iq_result(iq);
	ly_build_element(&b, "u:1", "x", "y");
	assert_int_equal(0, ly_build_finish(&b, &root));
	check_xml("<iq type='result' id='7' from='d' to='a@b/c'><x xmlns='u:1'>y</x></iq>", root);

	check_xml("<iq type='error' id='7' from='d' to='a@b/c'><error type='cancel'>"
		  "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		  "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no such room</text>"
		  "</error></iq>",
		  ly_stanza_error(iq, LY_ITEM_NOT_FOUND, LY_ERR_DEFAULT, "no such room"));
	b = ly_stanza_error_open(iq, LY_CONFLICT, LY_ERR_WAIT, NULL);
	ly_build_element(&b, "urn:x", "more", NULL);
	assert_int_equal(0, ly_build_finish(&b, &root));
	check_xml("<iq type='error' id='7' from='d' to='a@b/c'><error type='wait'>"
		  "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		  "<more xmlns='urn:x'/></error></iq>",
		  root);

	assert_int_equal(0, ly_stanza_clone(&clone, iq, "X@y", "z/1"));
	assert_string_equal("x@y", clone->from.full);
	assert_string_equal("1", clone->to.resource);
	assert_string_equal("a@b/c", iq->from.full);
	ly_stanza_free(clone);
	assert_int_equal(-EINVAL, ly_stanza_clone(&clone, iq, NULL, "@"));
	assert_int_equal(0, ly_stanza_from_xml(&clone, root));
	assert_int_equal(LY_T_ERROR, clone->type);
	assert_null(ly_stanza_error(clone, LY_GONE, LY_ERR_DEFAULT, NULL));
	ly_stanza_free(clone);
	ly_stanza_free(iq);
	for (int c = 0; c < LY_N_COND; c++)
		assert_non_null(ly_cond_name((enum ly_cond)c));
	assert_int_equal(0, ly_heap_used(LY_MEM_XML));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jid),
		cmocka_unit_test(test_jid_bounds),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_replies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
