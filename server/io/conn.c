#include "server/io/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "server/io/conn_priv.h"

#define LINGER LY_SEC(2)

static void on_poll(uv_poll_t *poll, int status, int events);

static void free_poll(uv_handle_t *h)
{
	ly_free(h, LY_MEM_CONN);
}

static void drop_poll(struct ly_conn *c)
{
	if (c->poll == NULL)
		return;
	uv_poll_stop(c->poll);
	uv_close((uv_handle_t *)c->poll, free_poll);
	c->poll = NULL;
}

static void arm(struct ly_conn *c)
{
	int events = 0;

	if (c->poll == NULL)
		return;
	if ((!c->is_paused || c->linger_until != 0) && !c->saw_eof)
		events |= UV_READABLE;
	if (c->is_blocked)
		events |= UV_WRITABLE;
	if (events == c->armed)
		return; /* each change costs two system calls */
	c->armed = (uint8_t)events;
	if (events == 0)
		uv_poll_stop(c->poll);
	else
		uv_poll_start(c->poll, events, on_poll);
}

static int attach(struct ly_conn *c, struct ly_loop *loop)
{
	c->poll = ly_alloc(sizeof(*c->poll), LY_MEM_CONN);
	if (c->poll == NULL)
		return -ENOMEM;
	if (uv_poll_init_socket(&loop->uv, c->poll, c->fd) != 0) {
		ly_free(c->poll, LY_MEM_CONN);
		c->poll = NULL;
		return -EIO;
	}
	c->poll->data = c;
	c->armed = 0;
	c->loop = loop;
	ly_list_add_tail(&loop->conns, &c->node);
	loop->n_conns++;
	return 0;
}

/* Small stanzas must not wait for one another, and a peer whose network is gone is to be noticed
 * within two minutes: an idle stream says nothing that would tell. Not all of this exists on every
 * kind of socket, so failures do not matter. */
static void tune(int fd)
{
	static const struct {
		int level, name, value;
	} rows[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },   { SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 }, { IPPROTO_TCP, TCP_KEEPINTVL, 20 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },   { IPPROTO_TCP, TCP_USER_TIMEOUT, 60000 },
	};

	for (size_t i = 0; i < LY_COUNTOF(rows); i++)
		setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof(int));
}

struct ly_conn *ly_conn_create(struct ly_loop *loop, int fd, const struct ly_addr *peer,
			       const struct ly_conn_ops *ops, void *user)
{
	struct ly_conn *c = ly_alloc(sizeof(*c), LY_MEM_CONN);

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->fd = fd;
	c->ops = ops;
	c->user = user;
	c->max_queue = SIZE_MAX;
	if (peer != NULL)
		c->peer = *peer;
	tune(fd);
	if (attach(c, loop) != 0) {
		close(fd);
		ly_free(c, LY_MEM_CONN);
		return NULL;
	}
	arm(c);
	return c;
}

/* Frees the connection; nothing of it is on the loop afterwards. */
static void destroy(struct ly_conn *c)
{
	ly_conn_drop_queue(c);
	drop_poll(c);
	ly_list_del(&c->dirty);
	ly_list_del(&c->node);
	c->loop->n_conns--;
	if (c->ssl != NULL)
		SSL_free(c->ssl);
	close(c->fd);
	ly_free(c, LY_MEM_CONN);
}

static void finish(struct ly_conn *c)
{
	c->ops->closed(c, c->why != NULL ? c->why : "closed");
	destroy(c);
}

void ly_conn_abort(struct ly_conn *c, const char *why)
{
	if (c->why == NULL)
		c->why = why;
	c->linger_until = 1; /* long over */
	ly_conn_mark(c);
}

void ly_conn_close(struct ly_conn *c, const char *why)
{
	if (c->why == NULL)
		c->why = why;
	if (!c->wants_close) {
		c->wants_close = true;
		if (c->linger_until == 0)
			c->linger_until = ly_loop_now(c->loop) + LINGER;
		ly_list_del(&c->node);
		ly_list_add_tail(&c->loop->closing, &c->node);
		if (c->loop->sweep.t.pos == 0)
			ly_loop_timer_set(c->loop, &c->loop->sweep, c->linger_until);
	}
	ly_conn_mark(c);
}

void ly_conn_sweep(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	LY_LIST_EACH (it, tmp, &loop->closing) {
		struct ly_conn *c = LY_LIST_ENTRY(it, struct ly_conn, node);

		if (c->linger_until > ly_loop_now(loop)) {
			ly_loop_timer_set(loop, timer, c->linger_until);
			return;
		}
		ly_conn_mark(c);
	}
}

