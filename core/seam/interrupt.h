/* Cancellation as a blocked libc call sees it: when a wait may be cut, with which errno, and how a
 * host that delivers interrupts only on its main thread is made to raise in the fiber.
 *
 * The recipe (CPython): an interrupted call returns EINTR and the fiber's interrupt is PENDING.
 * The host then asks pthread_self() whether it is on its main thread before it looks at signals:
 * while PENDING our hook first calls the host's interrupt function (PyErr_SetInterruptEx, under
 * the host's lock), then answers with the main thread's id. The host's signal handler runs in the
 * fiber, acknowledges, and raises.
 *
 * Real signals meanwhile: such a host runs the handlers of all signals that have come in whoever
 * appears as main. So nobody appears as main before main itself has looked (or 50 ms have passed:
 * it may be computing), and a signal that comes while somebody does is held back until the ack.
 *
 * A host that does not acknowledge (it may not raise at this place, or its C code ignores EINTR)
 * is itself again from its next interruptible call on: the interrupt is no longer PENDING, and is
 * given again after 1, 2, 4 .. 20 ms of waiting. After three such an I/O call ends with ECANCELED. */
#ifndef WF_SEAM_INTERRUPT_H
#define WF_SEAM_INTERRUPT_H

#include "sched/park.h"
#include "sched/processor.h"

enum wf_seam_call {
    WF_SEAM_IO,   /* may end with ECANCELED; a signal restarts it if its handler says SA_RESTART */
    WF_SEAM_NAP,  /* as IO, but any signal ends it: sleeps, and I/O with SO_RCVTIMEO */
    WF_SEAM_POLL, /* poll family: event loops take any errno but EINTR for a bug and abort */
    WF_SEAM_LOCK, /* semaphores: a caller that takes ECANCELED for success would break exclusion */
};

/* One blocking call of a fiber. */
struct wf_seam_wait {
    struct wf_fiber *fiber;
    enum wf_seam_call call;
    int64_t deadline; /* the caller's own; WF_NEVER */
    int64_t until;    /* what to park with: the caller's deadline or the next repeat */
    unsigned flags;   /* what to park with */
};

/* Before each park of the call. 0: park with w->until and w->flags; EINTR or ECANCELED: return
 * that instead of waiting. */
int wf_seam_wait_begin(struct wf_seam_wait *w, struct wf_fiber *f, enum wf_seam_call call,
                       int64_t deadline);
/* After it. 0: try the operation again; ETIMEDOUT: the caller's deadline; EINTR; ECANCELED. */
int wf_seam_wait_end(struct wf_seam_wait *w, enum wf_park_result r);

/* begin + park + end for the common cases; results as wf_seam_wait_end, and EBADF when the fd was
 * closed meanwhile. */
int wf_seam_wait_fd(struct wf_fiber *f, int fd, short events, int64_t deadline);
/* ETIMEDOUT at the deadline; one that has passed lets the others run once. */
int wf_seam_sleep_until(struct wf_fiber *f, enum wf_wait_reason why, int64_t deadline);

/* The host's side. `interrupt` NULL: cancelled calls end with ECANCELED. */
void wf_seam_host_set(int signal_number, int (*interrupt)(int signal_number));
/* For the pthread_self() hook: true if the fiber must appear to be the main thread now. */
bool wf_seam_impersonates_main(struct wf_fiber *f);
/* The host's handler runs: true if an interrupt was pending, which is acknowledged by this. */
bool wf_seam_interrupt_ack(struct wf_fiber *f);
/* For the wrapper of signal handlers: true if `sig` must wait, because the fiber it interrupted
 * appears as main just now; it is sent again. Async-signal-safe. */
bool wf_seam_hold_signal(int sig);
/* After a handler ran: main has first claim. Async-signal-safe. */
void wf_seam_signal_is_mains(struct wf_processor *p);
/* Interrupts delivered so far. */
uint64_t wf_seam_interrupts(void);

#endif
