/* The seam and the host. */
#include "api.h"

#include "seam/interrupt.h"
#include "seam/seam.h"

#include <signal.h>

static bool policy_is_valid(int32_t policy, const char *const *modules)
{
    switch (policy) {
    case WEFT_SEAM_NONE:
    case WEFT_SEAM_PROCESS:
        return modules == NULL;
    case WEFT_SEAM_LISTED:
        return modules != NULL && modules[0] != NULL;
    default:
        return false;
    }
}

WEFT_API int weft_seam_open(int32_t policy, const char *const *modules)
{
    if (!policy_is_valid(policy, modules))
        return WF_EINVAL;
    return wf_seam_open(wf_runtime_processor(), (enum wf_policy)policy, modules);
}

/* A host that is never interrupted needs no signal. */
static bool signal_is_valid(const weft_host *host)
{
    if (host->signal_number == 0)
        return host->interrupt == NULL;
    return host->signal_number < (uint32_t)NSIG;
}

WEFT_API int weft_host_set(const weft_host *host)
{
    int err;

    if (!host)
        return WF_EINVAL;
    err = wf_api_size(host->size, sizeof(*host));
    if (err)
        return err;
    if (!signal_is_valid(host))
        return WF_EINVAL;
    return wf_seam_host((int)host->signal_number, host->interrupt, host->module);
}

WEFT_API int weft_host_interrupt_ack(weft_cancel_info *out)
{
    struct wf_cancel_state state;
    struct wf_fiber *self;

    if (wf_api_caller(&self) != WF_OK || !wf_seam_interrupt_ack(self))
        return 0;
    if (out && wf_api_size(out->size, sizeof(*out)) == WF_OK) {
        wf_token_state(wf_task_of(self)->current, &state);
        wf_api_put_state(out, &state);
    }
    return 1;
}
