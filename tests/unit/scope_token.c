/* The cancellation tree by itself: moments, shields, reasons. No fiber runs here: those that
 * tokens tell are records of our own. */
#include "scope/token.h"

#include "base/status.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void nothing(struct wf_token *t)
{
    (void)t;
}

static void add(struct wf_token *t, struct wf_token *parent)
{
    wf_tree_lock();
    wf_token_attach(t, parent);
    wf_tree_unlock();
}

/* A token below `parent`, with a deadline. */
static void make(struct wf_token *t, struct wf_token *parent, int64_t deadline)
{
    wf_token_init(t, WF_TOKEN_SCOPE, nothing);
    t->deadline = deadline;
    add(t, parent);
}

static void make_shield(struct wf_token *t, struct wf_token *parent, int64_t grace)
{
    wf_token_init(t, WF_TOKEN_SCOPE, nothing);
    t->shield = true;
    t->grace = grace;
    add(t, parent);
}

static void enter(struct wf_token *t, struct wf_fiber *f)
{
    wf_tree_lock();
    wf_token_enter(t, f);
    wf_tree_unlock();
}

static void shut(struct wf_token *t)
{
    wf_tree_lock();
    wf_token_close(t);
    wf_tree_unlock();
    wf_token_unref(t);
}

/* Closed, while somebody holds a handle of it. */
static void take_out(struct wf_token *t)
{
    wf_token_ref(t);
    shut(t);
}

static struct wf_cancel_state state_of(struct wf_token *t)
{
    struct wf_cancel_state s;

    wf_token_state(t, &s);
    return s;
}

static int64_t in(int64_t span)
{
    return wf_clock_after(span);
}

Test(token, fresh_is_not_cancelled)
{
    struct wf_token a;

    make(&a, wf_token_root(), WF_NEVER);
    cr_assert(!state_of(&a).cancelled);
    cr_assert_eq(state_of(&a).reason, WF_REASON_NONE);
    cr_assert_eq(state_of(&a).deadline, WF_NEVER);
    cr_assert_str_eq(state_of(&a).text, "");
    shut(&a);
}

Test(token, cancel_reaches_what_is_below_and_nothing_else)
{
    struct wf_token a, b, c, beside;

    make(&a, wf_token_root(), WF_NEVER);
    make(&b, &a, WF_NEVER);
    make(&c, &b, WF_NEVER);
    make(&beside, &a, WF_NEVER);
    wf_token_cancel(&b, WF_REASON_CANCEL, "enough");
    cr_assert(!state_of(&a).cancelled);
    cr_assert(!state_of(&beside).cancelled);
    cr_assert(state_of(&b).cancelled);
    cr_assert(state_of(&c).cancelled);
    cr_assert_eq(state_of(&c).reason, WF_REASON_CANCEL);
    cr_assert_str_eq(state_of(&c).text, "enough");
    shut(&c), shut(&b), shut(&beside), shut(&a);
}

Test(token, first_reason_stays)
{
    struct wf_token a;

    make(&a, wf_token_root(), WF_NEVER);
    wf_token_cancel(&a, WF_REASON_FAILED, "first");
    wf_token_cancel(&a, WF_REASON_CANCEL, "second");
    cr_assert_eq(state_of(&a).reason, WF_REASON_FAILED);
    cr_assert_str_eq(state_of(&a).text, "first");
    shut(&a);
}

Test(token, long_text_is_cut)
{
    struct wf_token a;
    char text[3 * WF_REASON_TEXT];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    make(&a, wf_token_root(), WF_NEVER);
    wf_token_cancel(&a, WF_REASON_CANCEL, text);
    cr_assert_eq(strlen(state_of(&a).text), WF_REASON_TEXT - 1);
    shut(&a);
}

Test(token, deadline_in_the_past_is_a_cancellation)
{
    struct wf_token a;

    make(&a, wf_token_root(), 1);
    cr_assert(state_of(&a).cancelled);
    cr_assert_eq(state_of(&a).reason, WF_REASON_DEADLINE);
    wf_token_cancel(&a, WF_REASON_CANCEL, "too late");
    cr_assert_eq(state_of(&a).reason, WF_REASON_DEADLINE);
    cr_assert_str_eq(state_of(&a).text, "");
    shut(&a);
}

Test(token, deadline_comes_without_anybody_doing_anything)
{
    struct wf_token a;

    make(&a, wf_token_root(), in(5 * WF_NS_PER_MS));
    cr_assert(!state_of(&a).cancelled);
    while (wf_clock_now() < a.deadline)
        continue;
    cr_assert(state_of(&a).cancelled);
    cr_assert_eq(state_of(&a).reason, WF_REASON_DEADLINE);
    shut(&a);
}

