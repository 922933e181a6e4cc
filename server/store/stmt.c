/* Prepared statements: a small cache, binding, columns, SQLite's errors. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "server/store/db_priv.h"

static const struct ly_log log_store = { "store", "" };

int ly_db_err(struct ly_db_conn *c, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		ly_log(&log_store, LY_ERROR, "disk-full", "sqlite=%d", rc);
		return -ENOSPC;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		ly_log(&log_store, LY_ERROR, "damaged", "sqlite=%d what=\"%s\"", rc,
		       sqlite3_errmsg(c->sqlite));
		return -EBADMSG;
	case SQLITE_TOOBIG:
		return -E2BIG;
	default:
		ly_log(&log_store, LY_ERROR, "failed", "sqlite=%d what=\"%s\"", rc,
		       sqlite3_errmsg(c->sqlite));
		return -EIO;
	}
}

struct ly_db_run ly_db_sql(struct ly_db_conn *c, const char *sql)
{
	struct ly_db_run r = { 0 };
	struct ly_db_stmt *s;

	for (size_t i = 0; i < c->n_stmts; i++) {
		if (c->stmts[i].sql == sql) {
			r.stmt = c->stmts[i].stmt;
			return r;
		}
	}
	/* statements are written in the program, and there are fewer than that */
	if (c->n_stmts == LY_DB_STMTS_MAX) {
		r.err = -E2BIG;
		return r;
	}
	s = &c->stmts[c->n_stmts];
	r.err = ly_db_err(c, sqlite3_prepare_v3(c->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT,
						&s->stmt, NULL));
	if (r.err == 0) {
		s->sql = sql;
		r.stmt = s->stmt;
		c->n_stmts++;
	}
	return r;
}

static void bound(struct ly_db_run *r, int rc)
{
	if (rc != SQLITE_OK && r->err == 0)
		r->err = rc == SQLITE_TOOBIG ? -E2BIG : rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

/* What is bound lives in the request's arena until after ly_db_end(). */
void ly_db_bind_str(struct ly_db_run *r, const char *s)
{
	int at = ++r->n_bound;

	if (r->err)
		return;
	bound(r, s ? sqlite3_bind_text(r->stmt, at, s, -1, SQLITE_STATIC)
		   : sqlite3_bind_null(r->stmt, at));
}

void ly_db_bind_int(struct ly_db_run *r, int64_t n)
{
	int at = ++r->n_bound;

	if (!r->err)
		bound(r, sqlite3_bind_int64(r->stmt, at, n));
}

void ly_db_bind_blob(struct ly_db_run *r, const void *ptr, size_t len)
{
	int at = ++r->n_bound;

	if (!r->err)
		bound(r, sqlite3_bind_blob64(r->stmt, at, ptr, len, SQLITE_STATIC));
}

bool ly_db_step(struct ly_db_conn *c, struct ly_db_run *r)
{
	int rc;

	if (r->err)
		return false;
	rc = sqlite3_step(r->stmt);
	if (rc == SQLITE_ROW)
		return true;
	r->err = ly_db_err(c, rc);
	return false;
}

int ly_db_end(struct ly_db_run *r)
{
	if (r->stmt != NULL) {
		(void)sqlite3_reset(r->stmt); /* repeats the error of the step */
		(void)sqlite3_clear_bindings(r->stmt);
	}
	return r->err;
}

int ly_db_do(struct ly_db_conn *c, struct ly_db_run *r)
{
	(void)ly_db_step(c, r);
	return ly_db_end(r);
}

const char *ly_db_str(struct ly_db_run *r, int col, struct ly_arena *arena)
{
	const char *s = (const char *)sqlite3_column_text(r->stmt, col);
	char *copy;

	if (s == NULL)
		return NULL;
	copy = ly_arena_strndup(arena, s, (size_t)sqlite3_column_bytes(r->stmt, col));
	if (copy == NULL && r->err == 0)
		r->err = -ENOMEM;
	return copy;
}

int64_t ly_db_int(struct ly_db_run *r, int col)
{
	return sqlite3_column_int64(r->stmt, col);
}

size_t ly_db_blob(struct ly_db_run *r, int col, void *out, size_t cap)
{
	const void *ptr = sqlite3_column_blob(r->stmt, col);
	size_t len = LY_MIN((size_t)sqlite3_column_bytes(r->stmt, col), cap);

	if (ptr != NULL && len)
		memcpy(out, ptr, len);
	return len;
}

void *ly_db_grow(struct ly_arena *arena, void *rows, size_t n, size_t size)
{
	void *more;

	/* at powers of two from 8; what is left behind is at most as large as the result */
	if (n != 0 && (n < 8 || (n & (n - 1)) != 0))
		return rows;
	more = ly_arena_alloc(arena, LY_MAX(n * 2, (size_t)8) * size);
	if (more != NULL && n)
		memcpy(more, rows, n * size);
	return more;
}

int ly_db_plain(struct ly_db_conn *c, const char *sql)
{
	return ly_db_err(c, sqlite3_exec(c->sqlite, sql, NULL, NULL, NULL));
}
