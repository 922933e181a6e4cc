/* Runs scenario scripts against the in-memory server, each with one and several homes and with a
 * store that answers at once, late and out of order. The language is described in scripts/README.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "signaling/xml/parser.h"
#include "tests/scenario/match.h"
#include "tests/scenario/world.h"

struct run {
	const char *file;
	char **lines;
	size_t n_lines, at;
	struct world *world;
	bool failed;
};

static void fail(struct run *r, size_t line, const char *what, const char *detail)
{
	fprintf(stderr, "%s:%zu: %s%s%s\n", r->file, line + 1, what, *detail ? ": " : "", detail);
	r->failed = true;
}

/* The indented lines from here on as one element whose children are the stanzas. */
static struct ly_xml_doc *read_block(struct run *r)
{
	size_t start = r->at;
	struct ly_xml_doc *doc = NULL;
	struct ly_buf buf;

	ly_buf_init(&buf, LY_MEM_MISC, 0);
	ly_buf_adds(&buf, "<block xmlns='jabber:client'>");
	while (r->at < r->n_lines &&
	       (isspace((unsigned char)r->lines[r->at][0]) || !r->lines[r->at][0])) {
		ly_buf_adds(&buf, r->lines[r->at++]);
		ly_buf_adds(&buf, "\n");
	}
	ly_buf_adds(&buf, "</block>");
	if (ly_xml_parse(&doc, ly_buf_span(&buf), &ly_xml_limits_default))
		fail(r, start, "not well-formed", ly_buf_str(&buf));
	ly_buf_fini(&buf);
	return doc;
}

static void do_sends(struct run *r, struct peer *p)
{
	size_t line = r->at;
	struct ly_xml_doc *doc = read_block(r);

	if (doc == NULL)
		return;
	if (p->session == NULL)
		fail(r, line, "not connected", p->label);
	for (const struct ly_xml *el = ly_xml_child(doc->root, NULL, NULL); el && p->session;
	     el = ly_xml_next_child(el, NULL, NULL))
		if (peer_send_xml(p, el))
			fail(r, line, "no stanza", el->name);
	ly_xml_doc_free(doc);
}

#define MAX_BLOCK 64

