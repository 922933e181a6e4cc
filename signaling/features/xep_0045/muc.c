/* The rooms of a home: the table, what comes in, how rooms begin and end. */
#include "signaling/features/xep_0045/muc_priv.h"

int ly_muc_create(struct ly_muc **out, struct ly_home *home, const char *domain)
{
	struct ly_muc *muc = (struct ly_muc *)ly_alloc(sizeof(*muc), LY_MEM_ROOM);

	if (muc == NULL)
		return -ENOMEM;
	muc->home = home;
	muc->domain = domain;
	muc->log = (struct ly_log) { "muc", domain };
	ly_list_init(&muc->dead);
	ly_list_init(&muc->events);
	ly_map_init(&muc->rooms, LY_MEM_ROOM, ly_rand_u64(ly_home_rand(home)));
	ly_map_init(&muc->ids, LY_MEM_ROOM, 0);
	ly_map_init(&muc->agents, LY_MEM_ROOM, 0);
	*out = muc;
	return 0;
}

static void room_free(struct ly_room *room)
{
	(void)ly_home_timer_set(room->muc->home, &room->timer, LY_NEVER);
	ly_room_fini(room);
	ly_free(room, LY_MEM_ROOM);
}

static void free_dead(struct ly_muc *muc)
{
	LY_LIST_EACH (n, tmp, &muc->dead) {
		ly_list_del(n);
		room_free(LY_LIST_ENTRY(n, struct ly_room, dead));
	}
}

void ly_muc_destroy(struct ly_muc *muc)
{
	struct ly_map_slot slot;
	size_t it = 0;

	if (muc == NULL)
		return;
	while (ly_map_next(&muc->rooms, &it, &slot)) {
		struct ly_room *room = (struct ly_room *)slot.value;

		ly_muc_agents_destroyed(room, "shutdown");
		ly_list_add_tail(&muc->dead, &room->dead);
	}
	ly_muc_agents_drop(muc); /* who they spoke for may be gone already: nobody is told */
	free_dead(muc);
	(void)ly_home_timer_set(muc->home, &muc->flush, LY_NEVER);
	ly_map_fini(&muc->rooms);
	ly_map_fini(&muc->ids);
	ly_map_fini(&muc->agents);
	ly_free(muc, LY_MEM_ROOM);
}

void ly_muc_enter(struct ly_muc *muc)
{
	muc->busy++;
}

void ly_muc_leave(struct ly_muc *muc)
{
	if (muc->busy == 1)
		ly_muc_agents_flush(muc);
	ly_muc_leave_quietly(muc);
}

void ly_muc_leave_quietly(struct ly_muc *muc)
{
	if (--muc->busy == 0)
		free_dead(muc);
}

struct ly_room *ly_muc_room(struct ly_muc *muc, const char *bare)
{
	return (struct ly_room *)ly_map_find_str(&muc->rooms, bare);
}

bool ly_muc_may_create(const struct ly_muc *muc, const struct ly_jid *who)
{
	return ly_fan_is_local(muc->home, who->full);
}

/* ---- beginning ---- */

static void on_timer(struct ly_home *home, struct ly_home_timer *t)
{
	struct ly_room *room = LY_CONTAINER_OF(t, struct ly_room, timer);
	struct ly_muc *muc = room->muc;

	(void)home;
	ly_muc_enter(muc);
	if (room->state == LY_ROOM_LOCKED)
		ly_muc_room_unlock(room);
	else if (room->n_occupants == 0 && room->n_agents == 0 && room->pending == 0 &&
		 room->state == LY_ROOM_OPEN)
		ly_muc_room_end(room);
	else
		ly_muc_room_check_empty(room);
	ly_muc_leave(muc);
}

struct ly_room *ly_muc_room_create(struct ly_muc *muc, const char *bare)
{
	struct ly_room *room;

