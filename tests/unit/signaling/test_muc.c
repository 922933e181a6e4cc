/* Rooms with real homes and sessions: entering, talking, changing, leaving (XEP-0045 s. 7). */
#include "tests/unit/check.h"

#include "tests/unit/signaling/muc_world.h"

static void test_create(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_connect(&w, "teacher");
	s = world_connect(&w, "student1");
	ASK(&w, t,
	    "<presence id='j' to='" ROOM
	    "/Teacher'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
	    "from='" ROOM "/Teacher'", "affiliation='owner'", "role='moderator'", "code='110'",
	    "code='100'", "code='201'", "<subject/>");
	/* locked until its owner has said what it is to be */
	ASK(&w, s, JOIN("One"), "type='error'", "by='" ROOM "'", "item-not-found",
	    "<x xmlns='http://jabber.org/protocol/muc'/>");
	ASK(&w, s, SAY("x"), "type='error'", "item-not-found");
	ASK(&w, t, FORM(""), "type='result'", "id='own'");
	ASK(&w, s, JOIN("One"), ROOM "/Teacher", "jid='teacher@localhost/web'", ROOM "/One",
	    "affiliation='none'", "role='participant'", "code='110'", "code='100'", "<subject/>");
	GETS(&w, t, ROOM "/One", "jid='student1@localhost/web'");
	world_fini(&w);
}

static void test_lock(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_connect(&w, "teacher");
	s = world_connect(&w, "student1");
	ASK(&w, t, JOIN("Teacher"), "201");
	/* who takes too long gets the room as it is */
	world_wait(&w, LY_SEC(61));
	ASK(&w, s, JOIN("One"), "110");
	world_send(&w, s, LEAVE("One"));
	world_send(&w, t, LEAVE("Teacher"));
	/* it was temporary: the next one makes it anew; who cancels has none */
	world_forget(&w);
	ASK(&w, s, JOIN("One"), "affiliation='owner'", "201");
	ASK(&w, s, OWNER("set", "<x xmlns='jabber:x:data' type='cancel'/>"), "<destroy",
	    "type='result'");
	ASK(&w, s, SAY("x"), "item-not-found");
	world_fini(&w);
}

