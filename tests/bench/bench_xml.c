/* What a stream costs: parsing a stanza, waking an idle stream, serialising, memory of an idle
 * stream.
 *
 *   bench_xml [rounds]     one line of figures each, "name value unit" */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "signaling/stream/stream.h"

#define HEADER \
	"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define PLAIN \
	"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" \
	"AHN0dWRlbnQxAHNlY3JldDE=</auth>"
#define BIND \
	"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" \
	"<resource>web-1</resource></bind></iq>"
#define N_STREAMS 10000

/* 300 bytes: a chat message as clients send it. */
static const char stanza[] =
	"<message to='teacher@localhost' type='chat' id='8a1f3c52-6f0e-4c57-9d31-0b6f3f0f7d11'>"
	"<body>Where are the exercises for tomorrow? I looked on the page &amp; in the "
	"folder</body>"
	"<active xmlns='http://jabber.org/protocol/chatstates'/><request "
	"xmlns='urn:xmpp:receipts'/>"
	"<origin-id xmlns='urn:xmpp:sid:0' id='8a1f3c52'/></message>";

static const char *const hosts[] = { "localhost", NULL };
static struct ly_credentials cred;
static struct ly_rand rnd;
static struct ly_xml_pool *pool;
static struct ly_stream_conf conf = { .hosts = hosts, .rand = &rnd, .plain_without_tls = true };

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void report(const char *name, double value, const char *unit)
{
	printf("%-28s %10.1f %s\n", name, value, unit);
}

static void drain(struct ly_stream *s)
{
	struct ly_stream_event ev;

	while (ly_stream_poll(s, &ev)) {
		if (ev.kind == LY_STREAM_AUTH_NEEDED)
			ly_stream_credentials(s, 0, &cred);
		else if (ev.kind == LY_STREAM_BIND)
			ly_stream_bound(s, 0, ev.resource);
		else if (ev.kind == LY_STREAM_STANZA)
			ly_stanza_free(ev.stanza);
	}
}

static void feed(struct ly_stream *s, const char *text)
{
	ly_stream_recv(s, 0, ly_span_str(text));
	drain(s);
}

static struct ly_stream *login(void)
{
	struct ly_stream *s;

	if (ly_stream_create(&s, &conf, LY_STREAM_TCP, pool))
		abort();
	feed(s, HEADER);
	feed(s, PLAIN);
	feed(s, HEADER);
	feed(s, BIND);
	if (!ly_stream_is_bound(s))
		abort();
	return s;
}

static void bench_stanzas(int rounds)
{
	struct ly_stream *s = login();
	int64_t t = now_ns();

	for (int i = 0; i < rounds; i++)
		feed(s, stanza);
	report("stanza on a busy stream", (double)(now_ns() - t) / rounds, "ns");
	t = now_ns();
	for (int i = 0; i < rounds; i++) {
		feed(s, stanza);
		ly_stream_park(s);
	}
	report("stanza that wakes a stream", (double)(now_ns() - t) / rounds, "ns");
	ly_stream_free(s);
}

static void bench_write(int rounds)
{
	struct ly_xml_doc *doc;
	int64_t t;

	if (ly_xml_parse(&doc, ly_span_str(stanza), NULL))
		abort();
	t = now_ns();
	for (int i = 0; i < rounds; i++)
		ly_blob_unref(ly_xml_to_blob(doc->root, true));
	report("serialising a stanza", (double)(now_ns() - t) / rounds, "ns");
	ly_xml_doc_free(doc);
}

static void bench_jid(int rounds)
{
	struct ly_arena arena;
	struct ly_jid jid;
	int64_t t = now_ns();

	for (int i = 0; i < rounds; i++) {
		ly_arena_init(&arena, LY_MEM_XML, 0);
		if (ly_jid_parse(&jid, &arena, "Student1@localhost/web-1"))
			abort();
		ly_arena_fini(&arena);
	}
	report("parsing an address", (double)(now_ns() - t) / rounds, "ns");
}

static void bench_login(void)
{
	static struct ly_stream *all[N_STREAMS];
	int64_t before = ly_heap_used(LY_MEM_CONN) + ly_heap_used(LY_MEM_XML), t = now_ns();

	for (size_t i = 0; i < N_STREAMS; i++) {
		all[i] = login();
		ly_stream_park(all[i]);
	}
	report("login (keys cost 1 iteration)", (double)(now_ns() - t) / N_STREAMS / 1000, "us");
	report("memory of an idle stream",
	       (double)(ly_heap_used(LY_MEM_CONN) + ly_heap_used(LY_MEM_XML) - before) / N_STREAMS,
	       "bytes");
	for (size_t i = 0; i < N_STREAMS; i++)
		ly_stream_free(all[i]);
}

static void bench_keys(void)
{
	struct ly_credentials made;
	int64_t t = now_ns();

	if (ly_credentials_make(&made, "secret1", &rnd, LY_SCRAM_ITERATIONS))
		abort();
	report("making both keys of a user", (double)(now_ns() - t) / 1000, "us");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 200000;

	ly_rand_seeded(&rnd, 1);
	conf.secret = ly_span_str("0123456789abcdef");
	pool = ly_xml_pool_create(8);
	if (rounds < 1 || pool == NULL || ly_credentials_make(&cred, "secret1", &rnd, 1))
		return 1;
	bench_stanzas(rounds);
	bench_write(rounds);
	bench_jid(rounds);
	bench_login();
	bench_keys();
	ly_xml_pool_free(pool);
	return 0;
}
