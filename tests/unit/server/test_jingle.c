/* The focus's Jingle: sources and transports in and out. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "server/focus/jingle.h"
#include "signaling/stanza.h"

#define J \
	"<iq xmlns='jabber:client' type='set' id='1' to='a@b/c'><jingle " \
	"xmlns='urn:xmpp:jingle:1' action='x' sid='s'>"
#define END "</jingle></iq>"
#define AUDIO "<content name='audio'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"
#define VIDEO "<content name='video'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'>"
#define DONE "</description></content>"
#define SRC(ssrc, name) \
	"<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='" ssrc "' name='" name "'/>"
#define FID(a, b) \
	"<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='FID'><source ssrc='" a \
	"'/><source ssrc='" b "'/></ssrc-group>"

static struct ly_stanza *parse(const char *text)
{
	struct ly_stanza *st = NULL;

	if (ly_stanza_parse(&st, ly_span_str(text)))
		fail_msg("not a stanza: %s", text);
	return st;
}

static void test_sources(void **state)
{
	struct ly_stanza *st =
		parse(J AUDIO SRC("11", "ab-a0") DONE VIDEO SRC("21", "ab-v0") SRC("22", "ab-v0")
			      FID("21", "22") "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' "
					      "ssrc='31' name='ab-v1' "
					      "videoType='desktop'><parameter name='msid' value='s "
					      "t'/></source>" DONE END);
	struct ly_focus_sources s;
	const char *why;

	(void)state;
	assert_int_equal(0, ly_focus_sources_parse(&s, ly_iq_payload(st), "ab", &why));
	assert_int_equal(3, s.n);
	assert_int_equal(LY_SFU_AUDIO, s.v[0].desc.kind);
	assert_int_equal(21, s.v[1].desc.ssrc);
	assert_int_equal(22, s.v[1].desc.rtx_ssrc);
	assert_int_equal(LY_SFU_DESKTOP, s.v[2].desc.video_type);
	assert_string_equal("s t", s.v[2].msid);
	ly_stanza_free(st);
}

static void test_bad_sources(void **state)
{
	static const struct {
		const char *what, *xml;
		int err;
	} rows[] = {
		{ "a foreign name", J AUDIO SRC("11", "cd-a0") DONE END, -EACCES },
		{ "the id as a mere prefix", J AUDIO SRC("11", "abc-a0") DONE END, -EACCES },
		{ "no number", J AUDIO SRC("1x", "ab-a0") DONE END, -EBADMSG },
		{ "zero", J AUDIO SRC("0", "ab-a0") DONE END, -EBADMSG },
		{ "too large", J AUDIO SRC("4294967296", "ab-a0") DONE END, -EBADMSG },
		{ "negative", J AUDIO SRC("-1", "ab-a0") DONE END, -EBADMSG },
		{ "an ssrc twice", J AUDIO SRC("11", "ab-a0") SRC("11", "ab-a1") DONE END,
		  -EEXIST },
		{ "a name twice", J AUDIO SRC("11", "ab-a0") SRC("12", "ab-a0") DONE END, -EEXIST },
		{ "an ssrc twice over contents",
		  J AUDIO SRC("11", "ab-a0") DONE VIDEO SRC("11", "ab-v0") DONE END, -EEXIST },
		{ "no name",
		  J AUDIO "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'/>" DONE END,
		  -EBADMSG },
		{ "a kind that is none",
		  J "<content name='x'><description xmlns='urn:xmpp:jingle:apps:rtp:1' "
		    "media='smell'>" DONE END,
		  -EBADMSG },
		{ "a group without sources",
		  J VIDEO
		  "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='FID'/>" DONE END,
		  -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_stanza *st = parse(rows[i].xml);
		struct ly_focus_sources s;
		const char *why = NULL;

		ly_assert_i64(rows[i].what, rows[i].err,
			      ly_focus_sources_parse(&s, ly_iq_payload(st), "ab", &why));
		assert_true(why != NULL && why[0] != 0);
		ly_stanza_free(st);
	}
}

/* The limit of 20 SSRCs and the one of 10 sources. */
static void test_limits(void **state)
{
	struct ly_buf b;
	struct ly_focus_sources s;
	struct ly_stanza *st;
	const char *why;

	(void)state;
	ly_buf_init(&b, LY_MEM_MISC, 0);
	ly_buf_adds(&b, J AUDIO);
	for (int i = 0; i < 11; i++)
		ly_buf_printf(
			&b,
			"<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='%d' name='ab-a%d'/>",
			i + 1, i);
	ly_buf_adds(&b, DONE END);
	st = parse(ly_buf_str(&b));
	assert_int_equal(-E2BIG, ly_focus_sources_parse(&s, ly_iq_payload(st), "ab", &why));
	ly_stanza_free(st);
	ly_buf_reset(&b);
	ly_buf_adds(&b, J VIDEO);
	for (int i = 0; i < 21; i++)
		ly_buf_adds(&b, FID("1", "2"));
	ly_buf_adds(&b, DONE END);
	st = parse(ly_buf_str(&b));
	assert_int_equal(-E2BIG, ly_focus_sources_parse(&s, ly_iq_payload(st), "ab", &why));
	ly_stanza_free(st);
	ly_buf_fini(&b);
}