void ly_conn_pause(struct ly_conn *c)
{
	c->is_paused = true;
	if (!c->in_data)
		arm(c);
}

void ly_conn_resume(struct ly_conn *c)
{
	if (!c->is_paused)
		return;
	c->is_paused = false;
	if (c->in_data)
		return;
	arm(c);
	ly_conn_mark(c); /* bytes may wait inside OpenSSL, where poll does not see them */
}

const char *ly_conn_tls_version(const struct ly_conn *c)
{
	return c->tls == LY_TLS_ON ? SSL_get_version(c->ssl) : "";
}

/* -- input -- */

static void handshake(struct ly_conn *c)
{
	int r;

	ERR_clear_error();
	r = SSL_accept(c->ssl);
	if (r == 1) {
		c->tls = LY_TLS_ON;
		c->is_blocked = false;
		if (c->ops->secured != NULL)
			c->ops->secured(c);
		ly_conn_mark(c);
		return;
	}
	r = SSL_get_error(c->ssl, r);
	c->is_blocked = r == SSL_ERROR_WANT_WRITE;
	if (r != SSL_ERROR_WANT_READ && r != SSL_ERROR_WANT_WRITE)
		ly_conn_abort(c, r == SSL_ERROR_SYSCALL ? "reset" : "tls-handshake");
}

int ly_conn_start_tls(struct ly_conn *c, SSL_CTX *ctx)
{
	if (c->tls != LY_TLS_NONE)
		return -EPROTO;
	if (c->head != NULL && (ly_conn_flush(c) != 0 || c->head != NULL))
		return -EPROTO; /* a few bytes of <proceed/> always fit; a peer that does not read
				   loses */
	c->ssl = SSL_new(ctx);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1) {
		SSL_free(c->ssl);
		c->ssl = NULL;
		return -ENOMEM;
	}
	SSL_set_accept_state(c->ssl);
	c->tls = LY_TLS_HANDSHAKE;
	return 0;
}

/* @return bytes read, 0 when there are none now, -ENOENT at the end, -EIO */
static ssize_t read_some(struct ly_conn *c)
{
	uint8_t *mem = c->loop->scratch;
	size_t n = 0;
	ssize_t r;

	if (c->tls == LY_TLS_ON) {
		ERR_clear_error();
		if (SSL_read_ex(c->ssl, mem, LY_LOOP_SCRATCH, &n) == 1)
			return (ssize_t)n;
		switch (SSL_get_error(c->ssl, 0)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE:
			return 0;
		case SSL_ERROR_ZERO_RETURN:
			return -ENOENT;
		default:
			/* a peer that just drops the connection: an end like any other */
			return ERR_peek_error() == 0 || ERR_GET_REASON(ERR_peek_error()) ==
								SSL_R_UNEXPECTED_EOF_WHILE_READING
				       ? -ENOENT
				       : -EIO;
		}
	}
	do
		r = recv(c->fd, mem, LY_LOOP_SCRATCH, 0);
	while (r < 0 && errno == EINTR);
	if (r > 0)
		return r;
	if (r == 0)
		return -ENOENT;
	return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -EIO;
}

static void input(struct ly_conn *c)
{
	size_t budget = LY_CONN_READ_BUDGET;

	while (!c->is_paused && c->linger_until == 0 && c->move_to == NULL && !c->saw_eof) {
		ssize_t r;

		if (c->tls == LY_TLS_HANDSHAKE) {
			handshake(c);
			if (c->tls != LY_TLS_ON)
				return;
			continue;
		}
		if (budget == 0) {
			if (c->tls == LY_TLS_ON && SSL_pending(c->ssl) > 0)
				ly_conn_mark(c); /* poll would not tell */
			return;
		}
		r = read_some(c);
		if (r == 0)
			return;
		if (r < 0) {
			c->saw_eof = true;
			if (r == -EIO)
				ly_conn_abort(c, "reset");
			else if (c->ops->eof != NULL)
				c->ops->eof(c);
			else
				ly_conn_abort(c, "eof");
			return;
		}
		budget -= LY_MIN(budget, (size_t)r);
		c->in_data = true;
		c->ops->data(c, ly_span(c->loop->scratch, (size_t)r));
		c->in_data = false;
		if (c->tls == LY_TLS_NONE && (size_t)r < LY_LOOP_SCRATCH)
			return; /* the socket is empty: poll tells when not */
	}
}

