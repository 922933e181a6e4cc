/* A member of a call that sends anything in well protected packets: RTP on its own SSRCs with any
 * header extension and payload, and any RTCP. The input is a list of packets: kind, length, bytes.
 */
#include <stdlib.h>

#include "base/util.h"
#include "media/rtp/rtp.h"
#include "tests/sim/sfu/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct world *world(void)
{
	static struct world *w;

	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL)
			abort();
		world_init(w, 1);
		for (unsigned i = 0; i < 3; i++)
			world_join(w, i);
		world_connect(w);
		world_run(w, LY_MS(500));
		w->peers[0]->audio_on = w->peers[0]->video.on = false;
	}
	return w;
}

static void send_rtp(struct peer *p, unsigned which, struct ly_span bytes)
{
	uint64_t *indexes[] = { &p->audio_index, &p->video.index, &p->video.rtx_index };
	uint32_t ssrcs[] = { p->audio_ssrc, p->video.ssrc, p->video.rtx_ssrc };
	static const uint8_t pts[] = { LY_SFU_PT_OPUS, LY_SFU_PT_VP8, LY_SFU_PT_RTX };
	uint8_t pkt[1500] = { 0 };

	if (bytes.len < 13 || bytes.len > 1400)
		return;
	memcpy(pkt, bytes.ptr, bytes.len);
	pkt[0] = (uint8_t)(0x80 | (pkt[0] & 0x3f));
	if (pkt[2] & 1) /* mostly what was negotiated */
		ly_rtp_set_pt(pkt, pts[which]);
	*indexes[which] += 1 + pkt[3] % 8;
	ly_rtp_set_seq(pkt, (uint16_t)*indexes[which]);
	ly_rtp_set_ssrc(pkt, ssrcs[which]);
	peer_send_raw(p, pkt, bytes.len, sizeof(pkt), *indexes[which]);
}

static void send_rtcp(struct peer *p, struct ly_span bytes)
{
	uint8_t pkt[1500];

	if (bytes.len < 8 || bytes.len > 1400)
		return;
	memcpy(pkt, bytes.ptr, bytes.len);
	pkt[0] = (uint8_t)(0x80 | (pkt[0] & 0x1f));
	pkt[1] = (uint8_t)(192 + pkt[1] % 32); /* what is taken for RTCP */
	peer_send_rtcp(p, pkt, bytes.len & ~(size_t)3, sizeof(pkt));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ly_rd rd = ly_rd(ly_span(data, len));
	struct world *w = world();

	for (unsigned n = 0; n < 20 && ly_rd_left(&rd) > 3; n++) {
		unsigned kind = ly_rd_u8(&rd) % 4;
		size_t want = ly_rd_u16(&rd) % 1400;
		struct ly_span bytes = ly_rd_bytes(&rd, LY_MIN(want, ly_rd_left(&rd)));

		if (kind == 3)
			send_rtcp(w->peers[0], bytes);
		else
			send_rtp(w->peers[0], kind, bytes);
	}
	world_run(w, LY_MS(25));
	if (w->seen[1].state != LY_SFU_CONNECTED || w->peers[1]->bad_auth || w->peers[1]->replays)
		abort(); /* somebody else was disturbed */
	return 0;
}
