/* A home: what one event loop owns of the XMPP world. Users, their sessions and rooms live at the
 * home that the hash of their bare JID chooses; only that home's loop touches them.
 *
 * Sans-IO. In: ly_home_run() with the messages of its queue, ly_session_*() from the connections
 * that have moved here, ly_home_tick(). Out: the functions of struct ly_home_env. Whatever is
 * addressed to a home goes through env->post, to the own home too: nothing is called across,
 * nothing is re-entered.
 *
 *   connection --ly_session_recv--> sender's home --ly_route, queue--> addressee's home
 * --env->send--> connection
 */
#ifndef LY_SIGNALING_ROUTER_HOME_H
#define LY_SIGNALING_ROUTER_HOME_H

#include "base/blob.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/timers.h"
#include "signaling/router/msg.h"
#include "signaling/stanza.h"
#include "signaling/store/store.h"
#include "signaling/stream/error.h"

struct ly_home;
struct ly_feature;
struct ly_user;
struct ly_session;

/** What the server does for all homes. The functions are called on the loop of the home (post: any
 *  thread) and must not call back into a home before they return. */
struct ly_home_env {
	void *ctx;
	unsigned n_homes;
	/** Puts a message at the end of a home's queue (the own one's too); takes it. On failure it
	 *  calls msg->drop. */
	void (*post)(void *ctx, unsigned home, struct ly_msg *msg);
	/** Executes a request and posts &req->msg to req->home; takes it. */
	void (*store)(void *ctx, struct ly_store_req *req);
	/** Writes a blob to a connection; takes its own reference. @p to (borrowed, unescaped) is
	 * put into the blob's hole as ` to='…'` unless empty. An unknown connection is ignored. */
	void (*send)(void *ctx, uint64_t conn, struct ly_blob *blob, struct ly_span to);
	/** Ends a connection with a stream error (LY_STREAM_OK: plainly). The session stays
	 * allocated until the connection's ly_session_detach() or ly_session_lost(). */
	void (*close)(void *ctx, uint64_t conn, enum ly_stream_error cond, const char *text);
};

enum ly_host_kind {
	LY_HOST_USERS,     /* accounts; the domain itself answers IQs */
	LY_HOST_ROOMS,     /* XEP-0045 */
	LY_HOST_COMPONENT, /* a part of the server that speaks for itself: the focus */
};

/** A domain that is served here. Shared by all homes, const, borrowed. */
struct ly_host {
	const char *domain; /* normalised */
	enum ly_host_kind kind;
	const char *name; /* shown by disco#info; NULL = "Lyceum" */

	/* COMPONENT only */
	void *ctx;
	/** The home that is to take this stanza; called at the sender's home. */
	unsigned (*home_of)(void *ctx, const struct ly_stanza *st);
	/** Takes a stanza to the domain or any JID of it, and owns it. */
	void (*recv)(struct ly_home *home, void *ctx, struct ly_stanza *st);
	const char *disco_category,
		*disco_type; /* identity shown by disco; NULL = component, generic */
};

/** Limits; 0 = the default given. */
struct ly_home_limits {
	unsigned resources; /* per user: 16, at most 64; beyond that a new one replaces the one that
			     * has been silent longest, if that is more than `silent` */
	ly_usec silent;     /* 5 min */
	unsigned roster;    /* contacts per user: 2000 */
	unsigned groups;    /* per contact: 32 */
	unsigned directed;  /* directed presences remembered per session: 200 */
	unsigned offline;   /* stored messages per user: 500 */
	unsigned waiting;   /* stanzas that wait for one user's load, or of one pair: 128 */
	unsigned presence;  /* bytes of a broadcast presence, kept per session: 16384 */
	unsigned unacked;   /* stanzas sent and not acknowledged per session (XEP-0198): 1000 */
	size_t unacked_bytes; /* and their bytes: 4 MiB */
	ly_usec resume; /* a session without its connection is kept so long: 300 s; negative: not
			 * at all */
	ly_usec linger; /* a user without sessions is kept so long: 60 s */
};

/** Copied; what it points to is borrowed until the home is destroyed. */
struct ly_home_conf {
	unsigned index; /* 0 … env->n_homes - 1 */
	const struct ly_host *hosts;
	size_t n_hosts;
	struct ly_home_limits limits;
	struct ly_rand *rand;
	const char *version;                      /* of the server, for XEP-0092 */
	const struct ly_feature *const *features; /* NULL-ended; NULL = all (ly_features) */
	void *server; /* whatever the server wants to find again by ly_home_server() */
};

/** @return 0, -ENOMEM, or what a feature's init returned */
int ly_home_create(struct ly_home **out, const struct ly_home_conf *conf,
		   const struct ly_home_env *env, ly_usec now);
/** Frees users, sessions (their connections are not told) and the features' states. Messages still
 * in the queue are dropped by the server (msg->drop) before or after. NULL is fine. */
void ly_home_destroy(struct ly_home *home);

/** [in] Runs and empties a list of messages of the queue. */
void ly_home_run(struct ly_home *home, ly_usec now, ly_usec wall, struct ly_list *msgs);
/** [in] Lets time pass. Call it also before ly_session_*() when the loop's time has changed. */
void ly_home_tick(struct ly_home *home, ly_usec now, ly_usec wall);
/** When ly_home_tick() is next due, LY_NEVER if not. */
ly_usec ly_home_deadline(const struct ly_home *home);

