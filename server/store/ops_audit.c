/* The audit log: what operators did. */
#include "base/err.h"
#include "server/store/db_priv.h"

int ly_db_audit_add(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r =
		ly_db_sql(c, "INSERT INTO audit (wall, who, what, object) VALUES (?, ?, ?, ?)");

	if (req->u.text.key == NULL || req->u.text.xml == NULL)
		return -EINVAL;
	ly_db_bind_int(&r, req->u.text.wall);
	ly_db_bind_str(&r, req->owner);
	ly_db_bind_str(&r, req->u.text.key);
	ly_db_bind_str(&r, req->u.text.xml);
	return ly_db_do(c, &r);
}

int ly_db_audit_list(struct ly_db_conn *c, struct ly_store_req *req)
{
	struct ly_db_run r = ly_db_sql(
		c, "SELECT wall, who, what, object FROM (SELECT * FROM audit ORDER BY id DESC"
		   " LIMIT ?) ORDER BY id");
	struct ly_store_audit *v = NULL;
	size_t n = 0;
	int err;

	ly_db_bind_int(&r, req->n);
	while (ly_db_step(c, &r)) {
		v = ly_db_grow(&req->arena, v, n, sizeof(*v));
		if (v == NULL) {
			r.err = -ENOMEM;
			break;
		}
		v[n].wall = ly_db_int(&r, 0);
		v[n].who = ly_db_str(&r, 1, &req->arena);
		v[n].what = ly_db_str(&r, 2, &req->arena);
		v[n++].object = ly_db_str(&r, 3, &req->arena);
	}
	err = ly_db_end(&r);
	req->u.audit.v = v;
	req->u.audit.n = err ? 0 : n;
	return err;
}
