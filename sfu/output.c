/* What goes out: control datagrams as they are, and the jobs of forwarded packets, built,
 * protected in one batch and grouped into runs. */
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "sfu/sfu_priv.h"

/* UDP_SEGMENT's limits (design: at most 64 datagrams, under 64 kB). */
#define RUN_MAX 64
#define RUN_BYTES 63000
/* The longest packet built: a full buffer, an OSN, the trailer. */
#define BUILT_MAX (LY_PKT_DATA_MAX + 2 + LY_SRTP_TRAILER_MAX)

int sfu_output_init(struct ly_sfu *s)
{
	ly_list_init(&s->job_eps);
	s->jobs = ly_alloc(SFU_MAX_JOBS * sizeof(*s->jobs), LY_MEM_SFU);
	s->arena = ly_alloc(SFU_ARENA, LY_MEM_SFU);
	s->srtp_jobs = ly_alloc(SFU_MAX_BUILT * sizeof(*s->srtp_jobs), LY_MEM_SFU);
	s->job_owner = ly_alloc(SFU_MAX_BUILT * sizeof(struct sfu_endpoint *), LY_MEM_SFU);
	s->job_audio = ly_alloc(SFU_MAX_BUILT * sizeof(*s->job_audio), LY_MEM_SFU);
	s->outs = ly_alloc(SFU_MAX_BUILT * sizeof(*s->outs), LY_MEM_SFU);
	s->ctl = ly_alloc(SFU_CTL_ARENA, LY_MEM_SFU);
	s->ctl_outs = ly_alloc(SFU_MAX_CTL * sizeof(*s->ctl_outs), LY_MEM_SFU);
	return s->jobs && s->arena && s->srtp_jobs && s->job_owner && s->job_audio && s->outs &&
			       s->ctl && s->ctl_outs
		       ? 0
		       : -ENOMEM;
}

void sfu_output_fini(struct ly_sfu *s)
{
	if (s->jobs)
		sfu_jobs_drop(s);
	ly_free(s->jobs, LY_MEM_SFU);
	ly_free(s->arena, LY_MEM_SFU);
	ly_free(s->srtp_jobs, LY_MEM_SFU);
	ly_free(s->job_owner, LY_MEM_SFU);
	ly_free(s->job_audio, LY_MEM_SFU);
	ly_free(s->outs, LY_MEM_SFU);
	ly_free(s->ctl, LY_MEM_SFU);
	ly_free(s->ctl_outs, LY_MEM_SFU);
}

void sfu_ctl_send(struct ly_sfu *s, const struct ly_addr *dst, uint8_t local, struct ly_span data)
{
	struct ly_sfu_out *o = &s->ctl_outs[s->n_ctl];

	if (s->n_ctl == SFU_MAX_CTL || data.len > SFU_CTL_ARENA - s->ctl_len || data.len == 0) {
		s->n.dropped_limit++;
		return;
	}
	memcpy(s->ctl + s->ctl_len, data.ptr, data.len);
	*o = (struct ly_sfu_out) { *dst, local, s->ctl + s->ctl_len, data.len, 0 };
	s->ctl_len += data.len;
	s->n_ctl++;
	s->n.packets_out++;
	s->n.bytes_out += data.len;
	s->n.runs++;
}

bool sfu_output_is_full(const struct ly_sfu *s, unsigned more)
{
	return s->n_jobs + more > SFU_MAX_JOBS || s->n_ctl > SFU_MAX_CTL / 2 ||
	       s->ctl_len > SFU_CTL_ARENA / 2;
}

bool sfu_job_add(struct ly_sfu *s, const struct sfu_job *job)
{
	struct sfu_endpoint *to = job->sub->to;
	uint32_t at = s->n_jobs;

	if (at == SFU_MAX_JOBS) {
		s->n.dropped_limit++;
		return false;
	}
	s->jobs[at] = *job;
	s->jobs[at].next = SFU_NO_JOB;
	ly_pkt_ref(job->pkt);
	s->n_jobs++;
	if (to->job_head == SFU_NO_JOB) {
		to->job_head = at;
		ly_list_add_tail(&s->job_eps, &to->job_node);
	} else {
		s->jobs[to->job_tail].next = at;
	}
	to->job_tail = at;
	return true;
}

void sfu_jobs_drop(struct ly_sfu *s)
{
	LY_LIST_EACH (it, tmp, &s->job_eps) {
		struct sfu_endpoint *ep = LY_LIST_ENTRY(it, struct sfu_endpoint, job_node);

		for (uint32_t i = ep->job_head; i != SFU_NO_JOB; i = s->jobs[i].next) {
			ly_pkt_unref(s->jobs[i].pkt);
			s->n.dropped_limit++;
		}
		ep->job_head = ep->job_tail = SFU_NO_JOB;
		ly_list_del(&ep->job_node);
	}
	s->n_jobs = 0;
}

