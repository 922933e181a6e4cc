#include "server/io/static.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

#define MAX_FILE (32 << 20)

int ly_static_init(struct ly_static *s, const char *root)
{
	s->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return s->root_fd < 0 ? -ENOENT : 0;
}

void ly_static_fini(struct ly_static *s)
{
	if (s->root_fd >= 0)
		close(s->root_fd);
	s->root_fd = -1;
}

const char *ly_static_file_of(const char *path)
{
	if (strcmp(path, "/") == 0)
		return "index.html";
	if (strcmp(path, "/operator") == 0 || strcmp(path, "/operator/") == 0)
		return "operator.html";
	if (path[0] != '/' || path[1] == 0)
		return NULL;
	/* hidden files, empty parts, "..": the decoder lets none of the last through, this does not
	 * rely on it */
	for (const char *p = path; *p != 0; p++)
		if (*p == '/' && (p[1] == '.' || p[1] == '/' || p[1] == 0))
			return NULL;
	return path + 1;
}

const char *ly_static_type_of(const char *file)
{
	static const struct {
		const char *ending, *type;
	} rows[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".mjs", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".map", "application/json" },
		{ ".webmanifest", "application/manifest+json" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".webp", "image/webp" },
		{ ".ico", "image/x-icon" },
		{ ".woff2", "font/woff2" },
		{ ".wasm", "application/wasm" },
		{ ".mp3", "audio/mpeg" },
		{ ".ogg", "audio/ogg" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot != NULL && i < LY_COUNTOF(rows); i++)
		if (strcmp(dot, rows[i].ending) == 0)
			return rows[i].type;
	return "application/octet-stream";
}

/* The kernel keeps the resolution beneath the root, symbolic links included. */
static int open_beneath(int root_fd, const char *file)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root_fd, file, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return openat(root_fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	return (int)fd;
}

/* @return the bytes (owned by the caller), NULL on failure */
static uint8_t *read_file(int fd, size_t len)
{
	uint8_t *mem = ly_alloc(len, LY_MEM_CONN);
	size_t done = 0;

	while (mem != NULL && done < len) {
		ssize_t r = read(fd, mem + done, len - done);

		if (r <= 0) {
			ly_free(mem, LY_MEM_CONN);
			return NULL; /* it shrank while it was read */
		}
		done += (size_t)r;
	}
	return mem;
}

static void serve_fd(struct ly_http_req *req, const char *file, int fd, const struct stat *st)
{
	/* names under assets/ carry a hash of the content */
	bool is_hashed = strncmp(file, "assets/", 7) == 0;
	const char *seen = ly_http_header(req, "if-none-match");
	char etag[64], extra[256];
	uint8_t *mem;

	snprintf(etag, sizeof(etag), "\"%llx-%llx-%lx\"", (unsigned long long)st->st_size,
		 (unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec);
	snprintf(extra, sizeof(extra), "ETag: %s\r\nCache-Control: %s\r\n", etag,
		 is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
	if (seen != NULL && strstr(seen, etag) != NULL) {
		ly_http_reply(req, 304, NULL, ly_span(NULL, 0), extra);
		return;
	}
	mem = read_file(fd, (size_t)st->st_size);
	if (mem == NULL) {
		ly_http_reply_error(req, 503, "cannot read the file");
		return;
	}
	ly_http_reply(req, 200, ly_static_type_of(file), ly_span(mem, (size_t)st->st_size), extra);
	ly_free(mem, LY_MEM_CONN);
}

void ly_static_handle(struct ly_http_req *req, void *ctx)
{
	const struct ly_static *s = ctx;
	const char *file = ly_static_file_of(req->path);
	struct stat st;
	int fd = -1;

	if (file != NULL && s->root_fd >= 0)
		fd = open_beneath(s->root_fd, file);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_FILE)
		ly_http_reply(req, 404, "text/html; charset=utf-8",
			      ly_span_str("<!doctype html><title>Not found</title>"
					  "<p>There is no such page. <a href=\"/\">Lyceum</a>\n"),
			      "Cache-Control: no-cache\r\n");
	else
		serve_fd(req, file, fd, &st);
	if (fd >= 0)
		close(fd);
}
