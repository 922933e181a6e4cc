/* XEP-0280 Message Carbons: a user's other devices get copies of what one of them sends or
 * receives. */
#include "signaling/feature.h"

static const char NS[] = "urn:xmpp:carbons:2";
static const char NS_FORWARD[] = "urn:xmpp:forward:0";
static const char NS_HINTS[] = "urn:xmpp:hints";

/* s. 6.1 (the rules:0 set): why a message is or is not copied. Pure. */
static bool is_copied(const struct ly_stanza *msg)
{
	const struct ly_xml *root = msg->root;

	if (msg->type != LY_T_CHAT && msg->type != LY_T_NORMAL)
		return false; /* groupchat, headline, error */
	if (ly_xml_child(root, NS, "private") || ly_xml_child(root, NS_HINTS, "no-copy"))
		return false; /* asked not to */
	if (ly_xml_child(root, NS, "sent") || ly_xml_child(root, NS, "received"))
		return false; /* a copy of a copy, or somebody who pretends */
	if (msg->type == LY_T_CHAT)
		return true;
	/* a normal message counts when it is meant for a person */
	return ly_xml_child(root, LY_NS_CLIENT, "body") ||
	       ly_xml_child(root, "urn:xmpp:receipts", NULL) ||
	       ly_xml_child(root, "urn:xmpp:chat-markers:0", NULL) ||
	       ly_xml_child(root, "http://jabber.org/protocol/chatstates", NULL);
}

static bool is_among(const struct ly_session *s, struct ly_session *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == s)
			return true;
	return false;
}

/* The copy, with a hole for the device's JID; NULL: no memory. */
static struct ly_blob *wrap(const struct ly_user *user, const struct ly_stanza *msg,
			    const char *direction)
{
	struct ly_arena arena;
	struct ly_build b;
	struct ly_xml *root;
	struct ly_blob *blob = NULL;

	ly_arena_init(&arena, LY_MEM_XML, 0);
	ly_build_init(&b, &arena);
	ly_build_open(&b, LY_NS_CLIENT, "message");
	ly_build_attr(&b, "from", user->jid);
	ly_build_attr(&b, "type", ly_xml_attr(msg->root, "type"));
	ly_build_open(&b, NS, direction);
	ly_build_open(&b, NS_FORWARD, "forwarded");
	ly_build_copy(&b, msg->root);
	if (ly_build_finish(&b, &root) == 0)
		blob = ly_xml_to_blob(root, true);
	ly_arena_fini(&arena);
	return blob;
}

static void copy(struct ly_user *user, const struct ly_stanza *msg, const char *direction,
		 struct ly_session *const *except, size_t n_except)
{
	struct ly_blob *blob = NULL;

	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (!s->carbons || is_among(s, except, n_except))
			continue;
		if (blob == NULL)
			blob = wrap(user, msg, direction);
		if (blob == NULL)
			return;
		ly_session_send_blob(s, blob, s->jid);
	}
	ly_blob_unref(blob);
}

static void on_sent(struct ly_feature_ctx *ctx, const struct ly_stanza *msg)
{
	if (is_copied(msg))
		copy(ctx->user, msg, "sent", &ctx->session, 1);
}

static void on_delivered(struct ly_feature_ctx *ctx, const struct ly_stanza *msg,
			 struct ly_session *const *to, size_t n_to)
{
	/* what goes to the user itself has been copied when it was sent */
	if (n_to == 0 || !is_copied(msg) ||
	    (ly_jid_is_set(&msg->from) && strcmp(msg->from.bare, ctx->user->jid) == 0))
		return;
	copy(ctx->user, msg, "received", to, n_to);
}

static enum ly_verdict on_enable(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	(void)iq;
	if (ctx->session)
		ctx->session->carbons = true;
	return ly_reply_empty(ctx);
}

static enum ly_verdict on_disable(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	(void)iq;
	if (ctx->session)
		ctx->session->carbons = false;
	return ly_reply_empty(ctx);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_SET, LY_TO_OWN, NS, "enable", on_enable },
	{ LY_T_SET, LY_TO_OWN, NS, "disable", on_disable },
};

static const struct ly_hooks hooks = { .message_sent = on_sent, .message_delivered = on_delivered };

const struct ly_feature ly_xep_0280_carbons = {
	.name = "carbons",
	.xep = 280,
	.version = "1.0.1",
	.disco = (const char *const[]) { NS, "urn:xmpp:carbons:rules:0", NULL },
	.disco_account = (const char *const[]) { NS, "urn:xmpp:carbons:rules:0", NULL },
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
	.hooks = &hooks,
};
