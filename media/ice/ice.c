#include "media/ice/ice.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/util.h"
#include "media/ice/ice_priv.h"

/* RFC 8445 s. 5.1.2.1: host candidate, the only address, component 1. */
#define HOST_PRIORITY ((126u << 24) | (65535u << 8) | 255u)

const char *ly_ice_state_name(enum ly_ice_state state)
{
	static const char *const names[] = { "new", "connected", "nominated", "failed" };

	return names[state];
}

void ly_ice_push(struct ly_ice *ice, const struct ly_ice_out *event)
{
	if (ice->n_events == LY_ICE_EVENTS_MAX) { /* the caller does not drain: keep the latest */
		memmove(ice->events, ice->events + 1, sizeof(*event) * (LY_ICE_EVENTS_MAX - 1));
		ice->n_events--;
	}
	ice->events[ice->n_events++] = *event;
}

void ly_ice_set_state(struct ly_ice *ice, enum ly_ice_state to)
{
	static const uint8_t allowed[] = {
		[LY_ICE_NEW] = 1 << LY_ICE_CONNECTED,
		[LY_ICE_CONNECTED] = 1 << LY_ICE_NOMINATED | 1 << LY_ICE_FAILED,
		[LY_ICE_NOMINATED] = 1 << LY_ICE_FAILED,
		[LY_ICE_FAILED] = 1 << LY_ICE_NEW,
	};

	if (ice->state == to)
		return;
	assert(allowed[ice->state] & 1 << to);
	ly_log(&ice->log, LY_INFO, "ice-state", "from=%s to=%s", ly_ice_state_name(ice->state),
	       ly_ice_state_name(to));
	ice->state = to;
	ly_ice_push(ice, &(struct ly_ice_out) { .kind = LY_ICE_STATE, .state = to });
}

static int set_cred(struct ly_ice_cred *c, const char *ufrag, const char *pwd)
{
	size_t u = strlen(ufrag), p = strlen(pwd);

	if (u < LY_ICE_UFRAG_MIN || u > LY_ICE_CRED_MAX || p < LY_ICE_PWD_MIN ||
	    p > LY_ICE_CRED_MAX)
		return -EINVAL;
	memcpy(c->ufrag, ufrag, u + 1);
	memcpy(c->pwd, pwd, p + 1);
	return 0;
}

int ly_ice_create(struct ly_ice **out, const struct ly_ice_conf *conf, ly_usec now)
{
	struct ly_ice *ice = ly_alloc(sizeof(*ice), LY_MEM_MEDIA);

	(void)now;
	if (ice == NULL)
		return -ENOMEM;
	if (set_cred(&ice->cur.local, conf->ufrag, conf->pwd) != 0) {
		ly_free(ice, LY_MEM_MEDIA);
		return -EINVAL;
	}
	ice->stun = conf->stun;
	ice->rand = conf->rand;
	ice->tag = conf->tag;
	ice->controlling = conf->controlling;
	ice->local_priority = conf->priority ? conf->priority : HOST_PRIORITY;
	ice->consent_interval = conf->consent_interval ? conf->consent_interval : LY_SEC(5);
	ice->consent_timeout = conf->consent_timeout ? conf->consent_timeout : LY_SEC(30);
	ice->log = (struct ly_log) { "ice", conf->log_id ? conf->log_id : "" };
	ice->tie_breaker = ly_rand_u64(conf->rand);
	ice->consent_at = ice->consent_until = ice->eval_at = LY_NEVER;
	ly_ice_pairs_clear(ice, false);
	*out = ice;
	return 0;
}

void ly_ice_destroy(struct ly_ice *ice)
{
	if (ice == NULL)
		return;
	ly_wipe(ice, sizeof(*ice));
	ly_free(ice, LY_MEM_MEDIA);
}

int ly_ice_set_remote(struct ly_ice *ice, ly_usec now, const char *ufrag, const char *pwd,
		      bool lite)
{
	struct ly_ice_cred *remote = &ice->cur.remote;

	if (remote->ufrag[0])
		return strcmp(remote->ufrag, ufrag) == 0 && strcmp(remote->pwd, pwd) == 0 ? 0
											  : -EEXIST;
	if (set_cred(remote, ufrag, pwd) != 0)
		return -EINVAL;
	if (lite && !ice->controlling) {
		ice->controlling = true;
		ly_ice_pairs_set_priorities(ice);
	}
	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++) {
		struct ly_ice_pair *p = &ice->pairs[i];

		if (p->addr.family && p->gen == ice->gen)
			ly_ice_check_start(ice, p, LY_ICE_CHECK_CONN, now);
	}
	return 0;
}

