/* Binary min-heap of intrusive nodes keyed by time: the timer heap of a processor.
 * A node knows its place, so removal needs no search. The heap grows only in wf_heap_reserve,
 * so that arming a timer cannot fail once a fiber exists. */
#ifndef WF_BASE_HEAP_H
#define WF_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wf_heap_node {
    int64_t key;
    size_t place; /* index + 1; 0 = not in a heap */
};

struct wf_heap {
    struct wf_heap_node **nodes;
    size_t count, capacity;
};

/* Makes room for `total` nodes; false when there is no memory (nothing changed). */
bool wf_heap_reserve(struct wf_heap *h, size_t total);
void wf_heap_free(struct wf_heap *h);
/* The node must not be in a heap, and room must have been reserved. */
void wf_heap_add(struct wf_heap *h, struct wf_heap_node *n, int64_t key);
/* Harmless when the node is in no heap. */
void wf_heap_remove(struct wf_heap *h, struct wf_heap_node *n);

static inline struct wf_heap_node *wf_heap_first(const struct wf_heap *h)
{
    return h->count ? h->nodes[0] : NULL;
}

static inline bool wf_heap_contains(const struct wf_heap_node *n)
{
    return n->place != 0;
}

#endif
