/* The whole subscription state machine: RFC 6121 appendix A.2 and A.3, row by row. */
#include "tests/unit/check.h"

#include "signaling/session/roster.h"

/* Appendix A.1, with short names: PO = pending out, PI = pending in. */
enum { NONE, NONE_PO, NONE_PI, NONE_POI, TO, TO_PI, FROM, FROM_PO, BOTH, N_STATES };

static const struct ly_sub_state states[N_STATES] = {
	[NONE] = { LY_SUB_NONE, false, false, false },
	[NONE_PO] = { LY_SUB_NONE, true, false, false },
	[NONE_PI] = { LY_SUB_NONE, false, true, false },
	[NONE_POI] = { LY_SUB_NONE, true, true, false },
	[TO] = { LY_SUB_TO, false, false, false },
	[TO_PI] = { LY_SUB_TO, false, true, false },
	[FROM] = { LY_SUB_FROM, false, false, false },
	[FROM_PO] = { LY_SUB_FROM, true, false, false },
	[BOTH] = { LY_SUB_BOTH, false, false, false },
};

struct row {
	const char *what;
	enum ly_stanza_type type;
	struct {
		bool pass;
		int next;
	} want[N_STATES]; /* by the state before */
};

static const struct row outbound[] = {
	{ "A.2.1 subscribe",
	  LY_T_SUBSCRIBE,
	  { [NONE] = { 1, NONE_PO },
	    [NONE_PO] = { 1, NONE_PO },
	    [NONE_PI] = { 1, NONE_POI },
	    [NONE_POI] = { 1, NONE_POI },
	    [TO] = { 1, TO },
	    [TO_PI] = { 1, TO_PI },
	    [FROM] = { 1, FROM_PO },
	    [FROM_PO] = { 1, FROM_PO },
	    [BOTH] = { 1, BOTH } } },
	{ "A.2.2 unsubscribe",
	  LY_T_UNSUBSCRIBE,
	  { [NONE] = { 1, NONE },
	    [NONE_PO] = { 1, NONE },
	    [NONE_PI] = { 1, NONE_PI },
	    [NONE_POI] = { 1, NONE_PI },
	    [TO] = { 1, NONE },
	    [TO_PI] = { 1, NONE_PI },
	    [FROM] = { 1, FROM },
	    [FROM_PO] = { 1, FROM },
	    [BOTH] = { 1, FROM } } },
	{ "A.2.3 subscribed",
	  LY_T_SUBSCRIBED,
	  { [NONE] = { 0, NONE },
	    [NONE_PO] = { 0, NONE_PO },
	    [NONE_PI] = { 1, FROM },
	    [NONE_POI] = { 1, FROM_PO },
	    [TO] = { 0, TO },
	    [TO_PI] = { 1, BOTH },
	    [FROM] = { 0, FROM },
	    [FROM_PO] = { 0, FROM_PO },
	    [BOTH] = { 0, BOTH } } },
	{ "A.2.4 unsubscribed",
	  LY_T_UNSUBSCRIBED,
	  { [NONE] = { 0, NONE },
	    [NONE_PO] = { 0, NONE_PO },
	    [NONE_PI] = { 1, NONE },
	    [NONE_POI] = { 1, NONE_PO },
	    [TO] = { 0, TO },
	    [TO_PI] = { 1, TO },
	    [FROM] = { 1, NONE },
	    [FROM_PO] = { 1, NONE_PO },
	    [BOTH] = { 1, TO } } },
};

static const struct row inbound[] = {
	{ "A.3.1 subscribe",
	  LY_T_SUBSCRIBE,
	  { [NONE] = { 1, NONE_PI },
	    [NONE_PO] = { 1, NONE_POI },
	    [NONE_PI] = { 0, NONE_PI },
	    [NONE_POI] = { 0, NONE_POI },
	    [TO] = { 1, TO_PI },
	    [TO_PI] = { 0, TO_PI },
	    [FROM] = { 0, FROM },
	    [FROM_PO] = { 0, FROM_PO },
	    [BOTH] = { 0, BOTH } } },
	{ "A.3.2 unsubscribe",
	  LY_T_UNSUBSCRIBE,
	  { [NONE] = { 0, NONE },
	    [NONE_PO] = { 0, NONE_PO },
	    [NONE_PI] = { 1, NONE },
	    [NONE_POI] = { 1, NONE_PO },
	    [TO] = { 0, TO },
	    [TO_PI] = { 1, TO },
	    [FROM] = { 1, NONE },
	    [FROM_PO] = { 1, NONE_PO },
	    [BOTH] = { 1, TO } } },
	{ "A.3.3 subscribed",
	  LY_T_SUBSCRIBED,
	  { [NONE] = { 0, NONE },
	    [NONE_PO] = { 1, TO },
	    [NONE_PI] = { 0, NONE_PI },
	    [NONE_POI] = { 1, TO_PI },
	    [TO] = { 0, TO },
	    [TO_PI] = { 0, TO_PI },
	    [FROM] = { 0, FROM },
	    [FROM_PO] = { 1, BOTH },
	    [BOTH] = { 0, BOTH } } },
	{ "A.3.4 unsubscribed",
	  LY_T_UNSUBSCRIBED,
	  { [NONE] = { 0, NONE },
	    [NONE_PO] = { 1, NONE },
	    [NONE_PI] = { 0, NONE_PI },
	    [NONE_POI] = { 1, NONE_PI },
	    [TO] = { 1, NONE },
	    [TO_PI] = { 1, NONE_PI },
	    [FROM] = { 0, FROM },
	    [FROM_PO] = { 1, FROM },
	    [BOTH] = { 1, FROM } } },
};

