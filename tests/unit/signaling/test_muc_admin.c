/* Rooms: roles, affiliations, options, what others may ask (XEP-0045 s. 6, 8, 9, 10). */
#include "tests/unit/check.h"

#include "base/err.h"
#include "tests/unit/signaling/muc_world.h"

static void test_roles(void **state)
{
	struct world w;
	unsigned t, s, u;

	(void)state;
	world_init(&w, 2);
	t = world_open_room(&w, FORM(FIELD("moderatedroom", "1")));
	s = world_join(&w, "student1", "One");
	u = world_join(&w, "student2", "Two");
	world_forget(&w);
	ASK(&w, s, SAY("x"), "type='error'", "forbidden");
	ASK(&w, s, ADMIN("set", "<item nick='Two' role='none'/>"), "forbidden");
	ASK(&w, t, ADMIN("set", "<item nick='One' role='participant'><reason>ask</reason></item>"),
	    "type='result'", ROOM "/One", "role='participant'", "nick='Teacher'", "ask");
	GETS(&w, s, "role='participant'", "code='110'");
	ASK(&w, s, SAY("x"), "<body>x</body>");
	ASK(&w, t, ADMIN("get", "<item role='participant'/>"), "type='result'",
	    "role='participant'", "nick='One'", "jid='student1@localhost/web'");
	ASK(&w, s, ADMIN("get", "<item role='moderator'/>"), "forbidden");
	/* a moderator without affiliation */
	ASK(&w, t, ADMIN("set", "<item nick='One' role='moderator'/>"), "role='moderator'");
	world_forget(&w);
	ASK(&w, s, ADMIN("set", "<item nick='Teacher' role='none'/>"), "not-allowed");
	ASK(&w, s, ADMIN("set", "<item nick='Two' role='none'><reason>out</reason></item>"),
	    "type='result'", ROOM "/Two", "type='unavailable'", "code='307'");
	GETS(&w, u, "type='unavailable'", "role='none'", "<actor nick='One'", "out", "code='110'",
	     "code='307'");
	ASK(&w, s, ADMIN("set", "<item nick='Two' role='none'/>"), "item-not-found");
	/* the same one twice in one request, then oneself */
	ASK(&w, t, ADMIN("set", "<item nick='One' role='none'/><item nick='One' role='visitor'/>"),
	    "result", "role='visitor'");
	ASK(&w, t, ADMIN("set", "<item nick='Teacher' role='none'/>"), "result",
	    "type='unavailable'", "307");
	world_fini(&w);
}

static void test_bad_requests(void **state)
{
	static const struct {
		const char *xml, *want;
	} rows[] = {
		{ ADMIN("set", ""), "bad-request" },
		{ ADMIN("get", ""), "bad-request" },
		{ ADMIN("set", "<item nick='One'/>"), "bad-request" },
		{ ADMIN("set", "<item nick='One' role='king'/>"), "bad-request" },
		{ ADMIN("set", "<item role='none'/>"), "bad-request" },
		{ ADMIN("set", "<item nick='One' role='none' affiliation='none'/>"),
		  "bad-request" },
		{ ADMIN("set", "<item affiliation='member'/>"), "bad-request" },
		{ ADMIN("set", "<item jid='a@b@c' affiliation='member'/>"), "jid-malformed" },
		{ ADMIN("set", "<item jid='localhost' affiliation='member'/>"), "not-acceptable" },
		{ ADMIN("set", "<item nick='Nobody' affiliation='member'/>"), "item-not-found" },
		{ ADMIN("set", "<item jid='teacher@localhost' affiliation='outcast'/>"),
		  "conflict" },
		{ ADMIN("set", "<item jid='teacher@localhost' affiliation='member'/>"),
		  "conflict" },
		{ ADMIN("get", "<item affiliation='none'/>"), "bad-request" },
		{ ADMIN("get", "<item role='none'/>"), "bad-request" },
		{ OWNER("set", ""), "bad-request" },
		{ OWNER("set", "<destroy jid='@'/>"), "jid-malformed" },
		{ FORM("<field var='FORM_TYPE'><value>other</value></field>"), "bad-request" },
		{ FORM(FIELD("moderatedroom", "maybe")), "not-acceptable" },
		{ FORM(FIELD("maxusers", "-1")), "not-acceptable" },
		{ FORM(FIELD("whois", "all")), "not-acceptable" },
		{ FORM(FIELD("passwordprotectedroom", "1")), "not-acceptable" },
		{ "<iq type='get' id='q' to='" ROOM "'><query xmlns='jabber:iq:other'/></iq>",
		  "service-unavailable" },
	};
	struct world w;
	unsigned t;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ASK(&w, t, rows[i].xml, "type='error'", rows[i].want);
	(void)world_join(&w, "student1", "One");
	world_forget(&w);
	ASK(&w, 1, OWNER("get", ""), "forbidden");
	ASK(&w, 1, OWNER("set", "<destroy/>"), "forbidden");
	ASK(&w, 1, ADMIN("set", "<item jid='a@localhost' affiliation='member'/>"), "forbidden");
	ASK(&w, 1, ADMIN("get", "<item affiliation='outcast'/>"), "forbidden");
	world_fini(&w);
}

