/* lyceum.conf: values, bounds, and what is said about mistakes. */
#include "tests/unit/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/heap.h"
#include "server/config/config.h"

static int parse(const char *text, struct ly_config **conf, struct ly_buf *errors)
{
	ly_buf_init(errors, LY_MEM_CONFIG, 0);
	return ly_config_parse(conf, "/etc/l/lyceum.conf", ly_span_str(text), errors);
}

static void test_defaults(void **state)
{
	struct ly_config *c;
	struct ly_buf errors;
	char path[64];

	(void)state;
	assert_int_equal(0, parse("", &c, &errors));
	ly_assert_str("domain", "localhost", c->server.domain);
	ly_assert_str("data_dir", "/etc/l/data", c->server.data_dir);
	assert_true(c->server.loops >= 1 && c->server.media_threads >= 1);
	ly_assert_i64("xmpp", 1, (int64_t)c->listen.xmpp.n);
	ly_assert_i64("xmpp port", 5222, c->listen.xmpp.v[0].port);
	ly_assert_i64("any", 0, c->listen.xmpp.v[0].family);
	ly_assert_i64("federation", 0, (int64_t)c->listen.federation.n);
	ly_assert_i64("lost_after", LY_SEC(15), c->calls.lost_after);
	ly_assert_i64("stanza", 256 << 10, (int64_t)c->limits.stanza_size);
	assert_true(c->auth.require_tls);
	assert_int_equal(LY_INFO, c->log.level);
	assert_int_equal(0, ly_config_db_path(c, path, sizeof(path)));
	ly_assert_str("db", "/etc/l/data/lyceum.db", path);
	assert_int_equal(-ENOSPC, ly_config_socket_path(c, path, 10));
	ly_config_destroy(c);
	ly_buf_fini(&errors);
}

static void test_values(void **state)
{
	static const char text[] =
		"# comment\n[server]\n domain = school.example \r\ndata_dir=/var/x\n"
		"loops=3\n[listen]\nxmpp = 127.0.0.1:15222 [::1]:15222\nhttp=8081\n"
		"https=\nadvertise=192.0.2.1 2001:db8::1\n[calls]\n"
		"lost_after_s=20\n[log]\nlevel=debug\nfile=x.log\n"
		"[limits]\nprofile=off\nroster_items=7\nstream_queue=2MB\n";
	struct ly_config *c;
	struct ly_buf errors;
	char a[LY_ADDR_MAX];

	(void)state;
	assert_int_equal(0, parse(text, &c, &errors));
	ly_assert_str("domain", "school.example", c->server.domain);
	ly_assert_str("data_dir", "/var/x", c->server.data_dir);
	ly_assert_i64("loops", 3, c->server.loops);
	ly_assert_i64("xmpp", 2, (int64_t)c->listen.xmpp.n);
	ly_assert_str("v6", "[::1]:15222", ly_addr_format(&c->listen.xmpp.v[1], a, sizeof(a)));
	ly_assert_i64("http", 8081, c->listen.http.v[0].port);
	ly_assert_i64("https off", 0, (int64_t)c->listen.https.n);
	ly_assert_i64("advertise", 2, (int64_t)c->listen.advertise.n);
	ly_assert_i64("lost", LY_SEC(20), c->calls.lost_after);
	assert_int_equal(LY_DEBUG, c->log.level);
	ly_assert_str("file", "/etc/l/x.log", c->log.file);
	ly_assert_i64("profile", 0, c->limits.connections_per_address);
	ly_assert_i64("explicit", 7, c->limits.roster_items);
	ly_assert_i64("size", 2000000, (int64_t)c->limits.stream_queue);
	ly_config_destroy(c);
	ly_buf_fini(&errors);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *want; /* want: part of the message */
	} rows[] = {
		{ "[server]\ndomian=x\n",
		  "lyceum.conf:2: unknown key \"domian\" in [server]; did you mean \"domain\"?" },
		{ "[sever]\ndomain=x\n",
		  "lyceum.conf:1: unknown group [sever]; did you mean [server]?" },
		{ "\n\n[zzzzzzz]\n", "lyceum.conf:3: unknown group [zzzzzzz]\n" },
		{ "[log]\nweb_root=/x\n", "it belongs to [http]" },
		{ "domain=x\n", ":1: key \"domain\" stands before the first [group]" },
		{ "[server]\nloops=two\n", ":2: [server] loops: \"two\" is not a number" },
		{ "[server]\nloops=257\n", "257 is outside of 0 to 256" },
		{ "[server]\nloops=-1\n", "is not a number" },
		{ "[server]\nloops=99999999999999999999\n", "is too large" },
		{ "[server]\nloops=2 kg\n", "has an unknown unit" },
		{ "[server]\nloops\n", ":2: \"loops\" is neither [group] nor key = value" },
		{ "[server]\nloops=1\nloops=2\n", ":3: key \"loops\" was given in line 2 already" },
		{ "[server]\ndomain=Bad Domain\n", "is not a domain name" },
		{ "[server]\ndomain=\n", "is not a domain name" },
		{ "[server]\ndata_dir=\\q\n", "bad escape" },
		{ "[listen]\nxmpp=127.0.0.1\n", "is not an address and port" },
		{ "[listen]\nxmpp=::1:5222\n", "is not an address and port" },
		{ "[listen]\nxmpp=127.0.0.1:0\n", "is not an address and port" },
		{ "[listen]\nxmpp=127.0.0.1:65536\n", "is not an address and port" },
		{ "[listen]\nxmpp=1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", "more than 16" },
		{ "[listen]\nadvertise=example.org\n", "is not an IP address" },
		{ "[listen]\nfederation=*:5269\n", ":2: [listen] federation must be empty" },
		{ "[listen]\nmedia=\n", ":2: [listen] media must have an address" },
		{ "[listen]\nmedia=65535\n[server]\nmedia_threads=2\n", "leaves no ports" },
		{ "[tls]\nkey=x.pem\n", ":2: [tls] certificate and key must be given together" },
		{ "[storage]\nurl=postgresql://x\n", "is not sqlite:FILE" },
		{ "[auth]\nrequire_tls=yes\n", "\"yes\" is neither true nor false" },
		{ "[calls]\none_active_call=no\n", "\"no\" is none of: strict, off" },
		{ "[calls]\nlost_after_s=1h\n", "1h is outside of 5s to 300s" },
		{ "[server]\n\xff\xfe=1\n", ":2: the line is not UTF-8 text" },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_config *c;
		struct ly_buf errors;

		ly_assert_i64(rows[i].text, -EBADMSG, parse(rows[i].text, &c, &errors));
		if (strstr(ly_buf_str(&errors), rows[i].want) == NULL)
			fail_msg("%s: got: %s", rows[i].text, ly_buf_str(&errors));
		assert_null(c);
		ly_buf_fini(&errors);
	}
}

