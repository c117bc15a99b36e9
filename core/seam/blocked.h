/* A call on one fd that cannot go on at once: whether it may wait, until when, and the waiting.
 *
 *   struct wf_blocked b = wf_blocked_init(f, fd, POLLIN, SO_RCVTIMEO);
 *   do
 *       r = the call, made in a way that does not block;
 *   while (wf_would_block(r) && wf_blocked_wait(&b));
 *   return wf_blocked_end(&b, r);
 *
 * O_NONBLOCK and the socket's timeout are read when the call would block, not before: a call that
 * succeeds at once costs no extra system call. */
#ifndef WF_SEAM_BLOCKED_H
#define WF_SEAM_BLOCKED_H

#include "sched/fiber.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

struct wf_blocked {
    struct wf_fiber *fiber;
    int fd;
    short events;       /* POLLIN or POLLOUT */
    int timeout_option; /* SO_RCVTIMEO, SO_SNDTIMEO; 0: the fd has none */
    int saved_errno;    /* a call that succeeds leaves errno alone */
    bool asked, may_wait;
    bool waited;
    unsigned lies; /* how often poll() said "ready" and the call did not find it so */
    int64_t deadline;
};

static inline struct wf_blocked wf_blocked_init(struct wf_fiber *f, int fd, short events,
                                                int timeout_option)
{
    return (struct wf_blocked){
        .fiber = f,
        .fd = fd,
        .events = events,
        .timeout_option = timeout_option,
        .saved_errno = errno,
        .deadline = WF_NEVER,
    };
}

static inline bool wf_would_block(ssize_t result)
{
    return result < 0 && errno == EAGAIN;
}

/* False: the fd is in non-blocking mode. */
bool wf_blocked_may_wait(struct wf_blocked *b);
/* Waits for the fd. True: try again. False: errno is what the call ends with; EAGAIN for a
 * non-blocking fd and for a timeout of the socket's. */
bool wf_blocked_wait(struct wf_blocked *b);
/* The same for what no event announces: 1, 2, 4 .. 20 ms. */
bool wf_blocked_back_off(struct wf_blocked *b);
/* Which of `events`, POLLERR, POLLHUP and POLLNVAL the fd shows now. */
short wf_blocked_look(const struct wf_blocked *b);
/* The last step of every call, whatever the result: a success restores errno and, if it did not
 * wait, draws on the fiber's I/O budget. */
ssize_t wf_blocked_end(struct wf_blocked *b, ssize_t result);

#endif
