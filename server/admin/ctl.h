/* lyceumctl: sends a command to the running server, or does it on the database itself. */
#ifndef LY_SERVER_ADMIN_CTL_H
#define LY_SERVER_ADMIN_CTL_H

#include "server/admin/command.h"
#include "server/config/config.h"
#include "server/io/rand.h"
#include "server/store/db.h"

#define LY_CTL_WAITING_MAX 1000

/** The way to the server or to its database. */
struct ly_ctl {
	const struct ly_config *conf; /* borrowed */
	bool has_server;              /* the control socket answers */

	/* without a server; opened by the first command */
	struct ly_db *db;
	struct ly_cmd_env env;
	struct ly_rand_system rand;
	char rooms[300];
	struct ly_store_req *waiting[LY_CTL_WAITING_MAX];
	size_t n_waiting;
};

/** Finds out whether a server is there. @return 0; a negative errno when the socket cannot be used,
 * said on standard error */
int ly_ctl_open(struct ly_ctl *ctl, const struct ly_config *conf);
void ly_ctl_close(struct ly_ctl *ctl);

/** Runs a command; @p args is taken. *result (owned by the caller) may be NULL. On failure the
 * reason has been written to standard error. @return 0 or a negative errno */
int ly_ctl_run(struct ly_ctl *ctl, const char *name, json_t *args, json_t **result);

/** `user import`. @return 0 or a negative errno; problems are on standard error */
int ly_ctl_import(struct ly_ctl *ctl, const char *path);

#endif
