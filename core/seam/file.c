/* read and write on whatever an fd is, and the calls that close one.
 *
 * Sockets go the way of recv and send. Pipes are tried with RWF_NOWAIT; where the file does not
 * know that (FIFOs, terminals, old kernels), poll() is asked first, with no switch before the
 * real call. Only another process at the same pipe or terminal can then still make it block.
 * Regular files pass through: reading them waits for the disk at most. */
#include "seam/file.h"

#include "seam/blocked.h"
#include "seam/budget.h"
#include "seam/fdtable.h"
#include "seam/hook.h"
#include "seam/iov.h"
#include "seam/socket.h"
#include "seam/tty.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* The fortified entry point of libc, which no header declares by this name. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);

/* ---- trying, and polling first ---- */

/* The file or the kernel has no RWF_NOWAIT (glibc says ENOTSUP for ENOSYS), or a sandbox forbids
 * the call. */
static bool cannot_try(ssize_t r)
{
    return r < 0 && (errno == EOPNOTSUPP || errno == EPERM);
}

/* poll() never reports the direction an fd was not opened for; the real call fails at once. */
static bool wrong_direction(const struct wf_blocked *b)
{
    int mode = fcntl(b->fd, F_GETFL) & O_ACCMODE;

    return b->events == POLLIN ? mode == O_WRONLY : mode == O_RDONLY;
}

/* True: make the real call, which will not block, or is to fail by itself. */
static bool poll_first(struct wf_blocked *b)
{
    while (!wf_blocked_look(b)) {
        if (wrong_direction(b))
            return true;
        if (!wf_blocked_wait(b))
            return errno == EAGAIN;
    }
    return true;
}

/* ---- reading ---- */

static ssize_t read_stream(struct wf_fiber *f, int fd, const struct iovec *iov, int count)
{
    struct wf_blocked b = wf_blocked_init(f, fd, POLLIN, 0);
    ssize_t r;

    do
        r = preadv2(fd, iov, count, -1, RWF_NOWAIT);
    while (wf_would_block(r) && wf_blocked_wait(&b));
    if (cannot_try(r)) {
        if (!poll_first(&b))
            return -1;
        r = readv(fd, iov, count);
    }
    return wf_blocked_end(&b, r);
}

static ssize_t count_at_once(struct wf_fiber *f, ssize_t r)
{
    if (r >= 0)
        wf_seam_spend(f, WF_SPEND_IO);
    return r;
}

/* A cached SOCKET that is none any more: closed behind our back. */
static bool not_a_socket(ssize_t r, int fd, enum wf_fd_kind *kind)
{
    if (r >= 0 || errno != ENOTSOCK)
        return false;
    wf_fdtable_close_end(fd);
    *kind = wf_fdtable_kind(fd);
    return true;
}

static ssize_t read_fiber(struct wf_fiber *f, int fd, void *buf, size_t n)
{
    enum wf_fd_kind kind = wf_fdtable_kind(fd);

    if (n == 0)
        return count_at_once(f, read(fd, buf, n)); /* 0 even where recv() would wait */
    if (kind == WF_FD_SOCKET) {
        ssize_t r = wf_socket_recv(f, fd, buf, n, 0, NULL, NULL);

        if (!not_a_socket(r, fd, &kind))
            return r;
    }
    if (kind == WF_FD_PIPE || kind == WF_FD_CHAR)
        return read_stream(f, fd, &(struct iovec){buf, n}, 1);
    return count_at_once(f, read(fd, buf, n));
}

/* An array the kernel would refuse, or that asks for nothing: the real call does not block. */
static bool is_trivial(const struct iovec *iov, int count)
{
    size_t total = 0;

    if (count <= 0 || count > IOV_MAX)
        return true;
    for (int i = 0; i < count; i++) {
        if (iov[i].iov_len > SSIZE_MAX - total)
            return true;
        total += iov[i].iov_len;
    }
    return total == 0;
}

static ssize_t readv_fiber(struct wf_fiber *f, int fd, const struct iovec *iov, int count)
{
    enum wf_fd_kind kind = wf_fdtable_kind(fd);

    if (is_trivial(iov, count))
        return count_at_once(f, readv(fd, iov, count));
    if (kind == WF_FD_SOCKET) {
        struct msghdr msg = {.msg_iov = (struct iovec *)(size_t)iov, .msg_iovlen = (size_t)count};
        ssize_t r = wf_socket_recvmsg(f, fd, &msg, 0);

        if (!not_a_socket(r, fd, &kind))
            return r;
    }
    if (kind == WF_FD_PIPE || kind == WF_FD_CHAR)
        return read_stream(f, fd, iov, count);
    return count_at_once(f, readv(fd, iov, count));
}

