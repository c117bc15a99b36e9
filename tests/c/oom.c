/* Memory that runs out: every allocation of a program's life fails once, in turn. Each call says
 * WEFT_ENOMEM, leaves nothing behind, and can be made again. */
#include "check.h"

#include <errno.h>
#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

/* The sanitizers have an allocator of their own. */
int main(void)
{
    printf("skipped: sanitizers take the allocator\n");
    return 0;
}

#else

/* The allocation that fails, counted down; 0: none does. */
static long countdown;

static bool fails_now(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = ENOMEM;
    return true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

/* libweft.so and libuv call these instead of libc's. */
#define INSTEAD __attribute__((visibility("default")))

INSTEAD void *malloc(size_t size)
{
    return fails_now() ? NULL : __libc_malloc(size);
}

INSTEAD void *calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(n, size);
}

INSTEAD void *realloc(void *p, size_t size)
{
    return fails_now() ? NULL : __libc_realloc(p, size);
}

/* ---- a life, each step of which may fail ---- */

/* WEFT_OK, or WEFT_ENOMEM with everything as before. */
static int may_fail(int result)
{
    if (result != WEFT_OK)
        CHECK_EQ(result, WEFT_ENOMEM);
    return result;
}

static int in_nursery(weft_nursery *n)
{
    weft_spawn_opts opts = {.size = sizeof(opts), .name = "child", .site = "oom.c"};
    weft_fiber *f, *self;
    int err;

    err = may_fail(weft_spawn(n, sleeps_long, NULL, &opts, &f));
    CHECK_EQ(err == WEFT_OK, f != NULL);
    if (err)
        return err;
    OK(weft_yield());
    OK(weft_fiber_cancel(f, "the text may be lost, the cancellation not"));
    CHECK_EQ(join(f).kind, WEFT_CANCELLED);
    OK(weft_fiber_release(f));
    err = may_fail(weft_adopt(n, &opts, &f));
    CHECK_EQ(err == WEFT_OK, f != NULL);
    OK(weft_adopt_abort());
    if (err)
        return err;
    err = may_fail(weft_self(&self));
    return err ? err : weft_fiber_release(self);
}

static int in_scope(void)
{
    weft_nursery_opts opts = {.size = sizeof(opts), .limit = 1, .name = "oom"};
    weft_nursery *n;
    weft_token *t;
    int err = may_fail(weft_token_current(&t));

    if (err)
        return err;
    OK(weft_token_release(t));
    err = may_fail(weft_nursery_open(&opts, &n));
    CHECK_EQ(err == WEFT_OK, n != NULL);
    if (err)
        return err;
    err = in_nursery(n);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    return err;
}

static int in_runtime(void)
{
    weft_scope_opts opts = {.size = sizeof(opts), .deadline_ns = WEFT_NEVER};
    weft_token *t;
    int err = may_fail(weft_scope_open(&opts, &t));

    CHECK_EQ(err == WEFT_OK, t != NULL);
    if (err)
        return err;
    err = in_scope();
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
    return err;
}

static int life(void)
{
    int err = weft_start(NULL);

    if (err == WEFT_ENOTSUP) /* glibc says no more when it cannot read the main stack's bounds */
        return err;
    if (may_fail(err))
        return err;
    err = in_runtime();
    countdown = 0;
    OK(weft_stop());
    return err;
}

/* Until a life needs fewer allocations than the one that would fail. */
static void sweep(void)
{
    long at = 0;
    int failures = 0;
    bool spared;

    OK(weft_stop());
    do {
        countdown = ++at;
        failures += life() != WEFT_OK;
        spared = countdown > 0;
        countdown = 0;
        CHECK(at < 10000);
        OK(life()); /* nothing is broken for the next */
    } while (!spared && at < 200);
    CHECK(failures > 3);
    OK(weft_start(NULL));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {{"sweep", sweep}, {NULL, NULL}};

    return check_all(argc, argv, tests);
}

#endif