static void test_all_problems_at_once(void **state)
{
	char text[4000] = "[server]\n";
	struct ly_config *c;
	struct ly_buf errors;

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(text, "nonsense_that_is_far_away = 1\n");
	assert_int_equal(-EBADMSG, parse(text, &c, &errors));
	assert_non_null(strstr(ly_buf_str(&errors), ":2:"));
	assert_non_null(strstr(ly_buf_str(&errors), ":51:"));
	assert_non_null(strstr(ly_buf_str(&errors), "10 more problems"));
	ly_buf_fini(&errors);
}

/* The sample, with every "#" before a key taken away, is a valid file that equals the defaults. */
static void test_sample(void **state)
{
	struct ly_buf sample, errors;
	struct ly_config *c;
	char *s, *p;

	(void)state;
	ly_buf_init(&sample, LY_MEM_CONFIG, 0);
	ly_config_print_sample(&sample);
	s = strdup(ly_buf_str(&sample));
	for (p = s; (p = strchr(p, '#')) != NULL; p++)
		if (p[1] != ' ')
			*p = ' ';
	if (parse(s, &c, &errors))
		fail_msg("%s", ly_buf_str(&errors));
	ly_assert_str("domain", "localhost", c->server.domain);
	ly_config_destroy(c);
	ly_buf_fini(&errors);
	ly_buf_reset(&sample);
	ly_config_print_doc(&sample);
	assert_non_null(
		strstr(ly_buf_str(&sample), "| `web_root` | path | `web-demo/dist` | no |"));
	ly_buf_fini(&sample);
	free(s);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(0, fclose(f));
}

static void test_reload(void **state)
{
	char path[] = "/tmp/ly-config-XXXXXX";
	struct ly_config *a, *b;
	struct ly_buf report;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	ly_buf_init(&report, LY_MEM_CONFIG, 0);
	write_file(path, "[server]\ndomain=a.example\n[log]\nlevel=info\n[listen]\nxmpp=1 2\n");
	assert_int_equal(0, ly_config_load(&a, path, &report));
	write_file(path, "[server]\ndomain=b.example\n[log]\nlevel=trace\n[listen]\nxmpp=3\n");
	assert_int_equal(0, ly_config_reload(&b, a, &report));
	ly_config_destroy(a);
	ly_assert_str("kept", "a.example", b->server.domain);
	ly_assert_i64("kept list", 2, (int64_t)b->listen.xmpp.n);
	ly_assert_i64("kept port", 2, b->listen.xmpp.v[1].port);
	assert_int_equal(LY_TRACE, b->log.level);
	ly_assert_str("report",
		      "[server] domain changed: takes effect after a restart\n"
		      "[listen] xmpp changed: takes effect after a restart\n[log] level changed\n",
		      ly_buf_str(&report));
	write_file(path, "[log]\nlevle=info\n");
	assert_int_equal(-EBADMSG, ly_config_reload(&a, b, &report));
	assert_null(a);
	ly_config_destroy(b);
	unlink(path);
	ly_buf_reset(&report);
	assert_int_equal(-ENOENT, ly_config_load(&a, path, &report));
	assert_non_null(strstr(ly_buf_str(&report), "No such file"));
	ly_buf_fini(&report);
}

/* Every allocation fails once: -ENOMEM or success, nothing leaks. */
static void test_out_of_memory(void **state)
{
	int64_t before = ly_heap_used(LY_MEM_CONFIG);

	(void)state;
	for (uint64_t nth = 1;; nth++) {
		struct ly_config *c;
		struct ly_buf errors;
		bool failed;
		int err;

		ly_heap_fail_at(nth);
		err = parse("[listen]\nxmpp=1 2\n", &c, &errors);
		failed = ly_heap_failed();
		ly_heap_fail_at(0);
		ly_buf_fini(&errors);
		ly_config_destroy(c);
		ly_assert_i64("leak", before, ly_heap_used(LY_MEM_CONFIG));
		if (!failed) {
			assert_int_equal(0, err);
			return;
		}
		assert_int_equal(-ENOMEM, err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),
		cmocka_unit_test(test_mistakes),      cmocka_unit_test(test_all_problems_at_once),
		cmocka_unit_test(test_sample),        cmocka_unit_test(test_reload),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
