/* SCRAM keys and the client's side of SCRAM (RFC 5802, RFC 7677). */
#ifndef LY_SIGNALING_SASL_SCRAM_H
#define LY_SIGNALING_SASL_SCRAM_H

#include "base/rand.h"
#include "base/span.h"

#define LY_SCRAM_SALT_MAX 32
#define LY_SCRAM_HASH_MAX 32
/** Iterations for new keys, and the fewest that are accepted (RFC 5802 s. 5.1, RFC 7677 s. 4). */
#define LY_SCRAM_ITERATIONS 10000
#define LY_SCRAM_ITERATIONS_MIN 4096

enum ly_scram_hash { LY_SCRAM_SHA1, LY_SCRAM_SHA256 };

/** What is stored instead of a password (RFC 5802 s. 3). All zero = none. Secret: wipe after
 * use. */
struct ly_scram_keys {
	uint32_t iterations; /* 0 = no keys */
	uint8_t salt_len;
	uint8_t salt[LY_SCRAM_SALT_MAX];
	uint8_t stored[LY_SCRAM_HASH_MAX]; /* 20 bytes used by SHA-1 */
	uint8_t server[LY_SCRAM_HASH_MAX];
};

/** The keys of one user for every mechanism. */
struct ly_credentials {
	struct ly_scram_keys sha1, sha256;
};

/** Bytes of the hash: 20 or 32. */
size_t ly_scram_hash_len(enum ly_scram_hash hash);
/** Prepares a password by SASLprep's mapping and prohibitions (RFC 4013): non-ASCII spaces to
 *  spaces, soft hyphens and the like to nothing, NFKC, no control characters. @return 0,
 * -EBADMSG, -ENOSPC */
int ly_saslprep(char *out, size_t cap, const char *s);
/** Makes keys from a password and a given salt. Slow by design (iterations).
 *  @return 0, -EBADMSG (password refused by SASLprep or empty), -EINVAL (salt, iterations) */
int ly_scram_keys_make(struct ly_scram_keys *out, enum ly_scram_hash hash, const char *password,
		       struct ly_span salt, uint32_t iterations);
/** Makes both keys with fresh salts of 16 bytes. @return as ly_scram_keys_make */
int ly_credentials_make(struct ly_credentials *out, const char *password, struct ly_rand *rand,
			uint32_t iterations);
/** True if the password fits the keys; constant time but for the password's length. */
bool ly_scram_keys_check(const struct ly_scram_keys *keys, enum ly_scram_hash hash,
			 const char *password);

/** The client's side, for tests, tools and the load generator. */
struct ly_scram_client {
	enum ly_scram_hash hash;
	char user[256], password[256], nonce[64];
	char gs2[64];        /* "n,,", "y,," or "p=tls-exporter,," */
	struct ly_span cb;   /* borrowed; empty without channel binding */
	char server_sig[64]; /* state: base64 of the expected v= */
	int step;
};

/** @p cb_type and @p cb: channel binding or NULL. @return 0, -EINVAL (too long) */
int ly_scram_client_init(struct ly_scram_client *c, enum ly_scram_hash hash, const char *user,
			 const char *password, const char *cb_type, struct ly_span cb,
			 struct ly_rand *rand);
/** The next message: client-first (in empty), client-final (in = server-first), then checks the
 *  server's signature (in = server-final, out ""). @return length, -EBADMSG, -EACCES (server's
 * proof), -ENOSPC */
int ly_scram_client_step(struct ly_scram_client *c, struct ly_span in, char *out, size_t cap);

#endif
