/* Cancelling calls of a host that knows how to be interrupted: what it sees of semaphores, waits
 * and its own identity. The host here is this program. */
#include "fibers.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/wait.h>

enum { SIGNAL_NUMBER = 50, FIBERS = 40, ROUNDS = 200 };

/* The compiler believes that pthread_self() never changes its answer. */
static pthread_t (*volatile ask)(void) = pthread_self;

static atomic_int tripped; /* "a signal is to be handled by the main thread" */
static pthread_t main_thread;

static int trip(int sig)
{
    CHECK_EQ(sig, SIGNAL_NUMBER);
    tripped++;
    return 0;
}

/* What an interpreter does after EINTR: true when its handler raised. */
static int check_signals(void)
{
    if (ask() != main_thread || !tripped)
        return 0;
    tripped = 0;
    return weft_host_interrupt_ack(NULL) == 1;
}

/* ---- who am I ---- */

static int ask_who_i_am(void *arg)
{
    pthread_t me = ask();
    sem_t never;

    (void)arg;
    sem_init(&never, 0, 0);
    CHECK(me != main_thread);
    CHECK_EQ(sem_wait(&never), -1);
    CHECK_EQ(errno, EINTR);
    CHECK(ask() == main_thread);
    CHECK(ask() == main_thread); /* it may ask several times */
    CHECK(check_signals());
    CHECK(ask() == me);
    return WEFT_ECANCELED;
}

static void close_nursery(weft_nursery *n)
{
    weft_outcome out = {.size = sizeof(out)};

    CHECK_EQ(weft_nursery_close(n, WEFT_VALUE, &out), WEFT_OK);
    CHECK_EQ(out.kind, WEFT_VALUE);
}

static const weft_spawn_opts thread_fiber = {.size = sizeof(thread_fiber),
                                             .flags = WEFT_SPAWN_THREAD};

static void interrupted_fiber_appears_as_main(void)
{
    weft_nursery *n;

    CHECK_EQ(weft_nursery_open(NULL, &n), WEFT_OK);
    CHECK_EQ(weft_spawn(n, ask_who_i_am, NULL, &thread_fiber, NULL), WEFT_OK);
    CHECK_EQ(weft_sleep(5000000), WEFT_OK);
    CHECK_EQ(weft_nursery_cancel(n, NULL), WEFT_OK);
    close_nursery(n);
}

/* ---- no token is lost ---- */

static sem_t tokens;
static atomic_int taken, cut;

static int take_one(void *arg)
{
    (void)arg;
    while (sem_wait(&tokens) != 0) {
        CHECK_EQ(errno, EINTR);
        if (check_signals()) {
            cut++;
            return WEFT_ECANCELED;
        }
    }
    taken++;
    return 0;
}

/* Each round posts as many tokens as there are waiters left, and cancels some of the waiters in
 * the same breath, before or after: whoever was not cancelled must get one. */
static void cancelled_waiters_pass_the_wake_on(void)
{
    unsigned seed = 1;

    for (int round = 0; round < ROUNDS; round++) {
        weft_fiber *fibers[FIBERS];
        weft_nursery *n;
        int posts = FIBERS / 2, left;

        taken = cut = 0;
        sem_init(&tokens, 0, 0);
        CHECK_EQ(weft_nursery_open(NULL, &n), WEFT_OK);
        for (int i = 0; i < FIBERS; i++)
            CHECK_EQ(weft_spawn(n, take_one, NULL, &thread_fiber, &fibers[i]), WEFT_OK);
        weft_yield();
        for (int i = 0; i < FIBERS / 2; i++) {
            if (rand_r(&seed) % 2) {
                CHECK_EQ(sem_post(&tokens), 0);
                CHECK_EQ(weft_fiber_cancel(fibers[i], NULL), WEFT_OK);
            } else {
                CHECK_EQ(weft_fiber_cancel(fibers[FIBERS - 1 - i], NULL), WEFT_OK);
                CHECK_EQ(sem_post(&tokens), 0);
            }
        }
        CHECK_EQ(weft_sleep(1000000), WEFT_OK);
        CHECK_EQ(sem_getvalue(&tokens, &left), 0);
        CHECK_EQ(taken + left, posts);
        if (taken + cut != FIBERS) /* who still waits must be more than the tokens left */
            CHECK_EQ(left, 0);
        CHECK_EQ(weft_nursery_cancel(n, NULL), WEFT_OK);
        close_nursery(n);
        CHECK_EQ(taken + cut, FIBERS);
        for (int i = 0; i < FIBERS; i++)
            weft_fiber_release(fibers[i]);
    }
}

