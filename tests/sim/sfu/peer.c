#include "tests/sim/sfu/peer.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "codecs/vp8/vp8.h"
#include "media/demux/demux.h"
#include "media/rtcp/rtcp.h"
#include "media/rtp/rtp.h"

#define MAX_PACKET 1200
#define AUDIO_BYTES 80

int peer_env_init(struct peer_env *env, struct ly_rand *rand)
{
	int err;

	memset(env, 0, sizeof(*env));
	env->rand = rand;
	err = ly_stun_create(&env->stun);
	if (err == 0)
		err = ly_dtls_ctx_create(&env->dtls);
	if (err == 0)
		err = ly_srtp_engine_create(&env->engine, NULL);
	return err;
}

void peer_env_fini(struct peer_env *env)
{
	ly_srtp_engine_destroy(env->engine);
	ly_dtls_ctx_destroy(env->dtls);
	ly_stun_destroy(env->stun);
}

int peer_init(struct peer *p, struct peer_env *env, const char *id, unsigned index, ly_usec now)
{
	struct ly_ice_conf ice = { .stun = env->stun, .rand = env->rand, .tag = index + 1 };
	int err;

	memset(p, 0, sizeof(*p));
	p->env = env;
	p->index = index;
	snprintf(p->id, sizeof(p->id), "%s", id);
	ly_rand_text(env->rand, p->ufrag, 8);
	ly_rand_text(env->rand, p->pwd, 24);
	ice.ufrag = p->ufrag;
	ice.pwd = p->pwd;
	ice.log_id = p->id;
	err = ly_ice_create(&p->ice, &ice, now);
	if (err == 0)
		err = ly_dtls_create(&p->dtls, env->dtls, LY_DTLS_CLIENT, p->id);
	p->audio_ssrc = 1000 + index * 10;
	p->video.ssrc = 1001 + index * 10;
	p->video.rtx_ssrc = 1002 + index * 10;
	p->video.index = 1 + ly_rand_below(env->rand, 30000);
	p->video.rtx_index = 1 + ly_rand_below(env->rand, 30000);
	p->audio_index = 1 + ly_rand_below(env->rand, 30000);
	p->video.pic = (uint16_t)ly_rand_below(env->rand, 0x8000);
	p->video.key = true;
	p->audio_level = 40;
	p->video_bps = 600000;
	p->fps = 30;
	p->decrypt_every = 1;
	p->next_audio = p->next_frame = p->next_report = LY_NEVER;
	ly_twcc_recv_init(&p->twcc, 0);
	return err;
}

void peer_fini(struct peer *p)
{
	ly_srtp_out_destroy(p->srtp_out);
	ly_srtp_destroy(p->srtp);
	ly_dtls_destroy(p->dtls);
	ly_ice_destroy(p->ice);
}

int peer_set_server(struct peer *p, const struct ly_addr *at, const char *ufrag, const char *pwd,
		    const char *fingerprint, ly_usec now)
{
	int err = ly_ice_set_remote(p->ice, now, ufrag, pwd, false);

	p->server = *at;
	if (err == 0)
		err = ly_ice_add_remote(p->ice, now, at, 0);
	if (err == 0)
		err = ly_dtls_set_fingerprint(p->dtls, now, "sha-256", fingerprint);
	return err;
}

void peer_describe(const struct peer *p, struct ly_sfu_remote *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->ufrag, sizeof(out->ufrag), "%s", p->ufrag);
	snprintf(out->pwd, sizeof(out->pwd), "%s", p->pwd);
	snprintf(out->hash, sizeof(out->hash), "sha-256");
	snprintf(out->fingerprint, sizeof(out->fingerprint), "%s",
		 ly_dtls_ctx_fingerprint(p->env->dtls));
	out->setup = LY_SFU_SETUP_ACTIVE;
	out->transport_cc = true;
}

