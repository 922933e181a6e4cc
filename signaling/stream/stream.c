#include "signaling/stream/stream.h"

#include <assert.h>
#include <errno.h>

#include "base/log.h"
#include "signaling/stream/stream_priv.h"

#define LINGER LY_SEC(5)

static const struct ly_xml_limits limits_before_login = {
	.bytes = 16 * 1024, .depth = 16, .attrs = 32, .children = 500
};

static const struct ly_log log_stream = { "stream", "" };

/* Which states may follow which; any may become CLOSED. */
#define BIT(s) (1u << LY_STREAM_S_##s)
static const unsigned follows[LY_STREAM_N_STATE] = {
	[LY_STREAM_S_OPENING] = BIT(FEATURES),
	[LY_STREAM_S_TLS] = BIT(OPENING),
	[LY_STREAM_S_FEATURES] =
		BIT(FEATURES) | BIT(TLS) | BIT(AUTH) | BIT(CREDENTIALS) | BIT(BINDING),
	[LY_STREAM_S_AUTH] = BIT(AUTH) | BIT(CREDENTIALS) | BIT(FEATURES) | BIT(TLS) | BIT(OPENING),
	[LY_STREAM_S_CREDENTIALS] = BIT(AUTH) | BIT(FEATURES) | BIT(OPENING),
	[LY_STREAM_S_BINDING] = BIT(BOUND) | BIT(FEATURES),
};
#undef BIT

void ly_stream_set_state(struct ly_stream *s, enum ly_stream_state to)
{
	static const char *const names[LY_STREAM_N_STATE] = {
		"opening", "tls", "features", "auth", "credentials", "binding", "bound", "closed",
	};

	assert(to == LY_STREAM_S_CLOSED || (follows[s->state] & 1u << to));
	ly_log(&log_stream, LY_TRACE, "state", "from=%s to=%s jid=%s", names[s->state], names[to],
	       s->jid ? s->jid : "");
	s->state = to;
}

int ly_stream_create(struct ly_stream **out, const struct ly_stream_conf *conf,
		     enum ly_stream_kind kind, struct ly_xml_pool *pool)
{
	struct ly_stream *s = ly_alloc(sizeof(*s), LY_MEM_CONN);

	if (s == NULL)
		return -ENOMEM;
	s->login = ly_alloc(sizeof(*s->login), LY_MEM_CONN);
	if (s->login == NULL) {
		ly_free(s, LY_MEM_CONN);
		return -ENOMEM;
	}
	s->conf = conf;
	s->pool = pool;
	s->kind = kind;
	*out = s;
	return 0;
}

static void drop_pending(struct ly_stream *s)
{
	if (s->pending == NULL)
		return;
	ly_buf_fini(s->pending);
	ly_free(s->pending, LY_MEM_CONN);
	s->pending = NULL;
}

static void drop_header(struct ly_stream *s)
{
	if (s->header != NULL && s->header != ly_xml_header_usual)
		ly_free((void *)(uintptr_t)s->header, LY_MEM_XML);
	s->header = NULL;
}

static void drop_parser(struct ly_stream *s)
{
	ly_xml_return(s->parser);
	s->parser = NULL;
}

void ly_stream_free(struct ly_stream *s)
{
	if (s == NULL)
		return;
	while (s->first != NULL) {
		struct ly_stream_node *n = s->first;

		s->first = n->next;
		ly_stream_node_free(n);
	}
	ly_stream_node_free(s->current);
	drop_parser(s);
	drop_pending(s);
	drop_header(s);
	ly_stream_login_free(s->login);
	ly_free(s->jid, LY_MEM_CONN);
	ly_free(s, LY_MEM_CONN);
}

void ly_stream_adopt(struct ly_stream *s, const struct ly_stream_conf *conf,
		     struct ly_xml_pool *pool)
{
	assert(s->parser == NULL);
	s->conf = conf;
	s->pool = pool;
	for (const char *const *h = conf->hosts; s->domain && *h != NULL; h++) {
		if (strcmp(*h, s->domain) == 0) {
			s->domain = *h;
			break;
		}
	}
}

