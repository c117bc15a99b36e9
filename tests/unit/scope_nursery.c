/* Nurseries: who is cancelled by whom, what leaves, places, daemons, the close. */
#include "support/world.h"

#include "scope/scope.h"

#include <criterion/criterion.h>

static struct wf_fiber *self;

static void start(void)
{
    self = world_start();
}

static int returns(void *arg)
{
    return *(int *)arg;
}

static int sleeps(void *arg)
{
    (void)arg;
    return world_sleep(60 * WF_NS_PER_S);
}

static int fails(void *arg)
{
    (void)arg;
    return WF_EINVAL;
}

static int is_fatal(void *arg)
{
    (void)arg;
    wf_task_outcome_set(wf_fiber_self(), (struct wf_outcome){.kind = WF_KIND_FATAL});
    return 0;
}

static struct wf_cancel_state state_of(struct wf_nursery *n)
{
    struct wf_cancel_state s;

    wf_token_state(&n->token, &s);
    return s;
}

static void check_shut(struct wf_nursery *n, enum wf_kind body, enum wf_kind kind, int code)
{
    struct wf_outcome out = world_shut(n, body);

    cr_assert_eq(out.kind, kind);
    cr_assert_eq(out.code, code);
}

Test(nursery, close_waits_for_all, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    int result = 0;

    for (int i = 0; i < 1000; i++)
        world_spawn(n, returns, &result, NULL);
    cr_assert_eq(n->live, 1000);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
}

Test(nursery, first_error_cancels_siblings_and_body, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *t;

    world_spawn(n, sleeps, NULL, &t);
    world_spawn(n, fails, NULL, NULL);
    world_spawn(n, fails, NULL, NULL);
    cr_assert_eq(world_sleep(WF_NS_PER_S), WF_ECANCELED, "the body");
    cr_assert_eq(state_of(n).reason, WF_REASON_FAILED);
    cr_assert_str_eq(state_of(n).text, "a fiber failed");
    check_shut(n, WF_KIND_CANCELLED, WF_KIND_ERROR, 1); /* the second never ran */
    cr_assert_eq(world_join(t).kind, WF_KIND_CANCELLED);
    cr_assert_eq(world_sleep(1), WF_OK);
    wf_task_unref(t);
}

static int fails_when_cancelled(void *arg)
{
    (void)sleeps(arg);
    return WF_EINVAL;
}

Test(nursery, all_errors_are_counted, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);

    for (int i = 0; i < 5; i++)
        world_spawn(n, fails_when_cancelled, NULL, NULL);
    wf_yield(self);
    world_spawn(n, fails, NULL, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_ERROR, 6);
}

Test(nursery, reason_names_the_child, .init = start, .fini = world_stop)
{
    static const struct wf_task_opts named = {.fn = fails, .name = "worker3", .site = "a.c:7"},
                                     placed = {.fn = fails, .site = "a.c:7"};
    struct wf_nursery *n = world_open(0);
    struct wf_fiber *f;

    cr_assert_eq(wf_task_create(n, &named, &f, NULL), WF_OK);
    wf_task_start(f);
    cr_assert_eq(world_sleep(WF_NS_PER_S), WF_ECANCELED);
    cr_assert_str_eq(state_of(n).text, "worker3 failed");
    check_shut(n, WF_KIND_CANCELLED, WF_KIND_ERROR, 1);
    n = world_open(0);
    cr_assert_eq(wf_task_create(n, &placed, &f, NULL), WF_OK);
    wf_task_start(f);
    cr_assert_eq(world_sleep(WF_NS_PER_S), WF_ECANCELED);
    cr_assert_str_eq(state_of(n).text, "a fiber from a.c:7 failed");
    check_shut(n, WF_KIND_CANCELLED, WF_KIND_ERROR, 1);
}

Test(nursery, body_that_fails_cancels_the_children, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);

    world_spawn(n, sleeps, NULL, NULL);
    wf_yield(self);
    check_shut(n, WF_KIND_ERROR, WF_KIND_ERROR, 0);
}

Test(nursery, own_cancel_is_absorbed, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);

    world_spawn(n, sleeps, NULL, NULL);
    wf_yield(self);
    wf_token_cancel(&n->token, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_sleep(1), WF_ECANCELED);
    check_shut(n, WF_KIND_CANCELLED, WF_KIND_VALUE, 0);
    n = world_open(0);
    wf_token_cancel(&n->token, WF_REASON_CANCEL, NULL);
    world_spawn(n, sleeps, NULL, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
}

Test(nursery, outer_cancel_leaves, .init = start, .fini = world_stop)
{
    struct wf_nursery *outer = world_open(0), *n = world_open(0);

    world_spawn(n, sleeps, NULL, NULL);
    wf_yield(self);
    wf_token_cancel(&n->token, WF_REASON_CANCEL, NULL);
    wf_token_cancel(&outer->token, WF_REASON_CANCEL, NULL);
    check_shut(n, WF_KIND_CANCELLED, WF_KIND_CANCELLED, 0);
    check_shut(outer, WF_KIND_CANCELLED, WF_KIND_VALUE, 0);
}

