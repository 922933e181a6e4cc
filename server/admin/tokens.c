#include "server/admin/tokens.h"

#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/heap.h"
#include "base/util.h"

static void hash_of(const char *token, uint8_t out[32])
{
	SHA256((const uint8_t *)token, strlen(token), out);
}

void ly_tokens_issue(struct ly_tokens *t, const char *user, ly_usec now, ly_usec lifetime,
		     struct ly_rand *rand, char *out)
{
	size_t at = 0;

	for (size_t i = 0; i < LY_TOKENS_MAX; i++)
		if (t->v[i].until < t->v[at].until)
			at = i;
	ly_rand_text(rand, out, LY_TOKEN_LEN); /* 256 bits at 5.95 per character */
	hash_of(out, t->v[at].hash);
	t->v[at].until = now + lifetime;
	(void)snprintf(t->v[at].user, sizeof(t->v[at].user), "%s", user);
}

const char *ly_tokens_check(const struct ly_tokens *t, const char *token, ly_usec now)
{
	uint8_t hash[32];

	if (strlen(token) != LY_TOKEN_LEN)
		return NULL;
	hash_of(token, hash);
	for (size_t i = 0; i < LY_TOKENS_MAX; i++)
		if (t->v[i].until > now && ly_equal_ct(t->v[i].hash, hash, sizeof(hash)))
			return t->v[i].user;
	return NULL;
}

void ly_tokens_revoke(struct ly_tokens *t, const char *user)
{
	for (size_t i = 0; i < LY_TOKENS_MAX; i++)
		if (strcmp(t->v[i].user, user) == 0)
			t->v[i].until = 0;
}

/* The row of an address: its own, else the one that has been quiet for longest. An address is
 * looked for in a few rows only, so that a flood of addresses costs no time. */
static size_t row_of(const struct ly_tokens *t, const struct ly_addr *from)
{
	size_t base = ly_addr_hash(from) % LY_TOKEN_ADDRS, best = base;

	for (size_t i = 0; i < 8; i++) {
		size_t at = (base + i) % LY_TOKEN_ADDRS;

		if (ly_addr_equal(&t->attempts[at].from, from))
			return at;
		if (t->attempts[at].since < t->attempts[best].since)
			best = at;
	}
	return best;
}

/* IPv6 addresses count by their /64: one customer has all of it. */
static struct ly_addr key_of(const struct ly_addr *from)
{
	struct ly_addr key = *from;

	key.port = 0;
	if (key.family == 6)
		memset(key.ip + 8, 0, 8);
	return key;
}

unsigned ly_tokens_attempt(struct ly_tokens *t, const struct ly_addr *from, ly_usec now)
{
	struct ly_addr key = key_of(from);
	size_t at = row_of(t, &key);

	if (!ly_addr_equal(&t->attempts[at].from, &key) ||
	    now - t->attempts[at].since >= LY_TOKEN_WINDOW) {
		t->attempts[at].from = key;
		t->attempts[at].since = now;
		t->attempts[at].n = 0;
	}
	if (t->attempts[at].n >= LY_TOKEN_ATTEMPTS)
		return (unsigned)((t->attempts[at].since + LY_TOKEN_WINDOW - now) / LY_SEC(1)) + 1;
	t->attempts[at].n++;
	return 0;
}

void ly_tokens_forgive(struct ly_tokens *t, const struct ly_addr *from)
{
	struct ly_addr key = key_of(from);
	size_t at = row_of(t, &key);

	if (ly_addr_equal(&t->attempts[at].from, &key))
		t->attempts[at].n = 0;
}
