/* What the parser and its pool share. */
#ifndef LY_SIGNALING_XML_PARSER_PRIV_H
#define LY_SIGNALING_XML_PARSER_PRIV_H

#include <expat.h>

#include "signaling/xml/parser.h"

/* Between namespace, local name and prefix in expat's names; expat refuses namespaces that have
 * it. */
#define LY_XML_SEP '\n'

struct ly_xml_parser {
	struct ly_xml_pool *pool;   /* borrowed */
	struct ly_xml_parser *next; /* idle list */
	XML_Parser expat;           /* owned */
	enum ly_xml_mode mode;
	struct ly_xml_limits limits;

	struct ly_xml_doc *doc; /* owned: being built, or finished and not yet taken */
	struct ly_xml *at;      /* the open element in doc; NULL outside */
	struct ly_buf text;     /* owned: character data not yet made a node */
	unsigned depth;         /* open elements, the stream's own included */
	uint32_t nodes;         /* in doc */

	uint64_t fed;        /* bytes given to expat since the reset */
	uint64_t item_start; /* offset of the element (or header) being received */
	uint64_t seen;       /* offset behind the last complete token */

	bool is_priming;   /* our own copy of the client's header is being parsed */
	bool is_suspended; /* expat holds bytes */
	bool is_grown;     /* freed rather than kept when given back */
	bool is_used;      /* message mode: reset before the next message */
	bool has_open, has_element, has_close; /* events waiting */
	enum ly_xml_error error;
	const char *detail;

	struct ly_buf decls; /* owned: namespace declarations of the stream header */
	unsigned n_decls, n_usual_decls;
	char *header; /* owned: for ly_xml_parser_header(); NULL for the usual one */
};

/** Prepares a new or used parser for the start of a document. */
void ly_xml_parser_reset(struct ly_xml_parser *p);
/** Frees all but the struct. */
void ly_xml_parser_fini(struct ly_xml_parser *p);
/** Creates the expat object. @return 0, -ENOMEM */
int ly_xml_parser_init(struct ly_xml_parser *p);

#endif
