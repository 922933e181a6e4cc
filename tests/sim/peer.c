#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "media/demux/demux.h"
#include "tests/sim/sim.h"

#define MEDIA_INTERVAL LY_MS(20)

void sim_peer_init(struct sim_peer *p, struct sim_net *net, const struct sim_peer_conf *conf)
{
	struct ly_ice_conf ice = {
		.rand = &p->rand,
		.ufrag = conf->ufrag,
		.pwd = conf->pwd,
		.controlling = conf->controlling,
		.tag = (uint32_t)conf->seed * 0x01010101u,
		.consent_timeout = conf->consent_timeout,
		.log_id = conf->ip,
	};
	int err;

	*p = (struct sim_peer) { .net = net, .addr = sim_addr(conf->ip, conf->port) };
	ly_rand_seeded(&p->rand, conf->seed);
	err = ly_stun_create(&p->stun);
	ice.stun = p->stun;
	err = err ? err : ly_ice_create(&p->ice, &ice, net->now);
	err = err ? err : ly_dtls_ctx_create(&p->dtls_ctx);
	err = err ? err : ly_dtls_create(&p->dtls, p->dtls_ctx, conf->role, conf->ip);
	err = err ? err : ly_srtp_engine_create(&p->engine, conf->engine);
	assert(err == 0);
	(void)err;
}

void sim_peer_fini(struct sim_peer *p)
{
	ly_srtp_out_destroy(p->out);
	ly_srtp_destroy(p->in);
	ly_srtp_engine_destroy(p->engine);
	ly_dtls_destroy(p->dtls);
	ly_dtls_ctx_destroy(p->dtls_ctx);
	ly_ice_destroy(p->ice);
	ly_stun_destroy(p->stun);
}

static void recv_media(struct sim_peer *p, const struct sim_datagram *d)
{
	_Alignas(8) uint8_t pkt[SIM_MTU];
	size_t len = d->len;
	int err;

	if (p->in == NULL)
		return;
	memcpy(pkt, d->data, len);
	err = ly_srtp_unprotect(p->in, pkt, &len);
	if (err == -EEXIST)
		p->replayed++;
	else if (err)
		p->refused++;
	else
		p->received++;
}

void sim_peer_recv(struct sim_peer *p, const struct sim_datagram *d)
{
	struct ly_span pkt = ly_span(d->data, d->len);

	switch (ly_demux(pkt)) {
	case LY_PROTO_STUN:
		if (ly_ice_recv(p->ice, p->net->now, &d->src, pkt) != 0)
			p->refused++;
		break;
	case LY_PROTO_DTLS:
		if (ly_ice_heard(p->ice, p->net->now, &d->src))
			(void)ly_dtls_recv(p->dtls, p->net->now, pkt);
		break;
	case LY_PROTO_RTP:
		if (ly_ice_heard(p->ice, p->net->now, &d->src))
			recv_media(p, d);
		break;
	default:
		p->refused++;
		break;
	}
}

static void start_srtp(struct sim_peer *p)
{
	struct ly_srtp_keys keys;
	int err;

	if (p->in || ly_dtls_get_keys(p->dtls, &keys) != 0)
		return;
	p->ready_at = p->net->now;
	err = ly_srtp_create(&p->in, &keys, 8);
	err = err ? err : ly_srtp_out_create(&p->out, p->engine, &keys);
	assert(err == 0);
	(void)err;
}

static void send_media(struct sim_peer *p)
{
	_Alignas(8) uint8_t pkt[256] = { 0x80, 111 };
	const struct ly_addr *dst = ly_ice_selected(p->ice);
	struct ly_srtp_job job = { p->out, pkt, 180, sizeof(pkt), 0, 0, 0 };

	if (!p->send_media || p->out == NULL || dst == NULL || p->net->now < p->next_media)
		return;
	p->next_media = p->net->now + MEDIA_INTERVAL;
	job.index = 1000 + p->index++;
	pkt[2] = (uint8_t)(job.index >> 8);
	pkt[3] = (uint8_t)job.index;
	pkt[11] = 7; /* SSRC */
	if (ly_srtp_protect(p->engine, &job, 1) == 1)
		sim_send(p->net, &p->addr, dst, ly_span(pkt, job.len));
}

