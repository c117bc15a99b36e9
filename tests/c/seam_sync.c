/* Semaphores, read-write locks, barriers, spin locks and once between fibers, and between fibers
 * and real threads. */
#include "fibers.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { PARTIES = 4, TURNS = 300 };

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
static int spinning;

static void *spin_a_while(void *arg)
{
    for (int i = 0; i < TURNS; i++) {
        CHECK_EQ(pthread_spin_lock(&spin), 0);
        CHECK_EQ(spinning++, 0);
        if (i % 64 == 0)
            nap_ms(1);
        spinning--;
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

static atomic_int tries;

static void give_up_once(void)
{
    if (tries++ == 0) {
        nap_ms(5);
        pthread_exit(NULL);
    }
}

static void *try_once(void *arg)
{
    CHECK_EQ(pthread_once(&once, give_up_once), 0);
    return arg;
}

/* It leaves the initialiser by unwinding, as a C++ exception would: the next one tries again. */
static void once_with_failing_initialiser(void)
{
    static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
    pthread_t a, b;

    once = fresh;
    a = fiber(try_once, NULL);
    b = fiber(try_once, NULL);
    join(a);
    join(b);
    CHECK_EQ(tries, 2);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
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
        {"once_with_failing_initialiser", once_with_failing_initialiser},
        {NULL, NULL},
    };

    return run_tests(argc, argv, tests);
}
