#include "server/admin/admin_priv.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/heap.h"
#include "server/calls.h"
#include "signaling/features/xep_0045/muc.h"
#include "signaling/stream/error.h"

/* How often the lag of a loop is measured. */
#define LAG_PERIOD LY_MS(250)
#define LAG_DECAY 4 /* periods of a second */

/* ---- figures of the process ---- */

static int64_t resident_bytes(void)
{
	long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%*s %lld", &pages) != 1)
		pages = 0;
	(void)fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int64_t n = -3; /* "." and ".." and the directory itself */

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static json_t *memory_json(void)
{
	json_t *out = json_object();

	for (int i = 0; i < LY_N_MEM; i++)
		(void)json_object_set_new(out, ly_mem_name((enum ly_mem)i),
					  json_integer(ly_heap_used((enum ly_mem)i)));
	return out;
}

static json_t *store_json(struct ly_db *db)
{
	struct ly_db_stats st = { 0 };

	if (db != NULL)
		ly_db_get_stats(db, &st);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "requests",
			 (json_int_t)st.n_requests, "writes", (json_int_t)st.n_writes, "errors",
			 (json_int_t)st.n_errors, "batches", (json_int_t)st.n_batches, "waiting",
			 (json_int_t)st.n_waiting, "commit_us_sum", (json_int_t)st.commit_us_sum,
			 "commit_us_max", (json_int_t)st.commit_us_max);
}

static json_t *loops_json(struct ly_admin *a)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < a->server->loops.n; i++) {
		struct ly_loop *loop = &a->server->loops.loops[i];

		(void)json_array_append_new(
			out, json_pack("{s:I, s:I, s:I, s:I}", "lag_us",
				       (json_int_t)atomic_load(&a->loops[i].lag_us), "messages",
				       (json_int_t)atomic_load(&loop->n_msgs), "turns",
				       (json_int_t)atomic_load(&loop->n_turns), "connections",
				       (json_int_t)atomic_load(&a->loops[i].n_conns)));
	}
	return out;
}

/* Why datagrams are not handed on, in the words of the metrics. */
static const struct {
	const char *reason;
	size_t at;
} drops[] = {
	{ "unknown_address", offsetof(struct ly_sfu_counters, dropped_unknown_address) },
	{ "unknown_ssrc", offsetof(struct ly_sfu_counters, dropped_unknown_ssrc) },
	{ "malformed", offsetof(struct ly_sfu_counters, dropped_malformed) },
	{ "authentication", offsetof(struct ly_sfu_counters, dropped_auth) },
	{ "replay", offsetof(struct ly_sfu_counters, dropped_replay) },
	{ "limit", offsetof(struct ly_sfu_counters, dropped_limit) },
	{ "receive_buffer", offsetof(struct ly_sfu_counters, dropped_receive) },
	{ "send_buffer", offsetof(struct ly_sfu_counters, dropped_send) },
};

static void add_drops(json_t *dropped, const struct ly_sfu_counters *c)
{
	for (size_t i = 0; i < LY_COUNTOF(drops); i++) {
		uint64_t n;
		json_t *sum = json_object_get(dropped, drops[i].reason);

		memcpy(&n, (const char *)c + drops[i].at, sizeof(n));
		(void)json_object_set_new(dropped, drops[i].reason,
					  json_integer(json_integer_value(sum) + (json_int_t)n));
	}
}

static json_t *media_json(const struct ly_media *media)
{
	struct ly_sfu_counters sum = { 0 };
	json_t *dropped = json_object();

	for (unsigned i = 0; media != NULL && i < ly_media_n_threads(media); i++) {
		struct ly_sfu_counters c;

		ly_media_counters(media, i, &c);
		sum.packets_in += c.packets_in;
		sum.packets_out += c.packets_out;
		sum.bytes_in += c.bytes_in;
		sum.bytes_out += c.bytes_out;
		sum.rtp_in += c.rtp_in;
		sum.rtp_forwarded += c.rtp_forwarded;
		sum.endpoints += c.endpoints;
		add_drops(dropped, &c);
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "packets_in",
			 (json_int_t)sum.packets_in, "packets_out", (json_int_t)sum.packets_out,
			 "bytes_in", (json_int_t)sum.bytes_in, "bytes_out",
			 (json_int_t)sum.bytes_out, "rtp_in", (json_int_t)sum.rtp_in,
			 "rtp_forwarded", (json_int_t)sum.rtp_forwarded, "endpoints",
			 (json_int_t)sum.endpoints, "dropped", dropped);
}

