/* Nurseries: children, places, what a failure does, and the close. */
#include "scope/nursery.h"

#include "base/assert.h"
#include "base/status.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255 }; /* longer names are cut */

static struct wf_nursery *nursery_of(struct wf_token *t)
{
    return wf_container(t, struct wf_nursery, token);
}

static void destroy(struct wf_token *t)
{
    free(nursery_of(t));
}

static struct wf_nursery *make(const struct wf_nursery_opts *opts)
{
    size_t name = opts->name ? strnlen(opts->name, NAME_MAX_BYTES) : 0;
    struct wf_nursery *n = calloc(1, sizeof(*n) + name + 1);

    if (!n)
        return NULL;
    wf_token_init(&n->token, WF_TOKEN_NURSERY, destroy);
    wf_list_init(&n->pending);
    n->limit = opts->limit;
    if (opts->name)
        n->name = memcpy((char *)n + sizeof(*n), opts->name, name);
    return n;
}

int wf_nursery_open(struct wf_fiber *self, const struct wf_nursery_opts *opts,
                    struct wf_nursery **out)
{
    struct wf_task *task = wf_task_of(self);
    struct wf_nursery *n = make(opts);

    *out = n;
    if (!n)
        return WF_ENOMEM;
    wf_tree_lock();
    wf_token_leave(task->current);
    wf_token_attach(&n->token, task->current);
    task->current = &n->token;
    wf_token_enter(&n->token, self);
    wf_tree_unlock();
    return WF_OK;
}

/* ---- children, with the tree's lock held --------------------------------------------------- */

static bool only_daemons_keep_it_open(const struct wf_nursery *n)
{
    return n->closer && n->live == n->daemons;
}

int wf_nursery_add(struct wf_nursery *n, struct wf_task *t)
{
    if (n->closed)
        return WF_ECLOSED;
    n->live++;
    if (t->daemon)
        n->daemons++;
    t->nursery = n;
    wf_token_attach(&t->own, &n->token);
    if (only_daemons_keep_it_open(n)) /* a daemon's child: the others have been told */
        wf_token_cancel_locked(&t->own, WF_REASON_CANCEL, NULL);
    return WF_OK;
}

bool wf_nursery_take_slot(struct wf_nursery *n, struct wf_task *t)
{
    if (n->limit == 0)
        return true;
    if (n->slots < n->limit) {
        n->slots++;
        t->slot = true;
        return true;
    }
    wf_list_push_back(&n->pending, &t->pending);
    return false;
}

/* Places that became free go to those that wait, in order. A fiber that waits to adopt looks at
 * `slot`, so it does not matter whether this wake reaches it. */
static void grant_slots(struct wf_nursery *n)
{
    while (n->slots < n->limit) {
        struct wf_list *link = wf_list_pop_front(&n->pending);
        struct wf_task *t;

        if (!link)
            return;
        t = wf_container(link, struct wf_task, pending);
        n->slots++;
        t->slot = true;
        if (t->adopter)
            (void)wf_unpark(t->adopter, WF_PARK_OK);
        else
            wf_fiber_start(t->fiber);
    }
}

/* All that is left are daemons: the work they served is done. */
static void cancel_daemons(struct wf_nursery *n)
{
    struct wf_list *l;

    for (l = n->token.children.next; l != &n->token.children; l = l->next)
        wf_token_cancel_locked(wf_container(l, struct wf_token, sibling), WF_REASON_CANCEL, NULL);
}

void wf_nursery_remove(struct wf_nursery *n, struct wf_task *t)
{
    wf_list_remove(&t->pending);
    n->live--;
    if (t->daemon)
        n->daemons--;
    if (t->slot) {
        t->slot = false;
        n->slots--;
        grant_slots(n);
    }
    if (n->closer && n->live == 0)
        (void)wf_unpark(n->closer, WF_PARK_OK);
    else if (!t->daemon && only_daemons_keep_it_open(n))
        cancel_daemons(n);
}

static void cancel_all(struct wf_nursery *n, enum wf_kind why, struct wf_reason_text *text)
{
    if (why == WF_KIND_ERROR)
        wf_token_cancel_locked(&n->token, WF_REASON_FAILED, text);
    if (why == WF_KIND_CANCELLED)
        wf_token_cancel_locked(&n->token, WF_REASON_CANCEL, text);
    if (why != WF_KIND_FATAL)
        return;
    wf_token_cancel_locked(&n->token, WF_REASON_FATAL, text);
    wf_token_cancel_locked(wf_token_root(), WF_REASON_FATAL, text);
}

void wf_nursery_child_ended(struct wf_nursery *n, struct wf_task *t, struct wf_outcome outcome,
                            struct wf_reason_text *text)
{
    switch (outcome.kind) {
    case WF_KIND_VALUE:
        break;
    case WF_KIND_ERROR:
        n->errors++;
        cancel_all(n, WF_KIND_ERROR, text);
        break;
    case WF_KIND_CANCELLED:
        n->child_cancelled = true;
        break;
    case WF_KIND_FATAL:
        n->fatal = true;
        cancel_all(n, WF_KIND_FATAL, text);
        break;
    }
    wf_nursery_remove(n, t);
}