size_t peer_sources(const struct peer *p, struct ly_sfu_source_desc *out)
{
	memset(out, 0, 2 * sizeof(*out));
	snprintf(out[0].name, sizeof(out[0].name), "%.30s-a0", p->id);
	out[0].kind = LY_SFU_AUDIO;
	out[0].ssrc = p->audio_ssrc;
	snprintf(out[1].name, sizeof(out[1].name), "%.30s-v0", p->id);
	out[1].kind = LY_SFU_VIDEO;
	out[1].ssrc = p->video.ssrc;
	out[1].rtx_ssrc = p->video.rtx_ssrc;
	return 2;
}

/* ---- sending ---- */

static void protect_send(struct peer *p, uint8_t *pkt, size_t len, size_t cap, uint64_t index)
{
	struct ly_srtp_job job = { p->srtp_out, pkt, len, cap, index, 0 };

	if (ly_srtp_protect(p->env->engine, &job, 1) == 1)
		p->send(p->ctx, pkt, job.len);
}

static size_t header(struct peer *p, uint8_t *out, size_t cap, const struct ly_rtp *rtp,
		     bool is_audio)
{
	uint8_t tcc[2], level = p->audio_level;
	struct ly_rtp_ext exts[3] = {
		{ LY_SFU_EXT_MID, ly_span(is_audio ? "0" : "1", 1) },
		{ LY_SFU_EXT_TRANSPORT_CC, ly_span(tcc, 2) },
		{ LY_SFU_EXT_AUDIO_LEVEL, ly_span(&level, 1) },
	};

	ly_rtp_set_u16(tcc, ++p->tcc_seq);
	return (size_t)ly_rtp_write(out, cap, rtp, exts, is_audio ? 3 : 2);
}

static void send_audio(struct peer *p, ly_usec now)
{
	uint8_t pkt[256];
	struct ly_rtp rtp = { .pt = LY_SFU_PT_OPUS, .ssrc = p->audio_ssrc };
	size_t len;

	rtp.seq = (uint16_t)p->audio_index;
	rtp.ts = (uint32_t)((now - p->started) * 48 / 1000);
	len = header(p, pkt, sizeof(pkt), &rtp, true);
	memset(pkt + len, 0x78, AUDIO_BYTES);
	memcpy(pkt + len + 1, &p->now, sizeof(p->now));
	protect_send(p, pkt, len + AUDIO_BYTES, sizeof(pkt), p->audio_index++);
	p->audio_packets++;
}

static size_t vp8_payload(struct peer_video *v, uint8_t *out, size_t len, bool first, bool key)
{
	memset(out, 0x55, len);
	out[0] = (uint8_t)(0x80 | (first ? 0x10 : 0));
	out[1] = 0xe0; /* I, L, T */
	out[2] = (uint8_t)(0x80 | v->pic >> 8);
	out[3] = (uint8_t)v->pic;
	out[4] = v->tl0;
	out[5] = 0x20; /* TID 0, Y */
	out[6] = key ? 0x10 : 0x11;
	if (first && key)
		memcpy(out + 7, "\x02\x00\x9d\x01\x2a\x40\x01\xb4\x00", 9);
	return len;
}

static void send_frame(struct peer *p, ly_usec now)
{
	struct peer_video *v = &p->video;
	size_t bytes = p->video_bps / 8 / p->fps, n;
	bool key = v->key;

	if (bytes < 30)
		bytes = 30;
	n = (bytes + MAX_PACKET - 60) / (MAX_PACKET - 59);
	v->pic = (v->pic + 1) & 0x7fff;
	v->tl0++;
	v->key = false;
	v->keyframes += key;
	for (size_t i = 0; i < n; i++) {
		uint8_t pkt[1400];
		struct ly_rtp rtp = { .pt = LY_SFU_PT_VP8, .ssrc = v->ssrc, .marker = i == n - 1 };
		size_t len, slot = v->index % PEER_HISTORY;

		rtp.seq = (uint16_t)v->index;
		rtp.ts = (uint32_t)((now - p->started) * 90 / 1000);
		len = header(p, pkt, sizeof(pkt), &rtp, false);
		len += vp8_payload(v, pkt + len, bytes / n, i == 0, key);
		memcpy(v->history[slot], pkt, len);
		v->history_len[slot] = (uint16_t)len;
		v->packets++;
		v->octets += (uint32_t)(bytes / n);
		protect_send(p, pkt, len, sizeof(pkt), v->index++);
	}
}

