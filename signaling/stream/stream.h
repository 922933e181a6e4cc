/* The server's side of a client's XML stream (RFC 6120, RFC 7395): header, features, STARTTLS,
 * SASL, bind, then stanzas. Sans-IO: bytes and decisions go in, events come out by
 * ly_stream_poll().
 *
 *   OPENING --header--> FEATURES --starttls--> TLS --ly_stream_tls_done--> OPENING
 *   FEATURES --auth--> AUTH --credentials fit--> OPENING (authenticated) --header--> FEATURES
 *   FEATURES (authenticated) --bind, resume--> BINDING --ly_stream_bound, _resumed--> BOUND
 *   any --error, close, end--> CLOSED
 *
 * Contract: one call marked [in], then poll until false, then the next. While an answer is pending
 * (AUTH_NEEDED, AUTHENTICATED needs none, BIND, STARTTLS) input is kept, bounded by the stanza
 * limit.
 *
 * An idle stream holds no parser: it is given back to the pool once the stream has been quiet for
 * conf->linger, see ly_stream_deadline(). */
#ifndef LY_SIGNALING_STREAM_STREAM_H
#define LY_SIGNALING_STREAM_STREAM_H

#include "base/rand.h"
#include "base/time.h"
#include "signaling/sasl/scram.h"
#include "signaling/stanza.h"
#include "signaling/stream/error.h"
#include "signaling/xml/parser.h"

struct ly_stream; /* opaque; one owner, no locks */

enum ly_stream_kind {
	LY_STREAM_TCP,       /* RFC 6120; with direct TLS call ly_stream_tls_done() first */
	LY_STREAM_WEBSOCKET, /* RFC 7395: one recv is one message, one OUT is one message */
};

/** Shared by all streams of a loop; borrowed until the last one is freed. */
struct ly_stream_conf {
	const char *const *hosts;          /* served domains, normalised, NULL-ended */
	struct ly_rand *rand;              /* stream ids, nonces */
	struct ly_span secret;             /* >= 16 bytes, stable: fake salts (sasl.h) */
	bool starttls;                     /* offer STARTTLS on TCP */
	bool require_tls;                  /* no login before TLS */
	bool plain_without_tls;            /* PLAIN on connections without TLS (tests, loopback) */
	struct ly_xml_limits before_login; /* all zero: 16 kB, depth 16, 32 attributes, 500 nodes */
	struct ly_xml_limits after_login;  /* all zero: ly_xml_limits_default */
	ly_usec linger;                    /* a quiet stream keeps its parser so long; 0: 5 s */
	unsigned max_failures;             /* wrong passwords before the stream is closed; 0: 3 */
	const char *features;              /* XML appended to those after login; NULL: none */
	const char *const *nonzas;         /* namespaces of other top-level elements handed out as
					    * NONZA events (XEP-0198); NULL-ended, NULL: none */
};

/** What TLS says about the connection; all may be empty. Copied. */
struct ly_stream_tls {
	struct ly_span exporter; /* tls-exporter channel binding (RFC 9266), TLS 1.3 */
	struct ly_span endpoint; /* tls-server-end-point (RFC 5929) */
};

struct ly_stream_event {
	enum {
		LY_STREAM_OUT,           /* data: write it (WebSocket: as one text message) */
		LY_STREAM_STARTTLS,      /* start the handshake once all OUT is written; then
					  * ly_stream_tls_done() */
		LY_STREAM_AUTH_NEEDED,   /* user, domain: ly_stream_credentials() */
		LY_STREAM_AUTH_FAILED,   /* user: wrong password or nobody; count it */
		LY_STREAM_AUTHENTICATED, /* user, domain */
		LY_STREAM_BIND,          /* resource wanted (NULL: choose); ly_stream_bound() */
		LY_STREAM_STANZA,        /* stanza, from stamped; the taker owns it */
		LY_STREAM_ANSWERED, /* a stanza of the client was answered here: data is the reply
				     * to be written, empty if there is none */
		LY_STREAM_NONZA,    /* nonza; the taker owns it. Not bound and `<resume/>`: input
				     * is kept until ly_stream_resumed() or _resume_failed() */
		LY_STREAM_CLOSED,   /* last event: flush what was OUT, then close */
	} kind;
	struct ly_span data;       /* OUT, ANSWERED; borrowed until the next call */
	const char *user, *domain; /* borrowed until the next call */
	const char *resource;      /* BIND; borrowed until ly_stream_bound() */
	struct ly_stanza *stanza;
	struct ly_xml_doc *nonza;
	enum ly_stream_error error; /* CLOSED: what was sent; LY_STREAM_OK: none */
	const char *reason;         /* CLOSED: words for the log */
};

