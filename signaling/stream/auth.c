/* STARTTLS (RFC 6120 s. 5) and SASL (s. 6). */
#include <errno.h>

#include "base/text.h"
#include "signaling/stream/stream_priv.h"

/* Failed logins of any kind on one stream. */
#define ATTEMPTS_MAX 10

void ly_stream_login_free(struct ly_stream_login *l)
{
	if (l == NULL)
		return;
	ly_sasl_free(l->sasl);
	ly_free(l->resource, LY_MEM_CONN);
	ly_free(l->bind_id, LY_MEM_CONN);
	ly_wipe(l, sizeof(*l));
	ly_free(l, LY_MEM_CONN);
}

struct ly_sasl_conf ly_stream_sasl_conf(const struct ly_stream *s)
{
	const struct ly_stream_login *l = s->login;

	return (struct ly_sasl_conf) {
		.domain = s->domain,
		.rand = s->conf->rand,
		.secret = s->conf->secret,
		.secure = s->has_tls || s->conf->plain_without_tls,
		.exporter = ly_span(l->exporter, l->exporter_len),
		.endpoint = ly_span(l->endpoint, l->endpoint_len),
	};
}

bool ly_stream_offers_starttls(const struct ly_stream *s)
{
	return s->kind == LY_STREAM_TCP && s->conf->starttls && !s->has_tls;
}

bool ly_stream_may_login(const struct ly_stream *s)
{
	return s->has_tls || !s->conf->require_tls;
}

/* An attempt that never got to the credentials guesses nothing. A client may need several of these:
 * one that binds channels in a way we lack tries its mechanisms one after the other (slixmpp 1.8
 * takes tls-unique on TLS 1.3, where it is not defined, before it falls back). */
static void count_failure(struct ly_stream *s, bool is_guess)
{
	unsigned max = s->conf->max_failures ? s->conf->max_failures : 3;

	s->login->failures += is_guess;
	if (++s->login->attempts >= ATTEMPTS_MAX || s->login->failures >= max)
		ly_stream_fail(s, LY_STREAM_POLICY_VIOLATION, "too many failed logins");
}

static void send_failure(struct ly_stream *s, enum ly_sasl_cond cond)
{
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONN, 0);
	ly_buf_printf(&b, "<failure xmlns='" LY_NS_SASL "'><%s/></failure>",
		      ly_sasl_cond_name(cond));
	ly_stream_push_buf(s, &b);
}

/* Tells the client and the server; the exchange, which owns the user's name, lives until then. */
static void fail_login(struct ly_stream *s, enum ly_sasl_cond cond, const char *user)
{
	bool is_guess = s->login->has_asked && cond == LY_SASL_NOT_AUTHORIZED;
	struct ly_stream_node *n;

	send_failure(s, cond);
	if (s->state == LY_STREAM_S_CLOSED)
		return;
	ly_stream_set_state(s, LY_STREAM_S_FEATURES);
	if (is_guess) {
		n = ly_stream_push(s, LY_STREAM_AUTH_FAILED);
		if (n != NULL && user != NULL) {
			ly_buf_add(&n->data, user, strlen(user) + 1);
			n->ev.user = n->data.err ? NULL : (const char *)n->data.ptr;
		}
		if (n != NULL)
			n->ev.domain = s->domain;
	}
	ly_sasl_free(s->login->sasl);
	s->login->sasl = NULL;
	if (s->state != LY_STREAM_S_CLOSED)
		count_failure(s, is_guess);
	s->login->has_asked = false;
}

static void push_user(struct ly_stream *s, int kind, const char *user)
{
	struct ly_stream_node *n = ly_stream_push(s, kind);

	if (n == NULL)
		return;
	ly_buf_add(&n->data, user, strlen(user) + 1);
	if (n->data.err) {
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
		return;
	}
	n->ev.user = (const char *)n->data.ptr;
	n->ev.domain = s->domain;
}

/* <challenge/> or <success/> with its data; no data in a <success/> is left out, as RFC 6120
 * s. 6.4.6 would want "=" only for empty data that matters. */
