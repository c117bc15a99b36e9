/* What all calls of the ABI share. */
#include "api.h"

/* The core's numbers are the public ones. */
_Static_assert((int)WF_KIND_FATAL == WEFT_FATAL, "kinds");
_Static_assert((int)WF_REASON_SHUTDOWN == WEFT_REASON_SHUTDOWN, "reasons");
_Static_assert((int)WF_TASK_DONE == WEFT_FIBER_DONE, "states");
_Static_assert(WF_NEVER == WEFT_NEVER, "never");

int wf_api_started(void)
{
    return wf_runtime_started() ? WF_OK : WF_ENOTSTARTED;
}

int wf_api_caller(struct wf_fiber **self)
{
    *self = wf_fiber_self();
    if (!wf_runtime_started())
        return WF_ENOTSTARTED;
    return *self ? WF_OK : WF_ENOTFIBER;
}

int wf_api_caller_and(struct wf_fiber **self, const void *handle, enum wf_handle_kind kind,
                      void **object)
{
    int err = wf_api_caller(self);

    return err ? err : wf_handle_get(handle, kind, object);
}

int wf_api_size(uint32_t size, size_t current)
{
    return size == current ? WF_OK : WF_EMISMATCH;
}

void wf_api_put_outcome(weft_outcome *out, struct wf_outcome outcome)
{
    out->kind = (int32_t)outcome.kind;
    out->code = outcome.code;
}

void wf_api_put_state(weft_cancel_info *out, const struct wf_cancel_state *state)
{
    _Static_assert(sizeof(out->text) == sizeof(state->text), "the texts are of one length");

    out->reason = (int32_t)state->reason;
    out->cancelled = state->cancelled;
    out->deadline_ns = state->deadline;
    memcpy(out->text, state->text, sizeof(out->text));
}
