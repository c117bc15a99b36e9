/* Handlers: each is replaced in the kernel by ours, which calls the user's and then wakes the main
 * fiber. Whoever asks for the action sees the user's own.
 *
 * Synchronous signals (SIGSEGV & co.) are left alone: their handlers look at the interrupted frame,
 * and do not always return. */
#include "seam/signal.h"

#include "base/atomic.h"
#include "machine/lock.h"
#include "seam/fork.h"
#include "seam/interrupt.h"
#include "seam/parkinglot.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef void (*handler_fn)(int sig, siginfo_t *info, void *context);

/* What the user installed. Handlers read `fn` alone, at any time; the rest is for the answer to
 * sigaction(), under the lock. */
static struct {
    handler_fn _Atomic fn;
    bool siginfo; /* the user's SA_SIGINFO; in the kernel it is always set */
} actions[_NSIG];

/* Held with all signals blocked, because handlers may call sigaction() too. */
static struct wf_lock actions_lock;

static struct wf_processor *_Atomic processor;
static _Atomic unsigned cuts;
_Atomic unsigned wf_seam_handler_runs;
static _Atomic uint64_t restarting;   /* bit sig - 1: SA_RESTART */
static _Atomic uint64_t interrupting; /* bit sig - 1: siginterrupt(sig, 1), for signal() */

_Thread_local int wf_signal_handlers __attribute__((tls_model("initial-exec")));
_Thread_local int wf_signal_directed __attribute__((tls_model("initial-exec")));

struct wf_processor *wf_seam_signal_processor(void)
{
    return wf_load(&processor);
}

unsigned wf_seam_signal_cuts(void)
{
    return wf_load_acquire(&cuts); /* pairs with the add in after_handler */
}

static uint64_t bit_of(int sig)
{
    return UINT64_C(1) << (sig - 1);
}

/* ---- running one ---- */

static void after_handler(bool restart)
{
    struct wf_processor *p = wf_load(&processor);

    if (!restart)
        wf_add_seq_cst(&cuts, 1);
    wf_add_seq_cst(&wf_seam_handler_runs, 1);
    if (p)
        wf_seam_signal_is_mains(p);
    if (p && wf_signal_directed == 0)
        wf_processor_signalled(p);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    handler_fn fn = wf_load(&actions[sig].fn);

    if (wf_seam_hold_signal(sig))
        return;
    wf_signal_handlers++;
    wf_seam_bypass++;
    /* A handler that takes the number alone is called as the kernel would: the rest lies in
     * registers that it does not look at. */
    if (fn)
        fn(sig, info, context);
    wf_seam_bypass--;
    wf_signal_handlers--;
    if (!wf_fork_in_vfork_child())
        after_handler((wf_load(&restarting) & bit_of(sig)) != 0);
}

void wf_signal_jump(void)
{
    if (wf_signal_handlers == 0)
        return;
    wf_seam_bypass -= wf_signal_handlers;
    wf_signal_handlers = 0;
    wf_signal_directed = 0;
    after_handler(false);
}

/* ---- installing one ---- */

static bool is_ours(const struct sigaction *a)
{
    return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == on_signal;
}

static bool is_handler(const struct sigaction *a)
{
    return (a->sa_flags & SA_SIGINFO) || (a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN);
}

static bool is_wrapped(int sig)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

    for (size_t i = 0; i < sizeof(synchronous) / sizeof(synchronous[0]); i++) {
        if (sig == synchronous[i])
            return false;
    }
    return sig > 0 && sig < _NSIG;
}

static void lock_actions(sigset_t *old)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, old);
    wf_lock(&actions_lock);
}

static void unlock_actions(const sigset_t *old)
{
    wf_unlock(&actions_lock);
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* What the user would see in the place of our wrapper. Flags are the kernel's, as siginterrupt()
 * changes them there. */
static void unwrap(int sig, struct sigaction *a)
{
    if (!is_ours(a))
        return;
    a->sa_sigaction = wf_load(&actions[sig].fn);
    if (!actions[sig].siginfo)
        a->sa_flags &= ~SA_SIGINFO;
}

static void note_restart(int sig, int flags)
{
    if (flags & SA_RESTART)
        atomic_fetch_or(&restarting, bit_of(sig));
    else
        atomic_fetch_and(&restarting, ~bit_of(sig));
}

/* Under the lock. The new handler is known before the kernel can run it. */
static int replace(int sig, const struct sigaction *act, struct sigaction *old)
{
    struct sigaction wrapper = *act;
    handler_fn previous = wf_load(&actions[sig].fn);
    int err;

    if (is_ours(act)) /* somebody whose code is not patched read it and now puts it back */
        return sigaction(sig, act, old);
    wrapper.sa_sigaction = on_signal;
    wrapper.sa_flags |= SA_SIGINFO;
    wf_store(&actions[sig].fn, act->sa_sigaction);
    err = sigaction(sig, &wrapper, old);
    if (err) {
        wf_store(&actions[sig].fn, previous);
        return err;
    }
    if (old && is_ours(old)) { /* what it stood for is lost in a moment */
        old->sa_sigaction = previous;
        if (!actions[sig].siginfo)
            old->sa_flags &= ~SA_SIGINFO;
    }
    actions[sig].siginfo = (act->sa_flags & SA_SIGINFO) != 0;
    note_restart(sig, act->sa_flags);
    return 0;
}

static int change_action(int sig, const struct sigaction *act, struct sigaction *old)
{
    sigset_t mask;
    int err;

    lock_actions(&mask);
    if (act && is_handler(act) && !wf_fork_in_vfork_child()) {
        err = replace(sig, act, old);
    } else {
        err = sigaction(sig, act, old);
        if (!err && old)
            unwrap(sig, old);
    }
    unlock_actions(&mask);
    return err;
}

/* In a child of vfork the table is the parent's: only the child's kernel state may change. */
static int hook_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
    return is_wrapped(sig) ? change_action(sig, act, old) : sigaction(sig, act, old);
}

