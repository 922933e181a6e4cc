/* The focus as an occupant of the room: who comes and goes, and what they send to it. */
#include "server/focus/focus_priv.h"

#include "base/err.h"

static struct ly_focus_occupant *find_occupant(struct ly_focus_call *c, const char *jid)
{
	LY_LIST_EACH (it, tmp, &c->occupants) {
		struct ly_focus_occupant *o = LY_LIST_ENTRY(it, struct ly_focus_occupant, link);

		if (strcmp(o->jid, jid) == 0)
			return o;
	}
	return NULL;
}

const char *ly_focus_nick_of(struct ly_focus_call *c, const char *jid)
{
	struct ly_focus_occupant *o = find_occupant(c, jid);

	return o ? o->nick : NULL;
}

static void on_joined(void *ctx, struct ly_muc_agent *agent, int err)
{
	struct ly_focus_call *c = ctx;

	(void)agent;
	if (err) {
		ly_log(&ly_focus_log, LY_WARN, "room_failed", "room=%s error=%s", c->room,
		       ly_err_name(err));
		c->agent = NULL;
		ly_call_end(c, LY_CALL_ENDED, "the room cannot be entered");
		return;
	}
	c->agent_joined = true;
	LY_LIST_EACH (it, tmp, &c->parts) {
		struct ly_focus_part *p = LY_LIST_ENTRY(it, struct ly_focus_part, link);

		if (p->state == LY_PART_GRANTED)
			ly_part_answer_ready(p);
	}
}

/* What the presence says of muted devices: SourceInfo (JSON, keyed by source name). */
static void read_presence(struct ly_focus_part *p, const struct ly_xml *presence)
{
	const char *text = ly_xml_child_text(presence, NULL, "SourceInfo"), *name;
	json_error_t where;
	json_t *info = text ? json_loads(text, 0, &where) : NULL, *entry;

	if (text != NULL && !json_is_object(info))
		ly_log(&ly_focus_log, LY_WARN, "source_info", "jid=%s error=\"no JSON object\"",
		       p->jid);
	json_object_foreach(info, name, entry)
	{
		const char *kind = strrchr(name, '-');

		if (kind == NULL)
			continue;
		if (strcmp(kind, "-a0") == 0)
			p->muted_audio = json_is_true(json_object_get(entry, "muted"));
		else if (strcmp(kind, "-v0") == 0)
			p->muted_video = json_is_true(json_object_get(entry, "muted"));
	}
	json_decref(info);
}

static void forget(struct ly_focus_occupant *o)
{
	ly_list_del(&o->link);
	ly_free(o->jid, LY_MEM_CALL);
	ly_free(o->nick, LY_MEM_CALL);
	ly_free(o, LY_MEM_CALL);
}

/* A nick has one session that we see. When another of the user takes its place, the first has left.
 */
static struct ly_focus_part *replaced_by(struct ly_focus_call *c,
					 const struct ly_muc_occupant_info *who)
{
	struct ly_focus_part *p = NULL;

	LY_LIST_EACH (it, tmp, &c->occupants) {
		struct ly_focus_occupant *o = LY_LIST_ENTRY(it, struct ly_focus_occupant, link);

		if (strcmp(o->nick, who->nick) != 0 || strcmp(o->jid, who->jid->full) == 0)
			continue;
		p = ly_call_part_by_jid(c, o->jid);
		forget(o);
	}
	return p != NULL && p->state >= LY_PART_INVITED ? p : NULL;
}

static struct ly_focus_occupant *note_occupant(struct ly_focus_call *c,
					       const struct ly_muc_occupant_info *who)
{
	struct ly_focus_occupant *o = find_occupant(c, who->jid->full);
	char *nick = ly_strdup(who->nick, LY_MEM_CALL);

	if (nick == NULL)
		return NULL;
	if (o == NULL) {
		o = ly_alloc(sizeof(*o), LY_MEM_CALL);
		if (o == NULL || (o->jid = ly_strdup(who->jid->full, LY_MEM_CALL)) == NULL) {
			ly_free(nick, LY_MEM_CALL);
			ly_free(o, LY_MEM_CALL);
			return NULL;
		}
		ly_list_add_tail(&c->occupants, &o->link);
	}
	ly_free(o->nick, LY_MEM_CALL);
	o->nick = nick;
	return o;
}

