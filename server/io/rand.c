#include "server/io/rand.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/heap.h"
#include "base/util.h"

static void fetch(uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t r = getrandom(out, len, 0);

		if (r < 0)
			abort(); /* without randomness nothing here is safe */
		out += r;
		len -= (size_t)r;
	}
}

static void fill(struct ly_rand *rand, void *out, size_t len)
{
	struct ly_rand_system *r = LY_CONTAINER_OF(rand, struct ly_rand_system, rand);

	if (len > sizeof(r->pool)) {
		fetch(out, len);
		return;
	}
	if (r->left < len) {
		fetch(r->pool, sizeof(r->pool));
		r->left = sizeof(r->pool);
	}
	r->left -= len;
	memcpy(out, r->pool + r->left, len);
	ly_wipe(r->pool + r->left, len);
}

void ly_rand_system_init(struct ly_rand_system *r)
{
	r->rand.fill = fill;
	r->left = 0;
}

static void fill_shared(struct ly_rand *rand, void *out, size_t len)
{
	(void)rand;
	fetch(out, len);
}

struct ly_rand *ly_rand_shared(void)
{
	static struct ly_rand shared = { .fill = fill_shared }; /* has no state */

	return &shared;
}
