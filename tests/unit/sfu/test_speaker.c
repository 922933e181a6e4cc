/* Who takes over as the speaker, and who does not. */
#include "sfu/speaker.h"
#include "tests/unit/check.h"

struct voices {
	struct ly_voice v[3];
	int speaker; /* -1 = nobody */
	ly_usec now;
	unsigned changes;
};

/* Lets the three speak with these levels (-1: sends nothing) for so long. */
static void speak(struct voices *s, int a, int b, int c, ly_usec duration)
{
	int levels[3] = { a, b, c };

	for (ly_usec end = s->now + duration; s->now < end; s->now += LY_MS(20)) {
		int next = -1;

		for (int i = 0; i < 3; i++)
			if (levels[i] >= 0)
				ly_voice_level(&s->v[i], (uint8_t)levels[i], s->now);
		if (s->now % LY_SPEAKER_INTERVAL)
			continue;
		for (int i = 0; i < 3; i++)
			ly_voice_fade(&s->v[i], s->now);
		for (int i = 0; i < 3; i++)
			if (i != s->speaker &&
			    ly_voice_takes_over(&s->v[i],
						s->speaker < 0 ? NULL : &s->v[s->speaker]))
				next = i;
		if (next >= 0) {
			s->speaker = next;
			s->changes++;
		}
	}
}

static void test_cases(void **state)
{
	static const struct {
		const char *what;
		struct {
			int level[3];
			ly_usec duration;
		} parts[4];
		int want;
		unsigned changes;
	} rows[] = {
		{ "nobody speaks", { { { 127, 100, 90 }, LY_SEC(5) } }, -1, 0 },
		{ "one speaks", { { { 127, 40, 127 }, LY_SEC(2) } }, 1, 1 },
		{ "a cough",
		  { { { 127, 40, 127 }, LY_SEC(2) },
		    { { 20, 40, 127 }, LY_MS(300) },
		    { { 127, 40, 127 }, LY_SEC(2) } },
		  1,
		  1 },
		{ "both at the same loudness",
		  { { { 127, 40, 127 }, LY_SEC(2) }, { { 40, 40, 127 }, LY_SEC(5) } },
		  1,
		  1 },
		{ "much louder for long",
		  { { { 127, 60, 127 }, LY_SEC(2) }, { { 25, 60, 127 }, LY_SEC(5) } },
		  0,
		  2 },
		{ "the speaker stops and another begins",
		  { { { 127, 40, 127 }, LY_SEC(2) }, { { 127, 110, 45 }, LY_SEC(4) } },
		  2,
		  2 },
		{ "the speaker is muted and another begins",
		  { { { 127, 40, 127 }, LY_SEC(2) }, { { 127, -1, 45 }, LY_SEC(4) } },
		  2,
		  2 },
		{ "silence keeps the last one",
		  { { { 127, 40, 127 }, LY_SEC(2) }, { { 127, 127, 127 }, LY_SEC(20) } },
		  1,
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++) {
		struct voices s = { .speaker = -1, .now = LY_SEC(1) };

		for (size_t k = 0; k < LY_COUNTOF(rows[i].parts); k++)
			speak(&s, rows[i].parts[k].level[0], rows[i].parts[k].level[1],
			      rows[i].parts[k].level[2], rows[i].parts[k].duration);
		ly_assert_i64(rows[i].what, rows[i].want, s.speaker);
		ly_assert_i64(rows[i].what, rows[i].changes, s.changes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