static void push_data(struct ly_stream *s, const char *name, const char *data)
{
	size_t len = LY_BASE64_LEN(strlen(data));
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONN, 0);
	ly_buf_printf(&b, "<%s xmlns='" LY_NS_SASL "'>", name);
	if (len && ly_buf_reserve(&b, len + 1) == 0) {
		ly_base64_encode((char *)b.ptr + b.len, len + 1, ly_span_str(data));
		b.len += len;
	}
	ly_buf_printf(&b, "</%s>", name);
	ly_stream_push_buf(s, &b);
}

static void succeed(struct ly_stream *s, const struct ly_sasl_out *out)
{
	struct ly_buf jid;

	ly_buf_init(&jid, LY_MEM_CONN, 0);
	ly_buf_printf(&jid, "%s@%s", out->user, s->domain);
	s->jid = jid.err ? NULL : ly_strdup(ly_buf_str(&jid), LY_MEM_CONN);
	ly_buf_fini(&jid);
	if (s->jid == NULL) {
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
		return;
	}
	push_data(s, "success", out->data);
	push_user(s, LY_STREAM_AUTHENTICATED, out->user);
	if (s->state == LY_STREAM_S_CLOSED)
		return;
	s->is_authenticated = true;
	ly_sasl_free(s->login->sasl);
	s->login->sasl = NULL;
	ly_stream_restart(s);
}

static void on_sasl_out(struct ly_stream *s, const struct ly_sasl_out *out)
{
	switch (out->kind) {
	case LY_SASL_CHALLENGE:
		ly_stream_set_state(s, LY_STREAM_S_AUTH);
		push_data(s, "challenge", out->data);
		break;
	case LY_SASL_NEED_CREDENTIALS:
		ly_stream_set_state(s, LY_STREAM_S_CREDENTIALS);
		s->login->has_asked = true;
		push_user(s, LY_STREAM_AUTH_NEEDED, out->user);
		break;
	case LY_SASL_SUCCESS:
		succeed(s, out);
		break;
	case LY_SASL_FAILURE:
		fail_login(s, out->cond, out->user);
		break;
	}
}

/* Decodes the text of <auth/> or <response/> and takes the step; "=" stands for empty data. */
static void step(struct ly_stream *s, const char *text)
{
	size_t len = strcmp(text, "=") == 0 ? 0 : strlen(text);
	struct ly_sasl_out out;
	uint8_t *raw;
	int n;

	raw = ly_alloc(len + 1, LY_MEM_CONN);
	if (raw == NULL) {
		fail_login(s, LY_SASL_TEMPORARY_AUTH_FAILURE, NULL);
		return;
	}
	n = ly_base64_decode(raw, len + 1, text, len);
	if (n < 0) {
		fail_login(s, LY_SASL_INCORRECT_ENCODING, NULL);
	} else {
		ly_sasl_step(s->login->sasl, ly_span(raw, (size_t)n), &out);
		on_sasl_out(s, &out);
	}
	ly_wipe(raw, len); /* PLAIN's password */
	ly_free(raw, LY_MEM_CONN);
}

static void on_auth(struct ly_stream *s, const struct ly_xml *el)
{
	const char *mech = ly_xml_attr(el, "mechanism");
	struct ly_sasl_conf conf = ly_stream_sasl_conf(s);
	const char *text = ly_xml_text(el);
	int err;

	if (!ly_stream_may_login(s)) {
		fail_login(s, LY_SASL_ENCRYPTION_REQUIRED, NULL);
		return;
	}
	if (s->login->sasl != NULL && ++s->login->attempts >= ATTEMPTS_MAX) {
		ly_stream_fail(s, LY_STREAM_POLICY_VIOLATION, "too many login attempts");
		return;
	}
	ly_sasl_free(s->login->sasl);
	s->login->sasl = NULL;
	s->login->has_asked = false;
	err = mech ? ly_sasl_create(&s->login->sasl, &conf, mech) : -ENOENT;
	if (err == -ENOENT) {
		fail_login(s, LY_SASL_INVALID_MECHANISM, NULL);
	} else if (err) {
		fail_login(s, LY_SASL_TEMPORARY_AUTH_FAILURE, NULL);
	} else if (*text == '\0') {
		/* all our mechanisms have the client speak first (RFC 6120 s. 6.4.2) */
		ly_stream_set_state(s, LY_STREAM_S_AUTH);
		push_data(s, "challenge", "");
	} else {
		step(s, text);
	}
}

