/* The decisions of rooms (XEP-0045 s. 5, 7.2, 8, 9, 10) as tables. */
#include "tests/unit/check.h"

#include "signaling/features/xep_0045/rules.h"

static void test_join(void **state)
{
	static const struct {
		const char *what;
		struct ly_muc_join_facts f;
		int want;
	} rows[] = {
		{ "open room", { .max_occupants = 10 }, LY_MUC_OK },
		{ "banned", { .affiliation = LY_MUC_OUTCAST, .max_occupants = 10 }, LY_FORBIDDEN },
		{ "banned beats locked",
		  { .affiliation = LY_MUC_OUTCAST, .locked = true, .max_occupants = 10 },
		  LY_FORBIDDEN },
		{ "locked", { .locked = true, .max_occupants = 10 }, LY_ITEM_NOT_FOUND },
		{ "not a member",
		  { .members_only = true, .max_occupants = 10 },
		  LY_REGISTRATION_REQUIRED },
		{ "a member",
		  { .affiliation = LY_MUC_MEMBER, .members_only = true, .max_occupants = 10 },
		  LY_MUC_OK },
		{ "no password", { .has_password = true, .max_occupants = 10 }, LY_NOT_AUTHORIZED },
		{ "password",
		  { .has_password = true, .password_ok = true, .max_occupants = 10 },
		  LY_MUC_OK },
		{ "nick taken", { .nick_taken = true, .max_occupants = 10 }, LY_CONFLICT },
		{ "too many devices",
		  { .too_many_sessions = true, .max_occupants = 10 },
		  LY_RESOURCE_CONSTRAINT },
		{ "last place", { .n_occupants = 9, .max_occupants = 10 }, LY_MUC_OK },
		{ "full", { .n_occupants = 10, .max_occupants = 10 }, LY_SERVICE_UNAVAILABLE },
		{ "full for members too",
		  { .affiliation = LY_MUC_MEMBER, .n_occupants = 10, .max_occupants = 10 },
		  LY_SERVICE_UNAVAILABLE },
		{ "an admin gets in",
		  { .affiliation = LY_MUC_ADMIN, .n_occupants = 10, .max_occupants = 10 },
		  LY_MUC_OK },
		{ "but not without end",
		  { .affiliation = LY_MUC_OWNER, .n_occupants = 20, .max_occupants = 10 },
		  LY_SERVICE_UNAVAILABLE },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].what, rows[i].want, ly_muc_may_join(&rows[i].f));
}

#define MOD LY_MUC_MODERATOR
#define PART LY_MUC_PARTICIPANT
#define VIS LY_MUC_VISITOR
#define OUT LY_MUC_NONE
#define NO LY_MUC_AFF_NONE

static void test_role(void **state)
{
	static const struct {
		const char *what;
		struct ly_muc_party actor, target;
		enum ly_muc_role to;
		int want;
	} rows[] = {
		{ "participant kicks", { PART, NO }, { VIS, NO }, OUT, LY_FORBIDDEN },
		{ "outsider kicks", { OUT, LY_MUC_OWNER }, { VIS, NO }, OUT, LY_FORBIDDEN },
		{ "moderator kicks participant", { MOD, NO }, { PART, NO }, OUT, LY_MUC_OK },
		{ "moderator kicks member",
		  { MOD, NO },
		  { PART, LY_MUC_MEMBER },
		  OUT,
		  LY_NOT_ALLOWED },
		{ "member moderator kicks admin",
		  { MOD, LY_MUC_MEMBER },
		  { MOD, LY_MUC_ADMIN },
		  OUT,
		  LY_NOT_ALLOWED },
		{ "admin kicks owner",
		  { MOD, LY_MUC_ADMIN },
		  { MOD, LY_MUC_OWNER },
		  OUT,
		  LY_NOT_ALLOWED },
		{ "owner kicks owner",
		  { MOD, LY_MUC_OWNER },
		  { MOD, LY_MUC_OWNER },
		  OUT,
		  LY_MUC_OK },
		{ "moderator grants voice", { MOD, NO }, { VIS, NO }, PART, LY_MUC_OK },
		{ "participant grants voice", { PART, NO }, { VIS, NO }, PART, LY_FORBIDDEN },
		{ "moderator revokes voice", { MOD, NO }, { PART, NO }, VIS, LY_MUC_OK },
		{ "moderator revokes member's voice",
		  { MOD, NO },
		  { PART, LY_MUC_MEMBER },
		  VIS,
		  LY_NOT_ALLOWED },
		{ "nobody revokes an admin's voice",
		  { MOD, LY_MUC_OWNER },
		  { MOD, LY_MUC_ADMIN },
		  VIS,
		  LY_NOT_ALLOWED },
		{ "moderator makes moderator", { MOD, NO }, { PART, NO }, MOD, LY_FORBIDDEN },
		{ "admin makes moderator", { MOD, LY_MUC_ADMIN }, { PART, NO }, MOD, LY_MUC_OK },
		{ "admin unmakes moderator", { MOD, LY_MUC_ADMIN }, { MOD, NO }, PART, LY_MUC_OK },
		{ "moderator unmakes moderator", { MOD, NO }, { MOD, NO }, PART, LY_FORBIDDEN },
		{ "moderator unmakes owner",
		  { MOD, NO },
		  { MOD, LY_MUC_OWNER },
		  PART,
		  LY_NOT_ALLOWED },
		{ "owner unmakes admin's role",
		  { MOD, LY_MUC_OWNER },
		  { MOD, LY_MUC_ADMIN },
		  PART,
		  LY_NOT_ALLOWED },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].what, rows[i].want,
			      ly_muc_may_set_role(&rows[i].actor, &rows[i].target, rows[i].to));
}

