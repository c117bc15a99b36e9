/* Fibers on one worker with a driver of the test's own: switching, timers, wakes by foreign OS
 * threads. Depends on base, machine and sched only, so it also runs under TSan and on aarch64. */
#include "base/status.h"
#include "machine/parker.h"
#include "machine/tls.h"
#include "sched/park.h"
#include "sched/processor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not ok: %s:%d: %s\n", __FILE__, __LINE__, #cond);                              \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* ---- a driver that only sleeps ---- */

struct sleeper {
    struct wf_driver driver;
    struct wf_parker parker;
};

static void sleeper_poll(struct wf_driver *d, int64_t timeout)
{
    (void)wf_parker_wait(&((struct sleeper *)(void *)d)->parker, wf_clock_after(timeout));
}

static void sleeper_wake(struct wf_driver *d)
{
    wf_parker_wake(&((struct sleeper *)(void *)d)->parker);
}

static int64_t sleeper_deadline(struct wf_driver *d)
{
    (void)d;
    return WF_NEVER;
}

static void sleeper_close(struct wf_driver *d)
{
    (void)d;
}

static struct sleeper sleeper = {
    .driver = {sleeper_poll, sleeper_wake, sleeper_deadline, sleeper_close},
};
static struct wf_processor processor;
static struct wf_worker worker;
static struct wf_fiber main_fiber;

static struct wf_fiber *spawn(int (*fn)(void *), void *arg, uint32_t flags)
{
    struct wf_fiber_opts opts = {.fn = fn, .arg = arg, .flags = flags};
    struct wf_fiber *f;
    int err = wf_fiber_create(&opts, &processor, &f);

    if (err) {
        printf("not ok: spawn: %s\n", wf_status_text(err));
        exit(1);
    }
    wf_fiber_start(f);
    return f;
}

static void wait_all(void)
{
    while (wf_fiber_counters().live > 1)
        (void)wf_park_sleep(&main_fiber, wf_clock_after(WF_NS_PER_MS), 0);
}

/* ---- the cases ---- */

static int count_yields(void *arg)
{
    int *n = arg;

    for (int i = 0; i < 1000; i++) {
        (*n)++;
        wf_yield(wf_fiber_self());
    }
    return 0;
}

static void test_yield(uint32_t flags)
{
    int n = 0;

    for (int i = 0; i < 10; i++)
        spawn(count_yields, &n, flags);
    wait_all();
    CHECK(n == 10000);
}

static double keep_fp(double x)
{
    for (int i = 0; i < 50; i++) {
        x = x * 1.0000001 + i;
        wf_yield(wf_fiber_self());
    }
    return x;
}

static int floats(void *arg)
{
    *(double *)arg = keep_fp(*(double *)arg);
    return 0;
}

static void test_floats(void)
{
    double a = 1.5, b = 2.5, once = 1.5;

    spawn(floats, &a, 0);
    spawn(floats, &b, 0);
    wait_all();
    once = keep_fp(once);
    CHECK(memcmp(&a, &once, sizeof(a)) == 0);
}

static _Thread_local int own = 7;
static _Thread_local int zero;

static int use_tls(void *arg)
{
    CHECK(own == 7 && zero == 0);
    own = zero = (int)(intptr_t)arg;
    wf_yield(wf_fiber_self());
    CHECK(own == (int)(intptr_t)arg && zero == (int)(intptr_t)arg);
    CHECK(wf_fiber_of_tp(wf_context_tp()) == wf_fiber_self());
    return 0;
}

static void test_own_tls(void)
{
    for (int round = 0; round < 3; round++) { /* later rounds reuse blocks */
        for (intptr_t i = 1; i <= 20; i++)
            spawn(use_tls, (void *)i, WF_FIBER_THREAD);
        wait_all();
    }
    CHECK(own == 7 && zero == 0);
}

static int sleep_ms(void *arg)
{
    int64_t until = wf_clock_after((intptr_t)arg * WF_NS_PER_MS);

    CHECK(wf_park_sleep(wf_fiber_self(), until, 0) == WF_PARK_TIMEOUT);
    CHECK(wf_clock_now() >= until);
    return 0;
}

