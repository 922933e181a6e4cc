/* A participant from its conference request to its end. */
#include "server/focus/focus_priv.h"

#include <stdio.h>

#include "base/err.h"
#include "base/text.h"

#define BAD_NICK "this nick cannot be in the call: letters, digits and _ only, and not in use"

static void on_timer(struct ly_home *home, struct ly_home_timer *t)
{
	struct ly_focus_part *p = LY_CONTAINER_OF(t, struct ly_focus_part, timer);
	enum ly_claim_out what = ly_claim_tick(&p->claim, ly_home_now(home));

	ly_slots_send(p, what);
	if (p->claim.state == LY_CLAIM_ENDED) {
		ly_part_end(p, p->claim.end, "the server lost track of your call slot", NULL,
			    LY_PART_TELL);
		return;
	}
	(void)ly_home_timer_set(home, t, ly_claim_deadline(&p->claim));
}

static void part_free(struct ly_focus_part *p)
{
	struct ly_focus_home *fh = p->call->at;

	(void)ly_home_timer_set(fh->home, &p->timer, LY_NEVER);
	ly_map_del_num(&fh->claims, p->claim.id);
	ly_stanza_free(p->pending);
	ly_free(p->jid, LY_MEM_CALL);
	ly_free(p->user, LY_MEM_CALL);
	ly_free(p->device, LY_MEM_CALL);
	ly_free(p->nick, LY_MEM_CALL);
	ly_wipe(p->pwd, sizeof(p->pwd));
	ly_wipe(p->bridge_pwd, sizeof(p->bridge_pwd));
	ly_free(p, LY_MEM_CALL);
}

void ly_part_set_nick(struct ly_focus_part *p, const char *nick)
{
	ly_free(p->nick, LY_MEM_CALL);
	p->nick = nick ? ly_strdup(nick, LY_MEM_CALL) : NULL;
}

int ly_part_create(struct ly_focus_call *c, struct ly_stanza *iq, const char *device,
		   const char *move)
{
	struct ly_focus_home *fh = c->at;
	struct ly_focus_part *p = ly_alloc(sizeof(*p), LY_MEM_CALL);
	int err;

	if (p == NULL)
		return -ENOMEM;
	p->call = c;
	p->timer.fire = on_timer;
	p->jid = ly_strdup(iq->from.full, LY_MEM_CALL);
	p->user = ly_strdup(iq->from.bare, LY_MEM_CALL);
	p->device = ly_strdup(device, LY_MEM_CALL);
	p->joined_wall = ly_home_wall(fh->home);
	ly_claim_init(&p->claim, ly_home_now(fh->home), ++fh->next_claim << 8 | fh->index);
	err = p->jid && p->user && p->device ? 0 : -ENOMEM;
	if (!err)
		err = ly_map_put_num(&fh->claims, p->claim.id, p);
	if (!err && fh->focus->conf.one_active_call)
		err = ly_slots_claim(p, move);
	if (err) {
		part_free(p);
		return err;
	}
	p->pending = iq;
	ly_list_add_tail(&c->parts, &p->link);
	c->n_parts++;
	atomic_fetch_add(&fh->focus->parts, 1);
	if (!fh->focus->conf.one_active_call)
		ly_part_granted(p);
	else
		(void)ly_home_timer_set(fh->home, &p->timer, ly_claim_deadline(&p->claim));
	return 0;
}

