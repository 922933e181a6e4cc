#include "server/focus/jingle.h"

#include <stdio.h>

#include "base/err.h"

struct payload {
	int id;
	const char *name;
	int clockrate, channels;
	const char *const *parameters; /* name, value, …, NULL */
	const char *const *feedback;   /* type, subtype or "", …, NULL */
};

static const char *const opus_parameters[] = { "minptime", "10", "useinbandfec", "1", NULL };
static const char *const rtx_parameters[] = { "apt", "100", NULL };
static const char *const audio_feedback[] = { "transport-cc", "", NULL };
static const char *const video_feedback[] = { "ccm",          "fir", "nack",      "", "nack", "pli",
					      "transport-cc", "",    "goog-remb", "", NULL };
static const char *const none[] = { NULL };

static const struct payload audio_payloads[] = {
	{ LY_SFU_PT_OPUS, "opus", 48000, 2, opus_parameters, audio_feedback },
};
static const struct payload video_payloads[] = {
	{ LY_SFU_PT_VP8, "VP8", 90000, 0, none, video_feedback },
	{ LY_SFU_PT_RTX, "rtx", 90000, 0, rtx_parameters, none },
};

static void write_payload(struct ly_build *b, const struct payload *p)
{
	ly_build_open(b, NULL, "payload-type");
	ly_build_attr_fmt(b, "id", "%d", p->id);
	ly_build_attr(b, "name", p->name);
	ly_build_attr_fmt(b, "clockrate", "%d", p->clockrate);
	if (p->channels)
		ly_build_attr_fmt(b, "channels", "%d", p->channels);
	for (const char *const *s = p->parameters; s[0] != NULL; s += 2) {
		ly_build_open(b, NULL, "parameter");
		ly_build_attr(b, "name", s[0]);
		ly_build_attr(b, "value", s[1]);
		ly_build_close(b);
	}
	for (const char *const *s = p->feedback; s[0] != NULL; s += 2) {
		ly_build_open(b, "urn:xmpp:jingle:apps:rtp:rtcp-fb:0", "rtcp-fb");
		ly_build_attr(b, "type", s[0]);
		ly_build_attr(b, "subtype", s[1][0] ? s[1] : NULL);
		ly_build_close(b);
	}
	ly_build_close(b);
}

static void write_extension(struct ly_build *b, int id, const char *uri)
{
	ly_build_open(b, "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0", "rtp-hdrext");
	ly_build_attr_fmt(b, "id", "%d", id);
	ly_build_attr(b, "uri", uri);
	ly_build_close(b);
}

static void write_codecs(struct ly_build *b, enum ly_sfu_kind kind)
{
	if (kind == LY_SFU_AUDIO) {
		write_payload(b, &audio_payloads[0]);
		write_extension(b, LY_SFU_EXT_AUDIO_LEVEL,
				"urn:ietf:params:rtp-hdrext:ssrc-audio-level");
	} else {
		for (size_t i = 0; i < LY_COUNTOF(video_payloads); i++)
			write_payload(b, &video_payloads[i]);
	}
	write_extension(b, LY_SFU_EXT_ABS_SEND_TIME,
			"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time");
	write_extension(
		b, LY_SFU_EXT_TRANSPORT_CC,
		"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01");
	write_extension(b, LY_SFU_EXT_MID, "urn:ietf:params:rtp-hdrext:sdes:mid");
	ly_build_element(b, "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0", "extmap-allow-mixed", NULL);
	ly_build_element(b, NULL, "rtcp-mux", NULL);
}

/* RFC 8445 s. 5.1.2.1: type preference 126 for host candidates, then the order given. */
static void write_candidate(struct ly_build *b, const struct ly_addr *a, size_t i, unsigned gen)
{
	char ip[LY_ADDR_MAX];
	uint32_t priority = 126u << 24 | (65535u - (uint32_t)i) << 8 | 255u;

	ly_build_open(b, NULL, "candidate");
	ly_build_attr_fmt(b, "id", "h%zu", i);
	ly_build_attr_fmt(b, "foundation", "%zu", i + 1);
	ly_build_attr(b, "component", "1");
	ly_build_attr(b, "protocol", "udp");
	ly_build_attr_fmt(b, "priority", "%u", priority);
	ly_build_attr(b, "ip", ly_addr_format_ip(a, ip, sizeof(ip)));
	ly_build_attr_fmt(b, "port", "%u", a->port);
	ly_build_attr(b, "type", "host");
	ly_build_attr_fmt(b, "generation", "%u", gen);
	ly_build_attr(b, "network", "0");
	ly_build_close(b);
}

