/* Many devices enter, talk, change, remove each other and vanish at random, over homes and a store
 * that answer late. In the end everybody in the room sees exactly those who are in it, and what was
 * said came to all in one order, each message once. */
#include "tests/unit/check.h"

#include "base/rand.h"
#include "tests/scenario/world.h"

#define ROOM "algebra@conference.localhost"
#define N_PEERS 8
#define MAX_NICKS 8
#define STEPS 400

static const char *const labels[N_PEERS] = { "teacher",        "teacher/phone", "student1",
					     "student1/phone", "student2",      "student2/phone",
					     "student3",       "student3/phone" };
static const char *const nicks[] = { "Teacher", "One", "Two", "Three", "Deux", "Uno" };

/* What a device knows of the room from what it was sent. */
struct view {
	bool joined;
	char nick[16];
	char others[MAX_NICKS][16]; /* all occupants; "" = free */
	char last_id[24];           /* of what was said */
};

static void forget(struct view *v)
{
	memset(v->others, 0, sizeof(v->others));
	v->joined = false;
	v->nick[0] = '\0';
	v->last_id[0] = '\0';
}

static void set(struct view *v, const char *nick, bool there)
{
	char *free_place = NULL;

	for (size_t i = 0; i < MAX_NICKS; i++) {
		if (strcmp(v->others[i], nick) == 0) {
			if (!there)
				v->others[i][0] = '\0';
			return;
		}
		if (v->others[i][0] == '\0' && free_place == NULL)
			free_place = v->others[i];
	}
	assert_true(!there || free_place != NULL);
	if (there)
		snprintf(free_place, 16, "%s", nick);
}

static bool has_code(const struct ly_xml *presence, const char *code)
{
	const struct ly_xml *x = ly_xml_child(presence, "http://jabber.org/protocol/muc#user", "x");
	const struct ly_xml *status = ly_xml_child(x, NULL, "status");

	for (; status != NULL; status = ly_xml_next_child(status, NULL, "status"))
		if (strcmp(ly_xml_attr(status, "code"), code) == 0)
			return true;
	return false;
}

static void see_presence(struct view *v, const struct ly_xml *p, const char *nick)
{
	const char *type = ly_xml_attr(p, "type");

	if (type != NULL && strcmp(type, "unavailable") == 0) {
		/* who takes another nick stays; who was never in hears that too (333) */
		if (has_code(p, "110") && !has_code(p, "303"))
			forget(v);
		else
			set(v, nick, false);
	} else if (type == NULL) {
		set(v, nick, true);
		if (has_code(p, "110")) {
			v->joined = true;
			snprintf(v->nick, sizeof(v->nick), "%s", nick);
		}
	}
}

static void see_message(struct view *v, const char *label, const struct ly_xml *m)
{
	const struct ly_xml *id = ly_xml_child(m, "urn:xmpp:sid:0", "stanza-id");
	const char *now = id != NULL ? ly_xml_attr(id, "id") : NULL;

	/* history comes again with each synchronisation */
	if (now == NULL || ly_xml_child(m, "urn:xmpp:delay", "delay") != NULL)
		return;
	if (strcmp(v->last_id, now) >= 0)
		fail_msg("%s: %s came after %s", label, now, v->last_id);
	snprintf(v->last_id, sizeof(v->last_id), "%s", now);
}

static void look(struct peer *p, struct view *v)
{
	struct received *r;

	while ((r = peer_take(p)) != NULL) {
		const struct ly_xml *el = r->doc->root;
		const char *from = ly_xml_attr(el, "from");
		const char *nick = from != NULL ? strchr(from, '/') : NULL;

		if (from != NULL && strncmp(from, ROOM, strlen(ROOM)) == 0) {
			if (ly_xml_is(el, NULL, "presence") && nick != NULL)
				see_presence(v, el, nick + 1);
			else if (ly_xml_is(el, NULL, "message"))
				see_message(v, p->label, el);
		}
		received_free(r);
	}
}

/* ---- what they do ---- */

