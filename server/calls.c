#include "server/calls.h"

#include <stdio.h>

#include "base/err.h"
#include "server/focus/channel.h"
#include "server/io/homes.h"
#include "signaling/feature.h"

/* What the homes tell of sessions: a session that ends frees its user's call slot at once. */
static void on_session_gone(struct ly_feature_ctx *ctx)
{
	struct ly_worker *w = ly_home_server(ctx->home);

	ly_focus_session_gone(w->server->calls, ctx->home, ly_session_jid(ctx->session));
}

static const struct ly_hooks hooks = { .session_gone = on_session_gone };
static const struct ly_feature calls_feature = { .name = "calls", .hooks = &hooks };

static int add_feature(struct ly_server *s)
{
	size_t n = 0;

	while (ly_features[n] != NULL)
		n++;
	s->features = ly_alloc((n + 2) * sizeof(*s->features), LY_MEM_CALL);
	if (s->features == NULL)
		return -ENOMEM;
	memcpy(s->features, ly_features, n * sizeof(*s->features));
	s->features[n] = &calls_feature;
	return 0;
}

/* Where clients that are no browser find the bridge channel: the HTTPS port, else the HTTP port. */
static void public_url(const struct ly_server *s, char *out, size_t cap)
{
	const struct ly_config_addrs *https = &s->conf->listen.https, *http = &s->conf->listen.http;

	if (https->n > 0)
		snprintf(out, cap, "wss://%s:%u", s->conf->server.domain, https->v[0].port);
	else
		snprintf(out, cap, "ws://%s:%u", s->conf->server.domain,
			 http->n > 0 ? http->v[0].port : 80);
}

int ly_calls_create(struct ly_server *s)
{
	struct ly_rand_system rand;
	char url[512];
	const struct ly_focus_conf conf = {
		.n_homes = s->loops.n,
		.domain = s->focus,
		.users_domain = s->conf->server.domain,
		.rooms_domain = s->muc,
		.public_url = url,
		.one_active_call = s->conf->calls.one_active_call == LY_ACTIVE_CALL_STRICT,
		.rand = &rand.rand,
		.post = ly_homes_post,
		.ctx = s,
	};

	int rc;

	ly_rand_system_init(&rand);
	public_url(s, url, sizeof(url));
	rc = add_feature(s);
	if (rc == 0)
		rc = ly_focus_create(&s->calls, &conf);
	if (rc != 0)
		return rc;
	s->hosts[s->n_hosts++] = (struct ly_host) { .domain = s->focus,
						    .kind = LY_HOST_COMPONENT,
						    .name = "Calls",
						    .ctx = s->calls,
						    .home_of = ly_focus_home_of,
						    .recv = ly_focus_recv,
						    .disco_category = "component",
						    .disco_type = "focus" };
	return 0;
}

static void media_conf(const struct ly_server *s, struct ly_media_conf *out)
{
	const struct ly_config *c = s->conf;

	memset(out, 0, sizeof(*out));
	out->n_threads = c->server.media_threads;
	out->base_port = c->listen.media.n > 0 ? c->listen.media.v[0].port : 0;
	for (size_t i = 0; i < c->listen.media.n && out->n_bind + 1 < LY_MEDIA_MAX_ADDRS; i++) {
		out->bind[out->n_bind] = c->listen.media.v[i];
		if (out->bind[out->n_bind].family == 0) { /* "*": all addresses of both families */
			out->bind[out->n_bind++].family = 4;
			out->bind[out->n_bind].family = 6;
		}
		out->n_bind++;
	}
	for (size_t i = 0; i < c->listen.advertise.n && i < LY_MEDIA_MAX_ADDRS; i++)
		out->advertise[out->n_advertise++] = c->listen.advertise.v[i];
	out->lost_after = c->calls.lost_after;
	out->event = ly_focus_media_event;
	out->ctx = s->calls;
}

int ly_calls_start(struct ly_server *s, char *err, size_t cap)
{
	struct ly_ws_route route = ly_focus_channel_route(s->calls);
	struct ly_media_conf conf;
	int rc;

	media_conf(s, &conf);
	rc = ly_media_create(&s->media, &conf);
	if (rc != 0) {
		snprintf(err, cap,
			 "cannot open the media port %u (UDP): %s\n  set another one in [listen] "
			 "media",
			 conf.base_port, strerror(-rc));
		return rc;
	}
	ly_focus_set_media(s->calls, s->media);
	return ly_server_add_ws(s, &route);
}

static void end_all(struct ly_loop *loop, void *ctx)
{
	struct ly_worker *w = loop->user;

	ly_homes_touch(w);
	ly_focus_end_all(ctx, w->home);
}

static void nothing(struct ly_loop *loop, void *ctx)
{
	(void)loop;
	(void)ctx;
}

void ly_calls_end_all(struct ly_server *s)
{
	for (unsigned i = 0; i < s->loops.n; i++)
		ly_loop_call(&s->loops.loops[i], end_all, s->calls);
	/* what it sends to clients of other loops is under way now */
	for (unsigned i = 0; i < s->loops.n; i++)
		ly_loop_call(&s->loops.loops[i], nothing, NULL);
}

void ly_calls_destroy(struct ly_server *s)
{
	ly_media_destroy(s->media);
	s->media = NULL;
	ly_focus_destroy(s->calls);
	s->calls = NULL;
	ly_free(s->features, LY_MEM_CALL);
}
