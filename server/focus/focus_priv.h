/* What the files of the focus share. */
#ifndef LY_SERVER_FOCUS_FOCUS_PRIV_H
#define LY_SERVER_FOCUS_FOCUS_PRIV_H

#include <stdatomic.h>

#include "base/log.h"
#include "base/map.h"
#include "server/focus/focus.h"
#include "server/focus/jingle.h"
#include "server/focus/sources.h"
#include "signaling/calls/claim.h"
#include "signaling/features/xep_0045/muc.h"

/** Ids in hexadecimal with the zero: of calls, Jingle sessions; and of a bridge's password. */
#define LY_FOCUS_ID_MAX 17
#define LY_FOCUS_PWD_MAX 33
/** Most bytes of one bridge message, and of the device name a client gives. */
#define LY_FOCUS_BRIDGE_TEXT_MAX 65536
#define LY_FOCUS_DEVICE_MAX 64
/** The room's occupant that is the focus. */
#define LY_FOCUS_NICK LY_MUC_SERVICE_NICK
/** Most participants of one call. */
#define LY_FOCUS_MAX_PARTS LY_SFU_MAX_ENDPOINTS

/*  CLAIMING --granted--> GRANTED --occupant of the room--> INVITED --session-accept--> ACTIVE
 *      any --part_end()--> freed */
enum ly_focus_part_state {
	LY_PART_CLAIMING,
	LY_PART_GRANTED,
	LY_PART_INVITED,
	LY_PART_ACTIVE,
};

struct ly_focus_call;

/** A participant: one device of one user in one call. */
struct ly_focus_part {
	struct ly_list link; /* call->parts */
	struct ly_focus_call *call;
	enum ly_focus_part_state state;
	char *jid;    /* owned: full JID */
	char *user;   /* owned: bare JID */
	char *device; /* owned */
	struct ly_claim claim;
	struct ly_home_timer timer;
	struct ly_stanza *pending;    /* owned: the conference IQ to be answered, or NULL */
	char endpoint[LY_SFU_ID_MAX]; /* "" until invited; the nick it was invited by */
	char *nick;                   /* owned: its nick now, NULL when not in the room */
	char sid[LY_FOCUS_ID_MAX], session[LY_FOCUS_ID_MAX];
	char ufrag[17], pwd[33], bridge_pwd[LY_FOCUS_PWD_MAX];
	unsigned generation;
	uint32_t own_audio_ssrc, own_video_ssrc;
	struct ly_focus_sources sources;
	bool muted_audio, muted_video; /* as its presence says */
	enum ly_sfu_endpoint_state media;
	ly_usec joined_wall;
	ly_usec restarted; /* when it last asked for a restart of ICE or of the session */
	struct ly_sfu_remote remote;
	struct ly_focus_bridge *bridge; /* borrowed; NULL while not connected */
};

/** Someone in the room, in the call or not. */
struct ly_focus_occupant {
	struct ly_list link; /* call->occupants */
	char *jid;           /* owned: real full JID */
	char *nick;          /* owned; of any length */
};

/** The call of one room. */
struct ly_focus_call {
	struct ly_focus_home *at;
	char id[LY_FOCUS_ID_MAX];
	uint64_t conf;
	unsigned thread;
	bool has_conf, agent_joined;
	char *room; /* owned: bare JID; key in at->rooms */
	struct ly_muc_agent *agent;
	struct ly_list parts, occupants;
	size_t n_parts;
	ly_usec started_wall;
	char dominant[LY_SFU_ID_MAX];
	struct ly_media_event *stats; /* owned: the newest snapshot, or NULL */
	ly_usec stats_at;
	bool ending; /* ly_call_end() is at work */
};

/** What the focus has at one home. */
struct ly_focus_home {
	struct ly_focus *focus;
	struct ly_home *home; /* borrowed; known from the first stanza or message on */
	unsigned index;
	uint64_t next_claim, next_conf;
	bool stopping;        /* no more calls */
	struct ly_map rooms;  /* bare room JID -> call */
	struct ly_map confs;  /* conf number -> call */
	struct ly_map claims; /* claim id -> struct ly_focus_part */
	struct ly_map slots;  /* bare user JID -> struct ly_focus_slot (slots.c) */
};