static void test_timers(void)
{
    for (intptr_t i = 0; i < 200; i++)
        spawn(sleep_ms, (void *)(i * 7 % 23), 0);
    wait_all();
}

static struct wf_fiber *_Atomic target;
static _Atomic int handed, taken;
enum { HAND_OVERS = 20000 };

static int take_from_thread(void *unused)
{
    struct wf_fiber *self = wf_fiber_self();

    (void)unused;
    while (wf_load(&taken) < HAND_OVERS) {
        wf_park_prepare(self, WF_WAIT_LOCK, 0);
        wf_store_release(&target, self);
        if (wf_load_acquire(&handed) > wf_load(&taken))
            (void)wf_park_abort(self);
        else
            (void)wf_park_commit(self, WF_NEVER);
        wf_store(&taken, wf_load_acquire(&handed));
    }
    return 0;
}

static void *hand_over(void *unused)
{
    struct wf_fiber *f;

    (void)unused;
    while (!(f = wf_load_acquire(&target)))
        wf_cpu_relax();
    while (wf_load(&handed) < HAND_OVERS) {
        wf_add_seq_cst(&handed, 1);
        (void)wf_unpark(f, WF_PARK_OK);
        for (int i = 0; i < 100 && wf_load(&taken) < wf_load(&handed); i++)
            wf_cpu_relax();
    }
    return NULL;
}

static void test_foreign_wakes(void)
{
    pthread_t thread;

    spawn(take_from_thread, NULL, 0);
    CHECK(pthread_create(&thread, NULL, hand_over, NULL) == 0);
    while (wf_load(&taken) < HAND_OVERS)
        (void)wf_park_sleep(&main_fiber, wf_clock_after(WF_NS_PER_MS), 0);
    pthread_join(thread, NULL);
    wait_all();
    CHECK(wf_load(&taken) == HAND_OVERS);
}

static int wait_interruptibly(void *arg)
{
    wf_park_prepare(wf_fiber_self(), WF_WAIT_SLEEP, WF_PARK_INTERRUPTIBLE);
    *(enum wf_park_result *)arg = wf_park_commit(wf_fiber_self(), WF_NEVER);
    return 0;
}

static void test_interrupt(void)
{
    enum wf_park_result r = WF_PARK_OK;
    struct wf_fiber *f = spawn(wait_interruptibly, &r, 0);

    wf_yield(&main_fiber);
    wf_fiber_set_interrupt(f, true, WF_NEVER);
    (void)wf_unpark(f, WF_PARK_CANCEL);
    wait_all();
#if !defined(WEFT_HARD) /* there a park may end spuriously before */
    CHECK(r == WF_PARK_CANCEL);
#endif
}

static int recurse(int n)
{
    volatile char frame[256];

    frame[0] = (char)n;
    return n ? recurse(n - 1) + frame[0] * 0 : 0;
}

static int deep(void *arg)
{
    return recurse((int)(intptr_t)arg);
}

static void test_stack_size(void)
{
    spawn(deep, (void *)100, 0);
    spawn(deep, (void *)10000, WF_FIBER_THREAD);
    wait_all();
}

int main(void)
{
    bool threads;

    wf_parker_init(&sleeper.parker);
    CHECK(wf_processor_init(&processor, &sleeper.driver) == WF_OK);
    CHECK(wf_fiber_init_main(&main_fiber, &processor) == WF_OK);
    CHECK(wf_worker_adopt(&worker, &processor, &main_fiber) == WF_OK);
    threads = wf_tls_init() == WF_OK;
    test_yield(0);
    test_floats();
    test_timers();
    test_foreign_wakes();
    test_interrupt();
    if (threads) {
        test_yield(WF_FIBER_THREAD);
        test_own_tls();
        test_stack_size();
    } else {
        printf("no thread fibers: %s\n", wf_tls_why());
    }
    wf_worker_release(&worker);
    wf_processor_destroy(&processor);
    printf("%s\n", failures ? "FAILED" : "ok");
    return failures != 0;
}
