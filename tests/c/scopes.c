/* Scopes and tokens as a user sees them: deadlines, shields, what a close absorbs. */
#include "check.h"

static int64_t started;

static void begin(void)
{
    started = weft_now();
}

/* Not earlier than `least`; `most` is generous, the machine may be busy. */
static void took(int64_t least, int64_t most)
{
    int64_t span = weft_now() - started;

    CHECK(span >= least);
    CHECK(span < most);
}

static weft_cancel_info info_of(weft_token *t)
{
    weft_cancel_info info = {.size = sizeof(info)};

    OK(weft_token_info(t, &info));
    return info;
}

static void deadline_cuts_waits(void)
{
    weft_token *t = open_scope(weft_now() + 10 * MS);

    begin();
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    took(9 * MS, LONG_NS / 10);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    FAILS(WEFT_ECANCELED, weft_sleep(0));
    FAILS(WEFT_ECANCELED, weft_sleep_until(0));
    FAILS(WEFT_ECANCELED, weft_checkpoint());
    OK(weft_yield()); /* is not a wait */
    CHECK_EQ(state_here().reason, WEFT_REASON_DEADLINE);
    close_scope(t, WEFT_CANCELLED, WEFT_VALUE, WEFT_ETIMEDOUT);
    OK(weft_sleep(1));
}

static void deadline_nobody_waited_for(void)
{
    weft_token *t = open_scope(0);

    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
}

static void nested_deadlines(void)
{
    int64_t near = weft_now() + 10 * MS, far = weft_now() + LONG_NS;
    weft_token *outer = open_scope(near), *inner = open_scope(far);

    CHECK_EQ(state_here().deadline_ns, near);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    close_scope(inner, WEFT_CANCELLED, WEFT_CANCELLED, 0); /* the outer one's, it travels on */
    close_scope(outer, WEFT_CANCELLED, WEFT_VALUE, WEFT_ETIMEDOUT);

    near = weft_now() + 10 * MS;
    outer = open_scope(far);
    inner = open_scope(near);
    CHECK_EQ(state_here().deadline_ns, near);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    close_scope(inner, WEFT_CANCELLED, WEFT_VALUE, WEFT_ETIMEDOUT);
    CHECK_EQ(state_here().deadline_ns, far);
    OK(weft_sleep(1));
    close_scope(outer, WEFT_VALUE, WEFT_VALUE, 0);
}

static void scope_cancelled(void)
{
    weft_token *t = open_scope(WEFT_NEVER), *same;

    OK(weft_token_current(&same));
    OK(weft_token_cancel(same, "enough"));
    OK(weft_token_cancel(t, "the first reason stays"));
    CHECK(strcmp(info_of(t).text, "enough") == 0);
    CHECK_EQ(info_of(t).reason, WEFT_REASON_CANCEL);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    close_scope(t, WEFT_CANCELLED, WEFT_VALUE, WEFT_ECANCELED);
    CHECK_EQ(info_of(same).cancelled, 1); /* closed, it says what it said last */
    CHECK(strcmp(info_of(same).text, "enough") == 0);
    OK(weft_token_cancel(same, "closed: left as it is"));
    CHECK(strcmp(info_of(same).text, "enough") == 0);
    OK(weft_token_release(same));
}

static void outer_cancel_wins(void)
{
    weft_token *outer = open_scope(WEFT_NEVER), *inner = open_scope(WEFT_NEVER);

    OK(weft_token_cancel(inner, NULL));
    OK(weft_token_cancel(outer, NULL));
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    close_scope(inner, WEFT_CANCELLED, WEFT_CANCELLED, 0);
    close_scope(outer, WEFT_CANCELLED, WEFT_VALUE, WEFT_ECANCELED);
}

static void other_kinds_pass(void)
{
    for (int32_t kind = WEFT_VALUE; kind <= WEFT_FATAL; kind++) {
        weft_token *t = open_scope(WEFT_NEVER);

        close_scope(t, kind, kind, 0);
    }
}

/* ---- shields ---- */

static void shield_for_ever(void)
{
    weft_token *outer = open_scope(WEFT_NEVER), *shield;

    OK(weft_token_cancel(outer, "held back"));
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    shield = open_shield(WEFT_NEVER);
    CHECK_EQ(state_here().cancelled, 0);
    CHECK(strcmp(state_here().text, "held back") == 0);
    OK(weft_sleep(MS));
    close_scope(shield, WEFT_VALUE, WEFT_VALUE, 0);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    close_scope(outer, WEFT_CANCELLED, WEFT_VALUE, WEFT_ECANCELED);
}

static int cancels_soon(void *arg)
{
    OK(weft_sleep(5 * MS));
    return weft_token_cancel(arg, "late");
}

/* The wait is under way, without an end, when the cancellation gives it one. */
static void shield_with_grace(void)
{
    weft_nursery *n = open_nursery();
    weft_token *outer = open_scope(WEFT_NEVER), *shield = open_shield(20 * MS);

    start(n, cancels_soon, outer);
    begin();
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    took(24 * MS, LONG_NS / 10);
    close_scope(shield, WEFT_CANCELLED, WEFT_CANCELLED, 0);
    close_scope(outer, WEFT_CANCELLED, WEFT_VALUE, WEFT_ECANCELED);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
}

