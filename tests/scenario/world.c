#include "tests/scenario/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "signaling/xml/parser.h"

#define MAX_HOMES 8
#define MAX_HOSTS 8

struct world {
	struct world_conf conf;
	struct ly_home *homes[MAX_HOMES];
	struct ly_list queues[MAX_HOMES];
	struct ly_host hosts[MAX_HOSTS];
	struct ly_rand rand;
	struct fake_store *store;
	struct ly_list peers;
	ly_usec now, wall_offset;
	uint64_t last_conn;
	uint64_t fail_at, n_failed;
};

static void on_post(void *ctx, unsigned home, struct ly_msg *msg)
{
	struct world *w = ctx;

	ly_list_add_tail(&w->queues[home], &msg->link);
}

static void on_store(void *ctx, struct ly_store_req *req)
{
	struct world *w = ctx;

	fake_store_submit(w->store, req, w->now);
}

static struct peer *find_conn(struct world *w, uint64_t conn)
{
	LY_LIST_EACH (node, tmp, &w->peers) {
		struct peer *p = LY_LIST_ENTRY(node, struct peer, link);

		if (p->conn && p->conn == conn)
			return p;
	}
	return NULL;
}

static void on_send(void *ctx, uint64_t conn, struct ly_blob *blob, struct ly_span to)
{
	struct peer *p = find_conn(ctx, conn);
	struct received *r;
	size_t hole = LY_MIN((size_t)blob->hole, (size_t)blob->len), len = 0;
	char *out;

	if (p == NULL)
		return;
	/* no ly_alloc here: tests let it fail while homes run */
	r = calloc(1, sizeof(*r));
	r->text = out = calloc(1, blob->len + to.len * 6 + 16);
	memcpy(out, blob->data, hole);
	len = hole;
	if (to.len)
		len += (size_t)sprintf(out + len, " to='%.*s'", (int)to.len, (const char *)to.ptr);
	memcpy(out + len, blob->data + hole, blob->len - hole);
	if (strncmp(out, "<enabled", 8) == 0 && strstr(out, "id='"))
		snprintf(p->sm_id, sizeof(p->sm_id), "%.*s",
			 (int)strcspn(strstr(out, "id='") + 4, "'"), strstr(out, "id='") + 4);
	ly_list_add_tail(&p->inbox, &r->link);
	p->n_received++;
}

static void on_close(void *ctx, uint64_t conn, enum ly_stream_error cond, const char *text)
{
	struct peer *p = find_conn(ctx, conn);

	(void)text;
	if (p) {
		p->is_closed = true;
		p->closed = cond;
	}
}

struct world *world_create(const struct world_conf *conf)
{
	struct world *w = calloc(1, sizeof(*w));
	struct ly_home_env env = { w, conf->n_homes, on_post, on_store, on_send, on_close };
	struct fake_store_conf store = { conf->store_delay, 0, conf->seed, on_post, w };
	struct ly_home_conf home = { .hosts = w->hosts,
				     .n_hosts = 2 + conf->n_more_hosts,
				     .limits = conf->limits,
				     .rand = &w->rand,
				     .version = "0" };

	w->conf = *conf;
	w->now = LY_SEC(1000);
	w->wall_offset = LY_SEC(1700000000);
	w->hosts[0] = (struct ly_host) { .domain = WORLD_DOMAIN, .kind = LY_HOST_USERS };
	w->hosts[1] = (struct ly_host) { .domain = WORLD_ROOMS, .kind = LY_HOST_ROOMS };
	for (size_t i = 0; i < conf->n_more_hosts; i++)
		w->hosts[2 + i] = conf->more_hosts[i];
	ly_rand_seeded(&w->rand, conf->seed);
	ly_list_init(&w->peers);
	w->store = fake_store_create(&store);
	for (unsigned i = 0; i < conf->n_homes; i++) {
		ly_list_init(&w->queues[i]);
		home.index = i;
		if (ly_home_create(&w->homes[i], &home, &env, w->now))
			abort();
		ly_home_tick(w->homes[i], w->now, w->now + w->wall_offset);
	}
	return w;
}

static void peer_free(struct peer *p)
{
	peer_forget(p);
	ly_list_del(&p->link);
	free(p->label);
	free(p);
}

