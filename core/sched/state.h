/* The state of a fiber: one atomic word, and every legal transition a function whose answer
 * must be looked at.
 *
 *            start            resume             prepare             landed
 *   NEW ------------> READY ---------> RUNNING ----------> PREPARED ---------> PARKED
 *                       ^   <---------   |  ^                 | |                |
 *                       |     yield      |  '-----------------' | wake           | wake
 *                       |                | end      abort       v                |
 *                       |                v          <------- NOTIFIED            |
 *                       |               DONE        consume     | landed         |
 *                       '-----------------------------------------'--------------'
 *
 * PREPARED: the fiber still runs, but wakes are recorded. NOTIFIED: one has been. A parking
 * fiber becomes PARKED only after it has left its stack (landed, done by whoever runs next on
 * its worker), so nobody can resume a stack that is still in use. The first wake wins by
 * compare-exchange: no lost wake-up, no double one.
 *
 * Who may do what: start, and wake: anyone. resume, landed: the worker that runs or ran the
 * fiber. prepare, abort, consume, yield, end: the fiber itself.
 * The word also carries, from wake to consume, why the park ended. */
#ifndef WF_SCHED_STATE_H
#define WF_SCHED_STATE_H

#include "base/atomic.h"

#include <stdbool.h>
#include <stdint.h>

#define WF_MUST_CHECK __attribute__((warn_unused_result))

enum wf_state {
    WF_STATE_NEW,
    WF_STATE_READY,
    WF_STATE_RUNNING,
    WF_STATE_PREPARED,
    WF_STATE_NOTIFIED,
    WF_STATE_PARKED,
    WF_STATE_DONE,
    WF_STATE_COUNT,
};

/* Why a park ended. */
enum wf_park_result {
    WF_PARK_OK,      /* woken by what it waited for, or spuriously: look again */
    WF_PARK_TIMEOUT, /* the caller's own deadline */
    WF_PARK_CANCEL,  /* the scope was cancelled or its deadline passed */
    WF_PARK_SIGNAL,  /* a signal handler ran; the call may end with EINTR */
};

typedef _Atomic uint32_t wf_state_word;

enum {
    WF_STATE_MASK = 0x0f,
    WF_STATE_RESULT_SHIFT = 4,
    WF_STATE_RESULT_MASK = 0xf0,
    WF_STATE_INTERRUPTIBLE = 0x100, /* PREPARED, PARKED: CANCEL and SIGNAL may wake it */
};

/* What a wake found. */
enum wf_wake {
    WF_WAKE_LOST,     /* it waits for nothing, was woken already, or this wake is not for it */
    WF_WAKE_RECORDED, /* it had not left yet and will see the wake itself */
    WF_WAKE_ENQUEUE,  /* it was parked and is READY now: the caller must queue it */
};

/* What the landing side found of a parking fiber. */
enum wf_landing {
    WF_LANDING_PARKED,
    WF_LANDING_ENQUEUE, /* woken in between: READY now, the caller must queue it */
};

static inline enum wf_state wf_state_of(uint32_t word)
{
    return (enum wf_state)(word & WF_STATE_MASK);
}

static inline enum wf_park_result wf_state_result(uint32_t word)
{
    return (enum wf_park_result)((word & WF_STATE_RESULT_MASK) >> WF_STATE_RESULT_SHIFT);
}

static inline uint32_t wf_state_with(enum wf_state s, enum wf_park_result r)
{
    return (uint32_t)s | (uint32_t)r << WF_STATE_RESULT_SHIFT;
}

/* All of these return false, and change nothing, when the transition is not legal now. */
bool wf_state_start(wf_state_word *w) WF_MUST_CHECK;  /* NEW -> READY */
bool wf_state_resume(wf_state_word *w) WF_MUST_CHECK; /* READY -> RUNNING, keeps the result */
bool wf_state_yield(wf_state_word *w) WF_MUST_CHECK;  /* RUNNING -> READY */
bool wf_state_prepare(wf_state_word *w, bool interruptible) WF_MUST_CHECK;
bool wf_state_end(wf_state_word *w) WF_MUST_CHECK; /* RUNNING -> DONE */
/* PREPARED or NOTIFIED -> RUNNING; the recorded result, OK when there was none. `was_notified`
 * tells which. */
bool wf_state_abort(wf_state_word *w, enum wf_park_result *result,
                    bool *was_notified) WF_MUST_CHECK;
enum wf_wake wf_state_wake(wf_state_word *w, enum wf_park_result why) WF_MUST_CHECK;
/* PREPARED -> PARKED or NOTIFIED -> READY. */
enum wf_landing wf_state_landed(wf_state_word *w) WF_MUST_CHECK;

#endif