static void deadline_seen_through_a_shield(void)
{
    int64_t deadline = weft_now() + 5 * MS;
    weft_token *outer = open_scope(deadline), *shield = open_shield(20 * MS);

    CHECK_EQ(state_here().deadline_ns, deadline + 20 * MS);
    begin();
    OK(weft_sleep(10 * MS));
    CHECK_EQ(state_here().cancelled, 0);
    CHECK_EQ(state_here().reason, WEFT_REASON_DEADLINE);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    took(20 * MS, LONG_NS / 10);
    close_scope(shield, WEFT_CANCELLED, WEFT_CANCELLED, 0);
    close_scope(outer, WEFT_CANCELLED, WEFT_VALUE, WEFT_ETIMEDOUT);
}

/* A nursery within a shield: its children are shielded too. */
static int naps(void *arg)
{
    OK(weft_sleep(5 * MS));
    ++*(int *)arg;
    return 0;
}

static void shielded_children(void)
{
    weft_token *outer = open_scope(WEFT_NEVER), *shield = open_shield(WEFT_NEVER);
    weft_nursery *n = open_nursery();
    int done = 0;

    for (int i = 0; i < 10; i++)
        start(n, naps, &done);
    OK(weft_token_cancel(outer, NULL));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    CHECK_EQ(done, 10);
    close_scope(shield, WEFT_VALUE, WEFT_VALUE, 0);
    close_scope(outer, WEFT_VALUE, WEFT_VALUE, 0);
}

/* ---- joins, and the close ---- */

static void join_under_a_deadline(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *f = spawn(n, sleeps_long, NULL);
    weft_token *t = open_scope(weft_now() + 5 * MS);

    FAILS(WEFT_ETIMEDOUT, weft_join(f, weft_now() + MS, NULL));
    FAILS(WEFT_ETIMEDOUT, weft_join(f, 0, NULL));
    FAILS(WEFT_ECANCELED, weft_join(f, WEFT_NEVER, NULL));
    close_scope(t, WEFT_CANCELLED, WEFT_VALUE, WEFT_ETIMEDOUT);
    OK(weft_fiber_cancel(f, NULL));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    t = open_scope(0);
    OK(weft_join(f, WEFT_NEVER, NULL)); /* it need not wait: it completes */
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_fiber_release(f));
}

static void deadline_over_a_nursery(void)
{
    weft_token *t = open_scope(weft_now() + 10 * MS);
    weft_nursery *n = open_nursery();

    for (int i = 0; i < 1000; i++)
        start(n, sleeps_long, NULL);
    begin();
    close_with(n, WEFT_VALUE, WEFT_CANCELLED, 0);
    took(0, LONG_NS / 10);
    close_scope(t, WEFT_CANCELLED, WEFT_VALUE, WEFT_ETIMEDOUT);
}

/* A scope handed to others, who may cancel it while it is open and look at it after. */
static int uses_token(void *arg)
{
    weft_token *t = arg;

    OK(weft_sleep(MS));
    OK(weft_token_cancel(t, "by a child"));
    return 0;
}

static void token_given_to_a_child(void)
{
    weft_nursery *n = open_nursery();
    weft_token *scope = open_scope(WEFT_NEVER), *t;

    OK(weft_token_current(&t));
    start(n, uses_token, t);
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    CHECK(strcmp(state_here().text, "by a child") == 0);
    close_scope(scope, WEFT_CANCELLED, WEFT_VALUE, WEFT_ECANCELED);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_token_release(t));
}

static void many_scopes(void)
{
    enum { DEPTH = 10000 };
    weft_token **t = malloc(DEPTH * sizeof(*t));

    CHECK(t != NULL);
    for (int i = 0; i < DEPTH; i++)
        t[i] = open_scope(WEFT_NEVER);
    OK(weft_token_cancel(t[0], NULL));
    FAILS(WEFT_ECANCELED, weft_sleep(LONG_NS));
    for (int i = DEPTH; i-- > 1;)
        close_scope(t[i], WEFT_CANCELLED, WEFT_CANCELLED, 0);
    close_scope(t[0], WEFT_CANCELLED, WEFT_VALUE, WEFT_ECANCELED);
    free(t);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"deadline_cuts_waits", deadline_cuts_waits},
        {"deadline_nobody_waited_for", deadline_nobody_waited_for},
        {"nested_deadlines", nested_deadlines},
        {"scope_cancelled", scope_cancelled},
        {"outer_cancel_wins", outer_cancel_wins},
        {"other_kinds_pass", other_kinds_pass},
        {"shield_for_ever", shield_for_ever},
        {"shield_with_grace", shield_with_grace},
        {"deadline_seen_through_a_shield", deadline_seen_through_a_shield},
        {"shielded_children", shielded_children},
        {"join_under_a_deadline", join_under_a_deadline},
        {"deadline_over_a_nursery", deadline_over_a_nursery},
        {"token_given_to_a_child", token_given_to_a_child},
        {"many_scopes", many_scopes},
        {NULL, NULL},
    };

    return check_all(argc, argv, tests);
}
