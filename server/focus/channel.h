/* Where the bridge channel of calls meets the web server: the WebSocket path /colibri-ws/. */
#ifndef LY_SERVER_FOCUS_CHANNEL_H
#define LY_SERVER_FOCUS_CHANNEL_H

#include "server/focus/focus.h"
#include "server/io/ws.h"

/** The route for ly_server_add_ws(). */
struct ly_ws_route ly_focus_channel_route(struct ly_focus *f);

#endif
