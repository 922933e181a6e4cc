#include "tests/unit/signaling/muc_world.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/err.h"
#include "tests/unit/check.h"

static const struct ly_host hosts[] = {
	{ .domain = "localhost", .kind = LY_HOST_USERS },
	{ .domain = "rooms.localhost", .kind = LY_HOST_ROOMS, .name = "Rooms" },
};

/* One kept thing: a room, or a message of a room's history. */
struct kept {
	struct ly_list link;
	struct ly_store_req *req; /* the request that wrote it, with its arena */
};

/* ---- store ---- */

static void kept_free(struct kept *k)
{
	ly_list_del(&k->link);
	ly_store_req_destroy(k->req);
	free(k);
}

static struct kept *kept_find(struct world *w, enum ly_store_op op, const char *owner,
			      struct kept *after)
{
	struct ly_list *from = after != NULL ? after->link.next : w->store.next;

	for (struct ly_list *n = from; n != &w->store; n = n->next) {
		struct kept *k = LY_LIST_ENTRY(n, struct kept, link);

		if (k->req->op == op && strcmp(k->req->owner, owner) == 0)
			return k;
	}
	return NULL;
}

static void forget_all(struct world *w, enum ly_store_op op, const char *owner)
{
	struct kept *k;

	while ((k = kept_find(w, op, owner, NULL)) != NULL)
		kept_free(k);
}

static const struct ly_store_room_member *copy_members(struct ly_store_req *to,
						       const struct ly_store_room *r)
{
	struct ly_store_room_member *v = (struct ly_store_room_member *)ly_arena_alloc(
		&to->arena, (r->n_members + 1) * sizeof(*v));

	if (v == NULL) {
		to->err = -ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < r->n_members; i++) {
		v[i] = r->members[i];
		v[i].jid = ly_store_str(to, v[i].jid);
		v[i].nick = v[i].nick != NULL ? ly_store_str(to, v[i].nick) : NULL;
		v[i].reason = v[i].reason != NULL ? ly_store_str(to, v[i].reason) : NULL;
	}
	return v;
}

static void copy_room(struct ly_store_req *to, struct ly_store_room *out,
		      const struct ly_store_room *r)
{
	*out = *r;
	out->jid = ly_store_str(to, r->jid);
	out->config = r->config != NULL ? ly_store_str(to, r->config) : NULL;
	out->name = r->name != NULL ? ly_store_str(to, r->name) : NULL;
	out->subject = r->subject != NULL ? ly_store_str(to, r->subject) : NULL;
	out->subject_nick = r->subject_nick != NULL ? ly_store_str(to, r->subject_nick) : NULL;
	out->members = copy_members(to, r);
}

/* Keeps a copy of what a request writes, in place of the older one of a room. */
static void keep(struct world *w, struct ly_store_req *req)
{
	struct kept *k = (struct kept *)calloc(1, sizeof(*k));

	ly_list_init(&k->link);
	k->req = ly_store_req_create(0, req->op, req->owner);
	if (k->req != NULL && req->op == LY_STORE_ROOM_PUT) {
		copy_room(k->req, &k->req->u.room, &req->u.room);
	} else if (k->req != NULL) {
		k->req->u.text.xml = ly_store_str(k->req, req->u.text.xml);
		k->req->u.text.wall = req->u.text.wall;
	}
	if (k->req == NULL || k->req->err != 0) {
		req->err = -ENOMEM;
		kept_free(k);
		return;
	}
	if (req->op == LY_STORE_ROOM_PUT)
		forget_all(w, LY_STORE_ROOM_PUT, req->owner);
	ly_list_add_tail(&w->store, &k->link);
}

static void get_texts(struct world *w, struct ly_store_req *req)
{
	size_t n = 0;

	req->u.texts.v =
		(struct ly_store_text *)ly_arena_alloc(&req->arena, 1000 * sizeof(*req->u.texts.v));
	for (struct kept *k = kept_find(w, LY_STORE_ROOM_HISTORY_ADD, req->owner, NULL); k != NULL;
	     k = kept_find(w, LY_STORE_ROOM_HISTORY_ADD, req->owner, k)) {
		req->u.texts.v[n].xml = ly_store_str(req, k->req->u.text.xml);
		req->u.texts.v[n++].wall = k->req->u.text.wall;
	}
	req->u.texts.n = n;
}

static void list_rooms(struct world *w, struct ly_store_req *req)
{
	size_t n = 0;

	req->u.rooms.v =
		(struct ly_store_room *)ly_arena_alloc(&req->arena, 1000 * sizeof(*req->u.rooms.v));
	if (req->u.rooms.v == NULL)
		req->err = -ENOMEM;
	if (req->err != 0)
		return;
	LY_LIST_EACH (it, tmp, &w->store) {
		struct kept *k = LY_LIST_ENTRY(it, struct kept, link);

		if (k->req->op == LY_STORE_ROOM_PUT)
			copy_room(req, &req->u.rooms.v[n++], &k->req->u.room);
	}
	req->u.rooms.n = n;
}

