/* What a fiber may do without waiting before others get their turn; see budget.h. */
#include "seam/budget.h"

#include "sched/park.h"

#include <errno.h>

void wf_seam_spend(struct wf_fiber *f, uint32_t cost)
{
    int saved;

    f->spent += cost;
    if (f->spent < WF_BUDGET)
        return;
    f->spent = 0;
    saved = errno;
    wf_yield(f);
    errno = saved;
}
