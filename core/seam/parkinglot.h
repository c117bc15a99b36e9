/* Address-keyed wait queues. Fibers and plain OS threads stand in the same queues, so a wake-up
 * can go to either: a real thread in pthread_cond_wait releases its mutex inside our hook, where
 * the fibers that wait for that mutex learn of it.
 *
 *   struct wf_lot_waiter w;
 *   wf_lot_enter(&w, addr, flags);      from here on a wake is not lost
 *   if (condition holds now) { wf_lot_leave(&w); return; }
 *   r = wf_lot_sleep(&w, deadline);     leaves the queue whatever the result
 *
 * Order against lock-free objects: enter counts the waiter before the caller re-checks the
 * object; a waker changes the object before it looks at the count. Both sides are sequentially
 * consistent, so one of them sees the other. */
#ifndef WF_SEAM_PARKINGLOT_H
#define WF_SEAM_PARKINGLOT_H

#include "base/list.h"
#include "machine/parker.h"
#include "sched/park.h"

struct wf_lot_waiter {
    struct wf_list link; /* its bucket's lock */
    const void *addr;
    struct wf_fiber *fiber; /* NULL: a plain OS thread, which sleeps on `parker` */
    struct wf_parker parker;
    bool woken; /* taken out by a waker: bucket's lock */
};

enum { WF_LOT_FRONT = 0x100 /* queue at the front: woken before, lost the race, tries again */ };

/* `flags`: wf_park_flags and WF_LOT_FRONT. `self` NULL for a plain OS thread. */
void wf_lot_enter(struct wf_lot_waiter *w, struct wf_fiber *self, const void *addr, unsigned flags);
/* OK: woken (or spurious). A plain thread knows OK and TIMEOUT only. */
enum wf_park_result wf_lot_sleep(struct wf_lot_waiter *w, int64_t deadline);
/* Without having slept. If a waker had already chosen us, its wake goes on to the next. */
void wf_lot_leave(struct wf_lot_waiter *w);

/* Wakes up to `n` waiters of `addr` in queue order; returns how many. Costs one load when nobody
 * waits anywhere. The object must have been changed by an atomic read-modify-write before. Not
 * for signal handlers. */
size_t wf_lot_wake(const void *addr, size_t n);
/* For signal handlers (sem_post): remembered, and done at the next chance. */
void wf_lot_wake_later(const void *addr);
/* Does what wf_lot_wake_later remembered; the scheduler's side calls it after signals. */
void wf_lot_run_later(void);

/* In a forked child: forgets all waiters. */
void wf_lot_after_fork(void);

#endif
