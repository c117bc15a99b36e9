/* After fork: the child has the forking fiber and nothing else. */
#include "check.h"

#include <pthread.h>

static weft_nursery *nursery;
static weft_fiber *sleeper, *ended;
static weft_token *scope, *token;

/* What the parent made reads as the parent's. */
static void all_is_of_before(void)
{
    weft_cancel_info info = {.size = sizeof(info)};
    int32_t state;

    FAILS(WEFT_EFORKED, weft_nursery_cancel(nursery, NULL));
    FAILS(WEFT_EFORKED, weft_nursery_info(nursery, &info));
    FAILS(WEFT_EFORKED, weft_fiber_cancel(sleeper, NULL));
    FAILS(WEFT_EFORKED, weft_fiber_state_get(ended, &state));
    FAILS(WEFT_EFORKED, weft_fiber_release(ended));
    FAILS(WEFT_EFORKED, weft_token_cancel(scope, NULL));
    FAILS(WEFT_EFORKED, weft_token_info(token, &info));
    FAILS(WEFT_EFORKED, weft_token_release(token));
    FAILS(WEFT_EFORKED, weft_stop());
    FAILS(WEFT_EBADHANDLE, weft_fiber_cancel(NULL, NULL));
    FAILS(WEFT_EBADHANDLE, weft_fiber_cancel((weft_fiber *)(void *)nursery, NULL));
}

static void fibers_calls_are_of_before(void)
{
    weft_outcome out = {.size = sizeof(out)};

    FAILS(WEFT_EFORKED, weft_spawn(nursery, returns_at_once, NULL, NULL, NULL));
    FAILS(WEFT_EFORKED, weft_adopt(nursery, NULL, NULL));
    FAILS(WEFT_EFORKED, weft_nursery_close(nursery, WEFT_VALUE, &out));
    FAILS(WEFT_EFORKED, weft_scope_close(scope, WEFT_VALUE, &out));
    FAILS(WEFT_EFORKED, weft_join(sleeper, WEFT_NEVER, &out));
}

/* And yet the child can use weft, with handles that differ from the old ones. */
static void new_things_work(void)
{
    weft_nursery *n = open_nursery();
    weft_token *t;
    weft_fiber *f;

    CHECK(n != nursery);
    CHECK_EQ(state_here().cancelled, 0);
    CHECK_EQ(state_here().deadline_ns, WEFT_NEVER);
    f = spawn(n, returns_at_once, NULL);
    CHECK_EQ(join(f).kind, WEFT_VALUE);
    OK(weft_fiber_release(f));
    t = open_scope(weft_now() + MS);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    close_scope(t, WEFT_CANCELLED, WEFT_VALUE, WEFT_ETIMEDOUT);
    start(n, sleeps_long, NULL);
    OK(weft_sleep(MS));
    OK(weft_nursery_cancel(n, NULL));
    close_with(n, WEFT_CANCELLED, WEFT_VALUE, 0);
    all_is_of_before();
    fibers_calls_are_of_before();
}