	if (muc->rooms.n >= LY_MUC_MAX_ROOMS)
		return NULL;
	room = (struct ly_room *)ly_alloc(sizeof(*room), LY_MEM_ROOM);
	if (room == NULL)
		return NULL;
	if (ly_room_init(room, muc, bare) != 0) {
		ly_free(room, LY_MEM_ROOM);
		return NULL;
	}
	room->timer.fire = on_timer;
	room->id = ++muc->next_id;
	room->created_wall = ly_home_wall(muc->home);
	if (ly_map_put(&muc->rooms, ly_span_str(room->jid), room) != 0)
		goto fail;
	if (ly_map_put_num(&muc->ids, room->id, room) != 0) {
		ly_map_del(&muc->rooms, ly_span_str(room->jid));
		goto fail;
	}
	return room;
fail:
	room_free(room);
	return NULL;
}

int ly_muc_room_found(struct ly_room *room, const char *owner)
{
	if (owner != NULL && ly_room_set_member(room, owner, LY_MUC_OWNER, NULL, NULL) != 0)
		return -ENOMEM;
	room->state = owner != NULL ? LY_ROOM_LOCKED : LY_ROOM_OPEN;
	if (owner != NULL)
		(void)ly_home_timer_set(room->muc->home, &room->timer,
					ly_home_now(room->muc->home) + LY_MUC_LOCK_TIME);
	ly_log(&room->muc->log, LY_INFO, "room created", "room=%s", room->jid);
	return 0;
}

void ly_muc_room_unlock(struct ly_room *room)
{
	if (room->state != LY_ROOM_LOCKED)
		return;
	room->state = LY_ROOM_OPEN;
	(void)ly_home_timer_set(room->muc->home, &room->timer, LY_NEVER);
}

/* ---- ending ---- */

void ly_muc_room_end(struct ly_room *room)
{
	struct ly_muc *muc = room->muc;

	if (room->gone)
		return;
	room->gone = true;
	ly_muc_agents_destroyed(room, NULL);
	ly_map_del(&muc->rooms, ly_span_str(room->jid));
	ly_map_del_num(&muc->ids, room->id);
	ly_list_add_tail(&muc->dead, &room->dead);
	ly_log(&muc->log, LY_DEBUG, "room ended", "room=%s", room->jid);
}

void ly_muc_room_check_empty(struct ly_room *room)
{
	ly_usec at = ly_home_now(room->muc->home) + LY_MUC_IDLE_TIME;

	if (room->gone || room->state == LY_ROOM_LOADING || room->n_occupants > 0 ||
	    ly_muc_agents_keep(room))
		return;
	if (room->conf.persistent)
		(void)ly_home_timer_set(room->muc->home, &room->timer, at);
	else if (room->pending == 0)
		ly_muc_room_end(room);
}

static void tell_destroyed(struct ly_room *room, const struct ly_muc_session *s,
			   const char *alternate, const char *password, const char *reason)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_build b;

	if (doc == NULL)
		return;
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, "presence");
	ly_build_attr(&b, "type", "unavailable");
	ly_build_attr(&b, "from", s->occ->jid);
	ly_build_attr(&b, "to", s->jid.full);
	ly_build_open(&b, LY_NS_MUC_USER, "x");
	ly_build_open(&b, NULL, "item");
	ly_build_attr(&b, "affiliation", "none");
	ly_build_attr(&b, "role", "none");
	ly_build_close(&b);
	ly_build_open(&b, NULL, "destroy");
	ly_build_attr(&b, "jid", alternate);
	if (reason != NULL && *reason)
		ly_build_element(&b, NULL, "reason", reason);
	if (password != NULL && *password)
		ly_build_element(&b, NULL, "password", password);
	ly_build_close(&b);
	ly_build_open(&b, NULL, "status");
	ly_build_attr(&b, "code", "110");
	ly_room_route(room, doc, &b);
}

