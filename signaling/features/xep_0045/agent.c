/* In-process occupants. What they are told is copied into a queue and handed out when the rooms are
 * at rest, so that they may call back. */
#include "signaling/features/xep_0045/muc_priv.h"

/* ---- events ---- */

static void event_free(struct ly_muc_event *ev)
{
	if (ev == NULL)
		return;
	ly_stanza_free(ev->st);
	ly_xml_doc_free(ev->doc);
	ly_free(ev, LY_MEM_ROOM);
}

static const struct ly_xml *copy_tree(struct ly_arena *arena, const struct ly_xml *el)
{
	struct ly_build b;
	struct ly_xml *root;

	if (el == NULL)
		return NULL;
	ly_build_init(&b, arena);
	ly_build_copy(&b, el);
	return ly_build_finish(&b, &root) == 0 ? root : NULL;
}

/* A picture of an occupant that stays true after it is gone. @return 0, -ENOMEM */
static int picture(struct ly_muc_event *ev, const struct ly_muc_occupant *occ,
		   const struct ly_muc_session *s, const struct ly_xml *payload)
{
	struct ly_arena *arena = &ev->doc->arena;

	ev->who.nick = ly_arena_strdup(arena, occ->nick);
	ev->who.role = occ->role;
	ev->who.affiliation = occ->affiliation;
	ev->who.presence = copy_tree(arena, payload);
	ev->who.jid = &ev->who_jid;
	if (ev->who.nick == NULL || (payload != NULL && ev->who.presence == NULL))
		return -ENOMEM;
	return s != NULL ? ly_jid_copy(&ev->who_jid, arena, &s->jid) : 0;
}

static struct ly_muc_event *push(struct ly_muc *muc, const struct ly_muc_agent *agent,
				 enum ly_muc_event_kind kind)
{
	struct ly_muc_event *ev = (struct ly_muc_event *)ly_alloc(sizeof(*ev), LY_MEM_ROOM);

	if (ev == NULL)
		return NULL;
	ev->doc = ly_xml_doc_create(0);
	if (ev->doc == NULL) {
		ly_free(ev, LY_MEM_ROOM);
		return NULL;
	}
	ev->kind = kind;
	ev->agent = agent->id;
	ly_list_add_tail(&muc->events, &ev->link);
	return ev;
}

static void push_occupant(struct ly_muc_agent *agent, enum ly_muc_event_kind kind,
			  const struct ly_muc_occupant *occ, enum ly_muc_gone why,
			  const struct ly_xml *payload, const char *text)
{
	const struct ly_muc_session *s = ly_muc_first_session(occ);
	struct ly_muc_event *ev = push(agent->room->muc, agent, kind);

	if (ev == NULL)
		return;
	if (kind != LY_MUC_EV_GONE && s != NULL)
		payload = s->presence->root;
	ev->why = why;
	if (text != NULL)
		ev->text = ly_arena_strdup(&ev->doc->arena, text);
	if (picture(ev, occ, s, payload) != 0) {
		ly_list_del(&ev->link);
		event_free(ev);
	}
}

void ly_muc_agents_event(struct ly_room *room, enum ly_muc_event_kind kind,
			 const struct ly_muc_occupant *occ, enum ly_muc_gone why,
			 const struct ly_xml *payload, const char *text)
{
	if (occ->agent != NULL)
		return;
	LY_LIST_EACH (n, tmp, &room->agents) {
		struct ly_muc_agent *agent = LY_LIST_ENTRY(n, struct ly_muc_agent, link);

		if (agent->occ != NULL)
			push_occupant(agent, kind, occ, why, payload, text);
	}
}

/* ---- joining and going ---- */

static void agent_free(struct ly_muc *muc, struct ly_muc_agent *agent)
{
	ly_map_del_num(&muc->agents, agent->id);
	ly_xml_doc_free(agent->presence);
	ly_free(agent->nick, LY_MEM_ROOM);
	ly_free(agent->jid, LY_MEM_ROOM);
	ly_free(agent->room_jid, LY_MEM_ROOM);
	ly_free(agent->real, LY_MEM_ROOM);
	ly_arena_fini(&agent->strings);
	ly_free(agent, LY_MEM_ROOM);
}

