/* How many packets per second one thread protects, per engine, profile and size; and how many
 * libsrtp2 unprotects. usage: bench_srtp [SECONDS per row] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "media/srtp/srtp.h"

#define BATCH 64
#define SESSIONS 16

static _Alignas(64) uint8_t packets[BATCH][1536];

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_header(uint8_t *p, uint64_t index)
{
	memset(p, 0, 12);
	p[0] = 0x80;
	p[1] = 100;
	p[2] = (uint8_t)(index >> 8);
	p[3] = (uint8_t)index;
	p[11] = 1;
}

static void bench_out(const char *engine, enum ly_srtp_profile profile, size_t size, double seconds)
{
	struct ly_srtp_keys keys = { .profile = profile };
	struct ly_srtp_engine *eng;
	struct ly_srtp_out *out[SESSIONS];
	struct ly_srtp_job jobs[BATCH];
	uint64_t index = 0, done = 0;
	double start, used;

	if (ly_srtp_engine_create(&eng, engine) != 0)
		exit(1);
	for (int i = 0; i < SESSIONS; i++)
		if (ly_srtp_out_create(&out[i], eng, &keys) != 0)
			exit(1);
	start = cpu_seconds();
	do {
		for (unsigned i = 0; i < BATCH; i++) {
			uint64_t at = index + i / SESSIONS;

			write_header(packets[i], at);
			jobs[i] = (struct ly_srtp_job) { .out = out[i % SESSIONS],
							 .pkt = packets[i],
							 .len = size,
							 .cap = sizeof(packets[i]),
							 .index = at };
		}
		index += BATCH / SESSIONS;
		done += ly_srtp_protect(eng, jobs, BATCH);
		used = cpu_seconds() - start;
	} while (used < seconds);
	printf("protect    %-9s %-22s %5zu bytes  %10.0f packets/s  %6.3f us each\n", engine,
	       ly_srtp_profile_name(profile), size, (double)done / used, used * 1e6 / (double)done);
	for (int i = 0; i < SESSIONS; i++)
		ly_srtp_out_destroy(out[i]);
	ly_srtp_engine_destroy(eng);
}

static void bench_in(enum ly_srtp_profile profile, size_t size, double seconds)
{
	struct ly_srtp_keys keys = { .profile = profile };
	struct ly_srtp_engine *eng;
	struct ly_srtp_out *out;
	struct ly_srtp *in;
	uint64_t index = 0, done = 0;
	double used = 0;

	if (ly_srtp_engine_create(&eng, NULL) != 0 || ly_srtp_out_create(&out, eng, &keys) != 0 ||
	    ly_srtp_create(&in, &keys, 8) != 0)
		exit(1);
	do {
		struct ly_srtp_job jobs[BATCH];
		double start;

		for (unsigned i = 0; i < BATCH; i++, index++) {
			write_header(packets[i], index);
			jobs[i] =
				(struct ly_srtp_job) { out,   packets[i], size, sizeof(packets[i]),
						       index, 0,          0 };
		}
		(void)ly_srtp_protect(eng, jobs, BATCH);
		start = cpu_seconds();
		for (unsigned i = 0; i < BATCH; i++)
			done += ly_srtp_unprotect(in, packets[i], &jobs[i].len) == 0;
		used += cpu_seconds() - start;
	} while (used < seconds);
	printf("unprotect  %-9s %-22s %5zu bytes  %10.0f packets/s  %6.3f us each\n", "libsrtp2",
	       ly_srtp_profile_name(profile), size, (double)done / used, used * 1e6 / (double)done);
	ly_srtp_out_destroy(out);
	ly_srtp_destroy(in);
	ly_srtp_engine_destroy(eng);
}

int main(int argc, char **argv)
{
	static const enum ly_srtp_profile profiles[] = {
		LY_SRTP_AEAD_AES_128_GCM,
		LY_SRTP_AEAD_AES_256_GCM,
		LY_SRTP_AES128_CM_SHA1_80,
	};
	static const size_t sizes[] = { 120, 1200 };
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.5;

	for (size_t s = 0; s < LY_COUNTOF(sizes); s++)
		for (size_t p = 0; p < LY_COUNTOF(profiles); p++) {
			for (const char *const *e = ly_srtp_engine_names(); *e; e++)
				bench_out(*e, profiles[p], sizes[s], seconds);
			bench_in(profiles[p], sizes[s], seconds);
		}
	return 0;
}