static void test_too_many_items(void **state)
{
	static char text[60000];
	struct world w;
	unsigned t;
	size_t n;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	n = (size_t)snprintf(text, sizeof(text),
			     "<iq type='set' id='a' to='" ROOM "'><query "
			     "xmlns='http://jabber.org/protocol/muc#admin'>");
	for (unsigned i = 0; i < 201; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "<item affiliation='member' jid='m%u@localhost'/>", i);
	snprintf(text + n, sizeof(text) - n, "</query></iq>");
	ASK(&w, t, text, "policy-violation");
	world_fini(&w);
}

static void test_affiliations(void **state)
{
	struct world w;
	unsigned t, s, u;

	(void)state;
	world_init(&w, 2);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	u = world_join(&w, "student2", "Two");
	world_forget(&w);
	ASK(&w, t, ADMIN("set", "<item jid='student1@localhost' affiliation='admin'/>"), "result",
	    ROOM "/One", "affiliation='admin'", "role='moderator'");
	ASK(&w, s,
	    ADMIN("set", "<item nick='Two' affiliation='outcast'><reason>no</reason></item>"),
	    "result", ROOM "/Two", "unavailable", "affiliation='outcast'", "code='301'");
	GETS(&w, u, "unavailable", "no", "code='110'", "code='301'");
	ASK(&w, u, JOIN("Two"), "type='error'", "forbidden");
	ASK(&w, s, ADMIN("get", "<item affiliation='outcast'/>"), "jid='student2@localhost'", "no");
	ASK(&w, s, ADMIN("set", "<item jid='student2@localhost' affiliation='none'/>"), "result");
	ASK(&w, u, JOIN("Two"), "code='110'");
	ASK(&w, s, ADMIN("set", "<item jid='x@localhost' affiliation='owner'/>"), "forbidden");
	ASK(&w, t, ADMIN("get", "<item affiliation='owner'/>"), "jid='teacher@localhost'");
	/* a registered nick is nobody else's */
	ASK(&w, t,
	    ADMIN("set", "<item jid='student3@localhost' affiliation='member' nick='Three'/>"),
	    "result");
	world_forget(&w);
	ASK(&w, u, "<presence to='" ROOM "/Three'/>", "conflict");
	ASK(&w, t, ADMIN("set", "<item jid='x@localhost' affiliation='member' nick='Three'/>"),
	    "conflict");
	ASK(&w, t, ADMIN("set", "<item jid='x@localhost' affiliation='member' nick=' '/>"),
	    "not-acceptable");
	ASK(&w, t, ADMIN("set", "<item jid='student3@localhost' affiliation='member' nick=''/>"),
	    "result");
	ASK(&w, u, "<presence to='" ROOM "/Three'/>", "code='303'");
	ASK(&w, u, "<presence to='" ROOM "/Two'/>", "code='303'");
	/* a whole domain */
	ASK(&w, t, ADMIN("set", "<item jid='localhost' affiliation='outcast'/>"), "result",
	    ROOM "/Two", "unavailable", "301");
	ASK(&w, u, JOIN("Two"), "forbidden");
	ASK(&w, s, SAY("x"), "<body>x</body>"); /* an admin is named himself */
	world_fini(&w);
}

