/* The XML stream of a client: the first byte chooses the framing, the sizes of the pieces and
 * whether the client has logged in already; the rest is what it sends. */
#include <stdlib.h>

#include "signaling/stream/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define HEADER \
	"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define OPEN "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>"
#define PLAIN "<auth " SASL " mechanism='PLAIN'>AHN0dWRlbnQxAHNlY3JldDE=</auth>"
#define BIND \
	"<iq xmlns='jabber:client' type='set' id='b'>" \
	"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"

static const char *const hosts[] = { "localhost", NULL };
static const char *const nonzas[] = { "urn:xmpp:sm:3", NULL };

/* What a well-behaved server does with the events; replies are built to exercise the serialiser. */
static void on_event(struct ly_stream *s, struct ly_stream_event *ev,
		     const struct ly_credentials *cred)
{
	struct ly_xml *reply;

	switch (ev->kind) {
	case LY_STREAM_AUTH_NEEDED:
		ly_stream_credentials(s, 0, strcmp(ev->user, "student1") ? NULL : cred);
		break;
	case LY_STREAM_STARTTLS:
		ly_stream_tls_done(s, 0, NULL);
		break;
	case LY_STREAM_BIND:
		ly_stream_park(s);
		if (ly_stream_bound(s, 0, ev->resource ? ev->resource : "r"))
			abort();
		break;
	case LY_STREAM_STANZA:
		ly_blob_unref(ly_xml_to_blob(ev->stanza->root, true));
		reply = ly_stanza_error(ev->stanza, LY_SERVICE_UNAVAILABLE, LY_ERR_DEFAULT, NULL);
		if (reply != NULL)
			ly_stream_send(s, 0, reply);
		ly_stanza_free(ev->stanza);
		break;
	case LY_STREAM_NONZA:
		if (ly_xml_attr(ev->nonza->root, "h"))
			(void)ly_stream_resumed(s, 0, "r");
		else
			ly_stream_resume_failed(s, 0, LY_ITEM_NOT_FOUND);
		ly_xml_doc_free(ev->nonza);
		break;
	default:
		break;
	}
}

static void feed(struct ly_stream *s, const void *data, size_t size, size_t step,
		 const struct ly_credentials *cred)
{
	struct ly_stream_event ev;

	for (size_t i = 0; i < size; i += step) {
		ly_stream_recv(s, 0, ly_span((const uint8_t *)data + i, LY_MIN(step, size - i)));
		while (ly_stream_poll(s, &ev))
			on_event(s, &ev, cred);
		if (ly_stream_deadline(s) != LY_NEVER)
			ly_stream_tick(s, ly_stream_deadline(s));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const tcp[] = { HEADER, PLAIN, HEADER, BIND };
	static const char *const ws[] = { OPEN, PLAIN, OPEN, BIND };
	static struct ly_credentials cred;
	static struct ly_rand rnd;
	static struct ly_xml_pool *pool;
	struct ly_stream_conf conf = {
		.hosts = hosts,
		.rand = &rnd,
		.secret = ly_span_str("0123456789abcdef"),
		.starttls = true,
		.plain_without_tls = true,
		.nonzas = nonzas,
	};
	struct ly_stream *s;
	bool is_ws;

	if (size < 1)
		return 0;
	if (pool == NULL) {
		ly_rand_seeded(&rnd, 1);
		pool = ly_xml_pool_create(2);
		if (pool == NULL || ly_credentials_make(&cred, "secret1", &rnd, 1))
			abort();
	}
	is_ws = data[0] & 1;
	if (ly_stream_create(&s, &conf, is_ws ? LY_STREAM_WEBSOCKET : LY_STREAM_TCP, pool))
		abort();
	for (size_t i = 0; i < LY_COUNTOF(tcp) && (data[0] & 2); i++) {
		const char *text = is_ws ? ws[i] : tcp[i];

		feed(s, text, strlen(text), strlen(text), &cred);
	}
	if ((data[0] & 2) && !ly_stream_is_bound(s))
		abort();
	feed(s, data + 1, size - 1, (data[0] >> 2) ? (size_t)(data[0] >> 2) * 8 : 1, &cred);
	ly_stream_free(s);
	if (ly_xml_pool_borrowed(pool) != 0)
		abort();
	return 0;
}
