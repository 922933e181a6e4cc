/* The last messages of a room, shown to those who enter (XEP-0045 s. 7.2.13, 7.2.14). */
#include "signaling/features/xep_0045/muc_priv.h"

struct ly_muc_said *ly_muc_said_create(struct ly_blob *blob, ly_usec wall)
{
	struct ly_muc_said *said = (struct ly_muc_said *)ly_alloc(sizeof(*said), LY_MEM_ROOM);

	if (said == NULL)
		return NULL;
	said->blob = ly_blob_ref(blob);
	said->wall = wall;
	return said;
}

void ly_muc_said_free(struct ly_muc_said *said)
{
	if (said == NULL)
		return;
	ly_blob_unref(said->blob);
	ly_free(said, LY_MEM_ROOM);
}

static void drop_oldest(struct ly_room *room)
{
	struct ly_muc_said *said = LY_LIST_ENTRY(room->history.next, struct ly_muc_said, link);

	ly_list_del(&said->link);
	room->n_history--;
	room->history_bytes -= said->blob->len;
	ly_muc_said_free(said);
}

void ly_room_add_history(struct ly_room *room, struct ly_muc_said *said)
{
	ly_list_add_tail(&room->history, &said->link);
	room->n_history++;
	room->history_bytes += said->blob->len;
	while (room->n_history > room->conf.max_history ||
	       (room->history_bytes > LY_MUC_MAX_HISTORY_BYTES && room->n_history > 0))
		drop_oldest(room);
}

void ly_room_clear_history(struct ly_room *room)
{
	while (room->n_history > 0)
		drop_oldest(room);
}

void ly_room_send_history(struct ly_room *room, const struct ly_muc_session *to,
			  const struct ly_xml *wish)
{
	struct ly_muc_history_wish w = ly_muc_history_parse(wish, ly_home_wall(room->muc->home));
	uint32_t sizes[LY_MUC_MAX_HISTORY];
	ly_usec walls[LY_MUC_MAX_HISTORY];
	size_t n = 0, skip;

	LY_LIST_EACH (it, tmp, &room->history) {
		const struct ly_muc_said *said = LY_LIST_ENTRY(it, struct ly_muc_said, link);

		sizes[n] = said->blob->len;
		walls[n++] = said->wall;
	}
	skip = n - ly_muc_history_fit(&w, sizes, walls, n);
	LY_LIST_EACH (it, tmp, &room->history) {
		struct ly_muc_said *said = LY_LIST_ENTRY(it, struct ly_muc_said, link);
		struct ly_fan *fan;

		if (skip > 0) {
			skip--;
			continue;
		}
		fan = ly_fan_create_blob(room->muc->home, said->blob);
		ly_fan_add(fan, to->jid.full);
		ly_fan_send(fan);
	}
}
