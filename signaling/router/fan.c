/* One stanza to many: one message per home with the shared bytes and the list of receivers. */
#include "signaling/router/core.h"
#include "signaling/session/core.h"

#include "base/log.h"

static const struct ly_log lg = { "fan", "" };

/* One home's share. */
struct part {
	struct ly_msg msg;
	struct ly_blob *blob; /* owned reference; NULL: a probe */
	struct ly_buf jids;   /* owned: receivers, each with its zero */
	char *prober;         /* owned; probes only */
};

struct ly_fan {
	struct ly_home *home;
	struct ly_blob *blob; /* owned reference */
	char *prober;         /* owned */
	struct part *parts[]; /* owned; one per home, NULL until needed */
};

static void part_drop(struct ly_msg *msg)
{
	struct part *p = LY_CONTAINER_OF(msg, struct part, msg);

	ly_blob_unref(p->blob);
	ly_buf_fini(&p->jids);
	ly_free(p->prober, LY_MEM_QUEUE);
	ly_free(p, LY_MEM_QUEUE);
}

static void deliver_one(struct ly_home *home, struct part *p, const char *jid)
{
	struct ly_user *user;

	if (strchr(jid, '/')) {
		struct ly_session *s = ly_home_session(home, jid);

		if (s)
			ly_session_send_blob(s, p->blob, jid);
		return;
	}
	user = ly_home_user(home, jid);
	if (user == NULL)
		return; /* nobody is there to see it */
	if (p->blob == NULL) {
		if (user->state == LY_USER_READY)
			ly_presence_probed(user, p->prober);
		return;
	}
	LY_LIST_EACH (node, tmp, &user->sessions) {
		struct ly_session *s = LY_LIST_ENTRY(node, struct ly_session, link);

		if (s->state == LY_SESSION_AVAILABLE)
			ly_session_send_blob(s, p->blob, jid);
	}
}

static void part_run(struct ly_home *home, struct ly_msg *msg)
{
	struct part *p = LY_CONTAINER_OF(msg, struct part, msg);

	for (size_t at = 0; at < p->jids.len;) {
		const char *jid = (const char *)p->jids.ptr + at;

		deliver_one(home, p, jid);
		at += strlen(jid) + 1;
	}
	part_drop(msg);
}

static struct ly_fan *create(struct ly_home *home)
{
	struct ly_fan *fan =
		ly_alloc(sizeof(*fan) + home->env.n_homes * sizeof(fan->parts[0]), LY_MEM_QUEUE);

	if (fan == NULL) {
		ly_log(&lg, LY_ERROR, "out-of-memory", "home=%u", home->conf.index);
		return NULL;
	}
	fan->home = home;
	return fan;
}

static void destroy(struct ly_fan *fan)
{
	ly_blob_unref(fan->blob);
	ly_free(fan->prober, LY_MEM_QUEUE);
	ly_free(fan, LY_MEM_QUEUE);
}

struct ly_fan *ly_fan_create_blob(struct ly_home *home, struct ly_blob *blob)
{
	struct ly_fan *fan = create(home);

	if (fan)
		fan->blob = ly_blob_ref(blob);
	return fan;
}

struct ly_fan *ly_fan_create(struct ly_home *home, const struct ly_xml *root)
{
	struct ly_blob *blob = ly_xml_to_blob(root, true);
	struct ly_fan *fan = blob ? ly_fan_create_blob(home, blob) : NULL;

	ly_blob_unref(blob);
	return fan;
}

struct ly_fan *ly_fan_create_probe(struct ly_home *home, const char *jid)
{
	struct ly_fan *fan = create(home);

	if (fan == NULL)
		return NULL;
	fan->prober = ly_strdup(jid, LY_MEM_QUEUE);
	if (fan->prober == NULL) {
		destroy(fan);
		return NULL;
	}
	return fan;
}

static struct part *part_create(struct ly_fan *fan)
{
	struct part *p = ly_alloc(sizeof(*p), LY_MEM_QUEUE);

	if (p == NULL)
		return NULL;
	p->msg.run = part_run;
	p->msg.drop = part_drop;
	ly_buf_init(&p->jids, LY_MEM_QUEUE, 0);
	p->blob = fan->blob ? ly_blob_ref(fan->blob) : NULL;
	p->prober = fan->prober ? ly_strdup(fan->prober, LY_MEM_QUEUE) : NULL;
	if (fan->prober && p->prober == NULL) {
		part_drop(&p->msg);
		return NULL;
	}
	return p;
}

void ly_fan_add(struct ly_fan *fan, const char *jid)
{
	const char *slash = strchr(jid, '/');
	size_t bare = slash ? (size_t)(slash - jid) : strlen(jid);
	unsigned home;

	if (fan == NULL)
		return;
	home = ly_home_index_of(fan->home->env.n_homes, ly_span(jid, bare));
	if (fan->parts[home] == NULL)
		fan->parts[home] = part_create(fan);
	if (fan->parts[home] == NULL) {
		ly_log(&lg, LY_ERROR, "receiver-lost", "jid=%s", jid);
		return;
	}
	if (ly_buf_reserve(&fan->parts[home]->jids, strlen(jid) + 1) == 0)
		ly_buf_add(&fan->parts[home]->jids, jid, strlen(jid) + 1);
	else
		ly_log(&lg, LY_ERROR, "receiver-lost", "jid=%s", jid);
}

void ly_fan_send(struct ly_fan *fan)
{
	if (fan == NULL)
		return;
	for (unsigned i = 0; i < fan->home->env.n_homes; i++)
		if (fan->parts[i])
			ly_home_post(fan->home, i, &fan->parts[i]->msg);
	destroy(fan);
}

bool ly_fan_is_local(const struct ly_home *home, const char *jid)
{
	const char *at = strchr(jid, '@');
	const struct ly_host *host;
	size_t len;

	if (at == NULL || (strchr(jid, '/') && strchr(jid, '/') < at))
		return false;
	len = strcspn(at + 1, "/");
	host = ly_map_find(&home->hosts, ly_span(at + 1, len));
	return host && host->kind == LY_HOST_USERS;
}
