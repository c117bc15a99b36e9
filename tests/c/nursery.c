/* Nurseries as a user sees them: who is cancelled by whom, what leaves, limits, daemons. */
#include "check.h"

static int fails(void *arg)
{
    return arg ? *(int *)arg : WEFT_EINVAL;
}

static int is_fatal(void *arg)
{
    (void)arg;
    OK(weft_outcome_set(WEFT_FATAL, 0));
    return 0;
}

static weft_cancel_info info_of(weft_nursery *n)
{
    weft_cancel_info info = {.size = sizeof(info)};

    OK(weft_nursery_info(n, &info));
    return info;
}

/* ---- outcomes ---- */

static void check_result(int result, int32_t kind, int32_t code)
{
    weft_nursery *n = open_nursery();
    weft_fiber *f = spawn(n, returns, &result);
    weft_outcome out = join(f);

    CHECK_EQ(out.kind, kind);
    CHECK_EQ(out.code, code);
    close_with(n, WEFT_VALUE, kind == WEFT_ERROR ? WEFT_ERROR : WEFT_VALUE, kind == WEFT_ERROR);
    OK(weft_fiber_release(f));
}

static void results(void)
{
    check_result(0, WEFT_VALUE, 0);
    check_result(WEFT_ECANCELED, WEFT_CANCELLED, WEFT_ECANCELED);
    check_result(WEFT_ENOMEM, WEFT_ERROR, WEFT_ENOMEM);
    check_result(-12345, WEFT_ERROR, -12345);
}

static int sets_outcome(void *arg)
{
    OK(weft_outcome_set(WEFT_ERROR, WEFT_EBUSY));
    return *(int *)arg;
}

static void outcome_that_is_set(void)
{
    weft_nursery *n = open_nursery();
    int zero = 0;
    weft_fiber *f = spawn(n, sets_outcome, &zero);

    CHECK_EQ(join(f).code, WEFT_EBUSY);
    close_with(n, WEFT_VALUE, WEFT_ERROR, 1);
    CHECK_EQ(join(f).kind, WEFT_ERROR); /* the handle outlives the nursery */
    OK(weft_fiber_release(f));
}

static int shows_state(void *arg)
{
    weft_fiber *self;

    OK(weft_self(&self));
    CHECK_EQ(state_of(self), WEFT_FIBER_RUNNING);
    OK(weft_fiber_cancel(self, "by myself"));
    CHECK_EQ(state_of(self), WEFT_FIBER_CANCELLING);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    FAILS(WEFT_ECANCELED, weft_checkpoint());
    CHECK(strcmp(state_here().text, "by myself") == 0);
    OK(weft_fiber_release(self));
    return *(int *)arg;
}

static void states(void)
{
    weft_nursery *n = open_nursery();
    int zero = 0;
    weft_fiber *f = spawn(n, shows_state, &zero);

    CHECK_EQ(state_of(f), WEFT_FIBER_PENDING);
    CHECK_EQ(join(f).kind, WEFT_VALUE);
    CHECK_EQ(state_of(f), WEFT_FIBER_DONE);
    OK(weft_fiber_cancel(f, "too late"));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_fiber_release(f));
}

/* ---- failures ---- */

static void first_error_cancels_siblings_and_body(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *sibling = spawn(n, sleeps_long, NULL);
    weft_spawn_opts opts = {.size = sizeof(opts), .name = "worker3", .site = "app.c:12"};
    weft_cancel_info here;

    OK(weft_spawn(n, fails, NULL, &opts, NULL));
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    here = state_here();
    CHECK_EQ(here.cancelled, 1);
    CHECK_EQ(here.reason, WEFT_REASON_FAILED);
    CHECK(strcmp(here.text, "worker3 failed") == 0);
    close_with(n, WEFT_CANCELLED, WEFT_ERROR, 1);
    CHECK_EQ(join(sibling).kind, WEFT_CANCELLED);
    CHECK_EQ(state_here().cancelled, 0);
    OK(weft_sleep(1));
    OK(weft_fiber_release(sibling));
}

static int fails_when_cancelled(void *arg)
{
    FAILS(WEFT_ECANCELED, sleeps_long(arg));
    return WEFT_EINVAL;
}

static void all_errors_are_counted(void)
{
    weft_nursery *n = open_nursery();

    for (int i = 0; i < 20; i++)
        start(n, fails_when_cancelled, NULL);
    OK(weft_yield());
    start(n, fails, NULL);
    close_with(n, WEFT_VALUE, WEFT_ERROR, 21);
}

static void body_that_fails(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *f = spawn(n, sleeps_long, NULL);

    OK(weft_yield());
    close_with(n, WEFT_ERROR, WEFT_ERROR, 0);
    CHECK_EQ(join(f).kind, WEFT_CANCELLED);
    OK(weft_fiber_release(f));
}

