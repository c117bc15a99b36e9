/* Sending signals, and waiting for one.
 *
 * A signal for a fiber is handled on the worker's OS thread, at once; then the fiber's call ends
 * with EINTR. While the fiber blocks it, it is remembered for it. */
#include "base/atomic.h"
#include "machine/tls.h"
#include "seam/fork.h"
#include "seam/interrupt.h"
#include "seam/signal.h"
#include "seam/thread.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- to an OS thread ---- */

static int send_to(pid_t tid, int sig, const union sigval *value)
{
    int saved = errno;
    siginfo_t info;
    long r;
    int err;

    if (value) {
        memset(&info, 0, sizeof(info));
        info.si_signo = sig;
        info.si_code = SI_QUEUE;
        info.si_pid = getpid();
        info.si_uid = getuid();
        info.si_value = *value;
        r = syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, sig, &info);
    } else {
        r = syscall(SYS_tgkill, getpid(), tid, sig);
    }
    err = r < 0 ? errno : 0;
    errno = saved;
    return err;
}

int wf_signal_raise(int sig, const union sigval *value)
{
    return send_to((pid_t)syscall(SYS_gettid), sig, value);
}

static bool blocks(const struct wf_fiber *f, int sig)
{
    return f->signal_mask >> (sig - 1) & 1;
}

/* To the own process: to the own OS thread, so that the handler has run when kill() returns, as
 * POSIX has it for a process of one thread. */
int wf_hook_kill(pid_t pid, int sig)
{
    const struct wf_fiber *f = wf_fiber_self();
    int err;

    if (!f || sig < 1 || sig >= _NSIG || wf_fork_in_vfork_child() || pid != getpid() ||
        blocks(f, sig))
        return kill(pid, sig);
    err = wf_signal_raise(sig, NULL);
    if (err)
        errno = err;
    return err ? -1 : 0;
}

int wf_hook_raise(int sig)
{
    const struct wf_fiber *f = wf_fiber_self();
    int directed = f && !(f->flags & WF_FIBER_MAIN);
    int err;

    wf_signal_directed += directed;
    err = raise(sig);
    wf_signal_directed -= directed;
    return err;
}

/* ---- to a fiber ---- */

/* Ends the fiber's wait. It may have ended meanwhile: hence the lock. */
static void interrupt(pthread_t id)
{
    struct wf_thread *t;

    wf_thread_lock();
    if (wf_thread_find(id, &t) == WF_THREAD_FIBER && t->fiber)
        (void)wf_unpark(t->fiber, WF_PARK_SIGNAL);
    wf_thread_unlock();
}

enum route { NATIVE, NOBODY, INVALID, DONE, MYSELF, WORKER };

static bool is_valid(int sig)
{
    enum { FIRST_OF_LIBC = 32, LAST_OF_LIBC = 33 };

    return sig >= 0 && sig < _NSIG && (sig < FIRST_OF_LIBC || sig > LAST_OF_LIBC);
}

/* Where a signal for `id` has to go. */
static enum route route_to(pthread_t id, int sig)
{
    enum wf_thread_kind kind;
    enum route route = WORKER;
    struct wf_thread *t;

    wf_thread_lock();
    kind = wf_thread_find(id, &t);
    if (kind == WF_THREAD_NATIVE)
        route = NATIVE;
    else if (kind == WF_THREAD_GONE)
        route = NOBODY;
    else if (!is_valid(sig))
        route = INVALID;
    else if (!t->fiber || sig == 0) /* an ended thread that can be joined takes signals still */
        route = DONE;
    else if (t->fiber == wf_fiber_self())
        route = MYSELF;
    else if (blocks(t->fiber, sig)) {
        t->pending |= UINT64_C(1) << (sig - 1);
        route = DONE;
    }
    wf_thread_unlock();
    return route;
}

static int send_to_fiber(pthread_t id, int sig, const union sigval *value, enum route route)
{
    pid_t tid;
    int err;

    switch (route) {
    case NATIVE:
    case NOBODY:
        return ESRCH;
    case INVALID:
        return EINVAL;
    case DONE:
        return 0;
    case MYSELF:
    case WORKER:
        break;
    }
    tid = wf_tls_tid(wf_seam_signal_processor()->main->context.tp);
    wf_signal_directed++;
    err = send_to(tid, sig, value);
    wf_signal_directed--;
    if (!err && route == WORKER)
        interrupt(id);
    return err;
}

/* Also finds a fiber that pthread_create did not make, if it means itself. */
static enum route find_route(pthread_t id, int sig)
{
    return wf_thread_kind_of(id) == WF_THREAD_NATIVE ? NATIVE : route_to(id, sig);
}

int wf_hook_pthread_kill(pthread_t id, int sig)
{
    enum route route = find_route(id, sig);

    return route == NATIVE ? pthread_kill(id, sig) : send_to_fiber(id, sig, NULL, route);
}

int wf_hook_pthread_sigqueue(pthread_t id, int sig, const union sigval value)
{
    enum route route = find_route(id, sig);

    return route == NATIVE ? pthread_sigqueue(id, sig, value)
                           : send_to_fiber(id, sig, &value, route);
}

/* ---- waiting for one ---- */

/* Main is woken for every handler, also for one that ran before it called: there the number of
 * runs decides. Another fiber is woken for its own signals only. */
static bool is_over(const struct wf_fiber *f, enum wf_park_result r, unsigned runs)
{
    if (r == WF_PARK_CANCEL)
        return true;
    if (f->flags & WF_FIBER_MAIN)
        return wf_load_seq_cst(&wf_seam_handler_runs) != runs;
    return r == WF_PARK_SIGNAL;
}

int wf_hook_pause(void)
{
    struct wf_fiber *f = wf_seam_interruptible();
    unsigned runs = wf_load_seq_cst(&wf_seam_handler_runs);
    struct wf_seam_wait w;
    int err;

    if (!f)
        return pause();
    do {
        enum wf_park_result r;

        err = wf_seam_wait_begin(&w, f, WF_SEAM_NAP, WF_NEVER);
        if (err)
            break;
        wf_park_prepare(f, WF_WAIT_SIGNAL, w.flags);
        r = wf_park_commit(f, w.until);
        err = wf_seam_wait_end(&w, r);
        if (err && !is_over(f, r, runs))
            err = 0;
    } while (!err);
    errno = err;
    return -1;
}
