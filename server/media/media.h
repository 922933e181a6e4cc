/* The media threads: each owns one SFU, one UDP port (base port + its index) on the configured
 * addresses, and every conference that was created on it. Commands go in by a queue per thread,
 * taken once per turn; events come back through one callback.
 *
 *   loops --commands--> [queue] media thread (epoll, recvmmsg, ly_sfu, sendmmsg) --event_fn-->
 *
 * Every function here may be called from any thread and does not block. Commands to one
 * conference are carried out in the order given. What cannot be carried out (unknown
 * conference, SSRC in use …) is told by a LY_MEDIA_COMMAND_FAILED event.
 */
#ifndef LY_SERVER_MEDIA_MEDIA_H
#define LY_SERVER_MEDIA_MEDIA_H

#include "base/addr.h"
#include "sfu/types.h"

#define LY_MEDIA_MAX_ADDRS 16
#define LY_MEDIA_MAX_THREADS 64

struct ly_media; /* opaque */

enum ly_media_event_kind {
	LY_MEDIA_ENDPOINT_STATE,
	LY_MEDIA_DOMINANT_SPEAKER,
	LY_MEDIA_FORWARDED_SOURCES,
	LY_MEDIA_SENDER_CONSTRAINT,
	LY_MEDIA_STATS,
	LY_MEDIA_COMMAND_FAILED
};

/** A member's share of a stats event. */
struct ly_media_stats {
	struct ly_sfu_endpoint_stats *endpoints;
	size_t n_endpoints;
};

/** One event. Members not named for a kind are zero. */
struct ly_media_event {
	enum ly_media_event_kind kind;
	uint64_t conf; /* the caller's id */
	/* STATE, FORWARDED (the receiver), SENDER (the publisher), FAILED */
	char endpoint[LY_SFU_ID_MAX];

	enum ly_sfu_endpoint_state state; /* STATE */
	enum ly_sfu_reason reason;        /* STATE, when FAILED or DISCONNECTED */

	/* DOMINANT_SPEAKER: names[0] is the speaker now, the others earlier ones, newest first
	 * (endpoint ids). FORWARDED_SOURCES: all source names whose video the receiver is being
	 * sent. */
	char (*names)[LY_SFU_NAME_MAX];
	size_t n_names;

	char source[LY_SFU_NAME_MAX]; /* SENDER_CONSTRAINT: the source … */
	uint16_t max_height; /* … and the tallest picture anybody wants of it; 0 = nobody does */

	struct ly_media_stats stats; /* STATS */
	uint64_t token;              /* STATS: as given to ly_media_request_stats() */

	int error;           /* COMMAND_FAILED: negative errno … */
	const char *command; /* … of this command, static text ("add_sources") */
};

/** Called on a media thread; must not block. The event belongs to the callback, which frees it
 *  with ly_media_event_free(), on any thread. */
typedef void (*ly_media_event_fn)(void *ctx, struct ly_media_event *ev);

struct ly_media_conf {
	unsigned n_threads; /* 0 = half of the cores, at least 1 */
	uint16_t base_port; /* thread i uses base_port + i; 0 = free ports (tests) */
	/* IP addresses to bind (port ignored); a wildcard is replaced by all addresses of the
	 * machine. */
	struct ly_addr bind[LY_MEDIA_MAX_ADDRS];
	size_t n_bind;
	/* IP addresses to signal (1:1 NAT); none = those bound. */
	struct ly_addr advertise[LY_MEDIA_MAX_ADDRS];
	size_t n_advertise;
	ly_usec lost_after;     /* silence after which an endpoint has failed; 0 = 15 s */
	ly_usec connect_within; /* the same for one that never connected; 0 = 30 s */
	ly_usec gather_max;     /* longest gathering under load; 0 = 300 us */
	ly_media_event_fn event;
	void *ctx;
};

/** Binds the ports, makes the certificate and starts the threads; conf is copied.
 *  @return 0, -EINVAL, -ENOMEM, -EADDRINUSE or another errno of bind(2), with a log line that
 *  names it */
int ly_media_create(struct ly_media **out, const struct ly_media_conf *conf);
/** Ends all conferences (closing DTLS), stops and joins the threads. No event comes after it.
 *  NULL is fine. */
void ly_media_destroy(struct ly_media *m);
void ly_media_event_free(struct ly_media_event *ev);

unsigned ly_media_n_threads(const struct ly_media *m);
/** Addresses with port to signal as host candidates of conferences on @p thread, best first.
 *  @return how many were written */
size_t ly_media_candidates(const struct ly_media *m, unsigned thread, struct ly_addr *out,
			   size_t cap);
/** "AB:CD:…" of our DTLS certificate (sha-256). Borrowed; valid as long as @p m. */
const char *ly_media_fingerprint(const struct ly_media *m);
/** Counters of one thread, at most a second old. */
void ly_media_counters(const struct ly_media *m, unsigned thread, struct ly_sfu_counters *out);

/* Commands. All: 0, or -EINVAL (a string missing or too long), -ENOENT (no such conference),
 * -ENOMEM, -E2BIG (queue full). Structs are copied. */

/** Creates a conference on the least loaded thread. @p conf is chosen by the caller, unique;
 *  @p name is for logs. @p thread gets the thread. @return also -EEXIST */
int ly_media_create_conference(struct ly_media *m, uint64_t conf, const char *name,
			       unsigned *thread);
/** Removes all its endpoints without further events. */
int ly_media_end_conference(struct ly_media *m, uint64_t conf);
/** The thread answers checks at once, also before the remote description is known. */
int ly_media_add_endpoint(struct ly_media *m, uint64_t conf, const struct ly_sfu_endpoint_conf *ep);
/** The answer, or new remote credentials after an ICE restart. */
int ly_media_set_remote(struct ly_media *m, uint64_t conf, const char *endpoint,
			const struct ly_sfu_remote *remote);
/** A candidate of the peer (none are needed: its checks are enough). */
int ly_media_add_candidate(struct ly_media *m, uint64_t conf, const char *endpoint,
			   const struct ly_addr *addr);
/** Replaces our ICE credentials in place; media goes on over the old pair until a new one
 *  works. */
int ly_media_ice_restart(struct ly_media *m, uint64_t conf, const char *endpoint, const char *ufrag,
			 const char *pwd);
/** Publishes sources; all or none. */
int ly_media_add_sources(struct ly_media *m, uint64_t conf, const char *endpoint,
			 const struct ly_sfu_source_desc *sources, size_t n);
/** Removes sources by name; unknown ones are ignored. */
int ly_media_remove_sources(struct ly_media *m, uint64_t conf, const char *endpoint,
			    const char (*names)[LY_SFU_NAME_MAX], size_t n);
int ly_media_set_constraints(struct ly_media *m, uint64_t conf, const char *endpoint,
			     const struct ly_sfu_constraints *c);
/** Sends BYE and close_notify, frees it; no further event of it. Unknown ones are ignored. */
int ly_media_remove_endpoint(struct ly_media *m, uint64_t conf, const char *endpoint);
/** Asks for one STATS event of the conference. */
int ly_media_request_stats(struct ly_media *m, uint64_t conf, uint64_t token);

#endif
