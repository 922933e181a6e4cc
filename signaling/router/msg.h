/* What goes through a home's queue. A message is the first member of a bigger struct (a stanza, a
 * store answer, an event of the media threads); the queue owns it from the post to the run. */
#ifndef LY_SIGNALING_ROUTER_MSG_H
#define LY_SIGNALING_ROUTER_MSG_H

#include "base/list.h"

struct ly_home;

struct ly_msg {
	struct ly_list link; /* the queue's; a message is in at most one queue */
	unsigned source;     /* the home that posted it; order is kept per (source, target) */
	bool must_run; /* not to be dropped by a full queue, only at shutdown: somebody waits for it
			* (an answer of the store); such messages are bounded where they begin */
	/** Consumes the message on the loop of @p home. */
	void (*run)(struct ly_home *home, struct ly_msg *msg);
	/** Frees the message when it is not going to be run (shutdown; queue full unless must_run).
	 * Any thread. */
	void (*drop)(struct ly_msg *msg);
};

#endif
