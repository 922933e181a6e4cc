/* A simulated world: one SFU, peers, a seeded network with delay and loss between them, a
 * virtual clock. */
#ifndef LY_TESTS_SIM_WORLD_H
#define LY_TESTS_SIM_WORLD_H

#include "sfu/sfu.h"
#include "tests/sim/sfu/peer.h"

#define WORLD_MAX_PEERS 12
#define WORLD_MAX_FLYING 20000
#define WORLD_CONF 7

struct world;

/** A datagram on its way. */
struct flying {
	ly_usec at;
	int to; /* a peer, or -1 for the server */
	struct ly_addr from;
	size_t len;
	uint8_t data[1600];
};

struct world_seen { /* of one peer's events */
	enum ly_sfu_endpoint_state state;
	enum ly_sfu_reason reason;
	unsigned n_states, n_forwarded, n_constraints;
	char forwarded[16][LY_SFU_NAME_MAX];
	size_t forwarded_n;
	uint16_t max_height;
};

struct world_link {
	struct world *w;
	int peer;
};

struct world {
	ly_usec now;
	struct ly_rand rand, net;
	struct peer_env env;
	struct ly_dtls_ctx *dtls;
	struct ly_sfu *sfu;
	struct ly_addr server;
	struct peer *peers[WORLD_MAX_PEERS];
	struct world_link links[WORLD_MAX_PEERS];
	struct world_seen seen[WORLD_MAX_PEERS];
	bool is_cut[WORLD_MAX_PEERS]; /* nothing gets through */
	char dominant[LY_SFU_ID_MAX];
	unsigned n_dominant;
	/* per mille; of media only, handshakes pass */
	unsigned loss_up, loss_down;
	bool remb_only; /* peers joining now have no transport-wide feedback */
	unsigned loss_down_of[WORLD_MAX_PEERS]; /* besides */
	ly_usec delay, jitter;
	/* the narrowest place of a peer's downlink; 0 = none; with a queue of 200 ms */
	uint64_t cap_bps[WORLD_MAX_PEERS];
	ly_usec free_at[WORLD_MAX_PEERS];
	struct flying *flying;
	size_t n_flying;
	/* the last media datagram from a peer, for replays */
	uint8_t last[1600];
	size_t last_len;
	struct ly_addr last_from;
};

void world_init(struct world *w, uint64_t seed);
void world_fini(struct world *w);
/** Adds a peer to the conference, with the server told everything. */
struct peer *world_join(struct world *w, unsigned i);
void world_leave(struct world *w, unsigned i);
void world_run(struct world *w, ly_usec duration);
/** Runs until all peers there are connected, at most 10 s. */
void world_connect(struct world *w);
/** Puts a datagram before the server. */
void world_inject(struct world *w, const struct ly_addr *from, const uint8_t *data, size_t len);
const char *world_id(unsigned i);

#endif