const struct ly_xml_limits *ly_stream_limits(const struct ly_stream *s)
{
	const struct ly_stream_conf *c = s->conf;

	if (s->is_authenticated)
		return c->after_login.bytes ? &c->after_login : &ly_xml_limits_default;
	return c->before_login.bytes ? &c->before_login : &limits_before_login;
}

static bool is_waiting(const struct ly_stream *s)
{
	return s->state == LY_STREAM_S_TLS || s->state == LY_STREAM_S_CREDENTIALS ||
	       s->state == LY_STREAM_S_BINDING;
}

/* Keeps bytes for later. While an answer is awaited nobody has reason to send more than a stanza.
 */
static int keep(struct ly_stream *s, struct ly_span bytes, bool at_front)
{
	uint32_t len = (uint32_t)bytes.len;
	struct ly_buf b;

	if (s->pending == NULL) {
		s->pending = ly_alloc(sizeof(*s->pending), LY_MEM_CONN);
		if (s->pending == NULL)
			return -ENOMEM;
		ly_buf_init(s->pending, LY_MEM_CONN, ly_stream_limits(s)->bytes + 65536);
	}
	if (!at_front) {
		if (s->kind == LY_STREAM_WEBSOCKET)
			ly_buf_add(s->pending, &len, sizeof(len));
		ly_buf_add(s->pending, bytes.ptr, bytes.len);
		return s->pending->err;
	}
	ly_buf_init(&b, LY_MEM_CONN, s->pending->limit);
	ly_buf_add(&b, bytes.ptr, bytes.len);
	ly_buf_add(&b, s->pending->ptr, s->pending->len);
	ly_buf_fini(s->pending);
	*s->pending = b;
	return b.err;
}

static void keep_or_fail(struct ly_stream *s, struct ly_span bytes, bool at_front)
{
	int err = keep(s, bytes, at_front);

	if (err == -E2BIG)
		ly_stream_fail(s, LY_STREAM_POLICY_VIOLATION, "too much input while waiting");
	else if (err)
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
}

void ly_stream_die(struct ly_stream *s, enum ly_stream_error error, const char *reason)
{
	if (s->state == LY_STREAM_S_CLOSED)
		return;
	s->error = error;
	s->reason = reason;
	ly_stream_set_state(s, LY_STREAM_S_CLOSED);
}

static void finish(struct ly_stream *s, enum ly_stream_error error, const char *text,
		   const char *reason)
{
	if (s->state == LY_STREAM_S_CLOSED)
		return;
	if (s->state != LY_STREAM_S_TLS) { /* in the middle of a handshake nothing can be said */
		/* RFC 6120 s. 4.9.1.2: an error in the header is told behind our own header */
		if (!s->is_header_sent)
			ly_stream_push_header(s);
		if (error != LY_STREAM_OK)
			ly_stream_push_error(s, error, text);
		ly_stream_push_end(s);
	}
	ly_stream_die(s, error, reason);
}

void ly_stream_fail(struct ly_stream *s, enum ly_stream_error error, const char *reason)
{
	finish(s, error, reason, reason);
}

void ly_stream_close(struct ly_stream *s, ly_usec now, enum ly_stream_error error, const char *text)
{
	(void)now;
	finish(s, error, text, "closed by the server");
}

void ly_stream_eof(struct ly_stream *s, ly_usec now)
{
	(void)now;
	ly_stream_die(s, LY_STREAM_OK, "connection ended");
}

void ly_stream_restart(struct ly_stream *s)
{
	struct ly_span rest = ly_span(NULL, 0);

	if (s->parser != NULL && s->kind == LY_STREAM_TCP)
		rest = ly_xml_rest(s->parser);
	if (rest.len)
		keep_or_fail(s, rest, true);
	if (s->state == LY_STREAM_S_CLOSED)
		return;
	drop_parser(s);
	drop_header(s);
	s->is_header_sent = false;
	ly_stream_set_state(s, LY_STREAM_S_OPENING);
}