static void test_affiliation(void **state)
{
	static const struct {
		const char *what;
		enum ly_muc_affiliation actor, target, to;
		bool self, last_owner;
		int want;
	} rows[] = {
		{ "member bans", LY_MUC_MEMBER, NO, LY_MUC_OUTCAST, false, false, LY_FORBIDDEN },
		{ "admin bans", LY_MUC_ADMIN, NO, LY_MUC_OUTCAST, false, false, LY_MUC_OK },
		{ "admin bans admin", LY_MUC_ADMIN, LY_MUC_ADMIN, LY_MUC_OUTCAST, false, false,
		  LY_NOT_ALLOWED },
		{ "admin bans owner", LY_MUC_ADMIN, LY_MUC_OWNER, LY_MUC_OUTCAST, false, false,
		  LY_NOT_ALLOWED },
		{ "admin bans himself", LY_MUC_ADMIN, LY_MUC_ADMIN, LY_MUC_OUTCAST, true, false,
		  LY_CONFLICT },
		{ "owner bans himself", LY_MUC_OWNER, LY_MUC_OWNER, LY_MUC_OUTCAST, true, true,
		  LY_CONFLICT },
		{ "admin unbans", LY_MUC_ADMIN, LY_MUC_OUTCAST, NO, false, false, LY_MUC_OK },
		{ "admin makes member", LY_MUC_ADMIN, NO, LY_MUC_MEMBER, false, false, LY_MUC_OK },
		{ "admin makes admin", LY_MUC_ADMIN, NO, LY_MUC_ADMIN, false, false, LY_FORBIDDEN },
		{ "admin makes owner", LY_MUC_ADMIN, NO, LY_MUC_OWNER, false, false, LY_FORBIDDEN },
		{ "admin steps down", LY_MUC_ADMIN, LY_MUC_ADMIN, LY_MUC_MEMBER, true, false,
		  LY_MUC_OK },
		{ "owner makes owner", LY_MUC_OWNER, NO, LY_MUC_OWNER, false, false, LY_MUC_OK },
		{ "owner unmakes owner", LY_MUC_OWNER, LY_MUC_OWNER, NO, false, false, LY_MUC_OK },
		{ "the last owner stays", LY_MUC_OWNER, LY_MUC_OWNER, NO, true, true, LY_CONFLICT },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].what, rows[i].want,
			      ly_muc_may_set_affiliation(rows[i].actor, rows[i].target, rows[i].to,
							 rows[i].self, rows[i].last_owner));
}

static void test_role_after(void **state)
{
	static const struct {
		const char *what;
		enum ly_muc_role role;
		enum ly_muc_affiliation from, to;
		bool members_only, moderated;
		enum ly_muc_role want;
	} rows[] = {
		{ "admin becomes moderator", PART, NO, LY_MUC_ADMIN, false, false, MOD },
		{ "member gets voice", VIS, NO, LY_MUC_MEMBER, false, true, PART },
		{ "member keeps moderator", MOD, NO, LY_MUC_MEMBER, false, false, MOD },
		{ "banned", PART, LY_MUC_MEMBER, LY_MUC_OUTCAST, false, false, OUT },
		{ "not a member any more", PART, LY_MUC_MEMBER, NO, true, false, OUT },
		{ "in an open room", PART, LY_MUC_MEMBER, NO, false, false, PART },
		{ "admin no more", MOD, LY_MUC_ADMIN, NO, false, true, VIS },
		{ "owner to member", MOD, LY_MUC_OWNER, LY_MUC_MEMBER, false, false, PART },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].what, rows[i].want,
			      ly_muc_role_after(rows[i].role, rows[i].from, rows[i].to,
						rows[i].members_only, rows[i].moderated));
}

