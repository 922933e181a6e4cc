/* The commands, on a database of their own, as lyceumctl runs them without a server. */
#include "tests/unit/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/heap.h"
#include "server/admin/command.h"
#include "server/admin/keys.h"
#include "server/store/db.h"

static char dir[64], path[80];
static struct ly_db *db;
static struct ly_rand rnd;

static void store(void *ctx, struct ly_store_req *req)
{
	(void)ctx;
	(void)ly_db_exec(db, req);
	req->msg.run(NULL, &req->msg);
}

static ly_usec wall(void *ctx)
{
	(void)ctx;
	return LY_SEC(1000);
}

static struct ly_cmd_env env = { .domain = "localhost",
				 .rooms = "conference.localhost",
				 .iterations = 4096,
				 .rand = &rnd,
				 .wall = wall,
				 .store = store };

static int set_up(void **state)
{
	struct ly_db_conf conf = { .path = path };
	char why[200];

	(void)state;
	ly_rand_seeded(&rnd, 3);
	strcpy(dir, "/tmp/ly-cmd-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/test.db", dir);
	return ly_db_open(&db, &conf, why, sizeof(why));
}

static int tear_down(void **state)
{
	(void)state;
	ly_db_close(db);
	(void)unlink(path);
	return rmdir(dir);
}

struct outcome {
	int n, err;
	char error[512];
	json_t *result;
};

static void done(struct ly_cmd *cmd, void *ctx)
{
	struct outcome *o = ctx;

	o->n++;
	o->err = cmd->err;
	(void)snprintf(o->error, sizeof(o->error), "%s", cmd->error);
	o->result = json_incref(cmd->result);
}

/* Runs a command; its arguments as JSON text. The result is the caller's. */
static json_t *run(const char *name, const char *args, int want, const char *say)
{
	struct outcome o = { 0 };
	json_t *json = json_loads(args, 0, NULL);

	assert_non_null(json);
	ly_cmd_start(&env, "tester", name, json, done, &o);
	ly_assert_i64(name, 1, o.n);
	if (o.err != want)
		fail_msg("%s %s: want %d, got %d: %s", name, args, want, o.err, o.error);
	if (say && strstr(o.error, say) == NULL)
		fail_msg("%s %s: got: %s", name, args, o.error);
	return o.result;
}

static void ok(const char *name, const char *args)
{
	json_decref(run(name, args, 0, NULL));
}

static void run_any(const char *name, const char *args)
{
	struct outcome o = { 0 };

	ly_cmd_start(&env, "tester", name, json_loads(args, 0, NULL), done, &o);
	json_decref(o.result);
}

static void refused(const char *name, const char *args, int want, const char *say)
{
	json_decref(run(name, args, want, say));
}

static void assert_password(const char *jid, const char *password, bool want)
{
	struct ly_store_req *req = ly_store_req_create(0, LY_STORE_USER_GET, jid);
	struct ly_credentials cred;

	assert_int_equal(0, ly_db_exec(db, req));
	ly_keys_from_store(&cred, &req->u.user);
	assert_int_equal(want, ly_scram_keys_check(&cred.sha256, LY_SCRAM_SHA256, password));
	assert_int_equal(want, ly_scram_keys_check(&cred.sha1, LY_SCRAM_SHA1, password));
	ly_store_req_destroy(req);
}

/* What test_users() did is kept, without passwords, and cannot be changed. */
static void test_audit_of_users(void)
{
	json_t *list = run("audit", "{\"last\":\"3\"}", 0, NULL);
	json_t *line = json_array_get(list, 2);

	assert_int_equal(3, json_array_size(list));
	ly_assert_str("who", "tester", json_string_value(json_object_get(line, "who")));
	ly_assert_str("what", "user delete", json_string_value(json_object_get(line, "what")));
	ly_assert_str("object", "student1@localhost",
		      json_string_value(json_object_get(line, "object")));
	json_decref(list);
	list = run("audit", "{}", 0, NULL);
	line = json_array_get(list, 2);
	assert_int_equal(7, json_array_size(list));
	ly_assert_str("what", "user password", json_string_value(json_object_get(line, "what")));
	ly_assert_str("no password", "teacher@localhost",
		      json_string_value(json_object_get(line, "object")));
	json_decref(list);
	refused("audit", "{\"last\":\"x\"}", -EINVAL, "must be a number");
}

