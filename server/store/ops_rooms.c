/* Rooms, who belongs to them, and their last messages. */
#include <string.h>

#include "base/err.h"
#include "server/store/db_priv.h"

#define ROOM_COLUMNS "jid, name, config, subject, subject_nick, subject_wall, created"

static void room_of(struct ly_db_run *r, struct ly_arena *arena, struct ly_store_room *room)
{
	memset(room, 0, sizeof(*room));
	room->jid = ly_db_str(r, 0, arena);
	room->name = ly_db_str(r, 1, arena);
	room->config = ly_db_str(r, 2, arena);
	room->subject = ly_db_str(r, 3, arena);
	room->subject_nick = ly_db_str(r, 4, arena);
	room->subject_wall = ly_db_int(r, 5);
	room->created_wall = ly_db_int(r, 6);
}

static int get_members(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(c, "SELECT jid, affiliation, nick, reason FROM room_members"
					  " WHERE room = ? ORDER BY jid");
	struct ly_store_room_member *v = NULL;
	size_t n = 0;
	int err;

	ly_db_bind_str(&r, req->owner);
	while (ly_db_step(c, &r)) {
		v = ly_db_grow(&req->arena, v, n, sizeof(*v));
		if (v == NULL) {
			r.err = -ENOMEM;
			break;
		}
		v[n].jid = ly_db_str(&r, 0, &req->arena);
		v[n].affiliation = (enum ly_store_affiliation)ly_db_int(&r, 1);
		v[n].nick = ly_db_str(&r, 2, &req->arena);
		v[n++].reason = ly_db_str(&r, 3, &req->arena);
	}
	err = ly_db_end(&r);
	req->u.room.members = v;
	req->u.room.n_members = err ? 0 : n;
	return err;
}

int ly_db_room_get(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(c, "SELECT " ROOM_COLUMNS " FROM rooms WHERE jid = ?");
	bool is_found;
	int err;

	memset(&req->u.room, 0, sizeof(req->u.room));
	ly_db_bind_str(&r, req->owner);
	is_found = ly_db_step(c, &r);
	if (is_found)
		room_of(&r, &req->arena, &req->u.room);
	err = ly_db_end(&r);
	if (err)
		return err;
	return is_found ? get_members(c, req) : -ENOENT;
}

static int put_members(struct ly_db_conn *c, const struct ly_store_room *room)
{
	struct ly_db_run r = ly_db_sql(c, "DELETE FROM room_members WHERE room = ?");
	int err;

	ly_db_bind_str(&r, room->jid);
	err = ly_db_do(c, &r);
	for (size_t i = 0; i < room->n_members && !err; i++) {
		const struct ly_store_room_member *m = &room->members[i];

		r = ly_db_sql(c, "INSERT INTO room_members (room, jid, affiliation, nick, reason)"
				 " VALUES (?, ?, ?, ?, ?)");
		ly_db_bind_str(&r, room->jid);
		ly_db_bind_str(&r, m->jid);
		ly_db_bind_int(&r, m->affiliation);
		ly_db_bind_str(&r, m->nick);
		ly_db_bind_str(&r, m->reason);
		err = ly_db_do(c, &r);
	}
	return err;
}

int ly_db_room_put(struct ly_db_conn *c, struct ly_store_req *req)
{
	const struct ly_store_room *room = &req->u.room;
	const char *at = room->jid ? strchr(room->jid, '@') : NULL;
	struct ly_db_run r;
	int err;

	if (at == NULL)
		return -EINVAL;
	r = ly_db_sql(
		c,
		"INSERT INTO rooms (" ROOM_COLUMNS ", host) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (jid) DO UPDATE SET name = excluded.name, config = excluded.config,"
		" subject = excluded.subject, subject_nick = excluded.subject_nick,"
		" subject_wall = excluded.subject_wall, created = excluded.created");
	ly_db_bind_str(&r, room->jid);
	ly_db_bind_str(&r, room->name);
	ly_db_bind_str(&r, room->config);
	ly_db_bind_str(&r, room->subject);
	ly_db_bind_str(&r, room->subject_nick);
	ly_db_bind_int(&r, room->subject_wall);
	ly_db_bind_int(&r, room->created_wall);
	ly_db_bind_str(&r, at + 1);
	err = ly_db_do(c, &r);
	return err ? err : put_members(c, room);
}

int ly_db_room_delete(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(c, "DELETE FROM rooms WHERE jid = ?");
	int err;

	ly_db_bind_str(&r, req->owner);
	err = ly_db_do(c, &r);
	if (err)
		return err;
	r = ly_db_sql(c, "DELETE FROM room_history WHERE room = ?");
	ly_db_bind_str(&r, req->owner);
	return ly_db_do(c, &r);
}

int ly_db_room_list(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "SELECT " ROOM_COLUMNS " FROM rooms WHERE host = ? ORDER BY jid");
	struct ly_store_room *v = NULL;
	size_t n = 0;
	int err;

	ly_db_bind_str(&r, req->owner);
	while (ly_db_step(c, &r)) {
		v = ly_db_grow(&req->arena, v, n, sizeof(*v));
		if (v == NULL) {
			r.err = -ENOMEM;
			break;
		}
		room_of(&r, &req->arena, &v[n++]);
	}
	err = ly_db_end(&r);
	req->u.rooms.v = v;
	req->u.rooms.n = err ? 0 : n;
	return err;
}

int ly_db_room_history_add(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "INSERT INTO room_history (room, wall, xml) VALUES (?, ?, ?)");
	int err;

	if (req->u.text.xml == NULL)
		return -EINVAL;
	ly_db_bind_str(&r, req->owner);
	ly_db_bind_int(&r, req->u.text.wall);
	ly_db_bind_str(&r, req->u.text.xml);
	err = ly_db_do(c, &r);
	if (err || req->n == 0)
		return err;
	r = ly_db_sql(c, "DELETE FROM room_history WHERE room = ?1 AND id <= (SELECT id FROM"
			 " room_history WHERE room = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)");
	ly_db_bind_str(&r, req->owner);
	ly_db_bind_int(&r, req->n);
	return ly_db_do(c, &r);
}

int ly_db_room_history_get(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "SELECT wall, xml FROM (SELECT id, wall, xml FROM room_history"
			     " WHERE room = ? ORDER BY id DESC LIMIT ?) ORDER BY id");
	struct ly_store_text *v = NULL;
	size_t n = 0;
	int err;

	ly_db_bind_str(&r, req->owner);
	ly_db_bind_int(&r, req->n);
	while (ly_db_step(c, &r)) {
		v = ly_db_grow(&req->arena, v, n, sizeof(*v));
		if (v == NULL) {
			r.err = -ENOMEM;
			break;
		}
		v[n] = (struct ly_store_text) { .wall = ly_db_int(&r, 0) };
		v[n++].xml = ly_db_str(&r, 1, &req->arena);
	}
	err = ly_db_end(&r);
	req->u.texts.v = v;
	req->u.texts.n = err ? 0 : n;
	return err;
}