/* ---- what is cut and what is not ---- */

static int swallow(void *arg)
{
    sem_t never;
    int cuts = 0;
    long long began = now_ms();

    (void)arg;
    sem_init(&never, 0, 0);
    while (now_ms() - began < 60) { /* does not listen: is told again, but not without a pause */
        CHECK_EQ(sem_wait(&never), -1);
        CHECK_EQ(errno, EINTR);
        cuts++;
    }
    CHECK(cuts > 2 && cuts < 20);
    return WEFT_ECANCELED;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static int wait_uncut(void *arg)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    int err;

    (void)arg;
    CHECK_EQ(pthread_mutex_lock(&mutex), 0);
    while ((err = pthread_cond_timedwait(&cond, &mutex, &soon)) == 0)
        continue; /* spurious wake-ups are allowed */
    CHECK_EQ(err, ETIMEDOUT);
    CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
    return 0;
}

static int wait_for_child(void *arg)
{
    pid_t child = fork();
    int status;

    (void)arg;
    if (child == 0) {
        sleep(PATIENCE_S);
        _exit(0);
    }
    CHECK_EQ(waitpid(child, &status, 0), -1);
    CHECK_EQ(errno, EINTR);
    CHECK(check_signals());
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0) /* still cancelled: it is cut again */
        CHECK_EQ(errno, EINTR);
    return WEFT_ECANCELED;
}

static int run_shell(void *arg)
{
    long long began = now_ms();

    (void)arg;
    CHECK_EQ(system("exec sleep 60"), -1);
    CHECK(now_ms() - began < 10000);
    CHECK(check_signals());
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left behind */
    CHECK_EQ(errno, ECHILD);
    return WEFT_ECANCELED;
}

static void cancel_soon(weft_fn fn)
{
    weft_nursery *n;

    CHECK_EQ(weft_nursery_open(NULL, &n), WEFT_OK);
    CHECK_EQ(weft_spawn(n, fn, NULL, &thread_fiber, NULL), WEFT_OK);
    CHECK_EQ(weft_sleep(5000000), WEFT_OK);
    CHECK_EQ(weft_nursery_cancel(n, NULL), WEFT_OK);
    close_nursery(n);
}

static void swallowed_interrupts_are_repeated(void)
{
    cancel_soon(swallow);
    tripped = 0;
}

static void locks_are_not_cut(void)
{
    cancel_soon(wait_uncut);
}

static void waits_for_children_are_cut(void)
{
    cancel_soon(wait_for_child);
    tripped = 0;
    cancel_soon(run_shell);
    tripped = 0;
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"interrupted_fiber_appears_as_main", interrupted_fiber_appears_as_main},
        {"cancelled_waiters_pass_the_wake_on", cancelled_waiters_pass_the_wake_on},
        {"swallowed_interrupts_are_repeated", swallowed_interrupts_are_repeated},
        {"locks_are_not_cut", locks_are_not_cut},
        {"waits_for_children_are_cut", waits_for_children_are_cut},
        {NULL, NULL},
    };
    weft_host host = {.size = sizeof(host), .signal_number = SIGNAL_NUMBER, .interrupt = trip};

    main_thread = pthread_self();
    CHECK_EQ(weft_host_set(&host), WEFT_OK);
    return run_tests(argc, argv, tests);
}
