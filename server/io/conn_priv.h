/* What conn.c and conn_out.c share. */
#ifndef LY_SERVER_IO_CONN_PRIV_H
#define LY_SERVER_IO_CONN_PRIV_H

#include "server/io/conn.h"

/** Has the connection looked at at the end of this turn. */
void ly_conn_mark(struct ly_conn *c);
/** Writes until the queue is empty or the socket is full. @return 0, -EIO */
int ly_conn_flush(struct ly_conn *c);
void ly_conn_drop_queue(struct ly_conn *c);

#endif
