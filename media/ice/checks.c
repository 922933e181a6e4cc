/* Our own checks: when they are sent, and their answers. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "media/ice/ice_priv.h"

/* RFC 8445 s. 7.1.1: as if the candidate were peer-reflexive; type preference 110, component 1. */
#define CHECK_PRIORITY ((110u << 24) | (65535u << 8) | 255u)

const struct ly_ice_gen *ly_ice_gen_of(const struct ly_ice *ice, uint32_t gen)
{
	if (gen == ice->gen)
		return &ice->cur;
	return ice->has_prev && gen + 1 == ice->gen ? &ice->prev : NULL;
}

void ly_ice_check_start(struct ly_ice *ice, struct ly_ice_pair *pair, enum ly_ice_check_kind kind,
			ly_usec at)
{
	const struct ly_ice_gen *gen = ly_ice_gen_of(ice, pair->gen);

	if (gen == NULL || gen->remote.ufrag[0] == 0)
		return; /* the peer's credentials are not known yet: set_remote comes back to it */
	pair->check = kind;
	pair->tries = 0;
	pair->check_at = at;
	if (pair->state == LY_ICE_PAIR_FAILED)
		pair->state = LY_ICE_PAIR_WAITING;
}

/* Makes a new transaction in the slot that is free or oldest. */
static struct ly_ice_check *new_check(struct ly_ice *ice, struct ly_ice_pair *pair, ly_usec now)
{
	struct ly_ice_check *c = &ice->checks[0];

	for (size_t i = 1; i < LY_ICE_CHECKS_MAX; i++)
		if (ice->checks[i].sent_at < c->sent_at)
			c = &ice->checks[i];
	*c = (struct ly_ice_check) {
		.addr = pair->addr,
		.gen = pair->gen,
		.sent_at = now,
		.controlling = ice->controlling,
		.use_candidate = ice->controlling && pair->check == LY_ICE_CHECK_NOMINATE,
	};
	c->id[0] = (uint8_t)(ice->tag >> 24);
	c->id[1] = (uint8_t)(ice->tag >> 16);
	c->id[2] = (uint8_t)(ice->tag >> 8);
	c->id[3] = (uint8_t)ice->tag;
	ly_rand_bytes(ice->rand, c->id + 4, sizeof(c->id) - 4);
	memcpy(pair->id, c->id, sizeof(pair->id));
	return c;
}

static struct ly_ice_check *find_check(struct ly_ice *ice, const uint8_t *id)
{
	for (size_t i = 0; i < LY_ICE_CHECKS_MAX; i++)
		if (ice->checks[i].sent_at && memcmp(ice->checks[i].id, id, LY_STUN_ID_LEN) == 0)
			return &ice->checks[i];
	return NULL;
}

/* Sets when the check is due again after it was sent for the pair->tries-th time. */
static void schedule(struct ly_ice_pair *pair, ly_usec now)
{
	ly_usec rto = LY_ICE_RTO_MIN << (pair->tries - 1);

	if (pair->check == LY_ICE_CHECK_CONSENT) {
		pair->check = LY_ICE_CHECK_NONE;
		pair->check_at = LY_NEVER;
		return;
	}
	rto = LY_MAX(rto, 2 * pair->rtt);
	pair->check_at = now + LY_MIN(rto, LY_ICE_RTO_MAX);
}

static size_t build(struct ly_ice *ice, struct ly_ice_pair *pair, ly_usec now)
{
	const struct ly_ice_gen *gen = ly_ice_gen_of(ice, pair->gen);
	struct ly_ice_check *c = pair->tries ? find_check(ice, pair->id) : NULL;
	char username[2 * LY_ICE_CRED_MAX + 2];
	struct ly_stun_check msg;
	int len;

	if (gen == NULL) {
		pair->check_at = LY_NEVER;
		return 0;
	}
	if (c)
		c->resent = true;
	else
		c = new_check(ice, pair, now);
	snprintf(username, sizeof(username), "%s:%s", gen->remote.ufrag, gen->local.ufrag);
	msg = (struct ly_stun_check) {
		.controlling = c->controlling,
		.use_candidate = c->use_candidate,
		.priority = CHECK_PRIORITY,
		.tie_breaker = ice->tie_breaker,
		.cred = { ly_span_str(username), ly_span_str(gen->remote.pwd) },
	};
	memcpy(msg.id, c->id, sizeof(msg.id));
	len = ly_stun_build_check(ice->stun, ice->request, sizeof(ice->request), &msg);
	pair->tries++;
	pair->last_sent = now;
	schedule(pair, now);
	if (len <= 0)
		return 0;
	ice->stats.checks_sent++;
	return (size_t)len;
}