/* Writes the packet a receiver sees. @return its length */
static size_t build(const struct sfu_job *job, uint8_t *out)
{
	struct ly_pkt *pkt = job->pkt;
	const struct sfu_meta *m = sfu_meta(pkt);
	struct sfu_endpoint *to = job->sub->to;
	size_t hdr = m->header_len, len = pkt->len;

	if (job->is_rtx) {
		memcpy(out, pkt->data, hdr);
		ly_rtp_set_u16(out + hdr, job->seq);
		memcpy(out + hdr + 2, pkt->data + hdr, len - hdr);
		ly_rtp_set_pt(out, LY_SFU_PT_RTX);
		ly_rtp_set_ssrc(out, job->sub->source->desc.rtx_ssrc);
		hdr += 2;
		len += 2;
	} else {
		memcpy(out, pkt->data, len);
	}
	ly_rtp_set_seq(out, (uint16_t)job->index);
	ly_rtp_set_ts(out, job->ts);
	if (m->tcc_off)
		ly_rtp_set_u16(out + m->tcc_off, ++to->tcc_seq);
	if (m->in.has_pic || m->in.has_tl0)
		ly_vp8_patch(out + hdr, &m->vp8, job->pic, job->tl0);
	return len;
}

/* Builds jobs of one endpoint from @p *used on. @return how many fit */
static size_t build_some(struct ly_sfu *s, struct sfu_endpoint *ep, size_t n, size_t *used)
{
	while (ep->job_head != SFU_NO_JOB && n < SFU_MAX_BUILT && *used + BUILT_MAX <= SFU_ARENA) {
		struct sfu_job *job = &s->jobs[ep->job_head];
		struct sfu_sub *sub = job->sub;
		struct ly_srtp_job *out = &s->srtp_jobs[n];

		out->out = ep->srtp_out;
		out->pkt = s->arena + *used;
		out->len = build(job, out->pkt);
		out->cap = out->len + ep->trailer;
		out->index = job->index;
		out->err = 0;
		if (!job->is_rtx)
			ep->rtx_credit = LY_MIN(ep->rtx_credit + SFU_RTX_SHARE, SFU_RTX_SAVED);
		s->job_owner[n] = ep;
		s->job_audio[n++] = sub->source->desc.kind == LY_SFU_AUDIO;
		*used += out->cap;
		sub->packets++;
		sub->octets += (uint32_t)(job->pkt->len - sfu_meta(job->pkt)->header_len);
		ly_pkt_unref(job->pkt);
		ep->job_head = job->next;
	}
	if (ep->job_head == SFU_NO_JOB)
		ep->job_tail = SFU_NO_JOB;
	return n;
}

static bool joins(const struct ly_sfu *s, const struct ly_sfu_out *run, size_t i, size_t in_run)
{
	const struct ly_srtp_job *prev = &s->srtp_jobs[i - 1], *job = &s->srtp_jobs[i];

	return s->job_owner[i] == s->job_owner[i - 1] && s->job_audio[i] == s->job_audio[i - 1] &&
	       prev->len == run->segment && job->len <= run->segment && in_run < RUN_MAX &&
	       run->len + job->len <= RUN_BYTES && job->pkt == run->data + run->len;
}

/* Groups n protected packets into runs. @return how many runs */
static size_t group(struct ly_sfu *s, size_t n)
{
	size_t n_runs = 0, in_run = 0;

	for (size_t i = 0; i < n; i++) {
		struct ly_srtp_job *job = &s->srtp_jobs[i];
		struct sfu_endpoint *ep = s->job_owner[i];
		struct ly_sfu_out *run = n_runs ? &s->outs[n_runs - 1] : NULL;

		if (job->err) {
			s->n.dropped_limit++;
			in_run = 0;
			continue;
		}
		s->n.bytes_out += job->len;
		ep->down_packets++;
		ep->down_bytes += job->len;
		if (in_run && joins(s, run, i, in_run)) {
			run->len += job->len;
			in_run++;
			continue;
		}
		s->outs[n_runs++] = (struct ly_sfu_out) { ep->dst, ep->local, job->pkt, job->len,
							  (uint16_t)job->len };
		in_run = 1;
	}
	for (size_t i = 0; i < n_runs; i++)
		if (s->outs[i].len <= s->outs[i].segment)
			s->outs[i].segment = 0;
	return n_runs;
}

static size_t poll_jobs(struct ly_sfu *s)
{
	size_t n = 0, used = 0, ok, n_runs;

	LY_LIST_EACH (it, tmp, &s->job_eps) {
		struct sfu_endpoint *ep = LY_LIST_ENTRY(it, struct sfu_endpoint, job_node);

		n = build_some(s, ep, n, &used);
		if (ep->job_head != SFU_NO_JOB)
			break; /* the batch is full */
		ly_list_del(&ep->job_node);
	}
	if (ly_list_is_empty(&s->job_eps))
		s->n_jobs = 0;
	if (n == 0)
		return 0;
	ok = ly_srtp_protect(s->engine, s->srtp_jobs, n);
	n_runs = group(s, n);
	s->n.batches++;
	s->n.runs += n_runs;
	s->n.packets_out += ok;
	s->n.rtp_forwarded += ok;
	return n_runs;
}

size_t ly_sfu_poll_out(struct ly_sfu *s, ly_usec now, const struct ly_sfu_out **out)
{
	size_t n = s->n_ctl;

	(void)now;
	if (n > 0) {
		*out = s->ctl_outs;
		s->n_ctl = 0;
		s->ctl_len = 0;
		return n;
	}
	*out = s->outs;
	while (s->n_jobs > 0 && n == 0)
		n = poll_jobs(s);
	return n;
}
