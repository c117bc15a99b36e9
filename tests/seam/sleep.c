/* Sleeping and yielding. */
#include "harness.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 60 };

static const struct timespec wait_time = {0, WAIT * 1000000};
static const struct timespec zero, too_much = {0, 1000000000}, negative = {0, -1}, before = {-1, 0};

static void case_nanosleep(void)
{
    struct timespec rem = {7, 7};

    CALL_FOR(WAIT, nanosleep(&wait_time, &rem));
    say("%ld %ld", (long)rem.tv_sec, rem.tv_nsec);
    CALL(nanosleep(&zero, NULL));
    CALL(nanosleep(&too_much, NULL));
    CALL(nanosleep(&negative, NULL));
    CALL(nanosleep(&before, NULL));
    CALL(nanosleep(NULL, NULL));
    CALL_FOR(WAIT, usleep(WAIT * 1000));
    CALL(usleep(0));
    CALL(sleep(0));
    CALL_FOR(1000, sleep(1));
    CALL_FOR(1100, usleep(1100000));
}

static struct timespec soon(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_nsec += WAIT * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static void case_clock_nanosleep(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
    struct timespec t;

    for (int i = 0; i < 4; i++) {
        CALL_FOR(WAIT, clock_nanosleep(clocks[i], 0, &wait_time, NULL));
        t = soon(clocks[i]);
        CALL_FOR(WAIT, clock_nanosleep(clocks[i], TIMER_ABSTIME, &t, NULL));
        CALL(clock_nanosleep(clocks[i], TIMER_ABSTIME, &t, NULL));
        CALL(clock_nanosleep(clocks[i], TIMER_ABSTIME, &zero, NULL));
        CALL(clock_nanosleep(clocks[i], 0, &too_much, NULL));
        CALL(clock_nanosleep(clocks[i], TIMER_ABSTIME, &negative, NULL));
        CALL(clock_nanosleep(clocks[i], TIMER_ABSTIME, &before, NULL));
    }
    CALL(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &wait_time, NULL));
    CALL(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &wait_time, NULL));
    CALL(clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &wait_time, NULL));
    CALL(clock_nanosleep(9999, 0, &wait_time, NULL));
}

static void case_threads_h(void)
{
    CALL_FOR(WAIT, thrd_sleep(&wait_time, NULL));
    CALL(thrd_sleep(&too_much, NULL));
    thrd_yield();
    CALL(sched_yield());
}

static void on_signal(int sig)
{
    (void)sig;
}

static void send_signal(int sig)
{
    kill(getpid(), sig);
}

static void case_signal_cuts(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct timespec t = {5, 0}, rem = {0, 0};

    EXPECT(sigaction(SIGUSR1, &a, NULL) == 0);
    later(WAIT, send_signal, SIGUSR1);
    CALL_FOR(WAIT, nanosleep(&t, &rem));
    say("%ld", (long)rem.tv_sec);
    later(WAIT, send_signal, SIGUSR1);
    CALL_FOR(WAIT, sleep(5));
    later(WAIT, send_signal, SIGUSR1);
    CALL_FOR(WAIT, clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &rem));
    say("%ld", (long)rem.tv_sec);
    later(WAIT, send_signal, SIGUSR1);
    CALL_FOR(WAIT, thrd_sleep(&t, &rem));
    t = soon(CLOCK_MONOTONIC);
    rem.tv_sec = 99;
    t.tv_sec += 5;
    later(WAIT, send_signal, SIGUSR1);
    CALL_FOR(WAIT, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &rem));
    say("%ld", (long)rem.tv_sec);
    CALL_FOR(WAIT, nanosleep(&wait_time, NULL));
}

static const struct seam_case cases[] = {
    {"nanosleep", case_nanosleep, 0},
    {"clock_nanosleep", case_clock_nanosleep, 0},
    {"threads_h", case_threads_h, 0},
    {"signal_cuts", case_signal_cuts, MAIN_ONLY},
    CASES_END,
};

int main(void)
{
    return seam_main(cases);
}
