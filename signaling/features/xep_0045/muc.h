/* XEP-0045 Multi-User Chat: the rooms of one rooms host (conference.DOMAIN) that live at one home.
 *
 * A room lives at the home that the hash of its bare JID names; only that home touches it.
 * Persistent rooms are loaded from the store by the first stanza that names them and unloaded when
 * nobody has used them for a while; temporary rooms end with their last occupant.
 *
 * The server itself takes part in rooms through agents: occupants without a session (the focus of
 * the calls is one). This header is what they, the operator's tools and the tests use.
 */
#ifndef LY_SIGNALING_FEATURES_XEP_0045_MUC_H
#define LY_SIGNALING_FEATURES_XEP_0045_MUC_H

#include "base/time.h"
#include "signaling/stanza.h"

struct ly_home;
struct ly_muc;       /* the rooms of one host at one home; owned by the home */
struct ly_muc_agent; /* one agent in one room; owned by the rooms */

/** The nick of the service's own occupant: nobody else may take it. */
#define LY_MUC_SERVICE_NICK "focus"

enum ly_muc_role { LY_MUC_NONE, LY_MUC_VISITOR, LY_MUC_PARTICIPANT, LY_MUC_MODERATOR };

/** XEP-0045 s. 5.2, in the order of power; the numbers are those of enum ly_store_affiliation. */
enum ly_muc_affiliation {
	LY_MUC_AFF_NONE = 0,
	LY_MUC_OUTCAST = 1,
	LY_MUC_MEMBER = 2,
	LY_MUC_ADMIN = 3,
	LY_MUC_OWNER = 4,
};

/** "moderator", "none" ... */
const char *ly_muc_role_name(enum ly_muc_role role);
/** "owner", "none" ... */
const char *ly_muc_affiliation_name(enum ly_muc_affiliation affiliation);

/** Why an occupant is no longer there. */
enum ly_muc_gone {
	LY_MUC_LEFT,    /* sent unavailable presence, or its session ended */
	LY_MUC_KICKED,  /* status 307: a moderator or an agent removed it */
	LY_MUC_BANNED,  /* 301 */
	LY_MUC_REMOVED, /* 321, 322: not a member of a members-only room any more */
	LY_MUC_LOST,    /* 333: its server or session does not take stanzas any more */
	LY_MUC_RENAMED, /* 303: a joined event with the new nick follows */
};

/** An occupant as agents see it; borrowed during the call. */
struct ly_muc_occupant_info {
	const char *nick;
	const struct ly_jid
		*jid; /* real full JID (of the first session when several share the nick) */
	enum ly_muc_role role;
	enum ly_muc_affiliation affiliation;
	const struct ly_xml
		*presence; /* <presence/> as the occupant sent it last, with all children */
};

/** What an agent is told. Called on the home of the room, after the stanza or request that caused
 * it has been worked off: it may call any function below, rooms are not re-entered. Unused members
 * may be NULL. Other agents are not reported. */
struct ly_muc_agent_ops {
	/** The answer to ly_muc_agent_join(). err: 0; -ENOENT no such room and not to be created;
	 *  -EEXIST nick taken; -E2BIG room limit; -ENOMEM; -EIO store failed. After an error the
	 * agent is gone. After 0 come occupant_joined() for all who are there already. */
	void (*joined)(void *ctx, struct ly_muc_agent *agent, int err);
	void (*occupant_joined)(void *ctx, struct ly_muc_agent *agent,
				const struct ly_muc_occupant_info *who);
	/** New presence payload, role, affiliation, or another session is now the first one. */
	void (*occupant_changed)(void *ctx, struct ly_muc_agent *agent,
				 const struct ly_muc_occupant_info *who);
	/** who->presence is the unavailable presence if there was one, else NULL. new_nick only
	 * with LY_MUC_RENAMED. */
	void (*occupant_left)(void *ctx, struct ly_muc_agent *agent,
			      const struct ly_muc_occupant_info *who, enum ly_muc_gone why,
			      const char *new_nick);
	/** The room is destroyed: the agent is gone. Not called when the home itself is destroyed:
	 *  what ctx needs must be let go before. */
	void (*room_destroyed)(void *ctx, struct ly_muc_agent *agent, const char *reason);
	/** An IQ (request or answer) or a private message sent to the agent's nick by @p who.
	 *  st->from is room@host/nick, st->to is room@host/AGENTNICK; borrowed: an answer is sent
	 * with ly_muc_agent_send(). An IQ request must be answered. */
	void (*stanza)(void *ctx, struct ly_muc_agent *agent,
		       const struct ly_muc_occupant_info *who, const struct ly_stanza *st);
};

