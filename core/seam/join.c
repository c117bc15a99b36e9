/* Joining and detaching threads, fibers or not. Never interrupted: pthread_join knows no EINTR. */
#include "base/atomic.h"
#include "machine/tls.h"
#include "seam/locks.h"
#include "seam/parkinglot.h"
#include "seam/thread.h"

#include <errno.h>

enum {
    NOT_OURS = -1,
    /* How often a fiber looks whether a real thread has ended; doubles. */
    LOOK_FIRST_NS = 50000,
    LOOK_MAX_NS = 2000000,
};

/* Makes the caller the one who joins `id`. */
static int claim(pthread_t id, struct wf_thread **out)
{
    struct wf_fiber *self = wf_fiber_self();
    const struct wf_thread *own = self ? wf_thread_self(self) : NULL;
    enum wf_thread_kind kind;
    struct wf_thread *t;
    int err = 0;

    wf_thread_lock();
    kind = wf_thread_find(id, &t);
    if (kind == WF_THREAD_NATIVE)
        err = NOT_OURS;
    else if (kind == WF_THREAD_GONE)
        err = ESRCH;
    else if (t == own || (own && own->joiner == t))
        err = EDEADLK;
    else if (!t->start || t->detached || t->joining)
        err = EINVAL;
    if (!err) {
        t->joining = true;
        t->joiner = own;
        *out = t;
    }
    wf_thread_unlock();
    return err;
}

static bool is_done(struct wf_thread *t)
{
    return wf_load_seq_cst(&t->done); /* pairs with the store in thread.c, finish */
}

/* A claimed one: waits for its end; ETIMEDOUT gives the claim back. */
static int wait_for(struct wf_thread *t, int64_t deadline)
{
    struct wf_fiber *f = wf_seam_fiber();
    int err = 0;

    while (!is_done(t) && !err) {
        struct wf_lot_waiter w;

        wf_lot_enter(&w, f, t, 0);
        if (is_done(t))
            wf_lot_leave(&w);
        else if (wf_lot_sleep(&w, deadline) == WF_PARK_TIMEOUT)
            err = ETIMEDOUT;
    }
    wf_thread_lock();
    if (wf_load(&t->done))
        err = 0;
    else {
        t->joining = false;
        t->joiner = NULL;
    }
    wf_thread_unlock();
    return err;
}

static int join_fiber(pthread_t id, void **result, int64_t deadline)
{
    struct wf_thread *t;
    int err = claim(id, &t);

    if (!err)
        err = wait_for(t, deadline);
    if (err)
        return err;
    if (result)
        *result = t->result;
    wf_thread_lock();
    wf_thread_forget(t);
    wf_thread_unlock();
    wf_thread_free(t);
    return 0;
}

/* A real thread, from a fiber: libc has no other way to wait for it without blocking. */
static int join_native(struct wf_fiber *f, pthread_t id, void **result, int64_t deadline)
{
    int64_t delay = LOOK_FIRST_NS;
    int err;

    if (pthread_equal(id, pthread_self())) /* main */
        return EDEADLK;
    while ((err = pthread_tryjoin_np(id, result)) == EBUSY) {
        int64_t until = wf_clock_min(deadline, wf_clock_after(delay));

        if (deadline != WF_NEVER && wf_clock_now() >= deadline)
            return ETIMEDOUT;
        (void)wf_park_sleep(f, until, 0);
        delay = wf_clock_min(delay * 2, LOOK_MAX_NS);
    }
    return err;
}

int wf_hook_join(pthread_t id, void **result)
{
    struct wf_fiber *f = wf_seam_fiber();
    int err = join_fiber(id, result, WF_NEVER);

    if (err != NOT_OURS)
        return err;
    return f ? join_native(f, id, result, WF_NEVER) : pthread_join(id, result);
}

int wf_hook_tryjoin(pthread_t id, void **result)
{
    int err = join_fiber(id, result, 0);

    if (err == NOT_OURS)
        return pthread_tryjoin_np(id, result);
    return err == ETIMEDOUT ? EBUSY : err;
}

static int join_until(pthread_t id, void **result, clockid_t clock, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_fiber();
    int err;

    if (!wf_lock_valid_clock(clock) || !wf_lock_valid_time(abs))
        return EINVAL;
    err = join_fiber(id, result, wf_clock_deadline(clock, abs));
    if (err != NOT_OURS)
        return err;
    return f ? join_native(f, id, result, wf_clock_deadline(clock, abs))
             : pthread_clockjoin_np(id, result, clock, abs);
}

/* Without a time they wait for ever. */
int wf_hook_timedjoin(pthread_t id, void **result, const struct timespec *abs)
{
    return abs ? join_until(id, result, CLOCK_REALTIME, abs) : wf_hook_join(id, result);
}

int wf_hook_clockjoin(pthread_t id, void **result, clockid_t clock, const struct timespec *abs)
{
    return abs ? join_until(id, result, clock, abs) : wf_hook_join(id, result);
}

int wf_hook_detach(pthread_t id)
{
    enum wf_thread_kind kind;
    struct wf_thread *t, *ended = NULL;
    int err = 0;

    if (wf_thread_kind_of(id) == WF_THREAD_NATIVE)
        return pthread_detach(id);
    wf_thread_lock();
    kind = wf_thread_find(id, &t);
    if (kind == WF_THREAD_GONE)
        err = ESRCH;
    else if (kind == WF_THREAD_FIBER && (!t->start || t->detached || t->joining))
        err = EINVAL;
    else if (kind == WF_THREAD_FIBER && wf_load(&t->done)) {
        wf_thread_forget(t);
        ended = t;
    } else if (kind == WF_THREAD_FIBER) {
        t->detached = true;
        wf_tls_release(t->tp); /* the other half of wf_tls_hold */
    }
    wf_thread_unlock();
    if (ended)
        wf_thread_free(ended);
    return err;
}
