/* XEP-0198 Stream Management of a session: acknowledgements both ways, and a session that outlives
 * its connection.
 *
 *   (none) --enable--> ATTACHED --connection lost--> DETACHED --resume--> ATTACHED
 *   DETACHED --window over--> the session ends       any --stream closed, kicked--> ends
 *
 * Inbound, every stanza that has to be kept holds a ticket until its document is freed, which is
 * when it was delivered, stored or refused; `h` counts the contiguous resolved ones. Outbound, what
 * was sent is kept by reference until the client acknowledges it; what is left when the session
 * ends is delivered to another device or stored. */
#ifndef LY_SIGNALING_SESSION_SM_H
#define LY_SIGNALING_SESSION_SM_H

#include "signaling/session/session.h"

#define LY_NS_SM "urn:xmpp:sm:3"

struct ly_sm; /* of a session; NULL while it is not enabled */

/* ---- called by the server, on the loop of the user's home ---- */

/** Takes an element of LY_NS_SM of a bound stream; borrowed. */
void ly_session_nonza(struct ly_session *session, const struct ly_xml *el);
/** The stream itself has answered a stanza of the client by @p reply (empty: not at all): counts it
 * and sends the reply. */
void ly_session_answered(struct ly_session *session, struct ly_span reply);
/** The connection broke without the stream being closed: the session stays for its window, or ends
 * as by ly_session_detach(). It is not the connection's any more. NULL is fine. */
void ly_session_lost(struct ly_session *session);
/** Attaches a new connection of the account to the session that `<resume/>` names; sends
 * `<resumed/>` and what was not acknowledged. @p replaced gets the connection that it still had,
 * else 0: on any return the session is not that one's any more, and it is to be closed with
 * `<conflict/>`.
 *  @return 0, -ENOENT (no such session: item-not-found), -EINVAL (bad-request), -EAGAIN (stanzas of
 *  the old connection are still being stored: try again soon), -ERANGE (h too high: the new
 *  connection has been closed) */
int ly_session_resume(struct ly_home *home, uint64_t conn, const char *bare_jid,
		      const struct ly_xml *resume, struct ly_session **out, uint64_t *replaced);

/* ---- for session/ and router/ ---- */

/** The number that names a session over resumptions. */
uint64_t ly_session_key(const struct ly_session *session);
/** True while no connection is attached. */
bool ly_sm_is_detached(const struct ly_sm *sm);
/** True once the session is to end because its queue is over the limit. */
bool ly_sm_is_broken(const struct ly_sm *sm);
/** Ends a broken session: stream error, then as every end. */
void ly_sm_break(struct ly_session *session);
/** Counts an inbound stanza, with a ticket if it has to be kept. @return 0, -ENOMEM (counted, to be
 * refused) */
int ly_sm_take(struct ly_sm *sm, struct ly_stanza *st);
/** Keeps a sent stanza. @return whether it may be written to the connection now */
bool ly_sm_keep(struct ly_sm *sm, struct ly_blob *blob, const char *to);
/** Asks for an acknowledgement if it is time; after the stanza was written. */
void ly_sm_sent(struct ly_sm *sm);
/** Frees it; the tickets that are out end without it. NULL is fine. */
void ly_sm_free(struct ly_sm *sm);
/** At the end of a session that is not in the list any more: what was not acknowledged goes
 * elsewhere; frees. */
void ly_sm_end(struct ly_user *user, struct ly_sm *sm);

/* One message to several sessions: as long as one of them has got it, it is not delivered again. */

struct ly_sm_out;
struct ly_sm_group;

/** On the stack around the sends of one message, carbons included. */
struct ly_delivery {
	struct ly_sm_out *first;   /* the first one kept */
	struct ly_sm_group *group; /* of all kept ones, once there are two */
	bool is_seen;              /* somebody without acknowledgements got it */
};

void ly_delivery_begin(struct ly_home *home, struct ly_delivery *d);
/** A session without acknowledgements gets it. */
void ly_delivery_seen(struct ly_delivery *d);
/** @p blob: the message itself, what the copies stand for; borrowed, may be NULL. */
void ly_delivery_end(struct ly_home *home, struct ly_blob *blob);

#endif
