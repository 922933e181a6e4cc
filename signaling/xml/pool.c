#include <assert.h>
#include <errno.h>

#include "signaling/xml/parser_priv.h"

struct ly_xml_pool {
	struct ly_xml_parser *idle; /* owned list */
	size_t n_idle, max_idle, n_borrowed;
};

const struct ly_xml_limits ly_xml_limits_default = {
	.bytes = 256 * 1024, .depth = 64, .attrs = 64, .children = 20000
};

struct ly_xml_pool *ly_xml_pool_create(size_t max_idle)
{
	struct ly_xml_pool *pool = ly_alloc(sizeof(*pool), LY_MEM_XML);

	if (pool != NULL)
		pool->max_idle = max_idle;
	return pool;
}

void ly_xml_pool_free(struct ly_xml_pool *pool)
{
	if (pool == NULL)
		return;
	assert(pool->n_borrowed == 0);
	while (pool->idle != NULL) {
		struct ly_xml_parser *p = pool->idle;

		pool->idle = p->next;
		ly_xml_parser_fini(p);
		ly_free(p, LY_MEM_XML);
	}
	ly_free(pool, LY_MEM_XML);
}

size_t ly_xml_pool_borrowed(const struct ly_xml_pool *pool)
{
	return pool->n_borrowed;
}

static struct ly_xml_parser *take(struct ly_xml_pool *pool)
{
	struct ly_xml_parser *p = pool->idle;

	if (p != NULL) {
		pool->idle = p->next;
		pool->n_idle--;
		return p;
	}
	p = ly_alloc(sizeof(*p), LY_MEM_XML);
	if (p == NULL)
		return NULL;
	if (ly_xml_parser_init(p)) {
		ly_free(p, LY_MEM_XML);
		return NULL;
	}
	return p;
}

static int prime(struct ly_xml_parser *p, const char *header)
{
	struct ly_xml_event ev;
	int err;

	p->is_priming = true;
	err = ly_xml_feed(p, ly_span_str(header));
	if (err)
		return err;
	ly_xml_next(p, &ev);
	p->is_priming = false;
	if (ev.kind == LY_XML_ERROR && ev.error == LY_XML_NOMEM)
		return -ENOMEM;
	return ev.kind == LY_XML_MORE && p->depth == 1 ? 0 : -EINVAL;
}

int ly_xml_borrow(struct ly_xml_parser **out, struct ly_xml_pool *pool, enum ly_xml_mode mode,
		  const struct ly_xml_limits *limits, const char *header)
{
	struct ly_xml_parser *p = take(pool);
	int err = 0;

	if (p == NULL)
		return -ENOMEM;
	p->pool = pool;
	pool->n_borrowed++;
	p->mode = mode;
	p->limits = *limits;
	ly_xml_parser_reset(p);
	if (header != NULL)
		err = prime(p, header);
	if (err) {
		ly_xml_return(p);
		return err;
	}
	*out = p;
	return 0;
}

void ly_xml_return(struct ly_xml_parser *p)
{
	struct ly_xml_pool *pool;

	if (p == NULL)
		return;
	pool = p->pool;
	pool->n_borrowed--;
	ly_xml_doc_free(p->doc);
	p->doc = NULL;
	ly_free(p->header, LY_MEM_XML);
	p->header = NULL;
	if (p->is_grown || pool->n_idle >= pool->max_idle) {
		ly_xml_parser_fini(p);
		ly_free(p, LY_MEM_XML);
		return;
	}
	p->next = pool->idle;
	pool->idle = p;
	pool->n_idle++;
}

int ly_xml_parse(struct ly_xml_doc **out, struct ly_span bytes, const struct ly_xml_limits *limits)
{
	struct ly_xml_pool pool = { .max_idle = 0 };
	struct ly_xml_doc *doc = NULL;
	struct ly_xml_parser *p;
	struct ly_xml_event ev;
	int err;

	err = ly_xml_borrow(&p, &pool, LY_XML_MESSAGE, limits ? limits : &ly_xml_limits_default,
			    NULL);
	if (err)
		return err;
	err = ly_xml_feed(p, bytes);
	while (!err) {
		ly_xml_next(p, &ev);
		if (ev.kind == LY_XML_ELEMENT)
			doc = ev.doc;
		else if (ev.kind == LY_XML_ERROR)
			err = ev.error == LY_XML_NOMEM   ? -ENOMEM
			      : ev.error == LY_XML_LIMIT ? -E2BIG
							 : -EBADMSG;
		else
			break;
	}
	ly_xml_return(p);
	if (!err && doc == NULL)
		err = -EBADMSG;
	if (err) {
		ly_xml_doc_free(doc);
		return err;
	}
	*out = doc;
	return 0;
}
