/* The bridge channel: JSON messages with a colibriClass over the participant's WebSocket. */
#include "server/focus/focus_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

/** Messages of one channel that may wait for the home. */
#define MAX_WAITING 200
/** Most sources that one constraints message names. */
#define MAX_NAMES 128

/** Shared by the socket's thread and the home of the call; each has one reference. */
struct ly_focus_bridge {
	_Atomic unsigned refs;
	_Atomic unsigned waiting;
	struct ly_focus *focus;
	unsigned home;
	const struct ly_focus_bridge_ops *ops;
	void *ctx;
	char call[LY_FOCUS_ID_MAX], endpoint[LY_SFU_ID_MAX], pwd[LY_FOCUS_PWD_MAX];
	struct ly_focus_part *part; /* at the home only; NULL: not attached */
};

enum bridge_msg_kind { B_OPEN, B_TEXT, B_CLOSE };

struct bridge_msg {
	struct ly_msg msg;
	enum bridge_msg_kind kind;
	struct ly_focus_bridge *bridge;
	size_t len;
	char text[];
};

static void unref(struct ly_focus_bridge *b)
{
	if (atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	b->ops->free(b->ctx);
	ly_wipe(b->pwd, sizeof(b->pwd));
	ly_free(b, LY_MEM_CALL);
}

static void drop(struct ly_msg *msg)
{
	struct bridge_msg *m = LY_CONTAINER_OF(msg, struct bridge_msg, msg);

	if (m->kind == B_CLOSE)
		unref(m->bridge); /* the home's */
	ly_free(m, LY_MEM_QUEUE);
}

static void run(struct ly_home *home, struct ly_msg *msg);

static int post(struct ly_focus_bridge *b, enum bridge_msg_kind kind, const char *text, size_t len)
{
	struct bridge_msg *m = ly_alloc(sizeof(*m) + len + 1, LY_MEM_QUEUE);

	if (m == NULL)
		return -ENOMEM;
	m->msg.run = run;
	m->msg.drop = drop;
	m->kind = kind;
	m->bridge = b;
	m->len = len;
	if (len)
		memcpy(m->text, text, len);
	b->focus->conf.post(b->focus->conf.ctx, b->home, &m->msg);
	return 0;
}

/* ---- on the socket's thread ---- */

/* Takes the next part of "a/b/c". */
static int next_part(const char **path, char *out, size_t cap)
{
	size_t len = strcspn(*path, "/");

	if (len == 0 || len >= cap)
		return -EINVAL;
	memcpy(out, *path, len);
	out[len] = 0;
	*path += len + ((*path)[len] == '/');
	return 0;
}

static int parse_path(struct ly_focus_bridge *b, const char *path, const char *query)
{
	char home[8];
	const char *pwd = query ? strstr(query, "pwd=") : NULL;
	unsigned long n;

	if (next_part(&path, home, sizeof(home)) || next_part(&path, b->call, sizeof(b->call)) ||
	    next_part(&path, b->endpoint, sizeof(b->endpoint)) || *path != 0 || pwd == NULL)
		return -EINVAL;
	n = strtoul(home, NULL, 10);
	if (n >= b->focus->conf.n_homes || strcspn(pwd + 4, "&") >= sizeof(b->pwd))
		return -EINVAL;
	b->home = (unsigned)n;
	memcpy(b->pwd, pwd + 4, strcspn(pwd + 4, "&"));
	return 0;
}

int ly_focus_bridge_open(struct ly_focus *f, struct ly_focus_bridge **out, const char *path,
			 const char *query, const struct ly_focus_bridge_ops *ops, void *ctx)
{
	struct ly_focus_bridge *b = ly_alloc(sizeof(*b), LY_MEM_CALL);
	int err;

	if (b == NULL)
		return -ENOMEM;
	b->focus = f;
	b->ops = ops;
	b->ctx = ctx;
	atomic_init(&b->refs, 2);
	err = parse_path(b, path, query);
	if (!err)
		err = post(b, B_OPEN, NULL, 0);
	if (err) {
		ly_free(b, LY_MEM_CALL);
		return err;
	}
	*out = b;
	return 0;
}

void ly_focus_bridge_recv(struct ly_focus_bridge *b, const char *text, size_t len)
{
	if (len > LY_FOCUS_BRIDGE_TEXT_MAX || atomic_load(&b->waiting) >= MAX_WAITING) {
		ly_log(&ly_focus_log, LY_WARN, "bridge_flood", "endpoint=%s len=%zu", b->endpoint,
		       len);
		b->ops->send(b->ctx, NULL, 0);
		return;
	}
	atomic_fetch_add(&b->waiting, 1);
	if (post(b, B_TEXT, text, len))
		b->ops->send(b->ctx, NULL, 0);
}

void ly_focus_bridge_close(struct ly_focus_bridge *b)
{
	if (b == NULL)
		return;
	(void)post(b, B_CLOSE, NULL, 0);
	unref(b);
}

/* ---- at the home of the call ---- */

void ly_bridge_send(struct ly_focus_bridge *b, json_t *msg)
{
	char *text = b ? json_dumps(msg, JSON_COMPACT) : NULL;

	if (text != NULL)
		b->ops->send(b->ctx, text, strlen(text));
	free(text);
}

void ly_bridge_detach(struct ly_focus_part *p)
{
	struct ly_focus_bridge *b = p->bridge;

	if (b == NULL)
		return;
	p->bridge = NULL;
	b->part = NULL;
	b->ops->send(b->ctx, NULL, 0);
}

static struct ly_focus_part *find_part(struct ly_focus_home *fh, const char *call, const char *ep)
{
	struct ly_map_slot it;
	size_t i = 0;

	while (ly_map_next(&fh->confs, &i, &it)) {
		struct ly_focus_call *c = it.value;

		if (strcmp(c->id, call) == 0)
			return ly_call_part_by_endpoint(c, ep);
	}
	return NULL;
}

static void on_open(struct ly_focus_home *fh, struct ly_focus_bridge *b)
{
	struct ly_focus_part *p = find_part(fh, b->call, b->endpoint);
	json_t *hello;

	if (p == NULL || !ly_equal_ct(b->pwd, p->bridge_pwd, sizeof(b->pwd))) {
		ly_log(&ly_focus_log, LY_WARN, "bridge_refused", "endpoint=%s call=%s", b->endpoint,
		       b->call);
		b->ops->send(b->ctx, NULL, 0);
		return;
	}
	ly_bridge_detach(p);
	p->bridge = b;
	b->part = p;
	hello = json_pack("{s:s,s:s}", "colibriClass", "ServerHello", "version", "lyceum");
	ly_bridge_send(b, hello);
	json_decref(hello);
	if (p->call->dominant[0]) {
		json_t *speaker = json_pack(
			"{s:s,s:s,s:[]}", "colibriClass", "DominantSpeakerEndpointChangeEvent",
			"dominantSpeakerEndpoint", p->call->dominant, "previousSpeakers");

		ly_bridge_send(b, speaker);
		json_decref(speaker);
	}
}

/* Strings of a JSON array as fixed names; those that are too long are left out. */
static size_t read_names(json_t *list, char (*out)[LY_SFU_NAME_MAX], size_t cap)
{
	size_t n = 0, i;
	json_t *it;

	json_array_foreach(list, i, it)
	{
		const char *s = json_string_value(it);

		if (s != NULL && n < cap && strlen(s) < LY_SFU_NAME_MAX)
			snprintf(out[n++], LY_SFU_NAME_MAX, "%s", s);
	}
	return n;
}

static uint16_t height_of(json_t *constraint, uint16_t otherwise)
{
	json_t *h = json_object_get(constraint, "maxHeight");
	json_int_t v = json_is_integer(h) ? json_integer_value(h) : otherwise;

	return v < 0 || v > UINT16_MAX ? UINT16_MAX : (uint16_t)v;
}

static void on_constraints(struct ly_focus_part *p, json_t *msg)
{
	static const char *const lists[] = { "onStageSources", "selectedSources" };
	char selected[MAX_NAMES][LY_SFU_NAME_MAX];
	struct ly_sfu_constraint sources[MAX_NAMES];
	struct ly_sfu_constraints c = { .selected = selected, .sources = sources };
	json_t *last_n = json_object_get(msg, "lastN"), *it;
	json_t *defaults = json_object_get(msg, "defaultConstraints");
	json_t *named = json_object_get(msg, "constraints");
	const char *name;
	unsigned set = 0;

	if (json_is_integer(last_n)) {
		set |= LY_SFU_SET_LAST_N;
		c.last_n = (int32_t)LY_MAX(-1, LY_MIN(json_integer_value(last_n), 1000));
	}
	if (json_is_object(defaults)) {
		set |= LY_SFU_SET_DEFAULT;
		c.default_max_height = height_of(defaults, 180);
	}
	for (size_t i = 0; i < LY_COUNTOF(lists); i++) {
		json_t *list = json_object_get(msg, lists[i]);

		if (!json_is_array(list))
			continue;
		set |= LY_SFU_SET_SELECTED;
		c.n_selected += read_names(list, selected + c.n_selected, MAX_NAMES - c.n_selected);
	}
	if (json_is_object(named))
		set |= LY_SFU_SET_SOURCES;
	json_object_foreach(named, name, it)
	{
		if (c.n_sources == MAX_NAMES || strlen(name) >= LY_SFU_NAME_MAX)
			continue;
		snprintf(sources[c.n_sources].name, LY_SFU_NAME_MAX, "%s", name);
		sources[c.n_sources++].max_height = height_of(it, UINT16_MAX);
	}
	c.set = set;
	if (set)
		ly_media_set_constraints(p->call->at->focus->media, p->call->conf, p->endpoint, &c);
}

/* Passed on with the sender's id: to one endpoint, or to everybody else. */
static void on_endpoint_message(struct ly_focus_part *p, json_t *msg)
{
	const char *to = json_string_value(json_object_get(msg, "to"));
	struct ly_focus_part *one;

	json_object_set_new(msg, "from", json_string(p->endpoint));
	if (to == NULL || to[0] == 0) {
		ly_call_bridge_all(p->call, p, json_incref(msg));
		return;
	}
	one = ly_call_part_by_endpoint(p->call, to);
	if (one != NULL)
		ly_bridge_send(one->bridge, msg);
}

static void on_hello(struct ly_focus_part *p, json_t *msg)
{
	json_t *hello = json_pack("{s:s}", "colibriClass", "ServerHello");

	(void)msg;
	ly_bridge_send(p->bridge, hello);
	json_decref(hello);
}

static void on_last_n(struct ly_focus_part *p, json_t *msg)
{
	on_constraints(p, msg); /* the legacy message has lastN alone */
}

static void ignore(struct ly_focus_part *p, json_t *msg)
{
	(void)p;
	(void)msg;
}

static const struct {
	const char *class;
	void (*fn)(struct ly_focus_part *p, json_t *msg);
} classes[] = {
	{ "ClientHello", on_hello },
	{ "ReceiverVideoConstraints", on_constraints },
	{ "LastNChangedEvent", on_last_n },
	{ "EndpointMessage", on_endpoint_message },
	{ "EndpointStats", on_endpoint_message },
	{ "SourceVideoTypeMessage", ignore },    /* the presence says the same */
	{ "ReceiverAudioSubscription", ignore }, /* all audio is forwarded */
};

static void on_text(struct ly_focus_bridge *b, const char *text, size_t len)
{
	json_error_t err;
	json_t *msg;
	const char *class;
	size_t i;

	if (b->part == NULL)
		return;
	msg = json_loadb(text, len, 0, &err);
	class = json_string_value(json_object_get(msg, "colibriClass"));
	for (i = 0; class != NULL && i < LY_COUNTOF(classes); i++)
		if (strcmp(classes[i].class, class) == 0)
			break;
	if (class == NULL || i == LY_COUNTOF(classes))
		ly_log(&ly_focus_log, LY_WARN, "bridge_message", "endpoint=%s error=\"%s\" byte=%d",
		       b->endpoint, msg ? "no known colibriClass" : "no JSON",
		       msg ? 0 : err.position); /* not err.text, which quotes the message */
	else
		classes[i].fn(b->part, msg);
	json_decref(msg);
}

static void run(struct ly_home *home, struct ly_msg *msg)
{
	struct bridge_msg *m = LY_CONTAINER_OF(msg, struct bridge_msg, msg);
	struct ly_focus_bridge *b = m->bridge;

	switch (m->kind) {
	case B_OPEN:
		on_open(ly_focus_at(b->focus, home), b);
		break;
	case B_TEXT:
		atomic_fetch_sub(&b->waiting, 1);
		on_text(b, m->text, m->len);
		break;
	case B_CLOSE:
		if (b->part != NULL)
			b->part->bridge = NULL;
		b->part = NULL;
		break;
	}
	drop(msg);
}
