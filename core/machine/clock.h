/* The one clock: monotonic nanoseconds. WF_NEVER is later than every deadline. */
#ifndef WF_MACHINE_CLOCK_H
#define WF_MACHINE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define WF_NEVER INT64_MAX
#define WF_NS_PER_S INT64_C(1000000000)
#define WF_NS_PER_MS INT64_C(1000000)

int64_t wf_clock_now(void);
/* A few milliseconds coarse, but four times cheaper: to notice that time has passed. */
int64_t wf_clock_coarse(void);
/* Saturates: `now` plus a span that does not fit is WF_NEVER; a negative span is `now`. */
int64_t wf_clock_after(int64_t span_ns);
/* ns of a timespec, saturated to WF_NEVER; negative seconds read as 0. */
int64_t wf_clock_from_timespec(const struct timespec *t);
struct timespec wf_clock_timespec(int64_t ns);
/* An absolute time of `clock` as a deadline of ours. */
int64_t wf_clock_deadline(clockid_t clock, const struct timespec *abs);

static inline int64_t wf_clock_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
