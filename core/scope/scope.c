/* Scopes: push and pop on the calling fiber's chain of tokens. */
#include "scope/scope.h"

#include "base/status.h"

#include <stdlib.h>

static void destroy(struct wf_token *t)
{
    free(t);
}

int wf_scope_push(struct wf_fiber *self, const struct wf_scope_opts *opts, struct wf_token **out)
{
    struct wf_task *task = wf_task_of(self);
    struct wf_token *t = malloc(sizeof(*t));

    *out = t;
    if (!t)
        return WF_ENOMEM;
    wf_token_init(t, WF_TOKEN_SCOPE, destroy);
    t->deadline = opts->deadline;
    t->shield = opts->shield;
    t->grace = opts->grace;
    wf_tree_lock();
    wf_token_leave(task->current);
    wf_token_attach(t, task->current);
    task->current = t;
    wf_token_enter(t, self);
    wf_tree_unlock();
    return WF_OK;
}

/* As trio: what the own token caused ends here, unless something above is cancelled as well. */
static struct wf_outcome leaving(const struct wf_token *t, enum wf_kind kind, int64_t now)
{
    if (kind != WF_KIND_CANCELLED || !wf_token_cancelled_itself(t, now) ||
        wf_token_cancelled_from_above(t, now))
        return (struct wf_outcome){.kind = kind};
    return (struct wf_outcome){
        .kind = WF_KIND_VALUE,
        .code = wf_token_own_reason(t, now) == WF_REASON_DEADLINE ? WF_ETIMEDOUT : WF_ECANCELED,
    };
}

int wf_scope_pop(struct wf_fiber *self, struct wf_token *scope, enum wf_kind kind,
                 struct wf_outcome *out)
{
    struct wf_task *task = wf_task_of(self);

    if (task->current != scope || scope->kind != WF_TOKEN_SCOPE)
        return WF_EORDER;
    wf_tree_lock();
    *out = leaving(scope, kind, wf_clock_now());
    task->current = scope->parent;
    wf_token_close(scope);
    wf_token_enter(task->current, self);
    wf_tree_unlock();
    wf_token_unref(scope);
    return WF_OK;
}