static void ice_output(struct sim_peer *p)
{
	struct ly_ice_out out;

	while (ly_ice_poll(p->ice, p->net->now, &out)) {
		if (out.kind == LY_ICE_SEND) {
			sim_send(p->net, &p->addr, &out.dst, out.data);
			continue;
		}
		if (out.kind != LY_ICE_STATE)
			continue;
		if (p->n_states < LY_COUNTOF(p->states))
			p->states[p->n_states++] = out.state;
		if (out.state == LY_ICE_NOMINATED)
			p->nominated_at = p->net->now;
		if (out.state == LY_ICE_FAILED)
			p->failed_at = p->net->now;
		if (out.state == LY_ICE_CONNECTED)
			(void)ly_dtls_start(p->dtls, p->net->now);
	}
}

void sim_peer_work(struct sim_peer *p)
{
	const struct ly_addr *dst;
	struct ly_span data;

	ly_ice_tick(p->ice, p->net->now);
	ice_output(p);
	ly_dtls_tick(p->dtls, p->net->now);
	dst = ly_ice_selected(p->ice);
	while (dst && ly_dtls_poll(p->dtls, &data))
		sim_send(p->net, &p->addr, dst, data);
	start_srtp(p);
	send_media(p);
}

ly_usec sim_peer_deadline(const struct sim_peer *p)
{
	ly_usec at = LY_MIN(ly_ice_deadline(p->ice), ly_dtls_deadline(p->dtls));

	return p->send_media && p->out && ly_ice_selected(p->ice) ? LY_MIN(at, p->next_media) : at;
}

void sim_signal(struct sim_peer *a, struct sim_peer *b)
{
	ly_usec now = a->net->now;

	(void)ly_ice_set_remote(a->ice, now, ly_ice_ufrag(b->ice), ly_ice_pwd(b->ice), false);
	(void)ly_ice_set_remote(b->ice, now, ly_ice_ufrag(a->ice), ly_ice_pwd(a->ice), false);
	(void)ly_ice_add_remote(a->ice, now, &b->addr, 2130706431u);
	(void)ly_dtls_set_fingerprint(a->dtls, now, "sha-256",
				      ly_dtls_ctx_fingerprint(b->dtls_ctx));
	(void)ly_dtls_set_fingerprint(b->dtls, now, "sha-256",
				      ly_dtls_ctx_fingerprint(a->dtls_ctx));
}

struct pair {
	struct sim_peer *a, *b;
};

static void deliver(void *ctx, const struct sim_datagram *d)
{
	struct pair *pair = ctx;
	struct sim_peer *to = ly_addr_equal(&d->dst, &pair->a->addr)   ? pair->a
			      : ly_addr_equal(&d->dst, &pair->b->addr) ? pair->b
								       : NULL;

	if (to == NULL)
		return;
	sim_peer_recv(to, d);
	sim_peer_work(to);
}

void sim_run(struct sim_net *net, struct sim_peer *a, struct sim_peer *b, ly_usec until,
	     bool (*done)(struct sim_peer *a, struct sim_peer *b))
{
	struct pair pair = { a, b };

	net->ctx = &pair;
	net->deliver = deliver;
	while (net->now < until && !(done && done(a, b))) {
		ly_usec next;

		sim_peer_work(a);
		sim_peer_work(b);
		next = LY_MIN(sim_next(net), LY_MIN(sim_peer_deadline(a), sim_peer_deadline(b)));
		next = LY_MAX(next,
			      net->now + 1); /* a deadline that has passed must not stop time */
		sim_advance(net, LY_MIN(next, until));
	}
}
