/* The Jingle actions that participants send to the focus (docs/PROTOCOL.md). */
#include "server/focus/focus_priv.h"

#include <stdio.h>

#include "base/err.h"

/** A participant may ask for a restart this often. */
#define RESTART_EVERY LY_SEC(5)

/* An action's handler answers the IQ itself; the participant may be gone afterwards. */
typedef void (*action_fn)(struct ly_focus_part *p, const struct ly_stanza *st,
			  const struct ly_xml *jingle);

static void reply(struct ly_focus_part *p, const struct ly_xml *root)
{
	if (p->nick != NULL)
		(void)ly_muc_agent_send(p->call->agent, p->nick, root);
}

static void answer_ok(struct ly_focus_part *p, const struct ly_stanza *st)
{
	struct ly_build b = ly_iq_result(st);
	struct ly_xml *root;

	if (ly_build_finish(&b, &root) == 0)
		reply(p, root);
}

static void answer_error(struct ly_focus_part *p, const struct ly_stanza *st, enum ly_cond cond,
			 const char *text)
{
	struct ly_xml *root = ly_stanza_error(st, cond, LY_ERR_DEFAULT, text);

	ly_log(&ly_focus_log, LY_WARN, "jingle_refused", "jid=%s room=%s condition=%s text=\"%s\"",
	       p->jid, p->call->room, ly_cond_name(cond), text ? text : "");
	if (root != NULL)
		reply(p, root);
}

/* XEP-0166 s. 10: an unknown sid has its own condition beside item-not-found. */
static void answer_unknown_session(struct ly_focus_part *p, const struct ly_stanza *st)
{
	struct ly_build b = ly_stanza_error_open(st, LY_ITEM_NOT_FOUND, LY_ERR_DEFAULT, NULL);
	struct ly_xml *root;

	ly_build_element(&b, "urn:xmpp:jingle:errors:1", "unknown-session", NULL);
	if (ly_build_finish(&b, &root) == 0)
		reply(p, root);
}

static bool ssrc_in_use(const struct ly_focus_part *p, uint32_t ssrc)
{
	LY_LIST_EACH (it, tmp, &p->call->parts) {
		const struct ly_focus_part *o = LY_LIST_ENTRY(it, struct ly_focus_part, link);

		if (o->own_audio_ssrc == ssrc || o->own_video_ssrc == ssrc)
			return true;
		for (size_t i = 0; i < o->sources.n; i++)
			if (o->sources.v[i].desc.ssrc == ssrc ||
			    o->sources.v[i].desc.rtx_ssrc == ssrc)
				return true;
	}
	return false;
}

/* Reads the sources of a message and checks them against everybody's. @return false: answered */
static bool read_new_sources(struct ly_focus_part *p, const struct ly_stanza *st,
			     const struct ly_xml *jingle, struct ly_focus_sources *out)
{
	struct ly_focus_sources all = p->sources;
	const char *why;

	if (ly_focus_sources_parse(out, jingle, p->endpoint, &why)) {
		answer_error(p, st, LY_BAD_REQUEST, why);
		return false;
	}
	for (size_t i = 0; i < out->n; i++) {
		const struct ly_sfu_source_desc *d = &out->v[i].desc;

		if (ssrc_in_use(p, d->ssrc) || (d->rtx_ssrc && ssrc_in_use(p, d->rtx_ssrc))) {
			answer_error(p, st, LY_CONFLICT, "an ssrc is in use in this call");
			return false;
		}
	}
	if (ly_focus_sources_add(&all, out)) {
		answer_error(p, st, LY_NOT_ACCEPTABLE, "too many sources, or a name is in use");
		return false;
	}
	return true;
}

static int publish(struct ly_focus_part *p, const struct ly_focus_sources *more)
{
	struct ly_sfu_source_desc descs[LY_SFU_MAX_SOURCES];
	int err = ly_focus_sources_add(&p->sources, more);

	if (err || more->n == 0)
		return err;
	for (size_t i = 0; i < more->n; i++)
		descs[i] = more->v[i].desc;
	err = ly_media_add_sources(p->call->at->focus->media, p->call->conf, p->endpoint, descs,
				   more->n);
	if (err)
		ly_focus_sources_remove(&p->sources, more);
	else
		ly_announce(p, "source-add", more);
	return err;
}

