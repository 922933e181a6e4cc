/* The whole server: what main() makes, wires together and takes down. Parts that serve HTTP paths or
 * WebSockets are wired in server.c. */
#ifndef LY_SERVER_SERVER_H
#define LY_SERVER_SERVER_H

#include "server/config/config.h"
#include "server/io/http.h"
#include "server/io/limits.h"
#include "server/io/listen.h"
#include "server/io/loop.h"
#include "server/io/rand.h"
#include "server/io/static.h"
#include "server/io/ws.h"

#define LY_VERSION "0.1.0"
#define LY_MAX_ROUTES 32

struct ly_server;

/** What the server keeps per loop; loop->user points to it. */
struct ly_worker {
	struct ly_server *server; /* borrowed */
	struct ly_loop *loop;     /* borrowed */
	struct ly_rand_system rand;
	SSL_CTX *tls_xmpp, *tls_http; /* one reference each; replaced by a reload */
};

enum { LY_LISTEN_XMPP, LY_LISTEN_XMPPS, LY_LISTEN_HTTP, LY_LISTEN_HTTPS, LY_N_LISTEN };

struct ly_server {
	struct ly_config *conf; /* owned */
	ly_usec started, started_wall;
	struct ly_loops loops;
	struct ly_worker *workers; /* owned; one per loop */
	struct ly_limits *limits;  /* owned */
	struct ly_listener *listeners[LY_N_LISTEN];
	struct ly_static pages;
	struct ly_http_route routes[LY_MAX_ROUTES];
	struct ly_ws_route ws_routes[8];
	struct ly_http_conf http;
	char *config_json; /* owned: body of /config.json */
	char muc[300], focus[300];
};

/** Makes everything and binds the ports; nothing runs yet. Takes @p conf, on failure too. @p err gets a
 *  sentence. @return 0 or a negative errno */
int ly_server_create(struct ly_server **out, struct ly_config *conf, char *err, size_t err_cap);
/** Starts the threads. @return 0, -EIO */
int ly_server_start(struct ly_server *s);
/** Takes what can be changed at run time from the configuration file (SIGHUP); logs what it did. */
void ly_server_reload(struct ly_server *s);
/** Closes all streams with system-shutdown, waits for them at most four seconds, stops the threads. */
void ly_server_stop(struct ly_server *s);
/** NULL is fine. */
void ly_server_destroy(struct ly_server *s);

/** Adds a route before the static files; before ly_server_start(). @return 0, -E2BIG */
int ly_server_add_route(struct ly_server *s, const struct ly_http_route *route);
int ly_server_add_ws(struct ly_server *s, const struct ly_ws_route *route);

#endif
