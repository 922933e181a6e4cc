/* Random numbers by a source that is passed in: the system's in production, a seeded one in tests.
 */
#ifndef LY_BASE_RAND_H
#define LY_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct ly_rand {
	void (*fill)(struct ly_rand *r, void *out, size_t len);
	uint64_t state[2]; /* of the seeded source */
};

/** A repeatable source for tests and simulations; never for secrets. */
void ly_rand_seeded(struct ly_rand *r, uint64_t seed);
void ly_rand_bytes(struct ly_rand *r, void *out, size_t len);
uint32_t ly_rand_u32(struct ly_rand *r);
uint64_t ly_rand_u64(struct ly_rand *r);
/** Below @p n (> 0), without bias that matters. */
uint32_t ly_rand_below(struct ly_rand *r, uint32_t n);
/** Writes @p len letters and digits (ICE characters, RFC 8839 s. 5.4: 62 of the 64) and a zero. */
void ly_rand_text(struct ly_rand *r, char *out, size_t len);

#endif
