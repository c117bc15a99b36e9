/* For programs that test the seam: weft started as a language runtime would start it, real OS
 * threads beside the fibers, checks that print what they saw, and an end when something hangs. */
#ifndef WEFT_TESTS_C_FIBERS_H
#define WEFT_TESTS_C_FIBERS_H

#include <weft.h>

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

/* Fails the program unless both are the same. */
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

static inline long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static inline void nap_us(long us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    CHECK_EQ(nanosleep(&t, NULL), 0);
}

static inline void nap_ms(long ms)
{
    nap_us(ms * 1000);
}

static inline struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* ---- real threads: what dlsym returns is libc's, whatever the seam did ---- */

static inline pthread_t real_thread(void *(*fn)(void *), void *arg)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    pthread_t id;

    *(void **)(void *)&create = dlsym(RTLD_DEFAULT, "pthread_create");
    CHECK_EQ(create(&id, NULL, fn, arg), 0);
    return id;
}

static inline pthread_t fiber(void *(*fn)(void *), void *arg)
{
    pthread_t id;

    CHECK_EQ(pthread_create(&id, NULL, fn, arg), 0);
    return id;
}

static inline void join(pthread_t id)
{
    CHECK_EQ(pthread_join(id, NULL), 0);
}

/* ---- the frame of a program ---- */

static inline void *watch(void *name)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    sleep(PATIENCE_S);
    fprintf(stderr, "%s hangs\n", *(const char *const *)name);
    abort();
}

struct test {
    const char *name;
    void (*run)(void);
};

/* True where there are no thread fibers, so no seam: nothing to test. */
static inline int open_seam(void)
{
    int err;

    CHECK_EQ(weft_start(NULL), WEFT_OK);
    err = weft_seam_open(WEFT_SEAM_PROCESS, NULL);
    if (err == WEFT_ENOTSUP)
        return 1;
    CHECK_EQ(err, WEFT_OK);
    return 0;
}

static const char *running_test = "start";

/* Runs all tests, or those whose names are given. */
static inline int run_tests(int argc, char **argv, const struct test *tests)
{
    if (open_seam()) {
        fprintf(stderr, "skipped: no thread fibers in this build\n");
        return 0;
    }
    pthread_detach(real_thread(watch, &running_test));
    for (; tests->name; tests++) {
        int wanted = argc < 2;

        for (int i = 1; i < argc; i++)
            wanted |= strcmp(argv[i], tests->name) == 0;
        if (!wanted)
            continue;
        running_test = tests->name;
        tests->run();
        printf("%s ok\n", tests->name);
        fflush(stdout);
    }
    return 0;
}

#endif
