#include "server/focus/sources.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

struct reading {
	struct ly_focus_sources *out;
	const char *endpoint;
	const char *why;
	uint32_t seen[LY_FOCUS_MAX_SSRCS]; /* every SSRC named by a <source> */
	char names[LY_FOCUS_MAX_SSRCS][LY_SFU_NAME_MAX];
	size_t n_seen;
	/* groups: the first is the source, the others are its repair or its layers */
	uint32_t first[LY_FOCUS_MAX_SSRCS], other[LY_FOCUS_MAX_SSRCS];
	bool is_fid[LY_FOCUS_MAX_SSRCS];
	size_t n_groups;
};

static int refuse(struct reading *r, int err, const char *why)
{
	r->why = why;
	return err;
}

/* SSRCs are decimal numbers up to 2^32 - 1; 0 stands for none. */
static uint32_t parse_ssrc(const char *s)
{
	unsigned long long v;
	char *end;

	if (s == NULL || *s < '0' || *s > '9')
		return 0;
	v = strtoull(s, &end, 10);
	return *end == 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static int read_groups(struct reading *r, const struct ly_xml *description)
{
	for (const struct ly_xml *g = ly_xml_child(description, LY_NS_JINGLE_SSMA, "ssrc-group");
	     g != NULL; g = ly_xml_next_child(g, LY_NS_JINGLE_SSMA, "ssrc-group")) {
		const char *semantics = ly_xml_attr(g, "semantics");
		const struct ly_xml *a = ly_xml_child(g, LY_NS_JINGLE_SSMA, "source"), *b = a;
		uint32_t first = a ? parse_ssrc(ly_xml_attr(a, "ssrc")) : 0;

		if (semantics == NULL || first == 0)
			return refuse(r, -EBADMSG, "an ssrc-group without semantics or sources");
		while ((b = ly_xml_next_child(b, LY_NS_JINGLE_SSMA, "source")) != NULL) {
			uint32_t other = parse_ssrc(ly_xml_attr(b, "ssrc"));

			if (other == 0)
				return refuse(r, -EBADMSG, "an ssrc in a group is no number");
			if (r->n_groups == LY_FOCUS_MAX_SSRCS)
				return refuse(r, -E2BIG, "too many ssrc-groups");
			r->first[r->n_groups] = first;
			r->other[r->n_groups] = other;
			r->is_fid[r->n_groups++] = strcmp(semantics, "FID") == 0;
		}
	}
	return 0;
}

/* True for the RTX stream of a FID group and for all but the first layer of a SIM group. */
static bool is_secondary(const struct reading *r, uint32_t ssrc)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (r->other[i] == ssrc)
			return true;
	return false;
}

static uint32_t rtx_of(const struct reading *r, uint32_t ssrc)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (r->is_fid[i] && r->first[i] == ssrc)
			return r->other[i];
	return 0;
}

/* It is handed on to the others: what does not fit whole is refused, half a character would be no
 * XML. */
static int read_msid(struct reading *r, struct ly_focus_source *s, const struct ly_xml *source)
{
	for (const struct ly_xml *p = ly_xml_child(source, LY_NS_JINGLE_SSMA, "parameter");
	     p != NULL; p = ly_xml_next_child(p, LY_NS_JINGLE_SSMA, "parameter")) {
		const char *name = ly_xml_attr(p, "name"), *value = ly_xml_attr(p, "value");

		if (name == NULL || value == NULL || strcmp(name, "msid") != 0)
			continue;
		if (strlen(value) >= sizeof(s->msid))
			return refuse(r, -EBADMSG, "an msid is too long");
		snprintf(s->msid, sizeof(s->msid), "%s", value);
	}
	return 0;
}

static int check_source(struct reading *r, uint32_t ssrc, const char *name)
{
	size_t len = strlen(r->endpoint);

	if (ssrc == 0)
		return refuse(r, -EBADMSG, "an ssrc is no number from 1 to 4294967295");
	if (name == NULL || strlen(name) >= LY_SFU_NAME_MAX)
		return refuse(r, -EBADMSG, "a source without a name, or its name is too long");
	if (strncmp(name, r->endpoint, len) != 0 || name[len] != '-')
		return refuse(r, -EACCES, "a source's name must begin with the sender's own id");
	if (r->n_seen == LY_FOCUS_MAX_SSRCS)
		return refuse(r, -E2BIG, "too many sources");
	for (size_t i = 0; i < r->n_seen; i++)
		if (r->seen[i] == ssrc)
			return refuse(r, -EEXIST, "the same ssrc twice");
	r->seen[r->n_seen] = ssrc;
	snprintf(r->names[r->n_seen++], LY_SFU_NAME_MAX, "%s", name);
	return 0;
}

static int read_source(struct reading *r, const struct ly_xml *source, enum ly_sfu_kind kind)
{
	uint32_t ssrc = parse_ssrc(ly_xml_attr(source, "ssrc"));
	const char *name = ly_xml_attr(source, "name"), *type = ly_xml_attr(source, "videoType");
	struct ly_focus_source *s;
	int err = check_source(r, ssrc, name);

	if (err)
		return err;
	if (is_secondary(r, ssrc))
		return 0;
	if (ly_focus_sources_find(r->out, name) != NULL)
		return refuse(r, -EEXIST, "two sources of the same name");
	if (r->out->n == LY_SFU_MAX_SOURCES)
		return refuse(r, -E2BIG, "too many sources");
	s = &r->out->v[r->out->n++];
	memset(s, 0, sizeof(*s));
	snprintf(s->desc.name, sizeof(s->desc.name), "%s", name);
	s->desc.kind = kind;
	s->desc.video_type = type && strcmp(type, "desktop") == 0 ? LY_SFU_DESKTOP : LY_SFU_CAMERA;
	s->desc.ssrc = ssrc;
	s->desc.rtx_ssrc = kind == LY_SFU_VIDEO ? rtx_of(r, ssrc) : 0;
	return read_msid(r, s, source);
}

