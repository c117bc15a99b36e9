/* sendfile to a blocking socket. The real one can only be kept from blocking by the description's
 * mode, for as long as it runs, and it may read a disk meanwhile; so the bytes go through a buffer
 * here, which costs a copy and is exact. A pipe takes what there is room for in one go (since
 * Linux 5.12), so there it is enough to poll first. */
#include "seam/sendfile.h"

#include "seam/blocked.h"
#include "seam/fdtable.h"
#include "seam/file.h"
#include "seam/hook.h"
#include "seam/iov.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { BUFFER = 64 << 10 };

static bool would_block(int out)
{
    enum wf_fd_kind kind = wf_fdtable_kind(out);
    int flags;

    if (kind == WF_FD_UNKNOWN || kind == WF_FD_FILE)
        return false;
    flags = fcntl(out, F_GETFL);
    return flags >= 0 && !(flags & O_NONBLOCK) && (flags & O_ACCMODE) != O_RDONLY;
}

static ssize_t to_pipe(struct wf_fiber *f, int out, int in, off_t *offset, size_t n)
{
    struct wf_blocked b = wf_blocked_init(f, out, POLLOUT, 0);

    while (!wf_blocked_look(&b)) {
        if (!wf_blocked_wait(&b))
            return -1;
    }
    return wf_blocked_end(&b, sendfile(out, in, offset, n));
}

/* Sends what lies at `at`. -1 only when nothing was sent at all. */
static ssize_t copy(struct wf_fiber *f, int out, int in, off_t at, size_t n, char *buffer)
{
    size_t done = 0;

    while (done < n) {
        size_t want = n - done < BUFFER ? n - done : BUFFER;
        ssize_t got = pread(in, buffer, want, at + (off_t)done);
        ssize_t sent;

        if (got == 0)
            break;
        if (got < 0) {
            errno = errno == EISDIR ? EINVAL : errno;
            return done ? (ssize_t)done : -1;
        }
        sent = wf_file_write(f, out, buffer, (size_t)got);
        if (sent < 0)
            return done ? (ssize_t)done : -1;
        done += (size_t)sent;
        if (sent < got)
            break;
    }
    return (ssize_t)done;
}

static ssize_t copy_all(struct wf_fiber *f, int out, int in, off_t *offset, off_t at, size_t n)
{
    char *buffer = malloc(BUFFER);
    ssize_t r;
    int err;

    if (!buffer)
        return -1;
    r = copy(f, out, in, at, n < WF_IO_MAX ? n : WF_IO_MAX, buffer);
    err = errno;
    free(buffer);
    errno = err;
    if (r > 0 && offset)
        *offset = at + r;
    else if (r > 0)
        (void)lseek(in, at + r, SEEK_SET);
    return r;
}

ssize_t wf_seam_sendfile(int out, int in, off_t *offset, size_t n)
{
    struct wf_fiber *f = wf_seam_interruptible();
    int saved = errno;
    off_t at;
    ssize_t r;

    if (!f || n == 0 || !would_block(out) || wf_fdtable_kind(in) != WF_FD_FILE)
        return sendfile(out, in, offset, n);
    if (wf_fdtable_kind(out) == WF_FD_PIPE)
        return to_pipe(f, out, in, offset, n);
    at = offset ? *offset : lseek(in, 0, SEEK_CUR);
    if (at < 0)
        return sendfile(out, in, offset, n);
    r = copy_all(f, out, in, offset, at, n);
    if (r >= 0)
        errno = saved;
    return r;
}
