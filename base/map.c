#include "base/map.h"

#include "base/err.h"

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

uint64_t ly_hash(struct ly_span key, uint64_t seed)
{
	uint64_t h = seed ^ mix(key.len + 0x9e3779b97f4a7c15u);
	size_t i = 0;

	for (; i + 8 <= key.len; i += 8) {
		uint64_t w;

		memcpy(&w, key.ptr + i, 8);
		h = mix(h ^ w) + 0x9e3779b97f4a7c15u;
	}
	if (i < key.len) {
		uint64_t w = 0;

		memcpy(&w, key.ptr + i, key.len - i);
		h = mix(h ^ w);
	}
	return mix(h);
}

void ly_map_init(struct ly_map *m, enum ly_mem kind, uint64_t seed)
{
	*m = (struct ly_map) { .kind = kind, .seed = seed };
}

void ly_map_fini(struct ly_map *m)
{
	if (m == NULL)
		return;
	ly_free(m->slots, m->kind);
	m->slots = NULL;
	m->n = m->cap = 0;
}

static uint64_t slot_hash(const struct ly_map *m, struct ly_span key, uint64_t num)
{
	return key.ptr ? ly_hash(key, m->seed) : mix(num ^ m->seed);
}

static bool same(const struct ly_map_slot *s, struct ly_span key, uint64_t num)
{
	if ((s->key.ptr == NULL) != (key.ptr == NULL))
		return false;
	return key.ptr ? ly_span_equal(s->key, key) : s->num == num;
}

/* The slot that holds the key, or the empty one where it belongs. cap must not be 0. */
static struct ly_map_slot *locate(const struct ly_map *m, struct ly_span key, uint64_t num)
{
	size_t i = slot_hash(m, key, num) & (m->cap - 1);

	while (m->slots[i].value != NULL && !same(&m->slots[i], key, num))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static int grow(struct ly_map *m)
{
	struct ly_map old = *m;
	size_t cap = m->cap ? m->cap * 2 : 8;

	m->slots = ly_alloc(cap * sizeof(*m->slots), m->kind);
	if (m->slots == NULL) {
		*m = old;
		return -ENOMEM;
	}
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value != NULL)
			*locate(m, old.slots[i].key, old.slots[i].num) = old.slots[i];
	ly_free(old.slots, m->kind);
	return 0;
}

static void *find(const struct ly_map *m, struct ly_span key, uint64_t num)
{
	return m->n ? locate(m, key, num)->value : NULL;
}

static int put(struct ly_map *m, struct ly_span key, uint64_t num, void *value)
{
	struct ly_map_slot *s;

	if (value == NULL)
		return -EINVAL;
	if (m->n + 1 > m->cap / 4 * 3 && grow(m))
		return -ENOMEM;
	s = locate(m, key, num);
	m->n += s->value == NULL;
	*s = (struct ly_map_slot) { key, num, value };
	return 0;
}

/* Deletes by moving later entries of the probe run back, so that no tombstones are needed. */
static void *del(struct ly_map *m, struct ly_span key, uint64_t num)
{
	size_t mask = m->cap - 1, i, j;
	struct ly_map_slot *s;
	void *value;

	if (m->n == 0)
		return NULL;
	s = locate(m, key, num);
	value = s->value;
	if (value == NULL)
		return NULL;
	i = (size_t)(s - m->slots);
	for (j = (i + 1) & mask; m->slots[j].value != NULL; j = (j + 1) & mask) {
		size_t home = slot_hash(m, m->slots[j].key, m->slots[j].num) & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			m->slots[i] = m->slots[j];
			i = j;
		}
	}
	m->slots[i] = (struct ly_map_slot) { .value = NULL };
	m->n--;
	return value;
}

/* A zero-length key must not look like a number's NULL. */
static struct ly_span string_key(struct ly_span key)
{
	return key.ptr ? key : ly_span("", 0);
}

void *ly_map_find(const struct ly_map *m, struct ly_span key)
{
	return find(m, string_key(key), 0);
}

int ly_map_put(struct ly_map *m, struct ly_span key, void *value)
{
	return put(m, string_key(key), 0, value);
}

void *ly_map_del(struct ly_map *m, struct ly_span key)
{
	return del(m, string_key(key), 0);
}

void *ly_map_find_num(const struct ly_map *m, uint64_t key)
{
	return find(m, ly_span(NULL, 0), key);
}

int ly_map_put_num(struct ly_map *m, uint64_t key, void *value)
{
	return put(m, ly_span(NULL, 0), key, value);
}

void *ly_map_del_num(struct ly_map *m, uint64_t key)
{
	return del(m, ly_span(NULL, 0), key);
}

bool ly_map_next(const struct ly_map *m, size_t *it, struct ly_map_slot *out)
{
	for (; *it < m->cap; (*it)++) {
		if (m->slots[*it].value == NULL)
			continue;
		*out = m->slots[(*it)++];
		return true;
	}
	return false;
}
