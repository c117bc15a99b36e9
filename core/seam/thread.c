/* Threads that are fibers: the registry, how one starts and how it ends, and the family's table. */
#include "seam/thread.h"

#include "base/assert.h"
#include "base/atomic.h"
#include "base/status.h"
#include "machine/lock.h"
#include "machine/tls.h"
#include "scope/task.h"
#include "seam/c11.h"
#include "seam/fork.h"
#include "seam/parkinglot.h"
#include "seam/signal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BUCKETS = 16384,
    MIN_STACK = 64 << 10, /* less would not hold our own frames below the thread's */
};

/* One for each block that was ever a thread's; never freed. */
struct slot {
    struct slot *next; /* constant once published */
    pthread_t id;
    struct wf_thread *thread; /* NULL: nobody's now */
};

static struct {
    struct wf_lock lock; /* protects the slots' threads and adding slots */
    struct slot *_Atomic buckets[BUCKETS];
} registry;

struct wf_thread_exit {
    struct wf_thread_exit *next;
    void (*fn)(void *);
    void *object;
};

/* ---- the registry ---- */

void wf_thread_lock(void)
{
    wf_lock(&registry.lock);
}

void wf_thread_unlock(void)
{
    wf_unlock(&registry.lock);
}

static struct slot *_Atomic *bucket_of(pthread_t id)
{
    uint64_t x = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15); /* Fibonacci hashing */

    return &registry.buckets[(x >> 40) % BUCKETS];
}

static struct slot *find_slot(pthread_t id)
{
    /* Pairs with the store in fill_slot, also after a fork that cut an insertion short. */
    struct slot *s = wf_load_acquire(bucket_of(id));

    while (s && s->id != id)
        s = s->next;
    return s;
}

enum wf_thread_kind wf_thread_find(pthread_t id, struct wf_thread **out)
{
    struct slot *s = find_slot(id);

    *out = s ? s->thread : NULL;
    if (!s)
        return WF_THREAD_NATIVE;
    return *out ? WF_THREAD_FIBER : WF_THREAD_GONE;
}

/* Enters `t`; uses `fresh` up if its id has no slot yet, else frees it. */
static void enter(struct wf_thread *t, struct slot *fresh)
{
    struct slot *_Atomic *bucket = bucket_of(t->id);
    struct slot *s;

    wf_thread_lock();
    s = find_slot(t->id);
    if (!s) {
        *fresh = (struct slot){.next = wf_load(bucket), .id = t->id};
        wf_store_release(bucket, fresh); /* pairs with the load in find_slot */
        s = fresh;
        fresh = NULL;
    }
    s->thread = t;
    wf_thread_unlock();
    free(fresh);
}

void wf_thread_forget(struct wf_thread *t)
{
    find_slot(t->id)->thread = NULL;
}

void wf_thread_free(struct wf_thread *t)
{
    if (t->start && t->tp && !t->detached)
        wf_tls_release(t->tp); /* the other half of wf_tls_hold */
    free(t);
}

pthread_t wf_thread_id_of_tp(const void *tp)
{
    /* On x86-64 they are the same, elsewhere the block lies beside what the register points to. */
    return (pthread_t)((uintptr_t)tp + (uintptr_t)pthread_self() - (uintptr_t)wf_context_tp());
}

/* ---- the end of a thread ---- */

static void run_exits(struct wf_thread *t)
{
    struct wf_thread_exit *e;

    while ((e = t->exits)) {
        t->exits = e->next;
        e->fn(e->object);
        free(e);
    }
}

/* Marks it done; true when nobody is going to join it. */
static bool finish(struct wf_thread *t)
{
    bool alone;

    wf_thread_lock();
    t->fiber = NULL;
    alone = t->detached || !t->start;
    if (alone)
        wf_thread_forget(t);
    atomic_store_explicit(&t->done, true, memory_order_seq_cst); /* pairs with the load in join.c */
    wf_thread_unlock();
    return alone;
}

/* Takes the place of the fiber's on_end: still on the fiber, after its function returned. */
static void end_thread(struct wf_fiber *f, int result)
{
    struct wf_thread *t = f->thread;
    void (*then)(struct wf_fiber *, int) = t->then;

    run_exits(t); /* of a fiber that pthread_create did not make, or made by key destructors */
    f->thread = NULL;
    if (finish(t))
        wf_thread_free(t);
    else
        (void)wf_lot_wake(t, SIZE_MAX); /* by address: a joiner may have freed it already */
    if (then)
        then(f, result);
}

