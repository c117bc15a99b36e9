/* What the kernel keeps for each of its threads and we keep for each fiber: the signal mask, which
 * the scheduler applies at every switch, and the alternate stack, of which there is one for the
 * worker. */
#include "seam/fork.h"
#include "seam/signal.h"
#include "seam/thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { OWN_STACK = 64 << 10 };

/* ---- masks ---- */

uint64_t wf_signal_mask_of(const sigset_t *set)
{
    enum { FIRST_OF_LIBC = 32, LAST_OF_LIBC = 33 };
    uint64_t mask;

    memcpy(&mask, set, sizeof(mask)); /* the kernel's 64 come first */
    for (int sig = FIRST_OF_LIBC; sig <= LAST_OF_LIBC; sig++)
        mask &= ~(UINT64_C(1) << (sig - 1));
    return mask & ~(UINT64_C(1) << (SIGKILL - 1)) & ~(UINT64_C(1) << (SIGSTOP - 1));
}

/* The thread's own signals that waited for being unblocked. */
static void deliver_pending(struct wf_fiber *f)
{
    struct wf_thread *t = f->thread;
    uint64_t due;

    if (!t)
        return;
    wf_thread_lock();
    due = t->pending & ~f->signal_mask;
    t->pending &= ~due;
    wf_thread_unlock();
    for (int sig = 1; due; sig++, due >>= 1) {
        if (due & 1)
            (void)wf_signal_raise(sig, NULL);
    }
}

/* The kernel has changed the mask of this OS thread; in a handler it will change it back. */
static void note_mask(int how, const sigset_t *set, const sigset_t *before)
{
    struct wf_fiber *f = wf_fiber_self();
    uint64_t old = wf_signal_mask_of(before);
    uint64_t change = wf_signal_mask_of(set);

    if (!f || wf_signal_handlers > 0 || wf_fork_in_vfork_child())
        return;
    if (how == SIG_BLOCK)
        change |= old;
    else if (how == SIG_UNBLOCK)
        change = old & ~change;
    f->signal_mask = f->worker->signal_mask = change;
    if (old & ~change)
        deliver_pending(f);
}

int wf_hook_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t wanted, before;
    int err;

    if (!set)
        return pthread_sigmask(how, set, old);
    wanted = *set; /* both may be the same */
    err = pthread_sigmask(how, set, &before);
    if (err)
        return err;
    if (old)
        *old = before;
    note_mask(how, &wanted, &before);
    return 0;
}

int wf_hook_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    int err = wf_hook_pthread_sigmask(how, set, old);

    if (err)
        errno = err;
    return err ? -1 : 0;
}

/* ---- alternate stacks ---- */

static void *own_stack; /* given to the worker because the program had none; written once */

static void use_own_stack(void)
{
    stack_t s = {.ss_sp = own_stack, .ss_size = OWN_STACK};

    if (own_stack)
        sigaltstack(&s, NULL);
}

/* So that a handler with SA_ONSTACK, as for the overflow of a fiber's stack, has somewhere to
 * run. */
void wf_signal_give_stack(void)
{
    stack_t now;
    void *memory;

    if (sigaltstack(NULL, &now) < 0 || !(now.ss_flags & SS_DISABLE))
        return;
    memory = mmap(NULL, OWN_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    own_stack = memory;
    use_own_stack();
}

static int main_stack(const stack_t *wanted, stack_t *old)
{
    int err = sigaltstack(wanted, old);

    if (err < 0)
        return err;
    if (old && own_stack && old->ss_sp == own_stack)
        *old = (stack_t){.ss_flags = SS_DISABLE};
    if (wanted && (wanted->ss_flags & SS_DISABLE))
        use_own_stack();
    return 0;
}

static int check_stack(const stack_t *s)
{
    const int autodisarm = INT_MIN; /* the kernel's bit 31, which <signal.h> does not name */
    const int known = SS_DISABLE | SS_ONSTACK | autodisarm;

    if (s->ss_flags & ~known)
        return EINVAL;
    if (!(s->ss_flags & SS_DISABLE) && s->ss_size < (size_t)sysconf(_SC_MINSIGSTKSZ))
        return ENOMEM;
    return 0;
}

/* A fiber's is only remembered: its handlers run on the worker's. */
int wf_hook_sigaltstack(const stack_t *wanted, stack_t *old)
{
    struct wf_fiber *f = wf_fiber_self();
    struct wf_thread *t = f && !wf_fork_in_vfork_child() ? wf_thread_self(f) : NULL;
    int err = wanted ? check_stack(wanted) : 0;

    if (!t)
        return f && f->flags & WF_FIBER_MAIN ? main_stack(wanted, old) : sigaltstack(wanted, old);
    if (err) {
        errno = err;
        return -1;
    }
    if (old)
        *old = t->signal_stack;
    if (wanted)
        t->signal_stack = *wanted;
    if (wanted && (wanted->ss_flags & SS_DISABLE))
        t->signal_stack = (stack_t){.ss_flags = SS_DISABLE};
    return 0;
}
