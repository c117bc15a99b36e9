/* Barriers. glibc has no try function for them, so fibers and real threads count each other in a
 * list of our own; of the native object only the number of parties is read. Threads in code that is
 * not patched are not counted. A barrier shared with other processes is left to libc, and blocks
 * the worker. */
#include "base/list.h"
#include "machine/lock.h"
#include "seam/hook.h"
#include "seam/locks.h"
#include "seam/parkinglot.h"

/* The head of glibc's object. */
struct native_barrier {
    unsigned in, current_round, count;
    int shared;
};

/* Somebody who waits; on its own stack. */
struct waiter {
    struct wf_list link;
    const pthread_barrier_t *barrier;
    bool released;
};

static struct {
    struct wf_lock lock; /* protects all below and the waiters */
    struct wf_list waiters;
} barriers = {.waiters = {&barriers.waiters, &barriers.waiters}};

static unsigned count_waiters(const pthread_barrier_t *b)
{
    unsigned n = 0;

    for (struct wf_list *l = barriers.waiters.next; l != &barriers.waiters; l = l->next)
        n += wf_container(l, struct waiter, link)->barrier == b;
    return n;
}

/* The caller is the last one of its round. */
static void release_all(const pthread_barrier_t *b)
{
    struct wf_list *next;

    for (struct wf_list *l = barriers.waiters.next; l != &barriers.waiters; l = next) {
        struct waiter *w = wf_container(l, struct waiter, link);

        next = l->next;
        if (w->barrier != b)
            continue;
        wf_list_remove(l);
        w->released = true;
        (void)wf_lot_wake(w, 1); /* under the lock: `w` is still there */
    }
}

static bool is_released(struct waiter *w)
{
    bool released;

    wf_lock(&barriers.lock);
    released = w->released;
    wf_unlock(&barriers.lock);
    return released;
}

static void sleep_until_released(struct waiter *self)
{
    struct wf_fiber *f = wf_seam_fiber();

    while (!is_released(self)) {
        struct wf_lot_waiter w;

        wf_lot_enter(&w, f, self, 0);
        if (is_released(self))
            wf_lot_leave(&w);
        else
            (void)wf_lot_sleep(&w, WF_NEVER);
    }
}

int wf_hook_barrier_wait(pthread_barrier_t *b)
{
    const struct native_barrier *native = (const struct native_barrier *)(const void *)b;
    struct waiter self = {.barrier = b};
    bool last;

    if (wf_seam_bypass || native->shared)
        return pthread_barrier_wait(b);
    wf_lock(&barriers.lock);
    last = count_waiters(b) + 1 == native->count;
    if (last)
        release_all(b);
    else
        wf_list_push_back(&barriers.waiters, &self.link);
    wf_unlock(&barriers.lock);
    if (last)
        return PTHREAD_BARRIER_SERIAL_THREAD;
    sleep_until_released(&self);
    return 0;
}

void wf_barrier_after_fork(void)
{
    barriers.lock = (struct wf_lock){0};
    wf_list_init(&barriers.waiters);
}
