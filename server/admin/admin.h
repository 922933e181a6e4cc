/* The operating side of the server: the control socket for lyceumctl, REST under /api/v1, /metrics.
 * All three run the commands of server/admin/command.h. */
#ifndef LY_SERVER_ADMIN_ADMIN_H
#define LY_SERVER_ADMIN_ADMIN_H

#include "server/admin/provider.h"
#include "server/server.h"

/** Refuses to go on when another server works on the data directory (its control socket answers).
 *  @p err gets a sentence. @return 0, -EADDRINUSE, -EIO (the path is too long) */
int ly_admin_check_alone(const struct ly_config *conf, char *err, size_t cap);
/** Makes it, adds its routes to the server, and registers what it can tell itself (homes, rooms);
 * after the homes were made, before the loops run. @return 0, -ENOMEM, -E2BIG */
int ly_admin_create(struct ly_admin **out, struct ly_server *s);
/** Opens the control socket and starts its thread; after the loops were started. @p err gets a
 * sentence.
 *  @return 0, -EIO, -EADDRINUSE (another server runs in this data directory) */
int ly_admin_start(struct ly_admin *admin, char *err, size_t cap);
/** Takes the reloadable keys over for one loop, on its thread (or before the loops run). */
void ly_admin_set_conf(struct ly_admin *admin, struct ly_loop *loop, const struct ly_config *conf);
/** Stops the thread and removes the socket; while the loops still run. NULL is fine. */
void ly_admin_stop(struct ly_admin *admin);
/** After the loops have stopped and their queues are dropped. NULL is fine. */
void ly_admin_destroy(struct ly_admin *admin);

#endif
