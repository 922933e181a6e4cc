/* A seeded network in virtual time, and a media transport (ICE + DTLS + SRTP) as one of its nodes.
 */
#ifndef LY_TESTS_SIM_SIM_H
#define LY_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rand.h"
#include "base/span.h"
#include "base/time.h"
#include "media/dtls/dtls.h"
#include "media/ice/ice.h"
#include "media/srtp/srtp.h"

#define SIM_MTU 1500
#define SIM_QUEUE_MAX 4096

/** What the way between any two nodes does to a datagram. */
struct sim_link {
	unsigned loss_pm; /* per mille, each way */
	unsigned duplicate_pm;
	ly_usec delay;
	ly_usec jitter; /* more delay, uniform: reorders */
};

struct sim_datagram {
	ly_usec at;
	uint64_t order; /* ties are delivered in the order of sending */
	struct ly_addr src, dst;
	size_t len;
	uint8_t data[SIM_MTU];
};

struct sim_net {
	ly_usec now;
	struct ly_rand rand;
	struct sim_link link;
	struct sim_datagram *queue; /* owned */
	size_t n;
	uint64_t order;
	uint64_t sent, lost, delivered;
	/** Called for each arrival. */
	void (*deliver)(void *ctx, const struct sim_datagram *d);
	void *ctx;
	bool (*drops)(void *ctx,
		      const struct sim_datagram *d); /* NULL, or says what never arrives */
};

void sim_net_init(struct sim_net *net, uint64_t seed, const struct sim_link *link);
void sim_net_fini(struct sim_net *net);
void sim_send(struct sim_net *net, const struct ly_addr *src, const struct ly_addr *dst,
	      struct ly_span data);
/** When the next datagram arrives, or LY_NEVER. */
ly_usec sim_next(const struct sim_net *net);
/** Moves the clock to @p at (OpenSSL sees it too) and delivers what is due. */
void sim_advance(struct sim_net *net, ly_usec at);
struct ly_addr sim_addr(const char *ip, uint16_t port);

/** One end of a transport. */
struct sim_peer {
	struct sim_net *net;
	struct ly_addr addr;
	struct ly_stun *stun;
	struct ly_rand rand;
	struct ly_ice *ice;
	struct ly_dtls_ctx *dtls_ctx;
	struct ly_dtls *dtls;
	struct ly_srtp_engine *engine;
	struct ly_srtp_out *out;
	struct ly_srtp *in;
	uint16_t seq;
	uint64_t index;
	bool send_media;
	ly_usec next_media;
	/* what was seen */
	unsigned received, replayed, refused;
	unsigned n_states;
	enum ly_ice_state states[16];
	ly_usec nominated_at, ready_at, failed_at;
};

struct sim_peer_conf {
	const char *ip;
	uint16_t port;
	const char *ufrag, *pwd;
	bool controlling;
	enum ly_dtls_role role;
	uint64_t seed;
	ly_usec consent_timeout; /* 0 = default */
	const char *engine;      /* NULL = best */
};

void sim_peer_init(struct sim_peer *p, struct sim_net *net, const struct sim_peer_conf *conf);
void sim_peer_fini(struct sim_peer *p);
/** Hands in a datagram. */
void sim_peer_recv(struct sim_peer *p, const struct sim_datagram *d);
/** Lets time pass and sends what is due: call after each input. */
void sim_peer_work(struct sim_peer *p);
ly_usec sim_peer_deadline(const struct sim_peer *p);
/** Tells each the other's credentials and fingerprint; @p a learns the address of @p b too. */
void sim_signal(struct sim_peer *a, struct sim_peer *b);
/** Runs both until @p until; @p done (may be NULL) ends it earlier. */
void sim_run(struct sim_net *net, struct sim_peer *a, struct sim_peer *b, ly_usec until,
	     bool (*done)(struct sim_peer *a, struct sim_peer *b));

#endif