static void test_bad_joins(void **state)
{
	static const struct {
		const char *xml, *want;
	} rows[] = {
		{ "<presence to='" ROOM "'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
		  "jid-malformed" },
		{ "<presence to='" ROOM
		  "/\xe2\x80\x8b'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
		  "not-acceptable" },
		{ JOIN("Teacher"), "conflict" },
		{ "<presence to='" ROOM "/Nobody'/>", "code='110'" },
		{ "<presence to='other@rooms.localhost/Nobody'/>", "code='333'" },
		{ "<message type='groupchat' to='other@rooms.localhost'><body>x</body></message>",
		  "item-not-found" },
		{ "<iq type='get' id='1' to='other@rooms.localhost'>"
		  "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		  "item-not-found" },
		{ "<presence to='other@rooms.localhost'><x "
		  "xmlns='http://jabber.org/protocol/muc'/></presence>",
		  "jid-malformed" },
	};
	struct world w;
	unsigned s;

	(void)state;
	world_init(&w, 2);
	(void)world_open_room(&w, FORM(""));
	s = world_connect(&w, "student1");
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ASK(&w, s, rows[i].xml, rows[i].want);
	/* silence, and nobody in the room for it */
	world_send(&w, s, "<presence type='unavailable' to='" ROOM "/One'/>");
	world_send(&w, s, "<presence type='probe' to='" ROOM "/One'/>");
	world_send(&w, s, "<presence type='unavailable' to='other@rooms.localhost/One'/>");
	GETS_NOTHING(&w, s);
	world_fini(&w);
}

static void test_doors(void **state)
{
	struct world w;
	unsigned s;

	(void)state;
	world_init(&w, 1);
	(void)world_open_room(&w,
			      FORM(FIELD("passwordprotectedroom", "1") FIELD("roomsecret", "abc")));
	s = world_connect(&w, "student1");
	ASK(&w, s, JOIN("One"), "type='error'", "type='auth'", "not-authorized");
	ASK(&w, s, JOIN_WITH("One", "<password>abd</password>"), "not-authorized");
	ASK(&w, s, JOIN_WITH("One", "<password>abc</password>"), "code='110'");
	world_fini(&w);

	world_init(&w, 1);
	(void)world_open_room(&w, FORM(FIELD("maxusers", "2")));
	(void)world_join(&w, "student1", "One");
	s = world_connect(&w, "student2");
	ASK(&w, s, JOIN("Two"), "type='wait'", "service-unavailable");
	/* another device of the same nick takes no place */
	(void)world_join(&w, "student1/phone", "One");
	world_fini(&w);
}

static void test_talk(void **state)
{
	struct world w;
	unsigned t, s, u;

	(void)state;
	world_init(&w, 3);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	u = world_connect(&w, "student2");
	world_forget(&w);
	world_send(&w, s,
		   "<message type='groupchat' id='m1' to='" ROOM "'><body>hello</body>"
		   "<x xmlns='http://jabber.org/protocol/muc#user'><item role='moderator'/></x>"
		   "<stanza-id xmlns='urn:xmpp:sid:0' by='" ROOM "' id='forged'/></message>");
	GETS(&w, t, "to='teacher@localhost/web'", ROOM "/One", "id='m1'", "<body>hello</body>",
	     "<stanza-id", "by='" ROOM "'");
	assert_null(strstr(world_got(&w, s), "forged"));
	ASK(&w, u, SAY("x"), "type='error'", "not-acceptable");
	ASK(&w, u, "<message type='chat' id='p' to='" ROOM "/One'><body>psst</body></message>",
	    "type='error'", "not-acceptable");
	ASK(&w, u, JOIN("Two"), "code='110'", "<body>hello</body>", "urn:xmpp:delay", "<subject/>");
	world_forget(&w);
	world_send(&w, u,
		   "<message type='chat' id='p' to='" ROOM "/One'><body>psst</body></message>");
	GETS(&w, s, ROOM "/Two", "psst", "muc#user");
	GETS_NOTHING(&w, t);
	ASK(&w, u, "<message type='chat' to='" ROOM "/Nobody'><body>x</body></message>",
	    "item-not-found");
	ASK(&w, u, "<message type='groupchat' to='" ROOM "/One'><body>x</body></message>",
	    "bad-request");
	ASK(&w, u, "<message to='" ROOM "'><body>x</body></message>", "bad-request");
	world_fini(&w);
}

static void test_leave(void **state)
{
	struct world w;
	unsigned t, s, u;

	(void)state;
	world_init(&w, 2);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	u = world_join(&w, "student2", "Two");
	world_forget(&w);
	world_send(&w, u,
		   "<presence type='unavailable' to='" ROOM
		   "/Two'><status>bye</status></presence>");
	GETS(&w, u, "type='unavailable'", "bye", "role='none'", "code='110'");
	GETS(&w, t, ROOM "/Two", "type='unavailable'", "bye", "role='none'");
	/* the connection breaks: the session's home says it */
	world_forget(&w);
	world_disconnect(&w, s);
	GETS(&w, t, ROOM "/One", "type='unavailable'");
	world_fini(&w);
}

/* A page is reloaded: a new session of the same name, which must not hear that the old one is gone.
 */
static void test_reload(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 2);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	world_forget(&w);
	s = world_connect(&w, "student1"); /* replaces the old one */
	GETS_NOTHING(&w, s);
	GETS(&w, t, ROOM "/One", "type='unavailable'");
	ASK(&w, s, JOIN("One"), ROOM "/Teacher", ROOM "/One", "code='110'");
	/* one of two devices */
	(void)world_join(&w, "student1/phone", "One");
	world_forget(&w);
	s = world_connect(&w, "student1/phone");
	GETS_NOTHING(&w, s);
	GETS_NOTHING(&w, t);
	world_fini(&w);
}