static bool has_from(int state)
{
	return state == FROM || state == FROM_PO || state == BOTH;
}

static void check(const struct row *row, int state, struct ly_sub_step got, bool out)
{
	char what[64];
	int want = row->want[state].next;

	snprintf(what, sizeof(what), "%s in state %d", row->what, state);
	ly_assert_i64(what, row->want[state].pass, got.pass);
	ly_assert_i64(what, states[want].sub, got.next.sub);
	ly_assert_i64(what, states[want].ask, got.next.ask);
	ly_assert_i64(what, states[want].pending_in, got.next.pending_in);
	ly_assert_i64(what, has_from(want) && !has_from(state), got.send_presence);
	ly_assert_i64(what, !has_from(want) && has_from(state), got.send_unavailable);
	ly_assert_i64(what, !out && row->type == LY_T_SUBSCRIBE && has_from(state), got.auto_reply);
	ly_assert_i64(what, want != state || got.next.approved, got.changed);
	/* pending in alone is nothing a client sees */
	ly_assert_i64(what,
		      states[want].sub != states[state].sub ||
			      states[want].ask != states[state].ask || got.next.approved,
		      got.push);
}

static void test_outbound(void **state)
{
	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(outbound); i++)
		for (int s = 0; s < N_STATES; s++)
			check(&outbound[i], s, ly_sub_outbound(states[s], outbound[i].type), true);
}

static void test_inbound(void **state)
{
	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(inbound); i++)
		for (int s = 0; s < N_STATES; s++)
			check(&inbound[i], s, ly_sub_inbound(states[s], inbound[i].type), false);
}

/* s. 3.4: approved before it is asked for. */
static void test_pre_approval(void **state)
{
	static const int noted[N_STATES] = { [NONE] = 1, [NONE_PO] = 1, [TO] = 1 };
	static const struct {
		const char *what;
		int before, after;
	} rows[] = {
		{ "none becomes from", NONE, FROM },
		{ "none with pending out", NONE_PO, FROM_PO },
		{ "to becomes both", TO, BOTH },
	};

	(void)state;
	for (int s = 0; s < N_STATES; s++)
		ly_assert_i64("noted", noted[s],
			      ly_sub_outbound(states[s], LY_T_SUBSCRIBED).next.approved);
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_sub_state s = states[rows[i].before];
		struct ly_sub_step step;

		s.approved = true;
		step = ly_sub_inbound(s, LY_T_SUBSCRIBE);
		ly_assert_i64(rows[i].what, false, step.pass);
		ly_assert_i64(rows[i].what, true, step.auto_reply);
		ly_assert_i64(rows[i].what, true, step.send_presence);
		ly_assert_i64(rows[i].what, states[rows[i].after].sub, step.next.sub);
		step = ly_sub_outbound(s, LY_T_UNSUBSCRIBED);
		ly_assert_i64("taken back", false, step.next.approved);
		ly_assert_i64("taken back", false, step.pass);
	}
}

static void test_roster(void **state)
{
	static const char *const groups[] = { "friends", "school" };
	struct ly_store_contact a = { .jid = "a@x", .name = "A", .groups = groups, .n_groups = 2 };
	struct ly_store_contact b = { .jid = "b@x", .listed = true }, got;
	struct ly_roster r = { 0 };
	struct ly_contact *c;
	const char *out[2];

	(void)state;
	ly_assert_i64("put", 0, ly_roster_put(&r, &b, NULL));
	ly_assert_i64("put", 0, ly_roster_put(&r, &a, &c));
	ly_assert_i64("sorted", 0, strcmp(r.v[0]->jid, "a@x"));
	ly_contact_get(c, &got, out);
	ly_assert_str("group", "school", got.groups[1]);
	got.name = "other"; /* groups are borrowed from the contact that goes */
	ly_assert_i64("replace", 0, ly_roster_put(&r, &got, &c));
	ly_assert_i64("n", 2, r.n);
	ly_assert_str("name", "other", c->name);
	ly_contact_get(c, &got, out);
	ly_assert_str("group", "friends", got.groups[0]);
	ly_assert_i64("listed", 1, (int64_t)ly_roster_n_listed(&r));
	ly_roster_del(&r, "a@x");
	ly_roster_del(&r, "c@x");
	assert_null(ly_roster_find(&r, "a@x"));
	assert_non_null(ly_roster_find(&r, "b@x"));
	ly_roster_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outbound),
		cmocka_unit_test(test_inbound),
		cmocka_unit_test(test_pre_approval),
		cmocka_unit_test(test_roster),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
