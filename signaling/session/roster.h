/* A user's roster in memory, and the subscription state machine of RFC 6121 appendix A as pure
 * functions.
 */
#ifndef LY_SIGNALING_SESSION_ROSTER_H
#define LY_SIGNALING_SESSION_ROSTER_H

#include "signaling/stanza.h"
#include "signaling/store/store.h"

/** One contact, in one allocation. struct ly_store_contact says what the members mean. */
struct ly_contact {
	uint8_t sub; /* enum ly_subscription */
	bool listed, ask, approved, pending_in;
	uint16_t n_groups;
	const char *name;    /* NULL = none; this and the following are part of the allocation */
	const char *request; /* NULL = none */
	const char *groups;  /* n_groups strings, each with its zero */
	char jid[];          /* bare */
};

/** Sorted by JID. */
struct ly_roster {
	struct ly_contact **v; /* owned */
	uint32_t n, cap;
};

void ly_roster_fini(struct ly_roster *r);
/** NULL if absent. */
struct ly_contact *ly_roster_find(const struct ly_roster *r, const char *jid);
/** Inserts or replaces (a pointer to the old contact is dangling then). @return 0, -ENOMEM */
int ly_roster_put(struct ly_roster *r, const struct ly_store_contact *item,
		  struct ly_contact **out);
void ly_roster_del(struct ly_roster *r, const char *jid);
/** Contacts that clients see. */
size_t ly_roster_n_listed(const struct ly_roster *r);

/** A contact as a request's input: strings are borrowed from it, @p groups needs room for
 *  c->n_groups pointers. */
void ly_contact_get(const struct ly_contact *c, struct ly_store_contact *out, const char **groups);

/** "none", "to", "from", "both" */
const char *ly_subscription_name(enum ly_subscription sub);

/** The state of RFC 6121 appendix A.1 without names, plus pre-approval. */
struct ly_sub_state {
	enum ly_subscription sub;
	bool ask, pending_in, approved;
};

/** What is to be done beside taking over the new state. */
struct ly_sub_step {
	struct ly_sub_state next;
	bool pass;          /* out: route it to the contact; in: deliver it to the user */
	bool changed;       /* the state differs */
	bool push;          /* roster push: what clients see has changed */
	bool auto_reply;    /* in subscribe: answer with `subscribed` on the user's behalf */
	bool send_presence; /* the contact may see us from now on: send our resources' presence */
	bool send_unavailable; /* it no longer may: send unavailable for each resource */
};

/** A presence of a subscription type that the user sends (appendix A.2). Pure. */
struct ly_sub_step ly_sub_outbound(struct ly_sub_state s, enum ly_stanza_type type);
/** One that the user receives (appendix A.3). Pure. */
struct ly_sub_step ly_sub_inbound(struct ly_sub_state s, enum ly_stanza_type type);

#endif
