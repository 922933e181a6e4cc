/* XEP-0199 XMPP Ping: the server and its accounts answer that they are there. */
#include "signaling/feature.h"

static const char NS[] = "urn:xmpp:ping";

static enum ly_verdict on_get(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	(void)iq;
	return ly_reply_empty(ctx);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_GET, LY_TO_HOST, NS, "ping", on_get },
	{ LY_T_GET, LY_TO_ROOMS_HOST, NS, "ping", on_get },
	{ LY_T_GET, LY_TO_OWN, NS, "ping", on_get }, /* s. 4.2: without `to` it is the account's */
};

const struct ly_feature ly_xep_0199_ping = {
	.name = "ping",
	.xep = 199,
	.version = "2.0.1",
	.disco = (const char *const[]) { NS, NULL },
	.disco_account = (const char *const[]) { NS, NULL },
	.disco_rooms = (const char *const[]) { NS, NULL },
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
};
