/* Homes seen from C: limits, failures of the store, components, memory. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "signaling/session/user.h"
#include "tests/scenario/world.h"

/* ---- helpers ---- */

/* The next stanza must be an error with that condition. */
static void expect_error(struct peer *p, const char *what, const char *cond)
{
	struct received *r = peer_take(p);
	const struct ly_xml *error;

	if (r == NULL)
		fail_msg("%s: no answer", what);
	error = ly_xml_child(r->doc->root, NULL, "error");
	if (error == NULL || ly_xml_child(error, LY_NS_STANZAS, cond) == NULL)
		fail_msg("%s: want %s, got %s", what, cond, r->text);
	received_free(r);
}

static size_t count_type(struct peer *p, const char *type)
{
	size_t n = 0;
	struct received *r;

	while ((r = peer_take(p)) != NULL) {
		const char *t = ly_xml_attr(r->doc->root, "type");

		n += t && strcmp(t, type) == 0;
		received_free(r);
	}
	return n;
}

static struct peer *login(struct world *w, const char *label)
{
	struct peer *p = world_peer(w, label);

	ly_assert_i64(label, 0, peer_connect(p));
	peer_send(p, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
	peer_send(p, "<presence/>");
	world_settle(w);
	peer_forget(p);
	return p;
}

/* ---- binding ---- */

static void test_resource_limit(void **state)
{
	struct world_conf conf = { .n_homes = 2, .seed = 1, .limits.resources = 3 };
	struct world *w = world_create(&conf);
	char label[32];

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	for (int i = 0; i < 3; i++) {
		snprintf(label, sizeof(label), "student1/r%d", i);
		ly_assert_i64(label, 0, peer_connect(world_peer(w, label)));
	}
	ly_assert_i64("one too many", -E2BIG, peer_connect(world_peer(w, "student1/r3")));
	world_wait(w, LY_SEC(200));
	peer_send(world_peer(w, "student1/r0"), "<presence/>");
	world_wait(w, LY_SEC(200));
	ly_assert_i64("a silent one goes", 0, peer_connect(world_peer(w, "student1/r3")));
	ly_assert_i64("not the one just heard", false, world_peer(w, "student1/r0")->is_closed);
	ly_assert_i64("the most silent", true, world_peer(w, "student1/r1")->is_closed);
	ly_assert_str("why", "resource-constraint",
		      ly_stream_error_name(world_peer(w, "student1/r1")->closed));
	world_settle(w);
	world_free(w);
}

static void test_replaced(void **state)
{
	struct world_conf conf = { .n_homes = 2, .seed = 1 };
	struct world *w = world_create(&conf);
	struct peer *old, *phone;
	struct ly_session *newer;
	struct ly_home_stats stats;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	old = login(w, "student1/web");
	phone = login(w, "student1/phone");
	peer_forget(old);
	ly_assert_i64("bind", 0,
		      ly_session_bind(old->home, 1000, "student1@localhost", "web", &newer));
	world_settle(w);
	ly_assert_i64("closed", true, old->is_closed);
	ly_assert_str("why", "conflict", ly_stream_error_name(old->closed));
	ly_assert_i64("the other device hears of it", 1, (int64_t)count_type(phone, "unavailable"));
	peer_send(old, "<presence/>"); /* still in the pipe: dropped */
	world_settle(w);
	ly_assert_i64("nothing", 0, (int64_t)count_type(phone, "unavailable"));
	peer_disconnect(old);
	ly_home_get_stats(phone->home, &stats);
	ly_assert_i64("sessions", 2, (int64_t)stats.sessions);
	ly_session_detach(newer);
	world_free(w);
}

static void test_bad_bind(void **state)
{
	static const struct {
		const char *what, *bare, *resource;
	} rows[] = {
		{ "no local part", "localhost", "x" },
		{ "not our domain", "student1@elsewhere.example", "x" },
		{ "a host of rooms", "algebra@conference.localhost", "x" },
		{ "not a JID", "a@b@c", "x" },
		{ "a full JID", "student1@localhost/y", "x" },
		{ "control characters", "student1@localhost", "a\001b" },
	};
	struct world_conf conf = { .n_homes = 1, .seed = 1 };
	struct world *w = world_create(&conf);
	struct ly_session *s;

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(
			rows[i].what, -EINVAL,
			ly_session_bind(world_home(w, 0), 1, rows[i].bare, rows[i].resource, &s));
	ly_assert_i64("chosen by the server", 0,
		      ly_session_bind(world_home(w, 0), 1, "student1@localhost", NULL, &s));
	ly_assert_i64("its length", 12, (int64_t)strlen(s->resource));
	ly_session_detach(s);
	world_settle(w);
	world_free(w);
}

static void test_unknown_account(void **state)
{
	struct world_conf conf = { .n_homes = 1, .seed = 1, .store_delay = LY_MS(20) };
	struct world *w = world_create(&conf);
	struct peer *p = world_peer(w, "nobody");
	struct ly_home_stats stats;

	(void)state;
	ly_assert_i64("bind", 0, peer_connect(p));
	peer_send(p, "<presence/>");
	peer_send(p, "<iq type='get' id='x'><query xmlns='jabber:iq:roster'/></iq>");
	world_settle(w);
	ly_assert_i64("closed", true, p->is_closed);
	ly_assert_str("why", "not-authorized", ly_stream_error_name(p->closed));
	peer_disconnect(p);
	ly_home_get_stats(world_home(w, 0), &stats);
	ly_assert_i64("users", 0, (int64_t)stats.users);
	ly_assert_i64("sessions", 0, (int64_t)stats.sessions);
	world_free(w);
}

static void test_kick(void **state)
{
	struct world_conf conf = { .n_homes = 3, .seed = 1 };
	struct world *w = world_create(&conf);
	struct peer *p, *q;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	p = login(w, "student1/web");
	q = login(w, "student1/phone");
	for (unsigned i = 0; i < 3; i++)
		ly_home_kick(world_home(w, i), "student1@localhost", LY_STREAM_NOT_AUTHORIZED, "x");
	ly_home_kick(world_home(w, 0), "student2@localhost", LY_STREAM_NOT_AUTHORIZED, NULL);
	world_settle(w);
	ly_assert_i64("first", true, p->is_closed);
	ly_assert_i64("second", true, q->is_closed);
	peer_disconnect(p);
	world_wait(w, LY_SEC(300));
	assert_null(ly_home_user(q->home, "student1@localhost"));
	world_free(w);
}

static void test_contact_stored(void **state)
{
	struct world_conf conf = { .n_homes = 3, .seed = 1 };
	struct world *w = world_create(&conf);
	struct ly_store_contact a = { .jid = "student1@localhost",
				      .sub = LY_SUB_BOTH,
				      .listed = true };
	struct ly_store_contact b = { .jid = "teacher@localhost",
				      .sub = LY_SUB_BOTH,
				      .listed = true };
	struct peer *p, *q;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	fake_store_add_user(world_store(w), "teacher@localhost");
	p = login(w, "student1");
	q = login(w, "teacher");
	ly_home_contact_stored(world_home(w, 1), "teacher@localhost", &a);
	ly_home_contact_stored(world_home(w, 1), "student1@localhost", &b);
	ly_home_contact_stored(world_home(w, 1), "nobody@localhost", &b);
	world_settle(w);
	ly_assert_i64("received by the student", 2, (int64_t)(p->n_received - p->n_taken));
	ly_assert_i64("received by the teacher", 2, (int64_t)(q->n_received - q->n_taken));
	ly_assert_i64("a push each", 1, (int64_t)count_type(p, "set"));
	world_free(w);
}

/* Whoever speaks up while the stored messages are being fetched comes after them. */
static void test_offline_order(void **state)
{
	struct world_conf conf = { .n_homes = 2, .seed = 4, .store_delay = LY_MS(50) };
	struct world *w = world_create(&conf);
	struct peer *p, *q = world_peer(w, "teacher");
	char xml[128], last = 0;
	struct received *r;
	size_t n = 0;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	fake_store_add_user(world_store(w), "teacher@localhost");
	p = login(w, "student1");
	ly_assert_i64("bind", 0, peer_connect(q));
	world_settle(w);
	for (int i = 0; i < 6; i++) {
		snprintf(xml, sizeof(xml),
			 "<message to='teacher@localhost'><body>%d</body></message>", i);
		peer_send(p, xml);
		if (i == 2)
			peer_send(q, "<presence/>");
		world_turn(w);
	}
	world_settle(w);
	while ((r = peer_take(q)) != NULL) {
		const char *body = ly_xml_child_text(r->doc->root, LY_NS_CLIENT, "body");

		if (body) {
			assert_true(*body > last);
			last = *body;
			n++;
		}
		received_free(r);
	}
	ly_assert_i64("all of them", 6, (int64_t)n);
	world_free(w);
}

/* ---- limits of what peers can fill ---- */

static void test_directed_limit(void **state)
{
	struct world_conf conf = { .n_homes = 1, .seed = 1, .limits.directed = 4 };
	struct world *w = world_create(&conf);
	struct peer *p;
	char xml[128];

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	p = login(w, "student1");
	for (int i = 0; i < 5; i++) {
		snprintf(xml, sizeof(xml), "<presence to='student%d@localhost'/>", i + 2);
		peer_send(p, xml);
		peer_send(p, xml); /* twice the same is one */
	}
	world_settle(w);
	expect_error(p, "the fifth", "resource-constraint");
	expect_error(p, "the fifth again", "resource-constraint");
	ly_assert_i64("kept", 4, p->session->n_directed);
	peer_send(p, "<presence to='student2@localhost' type='unavailable'/>");
	ly_assert_i64("one less", 3, p->session->n_directed);
	world_settle(w);
	world_free(w);
}

static void test_roster_limit(void **state)
{
	struct world_conf conf = {
		.n_homes = 1, .seed = 1, .limits.roster = 3, .limits.groups = 2
	};
	struct world *w = world_create(&conf);
	struct peer *p;
	char xml[256];

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	p = login(w, "student1");
	peer_send(p,
		  "<iq type='set' id='g'><query xmlns='jabber:iq:roster'><item jid='a@localhost'>"
		  "<group>1</group><group>2</group><group>3</group></item></query></iq>");
	world_settle(w);
	expect_error(p, "groups", "not-acceptable");
	for (int i = 0; i < 3; i++) {
		snprintf(xml, sizeof(xml),
			 "<iq type='set' id='s'><query xmlns='jabber:iq:roster'>"
			 "<item jid='c%d@localhost'/></query></iq>",
			 i);
		peer_send(p, xml);
	}
	world_settle(w);
	peer_forget(p);
	peer_send(p, "<iq type='set' id='x'><query xmlns='jabber:iq:roster'>"
		     "<item jid='more@localhost'/></query></iq>");
	world_settle(w);
	expect_error(p, "one too many", "resource-constraint");
	peer_send(p, "<presence to='more@localhost' type='subscribe'/>");
	world_settle(w);
	expect_error(p, "by subscription", "resource-constraint");
	ly_assert_i64("stored", 3,
		      (int64_t)fake_store_count(world_store(w), LY_STORE_ROSTER_PUT,
						"student1@localhost"));
	world_free(w);
}

static void test_offline_limit(void **state)
{
	struct world_conf conf = { .n_homes = 2, .seed = 1, .limits.offline = 3 };
	struct world *w = world_create(&conf);
	struct peer *p;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	fake_store_add_user(world_store(w), "teacher@localhost");
	p = login(w, "student1");
	for (int i = 0; i < 4; i++)
		peer_send(p, "<message to='teacher@localhost'><body>x</body></message>");
	world_settle(w);
	expect_error(p, "the fourth", "service-unavailable");
	ly_assert_i64("stored", 3,
		      (int64_t)fake_store_count(world_store(w), LY_STORE_OFFLINE_ADD,
						"teacher@localhost"));
	world_free(w);
}

static void test_presence_limit(void **state)
{
	struct world_conf conf = { .n_homes = 1, .seed = 1, .limits.presence = 300 };
	struct world *w = world_create(&conf);
	struct peer *p;
	char xml[512];

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	p = login(w, "student1");
	snprintf(xml, sizeof(xml), "<presence><status>%0300d</status></presence>", 0);
	peer_send(p, xml);
	world_settle(w);
	expect_error(p, "too large", "not-acceptable");
	world_free(w);
}

/* Stanzas that wait for the account, and for the answer to an earlier one. */
static void test_waiting_limit(void **state)
{
	struct world_conf conf = {
		.n_homes = 1, .seed = 1, .store_delay = LY_MS(50), .limits.waiting = 5
	};
	struct world *w = world_create(&conf);
	struct peer *p = world_peer(w, "student1");
	struct received *r;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	ly_assert_i64("bind", 0, peer_connect(p));
	for (int i = 0; i < 7; i++)
		peer_send(p, "<iq type='get' id='load'><ping xmlns='urn:xmpp:ping'/></iq>");
	world_settle(w);
	expect_error(p, "the sixth", "resource-constraint");
	expect_error(p, "the seventh", "resource-constraint");
	ly_assert_i64("the others", 5, (int64_t)count_type(p, "result"));
	for (int i = 0; i < 7; i++)
		peer_send(p, "<iq type='get' id='pair'><vCard xmlns='vcard-temp'/></iq>");
	world_settle(w);
	expect_error(p, "behind the pair", "resource-constraint");
	while ((r = peer_take(p)) != NULL)
		received_free(r);
	world_free(w);
}

/* ---- the store fails ---- */

static void test_store_fails(void **state)
{
	(void)state;
	for (unsigned each = 1; each < 8; each++) {
		struct world_conf conf = { .n_homes = 2, .seed = each, .store_delay = LY_MS(9) };
		struct world *w = world_create(&conf);
		struct peer *p;
		size_t results = 0, errors = 0;
		struct received *r;

		fake_store_add_user(world_store(w), "student1@localhost");
		p = login(w, "student1");
		fake_store_fail(world_store(w), each);
		for (int i = 0; i < 4; i++) {
			peer_send(p, "<iq type='set' id='a'><query xmlns='jabber:iq:roster'>"
				     "<item jid='teacher@localhost'/></query></iq>");
			peer_send(p, "<iq type='get' id='b'><vCard xmlns='vcard-temp'/></iq>");
			peer_send(p, "<presence to='teacher@localhost' type='subscribe'/>");
			peer_send(p, "<message to='teacher@localhost'><body>x</body></message>");
		}
		world_settle(w);
		while ((r = peer_take(p)) != NULL) {
			const char *type = ly_xml_attr(r->doc->root, "type");
			bool iq = strcmp(r->doc->root->name, "iq") == 0;

			results += iq && strcmp(type, "result") == 0;
			errors += iq && strcmp(type, "error") == 0;
			received_free(r);
		}
		ly_assert_i64("every request is answered", 8, (int64_t)(results + errors));
		if (each == 1)
			ly_assert_i64("all fail", 8, (int64_t)errors);
		/* an account that cannot be read is not an account that does not exist */
		peer_disconnect(p);
		world_wait(w, LY_SEC(300));
		fake_store_fail(world_store(w), 1);
		ly_assert_i64("bind", 0, peer_connect(p));
		world_settle(w);
		ly_assert_str("closed", "internal-server-error", ly_stream_error_name(p->closed));
		peer_disconnect(p);
		world_free(w);
	}
}

/* The world ends while requests are under way and stanzas wait. */
static void test_end_in_the_middle(void **state)
{
	struct world_conf conf = { .n_homes = 2, .seed = 1, .store_delay = LY_MS(50) };
	struct world *w = world_create(&conf);
	struct peer *p;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	p = login(w, "student1");
	for (int i = 0; i < 3; i++) {
		peer_send(p, "<iq type='get' id='b'><vCard xmlns='vcard-temp'/></iq>");
		peer_send(p, "<message to='teacher@localhost'><body>x</body></message>");
	}
	peer_connect(world_peer(w, "student2"));
	peer_send(world_peer(w, "student2"), "<presence/>");
	world_free(w);
}

/* Memory runs out at every place in turn: what is lost is lost, nothing breaks or leaks, and
 * afterwards the home works. */
static void test_out_of_memory(void **state)
{
	static const char *const stanzas[] = {
		"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
		"<presence><priority>1</priority></presence>",
		"<presence to='teacher@localhost' type='subscribe'><status>x</status></presence>",
		"<presence to='teacher@localhost' type='subscribed'/>",
		"<iq type='set' id='2'><query xmlns='jabber:iq:roster'>"
		"<item jid='teacher@localhost' name='T'><group>G</group></item></query></iq>",
		"<message to='teacher@localhost' type='chat'><body>x</body></message>",
		"<message to='student2@localhost' type='chat'><body>x</body></message>",
		"<message to='nobody@localhost' type='chat'><body>x</body></message>",
		"<iq type='get' id='3'><vCard xmlns='vcard-temp'/></iq>",
		"<iq type='set' id='4'><query xmlns='jabber:iq:private'><a "
		"xmlns='b'/></query></iq>",
		"<iq type='get' id='5' to='localhost'>"
		"<query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		"<presence to='algebra@conference.localhost/x'/>",
		"<presence type='unavailable'/>",
		"<iq type='set' id='6'><query xmlns='jabber:iq:roster'>"
		"<item jid='teacher@localhost' subscription='remove'/></query></iq>",
	};

	(void)state;
	for (uint64_t nth = 1; nth < 40; nth++) {
		struct world_conf conf = { .n_homes = 2, .seed = nth, .store_delay = LY_MS(5) };
		struct world *w = world_create(&conf);
		struct peer *p, *q;

		fake_store_add_user(world_store(w), "student1@localhost");
		fake_store_add_user(world_store(w), "student2@localhost");
		fake_store_add_user(world_store(w), "teacher@localhost");
		p = login(w, "student1");
		q = login(w, "teacher");
		peer_send(q, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
		peer_send(q, "<presence to='student1@localhost' type='subscribed'/>");
		world_fail_at(w, nth);
		for (size_t i = 0; i < LY_COUNTOF(stanzas); i++) {
			peer_send(p, stanzas[i]);
			world_settle(w);
		}
		peer_disconnect(p);
		world_settle(w);
		assert_true(nth > 5 || world_n_failed(w) > 5);
		world_fail_at(w, 0);
		world_wait(w, LY_SEC(200));
		p = login(w, "student1");
		peer_send(p, "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>");
		world_settle(w);
		ly_assert_i64("works again", 1, (int64_t)count_type(p, "result"));
		world_free(w);
	}
}

/* ---- components ---- */

struct echo {
	unsigned home, n;
};

static unsigned echo_home(void *ctx, const struct ly_stanza *st)
{
	(void)st;
	return ((struct echo *)ctx)->home;
}

static void echo_recv(struct ly_home *home, void *ctx, struct ly_stanza *st)
{
	struct echo *e = ctx;

	ly_assert_i64("at its home", e->home, ly_home_index(home));
	e->n++;
	ly_bounce(home, st, LY_FEATURE_NOT_IMPLEMENTED, "echo");
}

static void test_component(void **state)
{
	struct echo echo = { .home = 2 };
	struct ly_host host = { .domain = "focus.localhost",
				.kind = LY_HOST_COMPONENT,
				.ctx = &echo,
				.home_of = echo_home,
				.recv = echo_recv };
	struct world_conf conf = {
		.n_homes = 3, .seed = 1, .more_hosts = &host, .n_more_hosts = 1
	};
	struct world *w = world_create(&conf);
	struct peer *p;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	p = login(w, "student1");
	peer_send(p, "<iq type='set' id='1' to='focus.localhost'><x xmlns='urn:example:x'/></iq>");
	peer_send(p, "<message to='focus@focus.localhost/focus'><body>x</body></message>");
	peer_send(p, "<presence to='focus.localhost'/>");
	world_settle(w);
	ly_assert_i64("taken", 3, echo.n);
	for (int i = 0; i < 3; i++)
		expect_error(p, "answered", "feature-not-implemented");
	world_free(w);
}

static void test_notify(void **state)
{
	struct world_conf conf = { .n_homes = 1, .seed = 1 };
	struct world *w = world_create(&conf);
	struct peer *p, *q, *r;
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	(void)state;
	fake_store_add_user(world_store(w), "student1@localhost");
	p = login(w, "student1/web");
	q = login(w, "student1/phone");
	r = world_peer(w, "student1/silent");
	peer_connect(r);
	peer_forget(p);
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, "urn:example:x", "any");
	ly_build_element(&b, "urn:lyceum:calls:0", "call", NULL);
	ly_assert_i64("notify", 0, ly_user_notify(ly_home_user(p->home, "student1@localhost"), &b));
	ly_assert_i64("first", 1, (int64_t)count_type(p, "headline"));
	ly_assert_i64("second", 1, (int64_t)count_type(q, "headline"));
	ly_assert_i64("not available", 0, (int64_t)count_type(r, "headline"));
	ly_xml_doc_free(doc);
	world_free(w);
}

/* ---- memory ---- */

#define N_IDLE 300

/* What an idle session with its user, presence and ten contacts costs. */
static void test_memory(void **state)
{
	struct world_conf conf = { .n_homes = 1, .seed = 1 };
	struct world *w = world_create(&conf);
	struct ly_home *home = world_home(w, 0);
	struct ly_session **s = calloc(N_IDLE, sizeof(struct ly_session *));
	int64_t before = ly_heap_used(LY_MEM_SESSION) + ly_heap_used(LY_MEM_QUEUE);
	int64_t each;
	char jid[64];

	(void)state;
	for (int i = 0; i < N_IDLE; i++) {
		static const char PRESENCE[] =
			"<presence xmlns='jabber:client' from='%s/web'><show>away</show>"
			"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
			"node='https://lyceum.example/web' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>"
			"</presence>";
		struct ly_stanza *st;
		char xml[512];
		int len;

		snprintf(jid, sizeof(jid), "user%d@localhost", i);
		fake_store_add_user(world_store(w), jid);
		for (int k = 0; k < 10; k++) {
			char contact[64];
			struct ly_store_req *req = ly_store_req_create(0, LY_STORE_ROSTER_PUT, jid);
			struct ly_store_contact item = {
				.jid = contact, .listed = true, .sub = LY_SUB_BOTH, .name = "A name"
			};

			snprintf(contact, sizeof(contact), "user%d@localhost", i + 1 + k);
			ly_store_set_item(req, &item);
			ly_home_store(home, req);
			fake_store_tick(world_store(w), world_now(w));
		}
		ly_assert_i64("bind", 0, ly_session_bind(home, (uint64_t)i + 1, jid, "web", &s[i]));
		len = snprintf(xml, sizeof(xml), PRESENCE, jid);
		ly_assert_i64("parse", 0, ly_stanza_parse(&st, ly_span(xml, (size_t)len)));
		ly_session_recv(s[i], st);
		world_settle(w);
	}
	each = (ly_heap_used(LY_MEM_SESSION) + ly_heap_used(LY_MEM_QUEUE) - before) / N_IDLE;
	print_message("idle session with ten contacts: %lld bytes; session %zu, user %zu\n",
		      (long long)each, sizeof(struct ly_session), sizeof(struct ly_user));
	assert_true(each < 3000);
	for (int i = 0; i < N_IDLE; i++)
		ly_session_detach(s[i]);
	free(s);
	world_wait(w, LY_SEC(600));
	ly_assert_i64("all is given back but the table", true,
		      ly_heap_used(LY_MEM_SESSION) - before < 64 << 10);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resource_limit), cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_bad_bind),       cmocka_unit_test(test_unknown_account),
		cmocka_unit_test(test_kick),           cmocka_unit_test(test_directed_limit),
		cmocka_unit_test(test_contact_stored), cmocka_unit_test(test_offline_order),
		cmocka_unit_test(test_roster_limit),   cmocka_unit_test(test_offline_limit),
		cmocka_unit_test(test_presence_limit), cmocka_unit_test(test_waiting_limit),
		cmocka_unit_test(test_store_fails),    cmocka_unit_test(test_end_in_the_middle),
		cmocka_unit_test(test_out_of_memory),  cmocka_unit_test(test_component),
		cmocka_unit_test(test_notify),         cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
