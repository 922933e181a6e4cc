/* Outgoing RTP: the face of the engines. */
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/util.h"
#include "media/srtp/srtp_priv.h"

/* Best first. */
static const struct ly_srtp_engine_ops *const engines[] = {
#ifdef LY_HAVE_IPSEC_MB
	&ly_srtp_engine_ipsec_mb,
#endif
	&ly_srtp_engine_libsrtp2,
	NULL,
};

const char *const *ly_srtp_engine_names(void)
{
	static const char *const names[] = {
#ifdef LY_HAVE_IPSEC_MB
		"ipsec-mb",
#endif
		"libsrtp2",
		NULL,
	};

	return names[0] && engines[0]->usable() ? names : names + 1;
}

static const struct ly_srtp_engine_ops *find_engine(const char *name)
{
	for (size_t i = 0; engines[i]; i++)
		if ((name == NULL || strcmp(engines[i]->name, name) == 0) && engines[i]->usable())
			return engines[i];
	return NULL;
}

int ly_srtp_engine_create(struct ly_srtp_engine **out, const char *name)
{
	const struct ly_srtp_engine_ops *ops = find_engine(name);
	struct ly_srtp_engine *eng;
	int err;

	if (ops == NULL)
		return -ENOENT;
	eng = ly_alloc(sizeof(*eng), LY_MEM_MEDIA);
	if (eng == NULL)
		return -ENOMEM;
	eng->ops = ops;
	err = ops->create(&eng->state);
	if (err) {
		ly_free(eng, LY_MEM_MEDIA);
		return err;
	}
	*out = eng;
	return 0;
}

void ly_srtp_engine_destroy(struct ly_srtp_engine *eng)
{
	if (eng == NULL)
		return;
	eng->ops->destroy(eng->state);
	ly_free(eng, LY_MEM_MEDIA);
}

const char *ly_srtp_engine_name(const struct ly_srtp_engine *eng)
{
	return eng->ops->name;
}

int ly_srtp_out_create(struct ly_srtp_out **out, struct ly_srtp_engine *eng,
		       const struct ly_srtp_keys *keys)
{
	struct ly_srtp_out *s;
	int err;

	if (ly_srtp_key_len(keys->profile) == 0)
		return -EINVAL;
	s = ly_alloc(sizeof(*s), LY_MEM_MEDIA);
	if (s == NULL)
		return -ENOMEM;
	s->eng = eng;
	s->profile = keys->profile;
	s->tag_len = keys->profile == LY_SRTP_AES128_CM_SHA1_80 ? 10 : 16;
	err = eng->ops->session_create(eng->state, keys, &s->session);
	if (err) {
		ly_free(s, LY_MEM_MEDIA);
		return err;
	}
	*out = s;
	return 0;
}

void ly_srtp_out_destroy(struct ly_srtp_out *s)
{
	if (s == NULL)
		return;
	s->eng->ops->session_destroy(s->session);
	ly_free(s, LY_MEM_MEDIA);
}

void ly_srtp_out_forget(struct ly_srtp_out *s, uint32_t ssrc)
{
	if (s->eng->ops->forget)
		s->eng->ops->forget(s->session, ssrc);
}

/* Length of the RTP header with CSRCs and extension, which stays in the clear; 0 if malformed. */
static size_t rtp_header_len(const uint8_t *p, size_t len)
{
	size_t n;

	if (len < 12 || p[0] >> 6 != 2)
		return 0;
	n = 12 + 4u * (p[0] & 0x0f);
	if (p[0] & 0x10) {
		if (len < n + 4)
			return 0;
		n += 4 + 4u * ((size_t)p[n + 2] << 8 | p[n + 3]);
	}
	return n <= len ? n : 0;
}

size_t ly_srtp_protect(struct ly_srtp_engine *eng, struct ly_srtp_job *jobs, size_t n)
{
	size_t good = 0;

	for (size_t i = 0; i < n; i++) {
		struct ly_srtp_job *j = &jobs[i];

		j->header_len = rtp_header_len(j->pkt, j->len);
		if (j->header_len == 0 ||
		    (uint16_t)(j->pkt[2] << 8 | j->pkt[3]) != (uint16_t)j->index)
			j->err = -EBADMSG;
		else
			j->err = j->cap < j->len + j->out->tag_len ? -ENOSPC : 0;
	}
	eng->ops->protect(eng->state, jobs, n);
	for (size_t i = 0; i < n; i++)
		good += jobs[i].err == 0;
	return good;
}
