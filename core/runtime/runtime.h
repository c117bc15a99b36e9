/* The composition root: puts processor, worker, loop and scope together, and takes them apart in
 * the reverse order. One runtime in a process. */
#ifndef WF_RUNTIME_RUNTIME_H
#define WF_RUNTIME_RUNTIME_H

#include "sched/processor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wf_runtime_config {
    uint32_t processors;              /* 0 or 1 */
    size_t stack_light, stack_thread; /* 0: the defaults */
};

struct wf_runtime_stats {
    uint64_t fibers_live, fibers_peak, fibers_spawned;
    uint64_t switches, parks, polls, events, stacks_cached, slots_patched, os_threads, interrupts;
};

/* The calling OS thread becomes the worker and its code the main fiber. WF_ESTARTED, WF_EINVAL,
 * WF_ENOMEM, WF_ELIMIT, WF_ENOTSUP. */
int wf_runtime_start(const struct wf_runtime_config *config);
/* On the main fiber, when no other is left: takes everything down in the reverse order.
 * WF_ENOTSTARTED, WF_ENOTFIBER (not the main fiber), WF_EBUSY (a nursery or scope is open or a
 * fiber lives; or the seam is open: patched code would go on calling us). */
int wf_runtime_stop(void);
bool wf_runtime_started(void);
/* The one processor. */
struct wf_processor *wf_runtime_processor(void);
void wf_runtime_stats(struct wf_runtime_stats *out);

#endif
