/* Start, ordered shutdown and fork of the one runtime in a process. */
#include "runtime/runtime.h"

#include "base/status.h"
#include "io/loop.h"
#include "machine/block.h"
#include "machine/tls.h"
#include "scope/task.h"
#include "sched/park.h"
#include "seam/fork.h"
#include "seam/interrupt.h"
#include "seam/seam.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

enum { MIN_LIGHT_STACK = 16 << 10, MIN_THREAD_STACK = 64 << 10 };

/* Written on the main thread, before any other thread can know of the runtime, and after. */
static struct {
    bool started;
    struct wf_loop loop;
    struct wf_processor processor;
    struct wf_worker worker;
    struct wf_fiber main;
} rt;

bool wf_runtime_started(void)
{
    return rt.started;
}

struct wf_processor *wf_runtime_processor(void)
{
    return &rt.processor;
}

static int apply_config(const struct wf_runtime_config *c)
{
    size_t light = c->stack_light ? c->stack_light : 64 << 10;
    size_t thread = c->stack_thread ? c->stack_thread : 8 << 20;

    if (c->processors > 1 || light < MIN_LIGHT_STACK || thread < MIN_THREAD_STACK)
        return WF_EINVAL;
    if (!wf_fiber_pool(light) || !wf_fiber_pool(thread))
        return WF_ELIMIT;
    wf_fiber_set_stack_sizes(light, thread);
    return WF_OK;
}

/* The child of fork() has the forking fiber only. Order: what others stand on first. */
static void after_fork_child(struct wf_fiber *survivor)
{
    wf_tls_after_fork();
    wf_block_after_fork();
    wf_fiber_after_fork(survivor);
    if (wf_loop_after_fork(&rt.loop) != WF_OK)
        fputs("weft: no file descriptors left for the event loop after fork\n", stderr);
    wf_processor_after_fork(&rt.processor, survivor);
    wf_seam_after_fork();
    wf_scope_after_fork(survivor);
}

static void forget_main(void)
{
    wf_fiber_bury(&rt.main);
    wf_fiber_tls = NULL;
}

static int start_main(void)
{
    int err = wf_fiber_init_main(&rt.main, &rt.processor);

    if (err)
        return err;
    err = wf_worker_adopt(&rt.worker, &rt.processor, &rt.main);
    if (!err) {
        err = wf_task_init_main(&rt.main);
        if (err)
            wf_worker_release(&rt.worker);
    }
    if (err)
        forget_main();
    return err;
}

static int start_parts(void)
{
    int err = wf_loop_init(&rt.loop);

    if (err)
        return err;
    err = wf_processor_init(&rt.processor, &rt.loop.driver);
    if (!err)
        err = start_main();
    if (err) {
        wf_processor_destroy(&rt.processor);
        rt.loop.driver.close(&rt.loop.driver);
    }
    return err;
}

int wf_runtime_start(const struct wf_runtime_config *config)
{
    int err;

    if (rt.started)
        return WF_ESTARTED;
    err = apply_config(config);
    if (err)
        return err;
    (void)wf_tls_init(); /* light fibers do without; thread fibers say why they cannot */
    /* Each fiber with own TLS looks like a new thread to malloc, which would open an arena for
     * it: as many as run in parallel are enough. */
    mallopt(M_ARENA_MAX, 2);
    err = start_parts();
    if (err)
        return err;
    wf_seam_after_fork_child = after_fork_child;
    wf_fork_watch(); /* also for programs that never open the seam */
    rt.started = true;
    return WF_OK;
}

int wf_runtime_stop(void)
{
    struct wf_fiber *self = wf_fiber_self();

    if (!rt.started)
        return WF_ENOTSTARTED;
    if (self != &rt.main)
        return WF_ENOTFIBER;
    if (wf_seam_slots_patched() > 0 || !wf_scope_idle(self))
        return WF_EBUSY;
    while (wf_fiber_counters().live > 1) /* a last one may not have left its stack yet */
        wf_yield(self);
    wf_task_fini_main(self);
    rt.started = false;
    wf_seam_after_fork_child = NULL;
    wf_worker_release(&rt.worker);
    forget_main();
    rt.loop.driver.close(&rt.loop.driver);
    wf_processor_destroy(&rt.processor);
    return WF_OK;
}

/* The kernel's count; 0 when /proc is not there. */
static uint64_t count_os_threads(void)
{
    FILE *f = fopen("/proc/self/stat", "re");
    unsigned long n = 0;

    if (!f)
        return 0;
    /* pid (name) state ... the 20th field; names may hold spaces but our reading skips to ')' */
    if (fscanf(f, "%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %lu",
               &n) != 1)
        n = 0;
    fclose(f);
    return n;
}

void wf_runtime_stats(struct wf_runtime_stats *out)
{
    struct wf_fiber_counts c = wf_fiber_counters();

    *out = (struct wf_runtime_stats){
        .fibers_live = c.live,
        .fibers_peak = c.peak,
        .fibers_spawned = c.created,
        .stacks_cached = c.stacks_cached,
        .switches = rt.processor.switches,
        .parks = rt.processor.parks,
        .polls = rt.processor.polls,
        .events = rt.loop.events,
        .slots_patched = wf_seam_slots_patched(),
        .os_threads = count_os_threads(),
        .interrupts = wf_seam_interrupts(),
    };
}
