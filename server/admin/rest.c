/* REST: /api/v1 for the operator page and scripts, /metrics for Prometheus. Operators log in with
 * their account and get a bearer token; all that is done here is one of the commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/log.h"
#include "server/admin/admin_priv.h"
#include "server/admin/keys.h"
#include "server/admin/metrics.h"
#include "server/admin/prom.h"
#include "signaling/jid.h"

static const struct ly_log log_rest = { "rest", "" };

#define READER "rest" /* commands that only read are not audited */
#define NO_STORE "Cache-Control: no-store\r\n"

static void reply_json(struct ly_http_req *req, int status, const json_t *body, const char *extra)
{
	char *text = body ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

	if (text == NULL)
		ly_http_reply_error(req, 500, "out of memory");
	else
		ly_http_reply(req, status, "application/json", ly_span_str(text),
			      extra ? extra : NO_STORE);
	free(text);
}

static void reply_error(struct ly_http_req *req, int status, const char *text, const char *extra)
{
	json_t *body = json_pack("{s:s}", "error", text);

	reply_json(req, status, body, extra);
	json_decref(body);
}

static struct ly_admin_loop *loop_of(struct ly_admin *a, const struct ly_http_req *req)
{
	return &a->loops[req->loop->index];
}

/* ---- log-in ---- */

struct login {
	struct ly_admin *admin;
	struct ly_http_req *req;
	json_t *body; /* owned */
	struct ly_addr peer;
};

static void grant(struct login *l, const char *jid)
{
	struct ly_admin *a = l->admin;
	ly_usec lifetime = loop_of(a, l->req)->token_lifetime;
	char token[LY_TOKEN_LEN + 1];
	json_t *body;

	(void)pthread_mutex_lock(&a->lock);
	ly_tokens_issue(&a->tokens, jid, ly_clock_now(), lifetime, loop_of(a, l->req)->env.rand,
			token);
	ly_tokens_forgive(&a->tokens, &l->peer);
	(void)pthread_mutex_unlock(&a->lock);
	ly_metric_add(LY_METRIC_ADMIN_LOGIN_OK, 1);
	ly_log(&log_rest, LY_INFO, "login", "user=%s", jid);
	body = json_pack("{s:s, s:I}", "token", token, "expires_in",
			 (json_int_t)(lifetime / LY_SEC(1)));
	reply_json(l->req, 200, body, NULL);
	json_decref(body);
	ly_wipe(token, sizeof(token));
}

static void check_password(struct login *l, const struct ly_store_req *st)
{
	const char *password = json_string_value(json_object_get(l->body, "password"));
	const struct ly_store_user *user = &st->u.user;
	struct ly_credentials cred;
	bool ok = false;

	if (st->err != 0 && st->err != -ENOENT) {
		reply_error(l->req, 503, "the database does not answer", NULL);
		return;
	}
	if (st->err == 0) {
		ly_keys_from_store(&cred, user);
		ok = ly_scram_keys_check(&cred.sha256, LY_SCRAM_SHA256, password) &&
		     !user->disabled;
		ly_wipe(&cred, sizeof(cred));
	}
	if (ok && user->role == LY_ROLE_OPERATOR) {
		grant(l, st->owner);
		return;
	}
	ly_metric_add(LY_METRIC_ADMIN_LOGIN_FAILED, 1);
	ly_log(&log_rest, LY_WARN, "login-failed", "user=%s why=%s", st->owner,
	       ok ? "no-operator" : "credentials");
	if (ok)
		reply_error(l->req, 403, "this account is not an operator", NULL);
	else
		reply_error(l->req, 401, "wrong address or password", NULL);
}

static void free_login(struct login *l)
{
	json_decref(l->body);
	ly_free(l, LY_MEM_MISC);
}

static void on_user(struct ly_home *home, struct ly_msg *msg)
{
	struct ly_store_req *st = LY_CONTAINER_OF(msg, struct ly_store_req, msg);
	struct login *l = st->ctx;

	(void)home;
	check_password(l, st);
	free_login(l);
	ly_store_req_destroy(st);
}

