/* The SQLite back end: every request, batches in which one fails, crashes, full disks, foreign
 * files. */
#include "tests/unit/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/err.h"
#include "server/store/db.h"

#define ALICE "student1@localhost"
#define BOB "student2@localhost"
#define ROOM "algebra@conference.localhost"

static char dir[64], path[80];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/ly-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/test.db", dir);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[100];

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(ends); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
	return rmdir(dir);
}

static struct ly_db *open_db(void)
{
	struct ly_db_conf conf = { .path = path };
	struct ly_db *db;
	char why[200];

	if (ly_db_open(&db, &conf, why, sizeof(why)))
		fail_msg("%s", why);
	return db;
}

static struct ly_store_req *make(enum ly_store_op op, const char *owner)
{
	struct ly_store_req *req = ly_store_req_create(0, op, owner);

	assert_non_null(req);
	return req;
}

/* Executes and frees a request whose result is only its error. */
static void run(struct ly_db *db, struct ly_store_req *req, int want)
{
	ly_assert_i64(ly_store_op_name(req->op), want, ly_db_exec(db, req));
	ly_store_req_destroy(req);
}

static struct ly_store_req *user_put(const char *jid, enum ly_store_role role)
{
	struct ly_store_req *req = make(LY_STORE_USER_PUT, jid);

	req->u.user = (struct ly_store_user) {
		.jid = ly_store_str(req, jid),
		.role = role,
		.created_wall = 1234,
		.scram = { [LY_STORE_SHA1] = { .iterations = 4096,
					       .salt_len = 3,
					       .salt = "abc",
					       .stored_key = "s1",
					       .server_key = "v1" },
			   [LY_STORE_SHA256] = { .iterations = 9999,
						 .salt_len = 2,
						 .salt = "de",
						 .stored_key = "s2",
						 .server_key = "v2" } },
	};
	return req;
}

static struct ly_store_req *text_req(enum ly_store_op op, const char *owner, const char *xml,
				     ly_usec wall, unsigned n)
{
	struct ly_store_req *req = make(op, owner);

	req->u.text = (struct ly_store_text) { .xml = ly_store_str(req, xml), .wall = wall };
	req->n = n;
	return req;
}

static void test_users(void **state)
{
	struct ly_db *db = open_db();
	struct ly_store_req *req;
	struct stat st;

	(void)state;
	assert_int_equal(0, stat(path, &st));
	ly_assert_i64("only the owner reads the file", 0600, st.st_mode & 0777);
	run(db, make(LY_STORE_USER_GET, ALICE), -ENOENT);
	run(db, user_put(ALICE, LY_ROLE_USER), 0);
	run(db, user_put(ALICE, LY_ROLE_OPERATOR), 0);
	run(db, user_put(BOB, LY_ROLE_TEACHER), 0);
	run(db, user_put("a@elsewhere.example", LY_ROLE_USER), 0);
	req = make(LY_STORE_USER_GET, ALICE);
	assert_int_equal(0, ly_db_exec(db, req));
	ly_assert_str("jid", ALICE, req->u.user.jid);
	assert_int_equal(LY_ROLE_OPERATOR, req->u.user.role);
	assert_int_equal(1234, req->u.user.created_wall);
	assert_int_equal(4096, req->u.user.scram[LY_STORE_SHA1].iterations);
	assert_int_equal(3, req->u.user.scram[LY_STORE_SHA1].salt_len);
	assert_memory_equal("abc", req->u.user.scram[LY_STORE_SHA1].salt, 4);
	assert_memory_equal("s2", req->u.user.scram[LY_STORE_SHA256].stored_key, 3);
	assert_memory_equal("v2", req->u.user.scram[LY_STORE_SHA256].server_key, 3);
	assert_int_equal(0, req->u.user.scram[LY_STORE_SHA512].iterations);
	ly_store_req_destroy(req);
	req = make(LY_STORE_USER_LIST, "localhost");
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(2, req->u.users.n);
	ly_assert_str("sorted", BOB, req->u.users.v[1].jid);
	assert_int_equal(LY_ROLE_TEACHER, req->u.users.v[1].role);
	ly_store_req_destroy(req);
	req = make(LY_STORE_USER_PUT, ALICE); /* without a user */
	run(db, req, -EINVAL);
	run(db, make(LY_STORE_USER_DELETE, ALICE), 0);
	run(db, make(LY_STORE_USER_DELETE, ALICE), -ENOENT);
	run(db, make(LY_STORE_USER_GET, ALICE), -ENOENT);
	ly_db_close(db);
}

