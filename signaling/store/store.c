/* Life of a store request: made by a feature, away at the store, back through the home's queue. */
#include "signaling/store/store.h"

#include "base/err.h"

/* A request's inputs and results together; a roster of a thousand contacts needs 150 kB. */
#define REQ_LIMIT (32u << 20)

static void run(struct ly_home *home, struct ly_msg *msg)
{
	struct ly_store_req *req = LY_CONTAINER_OF(msg, struct ly_store_req, msg);

	if (req->done)
		req->done(home, req, req->ctx);
	ly_store_req_destroy(req);
}

static void drop(struct ly_msg *msg)
{
	run(NULL, msg);
}

struct ly_store_req *ly_store_req_create(unsigned home, enum ly_store_op op, const char *owner)
{
	struct ly_store_req *req = ly_alloc(sizeof(*req), LY_MEM_STORE);

	if (req == NULL)
		return NULL;
	ly_arena_init(&req->arena, LY_MEM_STORE, REQ_LIMIT);
	req->msg.source = home;
	req->msg.must_run = true;
	req->msg.run = run;
	req->msg.drop = drop;
	req->home = home;
	req->op = op;
	req->owner = ly_arena_strdup(&req->arena, owner);
	if (req->owner == NULL) {
		ly_store_req_destroy(req);
		return NULL;
	}
	return req;
}

void ly_store_req_destroy(struct ly_store_req *req)
{
	if (req == NULL)
		return;
	ly_arena_fini(&req->arena);
	ly_free(req, LY_MEM_STORE);
}

const char *ly_store_str(struct ly_store_req *req, const char *s)
{
	char *copy;

	if (s == NULL)
		return NULL;
	copy = ly_arena_strdup(&req->arena, s);
	if (copy == NULL)
		req->err = -ENOMEM;
	return copy;
}

void ly_store_set_item(struct ly_store_req *req, const struct ly_store_contact *item)
{
	struct ly_store_contact *to = &req->u.item;
	const char **groups = NULL;

	*to = *item;
	to->jid = ly_store_str(req, item->jid);
	to->name = ly_store_str(req, item->name);
	to->request = ly_store_str(req, item->request);
	if (item->n_groups) {
		groups = ly_arena_alloc(&req->arena, item->n_groups * sizeof(*groups));
		if (groups == NULL)
			req->err = -ENOMEM;
	}
	to->n_groups = groups ? item->n_groups : 0;
	for (size_t i = 0; i < to->n_groups; i++)
		groups[i] = ly_store_str(req, item->groups[i]);
	to->groups = groups;
}

const char *ly_store_op_name(enum ly_store_op op)
{
	static const char *const names[LY_STORE_N_OPS] = {
		[LY_STORE_USER_GET] = "user_get",
		[LY_STORE_USER_PUT] = "user_put",
		[LY_STORE_USER_DELETE] = "user_delete",
		[LY_STORE_USER_LIST] = "user_list",
		[LY_STORE_ROSTER_GET] = "roster_get",
		[LY_STORE_ROSTER_PUT] = "roster_put",
		[LY_STORE_ROSTER_DELETE] = "roster_delete",
		[LY_STORE_VCARD_GET] = "vcard_get",
		[LY_STORE_VCARD_PUT] = "vcard_put",
		[LY_STORE_PRIVATE_GET] = "private_get",
		[LY_STORE_PRIVATE_PUT] = "private_put",
		[LY_STORE_LAST_GET] = "last_get",
		[LY_STORE_LAST_PUT] = "last_put",
		[LY_STORE_ROOM_GET] = "room_get",
		[LY_STORE_ROOM_PUT] = "room_put",
		[LY_STORE_ROOM_DELETE] = "room_delete",
		[LY_STORE_ROOM_LIST] = "room_list",
		[LY_STORE_ROOM_HISTORY_ADD] = "room_history_add",
		[LY_STORE_ROOM_HISTORY_GET] = "room_history_get",
		[LY_STORE_OFFLINE_ADD] = "offline_add",
		[LY_STORE_OFFLINE_TAKE] = "offline_take",
		[LY_STORE_AUDIT_ADD] = "audit_add",
		[LY_STORE_AUDIT_LIST] = "audit_list",
	};

	return op < LY_STORE_N_OPS ? names[op] : "unknown";
}