/* Shutdown: the connections are gone, and the requests with them. */
static void on_user_dropped(struct ly_msg *msg)
{
	struct ly_store_req *st = LY_CONTAINER_OF(msg, struct ly_store_req, msg);

	free_login(st->ctx);
	ly_store_req_destroy(st);
}

/* Normalises "operator@localhost"; false: not an account of ours. */
static bool account_of(const struct ly_admin *a, const char *text, char *out, size_t cap)
{
	struct ly_arena arena;
	struct ly_jid jid;
	bool ok;

	ly_arena_init(&arena, LY_MEM_MISC, 0);
	ok = ly_jid_parse(&jid, &arena, text) == 0 && jid.local && !jid.resource &&
	     strcmp(jid.domain, a->server->conf->server.domain) == 0 && strlen(jid.bare) < cap;
	if (ok)
		memcpy(out, jid.bare, strlen(jid.bare) + 1);
	ly_arena_fini(&arena);
	return ok;
}

static void ask_for_user(struct ly_admin *a, struct ly_http_req *req, json_t *body, const char *jid)
{
	struct login *l = ly_alloc(sizeof(*l), LY_MEM_MISC);
	struct ly_store_req *st = ly_store_req_create(req->loop->index, LY_STORE_USER_GET, jid);

	if (l == NULL || st == NULL) {
		ly_free(l, LY_MEM_MISC);
		ly_store_req_destroy(st);
		ly_http_reply_error(req, 500, "out of memory");
		return;
	}
	*l = (struct login) {
		.admin = a, .req = req, .body = json_incref(body), .peer = req->peer
	};
	st->msg.run = on_user;
	st->msg.drop = on_user_dropped;
	st->ctx = l;
	a->server->env.store(a->server->env.ctx, st);
}

static void on_login(struct ly_http_req *req, void *ctx)
{
	struct ly_admin *a = ctx;
	json_t *body = json_loadb((const char *)req->body.ptr, req->body.len,
				  JSON_REJECT_DUPLICATES, NULL);
	const char *user = json_string_value(json_object_get(body, "jid"));
	const char *password = json_string_value(json_object_get(body, "password"));
	char jid[LY_JID_MAX], retry[80];
	unsigned wait;

	(void)pthread_mutex_lock(&a->lock);
	wait = ly_tokens_attempt(&a->tokens, &req->peer, ly_clock_now());
	(void)pthread_mutex_unlock(&a->lock);
	if (wait) {
		(void)snprintf(retry, sizeof(retry), NO_STORE "Retry-After: %u\r\n", wait);
		reply_error(req, 429, "too many attempts: wait a little", retry);
	} else if (user == NULL || password == NULL) {
		reply_error(req, 400, "the body must be JSON: {\"jid\": …, \"password\": …}", NULL);
	} else if (!account_of(a, user, jid, sizeof(jid))) {
		ly_metric_add(LY_METRIC_ADMIN_LOGIN_FAILED, 1);
		reply_error(req, 401, "wrong address or password", NULL);
	} else {
		ask_for_user(a, req, body, jid);
	}
	json_decref(body);
}

/* ---- what needs a token ---- */

#define WHO_MAX 256

/* Answers 401 itself. @p who (WHO_MAX bytes, may be NULL) gets the account. */
static bool is_allowed(struct ly_admin *a, struct ly_http_req *req, char *who)
{
	const char *header = ly_http_header(req, "authorization");
	const char *user = NULL;

	if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0) {
		(void)pthread_mutex_lock(&a->lock);
		user = ly_tokens_check(&a->tokens, header + 7, ly_clock_now());
		if (user != NULL && who != NULL)
			(void)snprintf(who, WHO_MAX, "%s", user);
		(void)pthread_mutex_unlock(&a->lock);
	}
	if (user == NULL)
		reply_error(req, 401, "log in first, or again",
			    NO_STORE "WWW-Authenticate: Bearer\r\n");
	return user != NULL;
}

