/* A transport address: IPv4 or IPv6 and a port, comparable and printable, without socket headers.
 */
#ifndef LY_BASE_ADDR_H
#define LY_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ly_addr {
	uint8_t ip[16]; /* IPv4 in the first four bytes, the others zero */
	uint16_t port;  /* host order */
	uint8_t family; /* 0 none, 4, 6 */
	uint8_t pad;    /* zero, so that the struct can be hashed */
};

/** Bytes of "[v6]:port" with the zero. */
#define LY_ADDR_MAX 56

bool ly_addr_equal(const struct ly_addr *a, const struct ly_addr *b);
uint64_t ly_addr_hash(const struct ly_addr *a);
/** Parses an IP literal (without port). @return 0, -EBADMSG */
int ly_addr_parse_ip(struct ly_addr *out, const char *ip, uint16_t port);
/** "192.0.2.1:5" or "[2001:db8::1]:5". @return out */
const char *ly_addr_format(const struct ly_addr *a, char *out, size_t cap);
/** The IP alone. @return out */
const char *ly_addr_format_ip(const struct ly_addr *a, char *out, size_t cap);

#endif
