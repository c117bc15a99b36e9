/* pthread_create in a fiber makes a fiber, which behaves as a thread in all that can be seen. */
#include "fibers.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>

enum { MANY = 200, BIG_STACK = 32 << 20 };

static int os_threads(void)
{
    char line[128];
    int n = 0;
    FILE *f = fopen("/proc/self/status", "re");

    CHECK(f != NULL);
    while (fgets(line, sizeof(line), f))
        (void)sscanf(line, "Threads: %d", &n);
    fclose(f);
    return n;
}

static void *number(int n)
{
    return (void *)(intptr_t)n;
}

static void *nap_and_return(void *arg)
{
    nap_ms(2);
    return arg;
}

/* ---- creating and joining ---- */

static void threads_are_fibers(void)
{
    pthread_t ids[MANY];
    int before = os_threads();

    for (int i = 0; i < MANY; i++)
        ids[i] = fiber(nap_and_return, number(i));
    nap_ms(1);
    CHECK_EQ(os_threads(), before);
    for (int i = 0; i < MANY; i++) {
        void *result;

        CHECK_EQ(pthread_join(ids[i], &result), 0);
        CHECK_EQ((intptr_t)result, i);
    }
}

static void *return_at_once(void *arg)
{
    return arg;
}

static void id_is_kept_until_joined(void)
{
    pthread_t a = fiber(return_at_once, number(1)), b;
    void *result;

    nap_ms(2); /* it has ended */
    b = fiber(return_at_once, number(2));
    nap_ms(2);
    CHECK(a != b);
    CHECK_EQ(pthread_kill(a, 0), 0);
    CHECK_EQ(pthread_join(a, &result), 0);
    CHECK_EQ((intptr_t)result, 1);
    CHECK_EQ(pthread_join(b, &result), 0);
    CHECK_EQ((intptr_t)result, 2);
}

static void stale_ids_are_refused(void)
{
    struct sched_param param = {0};
    pthread_t id = fiber(return_at_once, NULL);
    char name[16];
    int policy;

    join(id);
    CHECK_EQ(pthread_join(id, NULL), ESRCH);
    CHECK_EQ(pthread_tryjoin_np(id, NULL), ESRCH);
    CHECK_EQ(pthread_detach(id), ESRCH);
    CHECK_EQ(pthread_kill(id, 0), ESRCH);
    CHECK_EQ(pthread_cancel(id), ESRCH);
    CHECK_EQ(pthread_setname_np(id, "x"), ESRCH);
    CHECK_EQ(pthread_getname_np(id, name, sizeof(name)), ESRCH);
    CHECK_EQ(pthread_getschedparam(id, &policy, &param), ESRCH);
}

static void detached_ids_are_refused(void)
{
    pthread_t id = fiber(nap_and_return, NULL);
    pthread_attr_t attr;

    CHECK_EQ(pthread_detach(id), 0);
    CHECK_EQ(pthread_detach(id), EINVAL);
    CHECK_EQ(pthread_join(id, NULL), EINVAL);
    nap_ms(10);
    CHECK_EQ(pthread_join(id, NULL), ESRCH);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    CHECK_EQ(pthread_create(&id, &attr, nap_and_return, NULL), 0);
    CHECK_EQ(pthread_join(id, NULL), EINVAL);
    nap_ms(10);
    CHECK_EQ(pthread_join(id, NULL), ESRCH);
}

static void *join_for_main(void *arg)
{
    CHECK_EQ(pthread_join(*(pthread_t *)arg, NULL), 0);
    return NULL;
}

