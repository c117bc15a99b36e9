/* Own TLS blocks: initial values in fresh and reused blocks, tids, and memory given back. */
#include "base/status.h"
#include "machine/context.h"
#include "machine/tls.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#if defined(WEFT_UCONTEXT)

Test(machine_tls, the_twin_refuses_and_says_why)
{
    cr_assert_eq(wf_tls_init(), WF_ENOTSUP);
    cr_assert_neq(*wf_tls_why(), '\0');
}

#else

static _Thread_local int initialised = 42;
static _Thread_local char zeroed[16];

static void *peer(void *tp, const void *variable)
{
    return wf_tls_peer(tp, wf_context_tp(), variable);
}

static struct wf_stack stack = {.base = (char *)4096, .size = 65536};

static void init(void)
{
    cr_assert_eq(wf_tls_init(), WF_OK, "%s", wf_tls_why());
}

Test(machine_tls, images_are_fresh_each_time, .init = init)
{
    for (int round = 0; round < 3; round++) {
        void *tp = wf_tls_acquire(&stack);
        int value;
        char bytes[16], zeros[16] = {0};

        cr_assert_not_null(tp);
        memcpy(&value, peer(tp, &initialised), sizeof(value));
        memcpy(bytes, peer(tp, zeroed), sizeof(bytes));
        cr_expect_eq(value, 42);
        cr_expect_arr_eq(bytes, zeros, sizeof(bytes));
        memset(peer(tp, &initialised), 1, sizeof(value));
        memset(peer(tp, zeroed), 1, sizeof(bytes));
        wf_tls_release(tp);
    }
    cr_expect_eq(initialised, 42);
}

Test(machine_tls, every_fiber_has_a_tid_of_its_own_above_the_kernels, .init = init)
{
    void *a = wf_tls_acquire(&stack), *b = wf_tls_acquire(&stack);

    cr_expect_gt(wf_tls_tid(a), 1 << 22);
    cr_expect_neq(wf_tls_tid(a), wf_tls_tid(b));
    wf_tls_release(a);
    wf_tls_release(b);
}

#if !defined(                                                                                      \
    __SANITIZE_ADDRESS__) /* its malloc has no cache of glibc's kind: blocks are kept then */
enum { MANY = 5000 };

static long resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;

    cr_assert_not_null(f);
    cr_assert_eq(fscanf(f, "%*d %ld", &pages), 1);
    fclose(f);
    return pages * 4;
}

Test(machine_tls, memory_of_many_blocks_goes_back, .init = init)
{
    static void *tp[MANY];
    long before = 0, full = 0;

    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < MANY; i++)
            cr_assert_not_null(tp[i] = wf_tls_acquire(&stack));
        full = resident_kib();
        for (int i = 0; i < MANY; i++)
            wf_tls_release(tp[i]);
        if (round == 0)
            before = resident_kib();
    }
    cr_expect_lt(resident_kib(), before + 4096, "each round costs memory");
    cr_expect_lt(resident_kib(), full, "nothing was given back");
}
#endif

#endif
