/* The operator's commands: one table that feeds lyceumctl, the control socket and REST.
 *
 * A command takes a JSON object of arguments and ends, maybe later, with a JSON result or an error
 * in words. The same code runs inside the server and, for those that need only the database, inside
 * lyceumctl when the server is not running; struct ly_cmd_env is what differs.
 */
#ifndef LY_SERVER_ADMIN_COMMAND_H
#define LY_SERVER_ADMIN_COMMAND_H

#include <jansson.h>

#include "base/rand.h"
#include "server/admin/gather.h"
#include "signaling/store/store.h"

struct ly_cmd;

/** Where a command runs. Borrowed by the commands. */
struct ly_cmd_env {
	void *ctx;           /* for the functions below */
	const char *domain;  /* of the accounts */
	const char *rooms;   /* conference.DOMAIN */
	unsigned iterations; /* of new SCRAM keys */
	struct ly_rand *rand;
	unsigned home; /* where answers go */
	ly_usec (*wall)(void *ctx);
	/** Executes a request and answers by req->msg.run, now or later; takes it. */
	void (*store)(void *ctx, struct ly_store_req *req);

	/* only inside the server, NULL outside */
	struct ly_admin_providers *providers;
	/** Ends the sessions of an account. */
	void (*kick)(void *ctx, const char *jid, const char *text);
	/** A contact of @p owner has been stored: its sessions hear of it. */
	void (*contact)(void *ctx, const char *owner, const struct ly_store_contact *item);
	/** Numbers of the whole process into an object. */
	void (*stats)(void *ctx, json_t *out);
	/** Reads the configuration again; a new string with what changed (or the problems, *ok
	 * false). */
	json_t *(*reload)(void *ctx, bool *ok);
};

/** How lyceumctl shows a result. */
enum ly_cmd_show { LY_SHOW_NOTHING, LY_SHOW_JSON, LY_SHOW_TABLE, LY_SHOW_TEXT };

/** An argument: the name in JSON and in the usage line. */
struct ly_cmd_arg {
	const char *name;
	bool is_option;   /* --name VALUE, may be left out; else by position */
	const char *meta; /* "JID" */
};

#define LY_CMD_ARGS_MAX 4

struct ly_cmd_def {
	const char *name; /* one or two words: "user add" */
	const char *help; /* one sentence */
	struct ly_cmd_arg args[LY_CMD_ARGS_MAX];
	bool needs_server; /* no answer from the database alone */
	bool is_audited;   /* it changes something: the audit log keeps it */
	bool is_internal;  /* lyceumctl's own steps; not shown in the help */
	enum ly_cmd_show show;
	const char *columns; /* TABLE: names of members, separated by spaces */
	void (*run)(struct ly_cmd *cmd);
};

extern const struct ly_cmd_def ly_cmds[];
extern const size_t ly_n_cmds;

/** The command of one or two words; NULL if unknown. */
const struct ly_cmd_def *ly_cmd_find(const char *name);

/** A running command. */
struct ly_cmd {
	const struct ly_cmd_def *def;
	struct ly_cmd_env *env; /* borrowed */
	json_t *args;           /* owned: an object */
	json_t *result;         /* owned: what the command found; may be NULL */
	int err;                /* 0 or a negative errno: see error[] */
	char error[512];
	void (*done)(struct ly_cmd *cmd, void *ctx);
	void *ctx;

	/* the command's own state */
	void (*resume)(struct ly_cmd *cmd, struct ly_store_req *req);
	unsigned n_pending;
	unsigned n_done;
	int step;
	bool is_kept; /* in the audit log */
	char who[256];
};

/** Starts a command; @p args is taken. @p who is kept in the audit log (an account, or
 *  "lyceumctl"). @p done is called once, maybe before this returns; the command is freed after it.
 * An unknown name or a wrong argument ends it with an error. */
void ly_cmd_start(struct ly_cmd_env *env, const char *who, const char *name, json_t *args,
		  void (*done)(struct ly_cmd *cmd, void *ctx), void *ctx);

/* ---- for commands ---- */

/** Ends it; with cmd->err when that is set. */
void ly_cmd_finish(struct ly_cmd *cmd);
/** Notes the first error and does not end it. */
void ly_cmd_error(struct ly_cmd *cmd, int err, const char *fmt, ...) LY_PRINTF(3, 4);
/** Notes an error and ends it. */
void ly_cmd_fail(struct ly_cmd *cmd, int err, const char *fmt, ...) LY_PRINTF(3, 4);
/** A string argument; NULL if absent. */
const char *ly_cmd_arg(const struct ly_cmd *cmd, const char *name);
/** A request to the store; NULL after ending the command for lack of memory. */
struct ly_store_req *ly_cmd_req(struct ly_cmd *cmd, enum ly_store_op op, const char *owner);
/** The same without ending the command. */
struct ly_store_req *ly_cmd_try_req(struct ly_cmd *cmd, enum ly_store_op op, const char *owner);
/** Sends a request; resume() is called with the answer, which is freed after it. */
void ly_cmd_store(struct ly_cmd *cmd, struct ly_store_req *req,
		  void (*resume)(struct ly_cmd *cmd, struct ly_store_req *req));
/** Normalises the JID of an account here. On failure the command is ended. */
bool ly_cmd_account(struct ly_cmd *cmd, const char *text, char *out, size_t cap);

void ly_cmd_user_add(struct ly_cmd *cmd);
void ly_cmd_user_put_many(struct ly_cmd *cmd);
void ly_cmd_user_list(struct ly_cmd *cmd);
void ly_cmd_user_delete(struct ly_cmd *cmd);
void ly_cmd_user_password(struct ly_cmd *cmd);
void ly_cmd_user_role(struct ly_cmd *cmd);
void ly_cmd_user_disable(struct ly_cmd *cmd);
void ly_cmd_user_enable(struct ly_cmd *cmd);
void ly_cmd_roster_link(struct ly_cmd *cmd);
void ly_cmd_rooms(struct ly_cmd *cmd);
void ly_cmd_calls(struct ly_cmd *cmd);
void ly_cmd_call_end(struct ly_cmd *cmd);
void ly_cmd_stats(struct ly_cmd *cmd);
void ly_cmd_reload(struct ly_cmd *cmd);
void ly_cmd_ping(struct ly_cmd *cmd);
void ly_cmd_audit(struct ly_cmd *cmd);

#endif