static int borrow(struct ly_stream *s)
{
	bool is_tcp = s->kind == LY_STREAM_TCP;
	int err;

	if (s->parser != NULL)
		return 0;
	err = ly_xml_borrow(&s->parser, s->pool, is_tcp ? LY_XML_STREAM : LY_XML_MESSAGE,
			    ly_stream_limits(s), is_tcp ? s->header : NULL);
	if (err)
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
	return err;
}

void ly_stream_recv(struct ly_stream *s, ly_usec now, struct ly_span bytes)
{
	if (s->state == LY_STREAM_S_CLOSED || bytes.len == 0)
		return;
	s->last_in = now;
	if (s->state == LY_STREAM_S_TLS) {
		ly_stream_die(s, LY_STREAM_POLICY_VIOLATION, "clear text during the handshake");
		return;
	}
	if (is_waiting(s) || s->pending != NULL) {
		keep_or_fail(s, bytes, false);
		return;
	}
	if (borrow(s))
		return;
	if (ly_xml_feed(s->parser, bytes) == -EPROTO)
		keep_or_fail(s, bytes, false);
}

/* Feeds what was kept: all of it, or one message. False if there is nothing. */
static bool feed_pending(struct ly_stream *s)
{
	struct ly_buf *b = s->pending;
	uint32_t len;

	if (b == NULL)
		return false;
	if (borrow(s))
		return true;
	if (s->kind == LY_STREAM_TCP) {
		ly_xml_feed(s->parser, ly_buf_span(b));
		drop_pending(s);
		return true;
	}
	memcpy(&len, b->ptr, sizeof(len));
	ly_xml_feed(s->parser, ly_span(b->ptr + sizeof(len), len));
	ly_buf_consume(b, sizeof(len) + len);
	if (b->len == 0)
		drop_pending(s);
	return true;
}

static void on_xml_error(struct ly_stream *s, const struct ly_xml_event *ev)
{
	static const enum ly_stream_error map[] = {
		[LY_XML_OK] = LY_STREAM_OK,
		[LY_XML_BAD] = LY_STREAM_NOT_WELL_FORMED,
		[LY_XML_RESTRICTED] = LY_STREAM_RESTRICTED_XML,
		[LY_XML_LIMIT] = LY_STREAM_POLICY_VIOLATION,
		[LY_XML_ENCODING] = LY_STREAM_UNSUPPORTED_ENCODING,
		[LY_XML_NOMEM] = LY_STREAM_RESOURCE_CONSTRAINT,
	};

	ly_stream_fail(s, map[ev->error], ev->detail);
}

static void on_open(struct ly_stream *s, struct ly_xml_doc *doc)
{
	s->header = ly_xml_parser_header(s->parser);
	if (s->header == NULL)
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
	else
		ly_stream_on_header(s, doc->root);
	ly_xml_doc_free(doc);
}

/* WebSocket framing inside an open stream (RFC 7395 s. 3.6). True if the element was that. */
static bool on_framing(struct ly_stream *s, struct ly_xml_doc *doc)
{
	if (s->kind != LY_STREAM_WEBSOCKET)
		return false;
	if (ly_xml_is(doc->root, LY_NS_FRAMING, "close"))
		ly_stream_fail(s, LY_STREAM_OK, "closed by the client");
	else if (s->state == LY_STREAM_S_OPENING)
		ly_stream_on_header(s, doc->root);
	else if (ly_xml_is(doc->root, LY_NS_FRAMING, NULL))
		ly_stream_fail(s, LY_STREAM_BAD_FORMAT, "unexpected framing element");
	else
		return false;
	ly_xml_doc_free(doc);
	return true;
}

