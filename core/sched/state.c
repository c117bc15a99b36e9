/* Transitions of the fiber's state word; the drawing is in state.h.
 * Every transition is an acq_rel compare-exchange on the one word, so each pairs with the one
 * before it: what a fiber did before it parked is seen by who wakes it, and the reverse. */
#include "sched/state.h"

#include "base/assert.h"

static bool move(wf_state_word *w, enum wf_state from, uint32_t to)
{
    uint32_t word = wf_load_acquire(w); /* pairs with the last transition */

    do {
        if (wf_state_of(word) != from)
            return false;
    } while (!wf_cas_acq_rel(w, &word, to));
    return true;
}

bool wf_state_start(wf_state_word *w)
{
    return move(w, WF_STATE_NEW, WF_STATE_READY);
}

bool wf_state_resume(wf_state_word *w)
{
    uint32_t word = wf_load_acquire(w); /* pairs with the waker's compare-exchange */

    do {
        if (wf_state_of(word) != WF_STATE_READY)
            return false;
    } while (!wf_cas_acq_rel(w, &word, wf_state_with(WF_STATE_RUNNING, wf_state_result(word))));
    return true;
}

bool wf_state_yield(wf_state_word *w)
{
    return move(w, WF_STATE_RUNNING, WF_STATE_READY);
}

bool wf_state_prepare(wf_state_word *w, bool interruptible)
{
    uint32_t to = WF_STATE_PREPARED | (interruptible ? (uint32_t)WF_STATE_INTERRUPTIBLE : 0u);

    return move(w, WF_STATE_RUNNING, to);
}

bool wf_state_end(wf_state_word *w)
{
    return move(w, WF_STATE_RUNNING, WF_STATE_DONE);
}

bool wf_state_abort(wf_state_word *w, enum wf_park_result *result, bool *was_notified)
{
    uint32_t word = wf_load_acquire(w); /* pairs with the waker's compare-exchange */

    do {
        enum wf_state s = wf_state_of(word);

        if (s != WF_STATE_PREPARED && s != WF_STATE_NOTIFIED)
            return false;
        *was_notified = s == WF_STATE_NOTIFIED;
        *result = wf_state_result(word);
    } while (!wf_cas_acq_rel(w, &word, WF_STATE_RUNNING));
    return true;
}

enum wf_wake wf_state_wake(wf_state_word *w, enum wf_park_result why)
{
    uint32_t word = wf_load_acquire(w); /* pairs with the sleeper's prepare */
    bool interrupt = why == WF_PARK_CANCEL || why == WF_PARK_SIGNAL;
    enum wf_state to;

    do {
        enum wf_state s = wf_state_of(word);

        if (s != WF_STATE_PREPARED && s != WF_STATE_PARKED)
            return WF_WAKE_LOST;
        if (interrupt && !(word & WF_STATE_INTERRUPTIBLE))
            return WF_WAKE_LOST;
        to = s == WF_STATE_PARKED ? WF_STATE_READY : WF_STATE_NOTIFIED;
    } while (!wf_cas_acq_rel(w, &word, wf_state_with(to, why)));
    return to == WF_STATE_READY ? WF_WAKE_ENQUEUE : WF_WAKE_RECORDED;
}

enum wf_landing wf_state_landed(wf_state_word *w)
{
    uint32_t word = wf_load_acquire(w); /* pairs with a waker's compare-exchange */
    uint32_t to;

    do {
        enum wf_state s = wf_state_of(word);

        WF_ASSERT(s == WF_STATE_PREPARED || s == WF_STATE_NOTIFIED);
        to = s == WF_STATE_PREPARED ? WF_STATE_PARKED | (word & WF_STATE_INTERRUPTIBLE)
                                    : wf_state_with(WF_STATE_READY, wf_state_result(word));
    } while (!wf_cas_acq_rel(w, &word, to));
    return wf_state_of(to) == WF_STATE_PARKED ? WF_LANDING_PARKED : WF_LANDING_ENQUEUE;
}
