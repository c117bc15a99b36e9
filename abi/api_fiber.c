/* Fibers: spawn, adopt, join, cancel, sleep. */
#include "api.h"

#include "sched/park.h"

enum {
    MIN_LIGHT_STACK = 16 << 10,
    MIN_THREAD_STACK = 64 << 10,
    MAX_STACK = 1 << 30,
    KNOWN_FLAGS = WEFT_SPAWN_THREAD | WEFT_SPAWN_DAEMON,
};

/* ---- spawning ------------------------------------------------------------------------------- */

static bool stack_is_sane(size_t stack, bool thread)
{
    size_t least = thread ? MIN_THREAD_STACK : MIN_LIGHT_STACK;

    return stack == 0 || (stack >= least && stack <= MAX_STACK);
}

static int read_opts(const weft_spawn_opts *opts, struct wf_task_opts *out)
{
    bool thread;
    int err;

    *out = (struct wf_task_opts){0};
    if (!opts)
        return WF_OK;
    err = wf_api_size(opts->size, sizeof(*opts));
    if (err)
        return err;
    thread = (opts->flags & WEFT_SPAWN_THREAD) != 0;
    if ((opts->flags & ~(uint32_t)KNOWN_FLAGS) != 0 || !stack_is_sane(opts->stack, thread))
        return WF_EINVAL;
    out->fiber_flags = thread ? WF_FIBER_THREAD : 0;
    out->daemon = (opts->flags & WEFT_SPAWN_DAEMON) != 0;
    out->stack = opts->stack;
    out->name = opts->name;
    out->site = opts->site;
    return WF_OK;
}

static int spawn(struct wf_nursery *n, const struct wf_task_opts *opts, weft_fiber **out)
{
    struct wf_fiber *fiber;
    struct wf_task *task;
    void *handle = NULL;
    int err = wf_task_create(n, opts, &fiber, &task);

    if (err)
        return err;
    if (out)
        err = wf_handle_make(WF_HANDLE_FIBER, task, &handle);
    if (err) {
        wf_task_discard(fiber);
        wf_task_unref(task);
        return err;
    }
    if (out)
        *out = handle;
    else
        wf_task_unref(task);
    wf_task_start(fiber);
    return WF_OK;
}

WEFT_API int weft_spawn(weft_nursery *nursery, weft_fn fn, void *arg, const weft_spawn_opts *opts,
                        weft_fiber **out)
{
    struct wf_task_opts o;
    struct wf_fiber *self;
    void *n;
    int err = read_opts(opts, &o);

    if (out)
        *out = NULL;
    if (!fn)
        err = WF_EINVAL;
    if (!err)
        err = wf_api_caller_and(&self, nursery, WF_HANDLE_NURSERY, &n);
    if (err)
        return err;
    o.fn = fn;
    o.arg = arg;
    err = spawn(n, &o, out);
    wf_handle_unref(WF_HANDLE_NURSERY, n);
    return err;
}

/* ---- adopting ------------------------------------------------------------------------------- */

static int adopt(struct wf_fiber *self, struct wf_nursery *n, const struct wf_task_opts *opts,
                 weft_fiber **out)
{
    struct wf_task *task;
    void *handle = NULL;
    int err = wf_task_adopt(self, n, opts, &task);

    if (err)
        return err;
    if (out)
        err = wf_handle_make(WF_HANDLE_FIBER, task, &handle);
    if (err) {
        (void)wf_task_adopt_abort(self);
        wf_task_unref(task);
        return err;
    }
    task->cookie = handle;
    if (out)
        *out = handle;
    else
        wf_task_unref(task);
    return WF_OK;
}

WEFT_API int weft_adopt(weft_nursery *nursery, const weft_spawn_opts *opts, weft_fiber **out)
{
    struct wf_task_opts o;
    struct wf_fiber *self;
    void *n;
    int err = read_opts(opts, &o);

    if (out)
        *out = NULL;
    if (!err)
        err = wf_api_caller_and(&self, nursery, WF_HANDLE_NURSERY, &n);
    if (err)
        return err;
    err = adopt(self, n, &o, out);
    wf_handle_unref(WF_HANDLE_NURSERY, n);
    return err;
}

WEFT_API int weft_adopt_abort(void)
{
    struct wf_fiber *self;
    int err = wf_api_caller(&self);
    void *handle;

    if (err)
        return err;
    handle = wf_task_adopt_abort(self);
    if (handle)
        (void)wf_handle_drop(handle, WF_HANDLE_FIBER); /* it may have been given back before */
    return WF_OK;
}

