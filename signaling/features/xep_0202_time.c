/* XEP-0202 Entity Time: tells a client what time the server thinks it is. */
#include "signaling/feature.h"

static const char NS[] = "urn:xmpp:time";

/* s. 2: both children are REQUIRED; the server keeps UTC, so its offset is "Z" (XEP-0082). */
static enum ly_verdict on_get(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	char utc[LY_DATETIME_MAX];
	struct ly_build b = ly_iq_result(iq);

	ly_datetime_format(utc, sizeof(utc), ctx->wall);
	ly_build_open(&b, NS, "time");
	ly_build_element(&b, NS, "tzo", "Z");
	ly_build_element(&b, NS, "utc", utc);
	return ly_reply(ctx, &b);
}

static const struct ly_iq_route routes[] = { { LY_T_GET, LY_TO_HOST, NS, "time", on_get } };

const struct ly_feature ly_xep_0202_time = {
	.name = "time",
	.xep = 202,
	.version = "2.0",
	.disco = (const char *const[]) { NS, NULL },
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
};
