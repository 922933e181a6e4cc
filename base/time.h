/* Time as the sans-IO layers see it: monotonic microseconds passed in by the caller. */
#ifndef LY_BASE_TIME_H
#define LY_BASE_TIME_H

#include <stddef.h>
#include <stdint.h>

/** Microseconds; a point in monotonic time or a length, wall time only where a name says so. */
typedef int64_t ly_usec;

#define LY_NEVER INT64_MAX
#define LY_MS(n) ((ly_usec)(n)*1000)
#define LY_SEC(n) ((ly_usec)(n)*1000000)

/** Bytes of "2026-01-02T03:04:05.678Z" with its terminating zero. */
#define LY_DATETIME_MAX 32

/** Formats wall time (microseconds since 1970, UTC) as XEP-0082 DateTime with milliseconds.
 *  @return the length without the zero; 0 if cap < LY_DATETIME_MAX */
size_t ly_datetime_format(char *out, size_t cap, ly_usec wall);

/** Parses an XEP-0082 DateTime (fraction and offset optional) to microseconds since 1970.
 *  @return 0, -EBADMSG */
int ly_datetime_parse(const char *s, size_t len, ly_usec *wall);

#endif
