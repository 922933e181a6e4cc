/* Storage as signaling sees it: typed requests, answered later by a message to the home that asked.
 *
 * A request is filled in, handed to the store (ly_home_env.store) and comes back through the queue
 * of its home with err and the results set: its done() is called there, then it is freed. Requests
 * of one home that name the same owner are executed in the order of their submission; different
 * owners may overtake each other. A write is answered after its commit, never before.
 *
 * Strings of the input are copied into the request's arena by whoever fills it in (ly_store_str),
 * so that a request depends on nothing of the home while it is away. The back end puts results into
 * the same arena. JIDs are bare, prepared (RFC 7622) and UTF-8.
 */
#ifndef LY_SIGNALING_STORE_STORE_H
#define LY_SIGNALING_STORE_STORE_H

#include "base/arena.h"
#include "base/time.h"
#include "signaling/router/msg.h"

/** Every request; the comment gives input -> result and the errors beside 0, -ENOMEM and -EIO. */
enum ly_store_op {
	LY_STORE_USER_GET,    /* owner -> user; -ENOENT */
	LY_STORE_USER_PUT,    /* user (creates or replaces the account) */
	LY_STORE_USER_DELETE, /* owner, with all it owns; -ENOENT */
	LY_STORE_USER_LIST,   /* owner = host domain -> users.v[], sorted by JID (keys left out) */
	LY_STORE_ROSTER_GET,  /* owner -> roster.v[]; none is success */
	LY_STORE_ROSTER_PUT,  /* owner, item (inserts or replaces by jid) */
	LY_STORE_ROSTER_DELETE, /* owner, item.jid; no error if absent */
	LY_STORE_VCARD_GET,     /* owner -> text.xml; -ENOENT */
	LY_STORE_VCARD_PUT,     /* owner, text.xml */
	LY_STORE_PRIVATE_GET,   /* owner, text.key -> text.xml; -ENOENT (XEP-0049) */
	LY_STORE_PRIVATE_PUT,   /* owner, text.key, text.xml */
	LY_STORE_LAST_GET,    /* owner -> text.wall, text.xml (status text, may be NULL); -ENOENT */
	LY_STORE_LAST_PUT,    /* owner, text.wall, text.xml: last time the account went offline */
	LY_STORE_ROOM_GET,    /* owner = room -> room; -ENOENT */
	LY_STORE_ROOM_PUT,    /* room (config, subject and all affiliations are replaced) */
	LY_STORE_ROOM_DELETE, /* owner = room, with its history; no error if absent */
	LY_STORE_ROOM_LIST, /* owner = host domain -> rooms.v[], sorted by JID (no affiliations) */
	LY_STORE_ROOM_HISTORY_ADD, /* owner = room, text.xml, text.wall, n = most to keep (0 = all)
				    */
	LY_STORE_ROOM_HISTORY_GET, /* owner = room, n = last how many -> texts.v[], oldest first */
	LY_STORE_OFFLINE_ADD,  /* owner, text.xml, text.wall, n = most to keep; -E2BIG when full;
				* -ENOENT when there is no such account (asked in the same step) */
	LY_STORE_OFFLINE_TAKE, /* owner -> texts.v[], oldest first; removed by the same commit */
	LY_STORE_AUDIT_ADD, /* owner = who did it, text.key = what, text.xml = to what, text.wall */
	LY_STORE_AUDIT_LIST, /* owner = "" , n = last how many -> audit.v[], oldest first */
	LY_STORE_N_OPS
};

enum ly_store_role { LY_ROLE_USER, LY_ROLE_TEACHER, LY_ROLE_OPERATOR };

enum ly_store_hash { LY_STORE_SHA1, LY_STORE_SHA256, LY_STORE_SHA512, LY_STORE_N_HASHES };

/** What is kept instead of a password (RFC 5802 s. 3). iterations == 0: none for this hash. */
struct ly_store_scram {
	uint32_t iterations;
	uint8_t salt_len;
	uint8_t salt[32];
	uint8_t stored_key[64], server_key[64]; /* as many bytes as the hash has */
};

struct ly_store_user {
	const char *jid;
	enum ly_store_role role;
	bool disabled;
	ly_usec created_wall;
	struct ly_store_scram scram[LY_STORE_N_HASHES];
};

