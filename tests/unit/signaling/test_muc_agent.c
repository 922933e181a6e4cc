/* Rooms: in-process occupants, as the focus of the calls is one. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "tests/unit/signaling/muc_world.h"

/* Notes what an agent is told, one line per event. */
struct diary {
	char text[4000];
	struct ly_muc_agent *agent;
	struct ly_xml_doc *answer; /* owned: result of the last IQ */
	bool leave_when_joined, kick_who_joins;
};

static void note(struct diary *d, const char *fmt, ...) LY_PRINTF(2, 3);
static void note(struct diary *d, const char *fmt, ...)
{
	size_t n = strlen(d->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->text + n, sizeof(d->text) - n, fmt, ap);
	va_end(ap);
}

static void on_joined(void *ctx, struct ly_muc_agent *agent, int err)
{
	struct diary *d = (struct diary *)ctx;

	note(d, "joined %s\n", ly_err_name(err));
	if (err != 0)
		d->agent = NULL;
	if (d->leave_when_joined) {
		ly_muc_agent_leave(agent);
		d->agent = NULL;
	}
}

static void on_occupant(void *ctx, struct ly_muc_agent *agent,
			const struct ly_muc_occupant_info *who)
{
	struct diary *d = (struct diary *)ctx;

	note(d, "+ %s %s %s %s\n", who->nick, who->jid->full, ly_muc_role_name(who->role),
	     ly_muc_affiliation_name(who->affiliation));
	if (d->kick_who_joins)
		assert_int_equal(0, ly_muc_agent_kick(agent, who->nick, "moved"));
}

static void on_changed(void *ctx, struct ly_muc_agent *agent,
		       const struct ly_muc_occupant_info *who)
{
	(void)agent;
	note((struct diary *)ctx, "~ %s %s\n", who->nick,
	     ly_xml_child_text(who->presence, NULL, "show")
		     ? ly_xml_child_text(who->presence, NULL, "show")
		     : "-");
}

static void on_left(void *ctx, struct ly_muc_agent *agent, const struct ly_muc_occupant_info *who,
		    enum ly_muc_gone why, const char *new_nick)
{
	(void)agent;
	note((struct diary *)ctx, "- %s %d %s\n", who->nick, (int)why, new_nick ? new_nick : "-");
}

static void on_destroyed(void *ctx, struct ly_muc_agent *agent, const char *reason)
{
	(void)agent;
	note((struct diary *)ctx, "destroyed %s\n", reason ? reason : "-");
	((struct diary *)ctx)->agent = NULL;
}

static void on_stanza(void *ctx, struct ly_muc_agent *agent, const struct ly_muc_occupant_info *who,
		      const struct ly_stanza *st)
{
	struct diary *d = (struct diary *)ctx;
	struct ly_xml_doc *doc;
	struct ly_build b;

	note(d, "%s from %s to %s by %s\n", st->root->name, st->from.full, st->to.full,
	     who->jid->full);
	if (st->kind != LY_IQ || (st->type != LY_T_SET && st->type != LY_T_GET))
		return;
	doc = ly_xml_doc_create(0);
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "iq");
	ly_build_attr(&b, "type", "result");
	ly_build_attr(&b, "id", st->id);
	assert_int_equal(0, ly_build_finish(&b, &doc->root));
	assert_int_equal(0, ly_muc_agent_send(agent, who->nick, doc->root));
	ly_xml_doc_free(doc);
}

static const struct ly_muc_agent_ops ops = {
	.joined = on_joined,
	.occupant_joined = on_occupant,
	.occupant_changed = on_changed,
	.occupant_left = on_left,
	.room_destroyed = on_destroyed,
	.stanza = on_stanza,
};

static void join(struct world *w, struct diary *d, unsigned flags)
{
	assert_int_equal(0, ly_muc_agent_join(&d->agent, world_muc(w, ROOM), ROOM, "focus",
					      "focus@focus.localhost/focus", &ops, d, flags));
	assert_string_equal("", d->text); /* always later */
	world_run(w);
}

static void told(struct diary *d, const char *want)
{
	ly_assert_str("told", want, d->text);
	d->text[0] = '\0';
}

