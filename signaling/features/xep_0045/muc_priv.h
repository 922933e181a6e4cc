/* The insides of the rooms: shared by the files of this folder only.
 *
 *   muc.c     the rooms of a home: table, stanzas in, creation, end, timers
 *   room.c    occupants and sessions of a room, affiliations
 *   emit.c    what the room says: presence, messages, errors
 *   join.c    presence in          talk.c   messages in      invite.c  invitations, voice requests
 *   admin.c   muc#admin            owner.c  muc#owner        relay.c   IQs between occupants
 *   disco.c   disco#info, #items   list.c   all rooms        form.c    the options
 *   history.c                      save.c   the store        agent.c   in-process occupants
 *   feature.c the registration with the core
 */
#ifndef LY_SIGNALING_FEATURES_XEP_0045_MUC_PRIV_H
#define LY_SIGNALING_FEATURES_XEP_0045_MUC_PRIV_H

#include <stdio.h>

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "signaling/features/xep_0045/rules.h"
#include "signaling/router/home.h"

#define LY_NS_MUC "http://jabber.org/protocol/muc"
#define LY_NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define LY_NS_MUC_ADMIN "http://jabber.org/protocol/muc#admin"
#define LY_NS_MUC_OWNER "http://jabber.org/protocol/muc#owner"
#define LY_NS_MUC_REQUEST "http://jabber.org/protocol/muc#request"
#define LY_NS_MUC_STABLE_ID "http://jabber.org/protocol/muc#stable_id"
#define LY_NS_MUC_SELF_PING "http://jabber.org/protocol/muc#self-ping-optimization"
#define LY_NS_MUC_ROOMCONFIG "http://jabber.org/protocol/muc#roomconfig"
#define LY_NS_MUC_ROOMINFO "http://jabber.org/protocol/muc#roominfo"
#define LY_NS_DATA "jabber:x:data"
#define LY_NS_DELAY "urn:xmpp:delay"
#define LY_NS_SID "urn:xmpp:sid:0"
#define LY_NS_PING "urn:xmpp:ping"
#define LY_NS_DISCO_INFO "http://jabber.org/protocol/disco#info"
#define LY_NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"

/* Limits of what the network can make a home keep. */
#define LY_MUC_MAX_ROOMS 20000    /* in memory at one home */
#define LY_MUC_MAX_OCCUPANTS 1000 /* most that muc#roomconfig_maxusers may say */
#define LY_MUC_DEFAULT_OCCUPANTS 200
#define LY_MUC_MAX_SESSIONS 8 /* of one nick */
#define LY_MUC_MAX_AGENTS 4   /* of one room */
#define LY_MUC_MAX_AFFILIATIONS 5000
#define LY_MUC_MAX_PRESENCE 65536 /* bytes of memory of one presence (its tree) */
#define LY_MUC_MAX_HISTORY 100    /* messages */
#define LY_MUC_DEFAULT_HISTORY 50
#define LY_MUC_MAX_HISTORY_BYTES 262144 /* of all messages kept in memory for one room */
#define LY_MUC_MAX_WAITING 128          /* stanzas that wait for the load of one room */
#define LY_MUC_MAX_POSTS 256            /* messages of one room that wait for their commit */
#define LY_MUC_MAX_POST_BYTES 4194304   /* of all of them */
#define LY_MUC_MAX_INVITES 20           /* in one message */
#define LY_MUC_MAX_ITEMS 200            /* in one muc#admin request */
#define LY_MUC_MAX_LISTED 500           /* rooms in one disco#items answer */
#define LY_MUC_MAX_TEXT 1000 /* bytes of a name, description, subject, reason, password */

/* A room that nobody configures is open for all after this time (s. 10.1.1 allows a timeout). */
#define LY_MUC_LOCK_TIME LY_SEC(60)
/* A persistent room without occupants stays in memory for so long. */
#define LY_MUC_IDLE_TIME LY_SEC(300)

enum ly_muc_allow {
	LY_MUC_ALLOW_ALL,
	LY_MUC_ALLOW_PARTICIPANTS,
	LY_MUC_ALLOW_MODERATORS,
	LY_MUC_ALLOW_NONE
};

