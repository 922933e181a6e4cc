/* Outgoing RTP by libsrtp2, everywhere. The library keeps a stream per SSRC and guesses the
 * rollover counter; ours is given, so the guess is corrected where it would differ. */
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/map.h"
#include "media/srtp/srtp_priv.h"

#define MAX_SSRCS 4096

struct session {
	srtp_t srtp;
	struct ly_map tops; /* SSRC -> highest index sent, plus one (a value is never NULL) */
	enum ly_srtp_profile profile;
	struct ly_srtp_key master; /* for streams that start behind a rollover */
};

static bool usable(void)
{
	return true;
}

static int create(void **state)
{
	ly_srtp_lib_init();
	*state = NULL;
	return 0;
}

static void destroy(void *state)
{
	(void)state;
}

static void session_destroy(void *session)
{
	struct session *s = session;

	if (s->srtp)
		srtp_dealloc(s->srtp);
	ly_map_fini(&s->tops);
	ly_wipe(s, sizeof(*s));
	ly_free(s, LY_MEM_MEDIA);
}

static int session_create(void *state, const struct ly_srtp_keys *keys, void **session)
{
	struct session *s = ly_alloc(sizeof(*s), LY_MEM_MEDIA);
	uint8_t mem[LY_SRTP_KEY_MEM];
	srtp_policy_t policy;
	int err;

	(void)state;
	if (s == NULL)
		return -ENOMEM;
	s->profile = keys->profile;
	s->master = keys->tx;
	ly_map_init(&s->tops, LY_MEM_MEDIA, 0);
	err = ly_srtp_policy(&policy, keys->profile, &keys->tx, mem);
	policy.ssrc.type = ssrc_any_outbound;
	if (err == 0 && srtp_create(&s->srtp, &policy) != srtp_err_status_ok) {
		s->srtp = NULL;
		err = -ENOMEM;
	}
	ly_wipe(mem, sizeof(mem));
	if (err)
		session_destroy(s);
	else
		*session = s;
	return err;
}

static void forget(void *session, uint32_t ssrc)
{
	struct session *s = session;

	if (ly_map_del_num(&s->tops, ssrc))
		ly_srtp_remove(s->srtp, ssrc);
}

/* A stream whose first packet is behind a rollover has to be added with its counter. */
static int add_stream(struct session *s, uint32_t ssrc, uint32_t roc)
{
	uint8_t mem[LY_SRTP_KEY_MEM];
	srtp_policy_t policy;
	int err = ly_srtp_policy(&policy, s->profile, &s->master, mem);

	policy.ssrc.type = ssrc_specific;
	policy.ssrc.value = ssrc;
	if (err == 0)
		err = ly_srtp_err(srtp_add_stream(s->srtp, &policy));
	ly_wipe(mem, sizeof(mem));
	if (err == 0)
		err = ly_srtp_err(srtp_set_stream_roc(s->srtp, ssrc, roc));
	return err;
}

/* Makes libsrtp2 arrive at this index. */
static int prepare(struct session *s, uint32_t ssrc, uint64_t index)
{
	uintptr_t known = (uintptr_t)ly_map_find_num(&s->tops, ssrc);
	int64_t top = (int64_t)known - 1, guess;

	if (known == 0) {
		if (s->tops.n >= MAX_SSRCS)
			return -E2BIG;
		return index >> 16 ? add_stream(s, ssrc, (uint32_t)(index >> 16)) : 0;
	}
	guess = top + (int16_t)(uint16_t)((uint16_t)index - (uint16_t)top);
	if (guess == (int64_t)index || index >> 16 == 0)
		return 0;
	return ly_srtp_err(srtp_set_stream_roc(s->srtp, ssrc, (uint32_t)(index >> 16)));
}

static int protect_one(struct ly_srtp_job *j)
{
	struct session *s = j->out->session;
	const uint8_t *p = j->pkt + 8;
	uint32_t ssrc = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	uintptr_t top = (uintptr_t)ly_map_find_num(&s->tops, ssrc);
	int len = (int)j->len, err;

	if (j->len > INT_MAX - LY_SRTP_TRAILER_MAX)
		return -EBADMSG;
	err = prepare(s, ssrc, j->index);
	if (err == 0)
		err = ly_srtp_err(srtp_protect(s->srtp, j->pkt, &len));
	if (err)
		return err;
	j->len = (size_t)len;
	if (j->index + 1 > top && ly_map_put_num(&s->tops, ssrc, (void *)(j->index + 1)) != 0)
		return -ENOMEM;
	return 0;
}

static void protect(void *state, struct ly_srtp_job *jobs, size_t n)
{
	(void)state;
	for (size_t i = 0; i < n; i++)
		if (jobs[i].err == 0)
			jobs[i].err = protect_one(&jobs[i]);
}

const struct ly_srtp_engine_ops ly_srtp_engine_libsrtp2 = {
	.name = "libsrtp2",
	.usable = usable,
	.create = create,
	.destroy = destroy,
	.session_create = session_create,
	.session_destroy = session_destroy,
	.forget = forget,
	.protect = protect,
};
