#include "server/admin/metrics.h"

#include <stdatomic.h>
#include <stddef.h>

static _Atomic uint64_t counters[LY_N_METRICS];

static const struct {
	const char *name, *help;
} texts[LY_N_METRICS] = {
	[LY_METRIC_LOGIN_OK] = { "logins_ok", "XMPP log-ins that succeeded." },
	[LY_METRIC_LOGIN_FAILED] = { "logins_failed", "XMPP log-ins with wrong credentials." },
	[LY_METRIC_LOGIN_REFUSED] = { "logins_refused", "XMPP log-ins refused by the rate limit." },
	[LY_METRIC_XMPP_ACCEPTED] = { "xmpp_connections", "XMPP connections accepted." },
	[LY_METRIC_HTTP_REQUESTS] = { "http_requests", "HTTP requests." },
	[LY_METRIC_ADMIN_LOGIN_OK] = { "admin_logins_ok", "Log-ins to the REST interface." },
	[LY_METRIC_ADMIN_LOGIN_FAILED] = { "admin_logins_failed",
					   "Failed log-ins to the REST interface." },
};

void ly_metric_add(enum ly_metric metric, uint64_t n)
{
	atomic_fetch_add_explicit(&counters[metric], n, memory_order_relaxed);
}

uint64_t ly_metric_get(enum ly_metric metric)
{
	return atomic_load_explicit(&counters[metric], memory_order_relaxed);
}

const char *ly_metric_name(enum ly_metric metric)
{
	return texts[metric].name;
}

const char *ly_metric_help(enum ly_metric metric)
{
	return texts[metric].help;
}
