#include "base/err.h"

const char *ly_err_name(int err)
{
	switch (err) {
	case 0:
		return "ok";
	case -EINVAL:
		return "invalid argument";
	case -ENOMEM:
		return "out of memory";
	case -EBADMSG:
		return "malformed";
	case -EPROTO:
		return "wrong state";
	case -EACCES:
		return "not authentic";
	case -ENOSPC:
		return "output too small";
	case -EAGAIN:
		return "need more input";
	case -ENOENT:
		return "not found";
	case -EEXIST:
		return "exists already";
	case -E2BIG:
		return "limit reached";
	case -EIO:
		return "input or output error";
	default:
		return "unknown error";
	}
}
