/* Static files of the web pages: one folder, nothing outside of it. */
#ifndef LY_SERVER_IO_STATIC_H
#define LY_SERVER_IO_STATIC_H

#include "server/io/http.h"

struct ly_static {
	int root_fd; /* -1: there is no such folder, every request is answered by 404 */
};

/** @return 0, -ENOENT (no such folder; the struct is usable all the same) */
int ly_static_init(struct ly_static *s, const char *root);
void ly_static_fini(struct ly_static *s);
/** An ly_http_fn; ctx is the struct ly_static. "/" serves index.html, "/operator" operator.html. */
void ly_static_handle(struct ly_http_req *req, void *ctx);

/** The file that a decoded path means, relative to the root; NULL for what is never served (hidden
 *  files, folders, odd names). */
const char *ly_static_file_of(const char *path);
/** The content type by the name's ending. */
const char *ly_static_type_of(const char *file);

#endif
