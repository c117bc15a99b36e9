/* For programs that use weft by itself, without the seam: each test is a process of its own, with
 * the runtime started before it and stopped after it; `ok NAME` or `not ok NAME` for each. */
#ifndef WEFT_TESTS_C_CHECK_H
#define WEFT_TESTS_C_CHECK_H

#include <weft.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECK_PATIENCE_S = 100 };

#define MS INT64_C(1000000)
#define LONG_NS (60000 * MS) /* a wait that somebody has to end */

/* Ends the test unless both are the same. */
#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        long long left_ = (long long)(a), right_ = (long long)(b);                                 \
        if (left_ != right_) {                                                                     \
            fprintf(stderr, "%s:%d: %s is %lld, not %s (%lld)\n", __FILE__, __LINE__, #a, left_,   \
                    #b, right_);                                                                   \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

#define CHECK(condition) CHECK_EQ(!!(condition), 1)

/* A call that must succeed, or fail with one code. */
#define OK(call) CHECK_EQ(call, WEFT_OK)
#define FAILS(code, call) CHECK_EQ(call, code)

struct test {
    const char *name;
    void (*run)(void);
};

static inline void check_in_process(const struct test *t)
{
    alarm(CHECK_PATIENCE_S);
    OK(weft_start(NULL));
    t->run();
    OK(weft_stop());
    exit(0);
}

static inline int check_one(const struct test *t)
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        check_in_process(t);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        status = -1;
    printf("%s %s\n", status == 0 ? "ok" : "not ok", t->name);
    return status != 0;
}

/* All tests of the table, or those whose names are given. */
static inline int check_all(int argc, char **argv, const struct test *tests)
{
    int failed = 0;

    for (; tests->name; tests++) {
        int wanted = argc < 2;

        for (int i = 1; i < argc; i++)
            wanted |= strcmp(argv[i], tests->name) == 0;
        if (wanted)
            failed += check_one(tests);
    }
    return failed != 0;
}

/* ---- what the tests do again and again ---- */

static inline weft_nursery *open_limited(uint32_t limit)
{
    weft_nursery_opts opts = {.size = sizeof(opts), .limit = limit};
    weft_nursery *n;

    OK(weft_nursery_open(&opts, &n));
    return n;
}

static inline weft_nursery *open_nursery(void)
{
    return open_limited(0);
}

static inline weft_outcome close_nursery(weft_nursery *n, int32_t body)
{
    weft_outcome out = {.size = sizeof(out)};

    OK(weft_nursery_close(n, body, &out));
    return out;
}

static inline void close_with(weft_nursery *n, int32_t body, int32_t kind, int32_t code)
{
    weft_outcome out = close_nursery(n, body);

    CHECK_EQ(out.kind, kind);
    CHECK_EQ(out.code, code);
}

static inline weft_fiber *spawn(weft_nursery *n, weft_fn fn, void *arg)
{
    weft_fiber *f;

    OK(weft_spawn(n, fn, arg, NULL, &f));
    return f;
}

static inline void start(weft_nursery *n, weft_fn fn, void *arg)
{
    OK(weft_spawn(n, fn, arg, NULL, NULL));
}

static inline weft_outcome join(weft_fiber *f)
{
    weft_outcome out = {.size = sizeof(out)};

    OK(weft_join(f, WEFT_NEVER, &out));
    return out;
}

static inline int32_t state_of(weft_fiber *f)
{
    int32_t state;

    OK(weft_fiber_state_get(f, &state));
    return state;
}

static inline weft_cancel_info state_here(void)
{
    weft_cancel_info info = {.size = sizeof(info)};

    OK(weft_cancel_state(&info));
    return info;
}

static inline weft_token *open_scope(int64_t deadline)
{
    weft_scope_opts opts = {.size = sizeof(opts), .deadline_ns = deadline, .grace_ns = WEFT_NEVER};
    weft_token *t;

    OK(weft_scope_open(&opts, &t));
    return t;
}

static inline weft_token *open_shield(int64_t grace)
{
    weft_scope_opts opts = {
        .size = sizeof(opts),
        .flags = WEFT_SCOPE_SHIELD,
        .deadline_ns = WEFT_NEVER,
        .grace_ns = grace,
    };
    weft_token *t;

    OK(weft_scope_open(&opts, &t));
    return t;
}

static inline void close_scope(weft_token *t, int32_t in, int32_t kind, int32_t code)
{
    weft_outcome out = {.size = sizeof(out)};

    OK(weft_scope_close(t, in, &out));
    CHECK_EQ(out.kind, kind);
    CHECK_EQ(out.code, code);
}

/* ---- fibers ---- */

static inline int sleeps_long(void *arg)
{
    (void)arg;
    return weft_sleep(LONG_NS);
}

static inline int returns(void *arg)
{
    return *(int *)arg;
}

static inline int returns_at_once(void *arg)
{
    (void)arg;
    return 0;
}

#endif
