/* The roster as clients see it (RFC 6121 s. 2): get, set, remove, pushes. */
#include "signaling/session/core.h"

#include "base/log.h"

static const struct ly_log lg = { "roster", "" };

static const char NS[] = "jabber:iq:roster";

/* Most bytes of a name or group: what clients show, and an answer to s. 2.3.3's "too long". */
#define TEXT_MAX 1023

static void build_item(struct ly_build *b, const struct ly_contact *c)
{
	const char *g = c->groups;

	ly_build_open(b, NS, "item");
	ly_build_attr(b, "jid", c->jid);
	ly_build_attr(b, "name", c->name);
	ly_build_attr(b, "subscription", ly_subscription_name((enum ly_subscription)c->sub));
	ly_build_attr(b, "ask", c->ask ? "subscribe" : NULL);
	ly_build_attr(b, "approved", c->approved ? "true" : NULL);
	for (size_t i = 0; i < c->n_groups; i++) {
		ly_build_element(b, NS, "group", g);
		g += strlen(g) + 1;
	}
	ly_build_close(b);
}

/* ---- pushes ---- */

static struct ly_blob *push_blob(struct ly_user *user, const char *jid, bool removed)
{
	const struct ly_contact *c = ly_roster_find(&user->roster, jid);
	struct ly_arena arena;
	struct ly_build b;
	struct ly_xml *root;
	struct ly_blob *blob = NULL;

	ly_arena_init(&arena, LY_MEM_XML, 0);
	ly_build_init(&b, &arena);
	ly_build_open(&b, LY_NS_CLIENT, "iq");
	ly_build_attr(&b, "type", "set");
	ly_build_attr_fmt(&b, "id", "push-%llu", (unsigned long long)++user->home->push_id);
	ly_build_open(&b, NS, "query");
	if (removed || c == NULL || !c->listed) {
		ly_build_open(&b, NS, "item");
		ly_build_attr(&b, "jid", jid);
		ly_build_attr(&b, "subscription", "remove");
	} else {
		build_item(&b, c);
	}
	if (ly_build_finish(&b, &root) == 0)
		blob = ly_xml_to_blob(root, true);
	ly_arena_fini(&arena);
	return blob;
}

void ly_roster_push(struct ly_user *user, const char *jid, bool removed)
{
	struct ly_blob *blob = push_blob(user, jid, removed);

	if (blob == NULL) {
		ly_log(&lg, LY_ERROR, "push-lost", "user=%s", user->jid);
		return;
	}
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (s->interested)
			ly_session_send_blob(s, blob, s->jid);
	}
	ly_blob_unref(blob);
}

/* ---- the store ---- */

struct ly_store_req *ly_roster_save_request(struct ly_user *user, const char *jid)
{
	const struct ly_contact *c = ly_roster_find(&user->roster, jid);
	struct ly_store_contact item = { .jid = jid };
	const char **groups = NULL;
	struct ly_store_req *req;

	req = ly_store_req_create(user->home->conf.index,
				  c ? LY_STORE_ROSTER_PUT : LY_STORE_ROSTER_DELETE, user->jid);
	if (req == NULL)
		return NULL;
	if (c) {
		groups = ly_arena_alloc(&req->arena, (c->n_groups + 1u) * sizeof(*groups));
		if (groups == NULL) {
			ly_store_req_destroy(req);
			return NULL;
		}
		ly_contact_get(c, &item, groups);
	}
	ly_store_set_item(req, &item);
	return req;
}

static void on_saved(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	(void)ctx;
	if (home && req->err)
		ly_log(&lg, LY_ERROR, "save", "user=%s err=%s", req->owner, ly_err_name(req->err));
}

void ly_roster_save(struct ly_user *user, const char *jid)
{
	struct ly_store_req *req = ly_roster_save_request(user, jid);

	if (req == NULL) {
		ly_log(&lg, LY_ERROR, "save", "user=%s err=out of memory", user->jid);
		return;
	}
	req->done = on_saved;
	ly_home_store(user->home, req);
}

/* ---- get ---- */

static enum ly_verdict on_get(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	const struct ly_roster *r = &ctx->user->roster;
	struct ly_build b = ly_iq_result(iq);

	if (ctx->session)
		ctx->session->interested = true;
	ly_build_open(&b, NS, "query");
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i]->listed)
			build_item(&b, r->v[i]);
	return ly_reply(ctx, &b);
}

/* ---- set ---- */

/* s. 2.3.3: what may be wrong with groups. @return 0, or -1 with *cond */
static int read_groups(const struct ly_xml *el, const char **out, size_t max, size_t *n,
		       enum ly_cond *cond)
{
	*n = 0;
	for (const struct ly_xml *g = ly_xml_child(el, NS, "group"); g;
	     g = ly_xml_next_child(g, NS, "group")) {
		const char *name = ly_xml_text(g);

		*cond = LY_NOT_ACCEPTABLE;
		if (*name == '\0' || strlen(name) > TEXT_MAX || *n == max)
			return -1;
		*cond = LY_BAD_REQUEST;
		for (size_t i = 0; i < *n; i++)
			if (strcmp(out[i], name) == 0)
				return -1;
		out[(*n)++] = name;
	}
	return 0;
}