Test(nursery, outer_cancel_that_only_a_child_felt_leaves, .init = start, .fini = world_stop)
{
    struct wf_nursery *outer = world_open(0), *n = world_open(0);

    world_spawn(n, sleeps, NULL, NULL);
    wf_yield(self);
    wf_token_cancel(&outer->token, WF_REASON_CANCEL, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_CANCELLED, 0);
    n = world_open(0); /* nobody waits in here */
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    check_shut(outer, WF_KIND_CANCELLED, WF_KIND_VALUE, 0);
}

Test(nursery, cancelled_child_is_its_own_affair, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *t, *other;

    world_spawn(n, sleeps, NULL, &t);
    world_spawn(n, sleeps, NULL, &other);
    wf_yield(self);
    wf_task_cancel(t, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_join(t).kind, WF_KIND_CANCELLED);
    cr_assert_eq(wf_task_state(other), WF_TASK_RUNNING);
    cr_assert(!state_of(n).cancelled);
    wf_task_cancel(other, WF_REASON_CANCEL, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    wf_task_unref(t), wf_task_unref(other);
}

Test(nursery, unexplained_cancellation_of_the_body_leaves, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);

    world_spawn(n, sleeps, NULL, NULL);
    wf_yield(self);
    check_shut(n, WF_KIND_CANCELLED, WF_KIND_CANCELLED, 0);
}

Test(nursery, errors_are_not_lost_to_an_outer_cancel, .init = start, .fini = world_stop)
{
    struct wf_nursery *outer = world_open(0), *n = world_open(0);

    world_spawn(n, fails_when_cancelled, NULL, NULL);
    wf_yield(self);
    wf_token_cancel(&outer->token, WF_REASON_CANCEL, NULL);
    check_shut(n, WF_KIND_CANCELLED, WF_KIND_ERROR, 1);
    check_shut(outer, WF_KIND_ERROR, WF_KIND_ERROR, 0);
}

Test(nursery, outer_deadline_reaches_children, .init = start, .fini = world_stop)
{
    struct wf_scope_opts opts = {.deadline = wf_clock_after(5 * WF_NS_PER_MS)};
    struct wf_nursery *n;
    struct wf_outcome out;
    struct wf_token *scope;

    cr_assert_eq(wf_scope_push(self, &opts, &scope), WF_OK);
    n = world_open(0);
    for (int i = 0; i < 100; i++)
        world_spawn(n, sleeps, NULL, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_CANCELLED, 0);
    cr_assert_eq(wf_scope_pop(self, scope, WF_KIND_CANCELLED, &out), WF_OK);
    cr_assert_eq(out.kind, WF_KIND_VALUE);
    cr_assert_eq(out.code, WF_ETIMEDOUT);
}

/* ---- FATAL ---- */

Test(nursery, fatal_cancels_the_root_until_main_has_it, .init = start, .fini = world_stop)
{
    struct wf_nursery *outer = world_open(0), *n = world_open(0);

    world_spawn(outer, sleeps, NULL, NULL);
    world_spawn(n, is_fatal, NULL, NULL);
    cr_assert_eq(world_sleep(WF_NS_PER_S), WF_ECANCELED);
    cr_assert_eq(state_of(outer).reason, WF_REASON_FATAL);
    check_shut(n, WF_KIND_CANCELLED, WF_KIND_FATAL, 0);
    cr_assert_eq(world_sleep(1), WF_ECANCELED, "main is still inside a nursery");
    check_shut(outer, WF_KIND_FATAL, WF_KIND_FATAL, 0);
    cr_assert_eq(world_sleep(1), WF_OK, "the host has it now");
}

Test(nursery, fatal_body, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);

    world_spawn(n, sleeps, NULL, NULL);
    wf_yield(self);
    check_shut(n, WF_KIND_FATAL, WF_KIND_FATAL, 0);
    cr_assert_eq(world_sleep(1), WF_OK);
}

/* ---- places ---- */

struct gauge {
    int now, most, total;
};

static int measures(void *arg)
{
    struct gauge *g = arg;

    if (++g->now > g->most)
        g->most = g->now;
    g->total++;
    (void)world_sleep(100000);
    g->now--;
    return 0;
}

