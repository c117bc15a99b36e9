/* The worker: switches from fiber to fiber, and on its scheduler stack (g0) polls, fires timers
 * and sleeps. A fiber that leaves picks its successor itself, so a switch costs one context
 * switch; g0 runs only when there is nothing to run or a poll is due. */
#include "sched/processor.h"

#include "base/assert.h"
#include "base/status.h"
#include "machine/tls.h"
#include "sched/park.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SLOTS_PER_POLL = 61, /* prime, as in Go: no program's rhythm falls in step with it */
    G0_STACK = 256 << 10,
    KERNEL_SIGSET = 8, /* bytes */
};

/* The worker of this thread, in the TLS block of its g0. */
static _Thread_local struct wf_worker *worker_tls __attribute__((tls_model("initial-exec")));

struct wf_worker *wf_worker_self(void)
{
    struct wf_fiber *f = wf_fiber_self();

    return f ? f->worker : worker_tls;
}

/* ---- choosing what runs next ---- */

static void take_injected(struct wf_processor *p)
{
    if (wf_load(&p->injected) == 0)
        return;
    wf_lock(&p->inject_lock);
    wf_list_splice_back(&p->ready, &p->inject);
    wf_store(&p->injected, 0);
    wf_unlock(&p->inject_lock);
}

/* A main that is about to park must hear of a handler that ran since its call began: until it can be
 * woken, the news stays. */
static void take_signals(struct wf_processor *p)
{
    int state = wf_load(&p->signals);
    int new_ones = WF_SIGNALS_NEW, for_main = WF_SIGNALS_MAIN;

    if (wf_likely(state == WF_SIGNALS_NONE))
        return;
    /* Pairs with the store in wf_processor_signalled. */
    if (wf_cas_acq_rel(&p->signals, &new_ones, WF_SIGNALS_MAIN) && p->on_signals)
        p->on_signals(p);
    if (wf_unpark(p->main, WF_PARK_SIGNAL))
        (void)wf_cas_acq_rel(&p->signals, &for_main, WF_SIGNALS_NONE); /* unless more came */
}

static bool poll_due(struct wf_processor *p)
{
    return p->slots_since_poll >= SLOTS_PER_POLL || wf_clock_coarse() != p->last_poll;
}

static struct wf_fiber *next_ready(struct wf_processor *p)
{
    struct wf_list *link;

    take_signals(p);
    take_injected(p);
    link = wf_list_pop_front(&p->ready);
    return link ? wf_container(link, struct wf_fiber, run_link) : NULL;
}

/* ---- switching ---- */

static void apply_mask(struct wf_worker *w, uint64_t mask)
{
    if (wf_likely(w->signal_mask == mask))
        return;
    w->signal_mask = mask;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, KERNEL_SIGSET);
}

void wf_worker_landed(struct wf_worker *w)
{
    struct wf_fiber *f = w->leaving;

    w->leaving = NULL;
    if (!f)
        return;
    switch (w->how) {
    case WF_LEAVE_NOTHING:
        break;
    case WF_LEAVE_PARK:
        if (wf_state_landed(&f->state) == WF_LANDING_ENQUEUE)
            wf_processor_enqueue(f->home, f);
        break;
    case WF_LEAVE_YIELD:
        wf_processor_enqueue(f->home, f);
        break;
    case WF_LEAVE_END:
        wf_fiber_bury(f);
        break;
    }
}

/* Goes on in `next`, or in g0 when it is NULL. */
static void go(struct wf_worker *w, struct wf_context *from, struct wf_fiber *next)
{
    struct wf_processor *p = w->processor;
    bool resumed;

    p->switches++;
    if (!next) {
        apply_mask(w, p->main->signal_mask);
        wf_context_switch(from, &w->g0, w->g0.tp);
        return;
    }
    p->slots_since_poll++;
    resumed = wf_state_resume(&next->state);
    WF_ASSERT(resumed);
    next->worker = w;
    if (next->fresh) {
        next->fresh = false;
        p->unstarted--;
    }
    apply_mask(w, next->signal_mask);
    wf_context_switch(from, &next->context, next->context.tp ? next->context.tp : w->g0.tp);
}

