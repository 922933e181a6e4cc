/* A UDP socket of a media thread: datagrams in and out in batches (recvmmsg, sendmmsg), runs of
 * equal datagrams as one UDP_SEGMENT message where the kernel can. */
#ifndef LY_SERVER_MEDIA_UDP_H
#define LY_SERVER_MEDIA_UDP_H

#include <sys/socket.h>
#include <netinet/in.h>

#include "base/addr.h"
#include "sfu/sfu.h"

/** Most datagrams taken, and messages given, by one system call. */
#define LY_UDP_BATCH 64

struct ly_udp {
	int fd;
	struct ly_addr local;
	bool has_gso; /* until the kernel or the device refuses */
};

struct ly_udp_sent {
	uint64_t messages, datagrams, bytes, dropped;
};

/** Binds. Port 0: a free one, see @c local. @return 0 or a negative errno of the system */
int ly_udp_open(struct ly_udp *u, const struct ly_addr *addr);
void ly_udp_close(struct ly_udp *u);
/** Takes up to LY_UDP_BATCH datagrams without waiting, into the memory given by data and cap;
 *  sets from and
 *  len (0 for one that was longer than cap). @return how many; 0 when there are none */
size_t ly_udp_recv(struct ly_udp *u, struct ly_sfu_in *in, size_t n);
/** Datagrams that the system has dropped since the socket was opened because nobody took them
 *  in time. */
uint64_t ly_udp_lost(const struct ly_udp *u);
/** Sends all runs; what the system refuses is dropped and counted. */
void ly_udp_send(struct ly_udp *u, const struct ly_sfu_out *out, size_t n,
		 struct ly_udp_sent *sent);

#endif