static void test_members_only(void **state)
{
	struct world w;
	unsigned t, s, u;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	u = world_connect(&w, "student2");
	world_forget(&w);
	ASK(&w, t, FORM(FIELD("membersonly", "1")), "result", "unavailable", "code='322'");
	GETS(&w, s, "unavailable", "code='110'", "code='322'");
	ASK(&w, s, JOIN("One"), "registration-required");
	/* new members are invited */
	world_send(&w, t, ADMIN("set", "<item jid='student1@localhost' affiliation='member'/>"));
	GETS(&w, s, "<invite from='teacher@localhost'");
	ASK(&w, s, JOIN("One"), "affiliation='member'", "110");
	/* members may not invite unless that is allowed */
	ASK(&w, s,
	    "<message to='" ROOM "'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
	    "to='student2@localhost'/></x></message>",
	    "type='error'", "forbidden");
	world_send(&w, t, FORM(FIELD("allowinvites", "1")));
	world_forget(&w);
	world_send(&w, s,
		   "<message to='" ROOM "'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
		   "to='student2@localhost'><reason>come</reason></invite></x></message>");
	GETS(&w, u, "from='" ROOM "'", "<invite from='student1@localhost/web'", "come");
	ASK(&w, u, JOIN("Two"), "affiliation='member'");
	/* out */
	world_forget(&w);
	world_send(&w, t, ADMIN("set", "<item jid='student2@localhost' affiliation='none'/>"));
	GETS(&w, u, "unavailable", "affiliation='none'", "code='110'", "code='321'");
	world_fini(&w);
}

static void test_invite(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w,
			    FORM(FIELD("passwordprotectedroom", "1") FIELD("roomsecret", "abc")));
	s = world_connect(&w, "student1");
	world_forget(&w);
	world_send(&w, t,
		   "<message id='i' to='" ROOM
		   "'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
		   "to='student1@localhost'><reason>come</reason></invite></x></message>");
	GETS(&w, s, "from='" ROOM "'", "id='i'", "<invite from='teacher@localhost/web'",
	     "<reason>come</reason>", "<password>abc</password>");
	world_send(&w, s,
		   "<message to='" ROOM "'><x xmlns='http://jabber.org/protocol/muc#user'><decline "
		   "to='teacher@localhost'><reason>busy</reason></decline></x></message>");
	GETS(&w, t, "from='" ROOM "'", "<decline from='student1@localhost'", "busy");
	/* rooms do not carry messages to just anybody */
	ASK(&w, s,
	    "<message to='" ROOM "'><x xmlns='http://jabber.org/protocol/muc#user'><decline "
	    "to='student2@localhost'/></x></message>",
	    "item-not-found");
	ASK(&w, s,
	    "<message to='" ROOM "'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
	    "to='student2@localhost'/></x></message>",
	    "not-acceptable");
	ASK(&w, t,
	    "<message to='" ROOM "'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
	    "to='@@'/></x></message>",
	    "jid-malformed");
	world_fini(&w);
}

#define VOICE(inner) \
	"<message to='" ROOM "'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>" \
	"<value>http://jabber.org/protocol/muc#request</value></field>" inner "</x></message>"

static void test_voice(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(FIELD("moderatedroom", "1")));
	s = world_join(&w, "student1", "One");
	world_forget(&w);
	world_send(&w, s, VOICE("<field var='muc#role'><value>participant</value></field>"));
	GETS(&w, t, "muc#request", "student1@localhost/web", "One", "muc#request_allow");
	ASK(&w, s,
	    VOICE("<field var='muc#roomnick'><value>One</value></field>"
		  "<field var='muc#request_allow'><value>true</value></field>"),
	    "forbidden");
	world_send(&w, t,
		   VOICE("<field var='muc#roomnick'><value>One</value></field>"
			 "<field var='muc#request_allow'><value>true</value></field>"));
	GETS(&w, s, "role='participant'");
	world_fini(&w);
}

static void test_options(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	(void)world_join(&w, "student2", "Two");
	world_forget(&w);
	ASK(&w, t, OWNER("get", ""), "type='form'", "muc#roomconfig", "muc#roomconfig_roomname",
	    "muc#roomconfig_whois", "<value>anyone</value>", "<option>");
	ASK(&w, t,
	    FORM(FIELD("whois", "moderators") FIELD("roomname", "Algebra") FIELD("lang", "en")),
	    "type='result'", "type='groupchat'", "code='173'");
	GETS(&w, s, "code='173'");
	/* now real JIDs are for moderators only */
	world_forget(&w);
	world_send(&w, s, "<presence to='" ROOM "/One'><show>dnd</show></presence>");
	GETS(&w, t, "jid='student1@localhost/web'");
	assert_null(strstr(world_got(&w, 2), "student1@"));
	ASK(&w, s,
	    "<iq type='get' id='d' to='" ROOM
	    "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
	    "name='Algebra'", "muc_unsecured", "muc_public", "muc_temporary", "muc_open",
	    "muc_unmoderated", "muc_semianonymous", "muc#roominfo_lang", "<value>en</value>",
	    "muc#roominfo_occupants", "<value>3</value>", "muc#roominfo_meetingId");
	ASK(&w, s,
	    "<iq type='get' id='d' to='" ROOM
	    "'><query node='x' xmlns='http://jabber.org/protocol/disco#info'/></iq>",
	    "item-not-found");
	ASK(&w, s,
	    "<iq type='get' id='d' to='" ROOM
	    "'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
	    ROOM "/Teacher", ROOM "/One");
	world_fini(&w);
}

