/* VP8 payload descriptors: the forms of RFC 7741 s. 4.2 and 4.5. */
#include "tests/unit/check.h"

#include "base/err.h"
#include "codecs/vp8/vp8.h"

#define P(...) { __VA_ARGS__ }, sizeof((uint8_t[]) { __VA_ARGS__ })

/* A keyframe of 320x180 with scaling bits set (RFC 6386 s. 9.1). */
#define KEY 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x41, 0xb4, 0x80
#define INTER 0x11, 0x02, 0x00

static const struct {
	const char *what;
	uint8_t bytes[32];
	size_t len;
	int err;
	struct ly_vp8 want;
} rows[] = {
	/* RFC 7741 s. 4.5.1: first packet of a keyframe, 7-bit picture id 17 */
	{ "key frame, 7-bit id",
	  P(0x90, 0x80, 17, KEY),
	  0,
	  { .picture_id = 17,
	    .picture_bits = 7,
	    .tl0_pic_idx = -1,
	    .tid = -1,
	    .key_idx = -1,
	    .start = true,
	    .frame_start = true,
	    .keyframe = true,
	    .width = 320,
	    .height = 180,
	    .desc_len = 3,
	    .picture_off = 2 } },
	/* s. 4.5.2: without picture id, later partition */
	{ "no extension, second partition",
	  P(0x11, INTER),
	  0,
	  { .picture_id = -1,
	    .tl0_pic_idx = -1,
	    .tid = -1,
	    .key_idx = -1,
	    .start = true,
	    .partition = 1,
	    .desc_len = 1 } },
	{ "continuation",
	  P(0x00, INTER),
	  0,
	  { .picture_id = -1, .tl0_pic_idx = -1, .tid = -1, .key_idx = -1, .desc_len = 1 } },
	/* s. 4.5.4: 15-bit id 4711, non-reference */
	{ "15-bit id",
	  P(0xb0, 0x80, 0x92, 0x67, INTER),
	  0,
	  { .picture_id = 4711,
	    .picture_bits = 15,
	    .tl0_pic_idx = -1,
	    .tid = -1,
	    .key_idx = -1,
	    .non_reference = true,
	    .start = true,
	    .frame_start = true,
	    .desc_len = 4,
	    .picture_off = 2 } },
	{ "all fields",
	  P(0x90, 0xf0, 0x92, 0x67, 200, 0xa5, INTER),
	  0,
	  { .picture_id = 4711,
	    .picture_bits = 15,
	    .tl0_pic_idx = 200,
	    .tid = 2,
	    .key_idx = 5,
	    .layer_sync = true,
	    .start = true,
	    .frame_start = true,
	    .desc_len = 6,
	    .picture_off = 2,
	    .tl0_off = 4 } },
	{ "tl0 and tid without id",
	  P(0x90, 0x60, 9, 0x40, INTER),
	  0,
	  { .picture_id = -1,
	    .tl0_pic_idx = 9,
	    .tid = 1,
	    .key_idx = -1,
	    .start = true,
	    .frame_start = true,
	    .desc_len = 4,
	    .tl0_off = 2 } },
	{ "key index only",
	  P(0x90, 0x10, 0x1f, INTER),
	  0,
	  { .picture_id = -1,
	    .tl0_pic_idx = -1,
	    .tid = -1,
	    .key_idx = 31,
	    .start = true,
	    .frame_start = true,
	    .desc_len = 3 } },
	{ "key frame cut before its size",
	  P(0x10, 0x10, 0x02, 0x00, 0x9d),
	  0,
	  { .picture_id = -1,
	    .tl0_pic_idx = -1,
	    .tid = -1,
	    .key_idx = -1,
	    .start = true,
	    .frame_start = true,
	    .keyframe = true,
	    .desc_len = 1 } },
	{ "key frame without start code",
	  P(0x10, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7),
	  0,
	  { .picture_id = -1,
	    .tl0_pic_idx = -1,
	    .tid = -1,
	    .key_idx = -1,
	    .start = true,
	    .frame_start = true,
	    .keyframe = true,
	    .desc_len = 1 } },
	{ "empty", { 0 }, 0, -EBADMSG, { 0 } },
	{ "descriptor only", P(0x10), -EBADMSG, { 0 } },
	{ "extension cut", P(0x90), -EBADMSG, { 0 } },
	{ "id cut", P(0x90, 0x80, 0x92), -EBADMSG, { 0 } },
	{ "nothing behind the id", P(0x90, 0x80, 0x92, 0x67), -EBADMSG, { 0 } },
	{ "tl0 cut", P(0x90, 0xc0, 0x12), -EBADMSG, { 0 } },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct ly_vp8 d;
		int err = ly_vp8_parse(&d, ly_span(rows[i].bytes, rows[i].len));
		const struct ly_vp8 *w = &rows[i].want;

		ly_assert_i64(rows[i].what, rows[i].err, err);
		if (err)
			continue;
#define SAME(field) ly_assert_i64(rows[i].what, w->field, d.field)
		SAME(picture_id);
		SAME(picture_bits);
		SAME(tl0_pic_idx);
		SAME(tid);
		SAME(key_idx);
		SAME(layer_sync);
		SAME(non_reference);
		SAME(start);
		SAME(partition);
		SAME(frame_start);
		SAME(keyframe);
		SAME(width);
		SAME(height);
		SAME(desc_len);
		SAME(picture_off);
		SAME(tl0_off);
	}
}

static void test_patch(void **state)
{
	static const struct {
		const char *what;
		uint8_t in[8], want[8];
		size_t len;
	} cases[] = {
		{ "15 bits",
		  { 0x90, 0xf0, 0x92, 0x67, 200, 0xa5, 1 },
		  { 0x90, 0xf0, 0xff, 0xfe, 7, 0xa5, 1 },
		  7 },
		{ "7 bits", { 0x90, 0x80, 0x11, 1 }, { 0x90, 0x80, 0x7e, 1 }, 4 },
		{ "tl0 only", { 0x90, 0x40, 9, 1 }, { 0x90, 0x40, 7, 1 }, 4 },
		{ "nothing", { 0x10, 1 }, { 0x10, 1 }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(cases); i++) {
		uint8_t copy[8];
		struct ly_vp8 d;

		memcpy(copy, cases[i].in, sizeof(copy));
		assert_int_equal(0, ly_vp8_parse(&d, ly_span(copy, cases[i].len)));
		ly_vp8_patch(copy, &d, 0xfffe, 7);
		ly_assert_bytes(cases[i].what, ly_span(cases[i].want, cases[i].len),
				ly_span(copy, cases[i].len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse),
					    cmocka_unit_test(test_patch) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