static json_t *calls_json(const struct ly_focus *focus)
{
	struct ly_focus_counts n = { 0 };

	if (focus != NULL)
		ly_focus_get_counts(focus, &n);
	return json_pack("{s:I, s:I, s:I}", "started", (json_int_t)n.started, "conflicts",
			 (json_int_t)n.conflicts, "lost", (json_int_t)n.ended_lost);
}

static void stats(void *ctx, json_t *out)
{
	struct ly_admin_loop *l = ctx;
	struct ly_server *s = l->admin->server;
	ly_usec up = ly_clock_now() - s->started;

	(void)json_object_set_new(out, "version", json_string(LY_VERSION));
	(void)json_object_set_new(out, "uptime_s", json_integer(up / LY_SEC(1)));
	(void)json_object_set_new(out, "rss_bytes", json_integer(resident_bytes()));
	(void)json_object_set_new(out, "open_files", json_integer(open_files()));
	(void)json_object_set_new(out, "memory", memory_json());
	(void)json_object_set_new(out, "store", store_json(s->db));
	(void)json_object_set_new(out, "loops", loops_json(l->admin));
	(void)json_object_set_new(out, "calls_total", calls_json(s->calls));
	(void)json_object_set_new(out, "media", media_json(s->media));
}

/* ---- the environment of commands ---- */

static ly_usec wall(void *ctx)
{
	(void)ctx;
	return ly_clock_wall();
}

static void store(void *ctx, struct ly_store_req *req)
{
	struct ly_admin_loop *l = ctx;
	struct ly_home_env *env = &l->admin->server->env;

	env->store(env->ctx, req);
}

static void kick(void *ctx, const char *jid, const char *text)
{
	struct ly_admin_loop *l = ctx;
	struct ly_admin *a = l->admin;
	struct ly_home *home = a->server->workers[l->index].home;

	(void)pthread_mutex_lock(&a->lock);
	ly_tokens_revoke(&a->tokens, jid);
	(void)pthread_mutex_unlock(&a->lock);
	ly_home_kick(home, jid, LY_STREAM_NOT_AUTHORIZED, text);
}

static void contact(void *ctx, const char *owner, const struct ly_store_contact *item)
{
	struct ly_admin_loop *l = ctx;

	ly_home_contact_stored(l->admin->server->workers[l->index].home, owner, item);
}

/* The file is tried here, so that its problems can be told; the main thread then does it, as for
 * SIGHUP. */
static json_t *reload(void *ctx, bool *ok)
{
	const struct ly_config *conf = ((struct ly_admin_loop *)ctx)->admin->server->conf;
	struct ly_config *tried;
	struct ly_buf report;
	json_t *text;

	ly_buf_init(&report, LY_MEM_CONFIG, 0);
	*ok = ly_config_reload(&tried, conf, &report) == 0;
	if (*ok && kill(getpid(), SIGHUP) != 0)
		*ok = false;
	ly_config_destroy(tried);
	text = json_string(report.len && ly_buf_str(&report) ? ly_buf_str(&report)
							     : "nothing differs from the start\n");
	ly_buf_fini(&report);
	return text;
}

/* ---- what we tell ourselves ---- */

static void fill_homes(struct ly_home *home, void *ctx, struct ly_admin_part *part)
{
	struct ly_admin *a = ctx;
	unsigned i = ly_home_index(home);
	struct ly_home_stats st;

	ly_home_get_stats(home, &st);
	atomic_store(&a->loops[i].n_conns, (int64_t)a->server->loops.loops[i].n_conns);
	(void)json_array_append_new(
		part->out,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "users", (json_int_t)st.users,
			  "sessions", (json_int_t)st.sessions, "waiting", (json_int_t)st.waiting,
			  "stanzas_in", (json_int_t)st.stanzas_in, "stanzas_out",
			  (json_int_t)st.stanzas_out, "messages_in", (json_int_t)st.messages_in));
	ly_admin_part_done(part);
}

static void add_room(void *ctx, const struct ly_muc_room_info *info)
{
	struct ly_admin_part *part = ctx;

	(void)json_array_append_new(part->out, json_pack("{s:s, s:s, s:I, s:b}", "jid", info->jid,
							 "name", info->name ? info->name : "",
							 "occupants", (json_int_t)info->n_occupants,
							 "persistent", info->persistent));
}

static void fill_rooms(struct ly_home *home, void *ctx, struct ly_admin_part *part)
{
	(void)ctx;
	ly_muc_each(home, add_room, part);
	ly_admin_part_done(part);
}