Test(nursery, limit_is_kept_and_all_run, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(8);
    struct gauge g = {0};

    for (int i = 0; i < 200; i++)
        world_spawn(n, measures, &g, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    cr_assert_eq(g.most, 8);
    cr_assert_eq(g.total, 200);
}

Test(nursery, pending_child_can_be_cancelled_at_once, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(1);
    struct wf_task *running, *pending;
    struct gauge g = {0};

    world_spawn(n, sleeps, NULL, &running);
    world_spawn(n, measures, &g, &pending);
    wf_yield(self);
    cr_assert_eq(wf_task_state(pending), WF_TASK_PENDING);
    wf_task_cancel(pending, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_join(pending).kind, WF_KIND_CANCELLED, "without a place");
    cr_assert_eq(g.total, 0);
    cr_assert_eq(n->slots, 1);
    wf_task_cancel(running, WF_REASON_CANCEL, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    wf_task_unref(running), wf_task_unref(pending);
}

Test(nursery, cancel_drains_what_is_pending, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(2);

    for (int i = 0; i < 1000; i++)
        world_spawn(n, sleeps, NULL, NULL);
    wf_yield(self);
    wf_token_cancel(&n->token, WF_REASON_CANCEL, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
}

/* ---- daemons ---- */

static void spawn_daemon(struct wf_nursery *n, int (*fn)(void *), struct wf_task **out)
{
    struct wf_task_opts opts = {.fn = fn, .arg = n, .daemon = true};
    struct wf_fiber *f;

    cr_assert_eq(wf_task_create(n, &opts, &f, out), WF_OK);
    wf_task_start(f);
}

static int naps(void *arg)
{
    (void)arg;
    return world_sleep(5 * WF_NS_PER_MS);
}

Test(nursery, daemons_end_with_the_others, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *daemon, *other;

    spawn_daemon(n, sleeps, &daemon);
    world_spawn(n, naps, NULL, &other);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    cr_assert_eq(world_join(other).kind, WF_KIND_VALUE, "nobody cut it");
    cr_assert_eq(world_join(daemon).kind, WF_KIND_CANCELLED);
    wf_task_unref(daemon), wf_task_unref(other);
}

static int spawns_another(void *arg)
{
    int err = sleeps(NULL);

    spawn_daemon(arg, sleeps, NULL);
    return err;
}

Test(nursery, daemon_of_a_daemon, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);

    for (int i = 0; i < 100; i++)
        spawn_daemon(n, spawns_another, NULL);
    cr_assert_eq(world_sleep(1), WF_OK);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
}

/* ---- the close ---- */

static int closes(void *arg)
{
    struct wf_outcome out;

    return wf_nursery_close(wf_fiber_self(), arg, WF_KIND_VALUE, &out);
}

Test(nursery, only_the_opener_closes_and_in_order, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0), *inner;
    struct wf_outcome out;
    struct wf_task *t;

    world_spawn(n, closes, n, &t);
    cr_assert_eq(world_join(t).code, WF_EORDER);
    check_shut(n, WF_KIND_VALUE, WF_KIND_ERROR, 1);
    wf_task_unref(t);
    n = world_open(0);
    inner = world_open(0);
    cr_assert_eq(wf_nursery_close(self, n, WF_KIND_VALUE, &out), WF_EORDER);
    check_shut(inner, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
}

static int spawns_sibling(void *arg)
{
    static int left = 10;

    if (world_sleep(100000) == WF_OK && left-- > 0)
        world_spawn(arg, spawns_sibling, arg, NULL);
    return 0;
}

Test(nursery, children_may_spawn_while_it_closes, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);

    world_spawn(n, spawns_sibling, n, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
}

Test(nursery, closed_one_takes_no_child, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task_opts opts = {.fn = sleeps};
    struct wf_fiber *f;
    struct wf_task *t;

    wf_nursery_ref(n);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    cr_assert_eq(wf_task_create(n, &opts, &f, &t), WF_ECLOSED);
    cr_assert_null(f);
    cr_assert_null(t);
    cr_assert_eq(wf_task_adopt(self, n, &opts, &t), WF_ECLOSED);
    wf_nursery_unref(n);
}

static int signals_main(void *arg)
{
    (void)arg;
    (void)world_sleep(WF_NS_PER_MS);
    wf_processor_signalled(&world.processor);
    (void)world_sleep(WF_NS_PER_MS);
    return 0;
}

Test(nursery, signal_ends_the_wait_and_not_the_nursery, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_outcome out;
    struct wf_task *t;

    world_spawn(n, signals_main, NULL, &t);
    cr_assert_eq(wf_nursery_close(self, n, WF_KIND_VALUE, &out), WF_EINTR);
    cr_assert_neq(wf_task_state(t), WF_TASK_DONE);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    cr_assert_eq(wf_task_state(t), WF_TASK_DONE);
    wf_task_unref(t);
}

static int ignores_cancellation(void *arg)
{
    (void)arg;
    (void)wf_park_sleep(wf_fiber_self(), wf_clock_after(5 * WF_NS_PER_MS), 0);
    return 0;
}

Test(nursery, cancellation_does_not_cut_the_close, .init = start, .fini = world_stop)
{
    struct wf_nursery *outer = world_open(0), *n = world_open(0);
    struct wf_task *t;

    world_spawn(n, ignores_cancellation, NULL, &t);
    wf_yield(self);
    wf_token_cancel(&outer->token, WF_REASON_CANCEL, NULL);
    check_shut(n, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    cr_assert_eq(wf_task_state(t), WF_TASK_DONE);
    cr_assert_eq(world_sleep(1), WF_ECANCELED);
    check_shut(outer, WF_KIND_CANCELLED, WF_KIND_VALUE, 0);
    wf_task_unref(t);
}
