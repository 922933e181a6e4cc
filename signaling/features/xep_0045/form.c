/* The options of a room and the data form (XEP-0004) that shows and takes them (muc#roomconfig). */
#include "signaling/features/xep_0045/muc_priv.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>

#include "signaling/xml/parser.h"

enum kind { BOOL, TEXT, USERS, HISTORY, WHOIS, ALLOW };

struct field {
	const char *var, *type, *label;
	enum kind kind;
	size_t offset;
};

#define AT(member) offsetof(struct ly_muc_conf, member)

static const struct field fields[] = {
	{ "muc#roomconfig_roomname", "text-single", "Name", TEXT, AT(name) },
	{ "muc#roomconfig_roomdesc", "text-single", "Description", TEXT, AT(desc) },
	{ "muc#roomconfig_lang", "text-single", "Language of the discussion", TEXT, AT(lang) },
	{ "muc#roomconfig_persistentroom", "boolean", "Keep the room when all have left", BOOL,
	  AT(persistent) },
	{ "muc#roomconfig_publicroom", "boolean", "Show the room in the list of rooms", BOOL,
	  AT(is_public) },
	{ "muc#roomconfig_membersonly", "boolean", "Only members may enter", BOOL,
	  AT(members_only) },
	{ "muc#roomconfig_moderatedroom", "boolean", "Only those with voice may write", BOOL,
	  AT(moderated) },
	{ "muc#roomconfig_passwordprotectedroom", "boolean", "A password is needed to enter", BOOL,
	  AT(has_password) },
	{ "muc#roomconfig_roomsecret", "text-private", "Password", TEXT, AT(password) },
	{ "muc#roomconfig_maxusers", "list-single", "Most occupants", USERS, AT(max_users) },
	{ "muc#roomconfig_whois", "list-single", "Who may see real addresses", WHOIS,
	  AT(non_anonymous) },
	{ "muc#roomconfig_changesubject", "boolean", "Occupants may change the subject", BOOL,
	  AT(change_subject) },
	{ "muc#roomconfig_allowinvites", "boolean", "Members may invite others", BOOL,
	  AT(allow_invites) },
	{ "muc#roomconfig_allowpm", "list-single", "Who may send private messages", ALLOW,
	  AT(allow_pm) },
	{ "muc#roomconfig_enablelogging", "boolean", "The discussion is logged publicly", BOOL,
	  AT(logging) },
	{ "muc#maxhistoryfetch", "text-single", "Messages shown to those who enter", HISTORY,
	  AT(max_history) },
};

static const char *const allow_names[] = { "anyone", "participants", "moderators", "none" };
static const char *const users_choices[] = { "10", "20", "30", "50", "100", "200", "500", "1000" };

static void *at(const struct ly_muc_conf *conf, const struct field *f)
{
	return (char *)conf + f->offset;
}

int ly_muc_conf_init(struct ly_muc_conf *conf)
{
	/* A classroom: everybody sees who is who. */
	*conf = (struct ly_muc_conf) {
		.is_public = true,
		.non_anonymous = true,
		.max_users = LY_MUC_DEFAULT_OCCUPANTS,
		.max_history = LY_MUC_DEFAULT_HISTORY,
	};
	for (size_t i = 0; i < LY_COUNTOF(fields); i++)
		if (fields[i].kind == TEXT && ly_room_set_str(at(conf, &fields[i]), "") != 0) {
			ly_muc_conf_fini(conf);
			return -ENOMEM;
		}
	return 0;
}

void ly_muc_conf_fini(struct ly_muc_conf *conf)
{
	for (size_t i = 0; i < LY_COUNTOF(fields); i++)
		if (fields[i].kind == TEXT)
			(void)ly_room_set_str(at(conf, &fields[i]), NULL);
}

int ly_muc_conf_copy(struct ly_muc_conf *out, const struct ly_muc_conf *in)
{
	*out = *in;
	for (size_t i = 0; i < LY_COUNTOF(fields); i++)
		if (fields[i].kind == TEXT)
			*(char **)at(out, &fields[i]) = NULL;
	for (size_t i = 0; i < LY_COUNTOF(fields); i++)
		if (fields[i].kind == TEXT &&
		    ly_room_set_str(at(out, &fields[i]), *(char **)at(in, &fields[i])) != 0) {
			ly_muc_conf_fini(out);
			return -ENOMEM;
		}
	return 0;
}

/* The value as a form writes it; tmp holds numbers. */
static const char *value_of(const struct ly_muc_conf *conf, const struct field *f, char tmp[16])
{
	switch (f->kind) {
	case BOOL:
		return *(bool *)at(conf, f) ? "1" : "0";
	case TEXT:
		return *(char **)at(conf, f);
	case WHOIS:
		return *(bool *)at(conf, f) ? "anyone" : "moderators";
	case ALLOW:
		return allow_names[*(enum ly_muc_allow *)at(conf, f)];
	case USERS:
	case HISTORY:
		break;
	}
	snprintf(tmp, 16, "%u", *(uint32_t *)at(conf, f));
	return tmp;
}

static void option(struct ly_build *b, const char *value)
{
	ly_build_open(b, NULL, "option");
	ly_build_element(b, NULL, "value", value);
	ly_build_close(b);
}

static void options_of(struct ly_build *b, const struct field *f)
{
	switch (f->kind) {
	case USERS:
		for (size_t i = 0; i < LY_COUNTOF(users_choices); i++)
			option(b, users_choices[i]);
		break;
	case WHOIS:
		option(b, "moderators");
		option(b, "anyone");
		break;
	case ALLOW:
		for (size_t i = 0; i < LY_COUNTOF(allow_names); i++)
			option(b, allow_names[i]);
		break;
	default:
		break;
	}
}

