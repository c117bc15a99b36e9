/* Waiting for child processes: asked without blocking, and in between the fiber waits for the
 * child's pidfd, or, where there is none for what is asked, for a timer. */
#include "seam/process.h"

#include "io/ready.h"
#include "seam/hook.h"
#include "seam/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_FIRST_NS = 1000000, LOOK_MAX_NS = 10000000 };

/* What a fiber waits with. */
struct child_wait {
    struct wf_fiber *fiber;
    int fd;        /* a pidfd; negative: none */
    bool own_fd;   /* made by us */
    int64_t delay; /* of the last look by timer */
};

static struct child_wait start_waiting(struct wf_fiber *f)
{
    return (struct child_wait){.fiber = f, .fd = -1};
}

/* A pidfd tells of a child's end only, and of one child only. */
static void watch_end_of(struct child_wait *w, pid_t pid)
{
    if (w->fd >= 0 || pid <= 0)
        return;
    w->fd = (int)syscall(SYS_pidfd_open, pid, 0);
    w->own_fd = w->fd >= 0;
}

static void stop_waiting(struct child_wait *w)
{
    int saved = errno;

    if (w->own_fd) {
        wf_ready_forget(w->fd);
        close(w->fd);
    }
    errno = saved;
}

static int wait_by_timer(struct child_wait *w)
{
    struct wf_seam_wait wait;
    int err;

    w->delay = w->delay ? wf_clock_min(w->delay * 2, LOOK_MAX_NS) : LOOK_FIRST_NS;
    err = wf_seam_wait_begin(&wait, w->fiber, WF_SEAM_IO, wf_clock_after(w->delay));
    if (err)
        return err;
    wf_park_prepare(w->fiber, WF_WAIT_PROCESS, wait.flags);
    err = wf_seam_wait_end(&wait, wf_park_commit(w->fiber, wait.until));
    return err == ETIMEDOUT ? 0 : err;
}

/* 0: ask again. */
static int wait_a_while(struct child_wait *w)
{
    int err;

    if (w->fd < 0)
        return wait_by_timer(w);
    err = wf_seam_wait_fd(w->fiber, w->fd, POLLIN, WF_NEVER);
    if (err != EBADF)
        return err;
    w->fd = -1; /* somebody closed the number: by timer then */
    w->own_fd = false;
    return 0;
}

/* ---- the wait4 family ---- */

pid_t wf_process_wait4(struct wf_fiber *f, pid_t pid, int *status, int options,
                       struct rusage *usage)
{
    struct child_wait w = start_waiting(f);
    int saved = errno;
    pid_t got;

    while ((got = wait4(pid, status, options | WNOHANG, usage)) == 0) {
        int err;

        if (!(options & (WUNTRACED | WCONTINUED)))
            watch_end_of(&w, pid);
        err = wait_a_while(&w);
        errno = err ? err : saved;
        if (err) {
            got = -1;
            break;
        }
    }
    stop_waiting(&w);
    return got;
}

static pid_t hook_wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f || (options & WNOHANG))
        return wait4(pid, status, options, usage);
    return wf_process_wait4(f, pid, status, options, usage);
}

static pid_t hook_wait3(int *status, int options, struct rusage *usage)
{
    return hook_wait4(-1, status, options, usage);
}

static pid_t hook_waitpid(pid_t pid, int *status, int options)
{
    return hook_wait4(pid, status, options, NULL);
}

static pid_t hook_wait(int *status)
{
    return hook_wait4(-1, status, 0, NULL);
}

/* ---- waitid ---- */

static void watch_for_waitid(struct child_wait *w, idtype_t type, id_t id, int options)
{
    if (!(options & WEXITED) || (options & (WSTOPPED | WCONTINUED)))
        return;
    if (type == P_PID)
        watch_end_of(w, (pid_t)id);
    else if (type == P_PIDFD)
        w->fd = (int)id;
}

static int waitid_in_fiber(struct wf_fiber *f, idtype_t type, id_t id, siginfo_t *info, int options)
{
    struct child_wait w = start_waiting(f);
    siginfo_t got;
    int saved = errno;
    int err;

    for (;;) {
        memset(&got, 0, sizeof(got));
        err = waitid(type, id, &got, options | WNOHANG);
        if (err < 0 || got.si_pid != 0)
            break;
        watch_for_waitid(&w, type, id, options);
        err = wait_a_while(&w);
        errno = err ? err : saved;
        if (err) {
            err = -1;
            break;
        }
    }
    stop_waiting(&w);
    if (err == 0 && info)
        *info = got;
    return err;
}

/* A pidfd can be told not to block. */
static bool is_nonblocking(idtype_t type, id_t id)
{
    int saved = errno;
    int flags = type == P_PIDFD ? fcntl((int)id, F_GETFL) : 0;

    errno = saved;
    return flags > 0 && (flags & O_NONBLOCK);
}

static int hook_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f || (options & WNOHANG) || is_nonblocking(type, id))
        return waitid(type, id, info, options);
    return waitid_in_fiber(f, type, id, info, options);
}

const struct wf_hook wf_seam_process_hooks[] = {
    WF_HOOK(wait, hook_wait),
    WF_HOOK(__wait, hook_wait),
    WF_HOOK(waitpid, hook_waitpid),
    WF_HOOK(__waitpid, hook_waitpid),
    WF_HOOK(wait3, hook_wait3),
    WF_HOOK(wait4, hook_wait4),
    WF_HOOK(waitid, hook_waitid),
    WF_HOOK(system, wf_hook_system),
    {NULL, NULL, 0},
};