static void attach(struct wf_thread *t, struct wf_fiber *f)
{
    t->tp = f->context.tp;
    t->id = wf_thread_id_of_tp(t->tp);
    t->fiber = f;
    t->signal_stack.ss_flags = SS_DISABLE;
    t->then = f->on_end;
    f->on_end = end_thread;
    f->thread = t;
}

struct wf_thread *wf_thread_self(struct wf_fiber *self)
{
    struct wf_thread *t;
    struct slot *slot;

    if (self->thread || !(self->flags & WF_FIBER_THREAD) || !self->pool)
        return self->thread;
    t = calloc(1, sizeof(*t));
    slot = malloc(sizeof(*slot));
    if (!t || !slot) {
        free(t);
        free(slot);
        return NULL;
    }
    attach(t, self);
    enter(t, slot);
    return t;
}

enum wf_thread_kind wf_thread_kind_of(pthread_t id)
{
    struct wf_fiber *self = wf_fiber_self();
    enum wf_thread_kind kind;
    struct wf_thread *t;

    if (self && id == pthread_self())
        (void)wf_thread_self(self);
    wf_thread_lock();
    kind = wf_thread_find(id, &t);
    wf_thread_unlock();
    return kind;
}

/* ---- its life ---- */

/* Here already, and not in end_thread: the survivor of a fork gets no further than this. */
static void run_destructors(struct wf_thread *t)
{
    t->unwinds = false;
    run_exits(t);
    wf_tls_run_key_destructors();
}

/* Where libc's pthread_exit comes out when it has unwound the stack: the outermost handler. It
 * leaves cancellation off, and the block will be used again. */
static void leave(void *arg)
{
    struct wf_thread *t = arg;

    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    run_destructors(t);
    wf_fiber_end(wf_fiber_self(), 0);
}

static int thread_main(void *arg)
{
    struct wf_thread *t = arg;

    pthread_cleanup_push(leave, t);
    t->unwinds = true;
    t->result = t->start(t->arg);
    pthread_cleanup_pop(0);
    run_destructors(t);
    return 0;
}

/* ---- the hooks ---- */

/* What libc gives to threads that ask for nothing; read once. */
static size_t usual_stack(void)
{
    static _Atomic size_t known;
    size_t size = wf_load(&known);
    pthread_attr_t attr;

    if (size == 0 && pthread_getattr_default_np(&attr) == 0) {
        pthread_attr_getstacksize(&attr, &size);
        pthread_attr_destroy(&attr);
        wf_store(&known, size);
    }
    return size;
}

/* 0: the runtime's own default. libc's default counts as "did not ask". */
static size_t wanted_stack(const pthread_attr_t *attr)
{
    size_t wanted = 0;

    if (!attr)
        return 0;
    pthread_attr_getstacksize(attr, &wanted);
    if (wanted == usual_stack())
        return 0;
    return wanted < MIN_STACK ? MIN_STACK : wanted;
}

static void apply_attr(struct wf_thread *t, struct wf_fiber *f, const pthread_attr_t *attr)
{
    int state = PTHREAD_CREATE_JOINABLE;
    sigset_t mask;

    if (attr) {
        pthread_attr_getdetachstate(attr, &state);
        if (pthread_attr_getsigmask_np(attr, &mask) == 0)
            f->signal_mask = wf_signal_mask_of(&mask);
    }
    t->detached = state == PTHREAD_CREATE_DETACHED;
    if (!t->detached)
        wf_tls_hold(t->tp); /* its id must stay its own until it is joined */
}

static int create(struct wf_fiber *self, struct wf_thread *t, struct slot *slot, pthread_t *id,
                  const pthread_attr_t *attr)
{
    struct wf_fiber *f;
    int err = wf_task_create_thread(self, thread_main, t, wanted_stack(attr), &f);

    if (err)
        return err == WF_EINVAL ? EINVAL : EAGAIN;
    attach(t, f);
    apply_attr(t, f, attr);
    enter(t, slot);
    *id = t->id;
    wf_fiber_start(f);
    return 0;
}

/* A stack that the caller provides is left unused: the fiber has one of the same size. */
int wf_hook_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*start)(void *),
                           void *arg)
{
    struct wf_fiber *self = wf_seam_fiber();
    struct wf_thread *t;
    struct slot *slot;
    int err = EAGAIN;

    if (!self)
        return pthread_create(id, attr, start, arg);
    t = calloc(1, sizeof(*t));
    slot = malloc(sizeof(*slot));
    if (t && slot) {
        t->start = start;
        t->arg = arg;
        err = create(self, t, slot, id, attr);
    }
    if (err) {
        free(t);
        free(slot);
    }
    return err;
}

