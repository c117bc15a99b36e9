/* Mutexes and conditions between fibers, and between fibers and real threads. */
#include "fibers.h"

#include <errno.h>
#include <stdatomic.h>

enum { PARTIES = 4, TURNS = 300 };

/* ---- mutexes ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int inside, total;

static void *enter_and_leave(void *arg)
{
    pthread_mutex_t *m = arg;

    for (int i = 0; i < TURNS; i++) {
        CHECK_EQ(pthread_mutex_lock(m), 0);
        CHECK_EQ(inside++, 0);
        if (i % 16 == 0)
            nap_us(50); /* a fiber parks here with the lock held */
        total++;
        inside--;
        CHECK_EQ(pthread_mutex_unlock(m), 0);
    }
    return NULL;
}

static void exclude(pthread_mutex_t *m, int real)
{
    pthread_t ids[2 * PARTIES];
    int n = 0;

    total = 0;
    for (int i = 0; i < PARTIES; i++)
        ids[n++] = fiber(enter_and_leave, m);
    for (int i = 0; i < PARTIES && real; i++)
        ids[n++] = real_thread(enter_and_leave, m);
    for (int i = 0; i < n; i++)
        join(ids[i]);
    CHECK_EQ(total, n * TURNS);
}

static void mutex_between_fibers(void)
{
    exclude(&mutex, 0);
}

static void mutex_with_real_threads(void)
{
    exclude(&mutex, 1);
}

static void exclude_by(int type, int protocol, int robust)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t m;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setprotocol(&attr, protocol);
    pthread_mutexattr_setrobust(&attr, robust);
    pthread_mutex_init(&m, &attr);
    exclude(&m, 1);
    CHECK_EQ(pthread_mutex_destroy(&m), 0);
}

