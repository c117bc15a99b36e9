/* A scope: a stretch of one fiber's code under a token of its own, with a deadline, a shield, or
 * both. */
#ifndef WF_SCOPE_SCOPE_H
#define WF_SCOPE_SCOPE_H

#include "scope/task.h"

struct wf_scope_opts {
    int64_t deadline; /* WF_NEVER: none */
    bool shield;
    int64_t grace; /* of a shield, from the moment of the cancellation; WF_NEVER: for ever */
};

/* Opens a scope of the calling fiber under its current token. WF_ENOMEM. */
int wf_scope_push(struct wf_fiber *self, const struct wf_scope_opts *opts, struct wf_token **out);
/* Closes it and gives back the reference that push gave. `kind` is how the code inside ended. It is
 * absorbed when it is CANCELLED, the scope's own token is cancelled, and no cancellation from above
 * is visible here: `*out` is VALUE then, with WF_ETIMEDOUT (its deadline) or WF_ECANCELED as code;
 * else it is `kind`. WF_EORDER: not the calling fiber's innermost token. */
int wf_scope_pop(struct wf_fiber *self, struct wf_token *scope, enum wf_kind kind,
                 struct wf_outcome *out);

#endif
