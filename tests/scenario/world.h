/* The in-memory server: several homes, their queues, a fake store and clients, in virtual time. */
#ifndef LY_TESTS_SCENARIO_WORLD_H
#define LY_TESTS_SCENARIO_WORLD_H

#include "signaling/router/home.h"
#include "signaling/session/sm.h"
#include "tests/scenario/fake_store.h"

#define WORLD_DOMAIN "localhost"
#define WORLD_ROOMS "conference.localhost"

struct world_conf {
	unsigned n_homes;
	ly_usec store_delay; /* answers come up to this late, out of order between owners */
	uint64_t seed;
	struct ly_home_limits limits;
	const struct ly_host *more_hosts; /* beside users and rooms */
	size_t n_more_hosts;
};

struct world;

/** A connected client. */
struct peer {
	struct world *world;
	struct ly_list link;
	uint64_t conn;
	struct ly_session *session; /* NULL: not connected */
	struct ly_home *home;
	char *label;                 /* "student1" or "student1/phone" */
	struct ly_list inbox;        /* of struct received */
	enum ly_stream_error closed; /* LY_STREAM_OK: not closed by the server */
	bool is_closed;
	size_t n_received, n_taken;
	char sm_id[64]; /* of the last `<enabled/>`; "": none */
};

struct received {
	struct ly_list link;
	struct ly_xml_doc *doc; /* set by peer_take() */
	char *text;
};

struct world *world_create(const struct world_conf *conf);
/** Also frees the peers. */
void world_free(struct world *w);
struct ly_home *world_home(struct world *w, unsigned i);
struct ly_home *world_home_of(struct world *w, const char *bare_jid);
struct fake_store *world_store(struct world *w);
/** From now on in each call into a home the nth allocation fails; 0: none. */
void world_fail_at(struct world *w, uint64_t nth);
/** How many calls have seen such a failure. */
uint64_t world_n_failed(const struct world *w);
ly_usec world_now(const struct world *w);

/** Runs queues and the store until nothing moves; the clock moves only as far as the store needs.
 */
void world_settle(struct world *w);
/** Runs the queues without the store: what needs it stays under way. */
void world_turn(struct world *w);
/** Lets time pass, with timers. */
void world_wait(struct world *w, ly_usec d);

/** The client of a label, made at the first use. */
struct peer *world_peer(struct world *w, const char *label);
/** Binds; resource "web" unless the label has one. @return as ly_session_bind */
int peer_connect(struct peer *p);
void peer_disconnect(struct peer *p);
/** The connection breaks without the stream being closed. */
void peer_break(struct peer *p);
/** A new connection asks for the session @p id (XEP-0198); one that the session still had is
 * closed.
 * @return as ly_session_resume */
int peer_resume(struct peer *p, const char *id, const char *h);
/** Sends a copy of an element; `from` is stamped. @return as ly_stanza_wrap */
int peer_send_xml(struct peer *p, const struct ly_xml *el);
/** The same from text without a namespace declaration. */
int peer_send(struct peer *p, const char *xml);
/** Takes the oldest stanza; NULL if there is none. To be freed with received_free(). */
struct received *peer_take(struct peer *p);
void received_free(struct received *r);
void peer_forget(struct peer *p);

#endif
