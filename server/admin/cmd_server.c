/* Commands about what is running: rooms, calls, figures, configuration. */
#include <string.h>

#include "base/err.h"
#include "server/admin/command.h"
#include "server/admin/metrics.h"

/* ---- calls ---- */

static void on_calls(void *ctx, json_t *all)
{
	struct ly_cmd *cmd = ctx;
	size_t i;
	json_t *call;

	if (all == NULL) {
		ly_cmd_fail(cmd, -ENOMEM, "out of memory");
		return;
	}
	json_array_foreach(all, i, call)(void) json_object_set_new(
		call, "n_participants",
		json_integer((json_int_t)json_array_size(json_object_get(call, "participants"))));
	/* moved, not shared: who asked reads it on another thread as soon as it is finished */
	cmd->result = json_array();
	if (json_array_extend(cmd->result, all) != 0) {
		ly_cmd_fail(cmd, -ENOMEM, "out of memory");
		return;
	}
	json_array_clear(all);
	ly_cmd_finish(cmd);
}

void ly_cmd_calls(struct ly_cmd *cmd)
{
	ly_admin_gather(cmd->env->providers, LY_ADMIN_CALLS, NULL, cmd->env->home,
			cmd->env->wall(cmd->env->ctx), on_calls, cmd);
}

static void on_ended(void *ctx, json_t *all)
{
	struct ly_cmd *cmd = ctx;

	if (all == NULL)
		ly_cmd_fail(cmd, -ENOMEM, "out of memory");
	else if (json_array_size(all) == 0)
		ly_cmd_fail(cmd, -ENOENT, "there is no call %.60s", ly_cmd_arg(cmd, "id"));
	else
		ly_cmd_finish(cmd);
}

void ly_cmd_call_end(struct ly_cmd *cmd)
{
	ly_admin_gather(cmd->env->providers, LY_ADMIN_END_CALL, ly_cmd_arg(cmd, "id"),
			cmd->env->home, cmd->env->wall(cmd->env->ctx), on_ended, cmd);
}

/* ---- rooms: those in memory, then the stored ones that nobody is in, then which have a call ----
 */

static json_t *find_room(json_t *rooms, const char *jid)
{
	size_t i;
	json_t *room;

	json_array_foreach(rooms, i, room)
	{
		const char *other = json_string_value(json_object_get(room, "jid"));

		if (other && strcmp(other, jid) == 0)
			return room;
	}
	return NULL;
}

static void mark_calls(void *ctx, json_t *all)
{
	struct ly_cmd *cmd = ctx;
	size_t i;
	json_t *item;

	json_array_foreach(cmd->result, i, item)(void)
		json_object_set_new(item, "call", json_false());
	json_array_foreach(all, i, item)
	{
		const char *jid = json_string_value(json_object_get(item, "room"));
		json_t *room = jid ? find_room(cmd->result, jid) : NULL;

		if (room != NULL)
			(void)json_object_set_new(room, "call", json_true());
	}
	ly_cmd_finish(cmd);
}

static void add_stored(struct ly_cmd *cmd, struct ly_store_req *req)
{
	if (req->err) {
		ly_cmd_fail(cmd, req->err, "the database failed: %s", ly_err_name(req->err));
		return;
	}
	for (size_t i = 0; i < req->u.rooms.n; i++) {
		const struct ly_store_room *r = &req->u.rooms.v[i];

		if (find_room(cmd->result, r->jid) != NULL)
			continue;
		(void)json_array_append_new(cmd->result,
					    json_pack("{s:s, s:s, s:i, s:b}", "jid", r->jid, "name",
						      r->name ? r->name : "", "occupants", 0,
						      "persistent", 1));
	}
	if (cmd->env->providers == NULL)
		mark_calls(cmd, NULL);
	else
		ly_admin_gather(cmd->env->providers, LY_ADMIN_CALLS, NULL, cmd->env->home,
				cmd->env->wall(cmd->env->ctx), mark_calls, cmd);
}

