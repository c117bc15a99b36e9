/* A nursery: the owner of fibers. It does not close before all of them ended, its first failing
 * child cancels the others and the body, and it decides what leaves. */
#ifndef WF_SCOPE_NURSERY_H
#define WF_SCOPE_NURSERY_H

#include "scope/task.h"

/* Who may touch what:
 *   limit, name   constant after open
 *   all others    the tree's lock
 * Lifetime: the reference count is that of `token`. The first reference belongs to the open
 * nursery and is given back by the close; handles hold others. Children hold none: they end
 * before it closes. */
struct wf_nursery {
    struct wf_token token; /* the opener's innermost one, and the parent of the children's */
    uint32_t limit;        /* children that may run at once; 0: all */
    const char *name;
    size_t live, daemons;   /* children that have not ended; daemons of them */
    size_t slots;           /* places taken; counted only when limited */
    struct wf_list pending; /* tasks that wait for a place, in order */
    int errors;             /* children that failed */
    bool fatal;             /* a child ended so */
    bool child_cancelled;   /* a child ended so */
    bool body_unexplained;  /* the body came CANCELLED before the token was */
    bool closed;
    struct wf_fiber *closer; /* the opener while it waits for the children; else NULL */
};

struct wf_nursery_opts {
    uint32_t limit;
    const char *name; /* copied; NULL */
};

static inline void wf_nursery_ref(struct wf_nursery *n)
{
    wf_token_ref(&n->token);
}

static inline void wf_nursery_unref(struct wf_nursery *n)
{
    wf_token_unref(&n->token);
}

/* Opens one under the calling fiber's current token. Belongs to the caller, who closes it. */
int wf_nursery_open(struct wf_fiber *self, const struct wf_nursery_opts *opts,
                    struct wf_nursery **out);
/* Waits until all children have ended; no cancellation cuts this wait. What leaves is in `*out`:
 * FATAL (a child or the body); ERROR (a child, code: how many, or the body alone, code 0);
 * CANCELLED (by an outer token); VALUE, which also absorbs a cancellation by the own token.
 * WF_EORDER: `self` did not open it or has something open inside it. WF_EINTR: a signal handler
 * ran, the nursery is still open, call again. */
int wf_nursery_close(struct wf_fiber *self, struct wf_nursery *n, enum wf_kind body,
                     struct wf_outcome *out);

/* With the tree's lock held, for task.c: */

/* One more child, its token below the nursery's; WF_ECLOSED. */
int wf_nursery_add(struct wf_nursery *n, struct wf_task *t);
/* Takes a place, or queues for one; true: it has one, or needs none. */
bool wf_nursery_take_slot(struct wf_nursery *n, struct wf_task *t);
/* A child less, and its place is free. */
void wf_nursery_remove(struct wf_nursery *n, struct wf_task *t);
/* The same for one that ended with `outcome`; `text` names it in the reason it may become. */
void wf_nursery_child_ended(struct wf_nursery *n, struct wf_task *t, struct wf_outcome outcome,
                            struct wf_reason_text *text);

#endif
