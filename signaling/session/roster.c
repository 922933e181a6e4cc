/* The roster in memory: contacts in one allocation each, sorted by JID. */
#include "signaling/session/roster.h"

#include "base/err.h"

static void place(const struct ly_roster *r, const char *jid, uint32_t *at, bool *found)
{
	uint32_t lo = 0, hi = r->n;

	*found = false;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = strcmp(r->v[mid]->jid, jid);

		if (c == 0) {
			*at = mid;
			*found = true;
			return;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
}

void ly_roster_fini(struct ly_roster *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		ly_free(r->v[i], LY_MEM_SESSION);
	ly_free(r->v, LY_MEM_SESSION);
	*r = (struct ly_roster) { 0 };
}

struct ly_contact *ly_roster_find(const struct ly_roster *r, const char *jid)
{
	uint32_t at;
	bool found;

	place(r, jid, &at, &found);
	return found ? r->v[at] : NULL;
}

/* Appends a string to the contact's tail; NULL stays NULL. */
static const char *pack(char **tail, const char *s)
{
	char *at = *tail;
	size_t len;

	if (s == NULL)
		return NULL;
	len = strlen(s) + 1;
	memcpy(at, s, len);
	*tail += len;
	return at;
}

static size_t size_of(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static struct ly_contact *contact_create(const struct ly_store_contact *item)
{
	size_t len = size_of(item->jid) + size_of(item->name) + size_of(item->request);
	struct ly_contact *c;
	char *tail;

	for (size_t i = 0; i < item->n_groups; i++)
		len += size_of(item->groups[i]);
	c = ly_alloc(sizeof(*c) + len, LY_MEM_SESSION);
	if (c == NULL)
		return NULL;
	c->sub = (uint8_t)item->sub;
	c->listed = item->listed;
	c->ask = item->ask;
	c->approved = item->approved;
	c->pending_in = item->pending_in;
	c->n_groups = (uint16_t)item->n_groups;
	tail = c->jid;
	pack(&tail, item->jid);
	c->name = pack(&tail, item->name);
	c->request = pack(&tail, item->request);
	c->groups = tail;
	for (size_t i = 0; i < item->n_groups; i++)
		pack(&tail, item->groups[i]);
	return c;
}

static int make_room(struct ly_roster *r)
{
	uint32_t cap = r->cap ? r->cap * 2 : 4;
	void *v;

	if (r->n < r->cap)
		return 0;
	v = ly_realloc(r->v, cap * sizeof(struct ly_contact *), LY_MEM_SESSION);
	if (v == NULL)
		return -ENOMEM;
	r->v = v;
	r->cap = cap;
	return 0;
}

int ly_roster_put(struct ly_roster *r, const struct ly_store_contact *item, struct ly_contact **out)
{
	struct ly_contact *c = contact_create(item); /* first: item may borrow from the old one */
	uint32_t at;
	bool found;

	if (c == NULL || make_room(r)) {
		ly_free(c, LY_MEM_SESSION);
		return -ENOMEM;
	}
	place(r, c->jid, &at, &found);
	if (found) {
		ly_free(r->v[at], LY_MEM_SESSION);
	} else {
		memmove(&r->v[at + 1], &r->v[at], (r->n - at) * sizeof(struct ly_contact *));
		r->n++;
	}
	r->v[at] = c;
	if (out)
		*out = c;
	return 0;
}

void ly_roster_del(struct ly_roster *r, const char *jid)
{
	uint32_t at;
	bool found;

	place(r, jid, &at, &found);
	if (!found)
		return;
	ly_free(r->v[at], LY_MEM_SESSION);
	r->n--;
	memmove(&r->v[at], &r->v[at + 1], (r->n - at) * sizeof(struct ly_contact *));
}

size_t ly_roster_n_listed(const struct ly_roster *r)
{
	size_t n = 0;

	for (uint32_t i = 0; i < r->n; i++)
		n += r->v[i]->listed;
	return n;
}

void ly_contact_get(const struct ly_contact *c, struct ly_store_contact *out, const char **groups)
{
	const char *g = c->groups;

	*out = (struct ly_store_contact) {
		.jid = c->jid,
		.name = c->name,
		.groups = groups,
		.n_groups = c->n_groups,
		.sub = (enum ly_subscription)c->sub,
		.listed = c->listed,
		.ask = c->ask,
		.approved = c->approved,
		.pending_in = c->pending_in,
		.request = c->request,
	};
	for (size_t i = 0; i < c->n_groups; i++) {
		groups[i] = g;
		g += strlen(g) + 1;
	}
}
