/* The runs of a case and their comparison. */
#include "harness.h"

#include <weft.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOKS = 3,         /* a run is repeated so often before its time is believed to be wrong */
    GAP_LIMIT_MS = 40, /* other fibers must get their turn while a case waits, for 60 ms or more */
    TICK_NS = 2000000,
    LATER_MAX = 64,
    KEEP_MAX = 512,
    RECORD = 16384,
};

enum place { LIBC, PLAIN_THREAD, MAIN_FIBER, THREAD_FIBER, LIGHT_FIBER, PLACES };

static const char *const place_names[PLACES] = {"libc", "plain thread", "main fiber",
                                                "thread fiber", "light fiber"};

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
typedef int join_fn(pthread_t, void **);

/* The calls behind the seam: what they make are OS threads. */
static create_fn *real_create;
static join_fn *real_join;

static struct {
    const struct seam_case *c;
    enum place place;
    char record[RECORD];
    size_t length;
    int64_t began; /* of the call that is being made */
    int failures;
    int kept[KEEP_MAX], kept_count;
    pthread_t threads[LATER_MAX];
    int thread_count;
    atomic_int threads_done;
} run;

static const char *truth; /* what libc's run of the case said */
static int total_failures;

/* ---- what a case says ---- */

void say(const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(run.record + run.length, RECORD - run.length - 1, format, args);
    va_end(args);
    run.length += (size_t)n;
    if (run.length > RECORD - 2)
        run.length = RECORD - 2;
    run.record[run.length++] = '\n';
    run.record[run.length] = '\0';
}

int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void seam_before(void)
{
    run.began = now_ms();
    errno = 0;
}

/* Every call must leave the errno of a success alone; 0 here. */
static const char *error_name(int err)
{
    return err ? strerrorname_np(err) : "-";
}

long seam_after(const char *text, long result)
{
    int err = errno;

    say("%s = %ld %s", text, result, error_name(err));
    errno = err;
    return result;
}

int seam_after_fd(const char *text, int fd)
{
    int err = errno;

    say("%s = %s %s", text, fd >= 0 ? "an fd" : "-1", error_name(err));
    errno = err;
    return fd;
}

long seam_after_for(const char *text, long result, long least_ms)
{
    int err = errno;
    int64_t took = now_ms() - run.began;
    bool right = took >= least_ms - 1 && took < least_ms * 5 + 300;

    if (right)
        say("%s = %ld %s, %ld ms", text, result, error_name(err), least_ms);
    else
        say("%s = %ld %s, %lld ms instead of %ld", text, result, error_name(err), (long long)took,
            least_ms);
    errno = err;
    return result;
}

void seam_expect(bool holds, const char *file, int line, const char *text)
{
    int err = errno;

    if (!holds) {
        printf("%s:%d: %s (%s): not true: %s (errno %s)\n", file, line, run.c->name,
               place_names[run.place], text, error_name(err));
        run.failures++;
    }
    errno = err;
}

bool in_fiber(void)
{
    return run.place >= MAIN_FIBER;
}

/* ---- help for cases ---- */

struct task {
    unsigned ms;
    void (*fn)(int);
    int arg;
};

static void *do_later(void *arg)
{
    struct task t = *(struct task *)arg;
    struct timespec span = {t.ms / 1000, (long)(t.ms % 1000) * 1000000};

    free(arg);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
    t.fn(t.arg);
    run.threads_done++;
    return NULL;
}

void later(unsigned ms, void (*fn)(int), int arg)
{
    struct task *t = malloc(sizeof(*t));
    sigset_t all, before;

    *t = (struct task){ms, fn, arg};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (real_create(&run.threads[run.thread_count++], NULL, do_later, t) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void settle(void)
{
    while (run.threads_done < run.thread_count)
        usleep(1000); /* a join would keep the worker */
    while (run.thread_count > 0)
        real_join(run.threads[--run.thread_count], NULL);
    run.threads_done = 0;
}

int keep(int fd)
{
    if (fd < 0) {
        perror("harness: no fd");
        abort();
    }
    run.kept[run.kept_count++] = fd;
    return fd;
}

struct pair unix_pair(int type)
{
    int fds[2];

    if (socketpair(AF_UNIX, type, 0, fds) != 0)
        abort();
    return (struct pair){keep(fds[0]), keep(fds[1])};
}

struct pair pipe_pair(void)
{
    int fds[2];

    if (pipe(fds) != 0)
        abort();
    return (struct pair){keep(fds[0]), keep(fds[1])};
}

int tcp_listener(void *addr, int backlog)
{
    struct sockaddr_in *in = addr;
    socklen_t size = sizeof(*in);
    int fd = keep(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, addr, size) != 0 || listen(fd, backlog) != 0 || getsockname(fd, addr, &size) != 0)
        abort();
    return fd;
}

struct pair tcp_pair(void)
{
    struct sockaddr_in addr;
    int listener = tcp_listener(&addr, 4);
    int a = keep(socket(AF_INET, SOCK_STREAM, 0));

    if (connect(a, (struct sockaddr *)&addr, sizeof(addr)) != 0)
        abort();
    return (struct pair){a, keep(accept(listener, NULL, NULL))};
}

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 131 + (i >> 8) * 17);
}

void fill(void *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)buf)[i] = byte_at(i);
}

const char *judge(const void *buf, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((const unsigned char *)buf)[i] != byte_at(i))
            return "wrong bytes";
    }
    return "right bytes";
}

/* ---- one run ---- */

static void run_case(void)
{
    run.length = 0;
    run.record[0] = '\0';
    run.failures = 0;
    run.c->run();
    settle();
    while (run.kept_count > 0)
        close(run.kept[--run.kept_count]);
}

