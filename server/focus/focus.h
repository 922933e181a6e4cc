/* The focus of the group calls: the component that stands between rooms and the SFU. It grants
 * calls (one active call per user), sits in each room with a call as the occupant "focus", speaks
 * Jingle with the participants (docs/PROTOCOL.md) and commands the media threads.
 *
 * A call lives at the home of its room, a user's slot at the home of the user; they talk by
 * messages.
 *
 *   client --conference IQ--> focus at the room's home --claim--> slot at the user's home
 *                                   |  <-------grant, conflict, revoke-------'
 *                                   +--session-initiate--> client, commands --> media thread
 */
#ifndef LY_SERVER_FOCUS_FOCUS_H
#define LY_SERVER_FOCUS_FOCUS_H

#include "server/admin/provider.h"
#include "server/media/media.h"
#include "signaling/router/home.h"

struct ly_focus;
struct ly_focus_bridge;

struct ly_focus_conf {
	unsigned n_homes;
	const char *domain;       /* "focus.DOMAIN" */
	const char *users_domain; /* whose users may join calls */
	const char *rooms_domain; /* "conference.DOMAIN" */
	const char
		*public_url; /* of the web server, "wss://host:port": where the bridge channel is */
	bool one_active_call; /* [calls] one_active_call = strict */
	struct ly_rand *rand; /* secure; used from all loops */
	/** Posts a message to a home from any thread; takes it. */
	void (*post)(void *ctx, unsigned home, struct ly_msg *msg);
	void *ctx;
};

/** Strings are copied. @return 0, -ENOMEM */
int ly_focus_create(struct ly_focus **out, const struct ly_focus_conf *conf);
/** After the homes and media threads have stopped; NULL is fine. */
void ly_focus_destroy(struct ly_focus *f);
/** Borrowed; before the first stanza. The media threads' event_fn is ly_focus_media_event. */
void ly_focus_set_media(struct ly_focus *f, struct ly_media *media);

/* For the host of kind LY_HOST_COMPONENT, with the focus as its ctx. */
unsigned ly_focus_home_of(void *focus, const struct ly_stanza *st);
void ly_focus_recv(struct ly_home *home, void *focus, struct ly_stanza *st);

/** A session has ended, at the home of its user: a call slot that it holds is freed. */
void ly_focus_session_gone(struct ly_focus *f, struct ly_home *home, const char *full_jid);

/** A ly_media_event_fn with the focus as its ctx; on any thread. */
void ly_focus_media_event(void *focus, struct ly_media_event *ev);

/** Ends all calls of this home (shutdown); on the loop of the home. */
void ly_focus_end_all(struct ly_focus *f, struct ly_home *home);

/* Bridge channel: the WebSocket of a participant (path /colibri-ws/HOST/CALL/ENDPOINT?pwd=…).
 * Functions of one channel are called on one thread; answers come by @p send on the loop of the
 * call. */

/** Hands text to the socket, or closes it when text is NULL. Any thread; ctx lives until @p free.
 */
struct ly_focus_bridge_ops {
	void (*send)(void *ctx, const char *text, size_t len);
	void (*free)(void *ctx); /* the focus is done with it; after it no send */
};
/** @p path begins after "/colibri-ws/". Whether the password is right is found out at the home of
 * the call: a wrong one closes the channel. @return 0 (the focus calls ops->free once), -EINVAL,
 * -ENOMEM */
int ly_focus_bridge_open(struct ly_focus *f, struct ly_focus_bridge **out, const char *path,
			 const char *query, const struct ly_focus_bridge_ops *ops, void *ctx);
/** A text message of the client. */
void ly_focus_bridge_recv(struct ly_focus_bridge *b, const char *text, size_t len);
/** The socket is closed; the handle is gone. NULL is fine. */
void ly_focus_bridge_close(struct ly_focus_bridge *b);

/* Providers for ly_admin_set_provider() with the focus as ctx: LY_ADMIN_CALLS, LY_ADMIN_END_CALL.
 */
void ly_focus_fill_calls(struct ly_home *home, void *focus, struct ly_admin_part *part);
void ly_focus_fill_end_call(struct ly_home *home, void *focus, struct ly_admin_part *part);

struct ly_focus_counts {
	uint64_t calls, participants;            /* now */
	uint64_t conflicts, ended_lost, started; /* since the start */
};
void ly_focus_get_counts(const struct ly_focus *f, struct ly_focus_counts *out);

#endif
