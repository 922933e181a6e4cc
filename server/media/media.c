#include "server/media/media.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/map.h"
#include "media/dtls/dtls.h"
#include "server/media/worker.h"

/* Where a conference lives, and how much it weighs. */
struct place {
	uint64_t conf;
	unsigned thread;
	unsigned n_endpoints;
};

struct ly_media {
	struct ly_media_conf conf;
	struct ly_dtls_ctx *dtls;
	struct ly_media_worker *workers; /* owned */
	unsigned n;
	pthread_mutex_t lock; /* of the places */
	struct ly_map places;
	unsigned load[LY_MEDIA_MAX_THREADS]; /* endpoints and conferences */
};

static const struct ly_log log_media = { "media", "" };

/* ---- addresses ---- */

static bool is_wildcard(const struct ly_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

/* Link-local IPv6 needs a scope that candidates do not carry. */
static bool usable(const struct ifaddrs *ifa, struct ly_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (!ifa->ifa_addr || !(ifa->ifa_flags & IFF_UP))
		return false;
	if (ifa->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)(void *)ifa->ifa_addr;

		out->family = 4;
		memcpy(out->ip, &sin->sin_addr, 4);
		return true;
	}
	if (ifa->ifa_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 =
			(const struct sockaddr_in6 *)(void *)ifa->ifa_addr;

		out->family = 6;
		memcpy(out->ip, &sin6->sin6_addr, 16);
		return !IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr);
	}
	return false;
}

static void add_addr(struct ly_media_conf *c, const struct ly_addr *a)
{
	for (size_t i = 0; i < c->n_bind; i++)
		if (ly_addr_equal(&c->bind[i], a))
			return;
	if (c->n_bind < LY_MEDIA_MAX_ADDRS)
		c->bind[c->n_bind++] = *a;
}

/* Addresses that are there but not usable (yet), as IPv6 ones being checked for duplicates. */
static bool is_bindable(const struct ly_addr *a)
{
	struct ly_udp u;

	if (ly_udp_open(&u, a))
		return false;
	ly_udp_close(&u);
	return true;
}

/* The machine's addresses in place of a wildcard: an answer must leave from the address asked.
 * Loopback comes last, for browsers on the same machine. */
static int expand(struct ly_media_conf *c, uint8_t family)
{
	struct ifaddrs *all;
	struct ly_addr a;

	if (getifaddrs(&all))
		return -errno;
	for (int loopback = 0; loopback < 2; loopback++)
		for (const struct ifaddrs *i = all; i; i = i->ifa_next)
			if (usable(i, &a) && a.family == family &&
			    !!(i->ifa_flags & IFF_LOOPBACK) == loopback && is_bindable(&a))
				add_addr(c, &a);
	freeifaddrs(all);
	return 0;
}

static int settle_addrs(struct ly_media_conf *c, const struct ly_media_conf *from)
{
	int err = 0;

	c->n_bind = 0;
	memset(c->bind, 0, sizeof(c->bind));
	for (size_t i = 0; i < from->n_bind && err == 0; i++) {
		struct ly_addr a = from->bind[i];

		a.port = 0;
		if (a.family != 4 && a.family != 6)
			return -EINVAL;
		if (is_wildcard(&a))
			err = expand(c, a.family);
		else
			add_addr(c, &a);
	}
	if (err == 0 && c->n_bind == 0)
		err = -EINVAL;
	return err;
}

/* ---- life ---- */

static unsigned default_threads(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores >= 2 ? (unsigned)(cores / 2) : 1;
}

