/* Intrusive doubly linked list. A node is a member of the listed struct; the head is a node too. */
#ifndef LY_BASE_LIST_H
#define LY_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

struct ly_list {
	struct ly_list *prev, *next;
};

static inline void ly_list_init(struct ly_list *l)
{
	l->prev = l->next = l;
}

static inline bool ly_list_is_empty(const struct ly_list *l)
{
	return l->next == l || l->next == NULL;
}

/** Adds @p n before @p at; with a head as @p at: at the end. */
static inline void ly_list_add_tail(struct ly_list *at, struct ly_list *n)
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}

static inline void ly_list_add_head(struct ly_list *head, struct ly_list *n)
{
	ly_list_add_tail(head->next, n);
}

/** Takes @p n out; harmless on a node that is in no list (zeroed or initialised). */
static inline void ly_list_del(struct ly_list *n)
{
	if (n->next == NULL)
		return;
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->prev = n->next = n;
}

#define LY_LIST_ENTRY(node, type, member) LY_CONTAINER_OF(node, type, member)

/** Walks over a list; the current node may be deleted in the body. */
#define LY_LIST_EACH(it, tmp, head) \
	for (struct ly_list *it = (head)->next, *tmp = it->next; it != (head); \
	     it = tmp, tmp = it->next)

#endif
