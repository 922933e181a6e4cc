/* `lyceumctl user import`: the whole file is checked first, then keys are made on all processors
 * (that is nearly all of the work) and stored in portions. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "server/admin/csv.h"
#include "server/admin/ctl.h"
#include "server/admin/keys.h"
#include "signaling/jid.h"

#define ROWS_MAX 1000000
#define PORTION 500
#define THREADS_MAX 64
#define PROBLEMS_MAX 20

struct row {
	struct ly_csv_user user;
	const char *jid; /* normalised */
	struct ly_credentials cred;
	int err;
};

struct import {
	struct ly_ctl *ctl;
	const char *path;
	struct ly_arena arena;
	struct row *rows; /* owned */
	size_t n, cap;
	unsigned n_problems;

	/* shared with the threads */
	atomic_size_t next, n_made;
};

static void problem(struct import *im, unsigned line, const char *what)
{
	if (im->n_problems++ < PROBLEMS_MAX)
		fprintf(stderr, "%s:%u: %s\n", im->path, line, what);
}

/* What is wrong with a row, NULL if nothing. */
static const char *check(struct import *im, struct row *row)
{
	enum ly_store_role role;
	struct ly_jid jid;
	char prepared[1100];

	if (ly_jid_parse(&jid, &im->arena, row->user.jid) != 0 || jid.local == NULL || jid.resource)
		return "this is not the address of an account (name@domain)";
	if (strcmp(jid.domain, im->ctl->conf->server.domain) != 0)
		return "the account is not of this server: see [server] domain";
	if (row->user.role && ly_role_parse(row->user.role, &role) != 0)
		return "the role is none of student, teacher, operator";
	if (ly_saslprep(prepared, sizeof(prepared), row->user.password) != 0 || prepared[0] == '\0')
		return "the password has characters that are not allowed, or is too long";
	row->jid = jid.bare;
	return NULL;
}

static int add_line(struct import *im, struct ly_span text, unsigned line)
{
	struct row row = { .user = { .line = line } };
	const char *why = NULL;
	int rc = ly_csv_line(&row.user, &im->arena, text, &why);

	if (rc == -EBADMSG)
		problem(im, line, why);
	if (rc <= 0)
		return rc == -ENOMEM ? rc : 0;
	if (im->n == 0 && strcmp(row.user.jid, "jid") == 0)
		return 0; /* a heading */
	why = check(im, &row);
	if (why)
		problem(im, line, why);
	if (im->n == im->cap) {
		size_t cap = LY_MAX(im->cap * 2, (size_t)256);
		struct row *more = cap > ROWS_MAX * 2
					   ? NULL
					   : ly_realloc(im->rows, cap * sizeof(*more), LY_MEM_MISC);

		if (more == NULL)
			return -ENOMEM;
		im->rows = more;
		im->cap = cap;
	}
	im->rows[im->n++] = row;
	return 0;
}

static int read_rows(struct import *im)
{
	FILE *f = strcmp(im->path, "-") == 0 ? stdin : fopen(im->path, "re");
	char *line = NULL;
	size_t cap = 0;
	unsigned no = 0;
	ssize_t len;
	int err = 0;

	if (f == NULL) {
		fprintf(stderr, "lyceumctl: %s: %s\n", im->path, strerror(errno));
		return -ENOENT;
	}
	while (!err && (len = getline(&line, &cap, f)) >= 0)
		err = add_line(im, ly_span(line, (size_t)len), ++no);
	if (!err && ferror(f)) {
		fprintf(stderr, "lyceumctl: %s cannot be read\n", im->path);
		err = -EIO;
	}
	if (err == -ENOMEM)
		fprintf(stderr, "lyceumctl: out of memory\n");
	if (line != NULL)
		ly_wipe(line, cap);
	free(line);
	if (f != stdin)
		(void)fclose(f);
	return err;
}

static int by_jid(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	int order = strcmp((*x)->jid, (*y)->jid);

	return order ? order : (*x)->user.line < (*y)->user.line ? -1 : 1;
}