static int nests(void *arg)
{
    weft_nursery *n = open_nursery();
    int depth = *(int *)arg - 1;

    start(n, sleeps_long, NULL);
    start(n, depth ? nests : fails, depth ? &depth : NULL);
    return close_nursery(n, WEFT_VALUE).kind == WEFT_ERROR ? WEFT_EFAILED : 0;
}

static void error_climbs_the_tree(void)
{
    weft_nursery *n = open_nursery();
    int depth = 200;
    weft_fiber *f = spawn(n, nests, &depth);

    CHECK_EQ(join(f).code, WEFT_EFAILED);
    close_with(n, WEFT_VALUE, WEFT_ERROR, 1);
    OK(weft_fiber_release(f));
}

static void fatal_climbs_to_main(void)
{
    weft_nursery *outer = open_nursery(), *n = open_nursery();

    start(outer, sleeps_long, NULL);
    start(n, is_fatal, NULL);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    CHECK_EQ(state_here().reason, WEFT_REASON_FATAL);
    close_with(n, WEFT_CANCELLED, WEFT_FATAL, 0);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    close_with(outer, WEFT_FATAL, WEFT_FATAL, 0);
    OK(weft_sleep(1)); /* main has it, and may save its work */
}

/* ---- cancellation, and whose it is ---- */

static void own_cancel_ends_here(void)
{
    weft_nursery *n = open_nursery();

    start(n, sleeps_long, NULL);
    OK(weft_yield());
    OK(weft_nursery_cancel(n, "enough"));
    OK(weft_nursery_cancel(n, "the first reason stays"));
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    CHECK(strcmp(info_of(n).text, "enough") == 0);
    close_with(n, WEFT_CANCELLED, WEFT_VALUE, 0);
}

static void outer_cancel_wins(void)
{
    weft_nursery *outer = open_nursery(), *inner = open_nursery();

    start(inner, sleeps_long, NULL);
    OK(weft_yield());
    OK(weft_nursery_cancel(inner, NULL));
    OK(weft_nursery_cancel(outer, NULL)); /* comes while the inner one unwinds */
    close_with(inner, WEFT_CANCELLED, WEFT_CANCELLED, 0);
    close_with(outer, WEFT_CANCELLED, WEFT_VALUE, 0);
}

static void what_only_children_felt(void)
{
    weft_nursery *outer = open_nursery(), *inner = open_nursery();

    start(inner, sleeps_long, NULL);
    OK(weft_yield());
    OK(weft_nursery_cancel(outer, NULL));
    close_with(inner, WEFT_VALUE, WEFT_CANCELLED, 0);
    close_with(outer, WEFT_CANCELLED, WEFT_VALUE, 0);
}

static void one_child_cancelled(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *a = spawn(n, sleeps_long, NULL), *b = spawn(n, sleeps_long, NULL);

    OK(weft_yield());
    OK(weft_fiber_cancel(a, NULL));
    CHECK_EQ(join(a).kind, WEFT_CANCELLED);
    CHECK_EQ(state_of(b), WEFT_FIBER_RUNNING);
    CHECK_EQ(info_of(n).cancelled, 0);
    OK(weft_fiber_cancel(b, NULL));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_fiber_release(a));
    OK(weft_fiber_release(b));
}

static void spawned_into_a_cancelled_one(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *f;

    OK(weft_nursery_cancel(n, NULL));
    f = spawn(n, fails, NULL); /* cancelled before it runs: it does not run */
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    CHECK_EQ(join(f).kind, WEFT_CANCELLED);
    OK(weft_fiber_release(f));
}

/* ---- limits ---- */

static int now_running, most_running, total_run;

static int measures(void *arg)
{
    if (++now_running > most_running)
        most_running = now_running;
    total_run++;
    OK(weft_sleep(MS / 10));
    now_running--;
    return arg ? *(int *)arg : 0;
}

static void limit_is_kept(void)
{
    weft_nursery *n = open_limited(8);

    for (int i = 0; i < 500; i++)
        start(n, measures, NULL);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    CHECK_EQ(most_running, 8);
    CHECK_EQ(total_run, 500);
}

static void limit_and_failure(void)
{
    weft_nursery *n = open_limited(2);
    int bad = WEFT_EINVAL;

    start(n, measures, &bad);
    for (int i = 0; i < 500; i++)
        start(n, sleeps_long, NULL);
    close_with(n, WEFT_VALUE, WEFT_ERROR, 1);
}

