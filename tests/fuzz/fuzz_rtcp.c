/* Any bytes as a compound RTCP packet: every reader over every packet. */
#include "media/bwe/twcc.h"
#include "media/rtcp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_lists(const struct ly_rtcp *p)
{
	struct ly_rtp_report report;
	uint16_t pid, blp;
	uint32_t ssrc;
	uint8_t seq;

	for (unsigned i = 0; ly_rtcp_report(p, i, &report); i++)
		(void)ly_rtp_report_rtt(&report, 12345);
	for (unsigned i = 0; ly_rtcp_nack(p, i, &pid, &blp); i++)
		;
	for (unsigned i = 0; ly_rtcp_fir(p, i, &ssrc, &seq); i++)
		;
	for (unsigned i = 0; ly_rtcp_bye(p, i, &ssrc); i++)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct ly_twcc_status statuses[512];
	struct ly_rtcp_it it = ly_rtcp_it(ly_span(data, len));
	struct ly_twcc_fb fb;
	struct ly_remb remb;
	struct ly_rtcp p;

	while (ly_rtcp_next(&it, &p)) {
		read_lists(&p);
		(void)ly_rtcp_cname(&p);
		(void)ly_rtcp_remb(&p, &remb);
		(void)ly_twcc_parse(&p, &fb, statuses, 512);
	}
	return 0;
}
