/* The table, and what all commands share. */
#include "server/admin/command.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "signaling/jid.h"

const struct ly_cmd_def ly_cmds[] = {
	{ "user add",
	  "Makes an account; without --password it is read from standard input.",
	  { { "jid", false, "JID" },
	    { "password", true, "PASSWORD" },
	    { "role", true, "student|teacher|operator" } },
	  .is_audited = true,
	  .run = ly_cmd_user_add },
	{ "user import",
	  "Makes or replaces the accounts of a file of lines jid,password[,role].",
	  { { "file", false, "FILE" } },
	  .show = LY_SHOW_TEXT },
	{ "user list", "Shows all accounts.", .show = LY_SHOW_TABLE,
	  .columns = "jid role state created", .run = ly_cmd_user_list },
	{ "user delete",
	  "Removes an account with all that belongs to it, and ends its sessions.",
	  { { "jid", false, "JID" } },
	  .is_audited = true,
	  .run = ly_cmd_user_delete },
	{ "user password",
	  "Sets a new password and ends the sessions; without --password it is read from standard "
	  "input.",
	  { { "jid", false, "JID" }, { "password", true, "PASSWORD" } },
	  .is_audited = true,
	  .run = ly_cmd_user_password },
	{ "user role",
	  "Sets the role of an account.",
	  { { "jid", false, "JID" }, { "role", false, "student|teacher|operator" } },
	  .is_audited = true,
	  .run = ly_cmd_user_role },
	{ "user disable",
	  "Refuses further log-ins of an account, and ends its sessions.",
	  { { "jid", false, "JID" } },
	  .is_audited = true,
	  .run = ly_cmd_user_disable },
	{ "user enable",
	  "Lets a disabled account log in again.",
	  { { "jid", false, "JID" } },
	  .is_audited = true,
	  .run = ly_cmd_user_enable },
	{ "roster link",
	  "Makes two accounts contacts of each other that see each other's presence.",
	  { { "a", false, "JID" }, { "b", false, "JID" } },
	  .is_audited = true,
	  .run = ly_cmd_roster_link },
	{ "rooms", "Shows the rooms.", .show = LY_SHOW_TABLE,
	  .columns = "jid name occupants persistent call", .run = ly_cmd_rooms },
	{ "calls", "Shows the running calls with their participants (--json: with all figures).",
	  .show = LY_SHOW_TABLE, .columns = "id room started n_participants", .needs_server = true,
	  .run = ly_cmd_calls },
	{ "call end",
	  "Ends a call.",
	  { { "id", false, "ID" } },
	  .needs_server = true,
	  .is_audited = true,
	  .run = ly_cmd_call_end },
	{ "stats", "Shows the figures of the server.", .show = LY_SHOW_JSON, .needs_server = true,
	  .run = ly_cmd_stats },
	{ "reload", "Reads the configuration file again.", .show = LY_SHOW_TEXT,
	  .needs_server = true, .is_audited = true, .run = ly_cmd_reload },
	{ "audit",
	  "Shows what operators have changed, the newest last.",
	  { { "last", true, "N" } },
	  .show = LY_SHOW_TABLE,
	  .columns = "time who what object",
	  .run = ly_cmd_audit },
	{ "ping", "Tells whether the server is running.", .show = LY_SHOW_TEXT,
	  .needs_server = true, .run = ly_cmd_ping },
	{ "user put-many",
	  "Stores accounts with their keys.",
	  { { "users", false, "ARRAY" } },
	  .is_internal = true,
	  .is_audited = true,
	  .run = ly_cmd_user_put_many },
};
const size_t ly_n_cmds = LY_COUNTOF(ly_cmds);

const struct ly_cmd_def *ly_cmd_find(const char *name)
{
	for (size_t i = 0; i < ly_n_cmds; i++)
		if (strcmp(ly_cmds[i].name, name) == 0)
			return &ly_cmds[i];
	return NULL;
}