static void test_texts(void **state)
{
	struct ly_db *db = open_db();
	struct ly_store_req *req;

	(void)state;
	run(db, user_put(ALICE, LY_ROLE_USER), 0);
	run(db, make(LY_STORE_VCARD_GET, ALICE), -ENOENT);
	run(db, text_req(LY_STORE_VCARD_PUT, ALICE, NULL, 0, 0), -EINVAL);
	run(db, text_req(LY_STORE_VCARD_PUT, ALICE, "<a/>", 0, 0), 0);
	run(db, text_req(LY_STORE_VCARD_PUT, ALICE, "<b/>", 0, 0), 0);
	req = make(LY_STORE_VCARD_GET, ALICE);
	assert_int_equal(0, ly_db_exec(db, req));
	ly_assert_str("vcard", "<b/>", req->u.text.xml);
	ly_store_req_destroy(req);
	req = text_req(LY_STORE_PRIVATE_PUT, ALICE, "<p/>", 0, 0);
	req->u.text.key = "storage:bookmarks";
	run(db, req, 0);
	req = make(LY_STORE_PRIVATE_GET, ALICE);
	req->u.text.key = "storage:bookmarks";
	assert_int_equal(0, ly_db_exec(db, req));
	ly_assert_str("private", "<p/>", req->u.text.xml);
	ly_store_req_destroy(req);
	run(db, text_req(LY_STORE_LAST_PUT, ALICE, NULL, 77, 0), 0);
	req = make(LY_STORE_LAST_GET, ALICE);
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(77, req->u.text.wall);
	assert_null(req->u.text.xml);
	ly_store_req_destroy(req);
	run(db, make(LY_STORE_USER_DELETE, ALICE), 0);
	run(db, make(LY_STORE_VCARD_GET, ALICE), -ENOENT);
	run(db, make(LY_STORE_LAST_GET, ALICE), -ENOENT);
	ly_db_close(db);
}

static void test_roster(void **state)
{
	static const char *const groups[] = { "Class 7", "\xc3\x84rzte" };
	const struct ly_store_contact contact = {
		.jid = BOB,
		.name = "Two",
		.groups = groups,
		.n_groups = 2,
		.sub = LY_SUB_BOTH,
		.listed = true,
		.ask = true,
		.pending_in = true,
		.request = "<presence/>",
	};
	struct ly_db *db = open_db();
	struct ly_store_req *req = make(LY_STORE_ROSTER_PUT, ALICE);

	(void)state;
	ly_store_set_item(req, &contact);
	run(db, req, 0);
	for (int i = 0; i < 20; i++) {
		char jid[40];

		(void)snprintf(jid, sizeof(jid), "z%02d@localhost", i);
		req = make(LY_STORE_ROSTER_PUT, ALICE);
		ly_store_set_item(req, &(struct ly_store_contact) { .jid = jid, .approved = true });
		run(db, req, 0);
	}
	req = make(LY_STORE_ROSTER_GET, ALICE);
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(21, req->u.roster.n);
	ly_assert_str("jid", BOB, req->u.roster.v[0].jid);
	ly_assert_str("name", "Two", req->u.roster.v[0].name);
	assert_int_equal(2, req->u.roster.v[0].n_groups);
	ly_assert_str("group", groups[1], req->u.roster.v[0].groups[1]);
	assert_int_equal(LY_SUB_BOTH, req->u.roster.v[0].sub);
	assert_true(req->u.roster.v[0].listed && req->u.roster.v[0].ask);
	assert_true(req->u.roster.v[0].pending_in && !req->u.roster.v[0].approved);
	ly_assert_str("request", "<presence/>", req->u.roster.v[0].request);
	ly_assert_str("last", "z19@localhost", req->u.roster.v[20].jid);
	assert_true(req->u.roster.v[20].approved && !req->u.roster.v[20].listed);
	assert_int_equal(0, req->u.roster.v[20].n_groups);
	assert_null(req->u.roster.v[20].name);
	ly_store_req_destroy(req);
	for (int i = 0; i < 2; i++) {
		req = make(LY_STORE_ROSTER_DELETE, ALICE);
		req->u.item.jid = BOB;
		run(db, req, 0);
	}
	req = make(LY_STORE_ROSTER_GET, BOB);
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(0, req->u.roster.n);
	ly_store_req_destroy(req);
	ly_db_close(db);
}