/* The result goes out after the commit (req->err), the push with it. */
static enum ly_verdict on_committed(struct ly_feature_ctx *ctx, const struct ly_stanza *iq,
				    struct ly_store_req *req)
{
	const char *jid = req->u.item.jid;

	(void)iq;
	if (req->err)
		return ly_reply_errno(ctx, req->err);
	if (ctx->user)
		ly_roster_push(ctx->user, jid, req->op == LY_STORE_ROSTER_DELETE);
	return ly_reply_empty(ctx);
}

/* s. 2.5.2: the contact is told that both directions end. */
static enum ly_verdict remove_item(struct ly_feature_ctx *ctx, const char *jid)
{
	struct ly_user *user = ctx->user;
	const struct ly_contact *c = ly_roster_find(&user->roster, jid);
	bool to, from, pending;

	if (c == NULL || !c->listed)
		return ly_reply_error(ctx, LY_ITEM_NOT_FOUND, NULL);
	to = c->sub == LY_SUB_TO || c->sub == LY_SUB_BOTH || c->ask;
	from = c->sub == LY_SUB_FROM || c->sub == LY_SUB_BOTH;
	pending = c->pending_in;
	ly_roster_del(&user->roster, jid);
	if (to)
		ly_presence_send(ctx->home, "unsubscribe", user->jid, jid);
	if (from || pending)
		ly_presence_send(ctx->home, "unsubscribed", user->jid, jid);
	if (from)
		ly_presence_hide(user, jid);
	return ly_store_submit(ctx, ly_roster_save_request(user, jid), on_committed);
}

static int put_item(struct ly_user *user, const char *jid, const char *name,
		    const char *const *groups, size_t n_groups)
{
	const struct ly_contact *c = ly_roster_find(&user->roster, jid);
	struct ly_store_contact item = { .jid = jid };

	if (c == NULL && user->roster.n >= user->home->conf.limits.roster)
		return -E2BIG;
	if (c) {
		item.sub = (enum ly_subscription)c->sub;
		item.ask = c->ask;
		item.approved = c->approved;
		item.pending_in = c->pending_in;
		item.request = c->request;
	}
	item.listed = true;
	item.name = name && *name ? name : NULL;
	item.groups = groups;
	item.n_groups = n_groups;
	return ly_roster_put(&user->roster, &item, NULL);
}

static enum ly_verdict set_item(struct ly_feature_ctx *ctx, const struct ly_xml *el,
				const char *jid)
{
	size_t max = ly_home_conf(ctx->home)->limits.groups, n;
	struct ly_arena *arena = &ctx->stanza->doc->arena;
	const char **groups = ly_arena_alloc(arena, max * sizeof(*groups));
	const char *name = ly_xml_attr(el, "name");
	enum ly_cond cond;
	int err;

	if (groups == NULL)
		return ly_reply_error(ctx, LY_RESOURCE_CONSTRAINT, NULL);
	if (name && strlen(name) > TEXT_MAX)
		return ly_reply_error(ctx, LY_NOT_ACCEPTABLE, "the name is too long");
	if (read_groups(el, groups, max, &n, &cond))
		return ly_reply_error(ctx, cond, "empty, doubled, too long or too many groups");
	err = put_item(ctx->user, jid, name, groups, n);
	if (err)
		return ly_reply_errno(ctx, err);
	return ly_store_submit(ctx, ly_roster_save_request(ctx->user, jid), on_committed);
}

static enum ly_verdict on_set(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	const struct ly_xml *el = ly_xml_child(ly_iq_payload(iq), NS, "item");
	const char *attr = el ? ly_xml_attr(el, "jid") : NULL;
	const char *sub = el ? ly_xml_attr(el, "subscription") : NULL;
	struct ly_jid jid;

	if (attr == NULL || ly_xml_next_child(el, NS, "item"))
		return ly_reply_error(ctx, LY_BAD_REQUEST, "exactly one item with a jid");
	if (ly_jid_parse(&jid, &ctx->stanza->doc->arena, attr))
		return ly_reply_error(ctx, LY_JID_MALFORMED, NULL);
	if (strcmp(jid.bare, ctx->user->jid) == 0)
		return ly_reply_error(ctx, LY_NOT_ALLOWED, "nobody is in one's own roster");
	if (sub && strcmp(sub, "remove") == 0)
		return remove_item(ctx, jid.bare);
	return set_item(ctx, el, jid.bare);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_GET, LY_TO_OWN, NS, "query", on_get },
	{ LY_T_SET, LY_TO_OWN, NS, "query", on_set },
};

const struct ly_feature ly_rfc_6121_roster = {
	.name = "roster",
	.version = "RFC 6121",
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
};
