/* Text encodings: base64 (RFC 4648 s. 4) and hex. */
#ifndef LY_BASE_TEXT_H
#define LY_BASE_TEXT_H

#include "base/span.h"

#define LY_BASE64_LEN(n) (((n) + 2) / 3 * 4)

/** Writes LY_BASE64_LEN(in.len) characters and a zero. @return the length, or -ENOSPC */
int ly_base64_encode(char *out, size_t cap, struct ly_span in);
/** Strict: padding required, no white space. @return the number of bytes, -EBADMSG, -ENOSPC */
int ly_base64_decode(uint8_t *out, size_t cap, const char *in, size_t len);
/** Lower case, with a zero. @return the length, or -ENOSPC */
int ly_hex_encode(char *out, size_t cap, struct ly_span in);
/** @return the number of bytes, -EBADMSG, -ENOSPC */
int ly_hex_decode(uint8_t *out, size_t cap, const char *in, size_t len);

#endif