/* Main's OS thread is the worker and has to stay until the last fiber has ended; its cleanup
 * handlers do not run. */
void wf_hook_pthread_exit(void *result)
{
    struct wf_fiber *f = wf_fiber_self();
    struct wf_thread *t;

    if (!f || wf_fork_in_vfork_child())
        pthread_exit(result);
    wf_seam_bypass = wf_signal_handlers = 0; /* also a handler is left for good */
    t = f->thread;
    if (t && t->unwinds) {
        t->result = result;
        pthread_exit(result); /* unwinds, runs cleanup handlers, comes out in leave */
    }
    if (f->flags & WF_FIBER_MAIN)
        wf_tls_run_key_destructors();
    wf_fiber_end(f, 0);
}

extern int __cxa_thread_atexit_impl(void (*fn)(void *), void *object, void *dso);

/* libc's own list of a fiber would never be run. */
static int hook_cxa_thread_atexit(void (*fn)(void *), void *object, void *dso)
{
    struct wf_fiber *f = wf_fiber_self();
    struct wf_thread *t = f ? wf_thread_self(f) : NULL;
    struct wf_thread_exit *e;

    if (!t)
        return __cxa_thread_atexit_impl(fn, object, dso);
    e = malloc(sizeof(*e));
    if (!e)
        return -1;
    *e = (struct wf_thread_exit){.next = t->exits, .fn = fn, .object = object};
    t->exits = e;
    return 0;
}

/* ---- fork ---- */

/* The slots of vanished threads' records are emptied; the records are left: somebody may have been
 * in the middle of one. */
void wf_thread_after_fork(struct wf_fiber *survivor)
{
    registry.lock = (struct wf_lock){0};
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct slot *s = wf_load(&registry.buckets[i]); s; s = s->next) {
            if (!survivor || s->thread != survivor->thread)
                s->thread = NULL;
        }
    }
}

const struct wf_hook wf_seam_thread_hooks[] = {
    WF_HOST_HOOK(pthread_create, wf_hook_pthread_create),
    WF_HOST_HOOK(pthread_self, wf_hook_pthread_self),
    WF_HOST_HOOK(syscall, wf_hook_syscall),
    WF_HOOK(gettid, wf_hook_gettid),
    WF_HOOK(pthread_exit, wf_hook_pthread_exit),
    WF_HOOK(pthread_join, wf_hook_join),
    WF_HOOK(pthread_tryjoin_np, wf_hook_tryjoin),
    WF_HOOK(pthread_timedjoin_np, wf_hook_timedjoin),
    WF_HOOK(pthread_clockjoin_np, wf_hook_clockjoin),
    WF_HOOK(pthread_detach, wf_hook_detach),
    WF_HOOK(pthread_kill, wf_hook_pthread_kill),
    WF_HOOK(pthread_sigqueue, wf_hook_pthread_sigqueue),
    WF_HOOK(pthread_cancel, wf_hook_cancel),
    WF_HOOK(pthread_setname_np, wf_hook_setname),
    WF_HOOK(pthread_getname_np, wf_hook_getname),
    WF_HOOK(pthread_getattr_np, wf_hook_getattr),
    WF_HOOK(pthread_getcpuclockid, wf_hook_getcpuclockid),
    WF_HOOK(pthread_setaffinity_np, wf_hook_setaffinity),
    WF_HOOK(pthread_getaffinity_np, wf_hook_getaffinity),
    WF_HOOK(pthread_setschedparam, wf_hook_setschedparam),
    WF_HOOK(pthread_getschedparam, wf_hook_getschedparam),
    WF_HOOK(pthread_setschedprio, wf_hook_setschedprio),
    WF_HOOK(__cxa_thread_atexit_impl, hook_cxa_thread_atexit),
    WF_HOST_HOOK(thrd_create, wf_hook_thrd_create),
    WF_HOST_HOOK(thrd_current, wf_hook_thrd_current),
    WF_HOOK(thrd_exit, wf_hook_thrd_exit),
    WF_HOOK(thrd_join, wf_hook_thrd_join),
    WF_HOOK(thrd_detach, wf_hook_thrd_detach),
    {NULL, NULL, 0},
};
