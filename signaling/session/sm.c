/* XEP-0198: the elements of the protocol, and sessions without a connection. */
#include "signaling/session/sm_priv.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

static const struct ly_log lg = { "sm", "" };

/* The client is asked when so many more stanzas are unacknowledged, or after this time. */
#define ASK_AFTER 5
#define ASK_WITHIN LY_SEC(5)

#define FAILED(cond) "<failed xmlns='" LY_NS_SM "'><" cond " xmlns='" LY_NS_STANZAS "'/></failed>"

/* ---- saying ---- */

static void say(struct ly_home *home, uint64_t conn, const char *xml)
{
	struct ly_blob *blob = ly_blob_create(ly_span_str(xml), LY_NO_HOLE);

	if (blob == NULL) {
		ly_log(&lg, LY_ERROR, "out-of-memory", "%s", "");
		return;
	}
	home->env.send(home->env.ctx, conn, blob, ly_span(NULL, 0));
	ly_blob_unref(blob);
}

LY_PRINTF(3, 4)
static void sayf(struct ly_home *home, uint64_t conn, const char *fmt, ...)
{
	char out[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, sizeof(out), fmt, ap);
	va_end(ap);
	say(home, conn, out);
}

void ly_sm_say_h(struct ly_sm *sm)
{
	struct ly_session *s = sm->session;

	if (!sm->is_detached)
		sayf(s->home, s->conn, "<a xmlns='" LY_NS_SM "' h='%u'/>", sm->in);
}

void ly_sm_ask(struct ly_sm *sm)
{
	uint32_t n = sm->sent - sm->acked;

	if (n == 0 || sm->is_detached || sm->is_broken)
		return;
	say(sm->session->home, sm->session->conn, "<r xmlns='" LY_NS_SM "'/>");
	sm->is_asked = true;
	sm->ask_at = n * 2 + ASK_AFTER;
}

void ly_sm_sent(struct ly_sm *sm)
{
	struct ly_home *home = sm->session->home;

	if (sm->is_broken || sm->is_detached)
		return;
	if (sm->sent - sm->acked >= sm->ask_at)
		ly_sm_ask(sm);
	else if (!sm->is_asked && sm->timer.timer.pos == 0)
		(void)ly_home_timer_set(home, &sm->timer, home->now + ASK_WITHIN);
}

/* ---- a session and its connection ---- */

uint64_t ly_session_key(const struct ly_session *s)
{
	return s->sm ? s->sm->key : s->conn;
}

bool ly_sm_is_detached(const struct ly_sm *sm)
{
	return sm && sm->is_detached;
}

bool ly_sm_is_broken(const struct ly_sm *sm)
{
	return sm && sm->is_broken;
}

void ly_sm_break(struct ly_session *s)
{
	struct ly_home *home = s->home;

	if (!s->sm->is_detached)
		home->env.close(home->env.ctx, s->conn, LY_STREAM_RESOURCE_CONSTRAINT,
				"too many stanzas are not acknowledged");
	ly_session_end(s);
}

static void on_timer(struct ly_home *home, struct ly_home_timer *t)
{
	struct ly_sm *sm = LY_CONTAINER_OF(t, struct ly_sm, timer);

	(void)home;
	if (sm->is_broken) {
		ly_sm_break(sm->session);
	} else if (sm->is_detached) {
		ly_log(&lg, LY_INFO, "not-resumed", "jid=%s", sm->session->jid);
		ly_session_end(sm->session);
	} else if (!sm->is_asked) {
		ly_sm_ask(sm);
	}
}

void ly_session_lost(struct ly_session *s)
{
	struct ly_sm *sm = s ? s->sm : NULL;

	if (sm == NULL || s->state == LY_SESSION_DEAD || sm->window == 0 || sm->is_broken ||
	    ly_home_timer_set(s->home, &sm->timer, s->home->now + sm->window)) {
		ly_session_detach(s);
		return;
	}
	sm->is_detached = true;
	ly_log(&lg, LY_INFO, "lost", "jid=%s unacknowledged=%u", s->jid, sm->sent - sm->acked);
}

/* ---- the client's elements ---- */

static bool read_u32(const char *text, uint32_t *out)
{
	uint64_t v = 0;

	if (text == NULL || *text == '\0' || strlen(text) > 10)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (unsigned)(*text - '0');
	}
	*out = (uint32_t)v;
	return v <= UINT32_MAX;
}