static void unlink_agent(struct ly_muc_agent *agent)
{
	ly_list_del(&agent->link);
	agent->room->n_agents--;
	agent->room = NULL;
	agent->occ = NULL;
}

/* Ends the wait with an error; the agent itself goes when it has been told. */
static void fail_join(struct ly_muc_agent *agent, int err)
{
	struct ly_muc_event *ev = push(agent->muc, agent, LY_MUC_EV_JOINED_ROOM);

	unlink_agent(agent);
	if (ev != NULL)
		ev->err = err;
}

static void attach(struct ly_room *room, struct ly_muc_agent *agent)
{
	static const struct ly_muc_note plain = { .gone = false };
	struct ly_muc_event *ev;

	if (ly_room_by_nick(room, agent->nick) != NULL) {
		fail_join(agent, -EEXIST);
		return;
	}
	if (ly_room_add_occupant(room, agent->nick, agent->real_jid.bare, &agent->occ) != 0) {
		fail_join(agent, -ENOMEM);
		return;
	}
	agent->occ->agent = agent;
	agent->occ->role = LY_MUC_MODERATOR;
	agent->occ->affiliation = LY_MUC_OWNER;
	ly_muc_room_unlock(room);
	ly_room_announce(room, agent->occ, NULL, &plain);
	ev = push(room->muc, agent, LY_MUC_EV_JOINED_ROOM);
	(void)ev; /* err is 0 */
	LY_LIST_EACH (n, tmp, &room->occupants) {
		const struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);

		if (occ->agent == NULL)
			push_occupant(agent, LY_MUC_EV_OCCUPANT, occ, LY_MUC_LEFT, NULL, NULL);
	}
}

void ly_muc_agents_joined(struct ly_room *room, int err)
{
	LY_LIST_EACH (n, tmp, &room->agents) {
		struct ly_muc_agent *agent = LY_LIST_ENTRY(n, struct ly_muc_agent, link);

		if (agent->occ != NULL)
			continue;
		if (err == -ENOENT && (agent->flags & LY_MUC_AGENT_CREATE))
			err = ly_muc_room_found(room, NULL);
		if (err == 0)
			attach(room, agent);
		else
			fail_join(agent, err);
	}
}

bool ly_muc_agents_keep(const struct ly_room *room)
{
	LY_LIST_EACH (n, tmp, &room->agents) {
		const struct ly_muc_agent *agent = LY_LIST_ENTRY(n, struct ly_muc_agent, link);

		if (agent->flags & LY_MUC_AGENT_KEEPS_ROOM)
			return true;
	}
	return false;
}

void ly_muc_agents_destroyed(struct ly_room *room, const char *reason)
{
	LY_LIST_EACH (n, tmp, &room->agents) {
		struct ly_muc_agent *agent = LY_LIST_ENTRY(n, struct ly_muc_agent, link);
		struct ly_muc_event *ev;

		if (agent->occ == NULL) {
			fail_join(agent, -EIO);
			continue;
		}
		ev = push(room->muc, agent, LY_MUC_EV_DESTROYED);
		if (ev != NULL && reason != NULL)
			ev->text = ly_arena_strdup(&ev->doc->arena, reason);
		agent->occ->agent = NULL;
		unlink_agent(agent);
	}
}

/* ---- handing out ---- */

