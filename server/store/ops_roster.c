/* Contacts, and messages that wait for users who are offline. */
#include <string.h>

#include "base/err.h"
#include "base/buf.h"
#include "server/store/db_priv.h"

enum { FLAG_LISTED = 1, FLAG_ASK = 2, FLAG_APPROVED = 4, FLAG_PENDING_IN = 8 };

/* The groups of an item are stored as one blob: each name with its zero. */
static int groups_of(struct ly_db_run *r, int col, struct ly_arena *arena,
		     struct ly_store_contact *item)
{
	size_t len = (size_t)sqlite3_column_bytes(r->stmt, col);
	const char **v;
	char *names;

	if (len == 0)
		return 0;
	names = ly_arena_alloc(arena, len + 1);
	if (names == NULL)
		return -ENOMEM;
	ly_db_blob(r, col, names, len);
	for (size_t i = 0; i < len; i++)
		item->n_groups += names[i] == '\0';
	v = ly_arena_alloc(arena, item->n_groups * sizeof(*v) + 1);
	if (v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < item->n_groups; i++) {
		v[i] = names;
		names += strlen(names) + 1;
	}
	item->groups = v;
	return 0;
}

static int contact_of(struct ly_db_run *r, struct ly_arena *arena, struct ly_store_contact *item)
{
	int64_t flags = ly_db_int(r, 4);

	memset(item, 0, sizeof(*item));
	item->jid = ly_db_str(r, 0, arena);
	item->name = ly_db_str(r, 1, arena);
	item->sub = (enum ly_subscription)(ly_db_int(r, 3) & 3);
	item->listed = flags & FLAG_LISTED;
	item->ask = flags & FLAG_ASK;
	item->approved = flags & FLAG_APPROVED;
	item->pending_in = flags & FLAG_PENDING_IN;
	item->request = ly_db_str(r, 5, arena);
	return r->err ? r->err : groups_of(r, 2, arena, item);
}

int ly_db_roster_get(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "SELECT jid, name, groups, sub, flags, request FROM rosters"
			     " WHERE owner = ? ORDER BY jid");
	struct ly_store_contact *v = NULL;
	size_t n = 0;
	int err;

	ly_db_bind_str(&r, req->owner);
	while (ly_db_step(c, &r)) {
		v = ly_db_grow(&req->arena, v, n, sizeof(*v));
		r.err = v ? contact_of(&r, &req->arena, &v[n++]) : -ENOMEM;
	}
	err = ly_db_end(&r);
	req->u.roster.v = v;
	req->u.roster.n = err ? 0 : n;
	return err;
}

int ly_db_roster_put(struct ly_db_conn *c, struct ly_store_req *req)
{
	const struct ly_store_contact *item = &req->u.item;
	struct ly_buf groups;
	struct ly_db_run r;
	int err;

	if (item->jid == NULL)
		return -EINVAL;
	ly_buf_init(&groups, LY_MEM_STORE, 0);
	for (size_t i = 0; i < item->n_groups; i++)
		ly_buf_add(&groups, item->groups[i], strlen(item->groups[i]) + 1);
	r = ly_db_sql(
		c, "INSERT OR REPLACE INTO rosters (owner, jid, name, groups, sub, flags, request)"
		   " VALUES (?, ?, ?, ?, ?, ?, ?)");
	if (groups.err && !r.err)
		r.err = groups.err;
	ly_db_bind_str(&r, req->owner);
	ly_db_bind_str(&r, item->jid);
	ly_db_bind_str(&r, item->name);
	ly_db_bind_blob(&r, groups.ptr, groups.len);
	ly_db_bind_int(&r, item->sub);
	ly_db_bind_int(&r, (item->listed ? FLAG_LISTED : 0) | (item->ask ? FLAG_ASK : 0) |
				   (item->approved ? FLAG_APPROVED : 0) |
				   (item->pending_in ? FLAG_PENDING_IN : 0));
	ly_db_bind_str(&r, item->request);
	err = ly_db_do(c, &r);
	ly_buf_fini(&groups);
	return err;
}

int ly_db_roster_delete(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(c, "DELETE FROM rosters WHERE owner = ? AND jid = ?");

	ly_db_bind_str(&r, req->owner);
	ly_db_bind_str(&r, req->u.item.jid);
	return ly_db_do(c, &r);
}

/* One number out of one row. */
static int ask_number(struct ly_db_conn *c, const char *sql, const char *owner, int64_t *out)
{
	struct ly_db_run r = ly_db_sql(c, sql);

	*out = 0;
	ly_db_bind_str(&r, owner);
	if (ly_db_step(c, &r))
		*out = ly_db_int(&r, 0);
	return ly_db_end(&r);
}

int ly_db_offline_add(struct ly_db_conn *c, struct ly_store_req *req)
{
	static const char account[] = "SELECT count(*) FROM users WHERE jid = ?";
	static const char waiting[] = "SELECT count(*) FROM offline WHERE owner = ?";
	struct ly_db_run r;
	int64_t n = 0;
	int err;

	if (req->u.text.xml == NULL)
		return -EINVAL;
	err = ask_number(c, account, req->owner, &n);
	if (err || n == 0)
		return err ? err : -ENOENT;
	err = ask_number(c, waiting, req->owner, &n);
	if (err || (req->n && n >= req->n))
		return err ? err : -E2BIG;
	r = ly_db_sql(c, "INSERT INTO offline (owner, wall, xml) VALUES (?, ?, ?)");
	ly_db_bind_str(&r, req->owner);
	ly_db_bind_int(&r, req->u.text.wall);
	ly_db_bind_str(&r, req->u.text.xml);
	return ly_db_do(c, &r);
}

int ly_db_offline_take(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "SELECT wall, xml FROM offline WHERE owner = ? ORDER BY id");
	struct ly_store_text *v = NULL;
	size_t n = 0;
	int err;

	ly_db_bind_str(&r, req->owner);
	while (ly_db_step(c, &r)) {
		v = ly_db_grow(&req->arena, v, n, sizeof(*v));
		if (v == NULL) {
			r.err = -ENOMEM;
			break;
		}
		v[n] = (struct ly_store_text) { .wall = ly_db_int(&r, 0) };
		v[n++].xml = ly_db_str(&r, 1, &req->arena);
	}
	err = ly_db_end(&r);
	if (!err && n) {
		r = ly_db_sql(c, "DELETE FROM offline WHERE owner = ?");
		ly_db_bind_str(&r, req->owner);
		err = ly_db_do(c, &r);
	}
	req->u.texts.v = v;
	req->u.texts.n = err ? 0 : n;
	return err;
}