static ssize_t hook_read(int fd, void *buf, size_t n)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? read_fiber(f, fd, buf, n) : read(fd, buf, n);
}

static ssize_t hook_read_chk(int fd, void *buf, size_t n, size_t size)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f || n > size)
        return __read_chk(fd, buf, n, size); /* aborts when n > size */
    return read_fiber(f, fd, buf, n);
}

static ssize_t hook_readv(int fd, const struct iovec *iov, int count)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? readv_fiber(f, fd, iov, count) : readv(fd, iov, count);
}

/* ---- writing ---- */

/* poll() promises room for PIPE_BUF bytes, not for more. */
static ssize_t write_pieces(struct wf_blocked *b, const struct iovec *iov, int count, size_t total)
{
    size_t done = 0;

    while (done < total) {
        struct iovec window[WF_IOV_WINDOW];
        int n = wf_iov_window(iov, (size_t)count, done, PIPE_BUF, window);
        ssize_t r = poll_first(b) ? writev(b->fd, window, n) : -1;

        if (r <= 0)
            return done ? (ssize_t)done : r;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

/* A FIFO may get a large write in pieces; to most devices one write is one message. */
static ssize_t write_polled(struct wf_blocked *b, const struct iovec *iov, int count,
                            enum wf_fd_kind kind, size_t total)
{
    if (!wf_blocked_may_wait(b))
        return writev(b->fd, iov, count);
    if (kind == WF_FD_PIPE && total > PIPE_BUF)
        return write_pieces(b, iov, count, total);
    if (kind == WF_FD_CHAR && !wrong_direction(b) && wf_tty_is(b->fd))
        return wf_tty_write(b, iov, count, total);
    return poll_first(b) ? writev(b->fd, iov, count) : -1;
}

/* The rest of what a blocking write into a pipe has to write. An EPIPE in the middle raises SIGPIPE
 * and still reports the bytes before it, as in the kernel. */
static ssize_t write_rest(struct wf_blocked *b, const struct iovec *iov, int count, size_t total,
                          size_t done)
{
    while (done < total && wf_blocked_may_wait(b)) {
        struct iovec window[WF_IOV_WINDOW];
        int n = wf_iov_window(iov, (size_t)count, done, total, window);
        ssize_t r = pwritev2(b->fd, window, n, -1, RWF_NOWAIT);

        if (r > 0)
            done += (size_t)r;
        else if (!wf_would_block(r) || !wf_blocked_wait(b))
            break;
    }
    return (ssize_t)done;
}

/* The first try takes the caller's array as a whole: up to PIPE_BUF bytes go out as one. */
static ssize_t write_stream(struct wf_fiber *f, int fd, const struct iovec *iov, int count,
                            enum wf_fd_kind kind)
{
    struct wf_blocked b = wf_blocked_init(f, fd, POLLOUT, 0);
    size_t total = wf_iov_total(iov, (size_t)count);
    ssize_t r;

    do
        r = pwritev2(fd, iov, count, -1, RWF_NOWAIT);
    while (wf_would_block(r) && wf_blocked_wait(&b));
    if (cannot_try(r))
        r = write_polled(&b, iov, count, kind, total);
    else if (r >= 0 && kind == WF_FD_PIPE)
        r = write_rest(&b, iov, count, total, (size_t)r);
    return wf_blocked_end(&b, r);
}

ssize_t wf_file_write(struct wf_fiber *f, int fd, const void *buf, size_t n)
{
    enum wf_fd_kind kind = wf_fdtable_kind(fd);

    if (kind == WF_FD_SOCKET) {
        ssize_t r = wf_socket_send(f, fd, buf, n, 0, NULL, 0);

        if (!not_a_socket(r, fd, &kind))
            return r;
    }
    if (n > 0 && (kind == WF_FD_PIPE || kind == WF_FD_CHAR))
        return write_stream(f, fd, &(struct iovec){(void *)(size_t)buf, n}, 1, kind);
    return count_at_once(f, write(fd, buf, n));
}

static ssize_t writev_fiber(struct wf_fiber *f, int fd, const struct iovec *iov, int count)
{
    enum wf_fd_kind kind = wf_fdtable_kind(fd);

    if (is_trivial(iov, count))
        return count_at_once(f, writev(fd, iov, count));
    if (kind == WF_FD_SOCKET) {
        struct msghdr msg = {.msg_iov = (struct iovec *)(size_t)iov, .msg_iovlen = (size_t)count};
        ssize_t r = wf_socket_sendmsg(f, fd, &msg, 0);

        if (!not_a_socket(r, fd, &kind))
            return r;
    }
    if (kind == WF_FD_PIPE || kind == WF_FD_CHAR)
        return write_stream(f, fd, iov, count, kind);
    return count_at_once(f, writev(fd, iov, count));
}

static ssize_t hook_write(int fd, const void *buf, size_t n)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? wf_file_write(f, fd, buf, n) : write(fd, buf, n);
}

static ssize_t hook_writev(int fd, const struct iovec *iov, int count)
{
    struct wf_fiber *f = wf_seam_interruptible();

    return f ? writev_fiber(f, fd, iov, count) : writev(fd, iov, count);
}

/* ---- closing ----
 * Real threads' closes count as well. In a signal handler and in a vfork child nobody may be
 * woken (the child's table of fds is another one anyway), so there only the cache is dropped. */

static void close_begins(int fd)
{
    if (wf_seam_bypass == 0)
        wf_fdtable_close_begin(fd);
}

static int hook_close(int fd)
{
    int r;

    close_begins(fd);
    r = close(fd);
    wf_fdtable_close_end(fd);
    return r;
}

/* dup2 and dup3 close `to` only if `from` is open; they fail without that otherwise. */
static bool replaces(int from, int to)
{
    int saved = errno;
    bool open = from != to && fcntl(from, F_GETFD) >= 0;

    errno = saved;
    return open;
}

static int hook_dup2(int from, int to)
{
    int r;

    if (replaces(from, to))
        close_begins(to);
    r = dup2(from, to);
    if (from != to)
        wf_fdtable_close_end(to);
    return r;
}

static int hook_dup3(int from, int to, int flags)
{
    int r;

    if (!(flags & ~O_CLOEXEC) && replaces(from, to))
        close_begins(to);
    r = dup3(from, to, flags);
    if (from != to)
        wf_fdtable_close_end(to);
    return r;
}

static int hook_close_range(unsigned first, unsigned last, int flags)
{
    int r;

    if (flags & (int)CLOSE_RANGE_CLOEXEC)
        return close_range(first, last, flags);
    if (wf_seam_bypass == 0)
        wf_fdtable_close_range_begin(first, last);
    r = close_range(first, last, flags);
    wf_fdtable_close_range_end(first, last);
    return r;
}

static void hook_closefrom(int first)
{
    unsigned low = first > 0 ? (unsigned)first : 0;

    if (wf_seam_bypass == 0)
        wf_fdtable_close_range_begin(low, UINT_MAX);
    closefrom(first);
    wf_fdtable_close_range_end(low, UINT_MAX);
}

/* libc closes the fd of a stream where no hook sees it. */
static int hook_fclose(FILE *stream)
{
    int saved = errno;
    int fd = fileno(stream); /* -1: a stream in memory */
    int r;

    errno = saved;
    close_begins(fd);
    r = fclose(stream);
    wf_fdtable_close_end(fd);
    return r;
}

const struct wf_hook wf_seam_file_hooks[] = {
    WF_HOOK(read, hook_read),
    WF_HOOK(__read, hook_read),
    WF_HOOK(__read_chk, hook_read_chk),
    WF_HOOK(readv, hook_readv),
    WF_HOOK(write, hook_write),
    WF_HOOK(__write, hook_write),
    WF_HOOK(writev, hook_writev),
    WF_HOOK(close, hook_close),
    WF_HOOK(__close, hook_close),
    WF_HOOK(dup2, hook_dup2),
    WF_HOOK(__dup2, hook_dup2),
    WF_HOOK(dup3, hook_dup3),
    WF_HOOK(close_range, hook_close_range),
    WF_HOOK(closefrom, hook_closefrom),
    WF_HOOK(fclose, hook_fclose),
    {NULL, NULL, 0},
};
