/* Commands about accounts and contacts. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "server/admin/command.h"
#include "server/admin/keys.h"
#include "signaling/jid.h"

/* What a storage error means to the operator. @return true if there was one; the command is ended
 */
static bool failed(struct ly_cmd *cmd, int err, const char *jid)
{
	if (err == 0)
		return false;
	if (err == -ENOENT)
		ly_cmd_fail(cmd, err, "there is no account %s", jid);
	else if (err == -ENOSPC)
		ly_cmd_fail(cmd, err, "the disk is full");
	else
		ly_cmd_fail(cmd, err, "the database failed: %s", ly_err_name(err));
	return true;
}

static bool make_keys(struct ly_cmd *cmd, struct ly_store_user *user)
{
	const char *password = ly_cmd_arg(cmd, "password");
	struct ly_credentials cred;
	int err;

	if (password == NULL) {
		ly_cmd_fail(cmd, -EINVAL, "a password is missing");
		return false;
	}
	err = ly_credentials_make(&cred, password, cmd->env->rand, cmd->env->iterations);
	if (err == -EBADMSG)
		ly_cmd_fail(cmd, -EINVAL,
			    "the password is empty or has characters that are not allowed");
	else if (err)
		ly_cmd_fail(cmd, err, "the keys could not be made: %s", ly_err_name(err));
	else
		ly_keys_to_store(user, &cred);
	ly_wipe(&cred, sizeof(cred));
	return err == 0;
}

static bool parse_role(struct ly_cmd *cmd, enum ly_store_role *role)
{
	const char *name = ly_cmd_arg(cmd, "role");

	if (name == NULL || ly_role_parse(name, role) == 0)
		return true;
	ly_cmd_fail(cmd, -EINVAL, "\"%.60s\" is no role: student, teacher and operator are", name);
	return false;
}

static void on_put(struct ly_cmd *cmd, struct ly_store_req *req)
{
	if (!failed(cmd, req->err, req->owner))
		ly_cmd_finish(cmd);
}

/* ---- user add ---- */

static void add_when_absent(struct ly_cmd *cmd, struct ly_store_req *req)
{
	struct ly_store_req *put;
	struct ly_store_user user = { .role = LY_ROLE_USER };

	if (req->err == 0) {
		ly_cmd_fail(cmd, -EEXIST, "there is an account %s already", req->owner);
		return;
	}
	if (req->err != -ENOENT && failed(cmd, req->err, req->owner))
		return;
	if (!parse_role(cmd, &user.role) || !make_keys(cmd, &user))
		return;
	put = ly_cmd_req(cmd, LY_STORE_USER_PUT, req->owner);
	if (put == NULL)
		return;
	user.jid = put->owner;
	user.created_wall = cmd->env->wall(cmd->env->ctx);
	put->u.user = user;
	ly_cmd_store(cmd, put, on_put);
}

/* Asks for the account that the argument names. */
static void with_account(struct ly_cmd *cmd,
			 void (*resume)(struct ly_cmd *cmd, struct ly_store_req *req))
{
	char jid[LY_JID_MAX];
	struct ly_store_req *req;

	if (!ly_cmd_account(cmd, ly_cmd_arg(cmd, "jid"), jid, sizeof(jid)))
		return;
	req = ly_cmd_req(cmd, LY_STORE_USER_GET, jid);
	if (req != NULL)
		ly_cmd_store(cmd, req, resume);
}

void ly_cmd_user_add(struct ly_cmd *cmd)
{
	with_account(cmd, add_when_absent);
}

/* ---- changes of an account ---- */

static void on_changed(struct ly_cmd *cmd, struct ly_store_req *req)
{
	if (failed(cmd, req->err, req->owner))
		return;
	if (cmd->step && cmd->env->kick)
		cmd->env->kick(cmd->env->ctx, req->owner, "the account was changed by an operator");
	ly_cmd_finish(cmd);
}

/* Stores @p user in place of what was found; @p ends_sessions: they must log in again. */
static void put_changed(struct ly_cmd *cmd, const char *jid, const struct ly_store_user *user,
			bool ends_sessions)
{
	struct ly_store_req *put = ly_cmd_req(cmd, LY_STORE_USER_PUT, jid);

	if (put == NULL)
		return;
	put->u.user = *user;
	put->u.user.jid = put->owner;
	cmd->step = ends_sessions;
	ly_cmd_store(cmd, put, on_changed);
}

