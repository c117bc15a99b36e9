/* Mutexes and spin locks, what all lock hooks share, and the family's table.
 *
 * A real thread locks natively, a fiber by trylock; who cannot have a mutex and is a fiber waits
 * in the lot, and every unlock, whoever does it, wakes one of those. A mutex with priority
 * inheritance is taken by trylock and lot everywhere: the kernel, asked to wait for such a mutex,
 * looks for a thread with the owner's tid, and a fiber's is not one.
 *
 * Robust mutexes work, except that a fiber which ends with one locked does not mark it. */
#include "base/atomic.h"
#include "base/status.h"
#include "machine/context.h"
#include "machine/tls.h"
#include "seam/c11.h"
#include "seam/hook.h"
#include "seam/locks.h"
#include "seam/parkinglot.h"
#include "seam/signal.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    RETRY_FIRST_NS = 100000,
    RETRY_MAX_NS = 2000000,
    SPIN_YIELDS = 64, /* before a fiber that spins lets also the idle loop run */
    SPIN_SLEEP_NS = 50000,
    /* Bits of a mutex's __kind that <pthread.h> does not name. */
    KIND_MASK = 3,
    KIND_INHERIT = 32,
    KIND_SHARED = 128,
};

/* ---- shared ---- */

int64_t wf_lock_retry_until(struct wf_lock_retry *r, int64_t deadline)
{
    if (!r->shared)
        return deadline;
    r->delay = r->delay ? wf_clock_min(r->delay * 2, RETRY_MAX_NS) : RETRY_FIRST_NS;
    return wf_clock_min(deadline, wf_clock_after(r->delay));
}

bool wf_lock_valid_time(const struct timespec *t)
{
    return t->tv_nsec >= 0 && t->tv_nsec < WF_NS_PER_S;
}

bool wf_lock_valid_clock(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

int wf_lock_owner(void)
{
    if (wf_tls_init() == WF_OK)
        return wf_tls_tid(wf_context_tp());
    return (int)syscall(SYS_gettid);
}

void wf_lock_wake(const void *object, size_t n)
{
    if (wf_unlikely(wf_signal_handlers > 0))
        wf_lot_wake_later(object);
    else
        (void)wf_lot_wake(object, n);
}

/* ---- mutexes ---- */

static bool locked_by_caller(const pthread_mutex_t *m)
{
    return (m->__data.__kind & KIND_MASK) == PTHREAD_MUTEX_ERRORCHECK_NP &&
           m->__data.__owner == wf_lock_owner();
}

int wf_lock_mutex(struct wf_fiber *f, pthread_mutex_t *m, int64_t deadline)
{
    struct wf_lock_retry retry = {.shared = (m->__data.__kind & KIND_SHARED) != 0};
    unsigned flags = 0;

    for (;;) {
        struct wf_lot_waiter w;
        int64_t until;
        int err = pthread_mutex_trylock(m);

        if (err != EBUSY)
            return err;
        if (locked_by_caller(m))
            return EDEADLK;
        wf_lot_enter(&w, f, m, flags);
        err = pthread_mutex_trylock(m);
        if (err != EBUSY) {
            wf_lot_leave(&w);
            return err;
        }
        until = wf_lock_retry_until(&retry, deadline);
        if (wf_lot_sleep(&w, until) == WF_PARK_TIMEOUT && until == deadline)
            return ETIMEDOUT;
        flags = WF_LOT_FRONT; /* whoever came meanwhile was later */
    }
}

bool wf_lock_mutex_by_lot(const struct wf_fiber *f, const pthread_mutex_t *m)
{
    return f || ((m->__data.__kind & KIND_INHERIT) && wf_seam_bypass == 0);
}

int wf_hook_mutex_lock(pthread_mutex_t *m)
{
    struct wf_fiber *f = wf_seam_fiber();

    return wf_lock_mutex_by_lot(f, m) ? wf_lock_mutex(f, m, WF_NEVER) : pthread_mutex_lock(m);
}

static int lock_until(struct wf_fiber *f, pthread_mutex_t *m, clockid_t clock,
                      const struct timespec *abs)
{
    int err = pthread_mutex_trylock(m);

    if (err != EBUSY)
        return err;
    if (locked_by_caller(m))
        return EDEADLK;
    if (!wf_lock_valid_time(abs))
        return EINVAL;
    return wf_lock_mutex(f, m, wf_clock_deadline(clock, abs));
}

int wf_hook_mutex_timedlock(pthread_mutex_t *m, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_fiber();

    return wf_lock_mutex_by_lot(f, m) ? lock_until(f, m, CLOCK_REALTIME, abs)
                                      : pthread_mutex_timedlock(m, abs);
}

static int hook_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_fiber();

    if (!wf_lock_mutex_by_lot(f, m))
        return pthread_mutex_clocklock(m, clock, abs);
    return wf_lock_valid_clock(clock) ? lock_until(f, m, clock, abs) : EINVAL;
}

