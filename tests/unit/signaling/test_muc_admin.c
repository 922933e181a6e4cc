/* Rooms: roles, affiliations, options, the store, what others may ask (XEP-0045 s. 6, 8, 9, 10). */
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

static void test_persistence(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 3);
	t = world_open_room(&w, FORM(FIELD("persistentroom", "1") FIELD("roomname", "Algebra")));
	world_send(&w, t,
		   ADMIN("set", "<item jid='student1@localhost' affiliation='admin' nick='One'/>"));
	world_send(&w, t, SAY("kept"));
	world_send(&w, t,
		   "<message type='groupchat' to='" ROOM "'><subject>Sets</subject></message>");
	GETS(&w, t, "<body>kept</body>", "<subject>Sets</subject>");
	world_restart(&w);
	s = world_connect(&w, "student1");
	ASK(&w, s, JOIN("One"), "affiliation='admin'", "<body>kept</body>", "urn:xmpp:delay",
	    ROOM "/Teacher", "<subject>Sets</subject>");
	ASK(&w, s,
	    "<iq type='get' id='d' to='" ROOM
	    "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
	    "name='Algebra'", "muc_persistent");
	/* nobody there for long: unloaded, and loaded again */
	world_send(&w, s, LEAVE("One"));
	world_wait(&w, LY_SEC(301));
	assert_int_equal(2, w.n_requests[LY_STORE_ROOM_GET]);
	ASK(&w, s, JOIN("One"), "affiliation='admin'", "<body>kept</body>");
	assert_int_equal(3, w.n_requests[LY_STORE_ROOM_GET]);
	/* made temporary: the store forgets it */
	t = world_connect(&w, "teacher");
	ASK(&w, t, FORM(FIELD("persistentroom", "0")), "type='result'");
	world_restart(&w);
	t = world_connect(&w, "teacher");
	ASK(&w, t, SAY("x"), "item-not-found");
	world_fini(&w);
}

static void test_slow_store(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(FIELD("persistentroom", "1")));
	s = world_join(&w, "student1", "One");
	world_forget(&w);
	/* nothing is said before it is kept, and nothing overtakes */
	w.hold_store = true;
	world_send(&w, t, SAY("first"));
	world_send(&w, s,
		   "<message type='groupchat' to='" ROOM
		   "'><active xmlns='http://jabber.org/protocol/chatstates'/></message>");
	GETS_NOTHING(&w, s);
	world_answer(&w);
	GETS(&w, s, "first", "<active");
	/* what cannot be kept is not said */
	w.fail_store = true;
	world_forget(&w);
	ASK(&w, t, SAY("lost"), "type='error'", "internal-server-error");
	GETS_NOTHING(&w, s);
	ASK(&w, t, ADMIN("set", "<item jid='a@localhost' affiliation='member'/>"), "type='error'",
	    "internal-server-error");
	/* a room that cannot be loaded */
	ASK(&w, t,
	    "<presence to='other@rooms.localhost/T'><x "
	    "xmlns='http://jabber.org/protocol/muc'/></presence>",
	    "type='error'", "internal-server-error");
	w.fail_store = false;
	ASK(&w, t,
	    "<presence to='other@rooms.localhost/T'><x "
	    "xmlns='http://jabber.org/protocol/muc'/></presence>",
	    "201");
	world_fini(&w);
}

static void test_limits(void **state)
{
	struct world w;
	unsigned t;

	(void)state;
	/* stanzas that wait for a load */
	world_init(&w, 1);
	t = world_connect(&w, "teacher");
	w.hold_store = true;
	for (unsigned i = 0; i < 128; i++)
		world_send(&w, t, JOIN("Teacher"));
	GETS_NOTHING(&w, t);
	ASK(&w, t, JOIN("Teacher"), "resource-constraint");
	world_answer(&w);
	GETS(&w, t, "201");
	/* messages that wait for their commit */
	ASK(&w, t, FORM(FIELD("persistentroom", "1")), "result");
	w.hold_store = true;
	for (unsigned i = 0; i < 256; i++)
		world_send(&w, t, SAY("x"));
	GETS_NOTHING(&w, t);
	ASK(&w, t, SAY("x"), "resource-constraint");
	world_answer(&w);
	GETS(&w, t, "<body>x</body>");
	world_fini(&w);
}

static void test_affiliation_limit(void **state)
{
	static char text[60000];
	struct world w;
	unsigned t;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	for (unsigned i = 0; i < 25; i++) {
		size_t n = (size_t)snprintf(text, sizeof(text),
					    "<iq type='set' id='a' to='" ROOM "'><query "
					    "xmlns='http://jabber.org/protocol/muc#admin'>");

		/* with the owner there are 4999 at the end */
		for (unsigned k = 0; k < (i < 24 ? 200 : 198); k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "<item affiliation='member' jid='m%u@localhost'/>",
					      i * 200 + k);
		snprintf(text + n, sizeof(text) - n, "</query></iq>");
		ASK(&w, t, text, "type='result'");
	}
	ASK(&w, t, ADMIN("set", "<item jid='a@localhost' affiliation='member'/>"), "type='result'");
	ASK(&w, t, ADMIN("set", "<item jid='b@localhost' affiliation='member'/>"),
	    "resource-constraint");
	world_fini(&w);
}

