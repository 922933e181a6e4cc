/* XEP-0198 at the homes: counters, what is kept, sessions without a connection. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "signaling/session/sm_priv.h"
#include "tests/scenario/world.h"

#define ENABLE "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
#define ASK "<r xmlns='urn:xmpp:sm:3'/>"

/* ---- helpers ---- */

static struct world *make(unsigned n_homes, ly_usec store_delay, struct ly_home_limits limits)
{
	struct world_conf conf = {
		.n_homes = n_homes, .seed = 7, .store_delay = store_delay, .limits = limits
	};
	struct world *w = world_create(&conf);

	fake_store_add_user(world_store(w), "student1@localhost");
	fake_store_add_user(world_store(w), "student2@localhost");
	fake_store_add_user(world_store(w), "teacher@localhost");
	return w;
}

static struct peer *login(struct world *w, const char *label, bool with_sm)
{
	struct peer *p = world_peer(w, label);

	ly_assert_i64(label, 0, peer_connect(p));
	if (with_sm)
		peer_send(p, ENABLE);
	peer_send(p, "<presence/>");
	world_settle(w);
	peer_forget(p);
	return p;
}

static void ack(struct peer *p, uint32_t h)
{
	char text[100];

	snprintf(text, sizeof(text), "<a xmlns='urn:xmpp:sm:3' h='%u'/>", h);
	peer_send(p, text);
}

static uint32_t sent_to(const struct peer *p)
{
	return p->session->sm->sent;
}

static struct ly_sm *sm_of(struct world *w, const char *jid)
{
	char bare[100];
	struct ly_session *s;

	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(jid, "/"), jid);
	s = ly_home_session(world_home_of(w, bare), jid);
	return s ? s->sm : NULL;
}

/* The bodies of the messages and the names of everything else, in order: "1 2 presence". */
static const char *inbox(struct peer *p)
{
	static char out[4096];
	struct received *r;
	size_t len = 0;

	out[0] = '\0';
	while ((r = peer_take(p)) != NULL) {
		const struct ly_xml *el = r->doc->root;
		const char *body = ly_xml_child_text(el, LY_NS_CLIENT, "body");

		if (!ly_xml_is(el, LY_NS_SM, "r"))
			len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s",
						len ? " " : "", body ? body : el->name);
		received_free(r);
	}
	return out;
}

static void say(struct peer *p, const char *to, const char *text)
{
	char xml[512];

	snprintf(xml, sizeof(xml), "<message to='%s' type='chat' id='%s'><body>%s</body></message>",
		 to, text, text);
	peer_send(p, xml);
}

/* The h of the next answer, -1: none came. */
static int64_t next_h(struct peer *p)
{
	struct received *r;
	int64_t h = -1;

	while (h < 0 && (r = peer_take(p)) != NULL) {
		if (ly_xml_is(r->doc->root, LY_NS_SM, "a"))
			h = atoll(ly_xml_attr(r->doc->root, "h"));
		received_free(r);
	}
	return h;
}

static size_t stored(struct world *w, const char *jid)
{
	return fake_store_count(world_store(w), LY_STORE_OFFLINE_ADD, jid);
}

/* ---- tests ---- */

