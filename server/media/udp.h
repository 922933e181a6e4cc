/* A UDP socket of a media thread: datagrams in and out in batches (recvmmsg, sendmmsg), runs of equal
 * datagrams as one UDP_SEGMENT message where the kernel can. */
#ifndef LY_SERVER_MEDIA_UDP_H
#define LY_SERVER_MEDIA_UDP_H

#include <sys/socket.h>
#include <netinet/in.h>

#include "base/addr.h"

/** Most datagrams taken by one call. */
#define LY_UDP_BATCH 64
/** Most datagrams and bytes of one UDP_SEGMENT message (Linux: UDP_MAX_SEGMENTS, 64 kB less headers). */
#define LY_UDP_MAX_SEGMENTS 64
#define LY_UDP_MAX_RUN 65000

struct ly_udp {
	int fd;
	struct ly_addr local;
	bool has_gso; /* until the kernel or the device refuses */
};

/** Where one datagram was received to. */
struct ly_udp_in {
	struct ly_addr from;
	uint8_t *data; /* given */
	size_t cap;    /* given */
	size_t len;    /* result */
	bool truncated;
};

/** A datagram, or a run of datagrams of @c segment bytes each (the last may be shorter). */
struct ly_udp_out {
	struct ly_addr dst;
	const uint8_t *data;
	size_t len;
	uint16_t segment; /* 0 = one datagram */
};

struct ly_udp_sent {
	uint64_t messages, datagrams, bytes, dropped;
};

/** Binds. Port 0: a free one, see @c local. @return 0 or a negative errno of the system */
int ly_udp_open(struct ly_udp *u, const struct ly_addr *addr);
void ly_udp_close(struct ly_udp *u);
/** Takes up to LY_UDP_BATCH datagrams without waiting. @return how many; 0 when there are none */
size_t ly_udp_recv(struct ly_udp *u, struct ly_udp_in *in, size_t n);
/** Sends all; what the system refuses is dropped and counted. */
void ly_udp_send(struct ly_udp *u, const struct ly_udp_out *out, size_t n, struct ly_udp_sent *sent);

#endif