static void child_succeeds(pid_t pid)
{
    int status;

    CHECK(pid > 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}

static void prepare(void)
{
    nursery = open_nursery();
    sleeper = spawn(nursery, sleeps_long, NULL);
    ended = spawn(nursery, returns_at_once, NULL);
    scope = open_scope(weft_now() + LONG_NS);
    OK(weft_token_current(&token));
    OK(weft_sleep(MS));
}

static void tidy(void)
{
    close_scope(scope, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_nursery_cancel(nursery, NULL));
    close_with(nursery, WEFT_CANCELLED, WEFT_VALUE, 0);
    OK(weft_fiber_release(sleeper));
    OK(weft_fiber_release(ended));
    OK(weft_token_release(token));
}

static void forked_by_main(void)
{
    pid_t pid;

    prepare();
    pid = fork();
    if (pid == 0) {
        all_is_of_before();
        fibers_calls_are_of_before();
        new_things_work();
        _exit(0);
    }
    child_succeeds(pid);
    tidy();
}

static int forks(void *arg)
{
    pid_t pid = fork();

    if (pid == 0) {
        all_is_of_before();
        fibers_calls_are_of_before();
        new_things_work();
        _exit(0);
    }
    child_succeeds(pid);
    return arg ? -1 : 0;
}

static void forked_by_a_fiber(void)
{
    weft_fiber *f;

    prepare();
    f = spawn(nursery, forks, NULL);
    CHECK_EQ(join(f).kind, WEFT_VALUE);
    OK(weft_fiber_release(f));
    tidy();
}

static int forks_when_cancelled(void *arg)
{
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    return forks(arg);
}

static void forked_by_a_cancelled_fiber(void)
{
    weft_fiber *f;

    prepare();
    f = spawn(nursery, forks_when_cancelled, NULL);
    OK(weft_yield());
    OK(weft_fiber_cancel(f, NULL));
    CHECK_EQ(join(f).kind, WEFT_VALUE);
    OK(weft_fiber_release(f));
    tidy();
}

/* A plain OS thread forks: its child has no fiber at all. */
static void *forks_as_a_thread(void *arg)
{
    weft_nursery *n;
    pid_t pid = fork();

    if (pid == 0) {
        all_is_of_before();
        FAILS(WEFT_ENOTFIBER, weft_nursery_open(NULL, &n));
        FAILS(WEFT_ENOTFIBER, weft_yield());
        _exit(0);
    }
    child_succeeds(pid);
    return arg;
}

static void forked_by_a_thread(void)
{
    pthread_t thread;

    prepare();
    CHECK_EQ(pthread_create(&thread, NULL, forks_as_a_thread, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    tidy();
}

static void forked_twice(void)
{
    pid_t pid;

    prepare();
    pid = fork();
    if (pid == 0) {
        weft_nursery *n = open_nursery();

        pid = fork();
        if (pid == 0) {
            FAILS(WEFT_EFORKED, weft_nursery_cancel(n, NULL));
            all_is_of_before();
            new_things_work();
            _exit(0);
        }
        child_succeeds(pid);
        close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
        _exit(0);
    }
    child_succeeds(pid);
    tidy();
}

/* _Fork calls no handlers, only the seam sees it. */
static void forked_past_the_handlers(void)
{
    int err = weft_seam_open(WEFT_SEAM_PROCESS, NULL);
    pid_t pid;

    CHECK(err == WEFT_OK || err == WEFT_ENOTSUP); /* as this build can */
    if (err)
        return;
    prepare();
    pid = _Fork();
    if (pid == 0) {
        all_is_of_before();
        new_things_work();
        _exit(0);
    }
    child_succeeds(pid);
    tidy();
    exit(0); /* an open seam forbids the stop */
}

/* Fork in a process that is done with weft. */
static void forked_after_the_stop(void)
{
    pid_t pid;

    OK(weft_stop());
    pid = fork();
    if (pid == 0) {
        FAILS(WEFT_ENOTSTARTED, weft_yield());
        FAILS(WEFT_ENOTSTARTED, weft_stop());
        OK(weft_start(NULL));
        close_with(open_nursery(), WEFT_VALUE, WEFT_VALUE, 0);
        OK(weft_stop());
        _exit(0);
    }
    child_succeeds(pid);
    OK(weft_start(NULL));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"forked_by_main", forked_by_main},
        {"forked_by_a_fiber", forked_by_a_fiber},
        {"forked_by_a_cancelled_fiber", forked_by_a_cancelled_fiber},
        {"forked_by_a_thread", forked_by_a_thread},
        {"forked_twice", forked_twice},
        {"forked_past_the_handlers", forked_past_the_handlers},
        {"forked_after_the_stop", forked_after_the_stop},
        {NULL, NULL},
    };

    return check_all(argc, argv, tests);
}
