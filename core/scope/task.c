/* Tasks: from the making of a child to its outcome, joining, adopting. */
#include "scope/task.h"

#include "base/assert.h"
#include "base/status.h"
#include "scope/nursery.h"
#include "scope/scope.h"
#include "sched/processor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LABEL_MAX = 255, /* longer names and sites are cut */
    SPAWN_AHEAD = 64,
};
static const int64_t SLICE = WF_NS_PER_MS;

/* One who waits in wf_task_join, on its own stack. */
struct wf_joiner {
    struct wf_list link; /* in the task's joiners: tree lock */
    struct wf_fiber *fiber;
};

/* ---- making --------------------------------------------------------------------------------- */

static void destroy(struct wf_token *t)
{
    free(wf_container(t, struct wf_task, own));
}

static size_t label_room(const char *label)
{
    return label ? strnlen(label, LABEL_MAX) + 1 : 0;
}

static const char *put_label(char **at, const char *label, size_t room)
{
    char *put = *at;

    if (!room)
        return NULL;
    memcpy(put, label, room - 1);
    put[room - 1] = '\0';
    *at += room;
    return put;
}

/* Not in the tree yet. */
static struct wf_task *make(const struct wf_task_opts *opts)
{
    size_t name = label_room(opts->name), site = label_room(opts->site);
    struct wf_task *t = calloc(1, sizeof(*t) + name + site);
    char *labels = (char *)t + sizeof(*t);

    if (!t)
        return NULL;
    wf_token_init(&t->own, WF_TOKEN_TASK, destroy);
    t->current = &t->own;
    t->fn = opts->fn;
    t->arg = opts->arg;
    t->daemon = opts->daemon;
    t->slice_switches = UINT64_MAX; /* none has begun */
    wf_list_init(&t->joiners);
    wf_list_init(&t->pending);
    t->name = put_label(&labels, opts->name, name);
    t->site = put_label(&labels, opts->site, site);
    return t;
}

/* Into the tree: from now on it can be cancelled, and its nursery waits for it. */
static int enroll(struct wf_task *t, struct wf_nursery *n, struct wf_fiber *f)
{
    int err = WF_OK;

    wf_tree_lock();
    if (n)
        err = wf_nursery_add(n, t);
    else
        wf_token_attach(&t->own, NULL);
    if (!err && f) {
        t->fiber = f;
        wf_token_enter(&t->own, f);
    }
    wf_tree_unlock();
    return err;
}

static int run(void *arg)
{
    struct wf_task *t = arg;

    if (!t->must_run && wf_fiber_interrupted(t->fiber))
        return WF_ECANCELED;
    wf_store(&t->state, WF_TASK_RUNNING); /* for whoever asks; nothing hangs on it */
    return t->fn(t->arg);
}

static void on_end(struct wf_fiber *f, int result);

static int make_fiber(struct wf_task *t, uint32_t flags, size_t stack, struct wf_fiber **out)
{
    struct wf_fiber_opts opts = {
        .fn = run,
        .arg = t,
        .flags = flags,
        .stack = stack,
        .on_end = on_end,
        .task = t,
    };

    return wf_fiber_create(&opts, wf_fiber_self()->home, out);
}

int wf_task_create(struct wf_nursery *n, const struct wf_task_opts *opts, struct wf_fiber **fiber,
                   struct wf_task **out)
{
    struct wf_task *t = make(opts);
    int err;

    *fiber = NULL;
    if (out)
        *out = NULL;
    if (!t)
        return WF_ENOMEM;
    err = make_fiber(t, opts->fiber_flags, opts->stack, fiber);
    if (!err) {
        err = enroll(t, n, *fiber);
        if (err)
            wf_fiber_discard(*fiber);
    }
    if (err) {
        *fiber = NULL;
        wf_task_unref(t);
        return err;
    }
    if (out) {
        wf_task_ref(t);
        *out = t;
    }
    return WF_OK;
}

void wf_task_start(struct wf_fiber *fiber)
{
    struct wf_task *t = wf_task_of(fiber);
    bool now;

    wf_tree_lock();
    now = !t->nursery || wf_nursery_take_slot(t->nursery, t);
    if (now)
        wf_fiber_start(fiber);
    wf_tree_unlock();
}

/* ---- ending --------------------------------------------------------------------------------- */

