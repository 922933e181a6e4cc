#include "base/blob.h"

struct ly_blob *ly_blob_create(struct ly_span bytes, uint32_t hole)
{
	struct ly_blob *b;

	if (bytes.len >= LY_NO_HOLE)
		return NULL;
	b = ly_alloc(sizeof(*b) + bytes.len, LY_MEM_QUEUE);
	if (b == NULL)
		return NULL;
	atomic_init(&b->refs, 1);
	b->len = (uint32_t)bytes.len;
	b->hole = hole;
	if (bytes.len)
		memcpy(b->data, bytes.ptr, bytes.len);
	return b;
}

struct ly_blob *ly_blob_ref(struct ly_blob *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void ly_blob_unref(struct ly_blob *b)
{
	if (b == NULL)
		return;
	if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
		ly_free(b, LY_MEM_QUEUE);
}
