/* From a stanza to the home of its addressee, and there to what it is addressed to. */
#include "signaling/router/core.h"
#include "signaling/session/core.h"

#include "base/log.h"

static const struct ly_log lg = { "router", "" };

void ly_carrier_drop(struct ly_msg *msg)
{
	ly_stanza_free(LY_CONTAINER_OF(msg, struct ly_carrier, msg)->st);
}

struct ly_carrier *ly_carry(struct ly_home *home, struct ly_stanza *st,
			    void (*run)(struct ly_home *home, struct ly_msg *msg))
{
	struct ly_carrier *c = ly_arena_alloc(&st->doc->arena, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->st = st;
	c->msg.source = home->conf.index;
	c->msg.run = run;
	c->msg.drop = ly_carrier_drop;
	return c;
}

void ly_run_deliver(struct ly_home *home, struct ly_msg *msg)
{
	ly_deliver(home, LY_CONTAINER_OF(msg, struct ly_carrier, msg)->st);
}

int ly_stanza_set_to(struct ly_stanza *st, const char *jid)
{
	/* the stanza is still the router's own: nobody else has seen it */
	int err = ly_xml_set_attr((struct ly_xml *)st->root, &st->doc->arena, "to", jid);

	return err ? err : ly_jid_parse(&st->to, &st->doc->arena, jid);
}

/* The home that is to take it, -ENOENT for a domain that is not served here. */
static int target_of(struct ly_home *home, const struct ly_stanza *st)
{
	const struct ly_host *host = ly_home_host(home, st->to.domain);

	if (host == NULL)
		return -ENOENT;
	if (host->kind == LY_HOST_COMPONENT)
		return (int)host->home_of(host->ctx, st);
	if (host->kind == LY_HOST_USERS && st->to.local == NULL)
		return (int)home->conf.index; /* stateless: no reason to go elsewhere */
	return (int)ly_home_index_of(home->env.n_homes, ly_span_str(st->to.bare));
}

void ly_route(struct ly_home *home, struct ly_stanza *st)
{
	struct ly_carrier *c;
	int target;

	if (!ly_jid_is_set(&st->to)) {
		ly_log(&lg, LY_WARN, "no-addressee", "from=%s", st->from.full ? st->from.full : "");
		ly_stanza_free(st);
		return;
	}
	target = target_of(home, st);
	if (target < 0) {
		ly_bounce(home, st, LY_REMOTE_SERVER_NOT_FOUND, NULL);
		return;
	}
	c = ly_carry(home, st, ly_run_deliver);
	if (c == NULL) {
		ly_log(&lg, LY_ERROR, "out-of-memory", "to=%s", st->to.full);
		ly_stanza_free(st);
		return;
	}
	ly_home_post(home, (unsigned)target, &c->msg);
}

void ly_route_build(struct ly_home *home, struct ly_xml_doc *doc, struct ly_build *b)
{
	struct ly_stanza *st;
	int err = ly_build_finish(b, &doc->root);

	if (!err)
		err = ly_stanza_wrap(&st, doc);
	if (err) {
		ly_log(&lg, LY_ERROR, "stanza-lost", "err=%s", ly_err_name(err));
		ly_xml_doc_free(doc);
		return;
	}
	ly_route(home, st);
}

void ly_bounce(struct ly_home *home, struct ly_stanza *st, enum ly_cond cond, const char *text)
{
	struct ly_xml_doc *doc = st->doc;
	struct ly_xml *root = ly_stanza_error(st, cond, LY_ERR_DEFAULT, text);
	struct ly_stanza *reply;

	/* the answer lives in the arena of the question and takes it over */
	if (root == NULL || !ly_jid_is_set(&st->from)) {
		ly_stanza_free(st);
		return;
	}
	doc->root = root;
	if (ly_stanza_wrap(&reply, doc)) {
		ly_xml_doc_free(doc);
		return;
	}
	ly_route(home, reply);
}

static bool is_request(const struct ly_stanza *st)
{
	return st->kind == LY_IQ && (st->type == LY_T_GET || st->type == LY_T_SET);
}

/* The domain itself: answers requests; a message to it has no reader, presence says nothing to it.
 */
static void deliver_host(struct ly_home *home, enum ly_addressee to, struct ly_stanza *st)
{
	if (is_request(st))
		ly_iq_dispatch(home, to, NULL, st);
	else if (st->kind == LY_MESSAGE)
		ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
	else
		ly_stanza_free(st);
}

static void deliver_room(struct ly_home *home, const struct ly_host *host, struct ly_stanza *st)
{
	for (size_t i = 0; i < home->n_features; i++) {
		const struct ly_hooks *hooks = home->features[i]->hooks;
		struct ly_feature_ctx ctx;

		if (hooks == NULL || hooks->room_stanza == NULL)
			continue;
		ctx = ly_feature_ctx(home, i, NULL, NULL);
		ctx.host = host;
		ctx.stanza = st;
		hooks->room_stanza(&ctx);
		if (ctx.stanza == NULL)
			return;
	}
	if (st->kind == LY_PRESENCE)
		ly_stanza_free(st);
	else
		ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
}

void ly_deliver(struct ly_home *home, struct ly_stanza *st)
{
	const struct ly_host *host = ly_home_host(home, st->to.domain);

	if (host == NULL)
		ly_bounce(home, st, LY_REMOTE_SERVER_NOT_FOUND, NULL);
	else if (host->kind == LY_HOST_COMPONENT)
		host->recv(home, host->ctx, st);
	else if (ly_pair_hold(home, st, st->to.full, 0, ly_run_deliver))
		return;
	else if (host->kind == LY_HOST_ROOMS && st->to.local)
		deliver_room(home, host, st);
	else if (host->kind == LY_HOST_ROOMS)
		deliver_host(home, LY_TO_ROOMS_HOST, st);
	else if (st->to.local == NULL)
		deliver_host(home, LY_TO_HOST, st);
	else
		ly_deliver_account(home, st);
}
