#include "server/admin/prom.h"

#include <string.h>

#include "base/util.h"
#include "server/admin/metrics.h"

enum kind { GAUGE, COUNTER };

/* A member of the figures, by path, and how it is shown. Names end as Prometheus advises. */
static const struct row {
	const char *group, *member; /* group NULL: at the top */
	const char *name, *help;
	enum kind kind;
	double factor;
} rows[] = {
	{ NULL, "uptime_s", "uptime_seconds", "Time since the start.", GAUGE, 1 },
	{ NULL, "rss_bytes", "resident_memory_bytes", "Memory of the process.", GAUGE, 1 },
	{ NULL, "open_files", "open_files", "File descriptors in use.", GAUGE, 1 },
	{ NULL, "users", "users_online", "Accounts with at least one session in memory.", GAUGE,
	  1 },
	{ NULL, "sessions", "sessions", "XMPP sessions (devices and tabs).", GAUGE, 1 },
	{ NULL, "waiting", "stanzas_waiting", "Stanzas that wait for storage.", GAUGE, 1 },
	{ NULL, "stanzas_in", "stanzas_in_total", "Stanzas received.", COUNTER, 1 },
	{ NULL, "stanzas_out", "stanzas_out_total", "Stanzas sent.", COUNTER, 1 },
	{ NULL, "rooms", "rooms", "Rooms, with or without occupants.", GAUGE, 1 },
	{ NULL, "calls", "calls", "Running calls.", GAUGE, 1 },
	{ NULL, "participants", "call_participants", "Participants of all calls.", GAUGE, 1 },
	{ "calls_total", "started", "calls_started_total", "Calls that began.", COUNTER, 1 },
	{ "calls_total", "conflicts", "call_joins_busy_total",
	  "Joins refused because the user is in another call.", COUNTER, 1 },
	{ "calls_total", "lost", "call_participants_lost_total",
	  "Participants removed because their media connection was gone.", COUNTER, 1 },
	{ "store", "waiting", "store_queue", "Requests that wait for the database.", GAUGE, 1 },
	{ "store", "requests", "store_requests_total", "Requests to the database.", COUNTER, 1 },
	{ "store", "writes", "store_writes_total", "Requests that write.", COUNTER, 1 },
	{ "store", "errors", "store_errors_total", "Requests that failed.", COUNTER, 1 },
	{ "store", "batches", "store_commits_total", "Transactions.", COUNTER, 1 },
	{ "store", "commit_us_sum", "store_commit_seconds_total", "Time spent in commits.", COUNTER,
	  1e-6 },
	{ "store", "commit_us_max", "store_commit_seconds_max", "The longest commit.", GAUGE,
	  1e-6 },
	{ "media", "endpoints", "media_endpoints", "Media connections.", GAUGE, 1 },
	{ "media", "packets_in", "media_packets_in_total", "UDP packets received.", COUNTER, 1 },
	{ "media", "packets_out", "media_packets_out_total", "UDP packets sent.", COUNTER, 1 },
	{ "media", "bytes_in", "media_bytes_in_total", "Bytes received.", COUNTER, 1 },
	{ "media", "bytes_out", "media_bytes_out_total", "Bytes sent.", COUNTER, 1 },
	{ "media", "rtp_in", "media_rtp_in_total", "RTP packets received.", COUNTER, 1 },
	{ "media", "rtp_forwarded", "media_rtp_forwarded_total", "RTP packets forwarded.", COUNTER,
	  1 },
};

static void number(struct ly_buf *out, double n)
{
	if (n == (double)(int64_t)n)
		ly_buf_printf(out, "%lld", (long long)n);
	else
		ly_buf_printf(out, "%.9g", n);
}

static void head(struct ly_buf *out, const char *name, const char *help, const char *type)
{
	ly_buf_printf(out, "# HELP lyceum_%s %s\n# TYPE lyceum_%s %s\n", name, help, name, type);
}

static void write_row(struct ly_buf *out, const struct row *row, const json_t *stats)
{
	const json_t *group = row->group ? json_object_get(stats, row->group) : stats;
	const json_t *value = json_object_get(group, row->member);

	if (!json_is_number(value))
		return;
	head(out, row->name, row->help, row->kind == COUNTER ? "counter" : "gauge");
	ly_buf_printf(out, "lyceum_%s ", row->name);
	number(out, json_number_value(value) * row->factor);
	ly_buf_addc(out, '\n');
}

/* An object of numbers as one metric with a label. */
static void write_labelled(struct ly_buf *out, const json_t *object, const char *name,
			   const char *label, const char *type, const char *help)
{
	const char *key;
	json_t *value;

	if (json_object_size(object) == 0)
		return;
	head(out, name, help, type);
	json_object_foreach((json_t *)object, key, value)
		ly_buf_printf(out, "lyceum_%s{%s=\"%s\"} %lld\n", name, label, key,
			      (long long)json_integer_value(value));
}

/* One line per loop (or media thread) and member. */
static void write_indexed(struct ly_buf *out, const json_t *list, const char *member,
			  const char *name, const char *label, const char *type, double factor,
			  const char *help)
{
	size_t i;
	json_t *item;

	if (json_array_size(list) == 0)
		return;
	head(out, name, help, type);
	json_array_foreach(list, i, item)
	{
		ly_buf_printf(out, "lyceum_%s{%s=\"%zu\"} ", name, label, i);
		number(out, json_number_value(json_object_get(item, member)) * factor);
		ly_buf_addc(out, '\n');
	}
}

void ly_prom_write(struct ly_buf *out, const json_t *stats)
{
	const json_t *loops = json_object_get(stats, "loops");

	head(out, "info", "The version.", "gauge");
	ly_buf_printf(out, "lyceum_info{version=\"%s\"} 1\n",
		      json_string_value(json_object_get(stats, "version")));
	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		write_row(out, &rows[i], stats);
	for (int i = 0; i < LY_N_METRICS; i++) {
		const char *name = ly_metric_name((enum ly_metric)i);

		ly_buf_printf(out,
			      "# HELP lyceum_%s_total %s\n# TYPE lyceum_%s_total counter\n"
			      "lyceum_%s_total %lld\n",
			      name, ly_metric_help((enum ly_metric)i), name, name,
			      (long long)json_integer_value(json_object_get(stats, name)));
	}
	write_labelled(out, json_object_get(stats, "memory"), "memory_bytes", "kind", "gauge",
		       "Memory of our own allocations.");
	write_labelled(out, json_object_get(json_object_get(stats, "media"), "dropped"),
		       "media_dropped_total", "reason", "counter",
		       "Datagrams that were not handed on.");
	write_indexed(out, loops, "lag_us", "loop_lag_seconds", "loop", "gauge", 1e-6,
		      "The longest delay of the loop's timer in the last second.");
	write_indexed(out, loops, "messages", "loop_messages_total", "loop", "counter", 1,
		      "Messages run by the loop.");
	write_indexed(out, loops, "connections", "loop_connections", "loop", "gauge", 1,
		      "Connections of the loop.");
}
