#include "server/admin/gather.h"

#include <string.h>

#include "base/heap.h"

struct ly_admin_gather {
	struct ly_admin_providers *p; /* borrowed */
	enum ly_admin_kind kind;
	unsigned asker;
	char *arg;       /* owned */
	json_t *all;     /* owned; only touched at the asker */
	unsigned n_left; /* parts that are out; only touched at the asker */
	ly_admin_done_fn done;
	void *ctx;
	struct ly_admin_part parts[]; /* one per home */
};

static void finish(struct ly_admin_gather *g)
{
	g->done(g->ctx, g->all);
	json_decref(g->all);
	ly_free(g->arg, LY_MEM_MISC);
	ly_free(g, LY_MEM_MISC);
}

/* At the asker. */
static void collect(struct ly_home *home, struct ly_msg *msg)
{
	struct ly_admin_part *part = LY_CONTAINER_OF(msg, struct ly_admin_part, msg);
	struct ly_admin_gather *g = part->gather;

	(void)home;
	if (g->all != NULL && part->out != NULL && json_array_extend(g->all, part->out) != 0) {
		json_decref(g->all);
		g->all = NULL;
	}
	json_decref(part->out);
	if (--g->n_left == 0)
		finish(g);
}

/* Shutdown: the queues are dropped when no loop runs any more. */
static void drop(struct ly_msg *msg)
{
	struct ly_admin_part *part = LY_CONTAINER_OF(msg, struct ly_admin_part, msg);
	struct ly_admin_gather *g = part->gather;

	json_decref(part->out);
	json_decref(g->all);
	g->all = NULL;
	if (--g->n_left == 0)
		finish(g);
}

static void fill(struct ly_home *home, struct ly_msg *msg)
{
	struct ly_admin_part *part = LY_CONTAINER_OF(msg, struct ly_admin_part, msg);
	struct ly_admin_gather *g = part->gather;

	g->p->v[g->kind].fill(home, g->p->v[g->kind].ctx, part);
}

void ly_admin_part_done(struct ly_admin_part *part)
{
	struct ly_admin_gather *g = part->gather;

	part->msg.run = collect;
	g->p->post(g->p->post_ctx, g->asker, &part->msg);
}

void ly_admin_gather(struct ly_admin_providers *p, enum ly_admin_kind kind, const char *arg,
		     unsigned asker, ly_usec wall, ly_admin_done_fn done, void *ctx)
{
	unsigned n = p->v[kind].fill ? p->n_homes : 0;
	struct ly_admin_gather *g = ly_alloc(sizeof(*g) + n * sizeof(g->parts[0]), LY_MEM_MISC);
	bool failed = g == NULL;

	if (g != NULL) {
		g->p = p;
		g->kind = kind;
		g->asker = asker;
		g->done = done;
		g->ctx = ctx;
		g->all = json_array();
		g->arg = arg ? ly_strdup(arg, LY_MEM_MISC) : NULL;
		failed = g->all == NULL || (arg && g->arg == NULL);
	}
	for (unsigned i = 0; i < n && !failed; i++) {
		g->parts[i].out = json_array();
		failed = g->parts[i].out == NULL;
	}
	if (failed || n == 0) {
		done(ctx, failed ? NULL : g->all);
		for (unsigned i = 0; g != NULL && i < n; i++)
			json_decref(g->parts[i].out);
		if (g != NULL) {
			json_decref(g->all);
			ly_free(g->arg, LY_MEM_MISC);
		}
		ly_free(g, LY_MEM_MISC);
		return;
	}
	g->n_left = n;
	for (unsigned i = 0; i < n; i++) {
		struct ly_admin_part *part = &g->parts[i];

		part->gather = g;
		part->arg = g->arg;
		part->wall = wall;
		part->msg.source = asker;
		part->msg.run = fill;
		part->msg.drop = drop;
		p->post(p->post_ctx, i, &part->msg);
	}
}