int wf_hook_mutex_unlock(pthread_mutex_t *m)
{
    int err = pthread_mutex_unlock(m);

    /* The mutex may be gone by now; the lot looks at its address only. */
    if (wf_likely(err == 0))
        wf_lock_wake(m, 1);
    return err;
}

/* ---- spin locks ---- */

/* Nobody wakes us: whoever holds it may be a real thread, whose unlock is a single store. */
static int hook_spin_lock(pthread_spinlock_t *s)
{
    struct wf_fiber *f = wf_seam_fiber();
    int err;

    if (!f)
        return pthread_spin_lock(s);
    for (unsigned turn = 1; (err = pthread_spin_trylock(s)) == EBUSY; turn++) {
        wf_cpu_relax();
        if (turn % SPIN_YIELDS == 0)
            (void)wf_park_sleep(f, wf_clock_after(SPIN_SLEEP_NS), 0);
        else
            wf_yield(f);
    }
    return err;
}

const struct wf_hook wf_seam_lock_hooks[] = {
    WF_HOOK(pthread_mutex_lock, wf_hook_mutex_lock),
    WF_HOOK(__pthread_mutex_lock, wf_hook_mutex_lock),
    WF_HOOK(pthread_mutex_timedlock, wf_hook_mutex_timedlock),
    WF_HOOK(pthread_mutex_clocklock, hook_mutex_clocklock),
    WF_HOOK(pthread_mutex_unlock, wf_hook_mutex_unlock),
    WF_HOOK(__pthread_mutex_unlock, wf_hook_mutex_unlock),
    WF_HOOK(pthread_cond_wait, wf_hook_cond_wait),
    WF_HOOK(pthread_cond_timedwait, wf_hook_cond_timedwait),
    WF_HOOK(pthread_cond_clockwait, wf_hook_cond_clockwait),
    WF_HOOK(pthread_cond_signal, wf_hook_cond_signal),
    WF_HOOK(pthread_cond_broadcast, wf_hook_cond_broadcast),
    WF_HOOK(sem_wait, wf_hook_sem_wait),
    WF_HOOK(sem_timedwait, wf_hook_sem_timedwait),
    WF_HOOK(sem_clockwait, wf_hook_sem_clockwait),
    WF_HOOK(sem_post, wf_hook_sem_post),
    WF_HOOK(pthread_rwlock_rdlock, wf_hook_rwlock_rdlock),
    WF_HOOK(__pthread_rwlock_rdlock, wf_hook_rwlock_rdlock),
    WF_HOOK(pthread_rwlock_timedrdlock, wf_hook_rwlock_timedrdlock),
    WF_HOOK(pthread_rwlock_clockrdlock, wf_hook_rwlock_clockrdlock),
    WF_HOOK(pthread_rwlock_wrlock, wf_hook_rwlock_wrlock),
    WF_HOOK(__pthread_rwlock_wrlock, wf_hook_rwlock_wrlock),
    WF_HOOK(pthread_rwlock_timedwrlock, wf_hook_rwlock_timedwrlock),
    WF_HOOK(pthread_rwlock_clockwrlock, wf_hook_rwlock_clockwrlock),
    WF_HOOK(pthread_rwlock_unlock, wf_hook_rwlock_unlock),
    WF_HOOK(__pthread_rwlock_unlock, wf_hook_rwlock_unlock),
    WF_HOOK(pthread_barrier_wait, wf_hook_barrier_wait),
    WF_HOOK(pthread_once, wf_hook_once),
    WF_HOOK(__pthread_once, wf_hook_once),
    WF_HOOK(pthread_spin_lock, hook_spin_lock),
    WF_HOOK(mtx_lock, wf_hook_mtx_lock),
    WF_HOOK(mtx_timedlock, wf_hook_mtx_timedlock),
    WF_HOOK(mtx_unlock, wf_hook_mtx_unlock),
    WF_HOOK(cnd_wait, wf_hook_cnd_wait),
    WF_HOOK(cnd_timedwait, wf_hook_cnd_timedwait),
    WF_HOOK(cnd_signal, wf_hook_cnd_signal),
    WF_HOOK(cnd_broadcast, wf_hook_cnd_broadcast),
    WF_HOOK(call_once, wf_hook_call_once),
    {NULL, NULL, 0},
};
