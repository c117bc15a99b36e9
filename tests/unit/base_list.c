/* The intrusive list. */
#include "base/list.h"

#include <criterion/criterion.h>

struct item {
    int n;
    struct wf_list link;
};

Test(base_list, order_removal_and_splice)
{
    struct wf_list a, b;
    struct item items[6];
    int expected[] = {0, 1, 2, 4, 5};
    size_t count = 0;

    wf_list_init(&a);
    wf_list_init(&b);
    cr_assert(wf_list_empty(&a));
    cr_assert_null(wf_list_pop_front(&a));
    for (int i = 0; i < 6; i++) {
        items[i].n = i;
        wf_list_push_back(i < 3 ? &a : &b, &items[i].link);
    }
    wf_list_remove(&items[3].link);
    wf_list_remove(&items[3].link); /* in no list: harmless */
    wf_list_splice_back(&a, &b);
    cr_assert(wf_list_empty(&b));
    for (struct wf_list *n = wf_list_pop_front(&a); n; n = wf_list_pop_front(&a))
        cr_assert_eq(wf_container(n, struct item, link)->n, expected[count++]);
    cr_assert_eq(count, 5);
}