/** The options of a room (muc#roomconfig). Strings owned, never NULL after init. */
struct ly_muc_conf {
	char *name, *desc, *lang, *password;
	bool persistent, is_public, members_only, moderated, has_password;
	bool non_anonymous; /* whois = anyone */
	bool change_subject, allow_invites, logging;
	enum ly_muc_allow allow_pm;
	uint32_t max_users, max_history;
};

/** One who is affiliated with the room. */
struct ly_muc_member {
	char *jid;           /* owned: bare; key of room->members */
	char *nick, *reason; /* owned; NULL = none */
	enum ly_muc_affiliation affiliation;
};

struct ly_muc_agent {
	struct ly_list link;                /* in room->agents */
	struct ly_muc *muc;                 /* borrowed */
	struct ly_room *room;               /* borrowed; NULL when it has ended */
	char *nick, *jid, *room_jid, *real; /* owned; jid = room@host/nick, room_jid bare */
	struct ly_jid real_jid;             /* in strings */
	struct ly_arena strings;
	const struct ly_muc_agent_ops *ops; /* borrowed */
	void *ctx;                          /* borrowed */
	struct ly_muc_occupant *occ;        /* borrowed; NULL until joined */
	struct ly_xml_doc *presence;        /* owned; NULL = none */
	uint64_t id; /* never used again: events of an agent that is gone find nobody */
	unsigned flags;
};

/** One device of an occupant. */
struct ly_muc_session {
	struct ly_list link;         /* in occupant->sessions, oldest first */
	struct ly_muc_occupant *occ; /* borrowed */
	struct ly_jid jid;           /* in strings; key of room->sessions */
	struct ly_arena strings;
	struct ly_xml_doc *presence; /* owned: as sent, with muc and muc#user children taken out */
	uint32_t num;                /* unlike all others in this room, ever: marks relayed IQs */
};

/** One nick in the room. */
struct ly_muc_occupant {
	struct ly_list link; /* in room->occupants, in the order of joining */
	char *nick;          /* owned; key of room->nicks */
	char *jid;           /* owned: room@host/nick */
	char *bare;          /* owned: real bare JID */
	struct ly_list sessions;
	unsigned n_sessions;
	enum ly_muc_role role;
	enum ly_muc_affiliation affiliation;
	struct ly_muc_agent *agent; /* borrowed; NULL for people */
	struct ly_blob *shown[2];   /* owned cache: presence for newcomers, [1] with the real JID */
};

enum ly_room_state {
	LY_ROOM_LOADING, /* asked the store; stanzas wait */
	LY_ROOM_LOCKED,  /* new; only its owner may be in it (s. 10.1.1) */
	LY_ROOM_OPEN,
};

struct ly_muc_said {
	struct ly_list link;
	struct ly_blob *blob; /* owned: with its delay element and a hole */
	ly_usec wall;
};

/** A message on its way to everybody; those before it in room->posts go first. */
struct ly_muc_post {
	struct ly_list link;
	struct ly_blob *live;     /* owned: what is sent now */
	struct ly_muc_said *said; /* owned: what becomes history; NULL = nothing */
	struct ly_stanza
		*origin; /* owned: answered with an error if the store fails; may be NULL */
	uint64_t num;
	bool ready; /* committed, or needs no commit */
	bool failed;
};

struct ly_room {
	struct ly_muc *muc;         /* borrowed */
	char *jid;                  /* owned: bare; key of muc->rooms */
	struct ly_home_timer timer; /* LOCKED: lock time; else idle */
	uint64_t id; /* never used again: answers of the store find this room or none */
	enum ly_room_state state;
	struct ly_muc_conf conf;
	char *subject, *subject_nick; /* owned; NULL = never set */
	ly_usec subject_wall, created_wall;

	struct ly_list occupants; /* owned */
	struct ly_map nicks;      /* nick -> occupant */
	struct ly_map sessions;   /* full JID -> session */
	unsigned n_occupants;     /* without agents */
	uint32_t next_session;
	struct ly_list agents; /* owned: joined and waiting for the load */
	unsigned n_agents;