/* A request that waits for its command. */
struct pending {
	struct ly_admin *admin;
	struct ly_http_req *req;
	json_t *(*shape)(struct ly_admin *a, json_t *result); /* makes the body; NULL: 204 */
};

static int status_of(int err)
{
	switch (err) {
	case -EINVAL:
		return 400;
	case -ENOENT:
		return 404;
	case -EEXIST:
		return 409;
	default:
		return 500;
	}
}

static void on_command(struct ly_cmd *cmd, void *ctx)
{
	struct pending *p = ctx;
	json_t *body;

	if (cmd->err) {
		reply_error(p->req, status_of(cmd->err), cmd->error, NULL);
	} else if (p->shape == NULL) {
		ly_http_reply(p->req, 204, "application/json", ly_span("", 0), NO_STORE);
	} else {
		body = p->shape(p->admin, cmd->result);
		reply_json(p->req, 200, body, NULL);
		json_decref(body);
	}
	ly_free(p, LY_MEM_MISC);
}

static void run(struct ly_admin *a, struct ly_http_req *req, const char *who, const char *name,
		json_t *args, json_t *(*shape)(struct ly_admin *a, json_t *result))
{
	struct pending *p = ly_alloc(sizeof(*p), LY_MEM_MISC);

	if (p == NULL) {
		json_decref(args);
		ly_http_reply_error(req, 500, "out of memory");
		return;
	}
	*p = (struct pending) { a, req, shape };
	ly_cmd_start(&loop_of(a, req)->env, who, name, args, on_command, p);
}

/* {"users": [{"jid", "call", "since"}]}: who is in which call. */
static json_t *users_of(const json_t *calls)
{
	json_t *users = json_array();
	size_t i, k;
	json_t *call, *part;

	json_array_foreach(calls, i, call) json_array_foreach(json_object_get(call, "participants"),
							      k, part)(void)
		json_array_append_new(users, json_pack("{s:O, s:O, s:O}", "jid",
						       json_object_get(part, "user"), "call",
						       json_object_get(call, "id"), "since",
						       json_object_get(part, "joined")));
	return users;
}

struct calls_answer {
	struct ly_admin *admin;
	struct ly_http_req *req;
	json_t *stats; /* owned */
};

static json_t *calls_json(const json_t *stats, json_t *calls)
{
	char now[LY_DATETIME_MAX];
	json_t *server, *out;

	ly_datetime_format(now, sizeof(now), ly_clock_wall());
	server = json_pack("{s:O, s:O, s:O, s:O}", "version", json_object_get(stats, "version"),
			   "uptime_s", json_object_get(stats, "uptime_s"), "sessions",
			   json_object_get(stats, "sessions"), "rss_bytes",
			   json_object_get(stats, "rss_bytes"));
	out = json_pack("{s:s, s:o, s:O, s:o}", "now", now, "server", server, "calls", calls,
			"users", users_of(calls));
	return out;
}

static void on_calls(struct ly_cmd *cmd, void *ctx)
{
	struct calls_answer *c = ctx;
	json_t *body;

	if (cmd->err) {
		reply_error(c->req, status_of(cmd->err), cmd->error, NULL);
	} else {
		body = calls_json(c->stats, cmd->result);
		reply_json(c->req, 200, body, NULL);
		json_decref(body);
	}
	json_decref(c->stats);
	ly_free(c, LY_MEM_MISC);
}

static void on_calls_stats(struct ly_cmd *cmd, void *ctx)
{
	struct calls_answer *c = ctx;

	if (cmd->err) {
		reply_error(c->req, status_of(cmd->err), cmd->error, NULL);
		ly_free(c, LY_MEM_MISC);
		return;
	}
	c->stats = json_incref(cmd->result);
	ly_cmd_start(&loop_of(c->admin, c->req)->env, READER, "calls", json_object(), on_calls, c);
}