int ly_media_create(struct ly_media **out, const struct ly_media_conf *conf)
{
	struct ly_media *m;
	int err;

	if (conf->n_bind > LY_MEDIA_MAX_ADDRS || conf->n_advertise > LY_MEDIA_MAX_ADDRS ||
	    conf->n_threads > LY_MEDIA_MAX_THREADS)
		return -EINVAL;
	m = ly_alloc(sizeof(*m), LY_MEM_MEDIA);
	if (m == NULL)
		return -ENOMEM;
	m->conf = *conf;
	pthread_mutex_init(&m->lock, NULL);
	ly_map_init(&m->places, LY_MEM_MEDIA, 0);
	m->n = conf->n_threads ? conf->n_threads : default_threads();
	m->n = LY_MIN(m->n, (unsigned)LY_MEDIA_MAX_THREADS);
	m->workers = ly_alloc(m->n * sizeof(*m->workers), LY_MEM_MEDIA);
	err = m->workers ? settle_addrs(&m->conf, conf) : -ENOMEM;
	if (err == 0)
		err = ly_dtls_ctx_create(&m->dtls);
	for (unsigned i = 0; i < m->n && err == 0; i++)
		err = ly_media_worker_init(&m->workers[i], &m->conf, i, m->dtls);
	for (unsigned i = 0; i < m->n && err == 0; i++)
		err = ly_media_worker_start(&m->workers[i]);
	if (err) {
		ly_media_destroy(m);
		return err;
	}
	ly_log(&log_media, LY_INFO, "media-started", "threads=%u port=%u addresses=%zu", m->n,
	       m->workers[0].udp[0].local.port, m->conf.n_bind);
	*out = m;
	return 0;
}

void ly_media_destroy(struct ly_media *m)
{
	struct ly_map_slot slot;

	if (m == NULL)
		return;
	for (unsigned i = 0; m->workers && i < m->n; i++)
		ly_media_worker_fini(&m->workers[i]);
	for (size_t it = 0; ly_map_next(&m->places, &it, &slot);)
		ly_free(slot.value, LY_MEM_MEDIA);
	ly_map_fini(&m->places);
	ly_dtls_ctx_destroy(m->dtls);
	pthread_mutex_destroy(&m->lock);
	ly_free(m->workers, LY_MEM_MEDIA);
	ly_free(m, LY_MEM_MEDIA);
}

void ly_media_event_free(struct ly_media_event *ev)
{
	if (ev == NULL)
		return;
	ly_free(ev->names, LY_MEM_QUEUE);
	ly_free(ev->stats.endpoints, LY_MEM_QUEUE);
	ly_free(ev, LY_MEM_QUEUE);
}

unsigned ly_media_n_threads(const struct ly_media *m)
{
	return m->n;
}

size_t ly_media_candidates(const struct ly_media *m, unsigned thread, struct ly_addr *out,
			   size_t cap)
{
	const struct ly_addr *from = m->conf.n_advertise ? m->conf.advertise : m->conf.bind;
	size_t n = m->conf.n_advertise ? m->conf.n_advertise : m->conf.n_bind;

	if (thread >= m->n)
		return 0;
	n = LY_MIN(n, cap);
	for (size_t i = 0; i < n; i++) {
		out[i] = from[i];
		out[i].port = m->workers[thread].udp[0].local.port;
	}
	return n;
}

const char *ly_media_fingerprint(const struct ly_media *m)
{
	return ly_dtls_ctx_fingerprint(m->dtls);
}

void ly_media_counters(const struct ly_media *m, unsigned thread, struct ly_sfu_counters *out)
{
	memset(out, 0, sizeof(*out));
	if (thread >= m->n)
		return;
	pthread_mutex_lock(&m->workers[thread].lock);
	*out = m->workers[thread].counters;
	pthread_mutex_unlock(&m->workers[thread].lock);
}

/* ---- commands ---- */

static int copy_text(char *to, size_t cap, const char *from)
{
	size_t len = from ? strlen(from) : 0;

	if (len == 0 || len >= cap)
		return -EINVAL;
	memcpy(to, from, len + 1);
	return 0;
}

static struct ly_media_cmd *make(enum ly_media_cmd_kind kind, uint64_t conf, const char *endpoint,
				 int *err)
{
	struct ly_media_cmd *c = ly_media_cmd_create(kind, conf);

	*err = c ? copy_text(c->id, sizeof(c->id), endpoint) : -ENOMEM;
	return c;
}

