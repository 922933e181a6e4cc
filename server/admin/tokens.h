/* Bearer tokens of the REST interface: random, kept as hashes only, valid for a while; and the
 * limit on log-in attempts. Sans-IO; the caller locks. */
#ifndef LY_SERVER_ADMIN_TOKENS_H
#define LY_SERVER_ADMIN_TOKENS_H

#include "base/addr.h"
#include "base/rand.h"
#include "base/time.h"

/** Characters of a token, without the zero. */
#define LY_TOKEN_LEN 43
/** Tokens at a time; a further one replaces the one that would expire first. */
#define LY_TOKENS_MAX 256
/** Attempts of one address that are remembered, addresses at a time, and per which time. */
#define LY_TOKEN_ATTEMPTS 10
#define LY_TOKEN_ADDRS 1024
#define LY_TOKEN_WINDOW LY_SEC(60)

struct ly_tokens {
	struct {
		uint8_t hash[32]; /* SHA-256 of the token; the token itself is not kept */
		ly_usec until;    /* 0 = free */
		char user[256];   /* for the log */
	} v[LY_TOKENS_MAX];
	struct {
		struct ly_addr from; /* port 0 */
		ly_usec since;
		unsigned n;
	} attempts[LY_TOKEN_ADDRS];
};

/** Makes a token for @p user, which is written to @p out (LY_TOKEN_LEN + 1 bytes). */
void ly_tokens_issue(struct ly_tokens *t, const char *user, ly_usec now, ly_usec lifetime,
		     struct ly_rand *rand, char *out);
/** The user of a valid token, borrowed; NULL if it is unknown or has expired. */
const char *ly_tokens_check(const struct ly_tokens *t, const char *token, ly_usec now);
/** Takes back all tokens of a user (deleted, disabled, no operator any more). */
void ly_tokens_revoke(struct ly_tokens *t, const char *user);

/** Counts a log-in attempt of an address. @return 0 if it may try, else the seconds to wait */
unsigned ly_tokens_attempt(struct ly_tokens *t, const struct ly_addr *from, ly_usec now);
/** A success: earlier failures of the address are forgotten. */
void ly_tokens_forgive(struct ly_tokens *t, const struct ly_addr *from);

#endif
