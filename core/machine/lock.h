/* A small lock for short critical sections of the library itself: spin a little, then sleep in
 * the kernel. Never held across a park or a callback. Works in fibers and in plain OS threads.
 * Not for signal handlers. */
#ifndef WF_MACHINE_LOCK_H
#define WF_MACHINE_LOCK_H

#include "base/atomic.h"

struct wf_lock {
    _Atomic int word; /* 0 free, 1 held, 2 held and somebody sleeps */
};

void wf_lock_slow(struct wf_lock *l);
void wf_unlock_slow(struct wf_lock *l);

static inline void wf_lock(struct wf_lock *l)
{
    int free_word = 0;

    /* Pairs with the exchange in wf_unlock. */
    if (!wf_cas_acq_rel(&l->word, &free_word, 1))
        wf_lock_slow(l);
}

static inline void wf_unlock(struct wf_lock *l)
{
    /* Pairs with the compare-exchange in wf_lock. */
    if (wf_exchange_acq_rel(&l->word, 0) == 2)
        wf_unlock_slow(l);
}

#endif
