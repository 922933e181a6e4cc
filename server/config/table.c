/* Every key of lyceum.conf. */
#include "server/config/config_priv.h"

#define AT(field) offsetof(struct ly_config, field)
#define SEC_US(n) ((int64_t)(n)*1000000)
#define RELOAD .reload = true

static const char *const profiles[] = { "strict", "default", "off", NULL };
static const char *const active_call[] = { "strict", "off", NULL };
static const char *const federation[] = { "off", NULL };
static const char *const access_words[] = { "loopback", "all", "off", NULL };
static const char *const levels[] = { "error", "warn", "info", "debug", "trace", NULL };

const struct ly_group_doc ly_groups[] = {
	{ "server", "The process." },
	{ "listen",
	  "Addresses and ports, separated by spaces: `127.0.0.1:5222`, `[::1]:5222`, `*:8080` (all "
	  "addresses). An empty value switches a service off." },
	{ "tls", "The certificate for all services." },
	{ "auth", "Who may log in, and how." },
	{ "storage", "The database." },
	{ "archive", "The archive of messages." },
	{ "federation", "Other servers." },
	{ "http", "The web pages." },
	{ "calls", "Group calls." },
	{ "limits", "What one peer may take of the server; 0 means no limit. `profile` chooses the "
		    "defaults of "
		    "the others." },
	{ "admin", "The operator's interfaces." },
	{ "log", "The log." },
};
const size_t ly_n_groups = LY_COUNTOF(ly_groups);