static void resend(struct peer *p, uint16_t seq)
{
	struct peer_video *v = &p->video;
	size_t slot = seq % PEER_HISTORY;
	uint8_t pkt[1400];
	int len;

	if (v->history_len[slot] == 0 || v->history[slot][2] != seq >> 8 ||
	    v->history[slot][3] != (seq & 0xff))
		return;
	len = ly_rtx_pack(pkt, sizeof(pkt), ly_span(v->history[slot], v->history_len[slot]),
			  LY_SFU_PT_RTX, v->rtx_ssrc, (uint16_t)v->rtx_index);
	if (len > 0)
		protect_send(p, pkt, (size_t)len, sizeof(pkt), v->rtx_index++);
}

static void rtcp_send(struct peer *p, uint8_t *buf, struct ly_wr *w, size_t cap)
{
	size_t len = ly_wr_len(w);

	if (!w->bad && len > 0 && ly_srtp_protect_rtcp(p->srtp, buf, &len, cap) == 0)
		p->send(p->ctx, buf, len);
}

static void send_report(struct peer *p, ly_usec now)
{
	uint8_t buf[1500];
	struct ly_wr w = ly_wr(buf, 1300);
	struct ly_rtp_report blocks[31];
	unsigned n = 0;
	struct ly_rtcp_sr sr = { .ssrc = p->video.ssrc };

	for (unsigned i = 0; i < p->n_streams && n < 31; i++)
		ly_rtp_stats_report(&p->streams[i].stats, p->streams[i].ssrc, now, &blocks[n++]);
	sr.ntp = ly_ntp_from_wall(now + LY_SEC(1700000000));
	sr.rtp_ts = (uint32_t)((now - p->started) * 90 / 1000);
	sr.packets = p->video.packets;
	sr.octets = p->video.octets;
	ly_rtcp_write_sr(&w, &sr, blocks, n);
	ly_rtcp_write_cname(&w, sr.ssrc, p->id);
	rtcp_send(p, buf, &w, sizeof(buf));
}

void peer_send_pli(struct peer *p, uint32_t ssrc, ly_usec now)
{
	uint8_t buf[200];
	struct ly_wr w = ly_wr(buf, 100);

	(void)now;
	ly_rtcp_write_rr(&w, p->video.ssrc, NULL, 0);
	ly_rtcp_write_pli(&w, p->video.ssrc, ssrc);
	rtcp_send(p, buf, &w, sizeof(buf));
}

void peer_send_raw(struct peer *p, uint8_t *pkt, size_t len, size_t cap, uint64_t index)
{
	protect_send(p, pkt, len, cap, index);
}

void peer_send_rtcp(struct peer *p, uint8_t *pkt, size_t len, size_t cap)
{
	if (ly_srtp_protect_rtcp(p->srtp, pkt, &len, cap) == 0)
		p->send(p->ctx, pkt, len);
}

void peer_send_stray(struct peer *p, uint32_t ssrc)
{
	uint8_t pkt[200] = { 0 };
	struct ly_rtp rtp = { .pt = LY_SFU_PT_VP8, .ssrc = ssrc, .seq = 7 };
	int len = ly_rtp_write(pkt, sizeof(pkt), &rtp, NULL, 0);

	protect_send(p, pkt, (size_t)len + 50, sizeof(pkt), 7);
}