/* Posts to the conference's thread and keeps the books; takes the command over. */
static int post(struct ly_media *m, struct ly_media_cmd *c, int err)
{
	struct place *p;

	if (err) {
		ly_media_cmd_destroy(c);
		return err;
	}
	/* under the lock, so that commands of one conference are queued in the order of the
	 * calls */
	pthread_mutex_lock(&m->lock);
	p = ly_map_find_num(&m->places, c->conf);
	if (p == NULL) {
		pthread_mutex_unlock(&m->lock);
		ly_media_cmd_destroy(c);
		return -ENOENT;
	}
	if (c->kind == LY_MEDIA_CMD_ADD_ENDPOINT) {
		p->n_endpoints++;
		m->load[p->thread]++;
	} else if (c->kind == LY_MEDIA_CMD_REMOVE_ENDPOINT && p->n_endpoints > 0) {
		p->n_endpoints--;
		m->load[p->thread]--;
	}
	if (c->kind == LY_MEDIA_CMD_END_CONFERENCE) {
		m->load[p->thread] -= p->n_endpoints + 1;
		ly_map_del_num(&m->places, c->conf);
	}
	err = ly_media_worker_post(&m->workers[p->thread], c);
	if (ly_map_find_num(&m->places, p->conf) != p)
		ly_free(p, LY_MEM_MEDIA);
	pthread_mutex_unlock(&m->lock);
	return err;
}

static unsigned least_loaded(const struct ly_media *m)
{
	unsigned best = 0;

	for (unsigned i = 1; i < m->n; i++)
		if (m->load[i] < m->load[best])
			best = i;
	return best;
}

int ly_media_create_conference(struct ly_media *m, uint64_t conf, const char *name,
			       unsigned *thread)
{
	struct ly_media_cmd *c = ly_media_cmd_create(LY_MEDIA_CMD_CREATE_CONFERENCE, conf);
	struct place *p = ly_alloc(sizeof(*p), LY_MEM_MEDIA);
	int err = c && p ? 0 : -ENOMEM;

	if (err == 0 && name)
		memcpy(c->name, name, strnlen(name, sizeof(c->name) - 1));
	pthread_mutex_lock(&m->lock);
	if (err == 0 && ly_map_find_num(&m->places, conf))
		err = -EEXIST;
	if (err == 0) {
		p->conf = conf;
		p->thread = least_loaded(m);
		err = ly_map_put_num(&m->places, conf, p);
	}
	if (err == 0) {
		m->load[p->thread]++;
		*thread = p->thread;
	}
	pthread_mutex_unlock(&m->lock);
	if (err)
		ly_free(p, LY_MEM_MEDIA);
	return post(m, c, err);
}

int ly_media_end_conference(struct ly_media *m, uint64_t conf)
{
	struct ly_media_cmd *c = ly_media_cmd_create(LY_MEDIA_CMD_END_CONFERENCE, conf);

	return post(m, c, c ? 0 : -ENOMEM);
}

int ly_media_add_endpoint(struct ly_media *m, uint64_t conf, const struct ly_sfu_endpoint_conf *ep)
{
	int err;
	struct ly_media_cmd *c = make(LY_MEDIA_CMD_ADD_ENDPOINT, conf, ep->id, &err);

	if (err == 0) {
		c->ep = ly_media_dup(ep, 1, sizeof(*ep));
		err = c->ep ? 0 : -ENOMEM;
	}
	return post(m, c, err);
}

int ly_media_remove_endpoint(struct ly_media *m, uint64_t conf, const char *endpoint)
{
	int err;
	struct ly_media_cmd *c = make(LY_MEDIA_CMD_REMOVE_ENDPOINT, conf, endpoint, &err);

	return post(m, c, err);
}

