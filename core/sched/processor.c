/* Run queue, inject list and timers of a processor. */
#include "sched/processor.h"

#include "base/assert.h"
#include "base/status.h"
#include "sched/park.h"

#include <string.h>

int wf_processor_init(struct wf_processor *p, struct wf_driver *driver)
{
    memset(p, 0, sizeof(*p));
    wf_list_init(&p->ready);
    wf_list_init(&p->inject);
    p->driver = driver;
    return wf_processor_reserve(p, 1);
}

void wf_processor_destroy(struct wf_processor *p)
{
    wf_heap_free(&p->timers);
}

int wf_processor_reserve(struct wf_processor *p, size_t fibers)
{
    return wf_heap_reserve(&p->timers, fibers) ? WF_OK : WF_ENOMEM;
}

static void wake_holder(struct wf_processor *p)
{
    /* Pairs with the store and re-check before the holder sleeps (worker.c, idle). */
    if (wf_exchange_seq_cst(&p->polling, 0))
        p->driver->wake(p->driver);
}

static void inject(struct wf_processor *p, struct wf_fiber *f)
{
    wf_lock(&p->inject_lock);
    wf_list_push_back(&p->inject, &f->run_link);
    wf_add_seq_cst(&p->injected, 1); /* pairs with the re-check in idle */
    wf_unlock(&p->inject_lock);
    wake_holder(p);
}

void wf_processor_enqueue(struct wf_processor *p, struct wf_fiber *f)
{
    struct wf_worker *w = wf_worker_self();

    if (w && w->processor == p)
        wf_list_push_back(&p->ready, &f->run_link);
    else
        inject(p, f);
}

void wf_processor_signalled(struct wf_processor *p)
{
    wf_store_seq_cst(&p->signals, WF_SIGNALS_NEW); /* pairs with the re-check in idle */
    wake_holder(p);
}

void wf_processor_signals_seen(struct wf_processor *p)
{
    /* Pairs with the store in wf_processor_signalled. */
    if (wf_exchange_seq_cst(&p->signals, WF_SIGNALS_NONE) == WF_SIGNALS_NEW && p->on_signals)
        p->on_signals(p);
}

/* Called by the runtime after the driver was renewed. */
void wf_processor_after_fork(struct wf_processor *p, struct wf_fiber *survivor)
{
    wf_list_init(&p->ready);
    p->unstarted = 0;
    wf_list_init(&p->inject);
    p->inject_lock = (struct wf_lock){0};
    wf_store(&p->injected, 0);
    wf_store(&p->polling, 0);
    wf_store(&p->signals, WF_SIGNALS_NONE);
    wf_store(&p->signal_due, 0);
    for (size_t i = 0; i < p->timers.count; i++)
        p->timers.nodes[i]->place = 0;
    p->timers.count = 0;
    p->holder->leaving = NULL;
    wf_list_init(&survivor->run_link);
    survivor->timer.place = 0;
    survivor->flags |= WF_FIBER_MAIN;
    p->main = survivor;
}
