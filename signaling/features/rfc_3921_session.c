/* Session establishment of RFC 3921 s. 3: RFC 6121 s. 1.4 dropped it, older clients still ask; a
 * bound resource needs nothing more. */
#include "signaling/feature.h"

static const char NS[] = "urn:ietf:params:xml:ns:xmpp-session";

static enum ly_verdict on_set(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	(void)iq;
	return ly_reply_empty(ctx);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_SET, LY_TO_HOST, NS, "session", on_set },
	{ LY_T_SET, LY_TO_OWN, NS, "session", on_set },
};

const struct ly_feature ly_rfc_3921_session = {
	.name = "session",
	.version = "RFC 3921",
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
};