static void joins_that_do_not_wait_for_ever(void)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 5), bad = {.tv_nsec = -1};
    pthread_t id = fiber(nap_and_return, number(7)), joiner;
    void *result;

    CHECK_EQ(pthread_join(pthread_self(), NULL), EDEADLK);
    CHECK_EQ(pthread_tryjoin_np(id, &result), EBUSY);
    CHECK_EQ(pthread_timedjoin_np(id, &result, &bad), EINVAL);
    CHECK_EQ(pthread_timedjoin_np(id, &result, &soon), 0);
    CHECK_EQ((intptr_t)result, 7);
    id = fiber(nap_and_return, NULL);
    joiner = fiber(join_for_main, &id);
    nap_us(50);
    CHECK_EQ(pthread_join(id, NULL), EINVAL); /* somebody waits already */
    CHECK_EQ(pthread_detach(id), EINVAL);
    join(joiner);
    id = fiber(nap_and_return, NULL);
    soon = in_ms(CLOCK_MONOTONIC, 0);
    CHECK_EQ(pthread_clockjoin_np(id, NULL, CLOCK_MONOTONIC, &soon), ETIMEDOUT);
    join(id);
}

static void *join_itself(void *arg)
{
    CHECK_EQ(pthread_join(pthread_self(), NULL), EDEADLK);
    return arg;
}

static void *sleep_really(void *arg)
{
    int (*real)(useconds_t);

    *(void **)(void *)&real = dlsym(RTLD_DEFAULT, "usleep");
    real(20000);
    return arg;
}

static void joins_across_kinds(void)
{
    pthread_t target = fiber(nap_and_return, NULL), id = real_thread(join_for_main, &target);
    struct timespec soon = in_ms(CLOCK_REALTIME, 5);
    void *result;

    join(id);
    join(fiber(join_itself, NULL));
    id = real_thread(sleep_really, number(3));
    CHECK_EQ(pthread_timedjoin_np(id, NULL, &soon), ETIMEDOUT);
    CHECK_EQ(pthread_join(id, &result), 0);
    CHECK_EQ((intptr_t)result, 3);
}

/* ---- who it is ---- */

/* Our own frame must lie within, and there must be as much as was asked for. Under ASan the tests
 * bring an answer of their own. */
static void look_at_stack(size_t wanted)
{
#if !defined(__SANITIZE_ADDRESS__)
    char here;
    pthread_attr_t attr;
    size_t size;
    void *base;

    CHECK_EQ(pthread_getattr_np(pthread_self(), &attr), 0);
    CHECK_EQ(pthread_attr_getstack(&attr, &base, &size), 0);
    CHECK(&here > (char *)base && &here < (char *)base + size);
    CHECK(size + 4096 >= wanted);
    pthread_attr_destroy(&attr);
#else
    (void)wanted;
#endif
}

static void *look_at_itself(void *arg)
{
    char name[16];

    CHECK_EQ(gettid(), syscall(SYS_gettid));
    CHECK(gettid() != getpid());
    look_at_stack((size_t)(uintptr_t)arg);
    CHECK_EQ(pthread_setname_np(pthread_self(), "a name too long for it"), ERANGE);
    CHECK_EQ(pthread_setname_np(pthread_self(), "worker"), 0);
    nap_ms(1);
    CHECK_EQ(pthread_getname_np(pthread_self(), name, 15), ERANGE);
    CHECK_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    CHECK_EQ(strcmp(name, "worker"), 0);
    return (void *)(intptr_t)gettid();
}

static void identity(void)
{
    char before[16], after[16];
    pthread_attr_t attr;
    void *tids[2];
    pthread_t ids[2];

    CHECK_EQ(gettid(), getpid());
    CHECK_EQ(pthread_getname_np(pthread_self(), before, sizeof(before)), 0);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, BIG_STACK);
    CHECK_EQ(pthread_create(&ids[0], &attr, look_at_itself, number(BIG_STACK)), 0);
    CHECK_EQ(pthread_create(&ids[1], NULL, look_at_itself, NULL), 0);
    CHECK_EQ(pthread_getname_np(ids[0], after, sizeof(after)), 0);
    CHECK_EQ(strcmp(before, after), 0); /* none of its own yet */
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_join(ids[i], &tids[i]), 0);
    CHECK(tids[0] != tids[1]);
    CHECK_EQ(pthread_getname_np(pthread_self(), after, sizeof(after)), 0);
    CHECK_EQ(strcmp(before, after), 0);
}

