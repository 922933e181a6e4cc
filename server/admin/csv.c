#include "server/admin/csv.h"

#include <string.h>

#include "base/err.h"
#include "base/util.h"

/* Takes one field from the front of the rest; sets *more when a comma follows it. */
static int field(struct ly_span *rest, struct ly_arena *arena, const char **out, bool *more,
		 const char **why)
{
	char *to = ly_arena_alloc(arena, rest->len + 1);
	bool is_quoted = rest->len && rest->ptr[0] == '"';
	size_t n = 0, i = is_quoted;

	if (to == NULL)
		return -ENOMEM;
	for (;; i++) {
		if (i == rest->len && !is_quoted)
			break;
		if (i == rest->len) {
			*why = "a quoted field does not end";
			return -EBADMSG;
		}
		if (!is_quoted && rest->ptr[i] == ',')
			break;
		if (is_quoted && rest->ptr[i] == '"') {
			if (i + 1 == rest->len || rest->ptr[i + 1] != '"')
				break;
			i++; /* "" is one quote */
		}
		to[n++] = (char)rest->ptr[i];
	}
	i += is_quoted;
	*more = i < rest->len && rest->ptr[i] == ',';
	if (i < rest->len && !*more) {
		*why = "a quoted field is followed by more text";
		return -EBADMSG;
	}
	i += *more;
	rest->ptr += i;
	rest->len -= i;
	*out = to;
	return 0;
}

int ly_csv_line(struct ly_csv_user *out, struct ly_arena *arena, struct ly_span line,
		const char **why)
{
	const char *fields[3] = { NULL, NULL, NULL };
	bool more = true;
	size_t n = 0;

	while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
		line.len--;
	if (line.len == 0 || line.ptr[0] == '#')
		return 0;
	if (memchr(line.ptr, '\0', line.len)) {
		*why = "the line is not text";
		return -EBADMSG;
	}
	while (more) {
		int err;

		if (n == LY_COUNTOF(fields)) {
			*why = "there are more than three fields (a password with a comma needs "
			       "quotes)";
			return -EBADMSG;
		}
		err = field(&line, arena, &fields[n++], &more, why);
		if (err)
			return err;
	}
	*why = fields[0][0] == '\0'                 ? "the address is missing"
	       : !fields[1] || fields[1][0] == '\0' ? "the password is missing"
						    : NULL;
	if (*why)
		return -EBADMSG;
	out->jid = fields[0];
	out->password = fields[1];
	out->role = fields[2] && fields[2][0] ? fields[2] : NULL;
	return 1;
}