/* The check has had its time. */
static void give_up(struct ly_ice *ice, struct ly_ice_pair *pair)
{
	char addr[LY_ADDR_MAX];

	ly_log(&ice->log, LY_DEBUG, "ice-check-failed", "addr=%s",
	       ly_addr_format(&pair->addr, addr, sizeof(addr)));
	pair->check = LY_ICE_CHECK_NONE;
	pair->check_at = LY_NEVER;
	if (pair != ice->selected)
		pair->state = LY_ICE_PAIR_FAILED;
}

size_t ly_ice_check_next(struct ly_ice *ice, ly_usec now, struct ly_addr *dst)
{
	for (;;) {
		struct ly_ice_pair *best = NULL;
		size_t len;

		for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++) {
			struct ly_ice_pair *p = &ice->pairs[i];

			if (p->addr.family == 0 || p->check_at > now)
				continue;
			if (best == NULL || p->priority > best->priority)
				best = p;
		}
		if (best == NULL)
			return 0;
		if (best->tries >= LY_ICE_TRIES) {
			give_up(ice, best);
			continue;
		}
		if (now < ice->pace_at)
			return 0;
		if (best->state == LY_ICE_PAIR_WAITING)
			best->state = LY_ICE_PAIR_CHECKING;
		*dst = best->addr;
		len = build(ice, best, now);
		if (len) {
			ice->pace_at = now + LY_ICE_PACE;
			return len;
		}
	}
}

ly_usec ly_ice_check_deadline(const struct ly_ice *ice)
{
	ly_usec at = LY_NEVER;

	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++)
		if (ice->pairs[i].addr.family)
			at = LY_MIN(at, ice->pairs[i].check_at);
	return at == LY_NEVER ? at : LY_MAX(at, ice->pace_at);
}

/* RFC 8445 s. 7.2.5.1: take the other role, a new tie-breaker, and check again. */
static void lost_tie(struct ly_ice *ice, ly_usec now, struct ly_ice_pair *pair,
		     const struct ly_ice_check *c)
{
	if (c->controlling == ice->controlling) {
		ice->controlling = !ice->controlling;
		ice->tie_breaker = ly_rand_u64(ice->rand);
		ly_ice_pairs_set_priorities(ice);
		ly_log(&ice->log, LY_INFO, "ice-role", "controlling=%d", ice->controlling);
	}
	ly_ice_check_start(ice, pair, LY_ICE_CHECK_CONN, now);
}

static void update_rtt(struct ly_ice_pair *pair, const struct ly_ice_check *c, ly_usec now)
{
	ly_usec rtt = LY_MAX(now - c->sent_at, 1);

	if (c->resent) /* Karn: which of them was answered is unknown */
		return;
	pair->rtt = pair->rtt ? (7 * pair->rtt + rtt) / 8 : rtt;
}

int ly_ice_recv_response(struct ly_ice *ice, ly_usec now, const struct ly_addr *src,
			 struct ly_span pkt, const uint8_t *id)
{
	struct ly_ice_check *c = find_check(ice, id);
	const struct ly_ice_gen *gen = c ? ly_ice_gen_of(ice, c->gen) : NULL;
	struct ly_stun_response rsp;
	struct ly_ice_pair *pair;
	int err;

	/* RFC 8445 s. 7.2.5.2.1: it has to come from where the request went */
	if (gen == NULL || !ly_addr_equal(&c->addr, src))
		return -EBADMSG;
	err = ly_stun_response(ice->stun, pkt, id, ly_span_str(gen->remote.pwd), &rsp);
	if (err)
		return err;
	pair = ly_ice_pair_find(ice, &c->addr, c->gen);
	ice->stats.checks_answered++;
	if (pair) {
		struct ly_ice_check done = *c;

		/* a late answer to an earlier check must not stop the one under way */
		if (memcmp(pair->id, id, LY_STUN_ID_LEN) == 0) {
			pair->check = LY_ICE_CHECK_NONE;
			pair->check_at = LY_NEVER;
		}
		c->sent_at = 0;
		if (rsp.code == 487) {
			lost_tie(ice, now, pair, &done);
		} else if (rsp.code == 0) {
			update_rtt(pair, &done, now);
			ly_ice_pair_answered(ice, now, pair, done.use_candidate);
		} else {
			ly_log(&ice->log, LY_DEBUG, "ice-check-refused", "code=%d", rsp.code);
		}
	}
	return 0;
}
