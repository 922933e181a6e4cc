/* Two ends of a transport over a network that loses, reorders, duplicates and delays. */
#include "tests/unit/check.h"

#include "base/heap.h"
#include "tests/sim/sim.h"

static const struct sim_peer_conf server_conf = {
	.ip = "192.0.2.1",
	.port = 10000,
	.ufrag = "srvufrag",
	.pwd = "serverpasswordserverpw",
	.controlling = true,
	.role = LY_DTLS_SERVER,
	.seed = 1,
};
static const struct sim_peer_conf client_conf = {
	.ip = "198.51.100.7",
	.port = 50000,
	.ufrag = "cliu",
	.pwd = "clientpasswordclientpw",
	.controlling = false,
	.role = LY_DTLS_CLIENT,
	.seed = 2,
};

static bool enough_media(struct sim_peer *a, struct sim_peer *b)
{
	return a->received >= 200 && b->received >= 200;
}

static void one_call(const struct sim_link *link, uint64_t seed, const char *what, ly_usec limit)
{
	struct sim_net net;
	struct sim_peer server, client;
	struct sim_peer_conf conf = server_conf;

	sim_net_init(&net, seed, link);
	conf.seed = seed * 2 + 1;
	sim_peer_init(&server, &net, &conf);
	conf = client_conf;
	conf.seed = seed * 2 + 2;
	conf.engine = seed & 1 ? "libsrtp2" : NULL;
	sim_peer_init(&client, &net, &conf);
	sim_signal(&client, &server); /* only the client knows where the other is */
	server.send_media = client.send_media = true;
	sim_run(&net, &server, &client, LY_SEC(60), enough_media);
	if (!enough_media(&server, &client))
		fail_msg("%s, seed %llu: received %u and %u, ice %s/%s, dtls %s/%s (%s/%s)", what,
			 (unsigned long long)seed, server.received, client.received,
			 ly_ice_state_name(ly_ice_state(server.ice)),
			 ly_ice_state_name(ly_ice_state(client.ice)),
			 ly_dtls_state_name(ly_dtls_state(server.dtls)),
			 ly_dtls_state_name(ly_dtls_state(client.dtls)), ly_dtls_error(server.dtls),
			 ly_dtls_error(client.dtls));
	if (server.ready_at > LY_SEC(1) + limit || client.ready_at > LY_SEC(1) + limit)
		fail_msg("%s, seed %llu: ready after %lld and %lld us", what,
			 (unsigned long long)seed, (long long)(server.ready_at - LY_SEC(1)),
			 (long long)(client.ready_at - LY_SEC(1)));
	assert_int_equal(LY_ICE_NOMINATED, ly_ice_state(server.ice));
	assert_int_equal(LY_ICE_NOMINATED, ly_ice_state(client.ice));
	sim_peer_fini(&server);
	sim_peer_fini(&client);
	sim_net_fini(&net);
	assert_int_equal(0, ly_heap_used(LY_MEM_MEDIA));
}

static void test_media_flows(void **state)
{
	static const struct {
		const char *what;
		struct sim_link link;
		int seeds;
		ly_usec limit; /* to both ends ready, from the start */
	} rows[] = {
		{ "good network", { 0, 0, LY_MS(20), LY_MS(1) }, 3, LY_MS(250) },
		{ "far away", { 0, 0, LY_MS(150), LY_MS(5) }, 3, LY_SEC(2) },
		{ "5 % loss", { 50, 0, LY_MS(30), LY_MS(5) }, 10, LY_SEC(6) },
		{ "30 % loss", { 300, 0, LY_MS(30), LY_MS(5) }, 10, LY_SEC(30) },
		{ "duplicates and reordering", { 0, 300, LY_MS(20), LY_MS(60) }, 10, LY_SEC(6) },
		{ "all at once", { 150, 100, LY_MS(40), LY_MS(80) }, 10, LY_SEC(30) },
	};

	(void)state;
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		for (int seed = 1; seed <= rows[i].seeds; seed++)
			one_call(&rows[i].link, (uint64_t)seed, rows[i].what, rows[i].limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_media_flows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
