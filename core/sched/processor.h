/* A processor: run queue, timer heap and I/O driver, used only by the worker that holds it.
 * Others reach it through the inject list and by waking its driver.
 * A worker: an OS thread that runs fibers while it holds a processor; it has a scheduler stack
 * (g0) with a TLS block of its own, and never idles on a fiber's stack. */
#ifndef WF_SCHED_PROCESSOR_H
#define WF_SCHED_PROCESSOR_H

#include "machine/lock.h"
#include "sched/driver.h"
#include "sched/fiber.h"

/* What the landing side does with the fiber that was just left. */
enum wf_leave { WF_LEAVE_NOTHING, WF_LEAVE_PARK, WF_LEAVE_YIELD, WF_LEAVE_END };

/* How far the news that a signal handler ran has got. */
enum wf_signals {
    WF_SIGNALS_NONE,
    WF_SIGNALS_NEW,  /* nobody has taken notice yet */
    WF_SIGNALS_MAIN, /* main, which was not parked, shall have its next park ended */
};

struct wf_processor {
    struct wf_list ready;      /* run queue, FIFO: the holder */
    size_t unstarted;          /* fibers in it that have never run: the holder */
    struct wf_heap timers;     /* of parked fibers: the holder (room is reserved at spawn) */
    struct wf_driver *driver;  /* constant after creation */
    struct wf_worker *holder;  /* the holder; written when the processor changes hands */
    unsigned slots_since_poll; /* switches since the last poll: the holder */
    int64_t last_poll;         /* coarse clock: the holder */

    struct wf_lock inject_lock;
    struct wf_list inject; /* fibers made ready by other threads: inject_lock */
    _Atomic int injected;  /* their number; written under inject_lock, read without */
    _Atomic int polling;   /* 1 while the holder may sleep in the driver */

    _Atomic int signals; /* an enum wf_signals: set by handlers, advanced by the holder */
    /* Until then main has first claim on what handlers left behind; 0: none. Set by handlers,
     * cleared by main; see seam/interrupt.h. */
    _Atomic int64_t signal_due;
    struct wf_fiber *main; /* whom a signal interrupts; constant after start */
    /* Called by the holder after handlers ran, before main is woken; NULL, or set once. */
    void (*on_signals)(struct wf_processor *p);
    uint64_t switches, parks, polls; /* the holder; statistics */
};

struct wf_worker {
    struct wf_processor *processor; /* NULL: does not hold one */
    struct wf_context g0;           /* the scheduler's own stack and TLS block */
    struct wf_fiber *leaving;       /* just left, until landed: this worker */
    enum wf_leave how;
    struct wf_stack g0_stack;
    struct wf_stack_pool *g0_pool;
    uint64_t signal_mask; /* what the kernel has for this thread now */
};

/* Makes `p` with its driver; the calling OS thread becomes the holder's thread later. */
int wf_processor_init(struct wf_processor *p, struct wf_driver *driver);
void wf_processor_destroy(struct wf_processor *p);
/* Room for the timers of `fibers` fibers. Only by the holder. WF_ENOMEM. */
int wf_processor_reserve(struct wf_processor *p, size_t fibers);
/* Queues a READY fiber; from any thread. */
void wf_processor_enqueue(struct wf_processor *p, struct wf_fiber *f);
/* Async-signal-safe: a signal handler of the host ran. */
void wf_processor_signalled(struct wf_processor *p);
/* Handlers that ran before the main fiber's blocking call are none of its business: called by main
 * on entry, so that only later ones end it. */
void wf_processor_signals_seen(struct wf_processor *p);

/* The calling thread becomes a worker that holds `p`, `main` its running
 * fiber. WF_ENOMEM, WF_ELIMIT. */
int wf_worker_adopt(struct wf_worker *w, struct wf_processor *p, struct wf_fiber *main);
/* The reverse, on the main fiber, when no other is left. */
void wf_worker_release(struct wf_worker *w);
/* The worker the calling code runs on; NULL in foreign threads. */
struct wf_worker *wf_worker_self(void);
/* Leaves `self` in the way `how` says and runs something else. */
void wf_worker_leave(struct wf_fiber *self, enum wf_leave how);
/* First call on a fresh stack. */
void wf_worker_landed(struct wf_worker *w);
/* In a forked child: nothing but the calling fiber runs now; the driver has been renewed. */
void wf_processor_after_fork(struct wf_processor *p, struct wf_fiber *survivor);

#endif
