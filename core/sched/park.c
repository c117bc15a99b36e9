/* Park and unpark; the contract is in park.h. */
#include "sched/park.h"

#include "base/assert.h"
#include "sched/processor.h"

void wf_park_prepare(struct wf_fiber *self, enum wf_wait_reason waits, unsigned flags)
{
    bool prepared = wf_state_prepare(&self->state, (flags & WF_PARK_INTERRUPTIBLE) != 0);

    WF_ASSERT(prepared);
    self->waits = waits;
}

bool wf_park_abort(struct wf_fiber *self)
{
    enum wf_park_result result;
    bool notified = false;

    self->waits = WF_WAIT_NONE;
    return !wf_state_abort(&self->state, &result, &notified) || !notified;
}

/* Ends the park without switching: what was recorded meanwhile, else `otherwise`. */
static enum wf_park_result give_up(struct wf_fiber *self, enum wf_park_result otherwise)
{
    enum wf_park_result recorded;
    bool notified = false;
    bool aborted = wf_state_abort(&self->state, &recorded, &notified);

    WF_ASSERT(aborted);
    self->waits = WF_WAIT_NONE;
    return notified ? recorded : otherwise;
}

#if defined(WEFT_HARD)
/* Every other park ends by a wake that nobody sent: callers must look again. */
static bool spurious(void)
{
    static _Atomic unsigned turn;

    return wf_add(&turn, 1) % 2 == 0;
}
#else
static bool spurious(void)
{
    return false;
}
#endif

static void sleep_until(struct wf_fiber *self, int64_t until)
{
    struct wf_processor *p = self->home;

    p->parks++;
    if (until != WF_NEVER)
        wf_heap_add(&p->timers, &self->timer, until);
    wf_worker_leave(self, WF_LEAVE_PARK);
    wf_heap_remove(&self->home->timers, &self->timer);
    self->waits = WF_WAIT_NONE;
}

enum wf_park_result wf_park_commit(struct wf_fiber *self, int64_t deadline)
{
    uint32_t word = wf_load(&self->state);
    int64_t limit = WF_NEVER;
    int64_t until;
    enum wf_park_result r;

    if (wf_state_of(word) == WF_STATE_NOTIFIED)
        return give_up(self, WF_PARK_OK);
    if (word & WF_STATE_INTERRUPTIBLE) {
        wf_fence_after_rmw(); /* pairs with the fence in wf_fiber_set_interrupt */
        if (wf_load(&self->cancelled))
            return give_up(self, WF_PARK_CANCEL);
        limit = wf_load(&self->limit);
    }
    until = wf_clock_min(deadline, limit);
    if (until != WF_NEVER && until <= wf_clock_now())
        return give_up(self, limit <= deadline ? WF_PARK_CANCEL : WF_PARK_TIMEOUT);
    if (spurious()) {
        r = give_up(self, WF_PARK_OK);
        wf_yield(self);
        return r;
    }
    sleep_until(self, until);
    r = wf_state_result(wf_load(&self->state));
    return r == WF_PARK_TIMEOUT && limit <= deadline ? WF_PARK_CANCEL : r;
}

bool wf_unpark(struct wf_fiber *f, enum wf_park_result why)
{
    switch (wf_state_wake(&f->state, why)) {
    case WF_WAKE_LOST:
        return false;
    case WF_WAKE_RECORDED:
        return true;
    case WF_WAKE_ENQUEUE:
        wf_processor_enqueue(f->home, f);
        return true;
    }
    return false;
}

void wf_yield(struct wf_fiber *self)
{
    wf_worker_leave(self, WF_LEAVE_YIELD);
}

enum wf_park_result wf_park_sleep(struct wf_fiber *self, int64_t deadline, unsigned flags)
{
    enum wf_park_result r;

    do {
        wf_park_prepare(self, WF_WAIT_SLEEP, flags);
        r = wf_park_commit(self, deadline);
    } while (r == WF_PARK_OK);
    return r;
}
