/* The writer thread, its queue and its transactions. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "server/store/db_priv.h"

static const struct ly_log log_store = { "store", "" };

/* Another process (lyceumctl) may hold the write lock for the time of one transaction. */
#define BUSY_MS 10000
/* Owners written in a batch, by hash; two that share a bit only make a read wait for the commit. */
#define DIRTY_BITS 4096

/* One transaction in the making. */
struct batch {
	struct ly_store_req **reqs; /* borrowed */
	size_t n;
	bool is_open; /* BEGIN was done */
	bool has_writes;
	bool *answered; /* owned by the caller, n of them */
	uint64_t dirty[DIRTY_BITS / 64];
};

struct ly_db {
	struct ly_db_conf conf;
	struct ly_db_conn conn; /* the thread's while it runs */

	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct ly_list queue;     /* under lock */
	size_t n_queue;           /* under lock */
	bool is_closing;          /* under lock */
	struct ly_db_stats stats; /* under lock */
	pthread_t thread;
	bool has_thread, has_lock;
	struct ly_store_req *reqs[LY_DB_BATCH_MAX]; /* of the batch in hand */
	bool answered[LY_DB_BATCH_MAX];
};

const struct ly_db_op ly_db_ops[LY_STORE_N_OPS] = {
	[LY_STORE_USER_GET] = { ly_db_user_get },
	[LY_STORE_USER_PUT] = { ly_db_user_put, .is_write = true },
	[LY_STORE_USER_DELETE] = { ly_db_user_delete, .is_write = true },
	[LY_STORE_USER_LIST] = { ly_db_user_list, .is_list = true },
	[LY_STORE_ROSTER_GET] = { ly_db_roster_get },
	[LY_STORE_ROSTER_PUT] = { ly_db_roster_put, .is_write = true },
	[LY_STORE_ROSTER_DELETE] = { ly_db_roster_delete, .is_write = true },
	[LY_STORE_VCARD_GET] = { ly_db_vcard_get },
	[LY_STORE_VCARD_PUT] = { ly_db_vcard_put, .is_write = true },
	[LY_STORE_PRIVATE_GET] = { ly_db_private_get },
	[LY_STORE_PRIVATE_PUT] = { ly_db_private_put, .is_write = true },
	[LY_STORE_LAST_GET] = { ly_db_last_get },
	[LY_STORE_LAST_PUT] = { ly_db_last_put, .is_write = true },
	[LY_STORE_ROOM_GET] = { ly_db_room_get },
	[LY_STORE_ROOM_PUT] = { ly_db_room_put, .is_write = true },
	[LY_STORE_ROOM_DELETE] = { ly_db_room_delete, .is_write = true },
	[LY_STORE_ROOM_LIST] = { ly_db_room_list, .is_list = true },
	[LY_STORE_ROOM_HISTORY_ADD] = { ly_db_room_history_add, .is_write = true },
	[LY_STORE_ROOM_HISTORY_GET] = { ly_db_room_history_get },
	[LY_STORE_OFFLINE_ADD] = { ly_db_offline_add, .is_write = true },
	[LY_STORE_OFFLINE_TAKE] = { ly_db_offline_take, .is_write = true },
	[LY_STORE_AUDIT_ADD] = { ly_db_audit_add, .is_write = true },
	[LY_STORE_AUDIT_LIST] = { ly_db_audit_list, .is_list = true },
};

static uint64_t clock_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static const char *owner_of(const struct ly_store_req *req)
{
	if (req->op == LY_STORE_USER_PUT && req->u.user.jid)
		return req->u.user.jid;
	if (req->op == LY_STORE_ROOM_PUT && req->u.room.jid)
		return req->u.room.jid;
	return req->owner;
}

static uint64_t *dirty_word(struct batch *b, const struct ly_store_req *req, uint64_t *bit)
{
	uint64_t h = ly_hash(ly_span_str(owner_of(req)), 0) % DIRTY_BITS;

	*bit = UINT64_C(1) << (h % 64);
	return &b->dirty[h / 64];
}

/* A write, undone alone when it fails. A few errors (disk full, I/O) make SQLite roll back
 * everything: then the batch is lost, and its commit will say so. */
