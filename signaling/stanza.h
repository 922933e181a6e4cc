/* Stanzas (RFC 6120 s. 8): a parsed element with its addresses, and the replies to it. */
#ifndef LY_SIGNALING_STANZA_H
#define LY_SIGNALING_STANZA_H

#include "signaling/jid.h"
#include "signaling/xml/xml.h"

enum ly_stanza_kind { LY_MESSAGE, LY_PRESENCE, LY_IQ };

enum ly_stanza_type {
	LY_T_ERROR, /* of all three kinds */
	/* message; an unknown type is normal (RFC 6121 s. 5.2.2) */
	LY_T_NORMAL,
	LY_T_CHAT,
	LY_T_GROUPCHAT,
	LY_T_HEADLINE,
	/* presence */
	LY_T_AVAILABLE, /* no type attribute */
	LY_T_UNAVAILABLE,
	LY_T_SUBSCRIBE,
	LY_T_SUBSCRIBED,
	LY_T_UNSUBSCRIBE,
	LY_T_UNSUBSCRIBED,
	LY_T_PROBE,
	/* iq */
	LY_T_GET,
	LY_T_SET,
	LY_T_RESULT,
};

/** Lives in the arena of its document. The tree is const: copy what is to change. */
struct ly_stanza {
	struct ly_xml_doc *doc; /* owned */
	const struct ly_xml *root;
	enum ly_stanza_kind kind;
	enum ly_stanza_type type;
	struct ly_jid from, to; /* all zero if absent */
	const char *id;         /* NULL if absent */
	bool is_stamped;        /* message: it has the time of its arrival (XEP-0203) */
	bool ended; /* presence: said by the server for a session that has ended, so that an echo to
		     * its full JID would reach the next session of that name */
};

/** Defined conditions (RFC 6120 s. 8.3.3). */
enum ly_cond {
	LY_BAD_REQUEST,
	LY_CONFLICT,
	LY_FEATURE_NOT_IMPLEMENTED,
	LY_FORBIDDEN,
	LY_GONE,
	LY_INTERNAL_SERVER_ERROR,
	LY_ITEM_NOT_FOUND,
	LY_JID_MALFORMED,
	LY_NOT_ACCEPTABLE,
	LY_NOT_ALLOWED,
	LY_NOT_AUTHORIZED,
	LY_POLICY_VIOLATION,
	LY_RECIPIENT_UNAVAILABLE,
	LY_REDIRECT,
	LY_REGISTRATION_REQUIRED,
	LY_REMOTE_SERVER_NOT_FOUND,
	LY_REMOTE_SERVER_TIMEOUT,
	LY_RESOURCE_CONSTRAINT,
	LY_SERVICE_UNAVAILABLE,
	LY_SUBSCRIPTION_REQUIRED,
	LY_UNDEFINED_CONDITION,
	LY_UNEXPECTED_REQUEST,
	LY_N_COND
};

/** Error types (RFC 6120 s. 8.3.2); DEFAULT is the one the RFC gives with the condition. */
enum ly_error_type {
	LY_ERR_DEFAULT,
	LY_ERR_AUTH,
	LY_ERR_CANCEL,
	LY_ERR_CONTINUE,
	LY_ERR_MODIFY,
	LY_ERR_WAIT,
};

/** The element's name, "item-not-found". */
const char *ly_cond_name(enum ly_cond cond);

/** Makes a stanza of a document, which it owns from then on (on error the caller still does).
 *  @return 0, -EBADMSG (no stanza, or an IQ without id, with a wrong type or not exactly one
 *  child in a request: bad-request), -EINVAL (a malformed from or to: jid-malformed), -ENOMEM */
int ly_stanza_wrap(struct ly_stanza **out, struct ly_xml_doc *doc);
/** Parses text: for tests and for what storage kept. @return as above */
int ly_stanza_parse(struct ly_stanza **out, struct ly_span text);
/** A deep copy with its own arena; @p from and @p to replace the addresses unless NULL.
 *  @return 0, -ENOMEM, -EINVAL (malformed address) */
int ly_stanza_clone(struct ly_stanza **out, const struct ly_stanza *st, const char *from,
		    const char *to);
/** A stanza of its own from a tree that lives elsewhere (a reply built in another's arena): deep
 *  copy. @return as ly_stanza_wrap */
int ly_stanza_from_xml(struct ly_stanza **out, const struct ly_xml *root);
/** Frees the stanza with its document; NULL is fine. */
void ly_stanza_free(struct ly_stanza *st);

/** The one child of an IQ request: what is asked; NULL for others. */
const struct ly_xml *ly_iq_payload(const struct ly_stanza *iq);

/** Opens `<iq type='result'>` in the arena of @p iq, addressed back; go on with children and
 *  ly_build_finish(). */
struct ly_build ly_iq_result(const struct ly_stanza *iq);
/** Opens an error reply in the arena of @p orig and leaves `<error>` open after its condition and
 *  text, for application-specific children. On an error stanza or IQ result nothing may be
 *  answered: the builder's error is -EPROTO. @p text may be NULL. */
struct ly_build ly_stanza_error_open(const struct ly_stanza *orig, enum ly_cond cond,
				     enum ly_error_type type, const char *text);
/** A complete error reply in the arena of @p orig; NULL if it may not be answered or out of
 * memory. */
struct ly_xml *ly_stanza_error(const struct ly_stanza *orig, enum ly_cond cond,
			       enum ly_error_type type, const char *text);
/** Appends `<error>` with its condition to the open element of any builder. */
void ly_build_error(struct ly_build *b, enum ly_cond cond, enum ly_error_type type,
		    const char *text);

#endif
