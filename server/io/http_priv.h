/* What http.c and ws.c share: a connection while it speaks HTTP. */
#ifndef LY_SERVER_IO_HTTP_PRIV_H
#define LY_SERVER_IO_HTTP_PRIV_H

#include <http_parser.h>

#include "server/io/http.h"

struct ly_http_conn {
	struct ly_conn *c;
	const struct ly_http_conf *conf;
	http_parser parser;
	struct ly_http_req *req; /* being read or answered; owned */
	struct ly_buf rest;      /* bytes after a request that is being answered */
	struct ly_loop_timer timer;
	int refuse;      /* status to refuse the message being read with; 0 = none */
	bool is_waiting; /* for the handler's answer */
	bool is_upgrade;
};

/** Looks for a WebSocket route and switches the connection over, or refuses.
 *  @return true if @p req was consumed */
bool ly_ws_upgrade(struct ly_http_conn *h, struct ly_http_req *req);
/** Frees the HTTP half but neither the connection nor its socket. */
void ly_http_conn_free(struct ly_http_conn *h);
void ly_http_req_free(struct ly_http_req *req);

#endif
