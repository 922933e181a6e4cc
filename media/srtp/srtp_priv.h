#ifndef LY_MEDIA_SRTP_SRTP_PRIV_H
#define LY_MEDIA_SRTP_SRTP_PRIV_H

#include <stdbool.h>
#include <srtp2/srtp.h>

#include "media/srtp/srtp.h"

/** Session keys of one direction (RFC 3711 s. 4.3, RFC 7714 s. 11). Wipe after use. */
struct ly_srtp_session_keys {
	uint8_t enc[LY_SRTP_KEY_MAX];
	uint8_t auth[20];
	uint8_t salt[LY_SRTP_SALT_MAX];
};

/** How one engine protects outgoing RTP. State and session are its own structs. */
struct ly_srtp_engine_ops {
	const char *name;
	/** Whether this machine can run it. */
	bool (*usable)(void);
	/** @return 0, -ENOMEM; state may be NULL if none is needed */
	int (*create)(void **state);
	void (*destroy)(void *state);
	/** Derives the keys of the sending direction. @return 0, -EINVAL, -ENOMEM */
	int (*session_create)(void *state, const struct ly_srtp_keys *keys, void **session);
	void (*session_destroy)(void *session);
	/** Frees what is kept for an SSRC; may be NULL. */
	void (*forget)(void *session, uint32_t ssrc);
	/** Protects those of the jobs whose err is 0; header_len is set, there is room. */
	void (*protect)(void *state, struct ly_srtp_job *jobs, size_t n);
	/** Replaces the derived keys, which is how the RFCs' vectors begin; may be NULL. */
	void (*set_session_keys)(void *state, void *session, enum ly_srtp_profile profile,
				 const struct ly_srtp_session_keys *keys);
};

extern const struct ly_srtp_engine_ops ly_srtp_engine_libsrtp2;
extern const struct ly_srtp_engine_ops ly_srtp_engine_ipsec_mb;

struct ly_srtp_engine {
	const struct ly_srtp_engine_ops *ops;
	void *state; /* owned, the engine's */
};

struct ly_srtp_out {
	struct ly_srtp_engine *eng; /* borrowed */
	enum ly_srtp_profile profile;
	size_t tag_len;
	void *session; /* owned, the engine's */
};

/** Derives them from master key and salt. @return 0, -EINVAL, -ENOMEM */
int ly_srtp_derive(enum ly_srtp_profile profile, const struct ly_srtp_key *master,
		   struct ly_srtp_session_keys *out);

/** Initialises libsrtp2 once per process. */
void ly_srtp_lib_init(void);
/** Fills a policy; @p key_mem must live until the policy was used. @return 0, -EINVAL */
int ly_srtp_policy(srtp_policy_t *policy, enum ly_srtp_profile profile,
		   const struct ly_srtp_key *master, uint8_t *key_mem);
/** Frees the stream of @p ssrc, if there is one. */
void ly_srtp_remove(srtp_t session, uint32_t ssrc);
/** Translates to Lyceum's errors. */
int ly_srtp_err(srtp_err_status_t status);

#define LY_SRTP_KEY_MEM (LY_SRTP_KEY_MAX + LY_SRTP_SALT_MAX)

#endif
