/* A user: an account at its home. It is in memory while it has sessions or is being talked to, and
 * a while longer; loaded from storage with its roster when it is needed.
 *
 *   (absent) --needed--> LOADING --found--> READY --idle for limits.linger--> (absent)
 *                           `--no such account--> what waited is refused, (absent)
 */
#ifndef LY_SIGNALING_SESSION_USER_H
#define LY_SIGNALING_SESSION_USER_H

#include "signaling/router/home.h"
#include "signaling/session/roster.h"

enum ly_user_state { LY_USER_LOADING, LY_USER_READY };

/** Features read it; only session/ and router/ write it, but for call_slot. */
struct ly_user {
	struct ly_home *home;    /* borrowed */
	char *jid;               /* owned: bare JID */
	struct ly_list sessions; /* of struct ly_session, oldest first */
	struct ly_list pending;  /* what waits for the load */
	struct ly_roster roster; /* owned; empty while LOADING */
	struct ly_home_timer idle;
	void *call_slot; /* owned by the calls feature (signaling/calls, server/focus):
			  * while it is not NULL the user stays in memory */
	unsigned pins;   /* > 0: something waits for the store on its behalf */
	uint16_t n_sessions, n_pending;
	uint8_t state; /* enum ly_user_state */
	uint8_t role;  /* enum ly_store_role */
	uint8_t loads; /* answers of the store that are still to come */
	bool known;    /* the account exists */
	bool failed;   /* the store failed while loading */
	bool taking;   /* its offline messages are on their way from the store */
};

/** The user, loaded or being loaded; NULL when out of memory. An account that does not exist is
 * found out later only. */
struct ly_user *ly_user_get(struct ly_home *home, const char *bare_jid);

/** True if there is a session in state AVAILABLE. */
bool ly_user_is_available(const struct ly_user *user);
/** The session of a resource, NULL if none. */
struct ly_session *ly_user_session(const struct ly_user *user, const char *resource);
/** True if @p jid (bare or full) may see the user's presence: itself, or subscription from or both.
 */
bool ly_user_may_see(const struct ly_user *user, const struct ly_jid *jid);

/** Tells every available resource: a headline message from the bare JID with the children that @p b
 *  has built under a root of any name. Takes nothing. @return 0, -ENOMEM, b's error */
int ly_user_notify(struct ly_user *user, struct ly_build *b);

/** Lets go of a user that has become idle (call_slot cleared, say): it may stay a while. */
void ly_user_check_idle(struct ly_user *user);

#endif
