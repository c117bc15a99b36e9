/* A task: what structured concurrency knows of a fiber. It outlives the fiber (handles, joiners)
 * and is reference counted; the fiber itself lives only as long as its stack. */
#ifndef WF_SCOPE_TASK_H
#define WF_SCOPE_TASK_H

#include "scope/outcome.h"
#include "scope/token.h"

struct wf_nursery;

/* The numbers are those of weft_fiber_state. CANCELLING is never stored: it is RUNNING under a
 * cancelled token of the task's own. */
enum wf_task_state { WF_TASK_PENDING, WF_TASK_RUNNING, WF_TASK_CANCELLING, WF_TASK_DONE };

/* Who may touch what:
 *   fn, arg, must_run, daemon, name, site   constant once the fiber is made
 *   set, adopted, slice_*                   the task's own fiber
 *   current                                 the task's own fiber writes it, with the tree's lock
 *   state                                   the task's own fiber, DONE with the tree's lock;
 *                                           anyone reads
 *   all others                              the tree's lock
 * Lifetime: the reference count is that of `own`. The first reference belongs to the runtime and
 * is given back when the task has ended; handles and callers of wf_task_create hold others. */
struct wf_task {
    struct wf_token own;        /* below the nursery's token: cancels this task alone */
    struct wf_token *current;   /* the innermost open one, `own` when none is open */
    struct wf_nursery *nursery; /* NULL: main, a plain thread, or ended */
    struct wf_fiber *fiber;     /* NULL: none made yet, or ended */
    int (*fn)(void *);
    void *arg;
    _Atomic int state;
    bool must_run; /* even if it is cancelled before it starts: its creator relies on it */
    bool daemon;
    bool slot;                 /* has one of the places of a limited nursery */
    struct wf_outcome outcome; /* valid when DONE */
    struct wf_outcome set;     /* by wf_task_outcome_set */
    bool is_set;
    struct wf_list joiners;   /* of struct wf_joiner */
    struct wf_list pending;   /* in the nursery's list, while it waits for a place */
    struct wf_fiber *adopter; /* who waits for that place in wf_task_adopt; NULL: nobody */
    struct wf_task *adopted;  /* the child-to-be that the next thread will be */
    size_t stack;             /* of the thread it adopts, 0: as the thread says */
    void *cookie;             /* of the layers above: see wf_task_adopt_abort */
    int64_t slice_start;      /* see wf_task_slice_over */
    uint64_t slice_switches;
    const char *name, *site; /* NULL, or within the task's allocation */
};

struct wf_task_opts {
    int (*fn)(void *);
    void *arg;
    uint32_t fiber_flags;    /* WF_FIBER_THREAD */
    size_t stack;            /* 0: default */
    const char *name, *site; /* copied; NULL */
    bool daemon;
};

/* The task of a fiber that has one: all have, from their creation to their end. */
static inline struct wf_task *wf_task_of(const struct wf_fiber *f)
{
    return f->task;
}

static inline void wf_task_ref(struct wf_task *t)
{
    wf_token_ref(&t->own);
}

static inline void wf_task_unref(struct wf_task *t)
{
    wf_token_unref(&t->own);
}

/* Makes a fiber in state NEW in `n`, or, with n == NULL, one that belongs to nobody, as a plain
 * thread does: no ambient scope reaches it. It counts as a child from now on. `*out` gets a
 * reference when out is not NULL. The caller may set (*fiber)->thread, then calls wf_task_start().
 * A fiber that is cancelled before it starts ends without fn being called.
 * WF_ECLOSED, WF_ENOMEM, and what wf_fiber_create says. */
int wf_task_create(struct wf_nursery *n, const struct wf_task_opts *opts, struct wf_fiber **fiber,
                   struct wf_task **out);
/* Starts it, or, in a limited nursery, lets it wait for a place. It may have ended on return if
 * the caller is not on the fiber's processor. */
void wf_task_start(struct wf_fiber *fiber);
/* Instead of the start: the child never was. */
void wf_task_discard(struct wf_fiber *fiber);

/* For the pthread_create hook: as wf_task_create, into the nursery that the calling fiber has
 * adopted for its next thread (weft_adopt), which is used up by this; else a plain thread. Its fn
 * always runs. To be started by wf_fiber_start(): an adopted task has its place already. */
int wf_task_create_thread(struct wf_fiber *self, int (*fn)(void *), void *arg, size_t stack,
                          struct wf_fiber **fiber);
/* Announces a child of `n` that the next wf_task_create_thread of `self` makes, and waits for its
 * place if `n` is limited. opts->fn and arg are not looked at. `*out` gets a reference.
 * WF_EBUSY, WF_ECLOSED, WF_ECANCELED, WF_EINTR, WF_ENOMEM. */
int wf_task_adopt(struct wf_fiber *self, struct wf_nursery *n, const struct wf_task_opts *opts,
                  struct wf_task **out);
/* Takes it back. Returns the cookie that somebody left in the task, or NULL. */
void *wf_task_adopt_abort(struct wf_fiber *self);

/* Parks until `t` has ended. WF_OK, WF_EDEADLOCK (it is the caller), WF_ETIMEDOUT, WF_ECANCELED,
 * WF_EINTR. */
int wf_task_join(struct wf_fiber *self, struct wf_task *t, int64_t deadline,
                 struct wf_outcome *out);
void wf_task_cancel(struct wf_task *t, enum wf_reason reason, const char *text);
enum wf_task_state wf_task_state(struct wf_task *t);
/* How the calling fiber will have ended, whatever fn returns; the last call counts. */
void wf_task_outcome_set(struct wf_fiber *self, struct wf_outcome outcome);

/* True when the calling fiber has run for longer than a slice without a switch. */
bool wf_task_slice_over(struct wf_fiber *self);

/* The main fiber's task, below the root. WF_ENOMEM. */
int wf_task_init_main(struct wf_fiber *main);
/* Whether nothing but main's task is left, with nothing open: what stop needs. */
bool wf_scope_idle(const struct wf_fiber *main);
/* When idle. */
void wf_task_fini_main(struct wf_fiber *main);
/* In a forked child, before any fiber runs: `survivor` becomes a main fiber with nothing open;
 * whatever else there was is not looked at again. */
void wf_scope_after_fork(struct wf_fiber *survivor);
/* Called at the end of that, for the layers above; written before the runtime starts. */
extern void (*wf_scope_forked)(void);

/* With the tree's lock held, for nursery.c: the task has ended so. Wakes who joins it. */
void wf_task_finish(struct wf_task *t, struct wf_outcome outcome);

#endif
