#include "base/text.h"

#include "base/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int ly_base64_encode(char *out, size_t cap, struct ly_span in)
{
	size_t n = 0;

	if (cap < LY_BASE64_LEN(in.len) + 1)
		return -ENOSPC;
	for (size_t i = 0; i < in.len; i += 3) {
		size_t left = in.len - i;
		uint32_t v = (uint32_t)in.ptr[i] << 16;

		if (left > 1)
			v |= (uint32_t)in.ptr[i + 1] << 8;
		if (left > 2)
			v |= in.ptr[i + 2];
		out[n++] = alphabet[v >> 18];
		out[n++] = alphabet[v >> 12 & 63];
		out[n++] = left > 1 ? alphabet[v >> 6 & 63] : '=';
		out[n++] = left > 2 ? alphabet[v & 63] : '=';
	}
	out[n] = 0;
	return (int)n;
}

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int ly_base64_decode(uint8_t *out, size_t cap, const char *in, size_t len)
{
	size_t n = 0, pad = 0;

	if (len % 4)
		return -EBADMSG;
	while (len > 0 && pad < 2 && in[len - 1 - pad] == '=')
		pad++;
	if (cap < len / 4 * 3 - pad)
		return -ENOSPC;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t v = 0;

		for (size_t k = 0; k < 4; k++) {
			int s = i + k >= len - pad ? 0 : sextet(in[i + k]);

			if (s < 0)
				return -EBADMSG;
			v = v << 6 | (uint32_t)s;
		}
		for (size_t k = 0; k < 3 && n < len / 4 * 3 - pad; k++)
			out[n++] = (uint8_t)(v >> (16 - 8 * k));
	}
	return (int)n;
}

int ly_hex_encode(char *out, size_t cap, struct ly_span in)
{
	static const char hex[] = "0123456789abcdef";

	if (cap < in.len * 2 + 1)
		return -ENOSPC;
	for (size_t i = 0; i < in.len; i++) {
		out[2 * i] = hex[in.ptr[i] >> 4];
		out[2 * i + 1] = hex[in.ptr[i] & 15];
	}
	out[2 * in.len] = 0;
	return (int)(in.len * 2);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int ly_hex_decode(uint8_t *out, size_t cap, const char *in, size_t len)
{
	if (len % 2)
		return -EBADMSG;
	if (cap < len / 2)
		return -ENOSPC;
	for (size_t i = 0; i < len / 2; i++) {
		int a = nibble(in[2 * i]), b = nibble(in[2 * i + 1]);

		if (a < 0 || b < 0)
			return -EBADMSG;
		out[i] = (uint8_t)(a << 4 | b);
	}
	return (int)(len / 2);
}
