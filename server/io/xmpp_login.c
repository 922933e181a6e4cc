/* Credentials for a log-in: asked of the store, limited per address. */
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "server/admin/metrics.h"
#include "server/io/xmpp_priv.h"

static void keys_of(struct ly_scram_keys *out, const struct ly_store_scram *in)
{
	out->iterations = in->iterations;
	out->salt_len = in->salt_len;
	memcpy(out->salt, in->salt, LY_MIN(sizeof(out->salt), sizeof(in->salt)));
	memcpy(out->stored, in->stored_key, sizeof(out->stored));
	memcpy(out->server, in->server_key, sizeof(out->server));
}

struct cred_msg {
	struct ly_loop_msg msg;
	uint64_t id;
	int err;
	struct ly_credentials cred;
};

static void run_cred(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct cred_msg *m = LY_CONTAINER_OF(msg, struct cred_msg, msg);
	struct ly_xmpp *x = ly_xmpp_find(loop->user, m->id);

	if (x != NULL && !x->is_closed) {
		if (m->err == 0 || m->err == -ENOENT)
			ly_stream_credentials(x->stream, ly_xmpp_now(x),
					      m->err == 0 ? &m->cred : NULL);
		else
			ly_stream_credentials_failed(x->stream, ly_xmpp_now(x));
		ly_xmpp_drain(x);
	}
	ly_wipe(&m->cred, sizeof(m->cred));
	ly_free(m, LY_MEM_CONN);
}

/* The store's answer comes while the home runs; the stream goes on after that, because it may bind.
 */
static void got_user(struct ly_home *home, struct ly_store_req *req, void *ctx)
{
	struct cred_msg *m = ctx;

	if (home == NULL) {
		ly_free(m, LY_MEM_CONN);
		return;
	}
	m->err = req->err;
	if (req->err == 0 && req->u.user.disabled)
		m->err = -ENOENT;
	if (m->err == 0) {
		keys_of(&m->cred.sha1, &req->u.user.scram[LY_STORE_SHA1]);
		keys_of(&m->cred.sha256, &req->u.user.scram[LY_STORE_SHA256]);
	}
	ly_loop_post(((struct ly_worker *)ly_home_server(home))->loop, &m->msg);
}

/* Guessing one account's password from many addresses is slowed down as well: the account has a row
 * in the table of addresses, under a family of its own. */
static struct ly_addr account_key(const struct ly_xmpp *x, const char *user)
{
	struct ly_addr key = { .family = 255 };
	uint64_t seed, hash;

	memcpy(&seed, x->w->server->secret, sizeof(seed));
	hash = ly_hash(ly_span_str(user), seed);
	memcpy(key.ip, &hash, sizeof(hash));
	return key;
}

static bool may_try(const struct ly_xmpp *x, const char *user)
{
	struct ly_limits *l = x->w->server->limits;
	struct ly_addr account = account_key(x, user);

	return ly_limits_may_login(l, &x->c->peer, ly_xmpp_now(x)) == 0 &&
	       ly_limits_may_login(l, &account, ly_xmpp_now(x)) == 0;
}

void ly_xmpp_ask_store(struct ly_xmpp *x, const char *user, const char *domain)
{
	struct ly_server *s = x->w->server;
	struct cred_msg *m = NULL;
	struct ly_store_req *req = NULL;
	char jid[3072];

	if (!may_try(x, user)) {
		ly_metric_add(LY_METRIC_LOGIN_REFUSED, 1);
		ly_log(&ly_xmpp_log, LY_WARN, "login-refused", "reason=too-many-failures user=%s",
		       user);
		x->wants_refusal = true;
		return;
	}
	snprintf(jid, sizeof(jid), "%s@%s", user, domain);
	m = ly_alloc(sizeof(*m), LY_MEM_CONN);
	if (m != NULL)
		req = ly_store_req_create(x->w->loop->index, LY_STORE_USER_GET, jid);
	if (req == NULL) {
		ly_free(m, LY_MEM_CONN);
		x->wants_refusal = true;
		return;
	}
	m->msg.run = run_cred;
	m->id = x->id;
	req->done = got_user;
	req->ctx = m;
	s->env.store(s->env.ctx, req);
}

void ly_xmpp_login_failed(struct ly_xmpp *x, const char *user)
{
	char ip[LY_ADDR_MAX];

	if (user != NULL) { /* else it came to no password */
		struct ly_addr account = account_key(x, user);

		ly_limits_failed(x->w->server->limits, &x->c->peer, ly_xmpp_now(x));
		ly_limits_failed(x->w->server->limits, &account, ly_xmpp_now(x));
		ly_metric_add(LY_METRIC_LOGIN_FAILED, 1);
	}
	ly_log(&ly_xmpp_log, LY_WARN, "login-failed", "user=%s peer=%s", user != NULL ? user : "-",
	       ly_addr_format_ip(&x->c->peer, ip, sizeof(ip)));
}
