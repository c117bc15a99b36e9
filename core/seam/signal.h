/* Signals, as the rest of the seam sees them. A handler runs where the kernel runs it, with every
 * hook passing straight through; then the main fiber is woken, so that its call ends with EINTR.
 *
 * Not hooked in this version, so they block the worker: sigwait, sigwaitinfo, sigtimedwait,
 * sigsuspend. */
#ifndef WF_SEAM_SIGNAL_H
#define WF_SEAM_SIGNAL_H

#include "sched/processor.h"
#include "seam/hook.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

/* Wraps the handlers that are there already and gives the worker a stack for SA_ONSTACK handlers.
 * On the main fiber. */
void wf_seam_signal_open(struct wf_processor *p);
/* The processor whose main fiber signals wake; NULL before the seam is open and in a child that
 * was forked by a plain OS thread. */
struct wf_processor *wf_seam_signal_processor(void);

/* Handlers that the calling flow of execution is inside of. */
extern _Thread_local int wf_signal_handlers __attribute__((tls_model("initial-exec")));
/* Above 0: the signals it sends to its OS thread are for another fiber than main, which they shall
 * not wake. */
extern _Thread_local int wf_signal_directed __attribute__((tls_model("initial-exec")));

/* Handler runs so far. Those of handlers without SA_RESTART, which alone end a call that the kernel
 * would have restarted: wf_seam_signal_cuts in hook.h. */
extern _Atomic unsigned wf_seam_handler_runs;

/* A mask in the kernel's format, without what nobody may block. */
uint64_t wf_signal_mask_of(const sigset_t *set);
/* Sends `sig` to the OS thread the caller runs on; its handler has run when this returns, unless
 * the signal is blocked. 0 or an errno. */
int wf_signal_raise(int sig, const union sigval *value);

/* The caller is about to longjmp: handlers that it is inside of are left. */
void wf_signal_jump(void);

/* In a forked child; `survivor` NULL: a plain OS thread forked. */
void wf_signal_after_fork(struct wf_fiber *survivor);

/* The hooks that lie outside signal.c. */
int wf_hook_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int wf_hook_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int wf_hook_sigaltstack(const stack_t *new_stack, stack_t *old);
void wf_signal_give_stack(void);
void wf_hook_longjmp(struct __jmp_buf_tag *env, int value);
void wf_hook_longjmp_chk(struct __jmp_buf_tag *env, int value);
int wf_hook_kill(pid_t pid, int sig);
int wf_hook_raise(int sig);
int wf_hook_pause(void);
int wf_hook_pthread_kill(pthread_t id, int sig);
int wf_hook_pthread_sigqueue(pthread_t id, int sig, const union sigval value);

#endif
