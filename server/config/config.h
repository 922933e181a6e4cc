/* lyceum.conf: one INI file (GLib's key-file format) read into a typed struct.
 *
 * Every key stands in one table (table.c) with its group, type, default, bounds and a sentence of
 * documentation; the parser, docs/config.md and the sample file all come from that table. A problem
 * is reported as "FILE:LINE: what is wrong", with the nearest known name for an unknown one; all
 * problems of a file are reported at once and the file is refused as a whole.
 *
 * A struct ly_config never changes after it was made: a reload makes a new one.
 */
#ifndef LY_SERVER_CONFIG_CONFIG_H
#define LY_SERVER_CONFIG_CONFIG_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/time.h"

/** Addresses of a [listen] key; n == 0: off. A family of 0 stands for `*`: all addresses of both
 *  families (bind [::] without V6ONLY, or 0.0.0.0 where there is no IPv6). */
struct ly_config_addrs {
	struct ly_addr *v;
	size_t n;
};

enum ly_limits_profile { LY_LIMITS_STRICT, LY_LIMITS_DEFAULT, LY_LIMITS_OFF };
enum ly_active_call { LY_ACTIVE_CALL_STRICT, LY_ACTIVE_CALL_OFF };
enum ly_metrics_access { LY_METRICS_LOOPBACK, LY_METRICS_ALL, LY_METRICS_OFF };

/** The values; strings are never NULL ("" = not set), paths are absolute or relative to the working
 *  directory (those of the file are relative to the file's folder and joined with it). */
struct ly_config {
	struct {
		const char *domain, *data_dir;
		unsigned loops, media_threads; /* resolved: never 0 */
	} server;
	struct {
		struct ly_config_addrs xmpp, xmpps, http, https, federation;
		struct ly_config_addrs media;     /* thread i uses port + i */
		struct ly_config_addrs advertise; /* ports are 0; n == 0: the interfaces' own */
	} listen;
	struct {
		const char *certificate, *key;
	} tls;
	struct {
		bool require_tls, registration;
		unsigned iterations;
	} auth;
	struct {
		const char *url;
	} storage;
	struct {
		bool enabled;
	} archive;
	struct {
		int mode; /* 0 = off, the only one so far */
	} federation;
	struct {
		const char *web_root;
	} http;
	struct {
		enum ly_active_call one_active_call;
		ly_usec lost_after;
	} calls;
	struct { /* 0 = no limit */
		enum ly_limits_profile profile;
		uint64_t stanza_size;  /* bytes of one stanza */
		uint64_t stream_rate;  /* bytes per second of one connection */
		uint64_t stream_queue; /* bytes waiting to be written to one connection */
		unsigned connections_per_address;
		unsigned resources_per_user;
		unsigned roster_items;
		unsigned offline_messages;
		unsigned login_failures; /* per address and minute */
		ly_usec login_timeout;
		unsigned unacked_stanzas; /* per session */
		ly_usec resume_timeout;   /* 0 = no resumption */
	} limits;
	struct {
		ly_usec token_lifetime;
		enum ly_metrics_access metrics;
	} admin;
	struct {
		enum ly_level level;
		const char *file;
	} log;

	/* private to config.c */
	struct ly_arena arena; /* owned; all strings and arrays */
	const char *path;      /* of the file; "" when made from defaults */
};

/** Reads a file; @p path NULL gives the defaults. On failure @p errors holds one line per problem.
 *  @return 0, -ENOENT (no such file), -EIO, -EBADMSG (problems in the file), -ENOMEM */
int ly_config_load(struct ly_config **out, const char *path, struct ly_buf *errors);

/** The same from memory; @p name stands for the file in messages and for relative paths. */
int ly_config_parse(struct ly_config **out, const char *name, struct ly_span text,
		    struct ly_buf *errors);

/** NULL is fine. */
void ly_config_destroy(struct ly_config *conf);

/** Reads the file of @p old again: *out has the reloadable keys of the file and all others of @p
 * old.
 *  @p report gets a line per changed key ("… changed", "… changed: takes effect after a restart"),
 * or the problems. @return as ly_config_load; on failure *out is NULL and @p old stays in use */
int ly_config_reload(struct ly_config **out, const struct ly_config *old, struct ly_buf *report);

/** Path of the SQLite file of [storage] url. @return 0, -ENOSPC */
int ly_config_db_path(const struct ly_config *conf, char *out, size_t cap);

/** Path of the control socket, in the data directory. @return 0, -ENOSPC */
int ly_config_socket_path(const struct ly_config *conf, char *out, size_t cap);

/** The commented sample file, and docs/config.md. */
void ly_config_print_sample(struct ly_buf *out);
void ly_config_print_doc(struct ly_buf *out);

#endif
