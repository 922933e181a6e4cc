/* SCRAM keys between their three shapes: signaling/sasl's, the store's, and JSON on the control
 * socket. */
#ifndef LY_SERVER_ADMIN_KEYS_H
#define LY_SERVER_ADMIN_KEYS_H

#include <jansson.h>

#include "signaling/sasl/scram.h"
#include "signaling/store/store.h"

void ly_keys_to_store(struct ly_store_user *user, const struct ly_credentials *cred);
void ly_keys_from_store(struct ly_credentials *cred, const struct ly_store_user *user);

/** A new object {"sha1": "ITERATIONS:SALT:STORED:SERVER" in hex, "sha256": …}; NULL: no memory. */
json_t *ly_keys_to_json(const struct ly_credentials *cred);
/** @return 0, -EBADMSG */
int ly_keys_from_json(struct ly_credentials *cred, const json_t *keys);

/** @return 0, -EBADMSG */
int ly_role_parse(const char *name, enum ly_store_role *out);
const char *ly_role_name(enum ly_store_role role);

#endif
