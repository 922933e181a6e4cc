#include "server/io/limits.h"

#include <pthread.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"

/* Tokens are thousandths, so that slow rates fill evenly. */
struct bucket {
	int64_t tokens;
	ly_usec at;
};

struct row {
	struct ly_addr addr; /* the key; no port */
	struct ly_list lru;
	unsigned n_conns;
	struct bucket conns, fails;
};

struct ly_limits {
	pthread_mutex_t lock;
	struct ly_limits_conf conf;
	struct ly_map rows;
	struct ly_list lru; /* oldest first */
};

int ly_limits_create(struct ly_limits **out, const struct ly_limits_conf *conf)
{
	struct ly_limits *l = ly_alloc(sizeof(*l), LY_MEM_CONN);

	if (l == NULL)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->conf = *conf;
	ly_map_init(&l->rows, LY_MEM_CONN, (uint64_t)(uintptr_t)l * 0x9e3779b97f4a7c15u);
	ly_list_init(&l->lru);
	*out = l;
	return 0;
}

void ly_limits_destroy(struct ly_limits *l)
{
	if (l == NULL)
		return;
	LY_LIST_EACH (it, tmp, &l->lru)
		ly_free(LY_LIST_ENTRY(it, struct row, lru), LY_MEM_CONN);
	ly_map_fini(&l->rows);
	pthread_mutex_destroy(&l->lock);
	ly_free(l, LY_MEM_CONN);
}

void ly_limits_set(struct ly_limits *l, const struct ly_limits_conf *conf)
{
	pthread_mutex_lock(&l->lock);
	l->conf = *conf;
	pthread_mutex_unlock(&l->lock);
}

static struct ly_addr key_of(const struct ly_addr *from)
{
	struct ly_addr a = *from;

	a.port = 0;
	a.pad = 0;
	if (a.family == 6)
		memset(a.ip + 8, 0, 8);
	return a;
}

static void fill(struct bucket *b, unsigned per_minute, ly_usec now)
{
	int64_t cap = (int64_t)per_minute * 1000;
	ly_usec gap = LY_MIN(now - b->at, LY_SEC(60));

	b->tokens = LY_MIN(cap, b->tokens + gap * (int64_t)per_minute / 60000);
	b->at = now;
}

/* Makes room by dropping the row that was used longest ago and counts no connection. */
static void evict(struct ly_limits *l)
{
	unsigned looked = 0;

	LY_LIST_EACH (it, tmp, &l->lru) {
		struct row *r = LY_LIST_ENTRY(it, struct row, lru);

		if (r->n_conns == 0) {
			ly_map_del(&l->rows, ly_span(&r->addr, sizeof(r->addr)));
			ly_list_del(&r->lru);
			ly_free(r, LY_MEM_CONN);
			return;
		}
		if (++looked == 64)
			return;
	}
}

static struct row *row_of(struct ly_limits *l, const struct ly_addr *from, ly_usec now, bool add)
{
	struct ly_addr key = key_of(from);
	struct row *r = ly_map_find(&l->rows, ly_span(&key, sizeof(key)));

	if (r == NULL && add) {
		if (l->conf.max_addrs != 0 && l->rows.n >= l->conf.max_addrs)
			evict(l);
		if (l->conf.max_addrs != 0 && l->rows.n >= l->conf.max_addrs)
			return NULL;
		r = ly_alloc(sizeof(*r), LY_MEM_CONN);
		if (r == NULL)
			return NULL;
		r->addr = key;
		r->conns = (struct bucket) { (int64_t)l->conf.conns_per_minute * 1000, now };
		r->fails = (struct bucket) { (int64_t)l->conf.fails_per_minute * 1000, now };
		if (ly_map_put(&l->rows, ly_span(&r->addr, sizeof(r->addr)), r) != 0) {
			ly_free(r, LY_MEM_CONN);
			return NULL;
		}
		ly_list_add_tail(&l->lru, &r->lru);
	} else if (r != NULL) {
		ly_list_del(&r->lru);
		ly_list_add_tail(&l->lru, &r->lru);
	}
	return r;
}

int ly_limits_enter(struct ly_limits *l, const struct ly_addr *from, ly_usec now)
{
	struct row *r;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	r = row_of(l, from, now, true);
	if (r != NULL) {
		fill(&r->conns, l->conf.conns_per_minute, now);
		if (l->conf.max_conns != 0 && r->n_conns >= l->conf.max_conns)
			rc = -E2BIG;
		else if (l->conf.conns_per_minute != 0 && r->conns.tokens < 1000)
			rc = -EAGAIN;
		if (rc == 0) {
			r->n_conns++;
			r->conns.tokens -= 1000;
		}
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}

void ly_limits_leave(struct ly_limits *l, const struct ly_addr *from, ly_usec now)
{
	struct row *r;

	pthread_mutex_lock(&l->lock);
	r = row_of(l, from, now, false);
	if (r != NULL && r->n_conns > 0)
		r->n_conns--;
	pthread_mutex_unlock(&l->lock);
}

int ly_limits_may_login(struct ly_limits *l, const struct ly_addr *from, ly_usec now)
{
	struct row *r;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	r = row_of(l, from, now, true);
	if (r != NULL) {
		fill(&r->fails, l->conf.fails_per_minute, now);
		if (l->conf.fails_per_minute != 0 && r->fails.tokens < 1000)
			rc = -EAGAIN;
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}

void ly_limits_failed(struct ly_limits *l, const struct ly_addr *from, ly_usec now)
{
	struct row *r;

	pthread_mutex_lock(&l->lock);
	r = row_of(l, from, now, true);
	if (r != NULL) {
		fill(&r->fails, l->conf.fails_per_minute, now);
		r->fails.tokens -= 1000;
	}
	pthread_mutex_unlock(&l->lock);
}
