/* The Jingle stanzas of group calls (XEP-0166, 0167, 0176, 0320, 0338, 0339; docs/PROTOCOL.md):
 * what the focus offers, announces and understands. Builders write into an open `<iq>`'s builder.
 */
#ifndef LY_SERVER_FOCUS_JINGLE_H
#define LY_SERVER_FOCUS_JINGLE_H

#include "server/focus/sources.h"

#define LY_NS_FOCUS "http://jitsi.org/protocol/focus"
#define LY_NS_ICE_UDP "urn:xmpp:jingle:transports:ice-udp:1"
#define LY_NS_DTLS "urn:xmpp:jingle:apps:dtls:0"
#define LY_NS_COLIBRI "http://jitsi.org/protocol/colibri"
#define LY_NS_CALLS "urn:lyceum:calls:0"

/** Our end of one participant's transport. Strings are borrowed. */
struct ly_focus_transport {
	const char *ufrag, *pwd, *fingerprint;
	const struct ly_addr *candidates;
	size_t n_candidates;
	const char *websocket; /* url of the bridge channel; NULL = none */
	unsigned generation;   /* of an ICE restart; 0 = the first credentials */
};

struct ly_focus_offer {
	const char *sid, *initiator; /* room/focus */
	const char *bridge_session;  /* id of this participant's session */
	struct ly_focus_transport transport;
	uint32_t own_audio_ssrc, own_video_ssrc; /* of jvb-a0 and jvb-v0 */
};

/** Sources of one participant as others see them. */
struct ly_focus_published {
	const char *endpoint;
	const struct ly_focus_sources *sources;
};

/** `<jingle action='session-initiate'>` with the sources of everybody else. */
void ly_focus_write_initiate(struct ly_build *b, const struct ly_focus_offer *offer,
			     const struct ly_focus_published *others, size_t n_others);
/** `<jingle action='source-add|source-remove'>`. */
void ly_focus_write_sources(struct ly_build *b, const char *action, const char *sid,
			    const struct ly_focus_published *p);
/** `<jingle action='transport-info'>` of an ICE restart. */
void ly_focus_write_transport_info(struct ly_build *b, const char *sid,
				   const struct ly_focus_transport *t);
/** `<jingle action='session-terminate'>`; @p moved_to: device that the call goes on at, or NULL. */
void ly_focus_write_terminate(struct ly_build *b, const char *sid, const char *reason,
			      const char *text, const char *moved_to);

/** Reads credentials and fingerprint from the first transport that has them.
 *  @return 0, -ENOENT (no content has a transport with credentials), -EBADMSG with *why set */
int ly_focus_remote_parse(struct ly_sfu_remote *out, const struct ly_xml *jingle, const char **why);

#endif