int ly_ice_add_remote(struct ly_ice *ice, ly_usec now, const struct ly_addr *addr,
		      uint32_t priority)
{
	struct ly_ice_pair *p;

	if (addr->family == 0 || addr->port == 0)
		return -EINVAL;
	if (ice->state == LY_ICE_FAILED || ly_ice_pair_find(ice, addr, ice->gen))
		return 0;
	p = ly_ice_pair_get(ice, now, addr, priority);
	if (p == NULL)
		return -E2BIG;
	ly_ice_check_start(ice, p, LY_ICE_CHECK_CONN, now);
	return 0;
}

int ly_ice_restart(struct ly_ice *ice, ly_usec now, const char *ufrag, const char *pwd)
{
	struct ly_ice_gen next = { 0 };

	(void)now;
	if (set_cred(&next.local, ufrag, pwd) != 0 || strcmp(ufrag, ice->cur.local.ufrag) == 0)
		return -EINVAL;
	if (ice->selected && ice->selected->gen != ice->gen) {
		/* a restart during a restart: the working pair's credentials are in prev */
		ice->selected->gen = ice->gen;
	} else {
		ice->prev = ice->cur;
		ice->has_prev = ice->selected != NULL;
	}
	ice->cur = next;
	ice->gen++;
	ly_ice_pairs_clear(ice, ice->selected != NULL);
	memset(ice->checks, 0, sizeof(ice->checks));
	if (ice->selected) {
		ice->selected->check = LY_ICE_CHECK_NONE;
		ice->selected->check_at = LY_NEVER;
	}
	ice->eval_at = LY_NEVER;
	if (ice->state == LY_ICE_FAILED)
		ly_ice_set_state(ice, LY_ICE_NEW);
	return 0;
}

/* The peer has checked this address: learn it, answer with a check of our own. */
static void learn(struct ly_ice *ice, ly_usec now, const struct ly_addr *src,
		  const struct ly_stun_request *req)
{
	struct ly_ice_pair *p = ly_ice_pair_get(ice, now, src, req->priority);

	if (p == NULL)
		return; /* 32 pairs: the check was answered, that is all */
	p->last_heard = now;
	if (req->use_candidate && !ice->controlling) {
		if (p->state == LY_ICE_PAIR_VALID)
			ly_ice_pair_nominated(ice, now, p);
		else
			p->peer_nominated = true;
	}
	/* triggered check, RFC 8445 s. 7.3.1.4; one that is under way goes again at once */
	if (p->state == LY_ICE_PAIR_VALID) {
		if (p != ice->selected && p->check == LY_ICE_CHECK_NONE &&
		    now - p->last_sent >= LY_ICE_STANDBY_INTERVAL)
			ly_ice_check_start(ice, p, LY_ICE_CHECK_CONN, now);
	} else if (p->check == LY_ICE_CHECK_NONE) {
		ly_ice_check_start(ice, p, LY_ICE_CHECK_CONN, now);
	} else if (now - p->last_sent >= LY_MS(50)) {
		p->check_at = LY_MIN(p->check_at, now);
	}
}

static int recv_request(struct ly_ice *ice, ly_usec now, const struct ly_addr *src,
			struct ly_span pkt, const struct ly_stun_peek *peek)
{
	bool old = ice->has_prev &&
		   ly_span_equal(peek->local_ufrag, ly_span_str(ice->prev.local.ufrag));
	const struct ly_ice_cred *local = old ? &ice->prev.local : &ice->cur.local;
	struct ly_stun_request req = { .controlling = ice->controlling };
	int err = ly_stun_answer(ice->stun, pkt, ly_span_str(local->ufrag), ly_span_str(local->pwd),
				 ice->tie_breaker, src, ice->reply, sizeof(ice->reply), &req);

	ice->reply_len = req.reply_len;
	ice->reply_to = *src;
	ice->stats.requests++;
	if (err) {
		ice->stats.refused++;
		return err;
	}
	if (req.controlling != ice->controlling) {
		ice->controlling = req.controlling;
		ly_ice_pairs_set_priorities(ice);
		ly_log(&ice->log, LY_INFO, "ice-role", "controlling=%d", ice->controlling);
	}
	if (req.role_conflict || ice->state == LY_ICE_FAILED)
		return 0;
	if (old)
		ly_ice_heard(ice, now, src);
	else
		learn(ice, now, src, &req);
	return 0;
}

