/* A home's life: hosts, features, timers, the queue. */
#include "signaling/router/core.h"
#include "signaling/session/core.h"
#include "signaling/session/sm.h"

#include "base/log.h"

static const struct ly_log lg = { "home", "" };

static void default_unsigned(unsigned *v, unsigned def)
{
	if (*v == 0)
		*v = def;
}

static void set_limits(struct ly_home_limits *l)
{
	default_unsigned(&l->resources, 16);
	l->resources = LY_MIN(l->resources, LY_RESOURCES_MAX);
	default_unsigned(&l->roster, 2000);
	default_unsigned(&l->groups, 32);
	default_unsigned(&l->directed, 200);
	default_unsigned(&l->offline, 500);
	default_unsigned(&l->waiting, 128);
	default_unsigned(&l->presence, 16384);
	default_unsigned(&l->unacked, 1000);
	if (l->unacked_bytes == 0)
		l->unacked_bytes = 4 << 20;
	if (l->resume == 0)
		l->resume = LY_SEC(300);
	if (l->silent == 0)
		l->silent = LY_SEC(300);
	if (l->linger == 0)
		l->linger = LY_SEC(60);
}

static int init_hosts(struct ly_home *home)
{
	for (size_t i = 0; i < home->conf.n_hosts; i++) {
		const struct ly_host *host = &home->conf.hosts[i];
		int err = ly_map_put(&home->hosts, ly_span_str(host->domain), (void *)host);

		if (err)
			return err;
	}
	return 0;
}

static int init_features(struct ly_home *home)
{
	while (home->features[home->n_features])
		home->n_features++;
	home->states = ly_alloc((home->n_features + 1) * sizeof(*home->states), LY_MEM_SESSION);
	if (home->states == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < home->n_features; i++) {
		const struct ly_feature *f = home->features[i];
		int err = f->init ? f->init(home, &home->states[i]) : 0;

		if (err) {
			ly_log(&lg, LY_ERROR, "feature-init", "feature=%s err=%s", f->name,
			       ly_err_name(err));
			home->n_features = i;
			return err;
		}
	}
	return ly_iq_table_init(home);
}

int ly_home_create(struct ly_home **out, const struct ly_home_conf *conf,
		   const struct ly_home_env *env, ly_usec now)
{
	struct ly_home *home = ly_alloc(sizeof(*home), LY_MEM_SESSION);
	int err;

	*out = NULL;
	if (home == NULL)
		return -ENOMEM;
	home->conf = *conf;
	home->env = *env;
	home->now = now;
	set_limits(&home->conf.limits);
	ly_timers_init(&home->timers, LY_MEM_SESSION);
	ly_map_init(&home->users, LY_MEM_SESSION, ly_rand_u64(conf->rand));
	ly_map_init(&home->hosts, LY_MEM_SESSION, 0);
	ly_map_init(&home->routes, LY_MEM_SESSION, ly_rand_u64(conf->rand));
	ly_map_init(&home->pairs, LY_MEM_QUEUE, ly_rand_u64(conf->rand));
	ly_list_init(&home->dead);
	home->features = conf->features ? conf->features : ly_features;
	err = init_hosts(home);
	if (!err)
		err = init_features(home);
	if (err) {
		ly_home_destroy(home);
		return err;
	}
	*out = home;
	return 0;
}

void ly_home_destroy(struct ly_home *home)
{
	size_t it = 0;
	struct ly_map_slot slot;

	if (home == NULL)
		return;
	while (ly_map_next(&home->users, &it, &slot))
		ly_user_free(slot.value);
	LY_LIST_EACH (node, tmp, &home->dead)
		ly_session_free(LY_LIST_ENTRY(node, struct ly_session, link));
	for (size_t i = 0; i < home->n_features; i++)
		if (home->features[i]->fini)
			home->features[i]->fini(home, home->states[i]);
	ly_free(home->states, LY_MEM_SESSION);
	ly_iq_table_fini(home);
	ly_map_fini(&home->users);
	ly_map_fini(&home->hosts);
	ly_map_fini(&home->routes);
	ly_map_fini(&home->pairs);
	ly_timers_fini(&home->timers);
	ly_free(home, LY_MEM_SESSION);
}

void ly_home_run(struct ly_home *home, ly_usec now, ly_usec wall, struct ly_list *msgs)
{
	home->now = now;
	home->wall = wall;
	while (!ly_list_is_empty(msgs)) {
		struct ly_msg *msg = LY_LIST_ENTRY(msgs->next, struct ly_msg, link);

		ly_list_del(&msg->link);
		msg->run(home, msg);
	}
}