/* What the command was about, without passwords: its positional arguments. */
static void object_of(const struct ly_cmd *cmd, char *out, size_t cap)
{
	const struct ly_cmd_arg *args = cmd->def->args;
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < LY_CMD_ARGS_MAX && args[i].name && len < cap; i++) {
		const json_t *value = json_object_get(cmd->args, args[i].name);

		if (strcmp(args[i].name, "password") == 0 || value == NULL)
			continue;
		if (json_is_array(value))
			len += (size_t)snprintf(out + len, cap - len, "%s%zu accounts",
						len ? " " : "", json_array_size(value));
		else
			len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? " " : "",
						json_string_value(value));
	}
}

static void on_kept(struct ly_cmd *cmd, struct ly_store_req *req)
{
	if (req->err)
		ly_cmd_error(cmd, req->err, "it is done, but the audit log cannot be written: %s",
			     ly_err_name(req->err));
	ly_cmd_finish(cmd);
}

/* @return false: there is nothing to keep, or no memory for it (cmd->err) */
static bool keep(struct ly_cmd *cmd)
{
	struct ly_store_req *req;
	char object[600];

	if (cmd->err || cmd->is_kept || !cmd->def->is_audited)
		return false;
	cmd->is_kept = true;
	object_of(cmd, object, sizeof(object));
	req = ly_cmd_try_req(cmd, LY_STORE_AUDIT_ADD, cmd->who);
	if (req == NULL) {
		ly_cmd_error(cmd, -ENOMEM, "it is done, but not in the audit log: out of memory");
		return false;
	}
	req->u.text.key = cmd->def->name;
	req->u.text.xml = ly_store_str(req, object);
	req->u.text.wall = cmd->env->wall(cmd->env->ctx);
	ly_cmd_store(cmd, req, on_kept);
	return true;
}

void ly_cmd_finish(struct ly_cmd *cmd)
{
	if (keep(cmd))
		return;
	json_decref(cmd->args); /* before who asked, on another thread, goes on */
	cmd->args = NULL;
	cmd->done(cmd, cmd->ctx);
	json_decref(cmd->result);
	ly_free(cmd, LY_MEM_MISC);
}

static void note(struct ly_cmd *cmd, int err, const char *fmt, va_list ap) LY_PRINTF(3, 0);

static void note(struct ly_cmd *cmd, int err, const char *fmt, va_list ap)
{
	if (cmd->err)
		return;
	cmd->err = err;
	(void)vsnprintf(cmd->error, sizeof(cmd->error), fmt, ap);
}

void ly_cmd_error(struct ly_cmd *cmd, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(cmd, err, fmt, ap);
	va_end(ap);
}

void ly_cmd_fail(struct ly_cmd *cmd, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(cmd, err, fmt, ap);
	va_end(ap);
	ly_cmd_finish(cmd);
}

const char *ly_cmd_arg(const struct ly_cmd *cmd, const char *name)
{
	return json_string_value(json_object_get(cmd->args, name));
}

/* Unknown arguments, missing ones, and strings that are none. */
static bool check_args(struct ly_cmd *cmd)
{
	const struct ly_cmd_arg *args = cmd->def->args;
	const char *key;
	json_t *value;

	json_object_foreach(cmd->args, key, value)
	{
		bool is_known = false;

		for (size_t i = 0; i < LY_CMD_ARGS_MAX && args[i].name; i++)
			is_known |= strcmp(args[i].name, key) == 0;
		if (!is_known) {
			ly_cmd_error(cmd, -EINVAL, "unknown argument \"%.60s\"", key);
			return false;
		}
		if (!json_is_string(value) && !cmd->def->is_internal) {
			ly_cmd_error(cmd, -EINVAL, "argument \"%.60s\" must be a string", key);
			return false;
		}
	}
	for (size_t i = 0; i < LY_CMD_ARGS_MAX && args[i].name; i++) {
		if (args[i].is_option || json_object_get(cmd->args, args[i].name))
			continue;
		ly_cmd_error(cmd, -EINVAL, "%s is missing", args[i].meta);
		return false;
	}
	return true;
}