static void mutex_kinds(void)
{
    exclude_by(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
    exclude_by(PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
    exclude_by(PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
    exclude_by(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
    exclude_by(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
}

static void *hold_for_a_while(void *m)
{
    CHECK_EQ(pthread_mutex_lock(m), 0);
    nap_ms(20);
    CHECK_EQ(pthread_mutex_unlock(m), 0);
    return NULL;
}

static void *lock_soon(void *m)
{
    usleep(5000);
    CHECK_EQ(pthread_mutex_lock(m), 0);
    CHECK_EQ(pthread_mutex_unlock(m), 0);
    return NULL;
}

/* The kernel would look for a thread with the fiber's tid. */
static void mutex_with_inheritance_held_by_a_fiber(void)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t m;
    pthread_t holder, real;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&m, &attr);
    holder = fiber(hold_for_a_while, &m);
    real = real_thread(lock_soon, &m);
    join(holder);
    join(real);
}

static void *lock_twice(void *arg)
{
    CHECK_EQ(pthread_mutex_lock(arg), 0);
    CHECK_EQ(pthread_mutex_lock(arg), EDEADLK);
    nap_ms(5);
    CHECK_EQ(pthread_mutex_unlock(arg), 0);
    CHECK_EQ(pthread_mutex_unlock(arg), EPERM);
    return NULL;
}

static void mutex_owner_is_the_fiber(void)
{
    pthread_mutex_t m = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
    pthread_t a = fiber(lock_twice, &m), b = fiber(lock_twice, &m);

    nap_ms(1);
    CHECK_EQ(pthread_mutex_unlock(&m), EPERM);
    join(a);
    join(b);
}

static void mutex_times_out(void)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 20), never = {.tv_nsec = 1000000000};
    long long began = now_ms();
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

    CHECK_EQ(pthread_mutex_timedlock(&m, &never), 0); /* not looked at when it is free */
    CHECK_EQ(pthread_mutex_timedlock(&m, &never), EINVAL);
    CHECK_EQ(pthread_mutex_timedlock(&m, &soon), ETIMEDOUT);
    CHECK(now_ms() - began >= 19);
    soon = in_ms(CLOCK_MONOTONIC, 20);
    CHECK_EQ(pthread_mutex_clocklock(&m, CLOCK_MONOTONIC, &soon), ETIMEDOUT);
    CHECK_EQ(pthread_mutex_clocklock(&m, CLOCK_PROCESS_CPUTIME_ID, &soon), EINVAL);
    CHECK_EQ(pthread_mutex_unlock(&m), 0);
}

/* ---- conditions ---- */

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void *take_turns(void *arg)
{
    int me = *(int *)arg;

    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % PARTIES != me)
            CHECK_EQ(pthread_cond_wait(&changed, &mutex), 0);
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

/* Every second party is a real thread. */
static void cond_ping_pong(void)
{
    static int numbers[PARTIES] = {0, 1, 2, 3};
    pthread_t ids[PARTIES];

    turn = 0;
    for (int i = 0; i < PARTIES; i++)
        ids[i] = i % 2 ? real_thread(take_turns, &numbers[i]) : fiber(take_turns, &numbers[i]);
    for (int i = 0; i < PARTIES; i++)
        join(ids[i]);
    CHECK_EQ(turn, PARTIES * TURNS);
}

static atomic_int stage;

static void *hold_then_wait(void *arg)
{
    pthread_mutex_lock(&mutex);
    stage = 1;
    usleep(20000); /* the fiber stands in line now */
    while (turn == 0)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void *want_mutex(void *arg)
{
    while (stage == 0)
        nap_us(50);
    pthread_mutex_lock(&mutex);
    turn = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
    return arg;
}

/* A real thread that goes to wait for a condition releases the mutex; a fiber that stands in line
 * for it must get it. */
static void cond_wait_of_real_thread_frees_mutex(void)
{
    pthread_t real, wanting;

    turn = stage = 0;
    real = real_thread(hold_then_wait, NULL);
    wanting = fiber(want_mutex, NULL);
    join(wanting);
    join(real);
}

/* Spurious wake-ups are allowed; some builds make them on purpose. */
static int wait_until(pthread_cond_t *c, const struct timespec *abs)
{
    int err;

    do {
        err = pthread_cond_timedwait(c, &mutex, abs);
    } while (err == 0);
    return err;
}

static void cond_times_out(void)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 20), bad = {.tv_nsec = -1};
    pthread_condattr_t attr;
    pthread_cond_t c;
    long long began = now_ms();

    pthread_mutex_lock(&mutex);
    CHECK_EQ(wait_until(&changed, &soon), ETIMEDOUT);
    CHECK(now_ms() - began >= 19);
    CHECK_EQ(pthread_cond_timedwait(&changed, &mutex, &bad), EINVAL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c, &attr);
    began = now_ms();
    soon = in_ms(CLOCK_MONOTONIC, 20);
    CHECK_EQ(wait_until(&c, &soon), ETIMEDOUT);
    CHECK(now_ms() - began >= 19 && now_ms() - began < 2000);
    CHECK_EQ(pthread_cond_destroy(&c), 0);
    pthread_mutex_unlock(&mutex);
}

static void cond_needs_the_mutex(void)
{
    pthread_mutex_t m = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

    CHECK_EQ(pthread_cond_wait(&changed, &m), EPERM);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"mutex_between_fibers", mutex_between_fibers},
        {"mutex_with_real_threads", mutex_with_real_threads},
        {"mutex_kinds", mutex_kinds},
        {"mutex_with_inheritance_held_by_a_fiber", mutex_with_inheritance_held_by_a_fiber},
        {"mutex_owner_is_the_fiber", mutex_owner_is_the_fiber},
        {"mutex_times_out", mutex_times_out},
        {"cond_ping_pong", cond_ping_pong},
        {"cond_wait_of_real_thread_frees_mutex", cond_wait_of_real_thread_frees_mutex},
        {"cond_times_out", cond_times_out},
        {"cond_needs_the_mutex", cond_needs_the_mutex},
        {NULL, NULL},
    };

    return run_tests(argc, argv, tests);
}
