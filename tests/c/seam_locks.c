/* Locks between fibers, and between fibers and real threads. */
#include "fibers.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

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

/* ---- semaphores ---- */

static void *post_all(void *arg)
{
    for (int i = 0; i < TURNS; i++)
        CHECK_EQ(sem_post(arg), 0);
    return NULL;
}

static void *take_all(void *arg)
{
    for (int i = 0; i < TURNS; i++)
        CHECK_EQ(sem_wait(arg), 0);
    return NULL;
}

static void sem_hands_over(void)
{
    pthread_t ids[4];
    sem_t s;

    sem_init(&s, 0, 0);
    ids[0] = fiber(take_all, &s);
    ids[1] = real_thread(take_all, &s);
    ids[2] = fiber(post_all, &s);
    ids[3] = real_thread(post_all, &s);
    for (int i = 0; i < 4; i++)
        join(ids[i]);
    CHECK_EQ(sem_trywait(&s), -1);
    CHECK_EQ(sem_destroy(&s), 0);
}

static void sem_times_out(void)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 20), bad = {.tv_nsec = 1000000000};
    sem_t s;

    sem_init(&s, 0, 1);
    errno = 0;
    CHECK_EQ(sem_timedwait(&s, &bad), -1);
    CHECK_EQ(errno, EINVAL);
    errno = 0;
    CHECK_EQ(sem_timedwait(&s, &soon), 0);
    CHECK_EQ(errno, 0);
    CHECK_EQ(sem_timedwait(&s, &soon), -1);
    CHECK_EQ(errno, ETIMEDOUT);
    soon = in_ms(CLOCK_MONOTONIC, 10);
    CHECK_EQ(sem_clockwait(&s, CLOCK_MONOTONIC, &soon), -1);
    CHECK_EQ(errno, ETIMEDOUT);
}

/* A process that knows nothing of our waiters. */
static void sem_of_two_processes(void)
{
    sem_t *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t child;

    CHECK_EQ(sem_init(s, 1, 0), 0);
    child = fork();
    if (child == 0) {
        nap_ms(20);
        _exit(sem_post(s));
    }
    CHECK_EQ(sem_wait(s), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

static sem_t posted_by_handler;

static void post_in_handler(int sig)
{
    (void)sig;
    CHECK_EQ(sem_post(&posted_by_handler), 0);
}

static void *send_signal(void *arg)
{
    usleep(20000);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    return arg;
}

static void *wait_for_post(void *arg)
{
    CHECK_EQ(sem_wait(arg), 0);
    return NULL;
}

static void sem_post_in_handler(void)
{
    pthread_t waiter, sender;

    sem_init(&posted_by_handler, 0, 0);
    signal(SIGUSR1, post_in_handler);
    waiter = fiber(wait_for_post, &posted_by_handler);
    sender = real_thread(send_signal, NULL);
    join(waiter);
    join(sender);
    signal(SIGUSR1, SIG_DFL);
}

/* ---- the others ---- */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int readers, writers;

static void *read_and_write(void *arg)
{
    for (int i = 0; i < TURNS; i++) {
        if (i % 4 == 0) {
            CHECK_EQ(pthread_rwlock_wrlock(&rwlock), 0);
            CHECK_EQ(readers + writers++, 0);
            if (i % 16 == 0)
                nap_us(50);
            writers--;
        } else {
            CHECK_EQ(pthread_rwlock_rdlock(&rwlock), 0);
            readers++;
            CHECK_EQ(writers, 0);
            if (i % 16 == 1)
                nap_us(50);
            readers--;
        }
        CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
    }
    return arg;
}

static void rwlock_excludes(void)
{
    pthread_t ids[2 * PARTIES];

    for (int i = 0; i < 2 * PARTIES; i++)
        ids[i] = i % 2 ? fiber(read_and_write, NULL) : real_thread(read_and_write, NULL);
    for (int i = 0; i < 2 * PARTIES; i++)
        join(ids[i]);
}

static void rwlock_errors(void)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 10), bad = {.tv_nsec = -1};

    CHECK_EQ(pthread_rwlock_wrlock(&rwlock), 0);
    CHECK_EQ(pthread_rwlock_wrlock(&rwlock), EDEADLK);
    CHECK_EQ(pthread_rwlock_rdlock(&rwlock), EDEADLK);
    CHECK_EQ(pthread_rwlock_timedrdlock(&rwlock, &bad), EINVAL);
    CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
    CHECK_EQ(pthread_rwlock_rdlock(&rwlock), 0);
    CHECK_EQ(pthread_rwlock_timedwrlock(&rwlock, &soon), ETIMEDOUT);
    CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
}

