#include "server/io/logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/map.h"
#include "server/io/loop.h"

#define BURST 10 /* warnings of one kind within a second; more are counted only */
#define N_KINDS 64

struct kind {
	uint64_t hash;
	ly_usec since;
	unsigned n, dropped;
};

/* The process has one log: this is its state, locked because every thread writes. */
static struct {
	pthread_mutex_t lock;
	int fd;
	char *path;
	struct kind kinds[N_KINDS];
} sink = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/* @return whether to write it; *left_out: how many of the kind were left out before it */
static bool admit(const struct ly_log *log, const char *event, unsigned *left_out)
{
	uint64_t hash = ly_hash(ly_span_str(log->component), 1) ^ ly_hash(ly_span_str(event), 2);
	struct kind *k = &sink.kinds[hash % N_KINDS];
	ly_usec now = ly_clock_now();

	*left_out = 0;
	if (k->hash != hash || now - k->since >= LY_SEC(1)) {
		if (k->hash == hash)
			*left_out = k->dropped;
		*k = (struct kind) { .hash = hash, .since = now };
	}
	if (++k->n > BURST) {
		k->dropped++;
		return false;
	}
	return true;
}

/* A peer's text must not be able to forge a line. */
static void flatten(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			s[i] = '?';
}

static void write_line(void *ctx, enum ly_level level, const struct ly_log *log, const char *event,
		       const char *pairs)
{
	static const char *const names[] = { "ERROR", "WARN", "INFO", "DEBUG", "TRACE" };
	char line[1400], time[LY_DATETIME_MAX], more[48] = "";
	unsigned left_out = 0;
	bool has_id = log->id != NULL && log->id[0] != 0;
	int n;

	(void)ctx;
	pthread_mutex_lock(&sink.lock);
	if (level == LY_WARN && !admit(log, event, &left_out)) {
		pthread_mutex_unlock(&sink.lock);
		return;
	}
	if (left_out > 0)
		snprintf(more, sizeof(more), " left_out=%u", left_out);
	ly_datetime_format(time, sizeof(time), ly_clock_wall());
	n = snprintf(line, sizeof(line) - 1, "%s %s %s%s%s%s %s%s%s%s", time, names[level],
		     log->component, has_id ? "[" : "", has_id ? log->id : "", has_id ? "]" : "",
		     event, pairs[0] ? " " : "", pairs, more);
	if (n >= (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 2;
	flatten(line, (size_t)n);
	line[n++] = '\n';
	if (sink.fd >= 0 && write(sink.fd, line, (size_t)n) < 0)
		(void)0; /* the log's own failure has nowhere to be told */
	pthread_mutex_unlock(&sink.lock);
}

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

int ly_logsink_open(const char *path)
{
	ly_logsink_close();
	if (path == NULL || path[0] == 0) {
		sink.fd = dup(STDERR_FILENO);
	} else {
		sink.path = ly_strdup(path, LY_MEM_MISC);
		sink.fd = open_file(path);
	}
	if (sink.fd < 0)
		return -EIO;
	ly_log_set_sink(write_line, NULL);
	return 0;
}

void ly_logsink_reopen(void)
{
	int fd;

	if (sink.path == NULL)
		return;
	fd = open_file(sink.path);
	if (fd < 0)
		return;
	pthread_mutex_lock(&sink.lock);
	close(sink.fd);
	sink.fd = fd;
	pthread_mutex_unlock(&sink.lock);
}

void ly_logsink_close(void)
{
	ly_log_set_sink(NULL, NULL);
	if (sink.fd >= 0)
		close(sink.fd);
	sink.fd = -1;
	ly_free(sink.path, LY_MEM_MISC);
	sink.path = NULL;
}
