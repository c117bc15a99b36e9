/* Child processes of fibers, as other families need them. */
#ifndef WF_SEAM_PROCESS_H
#define WF_SEAM_PROCESS_H

#include "seam/hook.h"

#include <sys/types.h>

struct rusage;

/* wait4 without WNOHANG that parks. */
pid_t wf_process_wait4(struct wf_fiber *f, pid_t pid, int *status, int options,
                       struct rusage *usage);

int wf_hook_system(const char *command);
void wf_system_after_fork(void);

#endif