/* @return true if this is the last thing the agent is told */
static bool deliver(struct ly_muc_agent *agent, const struct ly_muc_event *ev)
{
	const struct ly_muc_agent_ops *ops = agent->ops;
	void *ctx = agent->ctx;

	switch (ev->kind) {
	case LY_MUC_EV_JOINED_ROOM:
		if (ops->joined != NULL)
			ops->joined(ctx, agent, ev->err);
		return ev->err != 0;
	case LY_MUC_EV_OCCUPANT:
		if (ops->occupant_joined != NULL)
			ops->occupant_joined(ctx, agent, &ev->who);
		return false;
	case LY_MUC_EV_CHANGED:
		if (ops->occupant_changed != NULL)
			ops->occupant_changed(ctx, agent, &ev->who);
		return false;
	case LY_MUC_EV_GONE:
		if (ops->occupant_left != NULL)
			ops->occupant_left(ctx, agent, &ev->who, ev->why, ev->text);
		return false;
	case LY_MUC_EV_STANZA:
		if (ops->stanza != NULL)
			ops->stanza(ctx, agent, &ev->who, ev->st);
		return false;
	case LY_MUC_EV_DESTROYED:
		break;
	}
	if (ops->room_destroyed != NULL)
		ops->room_destroyed(ctx, agent, ev->text);
	return true;
}

static struct ly_muc_event *next_event(struct ly_muc *muc)
{
	struct ly_muc_event *ev;

	if (ly_list_is_empty(&muc->events))
		return NULL;
	ev = LY_LIST_ENTRY(muc->events.next, struct ly_muc_event, link);
	ly_list_del(&ev->link);
	return ev;
}

void ly_muc_agents_flush(struct ly_muc *muc)
{
	struct ly_muc_event *ev;

	while ((ev = next_event(muc)) != NULL) {
		struct ly_muc_agent *agent =
			(struct ly_muc_agent *)ly_map_find_num(&muc->agents, ev->agent);
		bool last = agent != NULL && deliver(agent, ev);

		/* it may have left in that call */
		if (last && ly_map_find_num(&muc->agents, ev->agent) == agent)
			agent_free(muc, agent);
		event_free(ev);
	}
}

void ly_muc_agents_drop(struct ly_muc *muc)
{
	struct ly_map_slot slot;
	struct ly_muc_event *ev;
	size_t it = 0;

	while ((ev = next_event(muc)) != NULL)
		event_free(ev);
	while (ly_map_next(&muc->agents, &it, &slot)) {
		agent_free(muc, (struct ly_muc_agent *)slot.value);
		it = 0;
	}
}

void ly_muc_agent_stanza(struct ly_muc_agent *agent, const struct ly_muc_session *from,
			 struct ly_stanza *st)
{
	struct ly_muc *muc = agent->muc;
	struct ly_muc_event *ev = push(muc, agent, LY_MUC_EV_STANZA);
	const char *id = st->id;
	bool asks = st->kind == LY_IQ && (st->type == LY_T_GET || st->type == LY_T_SET);
	struct ly_stanza *copy;

	if (ev == NULL || picture(ev, from->occ, from, from->presence->root) != 0 ||
	    (asks && (id = ly_room_mark_id(&st->doc->arena, from, id)) == NULL) ||
	    ly_stanza_clone(&copy, st, from->occ->jid, agent->jid) != 0)
		goto fail;
	ev->st = copy;
	if (id != NULL && ly_xml_set_attr(copy->doc->root, &copy->doc->arena, "id", id) != 0)
		goto fail;
	copy->id = ly_xml_attr(copy->root, "id");
	ly_stanza_free(st);
	return;
fail:
	if (ev != NULL)
		ly_list_del(&ev->link);
	event_free(ev);
	ly_muc_refuse(muc, st, LY_RESOURCE_CONSTRAINT, NULL);
}

/* ---- what agents call ---- */

static void on_flush(struct ly_home *home, struct ly_home_timer *t)
{
	struct ly_muc *muc = LY_CONTAINER_OF(t, struct ly_muc, flush);

	(void)home;
	ly_muc_enter(muc);
	ly_muc_leave(muc);
}

