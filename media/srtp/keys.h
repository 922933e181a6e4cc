/* What DTLS-SRTP (RFC 5764) agrees on: a protection profile and a master key and salt each way. */
#ifndef LY_MEDIA_SRTP_KEYS_H
#define LY_MEDIA_SRTP_KEYS_H

#include <stddef.h>
#include <stdint.h>

/** Values as in use_srtp (RFC 5764 s. 4.1.2, RFC 7714 s. 14.2). */
enum ly_srtp_profile {
	LY_SRTP_NONE = 0,
	LY_SRTP_AES128_CM_SHA1_80 = 1,
	LY_SRTP_AEAD_AES_128_GCM = 7,
	LY_SRTP_AEAD_AES_256_GCM = 8,
};

#define LY_SRTP_KEY_MAX 32
#define LY_SRTP_SALT_MAX 14
/** The most that protection adds to an RTP packet: the GCM tag. */
#define LY_SRTP_TRAILER_MAX 16
/** And to an RTCP packet: tag and index (RFC 7714 s. 9). */
#define LY_SRTCP_TRAILER_MAX 20

struct ly_srtp_key {
	uint8_t key[LY_SRTP_KEY_MAX];
	uint8_t salt[LY_SRTP_SALT_MAX];
};

/** Wipe with ly_wipe() after use. */
struct ly_srtp_keys {
	enum ly_srtp_profile profile;
	struct ly_srtp_key tx, rx; /* as seen by the owner */
};

/** Bytes of master key and salt; 0 for an unknown profile. */
size_t ly_srtp_key_len(enum ly_srtp_profile profile);
size_t ly_srtp_salt_len(enum ly_srtp_profile profile);
/** "AEAD_AES_128_GCM" and so on. */
const char *ly_srtp_profile_name(enum ly_srtp_profile profile);

#endif
