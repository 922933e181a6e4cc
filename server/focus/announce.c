/* Stanzas from the focus to participants, and telling the others of one's sources. */
#include "server/focus/focus_priv.h"

#include "base/err.h"
#include "base/text.h"

struct ly_xml_doc *ly_part_open_iq(struct ly_build *b)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);

	if (doc == NULL)
		return NULL;
	ly_build_init(b, &doc->arena);
	ly_build_open(b, LY_NS_CLIENT, "iq");
	ly_build_attr(b, "type", "set");
	return doc;
}

static void random_id(struct ly_home *home, char out[LY_FOCUS_ID_MAX])
{
	uint8_t id[8];

	ly_rand_bytes(ly_home_rand(home), id, sizeof(id));
	ly_hex_encode(out, LY_FOCUS_ID_MAX, ly_span(id, sizeof(id)));
}

void ly_part_send(struct ly_focus_part *p, struct ly_xml_doc *doc, struct ly_build *b)
{
	struct ly_xml *root = NULL;
	char id[LY_FOCUS_ID_MAX];
	int err = doc ? ly_build_finish(b, &root) : -ENOMEM;

	random_id(p->call->at->home, id);
	if (!err && ly_xml_attr(root, "id") == NULL)
		err = ly_xml_set_attr(root, &doc->arena, "id", id);
	if (!err && p->nick != NULL)
		err = ly_muc_agent_send(p->call->agent, p->nick, root);
	if (err)
		ly_log(&ly_focus_log, LY_WARN, "send_failed", "jid=%s room=%s error=%s", p->jid,
		       p->call->room, ly_err_name(err));
	ly_xml_doc_free(doc);
}

void ly_announce(struct ly_focus_part *p, const char *action, const struct ly_focus_sources *s)
{
	struct ly_focus_published published = { p->endpoint, s };

	if (s->n == 0)
		return;
	LY_LIST_EACH (it, tmp, &p->call->parts) {
		struct ly_focus_part *to = LY_LIST_ENTRY(it, struct ly_focus_part, link);
		struct ly_xml_doc *doc;
		struct ly_build b;

		if (to == p || to->state < LY_PART_INVITED)
			continue;
		doc = ly_part_open_iq(&b);
		if (doc != NULL)
			ly_focus_write_sources(&b, action, to->sid, &published);
		ly_part_send(to, doc, &b);
	}
}
