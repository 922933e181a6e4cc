/* DTLS 1.2 for DTLS-SRTP (RFC 5763, 5764) by OpenSSL on memory BIOs. Sans-IO, except that OpenSSL
 * reads the clock for its retransmissions and draws its own random numbers.
 *
 *   NEW --first flight--> HANDSHAKE --Finished--> KEYED --fingerprint matches--> READY --> CLOSED
 *                             +--------error, time-out, wrong fingerprint--> FAILED
 *
 * Media must not flow before READY: in KEYED the peer is not authenticated yet, because its
 * fingerprint may arrive after its handshake.
 */
#ifndef LY_MEDIA_DTLS_DTLS_H
#define LY_MEDIA_DTLS_DTLS_H

#include <stdbool.h>

#include "base/span.h"
#include "base/time.h"
#include "media/srtp/keys.h"

/** "AA:BB:..." of SHA-256 with the zero. */
#define LY_FINGERPRINT_MAX 96

struct ly_dtls_ctx; /* certificate and settings; shared by all transports of a process */
struct ly_dtls;     /* one transport; one owner, no locks */

enum ly_dtls_state {
	LY_DTLS_NEW,
	LY_DTLS_HANDSHAKE,
	LY_DTLS_KEYED,
	LY_DTLS_READY,
	LY_DTLS_CLOSED, /* close_notify came or was sent */
	LY_DTLS_FAILED,
};

enum ly_dtls_role {
	LY_DTLS_SERVER, /* a=setup:passive */
	LY_DTLS_CLIENT, /* a=setup:active */
};

const char *ly_dtls_state_name(enum ly_dtls_state state);

/** Makes a new ECDSA P-256 key and self-signed certificate, valid for 30 days from a day ago.
 *  @return 0, -ENOMEM (OpenSSL refused); the caller owns *out */
int ly_dtls_ctx_create(struct ly_dtls_ctx **out);
/** After the last transport. */
void ly_dtls_ctx_destroy(struct ly_dtls_ctx *ctx);
/** SHA-256 fingerprint of our certificate, upper-case hex with colons (RFC 8122). Borrowed. */
const char *ly_dtls_ctx_fingerprint(const struct ly_dtls_ctx *ctx);

/** @return 0, -ENOMEM; ctx is borrowed, the caller owns *out */
int ly_dtls_create(struct ly_dtls **out, struct ly_dtls_ctx *ctx, enum ly_dtls_role role,
		   const char *log_id);
/** Wipes the keys. */
void ly_dtls_destroy(struct ly_dtls *dtls);

/** [in] Starts the handshake: a client sends its ClientHello, a server waits for one (calling it is
 *  optional there). Call when ICE is connected. @return 0, -EPROTO (started before) */
int ly_dtls_start(struct ly_dtls *dtls, ly_usec now);

/** [in] Gives the peer's fingerprint, at any time; the first call counts.
 *  @p hash is "sha-256" (also -1, -384, -512), any case.
 *  @return 0, -EINVAL (unknown hash, malformed), -EEXIST (another was given),
 *  -EACCES (the handshake has finished and the certificate is another: now FAILED) */
int ly_dtls_set_fingerprint(struct ly_dtls *dtls, ly_usec now, const char *hash, const char *text);

/** [in] Takes one datagram. Garbage is dropped as DTLS wants it.
 *  @return 0, -EBADMSG (no DTLS record), -EPROTO (closed or failed, also by this datagram) */
int ly_dtls_recv(struct ly_dtls *dtls, ly_usec now, struct ly_span pkt);

/** [in] Retransmits when due. */
void ly_dtls_tick(struct ly_dtls *dtls, ly_usec now);
/** The next datagram to send, borrowed until the next call; false when drained. */
bool ly_dtls_poll(struct ly_dtls *dtls, struct ly_span *out);
/** When ly_dtls_tick() is next due, or LY_NEVER. */
ly_usec ly_dtls_deadline(const struct ly_dtls *dtls);
/** [in] Sends close_notify. */
void ly_dtls_close(struct ly_dtls *dtls, ly_usec now);

enum ly_dtls_state ly_dtls_state(const struct ly_dtls *dtls);
/** Why it FAILED, a static text; "" otherwise. */
const char *ly_dtls_error(const struct ly_dtls *dtls);
/** Copies the SRTP keys. @return 0, -EPROTO (not READY) */
int ly_dtls_get_keys(const struct ly_dtls *dtls, struct ly_srtp_keys *out);

#endif
