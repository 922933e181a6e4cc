#include "server/io/xmpp_conn.h"

#include <unistd.h>

int ly_xmpp_worker_init(struct ly_worker *w)
{
	(void)w;
	return 0;
}

void ly_xmpp_worker_fini(struct ly_worker *w)
{
	(void)w;
}

void ly_xmpp_accept(struct ly_worker *w, int fd, const struct ly_addr *peer, bool direct_tls)
{
	(void)direct_tls;
	close(fd);
	ly_limits_leave(w->server->limits, peer, ly_loop_now(w->loop));
}

void ly_xmpp_reload(struct ly_server *s, const struct ly_config *conf)
{
	(void)s;
	(void)conf;
}

void ly_xmpp_close_all(struct ly_worker *w)
{
	(void)w;
}

size_t ly_xmpp_count(const struct ly_worker *w)
{
	(void)w;
	return 0;
}