static struct ly_store_req *room_put(const struct ly_store_room_member *members, size_t n)
{
	struct ly_store_req *req = make(LY_STORE_ROOM_PUT, ROOM);

	req->u.room = (struct ly_store_room) { .jid = ROOM,
					       .name = "Algebra",
					       .config = "persistent=1",
					       .subject = "Sums",
					       .subject_wall = 5,
					       .created_wall = 6,
					       .members = members,
					       .n_members = n };
	return req;
}

static void test_rooms(void **state)
{
	static const struct ly_store_room_member members[] = {
		{ ALICE, LY_AFF_OWNER, "One", NULL },
		{ BOB, LY_AFF_OUTCAST, NULL, "noise" },
	};
	struct ly_db *db = open_db();
	struct ly_store_req *req;
	char xml[16];

	(void)state;
	run(db, make(LY_STORE_ROOM_GET, ROOM), -ENOENT);
	run(db, room_put(members, 2), 0);
	req = make(LY_STORE_ROOM_GET, ROOM);
	assert_int_equal(0, ly_db_exec(db, req));
	ly_assert_str("config", "persistent=1", req->u.room.config);
	ly_assert_str("subject", "Sums", req->u.room.subject);
	assert_null(req->u.room.subject_nick);
	assert_int_equal(2, req->u.room.n_members);
	assert_int_equal(LY_AFF_OUTCAST, req->u.room.members[1].affiliation);
	ly_assert_str("reason", "noise", req->u.room.members[1].reason);
	ly_store_req_destroy(req);
	run(db, room_put(members, 1), 0);
	req = make(LY_STORE_ROOM_LIST, "conference.localhost");
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(1, req->u.rooms.n);
	ly_assert_str("name", "Algebra", req->u.rooms.v[0].name);
	ly_store_req_destroy(req);
	for (int i = 0; i < 30; i++) {
		(void)snprintf(xml, sizeof(xml), "<m n='%d'/>", i);
		run(db, text_req(LY_STORE_ROOM_HISTORY_ADD, ROOM, xml, i, 10), 0);
	}
	req = make(LY_STORE_ROOM_HISTORY_GET, ROOM);
	req->n = 20;
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(10, req->u.texts.n);
	ly_assert_str("oldest kept", "<m n='20'/>", req->u.texts.v[0].xml);
	assert_int_equal(29, req->u.texts.v[9].wall);
	ly_store_req_destroy(req);
	run(db, make(LY_STORE_ROOM_DELETE, ROOM), 0);
	run(db, make(LY_STORE_ROOM_DELETE, ROOM), 0);
	run(db, make(LY_STORE_ROOM_GET, ROOM), -ENOENT);
	req = make(LY_STORE_ROOM_HISTORY_GET, ROOM);
	req->n = 20;
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(0, req->u.texts.n);
	ly_store_req_destroy(req);
	ly_db_close(db);
}

