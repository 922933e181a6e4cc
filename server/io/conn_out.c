/* The output half of a connection: the queue of blobs and the gathered write. */
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/err.h"
#include "server/io/conn_priv.h"

#define N_IOV 48
#define GATHER_MAX 16384 /* one TLS record */

void ly_conn_mark(struct ly_conn *c)
{
	if (c->dirty.next == NULL || c->dirty.next == &c->dirty)
		ly_list_add_tail(&c->loop->dirty, &c->dirty);
}

static void free_out(struct ly_out *o)
{
	ly_blob_unref(o->blob);
	ly_free(o, LY_MEM_QUEUE);
}

static size_t out_len(const struct ly_out *o)
{
	/* NOLINTNEXTLINE: the queue is not empty where this is asked */
	return o->pre_len + o->fill_len + (o->blob != NULL ? o->blob->len : 0);
}

void ly_conn_drop_queue(struct ly_conn *c)
{
	while (c->head != NULL) {
		struct ly_out *o = c->head;

		c->head = o->next;
		free_out(o);
	}
	c->tail = NULL;
}

int ly_conn_send_blob(struct ly_conn *c, struct ly_blob *blob, struct ly_span pre,
		      struct ly_span fill)
{
	struct ly_out *o;
	size_t len;

	if (c->wants_close || c->linger_until != 0)
		return -EPROTO;
	if (blob != NULL && blob->hole == LY_NO_HOLE)
		fill.len = 0;
	o = ly_alloc(sizeof(*o) + pre.len + fill.len, LY_MEM_QUEUE);
	if (o == NULL)
		return -ENOMEM;
	o->blob = blob != NULL ? ly_blob_ref(blob) : NULL;
	o->pre_len = (uint32_t)pre.len;
	o->fill_len = (uint32_t)fill.len;
	if (pre.len)
		memcpy(o->extra, pre.ptr, pre.len);
	if (fill.len)
		memcpy(o->extra + pre.len, fill.ptr, fill.len);
	len = out_len(o);
	if (c->queued + len > c->max_queue && !c->has_overflowed) {
		free_out(o);
		c->has_overflowed = true;
		ly_conn_mark(c);
		return -E2BIG;
	}
	if (c->tail != NULL)
		c->tail->next = o;
	else
		c->head = o;
	c->tail = o;
	c->queued += len;
	ly_conn_mark(c);
	return 0;
}

int ly_conn_send(struct ly_conn *c, struct ly_span bytes)
{
	return ly_conn_send_blob(c, NULL, bytes, ly_span(NULL, 0));
}

/* The pieces of one entry that are still to be written. @return how many (at most 4) */
static size_t pieces(const struct ly_out *o, struct iovec *iov)
{
	size_t hole = o->blob == NULL               ? 0
		      : o->blob->hole == LY_NO_HOLE ? o->blob->len
						    : o->blob->hole;
	const uint8_t *data = o->blob != NULL ? o->blob->data : NULL;
	struct ly_span all[4] = {
		ly_span(o->extra, o->pre_len),
		ly_span(data, hole),
		ly_span(o->extra + o->pre_len, o->fill_len),
		ly_span(data != NULL ? data + hole : NULL, data != NULL ? o->blob->len - hole : 0),
	};
	size_t skip = o->done, n = 0;

	for (size_t i = 0; i < 4; i++) {
		size_t s = LY_MIN(skip, all[i].len);

		skip -= s;
		if (all[i].len > s)
			iov[n++] = (struct iovec) { (void *)(all[i].ptr + s), all[i].len - s };
	}
	return n;
}

static void advance(struct ly_conn *c, size_t n)
{
	c->queued -= n;
	while (n > 0) {
		struct ly_out *o = c->head;
		size_t left = out_len(o) - o->done;

		if (n < left) {
			o->done += (uint32_t)n;
			return;
		}
		n -= left;
		c->head = o->next;
		if (c->head == NULL)
			c->tail = NULL;
		free_out(o);
	}
}

static size_t gather(struct ly_conn *c, struct iovec *iov)
{
	size_t n = 0;

	for (struct ly_out *o = c->head; o != NULL && n + 4 <= N_IOV; o = o->next)
		n += pieces(o, iov + n);
	return n;
}

/* @return bytes written, 0 when the socket takes no more, -EIO */
static ssize_t write_plain(struct ly_conn *c, struct iovec *iov, size_t n)
{
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t r;

	do
		r = sendmsg(c->fd, &mh, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -EIO;
}

/* Copies what fits into one record. A repeated call after a refused write gathers the same bytes
 * and perhaps more, which is what OpenSSL asks for. */
static ssize_t write_tls(struct ly_conn *c, const struct iovec *iov, size_t n)
{
	uint8_t *mem = c->loop->scratch;
	size_t len = 0, done = 0;
	int r;

	for (size_t i = 0; i < n && len < GATHER_MAX; i++) {
		size_t part = LY_MIN(iov[i].iov_len, GATHER_MAX - len);

		memcpy(mem + len, iov[i].iov_base, part);
		len += part;
	}
	ERR_clear_error();
	r = SSL_write_ex(c->ssl, mem, len, &done);
	if (r == 1)
		return (ssize_t)done;
	r = SSL_get_error(c->ssl, r);
	return r == SSL_ERROR_WANT_WRITE || r == SSL_ERROR_WANT_READ ? 0 : -EIO;
}

int ly_conn_flush(struct ly_conn *c)
{
	bool had = c->head != NULL;

	if (c->tls == LY_TLS_HANDSHAKE)
		return 0; /* goes out when the handshake is done */
	c->is_blocked = false;
	while (c->head != NULL) {
		struct iovec iov[N_IOV];
		size_t n = gather(c, iov);
		ssize_t r;

		r = c->tls == LY_TLS_ON ? write_tls(c, iov, n) : write_plain(c, iov, n);
		if (r < 0)
			return -EIO;
		if (r == 0) {
			c->is_blocked = true;
			return 0;
		}
		advance(c, (size_t)r);
	}
	if (had && c->ops->drained != NULL && c->linger_until == 0)
		c->ops->drained(c);
	return 0;
}
