/* Inside of the SQLite back end. */
#ifndef LY_SERVER_STORE_DB_PRIV_H
#define LY_SERVER_STORE_DB_PRIV_H

#include <sqlite3.h>

#include "server/store/db.h"

#define LY_DB_STMTS_MAX 64

/** A statement's text is a static string and its own key in the cache. */
struct ly_db_stmt {
	const char *sql;
	sqlite3_stmt *stmt;
};

/** One connection with its prepared statements. */
struct ly_db_conn {
	sqlite3 *sqlite;
	struct ly_db_stmt stmts[LY_DB_STMTS_MAX];
	size_t n_stmts;
};

/** One execution of a statement; the first error sticks. */
struct ly_db_run {
	sqlite3_stmt *stmt;
	int n_bound;
	int err; /* 0 or a negative errno */
};

/** SQLite's result code as a negative errno; logs what is the operator's business. */
int ly_db_err(struct ly_db_conn *c, int rc);

/** Starts a statement: bind in order, then step until false, then end. */
struct ly_db_run ly_db_sql(struct ly_db_conn *c, const char *sql);
void ly_db_bind_str(struct ly_db_run *r, const char *s); /* NULL binds NULL */
void ly_db_bind_int(struct ly_db_run *r, int64_t n);
void ly_db_bind_blob(struct ly_db_run *r, const void *ptr, size_t len);
/** True when there is a row. */
bool ly_db_step(struct ly_db_conn *c, struct ly_db_run *r);
/** Resets the statement. @return 0 or the first error */
int ly_db_end(struct ly_db_run *r);
/** Steps once and ends. @return 0 or an error */
int ly_db_do(struct ly_db_conn *c, struct ly_db_run *r);

/** A column, copied into the arena; NULL for NULL. Out of memory sets r->err. */
const char *ly_db_str(struct ly_db_run *r, int col, struct ly_arena *arena);
int64_t ly_db_int(struct ly_db_run *r, int col);
/** A column of at most @p cap bytes; returns its length. */
size_t ly_db_blob(struct ly_db_run *r, int col, void *out, size_t cap);

/** Rows collected in an arena: makes room for one more of @p size bytes; NULL when out of memory.
 */
void *ly_db_grow(struct ly_arena *arena, void *rows, size_t n, size_t size);

/** Text without parameters (BEGIN, COMMIT, migrations). @return 0 or an error */
int ly_db_plain(struct ly_db_conn *c, const char *sql);

/** Migrates to the newest schema. @return 0, -EPROTO (newer than known), or an error; @p why is set
 */
int ly_db_migrate(struct ly_db_conn *c, char *why, size_t cap);

/** The function of an op and whether it writes; defined by the ops_*.c files. */
struct ly_db_op {
	int (*exec)(struct ly_db_conn *c, struct ly_store_req *req);
	bool is_write, is_list; /* list: reads more than its owner's rows */
};
extern const struct ly_db_op ly_db_ops[LY_STORE_N_OPS];

int ly_db_user_get(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_user_put(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_user_delete(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_user_list(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_roster_get(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_roster_put(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_roster_delete(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_vcard_get(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_vcard_put(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_private_get(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_private_put(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_last_get(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_last_put(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_room_get(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_room_put(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_room_delete(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_room_list(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_room_history_add(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_room_history_get(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_offline_add(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_offline_take(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_audit_add(struct ly_db_conn *c, struct ly_store_req *req);
int ly_db_audit_list(struct ly_db_conn *c, struct ly_store_req *req);

#endif
