/* Writing to a terminal. */
#ifndef WF_SEAM_TTY_H
#define WF_SEAM_TTY_H

#include "seam/blocked.h"

#include <sys/uio.h>

bool wf_tty_is(int fd);
/* All of it, as a blocking write; `b` is in blocking mode and waits for POLLOUT. */
ssize_t wf_tty_write(struct wf_blocked *b, const struct iovec *iov, int count, size_t total);

#endif
