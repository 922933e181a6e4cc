/* XEP-0092 Software Version: name and version of the server; not of its operating system, which
 * would only help an attacker (s. 5). */
#include "signaling/feature.h"

static const char NS[] = "jabber:iq:version";

static enum ly_verdict on_get(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	const char *version = ly_home_conf(ctx->home)->version;
	struct ly_build b = ly_iq_result(iq);

	ly_build_open(&b, NS, "query");
	ly_build_element(&b, NS, "name", "Lyceum");
	ly_build_element(&b, NS, "version", version ? version : "unknown");
	return ly_reply(ctx, &b);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_GET, LY_TO_HOST, NS, "query", on_get },
	{ LY_T_GET, LY_TO_ROOMS_HOST, NS, "query", on_get },
};

const struct ly_feature ly_xep_0092_version = {
	.name = "version",
	.xep = 92,
	.version = "1.1",
	.disco = (const char *const[]) { NS, NULL },
	.disco_rooms = (const char *const[]) { NS, NULL },
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
};