static pthread_barrier_t barrier;

static void *read_together(void *arg)
{
    CHECK_EQ(pthread_rwlock_rdlock(&rwlock), 0);
    pthread_barrier_wait(&barrier); /* none leaves before all are in */
    CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
    return arg;
}

static void rwlock_lets_all_readers_in(void)
{
    pthread_t ids[PARTIES];

    pthread_barrier_init(&barrier, NULL, PARTIES);
    CHECK_EQ(pthread_rwlock_wrlock(&rwlock), 0);
    for (int i = 0; i < PARTIES; i++)
        ids[i] = i % 4 == 3 ? real_thread(read_together, NULL) : fiber(read_together, NULL);
    nap_ms(5);
    CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
    for (int i = 0; i < PARTIES; i++)
        join(ids[i]);
    CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
}

static atomic_int arrived, serial;

static void *meet(void *arg)
{
    for (int i = 1; i <= TURNS; i++) {
        int r;

        arrived++;
        r = pthread_barrier_wait(&barrier);
        CHECK(r == 0 || r == PTHREAD_BARRIER_SERIAL_THREAD);
        CHECK(arrived >= i * PARTIES);
        serial += r != 0;
        pthread_barrier_wait(&barrier);
    }
    return arg;
}

static void barrier_of_both(void)
{
    pthread_t ids[PARTIES];

    pthread_barrier_init(&barrier, NULL, PARTIES);
    for (int i = 0; i < PARTIES; i++)
        ids[i] = i % 2 ? fiber(meet, NULL) : real_thread(meet, NULL);
    for (int i = 0; i < PARTIES; i++)
        join(ids[i]);
    CHECK_EQ(serial, TURNS);
    CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
}

static pthread_spinlock_t spin;

static void *spin_a_while(void *arg)
{
    for (int i = 0; i < TURNS; i++) {
        CHECK_EQ(pthread_spin_lock(&spin), 0);
        CHECK_EQ(inside++, 0);
        if (i % 64 == 0)
            nap_ms(1);
        inside--;
        CHECK_EQ(pthread_spin_unlock(&spin), 0);
    }
    return arg;
}

static void spin_lock_of_parked_fiber(void)
{
    pthread_t a, b;

    pthread_spin_init(&spin, 0);
    a = fiber(spin_a_while, NULL);
    b = fiber(spin_a_while, NULL);
    join(a);
    join(b);
}

static pthread_once_t once;
static atomic_int initialised;

static void initialise(void)
{
    initialised++;
    nap_ms(30); /* parks when a fiber runs it */
    initialised++;
}

static void *use(void *arg)
{
    CHECK_EQ(pthread_once(&once, initialise), 0);
    CHECK_EQ(initialised, 2);
    return arg;
}

/* One initialises, the others come while it is parked. */
static void initialise_by(pthread_t (*first)(void *(*)(void *), void *))
{
    static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
    pthread_t ids[2 * PARTIES];
    long long began = now_ms();

    once = fresh;
    initialised = 0;
    ids[0] = first(use, NULL);
    while (!initialised)
        nap_us(50);
    for (int i = 1; i < 2 * PARTIES; i++)
        ids[i] = i % 4 == 3 ? real_thread(use, NULL) : fiber(use, NULL);
    nap_ms(2);
    CHECK(now_ms() - began < 25); /* nobody keeps the worker */
    for (int i = 0; i < 2 * PARTIES; i++)
        join(ids[i]);
}

static void once_with_parking_initialiser(void)
{
    initialise_by(fiber);
    initialise_by(real_thread);
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
        {"sem_hands_over", sem_hands_over},
        {"sem_times_out", sem_times_out},
        {"sem_of_two_processes", sem_of_two_processes},
        {"sem_post_in_handler", sem_post_in_handler},
        {"rwlock_excludes", rwlock_excludes},
        {"rwlock_errors", rwlock_errors},
        {"rwlock_lets_all_readers_in", rwlock_lets_all_readers_in},
        {"barrier_of_both", barrier_of_both},
        {"spin_lock_of_parked_fiber", spin_lock_of_parked_fiber},
        {"once_with_parking_initialiser", once_with_parking_initialiser},
        {NULL, NULL},
    };

    return run_tests(argc, argv, tests);
}