	struct ly_map members;      /* bare JID -> struct ly_muc_member, owned */
	unsigned n_owners, n_nicks; /* owners, and members with a registered nick */

	struct ly_list history; /* owned: struct ly_muc_said, oldest first */
	unsigned n_history;
	size_t history_bytes;
	uint64_t last_id; /* of a stanza-id */

	struct ly_list waiting; /* LOADING: struct ly_muc_wait */
	unsigned n_waiting;
	struct ly_list posts; /* struct ly_muc_post, oldest first */
	unsigned n_posts;
	size_t post_bytes;   /* of their live copies */
	unsigned pending;    /* requests at the store */
	bool stored;         /* the store has (or is getting) it */
	bool gone;           /* destroyed; freed at the end of the turn */
	struct ly_list dead; /* in muc->dead when gone */
};

struct ly_muc_wait {
	struct ly_list link;
	struct ly_stanza *st;
};

enum ly_muc_event_kind {
	LY_MUC_EV_JOINED_ROOM,
	LY_MUC_EV_OCCUPANT,
	LY_MUC_EV_CHANGED,
	LY_MUC_EV_GONE,
	LY_MUC_EV_STANZA,
	LY_MUC_EV_DESTROYED,
};

/** What an agent is still to be told; delivered when the room is at rest. */
struct ly_muc_event {
	struct ly_list link;
	enum ly_muc_event_kind kind;
	uint64_t agent; /* its id */
	int err;
	struct ly_xml_doc *doc; /* owned: arena of what follows */
	struct ly_muc_occupant_info who;
	struct ly_jid who_jid;
	enum ly_muc_gone why;
	const char *text;     /* new nick, reason */
	struct ly_stanza *st; /* owned */
};

struct ly_muc {
	struct ly_home *home; /* borrowed */
	const char *domain;   /* borrowed from the host */
	struct ly_map rooms;  /* bare JID -> room, owned */
	struct ly_map ids;    /* id -> room */
	struct ly_map agents; /* id -> agent */
	struct ly_list dead;  /* rooms to be freed at the end of the turn */
	struct ly_list events;
	struct ly_home_timer flush; /* armed when agents are to be told later */
	uint64_t next_id;
	unsigned busy; /* depth of calls in; at 0 events go out and dead rooms are freed */
	struct ly_log log;
};

/* ---- muc.c ---- */
int ly_muc_create(struct ly_muc **out, struct ly_home *home, const char *domain);
void ly_muc_destroy(struct ly_muc *muc);
/** Takes a stanza to a room or occupant. */
void ly_muc_recv(struct ly_muc *muc, struct ly_stanza *st);
/** Around everything that changes rooms: leave() tells agents and frees what has ended. */
void ly_muc_enter(struct ly_muc *muc);
void ly_muc_leave(struct ly_muc *muc);
/** The same, but tells no agents now. */
void ly_muc_leave_quietly(struct ly_muc *muc);
struct ly_room *ly_muc_room(struct ly_muc *muc, const char *bare);
/** A new room in the table (state LOADING). NULL: no memory or too many. */
struct ly_room *ly_muc_room_create(struct ly_muc *muc, const char *bare);
/** Starts its load; the waiting stanzas and agents are worked off when it is done. */
void ly_muc_room_load(struct ly_room *room);
/** Works off what waited; called once the room is loaded, or found to be new. */
void ly_muc_room_release(struct ly_room *room, int err);
/** Makes a new room usable: default options, @p owner (NULL: none). @return 0, -ENOMEM */
int ly_muc_room_found(struct ly_room *room, const char *owner);
/** Takes the room out of the table; freed when the turn ends. */
void ly_muc_room_end(struct ly_room *room);
/** Ends a temporary room without occupants; arms the timer of a persistent one. */
void ly_muc_room_check_empty(struct ly_room *room);
void ly_muc_room_unlock(struct ly_room *room);
/** Removes everybody (s. 10.9) and ends the room; the store is told by the caller. */
void ly_muc_room_destroy(struct ly_room *room, const char *alternate, const char *password,
			 const char *reason);