void wf_task_finish(struct wf_task *t, struct wf_outcome outcome)
{
    struct wf_list *l;

    t->outcome = outcome;
    t->nursery = NULL;
    t->fiber = NULL;
    wf_token_close(&t->own);
    wf_store_release(&t->state, WF_TASK_DONE); /* pairs with the load in wf_task_state */
    for (l = t->joiners.next; l != &t->joiners; l = l->next)
        (void)wf_unpark(wf_container(l, struct wf_joiner, link)->fiber, WF_PARK_OK);
}

/* A child that was announced or made, and never was. */
static void forget(struct wf_task *t)
{
    wf_tree_lock();
    if (t->nursery)
        wf_nursery_remove(t->nursery, t);
    wf_task_finish(t, (struct wf_outcome){.kind = WF_KIND_CANCELLED, .code = WF_ECANCELED});
    wf_tree_unlock();
    wf_task_unref(t);
}

void wf_task_discard(struct wf_fiber *fiber)
{
    struct wf_task *t = wf_task_of(fiber);

    forget(t);
    wf_fiber_discard(fiber);
}

static struct wf_outcome outcome_of(const struct wf_task *t, int result)
{
    if (t->is_set)
        return t->set;
    if (result == WF_ECANCELED)
        return (struct wf_outcome){.kind = WF_KIND_CANCELLED, .code = result};
    if (result < 0)
        return (struct wf_outcome){.kind = WF_KIND_ERROR, .code = result};
    return (struct wf_outcome){.kind = WF_KIND_VALUE};
}

static struct wf_outcome close_nursery(struct wf_fiber *f, struct wf_nursery *n, enum wf_kind kind)
{
    struct wf_outcome out = {.kind = WF_KIND_VALUE};
    int err;

    do
        err = wf_nursery_close(f, n, kind, &out);
    while (err == WF_EINTR);
    WF_ASSERT_EQ(err, WF_OK);
    return out;
}

/* A fiber that ends with nurseries or scopes open must not leave children without an owner. To
 * have left them open is an error of its own. */
static struct wf_outcome close_what_is_open(struct wf_fiber *f, struct wf_outcome outcome)
{
    struct wf_task *t = wf_task_of(f);

    if (t->current == &t->own)
        return outcome;
    if (outcome.kind != WF_KIND_FATAL)
        outcome = (struct wf_outcome){.kind = WF_KIND_ERROR, .code = WF_EORDER};
    while (t->current != &t->own) {
        struct wf_outcome left = {.kind = WF_KIND_VALUE};

        if (t->current->kind == WF_TOKEN_NURSERY)
            left =
                close_nursery(f, wf_container(t->current, struct wf_nursery, token), outcome.kind);
        else
            (void)wf_scope_pop(f, t->current, outcome.kind, &left);
        if (left.kind == WF_KIND_FATAL)
            outcome = left;
    }
    return outcome;
}

/* The reason its siblings will read. */
static struct wf_reason_text *describe(const struct wf_task *t, enum wf_kind kind)
{
    char text[WF_REASON_TEXT];

    if (kind != WF_KIND_ERROR && kind != WF_KIND_FATAL)
        return NULL;
    if (t->name)
        snprintf(text, sizeof(text), "%.80s failed", t->name);
    else if (t->site)
        snprintf(text, sizeof(text), "a fiber from %.80s failed", t->site);
    else
        snprintf(text, sizeof(text), "a fiber failed");
    return wf_reason_text_new(text);
}

static void on_end(struct wf_fiber *f, int result)
{
    struct wf_task *t = wf_task_of(f);
    struct wf_reason_text *text;
    struct wf_outcome outcome;

    (void)wf_task_adopt_abort(f);
    outcome = close_what_is_open(f, outcome_of(t, result));
    text = describe(t, outcome.kind);
    wf_tree_lock();
    if (t->nursery)
        wf_nursery_child_ended(t->nursery, t, outcome, text);
    else if (outcome.kind == WF_KIND_FATAL)
        wf_token_cancel_locked(wf_token_root(), WF_REASON_FATAL, text);
    wf_task_finish(t, outcome);
    wf_tree_unlock();
    wf_reason_text_unref(text);
    f->task = NULL;
    wf_task_unref(t);
}

/* ---- joining and asking --------------------------------------------------------------------- */