/* Ends a call from outside: what it caused is told later, never inside of it. */
static void leave_later(struct ly_muc *muc)
{
	if (muc->busy > 1 || ly_list_is_empty(&muc->events)) {
		ly_muc_leave(muc);
		return;
	}
	muc->flush.fire = on_flush;
	if (ly_home_timer_set(muc->home, &muc->flush, ly_home_now(muc->home)) != 0)
		ly_log(&muc->log, LY_ERROR, "agents not told", "err=no memory");
	ly_muc_leave_quietly(muc);
}

static int init_agent(struct ly_muc_agent *agent, const char *room_jid, const char *nick,
		      const char *real_jid)
{
	struct ly_jid room, full;
	int err;

	err = ly_jid_parse(&room, &agent->strings, room_jid);
	if (err == 0)
		err = ly_jid_parse(&agent->real_jid, &agent->strings, real_jid);
	if (err == 0 && (room.local == NULL || room.resource != NULL ||
			 strcmp(room.domain, agent->muc->domain) != 0))
		err = -EBADMSG;
	if (err == 0)
		err = ly_jid_make(&full, &agent->strings, room.local, room.domain, nick);
	if (err != 0)
		return err == -EBADMSG ? -EINVAL : err;
	agent->nick = ly_strdup(full.resource, LY_MEM_ROOM);
	agent->jid = ly_strdup(full.full, LY_MEM_ROOM);
	agent->room_jid = ly_strdup(room.bare, LY_MEM_ROOM);
	agent->real = ly_strdup(agent->real_jid.full, LY_MEM_ROOM);
	return agent->nick == NULL || agent->jid == NULL || agent->room_jid == NULL ||
			       agent->real == NULL
		       ? -ENOMEM
		       : 0;
}

static void join_room(struct ly_muc *muc, struct ly_muc_agent *agent)
{
	struct ly_room *room = ly_muc_room(muc, agent->room_jid);
	bool is_new = room == NULL;
	struct ly_muc_event *ev;

	if (is_new)
		room = ly_muc_room_create(muc, agent->room_jid);
	if (room == NULL || room->n_agents >= LY_MUC_MAX_AGENTS) {
		ev = push(muc, agent, LY_MUC_EV_JOINED_ROOM);
		if (ev != NULL)
			ev->err = -E2BIG;
		return;
	}
	agent->room = room;
	ly_list_add_tail(&room->agents, &agent->link);
	room->n_agents++;
	if (is_new)
		ly_muc_room_load(room);
	else if (room->state != LY_ROOM_LOADING)
		attach(room, agent);
}

int ly_muc_agent_join(struct ly_muc_agent **out, struct ly_muc *muc, const char *room_jid,
		      const char *nick, const char *real_jid, const struct ly_muc_agent_ops *ops,
		      void *ctx, unsigned flags)
{
	struct ly_muc_agent *agent = (struct ly_muc_agent *)ly_alloc(sizeof(*agent), LY_MEM_ROOM);
	int err;

	if (agent == NULL)
		return -ENOMEM;
	agent->muc = muc;
	agent->ops = ops;
	agent->ctx = ctx;
	agent->flags = flags;
	agent->id = ++muc->next_id;
	ly_arena_init(&agent->strings, LY_MEM_ROOM, 0);
	err = init_agent(agent, room_jid, nick, real_jid);
	if (err == 0)
		err = ly_map_put_num(&muc->agents, agent->id, agent);
	if (err != 0) {
		agent_free(muc, agent);
		return err;
	}
	ly_muc_enter(muc);
	join_room(muc, agent);
	leave_later(muc);
	*out = agent;
	return 0;
}

void ly_muc_agent_leave(struct ly_muc_agent *agent)
{
	static const struct ly_muc_note note = { .gone = true };
	struct ly_muc *muc;
	struct ly_room *room;

	if (agent == NULL)
		return;
	muc = agent->muc;
	room = agent->room;
	ly_muc_enter(muc);
	if (agent->occ != NULL) {
		ly_room_announce(room, agent->occ, NULL, &note);
		ly_room_del_occupant(room, agent->occ);
	}
	if (room != NULL) {
		unlink_agent(agent);
		ly_muc_room_check_empty(room);
	}
	agent_free(muc, agent);
	leave_later(muc);
}

