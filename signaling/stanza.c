#include "signaling/stanza.h"

#include <errno.h>

#include "signaling/xml/parser.h"

struct word {
	const char *name;
	enum ly_stanza_type type;
};

static const struct word message_types[] = {
	{ "chat", LY_T_CHAT },         { "error", LY_T_ERROR },   { "groupchat", LY_T_GROUPCHAT },
	{ "headline", LY_T_HEADLINE }, { "normal", LY_T_NORMAL }, { NULL },
};
static const struct word presence_types[] = {
	{ "error", LY_T_ERROR },
	{ "probe", LY_T_PROBE },
	{ "subscribe", LY_T_SUBSCRIBE },
	{ "subscribed", LY_T_SUBSCRIBED },
	{ "unavailable", LY_T_UNAVAILABLE },
	{ "unsubscribe", LY_T_UNSUBSCRIBE },
	{ "unsubscribed", LY_T_UNSUBSCRIBED },
	{ NULL },
};
static const struct word iq_types[] = {
	{ "error", LY_T_ERROR },
	{ "get", LY_T_GET },
	{ "result", LY_T_RESULT },
	{ "set", LY_T_SET },
	{ NULL },
};

static const struct {
	const char *name;
	enum ly_stanza_kind kind;
	const struct word *types;
} kinds[] = {
	{ "message", LY_MESSAGE, message_types },
	{ "presence", LY_PRESENCE, presence_types },
	{ "iq", LY_IQ, iq_types },
};

static unsigned count_children(const struct ly_xml *el)
{
	unsigned n = 0;

	for (const struct ly_xml *c = ly_xml_child(el, NULL, NULL); c != NULL;
	     c = ly_xml_next_child(c, NULL, NULL))
		n++;
	return n;
}

static int find_type(struct ly_stanza *st, const struct word *words, const char *type)
{
	for (; type != NULL && words->name != NULL; words++) {
		if (strcmp(words->name, type) == 0) {
			st->type = words->type;
			return 0;
		}
	}
	switch (st->kind) {
	case LY_MESSAGE: /* RFC 6121 s. 5.2.2: none and unknown are normal */
		st->type = LY_T_NORMAL;
		return 0;
	case LY_PRESENCE:
		st->type = LY_T_AVAILABLE;
		return type ? -EBADMSG : 0;
	default:
		return -EBADMSG;
	}
}

static int read_kind(struct ly_stanza *st)
{
	const char *type = ly_xml_attr(st->root, "type");
	int err = -EBADMSG;

	for (size_t i = 0; i < LY_COUNTOF(kinds); i++) {
		if (strcmp(kinds[i].name, st->root->name) != 0)
			continue;
		st->kind = kinds[i].kind;
		err = find_type(st, kinds[i].types, type);
	}
	if (err || st->kind != LY_IQ)
		return err;
	/* RFC 6120 s. 8.2.3 */
	if (st->id == NULL)
		return -EBADMSG;
	if ((st->type == LY_T_GET || st->type == LY_T_SET) && count_children(st->root) != 1)
		return -EBADMSG;
	return 0;
}

static int read_jid(struct ly_jid *out, struct ly_arena *arena, const char *s)
{
	int err = s ? ly_jid_parse(out, arena, s) : 0;

	return err == -EBADMSG ? -EINVAL : err;
}

int ly_stanza_wrap(struct ly_stanza **out, struct ly_xml_doc *doc)
{
	struct ly_stanza *st;
	int err;

	if (doc->root == NULL || !ly_xml_is(doc->root, LY_NS_CLIENT, NULL))
		return -EBADMSG;
	st = ly_arena_alloc(&doc->arena, sizeof(*st));
	if (st == NULL)
		return -ENOMEM;
	st->doc = doc;
	st->root = doc->root;
	st->id = ly_xml_attr(st->root, "id");
	err = read_kind(st);
	if (!err)
		err = read_jid(&st->from, &doc->arena, ly_xml_attr(st->root, "from"));
	if (!err)
		err = read_jid(&st->to, &doc->arena, ly_xml_attr(st->root, "to"));
	if (!err)
		*out = st;
	return err;
}

static int wrap_or_free(struct ly_stanza **out, struct ly_xml_doc *doc)
{
	int err = ly_stanza_wrap(out, doc);

	if (err)
		ly_xml_doc_free(doc);
	return err;
}

int ly_stanza_parse(struct ly_stanza **out, struct ly_span text)
{
	struct ly_xml_doc *doc;
	int err = ly_xml_parse(&doc, text, NULL);

	return err ? err : wrap_or_free(out, doc);
}

static int copy_doc(struct ly_xml_doc **out, const struct ly_xml *root)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;
	int err;

	if (doc == NULL)
		return -ENOMEM;
	ly_build_init(&b, &doc->arena);
	ly_build_copy(&b, root);
	err = ly_build_finish(&b, &doc->root);
	if (err) {
		ly_xml_doc_free(doc);
		return err;
	}
	*out = doc;
	return 0;
}

int ly_stanza_clone(struct ly_stanza **out, const struct ly_stanza *st, const char *from,
		    const char *to)
{
	struct ly_xml_doc *doc;
	int err = copy_doc(&doc, st->root);

	if (err)
		return err;
	if (from != NULL)
		err = ly_xml_set_attr(doc->root, &doc->arena, "from", from);
	if (!err && to != NULL)
		err = ly_xml_set_attr(doc->root, &doc->arena, "to", to);
	if (err) {
		ly_xml_doc_free(doc);
		return err;
	}
	return wrap_or_free(out, doc);
}

int ly_stanza_from_xml(struct ly_stanza **out, const struct ly_xml *root)
{
	struct ly_xml_doc *doc;
	int err = copy_doc(&doc, root);

	return err ? err : wrap_or_free(out, doc);
}

void ly_stanza_free(struct ly_stanza *st)
{
	if (st != NULL)
		ly_xml_doc_free(st->doc);
}

const struct ly_xml *ly_iq_payload(const struct ly_stanza *iq)
{
	if (iq->kind != LY_IQ || (iq->type != LY_T_GET && iq->type != LY_T_SET))
		return NULL;
	return ly_xml_child(iq->root, NULL, NULL);
}