static void change_password(struct ly_cmd *cmd, struct ly_store_req *req)
{
	struct ly_store_user user = req->u.user;

	if (!failed(cmd, req->err, req->owner) && make_keys(cmd, &user))
		put_changed(cmd, req->owner, &user, true);
}

void ly_cmd_user_password(struct ly_cmd *cmd)
{
	with_account(cmd, change_password);
}

static void change_role(struct ly_cmd *cmd, struct ly_store_req *req)
{
	struct ly_store_user user = req->u.user;

	if (!failed(cmd, req->err, req->owner) && parse_role(cmd, &user.role))
		put_changed(cmd, req->owner, &user, false);
}

void ly_cmd_user_role(struct ly_cmd *cmd)
{
	with_account(cmd, change_role);
}

static void disable(struct ly_cmd *cmd, struct ly_store_req *req)
{
	struct ly_store_user user = req->u.user;

	if (failed(cmd, req->err, req->owner))
		return;
	user.disabled = true;
	put_changed(cmd, req->owner, &user, true);
}

void ly_cmd_user_disable(struct ly_cmd *cmd)
{
	with_account(cmd, disable);
}

static void enable(struct ly_cmd *cmd, struct ly_store_req *req)
{
	struct ly_store_user user = req->u.user;

	if (failed(cmd, req->err, req->owner))
		return;
	user.disabled = false;
	put_changed(cmd, req->owner, &user, false);
}

void ly_cmd_user_enable(struct ly_cmd *cmd)
{
	with_account(cmd, enable);
}

void ly_cmd_user_delete(struct ly_cmd *cmd)
{
	char jid[LY_JID_MAX];
	struct ly_store_req *req;

	if (!ly_cmd_account(cmd, ly_cmd_arg(cmd, "jid"), jid, sizeof(jid)))
		return;
	cmd->step = true;
	req = ly_cmd_req(cmd, LY_STORE_USER_DELETE, jid);
	if (req != NULL)
		ly_cmd_store(cmd, req, on_changed);
}

/* ---- user list ---- */

static void on_list(struct ly_cmd *cmd, struct ly_store_req *req)
{
	if (failed(cmd, req->err, req->owner))
		return;
	cmd->result = json_array();
	for (size_t i = 0; i < req->u.users.n; i++) {
		const struct ly_store_user *u = &req->u.users.v[i];
		char created[LY_DATETIME_MAX];

		ly_datetime_format(created, sizeof(created), u->created_wall);
		if (json_array_append_new(cmd->result,
					  json_pack("{s:s, s:s, s:s, s:s}", "jid", u->jid, "role",
						    ly_role_name(u->role), "state",
						    u->disabled ? "disabled" : "active", "created",
						    created)) != 0) {
			ly_cmd_fail(cmd, -ENOMEM, "out of memory");
			return;
		}
	}
	ly_cmd_finish(cmd);
}

void ly_cmd_user_list(struct ly_cmd *cmd)
{
	struct ly_store_req *req = ly_cmd_req(cmd, LY_STORE_USER_LIST, cmd->env->domain);

	if (req != NULL)
		ly_cmd_store(cmd, req, on_list);
}

/* ---- user put-many: lyceumctl has made the keys ---- */

static void on_put_many(struct ly_cmd *cmd, struct ly_store_req *req)
{
	if (req->err)
		ly_cmd_error(cmd, req->err, "%s: the database failed: %s", req->owner,
			     ly_err_name(req->err));
	if (--cmd->n_pending == 0)
		ly_cmd_finish(cmd);
}

static struct ly_store_req *put_of(struct ly_cmd *cmd, const json_t *row)
{
	const char *jid = json_string_value(json_object_get(row, "jid"));
	const char *role = json_string_value(json_object_get(row, "role"));
	struct ly_store_req *req;
	struct ly_credentials cred;
	struct ly_store_user user = { .role = LY_ROLE_USER };

	if (jid == NULL || (role && ly_role_parse(role, &user.role)) ||
	    ly_keys_from_json(&cred, json_object_get(row, "keys"))) {
		ly_cmd_error(cmd, -EINVAL, "a user is malformed");
		return NULL;
	}
	req = ly_cmd_try_req(cmd, LY_STORE_USER_PUT, jid);
	if (req == NULL) {
		ly_cmd_error(cmd, -ENOMEM, "out of memory");
		return NULL;
	}
	ly_keys_to_store(&user, &cred);
	ly_wipe(&cred, sizeof(cred));
	user.jid = req->owner;
	user.created_wall = cmd->env->wall(cmd->env->ctx);
	req->u.user = user;
	return req;
}

