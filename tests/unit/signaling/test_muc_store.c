/* Rooms and the store: what is kept, slow and failing stores, limits, the list of all rooms. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "tests/unit/signaling/muc_world.h"

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
		cmocka_unit_test(test_persistence),    cmocka_unit_test(test_slow_store),
		cmocka_unit_test(test_limits),         cmocka_unit_test(test_affiliation_limit),
		cmocka_unit_test(test_large_messages), cmocka_unit_test(test_list),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
