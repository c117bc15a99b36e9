/* The context switch: what one flow of execution must keep while another runs on the CPU.
 * This is the single switch site; the sanitizers are told here and nowhere else.
 * Back-ends: switch_x86_64.S, switch_aarch64.S, switch_ucontext.c (same two functions). */
#ifndef WF_MACHINE_CONTEXT_H
#define WF_MACHINE_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

struct wf_context {
    void *sp; /* saved stack pointer while switched out */
    void *tp; /* thread pointer of its own, NULL: uses the worker's (light fibers) */
    void *stack_base;
    size_t stack_size;
    bool dying; /* left for the last time at its next switch */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    void *sanitizer; /* ASan: fake stack; TSan: the fiber object */
#endif
};

/* A context that starts `entry(arg)` on the given stack at its first switch; `entry` must not
 * return. */
void wf_context_init(struct wf_context *c, void *stack_base, size_t stack_size, void *tp,
                     void (*entry)(void *), void *arg);
/* The running OS thread itself, as a context that can be left and resumed. WF_ENOTSUP when its
 * stack bounds cannot be read. */
int wf_context_adopt(struct wf_context *c);
void wf_context_destroy(struct wf_context *c);
/* Leaves `from` and goes on in `to`. Returns when somebody switches back. `tp` is the thread
 * pointer `to` shall run with. */
void wf_context_switch(struct wf_context *from, struct wf_context *to, void *tp);
/* Must be the first call of `entry`. */
void wf_context_landed(struct wf_context *self);

/* The thread pointer the CPU uses now (x86-64: FS base; aarch64: tpidr_el0). */
void *wf_context_tp(void);

#endif
