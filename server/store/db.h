/* The SQLite back end of signaling/store: executes its requests, on one thread, in the order in
 * which they were submitted.
 *
 * The writer thread takes everything that waits and executes it as one transaction (group commit),
 * each write in a savepoint of its own, so that a failing request takes nothing else with it. WAL
 * with synchronous=FULL: what was answered survives a crash of the process and of the machine. A
 * write is answered after the commit; a read at once, unless a write of the same batch may have
 * touched what it read. When the commit fails, every write of the batch is answered with that
 * error.
 *
 *   submit --> queue --> [BEGIN, SAVEPOINT per write, COMMIT] --> post(req->home, &req->msg)
 *
 * Without a thread (struct ly_db_conf.post == NULL) the same code runs requests for the caller:
 * ly_db_exec(). Tools use it on a server that is not running.
 */
#ifndef LY_SERVER_STORE_DB_H
#define LY_SERVER_STORE_DB_H

#include "signaling/store/store.h"

struct ly_db; /* opaque */

/** Requests that may wait; further ones are answered with -E2BIG. */
#define LY_DB_QUEUE_MAX 100000
/** Most requests of one transaction. */
#define LY_DB_BATCH_MAX 1000

struct ly_db_conf {
	const char *path; /* of the database file; its folder must exist */
	/** Delivers an answer to a home; called on the writer thread. NULL: no thread, ly_db_exec()
	 * only. */
	void (*post)(void *ctx, unsigned home, struct ly_msg *msg);
	void *ctx;
};

struct ly_db_stats {
	uint64_t n_requests, n_writes, n_errors, n_batches;
	uint64_t n_waiting;     /* in the queue now */
	uint64_t commit_us_sum; /* time spent in COMMIT, for a mean with n_batches */
	uint64_t commit_us_max; /* the longest since the start */
};

/** Opens or creates the file, brings it to the newest schema, and starts the thread. On failure @p
 * why (of @p cap bytes) says in words what is wrong.
 *  @return 0, -ENOMEM, -EIO, -ENOSPC, -EPROTO (the file's schema is newer than this program knows),
 *  -EBADMSG (not a database, or damaged) */
int ly_db_open(struct ly_db **out, const struct ly_db_conf *conf, char *why, size_t cap);

/** Executes what still waits, answers it, stops the thread and closes the file. NULL is fine. */
void ly_db_close(struct ly_db *db);

/** Takes a request; any thread. Answered through conf.post, always. */
void ly_db_submit(struct ly_db *db, struct ly_store_req *req);

/** Executes one request in a transaction of its own, without a thread. The caller keeps it.
 *  @return req->err */
int ly_db_exec(struct ly_db *db, struct ly_store_req *req);

/** Executes @p n requests in one transaction, without a thread. Each has its own err. */
void ly_db_exec_many(struct ly_db *db, struct ly_store_req **reqs, size_t n);

/** Any thread. */
void ly_db_get_stats(struct ly_db *db, struct ly_db_stats *out);

/** The schema version that this program writes. */
unsigned ly_db_schema_version(void);

#endif