/** Creates a stream that waits for its header. conf and pool are borrowed. @return 0, -ENOMEM */
int ly_stream_create(struct ly_stream **out, const struct ly_stream_conf *conf,
		     enum ly_stream_kind kind, struct ly_xml_pool *pool);
/** Wipes and frees; events not polled are dropped. NULL is fine. */
void ly_stream_free(struct ly_stream *s);
/** Replaces the pool and the conf after a move to another thread: call ly_stream_park() on the
 *  old one first. */
void ly_stream_adopt(struct ly_stream *s, const struct ly_stream_conf *conf,
		     struct ly_xml_pool *pool);
/** Gives the parser back so that the stream can change threads; unparsed bytes are kept in the
 *  stream. @return 0, -EAGAIN (in the middle of an element: try again after the next input) */
int ly_stream_park(struct ly_stream *s);

/** [in] Takes bytes (WebSocket: one message). */
void ly_stream_recv(struct ly_stream *s, ly_usec now, struct ly_span bytes);
/** [in] The connection ended without a closing tag. */
void ly_stream_eof(struct ly_stream *s, ly_usec now);
/** [in] TLS is up: after STARTTLS, or before the first byte with direct TLS and wss. @return 0,
 * -ENOMEM */
int ly_stream_tls_done(struct ly_stream *s, ly_usec now, const struct ly_stream_tls *tls);
/** [in] Answers AUTH_NEEDED; NULL: no such user. */
void ly_stream_credentials(struct ly_stream *s, ly_usec now, const struct ly_credentials *cred);
/** [in] Answers AUTH_NEEDED when the store failed or the user is over its rate: a
 *  temporary-auth-failure that does not count as a wrong password. */
void ly_stream_credentials_failed(struct ly_stream *s, ly_usec now);
/** [in] Answers BIND with the resource the session got. @return 0, -EPROTO, -EBADMSG, -ENOMEM */
int ly_stream_bound(struct ly_stream *s, ly_usec now, const char *resource);
/** [in] Answers BIND with an error (conflict, resource-constraint, not-allowed). */
void ly_stream_bind_failed(struct ly_stream *s, ly_usec now, enum ly_cond cond);
/** [in] Answers `<resume/>` (XEP-0198): the stream is bound to the resource of that session. What
 * the client is told (`<resumed/>`) is written by the session. @return as ly_stream_bound */
int ly_stream_resumed(struct ly_stream *s, ly_usec now, const char *resource);
/** [in] Refuses a nonza of XEP-0198 of a stream that is not bound: `<failed/>`. */
void ly_stream_resume_failed(struct ly_stream *s, ly_usec now, enum ly_cond cond);
/** [in] Sends an element. (Blobs may be written to the connection directly, once poll gave
 * false.) */
void ly_stream_send(struct ly_stream *s, ly_usec now, const struct ly_xml *el);
/** [in] Ends the stream: sends the error unless LY_STREAM_OK, the closing tag, then CLOSED. */
void ly_stream_close(struct ly_stream *s, ly_usec now, enum ly_stream_error error,
		     const char *text);
/** [in] Lets time pass: parks a quiet stream. */
void ly_stream_tick(struct ly_stream *s, ly_usec now);
ly_usec ly_stream_deadline(const struct ly_stream *s);
/** Hands out the next event; false when drained. */
bool ly_stream_poll(struct ly_stream *s, struct ly_stream_event *ev);

bool ly_stream_is_authenticated(const struct ly_stream *s);
bool ly_stream_is_bound(const struct ly_stream *s);
bool ly_stream_is_closed(const struct ly_stream *s);
/** True while a parser is borrowed (for statistics and tests). */
bool ly_stream_has_parser(const struct ly_stream *s);
/** The full JID after bind, the bare one after login; NULL before. */
const char *ly_stream_jid(const struct ly_stream *s);

#endif
