#include "signaling/stream/error.h"

#include "base/util.h"

static const char *const names[LY_STREAM_N_ERROR] = {
	[LY_STREAM_OK] = "ok",
	[LY_STREAM_BAD_FORMAT] = "bad-format",
	[LY_STREAM_BAD_NAMESPACE_PREFIX] = "bad-namespace-prefix",
	[LY_STREAM_CONFLICT] = "conflict",
	[LY_STREAM_CONNECTION_TIMEOUT] = "connection-timeout",
	[LY_STREAM_HOST_GONE] = "host-gone",
	[LY_STREAM_HOST_UNKNOWN] = "host-unknown",
	[LY_STREAM_IMPROPER_ADDRESSING] = "improper-addressing",
	[LY_STREAM_INTERNAL_SERVER_ERROR] = "internal-server-error",
	[LY_STREAM_INVALID_FROM] = "invalid-from",
	[LY_STREAM_INVALID_NAMESPACE] = "invalid-namespace",
	[LY_STREAM_INVALID_XML] = "invalid-xml",
	[LY_STREAM_NOT_AUTHORIZED] = "not-authorized",
	[LY_STREAM_NOT_WELL_FORMED] = "not-well-formed",
	[LY_STREAM_POLICY_VIOLATION] = "policy-violation",
	[LY_STREAM_REMOTE_CONNECTION_FAILED] = "remote-connection-failed",
	[LY_STREAM_RESET] = "reset",
	[LY_STREAM_RESOURCE_CONSTRAINT] = "resource-constraint",
	[LY_STREAM_RESTRICTED_XML] = "restricted-xml",
	[LY_STREAM_SEE_OTHER_HOST] = "see-other-host",
	[LY_STREAM_SYSTEM_SHUTDOWN] = "system-shutdown",
	[LY_STREAM_UNDEFINED_CONDITION] = "undefined-condition",
	[LY_STREAM_UNSUPPORTED_ENCODING] = "unsupported-encoding",
	[LY_STREAM_UNSUPPORTED_FEATURE] = "unsupported-feature",
	[LY_STREAM_UNSUPPORTED_STANZA_TYPE] = "unsupported-stanza-type",
	[LY_STREAM_UNSUPPORTED_VERSION] = "unsupported-version",
};

const char *ly_stream_error_name(enum ly_stream_error error)
{
	return (size_t)error < LY_COUNTOF(names) ? names[error] : "undefined-condition";
}
