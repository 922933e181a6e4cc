/* From the text of a value to the typed field, and the nearest known name for an unknown one. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include <glib.h>

#include "base/err.h"
#include "server/config/config_priv.h"

#define NAME_MAX_LEN 40
#define ADDRS_MAX 16

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "", 1000000 },     { "ms", 1000 },      { "s", 1000000 },     { "m", 60000000 },
	{ "min", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 }, { NULL, 0 },
};

static const struct unit sizes[] = {
	{ "", 1 },          { "B", 1 },           { "kB", 1000 },     { "KB", 1000 },
	{ "MB", 1000000 },  { "GB", 1000000000 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 },
	{ "GiB", 1 << 30 }, { NULL, 0 },
};

static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

static int fail(char *why, size_t cap, const char *fmt, ...) LY_PRINTF(3, 4);

static int fail(char *why, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, cap, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

/* The bounds as a person would write them. */
static const char *show(const struct ly_key *key, int64_t n, char *out, size_t cap)
{
	if (key->type == LY_KEY_DURATION)
		(void)snprintf(out, cap, "%llds", (long long)(n / 1000000));
	else if (key->type == LY_KEY_SIZE)
		(void)snprintf(out, cap, "%lld bytes", (long long)n);
	else
		(void)snprintf(out, cap, "%lld", (long long)n);
	return out;
}

static int number(const struct ly_key *key, const struct unit *units, const char *text,
		  int64_t *out, char *why, size_t cap)
{
	char a[32], b[32];
	char *end = NULL;
	int64_t n;

	if (text[0] < '0' || text[0] > '9')
		return fail(why, cap, "\"%s\" is not a number", text);
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0)
		return fail(why, cap, "\"%s\" is too large", text);
	while (*end == ' ')
		end++;
	while (units->name != NULL && strcmp(units->name, end) != 0)
		units++;
	if (units->name == NULL)
		return fail(why, cap, "\"%s\" has an unknown unit", text);
	if (__builtin_mul_overflow(n, units->factor, &n) || n < key->min || n > key->max)
		return fail(why, cap, "%s is outside of %s to %s", text,
			    show(key, key->min, a, sizeof(a)), show(key, key->max, b, sizeof(b)));
	*out = n;
	return 0;
}

static int port_of(const char *s, uint16_t *out)
{
	char *end = NULL;
	long n;

	if (s[0] < '0' || s[0] > '9')
		return -EBADMSG;
	n = strtol(s, &end, 10);
	if (*end != '\0' || n < 1 || n > 65535)
		return -EBADMSG;
	*out = (uint16_t)n;
	return 0;
}

/* "IP:port", "[IP6]:port", "*:port" or "port". */
static int listen_addr(struct ly_addr *out, const char *word)
{
	char host[LY_ADDR_MAX];
	const char *colon = strrchr(word, ':');
	size_t len = colon ? (size_t)(colon - word) : 0;
	uint16_t port;

	*out = (struct ly_addr) { 0 };
	if (port_of(colon ? colon + 1 : word, &port))
		return -EBADMSG;
	out->port = port;
	if (colon == NULL || (len == 1 && word[0] == '*'))
		return 0;
	if (len >= sizeof(host) || len < 2)
		return -EBADMSG;
	if (word[0] == '[' && word[len - 1] == ']') {
		word++;
		len -= 2;
	} else if (memchr(word, ':', len)) {
		return -EBADMSG; /* IPv6 without brackets: the port would be a guess */
	}
	memcpy(host, word, len);
	host[len] = '\0';
	return ly_addr_parse_ip(out, host, port);
}

static int addresses(struct ly_config *conf, const struct ly_key *key, const char *text, char *why,
		     size_t cap)
{
	struct ly_config_addrs *field = (void *)((char *)conf + key->at);
	struct ly_addr list[ADDRS_MAX];
	char **words = g_strsplit_set(text, " \t,", -1);
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; words[i] != NULL && !err; i++) {
		if (words[i][0] == '\0')
			continue;
		if (n == ADDRS_MAX)
			err = fail(why, cap, "has more than %d addresses", ADDRS_MAX);
		else if (key->type == LY_KEY_LISTEN && listen_addr(&list[n], words[i]))
			err = fail(why, cap,
				   "\"%.60s\" is not an address and port such as 127.0.0.1:5222, "
				   "[::1]:5222 or *:5222",
				   words[i]);
		else if (key->type == LY_KEY_IPS && ly_addr_parse_ip(&list[n], words[i], 0))
			err = fail(why, cap, "\"%.60s\" is not an IP address", words[i]);
		n++;
	}
	g_strfreev(words);
	if (err)
		return err;
	field->v = ly_arena_alloc(&conf->arena, n * sizeof(list[0]) + 1);
	if (field->v == NULL)
		return -ENOMEM;
	memcpy(field->v, list, n * sizeof(list[0]));
	field->n = n;
	return 0;
}

