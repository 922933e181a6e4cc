/* The whole server: what main() makes, wires together and takes down. Parts that serve HTTP paths
 * or WebSockets are wired in server.c. */
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
#include "server/store/db.h"
#include "signaling/router/home.h"
#include "signaling/stream/stream.h"

#define LY_VERSION "0.1.0"
#define LY_MAX_ROUTES 32

struct ly_admin;
struct ly_server;

/** What the server keeps per loop; loop->user points to it. */
struct ly_worker {
	struct ly_server *server; /* borrowed */
	struct ly_loop *loop;     /* borrowed */
	struct ly_rand_system rand;
	SSL_CTX *tls_xmpp, *tls_http; /* one reference each; replaced by a reload */

	/* the home of this loop and what waits for it (homes.c) */
	struct ly_home *home; /* owned */
	struct ly_list queue; /* of struct ly_msg; the home runs it at the end of the turn */
	size_t n_queue;
	struct ly_list *out; /* owned; one list per home: batches for other loops */
	struct ly_loop_turn turn;
	struct ly_loop_timer tick;
	ly_usec ticked; /* the home has been told this time */

	/* streams (xmpp_conn.c) */
	struct ly_xml_pool *parsers;  /* owned */
	struct ly_stream_conf strict; /* of connections from outside */
	struct ly_stream_conf local;  /* of WebSockets over loopback without TLS */
	struct ly_map conns;          /* id -> struct ly_xmpp */
	struct ly_list xmpps;         /* all struct ly_xmpp of this loop */
	size_t n_xmpps;
	uint64_t next_conn;
	uint64_t rate_bps, max_queue; /* limits of one stream; 0 = none */
	ly_usec login_timeout;
};

enum { LY_LISTEN_XMPP, LY_LISTEN_XMPPS, LY_LISTEN_HTTP, LY_LISTEN_HTTPS, LY_N_LISTEN };

struct ly_server {
	struct ly_config *conf; /* owned; as it was at the start */
	struct ly_config
		*reloaded; /* owned; the newest after a reload, or NULL; main thread only */
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
	uint8_t secret[32];      /* kept in the data directory */
	const char *domains[2];  /* of users; NULL-ended */
	struct ly_host hosts[4]; /* const once the loops run */
	size_t n_hosts;
	struct ly_home_env env;
	struct ly_db *db;                   /* owned */
	const struct ly_feature **features; /* owned (calls.c): all of the XEPs, and the calls' */
	struct ly_focus *calls;             /* owned (calls.c) */
	struct ly_admin *admin;             /* owned */
	struct ly_media *media;             /* owned; the media threads */
	bool is_down;                       /* the loops are gone: messages are dropped */
};

/** Makes everything and binds the ports; nothing runs yet. Takes @p conf, on failure too. @p err
 * gets a sentence. @return 0 or a negative errno */
int ly_server_create(struct ly_server **out, struct ly_config *conf, char *err, size_t err_cap);
/** Starts the threads. @return 0, -EIO */
int ly_server_start(struct ly_server *s);
/** Takes what can be changed at run time from the configuration file (SIGHUP); logs what it did. */
void ly_server_reload(struct ly_server *s);
/** Closes all streams with system-shutdown, waits for them at most four seconds, stops the threads.
 */
void ly_server_stop(struct ly_server *s);
/** NULL is fine. */
void ly_server_destroy(struct ly_server *s);

/** Adds a route before the static files; before ly_server_start(). @return 0, -E2BIG */
int ly_server_add_route(struct ly_server *s, const struct ly_http_route *route);
int ly_server_add_ws(struct ly_server *s, const struct ly_ws_route *route);

#endif