static void limit_and_cancel_of_one_that_waits(void)
{
    weft_nursery *n = open_limited(1);
    weft_fiber *running = spawn(n, sleeps_long, NULL), *waiting = spawn(n, measures, NULL);

    OK(weft_yield());
    CHECK_EQ(state_of(waiting), WEFT_FIBER_PENDING);
    OK(weft_fiber_cancel(waiting, NULL));
    CHECK_EQ(join(waiting).kind, WEFT_CANCELLED);
    CHECK_EQ(total_run, 0);
    CHECK_EQ(state_of(running), WEFT_FIBER_RUNNING);
    OK(weft_fiber_cancel(running, NULL));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_fiber_release(running));
    OK(weft_fiber_release(waiting));
}

static int adopts(void *arg)
{
    int err = weft_adopt(arg, NULL, NULL);

    OK(weft_adopt_abort());
    return err;
}

static void adoption_waits_for_its_place(void)
{
    weft_nursery *limited = open_limited(1), *n = open_nursery();
    weft_fiber *running = spawn(limited, sleeps_long, NULL), *first, *second;

    first = spawn(n, adopts, limited);
    second = spawn(n, adopts, limited);
    OK(weft_sleep(MS));
    CHECK_EQ(state_of(first), WEFT_FIBER_RUNNING);
    OK(weft_fiber_cancel(first, NULL));
    CHECK_EQ(join(first).kind, WEFT_CANCELLED);
    OK(weft_fiber_cancel(running, NULL));
    CHECK_EQ(join(second).kind, WEFT_VALUE);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    close_with(limited, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_fiber_release(running));
    OK(weft_fiber_release(first));
    OK(weft_fiber_release(second));
}

/* ---- daemons, siblings ---- */

static void daemons_end_with_the_others(void)
{
    weft_spawn_opts opts = {.size = sizeof(opts), .flags = WEFT_SPAWN_DAEMON};
    weft_nursery *n = open_nursery();
    weft_fiber *daemon, *other;

    OK(weft_spawn(n, sleeps_long, NULL, &opts, &daemon));
    other = spawn(n, measures, NULL);
    OK(weft_sleep(5 * MS));
    CHECK_EQ(state_of(daemon), WEFT_FIBER_RUNNING); /* the body is still there */
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    CHECK_EQ(join(other).kind, WEFT_VALUE);
    CHECK_EQ(join(daemon).kind, WEFT_CANCELLED);
    OK(weft_fiber_release(daemon));
    OK(weft_fiber_release(other));
}

static int spawns_siblings(void *arg)
{
    static int left = 1000;

    OK(weft_yield());
    for (int i = 0; i < 3 && left > 0; i++, left--)
        start(arg, spawns_siblings, arg);
    total_run++;
    return 0;
}

static void siblings_spawned_while_it_closes(void)
{
    weft_nursery *n = open_nursery();

    start(n, spawns_siblings, n);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    CHECK_EQ(total_run, 1001);
}

static _Thread_local int own;

static int is_a_thread(void *arg)
{
    CHECK_EQ(own++, 0);
    OK(weft_sleep(MS));
    CHECK_EQ(own, 1); /* nobody else's */
    total_run++;
    return arg ? -1 : 0;
}

static void thread_fibers(void)
{
    weft_spawn_opts opts = {.size = sizeof(opts), .flags = WEFT_SPAWN_THREAD};
    weft_nursery *n = open_nursery();
    int err = weft_spawn(n, is_a_thread, NULL, &opts, NULL);

    for (int i = 1; i < 100 && !err; i++)
        err = weft_spawn(n, is_a_thread, NULL, &opts, NULL);
    CHECK(err == WEFT_OK || err == WEFT_ENOTSUP); /* as this build can */
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    CHECK_EQ(total_run, err ? 0 : 100);
    CHECK_EQ(own, 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"results", results},
        {"outcome_that_is_set", outcome_that_is_set},
        {"states", states},
        {"first_error_cancels_siblings_and_body", first_error_cancels_siblings_and_body},
        {"all_errors_are_counted", all_errors_are_counted},
        {"body_that_fails", body_that_fails},
        {"error_climbs_the_tree", error_climbs_the_tree},
        {"fatal_climbs_to_main", fatal_climbs_to_main},
        {"own_cancel_ends_here", own_cancel_ends_here},
        {"outer_cancel_wins", outer_cancel_wins},
        {"what_only_children_felt", what_only_children_felt},
        {"one_child_cancelled", one_child_cancelled},
        {"spawned_into_a_cancelled_one", spawned_into_a_cancelled_one},
        {"limit_is_kept", limit_is_kept},
        {"limit_and_failure", limit_and_failure},
        {"limit_and_cancel_of_one_that_waits", limit_and_cancel_of_one_that_waits},
        {"adoption_waits_for_its_place", adoption_waits_for_its_place},
        {"daemons_end_with_the_others", daemons_end_with_the_others},
        {"siblings_spawned_while_it_closes", siblings_spawned_while_it_closes},
        {"thread_fibers", thread_fibers},
        {NULL, NULL},
    };

    return check_all(argc, argv, tests);
}
