#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static ly_log_fn sink;
static void *sink_ctx;
static _Atomic int max_level = LY_INFO;

static const char *const names[] = { "error", "warn", "info", "debug", "trace" };

void ly_log_set_sink(ly_log_fn fn, void *ctx)
{
	sink = fn;
	sink_ctx = ctx;
}

void ly_log_set_level(enum ly_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

bool ly_log_is_on(enum ly_level level)
{
	return sink != NULL && (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

const char *ly_level_name(enum ly_level level)
{
	return names[level];
}

void ly_log_write(const struct ly_log *log, enum ly_level level, const char *event, const char *fmt,
		  ...)
{
	char pairs[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(pairs, sizeof(pairs), fmt, ap);
	va_end(ap);
	if (sink != NULL)
		sink(sink_ctx, level, log, event, pairs);
}