void wf_worker_leave(struct wf_fiber *self, enum wf_leave how)
{
    struct wf_worker *w = self->worker;
    struct wf_processor *p = w->processor;
    bool due = poll_due(p);
    struct wf_fiber *next = due ? NULL : next_ready(p);

    if (how == WF_LEAVE_YIELD) {
        bool yielded;

        if (!next && !due)
            return;
        yielded = wf_state_yield(&self->state);
        WF_ASSERT(yielded);
    }
    w->leaving = self;
    w->how = how;
    go(w, &self->context, next);
    wf_fiber_tls = self; /* a light fiber shares this variable with others */
    wf_worker_landed(self->worker);
}

/* ---- g0 ---- */

static void fire_timers(struct wf_processor *p)
{
    struct wf_heap_node *n = wf_heap_first(&p->timers);
    int64_t now;

    if (!n)
        return;
    now = wf_clock_now();
    for (; n && n->key <= now; n = wf_heap_first(&p->timers)) {
        wf_heap_remove(&p->timers, n);
        (void)wf_unpark(wf_container(n, struct wf_fiber, timer), WF_PARK_TIMEOUT);
    }
}

static void poll(struct wf_processor *p, int64_t timeout)
{
    p->polls++;
    p->slots_since_poll = 0;
    p->driver->poll(p->driver, timeout);
    p->last_poll = wf_clock_coarse();
    fire_timers(p);
}

static int64_t idle_timeout(struct wf_processor *p)
{
    const struct wf_heap_node *n = wf_heap_first(&p->timers);
    int64_t until = wf_clock_min(n ? n->key : WF_NEVER, p->driver->next_deadline(p->driver));
    int64_t now;

    if (until == WF_NEVER)
        return WF_NEVER;
    now = wf_clock_now();
    return until > now ? until - now : 0;
}

/* Sleeps until there is something to run. The store and the re-check pair with
 * wf_processor_enqueue and wf_processor_signalled: one side sees the other. */
static void idle(struct wf_processor *p)
{
    int64_t timeout = idle_timeout(p);

    wf_store_seq_cst(&p->polling, 1);
    if (wf_load_seq_cst(&p->injected) || wf_load_seq_cst(&p->signals) == WF_SIGNALS_NEW)
        timeout = 0;
    poll(p, timeout);
    wf_store(&p->polling, 0);
}

static void g0_main(void *arg)
{
    struct wf_worker *w = arg;
    struct wf_processor *p = w->processor;

    wf_context_landed(&w->g0);
    if (w->g0.tp != p->main->context.tp)
        wf_tls_first_run();
    for (;;) {
        struct wf_fiber *next;

        wf_fiber_tls = NULL;
        worker_tls = w;
        wf_worker_landed(w);
        if (poll_due(p))
            poll(p, 0);
        next = next_ready(p);
        if (next)
            go(w, &w->g0, next);
        else
            idle(p);
    }
}

/* ---- becoming a worker ---- */

/* A block of its own keeps the scheduler's errno and malloc cache apart from the main fiber's.
 * Sanitizers know only the thread's own block, so there g0 shares it. */
static void *g0_tls(const struct wf_worker *w, const struct wf_fiber *main)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)w;
    return main->context.tp;
#else
    if (wf_tls_init() != WF_OK)
        return main->context.tp;
    return wf_tls_acquire(&w->g0_stack);
#endif
}

int wf_worker_adopt(struct wf_worker *w, struct wf_processor *p, struct wf_fiber *main)
{
    void *tp;
    int err;

    memset(w, 0, sizeof(*w));
    w->g0_pool = wf_fiber_pool(G0_STACK);
    if (!w->g0_pool)
        return WF_ELIMIT;
    err = wf_stack_alloc(w->g0_pool, &w->g0_stack);
    if (err)
        return err;
    tp = g0_tls(w, main);
    if (!tp) {
        wf_stack_free(w->g0_pool, &w->g0_stack);
        return WF_ENOMEM;
    }
    w->processor = p;
    p->holder = w;
    p->main = main;
    main->worker = w;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &w->signal_mask, KERNEL_SIGSET);
    main->signal_mask = w->signal_mask;
    wf_context_init(&w->g0, w->g0_stack.base, w->g0_stack.size, tp, g0_main, w);
    return WF_OK;
}

void wf_worker_release(struct wf_worker *w)
{
    struct wf_fiber *main = w->processor->main;

    if (w->g0.tp != main->context.tp)
        wf_tls_release(w->g0.tp);
    wf_context_destroy(&w->g0);
    wf_stack_free(w->g0_pool, &w->g0_stack);
    worker_tls = NULL;
    w->processor->holder = NULL;
    w->processor = NULL;
}
