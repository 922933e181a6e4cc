#include "base/rand.h"

#include <string.h>

static uint64_t next(struct ly_rand *r)
{
	/* xorshift128+ */
	uint64_t a = r->state[0], b = r->state[1];

	r->state[0] = b;
	a ^= a << 23;
	a ^= a >> 17 ^ b ^ b >> 26;
	r->state[1] = a;
	return a + b;
}

static void seeded_fill(struct ly_rand *r, void *out, size_t len)
{
	uint8_t *p = out;

	for (; len; len -= len < 8 ? len : 8) {
		uint64_t v = next(r);

		memcpy(p, &v, len < 8 ? len : 8);
		p += 8;
	}
}

void ly_rand_seeded(struct ly_rand *r, uint64_t seed)
{
	r->fill = seeded_fill;
	r->state[0] = seed * 0x9e3779b97f4a7c15u + 1;
	r->state[1] = seed ^ 0xd6e8feb86659fd93u;
	for (int i = 0; i < 8; i++)
		(void)next(r);
}

void ly_rand_bytes(struct ly_rand *r, void *out, size_t len)
{
	r->fill(r, out, len);
}

uint32_t ly_rand_u32(struct ly_rand *r)
{
	uint32_t v;

	r->fill(r, &v, sizeof(v));
	return v;
}

uint64_t ly_rand_u64(struct ly_rand *r)
{
	uint64_t v;

	r->fill(r, &v, sizeof(v));
	return v;
}

uint32_t ly_rand_below(struct ly_rand *r, uint32_t n)
{
	return (uint32_t)((uint64_t)ly_rand_u32(r) * n >> 32);
}

void ly_rand_text(struct ly_rand *r, char *out, size_t len)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < len; i++)
		out[i] = chars[ly_rand_below(r, sizeof(chars) - 1)];
	out[len] = 0;
}
