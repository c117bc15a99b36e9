/* Foreign OS threads cancel and look, while fibers open, close, park, join and end. */
#include "support/world.h"

#include "scope/scope.h"

#include <pthread.h>
#include <stdio.h>

enum { FIBERS = 32, ROUNDS = 20, THREADS = 2 };

static int failures;

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not ok: %s:%d: %s\n", __FILE__, __LINE__, #cond);                              \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* What the threads meddle with. */
struct target {
    struct wf_nursery *nursery;
    struct wf_task *tasks[FIBERS];
    _Atomic int over;
};

static int naps(void *arg)
{
    return world_sleep(*(int64_t *)arg);
}

/* A scope with a deadline, in it a shield, in it a nursery with a child. */
static int one_turn(struct wf_fiber *self, int64_t span)
{
    struct wf_scope_opts soon = {.deadline = wf_clock_after(span)},
                         shield = {.deadline = WF_NEVER, .shield = true, .grace = span / 2};
    struct wf_token *outer, *inner;
    struct wf_nursery *n;
    struct wf_outcome out;
    int err;

    CHECK(wf_scope_push(self, &soon, &outer) == WF_OK);
    CHECK(wf_scope_push(self, &shield, &inner) == WF_OK);
    n = world_open(1);
    world_spawn(n, naps, &span, NULL);
    world_spawn(n, naps, &span, NULL);
    err = world_sleep(span / 3);
    out = world_shut(n, err ? WF_KIND_CANCELLED : WF_KIND_VALUE);
    CHECK(wf_scope_pop(self, inner, out.kind, &out) == WF_OK);
    CHECK(wf_scope_pop(self, outer, out.kind, &out) == WF_OK);
    CHECK(out.kind == WF_KIND_VALUE || out.kind == WF_KIND_CANCELLED);
    return out.kind == WF_KIND_CANCELLED ? WF_ECANCELED : WF_OK;
}

static int restless(void *arg)
{
    struct wf_fiber *self = wf_fiber_self();
    int64_t span = 20000;

    (void)arg;
    while (!wf_fiber_interrupted(self)) {
        if (one_turn(self, span += 7000) != WF_OK)
            break;
    }
    return WF_ECANCELED;
}

static void *meddles(void *arg)
{
    struct target *t = arg;
    struct wf_cancel_state state;

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < FIBERS; i++)
            (void)wf_task_state(t->tasks[i]);
        wf_token_state(&t->nursery->token, &state);
    }
    for (int i = 0; i < FIBERS; i++)
        wf_task_cancel(t->tasks[i], WF_REASON_CANCEL, "from a thread");
    wf_token_cancel(&t->nursery->token, WF_REASON_CANCEL, "from a thread");
    wf_add(&t->over, 1);
    return NULL;
}

static void one_round(void)
{
    struct target t = {.nursery = world_open(0)};
    pthread_t threads[THREADS];

    for (int i = 0; i < FIBERS; i++)
        world_spawn(t.nursery, restless, NULL, &t.tasks[i]);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, meddles, &t) == 0);
    while (wf_load(&t.over) < THREADS)
        (void)wf_park_sleep(wf_fiber_self(), wf_clock_after(WF_NS_PER_MS / 10), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(world_shut(t.nursery, WF_KIND_CANCELLED).kind == WF_KIND_VALUE);
    for (int i = 0; i < FIBERS; i++) {
        CHECK(world_join(t.tasks[i]).kind == WF_KIND_CANCELLED);
        wf_task_unref(t.tasks[i]);
    }
}

int main(void)
{
    world_start();
    for (int round = 0; round < ROUNDS; round++)
        one_round();
    world_stop();
    printf("%s scope_cancel\n", failures ? "not ok" : "ok");
    return failures != 0;
}
