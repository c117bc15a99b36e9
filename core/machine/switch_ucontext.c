/* The portable twin of the assembly back-ends, on POSIX ucontext: for other machines, and to
 * check the others against. It cannot set the thread pointer, so there are no thread fibers
 * where it is used (wf_tls_init says so). The ucontext lives on the fiber's own stack. */
#include "machine/switch.h"

#include "base/assert.h"

#include <stdint.h>
#include <ucontext.h>

struct first_frame {
    ucontext_t context;
    void (*entry)(void *);
    void *arg;
};

/* makecontext passes ints only: the pointer comes in two halves. */
static void start(unsigned high, unsigned low)
{
    struct first_frame *f = (struct first_frame *)((uintptr_t)high << 32 | low);

    f->entry(f->arg);
}

void *wf_switch_prepare(char *top, size_t size, void (*entry)(void *), void *arg)
{
    struct first_frame *f = (struct first_frame *)(void *)(top - sizeof(struct first_frame));
    uintptr_t address = (uintptr_t)f;

    f->entry = entry;
    f->arg = arg;
    WF_ASSERT(getcontext(&f->context) == 0);
    f->context.uc_stack.ss_sp = top - size;
    f->context.uc_stack.ss_size = size - sizeof(*f);
    f->context.uc_link = NULL;
    makecontext(&f->context, (void (*)(void))start, 2, (unsigned)(address >> 32),
                (unsigned)address);
    return &f->context;
}

void wf_switch(void **save, void *to)
{
    ucontext_t here;

    *save = &here;
    WF_ASSERT(swapcontext(&here, to) == 0);
}

void wf_switch_tp(void **save, void *to, void *tp)
{
    (void)tp;
    wf_switch(save, to);
}
