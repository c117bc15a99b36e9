/* The fiber: what the scheduler knows of one flow of execution. It lives at the top of its own
 * stack, in the page the first frames touch anyway. Layers above hang their part on `task`
 * (scope/) and `thread` (seam/). */
#ifndef WF_SCHED_FIBER_H
#define WF_SCHED_FIBER_H

#include "base/heap.h"
#include "base/list.h"
#include "machine/clock.h"
#include "machine/context.h"
#include "machine/stack.h"
#include "sched/state.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct wf_processor;
struct wf_worker;

enum wf_fiber_flags {
    WF_FIBER_THREAD = 1, /* has a TLS block of its own */
    WF_FIBER_MAIN = 2,   /* the OS thread's own stack */
};

/* What a parked fiber waits for; shown to users. */
enum wf_wait_reason {
    WF_WAIT_NONE,
    WF_WAIT_SLEEP,
    WF_WAIT_FD,
    WF_WAIT_LOCK,
    WF_WAIT_CHILDREN,
    WF_WAIT_JOIN,
    WF_WAIT_SLOT,
    WF_WAIT_OFFLOAD,
    WF_WAIT_PROCESS,
    WF_WAIT_SIGNAL,
};

/* How far a cancellation has got that a blocking call of libc reported; see seam/interrupt.h.
 * Only the fiber itself touches it. */
struct wf_interrupt {
    bool pending;       /* EINTR was returned and the host has not acknowledged it yet */
    bool tripped;       /* the host's interrupt function was called for this EINTR */
    uint64_t held;      /* signals that came while it appeared as main; bit = number - 1 */
    unsigned swallowed; /* EINTRs given since the last acknowledgement */
    int64_t repeat_at;  /* when the next one may be given */
    unsigned cuts;      /* handlers without SA_RESTART that had run when the call began */
};

struct wf_fiber {
    wf_state_word state;
    uint32_t flags;            /* constant after creation */
    bool fresh;                /* counted in home->unstarted: the holder of home */
    struct wf_context context; /* the worker that runs or resumes it */
    struct wf_worker *worker;  /* who runs it; valid while RUNNING..NOTIFIED */
    struct wf_processor *home; /* where a wake queues it; changed only while RUNNING */
    struct wf_list run_link;   /* in a run queue or inject list while READY: that queue's owner */
    struct wf_heap_node timer; /* in home's heap while parked: the holder of home */
    enum wf_wait_reason waits; /* the fiber; read by snapshots, may be a moment old */

    /* Interruption, the mechanism (scope/ decides the policy). Written by scope/ under its tree
     * lock; read by the fiber at each interruptible park. */
    _Atomic bool cancelled;
    _Atomic int64_t limit; /* interruptible parks end with CANCEL at this time */

    struct wf_interrupt interrupt;

    struct wf_stack stack;
    struct wf_stack_pool *pool; /* where the stack goes back to; NULL for MAIN */
    int (*fn)(void *);
    void *arg;
    /* Runs on the fiber after fn returned, before it leaves its stack for good. */
    void (*on_end)(struct wf_fiber *f, int result);
    void *task;              /* scope/'s record */
    void *thread;            /* seam/'s record */
    uint64_t signal_mask;    /* kernel's format, applied when a worker resumes the fiber */
    uint32_t spent;          /* of its budget of calls that need no waiting; seam/budget.h */
    struct wf_list all_link; /* all fibers of the runtime: fiber.c's lock */
};

struct wf_fiber_opts {
    int (*fn)(void *);
    void *arg;
    uint32_t flags;
    size_t stack; /* bytes; 0: the default for light or thread fibers */
    void (*on_end)(struct wf_fiber *f, int result);
    void *task;
};

/* Default stack sizes; before the first fiber is made. */
void wf_fiber_set_stack_sizes(size_t light, size_t thread);
size_t wf_fiber_thread_stack_size(void);
/* The pool of stacks of at least `size` bytes; NULL when that is absurd (over 1 GiB). */
struct wf_stack_pool *wf_fiber_pool(size_t size);

/* Makes a fiber in state NEW, to be started by wf_fiber_start. WF_ENOMEM, WF_ELIMIT, WF_ENOTSUP. */
int wf_fiber_create(const struct wf_fiber_opts *opts, struct wf_processor *home,
                    struct wf_fiber **out);
/* Gives back a fiber that was never started. */
void wf_fiber_discard(struct wf_fiber *f);
/* Queues it; from any thread. */
void wf_fiber_start(struct wf_fiber *f);
/* Ends the calling fiber with `result`, as if fn had returned it. */
__attribute__((noreturn)) void wf_fiber_end(struct wf_fiber *self, int result);

/* The calling fiber; NULL on a scheduler stack and in a foreign OS thread. */
extern _Thread_local struct wf_fiber *wf_fiber_tls __attribute__((tls_model("initial-exec")));

static inline struct wf_fiber *wf_fiber_self(void)
{
    return wf_fiber_tls;
}

/* The fiber whose own TLS block has this thread pointer; NULL if there is none. */
struct wf_fiber *wf_fiber_of_tp(void *tp);

/* Whether an interruptible park would end with CANCEL now. */
bool wf_fiber_interrupted(const struct wf_fiber *f);
/* What scope/ decided: sets the two fields so that a park that has not seen them will be seen by
 * the wf_unpark that must follow. From any thread. */
void wf_fiber_set_interrupt(struct wf_fiber *f, bool cancelled, int64_t limit);

/* The main fiber: the OS thread that started the runtime, on its own stack. It is RUNNING. */
int wf_fiber_init_main(struct wf_fiber *f, struct wf_processor *home);
/* Frees what a fiber that has left its stack for good still holds. Only for the landing side. */
void wf_fiber_bury(struct wf_fiber *f);

struct wf_fiber_counts {
    uint64_t live, peak, created, stacks_cached;
};
struct wf_fiber_counts wf_fiber_counters(void);
/* After fork: only `survivor` is left. */
void wf_fiber_after_fork(struct wf_fiber *survivor);

#endif
