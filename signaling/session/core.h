/* What the files of session/ and router/ share about users and sessions; nothing for features. */
#ifndef LY_SIGNALING_SESSION_CORE_H
#define LY_SIGNALING_SESSION_CORE_H

#include "signaling/router/core.h"

/* user.c */
/** Frees a user with its sessions, which are not told. */
void ly_user_free(struct ly_user *user);
/** Keeps a stanza until the user is loaded or its stored messages have been handed out.
 *  @return false: too many wait, or no memory; the stanza is still the caller's */
bool ly_user_hold(struct ly_user *user, struct ly_stanza *st,
		  void (*run)(struct ly_home *home, struct ly_msg *msg));
/** Runs what was held. */
void ly_user_run_pending(struct ly_user *user);
/** Closes all connections and ends all sessions. */
void ly_user_kick(struct ly_user *user, enum ly_stream_error cond, const char *text);

/* session.c */
/** Ends a session: presence goes out, features are told, what it has not acknowledged goes
 * elsewhere; then it is DEAD and waits for its detach, or freed if it has no connection. */
void ly_session_end(struct ly_session *s);
/** Frees a DEAD session, or one whose home goes. */
void ly_session_free(struct ly_session *s);

/* presence.c */
/** Initial presence, update, or unavailable without `to`; takes st. */
void ly_presence_broadcast(struct ly_session *s, struct ly_stanza *st);
/** Presence to somebody (RFC 6121 s. 4.6); takes st. */
void ly_presence_directed(struct ly_session *s, struct ly_stanza *st);
/** Sends unavailable to all who think that the session is available. */
void ly_presence_end(struct ly_session *s);
/** A probe by the full JID of an account here: answered only if it may see us (fan.c). */
void ly_presence_probed(struct ly_user *user, const char *prober);
/** A probe as a stanza: always answered (s. 4.3.2); takes st. */
void ly_presence_probe(struct ly_user *user, struct ly_stanza *st);
/** What a probe by a stranger gets; takes st. */
void ly_presence_refuse_probe(struct ly_home *home, struct ly_stanza *st);
/** Presence (or unavailable) of all available resources to one contact. */
void ly_presence_show(struct ly_user *user, const char *contact);
void ly_presence_hide(struct ly_user *user, const char *contact);
/** Sends a presence of that type without payload; `from` and `to` as given. */
void ly_presence_send(struct ly_home *home, const char *type, const char *from, const char *to);
/** Such a presence as bytes with a hole; NULL: no memory. */
struct ly_blob *ly_presence_blob(const char *type, const char *from);
/** Delivers the stored messages of an LY_STORE_OFFLINE_TAKE, or stores them again if nobody is
 * there. */
void ly_offline_hand_out(struct ly_user *user, const struct ly_store_req *req);

/* subscribe.c */
/** The user sends a presence of a subscription type; takes st. */
void ly_subscription_out(struct ly_session *s, struct ly_stanza *st);
/** The loaded user receives one; takes st. */
void ly_subscription_in(struct ly_user *user, struct ly_stanza *st);
/** Hands the unanswered requests to a session that has become available. */
void ly_subscription_requests(struct ly_session *s);

/* roster_iq.c */
/** Tells the interested resources about a contact (RFC 6121 s. 2.1.6); removed: it is gone. */
void ly_roster_push(struct ly_user *user, const char *jid, bool removed);
/** Writes a contact to the store, or deletes it there if it is not in the roster any more. Errors
 * are logged. */
void ly_roster_save(struct ly_user *user, const char *jid);
/** The request for that, to be submitted by the caller; NULL: no memory. */
struct ly_store_req *ly_roster_save_request(struct ly_user *user, const char *jid);

#endif
