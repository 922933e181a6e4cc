/* The closed list of errors (negative errno values) that Lyceum's functions return.
 *
 *   -EINVAL   the caller's fault          -ENOMEM  out of memory
 *   -EBADMSG  malformed input             -EPROTO  wrong state for it
 *   -EACCES   not authentic, not allowed  -ENOSPC  output too small
 *   -EAGAIN   need more input             -ENOENT  not found
 *   -EEXIST   there already               -E2BIG   a limit is reached
 *   -EIO      the disk or the network failed (server/ only)
 */
#ifndef LY_BASE_ERR_H
#define LY_BASE_ERR_H

#include <errno.h>

/** Returns a static lower-case word for a negative errno of the list, "unknown error" otherwise. */
const char *ly_err_name(int err);

#endif
