#include "media/srtp/keys.h"

size_t ly_srtp_key_len(enum ly_srtp_profile profile)
{
	switch (profile) {
	case LY_SRTP_AES128_CM_SHA1_80:
	case LY_SRTP_AEAD_AES_128_GCM:
		return 16;
	case LY_SRTP_AEAD_AES_256_GCM:
		return 32;
	default:
		return 0;
	}
}

size_t ly_srtp_salt_len(enum ly_srtp_profile profile)
{
	switch (profile) {
	case LY_SRTP_AES128_CM_SHA1_80:
		return 14;
	case LY_SRTP_AEAD_AES_128_GCM:
	case LY_SRTP_AEAD_AES_256_GCM:
		return 12;
	default:
		return 0;
	}
}

const char *ly_srtp_profile_name(enum ly_srtp_profile profile)
{
	switch (profile) {
	case LY_SRTP_AES128_CM_SHA1_80:
		return "AES128_CM_HMAC_SHA1_80";
	case LY_SRTP_AEAD_AES_128_GCM:
		return "AEAD_AES_128_GCM";
	case LY_SRTP_AEAD_AES_256_GCM:
		return "AEAD_AES_256_GCM";
	default:
		return "none";
	}
}
