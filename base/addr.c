#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"

bool ly_addr_equal(const struct ly_addr *a, const struct ly_addr *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

uint64_t ly_addr_hash(const struct ly_addr *a)
{
	return ly_hash(ly_span(a, sizeof(*a)), 0);
}

int ly_addr_parse_ip(struct ly_addr *out, const char *ip, uint16_t port)
{
	struct ly_addr a = { .port = port };

	if (inet_pton(AF_INET, ip, a.ip) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, ip, a.ip) == 1)
		a.family = 6;
	else
		return -EBADMSG;
	*out = a;
	return 0;
}

const char *ly_addr_format_ip(const struct ly_addr *a, char *out, size_t cap)
{
	if (a->family == 0 ||
	    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, out, (unsigned)cap) == NULL)
		snprintf(out, cap, "none");
	return out;
}

const char *ly_addr_format(const struct ly_addr *a, char *out, size_t cap)
{
	char ip[LY_ADDR_MAX];

	ly_addr_format_ip(a, ip, sizeof(ip));
	snprintf(out, cap, a->family == 6 ? "[%s]:%u" : "%s:%u", ip, a->port);
	return out;
}