static void test_enable(void **state)
{
	static const struct {
		const char *what, *xml, *want;
		ly_usec resume;
	} rows[] = {
		{ "resumable", ENABLE, "resume='true' max='300'/>", 0 },
		{ "shorter", "<enable xmlns='urn:xmpp:sm:3' resume='1' max='20'/>", "max='20'/>",
		  0 },
		{ "not longer", "<enable xmlns='urn:xmpp:sm:3' resume='true' max='9999'/>",
		  "max='60'/>", LY_SEC(60) },
		{ "only acks", "<enable xmlns='urn:xmpp:sm:3'/>",
		  "<enabled xmlns='urn:xmpp:sm:3'/>", 0 },
		{ "off", ENABLE, "<enabled xmlns='urn:xmpp:sm:3'/>", -1 },
		{ "not enabled", ASK, "<unexpected-request", 0 },
		{ "not here", "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>",
		  "<unexpected-request", 0 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct world *w = make(1, 0, (struct ly_home_limits) { .resume = rows[i].resume });
		struct peer *p = login(w, "student1", false);
		struct received *r;

		peer_send(p, rows[i].xml);
		r = peer_take(p);
		if (r == NULL || strstr(r->text, rows[i].want) == NULL)
			fail_msg("%s: %s", rows[i].what, r ? r->text : "nothing");
		received_free(r);
		world_free(w);
	}
}

static void test_second_enable(void **state)
{
	struct world *w = make(1, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true);

	(void)state;
	peer_send(p, ENABLE);
	ly_assert_str("refused", "failed", inbox(p));
	world_free(w);
}

/* h counts what is done: not a message that its addressee's store has not taken yet. */
static void test_inbound(void **state)
{
	struct world *w = make(3, LY_MS(50), (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true);

	(void)state;
	peer_send(p, ASK);
	ly_assert_i64("the presence", 1, next_h(p));
	say(p, "teacher@localhost", "1");
	peer_send(p, "<message to='teacher@localhost'><active xmlns="
		     "'http://jabber.org/protocol/chatstates'/></message>");
	peer_send(p, ASK);
	world_turn(w);
	ly_assert_i64("not yet", -1, next_h(p));
	world_settle(w);
	ly_assert_i64("stored", 1, (int64_t)stored(w, "teacher@localhost"));
	ly_assert_i64("now both", 3, next_h(p));
	peer_send(p, "<iq type='set' id='1'><query xmlns='jabber:iq:roster'>"
		     "<item jid='teacher@localhost'/></query></iq>");
	peer_send(p, ASK);
	world_turn(w);
	ly_assert_i64("a roster set waits", -1, next_h(p));
	world_settle(w);
	ly_assert_i64("after its commit", 4, next_h(p));
	ly_session_answered(p->session, ly_span_str("<iq type='error' id='x'/>"));
	peer_send(p, ASK);
	ly_assert_i64("one that the stream answered", 5, next_h(p));
	world_free(w);
}

static void test_counter_wraps(void **state)
{
	struct world *w = make(1, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", false);
	struct ly_sm *sm = p->session->sm;

	(void)state;
	ack(p, sent_to(p));
	sm->sent = sm->acked = sm->in = UINT32_MAX - 1;
	for (int i = 0; i < 4; i++) {
		say(t, "student1@localhost/web", "x");
		peer_send(p, "<presence/>");
	}
	world_settle(w);
	ly_assert_i64("wrapped", 6, sm->sent); /* with the echoes of the presence */
	peer_forget(p);
	peer_send(p, ASK);
	ly_assert_i64("h", 2, next_h(p));
	ack(p, UINT32_MAX);
	ly_assert_i64("one less", 7, sm->sent - sm->acked);
	ack(p, 2);
	ly_assert_i64("four left", 4, sm->sent - sm->acked);
	ack(p, 6);
	ly_assert_i64("all", 6, sm->acked);
	ly_assert_i64("open", false, p->is_closed);
	ly_assert_i64("bytes", 0, (int64_t)sm->bytes);
	world_free(w);
}

static void test_bad_h(void **state)
{
	static const struct {
		const char *what, *xml;
		bool is_too_high;
	} rows[] = {
		{ "more than sent", "<a xmlns='urn:xmpp:sm:3' h='100'/>", true },
		{ "behind", "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>", true },
		{ "no number", "<a xmlns='urn:xmpp:sm:3' h='x'/>", false },
		{ "too long", "<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", false },
		{ "none", "<a xmlns='urn:xmpp:sm:3'/>", false },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct world *w = make(1, 0, (struct ly_home_limits) { 0 });
		struct peer *p = login(w, "student1", true);
		struct received *r;
		bool found = false;

		peer_send(p, rows[i].xml);
		ly_assert_i64(rows[i].what, true, p->is_closed);
		while ((r = peer_take(p)) != NULL) {
			found |= strstr(r->text, "<undefined-condition") &&
				 strstr(r->text, "<handled-count-too-high xmlns='urn:xmpp:sm:3'");
			received_free(r);
		}
		ly_assert_i64(rows[i].what, rows[i].is_too_high, found);
		peer_disconnect(p);
		world_free(w);
	}
}

/* The server asks after some stanzas, and when a few stay unacknowledged for a while. */
static void test_asks(void **state)
{
	struct world *w = make(1, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", false);
	struct received *r;
	int n = 0;

	(void)state;
	ack(p, sent_to(p));
	say(t, "student1@localhost/web", "1");
	world_settle(w);
	ly_assert_str("only the message", "1", inbox(p));
	world_wait(w, LY_SEC(6));
	r = peer_take(p);
	assert_non_null(r);
	ly_assert_str("asks", "r", r->doc->root->name);
	received_free(r);
	for (int i = 0; i < 100; i++)
		say(t, "student1@localhost/web", "x");
	world_settle(w);
	while ((r = peer_take(p)) != NULL) {
		n += ly_xml_is(r->doc->root, LY_NS_SM, "r");
		received_free(r);
	}
	ly_assert_i64("again, but not each time", true, n >= 2 && n <= 8);
	world_free(w);
}

static void check_resume(unsigned n_homes, ly_usec delay)
{
	struct world *w = make(n_homes, delay, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", true);
	char id[64], h[16];

	peer_send(p, "<presence to='teacher@localhost/web'/>");
	say(t, "student1@localhost/web", "1");
	say(t, "student1@localhost", "2");
	world_settle(w);
	ly_assert_str("live", "1 2", inbox(p));
	inbox(t);
	snprintf(id, sizeof(id), "%s", p->sm_id);
	snprintf(h, sizeof(h), "%u", sent_to(p) - 1); /* the second was lost on the way */
	peer_break(p);
	world_wait(w, LY_SEC(200));
	ly_assert_str("still there", "", inbox(t));
	say(t, "student1@localhost", "3");
	say(t, "student1@localhost/web", "4");
	world_settle(w);
	ly_assert_i64("nothing stored", 0, (int64_t)stored(w, "student1@localhost"));
	ly_assert_i64("resumes", 0, peer_resume(p, id, h));
	ly_assert_str("in order", "resumed 2 3 4", inbox(p));
	ly_assert_i64("all acknowledged", 0, (ack(p, sent_to(p)), p->session->sm->bytes > 0));
	say(t, "student1@localhost/web", "5");
	say(p, "teacher@localhost", "6");
	world_settle(w);
	ly_assert_str("goes on", "5", inbox(p));
	ly_assert_str("both ways", "6", inbox(t));
	peer_send(p, ASK);
	world_settle(w);
	ly_assert_i64("its count too", 3, next_h(p));
	world_wait(w, LY_SEC(1000));
	ly_assert_str("the window is gone", "", inbox(t));
	world_free(w);
}

static void test_resume(void **state)
{
	(void)state;
	check_resume(1, 0);
	check_resume(3, LY_MS(50));
	check_resume(7, LY_MS(5));
}

static void test_not_resumed(void **state)
{
	struct world *w = make(3, LY_MS(5), (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", false);
	char id[64];

	(void)state;
	peer_send(p, "<presence to='teacher@localhost/web'/>");
	world_settle(w);
	inbox(t);
	snprintf(id, sizeof(id), "%s", p->sm_id);
	ack(p, sent_to(p));
	say(t, "student1@localhost/web", "1");
	world_settle(w);
	peer_break(p);
	say(t, "student1@localhost", "2");
	peer_send(t, "<message to='student1@localhost/web' type='chat'><composing xmlns="
		     "'http://jabber.org/protocol/chatstates'/></message>");
	peer_send(t, "<iq type='get' id='q' to='student1@localhost/web'><x xmlns='urn:x'/></iq>");
	world_wait(w, LY_SEC(301));
	ly_assert_str("gone, its request refused", "presence iq", inbox(t));
	ly_assert_i64("stored", 2, (int64_t)stored(w, "student1@localhost"));
	ly_assert_i64("too late", -ENOENT, peer_resume(p, id, "0"));
	p = login(w, "student1", true);
	ly_assert_i64("handed out", 0, (int64_t)stored(w, "student1@localhost"));
	/* neither was acknowledged: the next break stores them again, stamped once */
	peer_disconnect(p);
	world_settle(w);
	ly_assert_i64("stored again", 2, (int64_t)stored(w, "student1@localhost"));
	p = world_peer(w, "student1");
	ly_assert_i64("bind", 0, peer_connect(p));
	peer_send(p, "<presence/>");
	world_settle(w);
	for (struct received *r; (r = peer_take(p)) != NULL; received_free(r)) {
		const struct ly_xml *delay = ly_xml_child(r->doc->root, "urn:xmpp:delay", "delay");

		if (ly_xml_child(r->doc->root, NULL, "body") &&
		    (delay == NULL || ly_xml_next_child(delay, "urn:xmpp:delay", "delay")))
			fail_msg("not stamped once: %s", r->text);
	}
	world_free(w);
}

static void test_refused_resume(void **state)
{
	struct world *w = make(2, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *other = world_peer(w, "student2");
	char id[64];

	(void)state;
	snprintf(id, sizeof(id), "%s", p->sm_id);
	peer_break(p);
	ly_assert_i64("of another account", -ENOENT, peer_resume(other, id, "0"));
	ly_assert_i64("no such id", -ENOENT, peer_resume(p, "0123456789abcdefghijkl", "0"));
	ly_assert_i64("none", -ENOENT, peer_resume(p, "", "0"));
	ly_assert_i64("no id", -EINVAL, peer_resume(p, NULL, "0"));
	ly_assert_i64("no h", -EINVAL, peer_resume(p, id, NULL));
	ly_assert_i64("too high", -ERANGE, peer_resume(p, id, "77"));
	ly_assert_i64("closed", true, p->is_closed);
	ly_assert_i64("it is still there", 0, peer_resume(p, id, "0"));
	world_free(w);
}

/* The client noticed the loss before the server. */
static void test_replaces_connection(void **state)
{
	struct world *w = make(2, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *again = world_peer(w, "student1/again");

	(void)state;
	ly_assert_i64("resumes", 0, peer_resume(again, p->sm_id, "1"));
	ly_assert_i64("the old one is closed", true, p->is_closed);
	ly_assert_str("why", "conflict", ly_stream_error_name(p->closed));
	ly_assert_str("same session", "student1@localhost/web", ly_session_jid(again->session));
	world_free(w);
}

/* A resumption waits for what the store has not taken yet: else the client would send it twice. */
static void test_resume_waits(void **state)
{
	struct world *w = make(3, LY_MS(50), (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true);
	char id[64];

	(void)state;
	snprintf(id, sizeof(id), "%s", p->sm_id);
	say(p, "teacher@localhost", "1");
	world_turn(w);
	peer_break(p);
	ly_assert_i64("not yet", -EAGAIN, peer_resume(p, id, "0"));
	world_settle(w);
	ly_assert_i64("now", 0, peer_resume(p, id, "0"));
	ly_assert_i64("h", 2, p->session->sm->in);
	world_free(w);
}

static void test_closed_stream_ends(void **state)
{
	struct world *w = make(2, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", false);

	(void)state;
	peer_send(p, "<presence to='teacher@localhost/web'/>");
	world_settle(w);
	inbox(t);
	peer_disconnect(p);
	world_settle(w);
	ly_assert_str("at once", "presence", inbox(t));
	assert_null(sm_of(w, "student1@localhost/web"));
	world_free(w);
}

/* What was sent before the end counts, even while the account is still being loaded. */
static void test_last_word(void **state)
{
	struct world *w = make(2, LY_MS(50), (struct ly_home_limits) { 0 });
	struct peer *p = world_peer(w, "student1");

	(void)state;
	for (int with_sm = 0; with_sm < 2; with_sm++) {
		ly_assert_i64("bind", 0, peer_connect(p));
		if (with_sm)
			peer_send(p, ENABLE);
		say(p, "teacher@localhost", "bye");
		peer_disconnect(p);
		world_settle(w);
		ly_assert_i64("arrived", with_sm + 1, (int64_t)stored(w, "teacher@localhost"));
		world_wait(w, LY_SEC(100)); /* the account is let go */
	}
	world_free(w);
}

static void test_too_much(void **state)
{
	struct world *w = make(2, 0, (struct ly_home_limits) { .unacked = 20 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", false);
	char text[16];

	(void)state;
	ack(p, sent_to(p));
	for (int i = 0; i < 25; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say(t, "student1@localhost", text);
	}
	world_wait(w, LY_MS(1));
	ly_assert_i64("closed", true, p->is_closed);
	ly_assert_str("why", "resource-constraint", ly_stream_error_name(p->closed));
	ly_assert_i64("all are stored", 25, (int64_t)stored(w, "student1@localhost"));
	peer_disconnect(p);
	p = login(w, "student1", true);
	peer_break(p);
	for (int i = 0; i < 25; i++)
		say(t, "student1@localhost", "x");
	world_wait(w, LY_MS(1));
	assert_null(sm_of(w, "student1@localhost/web")); /* without a connection too */
	ly_assert_i64("stored", 50, (int64_t)stored(w, "student1@localhost"));
	world_free(w);
}

/* What one device has got is not delivered again because another one has not. */
static void test_several_devices(void **state)
{
	static const struct {
		const char *what;
		bool phone_has_sm, phone_acks;
		size_t want;
	} rows[] = {
		{ "without acknowledgements", false, false, 0 },
		{ "acknowledged", true, true, 0 },
		{ "neither got it", true, false, 2 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct world *w = make(2, 0, (struct ly_home_limits) { 0 });
		struct peer *p = login(w, "student1/desk", true);
		struct peer *phone = login(w, "student1/phone", rows[i].phone_has_sm);
		struct peer *t = login(w, "teacher", false);

		peer_send(phone, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
		world_settle(w);
		say(t, "student1@localhost", "both");
		say(t, "student1@localhost/desk", "carbon");
		world_settle(w);
		if (rows[i].phone_acks)
			ack(phone, sent_to(phone));
		peer_break(p);
		peer_break(phone);
		world_wait(w, LY_SEC(301));
		ly_assert_i64(rows[i].what, (int64_t)rows[i].want,
			      (int64_t)stored(w, "student1@localhost"));
		world_free(w);
	}
}

/* An occupant stays in its room for the window, and misses nothing of it. */
static void test_room(void **state)
{
	struct world *w = make(3, LY_MS(5), (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", false);
	char id[64], h[16];

	(void)state;
	snprintf(id, sizeof(id), "%s", p->sm_id);
	peer_send(t, "<presence to='algebra@conference.localhost/T'><x xmlns="
		     "'http://jabber.org/protocol/muc'/></presence>");
	peer_send(t, "<iq type='set' id='o' to='algebra@conference.localhost'><query xmlns="
		     "'http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
		     "type='submit'/></query></iq>");
	world_settle(w);
	peer_send(p, "<presence to='algebra@conference.localhost/S'><x xmlns="
		     "'http://jabber.org/protocol/muc'/></presence>");
	world_settle(w);
	inbox(t);
	snprintf(h, sizeof(h), "%u", sent_to(p));
	peer_break(p);
	peer_send(t, "<message to='algebra@conference.localhost' type='groupchat'>"
		     "<body>1</body></message>");
	world_wait(w, LY_SEC(100));
	ly_assert_str("only the echo", "1", inbox(t));
	inbox(p);
	ly_assert_i64("resumes", 0, peer_resume(p, id, h));
	ly_assert_str("was there", "resumed 1", inbox(p));
	peer_break(p);
	world_wait(w, LY_SEC(301));
	ly_assert_str("leaves", "presence", inbox(t));
	world_free(w);
}

/* A new bind of the same resource ends the one that waits; what it had goes to the new one. */
static void test_bind_instead(void **state)
{
	struct world *w = make(2, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", false);

	(void)state;
	peer_break(p);
	say(t, "student1@localhost/web", "1");
	world_settle(w);
	ly_assert_i64("bind", 0, peer_connect(p));
	peer_send(p, "<presence/>");
	world_settle(w);
	assert_non_null(strstr(inbox(p), "1"));
	world_free(w);
}

static void test_shutdown(void **state)
{
	struct world *w = make(1, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true), *t = login(w, "teacher", false);

	(void)state;
	peer_break(p);
	say(t, "student1@localhost", "1");
	world_settle(w);
	ly_home_close_all(world_home(w, 0), LY_STREAM_SYSTEM_SHUTDOWN, NULL);
	world_settle(w);
	ly_assert_i64("stored", 1, (int64_t)stored(w, "student1@localhost"));
	world_free(w);
}

/* Each allocation fails once: nothing leaks, nothing breaks, and messages are not acknowledged
 * without being handled. */
static void test_no_memory(void **state)
{
	uint64_t nth = 0, failed;

	(void)state;
	do {
		struct world *w = make(2, 0, (struct ly_home_limits) { .unacked = 30 });
		struct peer *p = login(w, "student1", true), *t = login(w, "teacher", true);

		world_fail_at(w, ++nth);
		for (int i = 0; i < 3; i++) {
			say(t, "student1@localhost", "x");
			say(p, "student2@localhost", "y");
			world_settle(w);
		}
		peer_send(p, ASK);
		peer_break(p);
		say(t, "student1@localhost", "x");
		world_settle(w);
		if (peer_resume(p, p->sm_id, "1") == 0)
			peer_break(p);
		world_wait(w, LY_SEC(301));
		failed = world_n_failed(w);
		world_fail_at(w, 0);
		world_settle(w);
		world_free(w);
	} while (failed);
	ly_assert_i64("went through some", true, nth > 5);
}

static void test_memory(void **state)
{
	struct world *w = make(1, 0, (struct ly_home_limits) { 0 });
	struct peer *p = login(w, "student1", true);

	(void)state;
	ack(p, sent_to(p));
	printf("idle: %zu bytes, a ticket %zu, a stanza kept %zu\n", sizeof(struct ly_sm),
	       sizeof(struct ly_sm_ticket), sizeof(struct ly_sm_out));
	ly_assert_i64("small", true, sizeof(struct ly_sm) <= 512);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enable),          cmocka_unit_test(test_second_enable),
		cmocka_unit_test(test_inbound),         cmocka_unit_test(test_counter_wraps),
		cmocka_unit_test(test_bad_h),           cmocka_unit_test(test_asks),
		cmocka_unit_test(test_resume),          cmocka_unit_test(test_not_resumed),
		cmocka_unit_test(test_refused_resume),  cmocka_unit_test(test_replaces_connection),
		cmocka_unit_test(test_resume_waits),    cmocka_unit_test(test_closed_stream_ends),
		cmocka_unit_test(test_last_word),       cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_several_devices), cmocka_unit_test(test_room),
		cmocka_unit_test(test_bind_instead),    cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_no_memory),       cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
