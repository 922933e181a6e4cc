/* Incremental XML parsing of XMPP streams on expat, by pulling: feed bytes, then take events until
 * LY_XML_MORE. Parsing stops after each top-level element, so that the taker can restart the
 * stream or change limits before the bytes that follow are looked at.
 *
 * Parsers are borrowed from a pool (one per thread) and given back while a connection is idle; a
 * borrowed one is primed with the stream header of its client, which declares its namespace
 * prefixes. */
#ifndef LY_SIGNALING_XML_PARSER_H
#define LY_SIGNALING_XML_PARSER_H

#include "signaling/xml/xml.h"

struct ly_xml_pool;   /* owns idle parsers; not thread-safe */
struct ly_xml_parser; /* opaque; one owner */

/** What a peer may send. */
struct ly_xml_limits {
	uint32_t bytes;    /* of one top-level element, or of the stream header */
	uint16_t depth;    /* elements inside each other, the top-level one included */
	uint16_t attrs;    /* of one element, namespace declarations included */
	uint32_t children; /* nodes in one top-level element */
};

/** 256 kB, depth 64, 64 attributes, 20000 nodes. */
extern const struct ly_xml_limits ly_xml_limits_default;

enum ly_xml_mode {
	LY_XML_STREAM,  /* RFC 6120: one long document */
	LY_XML_MESSAGE, /* RFC 7395: each message is a document; no OPEN and CLOSE events */
};

enum ly_xml_error {
	LY_XML_OK,
	LY_XML_BAD,        /* not well-formed */
	LY_XML_RESTRICTED, /* comment, DTD, processing instruction, entity (RFC 6120 s. 11.1) */
	LY_XML_LIMIT,      /* a limit of struct ly_xml_limits */
	LY_XML_ENCODING,   /* not UTF-8 */
	LY_XML_NOMEM,
};

struct ly_xml_event {
	enum {
		LY_XML_MORE,    /* all bytes are used up */
		LY_XML_OPEN,    /* stream header */
		LY_XML_ELEMENT, /* complete top-level element */
		LY_XML_CLOSE,   /* end of the stream's document */
		LY_XML_ERROR,   /* the parser is of no further use until the next borrow */
	} kind;
	struct ly_xml_doc *doc;  /* OPEN (without children), ELEMENT: the taker owns it */
	enum ly_xml_error error; /* ERROR */
	const char *detail;      /* ERROR: static words for the log and the stream error's text */
};

/** @p max_idle: most idle parsers kept. @return NULL: no memory */
struct ly_xml_pool *ly_xml_pool_create(size_t max_idle);
/** Frees the pool and its idle parsers; all borrowed ones must have been given back. */
void ly_xml_pool_free(struct ly_xml_pool *pool);
/** Parsers now borrowed. */
size_t ly_xml_pool_borrowed(const struct ly_xml_pool *pool);

/** Takes a parser at the start of a document. With @p header (what ly_xml_parser_header() gave)
 *  it stands behind that stream header instead. @p limits is copied. @return 0, -ENOMEM, -EINVAL
 * (bad header) */
int ly_xml_borrow(struct ly_xml_parser **out, struct ly_xml_pool *pool, enum ly_xml_mode mode,
		  const struct ly_xml_limits *limits, const char *header);
/** Gives a parser back (NULL is fine); an unfinished element is dropped, a grown parser freed. */
void ly_xml_return(struct ly_xml_parser *p);

/** Takes bytes, copied; allowed only when the last event was LY_XML_MORE or none has been taken.
 *  In message mode one call is one message. @return 0, -EPROTO */
int ly_xml_feed(struct ly_xml_parser *p, struct ly_span bytes);
/** Hands out the next event. */
void ly_xml_next(struct ly_xml_parser *p, struct ly_xml_event *ev);

/** True when no element is open below the stream header and no bytes are half parsed: the parser
 *  can be given back without loss. */
bool ly_xml_is_quiet(const struct ly_xml_parser *p);
/** Bytes not looked at yet (after an ELEMENT event); borrowed until the next call. */
struct ly_span ly_xml_rest(const struct ly_xml_parser *p);
/** After OPEN: a stream header with the client's own prefixes, to prime a later parser with.
 *  Static for the usual one, so compare pointers with ly_xml_header_usual; otherwise to be freed
 *  with ly_free(LY_MEM_XML). @return NULL: no memory */
const char *ly_xml_parser_header(const struct ly_xml_parser *p);
extern const char ly_xml_header_usual[];

/** Parses one complete document (a stored vCard, a test's stanza). @return 0, -EBADMSG, -E2BIG,
 * -ENOMEM */
int ly_xml_parse(struct ly_xml_doc **out, struct ly_span bytes, const struct ly_xml_limits *limits);

#endif
