/* The one way to wait and the one way to be woken. Nothing else in the tree blocks.
 *
 *   wf_park_prepare(self, what, flags);
 *   ... stand in queues (fd, address, list): from here on a wake is not lost ...
 *   r = wf_park_commit(self, deadline);      or wf_park_abort(self) if there is no need to wait
 *   ... leave the queues ...
 *
 * Contract: OK may be spurious; look at the condition again. A waker must find the waiter in a
 * queue, call wf_unpark while it holds that queue's lock, and if the answer is false try the
 * next waiter (this one is leaving for another reason). The waiter leaves every queue, under
 * its lock, before it prepares again; so no wake meant for one park can end another. */
#ifndef WF_SCHED_PARK_H
#define WF_SCHED_PARK_H

#include "sched/fiber.h"

enum wf_park_flags {
    WF_PARK_INTERRUPTIBLE = 1, /* cancellation and signals end it */
};

void wf_park_prepare(struct wf_fiber *self, enum wf_wait_reason waits, unsigned flags);
/* Waits until woken or until `deadline` (absolute monotonic ns, WF_NEVER). */
enum wf_park_result wf_park_commit(struct wf_fiber *self, int64_t deadline);
/* Idempotent; also after commit. Returns false if a wake had already been taken: a waker that
 * handed something over to us must not lose it, so the caller has to look. */
bool wf_park_abort(struct wf_fiber *self);
/* From any thread, not from a signal handler. True if this wake ended the park. */
bool wf_unpark(struct wf_fiber *f, enum wf_park_result why);

/* Lets the others run once; returns at once when there are none. */
void wf_yield(struct wf_fiber *self);
/* prepare + commit in a loop until `deadline`: OK never comes back. */
enum wf_park_result wf_park_sleep(struct wf_fiber *self, int64_t deadline, unsigned flags);

#endif