static atomic_bool ticking;
static int64_t longest_gap;

/* Notes the longest time during which it did not get its turn. */
static int tick(void *arg)
{
    int64_t last = now_ms();

    (void)arg;
    while (ticking) {
        int64_t now;

        if (weft_sleep(TICK_NS) != WEFT_OK)
            break;
        now = now_ms();
        if (now - last > longest_gap)
            longest_gap = now - last;
        last = now;
    }
    return 0;
}

static void *in_plain_thread(void *arg)
{
    run_case();
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

static void run_in_thread(void)
{
    atomic_bool done = false;
    pthread_t t;

    if (real_create(&t, NULL, in_plain_thread, &done) != 0)
        abort();
    while (!done)
        (void)weft_sleep(TICK_NS);
    real_join(t, NULL);
}

static int in_a_fiber(void *arg)
{
    (void)arg;
    run_case();
    ticking = false;
    return 0;
}

static void check(const char *what, int status)
{
    if (status != WEFT_OK) {
        printf("%s: %s\n", what, weft_err_name(status));
        exit(1);
    }
}

static void run_in_fiber(void)
{
    weft_spawn_opts opts = {.size = sizeof(opts), .flags = WEFT_SPAWN_THREAD};
    weft_outcome outcome = {.size = sizeof(outcome)};
    weft_nursery *nursery;
    int status;

    check("weft_nursery_open", weft_nursery_open(NULL, &nursery));
    longest_gap = 0;
    ticking = true;
    check("weft_spawn", weft_spawn(nursery, tick, NULL, NULL, NULL));
    if (run.place == MAIN_FIBER) {
        run_case();
        ticking = false;
    } else {
        opts.flags = run.place == THREAD_FIBER ? WEFT_SPAWN_THREAD : 0;
        check("weft_spawn", weft_spawn(nursery, in_a_fiber, NULL, &opts, NULL));
    }
    do
        status = weft_nursery_close(nursery, WEFT_VALUE, &outcome);
    while (status == WEFT_EINTR);
    check("weft_nursery_close", status);
}

static void run_once(enum place place)
{
    run.place = place;
    longest_gap = 0;
    if (place == LIBC)
        run_case();
    else if (place == PLAIN_THREAD)
        run_in_thread();
    else
        run_in_fiber();
}

static bool applies(const struct seam_case *c, enum place place)
{
    if (c->flags & MAIN_ONLY)
        return place == LIBC || place == MAIN_FIBER;
    if ((c->flags & FIBERS_ONLY) && place < MAIN_FIBER)
        return false;
    return !((c->flags & THREADED) && place == LIGHT_FIBER);
}

/* Whether the run said what libc said, and let the others run. */
static bool is_right(bool verbose)
{
    bool same = (run.c->flags & FIBERS_ONLY) || strcmp(truth, run.record) == 0;
    bool fair = longest_gap < GAP_LIMIT_MS;

    if (verbose && !same)
        printf("%s (%s) differs\n--- libc\n%s--- here\n%s", run.c->name, place_names[run.place],
               truth, run.record);
    if (verbose && !fair)
        printf("%s (%s) kept the worker for %lld ms\n", run.c->name, place_names[run.place],
               (long long)longest_gap);
    return same && fair && run.failures == 0;
}

/* A machine with other work to do makes single runs late, not three of them. */
static void compare(const struct seam_case *c, enum place place)
{
    for (int look = 1; look <= LOOKS; look++) {
        run_once(place);
        if (is_right(look == LOOKS))
            return;
    }
    printf("FAILED %s (%s)\n", c->name, place_names[place]);
    total_failures++;
}

/* For the cases about signal masks: it must be blocked in every thread and fiber there is. */
static void block_sigusr2(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void start_weft(void)
{
    check("weft_start", weft_start(NULL));
    check("weft_seam_open", weft_seam_open(WEFT_SEAM_PROCESS, NULL));
}

/* libc's own behaviour has to be known before the seam is open, so it is kept for each case. */
static char **record_truths(const struct seam_case *cases, size_t count)
{
    char **truths = calloc(count + 1, sizeof(*truths));

    for (size_t i = 0; truths && i < count; i++) {
        run.c = &cases[i];
        if (cases[i].flags & FIBERS_ONLY)
            continue;
        run_once(LIBC);
        truths[i] = strdup(run.record);
        if (run.failures)
            total_failures++;
    }
    return truths;
}

static bool selected(const struct seam_case *c)
{
    const char *only = getenv("SEAM_CASE");

    return !only || strcmp(only, c->name) == 0;
}

int seam_main(const struct seam_case *cases)
{
    size_t count = 0;
    char **truths;

    setvbuf(stdout, NULL, _IOLBF, 0);
    *(void **)&real_create = dlsym(RTLD_NEXT, "pthread_create");
    *(void **)&real_join = dlsym(RTLD_NEXT, "pthread_join");
    while (cases[count].name)
        count++;
    block_sigusr2();
    truths = record_truths(cases, count);
    if (!truths)
        return 1;
    start_weft();
    for (size_t i = 0; i < count; i++) {
        run.c = &cases[i];
        truth = truths[i];
        if (getenv("SEAM_VERBOSE") && selected(run.c))
            printf("%s\n%s", run.c->name, truths[i] ? truths[i] : "");
        for (enum place p = PLAIN_THREAD; p < PLACES; p++) {
            if (applies(run.c, p) && selected(run.c))
                compare(run.c, p);
        }
        free(truths[i]);
    }
    free(truths);
    printf("%zu cases, %d failures\n", count, total_failures);
    return total_failures != 0;
}