static void send_nacks(struct peer *p, struct peer_stream *s, ly_usec now)
{
	uint16_t seqs[LY_NACK_MAX];
	size_t n = ly_nack_due(&s->nack, now, LY_MS(50), seqs, LY_COUNTOF(seqs));
	uint8_t buf[800];
	struct ly_wr w = ly_wr(buf, 700);

	if (n == 0)
		return;
	ly_rtcp_write_rr(&w, p->video.ssrc, NULL, 0);
	ly_rtcp_write_nack(&w, p->video.ssrc, s->ssrc, seqs, n);
	rtcp_send(p, buf, &w, sizeof(buf));
}

/* ---- receiving ---- */

struct peer_stream *peer_stream(struct peer *p, uint32_t ssrc)
{
	struct peer_stream *s;

	for (unsigned i = 0; i < p->n_streams; i++)
		if (p->streams[i].ssrc == ssrc || p->streams[i].rtx_ssrc == ssrc)
			return &p->streams[i];
	if (p->n_streams == PEER_MAX_STREAMS)
		return NULL;
	/* the scheme of this test: audio 0, video 1, RTX 2 in tens */
	s = &p->streams[p->n_streams++];
	memset(s, 0, sizeof(*s));
	s->is_video = ssrc % 10 != 0;
	s->ssrc = ssrc - (s->is_video ? ssrc % 10 - 1 : 0);
	s->rtx_ssrc = s->is_video ? s->ssrc + 1 : 0;
	s->first = -1;
	ly_rtp_stats_init(&s->stats, s->is_video ? 90000 : 48000);
	ly_nack_init(&s->nack);
	return s;
}

int64_t peer_missing(const struct peer_stream *s)
{
	return s->first < 0 ? 0 : s->top - s->first + 1 - (int64_t)s->packets;
}

static void check_frame(struct peer_stream *s, const struct ly_rtp *rtp, bool is_rtx)
{
	struct ly_vp8 vp8;

	if (ly_vp8_parse(&vp8, rtp->payload) || !vp8.frame_start)
		return;
	if (s->frames == 0)
		s->began_with_key = vp8.keyframe;
	s->frames++;
	s->keyframes += vp8.keyframe;
	if (is_rtx)
		return;
	if (s->frames > 1) {
		s->pic_jumps += vp8.picture_id != ((s->last_pic + 1) & 0x7fff);
		s->ts_back += (int32_t)(rtp->ts - s->last_ts) <= 0;
	}
	s->last_pic = (uint16_t)vp8.picture_id;
	s->last_ts = rtp->ts;
}

static void on_media(struct peer *p, struct peer_stream *s, const struct ly_rtp *rtp, size_t len,
		     bool is_rtx, ly_usec now)
{
	int64_t seq = ly_seen_extend(&s->seen, rtp->seq);

	if (!ly_seen_add(&s->seen, seq)) {
		s->duplicates++;
		return;
	}
	if (s->first < 0) {
		s->first = s->top = seq;
		s->first_at = s->last_at = now;
	}
	if (seq < s->first)
		s->first = seq;
	if (seq > s->top)
		s->top = seq;
	if (now - s->last_at > s->longest_gap)
		s->longest_gap = now - s->last_at;
	s->last_at = now;
	s->packets++;
	s->recovered += is_rtx;
	s->bytes += len;
	if (!s->is_video && rtp->payload.len == AUDIO_BYTES) {
		ly_usec sent;

		memcpy(&sent, rtp->payload.ptr + 1, sizeof(sent));
		sent = LY_MAX(now - sent, 0) / 10;
		p->delays[LY_MIN(sent, (ly_usec)LY_COUNTOF(p->delays) - 1)]++;
	}
	if (s->is_video) {
		check_frame(s, rtp, is_rtx);
		if (!p->no_nack)
			ly_nack_recv(&s->nack, seq, now, LY_MS(5));
	}
}