static void on_starttls(struct ly_stream *s)
{
	struct ly_span rest = ly_xml_rest(s->parser);

	if (!ly_stream_offers_starttls(s)) {
		/* RFC 6120 s. 5.4.2.2: failure, then the stream ends */
		ly_stream_push_str(s, "<failure xmlns='" LY_NS_TLS "'/>");
		ly_stream_fail(s, LY_STREAM_OK, "STARTTLS not offered");
		return;
	}
	for (size_t i = 0; i < rest.len; i++) {
		if (strchr(" \t\r\n", rest.ptr[i]) != NULL && rest.ptr[i])
			continue;
		/* whoever stands between could smuggle clear text into the secured stream */
		ly_stream_fail(s, LY_STREAM_POLICY_VIOLATION, "data behind starttls");
		return;
	}
	ly_stream_push_str(s, "<proceed xmlns='" LY_NS_TLS "'/>");
	ly_xml_return(s->parser);
	s->parser = NULL;
	if (s->state == LY_STREAM_S_CLOSED)
		return;
	ly_stream_set_state(s, LY_STREAM_S_TLS);
	ly_stream_push(s, LY_STREAM_STARTTLS);
}

void ly_stream_on_auth(struct ly_stream *s, const struct ly_xml *el)
{
	bool in_exchange = s->state == LY_STREAM_S_AUTH && s->login->sasl != NULL;

	if (ly_xml_is(el, LY_NS_TLS, "starttls"))
		on_starttls(s);
	else if (ly_xml_is(el, LY_NS_SASL, "auth"))
		on_auth(s, el);
	else if (ly_xml_is(el, LY_NS_SASL, "response") && in_exchange)
		step(s, ly_xml_text(el));
	else if (ly_xml_is(el, LY_NS_SASL, "abort"))
		fail_login(s, LY_SASL_ABORTED, NULL);
	else
		ly_stream_fail(s, LY_STREAM_NOT_AUTHORIZED, "stanza before login");
}

void ly_stream_credentials(struct ly_stream *s, ly_usec now, const struct ly_credentials *cred)
{
	struct ly_sasl_out out;

	(void)now;
	if (s->state != LY_STREAM_S_CREDENTIALS)
		return;
	ly_sasl_credentials(s->login->sasl, cred, &out);
	on_sasl_out(s, &out);
}

void ly_stream_credentials_failed(struct ly_stream *s, ly_usec now)
{
	(void)now;
	if (s->state == LY_STREAM_S_CREDENTIALS)
		fail_login(s, LY_SASL_TEMPORARY_AUTH_FAILURE, NULL);
}

int ly_stream_tls_done(struct ly_stream *s, ly_usec now, const struct ly_stream_tls *tls)
{
	struct ly_stream_login *l = s->login;

	(void)now;
	if (l == NULL || (s->state != LY_STREAM_S_TLS && s->state != LY_STREAM_S_OPENING))
		return -EPROTO;
	s->has_tls = true;
	/* browsers cannot bind channels, and a proxy may end their TLS */
	if (tls != NULL && s->kind == LY_STREAM_TCP) {
		l->exporter_len = LY_MIN(tls->exporter.len, sizeof(l->exporter));
		l->endpoint_len = LY_MIN(tls->endpoint.len, sizeof(l->endpoint));
		if (l->exporter_len)
			memcpy(l->exporter, tls->exporter.ptr, l->exporter_len);
		if (l->endpoint_len)
			memcpy(l->endpoint, tls->endpoint.ptr, l->endpoint_len);
	}
	if (s->state == LY_STREAM_S_TLS)
		ly_stream_restart(s);
	return 0;
}