void ly_muc_form_field(struct ly_build *b, const char *var, const char *type, const char *label,
		       const char *value)
{
	ly_build_open(b, LY_NS_DATA, "field");
	ly_build_attr(b, "var", var);
	ly_build_attr(b, "type", type);
	ly_build_attr(b, "label", label);
	ly_build_element(b, NULL, "value", value);
	ly_build_close(b);
}

void ly_muc_conf_build(struct ly_build *b, const struct ly_muc_conf *conf, bool submit)
{
	char tmp[16];

	ly_build_open(b, LY_NS_DATA, "x");
	ly_build_attr(b, "type", submit ? "submit" : "form");
	if (!submit)
		ly_build_element(b, NULL, "title", "Room options");
	ly_muc_form_field(b, "FORM_TYPE", submit ? NULL : "hidden", NULL, LY_NS_MUC_ROOMCONFIG);
	for (size_t i = 0; i < LY_COUNTOF(fields); i++) {
		const struct field *f = &fields[i];

		ly_build_open(b, NULL, "field");
		ly_build_attr(b, "var", f->var);
		if (!submit) {
			ly_build_attr(b, "type", f->type);
			ly_build_attr(b, "label", f->label);
		}
		ly_build_element(b, NULL, "value", value_of(conf, f, tmp));
		if (!submit)
			options_of(b, f);
		ly_build_close(b);
	}
	ly_build_close(b);
}

const char *ly_muc_form_value(const struct ly_xml *x, const char *var)
{
	const struct ly_xml *field = ly_xml_child(x, LY_NS_DATA, "field");

	for (; field != NULL; field = ly_xml_next_child(field, LY_NS_DATA, "field")) {
		const char *name = ly_xml_attr(field, "var");

		if (name != NULL && strcmp(name, var) == 0)
			return ly_xml_text(ly_xml_child(field, LY_NS_DATA, "value"));
	}
	return NULL;
}

static int read_bool(bool *out, const char *v)
{
	if (strcmp(v, "1") == 0 || strcmp(v, "true") == 0)
		*out = true;
	else if (strcmp(v, "0") == 0 || strcmp(v, "false") == 0)
		*out = false;
	else
		return -EBADMSG;
	return 0;
}

static int read_number(uint32_t *out, const char *v, uint32_t min, uint32_t max)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)*v))
		return -EBADMSG;
	n = strtoul(v, &end, 10);
	if (*end != '\0' || n < min)
		return -EBADMSG;
	*out = (uint32_t)LY_MIN(n, (unsigned long)max);
	return 0;
}

static int read_allow(enum ly_muc_allow *out, const char *v)
{
	for (size_t i = 0; i < LY_COUNTOF(allow_names); i++)
		if (strcmp(v, allow_names[i]) == 0) {
			*out = (enum ly_muc_allow)i;
			return 0;
		}
	return -EBADMSG;
}

static int read_whois(bool *non_anonymous, const char *v)
{
	if (strcmp(v, "anyone") != 0 && strcmp(v, "moderators") != 0)
		return -EBADMSG;
	*non_anonymous = strcmp(v, "anyone") == 0;
	return 0;
}

static int read_field(struct ly_muc_conf *conf, const struct field *f, const char *v)
{
	switch (f->kind) {
	case BOOL:
		return read_bool((bool *)at(conf, f), v);
	case TEXT:
		return strlen(v) > LY_MUC_MAX_TEXT ? -EBADMSG
						   : ly_room_set_str((char **)at(conf, f), v);
	case WHOIS:
		return read_whois((bool *)at(conf, f), v);
	case ALLOW:
		return read_allow((enum ly_muc_allow *)at(conf, f), v);
	case HISTORY:
		return read_number((uint32_t *)at(conf, f), v, 0, LY_MUC_MAX_HISTORY);
	case USERS:
		break;
	}
	/* "none" and nothing: no limit, that is the highest there is */
	if (*v == '\0' || strcmp(v, "none") == 0)
		v = "1000000";
	return read_number((uint32_t *)at(conf, f), v, 1, LY_MUC_MAX_OCCUPANTS);
}

int ly_muc_conf_read(struct ly_muc_conf *conf, const struct ly_xml *x, const char **why)
{
	for (size_t i = 0; i < LY_COUNTOF(fields); i++) {
		const char *v = ly_muc_form_value(x, fields[i].var);
		int err = v == NULL ? 0 : read_field(conf, &fields[i], v);

		if (err == 0)
			continue;
		*why = fields[i].var;
		return err;
	}
	if (conf->has_password && *conf->password == '\0') {
		*why = "muc#roomconfig_roomsecret";
		return -EBADMSG;
	}
	return 0;
}

const char *ly_muc_conf_text(const struct ly_muc_conf *conf, struct ly_arena *arena)
{
	struct ly_build b;
	struct ly_xml *x;
	struct ly_buf buf;
	const char *s = NULL;

	ly_build_init(&b, arena);
	ly_muc_conf_build(&b, conf, true);
	if (ly_build_finish(&b, &x) != 0)
		return NULL;
	ly_buf_init(&buf, LY_MEM_ROOM, 0);
	ly_xml_write(&buf, x, NULL);
	if (ly_buf_str(&buf) != NULL)
		s = ly_arena_strdup(arena, ly_buf_str(&buf));
	ly_buf_fini(&buf);
	return s;
}

int ly_muc_conf_parse(struct ly_muc_conf *conf, const char *text)
{
	struct ly_xml_doc *doc;
	const char *why;
	int err = ly_xml_parse(&doc, ly_span_str(text), &ly_xml_limits_default);

	if (err != 0)
		return err;
	err = ly_muc_conf_read(conf, doc->root, &why);
	ly_xml_doc_free(doc);
	return err;
}