void ly_muc_room_destroy(struct ly_room *room, const char *alternate, const char *password,
			 const char *reason)
{
	LY_LIST_EACH (n, tmp, &room->occupants) {
		struct ly_muc_occupant *occ = LY_LIST_ENTRY(n, struct ly_muc_occupant, link);

		LY_LIST_EACH (m, tmp2, &occ->sessions)
			tell_destroyed(room, LY_LIST_ENTRY(m, struct ly_muc_session, link),
				       alternate, password, reason);
	}
	ly_muc_agents_destroyed(room, reason);
	ly_muc_room_end(room);
	ly_log(&room->muc->log, LY_INFO, "room destroyed", "room=%s", room->jid);
}

int ly_muc_destroy_room(struct ly_muc *muc, const char *room_jid, const char *reason)
{
	struct ly_room *room = ly_muc_room(muc, room_jid);

	if (room == NULL || room->state == LY_ROOM_LOADING)
		return -ENOENT;
	ly_muc_enter(muc);
	ly_muc_room_destroy(room, NULL, NULL, reason);
	ly_room_forget(room, NULL);
	ly_muc_leave(muc);
	return 0;
}

/* ---- stanzas ---- */

struct room_route {
	enum ly_stanza_type type; /* LY_T_ERROR: get and set */
	const char *ns, *name;
	void (*fn)(struct ly_room *room, struct ly_stanza *iq);
};

static void on_ping(struct ly_room *room, struct ly_stanza *iq)
{
	ly_muc_ok(room->muc, iq);
}

static const struct room_route room_routes[] = {
	{ LY_T_ERROR, LY_NS_MUC_ADMIN, "query", ly_room_admin },
	{ LY_T_ERROR, LY_NS_MUC_OWNER, "query", ly_room_owner },
	{ LY_T_GET, LY_NS_DISCO_INFO, "query", ly_room_disco_info },
	{ LY_T_GET, LY_NS_DISCO_ITEMS, "query", ly_room_disco_items },
	{ LY_T_GET, LY_NS_PING, "ping", on_ping },
};

static void on_iq(struct ly_room *room, struct ly_stanza *iq)
{
	const struct ly_xml *payload = ly_iq_payload(iq);

	if (iq->to.resource != NULL) {
		ly_room_relay(room, iq);
		return;
	}
	if (payload == NULL) { /* nothing was asked by the room itself */
		ly_stanza_free(iq);
		return;
	}
	for (size_t i = 0; i < LY_COUNTOF(room_routes); i++) {
		const struct room_route *r = &room_routes[i];

		if ((r->type == LY_T_ERROR || r->type == iq->type) &&
		    ly_xml_is(payload, r->ns, r->name)) {
			r->fn(room, iq);
			return;
		}
	}
	ly_muc_refuse(room->muc, iq, LY_SERVICE_UNAVAILABLE, NULL);
}

/* s. 17.5.1.1: errors that say that a session is not there any more */
static bool says_gone(const struct ly_stanza *st)
{
	static const char *const conds[] = {
		"gone",     "item-not-found",          "recipient-unavailable",
		"redirect", "remote-server-not-found", "remote-server-timeout"
	};
	const struct ly_xml *error = ly_xml_child(st->root, LY_NS_CLIENT, "error");

	for (size_t i = 0; error != NULL && i < LY_COUNTOF(conds); i++)
		if (ly_xml_child(error, LY_NS_STANZAS, conds[i]) != NULL)
			return true;
	return false;
}

static void dispatch(struct ly_room *room, struct ly_stanza *st)
{
	struct ly_muc_session *ghost = NULL;

	/* s. 10.1.1: a locked room is there for its owner only */
	if (room->state == LY_ROOM_LOCKED && st->kind != LY_PRESENCE &&
	    ly_room_affiliation(room, st->from.bare) != LY_MUC_OWNER) {
		ly_muc_refuse(room->muc, st, LY_ITEM_NOT_FOUND, NULL);
		return;
	}
	if (st->type == LY_T_ERROR && st->kind != LY_IQ && says_gone(st))
		ghost = ly_room_session(room, &st->from);
	if (ghost != NULL) {
		ly_room_remove_session(room, ghost, LY_MUC_LOST, NULL, false);
		ly_stanza_free(st);
	} else if (st->kind == LY_PRESENCE) {
		ly_room_presence(room, st);
	} else if (st->kind == LY_MESSAGE) {
		ly_room_message(room, st);
	} else {
		on_iq(room, st);
	}
}

