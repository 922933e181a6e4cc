/* An endpoint's transport: addresses, ICE, DTLS, and the SRTP sessions that come of them. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "media/demux/demux.h"
#include "sfu/sfu_priv.h"

#define LOST_DEFAULT LY_SEC(15)
#define CONNECT_DEFAULT LY_SEC(30)
/* SSRCs a peer may use: its sources with RTX, and some that were replaced. */
#define SRTP_MAX_SSRCS 64
/* Packets of somebody who has left are on their way for so long without a line in the log. */
#define GONE_FOR LY_SEC(30)

static const char *const state_names[] = { "checking", "connected", "disconnected", "failed" };
static const char *const reason_names[] = {
	"", "never-connected", "consent-lost", "dtls-failed", "dtls-closed", "fingerprint"
};

void sfu_set_state(struct ly_sfu *s, struct sfu_endpoint *ep, enum ly_sfu_endpoint_state state,
		   enum ly_sfu_reason reason)
{
	if (ep->state == state || ep->state == LY_SFU_FAILED)
		return;
	ep->state = state;
	ep->reason = reason;
	ep->ev_state = true;
	if (state == LY_SFU_CONNECTED)
		ep->connect_by = LY_NEVER;
	if (state == LY_SFU_FAILED)
		ep->is_ready = false;
	ly_log(&ep->log, LY_INFO, "endpoint-state", "state=%s reason=%s", state_names[state],
	       reason_names[reason]);
	sfu_ep_event(s, ep);
}

static bool has_just_gone(const struct ly_sfu *s, const struct ly_addr *from)
{
	for (unsigned i = 0; i < SFU_MAX_GONE; i++)
		if (s->now - s->gone_at[i] < GONE_FOR && ly_addr_equal(&s->gone[i], from))
			return true;
	return false;
}

void sfu_stranger(struct ly_sfu *s, const struct ly_addr *from, const char *what, uint32_t ssrc)
{
	char text[LY_ADDR_MAX];

	if (ssrc == 0 && has_just_gone(s, from))
		return;
	s->log_dropped++;
	if (s->logged_at && s->now - s->logged_at < LY_SEC(1))
		return;
	ly_log(&s->log, LY_WARN, "dropped", "why=%s from=%s ssrc=%u dropped=%llu", what,
	       from ? ly_addr_format(from, text, sizeof(text)) : "", ssrc,
	       (unsigned long long)s->log_dropped);
	s->logged_at = s->now;
	s->log_dropped = 0;
}

/* ---- addresses ---- */

static struct ly_span addr_key(const struct ly_addr *a)
{
	return ly_span(a, sizeof(*a));
}

struct sfu_path *sfu_path_find(struct ly_sfu *s, const struct ly_addr *addr)
{
	if (s->last_path == NULL || !ly_addr_equal(&s->last_path->addr, addr))
		s->last_path = ly_map_find(&s->paths, addr_key(addr));
	return s->last_path;
}

static void path_free(struct ly_sfu *s, struct sfu_path *p)
{
	s->gone[s->next_gone] = p->addr;
	s->gone_at[s->next_gone] = s->now;
	s->next_gone = (s->next_gone + 1) % SFU_MAX_GONE;
	ly_map_del(&s->paths, addr_key(&p->addr));
	ly_list_del(&p->node);
	p->ep->n_paths--;
	if (s->last_path == p)
		s->last_path = NULL;
	ly_free(p, LY_MEM_SFU);
}

/* The path unheard for longest goes when there are too many; never the selected one. */
static void path_evict(struct ly_sfu *s, struct sfu_endpoint *ep)
{
	struct sfu_path *oldest = NULL;

	LY_LIST_EACH (it, tmp, &ep->paths) {
		struct sfu_path *p = LY_LIST_ENTRY(it, struct sfu_path, node);

		if (!ly_addr_equal(&p->addr, &ep->dst) && (!oldest || p->heard < oldest->heard))
			oldest = p;
	}
	if (oldest)
		path_free(s, oldest);
}

/* The peer has proven to be at this address. An address may change hands: a page that was
 * reloaded may get the same port. */
static void path_learn(struct ly_sfu *s, struct sfu_endpoint *ep, const struct ly_sfu_in *in,
		       ly_usec now)
{
	struct sfu_path *p = sfu_path_find(s, &in->from);

	if (p && p->ep == ep) {
		p->local = in->local;
		p->heard = now;
		return;
	}
	if (p)
		path_free(s, p);
	if (ep->n_paths >= SFU_MAX_PATHS)
		path_evict(s, ep);
	p = ly_alloc(sizeof(*p), LY_MEM_SFU);
	if (p == NULL)
		return;
	p->addr = in->from;
	p->ep = ep;
	p->local = in->local;
	p->heard = now;
	if (ly_map_put(&s->paths, addr_key(&p->addr), p)) {
		ly_free(p, LY_MEM_SFU);
		return;
	}
	ly_list_add_tail(&ep->paths, &p->node);
	ep->n_paths++;
	s->last_path = p;
}

