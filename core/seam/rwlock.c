/* Read-write locks: try, else the lot; an unlock wakes all who wait there, as any number of
 * readers may have become able to enter. */
#include "seam/hook.h"
#include "seam/locks.h"
#include "seam/parkinglot.h"

#include <errno.h>

static int try_lock(pthread_rwlock_t *l, bool write)
{
    return write ? pthread_rwlock_trywrlock(l) : pthread_rwlock_tryrdlock(l);
}

static int lock_until(struct wf_fiber *f, pthread_rwlock_t *l, bool write, int64_t deadline)
{
    struct wf_lock_retry retry = {.shared = l->__data.__shared != 0};

    for (;;) {
        struct wf_lot_waiter w;
        int64_t until;
        int err = try_lock(l, write);

        if (err != EBUSY)
            return err;
        if (l->__data.__cur_writer == wf_lock_owner())
            return EDEADLK;
        wf_lot_enter(&w, f, l, 0);
        err = try_lock(l, write);
        if (err != EBUSY) {
            wf_lot_leave(&w);
            return err;
        }
        until = wf_lock_retry_until(&retry, deadline);
        if (wf_lot_sleep(&w, until) == WF_PARK_TIMEOUT && until == deadline)
            return ETIMEDOUT;
    }
}

static int lock_by(struct wf_fiber *f, pthread_rwlock_t *l, bool write, clockid_t clock,
                   const struct timespec *abs)
{
    if (!wf_lock_valid_clock(clock) || !wf_lock_valid_time(abs))
        return EINVAL;
    return lock_until(f, l, write, wf_clock_deadline(clock, abs));
}

int wf_hook_rwlock_rdlock(pthread_rwlock_t *l)
{
    struct wf_fiber *f = wf_seam_fiber();

    return f ? lock_until(f, l, false, WF_NEVER) : pthread_rwlock_rdlock(l);
}

int wf_hook_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_fiber();

    return f ? lock_by(f, l, false, CLOCK_REALTIME, abs) : pthread_rwlock_timedrdlock(l, abs);
}

int wf_hook_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_fiber();

    return f ? lock_by(f, l, false, clock, abs) : pthread_rwlock_clockrdlock(l, clock, abs);
}

int wf_hook_rwlock_wrlock(pthread_rwlock_t *l)
{
    struct wf_fiber *f = wf_seam_fiber();

    return f ? lock_until(f, l, true, WF_NEVER) : pthread_rwlock_wrlock(l);
}

int wf_hook_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_fiber();

    return f ? lock_by(f, l, true, CLOCK_REALTIME, abs) : pthread_rwlock_timedwrlock(l, abs);
}

int wf_hook_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_fiber();

    return f ? lock_by(f, l, true, clock, abs) : pthread_rwlock_clockwrlock(l, clock, abs);
}

int wf_hook_rwlock_unlock(pthread_rwlock_t *l)
{
    int err = pthread_rwlock_unlock(l);

    if (wf_likely(err == 0))
        wf_lock_wake(l, SIZE_MAX);
    return err;
}
