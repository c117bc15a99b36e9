/* Large numbers: spawn and join 100 000, storms of cancels, from fibers and from OS threads. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#if defined(__SANITIZE_THREAD__)
enum { MANY = 4000, JOINERS = 4000 }; /* it knows no more than 8128 flows */
#else
enum { MANY = 100000, JOINERS = 10000 };
#endif

static long resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long pages = 0;

    CHECK(f != NULL);
    CHECK_EQ(fscanf(f, "%*d %ld", &pages), 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void counts_are(uint64_t live)
{
    weft_stats s = {.size = sizeof(s)};

    OK(weft_stats_read(&s));
    CHECK_EQ(s.fibers_live, live);
}

static int counted;

static int counts(void *arg)
{
    counted++;
    return arg ? *(int *)arg : 0;
}

static void spawn_and_close(int how_many)
{
    weft_nursery *n = open_nursery();

    for (int i = 0; i < how_many; i++) {
        start(n, counts, NULL);
        if (i % 64 == 0)
            OK(weft_yield());
    }
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_yield());
}

/* Sanitizers keep what was freed for a while: there only the rest is checked. */
static bool memory_counts(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return true;
#endif
}

static void spawn_and_forget(void)
{
    long before;

    spawn_and_close(MANY);
    before = resident_kib();
    spawn_and_close(MANY);
    spawn_and_close(MANY);
    CHECK_EQ(counted, 3 * MANY);
    if (memory_counts())
        CHECK(resident_kib() - before < 1024);
    counts_are(1);
}

static void spawn_all_then_join_each(void)
{
    weft_fiber **f = malloc(MANY * sizeof(weft_fiber *));
    weft_nursery *n = open_nursery();

    CHECK(f != NULL);
    for (int i = 0; i < MANY; i++)
        f[i] = spawn(n, counts, NULL);
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(join(f[i]).kind, WEFT_VALUE);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    for (int i = 0; i < MANY; i++)
        OK(weft_fiber_release(f[i]));
    CHECK_EQ(counted, MANY);
    free(f);
}

static void cancel_all_that_sleep(void)
{
    weft_nursery *n = open_nursery();

    for (int i = 0; i < MANY; i++)
        start(n, sleeps_long, NULL);
    OK(weft_sleep(MS));
    counts_are(MANY + 1);
    OK(weft_nursery_cancel(n, "all of you"));
    close_with(n, WEFT_CANCELLED, WEFT_VALUE, 0);
}

static int joins(void *arg)
{
    weft_outcome out = {.size = sizeof(out)};

    OK(weft_join(arg, WEFT_NEVER, &out));
    CHECK_EQ(out.kind, WEFT_CANCELLED);
    counted++;
    return 0;
}

static void joined_by_many(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *f = spawn(n, sleeps_long, NULL);

    for (int i = 0; i < JOINERS; i++)
        start(n, joins, f);
    OK(weft_sleep(MS));
    CHECK_EQ(counted, 0);
    OK(weft_fiber_cancel(f, NULL));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    CHECK_EQ(counted, JOINERS);
    OK(weft_fiber_release(f));
}

/* Joiners that give up at the moment the fiber ends. */
static int joins_or_gives_up(void *arg)
{
    int err = weft_join(arg, weft_now() + 2 * MS, NULL);

    CHECK(err == WEFT_OK || err == WEFT_ETIMEDOUT);
    return 0;
}

static int naps(void *arg)
{
    return weft_sleep(arg ? 0 : 2 * MS);
}

static void join_races_the_end(void)
{
    for (int round = 0; round < 50; round++) {
        weft_nursery *n = open_nursery();
        weft_fiber *f = spawn(n, naps, NULL);

        for (int i = 0; i < 50; i++)
            start(n, joins_or_gives_up, f);
        close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
        OK(weft_fiber_release(f));
    }
}

/* ---- storms ---- */

struct storm {
    weft_nursery *nursery;
    weft_fiber *fibers[64];
    _Atomic int over;
};

/* Restless: short sleeps, scopes, nurseries of its own, until it is cancelled for good. */
static int restless(void *arg)
{
    unsigned turn = (unsigned)(uintptr_t)arg;

    for (;;) {
        weft_token *t = open_scope(weft_now() + (turn % 7) * MS / 10);
        weft_outcome out = {.size = sizeof(out)};
        weft_nursery *n = open_nursery();
        int err;

        start(n, turn % 3 ? returns_at_once : naps, NULL);
        err = weft_sleep((turn++ % 5) * MS / 20);
        out = close_nursery(n, err ? WEFT_CANCELLED : WEFT_VALUE);
        OK(weft_scope_close(t, out.kind, &out));
        if (out.kind == WEFT_CANCELLED)
            return WEFT_ECANCELED;
        CHECK_EQ(out.kind, WEFT_VALUE);
        if (weft_checkpoint() == WEFT_ECANCELED)
            return WEFT_ECANCELED;
    }
}

