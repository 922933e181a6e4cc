#include "tests/scenario/fake_store.h"

#include <stdlib.h>

#include "base/err.h"

/* One stored thing, named by the op that writes it, its owner and a key. */
struct row {
	struct ly_list link;
	enum ly_store_op op;
	const char *owner, *key; /* in the arena */
	struct ly_store_user user;
	struct ly_store_contact item;
	struct ly_store_room room;
	struct ly_store_text text;
	struct ly_arena arena;
};

/* A request under way. */
struct flight {
	struct ly_list link;
	struct ly_store_req *req;
	ly_usec due;
};

struct fake_store {
	struct fake_store_conf conf;
	struct ly_rand rand;
	struct ly_list rows;    /* in the order of their insertion */
	struct ly_list flights; /* in the order of their submission */
	unsigned n;
};

static const char *dup(struct ly_arena *a, const char *s)
{
	return s ? ly_arena_strdup(a, s) : NULL;
}

static struct ly_store_contact copy_item(struct ly_arena *a, const struct ly_store_contact *in)
{
	struct ly_store_contact out = *in;
	const char **groups = ly_arena_alloc(a, (in->n_groups + 1) * sizeof(*groups));

	out.jid = dup(a, in->jid);
	out.name = dup(a, in->name);
	out.request = dup(a, in->request);
	for (size_t i = 0; i < in->n_groups; i++)
		groups[i] = dup(a, in->groups[i]);
	out.groups = groups;
	return out;
}

static struct ly_store_room copy_room(struct ly_arena *a, const struct ly_store_room *in)
{
	struct ly_store_room out = *in;
	struct ly_store_room_member *m = ly_arena_alloc(a, (in->n_members + 1) * sizeof(*m));

	out.jid = dup(a, in->jid);
	out.name = dup(a, in->name);
	out.config = dup(a, in->config);
	out.subject = dup(a, in->subject);
	out.subject_nick = dup(a, in->subject_nick);
	for (size_t i = 0; i < in->n_members; i++) {
		m[i] = in->members[i];
		m[i].jid = dup(a, in->members[i].jid);
		m[i].nick = dup(a, in->members[i].nick);
		m[i].reason = dup(a, in->members[i].reason);
	}
	out.members = m;
	return out;
}

static struct ly_store_text copy_text(struct ly_arena *a, const struct ly_store_text *in)
{
	return (struct ly_store_text) { dup(a, in->key), dup(a, in->xml), in->wall };
}

static void row_free(struct row *r)
{
	ly_list_del(&r->link);
	ly_arena_fini(&r->arena);
	free(r);
}

static struct row *row_add(struct fake_store *fs, enum ly_store_op op, const char *owner,
			   const char *key)
{
	struct row *r = calloc(1, sizeof(*r));

	ly_arena_init(&r->arena, LY_MEM_STORE, 0);
	r->op = op;
	r->owner = dup(&r->arena, owner);
	r->key = dup(&r->arena, key);
	ly_list_add_tail(&fs->rows, &r->link);
	return r;
}

static bool matches(const struct row *r, enum ly_store_op op, const char *owner, const char *key)
{
	return r->op == op && strcmp(r->owner, owner) == 0 &&
	       (key == NULL || strcmp(r->key, key) == 0);
}

static struct row *row_find(const struct fake_store *fs, enum ly_store_op op, const char *owner,
			    const char *key)
{
	LY_LIST_EACH (node, tmp, &fs->rows) {
		struct row *r = LY_LIST_ENTRY(node, struct row, link);

		if (matches(r, op, owner, key))
			return r;
	}
	return NULL;
}

static void rows_delete(struct fake_store *fs, enum ly_store_op op, const char *owner,
			const char *key)
{
	struct row *r;

	while ((r = row_find(fs, op, owner, key)) != NULL)
		row_free(r);
}

size_t fake_store_count(const struct fake_store *fs, enum ly_store_op op, const char *owner)
{
	size_t n = 0;

	LY_LIST_EACH (node, tmp, &fs->rows)
		n += matches(LY_LIST_ENTRY(node, struct row, link), op, owner, NULL);
	return n;
}

/* ---- the operations ---- */

static int get_text(struct fake_store *fs, struct ly_store_req *req, enum ly_store_op put,
		    const char *key)
{
	struct row *r = row_find(fs, put, req->owner, key);

	if (r == NULL)
		return -ENOENT;
	req->u.text = copy_text(&req->arena, &r->text);
	return 0;
}

static int put_text(struct fake_store *fs, const struct ly_store_req *req, const char *key)
{
	struct row *r;

	rows_delete(fs, req->op, req->owner, key);
	r = row_add(fs, req->op, req->owner, key);
	r->text = copy_text(&r->arena, &req->u.text);
	return 0;
}

