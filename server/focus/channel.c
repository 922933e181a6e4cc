#include "server/focus/channel.h"

#include <stdatomic.h>

#include "base/err.h"

#define PATH "/colibri-ws/"
/** Bytes that may wait to be written to one participant. */
#define MAX_QUEUE (1u << 20)

/** The socket's end of a bridge channel; freed when the socket is closed and the focus is done. */
struct channel {
	_Atomic unsigned refs;
	struct ly_loop *loop;           /* of the socket */
	struct ly_ws *ws;               /* on the loop only; NULL when closed */
	struct ly_focus_bridge *bridge; /* on the loop only */
};

/** What the focus sends, on its way from the home of the call to the socket's loop. */
struct channel_msg {
	struct ly_loop_msg msg;
	struct channel *ch;
	bool close;
	size_t len;
	char text[];
};

static void unref(struct channel *ch)
{
	if (atomic_fetch_sub(&ch->refs, 1) == 1)
		ly_free(ch, LY_MEM_CONN);
}

static void run(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct channel_msg *m = LY_CONTAINER_OF(msg, struct channel_msg, msg);

	(void)loop;
	if (m->ch->ws != NULL && m->close)
		ly_ws_close(m->ch->ws, 1000, "the call is over");
	else if (m->ch->ws != NULL)
		(void)ly_ws_send(m->ch->ws, ly_span(m->text, m->len));
	unref(m->ch);
	ly_free(m, LY_MEM_QUEUE);
}

/* ly_focus_bridge_ops */

static void on_send(void *ctx, const char *text, size_t len)
{
	struct channel *ch = ctx;
	struct channel_msg *m = ly_alloc(sizeof(*m) + len, LY_MEM_QUEUE);

	if (m == NULL)
		return;
	m->msg.run = run;
	m->ch = ch;
	m->close = text == NULL;
	m->len = len;
	if (text != NULL && len > 0)
		memcpy(m->text, text, len);
	atomic_fetch_add(&ch->refs, 1);
	ly_loop_post(ch->loop, &m->msg);
}

static void on_free(void *ctx)
{
	unref(ctx);
}

static const struct ly_focus_bridge_ops bridge_ops = { .send = on_send, .free = on_free };

/* ly_ws_ops */

static void on_message(struct ly_ws *ws, struct ly_span text)
{
	struct channel *ch = ly_ws_user(ws);

	ly_focus_bridge_recv(ch->bridge, (const char *)text.ptr, text.len);
}

static void on_closed(struct ly_ws *ws, unsigned code)
{
	struct channel *ch = ly_ws_user(ws);

	(void)code;
	ch->ws = NULL;
	ly_focus_bridge_close(ch->bridge);
	ch->bridge = NULL;
	unref(ch);
}

static const struct ly_ws_ops ws_ops = { .message = on_message, .closed = on_closed };

static int on_open(struct ly_ws *ws, const struct ly_http_req *req, void *ctx)
{
	struct channel *ch = ly_alloc(sizeof(*ch), LY_MEM_CONN);
	int err;

	if (ch == NULL)
		return 503;
	atomic_init(&ch->refs, 2); /* the socket's and the focus's */
	ch->loop = req->loop;
	ch->ws = ws;
	err = ly_focus_bridge_open(ctx, &ch->bridge, req->path + sizeof(PATH) - 1, req->query,
				   &bridge_ops, ch);
	if (err) {
		ly_free(ch, LY_MEM_CONN);
		return err == -EINVAL ? 404 : 503;
	}
	ly_ws_attach(ws, &ws_ops, ch, MAX_QUEUE);
	return 0;
}

struct ly_ws_route ly_focus_channel_route(struct ly_focus *f)
{
	return (struct ly_ws_route) { .path = PATH, .open = on_open, .ctx = f };
}
