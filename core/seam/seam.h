/* The seam as the layers above see it: open it, tell it about the host, ask what it did. */
#ifndef WF_SEAM_SEAM_H
#define WF_SEAM_SEAM_H

#include "sched/processor.h"
#include "seam/policy.h"

/* Puts the hooks in place, also in objects loaded later. Safe to call again: it then patches what
 * has come since; another policy than before is WF_EBUSY. WF_EINVAL, WF_ENOMEM, WF_ENOTSUP. */
int wf_seam_open(struct wf_processor *p, enum wf_policy policy, const char *const *modules);
/* The host runtime: what it needs to raise an interrupt, and where it lives. Before
 * wf_seam_open. */
int wf_seam_host(int signal_number, int (*interrupt)(int signal_number), const char *module);
size_t wf_seam_slots_patched(void);

/* After something may have been loaded. */
void wf_seam_patch_new(void);
/* In a forked child, called by the runtime. */
void wf_seam_after_fork(void);

#endif
