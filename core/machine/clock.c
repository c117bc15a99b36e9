/* Monotonic time and its conversions; all saturate, none overflows. */
#include "machine/clock.h"

int64_t wf_clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * WF_NS_PER_S + t.tv_nsec;
}

int64_t wf_clock_coarse(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * WF_NS_PER_S + t.tv_nsec;
}

static int64_t add_saturated(int64_t now, int64_t span)
{
    if (span <= 0)
        return now;
    return span >= WF_NEVER - now ? WF_NEVER : now + span;
}

int64_t wf_clock_after(int64_t span_ns)
{
    return span_ns == WF_NEVER ? WF_NEVER : add_saturated(wf_clock_now(), span_ns);
}

int64_t wf_clock_from_timespec(const struct timespec *t)
{
    if (t->tv_sec < 0)
        return 0;
    if (t->tv_sec >= WF_NEVER / WF_NS_PER_S)
        return WF_NEVER;
    return (int64_t)t->tv_sec * WF_NS_PER_S + t->tv_nsec;
}

struct timespec wf_clock_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / WF_NS_PER_S, .tv_nsec = ns % WF_NS_PER_S};
}

int64_t wf_clock_deadline(clockid_t clock, const struct timespec *abs)
{
    int64_t then = wf_clock_from_timespec(abs);
    struct timespec t;
    int64_t now;

    if (clock == CLOCK_MONOTONIC || then == WF_NEVER)
        return then;
    clock_gettime(clock, &t);
    now = wf_clock_from_timespec(&t);
    return add_saturated(wf_clock_now(), then - now);
}