static uint8_t local_of(struct ly_sfu *s, const struct ly_addr *addr)
{
	struct sfu_path *p = sfu_path_find(s, addr);

	return p ? p->local : s->conf.local_of[addr->family == 6];
}

/* ---- life ---- */

static int put_ufrag(struct ly_sfu *s, struct sfu_endpoint *ep, const char *ufrag)
{
	snprintf(ep->ufrag, sizeof(ep->ufrag), "%s", ufrag);
	return ly_map_put(&s->ufrags, ly_span_str(ep->ufrag), ep);
}

static void del_ufrag(struct ly_sfu *s, struct sfu_endpoint *ep, char *ufrag)
{
	if (ufrag[0] && ly_map_find_str(&s->ufrags, ufrag) == ep)
		ly_map_del(&s->ufrags, ly_span_str(ufrag));
	ufrag[0] = '\0';
}

int sfu_transport_init(struct ly_sfu *s, struct sfu_endpoint *ep,
		       const struct ly_sfu_endpoint_conf *conf, ly_usec now)
{
	ly_usec lost = s->conf.lost_after;
	struct ly_ice_conf ice = {
		.stun = s->stun,
		.rand = s->conf.rand,
		.ufrag = conf->ufrag,
		.pwd = conf->pwd,
		.controlling = true, /* we send the offer (RFC 8445 s. 6.1.1) */
		.consent_timeout = lost,
		.consent_interval = LY_MIN(LY_SEC(5), lost / 5),
		.log_id = ep->id,
	};
	int err;

	do {
		ep->tag = ++s->next_tag;
	} while (ep->tag == 0 || ly_map_find_num(&s->tags, ep->tag));
	ice.tag = ep->tag;
	err = ly_ice_create(&ep->ice, &ice, now);
	if (err == 0)
		err = ly_map_put_num(&s->tags, ep->tag, ep);
	if (err == 0)
		err = put_ufrag(s, ep, conf->ufrag);
	return err;
}

void sfu_transport_fini(struct ly_sfu *s, struct sfu_endpoint *ep)
{
	LY_LIST_EACH (it, tmp, &ep->paths)
		path_free(s, LY_LIST_ENTRY(it, struct sfu_path, node));
	if (ly_map_find_num(&s->tags, ep->tag) == ep)
		ly_map_del_num(&s->tags, ep->tag);
	del_ufrag(s, ep, ep->ufrag);
	del_ufrag(s, ep, ep->old_ufrag);
	ly_srtp_out_destroy(ep->srtp_out);
	ly_srtp_destroy(ep->srtp);
	ly_dtls_destroy(ep->dtls);
	ly_ice_destroy(ep->ice);
	ly_wipe(&ep->remote, sizeof(ep->remote));
	ep->srtp_out = NULL;
	ep->srtp = NULL;
	ep->dtls = NULL;
	ep->ice = NULL;
}

static void dtls_drain(struct ly_sfu *s, struct sfu_endpoint *ep)
{
	struct ly_span out;

	while (ep->dtls && ly_dtls_poll(ep->dtls, &out))
		if (ep->dst.family)
			sfu_ctl_send(s, &ep->dst, ep->local, out);
}

void sfu_transport_close(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	if (ep->dtls == NULL || !ep->dst.family)
		return;
	ly_dtls_close(ep->dtls, now);
	dtls_drain(s, ep);
	ep->is_ready = false;
}

static int dtls_make(struct ly_sfu *s, struct sfu_endpoint *ep, enum ly_dtls_role role)
{
	return ep->dtls ? 0 : ly_dtls_create(&ep->dtls, s->conf.dtls, role, ep->id);
}

static int check_remote(const struct ly_sfu_remote *r)
{
	size_t ufrag = strnlen(r->ufrag, sizeof(r->ufrag));
	size_t pwd = strnlen(r->pwd, sizeof(r->pwd));

	if (ufrag < LY_ICE_UFRAG_MIN || ufrag > LY_ICE_CRED_MAX || pwd < LY_ICE_PWD_MIN ||
	    pwd > LY_ICE_CRED_MAX || strnlen(r->hash, sizeof(r->hash)) == sizeof(r->hash) ||
	    strnlen(r->fingerprint, sizeof(r->fingerprint)) == sizeof(r->fingerprint))
		return -EINVAL;
	return 0;
}

