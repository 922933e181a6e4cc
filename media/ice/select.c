/* Which pair is used: nomination, consent, and moving to another pair. */
#include "base/heap.h"
#include "base/util.h"
#include "media/ice/ice_priv.h"

/* RFC 7675 s. 5.1: every interval, spread by 20 % both ways. */
ly_usec ly_ice_next_consent(struct ly_ice *ice, ly_usec now)
{
	ly_usec spread = ice->consent_interval * 2 / 5;

	return now + ice->consent_interval - spread / 2 +
	       (spread > 0 ? ly_rand_below(ice->rand, (uint32_t)spread) : 0);
}

static void select_pair(struct ly_ice *ice, ly_usec now, struct ly_ice_pair *pair)
{
	char addr[LY_ADDR_MAX];

	if (ice->selected == pair)
		return;
	ice->selected = pair;
	ice->selected_at = now;
	ice->consent_at = ly_ice_next_consent(ice, now);
	ice->consent_until = pair->last_response + ice->consent_timeout;
	ly_log(&ice->log, LY_INFO, "ice-selected", "addr=%s generation=%u rtt_us=%lld",
	       ly_addr_format(&pair->addr, addr, sizeof(addr)), ice->gen, (long long)pair->rtt);
	ly_ice_push(ice, &(struct ly_ice_out) { .kind = LY_ICE_SELECTED, .dst = pair->addr });
}

void ly_ice_pair_nominated(struct ly_ice *ice, ly_usec now, struct ly_ice_pair *pair)
{
	pair->peer_nominated = false;
	select_pair(ice, now, pair);
	if (ice->state == LY_ICE_NEW)
		ly_ice_set_state(ice, LY_ICE_CONNECTED);
	ly_ice_set_state(ice, LY_ICE_NOMINATED);
	if (ice->has_prev) { /* the restart is complete */
		ice->has_prev = false;
		ly_wipe(&ice->prev, sizeof(ice->prev));
		ly_ice_pairs_drop_old(ice);
	}
}

/* True until a pair of this generation was nominated. */
static bool wants_nomination(const struct ly_ice *ice)
{
	return ice->state != LY_ICE_NOMINATED || ice->selected->gen != ice->gen;
}

static bool nominating(const struct ly_ice *ice)
{
	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++)
		if (ice->pairs[i].addr.family && ice->pairs[i].check == LY_ICE_CHECK_NOMINATE)
			return true;
	return false;
}

void ly_ice_pair_answered(struct ly_ice *ice, ly_usec now, struct ly_ice_pair *pair,
			  bool use_candidate)
{
	if (ice->state == LY_ICE_FAILED)
		return;
	pair->last_response = pair->last_heard = now;
	if (pair->state != LY_ICE_PAIR_VALID) {
		pair->state = LY_ICE_PAIR_VALID;
		pair->valid_since = now;
	}
	if (pair == ice->selected)
		ice->consent_until = now + ice->consent_timeout;
	if (pair->gen != ice->gen)
		return;
	if (ice->state == LY_ICE_NEW) {
		select_pair(ice, now, pair);
		ly_ice_set_state(ice, LY_ICE_CONNECTED);
	}
	if (ice->controlling) {
		if (use_candidate)
			ly_ice_pair_nominated(ice, now, pair);
		else if (wants_nomination(ice) && !nominating(ice))
			ly_ice_check_start(ice, pair, LY_ICE_CHECK_NOMINATE, now);
	} else if (pair->peer_nominated) {
		ly_ice_pair_nominated(ice, now, pair);
	}
}

/* The best other pair that was heard during the last second. */
static struct ly_ice_pair *find_other(struct ly_ice *ice, ly_usec now)
{
	struct ly_ice_pair *best = NULL;

	for (size_t i = 0; i < LY_ICE_PAIRS_MAX; i++) {
		struct ly_ice_pair *p = &ice->pairs[i];

		if (p->addr.family == 0 || p == ice->selected || p->gen != ice->gen ||
		    p->state != LY_ICE_PAIR_VALID || now - p->last_heard > LY_ICE_SILENT)
			continue;
		if (best == NULL || p->priority > best->priority)
			best = p;
	}
	return best;
}

/* Moves to another pair when the selected one is silent although it was asked, or when the other
 * has been better for a while; at most once in two seconds, because browsers check all pairs all
 * the time. */
void ly_ice_evaluate(struct ly_ice *ice, ly_usec now)
{
	struct ly_ice_pair *sel = ice->selected, *other;
	ly_usec silence;

	ice->eval_at = LY_NEVER;
	if (!ice->controlling || ice->state != LY_ICE_NOMINATED || sel->gen != ice->gen ||
	    nominating(ice))
		return;
	other = find_other(ice, now);
	if (other == NULL)
		return;
	ice->eval_at = now + LY_MS(100);
	silence = now - LY_MAX(sel->last_heard, ice->selected_at);
	if (silence >= LY_ICE_PROBE && now - sel->last_sent >= LY_ICE_PROBE)
		ly_ice_check_start(ice, sel, LY_ICE_CHECK_CONSENT, now);
	if (now - ice->selected_at < LY_ICE_STAY)
		return;
	if ((silence >= LY_ICE_SILENT && other->last_heard > sel->last_heard) ||
	    (other->priority > sel->priority && now - other->valid_since >= LY_ICE_STAY))
		ly_ice_check_start(ice, other, LY_ICE_CHECK_NOMINATE, now);
}
