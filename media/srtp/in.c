/* Incoming RTP and both ways of RTCP, by libsrtp2. */
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "media/srtp/srtp_priv.h"

struct stream {
	uint32_t ssrc;
	uint64_t used; /* when it was last heard, in packets */
};

struct ly_srtp {
	srtp_t rx;              /* RTP and RTCP from the peer, any SSRC */
	srtp_t tx;              /* RTCP to the peer, any SSRC */
	struct stream *streams; /* owned; SSRCs of the peer that have proven themselves */
	unsigned n, max;
	unsigned last; /* where the last one was found */
	uint64_t clock;
};

static int make_session(srtp_t *out, enum ly_srtp_profile profile, const struct ly_srtp_key *key,
			srtp_ssrc_type_t type)
{
	uint8_t mem[LY_SRTP_KEY_MEM];
	srtp_policy_t policy;
	int err = ly_srtp_policy(&policy, profile, key, mem);

	policy.ssrc.type = type;
	if (err == 0 && srtp_create(out, &policy) != srtp_err_status_ok) {
		*out = NULL;
		err = -ENOMEM;
	}
	ly_wipe(mem, sizeof(mem));
	return err;
}

int ly_srtp_create(struct ly_srtp **out, const struct ly_srtp_keys *keys, unsigned max_ssrcs)
{
	struct ly_srtp *s;
	int err = -ENOMEM;

	if (ly_srtp_key_len(keys->profile) == 0 || max_ssrcs == 0)
		return -EINVAL;
	ly_srtp_lib_init();
	s = ly_alloc(sizeof(*s), LY_MEM_MEDIA);
	if (s == NULL)
		return -ENOMEM;
	s->max = max_ssrcs;
	s->streams = ly_alloc(max_ssrcs * sizeof(*s->streams), LY_MEM_MEDIA);
	if (s->streams)
		err = make_session(&s->rx, keys->profile, &keys->rx, ssrc_any_inbound);
	if (err == 0)
		err = make_session(&s->tx, keys->profile, &keys->tx, ssrc_any_outbound);
	if (err) {
		ly_srtp_destroy(s);
		return err;
	}
	*out = s;
	return 0;
}

void ly_srtp_destroy(struct ly_srtp *s)
{
	if (s == NULL)
		return;
	if (s->rx)
		srtp_dealloc(s->rx);
	if (s->tx)
		srtp_dealloc(s->tx);
	ly_free(s->streams, LY_MEM_MEDIA);
	ly_free(s, LY_MEM_MEDIA);
}

static bool is_known(struct ly_srtp *s, uint32_t ssrc)
{
	if (s->last < s->n && s->streams[s->last].ssrc == ssrc)
		return true;
	for (unsigned i = 0; i < s->n; i++) {
		if (s->streams[i].ssrc != ssrc)
			continue;
		s->last = i;
		return true;
	}
	return false;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void remember(struct ly_srtp *s, uint32_t ssrc)
{
	unsigned at = s->n;

	if (s->n < s->max) {
		s->n++;
	} else {
		at = 0;
		for (unsigned i = 1; i < s->n; i++)
			if (s->streams[i].used < s->streams[at].used)
				at = i;
		ly_srtp_remove(s->rx, s->streams[at].ssrc);
	}
	s->streams[at].ssrc = ssrc;
	s->last = at;
}

/* libsrtp2 makes a stream for each SSRC whose packet is authentic: that is what is limited. */
static int unprotect(struct ly_srtp *s, uint8_t *pkt, size_t *len, uint32_t ssrc,
		     srtp_err_status_t (*fn)(srtp_t, void *, int *))
{
	bool known = is_known(s, ssrc);
	int n = (int)*len;
	int err = ly_srtp_err(fn(s->rx, pkt, &n));

	if (err)
		return err;
	if (!known)
		remember(s, ssrc);
	s->streams[s->last].used = ++s->clock;
	*len = (size_t)n;
	return 0;
}

int ly_srtp_unprotect(struct ly_srtp *s, uint8_t *pkt, size_t *len)
{
	if (*len < 12 || *len > INT_MAX)
		return -EBADMSG;
	return unprotect(s, pkt, len, be32(pkt + 8), srtp_unprotect);
}

int ly_srtp_unprotect_rtcp(struct ly_srtp *s, uint8_t *pkt, size_t *len)
{
	if (*len < 8 || *len > INT_MAX)
		return -EBADMSG;
	return unprotect(s, pkt, len, be32(pkt + 4), srtp_unprotect_rtcp);
}

int ly_srtp_protect_rtcp(struct ly_srtp *s, uint8_t *pkt, size_t *len, size_t cap)
{
	int n = (int)*len, err;

	if (*len < 8 || *len > INT_MAX)
		return -EBADMSG;
	if (cap < *len + LY_SRTCP_TRAILER_MAX)
		return -ENOSPC;
	err = ly_srtp_err(srtp_protect_rtcp(s->tx, pkt, &n));
	if (err)
		return err;
	*len = (size_t)n;
	return 0;
}

void ly_srtp_forget(struct ly_srtp *s, uint32_t ssrc)
{
	if (!is_known(s, ssrc))
		return;
	ly_srtp_remove(s->rx, ssrc);
	s->streams[s->last] = s->streams[--s->n];
}