static void test_users(void **state)
{
	json_t *list;
	const char *text;

	(void)state;
	ok("user add", "{\"jid\":\"Teacher@LocalHost\",\"password\":\"x\",\"role\":\"teacher\"}");
	ok("user add", "{\"jid\":\"student1@localhost\",\"password\":\"y\"}");
	assert_password("teacher@localhost", "x", true);
	ok("user password", "{\"jid\":\"teacher@localhost\",\"password\":\"z\"}");
	assert_password("teacher@localhost", "x", false);
	assert_password("teacher@localhost", "z", true);
	ok("user role", "{\"jid\":\"student1@localhost\",\"role\":\"operator\"}");
	assert_password("student1@localhost", "y", true); /* kept */
	ok("user disable", "{\"jid\":\"student1@localhost\"}");
	list = run("user list", "{}", 0, NULL);
	assert_int_equal(2, json_array_size(list));
	text = json_string_value(json_object_get(json_array_get(list, 0), "role"));
	ly_assert_str("role", "operator", text);
	text = json_string_value(json_object_get(json_array_get(list, 0), "state"));
	ly_assert_str("state", "disabled", text);
	text = json_string_value(json_object_get(json_array_get(list, 1), "role"));
	ly_assert_str("role kept by password", "teacher", text);
	json_decref(list);
	ok("user enable", "{\"jid\":\"student1@localhost\"}");
	ok("user delete", "{\"jid\":\"student1@localhost\"}");
	test_audit_of_users();
	refused("user delete", "{\"jid\":\"student1@localhost\"}", -ENOENT, "there is no account");
}

