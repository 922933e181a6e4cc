/* The component focus.DOMAIN: conference requests, and the events of the media threads. */
#include "server/focus/focus_priv.h"

#include <stdio.h>

#include "base/err.h"

const struct ly_log ly_focus_log = { "focus", "" };

static void free_strings(struct ly_focus *f)
{
	ly_free(f->domain, LY_MEM_CALL);
	ly_free(f->users_domain, LY_MEM_CALL);
	ly_free(f->rooms_domain, LY_MEM_CALL);
	ly_free(f->public_url, LY_MEM_CALL);
}

int ly_focus_create(struct ly_focus **out, const struct ly_focus_conf *conf)
{
	struct ly_focus *f = ly_alloc(sizeof(*f), LY_MEM_CALL);

	if (f == NULL)
		return -ENOMEM;
	f->conf = *conf;
	f->homes = ly_alloc(conf->n_homes * sizeof(*f->homes), LY_MEM_CALL);
	f->domain = ly_strdup(conf->domain, LY_MEM_CALL);
	f->users_domain = ly_strdup(conf->users_domain, LY_MEM_CALL);
	f->rooms_domain = ly_strdup(conf->rooms_domain, LY_MEM_CALL);
	f->public_url = ly_strdup(conf->public_url, LY_MEM_CALL);
	if (f->homes == NULL || f->domain == NULL || f->users_domain == NULL ||
	    f->rooms_domain == NULL || f->public_url == NULL) {
		ly_free(f->homes, LY_MEM_CALL);
		free_strings(f);
		ly_free(f, LY_MEM_CALL);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < conf->n_homes; i++) {
		struct ly_focus_home *fh = &f->homes[i];

		fh->focus = f;
		fh->index = i;
		ly_map_init(&fh->rooms, LY_MEM_CALL, ly_rand_u64(conf->rand));
		ly_map_init(&fh->confs, LY_MEM_CALL, ly_rand_u64(conf->rand));
		ly_map_init(&fh->claims, LY_MEM_CALL, ly_rand_u64(conf->rand));
		ly_map_init(&fh->slots, LY_MEM_CALL, ly_rand_u64(conf->rand));
	}
	*out = f;
	return 0;
}

void ly_focus_destroy(struct ly_focus *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < f->conf.n_homes; i++) {
		struct ly_focus_home *fh = &f->homes[i];

		ly_slots_fini(fh);
		ly_map_fini(&fh->rooms);
		ly_map_fini(&fh->confs);
		ly_map_fini(&fh->claims);
		ly_map_fini(&fh->slots);
	}
	ly_free(f->homes, LY_MEM_CALL);
	free_strings(f);
	ly_free(f, LY_MEM_CALL);
}

void ly_focus_set_media(struct ly_focus *f, struct ly_media *media)
{
	f->media = media;
}

struct ly_focus_home *ly_focus_at(struct ly_focus *f, struct ly_home *home)
{
	struct ly_focus_home *fh = &f->homes[ly_home_index(home)];

	fh->home = home;
	return fh;
}

static const struct ly_xml *conference_of(const struct ly_stanza *st)
{
	const struct ly_xml *el = ly_iq_payload(st);

	return el != NULL && ly_xml_is(el, LY_NS_FOCUS, "conference") ? el : NULL;
}

/* The normalised bare JID of the room that a conference request names. */
static int room_of(struct ly_focus *f, const struct ly_stanza *st, struct ly_jid *room)
{
	const struct ly_xml *conference = conference_of(st);
	const char *text = conference ? ly_xml_attr(conference, "room") : NULL;
	int err = text ? ly_jid_parse(room, &st->doc->arena, text) : -EBADMSG;

	if (err)
		return err;
	if (room->local == NULL || strcmp(room->domain, f->rooms_domain) != 0)
		return -ENOENT;
	return 0;
}

unsigned ly_focus_home_of(void *focus, const struct ly_stanza *st)
{
	struct ly_focus *f = focus;
	struct ly_jid room;

	if (room_of(f, st, &room))
		return ly_home_index_of(f->conf.n_homes, ly_span_str(f->domain));
	return ly_home_index_of(f->conf.n_homes, ly_span_str(room.bare));
}

/* A child <property name value/> of the request. */
static const char *property(const struct ly_xml *conference, const char *name)
{
	for (const struct ly_xml *p = ly_xml_child(conference, LY_NS_FOCUS, "property"); p != NULL;
	     p = ly_xml_next_child(p, LY_NS_FOCUS, "property")) {
		const char *n = ly_xml_attr(p, "name");

		if (n != NULL && strcmp(n, name) == 0)
			return ly_xml_attr(p, "value");
	}
	return NULL;
}

