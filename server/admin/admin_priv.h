/* Inside of server/admin's part in lyceumd. */
#ifndef LY_SERVER_ADMIN_ADMIN_PRIV_H
#define LY_SERVER_ADMIN_ADMIN_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/admin/admin.h"
#include "server/admin/command.h"
#include "server/admin/tokens.h"

/** What a loop has of us. */
struct ly_admin_loop {
	struct ly_admin *admin; /* borrowed */
	unsigned index;
	struct ly_cmd_env env; /* of commands that are run at this home; its ctx is this struct */
	ly_usec token_lifetime;
	enum ly_metrics_access metrics;
	struct ly_loop_timer timer; /* measures the lag */
	ly_usec due;
	_Atomic int64_t lag_us; /* the longest in the last second or so */
	_Atomic int64_t n_conns;
};

struct ly_admin {
	struct ly_server *server; /* borrowed */
	struct ly_admin_providers providers;
	struct ly_admin_loop *loops; /* owned; one per loop */

	pthread_mutex_t lock;
	struct ly_tokens tokens; /* under lock */

	/* control.c */
	int listen_fd, stop_fd[2]; /* -1 when closed */
	pthread_t thread;
	bool has_thread;
	char path[1100];
};

int ly_control_start(struct ly_admin *admin, char *err, size_t cap);
void ly_control_stop(struct ly_admin *admin);
int ly_rest_add_routes(struct ly_admin *admin);

#endif