/** True if this user may make rooms. */
bool ly_muc_may_create(const struct ly_muc *muc, const struct ly_jid *who);

/* ---- room.c ---- */
int ly_room_init(struct ly_room *room, struct ly_muc *muc, const char *bare);
void ly_room_fini(struct ly_room *room);
struct ly_muc_occupant *ly_room_by_nick(const struct ly_room *room, const char *nick);
struct ly_muc_session *ly_room_session(const struct ly_room *room, const struct ly_jid *full);
/** Any session of that bare JID, NULL if none. */
struct ly_muc_session *ly_room_by_bare(const struct ly_room *room, const char *bare);
struct ly_muc_session *ly_muc_first_session(const struct ly_muc_occupant *occ);
/** A new occupant without sessions. @return 0, -ENOMEM */
int ly_room_add_occupant(struct ly_room *room, const char *nick, const char *bare,
			 struct ly_muc_occupant **out);
/** Adds a session; takes presence only on success. @return 0, -ENOMEM */
int ly_room_add_session(struct ly_room *room, struct ly_muc_occupant *occ,
			const struct ly_jid *full, struct ly_xml_doc *presence,
			struct ly_muc_session **out);
/** Frees a session; not its occupant. */
void ly_room_del_session(struct ly_room *room, struct ly_muc_session *s);
void ly_room_del_occupant(struct ly_room *room, struct ly_muc_occupant *occ);
/** @return 0, -ENOMEM (kept as it was) */
int ly_room_rename(struct ly_room *room, struct ly_muc_occupant *occ, const char *nick);
/** The affiliation of a bare JID; a ban of its domain counts (s. 9.2). */
enum ly_muc_affiliation ly_room_affiliation(const struct ly_room *room, const char *bare);
const struct ly_muc_member *ly_room_member(const struct ly_room *room, const char *bare);
/** Sets, changes or (NONE) removes. nick NULL: keep, "": none. @return 0, -ENOMEM, -E2BIG */
int ly_room_set_member(struct ly_room *room, const char *bare, enum ly_muc_affiliation affiliation,
		       const char *nick, const char *reason);
/** True if another user than @p bare has registered the nick. */
bool ly_room_nick_reserved(const struct ly_room *room, const char *nick, const char *bare);
/** Replaces a string that the room owns (NULL clears). @return 0, -ENOMEM (kept) */
int ly_room_set_str(char **at, const char *s);

/* ---- emit.c ---- */
/** What a presence says beside the occupant's own children. */
struct ly_muc_note {
	bool gone;              /* type='unavailable', role none */
	unsigned codes[4];      /* zero-ended: told to everybody */
	unsigned self_codes[5]; /* zero-ended: told to the occupant only, with 110 */
	const char *actor, *reason;
	const char *new_nick;              /* 303 */
	const char *id;                    /* for the occupant's own copy (s. 7.2.2) */
	const struct ly_xml *payload;      /* children to show instead of the session's own */
	const struct ly_muc_session *only; /* self presence goes to this session of the nick only */
	bool others_only, self_only;
};
/** Tells the room of an occupant, in the name of its session @p s (NULL: the first one): its own
 *  sessions last, or first when it is gone. */
void ly_room_announce(struct ly_room *room, struct ly_muc_occupant *occ, struct ly_muc_session *s,
		      const struct ly_muc_note *note);
/** Forgets what newcomers are shown of an occupant; after any change of it. */
void ly_muc_forget_shown(struct ly_muc_occupant *occ);
/** Sends the presence of all other occupants to one session. */
void ly_room_show_all(struct ly_room *room, struct ly_muc_session *to);
/** Sends a blob with a hole to all people (agents do not get it). */
void ly_room_fan(struct ly_room *room, struct ly_blob *blob);
/** Sends a tree to one JID: from and to are set in a copy. */
void ly_room_send(struct ly_room *room, const struct ly_xml *el, const char *from, const char *to);
/** Finishes b (in the arena of doc) and routes it; takes doc. */
void ly_room_route(struct ly_room *room, struct ly_xml_doc *doc, struct ly_build *b);
/** Answers with an error that names the room as its author (by=); takes the stanza. */
void ly_muc_refuse(struct ly_muc *muc, struct ly_stanza *st, enum ly_cond cond, const char *text);
void ly_muc_refuse_typed(struct ly_muc *muc, struct ly_stanza *st, enum ly_cond cond,
			 enum ly_error_type type, const char *text);
