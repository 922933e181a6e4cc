/* IQ requests: found in the table of the features' routes, answered at once or kept until the store
 * has answered. While one is kept, later stanzas of the same sender to the same addressee wait
 * behind it. */
#include "signaling/router/core.h"
#include "signaling/session/core.h"

#include <stdio.h>

#include "base/log.h"

static const struct ly_log lg = { "iq", "" };

/* One route; entries with the same key form a chain in the order of the registry. */
struct ly_iq_entry {
	struct ly_iq_entry *next;
	const struct ly_iq_route *route;
	size_t feature;
	char key[]; /* of the first of a chain; "" in the others */
};

/* A request that waits, and what waits behind it. Owned by the store's request; found by its key.
 */
struct ly_pair {
	struct ly_stanza *st;
	struct ly_iq_entry *entry;
	ly_resume_fn resume;
	enum ly_addressee to;
	struct ly_list behind; /* of struct ly_carrier, owned */
	unsigned n_behind;
	char key[];
};

/* What a handler's ctx->core points to. */
struct core {
	struct ly_iq_entry *entry;
	enum ly_addressee to;
	struct ly_pair *pair; /* when it goes on after a wait; reused by the next one */
	bool waits;
};

/* Long enough for any route: the name and namespace of an element nobody serves may be cut. */
#define KEY_MAX 256

static struct ly_span make_key(char *out, enum ly_stanza_type type, enum ly_addressee to,
			       const char *ns, const char *name)
{
	int len = snprintf(out, KEY_MAX, "%d %d %s %s", (int)type, (int)to, ns ? ns : "*", name);

	return ly_span(out, LY_MIN((size_t)len, KEY_MAX - 1));
}

static int add_route(struct ly_home *home, size_t feature, const struct ly_iq_route *route)
{
	char key[KEY_MAX];
	struct ly_span k = make_key(key, route->type, route->to, route->ns, route->name);
	struct ly_iq_entry *e = ly_alloc(sizeof(*e) + k.len + 1, LY_MEM_SESSION);
	struct ly_iq_entry *first = ly_map_find(&home->routes, k);
	int err;

	if (e == NULL)
		return -ENOMEM;
	e->route = route;
	e->feature = feature;
	if (first) {
		while (first->next)
			first = first->next;
		first->next = e;
		return 0;
	}
	memcpy(e->key, k.ptr, k.len);
	err = ly_map_put(&home->routes, ly_span(e->key, k.len), e);
	if (err)
		ly_free(e, LY_MEM_SESSION);
	return err;
}

int ly_iq_table_init(struct ly_home *home)
{
	for (size_t i = 0; i < home->n_features; i++) {
		const struct ly_feature *f = home->features[i];

		for (size_t k = 0; k < f->n_routes; k++) {
			int err = add_route(home, i, &f->routes[k]);

			if (err)
				return err;
		}
	}
	return 0;
}

void ly_iq_table_fini(struct ly_home *home)
{
	size_t it = 0;
	struct ly_map_slot slot;

	while (ly_map_next(&home->routes, &it, &slot)) {
		struct ly_iq_entry *e = slot.value;

		while (e) {
			struct ly_iq_entry *next = e->next;

			ly_free(e, LY_MEM_SESSION);
			e = next;
		}
	}
}

static struct ly_iq_entry *find_route(struct ly_home *home, const struct ly_stanza *st,
				      enum ly_addressee to)
{
	const struct ly_xml *payload = ly_iq_payload(st);
	char key[KEY_MAX];
	struct ly_iq_entry *e;

	if (payload == NULL)
		return NULL;
	e = ly_map_find(&home->routes, make_key(key, st->type, to, payload->ns, payload->name));
	if (e == NULL)
		e = ly_map_find(&home->routes, make_key(key, st->type, to, NULL, payload->name));
	return e;
}

/* ---- pairs ---- */

static struct ly_span pair_key(struct ly_buf *buf, const struct ly_stanza *st, const char *to)
{
	ly_buf_adds(buf, st->from.full ? st->from.full : "");
	ly_buf_addc(buf, '\n');
	ly_buf_adds(buf, to);
	return ly_buf_span(buf);
}

