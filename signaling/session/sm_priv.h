/* What sm.c (the protocol) and sm_queue.c (counters, tickets, what is kept) share. */
#ifndef LY_SIGNALING_SESSION_SM_PRIV_H
#define LY_SIGNALING_SESSION_SM_PRIV_H

#include "signaling/session/core.h"
#include "signaling/session/sm.h"

/** Letters and digits of a session's id: 131 bits. */
#define LY_SM_ID_LEN 22

struct ly_sm_group {
	unsigned refs;
	bool is_seen;         /* one of the sessions has acknowledged it */
	struct ly_blob *blob; /* owned reference: the message itself, NULL if it was lost */
};

/** A stanza that was sent and is not acknowledged. */
struct ly_sm_out {
	struct ly_list link;
	struct ly_blob *blob;      /* owned reference */
	const char *to;            /* NULL, or the session's, the user's or own */
	struct ly_sm_group *group; /* one reference; NULL: it went to this session only */
	ly_usec wall;              /* when it was sent */
	bool is_seen;              /* another session has got it */
	char own[];
};

/** An inbound stanza that is being handled; freed by the home of the session. */
struct ly_sm_ticket {
	struct ly_xml_ticket base;
	struct ly_msg msg;
	void (*post)(void *ctx, unsigned home, struct ly_msg *msg);
	void *ctx;
	unsigned home;
	/* the home's only */
	struct ly_sm *sm;    /* borrowed; NULL: the session has ended */
	struct ly_list link; /* in sm->tickets */
	uint32_t after;      /* stanzas behind it that need no ticket */
	bool is_resolved;
	bool is_asked; /* the client wants to know of it and of those behind it */
};

struct ly_sm {
	struct ly_session *session; /* borrowed */
	uint64_t key;               /* ly_session_key() */
	struct ly_home_timer timer; /* DETACHED: the window; ATTACHED: time to ask; broken: now */
	struct ly_list queue;       /* of struct ly_sm_out, oldest first; owned */
	struct ly_list tickets;     /* of struct ly_sm_ticket, oldest first; not owned */
	size_t bytes;               /* of the blobs in queue */
	ly_usec window;             /* 0: not to be resumed */
	uint32_t in;                /* h: inbound stanzas handled, without a gap */
	uint32_t sent, acked;       /* outbound; sent - acked are in queue */
	uint32_t ask_at;            /* number of unacknowledged stanzas that makes us ask */
	bool is_asked, is_detached, is_broken;
	char id[LY_SM_ID_LEN + 1]; /* "" if not to be resumed */
};

/* sm_queue.c */
/** Takes the client's h. @return 0, -ERANGE (more than were sent) */
int ly_sm_acked(struct ly_sm *sm, uint32_t h);
/** Counts an inbound stanza that needs no ticket. */
void ly_sm_count(struct ly_sm *sm);
/** Says how many inbound stanzas are handled, when those at hand are. */
void ly_sm_answer(struct ly_sm *sm);

/* sm.c */
void ly_sm_say(struct ly_sm *sm, const char *xml);
void ly_sm_say_h(struct ly_sm *sm);
void ly_sm_ask(struct ly_sm *sm);

#endif
