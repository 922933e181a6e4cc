/* The call of one room: who is in it, and its beginning and end. */
#include "server/focus/focus_priv.h"

#include <stdio.h>

#include "base/err.h"
#include "base/text.h"

struct ly_focus_call *ly_call_of_room(struct ly_focus_home *fh, const char *room)
{
	return ly_map_find_str(&fh->rooms, room);
}

struct ly_focus_call *ly_call_get(struct ly_focus_home *fh, const char *room)
{
	struct ly_focus_call *c = ly_call_of_room(fh, room);
	uint8_t id[8];

	if (c != NULL)
		return c;
	c = ly_alloc(sizeof(*c), LY_MEM_CALL);
	if (c == NULL)
		return NULL;
	c->room = ly_strdup(room, LY_MEM_CALL);
	if (c->room == NULL || ly_map_put(&fh->rooms, ly_span_str(c->room), c)) {
		ly_free(c->room, LY_MEM_CALL);
		ly_free(c, LY_MEM_CALL);
		return NULL;
	}
	c->at = fh;
	c->conf = ++fh->next_conf << 8 | fh->index;
	c->started_wall = ly_home_wall(fh->home);
	ly_list_init(&c->parts);
	ly_list_init(&c->occupants);
	ly_rand_bytes(ly_home_rand(fh->home), id, sizeof(id));
	ly_hex_encode(c->id, sizeof(c->id), ly_span(id, sizeof(id)));
	return c;
}

int ly_call_start(struct ly_focus_call *c)
{
	struct ly_focus *f = c->at->focus;
	char real[LY_JID_MAX];
	int err;

	if (!c->has_conf) {
		err = ly_media_create_conference(f->media, c->conf, c->room, &c->thread);
		if (!err)
			err = ly_map_put_num(&c->at->confs, c->conf, c);
		if (err)
			return err;
		c->has_conf = true;
		c->started_wall = ly_home_wall(c->at->home);
		atomic_fetch_add(&f->calls, 1);
		atomic_fetch_add(&f->started, 1);
		ly_log(&ly_focus_log, LY_INFO, "call_started", "room=%s id=%s thread=%u", c->room,
		       c->id, c->thread);
	}
	if (c->agent != NULL)
		return 0;
	snprintf(real, sizeof(real), "focus@%s/focus", f->domain);
	return ly_muc_agent_join(&c->agent, ly_muc_of(c->at->home, f->rooms_domain), c->room,
				 LY_FOCUS_NICK, real, &ly_focus_agent_ops, c,
				 LY_MUC_AGENT_CREATE | LY_MUC_AGENT_KEEPS_ROOM);
}

static void free_occupants(struct ly_focus_call *c)
{
	LY_LIST_EACH (it, tmp, &c->occupants) {
		struct ly_focus_occupant *o = LY_LIST_ENTRY(it, struct ly_focus_occupant, link);

		ly_list_del(it);
		ly_free(o->jid, LY_MEM_CALL);
		ly_free(o->nick, LY_MEM_CALL);
		ly_free(o, LY_MEM_CALL);
	}
}

void ly_call_check_empty(struct ly_focus_call *c)
{
	struct ly_focus *f = c->at->focus;

	if (c->n_parts > 0 || c->ending)
		return;
	if (c->has_conf) {
		ly_media_end_conference(f->media, c->conf);
		ly_map_del_num(&c->at->confs, c->conf);
		atomic_fetch_sub(&f->calls, 1);
		ly_log(&ly_focus_log, LY_INFO, "call_ended", "room=%s id=%s", c->room, c->id);
	}
	ly_muc_agent_leave(c->agent);
	ly_map_del(&c->at->rooms, ly_span_str(c->room));
	free_occupants(c);
	ly_media_event_free(c->stats);
	ly_free(c->room, LY_MEM_CALL);
	ly_free(c, LY_MEM_CALL);
}

void ly_call_end(struct ly_focus_call *c, enum ly_call_end end, const char *text)
{
	c->ending = true;
	LY_LIST_EACH (it, tmp, &c->parts) {
		ly_part_end(LY_LIST_ENTRY(it, struct ly_focus_part, link), end, text, NULL,
			    LY_PART_TELL);
	}
	c->ending = false;
	ly_call_check_empty(c);
}

struct ly_focus_part *ly_call_part_by_jid(struct ly_focus_call *c, const char *jid)
{
	LY_LIST_EACH (it, tmp, &c->parts) {
		struct ly_focus_part *p = LY_LIST_ENTRY(it, struct ly_focus_part, link);

		if (strcmp(p->jid, jid) == 0)
			return p;
	}
	return NULL;
}

struct ly_focus_part *ly_call_part_by_endpoint(struct ly_focus_call *c, const char *endpoint)
{
	LY_LIST_EACH (it, tmp, &c->parts) {
		struct ly_focus_part *p = LY_LIST_ENTRY(it, struct ly_focus_part, link);

		if (p->endpoint[0] && strcmp(p->endpoint, endpoint) == 0)
			return p;
	}
	return NULL;
}

void ly_call_bridge_all(struct ly_focus_call *c, const struct ly_focus_part *except, json_t *msg)
{
	LY_LIST_EACH (it, tmp, &c->parts) {
		struct ly_focus_part *p = LY_LIST_ENTRY(it, struct ly_focus_part, link);

		if (p != except)
			ly_bridge_send(p->bridge, msg);
	}
	json_decref(msg);
}

/* ---- ending from outside ---- */

void ly_focus_end_all(struct ly_focus *f, struct ly_home *home)
{
	struct ly_focus_home *fh = ly_focus_at(f, home);
	struct ly_map_slot slot;
	size_t it = 0;

	fh->stopping = true;
	/* the map shrinks while it is walked: begin again after each */
	while (ly_map_next(&fh->rooms, &it, &slot)) {
		ly_call_end(slot.value, LY_CALL_ENDED, "the server is shutting down");
		it = 0;
	}
}
