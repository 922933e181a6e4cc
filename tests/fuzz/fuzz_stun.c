/* Any bytes as STUN: routing, answering, taking as a response, and a whole ICE agent. */
#include <string.h>

#include "base/rand.h"
#include "media/ice/ice.h"
#include "media/stun/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void feed_agent(struct ly_stun *stun, struct ly_span pkt)
{
	struct ly_rand rand;
	struct ly_ice_conf conf = {
		.stun = stun,
		.rand = &rand,
		.ufrag = "evtj",
		.pwd = "VOkJxbRl1RmTxUk/WvJxBt",
		.controlling = true,
	};
	struct ly_addr src = { .ip = { 192, 0, 2, 1 }, .port = 5, .family = 4 };
	struct ly_ice_out out;
	struct ly_ice *ice;

	ly_rand_seeded(&rand, 1);
	if (ly_ice_create(&ice, &conf, LY_SEC(1)) != 0)
		return;
	(void)ly_ice_set_remote(ice, LY_SEC(1), "h6vY", "VOkJxbRl1RmTxUk/WvJxBt", false);
	(void)ly_ice_add_remote(ice, LY_SEC(1), &src, 1);
	while (ly_ice_poll(ice, LY_SEC(1), &out))
		;
	(void)ly_ice_recv(ice, LY_SEC(2), &src, pkt);
	while (ly_ice_poll(ice, LY_SEC(2), &out))
		;
	ly_ice_tick(ice, LY_SEC(3));
	while (ly_ice_poll(ice, LY_SEC(3), &out))
		;
	ly_ice_destroy(ice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct ly_stun *stun;
	uint8_t reply[LY_STUN_MSG_MAX];
	struct ly_span pkt = ly_span(data, len);
	struct ly_span pwd = ly_span_str("VOkJxbRl1RmTxUk/WvJxBt");
	struct ly_addr src = { .ip = { 192, 0, 2, 1 }, .port = 5, .family = 4 };
	struct ly_stun_request req = { .controlling = true };
	struct ly_stun_response rsp;
	struct ly_stun_peek peek;

	if (stun == NULL && ly_stun_create(&stun) != 0)
		return 0;
	(void)ly_stun_answer(stun, pkt, ly_span_str("evtj"), pwd, 7, &src, reply, sizeof(reply),
			     &req);
	if (ly_stun_peek(&peek, pkt) == 0)
		(void)ly_stun_response(stun, pkt, peek.id, pwd, &rsp);
	feed_agent(stun, pkt);
	return 0;
}
