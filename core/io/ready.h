/* Readiness of file descriptors: parks a fiber until one of its fds is ready.
 * The fds stay in the mode the user gave them; nobody switches them to O_NONBLOCK. */
#ifndef WF_IO_READY_H
#define WF_IO_READY_H

#include "base/list.h"
#include "sched/park.h"

/* One fd a fiber waits for; on the waiter's stack. */
struct wf_fd_wait {
    int fd;       /* negative: ignored, as in poll() */
    short events; /* POLLIN, POLLOUT, POLLPRI, POLLRDHUP; errors and hang-ups are always watched */
    bool closed;  /* out: somebody closed the fd while we waited */
    /* The loop's own. */
    struct wf_list link;
    struct wf_fiber *fiber;
};

/* Parks until one of the fds may be ready (OK; may be spurious), is closed (OK, `closed` set), or
 * as park.h says. `flags`: wf_park_flags. With n == 0 it just sleeps. The caller has looked before
 * and looks again after OK; an fd that cannot be watched comes back as OK every millisecond. */
enum wf_park_result wf_ready_wait(struct wf_fiber *self, struct wf_fd_wait *waits, size_t n,
                                  int64_t deadline, unsigned flags);
/* `fd` is about to be closed or replaced: its waiters wake with `closed`. Any thread; nothing
 * happens when the loop does not know the fd. */
void wf_ready_forget(int fd);

#endif