static void test_offline(void **state)
{
	struct ly_db *db = open_db();
	struct ly_store_req *req;

	(void)state;
	run(db, text_req(LY_STORE_OFFLINE_ADD, ALICE, "<m/>", 1, 3), -ENOENT);
	run(db, user_put(ALICE, LY_ROLE_USER), 0);
	for (int i = 0; i < 3; i++)
		run(db, text_req(LY_STORE_OFFLINE_ADD, ALICE, "<m/>", i, 3), 0);
	run(db, text_req(LY_STORE_OFFLINE_ADD, ALICE, "<m/>", 9, 3), -E2BIG);
	req = make(LY_STORE_OFFLINE_TAKE, ALICE);
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(3, req->u.texts.n);
	assert_int_equal(2, req->u.texts.v[2].wall);
	ly_store_req_destroy(req);
	req = make(LY_STORE_OFFLINE_TAKE, ALICE);
	assert_int_equal(0, ly_db_exec(db, req));
	assert_int_equal(0, req->u.texts.n);
	ly_store_req_destroy(req);
	ly_db_close(db);
}

/* In one transaction, what fails takes nothing else with it. */
static void test_batch(void **state)
{
	struct ly_db *db = open_db();
	struct ly_store_req *reqs[5];
	static const int want[5] = { 0, -ENOENT, 0, 0, -EINVAL };

	(void)state;
	reqs[0] = user_put(ALICE, LY_ROLE_USER);
	reqs[1] = make(LY_STORE_USER_DELETE, BOB);
	reqs[2] = user_put(BOB, LY_ROLE_USER);
	reqs[3] = make(LY_STORE_USER_GET, BOB);
	reqs[4] = make(LY_STORE_USER_PUT, BOB);
	ly_db_exec_many(db, reqs, 5);
	for (int i = 0; i < 5; i++) {
		ly_assert_i64(ly_store_op_name(reqs[i]->op), want[i], reqs[i]->err);
		ly_store_req_destroy(reqs[i]);
	}
	ly_db_close(db);
	db = open_db();
	run(db, make(LY_STORE_USER_GET, ALICE), 0);
	run(db, make(LY_STORE_USER_GET, BOB), 0);
	ly_db_close(db);
}

/* ---- with the thread ---- */

struct answers {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct ly_list list;
	size_t n;
	int fd; /* where the numbers of acknowledged requests go; -1 = nowhere */
};

static void on_answer(void *ctx, unsigned home, struct ly_msg *msg)
{
	struct answers *a = ctx;

	(void)home;
	pthread_mutex_lock(&a->lock);
	ly_list_add_tail(&a->list, &msg->link);
	a->n++;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

static struct ly_db *open_threaded(struct answers *a)
{
	struct ly_db_conf conf = { .path = path, .post = on_answer, .ctx = a };
	struct ly_db *db;
	char why[200];

	*a = (struct answers) { .lock = PTHREAD_MUTEX_INITIALIZER,
				.wake = PTHREAD_COND_INITIALIZER,
				.fd = -1 };
	ly_list_init(&a->list);
	if (ly_db_open(&db, &conf, why, sizeof(why)))
		fail_msg("%s", why);
	return db;
}

static struct ly_store_req *next_answer(struct answers *a)
{
	struct ly_list *link;

	pthread_mutex_lock(&a->lock);
	while (ly_list_is_empty(&a->list))
		pthread_cond_wait(&a->wake, &a->lock);
	link = a->list.next;
	ly_list_del(link);
	pthread_mutex_unlock(&a->lock);
	return LY_LIST_ENTRY(LY_LIST_ENTRY(link, struct ly_msg, link), struct ly_store_req, msg);
}

/* Reads see the writes of the same owner that were submitted before them, none after. */
static void test_order(void **state)
{
	enum { ROUNDS = 500 };
	struct answers a;
	struct ly_db *db = open_threaded(&a);
	struct ly_db_stats stats;
	int seen = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		ly_db_submit(db, text_req(LY_STORE_LAST_PUT, ALICE, NULL, i, 0));
		ly_db_submit(db, make(LY_STORE_LAST_GET, ALICE));
		ly_db_submit(db, make(LY_STORE_LAST_GET, BOB));
	}
	for (int i = 0; i < 3 * ROUNDS; i++) {
		struct ly_store_req *req = next_answer(&a);

		if (strcmp(req->owner, BOB) == 0) {
			assert_int_equal(-ENOENT, req->err);
		} else {
			assert_int_equal(0, req->err);
			if (req->op == LY_STORE_LAST_GET)
				ly_assert_i64("order", seen++, req->u.text.wall);
		}
		ly_store_req_destroy(req);
	}
	ly_db_get_stats(db, &stats);
	assert_int_equal(0, stats.n_waiting);
	assert_true(stats.n_batches < ROUNDS); /* group commit */
	ly_db_close(db);
}