Test(token, cancel_before_the_deadline_wins)
{
    struct wf_token a;

    make(&a, wf_token_root(), in(WF_NS_PER_S));
    wf_token_cancel(&a, WF_REASON_CANCEL, NULL);
    cr_assert_eq(state_of(&a).reason, WF_REASON_CANCEL);
    shut(&a);
}

Test(token, least_deadline_of_the_chain_counts)
{
    struct wf_token outer, inner, innermost;
    int64_t near = in(WF_NS_PER_S), far = in(60 * WF_NS_PER_S);

    make(&outer, wf_token_root(), near);
    make(&inner, &outer, far);
    make(&innermost, &inner, WF_NEVER);
    cr_assert_eq(innermost.effective, near);
    cr_assert_eq(state_of(&innermost).deadline, near);
    shut(&innermost), shut(&inner), shut(&outer);
}

Test(token, shield_holds_for_ever)
{
    struct wf_token outer, shield;

    make(&outer, wf_token_root(), in(WF_NS_PER_S));
    make_shield(&shield, &outer, WF_NEVER);
    cr_assert_eq(shield.effective, WF_NEVER);
    cr_assert_eq(state_of(&shield).deadline, WF_NEVER);
    wf_token_cancel(&outer, WF_REASON_CANCEL, "held back");
    cr_assert(!state_of(&shield).cancelled);
    cr_assert_eq(state_of(&shield).reason, WF_REASON_CANCEL, "it shows already");
    cr_assert_str_eq(state_of(&shield).text, "held back");
    wf_token_cancel(&shield, WF_REASON_CANCEL, "the shield's own");
    cr_assert(state_of(&shield).cancelled);
    cr_assert_str_eq(state_of(&shield).text, "the shield's own");
    shut(&shield), shut(&outer);
}

Test(token, grace_runs_from_the_cancellation)
{
    struct wf_token outer, shield, inner;
    int64_t before;

    make(&outer, wf_token_root(), WF_NEVER);
    make_shield(&shield, &outer, 5 * WF_NS_PER_MS);
    make(&inner, &shield, WF_NEVER);
    before = wf_clock_now();
    wf_token_cancel(&outer, WF_REASON_CANCEL, NULL);
    cr_assert_eq(shield.effective, outer.effective + 5 * WF_NS_PER_MS);
    cr_assert_eq(inner.effective, shield.effective);
    while (wf_clock_now() < inner.effective)
        continue;
    cr_assert_geq(wf_clock_now() - before, 5 * WF_NS_PER_MS);
    cr_assert(state_of(&inner).cancelled);
    cr_assert_eq(state_of(&inner).reason, WF_REASON_CANCEL);
    shut(&inner), shut(&shield), shut(&outer);
}

Test(token, deadline_beyond_a_shield_is_later_by_its_grace)
{
    struct wf_token outer, shield;
    int64_t deadline = in(WF_NS_PER_S);

    make(&outer, wf_token_root(), deadline);
    make_shield(&shield, &outer, 7);
    cr_assert_eq(shield.effective, deadline + 7);
    cr_assert_eq(state_of(&shield).deadline, deadline + 7);
    shut(&shield), shut(&outer);
}

Test(token, moments_saturate)
{
    struct wf_token outer, shield;

    make(&outer, wf_token_root(), WF_NEVER - 10);
    make_shield(&shield, &outer, WF_NEVER - 1);
    cr_assert_eq(shield.effective, WF_NEVER);
    shut(&shield), shut(&outer);
    make(&outer, wf_token_root(), INT64_MIN);
    make_shield(&shield, &outer, 5);
    cr_assert(state_of(&shield).cancelled);
    shut(&shield), shut(&outer);
}

Test(token, innermost_token_tells_its_fiber)
{
    struct wf_token outer, inner;
    struct wf_fiber f = {.limit = WF_NEVER};
    int64_t deadline = in(WF_NS_PER_S);

    make(&outer, wf_token_root(), deadline);
    make(&inner, &outer, WF_NEVER);
    enter(&inner, &f);
    cr_assert_eq(wf_load(&f.limit), deadline);
    cr_assert(!wf_load(&f.cancelled));
    wf_token_cancel(&outer, WF_REASON_CANCEL, NULL);
    cr_assert(wf_load(&f.cancelled));
    cr_assert_eq(wf_load(&f.limit), outer.effective);
    shut(&inner);
    cr_assert(!wf_load(&f.cancelled), "no token is its innermost one any more");
    cr_assert_eq(wf_load(&f.limit), WF_NEVER);
    shut(&outer);
}