/** An empty result; takes the IQ. */
void ly_muc_ok(struct ly_muc *muc, struct ly_stanza *iq);
/** Sends the finished result of an IQ in whose arena @p b is; takes the IQ. */
void ly_muc_answer(struct ly_muc *muc, struct ly_stanza *iq, struct ly_build *b);
/** `<presence type='unavailable'>` of s. 7.2.16 (110, 307, 333) to somebody who is not in the room.
 */
void ly_muc_tell_not_in(struct ly_muc *muc, const struct ly_stanza *presence);
/** A groupchat message from the room with status codes (zero-ended) to everybody. */
void ly_room_tell_codes(struct ly_room *room, const unsigned *codes);

/* ---- join.c ---- */
void ly_room_presence(struct ly_room *room, struct ly_stanza *st);
/** Removes an occupant with all its sessions and tells everybody. */
void ly_room_remove(struct ly_room *room, struct ly_muc_occupant *occ, enum ly_muc_gone why,
		    const struct ly_muc_note *note);
/** Removes one session (the occupant with its last one). @p payload: the unavailable presence, may
 * be NULL. @p ended: the session itself is over, so it is told nothing. */
void ly_room_remove_session(struct ly_room *room, struct ly_muc_session *s, enum ly_muc_gone why,
			    const struct ly_xml *payload, bool ended);
/** Removes those who may not be in a members-only room (322). */
void ly_room_remove_non_members(struct ly_room *room);

/* ---- talk.c ---- */
void ly_room_message(struct ly_room *room, struct ly_stanza *st);
/** Sends the current subject to one session (s. 7.2.15). */
void ly_room_send_subject(struct ly_room *room, const struct ly_muc_session *to);
/** Says something to everybody: live now or after the commit, in order. Takes post. */
void ly_room_post(struct ly_room *room, struct ly_muc_post *post);
/** A groupchat message in the name of a room JID, not kept as history. @return 0, -ENOMEM */
int ly_room_say(struct ly_room *room, const struct ly_xml *msg, const char *from);
/** Lets go what is ready at the head of the queue. */
void ly_room_flush_posts(struct ly_room *room);
void ly_muc_post_free(struct ly_muc_post *post);
/** The next stanza-id of the room: grows with time, never the same twice. */
void ly_room_next_id(struct ly_room *room, char out[24]);

/* ---- invite.c ---- */
/** Handles a message to the room that is not groupchat; takes it. */
void ly_room_mediate(struct ly_room *room, struct ly_stanza *st);
/** Invitation from the room in the name of @p from (s. 7.8.2). */
void ly_room_invite(struct ly_room *room, const char *from, const char *to,
		    const struct ly_xml *invite, const char *id);

/* ---- history.c ---- */
void ly_room_add_history(struct ly_room *room, struct ly_muc_said *said);
void ly_room_clear_history(struct ly_room *room);
void ly_room_send_history(struct ly_room *room, const struct ly_muc_session *to,
			  const struct ly_xml *wish);
struct ly_muc_said *ly_muc_said_create(struct ly_blob *blob, ly_usec wall);
void ly_muc_said_free(struct ly_muc_said *said);

