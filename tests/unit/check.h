/* cmocka with its prerequisites, and assertion helpers that name the table row that failed. */
#ifndef LY_TESTS_UNIT_CHECK_H
#define LY_TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "base/span.h"
#include "base/util.h"

static inline void ly_assert_i64(const char *row, int64_t want, int64_t got)
{
	if (want != got)
		fail_msg("%s: want %lld, got %lld", row, (long long)want, (long long)got);
}

static inline void ly_assert_str(const char *row, const char *want, const char *got)
{
	if (got == NULL || strcmp(want, got) != 0)
		fail_msg("%s: want \"%s\", got \"%s\"", row, want, got ? got : "(null)");
}

static inline void ly_assert_bytes(const char *row, struct ly_span want, struct ly_span got)
{
	if (want.len != got.len)
		fail_msg("%s: want %zu bytes, got %zu", row, want.len, got.len);
	for (size_t i = 0; i < want.len; i++)
		if (want.ptr[i] != got.ptr[i])
			fail_msg("%s: byte %zu: want %02x, got %02x", row, i, want.ptr[i],
				 got.ptr[i]);
}

#endif