static void drop_queue(struct ly_list *queue)
{
	while (!ly_list_is_empty(queue)) {
		struct ly_msg *msg = LY_LIST_ENTRY(queue->next, struct ly_msg, link);

		ly_list_del(&msg->link);
		msg->drop(msg);
	}
}

void world_free(struct world *w)
{
	fake_store_free(w->store);
	for (unsigned i = 0; i < w->conf.n_homes; i++)
		drop_queue(&w->queues[i]);
	for (unsigned i = 0; i < w->conf.n_homes; i++)
		ly_home_destroy(w->homes[i]);
	for (unsigned i = 0; i < w->conf.n_homes; i++) /* tickets of what the homes freed */
		drop_queue(&w->queues[i]);
	LY_LIST_EACH (node, tmp, &w->peers)
		peer_free(LY_LIST_ENTRY(node, struct peer, link));
	free(w);
}

struct ly_home *world_home(struct world *w, unsigned i)
{
	return w->homes[i];
}

struct ly_home *world_home_of(struct world *w, const char *jid)
{
	return w->homes[ly_home_index_of(w->conf.n_homes, ly_span_str(jid))];
}

struct fake_store *world_store(struct world *w)
{
	return w->store;
}

void world_fail_at(struct world *w, uint64_t nth)
{
	w->fail_at = nth;
}

uint64_t world_n_failed(const struct world *w)
{
	return w->n_failed;
}

ly_usec world_now(const struct world *w)
{
	return w->now;
}

/* One turn of all loops. @return whether anything moved */
static bool turn(struct world *w)
{
	bool moved = false;

	for (unsigned i = 0; i < w->conf.n_homes; i++) {
		struct ly_list batch;

		if (ly_list_is_empty(&w->queues[i]))
			continue;
		moved = true;
		ly_list_init(&batch);
		LY_LIST_EACH (node, tmp, &w->queues[i]) {
			ly_list_del(node);
			ly_list_add_tail(&batch, node);
		}
		ly_heap_fail_at(w->fail_at);
		ly_home_run(w->homes[i], w->now, w->now + w->wall_offset, &batch);
		w->n_failed += ly_heap_failed();
		ly_heap_fail_at(0);
	}
	return moved;
}

void world_turn(struct world *w)
{
	while (turn(w))
		;
}

void world_settle(struct world *w)
{
	for (;;) {
		ly_usec due;

		while (turn(w))
			;
		due = fake_store_deadline(w->store);
		if (due == LY_NEVER)
			return;
		w->now = LY_MAX(w->now, due);
		fake_store_tick(w->store, w->now);
	}
}

void world_wait(struct world *w, ly_usec d)
{
	ly_usec end = w->now + d;

	world_settle(w);
	while (w->now < end) {
		ly_usec next = end;

		for (unsigned i = 0; i < w->conf.n_homes; i++)
			next = LY_MIN(next, ly_home_deadline(w->homes[i]));
		w->now = LY_MAX(w->now, next);
		for (unsigned i = 0; i < w->conf.n_homes; i++)
			ly_home_tick(w->homes[i], w->now, w->now + w->wall_offset);
		world_settle(w);
	}
}

struct peer *world_peer(struct world *w, const char *label)
{
	struct peer *p;

	LY_LIST_EACH (node, tmp, &w->peers) {
		p = LY_LIST_ENTRY(node, struct peer, link);
		if (strcmp(p->label, label) == 0)
			return p;
	}
	p = calloc(1, sizeof(*p));
	p->world = w;
	p->label = strdup(label);
	ly_list_init(&p->inbox);
	ly_list_add_tail(&w->peers, &p->link);
	return p;
}

int peer_connect(struct peer *p)
{
	struct world *w = p->world;
	const char *slash = strchr(p->label, '/');
	char bare[256];

	snprintf(bare, sizeof(bare), "%.*s@%s", (int)strcspn(p->label, "/"), p->label,
		 WORLD_DOMAIN);
	p->home = world_home_of(w, bare);
	p->conn = ++w->last_conn;
	p->is_closed = false;
	peer_forget(p);
	return ly_session_bind(p->home, p->conn, bare, slash ? slash + 1 : "web", &p->session);
}