int ly_sfu_set_remote(struct ly_sfu *s, uint64_t conf, const char *id,
		      const struct ly_sfu_remote *remote, ly_usec now)
{
	struct sfu_endpoint *ep;
	int err = sfu_find(s, conf, id, &ep);

	if (err == 0)
		err = check_remote(remote);
	if (err)
		return err;
	s->now = now;
	err = dtls_make(s, ep,
			remote->setup == LY_SFU_SETUP_PASSIVE ? LY_DTLS_CLIENT : LY_DTLS_SERVER);
	if (err == 0)
		err = ly_ice_set_remote(ep->ice, now, remote->ufrag, remote->pwd, false);
	if (err == 0) {
		err = ly_dtls_set_fingerprint(ep->dtls, now, remote->hash, remote->fingerprint);
		if (err == -EACCES) { /* told by the state */
			sfu_set_state(s, ep, LY_SFU_FAILED, LY_SFU_REASON_FINGERPRINT);
			err = 0;
		}
	}
	if (err == 0) {
		if (!ep->has_remote && ep->state == LY_SFU_CHECKING)
			ep->connect_by = now + s->conf.connect_within;
		ep->remote = *remote;
		ep->has_remote = true;
	}
	sfu_touch(s, ep);
	sfu_settle(s, now);
	return err;
}

int ly_sfu_add_candidate(struct ly_sfu *s, uint64_t conf, const char *id,
			 const struct ly_addr *addr, ly_usec now)
{
	struct sfu_endpoint *ep;
	int err = sfu_find(s, conf, id, &ep);

	if (err)
		return err;
	s->now = now;
	err = ly_ice_add_remote(ep->ice, now, addr, 0);
	sfu_touch(s, ep);
	sfu_settle(s, now);
	return err;
}

int ly_sfu_ice_restart(struct ly_sfu *s, uint64_t conf, const char *id, const char *ufrag,
		       const char *pwd, ly_usec now)
{
	struct sfu_endpoint *ep;
	int err = sfu_find(s, conf, id, &ep);

	if (err)
		return err;
	if (ly_map_find_str(&s->ufrags, ufrag))
		return -EEXIST;
	s->now = now;
	err = ly_ice_restart(ep->ice, now, ufrag, pwd);
	if (err)
		return err;
	/* the old name stays known: its checks are answered until a new pair works */
	del_ufrag(s, ep, ep->old_ufrag);
	ly_map_del(&s->ufrags, ly_span_str(ep->ufrag));
	memcpy(ep->old_ufrag, ep->ufrag, sizeof(ep->old_ufrag));
	err = ly_map_put(&s->ufrags, ly_span_str(ep->old_ufrag), ep);
	if (err == 0)
		err = put_ufrag(s, ep, ufrag);
	ly_log(&ep->log, LY_INFO, "ice-restart", "conference=%s", ep->conf->name);
	sfu_touch(s, ep);
	sfu_settle(s, now);
	return err;
}

/* ---- running ---- */

static void ice_drain(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	struct ly_ice_out out;

	while (ly_ice_poll(ep->ice, now, &out)) {
		switch (out.kind) {
		case LY_ICE_SEND:
			sfu_ctl_send(s, &out.dst, local_of(s, &out.dst), out.data);
			break;
		case LY_ICE_SELECTED:
			ep->dst = out.dst;
			ep->local = local_of(s, &out.dst);
			break;
		case LY_ICE_STATE:
			if (out.state == LY_ICE_FAILED)
				sfu_set_state(s, ep, LY_SFU_FAILED, LY_SFU_REASON_CONSENT_LOST);
			break;
		}
	}
}

void sfu_stun_in(struct ly_sfu *s, const struct ly_sfu_in *in, ly_usec now)
{
	struct ly_span pkt = ly_span(in->data, in->len);
	struct ly_stun_peek peek;
	struct sfu_endpoint *ep;
	int err;

	if (ly_stun_peek(&peek, pkt)) {
		s->n.dropped_malformed++;
		return;
	}
	if (peek.cls == LY_STUN_REQUEST)
		ep = ly_map_find(&s->ufrags, peek.local_ufrag);
	else
		ep = ly_map_find_num(&s->tags, peek.tag);
	if (ep == NULL) {
		s->n.dropped_unknown_address++;
		sfu_stranger(s, &in->from, "unknown-ufrag", 0);
		return;
	}
	err = ly_ice_recv(ep->ice, now, &in->from, pkt);
	if (err == 0)
		path_learn(s, ep, in, now);
	else if (err == -EACCES)
		s->n.dropped_auth++;
	else
		s->n.dropped_malformed++;
	ice_drain(s, ep, now); /* the answer leaves from the address that was asked */
	sfu_touch(s, ep);
}

