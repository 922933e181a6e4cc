/* Opus: durations of RFC 6716 table 2 and s. 3.2, DTX. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "codecs/opus/opus.h"

static void test_parse(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[4];
		size_t len;
		int err;
		unsigned frames;
		ly_usec duration;
		bool stereo, dtx;
	} rows[] = {
		{ "browser: fullband 20 ms", { 31 << 3, 1, 2, 3 }, 4, 0, 1, 20000, false, false },
		{ "stereo", { 31 << 3 | 4, 1, 2, 3 }, 4, 0, 1, 20000, true, false },
		{ "silk 60 ms", { 3 << 3, 1, 2, 3 }, 4, 0, 1, 60000, false, false },
		{ "hybrid 10 ms twice", { 12 << 3 | 1, 1, 2, 3 }, 4, 0, 2, 20000, false, false },
		{ "celt 2.5 ms twice", { 16 << 3 | 2, 1, 2, 3 }, 4, 0, 2, 5000, false, false },
		{ "48 frames", { 16 << 3 | 3, 48, 0, 0 }, 4, 0, 48, 120000, false, false },
		{ "49 frames", { 16 << 3 | 3, 49, 0, 0 }, 4, -EBADMSG, 0, 0, false, false },
		{ "3 times 60 ms", { 3 << 3 | 3, 3, 0, 0 }, 4, -EBADMSG, 0, 0, false, false },
		{ "no frames", { 31 << 3 | 3, 0, 0, 0 }, 4, -EBADMSG, 0, 0, false, false },
		{ "count missing", { 31 << 3 | 3 }, 1, -EBADMSG, 0, 0, false, false },
		{ "empty", { 0 }, 0, -EBADMSG, 0, 0, false, false },
		{ "dtx, toc only", { 31 << 3 }, 1, 0, 1, 20000, false, true },
		{ "dtx, one byte", { 31 << 3, 0xff }, 2, 0, 1, 20000, false, true },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_opus o;
		int err = ly_opus_parse(&o, ly_span(rows[i].bytes, rows[i].len));

		ly_assert_i64(rows[i].what, rows[i].err, err);
		if (err)
			continue;
		ly_assert_i64(rows[i].what, rows[i].frames, o.n_frames);
		ly_assert_i64(rows[i].what, rows[i].duration, o.duration);
		ly_assert_i64(rows[i].what, rows[i].stereo, o.stereo);
		ly_assert_i64(rows[i].what, rows[i].dtx, o.dtx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
