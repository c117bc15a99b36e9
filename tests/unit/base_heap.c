/* The timer heap against a sorted reference. */
#include "base/heap.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { N = 500 };

static void check_order(struct wf_heap *h)
{
    for (size_t i = 1; i < h->count; i++)
        cr_assert_leq(h->nodes[(i - 1) / 2]->key, h->nodes[i]->key);
    for (size_t i = 0; i < h->count; i++)
        cr_assert_eq(h->nodes[i]->place, i + 1);
}

Test(base_heap, comes_out_sorted_after_random_removals)
{
    struct wf_heap h = {0};
    struct wf_heap_node nodes[N] = {0};
    int64_t last = -1;
    size_t left = 0;

    srand(1);
    cr_assert(wf_heap_reserve(&h, N));
    for (int i = 0; i < N; i++)
        wf_heap_add(&h, &nodes[i], rand() % 1000);
    for (int i = 0; i < N; i += 3) {
        wf_heap_remove(&h, &nodes[i]);
        wf_heap_remove(&h, &nodes[i]); /* again: harmless */
        cr_assert_not(wf_heap_contains(&nodes[i]));
        check_order(&h);
    }
    while (wf_heap_first(&h)) {
        struct wf_heap_node *n = wf_heap_first(&h);

        cr_assert_geq(n->key, last);
        last = n->key;
        wf_heap_remove(&h, n);
        left++;
    }
    cr_assert_eq(left, N - (N + 2) / 3);
    wf_heap_free(&h);
}

Test(base_heap, reserve_keeps_what_is_there)
{
    struct wf_heap h = {0};
    struct wf_heap_node a = {0}, b = {0};

    cr_assert(wf_heap_reserve(&h, 1));
    wf_heap_add(&h, &a, 5);
    cr_assert(wf_heap_reserve(&h, 5000));
    wf_heap_add(&h, &b, 4);
    cr_assert_eq(wf_heap_first(&h), &b);
    wf_heap_free(&h);
}