/* How late the timer comes: what a message to this loop waits for. A high value is kept for a
 * second. */
static void on_lag(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	struct ly_admin_loop *l = LY_CONTAINER_OF(timer, struct ly_admin_loop, timer);
	ly_usec now = ly_clock_now(); /* not the turn's: that one stands still */
	int64_t lag = LY_MAX(now - l->due, (int64_t)0);
	int64_t was = atomic_load(&l->lag_us);

	atomic_store(&l->lag_us, LY_MAX(lag, was - was / LAG_DECAY - 1));
	l->due = now + LAG_PERIOD;
	(void)ly_loop_timer_set(loop, timer, l->due);
}

static void start_lag(struct ly_loop *loop, void *ctx)
{
	struct ly_admin_loop *l = &((struct ly_admin *)ctx)->loops[loop->index];

	l->timer.fire = on_lag;
	l->due = ly_clock_now() + LAG_PERIOD;
	(void)ly_loop_timer_set(loop, &l->timer, l->due);
}

/* ---- life cycle ---- */

void ly_admin_set_conf(struct ly_admin *admin, struct ly_loop *loop, const struct ly_config *conf)
{
	struct ly_admin_loop *l = &admin->loops[loop->index];

	l->env.iterations = conf->auth.iterations;
	l->token_lifetime = conf->admin.token_lifetime;
	l->metrics = conf->admin.metrics;
}

static void init_loop(struct ly_admin *a, unsigned i)
{
	struct ly_admin_loop *l = &a->loops[i];
	struct ly_server *s = a->server;

	l->admin = a;
	l->index = i;
	l->env = (struct ly_cmd_env) {
		.ctx = l,
		.domain = s->conf->server.domain,
		.rooms = s->muc,
		.rand = &s->workers[i].rand.rand,
		.home = i,
		.wall = wall,
		.store = store,
		.providers = &a->providers,
		.kick = kick,
		.contact = contact,
		.stats = stats,
		.reload = reload,
	};
	ly_admin_set_conf(a, &s->loops.loops[i], s->conf);
}

void ly_admin_set_provider(struct ly_admin *admin, enum ly_admin_kind kind, ly_admin_fill_fn fill,
			   void *ctx)
{
	admin->providers.v[kind].fill = fill;
	admin->providers.v[kind].ctx = ctx;
}

int ly_admin_create(struct ly_admin **out, struct ly_server *s)
{
	struct ly_admin *a = ly_alloc(sizeof(*a), LY_MEM_MISC);

	*out = NULL;
	if (a == NULL)
		return -ENOMEM;
	a->server = s;
	a->listen_fd = a->stop_fd[0] = a->stop_fd[1] = -1;
	a->loops = ly_alloc(s->loops.n * sizeof(*a->loops), LY_MEM_MISC);
	if (a->loops == NULL || pthread_mutex_init(&a->lock, NULL) != 0) {
		ly_free(a->loops, LY_MEM_MISC);
		ly_free(a, LY_MEM_MISC);
		return -ENOMEM;
	}
	json_object_seed(0); /* else the first two objects of two threads race for it */
	a->providers.n_homes = s->loops.n;
	a->providers.post = s->env.post;
	a->providers.post_ctx = s->env.ctx;
	for (unsigned i = 0; i < s->loops.n; i++)
		init_loop(a, i);
	ly_admin_set_provider(a, LY_ADMIN_HOMES, fill_homes, a);
	ly_admin_set_provider(a, LY_ADMIN_ROOMS, fill_rooms, a);
	*out = a;
	return ly_rest_add_routes(a);
}

int ly_admin_start(struct ly_admin *admin, char *err, size_t cap)
{
	struct ly_loops *loops = &admin->server->loops;

	for (unsigned i = 0; i < loops->n; i++)
		if (ly_loop_call(&loops->loops[i], start_lag, admin) != 0) {
			(void)snprintf(err, cap, "out of memory");
			return -ENOMEM;
		}
	return ly_control_start(admin, err, cap);
}

void ly_admin_stop(struct ly_admin *admin)
{
	if (admin != NULL)
		ly_control_stop(admin);
}

void ly_admin_destroy(struct ly_admin *admin)
{
	if (admin == NULL)
		return;
	(void)pthread_mutex_destroy(&admin->lock);
	ly_wipe(&admin->tokens, sizeof(admin->tokens));
	ly_free(admin->loops, LY_MEM_MISC);
	ly_free(admin, LY_MEM_MISC);
}
