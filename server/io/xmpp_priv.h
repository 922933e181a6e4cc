/* What the files of XMPP connections share: xmpp_conn.c (life and the stream's events),
 * xmpp_login.c (credentials), xmpp_front.c (from TCP and WebSocket). */
#ifndef LY_SERVER_IO_XMPP_PRIV_H
#define LY_SERVER_IO_XMPP_PRIV_H

#include "server/io/xmpp_conn.h"
#include "signaling/session/sm.h"

struct ly_xmpp {
	struct ly_list node;        /* in w->xmpps */
	struct ly_worker *w;        /* borrowed; changes with the loop */
	struct ly_conn *c;          /* borrowed; frees this by closed() */
	struct ly_ws *ws;           /* borrowed; NULL on TCP */
	struct ly_stream *stream;   /* owned */
	struct ly_session *session; /* owned by the home until detached; NULL before bind */
	uint64_t id;
	struct ly_loop_timer timer;
	ly_usec login_until;       /* LY_NEVER once bound */
	ly_usec resume_at;         /* reading goes on then; LY_NEVER = it is not stopped */
	ly_usec bind_at;           /* the session to be resumed is tried again then; LY_NEVER */
	int64_t tokens;            /* bytes it may still send now */
	ly_usec filled;            /* when tokens was last filled up */
	const char *resource;      /* wanted; borrowed from the stream */
	struct ly_xml_doc *resume; /* owned: the `<resume/>` that waits, instead of a bind */
	const char *close_text;    /* owned copy; see close_cond */
	uint8_t close_cond;        /* enum ly_stream_error, valid when wants_close */
	bool in_drain : 1;
	bool wants_bind : 1;    /* or to resume */
	bool wants_refusal : 1; /* credentials refused without asking the store */
	bool wants_close : 1;
	bool is_closed : 1; /* the stream has said so */
	bool is_lost : 1;   /* the connection broke before that */
};

extern const struct ly_log ly_xmpp_log;

static inline ly_usec ly_xmpp_now(const struct ly_xmpp *x)
{
	return ly_loop_now(x->w->loop);
}

/** A connection of this loop by its id; NULL if it is not here. */
static inline struct ly_xmpp *ly_xmpp_find(struct ly_worker *w, uint64_t id)
{
	return ly_map_find_num(&w->conns, id);
}

/** Makes the stream and registers it; c and ws are the caller's to set. NULL: no memory. */
struct ly_xmpp *ly_xmpp_create(struct ly_worker *w, const struct ly_stream_conf *conf,
			       enum ly_stream_kind kind);
/** Detaches the session, frees everything; the connection is gone or never was. */
void ly_xmpp_destroy(struct ly_xmpp *x);
/** Takes all events of the stream and does what they ask for; after every call into the stream. */
void ly_xmpp_drain(struct ly_xmpp *x);
/** Arms the timer for whatever is due first. */
void ly_xmpp_arm(struct ly_xmpp *x);
/** Ends the stream with an error, at once or after the events at hand. */
void ly_xmpp_request_close(struct ly_xmpp *x, enum ly_stream_error cond, const char *text);
/** The connection has moved to the loop of its user's home. */
void ly_xmpp_arrived(struct ly_xmpp *x);

/** Fetches the credentials of a user, or refuses (wants_refusal). */
void ly_xmpp_ask_store(struct ly_xmpp *x, const char *user, const char *domain);
/** Counts and logs; @p user is NULL when it came to no password. */
void ly_xmpp_login_failed(struct ly_xmpp *x, const char *user);

#endif