static void execute(struct world *w, struct ly_store_req *req)
{
	struct kept *k;

	switch (req->op) {
	case LY_STORE_USER_GET:
		req->u.user = (struct ly_store_user) { .jid = req->owner };
		break;
	case LY_STORE_ROOM_GET:
		k = kept_find(w, LY_STORE_ROOM_PUT, req->owner, NULL);
		if (k == NULL)
			req->err = -ENOENT;
		else
			copy_room(req, &req->u.room, &k->req->u.room);
		break;
	case LY_STORE_ROOM_PUT:
		keep(w, req);
		break;
	case LY_STORE_ROOM_DELETE:
		forget_all(w, LY_STORE_ROOM_PUT, req->owner);
		forget_all(w, LY_STORE_ROOM_HISTORY_ADD, req->owner);
		break;
	case LY_STORE_ROOM_HISTORY_ADD:
		keep(w, req);
		break;
	case LY_STORE_ROOM_HISTORY_GET:
		get_texts(w, req);
		break;
	case LY_STORE_ROOM_LIST:
		list_rooms(w, req);
		break;
	default:
		memset(&req->u, 0, sizeof(req->u));
		break;
	}
}

static bool is_of_rooms(enum ly_store_op op)
{
	return op >= LY_STORE_ROOM_GET && op <= LY_STORE_ROOM_HISTORY_GET;
}

static void answer(struct world *w, struct ly_store_req *req)
{
	if (w->fail_store && is_of_rooms(req->op))
		req->err = -EIO;
	else
		execute(w, req);
	ly_list_add_tail(&w->queues[req->home], &req->msg.link);
}

static void env_store(void *ctx, struct ly_store_req *req)
{
	struct world *w = (struct world *)ctx;

	w->n_requests[req->op]++;
	if (w->hold_store && is_of_rooms(req->op))
		ly_list_add_tail(&w->asked, &req->msg.link);
	else
		answer(w, req);
}

void world_answer(struct world *w)
{
	w->hold_store = false;
	LY_LIST_EACH (n, tmp, &w->asked) {
		struct ly_msg *msg = LY_LIST_ENTRY(n, struct ly_msg, link);

		ly_list_del(n);
		answer(w, LY_CONTAINER_OF(msg, struct ly_store_req, msg));
	}
	world_run(w);
}

/* ---- homes ---- */

static void env_post(void *ctx, unsigned home, struct ly_msg *msg)
{
	struct world *w = (struct world *)ctx;

	ly_list_add_tail(&w->queues[home], &msg->link);
}

static void env_send(void *ctx, uint64_t conn, struct ly_blob *blob, struct ly_span to)
{
	struct world *w = (struct world *)ctx;
	struct world_client *c = &w->clients[conn];
	uint32_t hole = blob->hole == LY_NO_HOLE ? 0 : blob->hole;

	ly_buf_add(&c->in, blob->data, hole);
	if (to.len > 0)
		ly_buf_printf(&c->in, " to='%.*s'", (int)to.len, (const char *)to.ptr);
	ly_buf_add(&c->in, blob->data + hole, blob->len - hole);
	ly_buf_addc(&c->in, '\n');
	c->n_received++;
}

static void env_close(void *ctx, uint64_t conn, enum ly_stream_error cond, const char *text)
{
	(void)ctx;
	(void)conn;
	(void)cond;
	(void)text;
}

static void create_homes(struct world *w)
{
	struct ly_home_env env = { w, w->n_homes, env_post, env_store, env_send, env_close };

	for (unsigned i = 0; i < w->n_homes; i++) {
		struct ly_home_conf conf = {
			.index = i, .hosts = hosts, .n_hosts = LY_COUNTOF(hosts), .rand = &w->rand
		};

		ly_list_init(&w->queues[i]);
		assert_int_equal(0, ly_home_create(&w->homes[i], &conf, &env, w->now));
	}
}

static void destroy_homes(struct world *w)
{
	for (unsigned i = 0; i < w->n_clients; i++) {
		if (w->clients[i].session != NULL)
			ly_session_detach(w->clients[i].session);
		w->clients[i].session = NULL;
	}
	world_run(w);
	LY_LIST_EACH (n, tmp, &w->asked) {
		struct ly_msg *msg = LY_LIST_ENTRY(n, struct ly_msg, link);

		ly_list_del(n);
		msg->drop(msg);
	}
	for (unsigned i = 0; i < w->n_homes; i++)
		ly_home_destroy(w->homes[i]);
}

void world_init(struct world *w, unsigned n_homes)
{
	memset(w, 0, sizeof(*w));
	w->n_homes = n_homes;
	w->now = LY_SEC(1000);
	w->wall = LY_SEC(1700000000);
	ly_rand_seeded(&w->rand, 7);
	ly_list_init(&w->store);
	ly_list_init(&w->asked);
	create_homes(w);
}

