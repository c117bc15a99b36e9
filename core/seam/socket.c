/* Sockets, the data calls: tried with MSG_DONTWAIT, which leaves the socket's mode alone, then
 * parked. What a blocking call does beyond one such try (send all, MSG_WAITALL, time limits) is
 * repeated here as the kernel does it. connect and accept are in connect.c. */
#include "seam/socket.h"

#include "seam/blocked.h"
#include "seam/connect.h"
#include "seam/hook.h"
#include "seam/iov.h"
#include "seam/sendfile.h"

#include <poll.h>
#include <time.h>

/* The fortified entry points of libc, which no header declares by these names. */
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags, struct sockaddr *from,
                       socklen_t *from_size);

enum {
    /* With one of these recv() never waits, whatever the socket's mode. */
    RECV_AT_ONCE = MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB,
    MESSAGES_MAX = 1024, /* the kernel takes no more in one call (UIO_MAXIOV) */
};

static bool is_stream(int fd)
{
    int type;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* Whether a call that has moved some bytes must end here. A further try would take the socket's
 * pending error, which belongs to the caller's next call. */
static bool broken(const struct wf_blocked *b, short signs)
{
    return (wf_blocked_look(b) & signs) != 0;
}

/* ---- receiving ---- */

/* No more will come: what MSG_PEEK finds now is all there is. */
static bool ended(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0;
}

/* MSG_PEEK with MSG_WAITALL: from the start each time, until enough is there. No event tells how
 * much that is, so after the first tries this looks every few milliseconds. */
static size_t peek_rest(struct wf_blocked *b, struct msghdr *msg, size_t total, int flags,
                        size_t done)
{
    while (done < total && wf_blocked_may_wait(b)) {
        bool last = ended(b->fd);
        ssize_t r = recvmsg(b->fd, msg, flags | MSG_DONTWAIT);

        if (r > (ssize_t)done)
            done = (size_t)r;
        if (last || (done < total && !wf_blocked_wait(b)))
            break;
    }
    return done;
}

/* The rest of a MSG_WAITALL. `msg` has the caller's whole iov, no name, and the control buffer
 * only if it is still empty: control data ends the call, as descriptors do in the kernel. */
static size_t receive_rest(struct wf_blocked *b, struct msghdr *msg, size_t total, int flags,
                           size_t done)
{
    const struct iovec *iov = msg->msg_iov;
    size_t count = msg->msg_iovlen;
    size_t control = msg->msg_controllen;

    msg->msg_controllen = 0;
    while (done < total && wf_blocked_may_wait(b)) {
        struct iovec window[WF_IOV_WINDOW];
        ssize_t r;

        msg->msg_iov = window;
        msg->msg_iovlen = (size_t)wf_iov_window(iov, count, done, total - done, window);
        msg->msg_controllen = control;
        r = recvmsg(b->fd, msg, flags | MSG_DONTWAIT);
        if (r > 0) {
            done += (size_t)r;
            if (msg->msg_controllen > 0)
                break;
            continue;
        }
        msg->msg_controllen = 0;
        if (!wf_would_block(r) || !wf_blocked_wait(b) || broken(b, POLLERR))
            break;
    }
    return done;
}

static size_t receive_all(struct wf_blocked *b, struct msghdr *msg, size_t total, int flags,
                          size_t done)
{
    return flags & MSG_PEEK ? peek_rest(b, msg, total, flags, done)
                            : receive_rest(b, msg, total, flags, done);
}

ssize_t wf_socket_recv(struct wf_fiber *f, int fd, void *buf, size_t n, int flags,
                       struct sockaddr *from, socklen_t *from_size)
{
    struct wf_blocked b = wf_blocked_init(f, fd, POLLIN, SO_RCVTIMEO);
    ssize_t r;

    if (flags & RECV_AT_ONCE)
        return wf_blocked_end(&b, recvfrom(fd, buf, n, flags, from, from_size));
    do
        r = recvfrom(fd, buf, n, flags | MSG_DONTWAIT, from, from_size);
    while (wf_would_block(r) && wf_blocked_wait(&b));
    if ((flags & MSG_WAITALL) && r > 0 && (size_t)r < n && is_stream(fd)) {
        struct iovec iov = {buf, n < WF_IO_MAX ? n : WF_IO_MAX};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        r = (ssize_t)receive_all(&b, &msg, iov.iov_len, flags, (size_t)r);
    }
    return wf_blocked_end(&b, r);
}

static bool wants_rest(int fd, const struct msghdr *msg, int flags, ssize_t r)
{
    return (flags & MSG_WAITALL) && r > 0 && msg->msg_controllen == 0 &&
           (size_t)r < wf_iov_total(msg->msg_iov, msg->msg_iovlen) && is_stream(fd);
}

ssize_t wf_socket_recvmsg(struct wf_fiber *f, int fd, struct msghdr *msg, int flags)
{
    struct wf_blocked b = wf_blocked_init(f, fd, POLLIN, SO_RCVTIMEO);
    size_t control = flags & MSG_WAITALL ? msg->msg_controllen : 0;
    ssize_t r;

    if (flags & RECV_AT_ONCE)
        return wf_blocked_end(&b, recvmsg(fd, msg, flags));
    do
        r = recvmsg(fd, msg, flags | MSG_DONTWAIT);
    while (wf_would_block(r) && wf_blocked_wait(&b));
    if (wants_rest(fd, msg, flags, r)) {
        struct msghdr rest = *msg;

        rest.msg_name = NULL;
        rest.msg_namelen = 0;
        rest.msg_controllen = flags & MSG_PEEK ? 0 : control;
        r = (ssize_t)receive_all(&b, &rest, wf_iov_total(msg->msg_iov, msg->msg_iovlen), flags,
                                 (size_t)r);
        msg->msg_flags |= rest.msg_flags;
        msg->msg_controllen = rest.msg_controllen;
    }
    return wf_blocked_end(&b, r);
}

static bool valid_timespec(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < WF_NS_PER_S;
}

static struct timespec time_left(int64_t deadline)
{
    int64_t now = wf_clock_now();

    return wf_clock_timespec(deadline > now ? deadline - now : 0);
}

/* The kernel looks at recvmmsg's time limit after each datagram and never while it waits for one;
 * so does this. The batches go through the real call, which does it within them. */
static int receive_many(struct wf_blocked *b, struct mmsghdr *v, unsigned n, int flags,
                        int64_t deadline)
{
    unsigned done = 0;

    while (done < n) {
        struct timespec left = time_left(deadline);
        int r = recvmmsg(b->fd, v + done, n - done, flags | MSG_DONTWAIT,
                         deadline == WF_NEVER ? NULL : &left);

        if (r > 0) {
            done += (unsigned)r;
            if ((flags & MSG_WAITFORONE) || (v[done - 1].msg_hdr.msg_flags & MSG_OOB) ||
                (deadline != WF_NEVER && wf_clock_now() >= deadline))
                break;
        } else if (!wf_would_block(r) || !wf_blocked_wait(b) || (done && broken(b, POLLERR))) {
            return done ? (int)done : r;
        }
    }
    return (int)done;
}

static int hook_recvmmsg(int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *timeout)
{
    struct wf_fiber *f = wf_seam_interruptible();
    int64_t deadline = WF_NEVER;
    struct wf_blocked b;
    int r;

    if (!f || n == 0 || (flags & RECV_AT_ONCE) || (timeout && !valid_timespec(timeout)))
        return recvmmsg(fd, v, n, flags, timeout);
    if (timeout)
        deadline = wf_clock_after(wf_clock_from_timespec(timeout));
    b = wf_blocked_init(f, fd, POLLIN, SO_RCVTIMEO);
    r = receive_many(&b, v, n < MESSAGES_MAX ? n : MESSAGES_MAX, flags, deadline);
    if (timeout && r > 0 && deadline != WF_NEVER)
        *timeout = time_left(deadline);
    return (int)wf_blocked_end(&b, r);
}

static ssize_t hook_recv(int fd, void *buf, size_t n, int flags)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? wf_socket_recv(f, fd, buf, n, flags, NULL, NULL) : recv(fd, buf, n, flags);
}

