/* lyceumd: reads the configuration, starts the server, waits for signals. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/log.h"
#include "server/io/logsink.h"
#include "server/server.h"

static const struct ly_log main_log = { "main", "" };

static const char usage[] =
	"usage: lyceumd [-c FILE] [--check-config | --print-config]\n"
	"\n"
	"  -c, --config FILE   configuration (default: lyceum.conf, or built-in defaults without "
	"one)\n"
	"      --check-config  checks the configuration and exits: 0 if it is good\n"
	"      --print-config  prints a commented sample configuration\n"
	"  -V, --version       prints the version\n"
	"  -h, --help          prints this\n"
	"\n"
	"SIGTERM and SIGINT stop the server, SIGHUP reloads certificates, limits and the log "
	"level.\n";

struct options {
	const char *config;
	bool is_check, is_print;
};

/* @return -1 to go on, else the exit status */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "print-config", no_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:Vh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->is_check = true;
			break;
		case 'p':
			o->is_print = true;
			break;
		case 'V':
			puts("lyceumd " LY_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "lyceumd: unexpected argument: %s\n%s", argv[optind], usage);
		return 2;
	}
	return -1;
}

static struct ly_config *load_config(const char *path)
{
	struct ly_config *conf = NULL;
	struct ly_buf errors;
	const char *text;
	int rc;

	ly_buf_init(&errors, LY_MEM_CONFIG, 0);
	rc = ly_config_load(&conf, path, &errors);
	text = ly_buf_str(&errors);
	if (rc != 0)
		fprintf(stderr, "%s%s", text != NULL ? text : "",
			text == NULL || text[0] == 0 ? "lyceumd: cannot read the configuration\n"
						     : "");
	ly_buf_fini(&errors);
	return rc == 0 ? conf : NULL;
}

static int print_sample(void)
{
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONFIG, 0);
	ly_config_print_sample(&b);
	fwrite(b.ptr, 1, b.len, stdout);
	ly_buf_fini(&b);
	return 0;
}

static void raise_file_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	getrlimit(RLIMIT_NOFILE, &r);
	ly_log(&main_log, LY_INFO, "file-limit", "descriptors=%llu",
	       (unsigned long long)r.rlim_cur);
}

static void block_signals(sigset_t *set)
{
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	/* all threads started from now on inherit this: only the main one takes them */
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* A wave of log-ins borrows a parser per connection; once they are given back, malloc keeps the
 * pages unless it is told. Done only after a drop worth it: it holds up the other threads for
 * milliseconds. */
static void trim_memory(int64_t *peak)
{
	int64_t used = 0;

	for (int i = 0; i < LY_N_MEM; i++)
		used += ly_heap_used((enum ly_mem)i);
	if (used > *peak)
		*peak = used;
	if (*peak - used < 4 << 20)
		return;
	malloc_trim(0);
	*peak = used;
}

static int run(struct ly_config *conf)
{
	struct ly_server *server = NULL;
	char err[2048] = "";
	const struct timespec interval = { .tv_sec = 5 };
	int64_t peak = 0;
	sigset_t set;
	int sig;

	if (ly_logsink_open(conf->log.file) != 0) {
		fprintf(stderr, "lyceumd: cannot open the log file %s: %s\n", conf->log.file,
			strerror(errno));
		ly_config_destroy(conf);
		return 1;
	}
	ly_log_set_level(conf->log.level);
	block_signals(&set);
	raise_file_limit();
	if (ly_server_create(&server, conf, err, sizeof(err)) != 0) {
		fprintf(stderr, "lyceumd: %s\n", err);
		return 1;
	}
	if (ly_server_start(server) != 0) {
		fprintf(stderr, "lyceumd: cannot start the threads\n");
		return 1;
	}
	do {
		sig = sigtimedwait(&set, NULL, &interval);
		if (sig == SIGHUP)
			ly_server_reload(server);
		else if (sig < 0)
			trim_memory(&peak);
	} while (sig < 0 || sig == SIGHUP);
	ly_server_stop(server);
	ly_server_destroy(server);
	ly_logsink_close();
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct ly_config *conf;
	int rc = parse_options(argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (o.is_print)
		return print_sample();
	conf = load_config(o.config);
	if (conf == NULL)
		return 1;
	if (o.is_check) {
		printf("%s: the configuration is good\n", o.config != NULL ? o.config : "defaults");
		ly_config_destroy(conf);
		return 0;
	}
	return run(conf);
}