enum {
	/** Create the room (temporary, non-anonymous, not locked, without owner) if there is none.
	 */
	LY_MUC_AGENT_CREATE = 1,
	/** The room does not end while this agent is in it; otherwise agents do not count. */
	LY_MUC_AGENT_KEEPS_ROOM = 2,
};

/** The rooms of the host @p domain at this home; NULL if it is no rooms host. Borrowed. */
struct ly_muc *ly_muc_of(struct ly_home *home, const char *domain);

/** Joins a room of this home (home = ly_home_index_of(bare room JID)) as moderator with @p nick;
 * the answer is ops->joined(), always later than this call. @p real_jid is shown in the agent's
 * muc#user item. Strings are copied; @p ops and @p ctx are borrowed until the agent is gone. @p
 * flags: LY_MUC_AGENT_*.
 *  @return 0, -EINVAL (malformed or foreign room JID, nick), -ENOMEM */
int ly_muc_agent_join(struct ly_muc_agent **out, struct ly_muc *muc, const char *room_jid,
		      const char *nick, const char *real_jid, const struct ly_muc_agent_ops *ops,
		      void *ctx, unsigned flags);

/** Leaves the room; no more calls of ops after this, the handle is gone. NULL is fine. */
void ly_muc_agent_leave(struct ly_muc_agent *agent);

/** Bare JID of the room, and the agent's room JID (room@host/nick). Borrowed. */
const char *ly_muc_agent_room(const struct ly_muc_agent *agent);
const char *ly_muc_agent_jid(const struct ly_muc_agent *agent);

/** Sends an IQ or private message from room@host/AGENTNICK to an occupant: @p to_nick's first
 * session, for an answer to an IQ the session that asked. @p el is a <iq/> or <message/> tree of
 * any arena (its from and to do not matter); copied.
 *  @return 0, -ENOENT (no such occupant), -EPROTO (not joined yet), -EINVAL, -ENOMEM */
int ly_muc_agent_send(struct ly_muc_agent *agent, const char *to_nick, const struct ly_xml *el);

/** Sets the agent's presence: the children of @p el (a <presence/>; NULL: none) and tells the room.
 *  May be called before joined(): then it is the presence of the join. @return 0, -ENOMEM */
int ly_muc_agent_presence(struct ly_muc_agent *agent, const struct ly_xml *el);

/** Sends a groupchat message with the children of @p el to the whole room, not kept as history.
 *  @return 0, -EPROTO (not joined yet), -ENOMEM */
int ly_muc_agent_say(struct ly_muc_agent *agent, const struct ly_xml *el);

/** Removes an occupant as a kick (status 307). @p reason may be NULL. @return 0, -ENOENT, -ENOMEM
 */
int ly_muc_agent_kick(struct ly_muc_agent *agent, const char *nick, const char *reason);

/** Looks at one occupant. @return false: no such occupant. *out is borrowed until the next call of
 *  anything. */
bool ly_muc_agent_find(struct ly_muc_agent *agent, const char *nick,
		       struct ly_muc_occupant_info *out);

/** A room as lists show it; strings borrowed during the call. */
struct ly_muc_room_info {
	const char *jid;
	const char *name;     /* "" if none */
	unsigned n_occupants; /* without agents */
	bool persistent;
	bool is_public; /* listed for everybody */
};

typedef void (*ly_muc_room_fn)(void *ctx, const struct ly_muc_room_info *info);

/** Calls @p fn for each room of this home that is in memory, of all rooms hosts (persistent rooms
 * that nobody uses are only in the store: LY_STORE_ROOM_LIST). Only on the home's loop. */
void ly_muc_each(struct ly_home *home, ly_muc_room_fn fn, void *ctx);

/** Ends a room at this home as its owner would: everybody is removed with @p reason (may be NULL)
 * and a persistent room is deleted from the store. @return 0, -ENOENT (not in memory), -ENOMEM */
int ly_muc_destroy_room(struct ly_muc *muc, const char *room_jid, const char *reason);

#endif