/** The home of an entity; the same for all homes and after restarts. */
unsigned ly_home_index_of(unsigned n_homes, struct ly_span bare_jid);

/** Ends all sessions of an account (deleted, disabled, password changed) with a stream error; any
 * home may be given, the account's own does it. */
void ly_home_kick(struct ly_home *home, const char *bare_jid, enum ly_stream_error cond,
		  const char *text);
/** Somebody else (lyceumctl) has written a contact of @p owner to the store: if the account is in
 * memory it takes the contact over, tells its clients and shows its presence to a contact that may
 * see it. Any home may be given; @p item is copied. */
void ly_home_contact_stored(struct ly_home *home, const char *owner,
			    const struct ly_store_contact *item);
/** Ends all sessions at this home (shutdown): their connections are closed with @p cond. */
void ly_home_close_all(struct ly_home *home, enum ly_stream_error cond, const char *text);

struct ly_home_stats {
	size_t users, sessions, waiting;
	uint64_t stanzas_in, stanzas_out; /* from and to the sessions here */
	uint64_t messages_in;             /* to the accounts here */
};
void ly_home_get_stats(const struct ly_home *home, struct ly_home_stats *out);

/* ---- for features and for the server's components, on the loop of the home ---- */

unsigned ly_home_index(const struct ly_home *home);
unsigned ly_home_n_homes(const struct ly_home *home);
ly_usec ly_home_now(const struct ly_home *home);
/** Wall time (microseconds since 1970) of the current turn. */
ly_usec ly_home_wall(const struct ly_home *home);
struct ly_rand *ly_home_rand(struct ly_home *home);
const struct ly_home_conf *ly_home_conf(const struct ly_home *home);
void *ly_home_server(const struct ly_home *home);
/** The state that @p feature's init made for this home; NULL if it is not there. */
void *ly_home_state(const struct ly_home *home, const struct ly_feature *feature);
/** The features of this home, NULL-ended. */
const struct ly_feature *const *ly_home_features(const struct ly_home *home);
/** The host of a normalised domain, NULL if it is not served here. */
const struct ly_host *ly_home_host(const struct ly_home *home, const char *domain);
/** The first host of a kind, NULL if none. */
const struct ly_host *ly_home_host_of_kind(const struct ly_home *home, enum ly_host_kind kind);
/** The account if it is loaded here, NULL otherwise. */
struct ly_user *ly_home_user(struct ly_home *home, const char *bare_jid);
/** The session of a full JID if it is here, NULL otherwise. */
struct ly_session *ly_home_session(struct ly_home *home, const char *full_jid);

/** Posts a message to a home (the own one too). */
void ly_home_post(struct ly_home *home, unsigned target, struct ly_msg *msg);
/** Submits a request (ly_store_req_create(ly_home_index(home), …)); takes it. With req->err set
 * already it is answered with that error. For an IQ handler that has to wait, see
 * ly_store_submit(). */
void ly_home_store(struct ly_home *home, struct ly_store_req *req);

/** Routes a stanza to the home of its `to`, through that home's queue; takes it. Domains that are
 * not served here get remote-server-not-found. `from` must be set (server-made stanzas too). */
void ly_route(struct ly_home *home, struct ly_stanza *st);
/** Finishes a builder whose arena is @p doc's, and routes the stanza; takes doc, also on failure
 *  (logged). */
void ly_route_build(struct ly_home *home, struct ly_xml_doc *doc, struct ly_build *b);
/** Answers a stanza with an error (RFC 6120 s. 8.3) and takes it; those that may not be answered
 * are only freed. @p text may be NULL. */
void ly_bounce(struct ly_home *home, struct ly_stanza *st, enum ly_cond cond, const char *text);

/* One stanza to many: serialised once, grouped by the homes of the receivers. */
struct ly_fan;
/** Starts with the stanza @p root (message or presence with `from`, any `to` is left out), read
 * only during this call. @return NULL: no memory (the other calls take that) */
struct ly_fan *ly_fan_create(struct ly_home *home, const struct ly_xml *root);
/** The same from a blob with a hole (takes its own reference). */
struct ly_fan *ly_fan_create_blob(struct ly_home *home, struct ly_blob *blob);
/** Adds a receiver: a full JID (delivered to that session or dropped silently) or a bare one (to
 * all its available resources). JIDs of local accounts only; others: see ly_fan_is_local(). */
void ly_fan_add(struct ly_fan *fan, const char *jid);
/** Posts to all the homes and frees. */
void ly_fan_send(struct ly_fan *fan);
/** True if the JID is on a host with accounts here, so that ly_fan_add() may take it. */
bool ly_fan_is_local(const struct ly_home *home, const char *jid);

/** A timer that a feature embeds in its own struct; zeroed at the start. */
struct ly_home_timer {
	struct ly_timer timer;
	/** Called by ly_home_tick() on the home's loop, disarmed already. */
	void (*fire)(struct ly_home *home, struct ly_home_timer *t);
};
/** Arms or re-arms at a point of time; LY_NEVER disarms. @return 0, -ENOMEM */
int ly_home_timer_set(struct ly_home *home, struct ly_home_timer *t, ly_usec at);

#endif
