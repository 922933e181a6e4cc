/* Events waiting to be polled, and what the stream itself sends. */
#include <errno.h>

#include "base/text.h"
#include "signaling/stream/stream_priv.h"

void ly_stream_node_free(struct ly_stream_node *n)
{
	if (n == NULL)
		return;
	ly_buf_fini(&n->data);
	ly_free(n, LY_MEM_CONN);
}

struct ly_stream_node *ly_stream_push(struct ly_stream *s, int kind)
{
	struct ly_stream_node *n = ly_alloc(sizeof(*n), LY_MEM_CONN);

	if (n == NULL) {
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
		return NULL;
	}
	n->ev.kind = kind;
	ly_buf_init(&n->data, LY_MEM_CONN, 0);
	if (s->last != NULL)
		s->last->next = n;
	else
		s->first = n;
	s->last = n;
	return n;
}

void ly_stream_push_buf(struct ly_stream *s, struct ly_buf *b)
{
	struct ly_stream_node *n = NULL;

	if (b->err)
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
	else
		n = ly_stream_push(s, LY_STREAM_OUT);
	if (n == NULL) {
		ly_buf_fini(b);
		return;
	}
	n->data = *b;
	n->ev.data = ly_buf_span(&n->data);
	ly_buf_init(b, LY_MEM_CONN, 0);
}

void ly_stream_push_str(struct ly_stream *s, const char *text)
{
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONN, 0);
	ly_buf_adds(&b, text);
	ly_stream_push_buf(s, &b);
}

void ly_stream_push_xml(struct ly_stream *s, const struct ly_xml *el)
{
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONN, 0);
	/* RFC 7395 s. 3.3.3: each message stands alone */
	ly_xml_write(&b, el, s->kind == LY_STREAM_TCP ? LY_NS_CLIENT : NULL);
	ly_stream_push_buf(s, &b);
}

void ly_stream_push_answer(struct ly_stream *s, const struct ly_xml *el)
{
	struct ly_stream_node *n;

	if (s->state != LY_STREAM_S_BOUND) {
		if (el != NULL)
			ly_stream_push_xml(s, el);
		return;
	}
	n = ly_stream_push(s, LY_STREAM_ANSWERED);
	if (n == NULL || el == NULL)
		return;
	/* it stands alone: it may be sent again on a stream of the other kind */
	ly_xml_write(&n->data, el, NULL);
	n->ev.data = ly_buf_span(&n->data);
	if (n->data.err)
		ly_stream_die(s, LY_STREAM_OK, "out of memory");
}

void ly_stream_push_header(struct ly_stream *s)
{
	char id[25];
	struct ly_buf b;

	ly_rand_text(s->conf->rand, id, sizeof(id) - 1);
	ly_buf_init(&b, LY_MEM_CONN, 0);
	if (s->kind == LY_STREAM_TCP)
		ly_buf_adds(&b, "<?xml version='1.0'?><stream:stream xmlns='" LY_NS_CLIENT
				"' xmlns:stream='" LY_NS_STREAMS "'");
	else
		ly_buf_adds(&b, "<open xmlns='" LY_NS_FRAMING "'");
	ly_buf_printf(&b, " id='%s' from='", id);
	ly_xml_escape(&b, s->domain ? s->domain : s->conf->hosts[0]);
	ly_buf_adds(&b, "' version='1.0' xml:lang='en'");
	ly_buf_adds(&b, s->kind == LY_STREAM_TCP ? ">" : "/>");
	s->is_header_sent = true;
	ly_stream_push_buf(s, &b);
}

void ly_stream_push_error(struct ly_stream *s, enum ly_stream_error error, const char *text)
{
	struct ly_buf b;

	ly_buf_init(&b, LY_MEM_CONN, 0);
	ly_buf_adds(&b, "<stream:error");
	if (s->kind == LY_STREAM_WEBSOCKET)
		ly_buf_adds(&b, " xmlns:stream='" LY_NS_STREAMS "'");
	ly_buf_printf(&b, "><%s xmlns='" LY_NS_STREAM_ERRORS "'/>", ly_stream_error_name(error));
	if (text != NULL) {
		ly_buf_adds(&b, "<text xmlns='" LY_NS_STREAM_ERRORS "' xml:lang='en'>");
		ly_xml_escape(&b, text);
		ly_buf_adds(&b, "</text>");
	}
	ly_buf_adds(&b, "</stream:error>");
	ly_stream_push_buf(s, &b);
}

void ly_stream_push_end(struct ly_stream *s)
{
	ly_stream_push_str(s, s->kind == LY_STREAM_TCP ? "</stream:stream>"
						       : "<close xmlns='" LY_NS_FRAMING "'/>");
}