static void write_transport(struct ly_build *b, const struct ly_focus_transport *t)
{
	ly_build_open(b, LY_NS_ICE_UDP, "transport");
	ly_build_attr(b, "ufrag", t->ufrag);
	ly_build_attr(b, "pwd", t->pwd);
	if (t->generation)
		ly_build_attr_fmt(b, "ice-generation", "%u", t->generation);
	ly_build_element(b, NULL, "rtcp-mux", NULL);
	if (t->websocket != NULL) {
		ly_build_open(b, LY_NS_COLIBRI, "web-socket");
		ly_build_attr(b, "url", t->websocket);
		ly_build_close(b);
	}
	ly_build_open(b, LY_NS_DTLS, "fingerprint");
	ly_build_attr(b, "hash", "sha-256");
	ly_build_attr(b, "setup", "actpass");
	ly_build_text(b, t->fingerprint);
	ly_build_close(b);
	for (size_t i = 0; i < t->n_candidates; i++)
		write_candidate(b, &t->candidates[i], i, t->generation);
	ly_build_close(b);
}

static const char *kind_name(enum ly_sfu_kind kind)
{
	return kind == LY_SFU_AUDIO ? "audio" : "video";
}

static void open_jingle(struct ly_build *b, const char *action, const char *sid)
{
	ly_build_open(b, LY_NS_JINGLE, "jingle");
	ly_build_attr(b, "action", action);
	ly_build_attr(b, "sid", sid);
}

static void open_content(struct ly_build *b, enum ly_sfu_kind kind)
{
	ly_build_open(b, LY_NS_JINGLE, "content");
	ly_build_attr(b, "name", kind_name(kind));
	ly_build_attr(b, "creator", "initiator");
	ly_build_attr(b, "senders", "both");
}

static void open_description(struct ly_build *b, enum ly_sfu_kind kind)
{
	ly_build_open(b, LY_NS_JINGLE_RTP, "description");
	ly_build_attr(b, "media", kind_name(kind));
}

/* The bridge's own source comes first: its m-line is the one that carries the client's own track.
 */
static void write_own_source(struct ly_build *b, enum ly_sfu_kind kind, uint32_t ssrc)
{
	struct ly_focus_sources own = { .n = 1 };

	snprintf(own.v[0].desc.name, sizeof(own.v[0].desc.name), "jvb-%c0", *kind_name(kind));
	snprintf(own.v[0].msid, sizeof(own.v[0].msid), "mixedmslabel mixedlabel%s0",
		 kind_name(kind));
	own.v[0].desc.kind = kind;
	own.v[0].desc.ssrc = ssrc;
	ly_focus_sources_write(b, &own, kind, "jvb");
}

void ly_focus_write_initiate(struct ly_build *b, const struct ly_focus_offer *offer,
			     const struct ly_focus_published *others, size_t n_others)
{
	static const enum ly_sfu_kind kinds[] = { LY_SFU_AUDIO, LY_SFU_VIDEO };

	open_jingle(b, "session-initiate", offer->sid);
	ly_build_attr(b, "initiator", offer->initiator);
	ly_build_open(b, "urn:xmpp:jingle:apps:grouping:0", "group");
	ly_build_attr(b, "semantics", "BUNDLE");
	for (size_t k = 0; k < LY_COUNTOF(kinds); k++) {
		ly_build_open(b, NULL, "content");
		ly_build_attr(b, "name", kind_name(kinds[k]));
		ly_build_close(b);
	}
	ly_build_close(b);
	ly_build_open(b, LY_NS_FOCUS, "bridge-session");
	ly_build_attr(b, "id", offer->bridge_session);
	ly_build_close(b);
	for (size_t k = 0; k < LY_COUNTOF(kinds); k++) {
		open_content(b, kinds[k]);
		open_description(b, kinds[k]);
		if (kinds[k] == LY_SFU_AUDIO)
			ly_build_attr(b, "maxptime", "60");
		write_codecs(b, kinds[k]);
		write_own_source(b, kinds[k],
				 kinds[k] == LY_SFU_AUDIO ? offer->own_audio_ssrc
							  : offer->own_video_ssrc);
		for (size_t i = 0; i < n_others; i++)
			ly_focus_sources_write(b, others[i].sources, kinds[k], others[i].endpoint);
		ly_build_close(b);
		write_transport(b, &offer->transport);
		ly_build_close(b);
	}
	ly_build_close(b);
}