void sfu_dtls_in(struct ly_sfu *s, struct sfu_path *path, struct ly_span pkt, ly_usec now)
{
	struct sfu_endpoint *ep = path->ep;

	/* A ClientHello may overtake the answer (RFC 5763 s. 5): then we are the server. */
	if (dtls_make(s, ep, LY_DTLS_SERVER))
		return;
	if (!ep->dst.family) { /* until a pair is selected */
		ep->dst = path->addr;
		ep->local = path->local;
	}
	if (ly_dtls_recv(ep->dtls, now, pkt))
		s->n.dropped_malformed++;
	sfu_touch(s, ep);
}

static int keys_in(struct ly_sfu *s, struct sfu_endpoint *ep)
{
	struct ly_srtp_keys keys;
	int err = ly_dtls_get_keys(ep->dtls, &keys);

	if (err)
		return err;
	ep->trailer = keys.profile == LY_SRTP_AES128_CM_SHA1_80 ? 10 : 16;
	err = ly_srtp_create(&ep->srtp, &keys, SRTP_MAX_SSRCS);
	if (err == 0)
		err = ly_srtp_out_create(&ep->srtp_out, s->engine, &keys);
	if (err)
		ly_srtp_destroy(ep->srtp);
	if (err)
		ep->srtp = NULL;
	else
		ly_log(&ep->log, LY_DEBUG, "keyed", "profile=%s",
		       ly_srtp_profile_name(keys.profile));
	ly_wipe(&keys, sizeof(keys));
	return err;
}

static void follow_dtls(struct ly_sfu *s, struct sfu_endpoint *ep)
{
	switch (ly_dtls_state(ep->dtls)) {
	case LY_DTLS_READY:
		if (ep->srtp_out == NULL && keys_in(s, ep))
			sfu_set_state(s, ep, LY_SFU_FAILED, LY_SFU_REASON_DTLS_FAILED);
		if (ep->srtp_out && ly_ice_selected(ep->ice) && ep->state == LY_SFU_CHECKING) {
			ep->is_ready = true;
			ep->conf->is_stale = true;
			sfu_set_state(s, ep, LY_SFU_CONNECTED, LY_SFU_REASON_NONE);
		}
		break;
	case LY_DTLS_CLOSED:
		sfu_set_state(s, ep, LY_SFU_FAILED, LY_SFU_REASON_DTLS_CLOSED);
		break;
	case LY_DTLS_FAILED:
		ly_log(&ep->log, LY_WARN, "dtls-failed", "why=%s", ly_dtls_error(ep->dtls));
		sfu_set_state(s, ep, LY_SFU_FAILED,
			      strstr(ly_dtls_error(ep->dtls), "fingerprint")
				      ? LY_SFU_REASON_FINGERPRINT
				      : LY_SFU_REASON_DTLS_FAILED);
		break;
	default:
		break;
	}
}

static void follow_silence(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	struct ly_ice_stats st;

	if (now >= ep->connect_by)
		sfu_set_state(s, ep, LY_SFU_FAILED, LY_SFU_REASON_NEVER_CONNECTED);
	if (ep->state != LY_SFU_CONNECTED && ep->state != LY_SFU_DISCONNECTED)
		return;
	if (ep->state == LY_SFU_CONNECTED && now - ep->heard < LY_SEC(1))
		return;
	ly_ice_get_stats(ep->ice, &st);
	if (now - st.last_heard >= s->conf.lost_after / 3 + st.rtt)
		sfu_set_state(s, ep, LY_SFU_DISCONNECTED, LY_SFU_REASON_CONSENT_LOST);
	else
		sfu_set_state(s, ep, LY_SFU_CONNECTED, LY_SFU_REASON_NONE);
}

void sfu_transport_run(struct ly_sfu *s, struct sfu_endpoint *ep, ly_usec now)
{
	if (ep->state == LY_SFU_FAILED)
		return;
	if (ly_ice_deadline(ep->ice) <= now)
		ly_ice_tick(ep->ice, now);
	ice_drain(s, ep, now);
	if (ep->dtls) {
		if (ep->dst.family && ep->has_remote && ep->remote.setup == LY_SFU_SETUP_PASSIVE &&
		    ly_dtls_state(ep->dtls) == LY_DTLS_NEW)
			(void)ly_dtls_start(ep->dtls, now);
		if (ly_dtls_deadline(ep->dtls) <= now)
			ly_dtls_tick(ep->dtls, now);
		dtls_drain(s, ep);
		if (!ep->is_ready || ly_dtls_state(ep->dtls) != LY_DTLS_READY)
			follow_dtls(s, ep);
	}
	follow_silence(s, ep, now);
}

ly_usec sfu_transport_deadline(const struct sfu_endpoint *ep)
{
	ly_usec at = ep->connect_by;

	if (ep->state == LY_SFU_FAILED)
		return LY_NEVER;
	at = LY_MIN(at, ly_ice_deadline(ep->ice));
	if (ep->dtls)
		at = LY_MIN(at, ly_dtls_deadline(ep->dtls));
	return at;
}
