/* lyceumctl: the operator's command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "server/admin/ctl.h"

struct options {
	const char *config;
	bool is_json;
};

static void print_usage(FILE *to)
{
	fprintf(to, "usage: lyceumctl [-c FILE] [--json] COMMAND …\n\n");
	for (size_t i = 0; i < ly_n_cmds; i++) {
		const struct ly_cmd_def *def = &ly_cmds[i];

		if (def->is_internal)
			continue;
		fprintf(to, "  %s", def->name);
		for (size_t k = 0; k < LY_CMD_ARGS_MAX && def->args[k].name; k++) {
			const struct ly_cmd_arg *a = &def->args[k];

			if (a->is_option)
				fprintf(to, " [--%s %s]", a->name, a->meta);
			else
				fprintf(to, " %s", a->meta);
		}
		fprintf(to, "\n      %s\n", def->help);
	}
	fprintf(to, "  config sample\n      Prints a commented configuration file.\n"
		    "  config doc\n      Prints docs/config.md.\n"
		    "  help\n      Prints this.\n\n"
		    "  -c, --config FILE  configuration of the server (default: lyceum.conf, if "
		    "there)\n"
		    "      --json         prints results as JSON\n\n"
		    "Commands about users, rosters and rooms work whether or not the server is "
		    "running.\n"
		    "Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

static int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "lyceumctl: %s%s%s\nTry: lyceumctl help\n", what, which[0] ? ": " : "",
		which);
	return 2;
}

/* ---- showing results ---- */

static void cell_text(const json_t *value, char *out, size_t cap)
{
	if (json_is_string(value))
		(void)snprintf(out, cap, "%s", json_string_value(value));
	else if (json_is_integer(value))
		(void)snprintf(out, cap, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		(void)snprintf(out, cap, "%s", json_is_true(value) ? "yes" : "no");
	else
		(void)snprintf(out, cap, "-");
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?'; /* a room's name must not drive the terminal */
}

#define COLUMNS_MAX 8
#define CELL_MAX 200

static void show_table(const json_t *rows, const char *columns)
{
	char names[200], *save = NULL, text[CELL_MAX];
	const char *cols[COLUMNS_MAX];
	int width[COLUMNS_MAX];
	size_t n = 0, i;
	json_t *row;

	(void)snprintf(names, sizeof(names), "%s", columns);
	for (char *c = strtok_r(names, " ", &save); c && n < COLUMNS_MAX;
	     c = strtok_r(NULL, " ", &save)) {
		width[n] = (int)strlen(c);
		cols[n++] = c;
	}
	for (size_t k = 0; k < n; k++)
		json_array_foreach(rows, i, row)
		{
			cell_text(json_object_get(row, cols[k]), text, sizeof(text));
			width[k] = LY_MAX(width[k], (int)strlen(text));
		}
	for (size_t k = 0; k < n; k++)
		printf("%-*s%s", k + 1 < n ? width[k] : 0, cols[k], k + 1 < n ? "  " : "\n");
	json_array_foreach(rows, i, row) for (size_t k = 0; k < n; k++)
	{
		cell_text(json_object_get(row, cols[k]), text, sizeof(text));
		printf("%-*s%s", k + 1 < n ? width[k] : 0, text, k + 1 < n ? "  " : "\n");
	}
}

static void show(const struct ly_cmd_def *def, const json_t *result, bool is_json)
{
	if (result == NULL)
		return;
	if (is_json || def->show == LY_SHOW_JSON) {
		(void)json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		putchar('\n');
	} else if (def->show == LY_SHOW_TABLE) {
		show_table(result, def->columns);
	} else if (def->show == LY_SHOW_TEXT && json_is_string(result)) {
		fputs(json_string_value(result), stdout);
	}
}

/* ---- the command line ---- */

/* The command of the first one or two words; *used says how many. */
static const struct ly_cmd_def *find(int argc, char **argv, int *used)
{
	const struct ly_cmd_def *def = NULL;
	char name[100];

	if (argc >= 2) {
		(void)snprintf(name, sizeof(name), "%s %s", argv[0], argv[1]);
		def = ly_cmd_find(name);
		*used = 2;
	}
	if (def == NULL) {
		def = ly_cmd_find(argv[0]);
		*used = 1;
	}
	return def && !def->is_internal ? def : NULL;
}

static const struct ly_cmd_arg *find_option(const struct ly_cmd_def *def, const char *name)
{
	for (size_t k = 0; k < LY_CMD_ARGS_MAX && def->args[k].name; k++)
		if (def->args[k].is_option && strcmp(def->args[k].name, name) == 0)
			return &def->args[k];
	return NULL;
}

static const struct ly_cmd_arg *nth_position(const struct ly_cmd_def *def, int n)
{
	for (size_t k = 0; k < LY_CMD_ARGS_MAX && def->args[k].name; k++)
		if (!def->args[k].is_option && n-- == 0)
			return &def->args[k];
	return NULL;
}

/* @return 0, or the exit status after telling what is wrong */
static int parse_args(const struct ly_cmd_def *def, int argc, char **argv, struct options *o,
		      json_t *args)
{
	int position = 0;

	for (int i = 0; i < argc; i++) {
		const struct ly_cmd_arg *arg;
		const char *value = argv[i];

		if (strcmp(value, "--json") == 0) {
			o->is_json = true;
			continue;
		}
		if (strncmp(value, "--", 2) == 0) {
			arg = find_option(def, value + 2);
			if (arg == NULL)
				return usage_error("unknown option", value);
			if (++i == argc)
				return usage_error("a value is missing after", value);
			value = argv[i];
		} else {
			arg = nth_position(def, position++);
			if (arg == NULL)
				return usage_error("one argument too many", value);
		}
		if (json_object_set_new(args, arg->name, json_string(value)) != 0)
			return usage_error("not UTF-8", arg->meta);
	}
	if (nth_position(def, position))
		return usage_error("an argument is missing", nth_position(def, position)->meta);
	return 0;
}

/* Reads a password from standard input unless it was given. */
static int ask_password(const struct ly_cmd_def *def, json_t *args)
{
	char line[1100];
	int err = 0;

	if (find_option(def, "password") == NULL || json_object_get(args, "password"))
		return 0;
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "Password: ");
	if (fgets(line, sizeof(line), stdin) == NULL)
		return usage_error("no password on standard input", "");
	line[strcspn(line, "\r\n")] = '\0';
	if (json_object_set_new(args, "password", json_string(line)) != 0)
		err = usage_error("not UTF-8", "PASSWORD");
	ly_wipe(line, sizeof(line));
	return err;
}

