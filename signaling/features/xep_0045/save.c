/* Rooms in the store: writing options, subject, affiliations and messages; loading them again. */
#include "signaling/features/xep_0045/muc_priv.h"

#include "signaling/xml/parser.h"

/* What a request that is away is for. Rooms are named by their id: one that has ended meanwhile is
 * not found. */
struct job {
	struct ly_muc *muc;
	uint64_t room, post;  /* post 0: none */
	struct ly_stanza *iq; /* owned: answered when it is done; may be NULL */
};

static void job_free(struct job *job)
{
	ly_stanza_free(job->iq);
	ly_free(job, LY_MEM_ROOM);
}

static struct job *job_create(const struct ly_room *room, struct ly_stanza *iq, uint64_t post)
{
	struct job *job = (struct job *)ly_alloc(sizeof(*job), LY_MEM_ROOM);

	if (job != NULL)
		*job = (struct job) { room->muc, room->id, post, iq };
	return job;
}

static struct ly_store_req *request(struct ly_room *room, enum ly_store_op op,
				    void (*done)(struct ly_home *, struct ly_store_req *, void *),
				    struct job *job)
{
	struct ly_store_req *req =
		ly_store_req_create(ly_home_index(room->muc->home), op, room->jid);

	if (req != NULL) {
		req->done = done;
		req->ctx = job;
	}
	return req;
}

static struct ly_room *room_of(const struct job *job)
{
	return (struct ly_room *)ly_map_find_num(&job->muc->ids, job->room);
}

/* ---- writing the room ---- */

static void release_post(struct ly_room *room, uint64_t num, int err)
{
	LY_LIST_EACH (n, tmp, &room->posts) {
		struct ly_muc_post *post = LY_LIST_ENTRY(n, struct ly_muc_post, link);

		if (post->num == num) {
			post->ready = true;
			post->failed = err != 0;
			break;
		}
	}
	ly_room_flush_posts(room);
}

static void answer(struct job *job, int err)
{
	struct ly_stanza *iq = job->iq;

	job->iq = NULL;
	if (iq == NULL)
		return;
	if (err == 0)
		ly_muc_ok(job->muc, iq);
	else
		ly_muc_refuse_typed(job->muc, iq, LY_INTERNAL_SERVER_ERROR, LY_ERR_WAIT,
				    "The change could not be kept.");
}

static void written(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct job *job = (struct job *)ctx;
	struct ly_room *room;

	if (home != NULL) {
		ly_muc_enter(job->muc);
		room = room_of(job);
		if (req->err != 0)
			ly_log(&job->muc->log, LY_ERROR, "room not written", "room=%s op=%s err=%s",
			       req->owner, ly_store_op_name(req->op), ly_err_name(req->err));
		answer(job, req->err);
		if (room != NULL) {
			room->pending--;
			if (job->post != 0)
				release_post(room, job->post, req->err);
			ly_muc_room_check_empty(room);
		}
		ly_muc_leave(job->muc);
	}
	job_free(job);
}

static const char *opt_str(struct ly_store_req *req, const char *s)
{
	return s != NULL ? ly_store_str(req, s) : NULL;
}

static void fill_members(struct ly_store_req *req, const struct ly_room *room)
{
	struct ly_store_room_member *v;
	struct ly_map_slot slot;
	size_t it = 0, n = 0;

	v = (struct ly_store_room_member *)ly_arena_alloc(&req->arena,
							  (room->members.n + 1) * sizeof(*v));
	if (v == NULL) {
		req->err = -ENOMEM;
		return;
	}
	while (ly_map_next(&room->members, &it, &slot)) {
		const struct ly_muc_member *m = (const struct ly_muc_member *)slot.value;

		v[n++] = (struct ly_store_room_member) {
			.jid = ly_store_str(req, m->jid),
			.affiliation = (enum ly_store_affiliation)m->affiliation,
			.nick = opt_str(req, m->nick),
			.reason = opt_str(req, m->reason),
		};
	}
	req->u.room.members = v;
	req->u.room.n_members = n;
}

static void fill(struct ly_store_req *req, const struct ly_room *room)
{
	struct ly_store_room *r = &req->u.room;

	r->jid = ly_store_str(req, room->jid);
	r->name = *room->conf.name ? ly_store_str(req, room->conf.name) : NULL;
	r->config = ly_muc_conf_text(&room->conf, &req->arena);
	r->subject = opt_str(req, room->subject);
	r->subject_nick = opt_str(req, room->subject_nick);
	r->subject_wall = room->subject_wall;
	r->created_wall = room->created_wall;
	if (r->config == NULL)
		req->err = -ENOMEM;
	fill_members(req, room);
}

/* Writes the whole room. @return 0, -ENOMEM (nothing was submitted, iq is still the caller's) */
static int put(struct ly_room *room, struct ly_stanza *iq, uint64_t post)
{
	struct job *job = job_create(room, iq, post);
	struct ly_store_req *req =
		job != NULL ? request(room, LY_STORE_ROOM_PUT, written, job) : NULL;

	if (req != NULL)
		fill(req, room);
	if (req == NULL || req->err != 0) {
		ly_store_req_destroy(req);
		ly_free(job, LY_MEM_ROOM);
		return -ENOMEM;
	}
	room->stored = true;
	room->pending++;
	ly_home_store(room->muc->home, req);
	return 0;
}