static sighandler_t install(int sig, sighandler_t fn, int flags, bool block_itself)
{
    struct sigaction act = {.sa_handler = fn, .sa_flags = flags}, old;

    if (fn == SIG_ERR || sig < 1 || sig >= _NSIG) {
        errno = EINVAL;
        return SIG_ERR;
    }
    sigemptyset(&act.sa_mask);
    if (block_itself)
        sigaddset(&act.sa_mask, sig);
    return hook_sigaction(sig, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}

static sighandler_t hook_signal(int sig, sighandler_t fn)
{
    bool cuts_calls = sig > 0 && sig < _NSIG && (wf_load(&interrupting) & bit_of(sig));

    return install(sig, fn, cuts_calls ? 0 : SA_RESTART, true);
}

static sighandler_t hook_sysv_signal(int sig, sighandler_t fn)
{
    return install(sig, fn, (int)SA_RESETHAND | SA_NODEFER, false);
}

static int hook_siginterrupt(int sig, int flag)
{
    struct sigaction a;

    if (sig < 1 || sig >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    if (sigaction(sig, NULL, &a) < 0)
        return -1;
    a.sa_flags = flag ? a.sa_flags & ~SA_RESTART : a.sa_flags | SA_RESTART;
    if (sigaction(sig, &a, NULL) < 0) /* whosever handler it is: only the flag changes */
        return -1;
    if (flag) {
        atomic_fetch_or(&interrupting, bit_of(sig));
        atomic_fetch_and(&restarting, ~bit_of(sig));
    } else {
        atomic_fetch_and(&interrupting, ~bit_of(sig));
        atomic_fetch_or(&restarting, bit_of(sig));
    }
    return 0;
}

/* ---- opening, and fork ---- */

static void wrap_existing(void)
{
    for (int sig = 1; sig < _NSIG; sig++) {
        struct sigaction a;
        sigset_t mask;

        if (!is_wrapped(sig) || sigaction(sig, NULL, &a) < 0 || !is_handler(&a))
            continue;
        lock_actions(&mask);
        (void)replace(sig, &a, NULL);
        unlock_actions(&mask);
    }
}

static void after_signals(struct wf_processor *p)
{
    (void)p;
    wf_lot_run_later(); /* what sem_post in a handler left to do */
}

void wf_seam_signal_open(struct wf_processor *p)
{
    p->on_signals = after_signals;
    wf_store(&processor, p);
    wf_fork_watch();
    wf_signal_give_stack();
    wrap_existing();
}

void wf_signal_after_fork(struct wf_fiber *survivor)
{
    actions_lock = (struct wf_lock){0};
    if (!survivor)
        wf_store(&processor, NULL); /* there is no main fiber to wake */
}

const struct wf_hook wf_seam_signal_hooks[] = {
    WF_HOOK(sigaction, hook_sigaction),
    WF_HOOK(__sigaction, hook_sigaction),
    WF_HOOK(signal, hook_signal),
    WF_HOOK(bsd_signal, hook_signal),
    WF_HOOK(ssignal, hook_signal),
    WF_HOOK(sysv_signal, hook_sysv_signal),
    WF_HOOK(__sysv_signal, hook_sysv_signal),
    WF_HOOK(siginterrupt, hook_siginterrupt),
    WF_HOOK(pthread_sigmask, wf_hook_pthread_sigmask),
    WF_HOOK(sigprocmask, wf_hook_sigprocmask),
    WF_HOOK(sigaltstack, wf_hook_sigaltstack),
    WF_HOOK(longjmp, wf_hook_longjmp),
    WF_HOOK(_longjmp, wf_hook_longjmp),
    WF_HOOK(siglongjmp, wf_hook_longjmp),
    WF_HOOK(__longjmp_chk, wf_hook_longjmp_chk),
    WF_HOOK(kill, wf_hook_kill),
    WF_HOOK(raise, wf_hook_raise),
    WF_HOOK(pause, wf_hook_pause),
    {NULL, NULL, 0},
};
