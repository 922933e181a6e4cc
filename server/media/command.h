/* Commands on their way from the loops to a media thread: one allocation each, with deep
 * copies. */
#ifndef LY_SERVER_MEDIA_COMMAND_H
#define LY_SERVER_MEDIA_COMMAND_H

#include "sfu/sfu.h"

enum ly_media_cmd_kind {
	LY_MEDIA_CMD_CREATE_CONFERENCE,
	LY_MEDIA_CMD_END_CONFERENCE,
	LY_MEDIA_CMD_ADD_ENDPOINT,
	LY_MEDIA_CMD_REMOVE_ENDPOINT,
	LY_MEDIA_CMD_SET_REMOTE,
	LY_MEDIA_CMD_ADD_CANDIDATE,
	LY_MEDIA_CMD_ICE_RESTART,
	LY_MEDIA_CMD_ADD_SOURCES,
	LY_MEDIA_CMD_REMOVE_SOURCES,
	LY_MEDIA_CMD_SET_CONSTRAINTS,
	LY_MEDIA_CMD_REQUEST_STATS
};

/** What of it is used depends on the kind; arrays are owned. */
struct ly_media_cmd {
	struct ly_media_cmd *next;
	enum ly_media_cmd_kind kind;
	uint64_t conf;
	uint64_t token;
	char id[LY_SFU_ID_MAX];
	char name[64];                   /* of the conference */
	struct ly_sfu_endpoint_conf *ep; /* wiped when freed */
	struct ly_sfu_remote *remote;    /* wiped when freed */
	struct ly_addr addr;
	char ufrag[LY_SFU_ICE_MAX], pwd[LY_SFU_ICE_MAX];
	struct ly_sfu_source_desc *sources;
	struct ly_sfu_constraints constraints; /* its arrays are below */
	struct ly_sfu_constraint *limits;
	char (*names)[LY_SFU_NAME_MAX];
	size_t n;
};

struct ly_media_cmd *ly_media_cmd_create(enum ly_media_cmd_kind kind, uint64_t conf);
/** Wipes passwords. NULL is fine. */
void ly_media_cmd_destroy(struct ly_media_cmd *c);
/** A copy of @p n things of @p size bytes; NULL when out of memory. */
void *ly_media_dup(const void *from, size_t n, size_t size);
const char *ly_media_cmd_name(enum ly_media_cmd_kind kind);
/** Carries it out (all but REQUEST_STATS). @return as the SFU's call */
int ly_media_cmd_run(const struct ly_media_cmd *c, struct ly_sfu *sfu, ly_usec now);

#endif
