/* Who a thread is: its ids, name, stack bounds, clock, and what the kernel keeps for threads and
 * not for fibers (affinity, scheduling, which are then those of the worker's OS thread). */
#include "machine/tls.h"
#include "seam/fork.h"
#include "seam/interrupt.h"
#include "seam/signal.h"
#include "seam/thread.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The worker's OS thread as libc and as the kernel know it; only when the seam is open. */
static pthread_t worker_id(void)
{
    return wf_thread_id_of_tp(wf_seam_signal_processor()->main->context.tp);
}

static pid_t worker_tid(void)
{
    return wf_tls_tid(wf_seam_signal_processor()->main->context.tp);
}

/* False: libc's affair. `*err`: ESRCH for a fiber that is gone. */
static bool is_fiber(pthread_t id, int *err)
{
    enum wf_thread_kind kind = wf_thread_kind_of(id);

    *err = kind == WF_THREAD_GONE ? ESRCH : 0;
    return kind != WF_THREAD_NATIVE;
}

/* ---- ids ---- */

pthread_t wf_hook_pthread_self(void)
{
    struct wf_fiber *f = wf_seam_fiber();

    if (f && wf_unlikely(f->interrupt.pending) && wf_seam_impersonates_main(f))
        return wf_thread_id_of_tp(f->home->main->context.tp);
    return pthread_self();
}

/* Main has the kernel's own; so has the survivor of a fork, whose block libc corrected. */
static bool has_made_up_tid(const struct wf_fiber *f)
{
    return f && f->context.tp && !(f->flags & WF_FIBER_MAIN) && !wf_fork_in_vfork_child();
}

pid_t wf_hook_gettid(void)
{
    struct wf_fiber *f = wf_fiber_self();

    return has_made_up_tid(f) ? wf_tls_tid(f->context.tp) : gettid();
}

/* Variadic for its callers; they pass what it needs the same way. */
long wf_hook_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (number == SYS_gettid)
        return wf_hook_gettid();
    return syscall(number, a, b, c, d, e, f);
}

/* ---- names ---- */

int wf_hook_setname(pthread_t id, const char *name)
{
    struct wf_thread *t;
    int err;

    if (!is_fiber(id, &err))
        return pthread_setname_np(id, name);
    if (!err && strlen(name) >= WF_THREAD_NAME)
        err = ERANGE;
    if (err)
        return err;
    wf_thread_lock();
    if (wf_thread_find(id, &t) == WF_THREAD_FIBER)
        memcpy(t->name, name, strlen(name) + 1);
    else
        err = ESRCH;
    wf_thread_unlock();
    return err;
}

/* A thread without a name of its own has that of the process, as libc's have their creator's. */
int wf_hook_getname(pthread_t id, char *name, size_t size)
{
    struct wf_thread *t;
    int err;

    if (!is_fiber(id, &err))
        return pthread_getname_np(id, name, size);
    if (!err && size < WF_THREAD_NAME)
        err = ERANGE;
    if (err)
        return err;
    *name = '\0';
    wf_thread_lock();
    if (wf_thread_find(id, &t) == WF_THREAD_FIBER)
        memcpy(name, t->name, sizeof(t->name));
    else
        err = ESRCH;
    wf_thread_unlock();
    return err || *name ? err : pthread_getname_np(worker_id(), name, size);
}

/* ---- the stack, and the clock ---- */

static int describe(const struct wf_thread *t, pthread_attr_t *attr)
{
    struct wf_stack stack = t->fiber ? t->fiber->stack : (struct wf_stack){0};
    size_t usable = t->fiber ? (size_t)((char *)t->fiber - stack.base) : 0;
    int state = t->detached || !t->start ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE;
    int err = usable ? pthread_attr_init(attr) : ESRCH;

    if (err)
        return err;
    pthread_attr_setdetachstate(attr, state);
    return pthread_attr_setstack(attr, stack.base, usable & ~(size_t)15);
}

/* libc itself would fail: it also asks the kernel for the affinity of the thread's tid. */
int wf_hook_getattr(pthread_t id, pthread_attr_t *attr)
{
    struct wf_thread *t;
    int err;

    if (!is_fiber(id, &err))
        return pthread_getattr_np(id, attr);
    wf_thread_lock();
    err = wf_thread_find(id, &t) == WF_THREAD_FIBER ? describe(t, attr) : ESRCH;
    wf_thread_unlock();
    return err;
}

/* The CPU time of a fiber is that of its worker. */
int wf_hook_getcpuclockid(pthread_t id, clockid_t *clock)
{
    int err;

    if (!is_fiber(id, &err))
        return pthread_getcpuclockid(id, clock);
    if (!err)
        *clock = CLOCK_THREAD_CPUTIME_ID;
    return err;
}

/* ---- what belongs to the worker ---- */

int wf_hook_setaffinity(pthread_t id, size_t size, const cpu_set_t *set)
{
    int err, saved = errno;

    if (!is_fiber(id, &err))
        return pthread_setaffinity_np(id, size, set);
    if (!err && sched_setaffinity(worker_tid(), size, set) < 0)
        err = errno;
    errno = saved;
    return err;
}

int wf_hook_getaffinity(pthread_t id, size_t size, cpu_set_t *set)
{
    int err, saved = errno;

    if (!is_fiber(id, &err))
        return pthread_getaffinity_np(id, size, set);
    if (!err && sched_getaffinity(worker_tid(), size, set) < 0)
        err = errno;
    errno = saved;
    return err;
}

int wf_hook_setschedparam(pthread_t id, int policy, const struct sched_param *param)
{
    int err;

    if (!is_fiber(id, &err))
        return pthread_setschedparam(id, policy, param);
    return err ? err : pthread_setschedparam(worker_id(), policy, param);
}

int wf_hook_getschedparam(pthread_t id, int *policy, struct sched_param *param)
{
    int err;

    if (!is_fiber(id, &err))
        return pthread_getschedparam(id, policy, param);
    return err ? err : pthread_getschedparam(worker_id(), policy, param);
}

int wf_hook_setschedprio(pthread_t id, int priority)
{
    int err;

    if (!is_fiber(id, &err))
        return pthread_setschedprio(id, priority);
    return err ? err : pthread_setschedprio(worker_id(), priority);
}

/* libc's cancellation works by a signal to a kernel thread that a fiber is not; main's kernel
 * thread is the worker, which must not unwind. */
int wf_hook_cancel(pthread_t id)
{
    struct wf_processor *p = wf_seam_signal_processor();
    int err;

    if (!is_fiber(id, &err) && !(p && id == worker_id()))
        return pthread_cancel(id);
    return err ? err : ENOTSUP;
}
