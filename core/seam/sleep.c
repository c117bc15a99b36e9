/* Sleeping and yielding. */
#include "seam/hook.h"
#include "seam/interrupt.h"

#include <errno.h>
#include <sched.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static bool valid(const struct timespec *t)
{
    return t && t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < WF_NS_PER_S;
}

/* 0, EINTR or ECANCELED. */
static int sleep_until(struct wf_fiber *f, int64_t deadline)
{
    int err = wf_seam_sleep_until(f, WF_WAIT_SLEEP, deadline);

    return err == ETIMEDOUT ? 0 : err;
}

/* Also sleeps for `rem`, which gets what is left when it is cut. */
static int sleep_for(struct wf_fiber *f, const struct timespec *span, struct timespec *rem)
{
    int64_t ns = wf_clock_from_timespec(span);
    int64_t deadline, now;
    int err;

    deadline = wf_clock_after(ns);
    err = sleep_until(f, deadline);
    if (err && rem) {
        now = wf_clock_now();
        *rem =
            deadline == WF_NEVER ? *span : wf_clock_timespec(deadline > now ? deadline - now : 0);
    }
    return err;
}

/* A clock that can be set is read again at the end: set back meanwhile, the sleep goes on. (Set
 * forward, the sleep ends when it would have ended before.) */
static int sleep_to(struct wf_fiber *f, clockid_t clock, const struct timespec *abs)
{
    for (;;) {
        int64_t deadline = wf_clock_deadline(clock, abs);
        int err = sleep_until(f, deadline);

        if (err || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)
            return err;
        if (wf_clock_deadline(clock, abs) <= wf_clock_now())
            return 0;
    }
}

/* The clocks that run while a fiber is parked. Others (CPU time) are libc's affair. */
static bool can_sleep_on(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
           clock == CLOCK_TAI;
}

static int hook_clock_nanosleep(clockid_t clock, int flags, const struct timespec *t,
                                struct timespec *rem)
{
    struct wf_fiber *f = wf_seam_interruptible();
    int saved = errno;
    int err;

    if (!f || !can_sleep_on(clock) || !valid(t))
        return clock_nanosleep(clock, flags, t, rem);
    err = flags & TIMER_ABSTIME ? sleep_to(f, clock, t) : sleep_for(f, t, rem);
    errno = saved; /* it reports by its result alone */
    return err;
}

static int hook_nanosleep(const struct timespec *t, struct timespec *rem)
{
    struct wf_fiber *f = wf_seam_interruptible();
    int saved = errno;
    int err;

    if (!f || !valid(t))
        return nanosleep(t, rem);
    err = sleep_for(f, t, rem);
    errno = err ? err : saved;
    return err ? -1 : 0;
}

static int hook_usleep(useconds_t us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

    return wf_seam_interruptible() ? hook_nanosleep(&t, NULL) : usleep(us);
}

static unsigned hook_sleep(unsigned seconds)
{
    struct timespec t = {.tv_sec = seconds, .tv_nsec = 0};
    struct timespec rem = {0, 0};

    if (!wf_seam_interruptible())
        return sleep(seconds);
    return hook_nanosleep(&t, &rem) ? (unsigned)rem.tv_sec : 0;
}

static int hook_thrd_sleep(const struct timespec *t, struct timespec *rem)
{
    int err;

    if (!wf_seam_interruptible())
        return thrd_sleep(t, rem);
    err = hook_clock_nanosleep(CLOCK_REALTIME, 0, t, rem);
    if (err == 0)
        return 0;
    return err == EINTR ? -1 : -2;
}

static int hook_sched_yield(void)
{
    struct wf_fiber *f = wf_seam_interruptible();
    int saved = errno;

    if (!f)
        return sched_yield();
    wf_yield(f);
    errno = saved;
    return 0;
}

static void hook_thrd_yield(void)
{
    (void)hook_sched_yield();
}

const struct wf_hook wf_seam_sleep_hooks[] = {
    WF_HOOK(clock_nanosleep, hook_clock_nanosleep),
    WF_HOOK(nanosleep, hook_nanosleep),
    WF_HOOK(__nanosleep, hook_nanosleep),
    WF_HOOK(usleep, hook_usleep),
    WF_HOOK(sleep, hook_sleep),
    WF_HOOK(thrd_sleep, hook_thrd_sleep),
    WF_HOOK(sched_yield, hook_sched_yield),
    WF_HOOK(__sched_yield, hook_sched_yield),
    WF_HOOK(pthread_yield, hook_sched_yield),
    WF_HOOK(thrd_yield, hook_thrd_yield),
    {NULL, NULL, 0},
};