static bool on_element(struct ly_stream *s, struct ly_xml_doc *doc, struct ly_stream_event *ev)
{
	if (on_framing(s, doc))
		return false;
	if (s->is_authenticated)
		return ly_stream_on_element(s, doc, ev);
	ly_stream_on_auth(s, doc->root);
	ly_xml_doc_free(doc);
	return false;
}

enum pumped { IDLE, MORE, EVENT };

/* Takes one event off the parser. */
static enum pumped pump(struct ly_stream *s, struct ly_stream_event *out)
{
	struct ly_xml_event ev;

	if (is_waiting(s))
		return IDLE;
	if (s->parser == NULL)
		return feed_pending(s) ? MORE : IDLE;
	ly_xml_next(s->parser, &ev);
	switch (ev.kind) {
	case LY_XML_MORE:
		return feed_pending(s) ? MORE : IDLE;
	case LY_XML_OPEN:
		on_open(s, ev.doc);
		return MORE;
	case LY_XML_ELEMENT:
		return on_element(s, ev.doc, out) ? EVENT : MORE;
	case LY_XML_CLOSE:
		ly_stream_fail(s, LY_STREAM_OK, "closed by the client");
		return MORE;
	default:
		on_xml_error(s, &ev);
		return MORE;
	}
}

static bool poll_closed(struct ly_stream *s, struct ly_stream_event *ev)
{
	drop_parser(s);
	drop_pending(s);
	if (s->is_close_told)
		return false;
	s->is_close_told = true;
	ev->kind = LY_STREAM_CLOSED;
	ev->error = s->error;
	ev->reason = s->reason;
	return true;
}

bool ly_stream_poll(struct ly_stream *s, struct ly_stream_event *ev)
{
	ly_stream_node_free(s->current);
	s->current = NULL;
	*ev = (struct ly_stream_event) { .kind = LY_STREAM_OUT };
	for (;;) {
		enum pumped got;

		if (s->first != NULL) {
			s->current = s->first;
			s->first = s->first->next;
			if (s->first == NULL)
				s->last = NULL;
			*ev = s->current->ev;
			return true;
		}
		if (s->state == LY_STREAM_S_CLOSED)
			return poll_closed(s, ev);
		got = pump(s, ev);
		if (got != MORE)
			return got == EVENT;
	}
}

void ly_stream_send(struct ly_stream *s, ly_usec now, const struct ly_xml *el)
{
	(void)now;
	if (s->state != LY_STREAM_S_CLOSED)
		ly_stream_push_xml(s, el);
}

int ly_stream_park(struct ly_stream *s)
{
	struct ly_span rest;

	if (s->parser == NULL)
		return 0;
	if (s->kind == LY_STREAM_TCP && !ly_xml_is_quiet(s->parser)) {
		if (!is_waiting(s) || s->header == NULL)
			return -EAGAIN;
		/* stopped behind a complete element: what follows is kept as it is */
		rest = ly_xml_rest(s->parser);
		if (rest.len)
			keep_or_fail(s, rest, true);
	}
	drop_parser(s);
	return 0;
}

ly_usec ly_stream_deadline(const struct ly_stream *s)
{
	if (s->parser == NULL || s->state == LY_STREAM_S_CLOSED || !ly_xml_is_quiet(s->parser))
		return LY_NEVER;
	return s->last_in + (s->conf->linger ? s->conf->linger : LINGER);
}

void ly_stream_tick(struct ly_stream *s, ly_usec now)
{
	if (now >= ly_stream_deadline(s))
		ly_stream_park(s);
}

bool ly_stream_is_authenticated(const struct ly_stream *s)
{
	return s->is_authenticated;
}

bool ly_stream_is_bound(const struct ly_stream *s)
{
	return s->state == LY_STREAM_S_BOUND;
}

bool ly_stream_is_closed(const struct ly_stream *s)
{
	return s->state == LY_STREAM_S_CLOSED;
}

bool ly_stream_has_parser(const struct ly_stream *s)
{
	return s->parser != NULL;
}

const char *ly_stream_jid(const struct ly_stream *s)
{
	return s->jid;
}
