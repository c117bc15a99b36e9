/* fork and vfork under fibers.
 *
 * The child of fork() has the forking fiber only. It is put in order by a pthread_atfork handler,
 * so that a fork in code that is not patched (daemon, forkpty) is covered too.
 * The child of vfork() borrows the parent's memory and TLS: every hook passes straight through in
 * it, until it has called exec or _exit and the parent goes on. */
#ifndef WF_SEAM_FORK_H
#define WF_SEAM_FORK_H

#include "seam/hook.h"

#include <stdbool.h>
#include <sys/types.h>

/* Set by the runtime: rebuilds scheduler and loop in the child, around the only fiber left. */
extern void (*wf_seam_after_fork_child)(struct wf_fiber *survivor);

/* Idempotent. From here on children are put in order. */
void wf_fork_watch(void);

/* What the vfork stubs add to wf_seam_bypass while the child runs; they know the number. */
enum { WF_BYPASS_VFORK = 0x10000 };

static inline bool wf_fork_in_vfork_child(void)
{
    return wf_seam_bypass >= WF_BYPASS_VFORK;
}

/* The stub, per CPU; what comes back is the kernel's answer. */
pid_t wf_fork_vfork(void);
/* Called by the stub with a negative answer: sets errno, returns -1. */
pid_t wf_fork_vfork_failed(long answer) __attribute__((visibility("hidden")));

#endif