static void test_create(void **state)
{
	struct world w;
	struct diary d = { .agent = NULL };
	unsigned s;

	(void)state;
	world_init(&w, 2);
	join(&w, &d, 0);
	told(&d, "joined not found\n");
	join(&w, &d, LY_MUC_AGENT_CREATE | LY_MUC_AGENT_KEEPS_ROOM);
	told(&d, "joined ok\n");
	assert_string_equal(ROOM, ly_muc_agent_room(d.agent));
	assert_string_equal(ROOM "/focus", ly_muc_agent_jid(d.agent));
	/* not locked; the first one there owns it */
	s = world_connect(&w, "student1");
	ASK(&w, s, JOIN("One"), "from='" ROOM "/focus'", "affiliation='owner'", "role='moderator'",
	    "jid='focus@focus.localhost/focus'", "from='" ROOM "/One'", "affiliation='owner'",
	    "code='110'");
	told(&d, "+ One student1@localhost/web moderator owner\n");
	(void)world_join(&w, "student2", "Two");
	told(&d, "+ Two student2@localhost/web participant none\n");
	world_send(&w, s, "<presence to='" ROOM "/One'><show>away</show></presence>");
	told(&d, "~ One away\n");
	world_send(&w, s, "<presence to='" ROOM "/Uno'/>");
	told(&d, "- One 5 Uno\n+ Uno student1@localhost/web moderator owner\n");
	world_send(&w, s, LEAVE("Uno"));
	world_disconnect(&w, 1);
	told(&d, "- Uno 0 -\n- Two 0 -\n");
	/* it stays as long as the agent says */
	ly_muc_agent_leave(d.agent);
	world_run(&w);
	ASK(&w, s, SAY("x"), "item-not-found");
	told(&d, "");
	world_fini(&w);
}

static void test_join_later(void **state)
{
	struct world w;
	struct diary d = { .agent = NULL }, e = { .agent = NULL };
	unsigned t;

	(void)state;
	world_init(&w, 1);
	t = world_open_room(&w, FORM(""));
	join(&w, &d, 0);
	told(&d, "joined ok\n+ Teacher teacher@localhost/web moderator owner\n");
	GETS(&w, t, "from='" ROOM "/focus'", "jid='focus@focus.localhost/focus'");
	join(&w, &e, 0);
	told(&e, "joined exists already\n");
	/* it does not keep the room */
	world_send(&w, t, LEAVE("Teacher"));
	told(&d, "- Teacher 0 -\ndestroyed -\n");
	assert_null(d.agent);
	world_fini(&w);
}

static void test_stanzas(void **state)
{
	struct world w;
	struct diary d = { .agent = NULL };
	struct ly_muc_occupant_info who;
	struct ly_stanza *st;
	unsigned t, p;

	(void)state;
	world_init(&w, 2);
	t = world_open_room(&w, FORM(""));
	p = world_join(&w, "teacher/phone", "Teacher");
	join(&w, &d, 0);
	d.text[0] = '\0';
	world_forget(&w);
	/* the answer goes to the device that has asked */
	world_send(&w, p,
		   "<iq type='set' id='j1' to='" ROOM
		   "/focus'><jingle xmlns='urn:xmpp:jingle:1'/></iq>");
	told(&d, "iq from " ROOM "/Teacher to " ROOM "/focus by teacher@localhost/phone\n");
	GETS(&w, p, "type='result'", "from='" ROOM "/focus'");
	GETS_NOTHING(&w, t);
	assert_int_equal(0, ly_stanza_parse(&st, ly_span_str("<iq xmlns='jabber:client' type='set' "
							     "id='f1'><x xmlns='y'/></iq>")));
	assert_int_equal(0, ly_muc_agent_send(d.agent, "Teacher", st->root));
	assert_int_equal(-ENOENT, ly_muc_agent_send(d.agent, "Nobody", st->root));
	ly_stanza_free(st);
	world_run(&w);
	GETS(&w, t, "id='f1'", "from='" ROOM "/focus'");
	world_send(&w, t, "<iq type='result' id='f1' to='" ROOM "/focus'/>");
	told(&d, "iq from " ROOM "/Teacher to " ROOM "/focus by teacher@localhost/web\n");
	world_send(&w, t, "<message type='chat' to='" ROOM "/focus'><body>x</body></message>");
	told(&d, "message from " ROOM "/Teacher to " ROOM "/focus by teacher@localhost/web\n");
	/* presence and messages of its own */
	assert_int_equal(
		0,
		ly_stanza_parse(
			&st,
			ly_span_str("<presence xmlns='jabber:client'><p xmlns='z'/></presence>")));
	assert_int_equal(0, ly_muc_agent_presence(d.agent, st->root));
	ly_stanza_free(st);
	assert_int_equal(
		0,
		ly_stanza_parse(
			&st,
			ly_span_str("<message xmlns='jabber:client'><body>over</body></message>")));
	assert_int_equal(0, ly_muc_agent_say(d.agent, st->root));
	ly_stanza_free(st);
	world_run(&w);
	GETS(&w, t, ROOM "/focus", "<p ", "type='groupchat'", "over");
	assert_true(ly_muc_agent_find(d.agent, "Teacher", &who));
	assert_string_equal("teacher@localhost/web", who.jid->full);
	assert_false(ly_muc_agent_find(d.agent, "focus", &who));
	/* people cannot remove it */
	ASK(&w, t, ADMIN("set", "<item nick='focus' role='none'/>"), "not-allowed");
	world_fini(&w);
}