/* What is kept of large messages is bounded in bytes, not only in number. */
static void test_large_messages(void **state)
{
	static char text[60000];
	struct world w;
	unsigned t, s, n_bodies = 0;
	size_t n;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(FIELD("persistentroom", "1")));
	n = (size_t)snprintf(text, sizeof(text), "<message type='groupchat' to='" ROOM "'><body>");
	memset(text + n, 'x', 50000);
	snprintf(text + n + 50000, sizeof(text) - n - 50000, "</body></message>");
	for (unsigned i = 0; i < 10; i++)
		world_send(&w, t, text);
	s = world_connect(&w, "student1");
	world_send(&w, s, JOIN("One"));
	for (const char *at = ly_buf_str(&w.clients[s].in); (at = strstr(at, "<body>")) != NULL;
	     at++)
		n_bodies++;
	assert_int_equal(5, n_bodies);
	/* 4 MB wait for their commit */
	world_forget(&w);
	w.hold_store = true;
	for (unsigned i = 0; i < 84; i++)
		world_send(&w, t, text);
	GETS_NOTHING(&w, t);
	ASK(&w, t, text, "resource-constraint");
	world_answer(&w);
	assert_int_equal(84, w.clients[s].n_received);
	world_fini(&w);
}

static void test_list(void **state)
{
	static const char *const rooms[] = { "a", "b", "c", "d", "e", "f" };
	static const char items[] = "<iq type='get' id='l' to='rooms.localhost'><query "
				    "xmlns='http://jabber.org/protocol/disco#items'/></iq>";
	struct world w;
	unsigned t;
	char text[600];

	(void)state;
	world_init(&w, 4);
	t = world_connect(&w, "teacher");
	for (size_t i = 0; i < LY_COUNTOF(rooms); i++) {
		snprintf(text, sizeof(text),
			 "<presence to='%s@rooms.localhost/T'><x "
			 "xmlns='http://jabber.org/protocol/muc'/></presence>",
			 rooms[i]);
		world_send(&w, t, text);
		/* b and e persistent, f hidden */
		snprintf(text, sizeof(text),
			 "<iq type='set' id='c' to='%s@rooms.localhost'><query "
			 "xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
			 "type='submit'>" FIELD("persistentroom", "%d")
				 FIELD("publicroom", "%d") "</x></query></iq>",
			 rooms[i], i == 1 || i == 4, i != 5);
		world_send(&w, t, text);
	}
	world_forget(&w);
	world_send(&w, t, items);
	for (size_t i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "jid='%s@rooms.localhost' name='%s'", rooms[i],
			 rooms[i]);
		assert_non_null(strstr(ly_buf_str(&w.clients[t].in), text));
	}
	assert_null(strstr(ly_buf_str(&w.clients[t].in), "f@rooms"));
	/* only the store knows them now */
	world_restart(&w);
	t = world_connect(&w, "teacher");
	ASK(&w, t, items, "b@rooms.localhost", "e@rooms.localhost", "</query>");
	ASK(&w, t,
	    "<iq type='get' id='i' to='rooms.localhost'><query "
	    "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
	    "category='conference'", "http://jabber.org/protocol/muc'");
	world_fini(&w);
}

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
static void test_no_memory(void **state)
{
	static const char *const requests[] = {
		JOIN("Two"),
		SAY("text"),
		"<presence to='" ROOM "/Uno'/>",
		"<presence to='" ROOM "/One'><show>away</show></presence>",
		LEAVE("One"),
		"<message type='chat' to='" ROOM "/Teacher'><body>x</body></message>",
		"<message type='groupchat' to='" ROOM "'><subject>x</subject></message>",
		"<iq type='get' id='v' to='" ROOM
		"/Teacher'><query xmlns='jabber:iq:version'/></iq>",
		ADMIN("set", "<item jid='student2@localhost' affiliation='outcast'/>"),
		ADMIN("set", "<item nick='Teacher' role='participant'/>"),
		ADMIN("get", "<item affiliation='owner'/>"),
		FORM(FIELD("membersonly", "1") FIELD("persistentroom", "1")),
		OWNER("get", ""),
		OWNER("set", "<destroy jid='b@rooms.localhost'/>"),
		"<message to='" ROOM "'><x xmlns='http://jabber.org/protocol/muc#user'><invite "
		"to='student2@localhost'/></x></message>",
		"<iq type='get' id='l' to='rooms.localhost'><query "
		"xmlns='http://jabber.org/protocol/disco#items'/></iq>",
		"<iq type='get' id='l' to='" ROOM "'><query "
		"xmlns='http://jabber.org/protocol/disco#info'/></iq>",
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(requests); i++) {
		bool failed = true;

		for (uint64_t nth = 1; failed; nth++) {
			struct world w;

			world_init(&w, 2);
			(void)world_open_room(&w, FORM(FIELD("persistentroom", "1")));
			(void)world_join(&w, "student1", "One");
			world_send(&w, 0, ADMIN("set", "<item nick='One' affiliation='owner'/>"));
			w.fail_alloc = nth;
			world_send(&w, 1, requests[i]);
			failed = w.alloc_failed;
			world_forget(&w);
			world_send(&w, 0, JOIN("Teacher"));
			assert_string_not_equal("", world_got(&w, 0));
			world_fini(&w);
		}
	}
}

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
		cmocka_unit_test(test_persistence),
		cmocka_unit_test(test_slow_store),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_affiliation_limit),
		cmocka_unit_test(test_large_messages),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_relay),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
