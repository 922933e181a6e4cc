/* Reading lyceum.conf. GLib's key file gives the values; it knows no line numbers and takes what it
 * does not know, so our own walk over the lines finds the place of each key and everything unknown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/err.h"
#include "server/config/config_priv.h"

#define FILE_MAX ((size_t)1 << 20)
#define TEXT_MAX 80 /* of a name or line shown in a message */
#define PROBLEMS_MAX 50

/* One reading of one file. */
struct reading {
	struct ly_config *conf;
	const char *name, *dir;
	struct ly_buf *errors;
	unsigned n_problems;
	unsigned *lines;   /* per key of the table: where it stands, 0 = nowhere */
	const char *group; /* of the line in hand; NULL = before the first */
	char group_buf[TEXT_MAX];
	bool skip; /* in an unknown group: its keys are not reported too */
};

static void problem(struct reading *r, unsigned line, const char *fmt, ...) LY_PRINTF(3, 4);

static void problem(struct reading *r, unsigned line, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (r->n_problems++ >= PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (line)
		ly_buf_printf(r->errors, "%s:%u: %s\n", r->name, line, text);
	else
		ly_buf_printf(r->errors, "%s: %s\n", r->name, text);
}

static const struct ly_key *find_key(const char *group, const char *name)
{
	for (size_t i = 0; i < ly_n_keys; i++)
		if ((group == NULL || strcmp(ly_keys[i].group, group) == 0) &&
		    strcmp(ly_keys[i].name, name) == 0)
			return &ly_keys[i];
	return NULL;
}

static void on_group(struct reading *r, unsigned no, const char *name)
{
	const char *near = ly_config_near_group(name);

	(void)snprintf(r->group_buf, sizeof(r->group_buf), "%s", name);
	r->group = r->group_buf;
	r->skip = false;
	for (size_t i = 0; i < ly_n_groups; i++)
		if (strcmp(ly_groups[i].name, name) == 0)
			return;
	r->skip = true;
	if (near)
		problem(r, no, "unknown group [%s]; did you mean [%s]?", name, near);
	else
		problem(r, no, "unknown group [%s]", name);
}

static void on_key(struct reading *r, unsigned no, const char *name)
{
	const struct ly_key *key;
	const char *near;
	unsigned *line;

	if (r->group == NULL) {
		problem(r, no, "key \"%s\" stands before the first [group]", name);
		return;
	}
	if (r->skip)
		return;
	key = find_key(r->group, name);
	if (key != NULL) {
		line = &r->lines[key - ly_keys];
		if (*line)
			problem(r, no, "key \"%s\" was given in line %u already", name, *line);
		*line = no;
		return;
	}
	near = ly_config_near_key(r->group, name);
	key = find_key(NULL, name);
	if (near)
		problem(r, no, "unknown key \"%s\" in [%s]; did you mean \"%s\"?", name, r->group,
			near);
	else if (key)
		problem(r, no, "unknown key \"%s\" in [%s]; it belongs to [%s]", name, r->group,
			key->group);
	else
		problem(r, no, "unknown key \"%s\" in [%s]", name, r->group);
}

/* Bytes for a message: at most TEXT_MAX, nothing unprintable. */
static const char *shown(char *out, struct ly_span s)
{
	size_t len = LY_MIN(s.len, (size_t)TEXT_MAX - 1);

	for (size_t i = 0; i < len; i++)
		out[i] = s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? '?' : (char)s.ptr[i];
	while (len > 0 && len < s.len && (s.ptr[len] & 0xc0) == 0x80)
		len--; /* not in the middle of a UTF-8 character */
	out[len] = '\0';
	return out;
}

static struct ly_span trim(struct ly_span s)
{
	while (s.len && g_ascii_isspace(s.ptr[s.len - 1]))
		s.len--;
	while (s.len && g_ascii_isspace(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	return s;
}

static void on_line(struct reading *r, unsigned no, struct ly_span line)
{
	char text[TEXT_MAX];
	const uint8_t *eq;

	line = trim(line);
	if (line.len == 0 || line.ptr[0] == '#')
		return;
	if (memchr(line.ptr, '\0', line.len) ||
	    !g_utf8_validate((const char *)line.ptr, (gssize)line.len, NULL)) {
		problem(r, no, "the line is not UTF-8 text");
		return;
	}
	if (line.ptr[0] == '[' && line.ptr[line.len - 1] == ']') {
		on_group(r, no, shown(text, ly_span(line.ptr + 1, line.len - 2)));
		return;
	}
	eq = memchr(line.ptr, '=', line.len);
	if (eq == NULL || eq == line.ptr) {
		problem(r, no, "\"%s\" is neither [group] nor key = value", shown(text, line));
		return;
	}
	on_key(r, no, shown(text, trim(ly_span(line.ptr, (size_t)(eq - line.ptr)))));
}

static void walk(struct reading *r, struct ly_span text)
{
	unsigned no = 0;

	while (text.len) {
		const uint8_t *nl = memchr(text.ptr, '\n', text.len);
		size_t len = nl ? (size_t)(nl - text.ptr) : text.len;

		on_line(r, ++no, ly_span(text.ptr, len));
		len += nl != NULL;
		text.ptr += len;
		text.len -= len;
	}
}

static const char *default_of(const struct ly_config *conf, const struct ly_key *key)
{
	if (key->strict && conf->limits.profile == LY_LIMITS_STRICT)
		return key->strict;
	if (key->off && conf->limits.profile == LY_LIMITS_OFF)
		return key->off;
	return key->def;
}

/* Sets one key from the file or its default. @return 0, -ENOMEM; problems are in r */
static int set_key(struct reading *r, GKeyFile *file, const struct ly_key *key)
{
	unsigned line = r->lines[key - ly_keys];
	const char *dir = r->dir;
	char why[300];
	GError *error = NULL;
	char *value = NULL;
	int err;

	if (line) {
		value = g_key_file_get_string(file, key->group, key->name, &error);
		if (error != NULL) {
			g_clear_error(&error);
			g_free(value);
			problem(r, line,
				"the value of \"%s\" has a bad escape (\\s \\n \\t \\r \\\\ are "
				"known)",
				key->name);
			return 0;
		}
		g_strstrip(value);
	}
	err = ly_config_set(r->conf, key, value ? value : default_of(r->conf, key), dir, why,
			    sizeof(why));
	if (err == -EBADMSG)
		problem(r, line, "[%s] %s: %s", key->group, key->name, why);
	g_free(value);
	return err == -EBADMSG ? 0 : err;
}

static unsigned line_of(const struct reading *r, const char *group, const char *name)
{
	return r->lines[find_key(group, name) - ly_keys];
}

/* What concerns more than one key. */
static void check_all(struct reading *r)
{
	const struct ly_config *c = r->conf;
	const char *url = c->storage.url;

	if ((c->tls.certificate[0] == '\0') != (c->tls.key[0] == '\0'))
		problem(r, LY_MAX(line_of(r, "tls", "certificate"), line_of(r, "tls", "key")),
			"[tls] certificate and key must be given together");
	if (c->listen.federation.n)
		problem(r, line_of(r, "listen", "federation"),
			"[listen] federation must be empty while [federation] mode is off");
	if (c->auth.registration)
		problem(r, line_of(r, "auth", "registration"),
			"[auth] registration: only false is supported");
	if (strncmp(url, "sqlite:", 7) != 0 || url[7] == '\0')
		problem(r, line_of(r, "storage", "url"),
			"[storage] url: \"%.60s\" is not sqlite:FILE", url);
	if (c->listen.media.n == 0)
		problem(r, line_of(r, "listen", "media"), "[listen] media must have an address");
	for (size_t i = 0; i < c->listen.media.n; i++)
		if (c->listen.media.v[i].port + c->server.media_threads > 65536)
			problem(r, line_of(r, "listen", "media"),
				"[listen] media: port %u leaves no ports for %u media threads",
				c->listen.media.v[i].port, c->server.media_threads);
}

static void resolve_counts(struct ly_config *c)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned cpus = n < 1 ? 1 : (unsigned)LY_MIN(n, 256L);

	if (c->server.loops == 0)
		c->server.loops = cpus;
	if (c->server.media_threads == 0)
		c->server.media_threads = LY_MIN(LY_MAX(cpus / 2, 1u), 64u);
}

static int set_all(struct reading *r, GKeyFile *file)
{
	int err;

	/* the profile decides the defaults of the others */
	err = set_key(r, file, find_key("limits", "profile"));
	for (size_t i = 0; i < ly_n_keys && !err; i++)
		if (strcmp(ly_keys[i].name, "profile") != 0)
			err = set_key(r, file, &ly_keys[i]);
	if (err || r->n_problems)
		return err;
	resolve_counts(r->conf);
	check_all(r);
	return 0;
}

static int read_text(struct reading *r, struct ly_span text)
{
	GKeyFile *file = g_key_file_new();
	GError *error = NULL;
	int err = 0;

	walk(r, text);
	if (r->n_problems == 0 && text.len != 0 &&
	    !g_key_file_load_from_data(file, (const char *)text.ptr, text.len, G_KEY_FILE_NONE,
				       &error))
		problem(r, 0, "%s", error->message);
	if (r->n_problems == 0 || error == NULL)
		err = r->n_problems ? 0 : set_all(r, file);
	g_clear_error(&error);
	g_key_file_free(file);
	if (err)
		return err;
	if (r->n_problems > PROBLEMS_MAX)
		ly_buf_printf(r->errors, "%s: %u more problems\n", r->name,
			      r->n_problems - PROBLEMS_MAX);
	return r->n_problems ? -EBADMSG : 0;
}

int ly_config_parse(struct ly_config **out, const char *name, struct ly_span text,
		    struct ly_buf *errors)
{
	struct reading r = { .name = name, .errors = errors };
	char *dir = NULL;
	int err = -ENOMEM;

	*out = NULL;
	r.conf = ly_alloc(sizeof(*r.conf), LY_MEM_CONFIG);
	r.lines = ly_alloc(ly_n_keys * sizeof(*r.lines), LY_MEM_CONFIG);
	if (r.conf == NULL || r.lines == NULL) {
		ly_free(r.conf, LY_MEM_CONFIG);
		ly_free(r.lines, LY_MEM_CONFIG);
		return -ENOMEM;
	}
	ly_arena_init(&r.conf->arena, LY_MEM_CONFIG, 0);
	dir = strchr(name, '/') ? g_path_get_dirname(name) : g_strdup("");
	r.dir = dir;
	r.conf->path = ly_arena_strdup(&r.conf->arena, name);
	if (r.conf->path != NULL)
		err = read_text(&r, text);
	g_free(dir);
	ly_free(r.lines, LY_MEM_CONFIG);
	if (err) {
		ly_config_destroy(r.conf);
		return err;
	}
	*out = r.conf;
	return 0;
}

static int read_file(const char *path, struct ly_buf *text, struct ly_buf *errors)
{
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;
	int err = 0;

	if (f == NULL) {
		err = errno == ENOENT ? -ENOENT : -EIO;
		ly_buf_printf(errors, "%s: %s\n", path, strerror(errno));
		return err;
	}
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		ly_buf_add(text, part, n);
	if (ferror(f)) {
		ly_buf_printf(errors, "%s: cannot be read\n", path);
		err = -EIO;
	} else if (text->err == -E2BIG) {
		ly_buf_printf(errors, "%s: is larger than 1 MiB\n", path);
		err = -EBADMSG;
	} else {
		err = text->err;
	}
	(void)fclose(f);
	return err;
}

int ly_config_load(struct ly_config **out, const char *path, struct ly_buf *errors)
{
	struct ly_buf text;
	int err = 0;

	*out = NULL;
	ly_buf_init(&text, LY_MEM_CONFIG, FILE_MAX);
	if (path != NULL)
		err = read_file(path, &text, errors);
	if (!err)
		err = ly_config_parse(out, path ? path : "", ly_buf_span(&text), errors);
	ly_buf_fini(&text);
	return err;
}

void ly_config_destroy(struct ly_config *conf)
{
	if (conf == NULL)
		return;
	ly_arena_fini(&conf->arena);
	ly_free(conf, LY_MEM_CONFIG);
}

static size_t size_of(enum ly_key_type type)
{
	static const size_t sizes[] = {
		[LY_KEY_STR] = sizeof(char *),
		[LY_KEY_PATH] = sizeof(char *),
		[LY_KEY_DOMAIN] = sizeof(char *),
		[LY_KEY_INT] = sizeof(unsigned),
		[LY_KEY_BOOL] = sizeof(bool),
		[LY_KEY_ENUM] = sizeof(int),
		[LY_KEY_DURATION] = sizeof(ly_usec),
		[LY_KEY_SIZE] = sizeof(uint64_t),
		[LY_KEY_LISTEN] = sizeof(struct ly_config_addrs),
		[LY_KEY_IPS] = sizeof(struct ly_config_addrs),
	};
	return sizes[type];
}

static bool is_same(const struct ly_key *key, const void *a, const void *b)
{
	const struct ly_config_addrs *x = a, *y = b;

	if (size_of(key->type) == sizeof(char *) && key->type <= LY_KEY_DOMAIN)
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	if (key->type != LY_KEY_LISTEN && key->type != LY_KEY_IPS)
		return memcmp(a, b, size_of(key->type)) == 0;
	return x->n == y->n && (x->n == 0 || memcmp(x->v, y->v, x->n * sizeof(*x->v)) == 0);
}

/* Copies a value of the old configuration with what it points to. */
static int keep(struct ly_config *conf, const struct ly_key *key, const void *from)
{
	void *to = (char *)conf + key->at;
	struct ly_config_addrs *list = to;

	memcpy(to, from, size_of(key->type));
	if (key->type <= LY_KEY_DOMAIN) {
		*(char **)to = ly_arena_strdup(&conf->arena, *(char *const *)from);
		return *(char **)to ? 0 : -ENOMEM;
	}
	if (key->type != LY_KEY_LISTEN && key->type != LY_KEY_IPS)
		return 0;
	list->v = ly_arena_alloc(&conf->arena, list->n * sizeof(*list->v) + 1);
	if (list->v == NULL)
		return -ENOMEM;
	memcpy(list->v, ((const struct ly_config_addrs *)from)->v, list->n * sizeof(*list->v));
	return 0;
}

int ly_config_reload(struct ly_config **out, const struct ly_config *old, struct ly_buf *report)
{
	struct ly_config *conf;
	int err;

	err = ly_config_load(&conf, old->path[0] ? old->path : NULL, report);
	*out = NULL;
	if (err)
		return err;
	for (size_t i = 0; i < ly_n_keys && !err; i++) {
		const struct ly_key *key = &ly_keys[i];
		const void *was = (const char *)old + key->at;

		if (is_same(key, was, (char *)conf + key->at))
			continue;
		ly_buf_printf(report, "[%s] %s changed%s\n", key->group, key->name,
			      key->reload ? "" : ": takes effect after a restart");
		if (!key->reload)
			err = keep(conf, key, was);
	}
	if (err) {
		ly_config_destroy(conf);
		return err;
	}
	*out = conf;
	return 0;
}

static int join(char *out, size_t cap, const char *dir, const char *name)
{
	bool is_alone = name[0] == '/' || dir[0] == '\0';
	int n = snprintf(out, cap, "%s%s%s", is_alone ? "" : dir, is_alone ? "" : "/", name);

	return n < 0 || (size_t)n >= cap ? -ENOSPC : 0;
}

int ly_config_db_path(const struct ly_config *conf, char *out, size_t cap)
{
	return join(out, cap, conf->server.data_dir, conf->storage.url + strlen("sqlite:"));
}

int ly_config_socket_path(const struct ly_config *conf, char *out, size_t cap)
{
	return join(out, cap, conf->server.data_dir, "lyceumd.sock");
}