static int list_texts(struct fake_store *fs, struct ly_store_req *req, enum ly_store_op put,
		      size_t last)
{
	size_t n = fake_store_count(fs, put, req->owner), skip = last && n > last ? n - last : 0;
	struct ly_store_text *v = ly_arena_alloc(&req->arena, (n + 1) * sizeof(*v));
	size_t at = 0;

	LY_LIST_EACH (node, tmp, &fs->rows) {
		struct row *r = LY_LIST_ENTRY(node, struct row, link);

		if (!matches(r, put, req->owner, NULL))
			continue;
		if (skip)
			skip--;
		else
			v[at++] = copy_text(&req->arena, &r->text);
	}
	req->u.texts.v = v;
	req->u.texts.n = at;
	return 0;
}

static int list_roster(struct fake_store *fs, struct ly_store_req *req)
{
	size_t n = fake_store_count(fs, LY_STORE_ROSTER_PUT, req->owner), at = 0;
	struct ly_store_contact *v = ly_arena_alloc(&req->arena, (n + 1) * sizeof(*v));

	LY_LIST_EACH (node, tmp, &fs->rows) {
		struct row *r = LY_LIST_ENTRY(node, struct row, link);

		if (matches(r, LY_STORE_ROSTER_PUT, req->owner, NULL))
			v[at++] = copy_item(&req->arena, &r->item);
	}
	req->u.roster.v = v;
	req->u.roster.n = at;
	return 0;
}

static bool in_domain(const char *jid, const char *domain)
{
	const char *at = strchr(jid, '@');

	return at && strcmp(at + 1, domain) == 0;
}

static int compare_rooms(const void *a, const void *b)
{
	return strcmp(((const struct ly_store_room *)a)->jid,
		      ((const struct ly_store_room *)b)->jid);
}

static int list_rooms(struct fake_store *fs, struct ly_store_req *req)
{
	struct ly_store_room *v;
	size_t n = 0;

	LY_LIST_EACH (node, tmp, &fs->rows)
		n++;
	v = ly_arena_alloc(&req->arena, (n + 1) * sizeof(*v));
	n = 0;
	LY_LIST_EACH (node, tmp, &fs->rows) {
		struct row *r = LY_LIST_ENTRY(node, struct row, link);

		if (r->op == LY_STORE_ROOM_PUT && in_domain(r->owner, req->owner))
			v[n++] = copy_room(&req->arena, &r->room);
	}
	qsort(v, n, sizeof(*v), compare_rooms);
	req->u.rooms.v = v;
	req->u.rooms.n = n;
	return 0;
}

static int add_text(struct fake_store *fs, struct ly_store_req *req)
{
	struct row *r;

	if (req->op == LY_STORE_OFFLINE_ADD) {
		if (!row_find(fs, LY_STORE_USER_PUT, req->owner, NULL))
			return -ENOENT;
		if (req->n && fake_store_count(fs, req->op, req->owner) >= req->n)
			return -E2BIG;
	}
	r = row_add(fs, req->op, req->owner, "");
	r->text = copy_text(&r->arena, &req->u.text);
	if (req->op == LY_STORE_ROOM_HISTORY_ADD && req->n)
		while (fake_store_count(fs, req->op, req->owner) > req->n)
			row_free(row_find(fs, req->op, req->owner, NULL));
	return 0;
}

static int user_op(struct fake_store *fs, struct ly_store_req *req)
{
	struct row *r = row_find(fs, LY_STORE_USER_PUT, req->owner, NULL);

	if (req->op == LY_STORE_USER_PUT) {
		if (r == NULL)
			r = row_add(fs, LY_STORE_USER_PUT, req->owner, "");
		r->user = req->u.user;
		r->user.jid = r->owner;
		return 0;
	}
	if (r == NULL)
		return -ENOENT;
	if (req->op == LY_STORE_USER_GET) {
		req->u.user = r->user;
		req->u.user.jid = dup(&req->arena, r->owner);
		return 0;
	}
	for (int op = 0; op < LY_STORE_N_OPS; op++)
		rows_delete(fs, (enum ly_store_op)op, req->owner, NULL);
	return 0;
}

static int room_op(struct fake_store *fs, struct ly_store_req *req)
{
	struct row *r = row_find(fs, LY_STORE_ROOM_PUT, req->owner, NULL);

	if (req->op == LY_STORE_ROOM_GET) {
		if (r == NULL)
			return -ENOENT;
		req->u.room = copy_room(&req->arena, &r->room);
		return 0;
	}
	if (r)
		row_free(r);
	if (req->op == LY_STORE_ROOM_DELETE) {
		rows_delete(fs, LY_STORE_ROOM_HISTORY_ADD, req->owner, NULL);
		return 0;
	}
	r = row_add(fs, LY_STORE_ROOM_PUT, req->owner, "");
	r->room = copy_room(&r->arena, &req->u.room);
	return 0;
}