static bool is_done(struct wf_task *t)
{
    /* Pairs with the store in wf_task_finish: who sees DONE sees the outcome. */
    return wf_load_acquire(&t->state) == WF_TASK_DONE;
}

static int park_result(enum wf_park_result r)
{
    switch (r) {
    case WF_PARK_OK:
        break;
    case WF_PARK_TIMEOUT:
        return WF_ETIMEDOUT;
    case WF_PARK_CANCEL:
        return WF_ECANCELED;
    case WF_PARK_SIGNAL:
        return WF_EINTR;
    }
    return WF_OK;
}

/* One park among the joiners. */
static enum wf_park_result wait_for_end(struct wf_fiber *self, struct wf_task *t, int64_t deadline)
{
    struct wf_joiner w = {.fiber = self};
    enum wf_park_result r = WF_PARK_OK;

    wf_park_prepare(self, WF_WAIT_JOIN, WF_PARK_INTERRUPTIBLE);
    wf_tree_lock();
    wf_list_push_back(&t->joiners, &w.link);
    wf_tree_unlock();
    if (is_done(t))
        (void)wf_park_abort(self);
    else
        r = wf_park_commit(self, deadline);
    wf_tree_lock();
    wf_list_remove(&w.link);
    wf_tree_unlock();
    return r;
}

int wf_task_join(struct wf_fiber *self, struct wf_task *t, int64_t deadline, struct wf_outcome *out)
{
    int err = WF_OK;

    if (wf_task_of(self) == t)
        return WF_EDEADLOCK;
    while (!is_done(t) && !err)
        err = park_result(wait_for_end(self, t, deadline));
    if (!is_done(t))
        return err;
    *out = t->outcome;
    return WF_OK;
}

/* One that waits for a place need not have one to end: it starts, and does not call its fn. */
static void start_cancelled(struct wf_task *t)
{
    if (wf_list_empty(&t->pending) || t->adopter)
        return;
    wf_list_remove(&t->pending);
    wf_fiber_start(t->fiber);
}

void wf_task_cancel(struct wf_task *t, enum wf_reason reason, const char *text)
{
    struct wf_reason_text *copy = wf_reason_text_new(text);

    wf_tree_lock();
    wf_token_cancel_locked(&t->own, reason, copy);
    start_cancelled(t);
    wf_tree_unlock();
    wf_reason_text_unref(copy);
}

enum wf_task_state wf_task_state(struct wf_task *t)
{
    enum wf_task_state s = (enum wf_task_state)wf_load_acquire(&t->state);
    bool cancelled;

    if (s != WF_TASK_RUNNING)
        return s;
    wf_tree_lock();
    cancelled = wf_token_cancelled(&t->own, wf_clock_now());
    wf_tree_unlock();
    return is_done(t) ? WF_TASK_DONE : cancelled ? WF_TASK_CANCELLING : s;
}

void wf_task_outcome_set(struct wf_fiber *self, struct wf_outcome outcome)
{
    struct wf_task *t = wf_task_of(self);

    t->set = outcome;
    t->is_set = true;
}

/* A slice begins with the switch to this fiber, which the processor's counter shows. */
bool wf_task_slice_over(struct wf_fiber *self)
{
    struct wf_task *t = wf_task_of(self);
    int64_t now = wf_clock_now();

    if (t->slice_start == 0 || t->slice_switches != self->home->switches) {
        t->slice_switches = self->home->switches;
        t->slice_start = now;
        return false;
    }
    return now - t->slice_start >= SLICE;
}

/* ---- adopting ------------------------------------------------------------------------------- */

int wf_task_create_thread(struct wf_fiber *self, int (*fn)(void *), void *arg, size_t stack,
                          struct wf_fiber **fiber)
{
    struct wf_task *t = wf_task_of(self)->adopted;
    struct wf_task_opts none = {.fn = fn, .arg = arg};
    bool plain = t == NULL;
    int err;

    *fiber = NULL;
    if (plain)
        t = make(&none);
    if (!t)
        return WF_ENOMEM;
    err = make_fiber(t, WF_FIBER_THREAD, t->stack ? t->stack : stack, fiber);
    if (err) {
        if (plain)
            wf_task_unref(t);
        return err;
    }
    t->fn = fn;
    t->arg = arg;
    t->must_run = true;
    if (plain)
        return enroll(t, NULL, *fiber);
    wf_task_of(self)->adopted = NULL;
    wf_tree_lock();
    t->fiber = *fiber;
    wf_token_enter(&t->own, *fiber);
    wf_tree_unlock();
    return WF_OK;
}