bool ly_pair_hold(struct ly_home *home, struct ly_stanza *st, const char *to, uint64_t session,
		  void (*run)(struct ly_home *home, struct ly_msg *msg))
{
	struct ly_buf buf;
	struct ly_pair *pair;
	struct ly_carrier *c;

	if (home->pairs.n == 0)
		return false;
	ly_buf_init(&buf, LY_MEM_QUEUE, 0);
	pair = ly_map_find(&home->pairs, pair_key(&buf, st, to));
	ly_buf_fini(&buf);
	if (pair == NULL)
		return false;
	c = pair->n_behind < home->conf.limits.waiting ? ly_carry(home, st, run) : NULL;
	if (c == NULL) {
		ly_bounce(home, st, LY_RESOURCE_CONSTRAINT, "too many requests at once");
		return true;
	}
	c->session = session;
	ly_list_add_tail(&pair->behind, &c->msg.link);
	pair->n_behind++;
	return true;
}

static void pair_free(struct ly_pair *pair)
{
	LY_LIST_EACH (node, tmp, &pair->behind) {
		struct ly_msg *msg = LY_LIST_ENTRY(node, struct ly_msg, link);

		ly_list_del(node);
		msg->drop(msg); /* NOLINT: ly_carry() set it */
	}
	ly_stanza_free(pair->st);
	ly_free(pair, LY_MEM_QUEUE);
}

/* The wait is over: what was held back goes on, until the next one waits. */
static void pair_release(struct ly_home *home, struct ly_pair *pair)
{
	struct ly_list behind;

	ly_map_del(&home->pairs, ly_span_str(pair->key));
	ly_list_init(&behind);
	LY_LIST_EACH (node, tmp, &pair->behind) {
		ly_list_del(node);
		ly_list_add_tail(&behind, node);
	}
	pair_free(pair);
	while (!ly_list_is_empty(&behind)) {
		struct ly_msg *msg = LY_LIST_ENTRY(behind.next, struct ly_msg, link);

		ly_list_del(&msg->link);
		msg->run(home, msg);
	}
}

static struct ly_pair *pair_create(struct ly_home *home, const struct ly_stanza *st,
				   const struct core *core)
{
	const char *to = ly_jid_is_set(&st->to) ? st->to.full : st->from.bare;
	struct ly_pair *pair = NULL;
	struct ly_buf buf;
	struct ly_span key;

	ly_buf_init(&buf, LY_MEM_QUEUE, 0);
	key = pair_key(&buf, st, to);
	if (buf.err == 0)
		pair = ly_alloc(sizeof(*pair) + key.len + 1, LY_MEM_QUEUE);
	if (pair) {
		memcpy(pair->key, key.ptr, key.len);
		ly_list_init(&pair->behind);
		pair->entry = core->entry;
		pair->to = core->to;
		if (ly_map_put(&home->pairs, ly_span(pair->key, key.len), pair)) {
			ly_free(pair, LY_MEM_QUEUE);
			pair = NULL;
		}
	}
	ly_buf_fini(&buf);
	return pair;
}

/* ---- running handlers ---- */

static void fill_ctx(struct ly_feature_ctx *ctx, struct ly_home *home, struct core *core,
		     struct ly_user *user, struct ly_stanza *st)
{
	const struct ly_host *host = NULL;

	*ctx = ly_feature_ctx(home, core->entry->feature, user, NULL);
	if (ly_jid_is_set(&st->to))
		host = ly_home_host(home, st->to.domain);
	else
		host = ly_home_host(home, st->from.domain);
	if (host)
		ctx->host = host;
	ctx->stanza = st;
	ctx->core = core;
	if (core->to == LY_TO_OWN)
		ctx->session = ly_home_session(home, st->from.full);
}

/* Goes along the chain from core->entry until one takes it. */
static void run_chain(struct ly_home *home, struct core *core, struct ly_user *user,
		      struct ly_stanza *st)
{
	for (; core->entry; core->entry = core->entry->next) {
		struct ly_feature_ctx ctx;
		enum ly_verdict v;

		fill_ctx(&ctx, home, core, user, st);
		v = core->entry->route->fn(&ctx, st);
		if (v == LY_WAIT)
			return;
		if (v == LY_HANDLED) {
			ly_stanza_free(ctx.stanza);
			return;
		}
	}
	ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
}

void ly_iq_dispatch(struct ly_home *home, enum ly_addressee to, struct ly_user *user,
		    struct ly_stanza *st)
{
	struct core core = { .to = to };

	if (to == LY_TO_ACCOUNT && user && strcmp(st->from.bare, user->jid) == 0) {
		core.entry = find_route(home, st, LY_TO_OWN);
		if (core.entry)
			core.to = LY_TO_OWN;
	}
	if (core.entry == NULL)
		core.entry = find_route(home, st, to);
	run_chain(home, &core, user, st);
}