static void test_lists(void **state)
{
	static const struct {
		const char *what;
		enum ly_muc_affiliation actor, list;
		bool non_anonymous;
		int want;
	} rows[] = {
		{ "admin: bans", LY_MUC_ADMIN, LY_MUC_OUTCAST, false, LY_MUC_OK },
		{ "member: members", LY_MUC_MEMBER, LY_MUC_MEMBER, true, LY_MUC_OK },
		{ "member: owners", LY_MUC_MEMBER, LY_MUC_OWNER, true, LY_MUC_OK },
		{ "member: members of a semi-anonymous room", LY_MUC_MEMBER, LY_MUC_MEMBER, false,
		  LY_FORBIDDEN },
		{ "member: bans", LY_MUC_MEMBER, LY_MUC_OUTCAST, true, LY_FORBIDDEN },
		{ "nobody: members", NO, LY_MUC_MEMBER, true, LY_FORBIDDEN },
	};
	struct ly_muc_party moderator = { MOD, NO }, admin = { OUT, LY_MUC_ADMIN };

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].what, rows[i].want,
			      ly_muc_may_list_affiliation(rows[i].actor, rows[i].list,
							  rows[i].non_anonymous));
	ly_assert_i64("voice", LY_MUC_OK, ly_muc_may_list_role(&moderator, PART));
	ly_assert_i64("moderators", LY_FORBIDDEN, ly_muc_may_list_role(&moderator, MOD));
	ly_assert_i64("moderators, admin", LY_MUC_OK, ly_muc_may_list_role(&admin, MOD));
	ly_assert_i64("none", LY_BAD_REQUEST, ly_muc_may_list_role(&admin, OUT));
}

static void test_history_fit(void **state)
{
	static const uint32_t sizes[] = { 100, 200, 300, 400 };
	static const ly_usec walls[] = { LY_SEC(10), LY_SEC(20), LY_SEC(30), LY_SEC(40) };
	static const struct {
		const char *what;
		struct ly_muc_history_wish wish;
		size_t want;
	} rows[] = {
		{ "all", { UINT64_MAX, UINT64_MAX, 0 }, 4 },
		{ "none", { 0, UINT64_MAX, 0 }, 0 },
		{ "two messages", { UINT64_MAX, 2, 0 }, 2 },
		{ "whole messages only", { 699, UINT64_MAX, 0 }, 1 },
		{ "exactly", { 700, UINT64_MAX, 0 }, 2 },
		{ "since", { UINT64_MAX, UINT64_MAX, LY_SEC(20) }, 3 },
		{ "since later", { UINT64_MAX, UINT64_MAX, LY_SEC(41) }, 0 },
		{ "the smallest counts", { 900, 3, LY_SEC(40) }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].what, (int64_t)rows[i].want,
			      (int64_t)ly_muc_history_fit(&rows[i].wish, sizes, walls, 4));
}

static void test_history_parse(void **state)
{
	static const struct {
		const char *what, *xml;
		struct ly_muc_history_wish want;
	} rows[] = {
		{ "nothing", "<history/>", { UINT64_MAX, UINT64_MAX, 0 } },
		{ "chars", "<history maxchars='0'/>", { 0, UINT64_MAX, 0 } },
		{ "stanzas", "<history maxstanzas='20'/>", { UINT64_MAX, 20, 0 } },
		{ "not a number", "<history maxstanzas='-3'/>", { UINT64_MAX, UINT64_MAX, 0 } },
		{ "seconds",
		  "<history seconds='180'/>",
		  { UINT64_MAX, UINT64_MAX, LY_SEC(1700000000 - 180) } },
		{ "since",
		  "<history since='2023-11-14T22:13:10Z'/>",
		  { UINT64_MAX, UINT64_MAX, LY_SEC(1699999990) } },
		{ "the later of both",
		  "<history since='1970-01-01T00:00:00Z' seconds='1'/>",
		  { UINT64_MAX, UINT64_MAX, LY_SEC(1699999999) } },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_stanza *st;
		struct ly_muc_history_wish got;
		char text[200];

		snprintf(text, sizeof(text), "<message xmlns='jabber:client'>%s</message>",
			 rows[i].xml);
		assert_int_equal(0, ly_stanza_parse(&st, ly_span_str(text)));
		got = ly_muc_history_parse(ly_xml_child(st->root, NULL, "history"),
					   LY_SEC(1700000000));
		ly_assert_i64(rows[i].what, (int64_t)rows[i].want.max_chars,
			      (int64_t)got.max_chars);
		ly_assert_i64(rows[i].what, (int64_t)rows[i].want.max_stanzas,
			      (int64_t)got.max_stanzas);
		ly_assert_i64(rows[i].what, rows[i].want.since_wall, got.since_wall);
		ly_stanza_free(st);
	}
}

static void test_nick(void **state)
{
	static const struct {
		const char *nick;
		bool want;
	} rows[] = {
		{ "One", true },
		{ " a ", true },
		{ "", false },
		{ "   ", false },
		{ "\xc2\xa0", false },                 /* no-break space */
		{ "\xe2\x80\x8b\xe2\x80\x8e", false }, /* zero width space, left-to-right mark */
		{ "\xe3\x85\xa4", false },             /* Hangul filler */
		{ "\xf0\x9f\x99\x82", true },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		ly_assert_i64(rows[i].nick, rows[i].want, ly_muc_nick_is_fit(rows[i].nick));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),          cmocka_unit_test(test_role),
		cmocka_unit_test(test_affiliation),   cmocka_unit_test(test_role_after),
		cmocka_unit_test(test_lists),         cmocka_unit_test(test_history_fit),
		cmocka_unit_test(test_history_parse), cmocka_unit_test(test_nick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