static int set_remote(struct ly_focus_part *p)
{
	return ly_media_set_remote(p->call->at->focus->media, p->call->conf, p->endpoint,
				   &p->remote);
}

static void on_accept(struct ly_focus_part *p, const struct ly_stanza *st,
		      const struct ly_xml *jingle)
{
	struct ly_focus_sources sources;
	const char *why;

	if (p->state != LY_PART_INVITED) {
		answer_error(p, st, LY_UNEXPECTED_REQUEST, "the session is accepted already");
		return;
	}
	if (ly_focus_remote_parse(&p->remote, jingle, &why) || p->remote.fingerprint[0] == 0) {
		answer_error(p, st, LY_BAD_REQUEST,
			     why[0] ? why : "session-accept needs a transport with a fingerprint");
		return;
	}
	if (!read_new_sources(p, st, jingle, &sources))
		return;
	p->state = LY_PART_ACTIVE;
	if (set_remote(p) || publish(p, &sources)) {
		answer_error(p, st, LY_RESOURCE_CONSTRAINT, "the media server is overloaded");
		ly_part_end(p, LY_CALL_ENDED, "the server could not set up the media", NULL,
			    LY_PART_TELL);
		return;
	}
	answer_ok(p, st);
	ly_slots_send(p, ly_claim_begin(&p->claim));
	ly_log(&ly_focus_log, LY_INFO, "joined", "room=%s jid=%s endpoint=%s sources=%zu",
	       p->call->room, p->jid, p->endpoint, p->sources.n);
}

static bool is_active(struct ly_focus_part *p, const struct ly_stanza *st)
{
	if (p->state == LY_PART_ACTIVE)
		return true;
	answer_error(p, st, LY_UNEXPECTED_REQUEST, "the session is not accepted yet");
	return false;
}

static void on_source_add(struct ly_focus_part *p, const struct ly_stanza *st,
			  const struct ly_xml *jingle)
{
	struct ly_focus_sources sources;

	if (!is_active(p, st))
		return;
	if (!read_new_sources(p, st, jingle, &sources))
		return;
	if (publish(p, &sources))
		answer_error(p, st, LY_RESOURCE_CONSTRAINT, "the media server is overloaded");
	else
		answer_ok(p, st);
}

static void on_source_remove(struct ly_focus_part *p, const struct ly_stanza *st,
			     const struct ly_xml *jingle)
{
	char names[LY_SFU_MAX_SOURCES][LY_SFU_NAME_MAX];
	struct ly_focus_sources gone;
	const char *why;

	if (!is_active(p, st))
		return;
	if (ly_focus_sources_parse(&gone, jingle, p->endpoint, &why)) {
		answer_error(p, st, LY_BAD_REQUEST, why);
		return;
	}
	for (size_t i = 0; i < gone.n; i++) {
		struct ly_focus_source *own =
			ly_focus_sources_find(&p->sources, gone.v[i].desc.name);

		if (own == NULL) {
			answer_error(p, st, LY_ITEM_NOT_FOUND, "no such source");
			return;
		}
		gone.v[i] = *own;
		memcpy(names[i], own->desc.name, LY_SFU_NAME_MAX);
	}
	ly_media_remove_sources(p->call->at->focus->media, p->call->conf, p->endpoint, names,
				gone.n);
	ly_focus_sources_remove(&p->sources, &gone);
	ly_announce(p, "source-remove", &gone);
	answer_ok(p, st);
}

static bool may_restart(struct ly_focus_part *p)
{
	ly_usec now = ly_home_now(p->call->at->home);

	if (p->restarted && now - p->restarted < RESTART_EVERY)
		return false;
	p->restarted = now;
	return true;
}