static int read_content(struct reading *r, const struct ly_xml *content)
{
	const struct ly_xml *d = ly_xml_child(content, LY_NS_JINGLE_RTP, "description");
	const char *media = d ? ly_xml_attr(d, "media") : NULL;
	enum ly_sfu_kind kind;
	int err;

	if (d == NULL)
		return 0; /* a data channel, which the offer did not have */
	if (media == NULL)
		media = ly_xml_attr(content, "name");
	if (media != NULL && strcmp(media, "audio") == 0)
		kind = LY_SFU_AUDIO;
	else if (media != NULL && strcmp(media, "video") == 0)
		kind = LY_SFU_VIDEO;
	else
		return refuse(r, -EBADMSG, "a content that is neither audio nor video");
	r->n_groups = 0;
	err = read_groups(r, d);
	for (const struct ly_xml *s = ly_xml_child(d, LY_NS_JINGLE_SSMA, "source");
	     !err && s != NULL; s = ly_xml_next_child(s, LY_NS_JINGLE_SSMA, "source"))
		err = read_source(r, s, kind);
	return err;
}

int ly_focus_sources_parse(struct ly_focus_sources *out, const struct ly_xml *jingle,
			   const char *endpoint, const char **why)
{
	struct reading r = { .out = out, .endpoint = endpoint, .why = "" };
	int err = 0;

	out->n = 0;
	for (const struct ly_xml *c = ly_xml_child(jingle, LY_NS_JINGLE, "content");
	     !err && c != NULL; c = ly_xml_next_child(c, LY_NS_JINGLE, "content"))
		err = read_content(&r, c);
	*why = r.why;
	return err;
}

static void write_source(struct ly_build *b, const struct ly_focus_source *s, uint32_t ssrc,
			 const char *owner)
{
	ly_build_open(b, LY_NS_JINGLE_SSMA, "source");
	ly_build_attr_fmt(b, "ssrc", "%u", ssrc);
	ly_build_attr(b, "name", s->desc.name);
	if (s->desc.kind == LY_SFU_VIDEO)
		ly_build_attr(b, "videoType",
			      s->desc.video_type == LY_SFU_DESKTOP ? "desktop" : "camera");
	if (s->msid[0]) {
		ly_build_open(b, NULL, "parameter");
		ly_build_attr(b, "name", "msid");
		ly_build_attr(b, "value", s->msid);
		ly_build_close(b);
	}
	ly_build_open(b, LY_NS_JITMEET, "ssrc-info");
	ly_build_attr(b, "owner", owner);
	ly_build_close(b);
	ly_build_close(b);
}

void ly_focus_sources_write(struct ly_build *b, const struct ly_focus_sources *s,
			    enum ly_sfu_kind kind, const char *owner)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].desc.kind != kind)
			continue;
		write_source(b, &s->v[i], s->v[i].desc.ssrc, owner);
		if (s->v[i].desc.rtx_ssrc)
			write_source(b, &s->v[i], s->v[i].desc.rtx_ssrc, owner);
	}
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].desc.kind != kind || s->v[i].desc.rtx_ssrc == 0)
			continue;
		ly_build_open(b, LY_NS_JINGLE_SSMA, "ssrc-group");
		ly_build_attr(b, "semantics", "FID");
		ly_build_open(b, NULL, "source");
		ly_build_attr_fmt(b, "ssrc", "%u", s->v[i].desc.ssrc);
		ly_build_close(b);
		ly_build_open(b, NULL, "source");
		ly_build_attr_fmt(b, "ssrc", "%u", s->v[i].desc.rtx_ssrc);
		ly_build_close(b);
		ly_build_close(b);
	}
}

struct ly_focus_source *ly_focus_sources_find(struct ly_focus_sources *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].desc.name, name) == 0)
			return &s->v[i];
	return NULL;
}

void ly_focus_sources_remove(struct ly_focus_sources *s, const struct ly_focus_sources *gone)
{
	for (size_t i = 0; i < gone->n; i++) {
		struct ly_focus_source *it = ly_focus_sources_find(s, gone->v[i].desc.name);

		if (it == NULL)
			continue;
		*it = s->v[--s->n];
	}
}

static bool uses_ssrc(const struct ly_focus_sources *s, uint32_t ssrc)
{
	for (size_t i = 0; ssrc && i < s->n; i++)
		if (s->v[i].desc.ssrc == ssrc || s->v[i].desc.rtx_ssrc == ssrc)
			return true;
	return false;
}

int ly_focus_sources_add(struct ly_focus_sources *s, const struct ly_focus_sources *more)
{
	size_t before = s->n;

	if (s->n + more->n > LY_SFU_MAX_SOURCES)
		return -E2BIG;
	for (size_t i = 0; i < more->n; i++) {
		const struct ly_sfu_source_desc *d = &more->v[i].desc;

		if (ly_focus_sources_find(s, d->name) != NULL || d->ssrc == d->rtx_ssrc ||
		    uses_ssrc(s, d->ssrc) || uses_ssrc(s, d->rtx_ssrc)) {
			s->n = before;
			return -EEXIST;
		}
		s->v[s->n++] = more->v[i]; /* two of @more may clash, too */
	}
	return 0;
}

bool ly_focus_sources_have(const struct ly_focus_sources *s, enum ly_sfu_kind kind)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].desc.kind == kind)
			return true;
	return false;
}
