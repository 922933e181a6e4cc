/* Features: one XEP, one file (or folder). Each exports one const struct ly_feature, named after
 * it: ly_xep_0202_time, ly_xep_0045. signaling/features/meson.build lists them, which makes the
 * registry.
 *
 * A feature keeps no file-scope variables: its state is what init() returns, one per home, and is
 * touched only on that home's loop. */
#ifndef LY_SIGNALING_FEATURE_H
#define LY_SIGNALING_FEATURE_H

#include "signaling/router/home.h"
#include "signaling/session/session.h"
#include "signaling/session/user.h"

enum ly_verdict {
	LY_HANDLED, /* answered, or needs no answer */
	LY_PASS,    /* not mine: the next route, or service-unavailable */
	LY_WAIT,    /* ly_store_submit() was called: the core keeps the stanza until the answer */
};

/** What an IQ is addressed to. */
enum ly_addressee {
	LY_TO_HOST,       /* the domain of the users; runs at the sender's home: stateless */
	LY_TO_ACCOUNT,    /* a bare JID, or no `to`: runs at the account's home, which is loaded */
	LY_TO_OWN,        /* the same, but only for the account's own resources: others get
			   * LY_TO_ACCOUNT's answer, or service-unavailable */
	LY_TO_ROOMS_HOST, /* the domain of the rooms; runs at the home of that domain */
	LY_N_ADDRESSEES
};

struct ly_feature_ctx {
	struct ly_home *home;
	const struct ly_feature *feature;
	void *state;                /* of the feature at this home */
	const struct ly_host *host; /* whose domain is addressed */
	struct ly_user *user; /* the account addressed (LY_TO_ACCOUNT, LY_TO_OWN), else NULL */
	struct ly_session *session; /* LY_TO_OWN: the sender, NULL if it is gone meanwhile */
	struct ly_stanza *stanza; /* the core's: being handled; NULL once it was taken (ly_reply) */
	ly_usec now, wall;
	void *core; /* the core's */
};

/** Handles a get or set; ly_iq_payload(iq) is its one child, the element the route names. The IQ
 * stays the core's, and its arena may be used for building. */
typedef enum ly_verdict (*ly_iq_fn)(struct ly_feature_ctx *ctx, const struct ly_stanza *iq);
/** Goes on when the store has answered: req->err and req->u; req is freed after it returns. */
typedef enum ly_verdict (*ly_resume_fn)(struct ly_feature_ctx *ctx, const struct ly_stanza *iq,
					struct ly_store_req *req);

struct ly_iq_route {
	enum ly_stanza_type type; /* LY_T_GET, LY_T_SET */
	enum ly_addressee to;
	const char *ns, *name; /* of the child; ns NULL = any (rooms and private storage) */
	ly_iq_fn fn;
};

/** Finishes the builder (which ly_iq_result() opened on ctx->stanza) and sends the answer; an error
 * that stuck to it becomes internal-server-error. The stanza is gone afterwards.
 *  @return LY_HANDLED */
enum ly_verdict ly_reply(struct ly_feature_ctx *ctx, struct ly_build *b);
/** Sends an empty result. @return LY_HANDLED */
enum ly_verdict ly_reply_empty(struct ly_feature_ctx *ctx);
/** Sends an error; @p text may be NULL. The stanza is gone afterwards. @return LY_HANDLED */
enum ly_verdict ly_reply_error(struct ly_feature_ctx *ctx, enum ly_cond cond, const char *text);
/** As ly_reply_error, with the condition that fits a store's or builder's errno. */
enum ly_verdict ly_reply_errno(struct ly_feature_ctx *ctx, int err);

/** A request for this home about @p owner; NULL when out of memory (ly_store_submit takes that). */
struct ly_store_req *ly_store_request(struct ly_feature_ctx *ctx, enum ly_store_op op,
				      const char *owner);
/** Submits a request (its done and ctx are the core's) and lets the IQ wait for it: later stanzas
 * of the same sender to the same addressee wait behind it. Takes req; NULL answers with an error.
 *  @return what the handler is to return: LY_WAIT, or LY_HANDLED */
enum ly_verdict ly_store_submit(struct ly_feature_ctx *ctx, struct ly_store_req *req,
				ly_resume_fn resume);

/** Events; every member may be NULL. Called in the order of the registry. In all of them, ctx->user
 * is the user concerned, ctx->session the session; stanzas are borrowed unless said otherwise. */
struct ly_hooks {
	/** A resource has been bound. */
	void (*session_bound)(struct ly_feature_ctx *ctx);
	/** A session ends (before its unavailable presence goes out); ctx->session is still whole.
	 */
	void (*session_gone)(struct ly_feature_ctx *ctx);
	/** A session became available, unavailable, or changed its presence (broadcast ones only).
	 */
	void (*presence_sent)(struct ly_feature_ctx *ctx, const struct ly_stanza *presence);
	/** A session has sent a message; it is routed after this. */
	void (*message_sent)(struct ly_feature_ctx *ctx, const struct ly_stanza *msg);
	/** A message was delivered to the user: to `ctx->session`, or to the n_to sessions that the
	 *  rules of RFC 6121 s. 8 chose for the bare JID; n_to 0: to none, it was stored or
	 * refused. */
	void (*message_delivered)(struct ly_feature_ctx *ctx, const struct ly_stanza *msg,
				  struct ly_session *const *to, size_t n_to);
	/** Any stanza to a room or occupant (room@ROOMS host[/nick]), IQs too: takes ctx->stanza
	 * (set it to NULL) and owns it from then on, or leaves it (service-unavailable). Runs at
	 * the home of the room's bare JID. */
	void (*room_stanza)(struct ly_feature_ctx *ctx);
	/** Adds features or extensions to disco#info of @p to: the builder is inside `<query/>`. */
	void (*disco_info)(struct ly_feature_ctx *ctx, enum ly_addressee to, struct ly_build *b);
};

struct ly_feature {
	const char *name;    /* "time" */
	unsigned xep;        /* 0: part of an RFC */
	const char *version; /* of the XEP */
	/* disco#info features, NULL-ended lists; NULL = none */
	const char *const *disco;         /* of the host */
	const char *const *disco_account; /* of accounts */
	const char *const *disco_rooms;   /* of the host of the rooms */
	const struct ly_iq_route *routes;
	size_t n_routes;
	const struct ly_hooks *hooks; /* NULL = none */
	/** Makes the state for one home. @return 0 or a negative errno, which stops the start */
	int (*init)(struct ly_home *home, void **state);
	/** Frees it; called when users and sessions are gone. */
	void (*fini)(struct ly_home *home, void *state);
};

/** All features, NULL-ended; generated from signaling/features/meson.build. */
extern const struct ly_feature *const ly_features[];

#endif