/* An msid goes to the others as it is: whole, or not at all. */
static void test_long_msid(void **state)
{
	struct ly_focus_sources s;
	const char *why;

	(void)state;
	for (size_t len = LY_FOCUS_MSID_MAX - 4; len < LY_FOCUS_MSID_MAX + 4; len++) {
		struct ly_stanza *st;
		struct ly_buf b;

		ly_buf_init(&b, LY_MEM_MISC, 0);
		ly_buf_adds(&b, J AUDIO "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'"
					" name='ab-a0'><parameter name='msid' value='");
		for (size_t i = 0; i + 1 < len; i += 2)
			ly_buf_adds(&b, "\xc3\xa9");
		ly_buf_adds(&b, len & 1 ? "x'/></source>" DONE END : "'/></source>" DONE END);
		st = parse(ly_buf_str(&b));
		assert_int_equal(len < LY_FOCUS_MSID_MAX ? 0 : -EBADMSG,
				 ly_focus_sources_parse(&s, ly_iq_payload(st), "ab", &why));
		ly_stanza_free(st);
		ly_buf_fini(&b);
	}
}

static void test_add_remove(void **state)
{
	struct ly_focus_sources a = { .n = 1 }, b = { .n = 1 };

	(void)state;
	strcpy(a.v[0].desc.name, "ab-a0");
	a.v[0].desc.ssrc = 5;
	strcpy(b.v[0].desc.name, "ab-v0");
	b.v[0].desc.ssrc = 6;
	b.v[0].desc.rtx_ssrc = 5;
	assert_int_equal(-EEXIST, ly_focus_sources_add(&a, &b));
	b.v[0].desc.rtx_ssrc = 7;
	assert_int_equal(0, ly_focus_sources_add(&a, &b));
	assert_int_equal(2, a.n);
	ly_focus_sources_remove(&a, &b);
	/* two of the new ones clash: none is added */
	b.n = 2;
	strcpy(b.v[1].desc.name, "ab-v1");
	b.v[1].desc.ssrc = 8;
	b.v[1].desc.rtx_ssrc = 7;
	assert_int_equal(-EEXIST, ly_focus_sources_add(&a, &b));
	b.v[1].desc.rtx_ssrc = 8;
	assert_int_equal(-EEXIST, ly_focus_sources_add(&a, &b));
	b.v[1].desc.rtx_ssrc = 0;
	strcpy(b.v[1].desc.name, "ab-v0");
	assert_int_equal(-EEXIST, ly_focus_sources_add(&a, &b));
	assert_int_equal(1, a.n);
	b.n = 1;
	ly_focus_sources_remove(&a, &b);
	assert_int_equal(1, a.n);
	assert_null(ly_focus_sources_find(&a, "ab-v0"));
}

#define FP \
	"<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' " \
	"setup='active'>AB:CD:EF:01</fingerprint>"
