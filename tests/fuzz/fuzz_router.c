/* Any stanzas of three logged-in clients through two homes with all features and rooms: nothing
 * breaks, nothing leaks, and the server still answers. A line of the input is one stanza; its first
 * byte says who sends it. */
#include <stdlib.h>

#include "signaling/xml/parser.h"
#include "tests/scenario/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_line(struct peer *const *peers, struct ly_span line)
{
	struct peer *p;
	struct ly_xml_doc *doc;
	struct ly_buf buf;

	if (line.len < 2)
		return;
	p = peers[line.ptr[0] % 3];
	if (line.ptr[1] == '?' && !p->is_closed) { /* it breaks, and the session is resumed */
		peer_break(p);
		if (line.len % 2)
			world_settle(p->world);
		if (peer_resume(p, p->sm_id, line.len % 4 ? "0" : "3") && peer_connect(p))
			abort();
		return;
	}
	if (line.ptr[1] == '!' || p->is_closed) { /* the connection breaks, and comes back */
		peer_disconnect(p);
		if (peer_connect(p))
			abort();
		return;
	}
	ly_buf_init(&buf, LY_MEM_MISC, 0);
	ly_buf_adds(&buf, "<b xmlns='jabber:client'>");
	ly_buf_add(&buf, line.ptr + 1, line.len - 1);
	ly_buf_adds(&buf, "</b>");
	if (ly_xml_parse(&doc, ly_buf_span(&buf), &ly_xml_limits_default) == 0) {
		if (ly_xml_child(doc->root, NULL, NULL))
			(void)peer_send_xml(p, ly_xml_child(doc->root, NULL, NULL));
		ly_xml_doc_free(doc);
	}
	ly_buf_fini(&buf);
}

/* The last answer must be the one to the ping. */
static void check_alive(struct world *w, struct peer *p)
{
	struct received *r;
	bool found = false;

	if (p->is_closed)
		return;
	peer_forget(p);
	if (peer_send(
		    p,
		    "<iq type='get' id='alive' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"))
		abort();
	world_settle(w);
	while ((r = peer_take(p)) != NULL) {
		const char *id = ly_xml_attr(r->doc->root, "id");

		found |= id && strcmp(id, "alive") == 0;
		received_free(r);
	}
	if (!found)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world_conf conf = { .n_homes = 2, .seed = size, .store_delay = LY_MS(5) };
	struct world *w = world_create(&conf);
	struct peer *peers[3] = { world_peer(w, "student1"), world_peer(w, "student1/phone"),
				  world_peer(w, "teacher") };

	fake_store_add_user(world_store(w), "student1@localhost");
	fake_store_add_user(world_store(w), "teacher@localhost");
	for (int i = 0; i < 3; i++)
		if (peer_connect(peers[i]))
			abort();
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		send_line(peers, ly_span(data, len));
		if (len % 2)
			world_settle(w);
		data += end ? len + 1 : len;
		size -= end ? len + 1 : len;
	}
	world_settle(w);
	world_wait(w, LY_SEC(5));
	for (int i = 0; i < 3; i++)
		check_alive(w, peers[i]);
	world_free(w);
	return 0;
}