const char *ly_muc_agent_room(const struct ly_muc_agent *agent)
{
	return agent->room_jid;
}

const char *ly_muc_agent_jid(const struct ly_muc_agent *agent)
{
	return agent->jid;
}

static bool is_answer(const struct ly_xml *el)
{
	const char *type = ly_xml_attr(el, "type");

	return ly_xml_is(el, NULL, "iq") && type != NULL &&
	       (strcmp(type, "result") == 0 || strcmp(type, "error") == 0);
}

int ly_muc_agent_send(struct ly_muc_agent *agent, const char *to_nick, const struct ly_xml *el)
{
	const struct ly_muc_occupant *to;
	const struct ly_muc_session *s = NULL;
	const char *id = ly_xml_attr(el, "id");
	struct ly_xml_doc *doc;
	struct ly_build b;

	if (agent->occ == NULL)
		return -EPROTO;
	if (!ly_xml_is(el, NULL, "iq") && !ly_xml_is(el, NULL, "message"))
		return -EINVAL;
	to = ly_room_by_nick(agent->room, to_nick);
	if (to != NULL && to->agent == NULL)
		s = is_answer(el) && id != NULL ? ly_room_unmark_id(to, &id)
						: ly_muc_first_session(to);
	if (s == NULL)
		return -ENOENT;
	doc = ly_xml_doc_create(0);
	if (doc == NULL)
		return -ENOMEM;
	ly_build_init(&b, &doc->arena);
	ly_build_open_like(&b, el);
	ly_build_attr(&b, "from", agent->jid);
	ly_build_attr(&b, "to", s->jid.full);
	ly_build_attr(&b, "id", id);
	ly_build_copy_children(&b, el);
	ly_room_route(agent->room, doc, &b);
	return 0;
}

int ly_muc_agent_presence(struct ly_muc_agent *agent, const struct ly_xml *el)
{
	static const struct ly_muc_note plain = { .gone = false };
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	if (doc == NULL)
		return -ENOMEM;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "presence");
	if (el != NULL)
		ly_build_copy_children(&b, el);
	if (ly_build_finish(&b, &doc->root) != 0) {
		ly_xml_doc_free(doc);
		return -ENOMEM;
	}
	ly_xml_doc_free(agent->presence);
	agent->presence = doc;
	if (agent->occ != NULL)
		ly_room_announce(agent->room, agent->occ, NULL, &plain);
	return 0;
}

int ly_muc_agent_say(struct ly_muc_agent *agent, const struct ly_xml *el)
{
	return agent->occ == NULL ? -EPROTO : ly_room_say(agent->room, el, agent->jid);
}

int ly_muc_agent_kick(struct ly_muc_agent *agent, const char *nick, const char *reason)
{
	struct ly_muc_occupant *occ =
		agent->occ != NULL ? ly_room_by_nick(agent->room, nick) : NULL;
	struct ly_muc *muc = agent->muc;

	if (occ == NULL || occ->agent != NULL)
		return -ENOENT;
	ly_muc_enter(muc);
	ly_room_set_role(agent->room, occ, LY_MUC_NONE, agent->nick, reason);
	leave_later(muc);
	return 0;
}

bool ly_muc_agent_find(struct ly_muc_agent *agent, const char *nick,
		       struct ly_muc_occupant_info *out)
{
	const struct ly_muc_occupant *occ =
		agent->occ != NULL ? ly_room_by_nick(agent->room, nick) : NULL;
	const struct ly_muc_session *s = occ != NULL ? ly_muc_first_session(occ) : NULL;

	if (s == NULL)
		return false;
	*out = (struct ly_muc_occupant_info) {
		.nick = occ->nick,
		.jid = &s->jid,
		.role = occ->role,
		.affiliation = occ->affiliation,
		.presence = s->presence->root,
	};
	return true;
}
