/* XEP-0049 Private XML Storage: one element per namespace, for the account's own clients. */
#include "signaling/feature.h"

#include "base/err.h"
#include "signaling/xml/parser.h"

static const char NS[] = "jabber:iq:private";

/* Most bytes of one stored element. */
#define PRIVATE_MAX (64u << 10)

/* The one element that is asked for or stored; NULL if there is not exactly one with a namespace of
 * its own (s. 2.2: none is bad-format, the server's own are not-acceptable). */
static const struct ly_xml *element_of(const struct ly_stanza *iq)
{
	const struct ly_xml *el = ly_xml_child(ly_iq_payload(iq), NULL, NULL);

	if (el == NULL || ly_xml_next_child(el, NULL, NULL) || el->ns[0] == '\0' ||
	    strcmp(el->ns, NS) == 0 || strcmp(el->ns, LY_NS_CLIENT) == 0)
		return NULL;
	return el;
}

static struct ly_store_req *request(struct ly_feature_ctx *ctx, enum ly_store_op op,
				    const struct ly_xml *el)
{
	struct ly_store_req *req = ly_store_request(ctx, op, ctx->user->jid);
	struct ly_buf key;

	if (req == NULL)
		return NULL;
	ly_buf_init(&key, LY_MEM_XML, 0);
	ly_buf_printf(&key, "{%s}%s", el->ns, el->name);
	req->u.text.key = ly_buf_str(&key) ? ly_store_str(req, ly_buf_str(&key)) : NULL;
	ly_buf_fini(&key);
	if (req->u.text.key == NULL)
		req->err = -ENOMEM;
	return req;
}

static enum ly_verdict on_read(struct ly_feature_ctx *ctx, const struct ly_stanza *iq,
			       struct ly_store_req *req)
{
	struct ly_xml_doc *doc = NULL;
	struct ly_build b = ly_iq_result(iq);
	int err = req->err;

	if (!err)
		err = ly_xml_parse(&doc, ly_span_str(req->u.text.xml), &ly_xml_limits_default);
	if (err && err != -ENOENT)
		return ly_reply_errno(ctx, err);
	ly_build_open(&b, NS, "query");
	ly_build_copy(&b, doc ? doc->root : element_of(iq));
	ly_xml_doc_free(doc);
	return ly_reply(ctx, &b);
}

static enum ly_verdict on_get(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	const struct ly_xml *el = element_of(iq);

	if (el == NULL)
		return ly_reply_error(ctx, LY_NOT_ACCEPTABLE,
				      "one element with a namespace of its own");
	return ly_store_submit(ctx, request(ctx, LY_STORE_PRIVATE_GET, el), on_read);
}

static enum ly_verdict on_written(struct ly_feature_ctx *ctx, const struct ly_stanza *iq,
				  struct ly_store_req *req)
{
	(void)iq;
	return req->err ? ly_reply_errno(ctx, req->err) : ly_reply_empty(ctx);
}

static enum ly_verdict on_set(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	const struct ly_xml *el = element_of(iq);
	struct ly_store_req *req;
	struct ly_buf buf;

	if (el == NULL)
		return ly_reply_error(ctx, LY_NOT_ACCEPTABLE,
				      "one element with a namespace of its own");
	ly_buf_init(&buf, LY_MEM_XML, PRIVATE_MAX);
	ly_xml_write(&buf, el, NULL);
	if (buf.err == -E2BIG) {
		ly_buf_fini(&buf);
		return ly_reply_error(ctx, LY_NOT_ACCEPTABLE, "too large");
	}
	req = request(ctx, LY_STORE_PRIVATE_PUT, el);
	if (req && ly_buf_str(&buf))
		req->u.text.xml = ly_store_str(req, ly_buf_str(&buf));
	else if (req)
		req->err = -ENOMEM;
	ly_buf_fini(&buf);
	return ly_store_submit(ctx, req, on_written);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_GET, LY_TO_OWN, NS, "query", on_get },
	{ LY_T_SET, LY_TO_OWN, NS, "query", on_set },
};

const struct ly_feature ly_xep_0049_private = {
	.name = "private",
	.xep = 49,
	.version = "1.2",
	.disco = (const char *const[]) { NS, NULL },
	.disco_account = (const char *const[]) { NS, NULL },
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
};