static void on_answer(struct ly_home *home, struct ly_store_req *req, void *arg)
{
	struct ly_pair *pair = arg;
	struct core core;
	struct ly_feature_ctx ctx;
	struct ly_user *user = NULL;
	enum ly_verdict v;

	if (home == NULL) {
		pair_free(pair);
		return;
	}
	core = (struct core) { .entry = pair->entry, .to = pair->to, .pair = pair };
	if (core.to == LY_TO_ACCOUNT || core.to == LY_TO_OWN)
		user = ly_home_user(home, ly_jid_is_set(&pair->st->to) ? pair->st->to.bare
								       : pair->st->from.bare);
	fill_ctx(&ctx, home, &core, user, pair->st);
	v = pair->resume(&ctx, pair->st, req);
	if (user) {
		user->pins--;
		ly_user_check_idle(user);
	}
	if (v == LY_WAIT)
		return;
	pair->st = ctx.stanza;
	if (v == LY_PASS && pair->st) {
		ly_bounce(home, pair->st, LY_SERVICE_UNAVAILABLE, NULL);
		pair->st = NULL;
	}
	pair_release(home, pair);
}

/* ---- what handlers call ---- */

struct ly_store_req *ly_store_request(struct ly_feature_ctx *ctx, enum ly_store_op op,
				      const char *owner)
{
	return ly_store_req_create(ly_home_index(ctx->home), op, owner);
}

enum ly_verdict ly_store_submit(struct ly_feature_ctx *ctx, struct ly_store_req *req,
				ly_resume_fn resume)
{
	struct core *core = ctx->core;
	struct ly_pair *pair = core->pair;

	if (req && pair == NULL)
		pair = pair_create(ctx->home, ctx->stanza, core);
	if (req == NULL || pair == NULL) {
		ly_store_req_destroy(req);
		return ly_reply_error(ctx, LY_RESOURCE_CONSTRAINT, NULL);
	}
	pair->st = ctx->stanza;
	pair->resume = resume;
	req->done = on_answer;
	req->ctx = pair;
	if (ctx->user)
		ctx->user->pins++;
	ly_home_store(ctx->home, req);
	return LY_WAIT;
}

static enum ly_verdict reply_with(struct ly_feature_ctx *ctx, struct ly_xml *root)
{
	struct ly_stanza *reply;

	/* the answer lives in the arena of the question and takes it over */
	ctx->stanza->doc->root = root;
	if (ly_stanza_wrap(&reply, ctx->stanza->doc)) {
		ly_log(&lg, LY_ERROR, "answer-lost", "feature=%s", ctx->feature->name);
		ly_xml_doc_free(ctx->stanza->doc);
	} else {
		ly_route(ctx->home, reply);
	}
	ctx->stanza = NULL;
	return LY_HANDLED;
}

enum ly_verdict ly_reply(struct ly_feature_ctx *ctx, struct ly_build *b)
{
	struct ly_xml *root;
	int err = ly_build_finish(b, &root);

	if (err)
		return ly_reply_errno(ctx, err);
	return reply_with(ctx, root);
}

enum ly_verdict ly_reply_empty(struct ly_feature_ctx *ctx)
{
	struct ly_build b = ly_iq_result(ctx->stanza);

	return ly_reply(ctx, &b);
}

enum ly_verdict ly_reply_error(struct ly_feature_ctx *ctx, enum ly_cond cond, const char *text)
{
	ly_bounce(ctx->home, ctx->stanza, cond, text);
	ctx->stanza = NULL;
	return LY_HANDLED;
}

enum ly_verdict ly_reply_errno(struct ly_feature_ctx *ctx, int err)
{
	static const struct {
		int err;
		enum ly_cond cond;
	} rows[] = {
		{ -ENOENT, LY_ITEM_NOT_FOUND },     { -EINVAL, LY_BAD_REQUEST },
		{ -EBADMSG, LY_BAD_REQUEST },       { -EACCES, LY_FORBIDDEN },
		{ -EEXIST, LY_CONFLICT },           { -ENOMEM, LY_RESOURCE_CONSTRAINT },
		{ -E2BIG, LY_RESOURCE_CONSTRAINT },
	};

	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		if (rows[i].err == err)
			return ly_reply_error(ctx, rows[i].cond, NULL);
	return ly_reply_error(ctx, LY_INTERNAL_SERVER_ERROR, NULL);
}
