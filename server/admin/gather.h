/* Asking the providers at all homes and putting the parts together. */
#ifndef LY_SERVER_ADMIN_GATHER_H
#define LY_SERVER_ADMIN_GATHER_H

#include "base/time.h"
#include "server/admin/provider.h"

struct ly_admin_providers {
	struct {
		ly_admin_fill_fn fill;
		void *ctx;
	} v[LY_ADMIN_N_KINDS];
	unsigned n_homes;
	/** Puts a message into a home's queue; any thread. Calls msg->drop when it cannot. */
	void (*post)(void *ctx, unsigned home, struct ly_msg *msg);
	void *post_ctx;
};

/** Takes the answer: an array of what all homes gave (borrowed during the call; json_incref() to
 * keep it), or NULL when there was no memory or the server is shutting down. */
typedef void (*ly_admin_done_fn)(void *ctx, json_t *all);

/** Asks every home; @p done is called at home number @p asker, not before this returns unless
 * memory is out. @p arg is copied. */
void ly_admin_gather(struct ly_admin_providers *p, enum ly_admin_kind kind, const char *arg,
		     unsigned asker, ly_usec wall, ly_admin_done_fn done, void *ctx);

#endif