void world_fini(struct world *w)
{
	destroy_homes(w);
	LY_LIST_EACH (n, tmp, &w->store)
		kept_free(LY_LIST_ENTRY(n, struct kept, link));
	for (unsigned i = 0; i < w->n_clients; i++)
		ly_buf_fini(&w->clients[i].in);
}

void world_restart(struct world *w)
{
	destroy_homes(w);
	create_homes(w);
}

void world_run(struct world *w)
{
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < w->n_homes; i++) {
			if (!ly_list_is_empty(&w->queues[i])) {
				ly_home_run(w->homes[i], w->now, w->wall, &w->queues[i]);
				more = true;
			}
			if (ly_home_deadline(w->homes[i]) <= w->now) {
				ly_home_tick(w->homes[i], w->now, w->wall);
				more = true;
			}
		}
	}
}

void world_wait(struct world *w, ly_usec t)
{
	w->now += t;
	w->wall += t;
	world_run(w);
}

/* ---- clients ---- */

unsigned world_connect(struct world *w, const char *name)
{
	unsigned n = w->n_clients++;
	struct world_client *c = &w->clients[n];
	const char *slash = strchr(name, '/');
	int len = slash != NULL ? (int)(slash - name) : (int)strlen(name);
	char bare[100];

	assert_true(n < WORLD_CLIENTS);
	snprintf(bare, sizeof(bare), "%.*s@localhost", len, name);
	ly_buf_init(&c->in, LY_MEM_MISC, 0);
	c->home = w->homes[ly_home_index_of(w->n_homes, ly_span_str(bare))];
	assert_int_equal(0, ly_session_bind(c->home, n, bare, slash != NULL ? slash + 1 : "web",
					    &c->session));
	snprintf(c->jid, sizeof(c->jid), "%s", ly_session_jid(c->session));
	world_run(w);
	world_send(w, n, "<presence/>");
	ly_buf_reset(&c->in);
	return n;
}

void world_disconnect(struct world *w, unsigned client)
{
	ly_session_detach(w->clients[client].session);
	w->clients[client].session = NULL;
	world_run(w);
}

void world_send(struct world *w, unsigned client, const char *xml)
{
	struct world_client *c = &w->clients[client];
	struct ly_stanza *st, *stamped;
	char text[70000];

	/* the stream declares the namespace for all that is in it */
	snprintf(text, sizeof(text), "%.*s xmlns='jabber:client'%s", (int)strcspn(xml, " />"), xml,
		 xml + strcspn(xml, " />"));
	assert_int_equal(0, ly_stanza_parse(&st, ly_span_str(text)));
	assert_int_equal(0, ly_stanza_clone(&stamped, st, c->jid, NULL));
	ly_stanza_free(st);
	ly_heap_fail_at(w->fail_alloc);
	ly_session_recv(c->session, stamped);
	world_run(w);
	w->alloc_failed = ly_heap_failed();
	ly_heap_fail_at(0);
	w->fail_alloc = 0;
}

const char *world_got(struct world *w, unsigned client)
{
	static char text[400000];
	struct world_client *c = &w->clients[client];

	snprintf(text, sizeof(text), "%s", c->in.len > 0 ? ly_buf_str(&c->in) : "");
	ly_buf_reset(&c->in);
	c->n_received = 0;
	return text;
}

void world_forget(struct world *w)
{
	for (unsigned i = 0; i < w->n_clients; i++) {
		ly_buf_reset(&w->clients[i].in);
		w->clients[i].n_received = 0;
	}
}

struct ly_muc *world_muc(struct world *w, const char *room)
{
	return ly_muc_of(w->homes[ly_home_index_of(w->n_homes, ly_span_str(room))],
			 "rooms.localhost");
}

bool world_has(const char *text, ...)
{
	const char *word, *at = text;
	va_list ap;

	va_start(ap, text);
	while (at != NULL && (word = va_arg(ap, const char *)) != NULL) {
		at = strstr(at, word);
		if (at == NULL)
			print_error("missing \"%s\" in:\n%s\n", word, text);
		else
			at += strlen(word);
	}
	va_end(ap);
	return at != NULL;
}

unsigned world_open_room(struct world *w, const char *form)
{
	unsigned teacher = world_join(w, "teacher", "Teacher");

	ASK(w, teacher, form, "type='result'");
	world_forget(w);
	return teacher;
}

unsigned world_join(struct world *w, const char *name, const char *nick)
{
	unsigned c = world_connect(w, name);
	char text[300];

	snprintf(text, sizeof(text),
		 "<presence to='" ROOM
		 "/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
		 nick);
	ASK(w, c, text, nick, "code='110'");
	world_forget(w);
	return c;
}
