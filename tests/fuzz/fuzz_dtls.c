/* Any bytes as datagrams of a DTLS client, cut at 0xff 0xff: the server ends in some state. */
#include "media/dtls/dtls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct ly_dtls_ctx *ctx;
	struct ly_dtls *dtls;
	struct ly_span out;
	size_t start = 0;

	if ((ctx == NULL && ly_dtls_ctx_create(&ctx) != 0) ||
	    ly_dtls_create(&dtls, ctx, LY_DTLS_SERVER, NULL) != 0)
		return 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && (i + 1 >= len || data[i] != 0xff || data[i + 1] != 0xff))
			continue;
		(void)ly_dtls_recv(dtls, LY_SEC(1), ly_span(data + start, i - start));
		while (ly_dtls_poll(dtls, &out))
			;
		start = i + 2;
		i++;
		if (start > len)
			break;
	}
	ly_dtls_tick(dtls, LY_SEC(2));
	while (ly_dtls_poll(dtls, &out))
		;
	ly_dtls_destroy(dtls);
	return 0;
}