/* The next stanzas, as many as the block has, in any order. */
static void do_receives(struct run *r, struct peer *p)
{
	size_t line = r->at, n = 0;
	struct ly_xml_doc *doc = read_block(r);
	struct received *got[MAX_BLOCK];
	const char *why = "";

	if (doc == NULL)
		return;
	for (const struct ly_xml *el = ly_xml_child(doc->root, NULL, NULL); el && n < MAX_BLOCK;
	     el = ly_xml_next_child(el, NULL, NULL)) {
		got[n] = peer_take(p);
		if (got[n] == NULL) {
			fail(r, line, "expected and not received by", p->label);
			break;
		}
		n++;
	}
	for (const struct ly_xml *el = ly_xml_child(doc->root, NULL, NULL); el && !r->failed;
	     el = ly_xml_next_child(el, NULL, NULL)) {
		size_t i = 0;

		while (i < n && (got[i] == NULL || !match(el, got[i]->doc->root, &why)))
			i++;
		if (i == n) {
			struct ly_buf want;

			ly_buf_init(&want, LY_MEM_MISC, 0);
			ly_xml_write(&want, el, LY_NS_CLIENT);
			fail(r, line, "no match", why);
			fprintf(stderr, "  want %s\n", ly_buf_str(&want));
			ly_buf_fini(&want);
		} else {
			received_free(got[i]);
			got[i] = NULL;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (got[i])
			fprintf(stderr, "  got  %s\n", got[i]->text);
		received_free(got[i]);
	}
	ly_xml_doc_free(doc);
}

static void do_receives_nothing(struct run *r, struct peer *p)
{
	struct received *got = peer_take(p);

	if (got)
		fail(r, r->at - 1, "unexpected", got->text);
	received_free(got);
}

static void do_closed(struct run *r, struct peer *p, const char *cond)
{
	while (isspace((unsigned char)*cond))
		cond++;
	if (!p->is_closed || strcmp(ly_stream_error_name(p->closed), cond) != 0)
		fail(r, r->at - 1, "not closed with", cond);
	peer_disconnect(p);
}

static void do_peer(struct run *r, const char *label, const char *verb)
{
	struct peer *p = world_peer(r->world, label);

	if (strcmp(verb, "connects") == 0) {
		if (peer_connect(p))
			fail(r, r->at - 1, "cannot bind", label);
		return;
	}
	if (strcmp(verb, "sends:") == 0) {
		do_sends(r, p);
		return;
	}
	world_settle(r->world);
	if (strcmp(verb, "receives:") == 0)
		do_receives(r, p);
	else if (strcmp(verb, "receives nothing") == 0)
		do_receives_nothing(r, p);
	else if (strcmp(verb, "forgets") == 0)
		peer_forget(p);
	else if (strcmp(verb, "disconnects") == 0)
		peer_disconnect(p);
	else if (strncmp(verb, "is closed:", 10) == 0)
		do_closed(r, p, verb + 10);
	else
		fail(r, r->at - 1, "unknown command", verb);
}

static void do_users(struct run *r, const char *names)
{
	char copy[512], jid[256], *save;

	snprintf(copy, sizeof(copy), "%s", names);
	for (char *n = strtok_r(copy, " ", &save); n; n = strtok_r(NULL, " ", &save)) {
		snprintf(jid, sizeof(jid), "%.100s@%s", n, WORLD_DOMAIN);
		fake_store_add_user(world_store(r->world), jid);
	}
}

static void do_wait(struct run *r, const char *arg)
{
	char *unit;
	long n = strtol(arg, &unit, 10);

	world_wait(r->world, strcmp(unit, "ms") == 0 ? LY_MS(n) : LY_SEC(n));
}

static void do_line(struct run *r)
{
	char line[512];
	const char *src = r->lines[r->at++];
	char *space;

	snprintf(line, sizeof(line), "%s", src);
	if (line[0] == '\0' || line[0] == '#' || strncmp(line, "title:", 6) == 0)
		return;
	space = strchr(line, ' ');
	if (space == NULL) {
		fail(r, r->at - 1, "unknown command", line);
		return;
	}
	*space++ = '\0';
	if (strcmp(line, "users:") == 0)
		do_users(r, space);
	else if (strcmp(line, "wait") == 0)
		do_wait(r, space);
	else
		do_peer(r, line, space);
}

static bool run_once(struct run *r, const struct world_conf *conf)
{
	r->world = world_create(conf);
	r->at = 0;
	while (r->at < r->n_lines && !r->failed)
		do_line(r);
	world_free(r->world);
	if (r->failed)
		fprintf(stderr, "%s: with %u homes, store delay %lld us, seed %llu\n", r->file,
			conf->n_homes, (long long)conf->store_delay,
			(unsigned long long)conf->seed);
	return !r->failed;
}

static void load(struct run *r)
{
	FILE *f = fopen(r->file, "r");
	char *line = NULL;
	size_t cap = 0;

	if (f == NULL) {
		perror(r->file);
		exit(2);
	}
	while (getline(&line, &cap, f) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		r->lines = realloc(r->lines, (r->n_lines + 1) * sizeof(*r->lines));
		r->lines[r->n_lines++] = strdup(line);
	}
	free(line);
	fclose(f);
}

int main(int argc, char **argv)
{
	static const struct world_conf confs[] = {
		{ .n_homes = 1, .seed = 1 },
		{ .n_homes = 3, .seed = 2 },
		{ .n_homes = 2, .seed = 3, .store_delay = LY_MS(50) },
		{ .n_homes = 7, .seed = 4, .store_delay = LY_MS(50) },
		{ .n_homes = 3, .seed = 5, .store_delay = LY_MS(5) },
	};
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		struct run r = { .file = argv[i] };
		bool ok = true;

		load(&r);
		for (size_t c = 0; ok && c < LY_COUNTOF(confs); c++)
			ok = run_once(&r, &confs[c]);
		printf("%s %s\n", ok ? "ok" : "FAILED", argv[i]);
		bad += !ok;
		for (size_t k = 0; k < r.n_lines; k++)
			free(r.lines[k]);
		free(r.lines);
	}
	return bad != 0;
}