#define TRANSPORT(attrs, inner) \
	"<content name='audio'><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' " attrs \
	">" inner "</transport></content>"
#define PWD "pwd='0123456789012345678901'"

static void test_remote(void **state)
{
	static const struct {
		const char *what, *xml;
		int err;
	} rows[] = {
		{ "credentials and fingerprint", J TRANSPORT("ufrag='abcd' " PWD, FP) END, 0 },
		{ "nothing", J END, -ENOENT },
		{ "a short pwd", J TRANSPORT("ufrag='abcd' pwd='x'", FP) END, -EBADMSG },
		{ "a short ufrag", J TRANSPORT("ufrag='abc' " PWD, FP) END, -EBADMSG },
		{ "no pwd", J TRANSPORT("ufrag='abcd'", FP) END, -EBADMSG },
		{ "a fingerprint without hash",
		  J TRANSPORT(
			  "ufrag='abcd' " PWD,
			  "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0'>AB:CD:EF</fingerprint>")
			  END,
		  -EBADMSG },
		{ "an ICE restart has no fingerprint", J TRANSPORT("ufrag='abcd' " PWD, "") END,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_stanza *st = parse(rows[i].xml);
		struct ly_sfu_remote remote;
		const char *why;

		ly_assert_i64(rows[i].what, rows[i].err,
			      ly_focus_remote_parse(&remote, ly_iq_payload(st), &why));
		if (i == 0) {
			assert_string_equal("AB:CD:EF:01", remote.fingerprint);
			assert_int_equal(LY_SFU_SETUP_ACTIVE, remote.setup);
		}
		ly_stanza_free(st);
	}
}

/* What is offered reads back as the same sources, the bridge's own first. */
static void test_initiate_round_trip(void **state)
{
	struct ly_focus_sources other = { .n = 2 }, back;
	struct ly_focus_published published = { "cd", &other };
	struct ly_addr candidate;
	struct ly_focus_offer offer = {
		.sid = "s",
		.initiator = "r@c/focus",
		.bridge_session = "b",
		.transport = { "ufrag", "pwd", "AB", &candidate, 1, "wss://h/x", 0 },
		.own_audio_ssrc = 1,
		.own_video_ssrc = 2,
	};
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;
	struct ly_xml *root;
	const struct ly_xml *audio;
	const char *why;

	(void)state;
	strcpy(other.v[0].desc.name, "cd-a0");
	other.v[0].desc.ssrc = 41;
	strcpy(other.v[1].desc.name, "cd-v0");
	other.v[1].desc.kind = LY_SFU_VIDEO;
	other.v[1].desc.ssrc = 42;
	other.v[1].desc.rtx_ssrc = 43;
	assert_int_equal(0, ly_addr_parse_ip(&candidate, "192.0.2.1", 10000));
	ly_build_init(&b, &doc->arena);
	ly_focus_write_initiate(&b, &offer, &published, 1);
	assert_int_equal(0, ly_build_finish(&b, &root));
	audio = ly_xml_child(ly_xml_child(root, NULL, "content"), NULL, "description");
	assert_string_equal("jvb-a0", ly_xml_attr(ly_xml_child(audio, NULL, "source"), "name"));
	/* the bridge's own sources are not those of "cd": the reader refuses them */
	assert_int_equal(-EACCES, ly_focus_sources_parse(&back, root, "cd", &why));
	ly_xml_doc_free(doc);

	doc = ly_xml_doc_create(0);
	ly_build_init(&b, &doc->arena);
	ly_focus_write_sources(&b, "source-add", "s", &published);
	assert_int_equal(0, ly_build_finish(&b, &root));
	assert_int_equal(0, ly_focus_sources_parse(&back, root, "cd", &why));
	assert_int_equal(2, back.n);
	assert_int_equal(43, back.v[1].desc.rtx_ssrc);
	ly_xml_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_bad_sources),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_long_msid),
		cmocka_unit_test(test_add_remove),
		cmocka_unit_test(test_remote),
		cmocka_unit_test(test_initiate_round_trip),
	};

	return cmocka_run_group_tests_name("focus jingle", tests, NULL, NULL);
}
