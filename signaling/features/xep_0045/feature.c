/* XEP-0045 as the core sees it: rooms of all hosts of kind ROOMS at one home. */
#include "signaling/feature.h"
#include "signaling/features/xep_0045/muc_priv.h"

extern const struct ly_feature ly_xep_0045;

/* The state of a home: the rooms of each host, in the order of the configuration. */
struct hosts {
	size_t n;
	struct ly_muc *v[];
};

static void fini(struct ly_home *home, void *state)
{
	struct hosts *h = (struct hosts *)state;

	(void)home;
	for (size_t i = 0; h != NULL && i < h->n; i++)
		ly_muc_destroy(h->v[i]);
	ly_free(h, LY_MEM_ROOM);
}

static int init(struct ly_home *home, void **state)
{
	const struct ly_home_conf *conf = ly_home_conf(home);
	struct hosts *h =
		(struct hosts *)ly_alloc(sizeof(*h) + conf->n_hosts * sizeof(void *), LY_MEM_ROOM);
	int err = h == NULL ? -ENOMEM : 0;

	for (size_t i = 0; err == 0 && i < conf->n_hosts; i++) {
		if (conf->hosts[i].kind != LY_HOST_ROOMS)
			continue;
		err = ly_muc_create(&h->v[h->n], home, conf->hosts[i].domain);
		h->n += err == 0;
	}
	if (err != 0) {
		fini(home, h);
		return err;
	}
	*state = h;
	return 0;
}

static struct ly_muc *find(const struct hosts *h, const char *domain)
{
	for (size_t i = 0; h != NULL && i < h->n; i++)
		if (strcmp(h->v[i]->domain, domain) == 0)
			return h->v[i];
	return NULL;
}

struct ly_muc *ly_muc_of(struct ly_home *home, const char *domain)
{
	return find((const struct hosts *)ly_home_state(home, &ly_xep_0045), domain);
}

void ly_muc_each(struct ly_home *home, ly_muc_room_fn fn, void *ctx)
{
	const struct hosts *h = (const struct hosts *)ly_home_state(home, &ly_xep_0045);

	for (size_t i = 0; h != NULL && i < h->n; i++) {
		struct ly_map_slot slot;
		size_t it = 0;

		while (ly_map_next(&h->v[i]->rooms, &it, &slot)) {
			const struct ly_room *room = (const struct ly_room *)slot.value;
			struct ly_muc_room_info info = {
				room->jid,
				room->conf.name,
				room->n_occupants,
				room->conf.persistent,
				room->conf.is_public,
			};

			if (room->state != LY_ROOM_LOADING)
				fn(ctx, &info);
		}
	}
}

static void on_room_stanza(struct ly_feature_ctx *ctx)
{
	struct ly_muc *muc = find((const struct hosts *)ctx->state, ctx->stanza->to.domain);

	if (muc == NULL)
		return;
	ly_muc_recv(muc, ctx->stanza);
	ctx->stanza = NULL;
}

static enum ly_verdict on_items(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	struct ly_muc *muc = find((const struct hosts *)ctx->state, iq->to.domain);

	if (muc == NULL)
		return LY_PASS;
	ly_muc_list_rooms(muc, ctx->stanza);
	ctx->stanza = NULL;
	return LY_HANDLED;
}

static const struct ly_iq_route routes[] = {
	{ LY_T_GET, LY_TO_ROOMS_HOST, LY_NS_DISCO_ITEMS, "query", on_items },
};

static const struct ly_hooks hooks = { .room_stanza = on_room_stanza };

const struct ly_feature ly_xep_0045 = {
	.name = "muc",
	.xep = 45,
	.version = "1.35.5",
	.disco_rooms = (const char *const[]) { LY_NS_MUC, LY_NS_MUC_STABLE_ID, LY_NS_SID,
					       LY_NS_PING, NULL },
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
	.hooks = &hooks,
	.init = init,
	.fini = fini,
};
