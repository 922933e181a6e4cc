/* After login: resource binding (RFC 6120 s. 7), then stanzas with their sender's address stamped
 * on. */
#include <errno.h>

#include "signaling/stream/stream_priv.h"

static bool is_iq_for(const struct ly_xml *el, const char *ns, const char *name)
{
	const char *type = ly_xml_attr(el, "type");

	return ly_xml_is(el, LY_NS_CLIENT, "iq") && type && strcmp(type, "set") == 0 &&
	       ly_xml_attr(el, "id") && ly_xml_child(el, ns, name);
}

/* An error reply to an element that may not even be a valid stanza. */
static void refuse(struct ly_stream *s, struct ly_xml_doc *doc, enum ly_cond cond, const char *text)
{
	const char *type = ly_xml_attr(doc->root, "type");
	struct ly_xml *root;
	struct ly_build b;

	if (type && (strcmp(type, "error") == 0 || strcmp(type, "result") == 0)) {
		ly_stream_push_answer(s, NULL); /* RFC 6120 s. 8.3.1: no error for these */
		return;
	}
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, doc->root->name);
	ly_build_attr(&b, "type", "error");
	ly_build_attr(&b, "id", ly_xml_attr(doc->root, "id"));
	ly_build_attr(&b, "from", s->domain);
	ly_build_attr(&b, "to", s->jid);
	ly_build_error(&b, cond, LY_ERR_DEFAULT, text);
	if (ly_build_finish(&b, &root))
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
	else
		ly_stream_push_answer(s, root);
}

static void on_bind(struct ly_stream *s, struct ly_xml_doc *doc)
{
	const struct ly_xml *bind = ly_xml_child(doc->root, LY_NS_BIND, "bind");
	const char *wanted = ly_xml_child_text(bind, LY_NS_BIND, "resource");
	char norm[LY_JID_PART_MAX + 1];
	struct ly_stream_node *n;

	if (wanted != NULL && *wanted == '\0')
		wanted = NULL;
	if (wanted != NULL && ly_jid_prep_resource(norm, sizeof(norm), wanted)) {
		refuse(s, doc, LY_BAD_REQUEST, "malformed resource");
		return;
	}
	ly_free(s->login->bind_id, LY_MEM_CONN);
	ly_free(s->login->resource, LY_MEM_CONN);
	s->login->bind_id = ly_strdup(ly_xml_attr(doc->root, "id"), LY_MEM_CONN);
	s->login->resource = wanted ? ly_strdup(norm, LY_MEM_CONN) : NULL;
	if (s->login->bind_id == NULL || (wanted && s->login->resource == NULL)) {
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
		return;
	}
	n = ly_stream_push(s, LY_STREAM_BIND);
	if (n == NULL)
		return;
	n->ev.resource = s->login->resource;
	ly_stream_set_state(s, LY_STREAM_S_BINDING);
}

static bool answer_bind(struct ly_stream *s, const char *full, int cond)
{
	struct ly_arena arena;
	struct ly_xml *root;
	struct ly_build b;
	int err;

	ly_arena_init(&arena, LY_MEM_CONN, 0);
	ly_build_init(&b, &arena);
	ly_build_open(&b, LY_NS_CLIENT, "iq");
	ly_build_attr(&b, "type", full ? "result" : "error");
	ly_build_attr(&b, "id", s->login->bind_id);
	if (full != NULL) {
		ly_build_open(&b, LY_NS_BIND, "bind");
		ly_build_element(&b, NULL, "jid", full);
		ly_build_close(&b);
	} else {
		ly_build_error(&b, (enum ly_cond)cond, LY_ERR_DEFAULT, NULL);
	}
	err = ly_build_finish(&b, &root);
	if (err)
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
	else
		ly_stream_push_xml(s, root);
	ly_arena_fini(&arena);
	return err == 0 && s->state != LY_STREAM_S_CLOSED;
}

static int set_resource(struct ly_stream *s, const char *resource)
{
	char norm[LY_JID_PART_MAX + 1];
	struct ly_buf full;
	char *jid;

	if (s->state != LY_STREAM_S_BINDING)
		return -EPROTO;
	if (ly_jid_prep_resource(norm, sizeof(norm), resource))
		return -EBADMSG;
	ly_buf_init(&full, LY_MEM_CONN, 0);
	ly_buf_printf(&full, "%s/%s", s->jid, norm);
	jid = full.err ? NULL : ly_strdup(ly_buf_str(&full), LY_MEM_CONN);
	ly_buf_fini(&full);
	if (jid == NULL)
		return -ENOMEM;
	ly_free(s->jid, LY_MEM_CONN);
	s->jid = jid;
	return 0;
}

static void set_bound(struct ly_stream *s)
{
	ly_stream_set_state(s, LY_STREAM_S_BOUND);
	ly_stream_login_free(s->login);
	s->login = NULL;
}

int ly_stream_bound(struct ly_stream *s, ly_usec now, const char *resource)
{
	int err = set_resource(s, resource);

	(void)now;
	if (err)
		return err;
	if (!answer_bind(s, s->jid, 0))
		return -ENOMEM;
	set_bound(s);
	return 0;
}

int ly_stream_resumed(struct ly_stream *s, ly_usec now, const char *resource)
{
	int err = set_resource(s, resource);

	(void)now;
	if (err)
		return err;
	set_bound(s);
	return 0;
}

