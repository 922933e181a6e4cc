/* The list of all rooms of a host. Rooms live at many homes: a message goes round them all and
 * comes back to where it started, which adds the rooms that only the store knows, and answers. */
#include "signaling/features/xep_0045/muc_priv.h"

struct tour {
	struct ly_msg msg;
	unsigned origin, left; /* homes still to be visited */
	struct ly_stanza *iq;  /* owned: asks, is answered, lends its arena */
	struct ly_map seen;    /* JIDs */
	struct ly_build b;
	unsigned n;
};

static void tour_free(struct tour *t)
{
	ly_map_fini(&t->seen);
	ly_stanza_free(t->iq);
	ly_free(t, LY_MEM_ROOM);
}

static void drop(struct ly_msg *msg)
{
	tour_free(LY_CONTAINER_OF(msg, struct tour, msg));
}

static void add(struct tour *t, const char *jid, const char *name, bool show)
{
	const char *own = ly_arena_strdup(&t->iq->doc->arena, jid);

	if (own == NULL || ly_map_find_str(&t->seen, jid) != NULL ||
	    ly_map_put(&t->seen, ly_span_str(own), t) != 0)
		return;
	if (!show || t->n >= LY_MUC_MAX_LISTED)
		return;
	t->n++;
	ly_build_open(&t->b, NULL, "item");
	ly_build_attr(&t->b, "jid", jid);
	if (*name)
		ly_build_attr(&t->b, "name", name);
	else
		ly_build_attr_fmt(&t->b, "name", "%.*s", (int)strcspn(jid, "@"), jid);
	ly_build_close(&t->b);
}

static void visit(struct ly_muc *muc, struct tour *t)
{
	struct ly_map_slot slot;
	size_t it = 0;

	while (ly_map_next(&muc->rooms, &it, &slot)) {
		const struct ly_room *room = (const struct ly_room *)slot.value;

		if (room->state != LY_ROOM_LOADING)
			add(t, room->jid, room->conf.name,
			    room->conf.is_public && room->state == LY_ROOM_OPEN);
	}
}

static void got_stored(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct tour *t = (struct tour *)ctx;
	struct ly_muc *muc = home != NULL ? ly_muc_of(home, t->iq->to.domain) : NULL;
	struct ly_stanza *iq = t->iq;

	for (size_t i = 0; muc != NULL && req->err == 0 && i < req->u.rooms.n; i++) {
		const struct ly_store_room *r = &req->u.rooms.v[i];
		struct ly_muc_conf conf;

		if (t->n >= LY_MUC_MAX_LISTED || ly_muc_conf_init(&conf) != 0)
			break;
		if (r->config == NULL || ly_muc_conf_parse(&conf, r->config) == 0)
			add(t, r->jid, conf.name, conf.is_public);
		ly_muc_conf_fini(&conf);
	}
	if (muc != NULL) {
		t->iq = NULL;
		if (req->err == 0)
			ly_muc_answer(muc, iq, &t->b);
		else
			ly_muc_refuse_typed(muc, iq, LY_INTERNAL_SERVER_ERROR, LY_ERR_WAIT, NULL);
	}
	tour_free(t);
}

static void finish(struct ly_home *home, struct tour *t)
{
	struct ly_store_req *req =
		ly_store_req_create(ly_home_index(home), LY_STORE_ROOM_LIST, t->iq->to.domain);

	if (req == NULL) {
		ly_bounce(home, t->iq, LY_RESOURCE_CONSTRAINT, NULL);
		t->iq = NULL;
		tour_free(t);
		return;
	}
	req->done = got_stored;
	req->ctx = t;
	ly_home_store(home, req);
}

static void run(struct ly_home *home, struct ly_msg *msg)
{
	struct tour *t = LY_CONTAINER_OF(msg, struct tour, msg);
	struct ly_muc *muc = ly_muc_of(home, t->iq->to.domain);

	if (muc != NULL)
		visit(muc, t);
	if (--t->left == 0)
		finish(home, t);
	else
		ly_home_post(home, (ly_home_index(home) + 1) % ly_home_n_homes(home), msg);
}

void ly_muc_list_rooms(struct ly_muc *muc, struct ly_stanza *iq)
{
	struct tour *t = (struct tour *)ly_alloc(sizeof(*t), LY_MEM_ROOM);
	unsigned here = ly_home_index(muc->home), n = ly_home_n_homes(muc->home);

	if (t == NULL) {
		ly_muc_refuse(muc, iq, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	t->msg.run = run;
	t->msg.drop = drop;
	t->iq = iq;
	t->left = n;
	ly_map_init(&t->seen, LY_MEM_ROOM, ly_rand_u64(ly_home_rand(muc->home)));
	t->b = ly_iq_result(iq);
	ly_build_open(&t->b, LY_NS_DISCO_ITEMS, "query");
	/* the first stop is the next home, the last is this one */
	ly_home_post(muc->home, (here + 1) % n, &t->msg);
}
