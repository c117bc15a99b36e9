/* How a plain OS thread sleeps and is woken: one token, so that a wake before the wait is not
 * lost. Fibers park through sched/park.h instead. */
#ifndef WF_MACHINE_PARKER_H
#define WF_MACHINE_PARKER_H

#include <stdbool.h>
#include <stdint.h>

struct wf_parker {
    _Atomic int token; /* 1 = a wake is waiting to be consumed */
};

void wf_parker_init(struct wf_parker *p);
/* Consumes a wake; false when `deadline` (absolute monotonic ns, WF_NEVER) passed first. */
bool wf_parker_wait(struct wf_parker *p, int64_t deadline);
void wf_parker_wake(struct wf_parker *p);

#endif
