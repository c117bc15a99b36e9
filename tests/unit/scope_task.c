/* Tasks: outcomes, joins, cancelling one, adopting, fibers that leave things open. */
#include "support/world.h"

#include "machine/tls.h"
#include "scope/scope.h"

#include <criterion/criterion.h>
#include <unistd.h>

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

static void check_outcome(int result, enum wf_kind kind, int code)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *t;
    struct wf_outcome o;

    world_spawn(n, returns, &result, &t);
    (void)world_shut(n, WF_KIND_VALUE);
    o = world_join(t);
    cr_assert_eq(o.kind, kind);
    cr_assert_eq(o.code, code);
    wf_task_unref(t);
}

Test(task, result_becomes_outcome, .init = start, .fini = world_stop)
{
    check_outcome(0, WF_KIND_VALUE, 0);
    check_outcome(WF_ECANCELED, WF_KIND_CANCELLED, WF_ECANCELED);
    check_outcome(WF_EINVAL, WF_KIND_ERROR, WF_EINVAL);
}

static int says_otherwise(void *arg)
{
    wf_task_outcome_set(wf_fiber_self(), (struct wf_outcome){.kind = WF_KIND_ERROR, .code = -1});
    wf_task_outcome_set(wf_fiber_self(), *(struct wf_outcome *)arg);
    return 0;
}

Test(task, outcome_that_is_set_wins, .init = start, .fini = world_stop)
{
    struct wf_outcome set = {.kind = WF_KIND_ERROR, .code = WF_ENOMEM}, got;
    struct wf_nursery *n = world_open(0);
    struct wf_task *t;

    world_spawn(n, says_otherwise, &set, &t);
    got = world_join(t);
    cr_assert_eq(got.kind, set.kind);
    cr_assert_eq(got.code, set.code);
    cr_assert_eq(world_shut(n, WF_KIND_VALUE).kind, WF_KIND_ERROR);
    wf_task_unref(t);
}

struct join {
    struct wf_task *of;
    struct wf_outcome got;
    int err;
};

static int joins(void *arg)
{
    struct join *j = arg;

    j->err = wf_task_join(wf_fiber_self(), j->of, WF_NEVER, &j->got);
    return j->err;
}

Test(task, joined_by_many, .init = start, .fini = world_stop)
{
    enum { JOINERS = 50 };
    struct wf_nursery *n = world_open(0), *inner;
    struct join joined[JOINERS];
    struct wf_task *t;

    world_spawn(n, sleeps, NULL, &t);
    inner = world_open(0);
    for (int i = 0; i < JOINERS; i++) {
        joined[i] = (struct join){.of = t, .err = 1};
        world_spawn(inner, joins, &joined[i], NULL);
    }
    cr_assert_eq(world_sleep(WF_NS_PER_MS), WF_OK);
    cr_assert_eq(joined[0].err, 1, "they wait");
    wf_task_cancel(t, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_shut(inner, WF_KIND_VALUE).kind, WF_KIND_VALUE);
    for (int i = 0; i < JOINERS; i++) {
        cr_assert_eq(joined[i].err, WF_OK);
        cr_assert_eq(joined[i].got.kind, WF_KIND_CANCELLED);
    }
    (void)world_shut(n, WF_KIND_VALUE);
    cr_assert_eq(world_join(t).kind, WF_KIND_CANCELLED, "after its nursery, too");
    wf_task_unref(t);
}

Test(task, join_ends_without_the_fiber, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_outcome o;
    struct wf_task *t, *waiting;
    struct join j;

    cr_assert_eq(wf_task_join(self, wf_task_of(self), WF_NEVER, &o), WF_EDEADLOCK);
    world_spawn(n, sleeps, NULL, &t);
    cr_assert_eq(wf_task_join(self, t, wf_clock_after(WF_NS_PER_MS), &o), WF_ETIMEDOUT);
    cr_assert_eq(wf_task_join(self, t, 0, &o), WF_ETIMEDOUT);
    j = (struct join){.of = t};
    world_spawn(n, joins, &j, &waiting);
    cr_assert_eq(world_sleep(WF_NS_PER_MS), WF_OK);
    wf_task_cancel(waiting, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_join(waiting).kind, WF_KIND_CANCELLED);
    cr_assert_eq(j.err, WF_ECANCELED);
    cr_assert_neq(wf_task_state(t), WF_TASK_DONE);
    wf_task_cancel(t, WF_REASON_CANCEL, NULL);
    (void)world_shut(n, WF_KIND_VALUE);
    wf_task_unref(t), wf_task_unref(waiting);
}

