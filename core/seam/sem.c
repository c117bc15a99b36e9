/* Semaphores. A post leaves its token in the semaphore and wakes one waiter of the lot, who takes
 * it by trywait like anybody else. So a token is never carried by a waiter, and a waiter that is
 * interrupted cannot lose one: a post does not choose it any more, and one that was chosen looks
 * for the token before it looks at its cancellation. */
#include "seam/budget.h"
#include "seam/hook.h"
#include "seam/interrupt.h"
#include "seam/locks.h"
#include "seam/parkinglot.h"

#include <errno.h>

/* The word behind the token count: 0 when the semaphore belongs to this process alone. */
static bool is_shared(const sem_t *s)
{
    enum { SHARED_WORD = 2 };

    return ((const int *)(const void *)s)[SHARED_WORD] != 0;
}

static bool take(sem_t *s)
{
    int saved = errno;

    if (sem_trywait(s) == 0)
        return true;
    errno = saved;
    return false;
}

struct sleeper {
    struct wf_seam_wait wait;
    struct wf_lock_retry retry;
    unsigned lot_flags;
};

/* 0: look again; negative: it has been taken; else the errno to fail with. */
static int sleep_once(struct sleeper *z, struct wf_fiber *f, sem_t *s)
{
    int64_t until = wf_lock_retry_until(&z->retry, z->wait.until);
    struct wf_lot_waiter w;
    enum wf_park_result r;

    wf_lot_enter(&w, f, s, z->wait.flags | z->lot_flags);
    if (take(s)) {
        wf_lot_leave(&w);
        return -1;
    }
    r = wf_lot_sleep(&w, until);
    z->lot_flags = r == WF_PARK_OK ? WF_LOT_FRONT : 0;
    if (r == WF_PARK_TIMEOUT && until < z->wait.until)
        return 0; /* only a look at a shared one */
    return wf_seam_wait_end(&z->wait, r);
}

static int wait_until(struct wf_fiber *f, sem_t *s, int64_t deadline)
{
    struct sleeper z = {.retry = {.shared = is_shared(s)}};
    int err = 0;

    while (err == 0) {
        if (take(s))
            return 0;
        err = wf_seam_wait_begin(&z.wait, f, WF_SEAM_LOCK, deadline);
        if (err == 0)
            err = sleep_once(&z, f, s);
    }
    if (err < 0 || (err == ETIMEDOUT && take(s)))
        return 0;
    errno = err;
    return -1;
}

int wf_hook_sem_wait(sem_t *s)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? wait_until(f, s, WF_NEVER) : sem_wait(s);
}

static int fail_invalid(void)
{
    errno = EINVAL;
    return -1;
}

int wf_hook_sem_timedwait(sem_t *s, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f)
        return sem_timedwait(s, abs);
    if (!wf_lock_valid_time(abs))
        return fail_invalid();
    return wait_until(f, s, wf_clock_deadline(CLOCK_REALTIME, abs));
}

int wf_hook_sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *abs)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f)
        return sem_clockwait(s, clock, abs);
    if (!wf_lock_valid_clock(clock) || !wf_lock_valid_time(abs))
        return fail_invalid();
    return wait_until(f, s, wf_clock_deadline(clock, abs));
}

int wf_hook_sem_post(sem_t *s)
{
    struct wf_fiber *f = wf_seam_fiber();
    int err = sem_post(s);

    /* The semaphore may be gone by now; the lot looks at its address only. */
    if (err == 0)
        wf_lock_wake(s, 1);
    if (f)
        wf_seam_spend(f, WF_SPEND_LOCK);
    return err;
}
