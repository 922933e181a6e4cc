/* Counters of the whole process that any thread adds to; /metrics and `lyceumctl stats` show them.
 * For what happens now and then (log-ins, connections), not per packet: one shared word each. */
#ifndef LY_SERVER_ADMIN_METRICS_H
#define LY_SERVER_ADMIN_METRICS_H

#include <stdint.h>

enum ly_metric {
	LY_METRIC_LOGIN_OK,      /* XMPP log-ins */
	LY_METRIC_LOGIN_FAILED,  /* wrong password, unknown user, disabled account */
	LY_METRIC_LOGIN_REFUSED, /* rate limit */
	LY_METRIC_XMPP_ACCEPTED, /* streams: TCP and WebSocket */
	LY_METRIC_HTTP_REQUESTS,
	LY_METRIC_ADMIN_LOGIN_OK,
	LY_METRIC_ADMIN_LOGIN_FAILED,
	LY_N_METRICS
};

/** Adds to a counter; any thread. */
void ly_metric_add(enum ly_metric metric, uint64_t n);
uint64_t ly_metric_get(enum ly_metric metric);
/** Name without prefix and suffix ("login_ok"), and a sentence of help. */
const char *ly_metric_name(enum ly_metric metric);
const char *ly_metric_help(enum ly_metric metric);

#endif