/* The same account twice is a mistake of the file: which of the passwords would count? */
static int find_twins(struct import *im)
{
	const struct row **sorted = ly_alloc(im->n * sizeof(*sorted), LY_MEM_MISC);

	if (sorted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < im->n; i++)
		sorted[i] = &im->rows[i];
	qsort(sorted, im->n, sizeof(*sorted), by_jid);
	for (size_t i = 1; i < im->n; i++) {
		char what[100];

		if (strcmp(sorted[i - 1]->jid, sorted[i]->jid) != 0)
			continue;
		(void)snprintf(what, sizeof(what), "this account is in line %u already",
			       sorted[i - 1]->user.line);
		problem(im, sorted[i]->user.line, what);
	}
	ly_free(sorted, LY_MEM_MISC);
	return 0;
}

static void *make_keys(void *ctx)
{
	struct import *im = ctx;
	struct ly_rand_system rand;
	size_t i;

	ly_rand_system_init(&rand);
	while ((i = atomic_fetch_add(&im->next, 1)) < im->n) {
		struct row *row = &im->rows[i];

		row->err = ly_credentials_make(&row->cred, row->user.password, &rand.rand,
					       im->ctl->conf->auth.iterations);
		atomic_fetch_add(&im->n_made, 1);
	}
	return NULL;
}

static int make_all_keys(struct import *im)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = (size_t)LY_MIN(LY_MAX(cpus, 1L), (long)THREADS_MAX), started = 0;
	pthread_t threads[THREADS_MAX];
	bool is_shown = isatty(STDERR_FILENO);

	while (started < n && pthread_create(&threads[started], NULL, make_keys, im) == 0)
		started++;
	if (started == 0)
		(void)make_keys(im);
	while (is_shown && atomic_load(&im->n_made) < im->n) {
		fprintf(stderr, "\rmaking keys: %zu of %zu", atomic_load(&im->n_made), im->n);
		(void)usleep(200000);
	}
	if (is_shown)
		fprintf(stderr, "\r%60s\r", "");
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	for (size_t i = 0; i < im->n; i++) {
		if (im->rows[i].err == 0)
			continue;
		problem(im, im->rows[i].user.line, ly_err_name(im->rows[i].err));
		return im->rows[i].err;
	}
	return 0;
}

static int store_portion(struct import *im, size_t from, size_t to)
{
	json_t *users = json_array(), *result = NULL;
	int err = 0;

	for (size_t i = from; i < to && !err; i++) {
		const struct row *row = &im->rows[i];
		const char *role = row->user.role ? row->user.role : "student";
		json_t *user = json_pack("{s:s, s:s, s:o}", "jid", row->jid, "role", role, "keys",
					 ly_keys_to_json(&row->cred));

		if (user == NULL || json_array_append_new(users, user) != 0)
			err = -ENOMEM;
	}
	if (err) {
		json_decref(users);
		fprintf(stderr, "lyceumctl: out of memory\n");
		return err;
	}
	err = ly_ctl_run(im->ctl, "user put-many", json_pack("{s:o}", "users", users), &result);
	json_decref(result);
	return err;
}

static int run_import(struct import *im)
{
	int err = read_rows(im);

	if (!err && im->n_problems == 0)
		err = find_twins(im);
	if (err)
		return err;
	if (im->n_problems) {
		if (im->n_problems > PROBLEMS_MAX)
			fprintf(stderr, "%s: %u more problems\n", im->path,
				im->n_problems - PROBLEMS_MAX);
		fprintf(stderr, "lyceumctl: nothing was imported\n");
		return -EBADMSG;
	}
	err = make_all_keys(im);
	for (size_t i = 0; i < im->n && !err; i += PORTION)
		err = store_portion(im, i, LY_MIN(i + PORTION, im->n));
	if (!err)
		printf("%zu accounts imported\n", im->n);
	return err;
}

int ly_ctl_import(struct ly_ctl *ctl, const char *path)
{
	struct import im = { .ctl = ctl, .path = path };
	int err;

	ly_arena_init(&im.arena, LY_MEM_MISC, 0);
	err = run_import(&im);
	ly_wipe(im.rows, im.n * sizeof(*im.rows));
	ly_free(im.rows, LY_MEM_MISC);
	ly_arena_fini(&im.arena);
	return err;
}