static int with_config(const struct ly_config *conf, const struct ly_cmd_def *def, json_t *args,
		       bool is_json)
{
	struct ly_ctl ctl;
	json_t *result = NULL;
	int err = ly_ctl_open(&ctl, conf);

	if (err) {
		json_decref(args);
		return 1;
	}
	if (def->run == NULL) {
		err = ly_ctl_import(&ctl, json_string_value(json_object_get(args, "file")));
		json_decref(args);
	} else {
		err = ly_ctl_run(&ctl, def->name, args, &result);
	}
	if (!err)
		show(def, result, is_json);
	json_decref(result);
	ly_ctl_close(&ctl);
	return err ? 1 : 0;
}

static int run(int argc, char **argv, struct options *o)
{
	int used = 0;
	const struct ly_cmd_def *def = find(argc, argv, &used);
	struct ly_config *conf;
	struct ly_buf errors;
	json_t *args;
	int status;

	if (def == NULL)
		return usage_error("unknown command", argv[0]);
	args = json_object();
	status = parse_args(def, argc - used, argv + used, o, args);
	if (status == 0)
		status = ask_password(def, args);
	if (status) {
		json_decref(args);
		return status;
	}
	if (o->config == NULL && access("lyceum.conf", R_OK) == 0)
		o->config = "lyceum.conf";
	ly_buf_init(&errors, LY_MEM_CONFIG, 0);
	if (ly_config_load(&conf, o->config, &errors) != 0) {
		fprintf(stderr, "%s",
			ly_buf_str(&errors) ? ly_buf_str(&errors) : "out of memory\n");
		json_decref(args);
		status = 1;
	} else {
		status = with_config(conf, def, args, o->is_json);
		ly_config_destroy(conf);
	}
	ly_buf_fini(&errors);
	return status;
}

static int print_config(const char *what)
{
	struct ly_buf text;
	int status = 0;

	ly_buf_init(&text, LY_MEM_CONFIG, 0);
	if (strcmp(what, "sample") == 0)
		ly_config_print_sample(&text);
	else if (strcmp(what, "doc") == 0)
		ly_config_print_doc(&text);
	else
		status = usage_error("unknown command", what);
	if (text.len)
		(void)fwrite(text.ptr, 1, text.len, stdout);
	ly_buf_fini(&text);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if ((strcmp(argv[at], "-c") == 0 || strcmp(argv[at], "--config") == 0) &&
		    at + 1 < argc)
			o.config = argv[++at];
		else if (strcmp(argv[at], "--json") == 0)
			o.is_json = true;
		else if (strcmp(argv[at], "-h") == 0 || strcmp(argv[at], "--help") == 0)
			break;
		else
			return usage_error("unknown option", argv[at]);
	}
	if (at == argc || strcmp(argv[at], "help") == 0 || argv[at][0] == '-') {
		print_usage(at == argc ? stderr : stdout);
		return at == argc ? 2 : 0;
	}
	if (strcmp(argv[at], "config") == 0 && at + 1 < argc)
		return print_config(argv[at + 1]);
	return run(argc - at, argv + at, &o);
}
