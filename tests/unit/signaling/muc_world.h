/* A small world for room tests: homes with the real router and sessions, a queue that is run by
 * hand, a store in memory, and for each client the text that it has received. */
#ifndef LY_TESTS_UNIT_SIGNALING_MUC_WORLD_H
#define LY_TESTS_UNIT_SIGNALING_MUC_WORLD_H

#include "signaling/features/xep_0045/muc.h"
#include "signaling/router/home.h"
#include "signaling/session/session.h"

#define WORLD_CLIENTS 64
#define WORLD_HOMES 4

struct world_client {
	struct ly_session *session;
	struct ly_home *home;
	char jid[128];
	struct ly_buf in; /* everything received since the last forget, one stanza per line */
	unsigned n_received;
};

struct world {
	unsigned n_homes;
	struct ly_home *homes[WORLD_HOMES];
	struct ly_list queues[WORLD_HOMES];
	struct ly_list store; /* of stored things */
	struct ly_list asked; /* requests that are held back */
	bool hold_store;      /* requests wait for world_answer() */
	bool fail_store;      /* requests fail with -EIO */
	uint64_t fail_alloc;  /* this allocation of the next world_send() fails; 0: none */
	bool alloc_failed;    /* it did */
	unsigned n_requests[LY_STORE_N_OPS];
	struct ly_rand rand;
	ly_usec now, wall;
	struct world_client clients[WORLD_CLIENTS];
	unsigned n_clients;
};

void world_init(struct world *w, unsigned n_homes);
void world_fini(struct world *w);
/** Runs all queues until they are empty. */
void world_run(struct world *w);
/** Lets time pass. */
void world_wait(struct world *w, ly_usec t);
/** Executes what the store holds back. */
void world_answer(struct world *w);
/** Destroys the homes and makes them anew with what the store has. */
void world_restart(struct world *w);

/** Binds "name@localhost/web" (or name/resource). @return its number */
unsigned world_connect(struct world *w, const char *name);
void world_disconnect(struct world *w, unsigned client);
/** Sends one stanza and runs; quotes may be '. */
void world_send(struct world *w, unsigned client, const char *xml);
/** What the client has received since the last call, or "". */
const char *world_got(struct world *w, unsigned client);
void world_forget(struct world *w);
/** The rooms' home of a room JID. */
struct ly_muc *world_muc(struct world *w, const char *room);

/** True if all words are in the text, in this order; NULL-ended. */
bool world_has(const char *text, ...);

#define ROOM "algebra@rooms.localhost"
#define JOIN_WITH(nick, inner) \
	"<presence to='" ROOM "/" nick "'><x xmlns='http://jabber.org/protocol/muc'>" inner \
	"</x></presence>"
#define JOIN(nick) JOIN_WITH(nick, "")
#define LEAVE(nick) "<presence type='unavailable' to='" ROOM "/" nick "'/>"
#define SAY(text) "<message type='groupchat' id='say' to='" ROOM "'><body>" text "</body></message>"
#define ADMIN(type, items) \
	"<iq type='" type "' id='adm' to='" ROOM "'>" \
	"<query xmlns='http://jabber.org/protocol/muc#admin'>" items "</query></iq>"
#define OWNER(type, inner) \
	"<iq type='" type "' id='own' to='" ROOM "'>" \
	"<query xmlns='http://jabber.org/protocol/muc#owner'>" inner "</query></iq>"
#define FORM(fields) OWNER("set", "<x xmlns='jabber:x:data' type='submit'>" fields "</x>")
#define FIELD(var, value) "<field var='muc#roomconfig_" var "'><value>" value "</value></field>"

/** Sends, and checks what comes back to the same client. */
#define ASK(w, client, xml, ...) \
	do { \
		world_send(w, client, xml); \
		assert_true(world_has(world_got(w, client), __VA_ARGS__, NULL)); \
	} while (0)
#define GETS(w, client, ...) assert_true(world_has(world_got(w, client), __VA_ARGS__, NULL))
#define GETS_NOTHING(w, client) assert_string_equal("", world_got(w, client))

/** The teacher makes the room with these fields of the form (FIELD()...). @return the client */
unsigned world_open_room(struct world *w, const char *form);
/** Connects and joins. */
unsigned world_join(struct world *w, const char *name, const char *nick);

#endif
