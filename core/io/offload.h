/* Runs a blocking function on libuv's thread pool while the fiber parks. */
#ifndef WF_IO_OFFLOAD_H
#define WF_IO_OFFLOAD_H

#include "sched/park.h"

struct wf_offload {
    void (*work)(struct wf_offload *o); /* on a pool thread */
    void (*abandon)(
        struct wf_offload *o); /* frees `o` and its results when nobody waits any more */
};

/* `o` is on the heap. Result OK: the work is done and `o` is the caller's again. Any other result:
 * the fiber was interrupted or timed out, `o` belongs to the pool, which calls `abandon` in its
 * time. WF_PARK_OK with *status == WF_ENOMEM: it was never queued; `o` is the caller's. */
enum wf_park_result wf_offload_run(struct wf_fiber *self, struct wf_offload *o, int64_t deadline,
                                   unsigned flags, int *status);

#endif
