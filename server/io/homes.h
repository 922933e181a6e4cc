/* The homes on their loops: their queues, batches between loops, deadlines, and the functions of
 * struct ly_home_env. */
#ifndef LY_SERVER_IO_HOMES_H
#define LY_SERVER_IO_HOMES_H

#include "server/server.h"

/** Most messages that wait for one home; further ones are dropped. */
#define LY_HOME_QUEUE_MAX 1000000

/** Fills s->env; the rest of @p s must be there when the loops start. */
void ly_homes_init_env(struct ly_server *s);
/** Makes the home of a worker. @return 0, -ENOMEM, or what a feature's init gave */
int ly_homes_init_worker(struct ly_worker *w);
/** After the loops are gone. */
void ly_homes_fini_worker(struct ly_worker *w);

/** Posts a message to a home, from any thread; takes it. @p ctx is the struct ly_server. */
void ly_homes_post(void *ctx, unsigned home, struct ly_msg *msg);

/** Tells the home the time of this turn before one of its functions is called. */
void ly_homes_touch(struct ly_worker *w);

#endif