static int counts(void *arg)
{
    ++*(int *)arg;
    return 0;
}

Test(task, cancelled_before_it_starts_is_never_called, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *t;
    int called = 0;

    world_spawn(n, counts, &called, &t);
    cr_assert_eq(wf_task_state(t), WF_TASK_PENDING);
    wf_task_cancel(t, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_join(t).kind, WF_KIND_CANCELLED);
    cr_assert_eq(world_shut(n, WF_KIND_VALUE).kind, WF_KIND_VALUE);
    cr_assert_eq(called, 0);
    wf_task_unref(t);
}

static int swallows(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) {
        if (world_sleep(WF_NS_PER_S) != WF_ECANCELED)
            return WF_EINVAL;
    }
    return 0;
}

Test(task, cancellation_is_level_triggered, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *t;

    world_spawn(n, swallows, NULL, &t);
    cr_assert_eq(world_sleep(WF_NS_PER_MS), WF_OK);
    cr_assert_eq(wf_task_state(t), WF_TASK_RUNNING);
    wf_task_cancel(t, WF_REASON_CANCEL, NULL);
    cr_assert_eq(wf_task_state(t), WF_TASK_CANCELLING);
    cr_assert_eq(world_join(t).kind, WF_KIND_VALUE, "it may end as it likes");
    cr_assert_eq(wf_task_state(t), WF_TASK_DONE);
    (void)world_shut(n, WF_KIND_VALUE);
    wf_task_unref(t);
}

static int leaves_things_open(void *arg)
{
    struct wf_nursery *n = world_open(0);
    struct wf_token *scope;

    world_spawn(n, sleeps, NULL, arg);
    (void)wf_scope_push(wf_fiber_self(), &(struct wf_scope_opts){.deadline = WF_NEVER}, &scope);
    return 0;
}

Test(task, what_a_fiber_leaves_open_is_closed_for_it, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *t, *grandchild = NULL;
    struct wf_outcome o;

    world_spawn(n, leaves_things_open, &grandchild, &t);
    o = world_join(t);
    cr_assert_eq(o.kind, WF_KIND_ERROR);
    cr_assert_eq(o.code, WF_EORDER);
    cr_assert_eq(wf_task_state(grandchild), WF_TASK_DONE, "no fiber without an owner");
    cr_assert_eq(world_shut(n, WF_KIND_VALUE).code, 1);
    wf_task_unref(t), wf_task_unref(grandchild);
}

/* ---- adopting ---- */

static struct wf_task *adopt(struct wf_nursery *n)
{
    struct wf_task *t;

    cr_assert_eq(wf_task_adopt(self, n, &(struct wf_task_opts){.name = "adopted"}, &t), WF_OK);
    return t;
}

Test(task, adopted_thread_is_a_child, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *t = adopt(n), *second;
    struct wf_fiber *f;
    int called = 0;

    cr_assert_eq(wf_task_state(t), WF_TASK_PENDING);
    cr_assert_eq(wf_task_adopt(self, n, &(struct wf_task_opts){0}, &second), WF_EBUSY);
    if (wf_tls_init() == WF_OK) {
        cr_assert_eq(wf_task_create_thread(self, counts, &called, 0, &f), WF_OK);
        wf_task_cancel(t, WF_REASON_CANCEL, NULL);
        wf_fiber_start(f);
        cr_assert_eq(world_join(t).kind, WF_KIND_VALUE);
        cr_assert_eq(called, 1, "a thread's function runs, cancelled or not");
        cr_assert_null(wf_task_of(self)->adopted, "it is used up");
    } else {
        (void)wf_task_adopt_abort(self);
    }
    (void)world_shut(n, WF_KIND_VALUE);
    wf_task_unref(t);
}

Test(task, adoption_taken_back, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(1);
    struct wf_task *t = adopt(n);
    int cookie;

    t->cookie = &cookie;
    cr_assert_eq(wf_task_adopt_abort(self), &cookie);
    cr_assert_null(wf_task_adopt_abort(self));
    cr_assert_eq(world_join(t).kind, WF_KIND_CANCELLED);
    wf_task_unref(t);
    t = adopt(n); /* its place is free again */
    cr_assert_eq(world_shut(n, WF_KIND_VALUE).kind, WF_KIND_VALUE, "no thread came: no wait");
    cr_assert_eq(wf_task_state(t), WF_TASK_DONE);
    wf_task_unref(t);
}

