/* Small macros used everywhere. */
#ifndef LY_BASE_UTIL_H
#define LY_BASE_UTIL_H

#include <stddef.h>

#define LY_COUNTOF(a) (sizeof(a) / sizeof((a)[0]))
#define LY_MIN(a, b) ((a) < (b) ? (a) : (b))
#define LY_MAX(a, b) ((a) > (b) ? (a) : (b))

/** The struct of type @p type whose member @p member is at @p ptr. */
#define LY_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#if defined(__GNUC__)
#define LY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LY_PRINTF(fmt, args)
#endif

#endif