static void restart_ice(struct ly_focus_part *p)
{
	struct ly_focus *f = p->call->at->focus;
	struct ly_addr candidates[LY_MEDIA_MAX_ADDRS];
	struct ly_focus_transport t = { .ufrag = p->ufrag,
					.pwd = p->pwd,
					.fingerprint = ly_media_fingerprint(f->media),
					.candidates = candidates };
	struct ly_xml_doc *doc;
	struct ly_build b;

	ly_rand_text(ly_home_rand(p->call->at->home), p->ufrag, sizeof(p->ufrag) - 1);
	ly_rand_text(ly_home_rand(p->call->at->home), p->pwd, sizeof(p->pwd) - 1);
	t.generation = ++p->generation;
	t.n_candidates =
		ly_media_candidates(f->media, p->call->thread, candidates, LY_COUNTOF(candidates));
	ly_media_ice_restart(f->media, p->call->conf, p->endpoint, p->ufrag, p->pwd);
	doc = ly_part_open_iq(&b);
	if (doc != NULL)
		ly_focus_write_transport_info(&b, p->sid, &t);
	ly_part_send(p, doc, &b);
}

static bool attr_is_true(const struct ly_xml *el, const char *name)
{
	const char *v = el ? ly_xml_attr(el, name) : NULL;

	return v != NULL && strcmp(v, "true") == 0;
}

static void on_info(struct ly_focus_part *p, const struct ly_stanza *st,
		    const struct ly_xml *jingle)
{
	const struct ly_xml *bs = ly_xml_child(jingle, LY_NS_FOCUS, "bridge-session");

	if (!attr_is_true(bs, "ice-restart")) {
		answer_ok(p, st); /* XEP-0166 s. 7.2.10: an empty session-info is a ping */
		return;
	}
	if (p->state != LY_PART_ACTIVE || !may_restart(p)) {
		answer_error(p, st, LY_RESOURCE_CONSTRAINT, "one restart in five seconds");
		return;
	}
	answer_ok(p, st);
	restart_ice(p);
}

static void on_transport_info(struct ly_focus_part *p, const struct ly_stanza *st,
			      const struct ly_xml *jingle)
{
	struct ly_sfu_remote remote;
	const char *why;
	int err = ly_focus_remote_parse(&remote, jingle, &why);

	if (err == -EBADMSG) {
		answer_error(p, st, LY_BAD_REQUEST, why);
		return;
	}
	/* Candidates alone are not needed: the client's checks come from them. */
	if (err == 0 && p->state == LY_PART_ACTIVE) {
		memcpy(p->remote.ufrag, remote.ufrag, sizeof(remote.ufrag));
		memcpy(p->remote.pwd, remote.pwd, sizeof(remote.pwd));
		(void)set_remote(p);
	}
	answer_ok(p, st);
}

static void on_terminate(struct ly_focus_part *p, const struct ly_stanza *st,
			 const struct ly_xml *jingle)
{
	const struct ly_xml *bs = ly_xml_child(jingle, LY_NS_FOCUS, "bridge-session");

	answer_ok(p, st);
	if (!attr_is_true(bs, "restart") || !may_restart(p)) {
		ly_part_end(p, LY_CALL_LEFT, NULL, NULL, 0);
		return;
	}
	/* The same participant begins anew: its claim runs on, its endpoint is a new one. */
	ly_media_remove_endpoint(p->call->at->focus->media, p->call->conf, p->endpoint);
	ly_announce(p, "source-remove", &p->sources);
	ly_bridge_detach(p);
	p->sources.n = 0;
	p->endpoint[0] = 0;
	p->state = LY_PART_GRANTED;
	ly_part_invite(p);
}

static const struct {
	const char *action;
	action_fn fn;
} actions[] = {
	{ "session-accept", on_accept },         { "source-add", on_source_add },
	{ "source-remove", on_source_remove },   { "session-info", on_info },
	{ "transport-info", on_transport_info }, { "session-terminate", on_terminate },
};

void ly_part_jingle(struct ly_focus_part *p, const struct ly_stanza *st)
{
	const struct ly_xml *jingle = ly_iq_payload(st);
	const char *action = ly_xml_attr(jingle, "action"), *sid = ly_xml_attr(jingle, "sid");

	if (action == NULL || sid == NULL) {
		answer_error(p, st, LY_BAD_REQUEST, "jingle needs an action and a sid");
		return;
	}
	if (strcmp(sid, p->sid) != 0) {
		answer_unknown_session(p, st);
		return;
	}
	for (size_t i = 0; i < LY_COUNTOF(actions); i++) {
		if (strcmp(actions[i].action, action) != 0)
			continue;
		actions[i].fn(p, st, jingle);
		return;
	}
	answer_error(p, st, LY_FEATURE_NOT_IMPLEMENTED, "this action is not for the focus");
}
