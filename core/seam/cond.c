/* Condition variables. All waiters stand in the lot, plain OS threads too: libc would release
 * their mutex past our unlock hook, and fibers waiting for that mutex would never know.
 *
 * A signal also goes to libc, for waiters that came before the seam was opened or whose code is
 * not patched; it costs them at most a spurious wake-up. */
#include "base/status.h"
#include "seam/hook.h"
#include "seam/locks.h"
#include "seam/parkinglot.h"

#include <errno.h>

enum { WREFS_SHARED = 1, WREFS_MONOTONIC = 2 }; /* glibc keeps the attributes in __wrefs */

/* A condition that other processes signal too is left spuriously this often, which POSIX allows
 * and callers must expect: nobody there knows our lot. */
enum { SHARED_SLICE_NS = 2000000 };

static clockid_t clock_of(const pthread_cond_t *c)
{
    return c->__data.__wrefs & WREFS_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

static int64_t slice_of(const pthread_cond_t *c, int64_t deadline)
{
    if (!(c->__data.__wrefs & WREFS_SHARED))
        return deadline;
    return wf_clock_min(deadline, wf_clock_after(SHARED_SLICE_NS));
}

static int lock_again(struct wf_fiber *f, pthread_mutex_t *m)
{
    return wf_lock_mutex_by_lot(f, m) ? wf_lock_mutex(f, m, WF_NEVER) : pthread_mutex_lock(m);
}

static int wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline)
{
    struct wf_fiber *f = wf_seam_fiber();
    int64_t until = slice_of(c, deadline);
    struct wf_lot_waiter w;
    enum wf_park_result r;
    int err;

    wf_lot_enter(&w, f, c, 0);
    err = pthread_mutex_unlock(m);
    if (err) {
        wf_lot_leave(&w);
        return err;
    }
    (void)wf_lot_wake(m, 1);
    r = wf_lot_sleep(&w, until);
    err = lock_again(f, m);
    if (err)
        return err;
    return r == WF_PARK_TIMEOUT && until == deadline ? ETIMEDOUT : 0;
}

int wf_hook_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    return wf_seam_bypass ? pthread_cond_wait(c, m) : wait_until(c, m, WF_NEVER);
}

int wf_hook_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *abs)
{
    if (wf_seam_bypass)
        return pthread_cond_timedwait(c, m, abs);
    if (!wf_lock_valid_time(abs))
        return EINVAL;
    return wait_until(c, m, wf_clock_deadline(clock_of(c), abs));
}

int wf_hook_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                           const struct timespec *abs)
{
    if (wf_seam_bypass)
        return pthread_cond_clockwait(c, m, clock, abs);
    if (!wf_lock_valid_time(abs) || !wf_lock_valid_clock(clock))
        return EINVAL;
    return wait_until(c, m, wf_clock_deadline(clock, abs));
}

/* libc first: once a waiter of the lot has been woken, the condition may be gone. */
int wf_hook_cond_signal(pthread_cond_t *c)
{
    int err = pthread_cond_signal(c);

    wf_lock_wake(c, 1);
    return err;
}

int wf_hook_cond_broadcast(pthread_cond_t *c)
{
    int err = pthread_cond_broadcast(c);

    wf_lock_wake(c, SIZE_MAX);
    return err;
}
