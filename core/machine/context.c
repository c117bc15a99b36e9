/* The C half of the context switch: sanitizer bookkeeping around the assembly back-end. */
#include "machine/context.h"

#include "base/status.h"
#include "machine/switch.h"

#include <pthread.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif

#if defined(__SANITIZE_ADDRESS__)
/* ASan keeps its notion of the stack in a record found through the thread pointer, so it is told
 * only of switches that keep the thread pointer. The flag travels in the TLS block the two sides
 * then share: set before leaving, read on landing. */
static _Thread_local bool asan_told;

static void leave(struct wf_context *from, const struct wf_context *to, const void *tp)
{
    asan_told = tp == wf_context_tp();
    if (asan_told)
        __sanitizer_start_switch_fiber(from->dying ? NULL : &from->sanitizer, to->stack_base,
                                       to->stack_size);
}

static void land(struct wf_context *self)
{
    if (asan_told)
        __sanitizer_finish_switch_fiber(self->sanitizer, NULL, NULL);
    asan_told = false;
}
#elif defined(__SANITIZE_THREAD__)
static void leave(struct wf_context *from, const struct wf_context *to, const void *tp)
{
    (void)from, (void)tp;
    __tsan_switch_to_fiber(to->sanitizer, 0);
}

static void land(struct wf_context *self)
{
    (void)self;
}
#else
static void leave(struct wf_context *from, const struct wf_context *to, const void *tp)
{
    (void)from, (void)to, (void)tp;
}

static void land(struct wf_context *self)
{
    (void)self;
}
#endif

void *wf_context_tp(void)
{
    return __builtin_thread_pointer();
}

void wf_context_init(struct wf_context *c, void *stack_base, size_t stack_size, void *tp,
                     void (*entry)(void *), void *arg)
{
    memset(c, 0, sizeof(*c));
    c->stack_base = stack_base;
    c->stack_size = stack_size;
    c->tp = tp;
    c->sp = wf_switch_prepare((char *)stack_base + stack_size, stack_size, entry, arg);
#if defined(__SANITIZE_THREAD__)
    c->sanitizer = __tsan_create_fiber(0);
#endif
}

int wf_context_adopt(struct wf_context *c)
{
    pthread_attr_t attr;
    int err = pthread_getattr_np(pthread_self(), &attr);

    memset(c, 0, sizeof(*c));
    if (err)
        return WF_ENOTSUP;
    pthread_attr_getstack(&attr, &c->stack_base, &c->stack_size);
    pthread_attr_destroy(&attr);
    c->tp = wf_context_tp();
#if defined(__SANITIZE_THREAD__)
    c->sanitizer = __tsan_get_current_fiber();
#endif
    return WF_OK;
}

void wf_context_destroy(struct wf_context *c)
{
#if defined(__SANITIZE_THREAD__)
    if (c->sanitizer != __tsan_get_current_fiber()) /* an adopted thread is not ours to destroy */
        __tsan_destroy_fiber(c->sanitizer);
#endif
    c->sp = NULL;
}

void wf_context_switch(struct wf_context *from, struct wf_context *to, void *tp)
{
    leave(from, to, tp);
    if (tp == wf_context_tp())
        wf_switch(&from->sp, to->sp);
    else
        wf_switch_tp(&from->sp, to->sp, tp);
    land(from);
}

void wf_context_landed(struct wf_context *self)
{
    land(self);
}