void peer_disconnect(struct peer *p)
{
	ly_heap_fail_at(p->world->fail_at);
	ly_session_detach(p->session);
	ly_heap_fail_at(0);
	p->session = NULL;
	p->conn = 0;
}

void peer_break(struct peer *p)
{
	ly_heap_fail_at(p->world->fail_at);
	ly_session_lost(p->session);
	ly_heap_fail_at(0);
	p->session = NULL;
	p->conn = 0;
}

int peer_resume(struct peer *p, const char *id, const char *h)
{
	struct world *w = p->world;
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_session *session = NULL;
	uint64_t replaced;
	struct ly_build b;
	char bare[256];
	int err;

	snprintf(bare, sizeof(bare), "%.*s@%s", (int)strcspn(p->label, "/"), p->label,
		 WORLD_DOMAIN);
	ly_build_init(&b, &doc->arena);
	ly_build_open(&b, LY_NS_SM, "resume");
	ly_build_attr(&b, "previd", id);
	ly_build_attr(&b, "h", h);
	ly_build_finish(&b, &doc->root);
	p->home = world_home_of(w, bare);
	p->conn = ++w->last_conn;
	p->is_closed = false;
	ly_heap_fail_at(w->fail_at);
	err = ly_session_resume(p->home, p->conn, bare, doc->root, &session, &replaced);
	ly_heap_fail_at(0);
	LY_LIST_EACH (node, tmp, &w->peers) {
		struct peer *old = LY_LIST_ENTRY(node, struct peer, link);

		if (replaced && old != p && old->conn == replaced) {
			old->is_closed = true;
			old->closed = LY_STREAM_CONFLICT;
			old->session = NULL;
			old->conn = 0;
		}
	}
	ly_xml_doc_free(doc);
	p->session = session;
	return err;
}

static int send_stanza(struct peer *p, const struct ly_xml *el)
{
	struct ly_xml_doc *doc = ly_xml_doc_create(0);
	struct ly_stanza *st;
	struct ly_build b;
	int err;

	ly_build_init(&b, &doc->arena);
	ly_build_copy(&b, el);
	err = ly_build_finish(&b, &doc->root);
	if (!err)
		err = ly_xml_set_attr(doc->root, &doc->arena, "from", ly_session_jid(p->session));
	if (!err)
		err = ly_stanza_wrap(&st, doc);
	if (err) {
		ly_xml_doc_free(doc);
		return err;
	}
	ly_heap_fail_at(p->world->fail_at);
	ly_session_recv(p->session, st);
	p->world->n_failed += ly_heap_failed();
	ly_heap_fail_at(0);
	return 0;
}

int peer_send_xml(struct peer *p, const struct ly_xml *el)
{
	if (ly_xml_is(el, LY_NS_SM, NULL)) {
		ly_heap_fail_at(p->world->fail_at);
		ly_session_nonza(p->session, el);
		ly_heap_fail_at(0);
		return 0;
	}
	return send_stanza(p, el);
}

int peer_send(struct peer *p, const char *xml)
{
	struct ly_xml_doc *doc;
	char buf[8192];
	int err;

	snprintf(buf, sizeof(buf), "<b xmlns='jabber:client'>%s</b>", xml);
	err = ly_xml_parse(&doc, ly_span_str(buf), &ly_xml_limits_default);
	if (err)
		return err;
	err = ly_xml_child(doc->root, NULL, NULL) == NULL
		      ? -EBADMSG
		      : peer_send_xml(p, ly_xml_child(doc->root, NULL, NULL));
	ly_xml_doc_free(doc);
	return err;
}

struct received *peer_take(struct peer *p)
{
	struct received *r;

	if (ly_list_is_empty(&p->inbox))
		return NULL;
	r = LY_LIST_ENTRY(p->inbox.next, struct received, link);
	ly_list_del(&r->link);
	p->n_taken++;
	if (ly_xml_parse(&r->doc, ly_span_str(r->text), &ly_xml_limits_default)) {
		fprintf(stderr, "not well-formed: %s\n", r->text);
		abort();
	}
	return r;
}

void received_free(struct received *r)
{
	if (r == NULL)
		return;
	ly_xml_doc_free(r->doc);
	free(r->text);
	free(r);
}

void peer_forget(struct peer *p)
{
	struct received *r;

	while ((r = peer_take(p)) != NULL)
		received_free(r);
}
