/* fork, _Fork and vfork; see fork.h. */
#include "seam/fork.h"

#include "sched/processor.h"
#include "seam/locks.h"
#include "seam/process.h"
#include "seam/seam.h"
#include "seam/setxid.h"
#include "seam/signal.h"
#include "seam/thread.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

void (*wf_seam_after_fork_child)(struct wf_fiber *survivor);

/* In the child of vfork, whose memory is its parent's, there is nothing to put in order; the child
 * of a fork in a signal handler may have been cut out of the middle of the scheduler, and can do
 * no more than exec. */
static void put_child_in_order(void)
{
    struct wf_fiber *survivor = wf_fiber_self();

    if (wf_fork_in_vfork_child() || wf_signal_handlers > 0)
        return;
    if (survivor && wf_seam_after_fork_child)
        wf_seam_after_fork_child(survivor);
    else
        wf_seam_after_fork();
    wf_thread_after_fork(survivor);
    wf_signal_after_fork(survivor);
    wf_setxid_after_fork();
    wf_system_after_fork();
    wf_barrier_after_fork();
    wf_once_after_fork();
}

void wf_fork_watch(void)
{
    static _Atomic int watching;

    /* No memory for a handler: it is tried again at the next call. */
    if (!atomic_exchange(&watching, 1) && pthread_atfork(NULL, NULL, put_child_in_order) != 0)
        watching = 0;
}

/* The one way to fork that calls no handlers. */
static pid_t hook_raw_fork(void)
{
    pid_t pid = _Fork();

    if (pid == 0)
        put_child_in_order();
    return pid;
}

pid_t wf_fork_vfork_failed(long answer)
{
    errno = (int)-answer;
    return -1;
}

const struct wf_hook wf_seam_fork_hooks[] = {
    WF_HOOK(_Fork, hook_raw_fork),           WF_HOOK(vfork, wf_fork_vfork),
    WF_HOOK(__vfork, wf_fork_vfork),         WF_HOOK(setuid, wf_hook_setuid),
    WF_HOOK(setgid, wf_hook_setgid),         WF_HOOK(seteuid, wf_hook_seteuid),
    WF_HOOK(setegid, wf_hook_setegid),       WF_HOOK(setreuid, wf_hook_setreuid),
    WF_HOOK(setregid, wf_hook_setregid),     WF_HOOK(setresuid, wf_hook_setresuid),
    WF_HOOK(setresgid, wf_hook_setresgid),   WF_HOOK(setgroups, wf_hook_setgroups),
    WF_HOOK(initgroups, wf_hook_initgroups), {NULL, NULL, 0},
};
