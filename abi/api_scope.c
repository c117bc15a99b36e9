/* Nurseries, scopes and tokens. */
#include "api.h"

#include "scope/scope.h"

/* ---- nurseries ------------------------------------------------------------------------------- */

static int read_nursery_opts(const weft_nursery_opts *opts, struct wf_nursery_opts *out)
{
    int err;

    *out = (struct wf_nursery_opts){0};
    if (!opts)
        return WF_OK;
    err = wf_api_size(opts->size, sizeof(*opts));
    if (err)
        return err;
    out->limit = opts->limit;
    out->name = opts->name;
    return WF_OK;
}

WEFT_API int weft_nursery_open(const weft_nursery_opts *opts, weft_nursery **out)
{
    struct wf_nursery_opts o;
    struct wf_nursery *n;
    struct wf_fiber *self;
    struct wf_outcome nothing;
    void *handle;
    int err;

    if (!out)
        return WF_EINVAL;
    *out = NULL;
    err = read_nursery_opts(opts, &o);
    if (!err)
        err = wf_api_caller(&self);
    if (!err)
        err = wf_nursery_open(self, &o, &n);
    if (err)
        return err;
    wf_nursery_ref(n);
    err = wf_handle_make(WF_HANDLE_NURSERY, n, &handle);
    if (err) {
        wf_nursery_unref(n);
        (void)wf_nursery_close(self, n, WF_KIND_VALUE, &nothing); /* has no child: cannot wait */
        return err;
    }
    *out = handle;
    return WF_OK;
}

static int get_nursery(const weft_nursery *nursery, void **n)
{
    int err = wf_api_started();

    return err ? err : wf_handle_get(nursery, WF_HANDLE_NURSERY, n);
}

WEFT_API int weft_nursery_cancel(weft_nursery *nursery, const char *text)
{
    void *n;
    int err = get_nursery(nursery, &n);

    if (err)
        return err;
    wf_token_cancel(&((struct wf_nursery *)n)->token, WF_REASON_CANCEL, text);
    wf_handle_unref(WF_HANDLE_NURSERY, n);
    return WF_OK;
}

/* What the two closes say of their arguments. */
static int check_close(int32_t kind, const weft_outcome *out)
{
    if (!wf_kind_valid(kind) || !out)
        return WF_EINVAL;
    return wf_api_size(out->size, sizeof(*out));
}