static void test_ghost(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	world_forget(&w);
	/* an error that says nothing about the session */
	world_send(&w, s,
		   "<message type='error' to='" ROOM "'><error type='cancel'>"
		   "<feature-not-implemented "
		   "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
	GETS_NOTHING(&w, t);
	world_send(&w, s,
		   "<message type='error' to='" ROOM "/Teacher'><error type='cancel'>"
		   "<recipient-unavailable "
		   "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
	GETS(&w, t, ROOM "/One", "type='unavailable'", "code='333'");
	world_fini(&w);
}

static void test_presence(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	world_forget(&w);
	/* children are relayed as they are, but for those that only the room may say */
	world_send(&w, s,
		   "<presence to='" ROOM "/One'><show>away</show>"
		   "<nick xmlns='http://jabber.org/protocol/nick'>Student</nick>"
		   "<SourceInfo>{\"One-a0\":{\"muted\":true}}</SourceInfo>"
		   "<x xmlns='http://jabber.org/protocol/muc#user'><item role='moderator'/></x>"
		   "</presence>");
	GETS(&w, t, "<show>away</show>", ">Student</nick>", "<SourceInfo>{", "One-a0",
	     "role='participant'");
	GETS(&w, s, "<SourceInfo>", "code='110'");
	/* newcomers see the latest */
	(void)world_connect(&w, "student2");
	ASK(&w, 2, JOIN("Two"), "from='" ROOM "/Teacher'", "<show>away</show>", "<SourceInfo>",
	    "code='110'");
	/* a join by one who is in: all once more */
	world_forget(&w);
	ASK(&w, s, JOIN("One"), ROOM "/Teacher", ROOM "/Two", ROOM "/One", "code='110'",
	    "<subject/>");
	world_fini(&w);
}

static void test_large_presence(void **state)
{
	static char big[66000];
	struct world w;
	unsigned s;
	int n;

	(void)state;
	world_init(&w, 1);
	(void)world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	n = snprintf(big, sizeof(big), "<presence to='" ROOM "/One'><status>");
	memset(big + n, 'x', 65600);
	snprintf(big + n + 65600, sizeof(big) - (size_t)n - 65600, "</status></presence>");
	ASK(&w, s, big, "type='error'", "policy-violation");
	world_fini(&w);
}

static void test_nick(void **state)
{
	struct world w;
	unsigned t, s, u;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	world_forget(&w);
	ASK(&w, s, "<presence to='" ROOM "/Teacher'/>", "type='error'", "conflict");
	world_send(&w, s, "<presence to='" ROOM "/Uno'/>");
	GETS(&w, t, ROOM "/One", "type='unavailable'", "nick='Uno'", "code='303'", ROOM "/Uno");
	GETS(&w, s, "type='unavailable'", "code='110'", "code='303'", ROOM "/Uno", "code='110'");
	ASK(&w, s, SAY("x"), ROOM "/Uno");
	/* a nick that preparation changes is reported */
	u = world_connect(&w, "student2");
	ASK(&w, u,
	    "<presence to='" ROOM
	    "/\xe2\x84\xab'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
	    "code='110'", "code='210'");
	world_fini(&w);
}

static void test_devices(void **state)
{
	struct world w;
	unsigned t, a, b;

	(void)state;
	world_init(&w, 2);
	t = world_open_room(&w, FORM(""));
	a = world_join(&w, "student1", "One");
	world_forget(&w);
	b = world_connect(&w, "student1/phone");
	ASK(&w, b, JOIN("One"), ROOM "/Teacher", ROOM "/One", "jid='student1@localhost/phone'",
	    "code='110'", "<subject/>");
	GETS_NOTHING(&w, t);
	world_forget(&w);
	/* both hear, both speak */
	world_send(&w, t, "<message type='chat' to='" ROOM "/One'><body>pm</body></message>");
	GETS(&w, a, "pm");
	GETS(&w, b, "pm");
	world_send(&w, b, SAY("from phone"));
	GETS(&w, a, ROOM "/One", "from phone");
	/* the first one goes: the others see the second one */
	world_forget(&w);
	world_disconnect(&w, a);
	GETS(&w, t, ROOM "/One", "jid='student1@localhost/phone'");
	world_disconnect(&w, b);
	GETS(&w, t, ROOM "/One", "type='unavailable'");
	/* one of two takes another nick */
	a = world_join(&w, "student2", "Two");
	b = world_join(&w, "student2/phone", "Two");
	world_forget(&w);
	world_send(&w, b,
		   "<presence to='" ROOM
		   "/Deux'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
	GETS(&w, b, ROOM "/Two", "303", ROOM "/Deux", "code='110'");
	GETS(&w, t, ROOM "/Deux");
	ASK(&w, a, SAY("still"), ROOM "/Two", "still");
	world_fini(&w);
}

static void test_device_limit(void **state)
{
	struct world w;
	unsigned c;
	char name[40];

	(void)state;
	world_init(&w, 1);
	(void)world_open_room(&w, FORM(""));
	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "student1/r%u", i);
		(void)world_join(&w, name, "One");
	}
	c = world_connect(&w, "student1/r8");
	ASK(&w, c, JOIN("One"), "resource-constraint");
	world_fini(&w);
}

static void test_history(void **state)
{
	static const struct {
		const char *what, *join, *first;
		unsigned n;
	} rows[] = {
		{ "all there is", JOIN("Two"), "m0", 30 },
		{ "none", JOIN_WITH("Two", "<history maxchars='0'/>"), NULL, 0 },
		{ "three", JOIN_WITH("Two", "<history maxstanzas='3'/>"), "m27", 3 },
		{ "fresh ones", JOIN_WITH("Two", "<history seconds='15'/>"), "m28", 2 },
	};
	struct world w;
	unsigned t, s;
	char text[300];

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	for (unsigned i = 0; i < 30; i++) {
		snprintf(text, sizeof(text),
			 "<message type='groupchat' to='" ROOM "'><body>m%u</body></message>", i);
		world_send(&w, t, text);
		world_wait(&w, LY_SEC(6));
	}
	world_send(&w, t,
		   "<message type='groupchat' to='" ROOM
		   "'><active xmlns='http://jabber.org/protocol/chatstates'/></message>");
	s = world_connect(&w, "student1");
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		const char *got;
		unsigned n = 0;

		world_send(&w, s, rows[i].join);
		got = world_got(&w, s);
		for (const char *at = got; (at = strstr(at, "<body>")) != NULL; at++)
			n++;
		ly_assert_i64(rows[i].what, rows[i].n, n);
		if (rows[i].first != NULL) {
			snprintf(text, sizeof(text), "<body>%s</body>", rows[i].first);
			assert_true(world_has(got, text, NULL));
		}
		world_send(&w, s, LEAVE("Two"));
		(void)world_got(&w, s);
	}
	world_fini(&w);
}

