/* What all calls of the ABI share: who calls, struct sizes, and results in the public structs. */
#ifndef WF_ABI_API_H
#define WF_ABI_API_H

#include "base/status.h"
#include "handle.h"
#include "runtime/runtime.h"
#include "weft.h"

#include <string.h>

/* WF_OK or WF_ENOTSTARTED: for calls that any thread may make. */
int wf_api_started(void);
/* The calling fiber; WF_ENOTFIBER, WF_ENOTSTARTED. */
int wf_api_caller(struct wf_fiber **self);
/* The same, and the object behind a handle. */
int wf_api_caller_and(struct wf_fiber **self, const void *handle, enum wf_handle_kind kind,
                      void **object);

/* A struct of a size that this library or an earlier version has. There is one version of each by
 * now. WF_EMISMATCH. */
int wf_api_size(uint32_t size, size_t current);

void wf_api_put_outcome(weft_outcome *out, struct wf_outcome outcome);
void wf_api_put_state(weft_cancel_info *out, const struct wf_cancel_state *state);

#endif
