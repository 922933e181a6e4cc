/* Group calls in the server: makes the focus and the media threads from the configuration and wires
 * them to homes, WebSockets and the operator's side. */
#ifndef LY_SERVER_CALLS_H
#define LY_SERVER_CALLS_H

#include "server/focus/focus.h"
#include "server/server.h"

/** Makes the focus; before the homes are made, which get its host. @return 0, -ENOMEM */
int ly_calls_create(struct ly_server *s);
/** Binds the media ports, starts the media threads and adds the route of the bridge channel; before
 * the loops start. @p err gets a sentence. @return 0 or a negative errno */
int ly_calls_start(struct ly_server *s, char *err, size_t cap);
/** Ends all calls, so that clients are told while their streams still live. */
void ly_calls_end_all(struct ly_server *s);
/** Stops the media threads and frees the focus; after the homes are gone, whose rooms still end
 * calls. */
void ly_calls_destroy(struct ly_server *s);

#endif
