/* XEP-0030 Service Discovery of the hosts and accounts: what the registry of features says, the
 * other hosts, a user's resources. Rooms and components answer for themselves. */
#include "signaling/feature.h"

static const char INFO[] = "http://jabber.org/protocol/disco#info";
static const char ITEMS[] = "http://jabber.org/protocol/disco#items";

static const char *const *features_of(const struct ly_feature *f, enum ly_addressee to)
{
	if (to == LY_TO_HOST)
		return f->disco;
	return to == LY_TO_ROOMS_HOST ? f->disco_rooms : f->disco_account;
}

static void add_feature(struct ly_build *b, const char *var)
{
	ly_build_open(b, INFO, "feature");
	ly_build_attr(b, "var", var);
	ly_build_close(b);
}

static void add_identity(struct ly_build *b, const char *category, const char *type,
			 const char *name)
{
	ly_build_open(b, INFO, "identity");
	ly_build_attr(b, "category", category);
	ly_build_attr(b, "type", type);
	ly_build_attr(b, "name", name);
	ly_build_close(b);
}

/* The hooks see the ctx of their own feature. */
static void run_hooks(struct ly_feature_ctx *ctx, enum ly_addressee to, struct ly_build *b)
{
	const struct ly_feature *const *all = ly_home_features(ctx->home);

	for (size_t i = 0; all[i]; i++) {
		struct ly_feature_ctx own = *ctx;

		if (all[i]->hooks == NULL || all[i]->hooks->disco_info == NULL)
			continue;
		own.feature = all[i];
		own.state = ly_home_state(ctx->home, all[i]);
		all[i]->hooks->disco_info(&own, to, b);
	}
}

static enum ly_verdict info(struct ly_feature_ctx *ctx, enum ly_addressee to)
{
	const struct ly_feature *const *all = ly_home_features(ctx->home);
	const char *name = ctx->host->name ? ctx->host->name : "Lyceum";
	struct ly_build b = ly_iq_result(ctx->stanza);

	if (ly_xml_attr(ly_iq_payload(ctx->stanza), "node"))
		return ly_reply_error(ctx, LY_ITEM_NOT_FOUND, NULL);
	ly_build_open(&b, INFO, "query");
	if (to == LY_TO_HOST)
		add_identity(&b, "server", "im", name);
	else if (to == LY_TO_ROOMS_HOST)
		add_identity(&b, "conference", "text", name);
	else
		add_identity(&b, "account", "registered", NULL);
	add_feature(&b, INFO);
	add_feature(&b, ITEMS);
	for (size_t i = 0; all[i]; i++) {
		const char *const *list = features_of(all[i], to);

		for (; list && *list; list++)
			add_feature(&b, *list);
	}
	run_hooks(ctx, to, &b);
	return ly_reply(ctx, &b);
}

static enum ly_verdict on_host_info(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	(void)iq;
	return info(ctx, LY_TO_HOST);
}

static enum ly_verdict on_rooms_info(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	(void)iq;
	return info(ctx, LY_TO_ROOMS_HOST);
}

/* RFC 6121 s. 8.5.2.1.3, XEP-0030 s. 8: strangers learn nothing, not even that the account exists.
 */
static enum ly_verdict on_account_info(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	if (!ly_user_may_see(ctx->user, &iq->from))
		return LY_PASS;
	return info(ctx, LY_TO_ACCOUNT);
}

static void add_item(struct ly_build *b, const char *jid, const char *name)
{
	ly_build_open(b, ITEMS, "item");
	ly_build_attr(b, "jid", jid);
	ly_build_attr(b, "name", name);
	ly_build_close(b);
}

/* True for a host that belongs to the domain: a subdomain of it. */
static bool belongs_to(const struct ly_host *host, const char *domain)
{
	size_t len = strlen(host->domain), tail = strlen(domain);

	return len > tail + 1 && strcmp(host->domain + len - tail, domain) == 0 &&
	       host->domain[len - tail - 1] == '.';
}

static enum ly_verdict on_host_items(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	const struct ly_home_conf *conf = ly_home_conf(ctx->home);
	struct ly_build b = ly_iq_result(iq);

	if (ly_xml_attr(ly_iq_payload(iq), "node"))
		return ly_reply_error(ctx, LY_ITEM_NOT_FOUND, NULL);
	ly_build_open(&b, ITEMS, "query");
	for (size_t i = 0; i < conf->n_hosts; i++)
		if (belongs_to(&conf->hosts[i], ctx->host->domain))
			add_item(&b, conf->hosts[i].domain, conf->hosts[i].name);
	return ly_reply(ctx, &b);
}

static enum ly_verdict on_account_items(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	struct ly_build b;

	if (!ly_user_may_see(ctx->user, &iq->from))
		return LY_PASS;
	if (ly_xml_attr(ly_iq_payload(iq), "node"))
		return ly_reply_error(ctx, LY_ITEM_NOT_FOUND, NULL);
	b = ly_iq_result(iq);
	ly_build_open(&b, ITEMS, "query");
	LY_LIST_EACH (node, tmp, &ctx->user->sessions) {
		const struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (s->state == LY_SESSION_AVAILABLE)
			add_item(&b, s->jid, NULL);
	}
	return ly_reply(ctx, &b);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_GET, LY_TO_HOST, INFO, "query", on_host_info },
	{ LY_T_GET, LY_TO_ROOMS_HOST, INFO, "query", on_rooms_info },
	{ LY_T_GET, LY_TO_ACCOUNT, INFO, "query", on_account_info },
	{ LY_T_GET, LY_TO_HOST, ITEMS, "query", on_host_items },
	{ LY_T_GET, LY_TO_ACCOUNT, ITEMS, "query", on_account_items },
};

const struct ly_feature ly_xep_0030_disco = {
	.name = "disco",
	.xep = 30,
	.version = "2.5",
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
};