static const char *action(struct ly_rand *rand, const struct view *v, char *out, size_t cap)
{
	static const char *const kicks[] = { "role='none'", "role='visitor'", "role='participant'",
					     "role='moderator'" };
	static const char *const affiliations[] = { "none", "member", "admin", "owner", "outcast" };
	static const char *const options[] = { "moderatedroom", "membersonly", "persistentroom" };
	const char *nick = nicks[ly_rand_below(rand, LY_COUNTOF(nicks))];

	switch (ly_rand_below(rand, 12)) {
	case 0:
	case 1:
	case 2:
		snprintf(out, cap,
			 "<presence to='" ROOM "/%s'><x xmlns='http://jabber.org/protocol/muc'/>"
			 "</presence>",
			 nick);
		break;
	case 3:
		snprintf(out, cap, "<presence to='" ROOM "/%s'/>", v->joined ? v->nick : nick);
		break;
	case 4:
		snprintf(out, cap, "<presence type='unavailable' to='" ROOM "/%s'/>", nick);
		break;
	case 5:
		snprintf(out, cap,
			 "<iq type='set' id='k' to='" ROOM "'><query "
			 "xmlns='http://jabber.org/protocol/muc#admin'><item nick='%s' "
			 "%s/></query></iq>",
			 nick, kicks[ly_rand_below(rand, LY_COUNTOF(kicks))]);
		break;
	case 6:
		snprintf(out, cap,
			 "<iq type='set' id='a' to='" ROOM "'><query "
			 "xmlns='http://jabber.org/protocol/muc#admin'><item "
			 "jid='student%u@localhost' "
			 "affiliation='%s'/></query></iq>",
			 1 + ly_rand_below(rand, 3),
			 affiliations[ly_rand_below(rand, LY_COUNTOF(affiliations))]);
		break;
	case 7:
		snprintf(
			out, cap,
			"<iq type='set' id='o' to='" ROOM "'><query "
			"xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
			"type='submit'><field var='muc#roomconfig_%s'><value>%u</value></field></x>"
			"</query></iq>",
			options[ly_rand_below(rand, LY_COUNTOF(options))], ly_rand_below(rand, 2));
		break;
	default:
		return "<message type='groupchat' to='" ROOM "'><body>text</body></message>";
	}
	return out;
}

static void act(struct world *w, struct ly_rand *rand, struct peer *p, struct view *v)
{
	char text[600];

	if (p->session == NULL) {
		assert_int_equal(0, peer_connect(p));
		forget(v);
	} else if (ly_rand_below(rand, 20) == 0) {
		peer_disconnect(p);
		peer_forget(p);
		forget(v);
	} else {
		assert_int_equal(0, peer_send(p, action(rand, v, text, sizeof(text))));
	}
	switch (ly_rand_below(rand, 8)) {
	case 0:
		world_settle(w);
		break;
	case 1:
		world_wait(w, LY_SEC(ly_rand_below(rand, 3) == 0 ? 400 : 1));
		break;
	case 2:
	case 3:
	case 4:
		world_turn(w);
		break;
	default:
		break;
	}
}

/* ---- what must be true in the end ---- */

static void check(struct world *w, struct peer *p, struct view *v, uint64_t seed)
{
	struct received *r = NULL;
	const struct ly_xml *item;
	size_t n = 0, seen = 0;

	if (!v->joined)
		return;
	assert_int_equal(
		0, peer_send(p, "<iq type='get' id='items' to='" ROOM
				"'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"));
	world_settle(w);
	while ((r = peer_take(p)) != NULL && !ly_xml_is(r->doc->root, NULL, "iq"))
		received_free(r);
	assert_non_null(r);
	item = ly_xml_child(ly_xml_child(r->doc->root, NULL, "query"), NULL, "item");
	for (; item != NULL; item = ly_xml_next_child(item, NULL, "item"), n++) {
		const char *nick = strchr(ly_xml_attr(item, "jid"), '/') + 1;
		bool found = false;

		for (size_t i = 0; i < MAX_NICKS; i++)
			found = found || strcmp(v->others[i], nick) == 0;
		if (!found)
			fail_msg("seed %llu: %s does not see %s", (unsigned long long)seed,
				 p->label, nick);
	}
	received_free(r);
	for (size_t i = 0; i < MAX_NICKS; i++)
		seen += v->others[i][0] != '\0';
	if (seen != n)
		fail_msg("seed %llu: %s sees %zu, there are %zu", (unsigned long long)seed,
			 p->label, seen, n);
}

static unsigned run(uint64_t seed)
{
	struct world_conf conf = { .n_homes = 1 + (unsigned)(seed % 4),
				   .seed = seed,
				   .store_delay = seed % 3 == 0 ? 0 : LY_MS(20) };
	struct world *w = world_create(&conf);
	struct peer *peers[N_PEERS];
	struct view views[N_PEERS];
	struct ly_rand rand;
	unsigned n_joined = 0;

	memset(views, 0, sizeof(views));
	ly_rand_seeded(&rand, seed);
	for (size_t i = 0; i < N_PEERS; i++) {
		char jid[64];

		snprintf(jid, sizeof(jid), "%.*s@localhost", (int)strcspn(labels[i], "/"),
			 labels[i]);
		peers[i] = world_peer(w, labels[i]);
		fake_store_add_user(world_store(w), jid);
		assert_int_equal(0, peer_connect(peers[i]));
	}
	for (unsigned step = 0; step < STEPS; step++) {
		size_t i = ly_rand_below(&rand, N_PEERS);

		look(peers[i], &views[i]);
		act(w, &rand, peers[i], &views[i]);
	}
	world_settle(w);
	for (size_t i = 0; i < N_PEERS; i++) {
		look(peers[i], &views[i]);
		n_joined += views[i].joined;
	}
	for (size_t i = 0; i < N_PEERS; i++)
		if (peers[i]->session != NULL)
			check(w, peers[i], &views[i], seed);
	world_free(w);
	return n_joined;
}

static void test_converge(void **state)
{
	unsigned n_joined = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		n_joined += run(seed);
	/* not a test of empty rooms only */
	assert_true(n_joined > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_converge) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
