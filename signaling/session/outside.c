/* What the server tells homes about accounts: messages to the home of the account. */
#include "signaling/session/core.h"

#include "base/log.h"

static const struct ly_log lg = { "account", "" };

/* ---- kicking ---- */

struct kick {
	struct ly_msg msg;
	enum ly_stream_error cond;
	char *text; /* owned; NULL = none */
	char jid[];
};

static void kick_drop(struct ly_msg *msg)
{
	struct kick *k = LY_CONTAINER_OF(msg, struct kick, msg);

	ly_free(k->text, LY_MEM_QUEUE);
	ly_free(k, LY_MEM_QUEUE);
}

static void kick_run(struct ly_home *home, struct ly_msg *msg)
{
	struct kick *k = LY_CONTAINER_OF(msg, struct kick, msg);
	struct ly_user *user = ly_home_user(home, k->jid);

	if (user)
		ly_user_kick(user, k->cond, k->text);
	kick_drop(msg);
}

void ly_home_kick(struct ly_home *home, const char *bare_jid, enum ly_stream_error cond,
		  const char *text)
{
	size_t len = strlen(bare_jid);
	struct kick *k = ly_alloc(sizeof(*k) + len + 1, LY_MEM_QUEUE);

	if (k == NULL) {
		ly_log(&lg, LY_ERROR, "kick-lost", "jid=%s", bare_jid);
		return;
	}
	k->msg.run = kick_run;
	k->msg.must_run = true;
	k->msg.drop = kick_drop;
	k->cond = cond;
	k->text = text ? ly_strdup(text, LY_MEM_QUEUE) : NULL;
	memcpy(k->jid, bare_jid, len + 1);
	ly_home_post(home, ly_home_index_of(home->env.n_homes, ly_span(bare_jid, len)), &k->msg);
}

/* ---- contacts changed in the store ---- */

struct contact_msg {
	struct ly_msg msg;
	struct ly_store_req *item; /* owned: a request used as a bag of strings */
};

static void contact_drop(struct ly_msg *msg)
{
	struct contact_msg *m = LY_CONTAINER_OF(msg, struct contact_msg, msg);

	ly_store_req_destroy(m->item);
	ly_free(m, LY_MEM_QUEUE);
}

static void contact_run(struct ly_home *home, struct ly_msg *msg)
{
	struct contact_msg *m = LY_CONTAINER_OF(msg, struct contact_msg, msg);
	const struct ly_store_contact *item = &m->item->u.item;
	struct ly_user *user = ly_home_user(home, m->item->owner);

	if (user && ly_roster_put(&user->roster, item, NULL) == 0) {
		ly_roster_push(user, item->jid, false);
		if (item->sub == LY_SUB_FROM || item->sub == LY_SUB_BOTH)
			ly_presence_show(user, item->jid);
	}
	contact_drop(msg);
}

void ly_home_contact_stored(struct ly_home *home, const char *owner,
			    const struct ly_store_contact *item)
{
	struct contact_msg *m = ly_alloc(sizeof(*m), LY_MEM_QUEUE);

	if (m)
		m->item = ly_store_req_create(home->conf.index, LY_STORE_ROSTER_PUT, owner);
	if (m && m->item)
		ly_store_set_item(m->item, item);
	if (m == NULL || m->item == NULL || m->item->err) {
		ly_log(&lg, LY_ERROR, "contact-lost", "user=%s", owner);
		if (m)
			contact_drop(&m->msg);
		return;
	}
	m->msg.run = contact_run;
	m->msg.drop = contact_drop;
	m->msg.must_run = true;
	ly_home_post(home, ly_home_index_of(home->env.n_homes, ly_span_str(owner)), &m->msg);
}