void ly_focus_write_sources(struct ly_build *b, const char *action, const char *sid,
			    const struct ly_focus_published *p)
{
	static const enum ly_sfu_kind kinds[] = { LY_SFU_AUDIO, LY_SFU_VIDEO };

	open_jingle(b, action, sid);
	for (size_t k = 0; k < LY_COUNTOF(kinds); k++) {
		if (!ly_focus_sources_have(p->sources, kinds[k]))
			continue;
		open_content(b, kinds[k]);
		open_description(b, kinds[k]);
		ly_focus_sources_write(b, p->sources, kinds[k], p->endpoint);
		ly_build_close(b);
		ly_build_close(b);
	}
	ly_build_close(b);
}

void ly_focus_write_transport_info(struct ly_build *b, const char *sid,
				   const struct ly_focus_transport *t)
{
	open_jingle(b, "transport-info", sid);
	open_content(b, LY_SFU_AUDIO);
	write_transport(b, t);
	ly_build_close(b);
	ly_build_close(b);
}

void ly_focus_write_terminate(struct ly_build *b, const char *sid, const char *reason,
			      const char *text, const char *moved_to)
{
	open_jingle(b, "session-terminate", sid);
	ly_build_open(b, LY_NS_JINGLE, "reason");
	ly_build_element(b, NULL, reason, NULL);
	if (text != NULL)
		ly_build_element(b, NULL, "text", text);
	if (moved_to != NULL) {
		ly_build_open(b, LY_NS_CALLS, "moved");
		ly_build_attr(b, "device", moved_to);
		ly_build_close(b);
	}
	ly_build_close(b);
	ly_build_close(b);
}

static int take(char *out, size_t cap, const char *s, size_t min)
{
	if (s == NULL || strlen(s) < min || strlen(s) >= cap)
		return -EBADMSG;
	snprintf(out, cap, "%s", s);
	return 0;
}

/* The setup attribute of the answer: who sends the ClientHello (RFC 8842 s. 5.3). */
static int read_fingerprint(struct ly_sfu_remote *out, const struct ly_xml *fp, const char **why)
{
	const char *setup = ly_xml_attr(fp, "setup");

	*why = "the fingerprint lacks its hash or value";
	if (take(out->hash, sizeof(out->hash), ly_xml_attr(fp, "hash"), 1) ||
	    take(out->fingerprint, sizeof(out->fingerprint), ly_xml_text(fp), 8))
		return -EBADMSG;
	if (setup != NULL && strcmp(setup, "passive") == 0)
		out->setup = LY_SFU_SETUP_PASSIVE;
	else
		out->setup = LY_SFU_SETUP_ACTIVE;
	*why = "";
	return 0;
}

static void read_feedback(struct ly_sfu_remote *out, const struct ly_xml *description)
{
	for (const struct ly_xml *pt = ly_xml_child(description, NULL, "payload-type"); pt != NULL;
	     pt = ly_xml_next_child(pt, NULL, "payload-type")) {
		for (const struct ly_xml *fb = ly_xml_child(pt, NULL, "rtcp-fb"); fb != NULL;
		     fb = ly_xml_next_child(fb, NULL, "rtcp-fb")) {
			const char *type = ly_xml_attr(fb, "type");

			if (type != NULL && strcmp(type, "transport-cc") == 0)
				out->transport_cc = true;
			if (type != NULL && strcmp(type, "goog-remb") == 0)
				out->remb = true;
		}
	}
}

int ly_focus_remote_parse(struct ly_sfu_remote *out, const struct ly_xml *jingle, const char **why)
{
	bool found = false;

	memset(out, 0, sizeof(*out));
	*why = "";
	for (const struct ly_xml *c = ly_xml_child(jingle, LY_NS_JINGLE, "content"); c != NULL;
	     c = ly_xml_next_child(c, LY_NS_JINGLE, "content")) {
		const struct ly_xml *t = ly_xml_child(c, LY_NS_ICE_UDP, "transport"), *fp;

		read_feedback(out, ly_xml_child(c, LY_NS_JINGLE_RTP, "description"));
		if (found || t == NULL || ly_xml_attr(t, "ufrag") == NULL)
			continue;
		if (take(out->ufrag, sizeof(out->ufrag), ly_xml_attr(t, "ufrag"), 4) ||
		    take(out->pwd, sizeof(out->pwd), ly_xml_attr(t, "pwd"), 22)) {
			*why = "ufrag needs 4 to 256 characters, pwd 22 to 256 (RFC 8839)";
			return -EBADMSG;
		}
		fp = ly_xml_child(t, LY_NS_DTLS, "fingerprint");
		if (fp != NULL && read_fingerprint(out, fp, why))
			return -EBADMSG;
		found = true;
	}
	return found ? 0 : -ENOENT;
}
