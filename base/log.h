/* Structured logging: an event name and key=value pairs. The sink is set by the server or a test.
 */
#ifndef LY_BASE_LOG_H
#define LY_BASE_LOG_H

#include <stdbool.h>

#include "base/util.h"

enum ly_level {
	LY_ERROR, /* the operator has to act */
	LY_WARN,  /* a peer broke the rules; rate-limited by the caller or the sink */
	LY_INFO,  /* life cycle */
	LY_DEBUG, /* state */
	LY_TRACE, /* packets */
};

/** Who logs: component ("ice", "muc") and the object's id ("" if none). Both borrowed. */
struct ly_log {
	const char *component;
	const char *id;
};

/** Takes one finished line without newline; called from any thread. */
typedef void (*ly_log_fn)(void *ctx, enum ly_level level, const struct ly_log *log,
			  const char *event, const char *pairs);

/** Sets the sink and the level; NULL drops everything. Call before threads start. */
void ly_log_set_sink(ly_log_fn fn, void *ctx);
void ly_log_set_level(enum ly_level level);
bool ly_log_is_on(enum ly_level level);
const char *ly_level_name(enum ly_level level);

void ly_log_write(const struct ly_log *log, enum ly_level level, const char *event, const char *fmt,
		  ...) LY_PRINTF(4, 5);

/** ly_log(&log, LY_INFO, "joined", "room=%s n=%d", room, n): a level that is off costs one load. */
#define ly_log(log, level, ...) \
	do { \
		if (ly_log_is_on(level)) \
			ly_log_write(log, level, __VA_ARGS__); \
	} while (0)

#endif
