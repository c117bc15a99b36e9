/* The setuid family for a process with fibers. POSIX has these change every thread, the kernel
 * changes one; libc's way of telling the others hangs when a thread control block is not that of
 * a kernel thread. So we tell them ourselves. */
#ifndef WF_SEAM_SETXID_H
#define WF_SEAM_SETXID_H

#include <sys/types.h>

int wf_hook_setuid(uid_t uid);
int wf_hook_setgid(gid_t gid);
int wf_hook_seteuid(uid_t uid);
int wf_hook_setegid(gid_t gid);
int wf_hook_setreuid(uid_t real, uid_t effective);
int wf_hook_setregid(gid_t real, gid_t effective);
int wf_hook_setresuid(uid_t real, uid_t effective, uid_t saved);
int wf_hook_setresgid(gid_t real, gid_t effective, gid_t saved);
int wf_hook_setgroups(size_t count, const gid_t *groups);
int wf_hook_initgroups(const char *user, gid_t group);

void wf_setxid_after_fork(void);

#endif