/* Letters, digits and '_': an endpoint's id goes into URLs, and before the '-' of source names. */
static bool nick_is_fit(const char *nick)
{
	size_t len = strlen(nick);

	return len > 0 && len < LY_SFU_ID_MAX && strcmp(nick, "jvb") != 0 &&
	       strspn(nick, "0123456789abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == len;
}

/* Whether it can be an endpoint under this nick; NULL: it is not in the room yet. */
static bool nick_may_join(struct ly_focus_part *p, const char *nick)
{
	if (nick == NULL || (nick_is_fit(nick) && ly_call_part_by_endpoint(p->call, nick) == NULL))
		return true;
	ly_log(&ly_focus_log, LY_WARN, "bad_nick", "jid=%s room=%s", p->jid, p->call->room);
	return false;
}

void ly_part_granted(struct ly_focus_part *p)
{
	struct ly_focus_call *c = p->call;
	int err;

	if (p->state != LY_PART_CLAIMING)
		return;
	p->state = LY_PART_GRANTED;
	err = ly_call_start(c);
	if (err) {
		ly_log(&ly_focus_log, LY_ERROR, "call_failed", "room=%s error=%s", c->room,
		       ly_err_name(err));
		ly_part_end(p, LY_CALL_ENDED, "the call cannot be started now", NULL, 0);
		return;
	}
	if (!c->agent_joined)
		return;
	if (!nick_may_join(p, ly_focus_nick_of(c, p->jid))) {
		ly_part_end(p, LY_CALL_REVOKED, BAD_NICK, NULL, 0);
	} else {
		ly_part_answer_ready(p);
		ly_part_invite(p);
	}
}

void ly_part_answer_ready(struct ly_focus_part *p)
{
	struct ly_focus *f = p->call->at->focus;
	struct ly_stanza *iq = p->pending;
	struct ly_build b;

	if (iq == NULL)
		return;
	p->pending = NULL;
	b = ly_iq_result(iq);
	ly_build_open(&b, LY_NS_FOCUS, "conference");
	ly_build_attr(&b, "room", p->call->room);
	ly_build_attr(&b, "ready", "true");
	ly_build_attr_fmt(&b, "focusjid", "focus@%s", f->domain);
	ly_build_attr(&b, "id", p->call->id);
	ly_build_close(&b);
	ly_route_build(p->call->at->home, iq->doc, &b);
}

static void make_secrets(struct ly_focus_part *p)
{
	struct ly_rand *rand = ly_home_rand(p->call->at->home);
	uint8_t id[16];

	ly_rand_text(rand, p->ufrag, sizeof(p->ufrag) - 1);
	ly_rand_text(rand, p->pwd, sizeof(p->pwd) - 1);
	ly_rand_text(rand, p->bridge_pwd, sizeof(p->bridge_pwd) - 1);
	ly_rand_bytes(rand, id, sizeof(id));
	ly_hex_encode(p->sid, sizeof(p->sid), ly_span(id, 8));
	ly_hex_encode(p->session, sizeof(p->session), ly_span(id + 8, 8));
	do {
		p->own_audio_ssrc = ly_rand_u32(rand);
		p->own_video_ssrc = ly_rand_u32(rand);
	} while (p->own_audio_ssrc == 0 || p->own_video_ssrc == 0);
}

/* Sources of everybody who is in the call, for the offer. @return how many */
static size_t gather(struct ly_focus_part *p, struct ly_focus_published *out, size_t cap)
{
	size_t n = 0;

	LY_LIST_EACH (it, tmp, &p->call->parts) {
		struct ly_focus_part *o = LY_LIST_ENTRY(it, struct ly_focus_part, link);

		if (o != p && o->sources.n > 0 && n < cap)
			out[n++] = (struct ly_focus_published) { o->endpoint, &o->sources };
	}
	return n;
}

static int add_endpoint(struct ly_focus_part *p)
{
	struct ly_sfu_endpoint_conf conf = { .own_audio_ssrc = p->own_audio_ssrc,
					     .own_video_ssrc = p->own_video_ssrc };
	int err;

	snprintf(conf.id, sizeof(conf.id), "%s", p->endpoint);
	snprintf(conf.ufrag, sizeof(conf.ufrag), "%s", p->ufrag);
	snprintf(conf.pwd, sizeof(conf.pwd), "%s", p->pwd);
	err = ly_media_add_endpoint(p->call->at->focus->media, p->call->conf, &conf);
	ly_wipe(&conf, sizeof(conf));
	return err;
}

static int send_offer(struct ly_focus_part *p)
{
	struct ly_focus_call *c = p->call;
	struct ly_focus *f = c->at->focus;
	struct ly_addr candidates[LY_MEDIA_MAX_ADDRS];
	struct ly_focus_published *others;
	char url[512];
	struct ly_focus_offer offer = {
		.sid = p->sid,
		.initiator = ly_muc_agent_jid(c->agent),
		.bridge_session = p->session,
		.own_audio_ssrc = p->own_audio_ssrc,
		.own_video_ssrc = p->own_video_ssrc,
		.transport = { .ufrag = p->ufrag,
			       .pwd = p->pwd,
			       .fingerprint = ly_media_fingerprint(f->media),
			       .candidates = candidates,
			       .websocket = url },
	};
	struct ly_xml_doc *doc;
	struct ly_build b;

	others = ly_alloc(c->n_parts * sizeof(*others), LY_MEM_CALL);
	if (others == NULL)
		return -ENOMEM;
	snprintf(url, sizeof(url), "%s/colibri-ws/%u/%s/%s?pwd=%s", f->public_url, c->at->index,
		 c->id, p->endpoint, p->bridge_pwd);
	offer.transport.n_candidates =
		ly_media_candidates(f->media, c->thread, candidates, LY_COUNTOF(candidates));
	doc = ly_part_open_iq(&b);
	if (doc != NULL)
		ly_focus_write_initiate(&b, &offer, others, gather(p, others, c->n_parts));
	ly_part_send(p, doc, &b);
	ly_free(others, LY_MEM_CALL);
	return 0;
}

void ly_part_invite(struct ly_focus_part *p)
{
	struct ly_focus_call *c = p->call;
	const char *nick = ly_focus_nick_of(c, p->jid);
	int err;

	if (p->state != LY_PART_GRANTED || !c->agent_joined || nick == NULL)
		return;
	if (!nick_may_join(p, nick)) {
		/* It was told "ready" and has no session that could be ended: so the room says it.
		 */
		(void)ly_muc_agent_kick(c->agent, nick, BAD_NICK);
		ly_part_end(p, LY_CALL_REVOKED, BAD_NICK, NULL, 0);
		return;
	}
	ly_part_set_nick(p, nick);
	snprintf(p->endpoint, sizeof(p->endpoint), "%s", nick);
	make_secrets(p);
	p->generation = 0;
	p->state = LY_PART_INVITED;
	err = add_endpoint(p);
	if (!err)
		err = send_offer(p);
	if (err)
		ly_part_end(p, LY_CALL_ENDED, "the server could not set up the media", NULL,
			    LY_PART_TELL);
}

static void send_terminate(struct ly_focus_part *p, enum ly_call_end end, const char *text,
			   const char *moved_to)
{
	static const char *const reasons[] = { "success", "gone", "connectivity-error", "gone",
					       "gone" };
	struct ly_build b;
	struct ly_xml_doc *doc = ly_part_open_iq(&b);

	if (doc != NULL)
		ly_focus_write_terminate(&b, p->sid, reasons[end], text, moved_to);
	ly_part_send(p, doc, &b);
}

static void refuse_pending(struct ly_focus_part *p, const char *text)
{
	struct ly_stanza *iq = p->pending;

	p->pending = NULL;
	if (iq != NULL)
		ly_bounce(p->call->at->home, iq, LY_RESOURCE_CONSTRAINT, text);
}

void ly_part_end(struct ly_focus_part *p, enum ly_call_end end, const char *text,
		 const char *moved_to, unsigned flags)
{
	struct ly_focus_call *c = p->call;
	struct ly_focus *f = c->at->focus;

	ly_log(&ly_focus_log, LY_INFO, "left", "room=%s jid=%s endpoint=%s reason=%s", c->room,
	       p->jid, p->endpoint, ly_call_end_name(end));
	refuse_pending(p, text);
	if (p->state >= LY_PART_INVITED) {
		if ((flags & LY_PART_TELL) && c->agent_joined && p->nick != NULL)
			send_terminate(p, end, text, moved_to);
		ly_media_remove_endpoint(f->media, c->conf, p->endpoint);
		if (c->agent_joined && !c->ending) /* when all go, nobody needs to know */
			ly_announce(p, "source-remove", &p->sources);
		if (strcmp(c->dominant, p->endpoint) == 0)
			c->dominant[0] = 0;
	}
	ly_bridge_detach(p);
	ly_slots_send(p, ly_claim_stop(&p->claim, end));
	ly_list_del(&p->link);
	c->n_parts--;
	atomic_fetch_sub(&f->parts, 1);
	part_free(p);
	ly_call_check_empty(c);
}
