/* The selective forwarding unit of one media thread: conferences, their endpoints (one ICE +
 * DTLS + SRTP transport each) and who is forwarded what.
 *
 * Sans-IO. Datagrams and the time go in; runs of datagrams, events and one deadline come out:
 *
 *   ly_sfu_recv() / commands / ly_sfu_tick()
 *     then  while (ly_sfu_poll_out(...))    send the runs
 *           while (ly_sfu_poll_event(...))  tell them
 *           ly_sfu_deadline()               arm one timer
 *
 * A packet's way: demultiplex (RFC 7983) by address, unprotect, one clean copy in a pooled
 * buffer, one small job per receiver; ly_sfu_poll_out() turns the jobs into packets, receiver
 * by receiver, protects them in one batch and groups equal sizes into runs. Nothing is
 * allocated per packet. */
#ifndef LY_SFU_SFU_H
#define LY_SFU_SFU_H

#include "base/addr.h"
#include "base/rand.h"
#include "base/span.h"
#include "sfu/types.h"

struct ly_dtls_ctx;
struct ly_sfu; /* opaque; one owner, no locks */

struct ly_sfu_conf {
	struct ly_dtls_ctx *dtls; /* borrowed: certificate and profiles */
	struct ly_rand *rand;     /* borrowed */
	const char *engine;       /* of SRTP; NULL = the best there is */
	ly_usec lost_after;       /* 0 = 15 s */
	ly_usec connect_within;   /* 0 = 30 s */
	uint8_t local_of[2]; /* socket for IPv4, IPv6 destinations that nothing came from yet */
};

/** A received datagram. The bytes are decrypted in place and not kept. */
struct ly_sfu_in {
	struct ly_addr from;
	uint8_t local; /* index of the socket, given back in ly_sfu_out */
	uint8_t *data;
	size_t len;
	size_t cap; /* at least len */
};

/** A run of datagrams to one destination, all of @c segment bytes, the last one no longer;
 *  segment 0: one
 *  datagram. Borrowed until the next call of anything. */
struct ly_sfu_out {
	struct ly_addr dst;
	uint8_t local;
	const uint8_t *data;
	size_t len;
	uint16_t segment;
};

enum ly_sfu_event_kind {
	LY_SFU_EV_ENDPOINT_STATE,
	LY_SFU_EV_DOMINANT_SPEAKER,
	LY_SFU_EV_FORWARDED_SOURCES,
	LY_SFU_EV_SENDER_CONSTRAINT
};

/** What happened; strings and names are borrowed until the next call of anything. */
struct ly_sfu_event {
	enum ly_sfu_event_kind kind;
	uint64_t conf;
	const char *endpoint;
	enum ly_sfu_endpoint_state state;
	enum ly_sfu_reason reason;
	const char (*names)[LY_SFU_NAME_MAX]; /* as in struct ly_media_event */
	size_t n_names;
	const char *source;
	uint16_t max_height;
};

/** @return 0, -ENOMEM, -EINVAL */
int ly_sfu_create(struct ly_sfu **out, const struct ly_sfu_conf *conf, ly_usec now);
void ly_sfu_destroy(struct ly_sfu *s);

/** [in] Takes datagrams in the order received.
 *  @return how many were taken; fewer than @p n when the output has to be polled first */
size_t ly_sfu_recv(struct ly_sfu *s, ly_usec now, struct ly_sfu_in *in, size_t n);
/** How many packets wait to be built of a frame whose end has not come yet. It is about to:
 * waiting a moment for it before ly_sfu_poll_out() makes longer runs. */
unsigned ly_sfu_unfinished(const struct ly_sfu *s);
/** [in] Lets time pass. */
void ly_sfu_tick(struct ly_sfu *s, ly_usec now);
/** Hands out a batch of runs. @return how many are at *out; 0 = drained */
size_t ly_sfu_poll_out(struct ly_sfu *s, ly_usec now, const struct ly_sfu_out **out);
/** The next event; false when drained. */
bool ly_sfu_poll_event(struct ly_sfu *s, struct ly_sfu_event *ev);
ly_usec ly_sfu_deadline(const struct ly_sfu *s);

/* Commands [in]. All: 0; -ENOENT no such conference or endpoint; -EEXIST id, ufrag, name or
 * SSRC in use; -EINVAL malformed; -E2BIG a limit; -ENOMEM. On error nothing has changed. */

int ly_sfu_create_conference(struct ly_sfu *s, uint64_t conf, const char *name, ly_usec now);
/** Says BYE and close_notify to all. */
int ly_sfu_end_conference(struct ly_sfu *s, uint64_t conf, ly_usec now);
/** Ends all conferences. */
void ly_sfu_end_all(struct ly_sfu *s, ly_usec now);
int ly_sfu_add_endpoint(struct ly_sfu *s, uint64_t conf, const struct ly_sfu_endpoint_conf *ep,
			ly_usec now);
int ly_sfu_remove_endpoint(struct ly_sfu *s, uint64_t conf, const char *id, ly_usec now);
int ly_sfu_set_remote(struct ly_sfu *s, uint64_t conf, const char *id,
		      const struct ly_sfu_remote *remote, ly_usec now);
int ly_sfu_add_candidate(struct ly_sfu *s, uint64_t conf, const char *id,
			 const struct ly_addr *addr, ly_usec now);
int ly_sfu_ice_restart(struct ly_sfu *s, uint64_t conf, const char *id, const char *ufrag,
		       const char *pwd, ly_usec now);
int ly_sfu_add_sources(struct ly_sfu *s, uint64_t conf, const char *id,
		       const struct ly_sfu_source_desc *sources, size_t n, ly_usec now);
int ly_sfu_remove_sources(struct ly_sfu *s, uint64_t conf, const char *id,
			  const char (*names)[LY_SFU_NAME_MAX], size_t n, ly_usec now);
int ly_sfu_set_constraints(struct ly_sfu *s, uint64_t conf, const char *id,
			   const struct ly_sfu_constraints *c, ly_usec now);

/** Numbers of all endpoints of a conference, at most @p cap. @return how many, or -ENOENT */
int ly_sfu_stats(struct ly_sfu *s, uint64_t conf, struct ly_sfu_endpoint_stats *out, size_t cap);
/** Endpoints of a conference. @return how many, or -ENOENT */
int ly_sfu_n_endpoints(const struct ly_sfu *s, uint64_t conf);
const struct ly_sfu_counters *ly_sfu_counters(const struct ly_sfu *s);

#endif