static int exec_write(struct ly_db_conn *c, struct batch *b, struct ly_store_req *req)
{
	int err = 0;

	if (!b->is_open) {
		err = ly_db_plain(c, "BEGIN IMMEDIATE");
		b->is_open = err == 0;
	}
	if (!err && sqlite3_get_autocommit(c->sqlite))
		err = -EIO;
	if (!err)
		err = ly_db_plain(c, "SAVEPOINT one");
	if (err)
		return err;
	b->has_writes = true;
	err = ly_db_ops[req->op].exec(c, req);
	if (sqlite3_get_autocommit(c->sqlite))
		return err ? err : -EIO;
	if (err)
		(void)ly_db_plain(c, "ROLLBACK TO one");
	(void)ly_db_plain(c, "RELEASE one");
	return err;
}

/* @return true when the answer need not wait for the commit */
static bool exec_one(struct ly_db_conn *c, struct batch *b, struct ly_store_req *req)
{
	const struct ly_db_op *op = &ly_db_ops[req->op];
	uint64_t bit, *word;

	if (req->err)
		return true; /* it could not be filled in */
	if ((unsigned)req->op >= LY_STORE_N_OPS || owner_of(req) == NULL) {
		req->err = -EINVAL;
		return true;
	}
	word = dirty_word(b, req, &bit);
	if (op->is_write) {
		*word |= bit;
		req->err = exec_write(c, b, req);
		return false;
	}
	req->err = op->exec(c, req);
	return !b->has_writes || (!op->is_list && !(*word & bit));
}

static int commit(struct ly_db_conn *c, struct batch *b)
{
	int err;

	if (!b->is_open)
		return 0;
	if (sqlite3_get_autocommit(c->sqlite))
		return -EIO; /* was rolled back under our feet; the first error was logged */
	err = ly_db_plain(c, "COMMIT");
	if (err)
		(void)sqlite3_exec(c->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

/* Executes and commits a batch; answers early what may be, through @p answer (may be NULL). */
static uint64_t run_batch(struct ly_db *db, struct batch *b,
			  void (*answer)(struct ly_db *db, struct ly_store_req *req))
{
	uint64_t start;
	int err;

	for (size_t i = 0; i < b->n; i++) {
		b->answered[i] = exec_one(&db->conn, b, b->reqs[i]);
		if (b->answered[i] && answer)
			answer(db, b->reqs[i]);
	}
	start = clock_us();
	err = commit(&db->conn, b);
	for (size_t i = 0; i < b->n; i++) {
		if (b->answered[i])
			continue;
		if (err)
			b->reqs[i]->err = err;
		if (answer)
			answer(db, b->reqs[i]);
	}
	return b->has_writes ? clock_us() - start : 0;
}

static void post_answer(struct ly_db *db, struct ly_store_req *req)
{
	db->conf.post(db->conf.ctx, req->home, &req->msg);
}

/* The thread's share of the queue. @return how many, 0 = closing and drained */
static size_t take(struct ly_db *db)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&db->lock);
	while (ly_list_is_empty(&db->queue) && !db->is_closing)
		(void)pthread_cond_wait(&db->wake, &db->lock);
	while (!ly_list_is_empty(&db->queue) && n < LY_DB_BATCH_MAX) {
		struct ly_list *link = db->queue.next;

		ly_list_del(link);
		db->reqs[n++] = LY_LIST_ENTRY(LY_LIST_ENTRY(link, struct ly_msg, link),
					      struct ly_store_req, msg);
	}
	db->n_queue -= n;
	(void)pthread_mutex_unlock(&db->lock);
	return n;
}

static void count(struct ly_db *db, const struct batch *b, size_t n_writes, uint64_t commit_us)
{
	(void)pthread_mutex_lock(&db->lock);
	db->stats.n_requests += b->n;
	db->stats.n_writes += n_writes;
	db->stats.n_batches += b->has_writes;
	db->stats.commit_us_sum += commit_us;
	db->stats.commit_us_max = LY_MAX(db->stats.commit_us_max, commit_us);
	(void)pthread_mutex_unlock(&db->lock);
}

static bool is_failure(int err)
{
	return err == -EIO || err == -ENOSPC || err == -ENOMEM || err == -EBADMSG;
}

/* Counts before it answers: an answered request is no longer ours. */
static void count_and_post(struct ly_db *db, struct ly_store_req *req)
{
	if (is_failure(req->err)) {
		(void)pthread_mutex_lock(&db->lock);
		db->stats.n_errors++;
		(void)pthread_mutex_unlock(&db->lock);
	}
	post_answer(db, req);
}

static void *thread_main(void *arg)
{
	struct ly_db *db = arg;
	size_t n;

	while ((n = take(db)) > 0) {
		struct batch b = { .reqs = db->reqs, .n = n, .answered = db->answered };
		size_t n_writes = 0;
		uint64_t us;

		for (size_t i = 0; i < n; i++)
			n_writes += (unsigned)db->reqs[i]->op < LY_STORE_N_OPS &&
				    ly_db_ops[db->reqs[i]->op].is_write;
		us = run_batch(db, &b, count_and_post);
		count(db, &b, n_writes, us);
	}
	return NULL;
}