Test(token, fiber_behind_a_shield_learns_of_the_grace)
{
    struct wf_token outer, shield;
    struct wf_fiber f = {.limit = WF_NEVER};

    make(&outer, wf_token_root(), WF_NEVER);
    make_shield(&shield, &outer, WF_NS_PER_S);
    enter(&shield, &f);
    cr_assert_eq(wf_load(&f.limit), WF_NEVER);
    wf_token_cancel(&outer, WF_REASON_CANCEL, NULL);
    cr_assert(!wf_load(&f.cancelled));
    cr_assert_eq(wf_load(&f.limit), outer.effective + WF_NS_PER_S);
    shut(&shield), shut(&outer);
}

Test(token, closed_token_stays_as_it_was)
{
    struct wf_token outer, inner;

    make(&outer, wf_token_root(), WF_NEVER);
    make(&inner, &outer, WF_NEVER);
    wf_token_cancel(&outer, WF_REASON_FAILED, "why");
    take_out(&inner);
    cr_assert(state_of(&inner).cancelled);
    cr_assert_eq(state_of(&inner).reason, WF_REASON_FAILED);
    cr_assert_str_eq(state_of(&inner).text, "why");
    shut(&outer);
    cr_assert_str_eq(state_of(&inner).text, "why", "its own share of the text");
    wf_token_unref(&inner);

    make(&outer, wf_token_root(), in(WF_NS_PER_S));
    take_out(&outer);
    wf_token_cancel(&outer, WF_REASON_CANCEL, NULL);
    cr_assert(!state_of(&outer).cancelled);
    wf_token_unref(&outer);
}

enum { DEPTH = 20000, SMALL_STACK = 128 << 10 };

static void *cancel_on_a_small_stack(void *token)
{
    wf_token_cancel(token, WF_REASON_CANCEL, NULL);
    return NULL;
}

/* A walk that recurses would overflow the stack. */
Test(token, cancel_walks_a_deep_and_wide_tree)
{
    struct wf_token *t = calloc(DEPTH, sizeof(*t));
    struct wf_token *side = calloc(DEPTH, sizeof(*side));
    int missed = 0;
    pthread_attr_t attr;
    pthread_t thread;

    cr_assert(t && side);
    for (int i = 0; i < DEPTH; i++) {
        make(&t[i], i ? &t[i - 1] : wf_token_root(), WF_NEVER);
        make(&side[i], i ? &t[i - 1] : wf_token_root(), WF_NEVER);
    }
    cr_assert_eq(pthread_attr_init(&attr), 0);
    cr_assert_eq(pthread_attr_setstacksize(&attr, SMALL_STACK), 0);
    cr_assert_eq(pthread_create(&thread, &attr, cancel_on_a_small_stack, &t[1]), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert(!state_of(&t[0]).cancelled);
    cr_assert(!state_of(&side[0]).cancelled);
    cr_assert(!state_of(&side[1]).cancelled);
    for (int i = 2; i < DEPTH; i++) /* an assertion each would cost Criterion minutes */
        missed += t[i].effective == WF_NEVER || side[i].effective == WF_NEVER;
    cr_assert_eq(missed, 0);
    for (int i = DEPTH; i-- > 0;)
        shut(&side[i]), shut(&t[i]);
    free(t);
    free(side);
}

Test(token, root_can_be_taken_back)
{
    struct wf_token a, plain;

    make(&a, wf_token_root(), WF_NEVER);
    make(&plain, NULL, WF_NEVER);
    wf_token_cancel(wf_token_root(), WF_REASON_FATAL, "ctrl-c");
    cr_assert(state_of(&a).cancelled);
    cr_assert(!state_of(&plain).cancelled, "it is not below the root");
    wf_tree_lock();
    wf_token_reset_root();
    wf_tree_unlock();
    cr_assert(!state_of(&a).cancelled);
    cr_assert_eq(state_of(&a).reason, WF_REASON_NONE);
    shut(&a), shut(&plain);
}

Test(token, fork_leaves_the_survivor_alone_below_the_root)
{
    struct wf_token a, child, other;

    make(&a, wf_token_root(), WF_NEVER);
    make(&child, &a, WF_NEVER);
    make(&other, wf_token_root(), WF_NEVER);
    wf_token_cancel(wf_token_root(), WF_REASON_FATAL, NULL);
    wf_tree_lock(); /* another thread of the parent may have held it */
    wf_tree_after_fork(&a);
    cr_assert(!state_of(&a).cancelled);
    cr_assert(wf_tree_idle(&a));
    wf_token_cancel(wf_token_root(), WF_REASON_CANCEL, NULL);
    cr_assert(state_of(&a).cancelled);
    wf_tree_lock();
    wf_token_reset_root();
    wf_tree_unlock();
    shut(&a);
}
