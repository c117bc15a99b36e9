/* The fiber's state word: every operation in every state, against the table drawn in state.h. */
#include "sched/state.h"

#include <criterion/criterion.h>

enum op { START, RESUME, YIELD, PREPARE, END, ABORT, WAKE, LANDED, OPS };

/* The state an operation leads to; REFUSED: it must answer so and change nothing; FORBIDDEN: it
 * is never called there (an assertion of its own). */
enum { REFUSED = -1, FORBIDDEN = -2 };

static const int table[WF_STATE_COUNT][OPS] = {
    [WF_STATE_NEW] = {WF_STATE_READY, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED,
                      FORBIDDEN},
    [WF_STATE_READY] = {REFUSED, WF_STATE_RUNNING, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED,
                        FORBIDDEN},
    [WF_STATE_RUNNING] = {REFUSED, REFUSED, WF_STATE_READY, WF_STATE_PREPARED, WF_STATE_DONE,
                          REFUSED, REFUSED, FORBIDDEN},
    [WF_STATE_PREPARED] = {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, WF_STATE_RUNNING,
                           WF_STATE_NOTIFIED, WF_STATE_PARKED},
    [WF_STATE_NOTIFIED] = {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, WF_STATE_RUNNING, REFUSED,
                           WF_STATE_READY},
    [WF_STATE_PARKED] = {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, WF_STATE_READY,
                         FORBIDDEN},
    [WF_STATE_DONE] = {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, FORBIDDEN},
};

/* Applies `op`; whether the word says it was taken. */
static bool apply(wf_state_word *w, enum op op)
{
    enum wf_park_result r;
    bool notified;

    switch (op) {
    case START:
        return wf_state_start(w);
    case RESUME:
        return wf_state_resume(w);
    case YIELD:
        return wf_state_yield(w);
    case PREPARE:
        return wf_state_prepare(w, false);
    case END:
        return wf_state_end(w);
    case ABORT:
        return wf_state_abort(w, &r, &notified);
    case WAKE:
        return wf_state_wake(w, WF_PARK_OK) != WF_WAKE_LOST;
    default:
        return wf_state_landed(w) == WF_LANDING_PARKED || wf_state_of(*w) == WF_STATE_READY;
    }
}

Test(sched_state, every_operation_in_every_state)
{
    for (int s = 0; s < WF_STATE_COUNT; s++) {
        for (int op = 0; op < OPS; op++) {
            wf_state_word w = (uint32_t)s;
            int expected = table[s][op];

            if (expected == FORBIDDEN)
                continue;
            cr_expect_eq(apply(&w, (enum op)op), expected != REFUSED, "state %d operation %d", s,
                         op);
            cr_expect_eq(wf_state_of(w), (enum wf_state)(expected == REFUSED ? s : expected),
                         "state %d operation %d", s, op);
        }
    }
}

Test(sched_state, only_an_interruptible_park_is_interrupted)
{
    for (int interruptible = 0; interruptible < 2; interruptible++) {
        enum wf_park_result whys[] = {WF_PARK_CANCEL, WF_PARK_SIGNAL};

        for (int i = 0; i < 2; i++) {
            wf_state_word prepared = WF_STATE_RUNNING, parked = WF_STATE_RUNNING;

            cr_assert(wf_state_prepare(&prepared, interruptible));
            cr_assert(wf_state_prepare(&parked, interruptible));
            cr_assert_eq(wf_state_landed(&parked), WF_LANDING_PARKED);
            cr_expect_eq(wf_state_wake(&prepared, whys[i]),
                         interruptible ? WF_WAKE_RECORDED : WF_WAKE_LOST);
            cr_expect_eq(wf_state_wake(&parked, whys[i]),
                         interruptible ? WF_WAKE_ENQUEUE : WF_WAKE_LOST);
        }
    }
}

Test(sched_state, first_wake_wins_and_its_reason_arrives)
{
    wf_state_word w = WF_STATE_RUNNING;

    cr_assert(wf_state_prepare(&w, true));
    cr_assert_eq(wf_state_wake(&w, WF_PARK_TIMEOUT), WF_WAKE_RECORDED);
    cr_expect_eq(wf_state_wake(&w, WF_PARK_OK), WF_WAKE_LOST);
    cr_assert_eq(wf_state_landed(&w), WF_LANDING_ENQUEUE);
    cr_assert(wf_state_resume(&w));
    cr_expect_eq(wf_state_result(w), WF_PARK_TIMEOUT);
}

Test(sched_state, abort_tells_of_a_wake_it_took)
{
    wf_state_word w = WF_STATE_RUNNING;
    enum wf_park_result r = WF_PARK_OK;
    bool notified = true;

    cr_assert(wf_state_prepare(&w, true));
    cr_assert(wf_state_abort(&w, &r, &notified));
    cr_expect_not(notified);
    cr_assert(wf_state_prepare(&w, true));
    cr_assert_eq(wf_state_wake(&w, WF_PARK_CANCEL), WF_WAKE_RECORDED);
    cr_assert(wf_state_abort(&w, &r, &notified));
    cr_expect(notified);
    cr_expect_eq(r, WF_PARK_CANCEL);
}