static void on_occupant(void *ctx, struct ly_muc_agent *agent,
			const struct ly_muc_occupant_info *who)
{
	struct ly_focus_call *c = ctx;
	struct ly_focus_part *p, *old = replaced_by(c, who);

	(void)agent;
	if (note_occupant(c, who) == NULL)
		return;
	p = ly_call_part_by_jid(c, who->jid->full);
	if (p != NULL)
		ly_part_set_nick(p, who->nick);
	if (old != NULL) {
		bool is_last = c->n_parts == 1;

		ly_part_set_nick(old, NULL);
		ly_part_end(old, LY_CALL_LEFT, NULL, NULL, 0);
		if (is_last)
			return; /* and the call with it */
	}
	if (p == NULL)
		return;
	read_presence(p, who->presence);
	ly_part_invite(p);
}

static enum ly_call_end end_of(enum ly_muc_gone why)
{
	switch (why) {
	case LY_MUC_KICKED:
	case LY_MUC_BANNED:
	case LY_MUC_REMOVED:
		return LY_CALL_REVOKED;
	case LY_MUC_LOST:
		return LY_CALL_LOST;
	default:
		return LY_CALL_LEFT;
	}
}

static void on_left(void *ctx, struct ly_muc_agent *agent, const struct ly_muc_occupant_info *who,
		    enum ly_muc_gone why, const char *new_nick)
{
	struct ly_focus_call *c = ctx;
	struct ly_focus_occupant *o = find_occupant(c, who->jid->full);
	struct ly_focus_part *p;

	(void)agent;
	(void)new_nick;
	if (why == LY_MUC_RENAMED)
		return; /* joined comes again with the new nick; the endpoint keeps its id */
	if (o != NULL)
		forget(o);
	p = ly_call_part_by_jid(c, who->jid->full);
	if (p == NULL)
		return;
	ly_part_set_nick(p, NULL);
	/* One whose claim is still being decided has not begun: its request will be answered. */
	if (p->state >= LY_PART_INVITED)
		ly_part_end(p, end_of(why), NULL, NULL, 0);
}

static void on_destroyed(void *ctx, struct ly_muc_agent *agent, const char *reason)
{
	struct ly_focus_call *c = ctx;

	(void)agent;
	(void)reason;
	c->agent = NULL;
	c->agent_joined = false;
	ly_call_end(c, LY_CALL_ENDED, "the room is no more");
}

static void answer(struct ly_focus_call *c, const struct ly_muc_occupant_info *who,
		   const struct ly_stanza *st, enum ly_cond cond, const char *text)
{
	struct ly_xml *el;

	if (st->kind != LY_IQ || (st->type != LY_T_GET && st->type != LY_T_SET))
		return;
	el = ly_stanza_error(st, cond, LY_ERR_DEFAULT, text);
	if (el != NULL)
		(void)ly_muc_agent_send(c->agent, who->nick, el);
}

/* An answer to what we sent: an error to the offer means that there will be no call. */
static void on_answer(struct ly_focus_part *p, const struct ly_stanza *st)
{
	if (p == NULL || st->type != LY_T_ERROR)
		return;
	ly_log(&ly_focus_log, LY_WARN, "client_refused", "jid=%s room=%s state=%d", p->jid,
	       p->call->room, p->state);
	if (p->state == LY_PART_INVITED)
		ly_part_end(p, LY_CALL_ENDED, "the client refused the offer", NULL, LY_PART_TELL);
}

static void on_stanza(void *ctx, struct ly_muc_agent *agent, const struct ly_muc_occupant_info *who,
		      const struct ly_stanza *st)
{
	struct ly_focus_call *c = ctx;
	struct ly_focus_part *p = ly_call_part_by_jid(c, who->jid->full);
	const struct ly_xml *payload = st->kind == LY_IQ ? ly_iq_payload(st) : NULL;

	(void)agent;
	if (st->kind != LY_IQ)
		return;
	if (st->type != LY_T_GET && st->type != LY_T_SET)
		on_answer(p, st);
	else if (!ly_xml_is(payload, LY_NS_JINGLE, "jingle"))
		answer(c, who, st, LY_SERVICE_UNAVAILABLE, NULL);
	else if (p == NULL || p->state < LY_PART_INVITED)
		answer(c, who, st, LY_ITEM_NOT_FOUND, "there is no such session");
	else
		ly_part_jingle(p, st);
}

const struct ly_muc_agent_ops ly_focus_agent_ops = {
	.joined = on_joined,
	.occupant_joined = on_occupant,
	.occupant_changed = on_occupant,
	.occupant_left = on_left,
	.room_destroyed = on_destroyed,
	.stanza = on_stanza,
};