static ssize_t hook_recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f || n > size)
        return __recv_chk(fd, buf, n, size, flags); /* aborts when n > size */
    return wf_socket_recv(f, fd, buf, n, flags, NULL, NULL);
}

static ssize_t hook_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from,
                             socklen_t *from_size)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? wf_socket_recv(f, fd, buf, n, flags, from, from_size)
             : recvfrom(fd, buf, n, flags, from, from_size);
}

static ssize_t hook_recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
                                 struct sockaddr *from, socklen_t *from_size)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f || n > size)
        return __recvfrom_chk(fd, buf, n, size, flags, from, from_size);
    return wf_socket_recv(f, fd, buf, n, flags, from, from_size);
}

static ssize_t hook_recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? wf_socket_recvmsg(f, fd, msg, flags) : recvmsg(fd, msg, flags);
}

/* ---- sending ---- */

/* The rest of what a blocking send on a stream has to send, without the name and the control data
 * that went with the first part. No SIGPIPE: the call will report a success. */
static size_t send_rest(struct wf_blocked *b, const struct iovec *iov, size_t count, size_t total,
                        int flags, size_t done)
{
    flags = (flags & ~MSG_FASTOPEN) | MSG_DONTWAIT | MSG_NOSIGNAL;
    while (done < total && wf_blocked_may_wait(b)) {
        struct iovec window[WF_IOV_WINDOW];
        struct msghdr msg = {.msg_iov = window};
        ssize_t r;

        msg.msg_iovlen = (size_t)wf_iov_window(iov, count, done, total - done, window);
        r = sendmsg(b->fd, &msg, flags);
        if (r > 0)
            done += (size_t)r;
        else if (!wf_would_block(r) || !wf_blocked_wait(b) || broken(b, POLLERR | POLLHUP))
            break;
    }
    return done;
}

