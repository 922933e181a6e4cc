/* The simulation's clock takes the place of the system's: OpenSSL asks gettimeofday() when to
 * retransmit a DTLS flight. */
#include "tests/sim/clock.h"

#include <sys/time.h>

static ly_usec sim_now;

void sim_clock_set(ly_usec now)
{
	sim_now = now;
}

/* The C library declares it with restrict and, in some versions, another type for tz. */
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	(void)tz;
	tv->tv_sec = (time_t)(1700000000 + sim_now / 1000000);
	tv->tv_usec = (suseconds_t)(sim_now % 1000000);
	return 0;
}