/* Closing answers what still waits. */
static void test_close(void **state)
{
	struct answers a;
	struct ly_db *db = open_threaded(&a);

	(void)state;
	for (int i = 0; i < 100; i++)
		ly_db_submit(db, text_req(LY_STORE_LAST_PUT, ALICE, NULL, i, 0));
	ly_db_close(db);
	assert_int_equal(100, a.n);
	for (int i = 0; i < 100; i++) {
		struct ly_store_req *req = next_answer(&a);

		assert_int_equal(0, req->err);
		ly_store_req_destroy(req);
	}
}

/* The child writes and reports each acknowledged number until it is killed. */
static void write_until_killed(int fd)
{
	struct answers a;
	struct ly_db *db = open_threaded(&a);

	for (unsigned i = 0;; i++) {
		struct ly_store_req *req;
		char owner[32];

		(void)snprintf(owner, sizeof(owner), "u%u@localhost", i);
		ly_db_submit(db, text_req(LY_STORE_LAST_PUT, owner, NULL, i, 0));
		if (i < 8)
			continue; /* keeps eight in flight */
		req = next_answer(&a);
		if (req->err == 0 &&
		    write(fd, &req->u.text.wall, sizeof(ly_usec)) != sizeof(ly_usec))
			_exit(1);
		ly_store_req_destroy(req);
	}
}

static void test_kill(void **state)
{
	ly_usec acked[300];
	size_t n = 0;
	int fds[2];
	pid_t pid;
	struct ly_db *db;

	(void)state;
	assert_int_equal(0, pipe(fds));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_until_killed(fds[1]);
	(void)close(fds[1]);
	while (n < LY_COUNTOF(acked) && read(fds[0], &acked[n], sizeof(ly_usec)) == sizeof(ly_usec))
		n++;
	assert_int_equal(0, kill(pid, SIGKILL));
	assert_int_equal(pid, waitpid(pid, NULL, 0));
	(void)close(fds[0]);
	assert_int_equal(LY_COUNTOF(acked), n);
	db = open_db();
	for (size_t i = 0; i < n; i++) {
		struct ly_store_req *req;
		char owner[32];

		(void)snprintf(owner, sizeof(owner), "u%lld@localhost", (long long)acked[i]);
		req = make(LY_STORE_LAST_GET, owner);
		ly_assert_i64(owner, 0, ly_db_exec(db, req));
		ly_assert_i64(owner, acked[i], req->u.text.wall);
		ly_store_req_destroy(req);
	}
	ly_db_close(db);
}

/* A file that may not grow stands for a full disk: refused with an error, and fine again
 * afterwards. */
