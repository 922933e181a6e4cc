/* The schema as numbered migrations. A migration that was released is never edited: a change is a
 * new one at the end. PRAGMA user_version holds the number of the last one. */
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "server/store/db_priv.h"

static const struct ly_log log_store = { "store", "" };

static const char *const migrations[] = {
	/* 1: accounts, contacts, rooms, what waits for users */
	"CREATE TABLE users (jid TEXT PRIMARY KEY, host TEXT NOT NULL, role TEXT NOT NULL,"
	" disabled INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX users_host ON users (host, jid);"
	"CREATE TABLE scram (jid TEXT NOT NULL REFERENCES users ON DELETE CASCADE,"
	" hash TEXT NOT NULL, iterations INTEGER NOT NULL, salt BLOB NOT NULL, stored BLOB NOT "
	"NULL,"
	" server BLOB NOT NULL, PRIMARY KEY (jid, hash)) WITHOUT ROWID;"
	"CREATE TABLE rosters (owner TEXT NOT NULL, jid TEXT NOT NULL, name TEXT, groups BLOB,"
	" sub INTEGER NOT NULL, flags INTEGER NOT NULL, request TEXT, PRIMARY KEY (owner, jid))"
	" WITHOUT ROWID;"
	"CREATE TABLE vcards (owner TEXT PRIMARY KEY, xml TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE private (owner TEXT NOT NULL, key TEXT NOT NULL, xml TEXT NOT NULL,"
	" PRIMARY KEY (owner, key)) WITHOUT ROWID;"
	"CREATE TABLE last (owner TEXT PRIMARY KEY, wall INTEGER NOT NULL, status TEXT) WITHOUT "
	"ROWID;"
	"CREATE TABLE offline (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, wall INTEGER NOT NULL,"
	" xml TEXT NOT NULL);"
	"CREATE INDEX offline_owner ON offline (owner, id);"
	"CREATE TABLE rooms (jid TEXT PRIMARY KEY, host TEXT NOT NULL, name TEXT, config TEXT,"
	" subject TEXT, subject_nick TEXT, subject_wall INTEGER NOT NULL, created INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE INDEX rooms_host ON rooms (host, jid);"
	"CREATE TABLE room_members (room TEXT NOT NULL REFERENCES rooms ON DELETE CASCADE,"
	" jid TEXT NOT NULL, affiliation INTEGER NOT NULL, nick TEXT, reason TEXT,"
	" PRIMARY KEY (room, jid)) WITHOUT ROWID;"
	"CREATE TABLE room_history (id INTEGER PRIMARY KEY, room TEXT NOT NULL, wall INTEGER NOT "
	"NULL,"
	" xml TEXT NOT NULL);"
	"CREATE INDEX room_history_room ON room_history (room, id);",
	/* 2: what operators did; rows are only ever added */
	"CREATE TABLE audit (id INTEGER PRIMARY KEY, wall INTEGER NOT NULL, who TEXT NOT NULL,"
	" what TEXT NOT NULL, object TEXT NOT NULL);"
	"CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN"
	" SELECT RAISE(ABORT, 'the audit log only grows'); END;"
	"CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN"
	" SELECT RAISE(ABORT, 'the audit log only grows'); END;",
};

unsigned ly_db_schema_version(void)
{
	return LY_COUNTOF(migrations);
}

static int version_of(struct ly_db_conn *c, int64_t *out)
{
	struct ly_db_run r = ly_db_sql(c, "PRAGMA user_version");

	if (ly_db_step(c, &r))
		*out = ly_db_int(&r, 0);
	return ly_db_end(&r);
}

/* One migration and its number, in one transaction. */
static int apply(struct ly_db_conn *c, unsigned number)
{
	char pragma[64];
	int err;

	(void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %u", number);
	err = ly_db_plain(c, "BEGIN IMMEDIATE");
	if (err)
		return err;
	err = ly_db_plain(c, migrations[number - 1]);
	if (!err)
		err = ly_db_plain(c, pragma);
	if (!err)
		err = ly_db_plain(c, "COMMIT");
	if (err)
		(void)sqlite3_exec(c->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int ly_db_migrate(struct ly_db_conn *c, char *why, size_t cap)
{
	unsigned newest = ly_db_schema_version();
	int64_t version = 0;
	int err = version_of(c, &version);

	if (err) {
		(void)snprintf(why, cap, "%s", sqlite3_errmsg(c->sqlite));
		return err;
	}
	if (version < 0 || version > newest) {
		(void)snprintf(
			why, cap,
			"the schema has version %lld, this program knows versions up to %u: use a "
			"newer program",
			(long long)version, newest);
		return -EPROTO;
	}
	for (unsigned n = (unsigned)version + 1; n <= newest; n++) {
		err = apply(c, n);
		if (err) {
			(void)snprintf(why, cap, "migration %u failed: %s", n,
				       sqlite3_errmsg(c->sqlite));
			return err;
		}
		ly_log(&log_store, LY_INFO, "migrated", "version=%u", n);
	}
	return 0;
}
