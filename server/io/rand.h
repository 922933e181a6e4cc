/* The system's source of random numbers (getrandom), with a small reserve. One per loop: not
 * locked. */
#ifndef LY_SERVER_IO_RAND_H
#define LY_SERVER_IO_RAND_H

#include "base/rand.h"

struct ly_rand_system {
	struct ly_rand rand; /* what the layers below are given */
	uint8_t pool[256];
	size_t left;
};

/** A source that any thread may use at the same time; each call is a system call. */
struct ly_rand *ly_rand_shared(void);

void ly_rand_system_init(struct ly_rand_system *r);

#endif
