/* A fiber whose calls never have to wait must still let others run. Each such call spends a little;
 * when the budget is spent the others get their turn. */
#ifndef WF_SEAM_BUDGET_H
#define WF_SEAM_BUDGET_H

#include "sched/fiber.h"

enum {
    WF_BUDGET = 1024,
    WF_SPEND_IO = 64,  /* an I/O operation that succeeded at once: 16 in a row */
    WF_SPEND_LOCK = 1, /* a lock given back: a loop over a lock that is always free */
};

/* May yield; keeps errno. Not with a lock of the library held. */
void wf_seam_spend(struct wf_fiber *f, uint32_t cost);

#endif
