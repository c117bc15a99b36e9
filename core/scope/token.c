/* The cancellation tree: attach, close, cancel, and what holds where. */
#include "scope/token.h"

#include "base/assert.h"
#include "machine/lock.h"

#include <stdlib.h>
#include <string.h>

static void keep(struct wf_token *t)
{
    (void)t; /* the root is never freed */
}

static struct wf_lock tree_lock;
static struct wf_token root = {
    .kind = WF_TOKEN_ROOT,
    .refs = 1,
    .sibling = {&root.sibling, &root.sibling},
    .children = {&root.children, &root.children},
    .deadline = WF_NEVER,
    .own = WF_NEVER,
    .effective = WF_NEVER,
    .destroy = keep,
};
/* Tokens below nothing: kept in sight, for snapshots and for leak checkers. Tree lock. */
static struct wf_list threads = {&threads, &threads};
/* What fork left behind; never looked at. */
static struct wf_list abandoned = {&abandoned, &abandoned};

void wf_tree_lock(void)
{
    wf_lock(&tree_lock);
}

void wf_tree_unlock(void)
{
    wf_unlock(&tree_lock);
}

struct wf_token *wf_token_root(void)
{
    return &root;
}

void wf_token_init(struct wf_token *t, enum wf_token_kind kind, void (*destroy)(struct wf_token *t))
{
    *t = (struct wf_token){
        .kind = kind,
        .deadline = WF_NEVER,
        .own = WF_NEVER,
        .effective = WF_NEVER,
        .destroy = destroy,
    };
    wf_store(&t->refs, 1);
    wf_list_init(&t->sibling);
    wf_list_init(&t->children);
}

void wf_token_ref(struct wf_token *t)
{
    wf_add(&t->refs, 1);
}

void wf_token_unref(struct wf_token *t)
{
    /* Pairs with itself: who frees has seen all that the others did. */
    if (wf_sub_acq_rel(&t->refs, 1) != 1)
        return;
    wf_reason_text_unref(t->text);
    t->destroy(t);
}

/* ---- texts ------------------------------------------------------------------------------- */

struct wf_reason_text *wf_reason_text_new(const char *text)
{
    struct wf_reason_text *r = text ? calloc(1, sizeof(*r)) : NULL;

    if (!r)
        return NULL;
    wf_store(&r->refs, 1);
    strncat(r->text, text, sizeof(r->text) - 1);
    return r;
}

static struct wf_reason_text *text_ref(struct wf_reason_text *text)
{
    if (text)
        wf_add(&text->refs, 1);
    return text;
}

void wf_reason_text_unref(struct wf_reason_text *text)
{
    /* Pairs with itself, as in wf_token_unref. */
    if (text && wf_sub_acq_rel(&text->refs, 1) == 1)
        free(text);
}

/* ---- moments ----------------------------------------------------------------------------- */

static int64_t later(int64_t moment, int64_t span)
{
    if (moment == WF_NEVER || span == WF_NEVER || (moment > 0 && span >= WF_NEVER - moment))
        return WF_NEVER;
    return moment + span;
}

/* When a cancellation from above becomes visible at `t`. */
static int64_t seen_from_above(const struct wf_token *t)
{
    if (!t->parent)
        return WF_NEVER;
    return t->shield ? later(t->parent->effective, t->grace) : t->parent->effective;
}

bool wf_token_cancelled_from_above(const struct wf_token *t, int64_t now)
{
    return seen_from_above(t) <= now;
}

enum wf_reason wf_token_own_reason(const struct wf_token *t, int64_t now)
{
    if (t->reason != WF_REASON_NONE)
        return t->reason;
    return t->own <= now ? WF_REASON_DEADLINE : WF_REASON_NONE;
}

/* ---- fibers ------------------------------------------------------------------------------ */

/* The clock is asked only if there is something to compare it with. */
static bool moment_has_come(int64_t moment)
{
    return moment != WF_NEVER && moment <= wf_clock_now();
}

/* The fiber is the caller or has not started: no park of it can miss this. */
static void set_own(struct wf_fiber *f, bool cancelled, int64_t limit)
{
    wf_store(&f->limit, limit);
    wf_store(&f->cancelled, cancelled);
}

void wf_token_enter(struct wf_token *t, struct wf_fiber *f)
{
    t->fiber = f;
    set_own(f, moment_has_come(t->effective), t->effective);
}

void wf_token_leave(struct wf_token *t)
{
    struct wf_fiber *f = t->fiber;

    if (!f)
        return;
    t->fiber = NULL;
    set_own(f, false, WF_NEVER);
}

/* A park under way was armed with the old moment: it has to end, or to be armed again. */
static void tell_fiber(struct wf_token *t, int64_t now)
{
    struct wf_fiber *f = t->fiber;
    bool cancelled = wf_token_cancelled(t, now);

    if (!f)
        return;
    wf_fiber_set_interrupt(f, cancelled, t->effective);
    (void)wf_unpark(f, cancelled ? WF_PARK_CANCEL : WF_PARK_OK);
}

/* ---- the tree ---------------------------------------------------------------------------- */

static bool refresh(struct wf_token *t)
{
    int64_t was = t->effective;

    t->effective = wf_clock_min(t->own, seen_from_above(t));
    return t->effective != was;
}