/* Shortens what the client calls its device, on a character boundary. */
static void copy_device(char *out, const char *device)
{
	size_t len = strlen(device);

	if (len >= LY_FOCUS_DEVICE_MAX) {
		len = LY_FOCUS_DEVICE_MAX - 1;
		while (len > 0 && ((unsigned char)device[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, device, len);
	out[len] = 0;
}

static void join(struct ly_focus_home *fh, struct ly_stanza *st, const struct ly_jid *room)
{
	const struct ly_xml *conference = conference_of(st);
	const struct ly_xml *mv = ly_xml_child(conference, LY_NS_CALLS, "move");
	const char *device = property(conference, "device");
	char shown[LY_FOCUS_DEVICE_MAX];
	struct ly_focus_call *call = ly_call_get(fh, room->bare);
	struct ly_focus_part *p = call ? ly_call_part_by_jid(call, st->from.full) : NULL;

	if (call == NULL) {
		ly_bounce(fh->home, st, LY_RESOURCE_CONSTRAINT, "out of memory");
		return;
	}
	if (p != NULL && p->pending != NULL) {
		ly_bounce(fh->home, st, LY_UNEXPECTED_REQUEST, "the same was asked a moment ago");
		return;
	}
	if (p != NULL) {
		p->pending = st;
		ly_part_answer_ready(p);
		return;
	}
	if (call->n_parts >= LY_FOCUS_MAX_PARTS) {
		ly_bounce(fh->home, st, LY_RESOURCE_CONSTRAINT, "the call is full");
		return;
	}
	copy_device(shown, device ? device : "");
	if (ly_part_create(call, st, shown, mv ? ly_xml_attr(mv, "id") : NULL)) {
		ly_bounce(fh->home, st, LY_RESOURCE_CONSTRAINT, "out of memory");
		ly_call_check_empty(call);
	}
}

void ly_focus_recv(struct ly_home *home, void *focus, struct ly_stanza *st)
{
	struct ly_focus *f = focus;
	struct ly_focus_home *fh = ly_focus_at(f, home);
	struct ly_jid room;
	int err;

	if (st->kind != LY_IQ || (st->type != LY_T_GET && st->type != LY_T_SET)) {
		ly_stanza_free(st);
		return;
	}
	if (conference_of(st) == NULL) {
		ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	err = room_of(f, st, &room);
	if (err == -ENOENT)
		ly_bounce(home, st, LY_ITEM_NOT_FOUND, "calls are in rooms of this server");
	else if (err)
		ly_bounce(home, st, LY_BAD_REQUEST, "conference needs the JID of a room");
	else if (st->from.resource == NULL || strcmp(st->from.domain, f->users_domain) != 0)
		ly_bounce(home, st, LY_NOT_ALLOWED, "only users of this server may join calls");
	else if (fh->stopping)
		ly_bounce(home, st, LY_SERVICE_UNAVAILABLE, "the server is shutting down");
	else
		join(fh, st, &room);
}

/* ---- events of the media threads ---- */

struct media_msg {
	struct ly_msg msg;
	struct ly_focus *focus;
	struct ly_media_event *ev;
};

static void drop_media(struct ly_msg *msg)
{
	struct media_msg *m = LY_CONTAINER_OF(msg, struct media_msg, msg);

	ly_media_event_free(m->ev);
	ly_free(m, LY_MEM_QUEUE);
}

static json_t *colibri(const char *class)
{
	return json_pack("{s:s}", "colibriClass", class);
}

static json_t *names_of(const struct ly_media_event *ev, size_t from)
{
	json_t *list = json_array();

	for (size_t i = from; i < ev->n_names; i++)
		json_array_append_new(list, json_string(ev->names[i]));
	return list;
}

static void on_endpoint_state(struct ly_focus_call *c, struct ly_focus_part *p,
			      const struct ly_media_event *ev)
{
	json_t *msg;

	ly_log(&ly_focus_log, LY_INFO, "media_state", "room=%s endpoint=%s state=%d reason=%d",
	       c->room, p->endpoint, ev->state, ev->reason);
	p->media = ev->state;
	if (ev->state == LY_SFU_FAILED) {
		atomic_fetch_add(&c->at->focus->ended_lost, 1);
		ly_part_end(p, LY_CALL_LOST, "the media connection was lost", NULL, LY_PART_TELL);
		return;
	}
	if (ev->state == LY_SFU_CHECKING)
		return;
	msg = colibri("EndpointConnectivityStatusChangeEvent");
	json_object_set_new(msg, "endpoint", json_string(p->endpoint));
	json_object_set_new(msg, "active",
			    json_string(ev->state == LY_SFU_CONNECTED ? "true" : "false"));
	ly_call_bridge_all(c, p, msg);
}

static void on_dominant(struct ly_focus_call *c, const struct ly_media_event *ev)
{
	json_t *msg = colibri("DominantSpeakerEndpointChangeEvent");

	if (ev->n_names == 0) {
		json_decref(msg);
		return;
	}
	snprintf(c->dominant, sizeof(c->dominant), "%s", ev->names[0]);
	json_object_set_new(msg, "dominantSpeakerEndpoint", json_string(ev->names[0]));
	json_object_set_new(msg, "previousSpeakers", names_of(ev, 1));
	json_object_set_new(msg, "silence", json_false());
	ly_call_bridge_all(c, NULL, msg);
}

static void to_bridge(struct ly_focus_part *p, const struct ly_media_event *ev)
{
	json_t *msg;

	if (ev->kind == LY_MEDIA_FORWARDED_SOURCES) {
		msg = colibri("ForwardedSources");
		json_object_set_new(msg, "forwardedSources", names_of(ev, 0));
	} else {
		msg = colibri("SenderSourceConstraints");
		json_object_set_new(msg, "sourceName", json_string(ev->source));
		json_object_set_new(msg, "maxHeight", json_integer(ev->max_height));
	}
	ly_bridge_send(p->bridge, msg);
	json_decref(msg);
}

static void on_failed(struct ly_focus_call *c, struct ly_focus_part *p,
		      const struct ly_media_event *ev)
{
	ly_log(&ly_focus_log, LY_WARN, "media_command_failed",
	       "room=%s endpoint=%s command=%s error=%s", c->room, ev->endpoint, ev->command,
	       ly_err_name(ev->error));
	/* Without its transport or sources it would sit in the call unseen: let it come again. */
	if (p != NULL && ev->error != -ENOENT)
		ly_part_end(p, LY_CALL_ENDED, "the server could not set up the media", NULL,
			    LY_PART_TELL);
}

static void run_media(struct ly_home *home, struct ly_msg *msg)
{
	struct media_msg *m = LY_CONTAINER_OF(msg, struct media_msg, msg);
	struct ly_focus_home *fh = ly_focus_at(m->focus, home);
	struct ly_media_event *ev = m->ev;
	struct ly_focus_call *c = ly_map_find_num(&fh->confs, ev->conf);
	struct ly_focus_part *p = c ? ly_call_part_by_endpoint(c, ev->endpoint) : NULL;

	if (c != NULL && ev->kind == LY_MEDIA_STATS) {
		ly_report_stats(fh, ev); /* takes the event */
		m->ev = NULL;
	} else if (c != NULL && ev->kind == LY_MEDIA_DOMINANT_SPEAKER) {
		on_dominant(c, ev);
	} else if (c != NULL && ev->kind == LY_MEDIA_COMMAND_FAILED) {
		on_failed(c, p, ev);
	} else if (p != NULL && ev->kind == LY_MEDIA_ENDPOINT_STATE) {
		on_endpoint_state(c, p, ev);
	} else if (p != NULL) {
		to_bridge(p, ev);
	}
	drop_media(msg);
}

void ly_focus_media_event(void *focus, struct ly_media_event *ev)
{
	struct ly_focus *f = focus;
	struct media_msg *m = ly_alloc(sizeof(*m), LY_MEM_QUEUE);

	if (m == NULL || ly_focus_home_of_number(ev->conf) >= f->conf.n_homes) {
		ly_media_event_free(ev);
		ly_free(m, LY_MEM_QUEUE);
		return;
	}
	m->msg.run = run_media;
	m->msg.drop = drop_media;
	m->focus = f;
	m->ev = ev;
	f->conf.post(f->conf.ctx, ly_focus_home_of_number(ev->conf), &m->msg);
}

void ly_focus_get_counts(const struct ly_focus *f, struct ly_focus_counts *out)
{
	out->calls = atomic_load(&f->calls);
	out->participants = atomic_load(&f->parts);
	out->conflicts = atomic_load(&f->conflicts);
	out->ended_lost = atomic_load(&f->ended_lost);
	out->started = atomic_load(&f->started);
}
