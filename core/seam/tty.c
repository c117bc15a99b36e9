/* A terminal knows no RWF_NOWAIT, and its POLLOUT promises room for one byte. A larger write could
 * block the worker, for ever if a fiber of its own is to read the other end (a pseudo-terminal
 * and a child that wants its output read). So it is made in non-blocking mode, without changing
 * that of the caller's description, which the user's shell may share: the terminal is opened anew
 * for the purpose. The master of a pseudo-terminal cannot be; there FIONBIO is set for the moment
 * of the write, with no switch in between. */
#include "seam/tty.h"

#include "seam/iov.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum way { POLLED, REOPENED, TOGGLED };

struct outlet {
    int fd;
    enum way way;
};

bool wf_tty_is(int fd)
{
    return isatty(fd) == 1;
}

static bool is_master(int fd)
{
    unsigned number;

    return ioctl(fd, TIOCGPTN, &number) == 0;
}

static struct outlet open_outlet(int fd)
{
    char path[32];
    int twin;

    if (is_master(fd))
        return (struct outlet){fd, TOGGLED};
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    twin = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return twin >= 0 ? (struct outlet){twin, REOPENED} : (struct outlet){fd, POLLED};
}

static void close_outlet(struct outlet o)
{
    int saved = errno;

    if (o.way == REOPENED)
        close(o.fd);
    errno = saved;
}

static ssize_t write_toggled(int fd, const struct iovec *iov, int count)
{
    int on = 1, off = 0;
    ssize_t r;
    int err;

    if (ioctl(fd, FIONBIO, &on) < 0)
        return -1;
    r = writev(fd, iov, count);
    err = errno;
    (void)ioctl(fd, FIONBIO, &off);
    errno = err;
    return r;
}

/* Not reopened (no /proc, no permission): what poll() promises. */
static ssize_t write_polled(struct wf_blocked *b, const struct iovec *iov)
{
    while (!wf_blocked_look(b)) {
        if (!wf_blocked_wait(b))
            return -1;
    }
    return write(b->fd, iov->iov_base, 1);
}

static ssize_t try_write(struct wf_blocked *b, struct outlet o, const struct iovec *iov, int count)
{
    switch (o.way) {
    case POLLED:
        return write_polled(b, iov);
    case REOPENED:
        return writev(o.fd, iov, count);
    case TOGGLED:
        return write_toggled(o.fd, iov, count);
    }
    return -1;
}

ssize_t wf_tty_write(struct wf_blocked *b, const struct iovec *iov, int count, size_t total)
{
    struct outlet o = open_outlet(b->fd);
    size_t done = 0;
    ssize_t r = 0;

    while (done < total) {
        struct iovec window[WF_IOV_WINDOW] = {{NULL, 0}};
        int n = wf_iov_window(iov, (size_t)count, done, total - done, window);

        r = try_write(b, o, window, n);
        if (r > 0)
            done += (size_t)r;
        else if (!wf_would_block(r) || !wf_blocked_wait(b))
            break;
    }
    close_outlet(o);
    return done ? (ssize_t)done : r;
}
