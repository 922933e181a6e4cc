/* What the parts of a stream share. */
#ifndef LY_SIGNALING_STREAM_STREAM_PRIV_H
#define LY_SIGNALING_STREAM_STREAM_PRIV_H

#include "signaling/sasl/sasl.h"
#include "signaling/stream/stream.h"

#define LY_NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define LY_NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define LY_NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define LY_NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define LY_NS_FRAMING "urn:ietf:params:xml:ns:xmpp-framing"
#define LY_NS_SM "urn:xmpp:sm:3"
#define LY_NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

enum ly_stream_state {
	LY_STREAM_S_OPENING,
	LY_STREAM_S_TLS,
	LY_STREAM_S_FEATURES,
	LY_STREAM_S_AUTH,        /* the client's turn in a SASL exchange */
	LY_STREAM_S_CREDENTIALS, /* the store's turn */
	LY_STREAM_S_BINDING,
	LY_STREAM_S_BOUND,
	LY_STREAM_S_CLOSED,
	LY_STREAM_N_STATE
};

/* An event waiting to be polled; what it points to is owned. */
struct ly_stream_node {
	struct ly_stream_node *next;
	struct ly_stream_event ev;
	struct ly_buf data; /* OUT, ANSWERED */
};

/* Needed until the resource is bound, then freed: an idle stream is to be small. */
struct ly_stream_login {
	struct ly_sasl *sasl; /* owned; the running exchange or NULL */
	uint8_t exporter[64], endpoint[64];
	size_t exporter_len, endpoint_len;
	unsigned failures; /* with credentials looked at: wrong passwords, unknown users */
	unsigned attempts; /* all failed ones */
	bool has_asked;    /* the running exchange got to the credentials */
	char *resource;    /* owned; wanted by the client, or NULL */
	char *bind_id;     /* owned; id of the bind request */
};

struct ly_stream {
	const struct ly_stream_conf *conf; /* borrowed */
	struct ly_xml_pool *pool;          /* borrowed */
	struct ly_xml_parser *parser;      /* owned; NULL while idle */
	const char *header; /* owned unless ly_xml_header_usual; NULL before the first header */
	struct ly_stream_node *first, *last; /* owned; events to be polled */
	struct ly_stream_node *current;      /* owned; the one polled last */
	struct ly_buf
		*pending; /* owned; input that came while an answer was awaited, or NULL;
			   * WebSocket: each message behind its length (4 bytes, host order) */
	struct ly_stream_login *login; /* owned; NULL once bound */
	char *jid;                     /* owned; bare after login, full after bind */
	const char *domain;            /* borrowed from conf->hosts; NULL before the header */
	const char *reason;            /* static words */
	ly_usec last_in;
	enum ly_stream_error error : 8;
	enum ly_stream_state state : 8;
	enum ly_stream_kind kind : 8;
	bool has_tls : 1;
	bool is_authenticated : 1;
	bool is_header_sent : 1;
	bool is_close_told : 1;
};

/* stream.c */
void ly_stream_set_state(struct ly_stream *s, enum ly_stream_state to);
/** Back to OPENING with a fresh parser for the bytes not yet looked at (RFC 6120 s. 4.3.3). */
void ly_stream_restart(struct ly_stream *s);
/** Ends the stream without a word: out of memory, or nobody listens. */
void ly_stream_die(struct ly_stream *s, enum ly_stream_error error, const char *reason);
/** Ends the stream with an error and its text, both sent; reason static. */
void ly_stream_fail(struct ly_stream *s, enum ly_stream_error error, const char *reason);

/** What the client may send now: more after login. */
const struct ly_xml_limits *ly_stream_limits(const struct ly_stream *s);

/* out.c */
/** Appends an event; NULL (and the stream dead) without memory. */
struct ly_stream_node *ly_stream_push(struct ly_stream *s, int kind);
void ly_stream_node_free(struct ly_stream_node *n);
/** Sends what @p b holds, emptying it; the stream dies of its error. */
void ly_stream_push_buf(struct ly_stream *s, struct ly_buf *b);
void ly_stream_push_str(struct ly_stream *s, const char *text);
void ly_stream_push_xml(struct ly_stream *s, const struct ly_xml *el);
/** Answers a stanza: OUT, or ANSWERED on a bound stream. NULL: without a word. */
void ly_stream_push_answer(struct ly_stream *s, const struct ly_xml *el);
void ly_stream_push_header(struct ly_stream *s);
void ly_stream_push_error(struct ly_stream *s, enum ly_stream_error error, const char *text);
void ly_stream_push_end(struct ly_stream *s);

/* features.c */
/** Takes the client's stream header (or WebSocket <open/>) and answers with ours and the features.
 */
void ly_stream_on_header(struct ly_stream *s, const struct ly_xml *header);

/* auth.c */
/** Takes an element before login is complete: STARTTLS, SASL. */
void ly_stream_on_auth(struct ly_stream *s, const struct ly_xml *el);
/** What a mechanism may use on this stream. */
struct ly_sasl_conf ly_stream_sasl_conf(const struct ly_stream *s);
bool ly_stream_offers_starttls(const struct ly_stream *s);
/** True if the client may log in on this stream as it is. */
bool ly_stream_may_login(const struct ly_stream *s);
void ly_stream_login_free(struct ly_stream_login *l);

/* stanzas.c */
/** Takes an element after login: bind, then stanzas. True when *ev was filled. Owns the document.
 */
bool ly_stream_on_element(struct ly_stream *s, struct ly_xml_doc *doc, struct ly_stream_event *ev);

#endif