static void on_rooms(void *ctx, json_t *all)
{
	struct ly_cmd *cmd = ctx;
	struct ly_store_req *req;

	if (all == NULL) {
		ly_cmd_fail(cmd, -ENOMEM, "out of memory");
		return;
	}
	cmd->result = json_incref(all);
	req = ly_cmd_req(cmd, LY_STORE_ROOM_LIST, cmd->env->rooms);
	if (req != NULL)
		ly_cmd_store(cmd, req, add_stored);
}

void ly_cmd_rooms(struct ly_cmd *cmd)
{
	json_t *none;

	if (cmd->env->providers != NULL) {
		ly_admin_gather(cmd->env->providers, LY_ADMIN_ROOMS, NULL, cmd->env->home,
				cmd->env->wall(cmd->env->ctx), on_rooms, cmd);
		return;
	}
	none = json_array();
	on_rooms(cmd, none);
	json_decref(none);
}

/* ---- figures ---- */

static void add_up(json_t *sum, const json_t *all)
{
	size_t i;
	json_t *home;

	json_array_foreach(all, i, home)
	{
		const char *key;
		json_t *value;

		json_object_foreach(home, key, value)
		{
			json_int_t was = json_integer_value(json_object_get(sum, key));

			(void)json_object_set_new(sum, key,
						  json_integer(was + json_integer_value(value)));
		}
	}
}

static void on_stat_rooms(void *ctx, json_t *all)
{
	struct ly_cmd *cmd = ctx;

	(void)json_object_set_new(cmd->result, "rooms",
				  json_integer((json_int_t)json_array_size(all)));
	ly_cmd_finish(cmd);
}

static void on_stat_calls(void *ctx, json_t *all)
{
	struct ly_cmd *cmd = ctx;
	json_int_t n = 0;
	size_t i;
	json_t *call;

	json_array_foreach(all, i, call) n +=
		(json_int_t)json_array_size(json_object_get(call, "participants"));
	(void)json_object_set_new(cmd->result, "calls",
				  json_integer((json_int_t)json_array_size(all)));
	(void)json_object_set_new(cmd->result, "participants", json_integer(n));
	ly_admin_gather(cmd->env->providers, LY_ADMIN_ROOMS, NULL, cmd->env->home,
			cmd->env->wall(cmd->env->ctx), on_stat_rooms, cmd);
}

static void on_stat_homes(void *ctx, json_t *all)
{
	struct ly_cmd *cmd = ctx;

	cmd->result = json_object();
	if (all == NULL || cmd->result == NULL) {
		ly_cmd_fail(cmd, -ENOMEM, "out of memory");
		return;
	}
	add_up(cmd->result, all);
	for (int i = 0; i < LY_N_METRICS; i++)
		(void)json_object_set_new(
			cmd->result, ly_metric_name((enum ly_metric)i),
			json_integer((json_int_t)ly_metric_get((enum ly_metric)i)));
	if (cmd->env->stats)
		cmd->env->stats(cmd->env->ctx, cmd->result);
	ly_admin_gather(cmd->env->providers, LY_ADMIN_CALLS, NULL, cmd->env->home,
			cmd->env->wall(cmd->env->ctx), on_stat_calls, cmd);
}

void ly_cmd_stats(struct ly_cmd *cmd)
{
	ly_admin_gather(cmd->env->providers, LY_ADMIN_HOMES, NULL, cmd->env->home,
			cmd->env->wall(cmd->env->ctx), on_stat_homes, cmd);
}

void ly_cmd_reload(struct ly_cmd *cmd)
{
	bool ok = false;

	if (cmd->env->reload == NULL) {
		ly_cmd_fail(cmd, -EPROTO, "the server is not running");
		return;
	}
	cmd->result = cmd->env->reload(cmd->env->ctx, &ok);
	if (!ok) {
		const char *why = json_string_value(cmd->result);

		ly_cmd_error(cmd, -EINVAL, "%.500s", why ? why : "out of memory");
	}
	ly_cmd_finish(cmd);
}

void ly_cmd_ping(struct ly_cmd *cmd)
{
	cmd->result = json_string("the server is running\n");
	ly_cmd_finish(cmd);
}
