/* The smallest world in which fibers run: one processor, a driver that only sleeps, main's task.
 * For tests of sched/ and scope/, which must not need io/ or runtime/. */
#ifndef WF_TESTS_WORLD_H
#define WF_TESTS_WORLD_H

#include "base/assert.h"
#include "base/status.h"
#include "machine/parker.h"
#include "scope/nursery.h"
#include "sched/processor.h"

struct world {
    struct wf_driver driver;
    struct wf_parker parker;
    struct wf_processor processor;
    struct wf_worker worker;
    struct wf_fiber main;
};

static void world_poll(struct wf_driver *d, int64_t timeout)
{
    struct world *w = (struct world *)(void *)d;

    (void)wf_parker_wait(&w->parker, wf_clock_after(timeout));
}

static void world_wake(struct wf_driver *d)
{
    wf_parker_wake(&((struct world *)(void *)d)->parker);
}

static int64_t world_deadline(struct wf_driver *d)
{
    (void)d;
    return WF_NEVER;
}

static void world_close(struct wf_driver *d)
{
    (void)d;
}

static struct world world;

/* The calling thread becomes main. */
static inline struct wf_fiber *world_start(void)
{
    world.driver = (struct wf_driver){world_poll, world_wake, world_deadline, world_close};
    wf_parker_init(&world.parker);
    WF_ASSERT_EQ(wf_processor_init(&world.processor, &world.driver), WF_OK);
    WF_ASSERT_EQ(wf_fiber_init_main(&world.main, &world.processor), WF_OK);
    WF_ASSERT_EQ(wf_worker_adopt(&world.worker, &world.processor, &world.main), WF_OK);
    WF_ASSERT_EQ(wf_task_init_main(&world.main), WF_OK);
    return &world.main;
}

/* Everything a test opened must be closed and ended. */
static inline void world_stop(void)
{
    WF_ASSERT(wf_scope_idle(&world.main));
    while (wf_fiber_counters().live > 1)
        (void)wf_park_sleep(&world.main, wf_clock_after(WF_NS_PER_MS), 0);
    wf_task_fini_main(&world.main);
    wf_worker_release(&world.worker);
    wf_fiber_bury(&world.main);
    wf_fiber_tls = NULL;
    wf_processor_destroy(&world.processor);
}

/* Sleeps, as a user's fiber would: WF_OK or WF_ECANCELED. */
static inline int world_sleep(int64_t ns)
{
    struct wf_fiber *self = wf_fiber_self();

    return wf_park_sleep(self, wf_clock_after(ns), WF_PARK_INTERRUPTIBLE) == WF_PARK_TIMEOUT
               ? WF_OK
               : WF_ECANCELED;
}

/* A light fiber in `n`, started. `*out`, if wanted, gets a reference. */
static inline void world_spawn(struct wf_nursery *n, int (*fn)(void *), void *arg,
                               struct wf_task **out)
{
    struct wf_task_opts opts = {.fn = fn, .arg = arg};
    struct wf_fiber *f;

    WF_ASSERT_EQ(wf_task_create(n, &opts, &f, out), WF_OK);
    wf_task_start(f);
}

static inline struct wf_nursery *world_open(uint32_t limit)
{
    struct wf_nursery_opts opts = {.limit = limit};
    struct wf_nursery *n;

    WF_ASSERT_EQ(wf_nursery_open(wf_fiber_self(), &opts, &n), WF_OK);
    return n;
}

/* Closes, through as many signals as come. */
static inline struct wf_outcome world_shut(struct wf_nursery *n, enum wf_kind body)
{
    struct wf_outcome out;
    int err;

    do
        err = wf_nursery_close(wf_fiber_self(), n, body, &out);
    while (err == WF_EINTR);
    WF_ASSERT_EQ(err, WF_OK);
    return out;
}

/* How a fiber ended, without waiting for longer than a second. */
static inline struct wf_outcome world_join(struct wf_task *t)
{
    struct wf_outcome out;

    WF_ASSERT_EQ(wf_task_join(wf_fiber_self(), t, wf_clock_after(WF_NS_PER_S), &out), WF_OK);
    return out;
}

#endif
