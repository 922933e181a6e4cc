#include "signaling/stream/ratelimit.h"

#include <errno.h>

#include "base/map.h"
#include "base/util.h"

/* Candidates looked at when one has to go; the one that is nearest to full loses least. */
#define SAMPLES 8

/* A bucket as one number: the time at which it is full again. It holds `burst` tokens then and one
 * less per interval before. */
struct bucket {
	uint64_t key;
	ly_usec full_at;
	size_t pos; /* in order[] */
};

struct ly_ratelimit {
	struct ly_ratelimit_conf conf;
	struct ly_map map;     /* key hash to bucket */
	struct bucket **order; /* owned: all buckets, for sampling */
	size_t n;
	uint64_t turn; /* state of the sampling */
};

int ly_ratelimit_create(struct ly_ratelimit **out, const struct ly_ratelimit_conf *conf)
{
	struct ly_ratelimit *r;

	if (conf->burst == 0 || conf->interval <= 0 || conf->max_keys == 0)
		return -EINVAL;
	r = ly_alloc(sizeof(*r), LY_MEM_CONN);
	if (r == NULL)
		return -ENOMEM;
	r->order = ly_alloc(conf->max_keys * sizeof(struct bucket *), LY_MEM_CONN);
	if (r->order == NULL) {
		ly_free(r, LY_MEM_CONN);
		return -ENOMEM;
	}
	r->conf = *conf;
	r->turn = conf->seed;
	ly_map_init(&r->map, LY_MEM_CONN, conf->seed);
	*out = r;
	return 0;
}

void ly_ratelimit_free(struct ly_ratelimit *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		ly_free(r->order[i], LY_MEM_CONN);
	ly_free(r->order, LY_MEM_CONN);
	ly_map_fini(&r->map);
	ly_free(r, LY_MEM_CONN);
}

static struct bucket *find(const struct ly_ratelimit *r, struct ly_span key)
{
	return ly_map_find_num(&r->map, ly_hash(key, r->conf.seed));
}

static void drop(struct ly_ratelimit *r, struct bucket *b)
{
	ly_map_del_num(&r->map, b->key);
	r->order[b->pos] = r->order[--r->n];
	r->order[b->pos]->pos = b->pos;
	ly_free(b, LY_MEM_CONN);
}

static void make_room(struct ly_ratelimit *r)
{
	struct bucket *best = NULL;

	for (int i = 0; i < SAMPLES; i++) {
		struct bucket *b;

		r->turn = r->turn * 6364136223846793005u + 1442695040888963407u;
		b = r->order[(r->turn >> 33) % r->n];
		if (best == NULL || b->full_at < best->full_at)
			best = b;
	}
	drop(r, best);
}

static struct bucket *add(struct ly_ratelimit *r, struct ly_span key)
{
	struct bucket *b;

	if (r->n >= r->conf.max_keys)
		make_room(r);
	b = ly_alloc(sizeof(*b), LY_MEM_CONN);
	if (b == NULL)
		return NULL;
	b->key = ly_hash(key, r->conf.seed);
	b->full_at = INT64_MIN;
	if (ly_map_put_num(&r->map, b->key, b)) {
		ly_free(b, LY_MEM_CONN);
		return NULL;
	}
	b->pos = r->n;
	r->order[r->n++] = b;
	return b;
}

static ly_usec wait_for(const struct ly_ratelimit *r, ly_usec now, const struct bucket *b)
{
	ly_usec slack = (ly_usec)(r->conf.burst - 1) * r->conf.interval;

	if (b == NULL || b->full_at <= now + slack)
		return 0;
	return b->full_at - now - slack;
}

ly_usec ly_ratelimit_wait(const struct ly_ratelimit *r, ly_usec now, struct ly_span key)
{
	return wait_for(r, now, find(r, key));
}

bool ly_ratelimit_has(const struct ly_ratelimit *r, ly_usec now, struct ly_span key)
{
	return ly_ratelimit_wait(r, now, key) == 0;
}

bool ly_ratelimit_take(struct ly_ratelimit *r, ly_usec now, struct ly_span key)
{
	struct bucket *b = find(r, key);

	if (b == NULL)
		b = add(r, key);
	if (b == NULL || wait_for(r, now, b) > 0)
		return false; /* without memory: rather refuse than let guess */
	b->full_at = LY_MAX(b->full_at, now) + r->conf.interval;
	return true;
}

size_t ly_ratelimit_keys(const struct ly_ratelimit *r)
{
	return r->n;
}