void ly_room_save(struct ly_room *room, struct ly_stanza *iq)
{
	if (!room->conf.persistent && room->stored) {
		ly_room_forget(room, iq);
		return;
	}
	if (!room->conf.persistent) {
		if (iq != NULL)
			ly_muc_ok(room->muc, iq);
		return;
	}
	if (put(room, iq, 0) != 0 && iq != NULL)
		ly_muc_refuse(room->muc, iq, LY_RESOURCE_CONSTRAINT, NULL);
}

void ly_room_forget(struct ly_room *room, struct ly_stanza *iq)
{
	struct job *job;
	struct ly_store_req *req;

	if (!room->stored) {
		if (iq != NULL)
			ly_muc_ok(room->muc, iq);
		return;
	}
	job = job_create(room, iq, 0);
	req = job != NULL ? request(room, LY_STORE_ROOM_DELETE, written, job) : NULL;
	if (req == NULL) {
		ly_free(job, LY_MEM_ROOM);
		if (iq != NULL)
			ly_muc_refuse(room->muc, iq, LY_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	room->stored = false;
	room->pending++;
	ly_home_store(room->muc->home, req);
}

int ly_room_keep_subject(struct ly_room *room, struct ly_muc_post *post)
{
	int err = put(room, NULL, post->num);

	if (err == 0)
		post->ready = false;
	return err;
}

int ly_room_keep(struct ly_room *room, struct ly_muc_post *post)
{
	struct job *job = job_create(room, NULL, post->num);
	struct ly_store_req *req =
		job != NULL ? request(room, LY_STORE_ROOM_HISTORY_ADD, written, job) : NULL;
	char *xml = NULL;

	if (req != NULL)
		xml = ly_arena_strndup(&req->arena, (const char *)post->said->blob->data,
				       post->said->blob->len);
	if (xml == NULL) {
		ly_store_req_destroy(req);
		ly_free(job, LY_MEM_ROOM);
		return -ENOMEM;
	}
	req->u.text.xml = xml;
	req->u.text.wall = post->said->wall;
	req->n = LY_MUC_MAX_HISTORY;
	post->ready = false;
	room->pending++;
	ly_home_store(room->muc->home, req);
	return 0;
}

/* ---- loading ---- */

static void finish_load(struct job *job, int err)
{
	struct ly_room *room = room_of(job);

	if (room != NULL)
		ly_muc_room_release(room, err);
}

static struct ly_muc_said *said_of(const struct ly_store_text *text)
{
	struct ly_xml_doc *doc;
	struct ly_muc_said *said = NULL;
	struct ly_blob *blob;

	if (ly_xml_parse(&doc, ly_span_str(text->xml), &ly_xml_limits_default) != 0)
		return NULL;
	blob = ly_xml_to_blob(doc->root, true);
	if (blob != NULL)
		said = ly_muc_said_create(blob, text->wall);
	ly_blob_unref(blob);
	ly_xml_doc_free(doc);
	return said;
}

static void got_history(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct job *job = (struct job *)ctx;
	struct ly_room *room = home != NULL ? room_of(job) : NULL;

	if (home != NULL) {
		ly_muc_enter(job->muc);
		for (size_t i = 0; room != NULL && req->err == 0 && i < req->u.texts.n; i++) {
			struct ly_muc_said *said = said_of(&req->u.texts.v[i]);

			if (said == NULL)
				continue;
			room->last_id = LY_MAX(room->last_id, (uint64_t)said->wall);
			ly_room_add_history(room, said);
		}
		finish_load(job, req->err);
		ly_muc_leave(job->muc);
	}
	job_free(job);
}

static int take_room(struct ly_room *room, const struct ly_store_room *r)
{
	if (r->config != NULL && ly_muc_conf_parse(&room->conf, r->config) != 0)
		return -EIO;
	if (ly_room_set_str(&room->subject, r->subject) != 0 ||
	    ly_room_set_str(&room->subject_nick, r->subject_nick) != 0)
		return -ENOMEM;
	room->subject_wall = r->subject_wall;
	room->created_wall = r->created_wall;
	room->conf.persistent = room->stored = true;
	for (size_t i = 0; i < r->n_members; i++) {
		const struct ly_store_room_member *m = &r->members[i];

		if (ly_room_set_member(room, m->jid, (enum ly_muc_affiliation)m->affiliation,
				       m->nick, m->reason) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

static void got_room(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct job *job = (struct job *)ctx;
	struct ly_muc *muc = job->muc;
	struct ly_room *room = home != NULL ? room_of(job) : NULL;
	struct ly_store_req *next = NULL;
	int err = req->err;

	if (room == NULL) {
		job_free(job);
		return;
	}
	ly_muc_enter(muc);
	if (err == 0)
		err = take_room(room, &req->u.room);
	if (err == 0) {
		next = request(room, LY_STORE_ROOM_HISTORY_GET, got_history, job);
		err = next == NULL ? -ENOMEM : 0;
	}
	if (err == 0) {
		next->n = LY_MUC_MAX_HISTORY;
		ly_home_store(home, next);
	} else {
		finish_load(job, err);
		job_free(job);
	}
	ly_muc_leave(muc);
}

void ly_muc_room_load(struct ly_room *room)
{
	struct job *job = job_create(room, NULL, 0);
	struct ly_store_req *req =
		job != NULL ? request(room, LY_STORE_ROOM_GET, got_room, job) : NULL;

	if (req == NULL) {
		ly_free(job, LY_MEM_ROOM);
		ly_muc_room_release(room, -ENOMEM);
		return;
	}
	ly_home_store(room->muc->home, req);
}
