/* Sources in Jingle: `<source>` and `<ssrc-group>` of XEP-0339 in the contents of session-accept,
 * source-add and source-remove (docs/PROTOCOL.md), to and from the SFU's descriptions. */
#ifndef LY_SERVER_FOCUS_SOURCES_H
#define LY_SERVER_FOCUS_SOURCES_H

#include "sfu/types.h"
#include "signaling/xml/xml.h"

#define LY_NS_JINGLE "urn:xmpp:jingle:1"
#define LY_NS_JINGLE_RTP "urn:xmpp:jingle:apps:rtp:1"
#define LY_NS_JINGLE_SSMA "urn:xmpp:jingle:apps:rtp:ssma:0"
#define LY_NS_JITMEET "http://jitsi.org/jitmeet"

/** Most SSRCs in one message, and bytes of an msid with the zero. */
#define LY_FOCUS_MAX_SSRCS 20
#define LY_FOCUS_MSID_MAX 160

struct ly_focus_source {
	struct ly_sfu_source_desc desc;
	char msid[LY_FOCUS_MSID_MAX]; /* "stream track", "" if not said */
};

struct ly_focus_sources {
	struct ly_focus_source v[LY_SFU_MAX_SOURCES];
	size_t n;
};

/** Reads the sources of all contents of a `<jingle>`. Names must begin with the endpoint's id and
 * "-".
 *  @param why gets a sentence for the peer when it fails
 *  @return 0, -EBADMSG (malformed), -EACCES (a foreign name), -EEXIST (an SSRC or name twice),
 * -E2BIG */
int ly_focus_sources_parse(struct ly_focus_sources *out, const struct ly_xml *jingle,
			   const char *endpoint, const char **why);

/** Writes the sources of one kind into the open `<description>`; @p owner is the endpoint's id. */
void ly_focus_sources_write(struct ly_build *b, const struct ly_focus_sources *s,
			    enum ly_sfu_kind kind, const char *owner);

/** The source of that name; NULL if none. */
struct ly_focus_source *ly_focus_sources_find(struct ly_focus_sources *s, const char *name);
/** Takes the sources in @p gone (by name) out of @p s. */
void ly_focus_sources_remove(struct ly_focus_sources *s, const struct ly_focus_sources *gone);
/** Adds all of @p more, or none. @return 0, -EEXIST (name or SSRC in use), -E2BIG */
int ly_focus_sources_add(struct ly_focus_sources *s, const struct ly_focus_sources *more);
bool ly_focus_sources_have(const struct ly_focus_sources *s, enum ly_sfu_kind kind);

#endif
