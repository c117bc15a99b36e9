/* Making and ending fibers, and the list of all of them. */
#include "sched/fiber.h"

#include "base/assert.h"
#include "base/status.h"
#include "machine/tls.h"
#include "sched/park.h"
#include "sched/processor.h"

#include <stdlib.h>
#include <string.h>

enum {
    POOLS = 16,
    MIN_STACK = 16 << 10,
    /* Finished stacks a pool keeps with their pages: a fresh page costs more than a spawn, and a
     * thousand stacks of a few touched pages each are some megabytes. */
    HOT_STACKS = 1024,
    ALIGN = 64,
};
static const size_t MAX_STACK = (size_t)1 << 30;

_Thread_local struct wf_fiber *wf_fiber_tls __attribute__((tls_model("initial-exec")));

static struct {
    struct wf_lock lock; /* protects all below */
    struct wf_stack_pool pools[POOLS];
    size_t pool_count;
    struct wf_list all;
    struct wf_fiber_counts counts;
    size_t light, thread; /* default stack sizes; written before the first fiber */
} fibers = {
    .all = {&fibers.all, &fibers.all},
    .light = 64 << 10,
    .thread = 8 << 20,
};

void wf_fiber_set_stack_sizes(size_t light, size_t thread)
{
    fibers.light = light;
    fibers.thread = thread;
}

size_t wf_fiber_thread_stack_size(void)
{
    return fibers.thread;
}

/* Powers of two, so that few pools serve every size asked for. */
static size_t size_class(size_t size)
{
    size_t class = MIN_STACK;

    while (class < size)
        class *= 2;
    return class;
}

struct wf_stack_pool *wf_fiber_pool(size_t size)
{
    struct wf_stack_pool *found = NULL;
    size_t class;

    if (size > MAX_STACK)
        return NULL;
    class = size_class(size);
    wf_lock(&fibers.lock);
    for (size_t i = 0; i < fibers.pool_count && !found; i++) {
        if (fibers.pools[i].size == class)
            found = &fibers.pools[i];
    }
    if (!found && fibers.pool_count < POOLS) {
        found = &fibers.pools[fibers.pool_count++];
        wf_stack_pool_init(found, class, HOT_STACKS);
    }
    wf_unlock(&fibers.lock);
    return found;
}

static size_t live_count(void)
{
    size_t n;

    wf_lock(&fibers.lock);
    n = fibers.counts.live;
    wf_unlock(&fibers.lock);
    return n;
}

static void enroll(struct wf_fiber *f)
{
    wf_lock(&fibers.lock);
    wf_list_push_back(&fibers.all, &f->all_link);
    fibers.counts.created++;
    if (++fibers.counts.live > fibers.counts.peak)
        fibers.counts.peak = fibers.counts.live;
    wf_unlock(&fibers.lock);
}

static void strike_off(struct wf_fiber *f)
{
    wf_lock(&fibers.lock);
    wf_list_remove(&f->all_link);
    fibers.counts.live--;
    wf_unlock(&fibers.lock);
}

struct wf_fiber_counts wf_fiber_counters(void)
{
    struct wf_fiber_counts c;

    wf_lock(&fibers.lock);
    c = fibers.counts;
    c.stacks_cached = 0;
    for (size_t i = 0; i < fibers.pool_count; i++)
        c.stacks_cached += wf_stack_pool_hot(&fibers.pools[i]);
    wf_unlock(&fibers.lock);
    return c;
}

/* First code on a fiber's own stack. Not instrumented: before a call that does not return ASan asks
 * for the thread's stack bounds, which it cannot know here. */
__attribute__((no_sanitize("address"))) static void entry(void *arg)
{
    struct wf_fiber *f = arg;

    wf_context_landed(&f->context);
    wf_fiber_tls = f;
    wf_worker_landed(f->worker);
    if (f->flags & WF_FIBER_THREAD)
        wf_tls_first_run();
    wf_fiber_end(f, f->fn(f->arg));
}

static void *own_variable_in(void *tp)
{
    return wf_tls_peer(tp, wf_context_tp(), &wf_fiber_tls);
}

static void init_common(struct wf_fiber *f, struct wf_processor *home)
{
    f->home = home;
    wf_list_init(&f->run_link);
    wf_list_init(&f->all_link);
    wf_store(&f->limit, WF_NEVER);
}

/* The fiber's own record takes the top of its stack; what is below is for frames. */
static struct wf_fiber *place(const struct wf_stack *stack)
{
    char *top = stack->base + stack->size - sizeof(struct wf_fiber);
    struct wf_fiber *f = (struct wf_fiber *)(void *)(top - (size_t)(uintptr_t)top % ALIGN);

    memset(f, 0, sizeof(*f));
    f->stack = *stack;
    return f;
}

static int give_tls(struct wf_fiber *f, size_t usable)
{
    struct wf_stack frames = {.base = f->stack.base, .size = usable};
    int err = wf_tls_init();
    void *tp;

    if (err)
        return err;
    tp = wf_tls_acquire(&frames);
    if (!tp)
        return WF_ENOMEM;
    memcpy(own_variable_in(tp), &f, sizeof(f)); /* wf_fiber_of_tp looks here */
    f->context.tp = tp;
    return WF_OK;
}

