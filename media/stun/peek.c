#include "base/err.h"
#include "media/stun/stun.h"

#define HEADER_LEN 20
#define COOKIE 0x2112A442u
#define METHOD_BINDING 0x0001
#define ATTR_USERNAME 0x0006

/* RFC 8489 s. 5: the class is in bits 4 and 8 of the message type. */
static enum ly_stun_class class_of(uint16_t type)
{
	return (enum ly_stun_class)((type >> 7 & 2) | (type >> 4 & 1));
}

static void split_username(struct ly_stun_peek *p, struct ly_span name)
{
	const uint8_t *colon = name.len ? memchr(name.ptr, ':', name.len) : NULL;
	size_t local = colon ? (size_t)(colon - name.ptr) : name.len;

	p->local_ufrag = ly_span(name.ptr, local);
	if (colon)
		p->remote_ufrag = ly_span(colon + 1, name.len - local - 1);
}

int ly_stun_peek(struct ly_stun_peek *out, struct ly_span pkt)
{
	struct ly_rd r = ly_rd(pkt);
	struct ly_stun_peek p = { 0 };
	uint16_t type = ly_rd_u16(&r);
	uint16_t len = ly_rd_u16(&r);
	uint32_t cookie = ly_rd_u32(&r);
	struct ly_span id = ly_rd_bytes(&r, LY_STUN_ID_LEN);

	if (r.bad || type & 0xc000 || cookie != COOKIE || len % 4 || len != pkt.len - HEADER_LEN)
		return -EBADMSG;
	memcpy(p.id, id.ptr, sizeof(p.id));
	p.tag = (uint32_t)id.ptr[0] << 24 | (uint32_t)id.ptr[1] << 16 | (uint32_t)id.ptr[2] << 8 |
		id.ptr[3];
	p.cls = class_of(type);
	p.binding = (type & ~0x0110) == METHOD_BINDING;
	while (ly_rd_left(&r) > 0) {
		uint16_t attr = ly_rd_u16(&r);
		uint16_t n = ly_rd_u16(&r);
		struct ly_span value = ly_rd_bytes(&r, n);

		ly_rd_skip(&r, (4u - n % 4u) % 4u);
		if (r.bad)
			return -EBADMSG;
		if (attr != ATTR_USERNAME)
			continue;
		split_username(&p, value);
		break;
	}
	*out = p;
	return 0;
}