static void test_calls_back(void **state)
{
	struct world w;
	struct diary d = { .leave_when_joined = true };
	unsigned s;

	(void)state;
	world_init(&w, 1);
	join(&w, &d, LY_MUC_AGENT_CREATE | LY_MUC_AGENT_KEEPS_ROOM);
	told(&d, "joined ok\n");
	d.leave_when_joined = false;
	d.kick_who_joins = true;
	join(&w, &d, LY_MUC_AGENT_CREATE | LY_MUC_AGENT_KEEPS_ROOM);
	told(&d, "joined ok\n");
	s = world_connect(&w, "student1");
	ASK(&w, s, JOIN("One"), "code='110'", "type='unavailable'", "nick='focus'", "moved",
	    "code='307'");
	told(&d, "+ One student1@localhost/web moderator owner\n- One 1 -\n");
	/* destroyed from outside */
	assert_int_equal(0, ly_muc_destroy_room(world_muc(&w, ROOM), ROOM, "closing"));
	world_run(&w);
	told(&d, "destroyed closing\n");
	assert_int_equal(-ENOENT, ly_muc_destroy_room(world_muc(&w, ROOM), ROOM, NULL));
	world_fini(&w);
}

static void test_limits(void **state)
{
	struct world w;
	struct diary d[6];
	char nick[16];

	(void)state;
	memset(d, 0, sizeof(d));
	world_init(&w, 1);
	for (unsigned i = 0; i < 5; i++) {
		snprintf(nick, sizeof(nick), "agent%u", i);
		assert_int_equal(0, ly_muc_agent_join(&d[i].agent, world_muc(&w, ROOM), ROOM, nick,
						      "a@focus.localhost/x", &ops, &d[i],
						      LY_MUC_AGENT_CREATE));
	}
	world_run(&w);
	told(&d[4], "joined limit reached\n");
	assert_int_equal(-EINVAL,
			 ly_muc_agent_join(&d[5].agent, world_muc(&w, ROOM), "algebra@localhost",
					   "x", "a@b/c", &ops, &d[5], 0));
	assert_int_equal(-EINVAL,
			 ly_muc_agent_join(&d[5].agent, world_muc(&w, ROOM), "rooms.localhost", "x",
					   "a@b/c", &ops, &d[5], 0));
	world_fini(&w);
}

static void test_room_limit(void **state)
{
	struct world w;
	struct diary d = { .agent = NULL };
	char room[60];

	(void)state;
	world_init(&w, 1);
	for (unsigned i = 0; i <= 20000; i++) {
		snprintf(room, sizeof(room), "r%u@rooms.localhost", i);
		d.text[0] = '\0';
		assert_int_equal(0,
				 ly_muc_agent_join(&d.agent, world_muc(&w, ROOM), room, "focus",
						   "focus@focus.localhost/focus", &ops, &d,
						   LY_MUC_AGENT_CREATE | LY_MUC_AGENT_KEEPS_ROOM));
		world_run(&w);
	}
	told(&d, "joined limit reached\n");
	(void)world_connect(&w, "student1");
	ASK(&w, 0, JOIN("One"), "type='wait'", "resource-constraint");
	world_fini(&w);
}

static void count_room(void *ctx, const struct ly_muc_room_info *info)
{
	assert_string_equal(ROOM, info->jid);
	assert_int_equal(2, info->n_occupants);
	assert_false(info->persistent);
	++*(unsigned *)ctx;
}

static void test_each(void **state)
{
	struct world w;
	struct diary d = { .agent = NULL };
	unsigned n = 0;

	(void)state;
	world_init(&w, 3);
	(void)world_open_room(&w, FORM(""));
	(void)world_join(&w, "student1", "One");
	join(&w, &d, 0);
	for (unsigned i = 0; i < 3; i++)
		ly_muc_each(w.homes[i], count_room, &n);
	assert_int_equal(1, n);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),  cmocka_unit_test(test_join_later),
		cmocka_unit_test(test_stanzas), cmocka_unit_test(test_calls_back),
		cmocka_unit_test(test_limits),  cmocka_unit_test(test_room_limit),
		cmocka_unit_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
