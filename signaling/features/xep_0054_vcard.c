/* XEP-0054 vcard-temp: each account keeps one vCard, everybody may read it. */
#include "signaling/feature.h"

#include "base/err.h"
#include "signaling/xml/parser.h"

static const char NS[] = "vcard-temp";

/* Most bytes of a stored vCard: a photo of 64 kB in base64 and the rest. */
#define VCARD_MAX (96u << 10)

static enum ly_verdict on_read(struct ly_feature_ctx *ctx, const struct ly_stanza *iq,
			       struct ly_store_req *req)
{
	struct ly_xml_doc *doc = NULL;
	struct ly_build b = ly_iq_result(iq);
	int err = req->err;

	if (!err)
		err = ly_xml_parse(&doc, ly_span_str(req->u.text.xml), &ly_xml_limits_default);
	if (!err)
		ly_build_copy(&b, doc->root);
	else if (err == -ENOENT && strcmp(iq->from.bare, ctx->user->jid) == 0)
		ly_build_element(&b, NS, "vCard", NULL); /* s. 3.1: none yet */
	else if (err == -ENOENT)
		return LY_PASS; /* as for an account that does not exist */
	else
		return ly_reply_errno(ctx, err);
	ly_xml_doc_free(doc);
	return ly_reply(ctx, &b);
}

static enum ly_verdict on_get(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	(void)iq;
	return ly_store_submit(ctx, ly_store_request(ctx, LY_STORE_VCARD_GET, ctx->user->jid),
			       on_read);
}

static enum ly_verdict on_written(struct ly_feature_ctx *ctx, const struct ly_stanza *iq,
				  struct ly_store_req *req)
{
	(void)iq;
	return req->err ? ly_reply_errno(ctx, req->err) : ly_reply_empty(ctx);
}

static enum ly_verdict on_set(struct ly_feature_ctx *ctx, const struct ly_stanza *iq)
{
	struct ly_store_req *req;
	struct ly_buf buf;

	ly_buf_init(&buf, LY_MEM_XML, VCARD_MAX);
	ly_xml_write(&buf, ly_iq_payload(iq), NULL);
	if (buf.err == -E2BIG) {
		ly_buf_fini(&buf);
		return ly_reply_error(ctx, LY_NOT_ACCEPTABLE, "the vCard is too large");
	}
	req = ly_store_request(ctx, LY_STORE_VCARD_PUT, ctx->user->jid);
	if (req && ly_buf_str(&buf))
		req->u.text.xml = ly_store_str(req, ly_buf_str(&buf));
	else if (req)
		req->err = -ENOMEM;
	ly_buf_fini(&buf);
	return ly_store_submit(ctx, req, on_written);
}

static const struct ly_iq_route routes[] = {
	{ LY_T_GET, LY_TO_ACCOUNT, NS, "vCard", on_get },
	{ LY_T_SET, LY_TO_OWN, NS, "vCard", on_set },
};

const struct ly_feature ly_xep_0054_vcard = {
	.name = "vcard",
	.xep = 54,
	.version = "1.2",
	.disco = (const char *const[]) { NS, NULL },
	.disco_account = (const char *const[]) { NS, NULL },
	.routes = routes,
	.n_routes = LY_COUNTOF(routes),
};
