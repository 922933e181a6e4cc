/* An exchange as its mechanism sees it, and the arithmetic of SCRAM. */
#ifndef LY_SIGNALING_SASL_SASL_PRIV_H
#define LY_SIGNALING_SASL_SASL_PRIV_H

#include "base/buf.h"
#include "base/text.h"
#include "signaling/jid.h"
#include "signaling/sasl/sasl.h"

enum ly_sasl_state { LY_SASL_S_FIRST, LY_SASL_S_CREDENTIALS, LY_SASL_S_FINAL, LY_SASL_S_END };

struct ly_sasl {
	struct ly_sasl_conf conf; /* what it points to is borrowed */
	const struct ly_sasl_mech *mech;
	enum ly_sasl_state state;
	char user[LY_JID_PART_MAX + 1];
	bool is_known; /* the user exists and has keys for this mechanism */
	struct ly_scram_keys keys;
	struct ly_buf data; /* owned: what out->data points to */

	/* SCRAM */
	struct ly_buf gs2;    /* owned: header, then the channel binding data */
	struct ly_buf auth;   /* owned: client-first-bare , server-first [, final without proof] */
	struct ly_buf nonce;  /* owned: the client's, then the client's and ours */
	struct ly_buf secret; /* owned, wiped: PLAIN's password */
};

extern const struct ly_sasl_mech ly_sasl_scram_sha1, ly_sasl_scram_sha1_plus;
extern const struct ly_sasl_mech ly_sasl_scram_sha256, ly_sasl_scram_sha256_plus;
extern const struct ly_sasl_mech ly_sasl_plain;

/** Ends the exchange with a failure. */
void ly_sasl_fail(struct ly_sasl *s, struct ly_sasl_out *out, enum ly_sasl_cond cond);
/** Normalises and keeps the user's name. @return false if it can be nobody's */
bool ly_sasl_set_user(struct ly_sasl *s, struct ly_span name);
/** True for an authorization identity that the user may take: none, or the user's own bare JID. */
bool ly_sasl_authzid_ok(const struct ly_sasl *s, struct ly_span authzid);
/** Keys for somebody unknown: a salt that is the same each time and fits no password. */
void ly_sasl_fake_keys(struct ly_sasl *s, enum ly_scram_hash hash);

/** HMAC with the mechanism's hash; out has LY_SCRAM_HASH_MAX bytes. */
void ly_scram_hmac(enum ly_scram_hash hash, struct ly_span key, struct ly_span data, uint8_t *out);
void ly_scram_digest(enum ly_scram_hash hash, const uint8_t *in, uint8_t *out);
/** SaltedPassword of RFC 5802 s. 3. @return 0, -EBADMSG, -EINVAL */
int ly_scram_salted(enum ly_scram_hash hash, const char *password, struct ly_span salt,
		    uint32_t iterations, uint8_t *out);
/** PBKDF2 of one block: ly_scram_hash_len() bytes to @p out. @return 0, -EINVAL (salt too long) */
int ly_scram_pbkdf2(enum ly_scram_hash hash, struct ly_span password, struct ly_span salt,
		    uint32_t iterations, uint8_t *out);
/** Finds "x=" at the start of a comma-separated item and takes the item's value off @p rest.
 *  @return false if the next item is another */
bool ly_scram_take(struct ly_span *rest, char name, struct ly_span *value);
void ly_buf_add_base64(struct ly_buf *b, struct ly_span in);

#endif
