/* The cancellation tree. Each task, nursery and scope has a token; a token is cancelled at a moment,
 * and so is all below it.
 *
 * Everything is a time. A token has `own`, the moment from which it is cancelled by itself (when
 * somebody cancelled it, or its deadline), and `effective`, the moment from which waits under it
 * end:
 *
 *     effective = min(own, parent's effective [+ grace, if the token is a shield])
 *
 * WF_NEVER is no moment. So deadlines need no timer and nobody has to mark them: a token whose
 * moment has come is cancelled, whoever looks. The innermost token of a fiber tells it: f->limit is
 * `effective`, f->cancelled is set when that moment has come already.
 *
 * The tree has one lock. Lock order: the tree's lock, then any lock of sched/. It is never held
 * across a park or a callback. */
#ifndef WF_SCOPE_TOKEN_H
#define WF_SCOPE_TOKEN_H

#include "base/atomic.h"
#include "base/list.h"
#include "sched/park.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are those of weft_reason. */
enum wf_reason {
    WF_REASON_NONE,
    WF_REASON_CANCEL,
    WF_REASON_DEADLINE,
    WF_REASON_FAILED,
    WF_REASON_FATAL,
    WF_REASON_SHUTDOWN,
};

enum wf_token_kind { WF_TOKEN_ROOT, WF_TOKEN_TASK, WF_TOKEN_NURSERY, WF_TOKEN_SCOPE };

enum { WF_REASON_TEXT = 120 }; /* with its NUL; longer texts are cut */

/* The text of a reason; immutable, shared by the tokens that were cancelled together. */
struct wf_reason_text {
    _Atomic uint32_t refs;
    char text[WF_REASON_TEXT];
};

/* Who may touch what:
 *   kind, shield, grace, deadline, destroy   constant after init
 *   refs        anyone; see below
 *   all others  the tree's lock
 * Lifetime: init gives one reference, held by whoever the token belongs to (it is embedded in a
 * task or nursery, whose own reference count this is, or is a scope's allocation). Handles hold
 * further ones. At zero `destroy` is called. A child holds no reference on its parent: an attached
 * parent outlives its children, because nurseries join and scopes are closed in order. */
struct wf_token {
    enum wf_token_kind kind;
    bool shield;
    bool closed;           /* detached for good; what it says now is frozen */
    enum wf_reason reason; /* of an explicit cancel, else NONE */
    _Atomic uint32_t refs;
    struct wf_token *parent; /* NULL: root, or not below it (a plain thread), or closed */
    struct wf_list sibling;  /* in parent's children, or in the list of plain threads */
    struct wf_list children; /* in the order in which they were attached */
    struct wf_fiber *fiber;  /* whose innermost token this is; NULL: nobody's */
    int64_t deadline, grace;
    int64_t own, effective;
    struct wf_reason_text *text; /* of `reason`; NULL: none */
    void (*destroy)(struct wf_token *t);
};

/* What there is to know of cancellation at one place of the tree. */
struct wf_cancel_state {
    enum wf_reason reason; /* shows already when a shield still holds it back */
    bool cancelled;
    int64_t deadline; /* the least that holds here */
    char text[WF_REASON_TEXT];
};

void wf_tree_lock(void);
void wf_tree_unlock(void);

/* A token without parent, deadline or shield. */
void wf_token_init(struct wf_token *t, enum wf_token_kind kind,
                   void (*destroy)(struct wf_token *t));
void wf_token_ref(struct wf_token *t);
void wf_token_unref(struct wf_token *t);
struct wf_token *wf_token_root(void);

/* NULL for a NULL text, and when there is no memory: then the reason goes without one. */
struct wf_reason_text *wf_reason_text_new(const char *text);
void wf_reason_text_unref(struct wf_reason_text *text);

/* Cancels `t` and all below it, now. The first reason stays; a closed token is left alone. */
void wf_token_cancel(struct wf_token *t, enum wf_reason reason, const char *text);
void wf_token_state(struct wf_token *t, struct wf_cancel_state *out);

/* With the tree's lock held: */

/* Below `parent`; NULL: a plain thread's token, below nothing. */
void wf_token_attach(struct wf_token *t, struct wf_token *parent);
/* Out of the tree for good; it has no children. What it says stays as it is now. */
void wf_token_close(struct wf_token *t);
/* `t` becomes the innermost token of `f`, which is the calling fiber or does not run yet. */
void wf_token_enter(struct wf_token *t, struct wf_fiber *f);
/* No token is the innermost one of the calling fiber: nothing cuts its waits. */
void wf_token_leave(struct wf_token *t);
void wf_token_cancel_locked(struct wf_token *t, enum wf_reason reason, struct wf_reason_text *text);
/* Takes the cancellation of the root back. */
void wf_token_reset_root(void);

static inline bool wf_token_cancelled(const struct wf_token *t, int64_t now)
{
    return t->effective <= now;
}

/* Cancelled by itself, whatever is above. */
static inline bool wf_token_cancelled_itself(const struct wf_token *t, int64_t now)
{
    return t->own <= now;
}

/* Whether a cancellation from above is visible here. */
bool wf_token_cancelled_from_above(const struct wf_token *t, int64_t now);
enum wf_reason wf_token_own_reason(const struct wf_token *t, int64_t now);

/* Whether nothing but main's own token is in the tree, and there are no plain threads. */
bool wf_tree_idle(const struct wf_token *main_token);
/* In a forked child: a new lock, and a tree of the root and `survivor` (NULL: nobody), neither
 * cancelled. What else there was is left as it was: to free it would copy its pages for nothing. */
void wf_tree_after_fork(struct wf_token *survivor);

#endif
