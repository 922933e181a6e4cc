/* Where log lines go: one line per event, "2026-01-02T03:04:05.678Z INFO component[id] event
 * key=value…", to stderr or a file. Warnings of one component and event are limited; how many were
 * left out is told. */
#ifndef LY_SERVER_IO_LOGSINK_H
#define LY_SERVER_IO_LOGSINK_H

/** Opens the sink and makes it the process's; "" or NULL means stderr. Call before threads start.
 *  @return 0, -EIO (errno tells) */
int ly_logsink_open(const char *path);
/** Opens the file anew (after it was rotated); harmless with stderr. */
void ly_logsink_reopen(void);
void ly_logsink_close(void);

#endif
