/* Accounts and their keys; small documents of one account: vCard, private storage, last activity.
 */
#include <string.h>

#include "base/err.h"
#include "server/store/db_priv.h"

static const char *const roles[] = {
	[LY_ROLE_USER] = "student",
	[LY_ROLE_TEACHER] = "teacher",
	[LY_ROLE_OPERATOR] = "operator",
};

static const struct {
	const char *name;
	size_t len;
} hashes[LY_STORE_N_HASHES] = {
	[LY_STORE_SHA1] = { "SHA-1", 20 },
	[LY_STORE_SHA256] = { "SHA-256", 32 },
	[LY_STORE_SHA512] = { "SHA-512", 64 },
};

static enum ly_store_role role_of(const char *name)
{
	for (size_t i = 0; name && i < LY_COUNTOF(roles); i++)
		if (strcmp(roles[i], name) == 0)
			return (enum ly_store_role)i;
	return LY_ROLE_USER;
}

static const char *host_of(const char *jid)
{
	const char *at = strchr(jid, '@');

	return at ? at + 1 : jid;
}

static int get_keys(struct ly_db_conn *c, const char *jid, struct ly_store_user *user)
{
	struct ly_db_run r = ly_db_sql(
		c, "SELECT hash, iterations, salt, stored, server FROM scram WHERE jid = ?");

	ly_db_bind_str(&r, jid);
	while (ly_db_step(c, &r)) {
		const char *name = (const char *)sqlite3_column_text(r.stmt, 0);

		for (size_t i = 0; name && i < LY_STORE_N_HASHES; i++) {
			struct ly_store_scram *s = &user->scram[i];

			if (strcmp(name, hashes[i].name) != 0)
				continue;
			s->iterations = (uint32_t)ly_db_int(&r, 1);
			s->salt_len = (uint8_t)ly_db_blob(&r, 2, s->salt, sizeof(s->salt));
			ly_db_blob(&r, 3, s->stored_key, hashes[i].len);
			ly_db_blob(&r, 4, s->server_key, hashes[i].len);
		}
	}
	return ly_db_end(&r);
}

int ly_db_user_get(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "SELECT jid, role, disabled, created FROM users WHERE jid = ?");
	struct ly_store_user *user = &req->u.user;
	bool is_found;
	int err;

	memset(user, 0, sizeof(*user));
	ly_db_bind_str(&r, req->owner);
	is_found = ly_db_step(c, &r);
	if (is_found) {
		user->jid = ly_db_str(&r, 0, &req->arena);
		user->role = role_of((const char *)sqlite3_column_text(r.stmt, 1));
		user->disabled = ly_db_int(&r, 2) != 0;
		user->created_wall = ly_db_int(&r, 3);
	}
	err = ly_db_end(&r);
	if (err)
		return err;
	return is_found ? get_keys(c, user->jid, user) : -ENOENT;
}

static int put_keys(struct ly_db_conn *c, const struct ly_store_user *user)
{
	struct ly_db_run r = ly_db_sql(c, "DELETE FROM scram WHERE jid = ?");
	int err;

	ly_db_bind_str(&r, user->jid);
	err = ly_db_do(c, &r);
	for (size_t i = 0; i < LY_STORE_N_HASHES && !err; i++) {
		const struct ly_store_scram *s = &user->scram[i];

		if (s->iterations == 0)
			continue;
		r = ly_db_sql(c, "INSERT INTO scram (jid, hash, iterations, salt, stored, server)"
				 " VALUES (?, ?, ?, ?, ?, ?)");
		ly_db_bind_str(&r, user->jid);
		ly_db_bind_str(&r, hashes[i].name);
		ly_db_bind_int(&r, s->iterations);
		ly_db_bind_blob(&r, s->salt, s->salt_len);
		ly_db_bind_blob(&r, s->stored_key, hashes[i].len);
		ly_db_bind_blob(&r, s->server_key, hashes[i].len);
		err = ly_db_do(c, &r);
	}
	return err;
}

int ly_db_user_put(struct ly_db_conn *c, struct ly_store_req *req)
{
	const struct ly_store_user *user = &req->u.user;
	struct ly_db_run r;
	int err;

	if (user->jid == NULL || (size_t)user->role >= LY_COUNTOF(roles))
		return -EINVAL;
	r = ly_db_sql(
		c, "INSERT INTO users (jid, host, role, disabled, created) VALUES (?, ?, ?, ?, ?)"
		   " ON CONFLICT (jid) DO UPDATE SET role = excluded.role,"
		   " disabled = excluded.disabled, created = excluded.created");
	ly_db_bind_str(&r, user->jid);
	ly_db_bind_str(&r, host_of(user->jid));
	ly_db_bind_str(&r, roles[user->role]);
	ly_db_bind_int(&r, user->disabled);
	ly_db_bind_int(&r, user->created_wall);
	err = ly_db_do(c, &r);
	return err ? err : put_keys(c, user);
}

