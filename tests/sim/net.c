#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/sim/clock.h"
#include "tests/sim/sim.h"

void sim_net_init(struct sim_net *net, uint64_t seed, const struct sim_link *link)
{
	*net = (struct sim_net) { .now = LY_SEC(1), .link = *link };
	net->queue = calloc(SIM_QUEUE_MAX, sizeof(*net->queue));
	ly_rand_seeded(&net->rand, seed);
	sim_clock_set(net->now);
}

void sim_net_fini(struct sim_net *net)
{
	free(net->queue);
}

static void enqueue(struct sim_net *net, const struct ly_addr *src, const struct ly_addr *dst,
		    struct ly_span data)
{
	struct sim_datagram *d;

	if (net->n == SIM_QUEUE_MAX || data.len > SIM_MTU)
		return;
	d = &net->queue[net->n++];
	d->at = net->now + net->link.delay +
		(net->link.jitter ? ly_rand_below(&net->rand, (uint32_t)net->link.jitter) : 0);
	d->order = net->order++;
	d->src = *src;
	d->dst = *dst;
	d->len = data.len;
	memcpy(d->data, data.ptr, data.len);
}

void sim_send(struct sim_net *net, const struct ly_addr *src, const struct ly_addr *dst,
	      struct ly_span data)
{
	net->sent++;
	if (ly_rand_below(&net->rand, 1000) < net->link.loss_pm) {
		net->lost++;
		return;
	}
	enqueue(net, src, dst, data);
	if (ly_rand_below(&net->rand, 1000) < net->link.duplicate_pm)
		enqueue(net, src, dst, data);
}

static size_t earliest(const struct sim_net *net)
{
	size_t best = 0;

	for (size_t i = 1; i < net->n; i++)
		if (net->queue[i].at < net->queue[best].at ||
		    (net->queue[i].at == net->queue[best].at &&
		     net->queue[i].order < net->queue[best].order))
			best = i;
	return best;
}

ly_usec sim_next(const struct sim_net *net)
{
	return net->n ? net->queue[earliest(net)].at : LY_NEVER;
}

void sim_advance(struct sim_net *net, ly_usec at)
{
	net->now = LY_MAX(net->now, at);
	sim_clock_set(net->now);
	while (net->n) {
		size_t i = earliest(net);
		struct sim_datagram d = net->queue[i];

		if (d.at > net->now)
			break;
		net->queue[i] = net->queue[--net->n];
		if (net->drops && net->drops(net->ctx, &d))
			continue;
		net->delivered++;
		net->deliver(net->ctx, &d);
	}
}

struct ly_addr sim_addr(const char *ip, uint16_t port)
{
	struct ly_addr a = { 0 };

	(void)ly_addr_parse_ip(&a, ip, port);
	return a;
}
