/* Scopes: order, deadlines, shields in a living fiber, and what a close absorbs. */
#include "support/world.h"

#include "scope/scope.h"

#include <criterion/criterion.h>

static struct wf_fiber *self;

static void start(void)
{
    self = world_start();
}

static struct wf_token *push(int64_t deadline)
{
    struct wf_token *t;

    cr_assert_eq(wf_scope_push(self, &(struct wf_scope_opts){.deadline = deadline}, &t), WF_OK);
    return t;
}

static struct wf_token *push_shield(int64_t grace)
{
    struct wf_scope_opts opts = {.deadline = WF_NEVER, .shield = true, .grace = grace};
    struct wf_token *t;

    cr_assert_eq(wf_scope_push(self, &opts, &t), WF_OK);
    return t;
}

static struct wf_outcome pop(struct wf_token *t, enum wf_kind kind)
{
    struct wf_outcome out;

    cr_assert_eq(wf_scope_pop(self, t, kind, &out), WF_OK);
    return out;
}

static void check_pop(struct wf_token *t, enum wf_kind in, enum wf_kind kind, int code)
{
    struct wf_outcome out = pop(t, in);

    cr_assert_eq(out.kind, kind);
    cr_assert_eq(out.code, code);
}

static void cancel(struct wf_token *t)
{
    wf_token_cancel(t, WF_REASON_CANCEL, NULL);
}

Test(scope, deadline_cuts_a_wait, .init = start, .fini = world_stop)
{
    struct wf_token *t = push(wf_clock_after(5 * WF_NS_PER_MS));
    int64_t before = wf_clock_now();

    cr_assert_eq(world_sleep(WF_NS_PER_S), WF_ECANCELED);
    cr_assert_lt(wf_clock_now() - before, WF_NS_PER_S / 2);
    cr_assert_eq(world_sleep(WF_NS_PER_S), WF_ECANCELED, "and the next one");
    check_pop(t, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ETIMEDOUT);
    cr_assert_eq(world_sleep(1), WF_OK);
}

Test(scope, own_cancel_is_absorbed, .init = start, .fini = world_stop)
{
    struct wf_token *t = push(WF_NEVER);

    cancel(t);
    cr_assert_eq(world_sleep(1), WF_ECANCELED);
    check_pop(t, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ECANCELED);
}

Test(scope, other_kinds_pass, .init = start, .fini = world_stop)
{
    static const enum wf_kind kinds[] = {WF_KIND_VALUE, WF_KIND_ERROR, WF_KIND_FATAL};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct wf_token *t = push(WF_NEVER);

        cancel(t);
        check_pop(t, kinds[i], kinds[i], 0);
    }
}

Test(scope, cancelled_by_nothing_here_passes, .init = start, .fini = world_stop)
{
    check_pop(push(WF_NEVER), WF_KIND_CANCELLED, WF_KIND_CANCELLED, 0);
}

Test(scope, outer_cancel_wins, .init = start, .fini = world_stop)
{
    struct wf_token *outer = push(WF_NEVER), *inner = push(WF_NEVER);

    cancel(inner);
    cancel(outer); /* comes while the inner one unwinds */
    check_pop(inner, WF_KIND_CANCELLED, WF_KIND_CANCELLED, 0);
    check_pop(outer, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ECANCELED);
}

Test(scope, equal_deadlines_belong_to_the_outer_scope, .init = start, .fini = world_stop)
{
    struct wf_token *outer = push(1), *inner = push(1);

    cr_assert_eq(world_sleep(1), WF_ECANCELED);
    check_pop(inner, WF_KIND_CANCELLED, WF_KIND_CANCELLED, 0);
    check_pop(outer, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ETIMEDOUT);
}

Test(scope, inner_deadline_first, .init = start, .fini = world_stop)
{
    struct wf_token *outer = push(wf_clock_after(WF_NS_PER_S)), *inner = push(1);

    cr_assert_eq(world_sleep(1), WF_ECANCELED);
    check_pop(inner, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ETIMEDOUT);
    cr_assert_eq(world_sleep(1), WF_OK);
    check_pop(outer, WF_KIND_VALUE, WF_KIND_VALUE, 0);
}

Test(scope, shield_lets_waits_complete, .init = start, .fini = world_stop)
{
    struct wf_token *outer = push(WF_NEVER), *shield;

    cancel(outer);
    cr_assert_eq(world_sleep(1), WF_ECANCELED);
    shield = push_shield(WF_NEVER);
    cr_assert_eq(world_sleep(WF_NS_PER_MS), WF_OK);
    check_pop(shield, WF_KIND_VALUE, WF_KIND_VALUE, 0);
    cr_assert_eq(world_sleep(1), WF_ECANCELED);
    check_pop(outer, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ECANCELED);
}

Test(scope, shield_with_its_own_deadline_absorbs_under_an_outer_cancel, .init = start,
     .fini = world_stop)
{
    struct wf_scope_opts opts = {.deadline = 1, .shield = true, .grace = WF_NEVER};
    struct wf_token *outer = push(WF_NEVER), *shield;

    cancel(outer);
    cr_assert_eq(wf_scope_push(self, &opts, &shield), WF_OK);
    cr_assert_eq(world_sleep(1), WF_ECANCELED);
    check_pop(shield, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ETIMEDOUT);
    check_pop(outer, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ECANCELED);
}

static int cancels_soon(void *arg)
{
    (void)world_sleep(2 * WF_NS_PER_MS);
    cancel(arg);
    return 0;
}

/* The park is under way, without a limit, when the outer cancel gives it one. */
Test(scope, grace_arms_a_park_under_way, .init = start, .fini = world_stop)
{
    struct wf_nursery *n = world_open(0);
    struct wf_token *outer = push(WF_NEVER), *shield = push_shield(10 * WF_NS_PER_MS);
    int64_t before = wf_clock_now(), took;

    world_spawn(n, cancels_soon, outer, NULL);
    cr_assert_eq(world_sleep(WF_NS_PER_S), WF_ECANCELED);
    took = wf_clock_now() - before;
    cr_assert_geq(took, 12 * WF_NS_PER_MS);
    cr_assert_lt(took, WF_NS_PER_S / 2);
    check_pop(shield, WF_KIND_CANCELLED, WF_KIND_CANCELLED, 0);
    check_pop(outer, WF_KIND_CANCELLED, WF_KIND_VALUE, WF_ECANCELED);
    (void)world_shut(n, WF_KIND_VALUE);
}

Test(scope, closed_in_order, .init = start, .fini = world_stop)
{
    struct wf_token *outer = push(WF_NEVER), *inner = push(WF_NEVER);
    struct wf_outcome out;

    cr_assert_eq(wf_scope_pop(self, outer, WF_KIND_VALUE, &out), WF_EORDER);
    (void)pop(inner, WF_KIND_VALUE);
    (void)pop(outer, WF_KIND_VALUE);
    cr_assert_eq(wf_scope_pop(self, &wf_task_of(self)->own, WF_KIND_VALUE, &out), WF_EORDER);
}