void ly_stream_resume_failed(struct ly_stream *s, ly_usec now, enum ly_cond cond)
{
	struct ly_buf b;

	(void)now;
	if (s->state != LY_STREAM_S_BINDING && s->state != LY_STREAM_S_FEATURES)
		return;
	ly_buf_init(&b, LY_MEM_CONN, 0);
	ly_buf_printf(&b, "<failed xmlns='" LY_NS_SM "'><%s xmlns='" LY_NS_STANZAS "'/></failed>",
		      ly_cond_name(cond));
	ly_stream_push_buf(s, &b);
	if (s->state == LY_STREAM_S_BINDING)
		ly_stream_set_state(s, LY_STREAM_S_FEATURES);
}

void ly_stream_bind_failed(struct ly_stream *s, ly_usec now, enum ly_cond cond)
{
	(void)now;
	if (s->state != LY_STREAM_S_BINDING)
		return;
	if (answer_bind(s, NULL, (int)cond))
		ly_stream_set_state(s, LY_STREAM_S_FEATURES);
}

/* RFC 6120 s. 8.1.2.1: a client may only name itself. */
static bool from_ok(const struct ly_stream *s, struct ly_xml_doc *doc)
{
	const char *from = ly_xml_attr(doc->root, "from");
	size_t bare = strcspn(s->jid, "/");
	struct ly_jid jid;

	if (from == NULL || strcmp(from, s->jid) == 0)
		return true;
	if (ly_jid_parse(&jid, &doc->arena, from))
		return false;
	if (strcmp(jid.full, s->jid) == 0)
		return true;
	return !jid.resource && strlen(jid.bare) == bare && strncmp(jid.bare, s->jid, bare) == 0;
}

static bool take_stanza(struct ly_stream *s, struct ly_xml_doc *doc, struct ly_stream_event *ev)
{
	struct ly_stanza *st;
	int err;

	if (!from_ok(s, doc)) {
		ly_stream_fail(s, LY_STREAM_INVALID_FROM, "from of somebody else");
		goto out;
	}
	err = ly_xml_set_attr(doc->root, &doc->arena, "from", s->jid);
	if (!err)
		err = ly_stanza_wrap(&st, doc);
	if (!err) {
		ev->kind = LY_STREAM_STANZA;
		ev->stanza = st;
		return true;
	}
	if (err == -ENOMEM)
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
	else if (err == -EINVAL)
		refuse(s, doc, LY_JID_MALFORMED, NULL);
	else
		refuse(s, doc, LY_BAD_REQUEST, NULL);
out:
	ly_xml_doc_free(doc);
	return false;
}

static void answer_session(struct ly_stream *s, struct ly_xml_doc *doc)
{
	struct ly_xml *root;
	struct ly_build b;

	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "iq");
	ly_build_attr(&b, "type", "result");
	ly_build_attr(&b, "id", ly_xml_attr(doc->root, "id"));
	if (ly_build_finish(&b, &root) == 0)
		ly_stream_push_answer(s, root);
	else
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
}

static bool is_stanza(const struct ly_xml *el)
{
	return ly_xml_is(el, LY_NS_CLIENT, "message") || ly_xml_is(el, LY_NS_CLIENT, "presence") ||
	       ly_xml_is(el, LY_NS_CLIENT, "iq");
}

static bool is_nonza(const struct ly_stream *s, const struct ly_xml *el)
{
	const char *const *ns = s->conf->nonzas;

	while (ns != NULL && *ns != NULL)
		if (strcmp(*ns++, el->ns) == 0)
			return true;
	return false;
}

/* What is neither a stanza nor a known top-level element. */
static void on_other(struct ly_stream *s, const struct ly_xml *el)
{
	if (ly_xml_is(el, LY_NS_STREAMS, "error"))
		ly_stream_fail(s, LY_STREAM_OK, "the client sent a stream error");
	else
		ly_stream_fail(s, LY_STREAM_UNSUPPORTED_STANZA_TYPE, "unknown top-level element");
}

bool ly_stream_on_element(struct ly_stream *s, struct ly_xml_doc *doc, struct ly_stream_event *ev)
{
	const struct ly_xml *el = doc->root;

	if (is_nonza(s, el)) {
		if (s->state == LY_STREAM_S_FEATURES && ly_xml_is(el, LY_NS_SM, "resume"))
			ly_stream_set_state(s, LY_STREAM_S_BINDING);
		ev->kind = LY_STREAM_NONZA;
		ev->nonza = doc;
		return true;
	}
	if (!is_stanza(el))
		on_other(s, el);
	else if (is_iq_for(el, LY_NS_SESSION, "session"))
		answer_session(s, doc);
	else if (s->state == LY_STREAM_S_BOUND && is_iq_for(el, LY_NS_BIND, "bind"))
		refuse(s, doc, LY_NOT_ALLOWED, "one resource per stream");
	else if (s->state == LY_STREAM_S_BOUND)
		return take_stanza(s, doc, ev);
	else if (is_iq_for(el, LY_NS_BIND, "bind"))
		on_bind(s, doc);
	else
		ly_stream_fail(s, LY_STREAM_NOT_AUTHORIZED, "stanza before bind");
	ly_xml_doc_free(doc);
	return false;
}