int wf_fiber_create(const struct wf_fiber_opts *opts, struct wf_processor *home,
                    struct wf_fiber **out)
{
    bool thread = (opts->flags & WF_FIBER_THREAD) != 0;
    size_t wanted = opts->stack ? opts->stack : thread ? fibers.thread : fibers.light;
    struct wf_stack_pool *pool = wf_fiber_pool(wanted);
    struct wf_stack stack;
    struct wf_fiber *f;
    size_t usable;
    int err;

    *out = NULL;
    if (!pool)
        return WF_ELIMIT;
    err = wf_processor_reserve(home, live_count() + 1);
    if (!err)
        err = wf_stack_alloc(pool, &stack);
    if (err)
        return err;
    f = place(&stack);
    usable = (size_t)((char *)f - stack.base);
    err = thread ? give_tls(f, usable) : WF_OK;
    if (err) {
        wf_stack_free(pool, &stack);
        return err;
    }
    init_common(f, home);
    wf_context_init(&f->context, stack.base, usable, f->context.tp, entry, f);
    f->pool = pool;
    f->flags = opts->flags;
    f->fn = opts->fn;
    f->arg = opts->arg;
    f->on_end = opts->on_end;
    f->task = opts->task;
    if (wf_fiber_self())
        f->signal_mask = wf_fiber_self()->signal_mask;
    enroll(f);
    *out = f;
    return WF_OK;
}

int wf_fiber_init_main(struct wf_fiber *f, struct wf_processor *home)
{
    int err;

    memset(f, 0, sizeof(*f));
    init_common(f, home);
    f->flags = WF_FIBER_MAIN | WF_FIBER_THREAD;
    wf_store(&f->state, WF_STATE_RUNNING);
    err = wf_context_adopt(&f->context);
    if (err)
        return err;
    f->stack = (struct wf_stack){.base = f->context.stack_base, .size = f->context.stack_size};
    wf_fiber_tls = f;
    enroll(f);
    return WF_OK;
}

void wf_fiber_bury(struct wf_fiber *f)
{
    struct wf_stack_pool *pool = f->pool;
    struct wf_stack stack = f->stack;

    strike_off(f);
    if ((f->flags & WF_FIBER_THREAD) && pool) { /* main's block belongs to its OS thread */
        memset(own_variable_in(f->context.tp), 0, sizeof(f));
        wf_tls_release(f->context.tp);
    }
    wf_context_destroy(&f->context);
    if (pool)
        wf_stack_free(pool, &stack); /* `f` itself goes with it */
}

void wf_fiber_discard(struct wf_fiber *f)
{
    WF_ASSERT_EQ(wf_state_of(wf_load(&f->state)), WF_STATE_NEW);
    wf_fiber_bury(f);
}

void wf_fiber_start(struct wf_fiber *f)
{
    struct wf_worker *w = wf_worker_self();
    bool started;

    if (w && w->processor == f->home) {
        f->fresh = true;
        f->home->unstarted++;
    }
    started = wf_state_start(&f->state);
    WF_ASSERT(started);
    wf_processor_enqueue(f->home, f);
}

/* A fiber that forked is the main fiber of the child, and its end is the child's, once the threads
 * it made have ended: as with a process whose last thread ends. */
__attribute__((noreturn)) static void last_out(struct wf_fiber *self)
{
    while (live_count() > 1)
        (void)wf_park_sleep(self, wf_clock_after(WF_NS_PER_MS), 0);
    exit(0);
}

void wf_fiber_end(struct wf_fiber *self, int result)
{
    bool ended;

    if (self->flags & WF_FIBER_MAIN)
        last_out(self);
    if (self->flags & WF_FIBER_THREAD)
        wf_tls_run_key_destructors();
    if (self->on_end)
        self->on_end(self, result);
    ended = wf_state_end(&self->state);
    WF_ASSERT(ended);
    self->context.dying = true;
    wf_worker_leave(self, WF_LEAVE_END);
    __builtin_unreachable();
}

struct wf_fiber *wf_fiber_of_tp(void *tp)
{
    struct wf_fiber *f;

    if (!tp)
        return NULL;
    memcpy(&f, own_variable_in(tp), sizeof(f));
    return f && f->context.tp == tp ? f : NULL;
}

bool wf_fiber_interrupted(const struct wf_fiber *f)
{
    int64_t limit;

    if (wf_load(&f->cancelled))
        return true;
    limit = wf_load(&f->limit);
    return limit != WF_NEVER && wf_clock_now() >= limit;
}

void wf_fiber_set_interrupt(struct wf_fiber *f, bool cancelled, int64_t limit)
{
    wf_store(&f->limit, limit);
    wf_store(&f->cancelled, cancelled);
    /* Pairs with the fence in wf_park_commit: either the park sees these, or the wake that
     * follows sees the park. */
    atomic_thread_fence(memory_order_seq_cst);
}

/* Only the survivor exists in the child; what the others held is gone with them. Their stacks
 * and TLS blocks stay allocated: their contents may still be referenced by the host. */
void wf_fiber_after_fork(struct wf_fiber *survivor)
{
    fibers.lock = (struct wf_lock){0};
    for (size_t i = 0; i < fibers.pool_count; i++)
        fibers.pools[i].lock = (struct wf_lock){0};
    wf_list_init(&fibers.all);
    wf_list_init(&survivor->all_link);
    wf_list_push_back(&fibers.all, &survivor->all_link);
    fibers.counts.live = fibers.counts.peak = 1;
}
