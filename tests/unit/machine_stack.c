/* Stack slabs: guards that fault, reuse, pages given back, and the honest limit. */
#include "base/status.h"
#include "machine/stack.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum { SIZE = 64 << 10 };

/* How many of the stack's pages are in memory. */
static size_t resident(const struct wf_stack *s)
{
    unsigned char vec[SIZE / 4096];
    size_t n = 0;

    cr_assert_eq(mincore(s->base, s->size, vec), 0);
    for (size_t i = 0; i < s->size / wf_page_size(); i++)
        n += vec[i] & 1;
    return n;
}

Test(machine_stack, reused_hot_in_lifo_order)
{
    static struct wf_stack_pool p;
    struct wf_stack a, b, c;

    wf_stack_pool_init(&p, SIZE, 8);
    cr_assert_eq(wf_stack_alloc(&p, &a), WF_OK);
    cr_assert_eq(wf_stack_alloc(&p, &b), WF_OK);
    cr_assert_neq(a.base, b.base);
    memset(a.base, 1, a.size);
    wf_stack_free(&p, &b);
    wf_stack_free(&p, &a);
    cr_assert_eq(wf_stack_alloc(&p, &c), WF_OK);
    cr_assert_eq(c.base, a.base);
    cr_assert_eq(resident(&c), SIZE / wf_page_size());
}

Test(machine_stack, beyond_the_limit_pages_go_back)
{
    static struct wf_stack_pool p;
    struct wf_stack s[4];

    wf_stack_pool_init(&p, SIZE, 2);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(wf_stack_alloc(&p, &s[i]), WF_OK);
        memset(s[i].base, 1, s[i].size);
    }
    for (int i = 0; i < 4; i++)
        wf_stack_free(&p, &s[i]);
    cr_assert_eq(wf_stack_pool_hot(&p), 2);
    cr_assert_eq(resident(&s[0]), SIZE / wf_page_size());
    cr_assert_eq(resident(&s[3]), 0);
}

#if !defined(__SANITIZE_ADDRESS__) /* it takes SIGSEGV for itself */
static void touch_guard(bool by_mprotect)
{
    static struct wf_stack_pool p;
    struct wf_stack s;

    wf_stack_pool_init(&p, SIZE, 2);
    p.guard_by_mprotect = by_mprotect;
    cr_assert_eq(wf_stack_alloc(&p, &s), WF_OK);
    s.base[0] = 1;
    *(volatile char *)(s.base - 1) = 1;
}

Test(machine_stack, guard_faults, .signal = SIGSEGV)
{
    touch_guard(false);
}

Test(machine_stack, guard_by_mprotect_faults, .signal = SIGSEGV)
{
    touch_guard(true);
}
#endif

Test(machine_stack, mprotect_guards_stop_before_max_map_count)
{
    static struct wf_stack_pool p;
    struct wf_stack s;
    size_t n = 0;
    void *other;

    wf_stack_pool_init(&p, 16 << 10, 2);
    p.guard_by_mprotect = true;
    while (n < 200000 && wf_stack_alloc(&p, &s) == WF_OK)
        n++;
    cr_assert_eq(wf_stack_alloc(&p, &s), WF_ELIMIT);
    cr_assert_gt(n, 1000);
    other = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(other, MAP_FAILED, "nothing was left for the rest of the process");
}
