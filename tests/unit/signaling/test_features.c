/* The registry of features: complete, without contradictions, and docs/xeps.md says the same.
 *
 *   test_signaling_features docs/xeps.md      checks
 *   test_signaling_features --print           prints what docs/xeps.md should be */
#include "tests/unit/check.h"

#include <stdio.h>

#include "base/buf.h"
#include "signaling/feature.h"

static const char *doc_path;

static const char *addressee_name(enum ly_addressee to)
{
	static const char *const names[LY_N_ADDRESSEES] = {
		[LY_TO_HOST] = "server",
		[LY_TO_ACCOUNT] = "account",
		[LY_TO_OWN] = "own account",
		[LY_TO_ROOMS_HOST] = "rooms host",
	};

	return names[to];
}

static void write_requests(struct ly_buf *b, const struct ly_feature *f)
{
	unsigned seen = 0;

	for (size_t i = 0; i < f->n_routes; i++)
		seen |= 1u << f->routes[i].to;
	for (unsigned to = 0, n = 0; to < LY_N_ADDRESSEES; to++)
		if (seen & 1u << to)
			ly_buf_printf(b, "%s%s", n++ ? ", " : "", addressee_name(to));
	if (f->hooks && f->hooks->room_stanza)
		ly_buf_adds(b, seen ? ", rooms" : "rooms");
}

static void write_doc(struct ly_buf *b)
{
	ly_buf_adds(b,
		    "# Features\n\n"
		    "What the features under `signaling/features/` declare; made by\n"
		    "`build/tests/unit/signaling/test_signaling_features --print`, checked by the "
		    "same test.\n\n"
		    "| specification | version | feature | answers requests to |\n"
		    "|---|---|---|---|\n");
	for (size_t i = 0; ly_features[i]; i++) {
		const struct ly_feature *f = ly_features[i];

		if (f->xep)
			ly_buf_printf(b, "| XEP-%04u | %s | %s | ", f->xep, f->version, f->name);
		else
			ly_buf_printf(b, "| %s | | %s | ", f->version, f->name);
		write_requests(b, f);
		ly_buf_adds(b, " |\n");
	}
}

static void test_doc(void **state)
{
	struct ly_buf want;
	char got[16384];
	FILE *f = fopen(doc_path, "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(got, 1, sizeof(got) - 1, f);
	fclose(f);
	got[n] = '\0';
	ly_buf_init(&want, LY_MEM_MISC, 0);
	write_doc(&want);
	ly_assert_str("docs/xeps.md", ly_buf_str(&want), got);
	ly_buf_fini(&want);
}

static void test_declared(void **state)
{
	(void)state;
	for (size_t i = 0; ly_features[i]; i++) {
		const struct ly_feature *f = ly_features[i];

		assert_non_null(f->name);
		if (f->version == NULL)
			fail_msg("%s: no version", f->name);
		ly_assert_i64(f->name, f->init != NULL, f->fini != NULL);
		for (size_t k = 0; k < f->n_routes; k++) {
			const struct ly_iq_route *r = &f->routes[k];

			if (r->fn == NULL || r->name == NULL || r->to >= LY_N_ADDRESSEES ||
			    (r->type != LY_T_GET && r->type != LY_T_SET))
				fail_msg("%s: route %zu is incomplete", f->name, k);
		}
		for (size_t k = 0; k < i; k++)
			if (strcmp(ly_features[k]->name, f->name) == 0)
				fail_msg("%s: twice in the registry", f->name);
	}
}

static bool same_route(const struct ly_iq_route *a, const struct ly_iq_route *b)
{
	return a->type == b->type && a->to == b->to && a->ns && b->ns &&
	       strcmp(a->ns, b->ns) == 0 && strcmp(a->name, b->name) == 0;
}

/* Two features may share a route (the first that does not pass takes it), one feature may not. */
static void test_routes_once(void **state)
{
	(void)state;
	for (size_t i = 0; ly_features[i]; i++) {
		const struct ly_feature *f = ly_features[i];

		for (size_t k = 0; k < f->n_routes; k++)
			for (size_t j = 0; j < k; j++)
				if (same_route(&f->routes[k], &f->routes[j]))
					fail_msg("%s: routes %zu and %zu are the same", f->name, j,
						 k);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doc),
		cmocka_unit_test(test_declared),
		cmocka_unit_test(test_routes_once),
	};

	if (argc > 1 && strcmp(argv[1], "--print") == 0) {
		struct ly_buf b;

		ly_buf_init(&b, LY_MEM_MISC, 0);
		write_doc(&b);
		fputs(ly_buf_str(&b), stdout);
		ly_buf_fini(&b);
		return 0;
	}
	doc_path = argc > 1 ? argv[1] : "docs/xeps.md";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
