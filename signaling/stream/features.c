/* Stream headers and features (RFC 6120 s. 4.7, 4.3; RFC 7395 s. 3.4). */
#include <errno.h>
#include <stdlib.h>

#include "signaling/stream/stream_priv.h"

static void add_mechanisms(const struct ly_stream *s, struct ly_buf *b)
{
	struct ly_sasl_conf conf = ly_stream_sasl_conf(s);

	ly_buf_adds(b, "<mechanisms xmlns='" LY_NS_SASL "'>");
	for (const struct ly_sasl_mech *const *m = ly_sasl_mechs; *m != NULL; m++)
		if (ly_sasl_mech_is_on(*m, &conf))
			ly_buf_printf(b, "<mechanism>%s</mechanism>", (*m)->name);
	ly_buf_adds(b, "</mechanisms>");
	if (conf.exporter.len == 0 && conf.endpoint.len == 0)
		return;
	/* XEP-0440 */
	ly_buf_adds(b, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>");
	if (conf.exporter.len)
		ly_buf_adds(b, "<channel-binding type='tls-exporter'/>");
	if (conf.endpoint.len)
		ly_buf_adds(b, "<channel-binding type='tls-server-end-point'/>");
	ly_buf_adds(b, "</sasl-channel-binding>");
}

static void push_features(struct ly_stream *s)
{
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONN, 0);
	ly_buf_adds(&b, "<stream:features");
	if (s->kind == LY_STREAM_WEBSOCKET)
		ly_buf_adds(&b, " xmlns:stream='" LY_NS_STREAMS "'");
	ly_buf_adds(&b, ">");
	if (s->is_authenticated) {
		/* RFC 6120 s. 7.4; the session request of RFC 3921 is answered, but not needed */
		ly_buf_adds(&b, "<bind xmlns='" LY_NS_BIND "'/><session xmlns='" LY_NS_SESSION
				"'><optional/></session>");
		if (s->conf->features != NULL)
			ly_buf_adds(&b, s->conf->features);
	} else {
		if (ly_stream_offers_starttls(s))
			ly_buf_printf(&b, "<starttls xmlns='" LY_NS_TLS "'>%s</starttls>",
				      s->conf->require_tls ? "<required/>" : "");
		if (ly_stream_may_login(s))
			add_mechanisms(s, &b);
	}
	/* XEP-0478; what a client may send after login is told once it has logged in */
	ly_buf_printf(&b,
		      "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>%u</max-bytes></limits>",
		      ly_stream_limits(s)->bytes);
	ly_buf_adds(&b, "</stream:features>");
	ly_stream_push_buf(s, &b);
}

/* The served host of that name; the only one if the client names none. */
static const char *find_host(const struct ly_stream *s, const char *to)
{
	const char *const *h = s->conf->hosts;
	char norm[LY_JID_PART_MAX + 1];

	if (to == NULL)
		return h[0] != NULL && h[1] == NULL ? h[0] : NULL;
	if (ly_jid_prep_domain(norm, sizeof(norm), to))
		return NULL;
	while (*h != NULL && strcmp(*h, norm) != 0)
		h++;
	return *h;
}

static bool version_ok(const char *version)
{
	return version != NULL && atoi(version) >= 1;
}

void ly_stream_on_header(struct ly_stream *s, const struct ly_xml *header)
{
	bool is_ws = s->kind == LY_STREAM_WEBSOCKET;
	const char *host = find_host(s, ly_xml_attr(header, "to"));

	if (strcmp(header->ns, is_ws ? LY_NS_FRAMING : LY_NS_STREAMS) != 0) {
		ly_stream_fail(s, LY_STREAM_INVALID_NAMESPACE, "stream header's namespace");
		return;
	}
	if (strcmp(header->name, is_ws ? "open" : "stream") != 0) {
		ly_stream_fail(s, LY_STREAM_BAD_FORMAT, "not a stream header");
		return;
	}
	if (host == NULL || (s->is_authenticated && strcmp(host, s->domain) != 0)) {
		ly_stream_fail(s, LY_STREAM_HOST_UNKNOWN, "host not served here");
		return;
	}
	s->domain = host;
	if (!version_ok(ly_xml_attr(header, "version"))) {
		ly_stream_fail(s, LY_STREAM_UNSUPPORTED_VERSION, "version 1.0 needed");
		return;
	}
	ly_stream_set_state(s, LY_STREAM_S_FEATURES);
	ly_stream_push_header(s);
	push_features(s);
}