static void rtp_in(struct peer *p, uint8_t *data, size_t len, ly_usec now)
{
	struct peer_stream *s;
	struct ly_rtp rtp;
	struct ly_span tcc;
	bool is_rtx;
	int err;

	p->rtp_in++;
	if (p->decrypt_every > 1 && p->skip_count++ % p->decrypt_every) {
		p->skipped++;
		return;
	}
	err = ly_srtp_unprotect(p->srtp, data, &len);
	if (err) {
		p->bad_auth += err == -EACCES;
		p->replays += err == -EEXIST;
		return;
	}
	if (ly_rtp_parse(&rtp, ly_span(data, len))) {
		p->malformed++;
		return;
	}
	tcc = ly_rtp_ext_find(&rtp, LY_SFU_EXT_TRANSPORT_CC);
	if (tcc.len == 2 && !p->no_feedback)
		ly_twcc_recv_packet(&p->twcc, (uint16_t)(tcc.ptr[0] << 8 | tcc.ptr[1]), now);
	if (ly_rtp_ext_find(&rtp, LY_SFU_EXT_MID).len)
		p->malformed++; /* must not be forwarded */
	s = peer_stream(p, rtp.ssrc);
	if (s == NULL)
		return;
	is_rtx = rtp.ssrc == s->rtx_ssrc;
	if (!is_rtx)
		ly_rtp_stats_recv(&s->stats, rtp.seq, rtp.ts, len, now);
	else if (ly_rtx_unpack(&data, &len, LY_SFU_PT_VP8, s->ssrc) ||
		 ly_rtp_parse(&rtp, ly_span(data, len)))
		return;
	on_media(p, s, &rtp, len, is_rtx, now);
}

static void on_rtcp(struct peer *p, const struct ly_rtcp *r, ly_usec now)
{
	uint16_t pid, blp;

	if (r->type == LY_RTCP_SR) {
		struct peer_stream *s = peer_stream(p, r->ssrc);

		if (s) {
			ly_rtp_stats_sr(&s->stats, r->ntp, now);
			s->srs++;
			s->sr_ts = r->rtp_ts;
		}
	} else if (r->type == LY_RTCP_RR) {
		p->rr_in += r->count > 0;
	} else if (r->type == LY_RTCP_BYE) {
		p->byes++;
	} else if (r->type == LY_RTCP_PSFB && r->count == LY_PSFB_PLI) {
		p->video.plis++;
		p->video.key = true;
	} else if (r->type == LY_RTCP_PSFB) {
		p->remb_in++;
	} else if (r->type == LY_RTCP_RTPFB && r->count == LY_RTPFB_TWCC) {
		p->twcc_in++;
	} else if (r->type == LY_RTCP_RTPFB) {
		for (unsigned i = 0; ly_rtcp_nack(r, i, &pid, &blp); i++) {
			p->nack_in++;
			resend(p, pid);
			for (unsigned b = 0; b < 16; b++)
				if (blp & 1U << b)
					resend(p, (uint16_t)(pid + 1 + b));
		}
	}
}

static void rtcp_in(struct peer *p, uint8_t *data, size_t len, ly_usec now)
{
	struct ly_rtcp_it it;
	struct ly_rtcp r;
	int err = ly_srtp_unprotect_rtcp(p->srtp, data, &len);

	if (err) {
		p->bad_auth += err == -EACCES;
		return;
	}
	it = ly_rtcp_it(ly_span(data, len));
	while (ly_rtcp_next(&it, &r))
		on_rtcp(p, &r, now);
	p->malformed += it.bad;
}

/* ---- transport ---- */

static void become_ready(struct peer *p, ly_usec now)
{
	struct ly_srtp_keys keys;

	if (p->is_ready || ly_dtls_get_keys(p->dtls, &keys))
		return;
	if (ly_srtp_create(&p->srtp, &keys, 1024) ||
	    ly_srtp_out_create(&p->srtp_out, p->env->engine, &keys))
		return;
	p->is_ready = true;
	p->ready_at = p->started = now;
	/* spread, as real senders are */
	p->next_audio = now + ly_rand_below(p->env->rand, 20000);
	p->next_frame = now + ly_rand_below(p->env->rand, 33000);
	p->next_report = now + ly_rand_below(p->env->rand, 1000000);
}