/* ---- handles of fibers ----------------------------------------------------------------------- */

static int join(struct wf_fiber *self, struct wf_task *task, int64_t deadline, weft_outcome *out)
{
    struct wf_outcome outcome;
    int err = wf_task_join(self, task, deadline, &outcome);

    if (!err && out)
        wf_api_put_outcome(out, outcome);
    return err;
}

WEFT_API int weft_join(weft_fiber *fiber, int64_t deadline_ns, weft_outcome *out)
{
    struct wf_fiber *self;
    void *task;
    int err = out ? wf_api_size(out->size, sizeof(*out)) : WF_OK;

    if (!err)
        err = wf_api_caller_and(&self, fiber, WF_HANDLE_FIBER, &task);
    if (err)
        return err;
    err = join(self, task, deadline_ns, out);
    wf_handle_unref(WF_HANDLE_FIBER, task);
    return err;
}

static int get_task(const weft_fiber *fiber, void **task)
{
    int err = wf_api_started();

    return err ? err : wf_handle_get(fiber, WF_HANDLE_FIBER, task);
}

WEFT_API int weft_fiber_cancel(weft_fiber *fiber, const char *text)
{
    void *task;
    int err = get_task(fiber, &task);

    if (err)
        return err;
    wf_task_cancel(task, WF_REASON_CANCEL, text);
    wf_handle_unref(WF_HANDLE_FIBER, task);
    return WF_OK;
}

WEFT_API int weft_fiber_state_get(weft_fiber *fiber, int32_t *out)
{
    void *task;
    int err = out ? get_task(fiber, &task) : WF_EINVAL;

    if (err)
        return err;
    *out = (int32_t)wf_task_state(task);
    wf_handle_unref(WF_HANDLE_FIBER, task);
    return WF_OK;
}

WEFT_API int weft_fiber_release(weft_fiber *fiber)
{
    int err = wf_api_started();

    return err ? err : wf_handle_drop(fiber, WF_HANDLE_FIBER);
}

/* ---- the calling fiber ------------------------------------------------------------------------ */

WEFT_API int weft_self(weft_fiber **out)
{
    struct wf_fiber *self;
    void *handle;
    int err;

    if (!out)
        return WF_EINVAL;
    *out = NULL;
    err = wf_api_caller(&self);
    if (err)
        return err;
    wf_task_ref(wf_task_of(self));
    err = wf_handle_make(WF_HANDLE_FIBER, wf_task_of(self), &handle);
    if (err)
        wf_task_unref(wf_task_of(self));
    else
        *out = handle;
    return err;
}

WEFT_API int weft_yield(void)
{
    struct wf_fiber *self;
    int err = wf_api_caller(&self);

    if (!err)
        wf_yield(self);
    return err;
}

static int sleep_until(struct wf_fiber *self, int64_t deadline)
{
    if (deadline <= wf_clock_now()) {
        if (wf_fiber_interrupted(self))
            return WF_ECANCELED;
        wf_yield(self);
        return WF_OK;
    }
    switch (wf_park_sleep(self, deadline, WF_PARK_INTERRUPTIBLE)) {
    case WF_PARK_CANCEL:
        return WF_ECANCELED;
    case WF_PARK_SIGNAL:
        return WF_EINTR;
    case WF_PARK_OK:
    case WF_PARK_TIMEOUT:
        break;
    }
    return WF_OK;
}

WEFT_API int weft_sleep(int64_t ns)
{
    struct wf_fiber *self;
    int err = ns < 0 ? WF_EINVAL : wf_api_caller(&self);

    return err ? err : sleep_until(self, wf_clock_after(ns));
}

WEFT_API int weft_sleep_until(int64_t deadline_ns)
{
    struct wf_fiber *self;
    int err = wf_api_caller(&self);

    return err ? err : sleep_until(self, deadline_ns);
}

WEFT_API int weft_checkpoint(void)
{
    struct wf_fiber *self;
    int err = wf_api_caller(&self);

    if (err)
        return err;
    if (wf_fiber_interrupted(self))
        return WF_ECANCELED;
    if (wf_task_slice_over(self))
        wf_yield(self);
    return WF_OK;
}

WEFT_API int weft_outcome_set(int32_t kind, int32_t code)
{
    struct wf_fiber *self;
    int err = wf_kind_valid(kind) && code <= 0 ? wf_api_caller(&self) : WF_EINVAL;

    if (!err)
        wf_task_outcome_set(self, (struct wf_outcome){.kind = (enum wf_kind)kind, .code = code});
    return err;
}