static bool has_slot(struct wf_task *t)
{
    bool has;

    wf_tree_lock();
    has = t->slot;
    wf_tree_unlock();
    return has;
}

/* Waits until grant_slots has given `t` a place. */
static int wait_for_slot(struct wf_fiber *self, struct wf_task *t)
{
    int err = WF_OK;

    while (!err) {
        wf_park_prepare(self, WF_WAIT_SLOT, WF_PARK_INTERRUPTIBLE);
        if (has_slot(t)) {
            (void)wf_park_abort(self);
            return WF_OK;
        }
        err = park_result(wf_park_commit(self, WF_NEVER));
    }
    return has_slot(t) ? WF_OK : err;
}

static int take_slot(struct wf_fiber *self, struct wf_nursery *n, struct wf_task *t)
{
    bool has;
    int err;

    wf_tree_lock();
    has = wf_nursery_take_slot(n, t);
    t->adopter = has ? NULL : self;
    wf_tree_unlock();
    if (has)
        return WF_OK;
    err = wait_for_slot(self, t);
    wf_tree_lock();
    t->adopter = NULL;
    wf_tree_unlock();
    return err;
}

/* A child that has not run yet holds a stack whose first pages cost more than all else of its life.
 * When many are queued the spawner lets them run: those that end at once leave theirs hot. */
static void let_children_run(struct wf_fiber *self)
{
    if (self->home->unstarted >= SPAWN_AHEAD)
        wf_yield(self);
}

int wf_task_adopt(struct wf_fiber *self, struct wf_nursery *n, const struct wf_task_opts *opts,
                  struct wf_task **out)
{
    struct wf_task *t;
    int err;

    *out = NULL;
    if (wf_task_of(self)->adopted)
        return WF_EBUSY;
    let_children_run(self);
    t = make(opts);
    if (!t)
        return WF_ENOMEM;
    t->stack = opts->stack;
    err = enroll(t, n, NULL);
    if (err) {
        wf_task_unref(t);
        return err;
    }
    err = take_slot(self, n, t);
    if (err) {
        forget(t);
        return err;
    }
    wf_task_of(self)->adopted = t;
    wf_task_ref(t);
    *out = t;
    return WF_OK;
}

void *wf_task_adopt_abort(struct wf_fiber *self)
{
    struct wf_task *t = wf_task_of(self)->adopted;
    void *cookie;

    if (!t)
        return NULL;
    wf_task_of(self)->adopted = NULL;
    cookie = t->cookie;
    forget(t);
    return cookie;
}

/* ---- the main fiber, and fork --------------------------------------------------------------- */

int wf_task_init_main(struct wf_fiber *main)
{
    struct wf_task *t = make(&(struct wf_task_opts){.name = "main"});

    if (!t)
        return WF_ENOMEM;
    wf_store(&t->state, WF_TASK_RUNNING);
    main->task = t;
    wf_tree_lock();
    wf_token_reset_root();
    t->fiber = main;
    wf_token_attach(&t->own, wf_token_root());
    wf_token_enter(&t->own, main);
    wf_tree_unlock();
    return WF_OK;
}

bool wf_scope_idle(const struct wf_fiber *main)
{
    const struct wf_task *t = wf_task_of(main);

    return t->current == &t->own && wf_tree_idle(&t->own);
}

void wf_task_fini_main(struct wf_fiber *main)
{
    struct wf_task *t = wf_task_of(main);

    wf_tree_lock();
    wf_task_finish(t, (struct wf_outcome){.kind = WF_KIND_VALUE});
    wf_tree_unlock();
    main->task = NULL;
    wf_task_unref(t);
}

void (*wf_scope_forked)(void);

void wf_scope_after_fork(struct wf_fiber *survivor)
{
    struct wf_task *t = survivor ? wf_task_of(survivor) : NULL;

    wf_tree_after_fork(t ? &t->own : NULL);
    if (!t)
        return;
    t->nursery = NULL;
    t->current = &t->own;
    t->slot = false;
    t->adopted = NULL;
    wf_list_init(&t->joiners);
    wf_list_init(&t->pending);
    wf_token_enter(&t->own, survivor);
    if (wf_scope_forked)
        wf_scope_forked();
}
