/* What a home costs: idle sessions with rosters, messages one to one, presence to contacts,
 * log-ins.
 *
 *   bench_router [users]     one line of figures each, "name value unit" */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "signaling/router/home.h"
#include "signaling/session/session.h"
#include "signaling/xml/parser.h"

#define CONTACTS 20
#define MESSAGES 500000

static struct ly_list queue;
static struct ly_home *home;
static struct ly_rand rnd;
static int n_users = 20000;
static uint64_t n_sent, n_bytes;

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

static void give_roster(struct ly_store_req *req)
{
	struct ly_store_contact *v = ly_arena_alloc(&req->arena, CONTACTS * sizeof(*v));
	int me = atoi(req->owner + strlen("user"));

	for (int i = 0; i < CONTACTS; i++) {
		char jid[64];
		/* ten before and ten after, so that all are mutual */
		int k = me + (i < CONTACTS / 2 ? i + 1 : CONTACTS / 2 - 1 - i);

		snprintf(jid, sizeof(jid), "user%d@localhost", (k + n_users) % n_users);
		v[i] = (struct ly_store_contact) { .jid = ly_store_str(req, jid),
						   .name = "A name",
						   .sub = LY_SUB_BOTH,
						   .listed = true };
	}
	req->u.roster.v = v;
	req->u.roster.n = CONTACTS;
}

static void on_store(void *ctx, struct ly_store_req *req)
{
	if (req->op == LY_STORE_ROSTER_GET)
		give_roster(req);
	else if (req->op == LY_STORE_OFFLINE_TAKE)
		req->u.texts.n = 0;
	on_post(ctx, req->home, &req->msg);
}

static void on_send(void *ctx, uint64_t conn, struct ly_blob *blob, struct ly_span to)
{
	(void)ctx;
	(void)conn;
	n_sent++;
	n_bytes += blob->len + to.len;
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
		ly_home_run(home, 0, 0, &queue);
}

static struct ly_xml_parser *parser;

/* As the stream does it: parse, stamp `from`, wrap. */
static void send_text(struct ly_session *s, const char *fmt, const char *to)
{
	char xml[1024];
	int len = snprintf(xml, sizeof(xml), fmt, to);
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
}

/* 300 bytes as clients send them; parsing is part of what is measured. */
static const char MESSAGE[] = "<message to='%s' type='chat' "
			      "id='8a1f3c52-6f0e-4c57-9d31-0b6f3f0f7d11'>"
			      "<body>Where are the exercises for tomorrow? I looked on the page "
			      "&amp; in the folder</body>"
			      "<active xmlns='http://jabber.org/protocol/chatstates'/>"
			      "<request xmlns='urn:xmpp:receipts'/><origin-id "
			      "xmlns='urn:xmpp:sid:0' id='8a1f'/></message>";
static const char PRESENCE[] =
	"<presence id='%s'><show>away</show>"
	"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://lyceum.example/web' "
	"ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/></presence>";

static int64_t heap(void)
{
	return ly_heap_used(LY_MEM_SESSION) + ly_heap_used(LY_MEM_QUEUE) +
	       ly_heap_used(LY_MEM_XML) + ly_heap_used(LY_MEM_STORE);
}

static void bench_login(struct ly_session **s)
{
	int64_t before = heap(), start = now_ns(), took;

	for (int i = 0; i < n_users; i++) {
		char jid[64];

		snprintf(jid, sizeof(jid), "user%d@localhost", i);
		if (ly_session_bind(home, (uint64_t)i, jid, "web", &s[i]))
			abort();
		send_text(s[i], PRESENCE, "");
		run();
	}
	took = now_ns() - start;
	report("log-in with presence", (double)took / 1000 / n_users, "us");
	report("idle session, 20 contacts", (double)(heap() - before) / n_users, "bytes");
}

static void bench_messages(struct ly_session **s)
{
	int64_t start = now_ns(), took;
	uint64_t sent = n_sent;

	for (int i = 0; i < MESSAGES; i++) {
		char jid[64];

		snprintf(jid, sizeof(jid), "user%d@localhost%s", (i % n_users * 7919 + 1) % n_users,
			 i & 1 ? "/web" : "");
		send_text(s[i % n_users], MESSAGE, jid);
		if (i % 32 == 0)
			run();
	}
	run();
	took = now_ns() - start;
	if (n_sent - sent != MESSAGES)
		abort();
	report("message", (double)took / MESSAGES, "ns");
	report("messages", MESSAGES * 1e9 / (double)took, "per CPU-second");
}

static void bench_presence(struct ly_session **s)
{
	int64_t start = now_ns(), took;
	uint64_t sent = n_sent;

	for (int i = 0; i < n_users; i++) {
		send_text(s[i], PRESENCE, "");
		run();
	}
	took = now_ns() - start;
	report("presence to one contact", (double)took / (double)(n_sent - sent), "ns");
}

int main(int argc, char **argv)
{
	static const struct ly_host host = { .domain = "localhost", .kind = LY_HOST_USERS };
	struct ly_home_env env = { NULL, 1, on_post, on_store, on_send, on_close };
	struct ly_home_conf conf = { .hosts = &host, .n_hosts = 1, .rand = &rnd };
	struct ly_xml_pool *pool = ly_xml_pool_create(1);
	struct ly_session **s;

	if (argc > 1)
		n_users = atoi(argv[1]);
	ly_rand_seeded(&rnd, 1);
	ly_list_init(&queue);
	s = calloc((size_t)n_users, sizeof(*s));
	if (s == NULL || ly_home_create(&home, &conf, &env, 0) ||
	    ly_xml_borrow(&parser, pool, LY_XML_STREAM, &ly_xml_limits_default,
			  ly_xml_header_usual))
		return 1;
	bench_login(s);
	bench_messages(s);
	bench_presence(s);
	for (int i = 0; i < n_users; i++)
		ly_session_detach(s[i]);
	run();
	ly_home_destroy(home);
	ly_xml_return(parser);
	ly_xml_pool_free(pool);
	free(s);
	return 0;
}
