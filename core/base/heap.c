/* Binary min-heap of intrusive nodes; see heap.h. */
#include "base/heap.h"

#include "base/assert.h"

#include <stdlib.h>

static void put(struct wf_heap *h, size_t i, struct wf_heap_node *n)
{
    h->nodes[i] = n;
    n->place = i + 1;
}

static void sift_up(struct wf_heap *h, size_t i, struct wf_heap_node *n)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;

        if (h->nodes[parent]->key <= n->key)
            break;
        put(h, i, h->nodes[parent]);
        i = parent;
    }
    put(h, i, n);
}

static void sift_down(struct wf_heap *h, size_t i, struct wf_heap_node *n)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->nodes[child + 1]->key < h->nodes[child]->key)
            child++;
        if (n->key <= h->nodes[child]->key)
            break;
        put(h, i, h->nodes[child]);
        i = child;
    }
    put(h, i, n);
}

bool wf_heap_reserve(struct wf_heap *h, size_t total)
{
    size_t capacity = h->capacity ? h->capacity : 64;
    struct wf_heap_node **nodes;

    if (total <= h->capacity)
        return true;
    while (capacity < total)
        capacity *= 2;
    nodes = realloc(h->nodes, capacity * sizeof(*nodes));
    if (!nodes)
        return false;
    h->nodes = nodes;
    h->capacity = capacity;
    return true;
}

void wf_heap_free(struct wf_heap *h)
{
    free(h->nodes);
    *h = (struct wf_heap){0};
}

void wf_heap_add(struct wf_heap *h, struct wf_heap_node *n, int64_t key)
{
    WF_ASSERT(n->place == 0 && h->count < h->capacity);
    n->key = key;
    h->count++;
    sift_up(h, h->count - 1, n);
}

void wf_heap_remove(struct wf_heap *h, struct wf_heap_node *n)
{
    size_t i;
    struct wf_heap_node *last;

    if (n->place == 0)
        return;
    i = n->place - 1;
    WF_ASSERT(i < h->count && h->nodes[i] == n);
    n->place = 0;
    last = h->nodes[--h->count];
    if (last == n)
        return;
    sift_down(h, i, last);
    sift_up(h, last->place - 1, last);
}