static void test_subject(void **state)
{
	static const char subject[] =
		"<message type='groupchat' to='" ROOM "'><subject>Sets</subject></message>";
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	world_forget(&w);
	ASK(&w, s, subject, "type='error'", "forbidden");
	world_send(&w, t, subject);
	GETS(&w, s, ROOM "/Teacher", "<subject>Sets</subject>");
	world_send(&w, s, LEAVE("One"));
	ASK(&w, s, JOIN("One"), "110", "from='" ROOM "/Teacher'", "<subject>Sets</subject>",
	    "urn:xmpp:delay");
	/* with a body it is a message */
	world_forget(&w);
	world_send(&w, s,
		   "<message type='groupchat' to='" ROOM
		   "'><subject>s</subject><body>b</body></message>");
	GETS(&w, t, ROOM "/One", "<body>b</body>");
	ASK(&w, t, FORM(FIELD("changesubject", "1")), "type='result'", "104");
	ASK(&w, s, "<message type='groupchat' to='" ROOM "'><subject/></message>", ROOM "/One",
	    "<subject/>");
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),       cmocka_unit_test(test_lock),
		cmocka_unit_test(test_bad_joins),    cmocka_unit_test(test_doors),
		cmocka_unit_test(test_talk),         cmocka_unit_test(test_leave),
		cmocka_unit_test(test_reload),       cmocka_unit_test(test_ghost),
		cmocka_unit_test(test_presence),     cmocka_unit_test(test_large_presence),
		cmocka_unit_test(test_nick),         cmocka_unit_test(test_devices),
		cmocka_unit_test(test_device_limit), cmocka_unit_test(test_history),
		cmocka_unit_test(test_subject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