static void test_private_messages(void **state)
{
	static const char to_two[] =
		"<message type='chat' to='" ROOM "/Two'><body>pm</body></message>";
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(FIELD("allowpm", "moderators")));
	s = world_join(&w, "student1", "One");
	(void)world_join(&w, "student2", "Two");
	ASK(&w, s, to_two, "forbidden");
	world_forget(&w);
	world_send(&w, t, to_two);
	GETS(&w, 2, "pm");
	world_fini(&w);
}

static void test_destroy(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 2);
	t = world_open_room(&w, FORM(FIELD("persistentroom", "1")));
	s = world_join(&w, "student1", "One");
	world_forget(&w);
	world_send(&w, t,
		   OWNER("set",
			 "<destroy jid='other@rooms.localhost'><reason>moved</reason></destroy>"));
	GETS(&w, s, "type='unavailable'", "role='none'", "<destroy jid='other@rooms.localhost'",
	     "moved");
	GETS(&w, t, "<destroy", "type='result'");
	ASK(&w, s, SAY("x"), "item-not-found");
	world_restart(&w);
	s = world_connect(&w, "student1");
	ASK(&w, s, SAY("x"), "item-not-found");
	world_fini(&w);
}

/* What is kept of large messages is bounded in bytes, not only in number. */
static void test_relay(void **state)
{
	static const char to_two[] =
		"<iq type='get' id='v' to='" ROOM "/Two'><query xmlns='jabber:iq:version'/></iq>";
	struct world w;
	unsigned s, u, o;
	char text[300], id[40];
	const char *got, *at;

	(void)state;
	world_init(&w, 2);
	(void)world_open_room(&w, FORM(""));
	s = world_join(&w, "student1", "One");
	u = world_join(&w, "student2", "Two");
	o = world_connect(&w, "student3");
	world_forget(&w);
	world_send(&w, s, to_two);
	got = world_got(&w, u);
	assert_true(world_has(got, "from='" ROOM "/One'", "jabber:iq:version", NULL));
	at = strstr(got, " id='");
	assert_non_null(at);
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(at + 5, "'"), at + 5);
	snprintf(text, sizeof(text),
		 "<iq type='result' id='%s' to='" ROOM
		 "/One'><query xmlns='jabber:iq:version'/></iq>",
		 id);
	world_send(&w, u, text);
	GETS(&w, s, "type='result'");
	world_send(&w, u, text);
	GETS(&w, s, "type='result'", "id='v'", "from='" ROOM "/Two'");
	/* answers to what nobody has asked go nowhere */
	world_send(&w, u, "<iq type='result' id='ff:v' to='" ROOM "/One'/>");
	GETS_NOTHING(&w, s);
	ASK(&w, s, "<iq type='get' id='v' to='" ROOM "/No'><query xmlns='jabber:iq:version'/></iq>",
	    "item-not-found");
	ASK(&w, o, to_two, "not-acceptable");
	ASK(&w, o,
	    "<iq type='get' id='v' to='" ROOM
	    "/Two'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
	    "bad-request");
	/* XEP-0410 */
	ASK(&w, s, "<iq type='get' id='s' to='" ROOM "/One'><ping xmlns='urn:xmpp:ping'/></iq>",
	    "type='result'", "id='s'");
	ASK(&w, o, "<iq type='get' id='s' to='" ROOM "/One'><ping xmlns='urn:xmpp:ping'/></iq>",
	    "by='" ROOM "'", "not-acceptable");
	world_fini(&w);
}

/* Out of memory at any place of any request: nothing breaks, nothing leaks, the room goes on. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_too_many_items),
		cmocka_unit_test(test_affiliations),
		cmocka_unit_test(test_members_only),
		cmocka_unit_test(test_invite),
		cmocka_unit_test(test_voice),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_private_messages),
		cmocka_unit_test(test_destroy),
		cmocka_unit_test(test_relay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
