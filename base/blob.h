/* A serialised stanza: bytes shared by many receivers, with one hole where what differs per
 * receiver
 * (` to='…'`) is inserted when it is written. Reference-counted across threads; the bytes are
 * const. */
#ifndef LY_BASE_BLOB_H
#define LY_BASE_BLOB_H

#include <stdatomic.h>

#include "base/heap.h"
#include "base/span.h"

struct ly_blob {
	_Atomic unsigned refs;
	uint32_t len;
	uint32_t hole; /* offset of the hole; LY_NO_HOLE if none */
	uint8_t data[];
};

#define LY_NO_HOLE UINT32_MAX

/** A blob with one reference and a copy of the bytes; NULL when out of memory. */
struct ly_blob *ly_blob_create(struct ly_span bytes, uint32_t hole);
struct ly_blob *ly_blob_ref(struct ly_blob *b);
void ly_blob_unref(struct ly_blob *b);

#endif