/* A stanza to a room that does not exist: it may begin it. */
static void begin(struct ly_room *room, struct ly_stanza *st)
{
	struct ly_muc *muc = room->muc;

	if (st->kind != LY_PRESENCE) {
		ly_muc_refuse(muc, st, LY_ITEM_NOT_FOUND, NULL);
	} else if (st->type != LY_T_AVAILABLE) {
		ly_stanza_free(st);
	} else if (ly_xml_child(st->root, LY_NS_MUC, "x") == NULL) {
		ly_muc_tell_not_in(muc, st);
		ly_stanza_free(st);
	} else if (!ly_muc_may_create(muc, &st->from)) {
		ly_muc_refuse(muc, st, LY_NOT_ALLOWED, NULL);
	} else if (st->from.local == NULL || st->to.resource == NULL) {
		ly_muc_refuse(muc, st, LY_JID_MALFORMED, "A room nick is missing.");
	} else if (ly_muc_room_found(room, st->from.bare) != 0) {
		ly_muc_refuse(muc, st, LY_RESOURCE_CONSTRAINT, NULL);
	} else {
		dispatch(room, st);
	}
}

static void refuse_load(struct ly_muc *muc, struct ly_stanza *st)
{
	ly_muc_refuse_typed(muc, st, LY_INTERNAL_SERVER_ERROR, LY_ERR_WAIT,
			    "The room could not be loaded.");
}

void ly_muc_room_release(struct ly_room *room, int err)
{
	struct ly_muc *muc = room->muc;

	if (err == 0)
		room->state = LY_ROOM_OPEN;
	else if (err != -ENOENT)
		ly_log(&muc->log, LY_ERROR, "room not loaded", "room=%s err=%s", room->jid,
		       ly_err_name(err));
	ly_muc_agents_joined(room, err);
	LY_LIST_EACH (n, tmp, &room->waiting) {
		struct ly_muc_wait *w = LY_LIST_ENTRY(n, struct ly_muc_wait, link);
		struct ly_stanza *st = w->st;

		ly_list_del(n);
		room->n_waiting--;
		ly_free(w, LY_MEM_ROOM);
		if (room->gone)
			ly_muc_recv(muc, st); /* the one before was its last: from the start */
		else if (room->state != LY_ROOM_LOADING)
			dispatch(room, st);
		else if (err == -ENOENT)
			begin(room, st);
		else
			refuse_load(muc, st);
	}
	if (room->state == LY_ROOM_LOADING)
		ly_muc_room_end(room);
	else
		ly_muc_room_check_empty(room);
}

static void wait(struct ly_room *room, struct ly_stanza *st)
{
	struct ly_muc_wait *w = NULL;

	if (room->n_waiting < LY_MUC_MAX_WAITING)
		w = (struct ly_muc_wait *)ly_alloc(sizeof(*w), LY_MEM_ROOM);
	if (w == NULL) {
		ly_muc_refuse(room->muc, st, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	w->st = st;
	ly_list_add_tail(&room->waiting, &w->link);
	room->n_waiting++;
}

void ly_muc_recv(struct ly_muc *muc, struct ly_stanza *st)
{
	struct ly_room *room = ly_muc_room(muc, st->to.bare);
	bool is_new = room == NULL;

	if (!ly_jid_is_set(&st->from)) {
		ly_stanza_free(st);
		return;
	}
	ly_muc_enter(muc);
	if (is_new)
		room = ly_muc_room_create(muc, st->to.bare);
	if (room == NULL) {
		ly_muc_refuse(muc, st, LY_RESOURCE_CONSTRAINT, NULL);
	} else if (room->state == LY_ROOM_LOADING) {
		wait(room, st);
		if (is_new)
			ly_muc_room_load(room);
	} else {
		dispatch(room, st);
	}
	ly_muc_leave(muc);
}