void ly_cmd_start(struct ly_cmd_env *env, const char *who, const char *name, json_t *args,
		  void (*done)(struct ly_cmd *cmd, void *ctx), void *ctx)
{
	struct ly_cmd *cmd = ly_alloc(sizeof(*cmd), LY_MEM_MISC);
	struct ly_cmd broke = { .err = -ENOMEM, .error = "out of memory" };

	if (cmd == NULL || args == NULL) {
		json_decref(args);
		ly_free(cmd, LY_MEM_MISC);
		done(&broke, ctx);
		return;
	}
	cmd->env = env;
	(void)snprintf(cmd->who, sizeof(cmd->who), "%s", who);
	cmd->args = args;
	cmd->done = done;
	cmd->ctx = ctx;
	cmd->def = ly_cmd_find(name);
	if (cmd->def == NULL || cmd->def->run == NULL)
		ly_cmd_fail(cmd, -ENOENT, "unknown command \"%.60s\"", name);
	else if (!check_args(cmd))
		ly_cmd_finish(cmd);
	else if (cmd->def->needs_server && env->providers == NULL)
		ly_cmd_fail(cmd, -EPROTO, "the server is not running");
	else
		cmd->def->run(cmd);
}

static void on_answer(struct ly_home *home, struct ly_msg *msg)
{
	struct ly_store_req *req = LY_CONTAINER_OF(msg, struct ly_store_req, msg);
	struct ly_cmd *cmd = req->ctx;

	(void)home;
	cmd->resume(cmd, req);
	ly_store_req_destroy(req);
}

/* Shutdown: the answer says so in place of the result. */
static void on_drop(struct ly_msg *msg)
{
	struct ly_store_req *req = LY_CONTAINER_OF(msg, struct ly_store_req, msg);

	req->err = -EIO;
	on_answer(NULL, msg);
}

struct ly_store_req *ly_cmd_req(struct ly_cmd *cmd, enum ly_store_op op, const char *owner)
{
	struct ly_store_req *req = ly_cmd_try_req(cmd, op, owner);

	if (req == NULL)
		ly_cmd_fail(cmd, -ENOMEM, "out of memory");
	return req;
}

struct ly_store_req *ly_cmd_try_req(struct ly_cmd *cmd, enum ly_store_op op, const char *owner)
{
	struct ly_store_req *req = ly_store_req_create(cmd->env->home, op, owner);

	if (req == NULL)
		return NULL;
	req->msg.run = on_answer;
	req->msg.drop = on_drop;
	req->ctx = cmd;
	return req;
}

void ly_cmd_store(struct ly_cmd *cmd, struct ly_store_req *req,
		  void (*resume)(struct ly_cmd *cmd, struct ly_store_req *req))
{
	cmd->resume = resume;
	cmd->env->store(cmd->env->ctx, req);
}

bool ly_cmd_account(struct ly_cmd *cmd, const char *text, char *out, size_t cap)
{
	struct ly_arena arena;
	struct ly_jid jid;
	int err;

	ly_arena_init(&arena, LY_MEM_MISC, 0);
	err = ly_jid_parse(&jid, &arena, text);
	if (err == -EBADMSG || (!err && (jid.local == NULL || jid.resource != NULL)))
		ly_cmd_error(cmd, -EINVAL, "\"%.200s\" is not the address of an account (name@%s)",
			     text, cmd->env->domain);
	else if (err)
		ly_cmd_error(cmd, err, "out of memory");
	else if (strcmp(jid.domain, cmd->env->domain) != 0)
		ly_cmd_error(cmd, -EINVAL, "\"%.200s\" is not of this server: accounts end in @%s",
			     text, cmd->env->domain);
	else if (strlen(jid.bare) >= cap)
		ly_cmd_error(cmd, -EINVAL, "\"%.60s…\" is too long", text);
	else
		memcpy(out, jid.bare, strlen(jid.bare) + 1);
	ly_arena_fini(&arena);
	if (cmd->err == 0)
		return true;
	ly_cmd_finish(cmd);
	return false;
}