int ly_ice_recv(struct ly_ice *ice, ly_usec now, const struct ly_addr *src, struct ly_span pkt)
{
	struct ly_stun_peek peek;
	int err = ly_stun_peek(&peek, pkt);

	if (err == 0) {
		switch (peek.cls) {
		case LY_STUN_REQUEST:
			err = recv_request(ice, now, src, pkt, &peek);
			break;
		case LY_STUN_INDICATION: /* keep-alive: no answer, and nothing is proven by it */
			err = 0;
			break;
		default:
			err = ly_ice_recv_response(ice, now, src, pkt, peek.id);
			break;
		}
	}
	if (err == -EPROTO) /* not a Binding request */
		err = -EBADMSG;
	if (err)
		ly_log(&ice->log, LY_DEBUG, "ice-refused", "error=%s", ly_err_name(err));
	ly_ice_evaluate(ice, now);
	return err;
}

bool ly_ice_heard(struct ly_ice *ice, ly_usec now, const struct ly_addr *src)
{
	bool known = false;

	if (ice->selected && ly_addr_equal(&ice->selected->addr, src)) {
		ice->selected->last_heard = now;
		return true;
	}
	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++) {
		struct ly_ice_pair *p = &ice->pairs[i];

		/* last_heard is first set by a check that was authentic */
		if (p->last_heard == 0 || !ly_addr_equal(&p->addr, src))
			continue;
		p->last_heard = now;
		known = true;
	}
	return known;
}

static void consent_lost(struct ly_ice *ice)
{
	bool restarting = ice->selected->gen != ice->gen;

	ly_log(&ice->log, LY_INFO, "ice-consent-lost", "timeout_ms=%lld",
	       (long long)ice->consent_timeout / 1000);

	ice->selected = NULL;
	ice->consent_at = ice->consent_until = ice->eval_at = LY_NEVER;
	ice->has_prev = false;
	ly_wipe(&ice->prev, sizeof(ice->prev));
	ly_ice_set_state(ice, LY_ICE_FAILED);
	if (restarting) { /* the checks of the new generation go on */
		ly_ice_pairs_drop_old(ice);
		ly_ice_set_state(ice, LY_ICE_NEW);
	} else {
		ly_ice_pairs_clear(ice, false);
	}
}

void ly_ice_tick(struct ly_ice *ice, ly_usec now)
{
	if (ice->selected && now >= ice->consent_until) {
		consent_lost(ice);
		return;
	}
	if (ice->selected && now >= ice->consent_at) {
		ice->consent_at = ly_ice_next_consent(ice, now);
		if (ice->selected->check == LY_ICE_CHECK_NONE)
			ly_ice_check_start(ice, ice->selected, LY_ICE_CHECK_CONSENT, now);
	}
	if (now >= ice->eval_at)
		ly_ice_evaluate(ice, now);
}

bool ly_ice_poll(struct ly_ice *ice, ly_usec now, struct ly_ice_out *out)
{
	size_t len;

	if (ice->reply_len) {
		*out = (struct ly_ice_out) { .kind = LY_ICE_SEND,
					     .dst = ice->reply_to,
					     .data = ly_span(ice->reply, ice->reply_len) };
		ice->reply_len = 0;
		return true;
	}
	if (ice->n_events) {
		*out = ice->events[0];
		ice->n_events--;
		memmove(ice->events, ice->events + 1, ice->n_events * sizeof(ice->events[0]));
		return true;
	}
	*out = (struct ly_ice_out) { .kind = LY_ICE_SEND };
	len = ly_ice_check_next(ice, now, &out->dst);
	out->data = ly_span(ice->request, len);
	return len > 0;
}

ly_usec ly_ice_deadline(const struct ly_ice *ice)
{
	ly_usec at = ly_ice_check_deadline(ice);

	if (ice->selected)
		at = LY_MIN(at, LY_MIN(ice->consent_at, ice->consent_until));
	return LY_MIN(at, ice->eval_at);
}

enum ly_ice_state ly_ice_state(const struct ly_ice *ice)
{
	return ice->state;
}

const struct ly_addr *ly_ice_selected(const struct ly_ice *ice)
{
	return ice->selected ? &ice->selected->addr : NULL;
}

const char *ly_ice_ufrag(const struct ly_ice *ice)
{
	return ice->cur.local.ufrag;
}

const char *ly_ice_prev_ufrag(const struct ly_ice *ice)
{
	return ice->has_prev ? ice->prev.local.ufrag : NULL;
}

const char *ly_ice_pwd(const struct ly_ice *ice)
{
	return ice->cur.local.pwd;
}

void ly_ice_get_stats(const struct ly_ice *ice, struct ly_ice_stats *out)
{
	*out = ice->stats;
	out->state = ice->state;
	out->controlling = ice->controlling;
	out->generation = ice->gen;
	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++)
		out->n_pairs += ice->pairs[i].addr.family != 0;
	out->rtt = ice->selected ? ice->selected->rtt : 0;
	out->last_heard = ice->selected ? ice->selected->last_heard : 0;
	out->consent_until = ice->selected ? ice->consent_until : LY_NEVER;
}
