/* Waiting for one fd on behalf of a call that would block. */
#include "seam/blocked.h"

#include "base/assert.h"
#include "machine/clock.h"
#include "seam/budget.h"
#include "seam/fdtable.h"
#include "seam/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { BACK_OFF_FIRST_NS = 1000000, BACK_OFF_MAX_NS = 20000000 };

/* When the socket's own timeout ends a call that begins to wait now. */
static int64_t socket_deadline(int fd, int option)
{
    struct timeval t;
    socklen_t size = sizeof(t);
    struct timespec span;

    if (option == 0 || getsockopt(fd, SOL_SOCKET, option, &t, &size) < 0)
        return WF_NEVER;
    if (t.tv_sec == 0 && t.tv_usec == 0)
        return WF_NEVER;
    span = (struct timespec){.tv_sec = t.tv_sec, .tv_nsec = t.tv_usec * 1000};
    return wf_clock_after(wf_clock_from_timespec(&span));
}

bool wf_blocked_may_wait(struct wf_blocked *b)
{
    int flags;

    if (b->asked)
        return b->may_wait;
    b->asked = true;
    flags = fcntl(b->fd, F_GETFL);
    b->may_wait = flags >= 0 && !(flags & O_NONBLOCK);
    if (b->may_wait)
        b->deadline = socket_deadline(b->fd, b->timeout_option);
    return b->may_wait;
}

short wf_blocked_look(const struct wf_blocked *b)
{
    struct pollfd p = {.fd = b->fd, .events = b->events};

    return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

static int sleep_a_little(struct wf_blocked *b)
{
    unsigned doublings = b->lies < 5 ? b->lies : 5;
    int64_t span = wf_clock_min((int64_t)BACK_OFF_FIRST_NS << doublings, BACK_OFF_MAX_NS);
    int64_t until = wf_clock_min(b->deadline, wf_clock_after(span));
    struct wf_seam_wait w;
    int err = wf_seam_wait_begin(&w, b->fiber, WF_SEAM_IO, until);

    if (err)
        return err;
    b->lies++;
    wf_park_prepare(b->fiber, WF_WAIT_FD, w.flags);
    err = wf_seam_wait_end(&w, wf_park_commit(b->fiber, w.until));
    return err == ETIMEDOUT && until < b->deadline ? 0 : err;
}

/* `err` is what a wait ended with. */
static bool try_again(struct wf_blocked *b, int err)
{
    b->waited = true;
    if (err)
        errno = err == ETIMEDOUT ? EAGAIN : err;
    return err == 0;
}

static bool refuse(void)
{
    errno = EAGAIN;
    return false;
}

bool wf_blocked_wait(struct wf_blocked *b)
{
    if (!wf_blocked_may_wait(b))
        return refuse();
    /* After a first wait, an fd that poll() calls ready and the operation does not: a full queue at
     * the other end of a datagram socket, or more wanted than is there (MSG_PEEK with
     * MSG_WAITALL). No event will say when that changes. The first time may be mere chance: the
     * event came between the call and this look. */
    if (b->waited && wf_blocked_look(b)) {
        if (b->lies > 0)
            return try_again(b, sleep_a_little(b));
        b->lies++;
        return true;
    }
    wf_fdtable_watch(b->fd);
    return try_again(b, wf_seam_wait_fd(b->fiber, b->fd, b->events, b->deadline));
}

bool wf_blocked_back_off(struct wf_blocked *b)
{
    if (!wf_blocked_may_wait(b))
        return refuse();
    return try_again(b, sleep_a_little(b));
}

ssize_t wf_blocked_end(struct wf_blocked *b, ssize_t result)
{
    if (result < 0)
        return result;
    errno = b->saved_errno;
    if (!b->waited)
        wf_seam_spend(b->fiber, WF_SPEND_IO);
    return result;
}