/* Reads what a peer sends to a closing connection, to see its end. */
static void discard(struct ly_conn *c)
{
	ssize_t r = recv(c->fd, c->loop->scratch, LY_LOOP_SCRATCH, 0);

	if (r == 0 || (r < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		c->saw_eof = true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct ly_conn *c = poll->data;

	if (status < 0) {
		ly_conn_abort(c, "reset");
		return;
	}
	if ((events & UV_WRITABLE) || c->tls == LY_TLS_HANDSHAKE)
		ly_conn_mark(c);
	if (c->linger_until != 0) {
		/* closing: read on only to notice the end */
		discard(c);
		ly_conn_mark(c);
		return;
	}
	if ((events & UV_READABLE) || c->tls == LY_TLS_HANDSHAKE)
		input(c);
	ly_conn_mark(c);
}

/* -- moving -- */

struct move_msg {
	struct ly_loop_msg msg;
	struct ly_conn *c;
};

static void run_move(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct move_msg *m = LY_CONTAINER_OF(msg, struct move_msg, msg);
	struct ly_conn *c = m->c;

	ly_free(m, LY_MEM_QUEUE);
	c->move_to = NULL;
	c->loop = loop;
	if (attach(c, loop) != 0) {
		ly_list_add_tail(&loop->conns, &c->node);
		loop->n_conns++;
		ly_conn_abort(c, "resources");
		return;
	}
	if (c->ops->moved != NULL)
		c->ops->moved(c);
	arm(c);
	ly_conn_mark(c); /* what OpenSSL has read already, what is queued */
}

static void start_move(struct ly_conn *c)
{
	struct move_msg *m = ly_alloc(sizeof(*m), LY_MEM_QUEUE);
	struct ly_loop *to = c->move_to;

	if (m == NULL) {
		c->move_to = NULL;
		ly_conn_abort(c, "resources");
		return;
	}
	m->msg.run = run_move;
	m->c = c;
	drop_poll(c);
	ly_list_del(&c->dirty);
	ly_list_del(&c->node);
	c->dirty = c->node = (struct ly_list) { 0 };
	c->loop->n_conns--;
	ly_loop_post(to, &m->msg);
}

bool ly_conn_move(struct ly_conn *c, struct ly_loop *to)
{
	if (c->loop == to || c->linger_until != 0)
		return false;
	c->move_to = to;
	ly_conn_mark(c);
	return true;
}

/* -- the end of the turn -- */

static void send_fin(struct ly_conn *c)
{
	c->sent_fin = true;
	if (c->tls == LY_TLS_ON) {
		ERR_clear_error();
		SSL_shutdown(c->ssl);
	}
	shutdown(c->fd, SHUT_WR);
}

static void end_turn(struct ly_conn *c)
{
	if (c->has_overflowed && c->linger_until == 0) {
		if (c->ops->overflow != NULL)
			c->ops->overflow(c);
		ly_conn_close(c, "slow-reader");
	}
	if (c->tls == LY_TLS_HANDSHAKE && c->linger_until == 0)
		input(c);
	if (c->linger_until != 1 && ly_conn_flush(c) != 0)
		ly_conn_abort(c, "reset");
	if (c->linger_until != 0) {
		if (c->head == NULL && !c->sent_fin && c->linger_until != 1)
			send_fin(c);
		if ((c->head == NULL && c->saw_eof) || c->linger_until <= ly_loop_now(c->loop)) {
			finish(c);
			return;
		}
	} else if (c->move_to != NULL) {
		start_move(c);
		return;
	} else if (c->tls == LY_TLS_ON && !c->is_paused && SSL_pending(c->ssl) > 0) {
		input(c);
	}
	arm(c);
}

void ly_conn_flush_all(struct ly_loop *loop)
{
	/* what a connection's end causes on others is done in the same turn, up to a bound */
	for (size_t n = 0; !ly_list_is_empty(&loop->dirty) && n < 100000; n++) {
		struct ly_conn *c = LY_LIST_ENTRY(loop->dirty.next, struct ly_conn, dirty);

		ly_list_del(&c->dirty);
		end_turn(c);
	}
}

void ly_conn_destroy_all(struct ly_loop *loop)
{
	struct ly_list *lists[] = { &loop->conns, &loop->closing };

	for (size_t i = 0; i < LY_COUNTOF(lists); i++) {
		LY_LIST_EACH (it, tmp, lists[i]) {
			struct ly_conn *c = LY_LIST_ENTRY(it, struct ly_conn, node);

			if (c->why == NULL)
				c->why = "shutdown";
			c->wants_close = false;
			finish(c);
		}
	}
}