static bool is_true(const char *text)
{
	return text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

/* How long the session is to wait for its resumption; 0: it does not. */
static ly_usec window_of(const struct ly_session *s, const struct ly_xml *enable)
{
	ly_usec window = s->home->conf.limits.resume;
	uint32_t max;

	if (window <= 0 || !is_true(ly_xml_attr(enable, "resume")))
		return 0;
	if (read_u32(ly_xml_attr(enable, "max"), &max))
		window = LY_MIN(window, LY_SEC((ly_usec)max));
	return window;
}

static void enable(struct ly_session *s, const struct ly_xml *el)
{
	struct ly_sm *sm = ly_alloc(sizeof(*sm), LY_MEM_SESSION);

	if (sm == NULL) {
		say(s->home, s->conn, FAILED("resource-constraint"));
		return;
	}
	sm->session = s;
	sm->key = s->conn;
	sm->timer.fire = on_timer;
	sm->ask_at = ASK_AFTER;
	ly_list_init(&sm->queue);
	ly_list_init(&sm->tickets);
	sm->window = window_of(s, el);
	s->sm = sm;
	if (sm->window == 0) {
		say(s->home, s->conn, "<enabled xmlns='" LY_NS_SM "'/>");
		return;
	}
	ly_rand_text(s->home->conf.rand, sm->id, LY_SM_ID_LEN);
	sayf(s->home, s->conn, "<enabled xmlns='" LY_NS_SM "' id='%s' resume='true' max='%u'/>",
	     sm->id, (unsigned)(sm->window / LY_SEC(1)));
}

/* s. 4: more acknowledged than sent. */
static void close_too_high(struct ly_home *home, uint64_t conn, const struct ly_sm *sm, uint32_t h)
{
	ly_log(&lg, LY_WARN, "handled-count-too-high", "jid=%s h=%u sent=%u", sm->session->jid, h,
	       sm->sent);
	sayf(home, conn,
	     "<stream:error xmlns:stream='" LY_NS_STREAMS "'><undefined-condition xmlns="
	     "'urn:ietf:params:xml:ns:xmpp-streams'/><handled-count-too-high xmlns='" LY_NS_SM
	     "' h='%u' send-count='%u'/></stream:error>",
	     h, sm->sent);
	home->env.close(home->env.ctx, conn, LY_STREAM_OK, NULL);
}

static void take_ack(struct ly_session *s, const struct ly_xml *el)
{
	struct ly_sm *sm = s->sm;
	uint32_t h;

	if (!read_u32(ly_xml_attr(el, "h"), &h)) {
		s->home->env.close(s->home->env.ctx, s->conn, LY_STREAM_BAD_FORMAT,
				   "an acknowledgement without its number");
		ly_session_end(s);
		return;
	}
	if (ly_sm_acked(sm, h)) {
		close_too_high(s->home, s->conn, sm, h);
		ly_session_end(s);
		return;
	}
	sm->is_asked = false;
	sm->ask_at = sm->sent - sm->acked + ASK_AFTER;
	if (sm->sent != sm->acked && sm->timer.timer.pos == 0)
		(void)ly_home_timer_set(s->home, &sm->timer, s->home->now + ASK_WITHIN);
}

void ly_session_nonza(struct ly_session *s, const struct ly_xml *el)
{
	if (s->state == LY_SESSION_DEAD)
		return;
	s->last_in = s->home->now;
	if (ly_sm_is_broken(s->sm))
		ly_sm_break(s);
	else if (s->sm && strcmp(el->name, "r") == 0)
		ly_sm_answer(s->sm);
	else if (s->sm && strcmp(el->name, "a") == 0)
		take_ack(s, el);
	else if (s->sm == NULL && strcmp(el->name, "enable") == 0)
		enable(s, el);
	else
		say(s->home, s->conn, FAILED("unexpected-request"));
}

void ly_session_answered(struct ly_session *s, struct ly_span reply)
{
	struct ly_blob *blob;

	if (s->state == LY_SESSION_DEAD)
		return;
	if (s->sm)
		ly_sm_count(s->sm);
	if (reply.len == 0)
		return;
	blob = ly_blob_create(reply, LY_NO_HOLE);
	if (blob)
		ly_session_send_blob(s, blob, NULL);
	ly_blob_unref(blob);
}

/* ---- resumption ---- */

static struct ly_session *find(const struct ly_user *user, const char *id)
{
	if (user == NULL || strlen(id) != LY_SM_ID_LEN)
		return NULL;
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (s->sm && s->sm->window && !s->sm->is_broken && strcmp(s->sm->id, id) == 0)
			return s;
	}
	return NULL;
}

static void replay(struct ly_session *s)
{
	struct ly_home *home = s->home;

	LY_LIST_EACH (node, tmp, &s->sm->queue) {
		struct ly_sm_out *out = LY_LIST_ENTRY(node, struct ly_sm_out, link);

		home->env.send(home->env.ctx, s->conn, out->blob,
			       out->to ? ly_span_str(out->to) : ly_span(NULL, 0));
	}
	ly_sm_ask(s->sm);
}

int ly_session_resume(struct ly_home *home, uint64_t conn, const char *bare_jid,
		      const struct ly_xml *resume, struct ly_session **out, uint64_t *replaced)
{
	const char *id = ly_xml_attr(resume, "previd");
	struct ly_session *s;
	struct ly_sm *sm;
	uint32_t h;

	*replaced = 0;
	if (id == NULL || !read_u32(ly_xml_attr(resume, "h"), &h))
		return -EINVAL;
	s = find(ly_home_user(home, bare_jid), id);
	if (s == NULL)
		return -ENOENT;
	sm = s->sm;
	if (h - sm->acked > sm->sent - sm->acked) {
		close_too_high(home, conn, sm, h);
		return -ERANGE;
	}
	if (!sm->is_detached) {
		if (ly_home_timer_set(home, &sm->timer, home->now + sm->window))
			return -ENOENT;
		sm->is_detached = true;
		*replaced = s->conn;
	}
	/* h must not promise too little either, or the client would send them again */
	if (!ly_list_is_empty(&sm->tickets))
		return -EAGAIN;
	ly_timers_del(&home->timers, &sm->timer.timer);
	ly_sm_acked(sm, h);
	sm->is_detached = false;
	sm->is_asked = false;
	s->conn = conn;
	s->last_in = home->now;
	ly_log(&lg, LY_INFO, "resumed", "jid=%s unacknowledged=%u", s->jid, sm->sent - sm->acked);
	sayf(home, conn, "<resumed xmlns='" LY_NS_SM "' previd='%s' h='%u'/>", sm->id, sm->in);
	replay(s);
	*out = s;
	return 0;
}

const struct ly_feature ly_xep_0198_sm = {
	.name = "stream management",
	.xep = 198,
	.version = "1.6.3",
};
