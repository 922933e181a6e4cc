/* A session: one resource of a user, at the user's home (RFC 6120 s. 7, RFC 6121 s. 4).
 *
 *   ly_session_bind --> CONNECTED --presence--> AVAILABLE --unavailable--> CONNECTED
 *   any --replaced, kicked--> DEAD (waits for its connection's detach)
 *   any --ly_session_lost, XEP-0198--> the same without a connection (sm.h)
 *   any --ly_session_detach--> freed
 */
#ifndef LY_SIGNALING_SESSION_SESSION_H
#define LY_SIGNALING_SESSION_SESSION_H

#include "signaling/router/home.h"

enum ly_session_state {
	LY_SESSION_CONNECTED, /* bound, no presence: gets what is addressed to its full JID */
	LY_SESSION_AVAILABLE,
	LY_SESSION_DEAD,
};

/** Features read it; only session/ and router/ write it. */
struct ly_session {
	struct ly_list link;  /* in user->sessions; in the home's list once DEAD */
	struct ly_user *user; /* borrowed; NULL once DEAD */
	struct ly_home *home; /* borrowed */
	uint64_t conn; /* the server's name for the connection; the last one while detached */
	char *jid;     /* owned: full JID */
	const char *resource; /* part of jid */
	struct ly_sm *sm;     /* owned: XEP-0198; NULL while it is not enabled */
	struct ly_blob
		*presence; /* owned: last broadcast presence, with a hole; NULL unless AVAILABLE */
	char **directed;   /* owned: bare or full JIDs that got directed presence */
	uint16_t n_directed, cap_directed;
	int8_t priority;    /* of the presence; 0 before */
	uint8_t state;      /* enum ly_session_state */
	ly_usec last_in;    /* when the client was last heard */
	bool interested;    /* has asked for the roster (RFC 6121 s. 2.2) */
	bool carbons;       /* XEP-0280 enabled */
	bool was_available; /* initial presence has been handled once */
};

/* ---- called by the server, on the loop of the user's home ---- */

/** Binds a resource for an authenticated account and its connection. @p resource NULL or "": one is
 *  chosen. An older session of the same resource is replaced: its connection is closed with
 *  `<conflict/>`, its state is gone. *out lives until ly_session_detach() or ly_session_lost(),
 *  whatever happens.
 *  @return 0, -EINVAL (malformed JID or resource, not a host of users, not this home), -E2BIG (too
 *  many resources, all of them heard lately: resource-constraint), -ENOMEM */
int ly_session_bind(struct ly_home *home, uint64_t conn, const char *bare_jid, const char *resource,
		    struct ly_session **out);
/** Takes one stanza of the client; `from` is the session's full JID already (stamped by the
 * stream). Takes it on every path. */
void ly_session_recv(struct ly_session *session, struct ly_stanza *st);
/** The stream is closed, or its connection gone: unavailable presence goes out, the session is
 * freed. NULL is fine. See also ly_session_lost() (sm.h). */
void ly_session_detach(struct ly_session *session);

/** The full JID; borrowed. */
const char *ly_session_jid(const struct ly_session *session);

/* ---- for features ---- */

/** Sends a stanza to the client as it is (with its own `to`); borrowed. @return 0, -ENOMEM */
int ly_session_send(struct ly_session *session, const struct ly_xml *root);
/** Sends a blob; @p to goes into its hole (NULL: nothing does). */
void ly_session_send_blob(struct ly_session *session, struct ly_blob *blob, const char *to);

#endif