static struct wf_token *sibling_of(struct wf_list *link)
{
    return wf_container(link, struct wf_token, sibling);
}

/* The next one after the subtree of `t`, within the subtree of `top`; NULL: none. */
static struct wf_token *next_beside(struct wf_token *t, struct wf_token *top)
{
    while (t != top) {
        if (t->sibling.next != &t->parent->children)
            return sibling_of(t->sibling.next);
        t = t->parent;
    }
    return NULL;
}

/* The own moment of `top` changed: all that it changes below. A subtree that it does not change
 * is not entered. No recursion: trees may be deeper than a fiber's stack. */
static void spread(struct wf_token *top, int64_t now)
{
    struct wf_token *t = top;

    while (t) {
        bool changed = refresh(t);

        if (changed)
            tell_fiber(t, now);
        if (changed && !wf_list_empty(&t->children))
            t = sibling_of(t->children.next);
        else
            t = next_beside(t, top);
    }
}

void wf_token_attach(struct wf_token *t, struct wf_token *parent)
{
    t->parent = parent;
    wf_list_push_back(parent ? &parent->children : &threads, &t->sibling);
    t->own = t->deadline;
    refresh(t);
}

/* The token by which `t` is cancelled. Of several with the same moment the outermost. */
static const struct wf_token *cause(const struct wf_token *t)
{
    while (t->parent && seen_from_above(t) <= t->own)
        t = t->parent;
    return t;
}

static void freeze(struct wf_token *t, int64_t now)
{
    const struct wf_token *by = cause(t);

    if (!wf_token_cancelled(t, now)) {
        t->own = t->effective = WF_NEVER;
        return;
    }
    if (by == t)
        return;
    wf_reason_text_unref(t->text);
    t->text = text_ref(by->text);
    t->reason = wf_token_own_reason(by, now);
    t->own = t->effective;
}

void wf_token_close(struct wf_token *t)
{
    WF_ASSERT(wf_list_empty(&t->children));
    wf_token_leave(t);
    if (wf_load(&t->refs) > 1) /* else nobody is left who could ask */
        freeze(t, t->effective == WF_NEVER ? 0 : wf_clock_now());
    wf_list_remove(&t->sibling);
    t->parent = NULL;
    t->closed = true;
}

void wf_token_cancel_locked(struct wf_token *t, enum wf_reason reason, struct wf_reason_text *text)
{
    int64_t now = wf_clock_now();

    if (t->closed || t->own <= now)
        return;
    t->own = now;
    t->reason = reason;
    t->text = text_ref(text);
    spread(t, now);
}

void wf_token_cancel(struct wf_token *t, enum wf_reason reason, const char *text)
{
    struct wf_reason_text *copy = wf_reason_text_new(text);

    wf_tree_lock();
    wf_token_cancel_locked(t, reason, copy);
    wf_tree_unlock();
    wf_reason_text_unref(copy);
}

static void uncancel(struct wf_token *t)
{
    wf_reason_text_unref(t->text);
    t->text = NULL;
    t->reason = WF_REASON_NONE;
    t->own = t->deadline;
}

void wf_token_reset_root(void)
{
    uncancel(&root);
    spread(&root, wf_clock_now());
}

/* ---- questions --------------------------------------------------------------------------- */

/* The least deadline that holds at `t`, those beyond a shield as much later as they are seen. */
static int64_t least_deadline(const struct wf_token *t)
{
    int64_t least = WF_NEVER, grace = 0;

    for (; t; t = t->parent) {
        least = wf_clock_min(least, later(t->deadline, grace));
        if (t->shield)
            grace = later(grace, t->grace);
    }
    return least;
}

/* The nearest token from `t` upwards that is cancelled; NULL: none is. */
static const struct wf_token *nearest_cancelled(const struct wf_token *t, int64_t now)
{
    while (t && !wf_token_cancelled(t, now))
        t = t->parent;
    return t;
}

void wf_token_state(struct wf_token *t, struct wf_cancel_state *out)
{
    const struct wf_token *by;
    int64_t now = wf_clock_now();

    *out = (struct wf_cancel_state){.reason = WF_REASON_NONE};
    wf_tree_lock();
    out->cancelled = wf_token_cancelled(t, now);
    out->deadline = least_deadline(t);
    by = nearest_cancelled(t, now);
    if (by) {
        by = cause(by);
        out->reason = wf_token_own_reason(by, now);
        if (by->text)
            memcpy(out->text, by->text->text, sizeof(out->text));
    }
    wf_tree_unlock();
}

bool wf_tree_idle(const struct wf_token *main_token)
{
    bool idle;

    wf_tree_lock();
    idle = wf_list_empty(&threads) && wf_list_empty(&main_token->children) &&
           root.children.next == &main_token->sibling && root.children.prev == &main_token->sibling;
    wf_tree_unlock();
    return idle;
}

void wf_tree_after_fork(struct wf_token *survivor)
{
    tree_lock = (struct wf_lock){0};
    if (survivor)
        wf_list_remove(&survivor->sibling);
    wf_list_splice_back(&abandoned, &threads);
    wf_list_splice_back(&abandoned, &root.children);
    uncancel(&root);
    refresh(&root);
    if (!survivor)
        return;
    wf_list_splice_back(&abandoned, &survivor->children);
    uncancel(survivor);
    wf_token_attach(survivor, &root);
}
