/* The file of `lyceumctl user import`: lines of jid,password[,role]; fields may be quoted (RFC
 * 4180). */
#ifndef LY_SERVER_ADMIN_CSV_H
#define LY_SERVER_ADMIN_CSV_H

#include "base/arena.h"

struct ly_csv_user {
	const char *jid, *password; /* as written; not empty */
	const char *role;           /* NULL if not given */
	unsigned line;
};

/** One line of at most three fields into @p out, strings in the arena.
 *  @return 1 (a user), 0 (blank line, comment with '#'), -EBADMSG with @p why, -ENOMEM */
int ly_csv_line(struct ly_csv_user *out, struct ly_arena *arena, struct ly_span line,
		const char **why);

#endif