static void storm_of_cancels(void)
{
    for (unsigned round = 0; round < 30; round++) {
        weft_nursery *n = open_nursery();
        weft_fiber *f[64];

        for (unsigned i = 0; i < 64; i++)
            f[i] = spawn(n, restless, (void *)(uintptr_t)(round + i));
        for (unsigned i = 0; i < 64; i++) {
            OK(weft_sleep(i * 1000));
            OK(weft_fiber_cancel(f[(i * 37) % 64], "storm"));
            OK(weft_fiber_cancel(f[(i * 37) % 64], "again"));
        }
        for (unsigned i = 0; i < 64; i++)
            CHECK_EQ(join(f[i]).kind, WEFT_CANCELLED);
        close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
        for (unsigned i = 0; i < 64; i++)
            OK(weft_fiber_release(f[i]));
    }
}

/* A foreign thread that looks at, and at last cancels, what the fibers are doing. */
static void *meddles(void *arg)
{
    weft_cancel_info info = {.size = sizeof(info)};
    struct storm *s = arg;
    int32_t state;

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 64; i++)
            OK(weft_fiber_state_get(s->fibers[i], &state));
        OK(weft_nursery_info(s->nursery, &info));
        usleep(200);
    }
    for (int i = 0; i < 64; i++)
        OK(weft_fiber_cancel(s->fibers[i], "from a thread"));
    OK(weft_nursery_cancel(s->nursery, "from a thread"));
    s->over++;
    return NULL;
}

static void storm_from_threads(void)
{
    for (unsigned round = 0; round < 10; round++) {
        struct storm s = {.nursery = open_nursery()};
        pthread_t threads[2];

        for (unsigned i = 0; i < 64; i++)
            s.fibers[i] = spawn(s.nursery, restless, (void *)(uintptr_t)(round + i));
        for (int i = 0; i < 2; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, meddles, &s), 0);
        while (s.over < 2)
            (void)weft_sleep_until(0); /* cancelled in the end, too */
        for (int i = 0; i < 2; i++)
            CHECK_EQ(pthread_join(threads[i], NULL), 0);
        close_with(s.nursery, WEFT_CANCELLED, WEFT_VALUE, 0);
        for (unsigned i = 0; i < 64; i++)
            OK(weft_fiber_release(s.fibers[i]));
    }
}

/* Handles taken and given back by threads, while fibers do the same. */
static void *takes_handles(void *arg)
{
    struct storm *s = arg;

    while (!s->over) {
        FAILS(WEFT_EBADHANDLE, weft_fiber_cancel((weft_fiber *)(void *)&s, NULL));
        for (int i = 0; i < 64; i++) {
            int err = weft_fiber_cancel(s->fibers[i], NULL);

            CHECK(err == WEFT_OK || err == WEFT_EBADHANDLE);
        }
    }
    return NULL;
}

static void handles_go_stale_under_a_thread(void)
{
    weft_nursery *n = open_nursery();
    struct storm s = {.nursery = n};
    pthread_t thread;

    for (int i = 0; i < 64; i++)
        s.fibers[i] = spawn(n, returns_at_once, NULL);
    CHECK_EQ(pthread_create(&thread, NULL, takes_handles, &s), 0);
    for (int round = 0; round < 300; round++) {
        weft_fiber *mine[64];

        for (int i = 0; i < 64; i++)
            mine[i] = spawn(n, returns_at_once, NULL);
        OK(weft_yield());
        for (int i = 0; i < 64; i++)
            OK(weft_fiber_release(mine[i]));
    }
    for (int i = 0; i < 64; i++)
        OK(weft_fiber_release(s.fibers[i]));
    OK(weft_sleep(2 * MS));
    s.over = 1;
    CHECK_EQ(pthread_join(thread, NULL), 0);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"spawn_and_forget", spawn_and_forget},
        {"spawn_all_then_join_each", spawn_all_then_join_each},
        {"cancel_all_that_sleep", cancel_all_that_sleep},
        {"joined_by_many", joined_by_many},
        {"join_races_the_end", join_races_the_end},
        {"storm_of_cancels", storm_of_cancels},
        {"storm_from_threads", storm_from_threads},
        {"handles_go_stale_under_a_thread", handles_go_stale_under_a_thread},
        {NULL, NULL},
    };

    return check_all(argc, argv, tests);
}