void ly_cmd_user_put_many(struct ly_cmd *cmd)
{
	json_t *rows = json_object_get(cmd->args, "users");
	size_t n = json_array_size(rows);

	cmd->n_pending = 1;
	for (size_t i = 0; i < n && cmd->err == 0; i++) {
		struct ly_store_req *req = put_of(cmd, json_array_get(rows, i));

		if (req != NULL) {
			cmd->n_pending++;
			ly_cmd_store(cmd, req, on_put_many);
		}
	}
	if (--cmd->n_pending == 0)
		ly_cmd_finish(cmd);
}

/* ---- roster link ---- */

static void link_one(struct ly_cmd *cmd, const char *owner, const char *contact,
		     void (*resume)(struct ly_cmd *cmd, struct ly_store_req *req))
{
	struct ly_store_contact item = { .jid = contact, .sub = LY_SUB_BOTH, .listed = true };
	struct ly_store_req *req = ly_cmd_req(cmd, LY_STORE_ROSTER_PUT, owner);

	if (req == NULL)
		return;
	ly_store_set_item(req, &item);
	ly_cmd_store(cmd, req, resume);
}

static void tell_contact(struct ly_cmd *cmd, const struct ly_store_req *req)
{
	if (req->err == 0 && cmd->env->contact)
		cmd->env->contact(cmd->env->ctx, req->owner, &req->u.item);
}

static void linked(struct ly_cmd *cmd, struct ly_store_req *req)
{
	tell_contact(cmd, req);
	on_changed(cmd, req);
}

static void link_back(struct ly_cmd *cmd, struct ly_store_req *req)
{
	tell_contact(cmd, req);
	if (!failed(cmd, req->err, req->owner))
		link_one(cmd, req->u.item.jid, req->owner, linked);
}

static void link_known(struct ly_cmd *cmd, struct ly_store_req *req)
{
	char a[LY_JID_MAX], b[LY_JID_MAX];

	if (failed(cmd, req->err, req->owner) ||
	    !ly_cmd_account(cmd, ly_cmd_arg(cmd, "a"), a, sizeof(a)) ||
	    !ly_cmd_account(cmd, ly_cmd_arg(cmd, "b"), b, sizeof(b)))
		return;
	if (strcmp(a, b) == 0) {
		ly_cmd_fail(cmd, -EINVAL, "an account is not its own contact");
		return;
	}
	if (strcmp(req->owner, a) == 0) { /* a exists: now b */
		struct ly_store_req *next = ly_cmd_req(cmd, LY_STORE_USER_GET, b);

		if (next != NULL)
			ly_cmd_store(cmd, next, link_known);
		return;
	}
	link_one(cmd, a, b, link_back);
}

void ly_cmd_roster_link(struct ly_cmd *cmd)
{
	char a[LY_JID_MAX];
	struct ly_store_req *req;

	if (!ly_cmd_account(cmd, ly_cmd_arg(cmd, "a"), a, sizeof(a)))
		return;
	req = ly_cmd_req(cmd, LY_STORE_USER_GET, a);
	if (req != NULL)
		ly_cmd_store(cmd, req, link_known);
}

/* ---- audit ---- */

static void on_audit(struct ly_cmd *cmd, struct ly_store_req *req)
{
	if (failed(cmd, req->err, "audit"))
		return;
	cmd->result = json_array();
	for (size_t i = 0; i < req->u.audit.n; i++) {
		const struct ly_store_audit *a = &req->u.audit.v[i];
		char time[LY_DATETIME_MAX];

		ly_datetime_format(time, sizeof(time), a->wall);
		(void)json_array_append_new(cmd->result, json_pack("{s:s, s:s, s:s, s:s}", "time",
								   time, "who", a->who, "what",
								   a->what, "object", a->object));
	}
	ly_cmd_finish(cmd);
}

void ly_cmd_audit(struct ly_cmd *cmd)
{
	const char *last = ly_cmd_arg(cmd, "last");
	unsigned long n = last ? strtoul(last, NULL, 10) : 100;
	struct ly_store_req *req;

	if (n == 0 || n > 100000) {
		ly_cmd_fail(cmd, -EINVAL, "--last must be a number from 1 to 100000");
		return;
	}
	req = ly_cmd_req(cmd, LY_STORE_AUDIT_LIST, "");
	if (req == NULL)
		return;
	req->n = (unsigned)n;
	ly_cmd_store(cmd, req, on_audit);
}