int ly_db_user_delete(struct ly_db_conn *c, struct ly_store_req *req)
{
	/* each text is its own key in the cache of statements, so it must be one object */
	static const char *const owned[] = {
		"DELETE FROM rosters WHERE owner = ?", "DELETE FROM vcards WHERE owner = ?",
		"DELETE FROM private WHERE owner = ?", "DELETE FROM last WHERE owner = ?",
		"DELETE FROM offline WHERE owner = ?",
	};
	struct ly_db_run r = ly_db_sql(c, "DELETE FROM users WHERE jid = ?");
	int err;

	ly_db_bind_str(&r, req->owner);
	err = ly_db_do(c, &r);
	if (!err && sqlite3_changes(c->sqlite) == 0)
		err = -ENOENT;
	for (size_t i = 0; i < LY_COUNTOF(owned) && !err; i++) {
		r = ly_db_sql(c, owned[i]);
		ly_db_bind_str(&r, req->owner);
		err = ly_db_do(c, &r);
	}
	return err;
}

int ly_db_user_list(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(c, "SELECT count(*) FROM users WHERE host = ?");
	struct ly_store_user *v;
	size_t n = 0, cap = 0;
	int err;

	/* a growing array would leave as much behind in the arena as it holds */
	ly_db_bind_str(&r, req->owner);
	if (ly_db_step(c, &r))
		cap = (size_t)ly_db_int(&r, 0);
	err = ly_db_end(&r);
	if (err)
		return err;
	v = ly_arena_alloc(&req->arena, cap * sizeof(*v) + 1);
	if (v == NULL)
		return -ENOMEM;
	r = ly_db_sql(c,
		      "SELECT jid, role, disabled, created FROM users WHERE host = ? ORDER BY jid");
	ly_db_bind_str(&r, req->owner);
	while (n < cap && ly_db_step(c, &r)) {
		v[n].jid = ly_db_str(&r, 0, &req->arena);
		v[n].role = role_of((const char *)sqlite3_column_text(r.stmt, 1));
		v[n].disabled = ly_db_int(&r, 2) != 0;
		v[n++].created_wall = ly_db_int(&r, 3);
	}
	err = ly_db_end(&r);
	req->u.users.v = v;
	req->u.users.n = err ? 0 : n;
	return err;
}

/* A single row of text: @p wall_col and @p xml_col are columns or -1. */
static int get_text(struct ly_db_conn *c, struct ly_store_req *req, struct ly_db_run *r,
		    int wall_col, int xml_col)
{
	const char *key = req->u.text.key;
	bool is_found = ly_db_step(c, r);
	int err;

	memset(&req->u.text, 0, sizeof(req->u.text));
	req->u.text.key = key;
	if (is_found && wall_col >= 0)
		req->u.text.wall = ly_db_int(r, wall_col);
	if (is_found)
		req->u.text.xml = ly_db_str(r, xml_col, &req->arena);
	err = ly_db_end(r);
	return err ? err : is_found ? 0 : -ENOENT;
}

int ly_db_vcard_get(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(c, "SELECT xml FROM vcards WHERE owner = ?");

	ly_db_bind_str(&r, req->owner);
	return get_text(c, req, &r, -1, 0);
}

int ly_db_vcard_put(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "INSERT OR REPLACE INTO vcards (owner, xml) VALUES (?, ?)");

	if (req->u.text.xml == NULL)
		return -EINVAL;
	ly_db_bind_str(&r, req->owner);
	ly_db_bind_str(&r, req->u.text.xml);
	return ly_db_do(c, &r);
}

int ly_db_private_get(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(c, "SELECT xml FROM private WHERE owner = ? AND key = ?");

	ly_db_bind_str(&r, req->owner);
	ly_db_bind_str(&r, req->u.text.key);
	return get_text(c, req, &r, -1, 0);
}

int ly_db_private_put(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "INSERT OR REPLACE INTO private (owner, key, xml) VALUES (?, ?, ?)");

	if (req->u.text.key == NULL || req->u.text.xml == NULL)
		return -EINVAL;
	ly_db_bind_str(&r, req->owner);
	ly_db_bind_str(&r, req->u.text.key);
	ly_db_bind_str(&r, req->u.text.xml);
	return ly_db_do(c, &r);
}

int ly_db_last_get(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(c, "SELECT wall, status FROM last WHERE owner = ?");

	ly_db_bind_str(&r, req->owner);
	return get_text(c, req, &r, 0, 1);
}

int ly_db_last_put(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "INSERT OR REPLACE INTO last (owner, wall, status) VALUES (?, ?, ?)");

	ly_db_bind_str(&r, req->owner);
	ly_db_bind_int(&r, req->u.text.wall);
	ly_db_bind_str(&r, req->u.text.xml);
	return ly_db_do(c, &r);
}
