/* What other parts of the server tell the operator: calls, rooms, numbers. Each part registers a
 * provider for its kind; when someone asks (REST, lyceumctl, /metrics), the provider is called once
 * at every home, on that home's loop, with a part of the answer to fill in, and the parts are put
 * together where the question came from.
 *
 *   asker's home --post--> each home: provider->fill() ... ly_admin_part_done() --post--> asker's
 * home
 */
#ifndef LY_SERVER_ADMIN_PROVIDER_H
#define LY_SERVER_ADMIN_PROVIDER_H

#include <jansson.h>

#include "signaling/router/msg.h"

struct ly_admin;
struct ly_admin_gather;

enum ly_admin_kind {
	/** One object per call with its home here, as GET /api/v1/calls has them
	 * (docs/PROTOCOL.md): id, room, started, participants[]. By the focus. */
	LY_ADMIN_CALLS,
	/** One object per room that is in memory here: jid, name, occupants, persistent. By the
	   rooms. */
	LY_ADMIN_ROOMS,
	/** arg = a call's id: ends that call if it is here, and adds `true` if so. By the focus. */
	LY_ADMIN_END_CALL,
	/** One object with numbers of this home: users, sessions, waiting, stanzas_in, stanzas_out,
	 *  messages_in. By this folder. */
	LY_ADMIN_HOMES,
	LY_ADMIN_N_KINDS
};

/** One home's share of an answer; the provider's until ly_admin_part_done(). */
struct ly_admin_part {
	struct ly_msg msg; /* private */
	json_t *out;       /* an array: append objects with json_array_append_new() */
	const char *arg;   /* borrowed; NULL unless the kind has one */
	int64_t wall;      /* wall time of the question, microseconds since 1970 */

	struct ly_admin_gather *gather; /* private */
};

/** Fills in a part and calls ly_admin_part_done(), now or later (exactly once, from any thread:
 * after asking the media threads, say). A part may be left empty. */
typedef void (*ly_admin_fill_fn)(struct ly_home *home, void *ctx, struct ly_admin_part *part);

/** Registers the provider of a kind; before the loops run. Without one the answer is empty. */
void ly_admin_set_provider(struct ly_admin *admin, enum ly_admin_kind kind, ly_admin_fill_fn fill,
			   void *ctx);

/** Hands a part back. */
void ly_admin_part_done(struct ly_admin_part *part);

#endif