/** RFC 6121 s. 2.1.2.5 */
enum ly_subscription { LY_SUB_NONE, LY_SUB_TO, LY_SUB_FROM, LY_SUB_BOTH };

/** One roster item as it is stored; also for a contact that only asked (pending_in, not in the
 *  roster that clients see: listed == false). */
struct ly_store_contact {
	const char *jid;
	const char *name;          /* NULL = none */
	const char *const *groups; /* n_groups strings */
	size_t n_groups;
	enum ly_subscription sub;
	bool listed;         /* the client sees it */
	bool ask;            /* pending out: our subscribe is unanswered */
	bool approved;       /* pre-approved (RFC 6121 s. 3.4) */
	bool pending_in;     /* the contact's subscribe is unanswered */
	const char *request; /* pending_in: that presence stanza as XML without `to`; NULL = bare */
};

/** enum values are stored as numbers: never renumber. */
enum ly_store_affiliation {
	LY_AFF_NONE = 0,
	LY_AFF_OUTCAST = 1,
	LY_AFF_MEMBER = 2,
	LY_AFF_ADMIN = 3,
	LY_AFF_OWNER = 4,
};

struct ly_store_room_member {
	const char *jid; /* bare */
	enum ly_store_affiliation affiliation;
	const char *nick;   /* registered nick; NULL = none */
	const char *reason; /* of the ban, and the like; NULL = none */
};

struct ly_store_room {
	const char *jid;
	const char *name;    /* NULL = none; shown by disco#items */
	const char *config;  /* opaque to the store: whatever text xep_0045 keeps its options in */
	const char *subject; /* NULL = never set */
	const char *subject_nick;
	ly_usec subject_wall;
	ly_usec created_wall;
	const struct ly_store_room_member *members;
	size_t n_members;
};

struct ly_store_text {
	const char *key;
	const char *xml;
	ly_usec wall;
};

/** A line of the audit log: kept for ever. */
struct ly_store_audit {
	const char *who, *what, *object;
	ly_usec wall;
};

struct ly_store_req {
	struct ly_msg msg; /* the answer's; set by ly_store_req_create */
	unsigned home;     /* where the answer goes */
	enum ly_store_op op;

	/* given; strings in the arena */
	const char *owner; /* bare JID, or a host's domain for the lists */
	unsigned n;

	/* given by writes, results of reads (arrays and strings in the arena) */
	union {
		struct ly_store_user user;
		struct ly_store_contact item;
		struct ly_store_room room;
		struct ly_store_text text;
		struct {
			struct ly_store_user *v;
			size_t n;
		} users;
		struct {
			struct ly_store_contact *v;
			size_t n;
		} roster;
		struct {
			struct ly_store_room *v;
			size_t n;
		} rooms;
		struct {
			struct ly_store_text *v;
			size_t n;
		} texts;
		struct {
			struct ly_store_audit *v;
			size_t n;
		} audit;
	} u;

	int err; /* the result: 0 or a negative errno */

	/** Called on the home with the answer, the request is freed after it returns. May be NULL.
	 *  Also called with home == NULL when the request is dropped unanswered (shutdown): release
	 *  what ctx holds, touch nothing else. */
	void (*done)(struct ly_home *home, struct ly_store_req *req, void *ctx);
	void *ctx; /* the caller's */

	struct ly_arena arena; /* owned: inputs and results */
};

/** A request for @p op by home number @p home about @p owner (copied); NULL when out of memory. */
struct ly_store_req *ly_store_req_create(unsigned home, enum ly_store_op op, const char *owner);

/** Frees it without calling done(); NULL is fine. */
void ly_store_req_destroy(struct ly_store_req *req);

/** A copy of @p s in the request's arena; NULL for NULL or when out of memory (then req->err is
 * set, and submitting it answers with that error at once). */
const char *ly_store_str(struct ly_store_req *req, const char *s);

/** Copies @p item with its strings into req->u.item. */
void ly_store_set_item(struct ly_store_req *req, const struct ly_store_contact *item);

/** For tests and logs: "roster_put" and so on. */
const char *ly_store_op_name(enum ly_store_op op);

#endif
