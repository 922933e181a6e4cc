/* Whatever clients may send to rooms, to each other and to the server: each line is a stanza, its
 * first character says who sends it (0 to 2) or what else happens (d: the store answers late from
 * now on, w: time passes, x: client 2 is cut off and comes back). Nothing may crash, leak or hang.
 */
#include <stdlib.h>

#include "tests/scenario/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM "algebra@conference.localhost"
#define MAX_LINES 64

static const char *const clients[] = { "teacher", "student1", "student2" };

static const char *const start[] = {
	"0<presence/>",
	"1<presence/>",
	"0<presence to='" ROOM "/T'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
	"0<iq type='set' id='c' to='" ROOM
	"'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
	"type='submit'><field var='muc#roomconfig_persistentroom'><value>1</value></field></x>"
	"</query></iq>",
	"1<presence to='" ROOM "/S'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
};

static void play(struct world *w, struct peer *const *peers, const char *line)
{
	switch (*line) {
	case '0':
	case '1':
	case '2':
		(void)peer_send(peers[*line - '0'], line + 1);
		break;
	case 'w':
		world_wait(w, LY_SEC(100));
		return;
	case 'x':
		peer_disconnect(peers[2]);
		(void)peer_connect(peers[2]);
		break;
	default:
		return;
	}
	if (line[1] == '\0' || line[strlen(line) - 1] != ';') /* ";": the next one comes at once */
		world_settle(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world_conf conf = { .n_homes = 2,
				   .seed = 1,
				   .store_delay = size > 0 && data[0] == 'd' ? LY_MS(5) : 0 };
	struct world *w;
	struct peer *peers[3];
	char *text, *save = NULL;
	unsigned n = 0;

	if (size > 16384)
		return 0;
	text = malloc(size + 1);
	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	w = world_create(&conf);
	for (size_t i = 0; i < LY_COUNTOF(clients); i++) {
		peers[i] = world_peer(w, clients[i]);
		fake_store_add_user(world_store(w), i == 0   ? "teacher@localhost"
						    : i == 1 ? "student1@localhost"
							     : "student2@localhost");
		if (peer_connect(peers[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < LY_COUNTOF(start); i++)
		play(w, peers, start[i]);
	for (char *line = strtok_r(text, "\n", &save); line != NULL && n < MAX_LINES;
	     line = strtok_r(NULL, "\n", &save), n++)
		play(w, peers, line);
	world_settle(w);
	world_free(w);
	free(text);
	return 0;
}
