#include "server/media/command.h"

#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/util.h"

static const char *const names[] = {
	[LY_MEDIA_CMD_CREATE_CONFERENCE] = "create_conference",
	[LY_MEDIA_CMD_END_CONFERENCE] = "end_conference",
	[LY_MEDIA_CMD_ADD_ENDPOINT] = "add_endpoint",
	[LY_MEDIA_CMD_REMOVE_ENDPOINT] = "remove_endpoint",
	[LY_MEDIA_CMD_SET_REMOTE] = "set_remote",
	[LY_MEDIA_CMD_ADD_CANDIDATE] = "add_candidate",
	[LY_MEDIA_CMD_ICE_RESTART] = "ice_restart",
	[LY_MEDIA_CMD_ADD_SOURCES] = "add_sources",
	[LY_MEDIA_CMD_REMOVE_SOURCES] = "remove_sources",
	[LY_MEDIA_CMD_SET_CONSTRAINTS] = "set_constraints",
	[LY_MEDIA_CMD_REQUEST_STATS] = "request_stats",
};

const char *ly_media_cmd_name(enum ly_media_cmd_kind kind)
{
	return names[kind];
}

struct ly_media_cmd *ly_media_cmd_create(enum ly_media_cmd_kind kind, uint64_t conf)
{
	struct ly_media_cmd *c = ly_alloc(sizeof(*c), LY_MEM_QUEUE);

	if (c) {
		c->kind = kind;
		c->conf = conf;
	}
	return c;
}

void ly_media_cmd_destroy(struct ly_media_cmd *c)
{
	if (c == NULL)
		return;
	if (c->ep)
		ly_wipe(c->ep, sizeof(*c->ep));
	if (c->remote)
		ly_wipe(c->remote, sizeof(*c->remote));
	ly_wipe(c->pwd, sizeof(c->pwd));
	ly_free(c->ep, LY_MEM_QUEUE);
	ly_free(c->remote, LY_MEM_QUEUE);
	ly_free(c->sources, LY_MEM_QUEUE);
	ly_free(c->limits, LY_MEM_QUEUE);
	ly_free(c->names, LY_MEM_QUEUE);
	ly_free(c, LY_MEM_QUEUE);
}

void *ly_media_dup(const void *from, size_t n, size_t size)
{
	void *to = ly_alloc(n * size, LY_MEM_QUEUE);

	if (to && n)
		memcpy(to, from, n * size);
	return to;
}

static int run_sources(const struct ly_media_cmd *c, struct ly_sfu *sfu, ly_usec now)
{
	const char(*gone)[LY_SFU_NAME_MAX] = (const char(*)[LY_SFU_NAME_MAX])c->names;

	if (c->kind == LY_MEDIA_CMD_ADD_SOURCES)
		return ly_sfu_add_sources(sfu, c->conf, c->id, c->sources, c->n, now);
	return ly_sfu_remove_sources(sfu, c->conf, c->id, gone, c->n, now);
}

int ly_media_cmd_run(const struct ly_media_cmd *c, struct ly_sfu *sfu, ly_usec now)
{
	switch (c->kind) {
	case LY_MEDIA_CMD_CREATE_CONFERENCE:
		return ly_sfu_create_conference(sfu, c->conf, c->name, now);
	case LY_MEDIA_CMD_END_CONFERENCE:
		return ly_sfu_end_conference(sfu, c->conf, now);
	case LY_MEDIA_CMD_ADD_ENDPOINT:
		return ly_sfu_add_endpoint(sfu, c->conf, c->ep, now);
	case LY_MEDIA_CMD_REMOVE_ENDPOINT:
		(void)ly_sfu_remove_endpoint(sfu, c->conf, c->id, now);
		return 0;
	case LY_MEDIA_CMD_SET_REMOTE:
		return ly_sfu_set_remote(sfu, c->conf, c->id, c->remote, now);
	case LY_MEDIA_CMD_ADD_CANDIDATE:
		return ly_sfu_add_candidate(sfu, c->conf, c->id, &c->addr, now);
	case LY_MEDIA_CMD_ICE_RESTART:
		return ly_sfu_ice_restart(sfu, c->conf, c->id, c->ufrag, c->pwd, now);
	case LY_MEDIA_CMD_ADD_SOURCES:
	case LY_MEDIA_CMD_REMOVE_SOURCES:
		return run_sources(c, sfu, now);
	case LY_MEDIA_CMD_SET_CONSTRAINTS:
		return ly_sfu_set_constraints(sfu, c->conf, c->id, &c->constraints, now);
	case LY_MEDIA_CMD_REQUEST_STATS:
		break;
	}
	return -EINVAL;
}
