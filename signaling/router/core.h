/* What the files of router/ and session/ share; nothing for features. */
#ifndef LY_SIGNALING_ROUTER_CORE_H
#define LY_SIGNALING_ROUTER_CORE_H

#include "base/err.h"
#include "signaling/feature.h"

/** Most resources of a user, whatever limits.resources says: lists of them are on the stack. */
#define LY_RESOURCES_MAX 64

struct ly_iq_entry; /* iq.c: a feature's route in the table */

struct ly_home {
	struct ly_home_conf conf;
	struct ly_home_env env;
	ly_usec now, wall;
	struct ly_timers timers;
	struct ly_map users;  /* bare JID -> struct ly_user, owned */
	struct ly_map hosts;  /* domain -> const struct ly_host */
	struct ly_map routes; /* "type addressee ns name" -> struct ly_iq_entry, owned */
	struct ly_map pairs;  /* "from\nto" -> struct ly_pair, owned by the request it waits for */
	struct ly_list dead;  /* sessions that wait for their detach; owned */
	struct ly_delivery *delivery; /* borrowed: the message that is being sent, or NULL (sm.h) */
	const struct ly_feature *const *features;
	void **states; /* owned array, one per feature */
	size_t n_features;
	size_t n_sessions;
	uint64_t n_in, n_out, n_messages;
	uint64_t push_id;
};

/** A stanza in a queue; lives in the stanza's own arena. */
struct ly_carrier {
	struct ly_msg msg;
	struct ly_stanza *st;
	uint64_t session; /* session.c: the key of the session it came from */
};

/** Wraps a stanza for a queue, to be run by @p run; NULL: no memory (the stanza is still the
 * caller's).
 */
struct ly_carrier *ly_carry(struct ly_home *home, struct ly_stanza *st,
			    void (*run)(struct ly_home *home, struct ly_msg *msg));
/** msg.drop of a carrier: frees the stanza. */
void ly_carrier_drop(struct ly_msg *msg);

/** Fills in what every hook and handler finds in its ctx. */
struct ly_feature_ctx ly_feature_ctx(struct ly_home *home, size_t feature, struct ly_user *user,
				     struct ly_session *session);
/** ly_hook(home, user, session, member, args after ctx...) calls that hook of all features. */
#define ly_hook(home_, user_, session_, member_, ...) \
	do { \
		struct ly_home *hh_ = (home_); \
		for (size_t fi_ = 0; fi_ < hh_->n_features; fi_++) { \
			const struct ly_hooks *hk_ = hh_->features[fi_]->hooks; \
			struct ly_feature_ctx cx_; \
			if (hk_ == NULL || hk_->member_ == NULL) \
				continue; \
			cx_ = ly_feature_ctx(hh_, fi_, (user_), (session_)); \
			hk_->member_(&cx_, ##__VA_ARGS__); \
		} \
	} while (0)

/* route.c */
/** Hands a stanza to what it is addressed to at this home; takes it. */
void ly_deliver(struct ly_home *home, struct ly_stanza *st);
/** ly_carrier.msg.run that delivers. */
void ly_run_deliver(struct ly_home *home, struct ly_msg *msg);
/** Sets `to` of a stanza that is still ours. @return 0, -ENOMEM, -EBADMSG */
int ly_stanza_set_to(struct ly_stanza *st, const char *jid);

/* deliver.c */
/** A stanza to an account (local part set) whose home this is; takes it. */
void ly_deliver_account(struct ly_home *home, struct ly_stanza *st);
/** Refuses or drops a stanza that waited for an account that does not exist; takes it. */
void ly_refuse_unknown(struct ly_home *home, struct ly_stanza *st);
/** Hands the stored messages to the user's available resources. */
void ly_offline_take(struct ly_user *user);
/** Delivers what a session that has ended did not acknowledge: a message to the user's other
 * resources, or to the store with the time @p wall; a request is refused. */
void ly_redeliver(struct ly_user *user, const struct ly_blob *blob, ly_usec wall);
/** True for a message that is worth keeping (RFC 6121 s. 8.5.2.2, XEP-0334). */
bool ly_offline_keeps(const struct ly_stanza *st);

/* iq.c */
int ly_iq_table_init(struct ly_home *home);
void ly_iq_table_fini(struct ly_home *home);
/** A get or set for a host or account; takes it. @p user for accounts, else NULL. */
void ly_iq_dispatch(struct ly_home *home, enum ly_addressee to, struct ly_user *user,
		    struct ly_stanza *st);
/** Puts a stanza behind the one of the same sender and addressee that waits, if there is one.
 *  @return true: taken; @p run is called with it later */
bool ly_pair_hold(struct ly_home *home, struct ly_stanza *st, const char *to, uint64_t session,
		  void (*run)(struct ly_home *home, struct ly_msg *msg));

/* fan.c */
/** Asks for the presence of local accounts on behalf of @p jid (full): those with sessions here
 * answer with presence if it may see them. */
struct ly_fan *ly_fan_create_probe(struct ly_home *home, const char *jid);

#endif