static int open_file(struct ly_db *db, char *why, size_t cap)
{
	static const char setup[] =
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
		"PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864;";
	struct ly_db_conn *c = &db->conn;
	mode_t mask = umask(0077); /* keys are inside */
	int rc = sqlite3_open_v2(db->conf.path, &c->sqlite,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				 NULL);
	int err;

	(void)umask(mask);
	if (rc != SQLITE_OK) {
		(void)snprintf(why, cap, "%s",
			       c->sqlite ? sqlite3_errmsg(c->sqlite) : "out of memory");
		return rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
	}
	(void)sqlite3_busy_timeout(c->sqlite, BUSY_MS);
	err = ly_db_plain(c, setup);
	if (err) {
		(void)snprintf(why, cap, "%s", sqlite3_errmsg(c->sqlite));
		return err;
	}
	return ly_db_migrate(c, why, cap);
}

int ly_db_open(struct ly_db **out, const struct ly_db_conf *conf, char *why, size_t cap)
{
	struct ly_db *db = ly_alloc(sizeof(*db), LY_MEM_STORE);
	int err;

	*out = NULL;
	(void)snprintf(why, cap, "out of memory");
	if (db == NULL)
		return -ENOMEM;
	db->conf = *conf;
	ly_list_init(&db->queue);
	err = open_file(db, why, cap);
	db->conf.path = NULL; /* was borrowed for the call */
	if (!err &&
	    (pthread_mutex_init(&db->lock, NULL) != 0 || pthread_cond_init(&db->wake, NULL) != 0))
		err = -ENOMEM;
	db->has_lock = err == 0;
	if (!err && conf->post != NULL) {
		err = -pthread_create(&db->thread, NULL, thread_main, db);
		db->has_thread = err == 0;
		if (err) {
			(void)snprintf(why, cap, "no thread: %s", strerror(-err));
			err = -EIO;
		}
	}
	if (err) {
		ly_db_close(db);
		return err;
	}
	*out = db;
	return 0;
}

void ly_db_close(struct ly_db *db)
{
	if (db == NULL)
		return;
	if (db->has_thread) {
		(void)pthread_mutex_lock(&db->lock);
		db->is_closing = true;
		(void)pthread_cond_signal(&db->wake);
		(void)pthread_mutex_unlock(&db->lock);
		(void)pthread_join(db->thread, NULL);
	}
	for (size_t i = 0; i < db->conn.n_stmts; i++)
		(void)sqlite3_finalize(db->conn.stmts[i].stmt);
	(void)sqlite3_close_v2(db->conn.sqlite);
	if (db->has_lock) {
		(void)pthread_cond_destroy(&db->wake);
		(void)pthread_mutex_destroy(&db->lock);
	}
	ly_free(db, LY_MEM_STORE);
}

void ly_db_submit(struct ly_db *db, struct ly_store_req *req)
{
	bool is_refused;

	(void)pthread_mutex_lock(&db->lock);
	is_refused = db->n_queue >= LY_DB_QUEUE_MAX || db->is_closing;
	if (!is_refused) {
		ly_list_add_tail(&db->queue, &req->msg.link);
		if (db->n_queue++ == 0)
			(void)pthread_cond_signal(&db->wake);
	}
	(void)pthread_mutex_unlock(&db->lock);
	if (is_refused) {
		ly_log(&log_store, LY_ERROR, "queue-full", "op=%s", ly_store_op_name(req->op));
		req->err = -E2BIG;
		count_and_post(db, req);
	}
}

int ly_db_exec(struct ly_db *db, struct ly_store_req *req)
{
	ly_db_exec_many(db, &req, 1);
	return req->err;
}

void ly_db_exec_many(struct ly_db *db, struct ly_store_req **reqs, size_t n)
{
	while (n) {
		struct batch b = { .reqs = reqs,
				   .n = LY_MIN(n, (size_t)LY_DB_BATCH_MAX),
				   .answered = db->answered };

		(void)run_batch(db, &b, NULL);
		reqs += b.n;
		n -= b.n;
	}
}

void ly_db_get_stats(struct ly_db *db, struct ly_db_stats *out)
{
	(void)pthread_mutex_lock(&db->lock);
	*out = db->stats;
	out->n_waiting = db->n_queue;
	(void)pthread_mutex_unlock(&db->lock);
}