/* ---- the close ------------------------------------------------------------------------------ */

/* The children learn how the body ended. A host may close again, with another kind, after
 * WF_EINTR: what the first call did to the token must not be taken for its cause then. */
static void body_ended(struct wf_nursery *n, enum wf_kind body)
{
    struct wf_reason_text *text = NULL;

    if (body == WF_KIND_VALUE)
        return;
    if (body != WF_KIND_CANCELLED)
        text = wf_reason_text_new("the body failed");
    wf_tree_lock();
    if (body == WF_KIND_CANCELLED && !wf_token_cancelled(&n->token, wf_clock_now()))
        n->body_unexplained = true;
    cancel_all(n, body, text);
    wf_tree_unlock();
    wf_reason_text_unref(text);
}

/* Nothing is the innermost token of the opener meanwhile: cancellation does not cut the wait, a
 * signal does. */
static void begin_wait(struct wf_nursery *n, struct wf_fiber *self)
{
    wf_tree_lock();
    wf_token_leave(&n->token);
    n->closer = self;
    if (only_daemons_keep_it_open(n))
        cancel_daemons(n);
    wf_tree_unlock();
}

static void end_wait(struct wf_nursery *n, struct wf_fiber *self)
{
    wf_tree_lock();
    n->closer = NULL;
    wf_token_enter(&n->token, self);
    wf_tree_unlock();
}

static bool has_children(struct wf_nursery *n)
{
    bool some;

    wf_tree_lock();
    some = n->live != 0;
    wf_tree_unlock();
    return some;
}

static int join_children(struct wf_nursery *n, struct wf_fiber *self)
{
    enum wf_park_result r = WF_PARK_OK;

    begin_wait(n, self);
    while (r != WF_PARK_SIGNAL) {
        wf_park_prepare(self, WF_WAIT_CHILDREN, WF_PARK_INTERRUPTIBLE);
        if (!has_children(n)) {
            (void)wf_park_abort(self);
            break;
        }
        r = wf_park_commit(self, WF_NEVER);
    }
    end_wait(n, self);
    return has_children(n) ? WF_EINTR : WF_OK;
}

/* A CANCELLED of body or children leaves when something above is cancelled, and also when nothing
 * explains it. */
static bool cancellation_leaves(const struct wf_nursery *n, enum wf_kind body, int64_t now)
{
    if (body != WF_KIND_CANCELLED && !n->child_cancelled)
        return false;
    if (wf_token_cancelled_from_above(&n->token, now))
        return true;
    return body == WF_KIND_CANCELLED && n->body_unexplained;
}

static struct wf_outcome leaving(const struct wf_nursery *n, enum wf_kind body)
{
    if (n->fatal || body == WF_KIND_FATAL)
        return (struct wf_outcome){.kind = WF_KIND_FATAL};
    if (n->errors || body == WF_KIND_ERROR)
        return (struct wf_outcome){.kind = WF_KIND_ERROR, .code = n->errors};
    if (cancellation_leaves(n, body, wf_clock_now()))
        return (struct wf_outcome){.kind = WF_KIND_CANCELLED};
    return (struct wf_outcome){.kind = WF_KIND_VALUE};
}

/* Whether this is a nursery of the main fiber that is in no other. */
static bool is_outermost_of_main(const struct wf_nursery *n)
{
    const struct wf_token *t = n->token.parent;

    while (t && t->kind == WF_TOKEN_SCOPE)
        t = t->parent;
    return t && t->kind == WF_TOKEN_TASK && t->parent == wf_token_root();
}

/* A FATAL has arrived when it leaves main's outermost nursery. From there on it is the host's: main
 * has to be able to wait again, to save its work and end. */
static void deliver_fatal(struct wf_nursery *n, struct wf_outcome outcome)
{
    if (outcome.kind == WF_KIND_FATAL && is_outermost_of_main(n) &&
        wf_token_root()->reason == WF_REASON_FATAL)
        wf_token_reset_root();
}

static void finish(struct wf_nursery *n, struct wf_fiber *self, enum wf_kind body,
                   struct wf_outcome *out)
{
    struct wf_task *task = wf_task_of(self);

    wf_tree_lock();
    *out = leaving(n, body);
    deliver_fatal(n, *out);
    n->closed = true;
    task->current = n->token.parent;
    wf_token_close(&n->token);
    wf_token_enter(task->current, self);
    wf_tree_unlock();
    wf_nursery_unref(n);
}

int wf_nursery_close(struct wf_fiber *self, struct wf_nursery *n, enum wf_kind body,
                     struct wf_outcome *out)
{
    struct wf_task *task = wf_task_of(self);
    int err;

    if (task->current != &n->token)
        return WF_EORDER;
    if (task->adopted && task->adopted->nursery == n)
        (void)wf_task_adopt_abort(self); /* nobody else could: it would be waited for for ever */
    body_ended(n, body);
    err = join_children(n, self);
    if (err)
        return err;
    finish(n, self, body, out);
    return WF_OK;
}
