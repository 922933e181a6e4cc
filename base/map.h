/* Hash maps (open addressing, linear probing, keys hashed with a per-map seed) from byte strings or
 * 64-bit numbers to pointers. String keys are borrowed: they must live as long as the entry. */
#ifndef LY_BASE_MAP_H
#define LY_BASE_MAP_H

#include "base/heap.h"
#include "base/span.h"

struct ly_map_slot {
	struct ly_span key; /* number maps: ptr NULL, the number is hash's twin in num */
	uint64_t num;
	void *value; /* NULL = empty */
};

struct ly_map {
	struct ly_map_slot *slots; /* owned; NULL while empty */
	size_t n, cap;             /* cap is 0 or a power of two */
	uint64_t seed;
	enum ly_mem kind;
};

/** @p seed should be random for keys that peers choose. */
void ly_map_init(struct ly_map *m, enum ly_mem kind, uint64_t seed);
/** Frees the table, not the values. */
void ly_map_fini(struct ly_map *m);

void *ly_map_find(const struct ly_map *m, struct ly_span key);
/** Sets or replaces; @p value must not be NULL. @return 0, -ENOMEM */
int ly_map_put(struct ly_map *m, struct ly_span key, void *value);
/** Removes; returns the value or NULL. */
void *ly_map_del(struct ly_map *m, struct ly_span key);

void *ly_map_find_num(const struct ly_map *m, uint64_t key);
int ly_map_put_num(struct ly_map *m, uint64_t key, void *value);
void *ly_map_del_num(struct ly_map *m, uint64_t key);

static inline void *ly_map_find_str(const struct ly_map *m, const char *key)
{
	return ly_map_find(m, ly_span_str(key));
}

/** Walks over the entries: *it starts at 0; false at the end. The map must not change meanwhile. */
bool ly_map_next(const struct ly_map *m, size_t *it, struct ly_map_slot *out);

/** Hash of bytes (64 bits, seeded); also used to choose an entity's home. */
uint64_t ly_hash(struct ly_span key, uint64_t seed);

#endif
