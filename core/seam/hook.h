/* What every family of hooks shares: when a hook stands in for libc, and the tables that say
 * which symbol is replaced by what. */
#ifndef WF_SEAM_HOOK_H
#define WF_SEAM_HOOK_H

#include "base/assert.h"
#include "sched/processor.h"

typedef void (*wf_hook_fn)(void);

enum wf_hook_flags {
    WF_HOOK_HOST_ONLY = 1, /* only in the host's own objects: pthread_create & co. */
};

struct wf_hook {
    const char *symbol; /* NULL ends a table */
    wf_hook_fn replacement;
    unsigned flags;
};

#define WF_HOOK(symbol, fn)                                                                        \
    {                                                                                              \
#symbol, (wf_hook_fn)(fn), 0                                                               \
    }
#define WF_HOST_HOOK(symbol, fn)                                                                   \
    {                                                                                              \
#symbol, (wf_hook_fn)(fn), WF_HOOK_HOST_ONLY                                               \
    }

extern const struct wf_hook wf_seam_socket_hooks[], wf_seam_poll_hooks[], wf_seam_sleep_hooks[],
    wf_seam_file_hooks[], wf_seam_lock_hooks[], wf_seam_thread_hooks[], wf_seam_process_hooks[],
    wf_seam_fork_hooks[], wf_seam_signal_hooks[], wf_seam_dns_hooks[], wf_seam_dl_hooks[];

/* Above 0 every hook passes straight through: in a signal handler, in a vfork child, inside
 * dlopen. Per flow of execution, as it lives in TLS. */
extern _Thread_local int wf_seam_bypass __attribute__((tls_model("initial-exec")));

/* The calling fiber if hooks apply to it now, else NULL: call libc. */
static inline struct wf_fiber *wf_seam_fiber(void)
{
    struct wf_fiber *f = wf_fiber_self();

    return f && wf_likely(wf_seam_bypass == 0) ? f : NULL;
}

/* For the function below; the first two in interrupt.c, the third in signal.c: handlers without
 * SA_RESTART that have run so far. */
void wf_seam_release_signals(struct wf_fiber *f);
void wf_seam_main_looked(struct wf_fiber *main);
unsigned wf_seam_signal_cuts(void);

/* The same for hooks that cancellation can end (all but mutex and condition, which are the host's
 * own lock between EINTR and its question who it is): an interrupt that was given and not
 * acknowledged by now is no longer pending; see interrupt.h. */
static inline struct wf_fiber *wf_seam_interruptible(void)
{
    struct wf_fiber *f = wf_seam_fiber();

    if (!f)
        return NULL;
    f->interrupt.pending = false;
    f->interrupt.cuts = wf_seam_signal_cuts();
    if (wf_unlikely(f->interrupt.held))
        wf_seam_release_signals(f);
    if (wf_unlikely(wf_load(&f->home->signals) || wf_load(&f->home->signal_due)) &&
        (f->flags & WF_FIBER_MAIN))
        wf_seam_main_looked(f);
    return f;
}

#endif