void ly_home_tick(struct ly_home *home, ly_usec now, ly_usec wall)
{
	struct ly_timer *t;

	home->now = now;
	home->wall = wall;
	while ((t = ly_timers_pop(&home->timers, now)) != NULL) {
		struct ly_home_timer *ht = LY_CONTAINER_OF(t, struct ly_home_timer, timer);

		ht->fire(home, ht);
	}
}

ly_usec ly_home_deadline(const struct ly_home *home)
{
	return ly_timers_deadline(&home->timers);
}

int ly_home_timer_set(struct ly_home *home, struct ly_home_timer *t, ly_usec at)
{
	return ly_timers_set(&home->timers, &t->timer, at);
}

unsigned ly_home_index_of(unsigned n_homes, struct ly_span bare_jid)
{
	/* a fixed seed: all homes and all starts must agree */
	return (unsigned)(ly_hash(bare_jid, 0x6c796365756d) % n_homes);
}

void ly_home_post(struct ly_home *home, unsigned target, struct ly_msg *msg)
{
	msg->source = home->conf.index;
	home->env.post(home->env.ctx, target, msg);
}

void ly_home_store(struct ly_home *home, struct ly_store_req *req)
{
	req->home = home->conf.index;
	if (req->err)
		ly_home_post(home, req->home, &req->msg);
	else
		home->env.store(home->env.ctx, req);
}

void ly_home_close_all(struct ly_home *home, enum ly_stream_error cond, const char *text)
{
	size_t it = 0;
	struct ly_map_slot slot;

	while (ly_map_next(&home->users, &it, &slot)) {
		struct ly_user *user = slot.value;

		user->pins++; /* the map must not change */
		LY_LIST_EACH (node, tmp, &user->sessions) {
			struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

			if (ly_sm_is_detached(s->sm))
				ly_session_end(s); /* what it has not got is stored */
			else
				home->env.close(home->env.ctx, s->conn, cond, text);
		}
		user->pins--;
	}
}

/* ---- looking around ---- */

void ly_home_get_stats(const struct ly_home *home, struct ly_home_stats *out)
{
	*out = (struct ly_home_stats) {
		.users = home->users.n,
		.sessions = home->n_sessions,
		.waiting = home->pairs.n,
		.stanzas_in = home->n_in,
		.stanzas_out = home->n_out,
		.messages_in = home->n_messages,
	};
}

unsigned ly_home_n_homes(const struct ly_home *home)
{
	return home->env.n_homes;
}

unsigned ly_home_index(const struct ly_home *home)
{
	return home->conf.index;
}

ly_usec ly_home_now(const struct ly_home *home)
{
	return home->now;
}

ly_usec ly_home_wall(const struct ly_home *home)
{
	return home->wall;
}

struct ly_rand *ly_home_rand(struct ly_home *home)
{
	return home->conf.rand;
}

const struct ly_home_conf *ly_home_conf(const struct ly_home *home)
{
	return &home->conf;
}

void *ly_home_server(const struct ly_home *home)
{
	return home->conf.server;
}

void *ly_home_state(const struct ly_home *home, const struct ly_feature *feature)
{
	for (size_t i = 0; i < home->n_features; i++)
		if (home->features[i] == feature)
			return home->states[i];
	return NULL;
}

const struct ly_feature *const *ly_home_features(const struct ly_home *home)
{
	return home->features;
}

const struct ly_host *ly_home_host(const struct ly_home *home, const char *domain)
{
	return ly_map_find_str(&home->hosts, domain);
}

const struct ly_host *ly_home_host_of_kind(const struct ly_home *home, enum ly_host_kind kind)
{
	for (size_t i = 0; i < home->conf.n_hosts; i++)
		if (home->conf.hosts[i].kind == kind)
			return &home->conf.hosts[i];
	return NULL;
}

struct ly_user *ly_home_user(struct ly_home *home, const char *bare_jid)
{
	return ly_map_find_str(&home->users, bare_jid);
}

struct ly_session *ly_home_session(struct ly_home *home, const char *full_jid)
{
	const char *slash = strchr(full_jid, '/');
	struct ly_user *user;

	if (slash == NULL)
		return NULL;
	user = ly_map_find(&home->users, ly_span(full_jid, (size_t)(slash - full_jid)));
	return user ? ly_user_session(user, slash + 1) : NULL;
}

struct ly_feature_ctx ly_feature_ctx(struct ly_home *home, size_t feature, struct ly_user *user,
				     struct ly_session *session)
{
	return (struct ly_feature_ctx) {
		.home = home,
		.feature = home->features[feature],
		.state = home->states[feature],
		.host = home->conf.hosts,
		.user = user,
		.session = session,
		.now = home->now,
		.wall = home->wall,
	};
}
