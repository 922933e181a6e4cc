/* Peers with real sockets on loopback, in a thread of their own: the other side of a media
 * server under test. */
#ifndef LY_TESTS_BENCH_SFU_CLIENTS_H
#define LY_TESTS_BENCH_SFU_CLIENTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/media/media.h"
#include "tests/sim/sfu/peer.h"

struct clients_conf {
	unsigned first, n;      /* peers are numbered from first */
	unsigned n_publishing;  /* of them, the others only listen */
	uint32_t video_bps;     /* 0 = audio only */
	unsigned decrypt_every; /* 1 = everything */
	uint64_t conf;
	unsigned thread;  /* of the media server */
	bool use_gro;     /* receive as the kernel has merged */
	unsigned join_ms; /* between two joins; 0 = all at once, before the thread starts */
};

struct clients {
	struct clients_conf conf;
	struct ly_media *media;
	struct ly_rand rand;
	struct peer_env env;
	struct peer **peers;
	ly_usec *joined_at;
	unsigned n_joined;
	ly_usec next_join;
	int *fds;
	int epfd;
	pthread_t thread;
	atomic_bool stop, measuring;
	atomic_uint n_ready;
	double cpu_s; /* of the measured time */
};

/** Joins all to the conference and starts the thread. @return 0 or an error */
int clients_start(struct clients *c, struct ly_media *media, const struct clients_conf *conf);
/** Stops the thread; the peers stay to be looked at until clients_fini(). */
void clients_stop(struct clients *c);
void clients_fini(struct clients *c);
ly_usec clients_now(void);

#endif
