/* The figures of `stats` in Prometheus' text format. */
#ifndef LY_SERVER_ADMIN_PROM_H
#define LY_SERVER_ADMIN_PROM_H

#include <jansson.h>

#include "base/buf.h"

/** Writes what `stats` gave. Errors stick to @p out. */
void ly_prom_write(struct ly_buf *out, const json_t *stats);

#endif
