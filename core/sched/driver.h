/* What the scheduler asks of the I/O side, in four functions, so that libuv and epoll are never
 * seen from here. io/loop.c is the real one; tests bring their own. */
#ifndef WF_SCHED_DRIVER_H
#define WF_SCHED_DRIVER_H

#include <stdint.h>

struct wf_driver {
    /* Waits up to `timeout_ns` (0: does not wait, WF_NEVER: for ever) and unparks whoever's
     * events came. Only by the worker that holds the processor, on its scheduler stack. */
    void (*poll)(struct wf_driver *d, int64_t timeout_ns);
    /* Ends a poll from any thread, also from a signal handler; a wake with no poll under way
     * ends the next one. */
    void (*wake)(struct wf_driver *d);
    /* When the driver itself needs a poll at the latest; WF_NEVER: no timer of its own. */
    int64_t (*next_deadline)(struct wf_driver *d);
    void (*close)(struct wf_driver *d);
};

#endif