static void *use_deep_stack(void *arg)
{
    volatile char page[24 << 20];

    for (size_t i = 0; i < sizeof(page); i += 4096)
        page[i] = 1;
    return arg;
}

static void big_stacks_are_honoured(void)
{
    pthread_attr_t attr;
    pthread_t id;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, BIG_STACK);
    CHECK_EQ(pthread_create(&id, &attr, use_deep_stack, NULL), 0);
    join(id);
}

static void *look_at_scheduling(void *arg)
{
    struct sched_param param;
    cpu_set_t set;
    clockid_t clock;
    int policy;

    CHECK_EQ(pthread_getaffinity_np(pthread_self(), sizeof(set), &set), 0);
    CHECK(CPU_COUNT(&set) > 0);
    CHECK_EQ(pthread_setaffinity_np(pthread_self(), sizeof(set), &set), 0);
    CHECK_EQ(pthread_getschedparam(pthread_self(), &policy, &param), 0);
    CHECK_EQ(policy, SCHED_OTHER);
    CHECK_EQ(pthread_setschedparam(pthread_self(), policy, &param), 0);
    CHECK_EQ(pthread_getcpuclockid(pthread_self(), &clock), 0);
    CHECK_EQ(pthread_cancel(pthread_self()), ENOTSUP);
    return arg;
}

static void scheduling_is_the_workers(void)
{
    join(fiber(look_at_scheduling, NULL));
}

/* ---- how it ends ---- */

static char order[32];

static void note(void *letter)
{
    strncat(order, letter, 1);
}

extern int __cxa_thread_atexit_impl(void (*fn)(void *), void *object, void *dso);
extern void *__dso_handle;

static pthread_key_t key;

static void inner(void)
{
    pthread_cleanup_push(note, "c");
    nap_ms(1);
    pthread_exit(number(5));
    pthread_cleanup_pop(0);
}

static void *exit_within(void *arg)
{
    CHECK_EQ(pthread_setspecific(key, "k"), 0);
    CHECK_EQ(__cxa_thread_atexit_impl(note, "2", &__dso_handle), 0);
    CHECK_EQ(__cxa_thread_atexit_impl(note, "1", &__dso_handle), 0);
    pthread_cleanup_push(note, "d");
    inner();
    pthread_cleanup_pop(0);
    return arg;
}

static void destructors_run_in_order(void)
{
    void *result;

    CHECK_EQ(pthread_key_create(&key, note), 0);
    for (int i = 0; i < 3; i++) { /* the second ones reuse the first one's block */
        *order = '\0';
        CHECK_EQ(pthread_join(fiber(exit_within, NULL), &result), 0);
        CHECK_EQ((intptr_t)result, 5);
        if (strcmp(order, "cd12k") != 0)
            fprintf(stderr, "order is %s\n", order);
        CHECK_EQ(strcmp(order, "cd12k"), 0);
    }
}

static _Thread_local int own = 3;

static void *change_own(void *arg)
{
    CHECK_EQ(own, 3);
    CHECK_EQ(pthread_getspecific(key) == NULL, 1);
    own = 4;
    errno = 77;
    nap_ms(1);
    CHECK_EQ(errno, 77);
    CHECK_EQ(own, 4);
    return arg;
}

static void variables_are_their_own(void)
{
    for (int i = 0; i < 3; i++) {
        pthread_t a = fiber(change_own, NULL), b = fiber(change_own, NULL);

        join(a);
        join(b);
    }
    CHECK_EQ(own, 3);
}

static void *finish_later(void *arg)
{
    nap_ms(20);
    CHECK_EQ(write(*(int *)arg, "x", 1), 1);
    return NULL;
}