static void test_full(void **state)
{
	struct ly_db *db = open_db();
	struct rlimit was, small;
	char *big = malloc(1 << 20);
	struct ly_store_req *req;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	run(db, text_req(LY_STORE_VCARD_PUT, ALICE, "<v/>", 0, 0), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &was));
	small = (struct rlimit) { .rlim_cur = 400000, .rlim_max = was.rlim_max };
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
	req = text_req(LY_STORE_VCARD_PUT, ALICE, big, 0, 0);
	(void)ly_db_exec(db, req);
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &was));
	if (req->err != -EIO && req->err != -ENOSPC)
		fail_msg("got %d", req->err);
	ly_store_req_destroy(req);
	req = make(LY_STORE_VCARD_GET, ALICE);
	assert_int_equal(0, ly_db_exec(db, req));
	ly_assert_str("the old value stays", "<v/>", req->u.text.xml);
	ly_store_req_destroy(req);
	run(db, text_req(LY_STORE_VCARD_PUT, ALICE, big, 0, 0), 0);
	ly_db_close(db);
	free(big);
}

static void refused(int want, const char *say)
{
	struct ly_db_conf conf = { .path = path };
	struct ly_db *db;
	char why[200];

	ly_assert_i64(say, want, ly_db_open(&db, &conf, why, sizeof(why)));
	assert_null(db);
	if (strstr(why, say) == NULL)
		fail_msg("got: %s", why);
}

static void test_foreign_files(void **state)
{
	sqlite3 *s;
	FILE *f;

	(void)state;
	ly_db_close(open_db());
	assert_int_equal(SQLITE_OK, sqlite3_open(path, &s));
	assert_int_equal(SQLITE_OK,
			 sqlite3_exec(s, "PRAGMA user_version = 9999", NULL, NULL, NULL));
	sqlite3_close(s);
	refused(-EPROTO, "the schema has version 9999");
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		assert_true(fputs("this is no database ", f) >= 0);
	assert_int_equal(0, fclose(f));
	refused(-EBADMSG, "not a database");
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, mkdir(path, 0700));
	refused(-EIO, "unable to open");
	assert_int_equal(0, rmdir(path));
}

static void test_import_speed(void **state)
{
	enum { N = 20000 };
	struct ly_db *db = open_db();
	struct ly_store_req **reqs = calloc(N, sizeof(*reqs));
	struct timespec t0, t1;

	(void)state;
	assert_non_null(reqs);
	for (int i = 0; i < N; i++) {
		char jid[40];

		(void)snprintf(jid, sizeof(jid), "pupil%d@localhost", i);
		reqs[i] = user_put(jid, LY_ROLE_USER);
	}
	clock_gettime(CLOCK_MONOTONIC, &t0);
	ly_db_exec_many(db, reqs, N);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	for (int i = 0; i < N; i++) {
		assert_int_equal(0, reqs[i]->err);
		ly_store_req_destroy(reqs[i]);
	}
	free(reqs);
	assert_true(t1.tv_sec - t0.tv_sec < 20);
	ly_db_close(db);
}

/* Every allocation of ours fails once: an error, no leak, and the next request works. */
static void test_out_of_memory(void **state)
{
	struct ly_db *db = open_db();

	(void)state;
	run(db, user_put(ALICE, LY_ROLE_USER), 0);
	for (uint64_t nth = 1;; nth++) {
		struct ly_store_req *req = make(LY_STORE_USER_LIST, "localhost");
		bool failed;

		ly_heap_fail_at(nth);
		(void)ly_db_exec(db, req);
		failed = ly_heap_failed();
		ly_heap_fail_at(0);
		assert_int_equal(failed ? -ENOMEM : 0, req->err);
		ly_store_req_destroy(req);
		if (!failed)
			break;
	}
	ly_db_close(db);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_users),         TEST(test_texts),         TEST(test_roster),
		TEST(test_rooms),         TEST(test_offline),       TEST(test_batch),
		TEST(test_order),         TEST(test_close),         TEST(test_kill),
		TEST(test_full),          TEST(test_foreign_files), TEST(test_import_speed),
		TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