WEFT_API int weft_nursery_close(weft_nursery *nursery, int32_t body_kind, weft_outcome *out)
{
    struct wf_outcome outcome;
    struct wf_fiber *self;
    void *n;
    int err = check_close(body_kind, out);

    if (!err)
        err = wf_api_caller_and(&self, nursery, WF_HANDLE_NURSERY, &n);
    if (err)
        return err;
    err = wf_nursery_close(self, n, (enum wf_kind)body_kind, &outcome);
    if (!err) {
        (void)wf_handle_drop(nursery, WF_HANDLE_NURSERY);
        wf_api_put_outcome(out, outcome);
    }
    wf_handle_unref(WF_HANDLE_NURSERY, n);
    return err;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static int check_info(const weft_cancel_info *out)
{
    return out ? wf_api_size(out->size, sizeof(*out)) : WF_EINVAL;
}

static void put_state_of(struct wf_token *t, weft_cancel_info *out)
{
    struct wf_cancel_state state;

    wf_token_state(t, &state);
    wf_api_put_state(out, &state);
}

WEFT_API int weft_nursery_info(weft_nursery *nursery, weft_cancel_info *out)
{
    void *n;
    int err = check_info(out);

    if (!err)
        err = get_nursery(nursery, &n);
    if (err)
        return err;
    put_state_of(&((struct wf_nursery *)n)->token, out);
    wf_handle_unref(WF_HANDLE_NURSERY, n);
    return WF_OK;
}

static int get_token(const weft_token *token, void **t)
{
    int err = wf_api_started();

    return err ? err : wf_handle_get_either(token, WF_HANDLE_TOKEN, WF_HANDLE_SCOPE, t);
}

WEFT_API int weft_token_info(weft_token *token, weft_cancel_info *out)
{
    void *t;
    int err = check_info(out);

    if (!err)
        err = get_token(token, &t);
    if (err)
        return err;
    put_state_of(t, out);
    wf_token_unref(t);
    return WF_OK;
}

WEFT_API int weft_cancel_state(weft_cancel_info *out)
{
    struct wf_fiber *self;
    int err = check_info(out);

    if (!err)
        err = wf_api_caller(&self);
    if (!err)
        put_state_of(wf_task_of(self)->current, out);
    return err;
}

/* ---- scopes and tokens ------------------------------------------------------------------------ */

static int read_scope_opts(const weft_scope_opts *opts, struct wf_scope_opts *out)
{
    int err;

    if (!opts)
        return WF_EINVAL;
    err = wf_api_size(opts->size, sizeof(*opts));
    if (err)
        return err;
    if ((opts->flags & ~(uint32_t)WEFT_SCOPE_SHIELD) != 0 || opts->grace_ns < 0)
        return WF_EINVAL;
    out->deadline = opts->deadline_ns;
    out->shield = (opts->flags & WEFT_SCOPE_SHIELD) != 0;
    out->grace = opts->grace_ns;
    return WF_OK;
}

WEFT_API int weft_scope_open(const weft_scope_opts *opts, weft_token **out)
{
    struct wf_outcome nothing;
    struct wf_scope_opts o;
    struct wf_fiber *self;
    struct wf_token *t;
    void *handle;
    int err;

    if (!out)
        return WF_EINVAL;
    *out = NULL;
    err = read_scope_opts(opts, &o);
    if (!err)
        err = wf_api_caller(&self);
    if (!err)
        err = wf_scope_push(self, &o, &t);
    if (err)
        return err;
    wf_token_ref(t);
    err = wf_handle_make(WF_HANDLE_SCOPE, t, &handle);
    if (err) {
        wf_token_unref(t);
        (void)wf_scope_pop(self, t, WF_KIND_VALUE, &nothing);
        return err;
    }
    *out = handle;
    return WF_OK;
}

WEFT_API int weft_scope_close(weft_token *scope, int32_t kind_in, weft_outcome *out)
{
    struct wf_outcome outcome;
    struct wf_fiber *self;
    void *t;
    int err = check_close(kind_in, out);

    if (!err)
        err = wf_api_caller_and(&self, scope, WF_HANDLE_SCOPE, &t);
    if (err)
        return err;
    err = wf_scope_pop(self, t, (enum wf_kind)kind_in, &outcome);
    if (!err) {
        (void)wf_handle_drop(scope, WF_HANDLE_SCOPE);
        wf_api_put_outcome(out, outcome);
    }
    wf_token_unref(t);
    return err;
}

WEFT_API int weft_token_current(weft_token **out)
{
    struct wf_fiber *self;
    struct wf_token *t;
    void *handle;
    int err;

    if (!out)
        return WF_EINVAL;
    *out = NULL;
    err = wf_api_caller(&self);
    if (err)
        return err;
    t = wf_task_of(self)->current;
    wf_token_ref(t);
    err = wf_handle_make(WF_HANDLE_TOKEN, t, &handle);
    if (err)
        wf_token_unref(t);
    else
        *out = handle;
    return err;
}

WEFT_API int weft_token_cancel(weft_token *token, const char *text)
{
    void *t;
    int err = get_token(token, &t);

    if (err)
        return err;
    wf_token_cancel(t, WF_REASON_CANCEL, text);
    wf_token_unref(t);
    return WF_OK;
}

WEFT_API int weft_token_release(weft_token *token)
{
    int err = wf_api_started();
    void *t;

    if (err)
        return err;
    err = wf_handle_drop(token, WF_HANDLE_TOKEN);
    if (err != WF_EBADHANDLE || wf_handle_get(token, WF_HANDLE_SCOPE, &t) != WF_OK)
        return err;
    wf_token_unref(t);
    return WF_EORDER; /* a scope is closed, not released */
}