static int adopts(void *arg)
{
    struct wf_task *t;
    int err = wf_task_adopt(wf_fiber_self(), arg, &(struct wf_task_opts){0}, &t);

    if (!err)
        wf_task_unref(t);
    return err;
}

Test(task, adoption_waits_for_a_place, .init = start, .fini = world_stop)
{
    struct wf_nursery *limited = world_open(1), *n = world_open(0);
    struct wf_task *running, *cancelled, *served;

    world_spawn(limited, sleeps, NULL, &running);
    world_spawn(n, adopts, limited, &cancelled);
    world_spawn(n, adopts, limited, &served);
    cr_assert_eq(world_sleep(WF_NS_PER_MS), WF_OK);
    wf_task_cancel(cancelled, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_join(cancelled).kind, WF_KIND_CANCELLED);
    cr_assert_neq(wf_task_state(served), WF_TASK_DONE);
    wf_task_cancel(running, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_join(served).kind, WF_KIND_VALUE);
    (void)world_shut(n, WF_KIND_VALUE);
    cr_assert_eq(limited->live, 0);
    (void)world_shut(limited, WF_KIND_VALUE);
    wf_task_unref(running), wf_task_unref(cancelled), wf_task_unref(served);
}

/* ---- plain threads, and fork ---- */

static struct wf_task *spawn_plain(int (*fn)(void *), void *arg)
{
    struct wf_task_opts opts = {.fn = fn, .arg = arg};
    struct wf_fiber *f;
    struct wf_task *t;

    cr_assert_eq(wf_task_create(NULL, &opts, &f, &t), WF_OK);
    wf_task_start(f);
    return t;
}

Test(task, no_ambient_scope_reaches_a_plain_thread, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_task *t = spawn_plain(sleeps, NULL);

    wf_token_cancel(&n->token, WF_REASON_CANCEL, NULL);
    wf_token_cancel(wf_token_root(), WF_REASON_SHUTDOWN, NULL);
    (void)world_shut(n, WF_KIND_CANCELLED);
    wf_yield(self);
    cr_assert_eq(wf_task_state(t), WF_TASK_RUNNING);
    cr_assert(!wf_scope_idle(self));
    wf_tree_lock();
    wf_token_reset_root();
    wf_tree_unlock();
    wf_task_cancel(t, WF_REASON_CANCEL, NULL);
    cr_assert_eq(world_join(t).kind, WF_KIND_CANCELLED);
    wf_task_unref(t);
}

Test(task, discarded_child_never_was, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(1);
    struct wf_task_opts opts = {.fn = sleeps};
    struct wf_fiber *f;
    struct wf_task *t;

    cr_assert_eq(wf_task_create(n, &opts, &f, &t), WF_OK);
    wf_task_discard(f);
    cr_assert_eq(wf_task_state(t), WF_TASK_DONE);
    cr_assert_eq(world_shut(n, WF_KIND_VALUE).kind, WF_KIND_VALUE);
    wf_task_unref(t);
}

static int survives_fork(void *arg)
{
    struct wf_nursery *n;

    (void)arg;
    (void)world_open(0); /* stays open in the parent */
    wf_scope_after_fork(wf_fiber_self());
    cr_assert_eq(wf_task_of(wf_fiber_self())->current, &wf_task_of(wf_fiber_self())->own);
    cr_assert(!wf_fiber_interrupted(wf_fiber_self()));
    n = world_open(0);
    cr_assert_eq(world_shut(n, WF_KIND_VALUE).kind, WF_KIND_VALUE);
    _exit(0); /* what the parent had open is not taken down here */
}

Test(task, survivor_of_a_fork_starts_afresh, .init = start)
{
    struct wf_nursery *n = world_open(1);

    wf_token_cancel(&n->token, WF_REASON_CANCEL, NULL);
    world_spawn(n, sleeps, NULL, NULL);
    spawn_plain(survives_fork, NULL);
    (void)world_shut(n, WF_KIND_VALUE);
    (void)world_sleep(WF_NS_PER_S);
    cr_assert_fail("the survivor ends the process");
}

Test(task, slice_is_over_after_a_while, .init = start, .fini = world_stop)
{
    int64_t until;

    cr_assert(!wf_task_slice_over(self), "it begins here");
    until = wf_clock_after(2 * WF_NS_PER_MS);
    while (wf_clock_now() < until)
        continue;
    cr_assert(wf_task_slice_over(self));
    (void)world_sleep(WF_NS_PER_MS);
    cr_assert(!wf_task_slice_over(self), "a switch begins a new one");
}
