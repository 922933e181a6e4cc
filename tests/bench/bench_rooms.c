/* What rooms cost: everybody enters one room, talks, changes presence, leaves.
 *
 *   bench_rooms [occupants]     one line of figures each, "name value unit" */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "signaling/router/home.h"
#include "signaling/session/session.h"
#include "signaling/xml/parser.h"

#define ROOM "lecture@rooms.localhost"
#define MESSAGES 2000

static struct ly_list queue;
static struct ly_home *home;
static struct ly_rand rnd;
static struct ly_xml_parser *parser;
static int n_users = 500;
static uint64_t n_sent;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void report(const char *name, double value, const char *unit)
{
	printf("%-28s %12.1f %s\n", name, value, unit);
}

static void on_post(void *ctx, unsigned target, struct ly_msg *msg)
{
	(void)ctx;
	(void)target;
	ly_list_add_tail(&queue, &msg->link);
}

static void on_store(void *ctx, struct ly_store_req *req)
{
	if (req->op == LY_STORE_ROOM_GET)
		req->err = -ENOENT;
	else if (req->op == LY_STORE_ROSTER_GET || req->op == LY_STORE_OFFLINE_TAKE)
		memset(&req->u, 0, sizeof(req->u));
	on_post(ctx, req->home, &req->msg);
}

static void on_send(void *ctx, uint64_t conn, struct ly_blob *blob, struct ly_span to)
{
	(void)ctx;
	(void)conn;
	(void)blob;
	(void)to;
	n_sent++;
}

static void on_close(void *ctx, uint64_t conn, enum ly_stream_error cond, const char *text)
{
	(void)ctx;
	(void)conn;
	(void)cond;
	(void)text;
}

static void run(void)
{
	while (!ly_list_is_empty(&queue))
		ly_home_run(home, 0, LY_SEC(1700000000), &queue);
}

/* As the stream does it: parse, stamp `from`, wrap. */
static void send_text(struct ly_session *s, const char *fmt, int nick)
{
	char xml[1024];
	int len = snprintf(xml, sizeof(xml), fmt, nick);
	struct ly_xml_event ev;
	struct ly_stanza *st;

	ly_xml_feed(parser, ly_span(xml, (size_t)len));
	ly_xml_next(parser, &ev);
	if (ev.kind != LY_XML_ELEMENT ||
	    ly_xml_set_attr(ev.doc->root, &ev.doc->arena, "from", ly_session_jid(s)) ||
	    ly_stanza_wrap(&st, ev.doc))
		abort();
	ly_session_recv(s, st);
	ly_xml_next(parser, &ev);
	run();
}

/* As a call's client sends it. */
#define PRESENCE \
	"<nick xmlns='http://jabber.org/protocol/nick'>Student</nick><SourceInfo>{\"%1$08x-a0\":" \
	"{\"muted\":true},\"%1$08x-v0\":{\"muted\":false,\"videoType\":\"camera\"}}</SourceInfo>" \
	"</presence>"

static void measure(const char *name, struct ly_session **s, int n, const char *fmt)
{
	int64_t start = now_ns(), took;
	uint64_t sent = n_sent;

	for (int i = 0; i < n; i++)
		send_text(s[i % n_users], fmt, i % n_users);
	took = now_ns() - start;
	printf("%-28s %12.1f us each, %.0f ns per delivery (%llu)\n", name, (double)took / 1000 / n,
	       (double)took / (double)(n_sent - sent), (unsigned long long)(n_sent - sent));
}

static void bind_all(struct ly_session **s)
{
	for (int i = 0; i < n_users; i++) {
		char jid[64];

		snprintf(jid, sizeof(jid), "user%d@localhost", i);
		if (ly_session_bind(home, (uint64_t)i, jid, "web", &s[i]))
			abort();
		run();
	}
}

int main(int argc, char **argv)
{
	static const struct ly_host hosts[] = {
		{ .domain = "localhost", .kind = LY_HOST_USERS },
		{ .domain = "rooms.localhost", .kind = LY_HOST_ROOMS },
	};
	struct ly_home_env env = { NULL, 1, on_post, on_store, on_send, on_close };
	struct ly_home_conf conf = { .hosts = hosts, .n_hosts = 2, .rand = &rnd };
	struct ly_xml_pool *pool = ly_xml_pool_create(1);
	struct ly_session **s;
	int64_t before;

	if (argc > 1)
		n_users = atoi(argv[1]);
	ly_rand_seeded(&rnd, 1);
	ly_list_init(&queue);
	s = calloc((size_t)n_users, sizeof(*s));
	if (s == NULL || n_users < 1 || n_users > 1000 || ly_home_create(&home, &conf, &env, 0) ||
	    ly_xml_borrow(&parser, pool, LY_XML_STREAM, &ly_xml_limits_default,
			  ly_xml_header_usual))
		return 1;
	bind_all(s);
	before = ly_heap_used(LY_MEM_ROOM) + ly_heap_used(LY_MEM_XML);
	send_text(s[0],
		  "<presence to='" ROOM
		  "/%1$08x'><x xmlns='http://jabber.org/protocol/muc'/>" PRESENCE,
		  0);
	send_text(
		s[0],
		"<iq type='set' id='c%d' to='" ROOM "'><query "
		"xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
		"type='submit'><field var='muc#roomconfig_maxusers'><value>1000</value></field></x>"
		"</query></iq>",
		1);
	measure("enter", s + 0, n_users,
		"<presence to='" ROOM
		"/%1$08x'><x xmlns='http://jabber.org/protocol/muc'/>" PRESENCE);
	report("memory per occupant",
	       (double)(ly_heap_used(LY_MEM_ROOM) + ly_heap_used(LY_MEM_XML) - before) / n_users,
	       "bytes");
	measure("message", s, MESSAGES,
		"<message to='" ROOM
		"' type='groupchat' id='m%d'><body>Where are the exercises for "
		"tomorrow? I looked on the page</body></message>");
	measure("presence", s, n_users, "<presence to='" ROOM "/%1$08x'>" PRESENCE);
	measure("leave", s, n_users, "<presence type='unavailable' to='" ROOM "/%08x'/>");
	for (int i = 0; i < n_users; i++)
		ly_session_detach(s[i]);
	run();
	ly_home_destroy(home);
	ly_xml_return(parser);
	ly_xml_pool_free(pool);
	free(s);
	return 0;
}
