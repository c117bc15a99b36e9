/* longjmp: where handlers leave without returning, and where a signal mask changes past the hooks.
 * A jump made in a handler is taken to leave it. */
#include "seam/fork.h"
#include "seam/signal.h"

#include <setjmp.h>

extern void __longjmp_chk(struct __jmp_buf_tag *env, int value) __attribute__((noreturn));

static void prepare(const struct __jmp_buf_tag *env)
{
    if (wf_fork_in_vfork_child())
        return;
    wf_signal_jump();
    if (env->__mask_was_saved)
        (void)wf_hook_pthread_sigmask(SIG_SETMASK, &env->__saved_mask, NULL);
}

void wf_hook_longjmp(struct __jmp_buf_tag *env, int value)
{
    prepare(env);
    siglongjmp(env, value); /* glibc's longjmp under another name */
}

void wf_hook_longjmp_chk(struct __jmp_buf_tag *env, int value)
{
    prepare(env);
    __longjmp_chk(env, value);
}
