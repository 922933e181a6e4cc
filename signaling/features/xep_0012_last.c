/* XEP-0012 Last Activity: how long the server runs, and when an account was last here. */
#include "signaling/feature.h"

#include "base/err.h"

static const char NS[] = "jabber:iq:last";

struct state {
	ly_usec started;
};

static int init(struct ly_home *home, void **out)
{
	struct state *st = ly_alloc(sizeof(*st), LY_MEM_SESSION);

	if (st == NULL)
		return -ENOMEM;
	st->started = ly_home_now(home);
	*out = st;
	return 0;
}

static void fini(struct ly_home *home, void *state)
{
	(void)home;
	ly_free(state, LY_MEM_SESSION);
}

static enum ly_verdict answer(struct ly_feature_ctx *ctx, ly_usec ago, const char *status)
{
	struct ly_build b = ly_iq_result(ctx->stanza);

	ly_build_open(&b, NS, "query");
	ly_build_attr_fmt(&b, "seconds", "%lld", (long long)(LY_MAX(ago, 0) / LY_SEC(1)));
	ly_build_text(&b, status);
	return ly_reply(ctx, &b);
}

/* s. 5: the uptime. */
static enum ly_verdict on_host(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	const struct state *st = ctx->state;

	(void)iq;
	return answer(ctx, ctx->now - st->started, NULL);
}

static enum ly_verdict on_stored(struct ly_feature_ctx *ctx, const struct ly_stanza *iq,
				 struct ly_store_req *req)
{
	(void)iq;
	if (req->err)
		return ly_reply_errno(ctx, req->err);
	return answer(ctx, ctx->wall - req->u.text.wall, req->u.text.xml);
}

/* s. 4: only for those who may see the presence; to others the account looks like no account. */
static enum ly_verdict on_account(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	if (!ly_user_may_see(ctx->user, &iq->from))
		return LY_PASS;
	if (ly_user_is_available(ctx->user))
		return answer(ctx, 0, NULL);
	return ly_store_submit(ctx, ly_store_request(ctx, LY_STORE_LAST_GET, ctx->user->jid),
			       on_stored);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_GET, LY_TO_HOST, NS, "query", on_host },
	{ LY_T_GET, LY_TO_ACCOUNT, NS, "query", on_account },
};

const struct ly_feature ly_xep_0012_last = {
	.name = "last",
	.xep = 12,
	.version = "2.0",
	.disco = (const char *const[]) { NS, NULL },
	.disco_account = (const char *const[]) { NS, NULL },
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
	.init = init,
	.fini = fini,
};