/* ---- admin.c, owner.c, disco.c, relay.c: take the IQ ---- */
void ly_room_admin(struct ly_room *room, struct ly_stanza *iq);
void ly_room_owner(struct ly_room *room, struct ly_stanza *iq);
void ly_room_disco_info(struct ly_room *room, struct ly_stanza *iq);
void ly_room_disco_items(struct ly_room *room, struct ly_stanza *iq);
void ly_room_relay(struct ly_room *room, struct ly_stanza *iq);
/** An id with the number of the asking session before it. NULL: no memory */
const char *ly_room_mark_id(struct ly_arena *arena, const struct ly_muc_session *s, const char *id);
/** The session of @p occ that a marked id names; *id is then without the mark. NULL: none. */
struct ly_muc_session *ly_room_unmark_id(const struct ly_muc_occupant *occ, const char **id);
/** Changes a role and tells everybody; NONE is a kick. */
void ly_room_set_role(struct ly_room *room, struct ly_muc_occupant *occ, enum ly_muc_role role,
		      const char *actor, const char *reason);
/** Gives an occupant what its affiliation is now and tells everybody, or removes it. */
void ly_room_apply_affiliation(struct ly_room *room, const char *bare, const char *actor,
			       const char *reason);
/** disco#items of the host: answers when all homes and the store have. */
void ly_muc_list_rooms(struct ly_muc *muc, struct ly_stanza *iq);

/* ---- form.c ---- */
int ly_muc_conf_init(struct ly_muc_conf *conf);
void ly_muc_conf_fini(struct ly_muc_conf *conf);
/** @return 0, -ENOMEM */
int ly_muc_conf_copy(struct ly_muc_conf *out, const struct ly_muc_conf *in);
/** Appends the form (`<x type='form'>` or, submit, the values only) to the open element. */
void ly_muc_conf_build(struct ly_build *b, const struct ly_muc_conf *conf, bool submit);
/** Takes the values of a submitted form; fields it does not name stay.
 *  @return 0, -EBADMSG (*why says what), -ENOMEM; on error the caller throws conf away */
int ly_muc_conf_read(struct ly_muc_conf *conf, const struct ly_xml *x, const char **why);
/** The same options as text for the store, in the arena. NULL: no memory */
const char *ly_muc_conf_text(const struct ly_muc_conf *conf, struct ly_arena *arena);
int ly_muc_conf_parse(struct ly_muc_conf *conf, const char *text);
/** Appends a field with one value to the open form; label and type may be NULL. */
void ly_muc_form_field(struct ly_build *b, const char *var, const char *type, const char *label,
		       const char *value);
/** The first value of a field of a submitted form; NULL if absent. */
const char *ly_muc_form_value(const struct ly_xml *x, const char *var);

/* ---- save.c ---- */
/** Writes the room's options, subject and affiliations if it is persistent, and deletes it if it
 *  was; then answers @p iq (taken; may be NULL) with a result or an error. */
void ly_room_save(struct ly_room *room, struct ly_stanza *iq);
/** Deletes the room in the store, then answers @p iq (taken; may be NULL). */
void ly_room_forget(struct ly_room *room, struct ly_stanza *iq);
/** Writes a message to the history in the store; the post goes on when it is committed.
 *  @return 0, -ENOMEM */
int ly_room_keep(struct ly_room *room, struct ly_muc_post *post);
/** Writes the subject; the post goes on when it is committed. @return 0, -ENOMEM */
int ly_room_keep_subject(struct ly_room *room, struct ly_muc_post *post);

/* ---- agent.c ---- */
void ly_muc_agents_joined(struct ly_room *room, int err);
void ly_muc_agents_event(struct ly_room *room, enum ly_muc_event_kind kind,
			 const struct ly_muc_occupant *occ, enum ly_muc_gone why,
			 const struct ly_xml *payload, const char *text);
/** An IQ or message of session @p from for an agent; takes it. */
void ly_muc_agent_stanza(struct ly_muc_agent *agent, const struct ly_muc_session *from,
			 struct ly_stanza *st);
void ly_muc_agents_destroyed(struct ly_room *room, const char *reason);
/** Hands out the events; called with the rooms at rest. */
void ly_muc_agents_flush(struct ly_muc *muc);
/** Frees what is left of them (shutdown). */
void ly_muc_agents_drop(struct ly_muc *muc);
bool ly_muc_agents_keep(const struct ly_room *room);

#endif
