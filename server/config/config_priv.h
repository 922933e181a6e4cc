/* The table of keys, shared by the parser and the printers. */
#ifndef LY_SERVER_CONFIG_CONFIG_PRIV_H
#define LY_SERVER_CONFIG_CONFIG_PRIV_H

#include "server/config/config.h"

enum ly_key_type {
	LY_KEY_STR,
	LY_KEY_PATH,
	LY_KEY_DOMAIN,
	LY_KEY_INT,      /* unsigned */
	LY_KEY_BOOL,     /* true, false */
	LY_KEY_ENUM,     /* one of words */
	LY_KEY_DURATION, /* 90, 90s, 15m, 1h -> ly_usec */
	LY_KEY_SIZE,     /* 500, 64kB, 2MiB -> uint64_t */
	LY_KEY_LISTEN,   /* IP:port, [IP6]:port, *:port, port; space-separated */
	LY_KEY_IPS,      /* IP addresses without port; space-separated */
};

struct ly_key {
	const char *group, *name;
	enum ly_key_type type;
	const char *def;          /* as it would stand in the file */
	const char *strict, *off; /* default under the other limits profiles; NULL = def */
	int64_t min, max;         /* INT, DURATION (us), SIZE (bytes) */
	const char *const *words; /* ENUM: NULL-ended, index = value */
	bool reload;              /* takes effect on SIGHUP or `lyceumctl reload` */
	size_t at;                /* offset in struct ly_config */
	const char *doc;          /* one sentence or two */
};

struct ly_group_doc {
	const char *name, *doc;
};

extern const struct ly_key ly_keys[];
extern const size_t ly_n_keys;
extern const struct ly_group_doc ly_groups[];
extern const size_t ly_n_groups;

/** Parses @p text into the field of @p key. @p dir is the folder of relative paths.
 *  @return 0; -EBADMSG with the reason in @p why; -ENOMEM */
int ly_config_set(struct ly_config *conf, const struct ly_key *key, const char *text,
		  const char *dir, char *why, size_t cap);

/** The known name nearest to @p name, or NULL when none is near. */
const char *ly_config_near_key(const char *group, const char *name);
const char *ly_config_near_group(const char *name);

#endif