const struct ly_key ly_keys[] = {
	{ "server", "domain", LY_KEY_DOMAIN, "localhost", .at = AT(server.domain),
	  .doc = "Domain of the accounts (user@DOMAIN); rooms are at conference.DOMAIN." },
	{ "server", "data_dir", LY_KEY_PATH, "data", .at = AT(server.data_dir),
	  .doc = "Folder of the database, the self-made certificate and the control socket; made "
		 "when it "
		 "is missing." },
	{ "server", "loops", LY_KEY_INT, "0", .max = 256, .at = AT(server.loops),
	  .doc = "Number of event-loop threads; 0 means one per processor." },
	{ "server", "media_threads", LY_KEY_INT, "0", .max = 64, .at = AT(server.media_threads),
	  .doc = "Number of threads that forward audio and video; 0 means half of the "
		 "processors." },

	{ "listen", "xmpp", LY_KEY_LISTEN, "*:5222", .at = AT(listen.xmpp),
	  .doc = "XMPP clients with STARTTLS." },
	{ "listen", "xmpps", LY_KEY_LISTEN, "*:5223", .at = AT(listen.xmpps),
	  .doc = "XMPP clients with TLS from the first byte." },
	{ "listen", "http", LY_KEY_LISTEN, "*:8080", .at = AT(listen.http),
	  .doc = "Web pages, WebSocket, REST and metrics without TLS." },
	{ "listen", "https", LY_KEY_LISTEN, "*:8443", .at = AT(listen.https),
	  .doc = "The same with TLS." },
	{ "listen", "federation", LY_KEY_LISTEN, "", .at = AT(listen.federation),
	  .doc = "Other XMPP servers; must be empty while `[federation] mode` is `off`." },
	{ "listen", "media", LY_KEY_LISTEN, "*:10000", .at = AT(listen.media),
	  .doc = "First UDP port of audio and video; media thread N uses this port plus N." },
	{ "listen", "advertise", LY_KEY_IPS, "", .at = AT(listen.advertise),
	  .doc = "IP addresses that clients are told to send audio and video to, for a server "
		 "behind a "
		 "one-to-one NAT; empty means the addresses of the interfaces." },

	{ "tls", "certificate", LY_KEY_PATH, "", RELOAD, .at = AT(tls.certificate),
	  .doc = "File with the certificate chain (PEM); empty means a self-made one in "
		 "`data_dir`." },
	{ "tls", "key", LY_KEY_PATH, "", RELOAD, .at = AT(tls.key),
	  .doc = "File with the private key (PEM) of `certificate`." },

	{ "auth", "require_tls", LY_KEY_BOOL, "true", .at = AT(auth.require_tls),
	  .doc = "Refuses log-ins on unencrypted connections, except over loopback WebSockets." },
	{ "auth", "registration", LY_KEY_BOOL, "false", .at = AT(auth.registration),
	  .doc = "Lets anyone create an account; only `false` is supported so far." },
	{ "auth", "iterations", LY_KEY_INT, "10000", RELOAD, .min = 4096, .max = 1000000,
	  .at = AT(auth.iterations),
	  .doc = "SCRAM iterations of newly set passwords: more make a stolen database harder to "
		 "break and "
		 "each log-in slower for the client." },

	{ "storage", "url", LY_KEY_STR, "sqlite:lyceum.db", .at = AT(storage.url),
	  .doc = "The database: `sqlite:FILE`, relative to `data_dir`." },

	{ "archive", "enabled", LY_KEY_BOOL, "false", .at = AT(archive.enabled),
	  .doc = "Keeps messages for XEP-0313; the setting is accepted, this version archives "
		 "nothing." },

	{ "federation", "mode", LY_KEY_ENUM, "off", .words = federation, .at = AT(federation.mode),
	  .doc = "Which other servers may connect." },

	{ "http", "web_root", LY_KEY_PATH, "web-demo/dist", .at = AT(http.web_root),
	  .doc = "Folder with the built web pages." },

	{ "calls", "one_active_call", LY_KEY_ENUM, "strict", .words = active_call,
	  .at = AT(calls.one_active_call),
	  .doc = "`strict`: a user is in at most one call, over all devices and rooms." },
	{ "calls", "lost_after_s", LY_KEY_DURATION, "15s", .min = SEC_US(5), .max = SEC_US(300),
	  .at = AT(calls.lost_after),
	  .doc = "A participant whose media connection is gone for so long is removed from the "
		 "call." },

	{ "limits", "profile", LY_KEY_ENUM, "default", RELOAD, .words = profiles,
	  .at = AT(limits.profile),
	  .doc = "`default`, `strict` (a server open to the public) or `off` (benchmarks, trusted "
		 "networks)." },
	{ "limits", "stanza_size", LY_KEY_SIZE, "256KiB", "64KiB", "4MiB", RELOAD, .min = 10000,
	  .max = 16 << 20, .at = AT(limits.stanza_size), .doc = "Largest stanza of a client." },
	{ "limits", "stream_rate", LY_KEY_SIZE, "512KiB", "32KiB", "0", RELOAD,
	  .max = INT64_C(1) << 40, .at = AT(limits.stream_rate),
	  .doc = "Bytes per second that are read from one XMPP connection." },
	{ "limits", "stream_queue", LY_KEY_SIZE, "4MiB", "1MiB", "64MiB", RELOAD, .min = 65536,
	  .max = INT64_C(1) << 30, .at = AT(limits.stream_queue),
	  .doc = "Bytes that may wait for a slow connection before it is closed." },
	{ "limits", "connections_per_address", LY_KEY_INT, "1000", "50", "0", RELOAD,
	  .max = 1000000, .at = AT(limits.connections_per_address),
	  .doc = "Connections from one IP address; a school behind one address needs many." },
	{ "limits", "resources_per_user", LY_KEY_INT, "20", "10", "64", .min = 1, .max = 64,
	  .at = AT(limits.resources_per_user), .doc = "Devices and tabs of one user at a time." },
	{ "limits", "roster_items", LY_KEY_INT, "1000", "500", "100000", .min = 1, .max = 100000,
	  .at = AT(limits.roster_items), .doc = "Contacts of one user." },
	{ "limits", "offline_messages", LY_KEY_INT, "200", "100", "10000", .max = 100000,
	  .at = AT(limits.offline_messages),
	  .doc = "Messages kept for a user who is offline; more are refused." },
	{ "limits", "login_failures", LY_KEY_INT, "10", "5", "0", RELOAD, .max = 100000,
	  .at = AT(limits.login_failures),
	  .doc = "Failed log-ins of one IP address or account in a minute; further ones have to "
		 "wait." },
	{ "limits", "login_timeout", LY_KEY_DURATION, "30s", "15s", "120s", RELOAD,
	  .min = SEC_US(1), .max = SEC_US(600), .at = AT(limits.login_timeout),
	  .doc = "Time from the connection to the end of the log-in." },
	{ "limits", "resume_timeout", LY_KEY_DURATION, "300s", .max = SEC_US(86400),
	  .at = AT(limits.resume_timeout),
	  .doc = "A session whose connection broke waits so long for its client to resume it "
		 "(XEP-0198); 0 "
		 "ends it at once." },
	{ "limits", "unacked_stanzas", LY_KEY_INT, "1000", "250", "10000", .min = 10,
	  .max = 1000000, .at = AT(limits.unacked_stanzas),
	  .doc = "Stanzas sent to a client that it has not acknowledged (XEP-0198); beyond that "
		 "its "
		 "session ends and its messages are stored." },

	{ "admin", "token_lifetime", LY_KEY_DURATION, "1h", RELOAD, .min = SEC_US(60),
	  .max = SEC_US(86400), .at = AT(admin.token_lifetime),
	  .doc = "How long a log-in to the REST interface lasts." },
	{ "admin", "metrics", LY_KEY_ENUM, "loopback", RELOAD, .words = access_words,
	  .at = AT(admin.metrics),
	  .doc = "Who may read /metrics: `loopback`, `all` or nobody (`off`)." },

	{ "log", "level", LY_KEY_ENUM, "info", RELOAD, .words = levels, .at = AT(log.level),
	  .doc = "`error`, `warn`, `info`, `debug` or `trace`." },
	{ "log", "file", LY_KEY_PATH, "", .at = AT(log.file),
	  .doc = "File that the log is appended to; empty means standard error. A reload "
		 "opens it again, for rotation." },
};
const size_t ly_n_keys = LY_COUNTOF(ly_keys);