struct ly_focus {
	struct ly_media *media;
	struct ly_focus_conf conf;
	struct ly_focus_home *homes;
	char *domain, *users_domain, *rooms_domain, *public_url;
	_Atomic uint64_t calls, parts, conflicts, ended_lost, started;
};

extern const struct ly_log ly_focus_log;

/** The focus' state at this home. */
struct ly_focus_home *ly_focus_at(struct ly_focus *f, struct ly_home *home);

/* focus.c: numbers made at a home carry its index in the low byte, so that answers find back. */
static inline unsigned ly_focus_home_of_number(uint64_t number)
{
	return (unsigned)(number & 0xff);
}

/* call.c */
struct ly_focus_call *ly_call_of_room(struct ly_focus_home *fh, const char *room);
/** The call of a room, made when there is none; NULL: no memory. */
struct ly_focus_call *ly_call_get(struct ly_focus_home *fh, const char *room);
/** Brings the focus into the room and makes the conference, if not done yet. @return 0, errors */
int ly_call_start(struct ly_focus_call *c);
/** Ends it when nobody is in it. May free the call. */
void ly_call_check_empty(struct ly_focus_call *c);
/** Ends it for everybody. Frees the call. */
void ly_call_end(struct ly_focus_call *c, enum ly_call_end end, const char *text);
struct ly_focus_part *ly_call_part_by_jid(struct ly_focus_call *c, const char *jid);
struct ly_focus_part *ly_call_part_by_endpoint(struct ly_focus_call *c, const char *endpoint);
/** Sends a JSON text to one participant's bridge, or to all but @p except. */
void ly_call_bridge_all(struct ly_focus_call *c, const struct ly_focus_part *except, json_t *msg);

/* part.c */
/** A new participant in state CLAIMING that asks the user's slot; takes the IQ when it succeeds. */
int ly_part_create(struct ly_focus_call *c, struct ly_stanza *iq, const char *device,
		   const char *move);
/** The slot said yes: answers the conference IQ as soon as the focus is in the room. */
void ly_part_granted(struct ly_focus_part *p);
/** Answers a pending conference IQ with ready, or with an error and ends it. */
void ly_part_answer_ready(struct ly_focus_part *p);
/** Its nick from now on; NULL: not in the room. Out of memory counts as that. */
void ly_part_set_nick(struct ly_focus_part *p, const char *nick);
/** Sends the offer if it is granted and in the room. */
void ly_part_invite(struct ly_focus_part *p);
enum { LY_PART_TELL = 1 };
/** Ends and frees a participant, and the call with its last one. @p moved_to: device, or NULL. */
void ly_part_end(struct ly_focus_part *p, enum ly_call_end end, const char *text,
		 const char *moved_to, unsigned flags);
/** A Jingle IQ of the participant; the answer is sent. */
void ly_part_jingle(struct ly_focus_part *p, const struct ly_stanza *st);

/* announce.c: telling the others. */
void ly_announce(struct ly_focus_part *p, const char *action, const struct ly_focus_sources *s);
/** An `<iq>` or `<message>` to the participant from room/focus; takes doc. */
void ly_part_send(struct ly_focus_part *p, struct ly_xml_doc *doc, struct ly_build *b);
/** Opens `<iq type='set'>`; NULL: no memory. */
struct ly_xml_doc *ly_part_open_iq(struct ly_build *b);

/* agent.c */
extern const struct ly_muc_agent_ops ly_focus_agent_ops;
const char *ly_focus_nick_of(struct ly_focus_call *c, const char *jid);

/* slots.c: messages between a call and the user's slot. */
int ly_slots_claim(struct ly_focus_part *p, const char *move);
void ly_slots_send(struct ly_focus_part *p, enum ly_claim_out what);
void ly_slots_fini(struct ly_focus_home *fh);

/* bridge.c */
/** Sends to a participant's channel; nothing if it has none. */
void ly_bridge_send(struct ly_focus_bridge *b, json_t *msg);
/** The participant is gone: closes its channel. */
void ly_bridge_detach(struct ly_focus_part *p);

/* report.c */
void ly_report_stats(struct ly_focus_home *fh, struct ly_media_event *ev);

#endif