ssize_t wf_socket_send(struct wf_fiber *f, int fd, const void *buf, size_t n, int flags,
                       const struct sockaddr *to, socklen_t to_size)
{
    struct wf_blocked b = wf_blocked_init(f, fd, POLLOUT, SO_SNDTIMEO);
    ssize_t r;

    if (flags & MSG_DONTWAIT)
        return wf_blocked_end(&b, sendto(fd, buf, n, flags, to, to_size));
    do
        r = sendto(fd, buf, n, flags | MSG_DONTWAIT, to, to_size);
    while (wf_would_block(r) && wf_blocked_wait(&b));
    if (r >= 0 && (size_t)r < n) {
        struct iovec iov = {(void *)(size_t)buf, n < WF_IO_MAX ? n : WF_IO_MAX};

        r = (ssize_t)send_rest(&b, &iov, 1, iov.iov_len, flags, (size_t)r);
    }
    return wf_blocked_end(&b, r);
}

ssize_t wf_socket_sendmsg(struct wf_fiber *f, int fd, const struct msghdr *msg, int flags)
{
    struct wf_blocked b = wf_blocked_init(f, fd, POLLOUT, SO_SNDTIMEO);
    ssize_t r;

    if (flags & MSG_DONTWAIT)
        return wf_blocked_end(&b, sendmsg(fd, msg, flags));
    do
        r = sendmsg(fd, msg, flags | MSG_DONTWAIT);
    while (wf_would_block(r) && wf_blocked_wait(&b));
    if (r >= 0) {
        size_t total = wf_iov_total(msg->msg_iov, msg->msg_iovlen);

        r = (ssize_t)send_rest(&b, msg->msg_iov, msg->msg_iovlen, total, flags, (size_t)r);
    }
    return wf_blocked_end(&b, r);
}

/* A batch ends at a message that was sent in part; a blocking call would have sent all of it. */
static bool complete(struct wf_blocked *b, struct mmsghdr *m, int flags)
{
    const struct msghdr *msg = &m->msg_hdr;
    size_t total = wf_iov_total(msg->msg_iov, msg->msg_iovlen);

    m->msg_len = (unsigned)send_rest(b, msg->msg_iov, msg->msg_iovlen, total, flags, m->msg_len);
    return m->msg_len == total;
}

static int send_many(struct wf_blocked *b, struct mmsghdr *v, unsigned n, int flags)
{
    unsigned done = 0;

    while (done < n) {
        int r = sendmmsg(b->fd, v + done, n - done, flags | MSG_DONTWAIT);

        if (r > 0) {
            done += (unsigned)r;
            if (!complete(b, &v[done - 1], flags))
                break;
        } else if (!wf_would_block(r) || !wf_blocked_wait(b) ||
                   (done && broken(b, POLLERR | POLLHUP))) {
            return done ? (int)done : r;
        }
    }
    return (int)done;
}

static int hook_sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct wf_blocked b;

    if (!f || n == 0 || (flags & MSG_DONTWAIT))
        return sendmmsg(fd, v, n, flags);
    b = wf_blocked_init(f, fd, POLLOUT, SO_SNDTIMEO);
    return (int)wf_blocked_end(&b, send_many(&b, v, n < MESSAGES_MAX ? n : MESSAGES_MAX, flags));
}

static ssize_t hook_send(int fd, const void *buf, size_t n, int flags)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? wf_socket_send(f, fd, buf, n, flags, NULL, 0) : send(fd, buf, n, flags);
}

static ssize_t hook_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
                           socklen_t to_size)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? wf_socket_send(f, fd, buf, n, flags, to, to_size)
             : sendto(fd, buf, n, flags, to, to_size);
}

static ssize_t hook_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? wf_socket_sendmsg(f, fd, msg, flags) : sendmsg(fd, msg, flags);
}

const struct wf_hook wf_seam_socket_hooks[] = {
    WF_HOOK(recv, hook_recv),
    WF_HOOK(__recv_chk, hook_recv_chk),
    WF_HOOK(recvfrom, hook_recvfrom),
    WF_HOOK(__recvfrom_chk, hook_recvfrom_chk),
    WF_HOOK(recvmsg, hook_recvmsg),
    WF_HOOK(recvmmsg, hook_recvmmsg),
    WF_HOOK(send, hook_send),
    WF_HOOK(__send, hook_send),
    WF_HOOK(sendto, hook_sendto),
    WF_HOOK(sendmsg, hook_sendmsg),
    WF_HOOK(sendmmsg, hook_sendmmsg),
    WF_HOOK(accept, wf_socket_accept),
    WF_HOOK(accept4, wf_socket_accept4),
    WF_HOOK(connect, wf_socket_connect),
    WF_HOOK(__connect, wf_socket_connect),
    WF_HOOK(sendfile, wf_seam_sendfile),
    WF_HOOK(sendfile64, wf_seam_sendfile),
    {NULL, NULL, 0},
};
