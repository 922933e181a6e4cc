/* A browser stand-in for simulations and benchmarks: ICE (controlled), DTLS client, SRTP,
 * synthetic Opus and VP8, feedback; and a checker of what it receives. Sans-IO like the rest. */
#ifndef LY_TESTS_SIM_PEER_H
#define LY_TESTS_SIM_PEER_H

#include "base/addr.h"
#include "base/rand.h"
#include "media/bwe/twcc.h"
#include "media/dtls/dtls.h"
#include "media/ice/ice.h"
#include "media/rtp/nack.h"
#include "media/rtp/stats.h"
#include "media/srtp/srtp.h"
#include "sfu/seen.h"
#include "sfu/types.h"

#define PEER_MAX_STREAMS 256
#define PEER_HISTORY 256

struct peer_env { /* shared by all peers of one thread */
	struct ly_rand *rand;
	struct ly_stun *stun;
	struct ly_dtls_ctx *dtls;
	struct ly_srtp_engine *engine;
};

/** What is received of one SSRC. */
struct peer_stream {
	uint32_t ssrc, rtx_ssrc;
	bool is_video;
	struct ly_rtp_stats stats;
	struct ly_nack nack;
	struct ly_seen seen;
	int64_t first, top; /* extended sequence numbers, RTX unwrapped */
	uint64_t packets, recovered, bytes, duplicates;
	uint64_t frames, keyframes;
	bool began_with_key;
	uint16_t last_pic;
	uint32_t last_ts;
	uint64_t pic_jumps, ts_back; /* faults in what should be continuous */
	uint64_t srs;
	uint32_t sr_ts;
	ly_usec first_at, last_at, longest_gap;
};

struct peer_video {
	bool on;
	uint32_t ssrc, rtx_ssrc;
	uint16_t seq, rtx_seq, pic;
	uint64_t index, rtx_index;
	uint8_t tl0;
	bool key;
	uint32_t packets, octets;
	uint64_t keyframes, plis, nacks;
	uint8_t history[PEER_HISTORY][1300];
	uint16_t history_len[PEER_HISTORY];
};

struct peer {
	struct peer_env *env;
	char id[LY_SFU_ID_MAX];
	char ufrag[16], pwd[32];
	struct ly_addr addr, server;
	void (*send)(void *ctx, const uint8_t *data, size_t len);
	void *ctx;
	unsigned index;

	struct ly_ice *ice;
	struct ly_dtls *dtls;
	struct ly_srtp *srtp;
	struct ly_srtp_out *srtp_out;
	bool is_ready, is_lost;
	ly_usec ready_at;

	/* what it sends */
	bool audio_on;
	uint8_t audio_level;
	uint32_t audio_ssrc, audio_packets;
	uint64_t audio_index;
	struct peer_video video;
	uint32_t video_bps;
	unsigned fps;
	ly_usec next_audio, next_frame, next_report, started;
	uint16_t tcc_seq;
	bool no_nack, no_feedback;

	/* what it receives */
	struct peer_stream streams[PEER_MAX_STREAMS];
	unsigned n_streams;
	uint64_t bad_auth, replays, malformed, byes;
	unsigned decrypt_every; /* bench: 1 = all, n = one in n is decrypted and checked */
	uint64_t skipped, rtp_in, twcc_in, remb_in, rr_in, nack_in;
	uint64_t skip_count;
	struct ly_twcc_recv twcc;
	ly_usec now;           /* of the current tick */
	uint32_t delays[2048]; /* audio packets by delay since they were sent, in units of 10 us */
};

int peer_env_init(struct peer_env *env, struct ly_rand *rand);
void peer_env_fini(struct peer_env *env);

int peer_init(struct peer *p, struct peer_env *env, const char *id, unsigned index, ly_usec now);
void peer_fini(struct peer *p);
/** Gives the server's side of the signalling. */
int peer_set_server(struct peer *p, const struct ly_addr *at, const char *ufrag, const char *pwd,
		    const char *fingerprint, ly_usec now);
/** What the server is to be told. */
void peer_describe(const struct peer *p, struct ly_sfu_remote *out);
size_t peer_sources(const struct peer *p, struct ly_sfu_source_desc *out);
void peer_recv(struct peer *p, uint8_t *data, size_t len, size_t cap, ly_usec now);
void peer_tick(struct peer *p, ly_usec now);
ly_usec peer_deadline(const struct peer *p);
struct peer_stream *peer_stream(struct peer *p, uint32_t ssrc);
/** Sequence numbers between the first and the top that never came. */
int64_t peer_missing(const struct peer_stream *s);
void peer_send_pli(struct peer *p, uint32_t ssrc, ly_usec now);
/** Protects and sends any RTP packet. */
void peer_send_raw(struct peer *p, uint8_t *pkt, size_t len, size_t cap, uint64_t index);
/** Protects and sends RTCP. */
void peer_send_rtcp(struct peer *p, uint8_t *pkt, size_t len, size_t cap);
/** Sends one RTP packet with an SSRC nobody announced. */
void peer_send_stray(struct peer *p, uint32_t ssrc);

#endif
