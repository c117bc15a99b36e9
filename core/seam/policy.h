/* Which loaded objects the seam stands in front of. */
#ifndef WF_SEAM_POLICY_H
#define WF_SEAM_POLICY_H

#include "seam/elf.h"

enum wf_policy { WF_POLICY_NONE, WF_POLICY_LISTED, WF_POLICY_PROCESS };

/* `modules`: NULL-terminated parts of base names, for WF_POLICY_LISTED; copied. WF_EINVAL,
 * WF_ENOMEM. */
int wf_policy_set(enum wf_policy policy, const char *const *modules);
/* Part of the base name of the host's shared object, NULL: the main program alone; copied. */
int wf_policy_set_host(const char *module);
enum wf_elf_treatment wf_policy_choose(const char *name);

#endif