static void test_refusals(void **state)
{
	static const struct {
		const char *name, *args;
		int want;
		const char *say;
	} rows[] = {
		{ "user frob", "{}", -ENOENT, "unknown command \"user frob\"" },
		{ "user import", "{\"file\":\"x\"}", -ENOENT, "unknown command" },
		{ "user add", "{}", -EINVAL, "JID is missing" },
		{ "user add", "{\"jid\":1}", -EINVAL, "must be a string" },
		{ "user add", "{\"jid\":\"a@localhost\",\"x\":\"y\"}", -EINVAL,
		  "unknown argument \"x\"" },
		{ "user add", "{\"jid\":\"a@localhost\"}", -EINVAL, "a password is missing" },
		{ "user add", "{\"jid\":\"a@localhost\",\"password\":\"\"}", -EINVAL, "is empty" },
		{ "user add", "{\"jid\":\"a@localhost\",\"password\":\"\\u0007\"}", -EINVAL,
		  "not allowed" },
		{ "user add", "{\"jid\":\"a@elsewhere\",\"password\":\"x\"}", -EINVAL,
		  "not of this server" },
		{ "user add", "{\"jid\":\"localhost\",\"password\":\"x\"}", -EINVAL,
		  "not the address" },
		{ "user add", "{\"jid\":\"a@localhost/r\",\"password\":\"x\"}", -EINVAL,
		  "not the address" },
		{ "user add", "{\"jid\":\"a b@localhost\",\"password\":\"x\"}", -EINVAL,
		  "not the address" },
		{ "user add", "{\"jid\":\"a@localhost\",\"password\":\"x\",\"role\":\"king\"}",
		  -EINVAL, "is no role" },
		{ "user password", "{\"jid\":\"a@localhost\",\"password\":\"x\"}", -ENOENT,
		  "no account" },
		{ "user role", "{\"jid\":\"a@localhost\",\"role\":\"teacher\"}", -ENOENT,
		  "no account" },
		{ "roster link", "{\"a\":\"a@localhost\",\"b\":\"b@localhost\"}", -ENOENT,
		  "a@localhost" },
		{ "calls", "{}", -EPROTO, "not running" },
		{ "stats", "{}", -EPROTO, "not running" },
		{ "reload", "{}", -EPROTO, "not running" },
		{ "user put-many", "{\"users\":[{}]}", -EINVAL, "malformed" },
		{ "user put-many",
		  "{\"users\":[{\"jid\":\"a@localhost\",\"keys\":{\"sha1\":\"1\"}}]}", -EINVAL,
		  "malformed" },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		refused(rows[i].name, rows[i].args, rows[i].want, rows[i].say);
}

static void test_link(void **state)
{
	static const char *const owners[] = { "a@localhost", "b@localhost" };

	(void)state;
	ok("user add", "{\"jid\":\"a@localhost\",\"password\":\"x\"}");
	refused("roster link", "{\"a\":\"a@localhost\",\"b\":\"b@localhost\"}", -ENOENT,
		"b@localhost");
	ok("user add", "{\"jid\":\"b@localhost\",\"password\":\"x\"}");
	refused("roster link", "{\"a\":\"a@localhost\",\"b\":\"A@localhost\"}", -EINVAL,
		"not its own");
	ok("roster link", "{\"a\":\"a@localhost\",\"b\":\"b@localhost\"}");
	for (size_t i = 0; i < 2; i++) {
		struct ly_store_req *req = ly_store_req_create(0, LY_STORE_ROSTER_GET, owners[i]);

		assert_int_equal(0, ly_db_exec(db, req));
		assert_int_equal(1, req->u.roster.n);
		ly_assert_str("contact", owners[1 - i], req->u.roster.v[0].jid);
		assert_int_equal(LY_SUB_BOTH, req->u.roster.v[0].sub);
		assert_true(req->u.roster.v[0].listed);
		ly_store_req_destroy(req);
	}
}

static void test_put_many(void **state)
{
	struct ly_credentials cred;
	struct outcome o = { 0 };
	json_t *users = json_array();

	(void)state;
	assert_int_equal(0, ly_credentials_make(&cred, "pw", &rnd, 4096));
	for (int i = 0; i < 50; i++)
		assert_int_equal(
			0, json_array_append_new(users, json_pack("{s:o, s:s, s:o}", "jid",
								  json_sprintf("u%d@localhost", i),
								  "role", "teacher", "keys",
								  ly_keys_to_json(&cred))));
	ly_cmd_start(&env, "tester", "user put-many", json_pack("{s:o}", "users", users), done, &o);
	assert_int_equal(1, o.n);
	assert_int_equal(0, o.err);
	assert_password("u49@localhost", "pw", true);
}

static void test_rooms(void **state)
{
	struct ly_store_req *req =
		ly_store_req_create(0, LY_STORE_ROOM_PUT, "a@conference.localhost");
	json_t *rooms;

	(void)state;
	req->u.room = (struct ly_store_room) { .jid = req->owner, .name = "Algebra" };
	assert_int_equal(0, ly_db_exec(db, req));
	ly_store_req_destroy(req);
	rooms = run("rooms", "{}", 0, NULL);
	assert_int_equal(1, json_array_size(rooms));
	ly_assert_str("name", "Algebra",
		      json_string_value(json_object_get(json_array_get(rooms, 0), "name")));
	assert_true(json_is_false(json_object_get(json_array_get(rooms, 0), "call")));
	json_decref(rooms);
}

/* Every allocation of ours fails once: the command ends exactly once, and nothing leaks. */
static void test_no_memory(void **state)
{
	int64_t before = ly_heap_used(LY_MEM_MISC);

	(void)state;
	for (uint64_t nth = 1;; nth++) {
		struct outcome o = { 0 };
		bool failed;

		ly_heap_fail_at(nth);
		ly_cmd_start(&env, "tester", "user add",
			     json_pack("{s:s, s:s}", "jid", "a@localhost", "password", "x"), done,
			     &o);
		failed = ly_heap_failed();
		ly_heap_fail_at(0);
		assert_int_equal(1, o.n);
		ly_assert_i64("leak", before, ly_heap_used(LY_MEM_MISC));
		if (!failed) {
			assert_int_equal(0, o.err);
			break;
		}
		/* it may have been done when only the audit log failed */
		run_any("user delete", "{\"jid\":\"a@localhost\"}");
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_users),    TEST(test_refusals), TEST(test_link),
		TEST(test_put_many), TEST(test_rooms),    TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