static void get_calls(struct ly_http_req *req, void *ctx)
{
	struct ly_admin *a = ctx;
	struct calls_answer *c;

	if (!is_allowed(a, req, NULL))
		return;
	c = ly_alloc(sizeof(*c), LY_MEM_MISC);
	if (c == NULL) {
		ly_http_reply_error(req, 500, "out of memory");
		return;
	}
	c->admin = a;
	c->req = req;
	ly_cmd_start(&loop_of(a, req)->env, READER, "stats", json_object(), on_calls_stats, c);
}

static void delete_call(struct ly_http_req *req, void *ctx)
{
	const char *id = req->path + strlen("/api/v1/calls/");
	char who[WHO_MAX];

	if (is_allowed(ctx, req, who))
		run(ctx, req, who, "call end", json_pack("{s:s}", "id", id), NULL);
}

static json_t *shape_rooms(struct ly_admin *a, json_t *result)
{
	(void)a;
	return json_pack("{s:O}", "rooms", result);
}

static void get_rooms(struct ly_http_req *req, void *ctx)
{
	if (is_allowed(ctx, req, NULL))
		run(ctx, req, READER, "rooms", json_object(), shape_rooms);
}

static json_t *shape_users(struct ly_admin *a, json_t *result)
{
	(void)a;
	return json_pack("{s:O}", "users", result);
}

static void get_users(struct ly_http_req *req, void *ctx)
{
	if (is_allowed(ctx, req, NULL))
		run(ctx, req, READER, "user list", json_object(), shape_users);
}

static json_t *shape_stats(struct ly_admin *a, json_t *result)
{
	(void)a;
	return json_incref(result);
}

static void get_stats(struct ly_http_req *req, void *ctx)
{
	if (is_allowed(ctx, req, NULL))
		run(ctx, req, READER, "stats", json_object(), shape_stats);
}

static void not_found(struct ly_http_req *req, void *ctx)
{
	(void)ctx;
	reply_error(req, 404, "there is nothing here", NULL);
}

/* ---- /metrics ---- */

static void on_metrics(struct ly_cmd *cmd, void *ctx)
{
	struct ly_http_req *req = ctx;
	struct ly_buf text;

	if (cmd->err) {
		ly_http_reply_error(req, 500, "no figures");
		return;
	}
	ly_buf_init(&text, LY_MEM_MISC, 0);
	ly_prom_write(&text, cmd->result);
	if (text.err)
		ly_http_reply_error(req, 500, "out of memory");
	else
		ly_http_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8",
			      ly_buf_span(&text), NO_STORE);
	ly_buf_fini(&text);
}

static bool is_loopback(const struct ly_addr *a)
{
	static const uint8_t v6[16] = { [15] = 1 };
	static const uint8_t mapped[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };

	if (a->family == 4)
		return a->ip[0] == 127;
	return a->family == 6 && (memcmp(a->ip, v6, 16) == 0 || memcmp(a->ip, mapped, 13) == 0);
}

static void get_metrics(struct ly_http_req *req, void *ctx)
{
	struct ly_admin *a = ctx;
	enum ly_metrics_access access = loop_of(a, req)->metrics;

	if (access == LY_METRICS_OFF ||
	    (access == LY_METRICS_LOOPBACK && !is_loopback(&req->peer))) {
		reply_error(req, 403, "metrics are not open to this address: see [admin] metrics",
			    NULL);
		return;
	}
	ly_cmd_start(&loop_of(a, req)->env, READER, "stats", json_object(), on_metrics, req);
}

int ly_rest_add_routes(struct ly_admin *a)
{
	const struct ly_http_route routes[] = {
		{ "POST", "/api/v1/login", on_login, a },
		{ "GET", "/api/v1/calls", get_calls, a },
		{ "DELETE", "/api/v1/calls/", delete_call, a },
		{ "GET", "/api/v1/rooms", get_rooms, a },
		{ "GET", "/api/v1/users", get_users, a },
		{ "GET", "/api/v1/stats", get_stats, a },
		{ "GET", "/metrics", get_metrics, a },
		{ NULL, "/api/", not_found, a },
	};
	int err = 0;

	for (size_t i = 0; i < LY_COUNTOF(routes) && !err; i++)
		err = ly_server_add_route(a->server, &routes[i]);
	return err;
}
