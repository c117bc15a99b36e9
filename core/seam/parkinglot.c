/* Address-keyed wait queues; see parkinglot.h. */
#include "seam/parkinglot.h"

#include "base/assert.h"
#include "machine/lock.h"

#include <stdint.h>

enum { BUCKETS = 1024, LATER = 64 };

struct bucket {
    struct wf_lock lock; /* protects the queue and its waiters' link and woken */
    struct wf_list queue;
} __attribute__((aligned(64)));

static struct bucket buckets[BUCKETS];
static _Atomic int made; /* 1: the queues are initialised; written under `making` */
static struct wf_lock making;
static _Atomic int waiting; /* waiters in all buckets; see the note on order in the header */

/* Wakes that signal handlers asked for. A slot is claimed by compare-exchange and emptied by the
 * next ordinary wake. When all are full, every queue is looked through. */
static _Atomic uintptr_t later[LATER];
static _Atomic int later_count;

static void make(void)
{
    wf_lock(&making);
    if (!wf_load(&made)) {
        for (size_t i = 0; i < BUCKETS; i++)
            wf_list_init(&buckets[i].queue);
        wf_store_release(&made, 1); /* pairs with the load in bucket_of */
    }
    wf_unlock(&making);
}

static struct bucket *bucket_of(const void *addr)
{
    uint64_t x = (uint64_t)(uintptr_t)addr;

    if (wf_unlikely(!wf_load_acquire(&made)))
        make();
    x ^= x >> 17;
    x *= UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio: Fibonacci hashing */
    return &buckets[(x >> 40) % BUCKETS];
}

void wf_lot_enter(struct wf_lot_waiter *w, struct wf_fiber *self, const void *addr, unsigned flags)
{
    struct bucket *b = bucket_of(addr);

    w->addr = addr;
    w->fiber = self;
    w->woken = false;
    if (self)
        wf_park_prepare(self, WF_WAIT_LOCK, flags & (unsigned)~WF_LOT_FRONT);
    else
        wf_parker_init(&w->parker);
    wf_lock(&b->lock);
    if (flags & WF_LOT_FRONT)
        wf_list_push_front(&b->queue, &w->link);
    else
        wf_list_push_back(&b->queue, &w->link);
    wf_add_seq_cst(&waiting, 1); /* pairs with the load in wf_lot_wake */
    wf_unlock(&b->lock);
}

/* Under the bucket's lock. */
static void take_out(struct wf_lot_waiter *w)
{
    if (wf_list_empty(&w->link))
        return;
    wf_list_remove(&w->link);
    wf_sub(&waiting, 1);
}

/* Leaves the queue; true if a waker had chosen this waiter. */
static bool leave_queue(struct wf_lot_waiter *w)
{
    struct bucket *b = bucket_of(w->addr);
    bool woken;

    wf_lock(&b->lock);
    take_out(w);
    woken = w->woken;
    wf_unlock(&b->lock);
    return woken;
}

enum wf_park_result wf_lot_sleep(struct wf_lot_waiter *w, int64_t deadline)
{
    enum wf_park_result r;

    if (w->fiber)
        r = wf_park_commit(w->fiber, deadline);
    else
        r = wf_parker_wait(&w->parker, deadline) ? WF_PARK_OK : WF_PARK_TIMEOUT;
    return leave_queue(w) ? WF_PARK_OK : r;
}

void wf_lot_leave(struct wf_lot_waiter *w)
{
    bool woken = leave_queue(w);

    if (w->fiber)
        (void)wf_park_abort(w->fiber);
    if (woken)
        (void)wf_lot_wake(w->addr, 1);
}

/* Under the bucket's lock. False: it is leaving for another reason, try the next. It is taken out all
 * the same: a thousand waiters that timed out together and have not run yet would otherwise be
 * looked at by each wake. */
static bool wake_one(struct wf_lot_waiter *w)
{
    bool won = !w->fiber || wf_unpark(w->fiber, WF_PARK_OK);

    take_out(w);
    if (!won)
        return false;
    w->woken = true;
    if (!w->fiber)
        wf_parker_wake(&w->parker);
    return true;
}

static size_t wake_in(struct bucket *b, const void *addr, size_t n)
{
    size_t count = 0;
    struct wf_list *next;

    wf_lock(&b->lock);
    for (struct wf_list *link = b->queue.next; link != &b->queue && count < n; link = next) {
        struct wf_lot_waiter *w = wf_container(link, struct wf_lot_waiter, link);

        next = link->next;
        if ((!addr || w->addr == addr) && wake_one(w))
            count++;
    }
    wf_unlock(&b->lock);
    return count;
}

static void do_later(void)
{
    int n = atomic_exchange_explicit(&later_count, 0, memory_order_acq_rel);

    if (n == 0)
        return;
    for (size_t i = 0; i < LATER; i++) {
        uintptr_t addr = atomic_exchange_explicit(&later[i], 0, memory_order_acq_rel);

        if (addr)
            (void)wake_in(bucket_of((const void *)addr), (const void *)addr, 1);
    }
    for (size_t i = 0; n >= LATER && i < BUCKETS; i++)
        (void)wake_in(&buckets[i], NULL, SIZE_MAX);
}

size_t wf_lot_wake(const void *addr, size_t n)
{
    wf_fence_after_rmw(); /* the caller changed the object by a read-modify-write */
    if (wf_likely(wf_load_seq_cst(&waiting) == 0))
        return 0;
    if (wf_unlikely(wf_load(&later_count) != 0))
        do_later();
    return wake_in(bucket_of(addr), addr, n);
}

void wf_lot_wake_later(const void *addr)
{
    for (size_t i = 0; i < LATER; i++) {
        uintptr_t empty = 0;

        if (wf_cas_acq_rel(&later[i], &empty, (uintptr_t)addr)) {
            wf_add_seq_cst(&later_count, 1);
            return;
        }
    }
    wf_add_seq_cst(&later_count, LATER);
}

void wf_lot_run_later(void)
{
    do_later();
}

void wf_lot_after_fork(void)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        buckets[i].lock = (struct wf_lock){0};
        wf_list_init(&buckets[i].queue);
    }
    wf_store(&waiting, 0);
    wf_store(&later_count, 0);
    for (size_t i = 0; i < LATER; i++)
        wf_store(&later[i], 0);
}