static int roster_op(struct fake_store *fs, struct ly_store_req *req)
{
	struct row *r;

	rows_delete(fs, LY_STORE_ROSTER_PUT, req->owner, req->u.item.jid);
	if (req->op == LY_STORE_ROSTER_DELETE)
		return 0;
	r = row_add(fs, LY_STORE_ROSTER_PUT, req->owner, req->u.item.jid);
	r->item = copy_item(&r->arena, &req->u.item);
	return 0;
}

static int execute(struct fake_store *fs, struct ly_store_req *req)
{
	int err;

	switch (req->op) {
	case LY_STORE_USER_GET:
	case LY_STORE_USER_PUT:
	case LY_STORE_USER_DELETE:
		return user_op(fs, req);
	case LY_STORE_ROSTER_GET:
		return list_roster(fs, req);
	case LY_STORE_ROSTER_PUT:
	case LY_STORE_ROSTER_DELETE:
		return roster_op(fs, req);
	case LY_STORE_VCARD_GET:
		return get_text(fs, req, LY_STORE_VCARD_PUT, "");
	case LY_STORE_LAST_GET:
		return get_text(fs, req, LY_STORE_LAST_PUT, "");
	case LY_STORE_PRIVATE_GET:
		return get_text(fs, req, LY_STORE_PRIVATE_PUT, req->u.text.key);
	case LY_STORE_VCARD_PUT:
	case LY_STORE_LAST_PUT:
		return put_text(fs, req, "");
	case LY_STORE_PRIVATE_PUT:
		return put_text(fs, req, req->u.text.key);
	case LY_STORE_ROOM_GET:
	case LY_STORE_ROOM_PUT:
	case LY_STORE_ROOM_DELETE:
		return room_op(fs, req);
	case LY_STORE_ROOM_LIST:
		return list_rooms(fs, req);
	case LY_STORE_ROOM_HISTORY_ADD:
	case LY_STORE_OFFLINE_ADD:
		return add_text(fs, req);
	case LY_STORE_ROOM_HISTORY_GET:
		return list_texts(fs, req, LY_STORE_ROOM_HISTORY_ADD, req->n);
	case LY_STORE_OFFLINE_TAKE:
		err = list_texts(fs, req, LY_STORE_OFFLINE_ADD, 0);
		rows_delete(fs, LY_STORE_OFFLINE_ADD, req->owner, NULL);
		return err;
	default:
		return -EINVAL;
	}
}

/* ---- life ---- */

struct fake_store *fake_store_create(const struct fake_store_conf *conf)
{
	struct fake_store *fs = calloc(1, sizeof(*fs));

	fs->conf = *conf;
	ly_rand_seeded(&fs->rand, conf->seed);
	ly_list_init(&fs->rows);
	ly_list_init(&fs->flights);
	return fs;
}

void fake_store_free(struct fake_store *fs)
{
	LY_LIST_EACH (node, tmp, &fs->flights) {
		struct flight *f = LY_LIST_ENTRY(node, struct flight, link);

		f->req->msg.drop(&f->req->msg);
		free(f);
	}
	LY_LIST_EACH (node, tmp, &fs->rows)
		row_free(LY_LIST_ENTRY(node, struct row, link));
	free(fs);
}

void fake_store_submit(struct fake_store *fs, struct ly_store_req *req, ly_usec now)
{
	struct flight *f = calloc(1, sizeof(*f));

	f->req = req;
	f->due = now;
	if (fs->conf.max_delay)
		f->due += ly_rand_below(&fs->rand, (uint32_t)fs->conf.max_delay);
	LY_LIST_EACH (node, tmp, &fs->flights) {
		struct flight *other = LY_LIST_ENTRY(node, struct flight, link);

		if (strcmp(other->req->owner, req->owner) == 0)
			f->due = LY_MAX(f->due, other->due);
	}
	ly_list_add_tail(&fs->flights, &f->link);
}

ly_usec fake_store_deadline(const struct fake_store *fs)
{
	ly_usec at = LY_NEVER;

	LY_LIST_EACH (node, tmp, &fs->flights)
		at = LY_MIN(at, LY_LIST_ENTRY(node, struct flight, link)->due);
	return at;
}

void fake_store_tick(struct fake_store *fs, ly_usec now)
{
	LY_LIST_EACH (node, tmp, &fs->flights) {
		struct flight *f = LY_LIST_ENTRY(node, struct flight, link);
		struct ly_store_req *req = f->req;

		if (f->due > now)
			continue;
		ly_list_del(&f->link);
		free(f);
		fs->n++;
		if (fs->conf.fail_each && fs->n % fs->conf.fail_each == 0)
			req->err = -EIO;
		else
			req->err = execute(fs, req);
		fs->conf.post(fs->conf.ctx, req->home, &req->msg);
	}
}

void fake_store_add_user(struct fake_store *fs, const char *jid)
{
	struct row *r = row_add(fs, LY_STORE_USER_PUT, jid, "");

	r->user.jid = r->owner;
}

void fake_store_fail(struct fake_store *fs, unsigned each)
{
	fs->conf.fail_each = each;
	fs->n = 0;
}
