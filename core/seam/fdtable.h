/* What the seam remembers of a file descriptor number: its kind, so that read() knows how to try
 * without blocking, and whether fibers have waited for it.
 *
 * The table is a cache: an fd that is closed unseen (by a raw system call, inside libc) leaves a
 * wrong kind behind. A wrong SOCKET is noticed (ENOTSOCK), a wrong PIPE or CHAR only costs a
 * poll(), and against a wrong FILE every closing call that programs use has a hook.
 *
 * Any thread may call any of these at any time; none changes errno. */
#ifndef WF_SEAM_FDTABLE_H
#define WF_SEAM_FDTABLE_H

#include "sched/fiber.h"

enum wf_fd_kind {
    WF_FD_UNKNOWN, /* not open, or nothing is known: the real call shall say */
    WF_FD_SOCKET,
    WF_FD_PIPE, /* and FIFO */
    WF_FD_CHAR, /* terminals and other devices, eventfd, timerfd, inotify... */
    WF_FD_FILE, /* regular files, directories, block devices: poll() does not know them */
};

enum wf_fd_kind wf_fdtable_kind(int fd);
/* The caller has just got `fd` from the kernel and knows what it is. */
void wf_fdtable_learn(int fd, enum wf_fd_kind kind);
/* A fiber is about to wait for `fd`. */
void wf_fdtable_watch(int fd);

/* Around a call that closes or replaces fds: begin wakes the fibers that wait for them (of a range,
 * those that were watched), end drops what another thread may have learnt in between. End alone
 * may be called where begin may not: in signal handlers and vfork children. */
void wf_fdtable_close_begin(int fd);
void wf_fdtable_close_end(int fd);
void wf_fdtable_close_range_begin(unsigned first, unsigned last);
void wf_fdtable_close_range_end(unsigned first, unsigned last);

#endif
