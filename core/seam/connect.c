/* connect and accept, the two socket calls that know no MSG_DONTWAIT.
 *
 * connect is made in non-blocking mode: FIONBIO on, connect, FIONBIO off, with no switch in
 * between. The mode belongs to the description, which a dup or another process may share, so
 * for some microseconds others may get EAGAIN. The ways that would spare this are worse: a tiny
 * SO_SNDTIMEO is as visible, blocks for a clock tick and cuts other threads' sends;
 * MSG_FASTOPEN changes what goes over the wire; a thread of the pool would be taken for minutes.
 * FIONBIO, unlike F_SETFL, touches that one bit only.
 *
 * accept polls first and calls the real one with no switch in between, so that of many fibers
 * at one listening socket none blocks the worker. Another process (a pre-forking server's) can
 * still be quicker; then the worker waits for the next connection. */
#include "seam/connect.h"

#include "seam/blocked.h"
#include "seam/fdtable.h"
#include "seam/hook.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int option_of(int fd, int option, int otherwise)
{
    int value;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : otherwise;
}

/* ---- accept ---- */

static bool await_connection(struct wf_blocked *b)
{
    while (!wf_blocked_look(b)) {
        if (!option_of(b->fd, SO_ACCEPTCONN, 0))
            return true; /* not a listening socket: accept says so at once */
        if (!wf_blocked_wait(b))
            return false;
    }
    return true;
}

int wf_socket_accept4(int fd, struct sockaddr *addr, socklen_t *size, int flags)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct wf_blocked b;
    int r;

    if (!f || (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)))
        return accept4(fd, addr, size, flags);
    b = wf_blocked_init(f, fd, POLLIN, SO_RCVTIMEO);
    if (!await_connection(&b))
        return -1;
    r = accept4(fd, addr, size, flags);
    if (r >= 0)
        wf_fdtable_learn(r, WF_FD_SOCKET);
    return (int)wf_blocked_end(&b, r);
}

int wf_socket_accept(int fd, struct sockaddr *addr, socklen_t *size)
{
    return wf_socket_accept4(fd, addr, size, 0);
}

/* ---- connect ---- */

static int connect_at_once(int fd, const struct sockaddr *addr, socklen_t size)
{
    int on = 1, off = 0;
    int r, err;

    if (ioctl(fd, FIONBIO, &on) < 0)
        return -1;
    r = connect(fd, addr, size);
    err = errno;
    (void)ioctl(fd, FIONBIO, &off);
    errno = err;
    return r;
}

/* TCP wants a second connect(): only that ends its connecting state, so that the next connect()
 * says EISCONN after a success and may try again after a failure. It does not block any more. */
static int finish(int fd, const struct sockaddr *addr, socklen_t size)
{
    int domain = option_of(fd, SO_DOMAIN, AF_UNSPEC);
    int protocol = option_of(fd, SO_PROTOCOL, 0);
    int err;

    if ((domain == AF_INET || domain == AF_INET6) &&
        (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP))
        return connect(fd, addr, size);
    err = option_of(fd, SO_ERROR, errno);
    if (err == 0)
        return 0;
    errno = err;
    return -1;
}

/* The kernel goes on connecting; `in_progress` is what it says when its time (SO_SNDTIMEO) is
 * up. */
static int await_connected(struct wf_blocked *b, const struct sockaddr *addr, socklen_t size,
                           int in_progress)
{
    do {
        if (!wf_blocked_wait(b)) {
            errno = errno == EAGAIN ? in_progress : errno;
            return -1;
        }
    } while (!wf_blocked_look(b));
    return finish(b->fd, addr, size);
}

static int connect_waiting(struct wf_blocked *b, const struct sockaddr *addr, socklen_t size)
{
    int r = connect_at_once(b->fd, addr, size);

    if (r < 0 && (errno == EINPROGRESS || errno == EALREADY))
        return await_connected(b, addr, size, errno);
    if (!wf_would_block(r) || option_of(b->fd, SO_DOMAIN, AF_UNSPEC) != AF_UNIX)
        return r;
    /* The backlog of a local listener is full; no event tells when there is room. */
    while (wf_would_block(r) && wf_blocked_back_off(b))
        r = connect_at_once(b->fd, addr, size);
    return r;
}

static bool can_block(int fd)
{
    int type = option_of(fd, SO_TYPE, SOCK_DGRAM);

    return type != SOCK_DGRAM && type != SOCK_RAW;
}

int wf_socket_connect(int fd, const struct sockaddr *addr, socklen_t size)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct wf_blocked b;

    if (!f)
        return connect(fd, addr, size);
    b = wf_blocked_init(f, fd, POLLOUT, SO_SNDTIMEO);
    if (!can_block(fd) || !wf_blocked_may_wait(&b))
        return (int)wf_blocked_end(&b, connect(fd, addr, size));
    return (int)wf_blocked_end(&b, connect_waiting(&b, addr, size));
}
