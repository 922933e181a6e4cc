#include "base/time.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Days from 1970-01-01 of a proleptic Gregorian date; the era trick counts years from March. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t z, int *y, int *m, int *d)
{
	int64_t era, doe, yoe, doy, mp;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

size_t ly_datetime_format(char *out, size_t cap, ly_usec wall)
{
	int64_t sec = wall / 1000000, ms = wall % 1000000 / 1000;
	int64_t days, rest;
	int y, m, d, n;

	if (cap < LY_DATETIME_MAX)
		return 0;
	if (ms < 0) {
		ms += 1000;
		sec--;
	}
	days = sec / 86400;
	rest = sec % 86400;
	if (rest < 0) {
		rest += 86400;
		days--;
	}
	civil_from_days(days, &y, &m, &d);
	n = snprintf(out, cap, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", y, m, d, (int)(rest / 3600),
		     (int)(rest / 60 % 60), (int)(rest % 60), (int)ms);
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

struct scan {
	const char *p, *end;
	int bad;
};

static int64_t digits(struct scan *s, int n)
{
	int64_t v = 0;

	for (; n > 0; n--, s->p++) {
		if (s->p >= s->end || *s->p < '0' || *s->p > '9') {
			s->bad = 1;
			return 0;
		}
		v = v * 10 + (*s->p - '0');
	}
	return v;
}

static void expect(struct scan *s, char c)
{
	if (s->p >= s->end || *s->p != c)
		s->bad = 1;
	else
		s->p++;
}

static int64_t fraction_usec(struct scan *s)
{
	int64_t v = 0, scale = 100000;

	if (s->p >= s->end || *s->p != '.')
		return 0;
	for (s->p++; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
		v += (*s->p - '0') * scale;
		scale /= 10;
	}
	return v;
}

static int64_t offset_sec(struct scan *s)
{
	int sign;
	int64_t h, m;

	if (s->p < s->end && *s->p == 'Z') {
		s->p++;
		return 0;
	}
	if (s->p >= s->end || (*s->p != '+' && *s->p != '-')) {
		s->bad = 1;
		return 0;
	}
	sign = *s->p++ == '-' ? -1 : 1;
	h = digits(s, 2);
	expect(s, ':');
	m = digits(s, 2);
	return sign * (h * 3600 + m * 60);
}

int ly_datetime_parse(const char *str, size_t len, ly_usec *wall)
{
	struct scan s = { str, str + len, 0 };
	int64_t y, mo, d, h, mi, sec, us, off;

	y = digits(&s, 4);
	expect(&s, '-');
	mo = digits(&s, 2);
	expect(&s, '-');
	d = digits(&s, 2);
	expect(&s, 'T');
	h = digits(&s, 2);
	expect(&s, ':');
	mi = digits(&s, 2);
	expect(&s, ':');
	sec = digits(&s, 2);
	us = fraction_usec(&s);
	off = offset_sec(&s);
	if (s.bad || s.p != s.end || mo < 1 || mo > 12 || d < 1 || d > 31)
		return -EBADMSG;
	if (h > 23 || mi > 59 || sec > 60)
		return -EBADMSG;
	*wall = ((days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec - off) * 1000000) +
		us;
	return 0;
}
