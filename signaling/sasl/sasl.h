/* The server's side of SASL (RFC 4422, RFC 6120 s. 6): SCRAM-SHA-256, SCRAM-SHA-1, both with
 * -PLUS, PLAIN.
 *
 * Credentials are fetched by the caller, maybe much later: a step ends with NEED_CREDENTIALS and
 * goes on with ly_sasl_credentials(). Unknown users run the whole exchange with a fake salt (the
 * same each time), so that a login does not tell who exists (RFC 5802 s. 9). */
#ifndef LY_SIGNALING_SASL_SASL_H
#define LY_SIGNALING_SASL_SASL_H

#include "signaling/sasl/scram.h"

struct ly_sasl; /* opaque; one exchange */

/** Given by the caller, borrowed until the exchange is freed. */
struct ly_sasl_conf {
	const char *domain;      /* of the users: authzids must be user@domain */
	struct ly_rand *rand;    /* nonces */
	struct ly_span secret;   /* at least 16 bytes, stable: fake salts come from it */
	bool secure;             /* TLS, or plain text is configured to be fine: allows PLAIN */
	struct ly_span exporter; /* tls-exporter data (RFC 9266); empty = not available */
	struct ly_span endpoint; /* tls-server-end-point data (RFC 5929); empty = not available */
};

/** Failure conditions (RFC 6120 s. 6.5). */
enum ly_sasl_cond {
	LY_SASL_ABORTED,
	LY_SASL_ACCOUNT_DISABLED,
	LY_SASL_ENCRYPTION_REQUIRED,
	LY_SASL_INCORRECT_ENCODING,
	LY_SASL_INVALID_AUTHZID,
	LY_SASL_INVALID_MECHANISM,
	LY_SASL_MALFORMED_REQUEST,
	LY_SASL_NOT_AUTHORIZED,
	LY_SASL_TEMPORARY_AUTH_FAILURE,
	LY_SASL_N_COND
};
const char *ly_sasl_cond_name(enum ly_sasl_cond cond);

struct ly_sasl_out {
	enum {
		LY_SASL_CHALLENGE,
		LY_SASL_NEED_CREDENTIALS, /* user: ask the store, then ly_sasl_credentials() */
		LY_SASL_SUCCESS,
		LY_SASL_FAILURE,
	} kind;
	const char *data;       /* CHALLENGE, SUCCESS: not base64; until the next call */
	const char *user;       /* normalised localpart; NULL: FAILURE before it; until free */
	enum ly_sasl_cond cond; /* FAILURE */
};

/** One mechanism. */
struct ly_sasl_mech {
	const char *name;
	enum ly_scram_hash hash;
	bool plus; /* needs channel binding data */
	/** Takes a message of the client. */
	void (*step)(struct ly_sasl *s, struct ly_span in, struct ly_sasl_out *out);
	/** Takes the user's credentials; NULL: no such user. */
	void (*credentials)(struct ly_sasl *s, const struct ly_credentials *cred,
			    struct ly_sasl_out *out);
};

/** All mechanisms, strongest first, NULL-ended. */
extern const struct ly_sasl_mech *const ly_sasl_mechs[];
/** True if a mechanism may be offered under a configuration. */
bool ly_sasl_mech_is_on(const struct ly_sasl_mech *mech, const struct ly_sasl_conf *conf);

/** Starts an exchange; the first message goes to ly_sasl_step(). @p conf is copied, what it
 *  points to borrowed. @return 0, -ENOENT (no such mechanism, or not offered), -ENOMEM */
int ly_sasl_create(struct ly_sasl **out, const struct ly_sasl_conf *conf, const char *mech);
/** Wipes and frees; NULL is fine. */
void ly_sasl_free(struct ly_sasl *s);
/** Takes a decoded message of the client. A missing initial response is the caller's to answer
 *  with an empty challenge. */
void ly_sasl_step(struct ly_sasl *s, struct ly_span in, struct ly_sasl_out *out);
/** Answers NEED_CREDENTIALS; NULL: no such user. @p cred is copied. */
void ly_sasl_credentials(struct ly_sasl *s, const struct ly_credentials *cred,
			 struct ly_sasl_out *out);

#endif