static int word(const struct ly_key *key, const char *text, int *out, char *why, size_t cap)
{
	char known[120] = "";

	for (int i = 0; key->words[i] != NULL; i++) {
		if (strcmp(key->words[i], text) == 0) {
			*out = i;
			return 0;
		}
		g_strlcat(known, i ? ", " : "", sizeof(known));
		g_strlcat(known, key->words[i], sizeof(known));
	}
	return fail(why, cap, "\"%s\" is none of: %s", text, known);
}

static int boolean(const char *text, bool *out, char *why, size_t cap)
{
	*out = strcmp(text, "true") == 0;
	if (!*out && strcmp(text, "false") != 0)
		return fail(why, cap, "\"%s\" is neither true nor false", text);
	return 0;
}

static bool is_domain(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > 253 || s[0] == '.' || s[len - 1] == '.' || strstr(s, ".."))
		return false;
	for (; *s != '\0'; s++)
		if (!(*s & 0x80) && !(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9') &&
		    *s != '-' && *s != '.')
			return false;
	return true;
}

static int string(struct ly_config *conf, const struct ly_key *key, const char *text,
		  const char *dir, char *why, size_t cap)
{
	const char **field = (void *)((char *)conf + key->at);
	char *joined = NULL;

	if (key->type == LY_KEY_DOMAIN && !is_domain(text))
		return fail(
			why, cap,
			"\"%.60s\" is not a domain name (lower-case letters, digits, \"-\", \".\")",
			text);
	if (key->type == LY_KEY_PATH && text[0] != '\0' && text[0] != '/' && dir[0] != '\0')
		joined = g_strconcat(dir, "/", text, NULL);
	*field = ly_arena_strdup(&conf->arena, joined ? joined : text);
	g_free(joined);
	return *field ? 0 : -ENOMEM;
}

int ly_config_set(struct ly_config *conf, const struct ly_key *key, const char *text,
		  const char *dir, char *why, size_t cap)
{
	void *field = (char *)conf + key->at;
	int64_t n = 0;
	int err;

	switch (key->type) {
	case LY_KEY_INT:
		err = number(key, plain, text, &n, why, cap);
		if (!err)
			*(unsigned *)field = (unsigned)n;
		return err;
	case LY_KEY_DURATION:
		err = number(key, durations, text, &n, why, cap);
		if (!err)
			*(ly_usec *)field = n;
		return err;
	case LY_KEY_SIZE:
		err = number(key, sizes, text, &n, why, cap);
		if (!err)
			*(uint64_t *)field = (uint64_t)n;
		return err;
	case LY_KEY_BOOL:
		return boolean(text, field, why, cap);
	case LY_KEY_ENUM:
		return word(key, text, field, why, cap);
	case LY_KEY_LISTEN:
	case LY_KEY_IPS:
		return addresses(conf, key, text, why, cap);
	case LY_KEY_STR:
	case LY_KEY_PATH:
	case LY_KEY_DOMAIN:
		break;
	}
	return string(conf, key, text, dir, why, cap);
}

/* Levenshtein's distance; names longer than NAME_MAX_LEN are far from everything. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t up = row[j];
			size_t best = LY_MIN(up, row[j - 1]) + 1;

			row[j] = LY_MIN(best, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = up;
		}
	}
	return row[m];
}

static bool is_near(size_t d, const char *name)
{
	return d <= LY_MAX((size_t)2, strlen(name) / 3);
}

const char *ly_config_near_key(const char *group, const char *name)
{
	const char *best = NULL;
	size_t least = NAME_MAX_LEN;

	for (size_t i = 0; i < ly_n_keys; i++) {
		size_t d;

		if (strcmp(ly_keys[i].group, group) != 0)
			continue;
		d = distance(name, ly_keys[i].name);
		if (d < least) {
			least = d;
			best = ly_keys[i].name;
		}
	}
	return is_near(least, name) ? best : NULL;
}

const char *ly_config_near_group(const char *name)
{
	const char *best = NULL;
	size_t least = NAME_MAX_LEN;

	for (size_t i = 0; i < ly_n_groups; i++) {
		size_t d = distance(name, ly_groups[i].name);

		if (d < least) {
			least = d;
			best = ly_groups[i].name;
		}
	}
	return is_near(least, name) ? best : NULL;
}