int ly_media_set_remote(struct ly_media *m, uint64_t conf, const char *endpoint,
			const struct ly_sfu_remote *remote)
{
	int err;
	struct ly_media_cmd *c = make(LY_MEDIA_CMD_SET_REMOTE, conf, endpoint, &err);

	if (err == 0) {
		c->remote = ly_media_dup(remote, 1, sizeof(*remote));
		err = c->remote ? 0 : -ENOMEM;
	}
	return post(m, c, err);
}

int ly_media_add_candidate(struct ly_media *m, uint64_t conf, const char *endpoint,
			   const struct ly_addr *addr)
{
	int err;
	struct ly_media_cmd *c = make(LY_MEDIA_CMD_ADD_CANDIDATE, conf, endpoint, &err);

	if (err == 0)
		c->addr = *addr;
	return post(m, c, err);
}

int ly_media_ice_restart(struct ly_media *m, uint64_t conf, const char *endpoint, const char *ufrag,
			 const char *pwd)
{
	int err;
	struct ly_media_cmd *c = make(LY_MEDIA_CMD_ICE_RESTART, conf, endpoint, &err);

	if (err == 0)
		err = copy_text(c->ufrag, sizeof(c->ufrag), ufrag);
	if (err == 0)
		err = copy_text(c->pwd, sizeof(c->pwd), pwd);
	return post(m, c, err);
}

int ly_media_add_sources(struct ly_media *m, uint64_t conf, const char *endpoint,
			 const struct ly_sfu_source_desc *sources, size_t n)
{
	int err;
	struct ly_media_cmd *c = make(LY_MEDIA_CMD_ADD_SOURCES, conf, endpoint, &err);

	if (err == 0 && n > LY_SFU_MAX_SOURCES)
		err = -EINVAL;
	if (err == 0) {
		c->sources = ly_media_dup(sources, n, sizeof(*sources));
		c->n = n;
		err = c->sources ? 0 : -ENOMEM;
	}
	return post(m, c, err);
}

int ly_media_remove_sources(struct ly_media *m, uint64_t conf, const char *endpoint,
			    const char (*names)[LY_SFU_NAME_MAX], size_t n)
{
	int err;
	struct ly_media_cmd *c = make(LY_MEDIA_CMD_REMOVE_SOURCES, conf, endpoint, &err);

	if (err == 0 && n > LY_SFU_MAX_SOURCES)
		err = -EINVAL;
	if (err == 0) {
		c->names = ly_media_dup(names, n, LY_SFU_NAME_MAX);
		c->n = n;
		err = c->names ? 0 : -ENOMEM;
	}
	return post(m, c, err);
}

int ly_media_set_constraints(struct ly_media *m, uint64_t conf, const char *endpoint,
			     const struct ly_sfu_constraints *from)
{
	int err;
	struct ly_media_cmd *c = make(LY_MEDIA_CMD_SET_CONSTRAINTS, conf, endpoint, &err);

	if (err == 0) {
		size_t n_sel = LY_MIN(from->n_selected, (size_t)LY_SFU_MAX_CONSTRAINTS);
		size_t n_lim = LY_MIN(from->n_sources, (size_t)LY_SFU_MAX_CONSTRAINTS);

		c->constraints = *from;
		c->names = ly_media_dup(from->selected, n_sel, LY_SFU_NAME_MAX);
		c->limits = ly_media_dup(from->sources, n_lim, sizeof(*c->limits));
		c->constraints.selected = (const char(*)[LY_SFU_NAME_MAX])c->names;
		c->constraints.n_selected = n_sel;
		c->constraints.sources = c->limits;
		c->constraints.n_sources = n_lim;
		err = c->names && c->limits ? 0 : -ENOMEM;
	}
	return post(m, c, err);
}

int ly_media_request_stats(struct ly_media *m, uint64_t conf, uint64_t token)
{
	struct ly_media_cmd *c = ly_media_cmd_create(LY_MEDIA_CMD_REQUEST_STATS, conf);

	if (c)
		c->token = token;
	return post(m, c, c ? 0 : -ENOMEM);
}
