/* Replies to stanzas (RFC 6120 s. 8.2.3, 8.3). */
#include <errno.h>

#include "signaling/stanza.h"

static const struct {
	const char *name;
	enum ly_error_type type; /* the one RFC 6120 s. 8.3.3 suggests */
} conds[LY_N_COND] = {
	[LY_BAD_REQUEST] = { "bad-request", LY_ERR_MODIFY },
	[LY_CONFLICT] = { "conflict", LY_ERR_CANCEL },
	[LY_FEATURE_NOT_IMPLEMENTED] = { "feature-not-implemented", LY_ERR_CANCEL },
	[LY_FORBIDDEN] = { "forbidden", LY_ERR_AUTH },
	[LY_GONE] = { "gone", LY_ERR_CANCEL },
	[LY_INTERNAL_SERVER_ERROR] = { "internal-server-error", LY_ERR_CANCEL },
	[LY_ITEM_NOT_FOUND] = { "item-not-found", LY_ERR_CANCEL },
	[LY_JID_MALFORMED] = { "jid-malformed", LY_ERR_MODIFY },
	[LY_NOT_ACCEPTABLE] = { "not-acceptable", LY_ERR_MODIFY },
	[LY_NOT_ALLOWED] = { "not-allowed", LY_ERR_CANCEL },
	[LY_NOT_AUTHORIZED] = { "not-authorized", LY_ERR_AUTH },
	[LY_POLICY_VIOLATION] = { "policy-violation", LY_ERR_MODIFY },
	[LY_RECIPIENT_UNAVAILABLE] = { "recipient-unavailable", LY_ERR_WAIT },
	[LY_REDIRECT] = { "redirect", LY_ERR_MODIFY },
	[LY_REGISTRATION_REQUIRED] = { "registration-required", LY_ERR_AUTH },
	[LY_REMOTE_SERVER_NOT_FOUND] = { "remote-server-not-found", LY_ERR_CANCEL },
	[LY_REMOTE_SERVER_TIMEOUT] = { "remote-server-timeout", LY_ERR_WAIT },
	[LY_RESOURCE_CONSTRAINT] = { "resource-constraint", LY_ERR_WAIT },
	[LY_SERVICE_UNAVAILABLE] = { "service-unavailable", LY_ERR_CANCEL },
	[LY_SUBSCRIPTION_REQUIRED] = { "subscription-required", LY_ERR_AUTH },
	[LY_UNDEFINED_CONDITION] = { "undefined-condition", LY_ERR_CANCEL },
	[LY_UNEXPECTED_REQUEST] = { "unexpected-request", LY_ERR_WAIT },
};

static const char *const error_types[] = {
	[LY_ERR_AUTH] = "auth",     [LY_ERR_CANCEL] = "cancel", [LY_ERR_CONTINUE] = "continue",
	[LY_ERR_MODIFY] = "modify", [LY_ERR_WAIT] = "wait",
};

const char *ly_cond_name(enum ly_cond cond)
{
	return (size_t)cond < LY_N_COND ? conds[cond].name : "undefined-condition";
}

static struct ly_build open_reply(const struct ly_stanza *orig, const char *type)
{
	struct ly_build b;

	ly_build_init(&b, &orig->doc->arena);
	ly_build_open(&b, LY_NS_CLIENT, orig->root->name);
	ly_build_attr(&b, "type", type);
	ly_build_attr(&b, "id", orig->id);
	ly_build_attr(&b, "from", orig->to.full);
	ly_build_attr(&b, "to", orig->from.full);
	return b;
}

struct ly_build ly_iq_result(const struct ly_stanza *iq)
{
	return open_reply(iq, "result");
}

/* Leaves <error> open. */
static void open_error(struct ly_build *b, enum ly_cond cond, enum ly_error_type type,
		       const char *text)
{
	if ((size_t)cond >= LY_N_COND)
		cond = LY_UNDEFINED_CONDITION;
	if (type == LY_ERR_DEFAULT || (size_t)type >= LY_COUNTOF(error_types))
		type = conds[cond].type;
	ly_build_open(b, LY_NS_CLIENT, "error");
	ly_build_attr(b, "type", error_types[type]);
	ly_build_element(b, LY_NS_STANZAS, conds[cond].name, NULL);
	if (text != NULL)
		ly_build_element(b, LY_NS_STANZAS, "text", text);
}

void ly_build_error(struct ly_build *b, enum ly_cond cond, enum ly_error_type type,
		    const char *text)
{
	open_error(b, cond, type, text);
	ly_build_close(b);
}

struct ly_build ly_stanza_error_open(const struct ly_stanza *orig, enum ly_cond cond,
				     enum ly_error_type type, const char *text)
{
	struct ly_build b;

	ly_build_init(&b, &orig->doc->arena);
	/* RFC 6120 s. 8.3.1: an error is not answered by an error, nor a result by anything */
	if (orig->type == LY_T_ERROR || orig->type == LY_T_RESULT) {
		b.err = -EPROTO;
		return b;
	}
	b = open_reply(orig, "error");
	open_error(&b, cond, type, text);
	return b;
}

struct ly_xml *ly_stanza_error(const struct ly_stanza *orig, enum ly_cond cond,
			       enum ly_error_type type, const char *text)
{
	struct ly_build b = ly_stanza_error_open(orig, cond, type, text);
	struct ly_xml *root;

	return ly_build_finish(&b, &root) ? NULL : root;
}
