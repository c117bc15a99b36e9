/* Intrusive doubly linked list. A node that is in no list points to itself, so that removing
 * it twice is harmless. The owner of a list says what protects it. */
#ifndef WF_BASE_LIST_H
#define WF_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct wf_list {
    struct wf_list *next, *prev;
};

#define wf_container(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void wf_list_init(struct wf_list *l)
{
    l->next = l->prev = l;
}

static inline bool wf_list_empty(const struct wf_list *l)
{
    return l->next == l;
}

static inline void wf_list_insert_before(struct wf_list *at, struct wf_list *node)
{
    node->next = at;
    node->prev = at->prev;
    at->prev->next = node;
    at->prev = node;
}

static inline void wf_list_push_back(struct wf_list *l, struct wf_list *node)
{
    wf_list_insert_before(l, node);
}

static inline void wf_list_push_front(struct wf_list *l, struct wf_list *node)
{
    wf_list_insert_before(l->next, node);
}

static inline void wf_list_remove(struct wf_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    wf_list_init(node);
}

/* NULL when the list is empty. */
static inline struct wf_list *wf_list_pop_front(struct wf_list *l)
{
    struct wf_list *node = l->next;

    if (node == l)
        return NULL;
    wf_list_remove(node);
    return node;
}

/* Moves all nodes of `from` to the end of `to`; `from` is empty afterwards. */
static inline void wf_list_splice_back(struct wf_list *to, struct wf_list *from)
{
    if (wf_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    wf_list_init(from);
}

#endif