/* In a process of its own: main ends by pthread_exit, the others go on. */
static void main_may_leave_first(void)
{
    int ends[2], status;
    char c = 0;
    pid_t child;

    CHECK_EQ(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        fiber(finish_later, &ends[1]);
        pthread_exit(NULL);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(read(ends[0], &c, 1), 1);
    CHECK_EQ(c, 'x');
}

/* ---- C11 ---- */

static mtx_t c11_mutex;
static cnd_t c11_cond;
static int c11_ready;
static once_flag c11_once = ONCE_FLAG_INIT;

static void get_ready(void)
{
    nap_ms(1);
    c11_ready++;
}

static int run_c11(void *arg)
{
    call_once(&c11_once, get_ready);
    CHECK_EQ(mtx_lock(&c11_mutex), thrd_success);
    while (c11_ready == 1)
        CHECK_EQ(cnd_wait(&c11_cond, &c11_mutex), thrd_success);
    CHECK_EQ(mtx_unlock(&c11_mutex), thrd_success);
    if (arg)
        thrd_exit(12);
    return 11;
}

static void c11_threads(void)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 5);
    int before = os_threads(), result;
    thrd_t a, b;

    CHECK_EQ(mtx_init(&c11_mutex, mtx_timed), thrd_success);
    CHECK_EQ(cnd_init(&c11_cond), thrd_success);
    CHECK_EQ(thrd_create(&a, run_c11, NULL), thrd_success);
    CHECK_EQ(thrd_create(&b, run_c11, &result), thrd_success);
    nap_ms(5);
    CHECK_EQ(os_threads(), before);
    CHECK_EQ(mtx_lock(&c11_mutex), thrd_success);
    CHECK_EQ(mtx_timedlock(&c11_mutex, &soon), thrd_timedout);
    c11_ready = 2;
    CHECK_EQ(cnd_broadcast(&c11_cond), thrd_success);
    CHECK_EQ(mtx_unlock(&c11_mutex), thrd_success);
    CHECK_EQ(thrd_join(a, &result), thrd_success);
    CHECK_EQ(result, 11);
    CHECK_EQ(thrd_join(b, &result), thrd_success);
    CHECK_EQ(result, 12);
}

/* ---- fibers that pthread_create did not make ---- */

static int look_from_spawned(void *arg)
{
    (void)arg;
    CHECK_EQ(pthread_detach(pthread_self()), EINVAL);
    CHECK_EQ(pthread_setname_np(pthread_self(), "spawned"), 0);
    CHECK_EQ(__cxa_thread_atexit_impl(note, "s", &__dso_handle), 0);
    CHECK_EQ(pthread_kill(pthread_self(), 0), 0);
    return 0;
}

static void spawned_fibers_are_threads_too(void)
{
    weft_spawn_opts opts = {.size = sizeof(opts), .flags = WEFT_SPAWN_THREAD};
    weft_outcome out = {.size = sizeof(out)};
    weft_nursery *n;

    *order = '\0';
    CHECK_EQ(weft_nursery_open(NULL, &n), WEFT_OK);
    CHECK_EQ(weft_spawn(n, look_from_spawned, NULL, &opts, NULL), WEFT_OK);
    CHECK_EQ(weft_nursery_close(n, WEFT_VALUE, &out), WEFT_OK);
    CHECK_EQ(strcmp(order, "s"), 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"threads_are_fibers", threads_are_fibers},
        {"id_is_kept_until_joined", id_is_kept_until_joined},
        {"stale_ids_are_refused", stale_ids_are_refused},
        {"detached_ids_are_refused", detached_ids_are_refused},
        {"joins_that_do_not_wait_for_ever", joins_that_do_not_wait_for_ever},
        {"joins_across_kinds", joins_across_kinds},
        {"identity", identity},
        {"big_stacks_are_honoured", big_stacks_are_honoured},
        {"scheduling_is_the_workers", scheduling_is_the_workers},
        {"destructors_run_in_order", destructors_run_in_order},
        {"variables_are_their_own", variables_are_their_own},
        {"main_may_leave_first", main_may_leave_first},
        {"c11_threads", c11_threads},
        {"spawned_fibers_are_threads_too", spawned_fibers_are_threads_too},
        {NULL, NULL},
    };

    return run_tests(argc, argv, tests);
}
