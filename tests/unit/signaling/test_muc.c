/* Rooms with real homes and sessions: entering, talking, leaving (XEP-0045 s. 7). */
#include "tests/unit/check.h"

#include "base/err.h"
#include "tests/unit/signaling/muc_world.h"

#define ROOM "algebra@rooms.localhost"
#define JOIN(nick) "<presence to='" ROOM "/" nick "'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
#define SUBMIT \
	"<iq type='set' id='conf' to='" ROOM "'><query xmlns='http://jabber.org/protocol/muc#owner'>" \
	"<x xmlns='jabber:x:data' type='submit'>"
#define SUBMIT_END "</x></query></iq>"
#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"

/* The teacher has made the room, with these fields of the form. */
static unsigned open_room(struct world *w, const char *fields)
{
	unsigned teacher = world_connect(w, "teacher");
	char text[2000];

	world_send(w, teacher, JOIN("Teacher"));
	snprintf(text, sizeof(text), "%s%s%s", SUBMIT, fields, SUBMIT_END);
	world_send(w, teacher, text);
	assert_true(world_has(world_got(w, teacher), "type='result'", NULL));
	world_forget(w);
	return teacher;
}

static void test_create(void **state)
{
	struct world w;
	unsigned t, s;

	(void)state;
	world_init(&w, 1);
	t = world_connect(&w, "teacher");
	s = world_connect(&w, "student1");
	world_send(&w, t, "<presence id='j' to='" ROOM "/Teacher'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
	assert_true(world_has(world_got(&w, t), "from='" ROOM "/Teacher'", "affiliation='owner'",
			      "role='moderator'", "code='110'", "code='100'", "code='201'",
			      "<subject/>", NULL));
	/* locked */
	world_send(&w, s, JOIN("One"));
	assert_true(world_has(world_got(&w, s), "type='error'", "item-not-found", NULL));
	world_send(&w, t, SUBMIT SUBMIT_END);
	assert_true(world_has(world_got(&w, t), "type='result'", "id='conf'", NULL));
	world_send(&w, s, JOIN("One"));
	assert_true(world_has(world_got(&w, s), ROOM "/Teacher", "jid='teacher@localhost/web'",
			      ROOM "/One", "affiliation='none'", "role='participant'",
			      "code='110'", "code='100'", "<subject/>", NULL));
	assert_true(world_has(world_got(&w, t), ROOM "/One", "jid='student1@localhost/web'", NULL));
	world_fini(&w);
}

static void test_talk(void **state)
{
	struct world w;
	unsigned t, s, u;

	(void)state;
	world_init(&w, 3);
	t = open_room(&w, "");
	s = world_connect(&w, "student1");
	u = world_connect(&w, "student2");
	world_send(&w, s, JOIN("One"));
	world_forget(&w);
	world_send(&w, s, "<message type='groupchat' id='m1' to='" ROOM "'><body>hello</body></message>");
	assert_true(world_has(world_got(&w, t), ROOM "/One", "id='m1'", "<body>hello</body>",
			      "stanza-id", "by='" ROOM "'", NULL));
	assert_true(world_has(world_got(&w, s), ROOM "/One", "id='m1'", NULL));
	/* not in the room */
	world_send(&w, u, "<message type='groupchat' to='" ROOM "'><body>x</body></message>");
	assert_true(world_has(world_got(&w, u), "type='error'", "not-acceptable", NULL));
	/* history */
	world_send(&w, u, JOIN("Two"));
	assert_true(world_has(world_got(&w, u), "code='110'", "<body>hello</body>", "urn:xmpp:delay",
			      "<subject/>", NULL));
	/* private */
	world_forget(&w);
	world_send(&w, u, "<message type='chat' id='p' to='" ROOM "/One'><body>psst</body></message>");
	assert_true(world_has(world_got(&w, s), ROOM "/Two", "psst", "muc#user", NULL));
	assert_string_equal("", world_got(&w, t));
	/* leave */
	world_send(&w, u, "<presence type='unavailable' to='" ROOM "/Two'/>");
	assert_true(world_has(world_got(&w, u), "type='unavailable'", "role='none'", "110", NULL));
	assert_true(world_has(world_got(&w, t), ROOM "/Two", "type='unavailable'", NULL));
	/* the session ends */
	world_forget(&w);
	world_disconnect(&w, s);
	assert_true(world_has(world_got(&w, t), ROOM "/One", "type='unavailable'", NULL));
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_talk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