static void drain(struct peer *p, ly_usec now)
{
	struct ly_ice_out out;
	struct ly_span pkt;

	while (ly_ice_poll(p->ice, now, &out)) {
		if (out.kind == LY_ICE_SEND)
			p->send(p->ctx, out.data.ptr, out.data.len);
		if (out.kind == LY_ICE_SELECTED)
			(void)ly_dtls_start(p->dtls, now);
		if (out.kind == LY_ICE_STATE && out.state == LY_ICE_FAILED)
			p->is_lost = true;
	}
	while (ly_dtls_poll(p->dtls, &pkt))
		p->send(p->ctx, pkt.ptr, pkt.len);
	become_ready(p, now);
}

void peer_recv(struct peer *p, uint8_t *data, size_t len, size_t cap, ly_usec now)
{
	struct ly_span pkt = ly_span(data, len);

	(void)cap;
	switch (ly_demux(pkt)) {
	case LY_PROTO_STUN:
		(void)ly_ice_recv(p->ice, now, &p->server, pkt);
		drain(p, now);
		break;
	case LY_PROTO_DTLS:
		(void)ly_dtls_recv(p->dtls, now, pkt);
		drain(p, now);
		break;
	case LY_PROTO_RTP:
		if (p->is_ready)
			rtp_in(p, data, len, now);
		break;
	case LY_PROTO_RTCP:
		if (p->is_ready)
			rtcp_in(p, data, len, now);
		break;
	default:
		p->malformed++;
	}
}

static void send_twcc(struct peer *p, ly_usec now)
{
	uint8_t buf[1400];
	struct ly_wr w = ly_wr(buf, 1200);

	if (ly_twcc_recv_deadline(&p->twcc) > now)
		return;
	while (ly_twcc_recv_build(&p->twcc, now, false, p->video.ssrc, 0, &w)) {
		rtcp_send(p, buf, &w, sizeof(buf));
		w = ly_wr(buf, 1200);
	}
}

void peer_tick(struct peer *p, ly_usec now)
{
	p->now = now;
	if (ly_ice_deadline(p->ice) <= now || ly_dtls_deadline(p->dtls) <= now) {
		ly_ice_tick(p->ice, now);
		ly_dtls_tick(p->dtls, now);
		drain(p, now);
	}
	if (!p->is_ready)
		return;
	while (p->next_audio <= now) {
		if (p->audio_on)
			send_audio(p, p->next_audio);
		p->next_audio += LY_MS(20);
	}
	while (p->next_frame <= now) {
		if (p->video.on)
			send_frame(p, p->next_frame);
		p->next_frame += LY_SEC(1) / p->fps;
	}
	if (p->next_report <= now) {
		send_report(p, now);
		p->next_report = now + LY_SEC(1);
	}
	for (unsigned i = 0; i < p->n_streams && !p->no_nack; i++)
		if (p->streams[i].nack.n)
			send_nacks(p, &p->streams[i], now);
	send_twcc(p, now);
}

ly_usec peer_deadline(const struct peer *p)
{
	ly_usec at = LY_MIN(ly_ice_deadline(p->ice), ly_dtls_deadline(p->dtls));

	if (!p->is_ready)
		return at;
	at = LY_MIN(at, LY_MIN(p->next_audio, LY_MIN(p->next_frame, p->next_report)));
	for (unsigned i = 0; i < p->n_streams && !p->no_nack; i++)
		at = LY_MIN(at, ly_nack_deadline(&p->streams[i].nack));
	return LY_MIN(at, ly_twcc_recv_deadline(&p->twcc));
}
