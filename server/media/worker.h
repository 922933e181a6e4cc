/* One media thread: its sockets, its SFU, its queue of commands, its loop. */
#ifndef LY_SERVER_MEDIA_WORKER_H
#define LY_SERVER_MEDIA_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "server/io/rand.h"
#include "server/media/command.h"
#include "server/media/media.h"
#include "server/media/udp.h"

/** Most commands waiting for one thread. */
#define LY_MEDIA_MAX_COMMANDS 65536
/** Bytes of a receive buffer: more than any MTU that WebRTC uses. */
#define LY_MEDIA_BUFFER 2048

struct ly_media_worker {
	unsigned index;
	const struct ly_media_conf *conf; /* borrowed */
	struct ly_log log;

	/* owned; used by the thread only, once it runs */
	struct ly_sfu *sfu;
	struct ly_rand_system rand;
	struct ly_udp udp[LY_MEDIA_MAX_ADDRS];
	size_t n_udp;
	int epfd, wakefd;
	uint8_t *buffers;
	struct ly_udp_sent sent;
	ly_usec counted_at, told_at;
	struct ly_sfu_counters told; /* what the log knows of dropped datagrams */
	ly_usec gather;              /* how long one is */
	double per_gather;           /* datagrams expected in that time */
	size_t arrived;              /* since turn_at */
	ly_usec turn_at;

	/* shared */
	pthread_t thread;
	bool is_running;
	pthread_mutex_t lock; /* of all below */
	struct ly_media_cmd *head, **tail;
	size_t n_commands;
	bool stop;
	struct ly_sfu_counters counters; /* a copy, once a second */
};

/** Opens the sockets and makes the SFU; the thread does not run yet.
 *  @return 0, -ENOMEM or an errno of bind(2), logged */
int ly_media_worker_init(struct ly_media_worker *w, const struct ly_media_conf *conf,
			 unsigned index, struct ly_dtls_ctx *dtls);
int ly_media_worker_start(struct ly_media_worker *w);
/** Stops and joins the thread, closes everything. Harmless on a zeroed one. */
void ly_media_worker_fini(struct ly_media_worker *w);
/** Takes the command over, also on error. @return 0, -E2BIG */
int ly_media_worker_post(struct ly_media_worker *w, struct ly_media_cmd *c);

#endif
