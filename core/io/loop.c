/* The driver: one epoll set on top, libuv's loop inside it; see loop.h. */
#include "io/loop.h"

#include "base/assert.h"
#include "base/status.h"
#include "machine/clock.h"
#include "sched/processor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    EVENTS_PER_POLL = 256,
    /* Our fds get numbers out of the way: programs close or expect low ones. */
    FD_FLOOR = 1000,
};

/* What epoll hands back for fds that are not a user's. */
static const uint64_t WAKE_TAG = UINT64_MAX, UV_TAG = UINT64_MAX - 1;

static int move_up(int fd)
{
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_FLOOR);

    if (high < 0)
        return fd; /* a low limit on fds: the low number then */
    close(fd);
    return high;
}

static int watch(struct wf_loop *l, int fd, uint64_t tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = tag};

    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? WF_ELIMIT : WF_OK;
}

static int open_fds(struct wf_loop *l)
{
    l->epoll_fd = move_up(epoll_create1(EPOLL_CLOEXEC));
    l->wake_fd = move_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (l->epoll_fd < 0 || l->wake_fd < 0)
        return WF_ELIMIT;
    return watch(l, l->wake_fd, WAKE_TAG);
}

static void close_fds(struct wf_loop *l)
{
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
}

/* ---- the four functions of the driver ---- */

static struct wf_loop *loop_of_driver(struct wf_driver *d)
{
    return (struct wf_loop *)(void *)((char *)d - offsetof(struct wf_loop, driver));
}

static int wait_events(struct wf_loop *l, struct epoll_event *events, int64_t timeout)
{
    struct timespec t = wf_clock_timespec(timeout);

    return epoll_pwait2(l->epoll_fd, events, EVENTS_PER_POLL, timeout == WF_NEVER ? NULL : &t,
                        NULL);
}

/* Milliseconds until libuv wants to run; -1: only when its fd is ready. With nothing to do libuv
 * answers 0, which means "uv_run would return at once". */
static int uv_timeout(const struct wf_loop *l)
{
    return l->uv_made && uv_loop_alive(&l->uv) ? uv_backend_timeout(&l->uv) : -1;
}

static void loop_poll(struct wf_driver *d, int64_t timeout)
{
    struct wf_loop *l = loop_of_driver(d);
    struct epoll_event events[EVENTS_PER_POLL];
    int saved = errno;
    int n = wait_events(l, events, timeout);
    bool uv_due = uv_timeout(l) == 0;

    for (int i = 0; i < n; i++) {
        uint64_t tag = events[i].data.u64;
        uint64_t count;

        if (tag == WAKE_TAG)
            (void)!read(l->wake_fd, &count, sizeof(count)); /* only empties the counter */
        else if (tag == UV_TAG)
            uv_due = true;
        else
            wf_ready_deliver(l, (int)tag, events[i].events);
    }
    if (n > 0)
        l->events += (uint64_t)n;
    if (uv_due)
        uv_run(&l->uv, UV_RUN_NOWAIT);
    errno = saved;
}

static void loop_wake(struct wf_driver *d)
{
    struct wf_loop *l = loop_of_driver(d);
    uint64_t one = 1;
    int saved = errno;

    (void)!write(l->wake_fd, &one, sizeof(one)); /* a full counter wakes as well */
    errno = saved;
}

static int64_t loop_next_deadline(struct wf_driver *d)
{
    struct wf_loop *l = loop_of_driver(d);
    int ms = uv_timeout(l);

    return ms < 0 ? WF_NEVER : wf_clock_after(ms * WF_NS_PER_MS);
}

static void loop_close(struct wf_driver *d)
{
    struct wf_loop *l = loop_of_driver(d);

    if (l->uv_made) {
        uv_run(&l->uv, UV_RUN_DEFAULT); /* waits for work that was abandoned */
        uv_loop_close(&l->uv);
    }
    close_fds(l);
    for (size_t i = 0; i < WF_LOOP_CHUNKS; i++)
        free(l->chunks[i]);
}

/* ---- life ---- */

int wf_loop_init(struct wf_loop *l)
{
    int err;

    memset(l, 0, sizeof(*l));
    l->driver = (struct wf_driver){
        .poll = loop_poll,
        .wake = loop_wake,
        .next_deadline = loop_next_deadline,
        .close = loop_close,
    };
    err = open_fds(l);
    if (err)
        close_fds(l);
    return err;
}

struct wf_loop *wf_loop_of(const struct wf_fiber *f)
{
    return loop_of_driver(f->home->driver);
}

uv_loop_t *wf_loop_uv(struct wf_loop *l)
{
    if (l->uv_made)
        return &l->uv;
    if (uv_loop_init(&l->uv) < 0)
        return NULL;
    if (watch(l, uv_backend_fd(&l->uv), UV_TAG) != WF_OK) {
        uv_loop_close(&l->uv);
        return NULL;
    }
    l->uv_made = true;
    uv_run(&l->uv, UV_RUN_NOWAIT); /* libuv registers its own fds on the first run */
    return &l->uv;
}

int wf_loop_after_fork(struct wf_loop *l)
{
    int err;

    close_fds(l); /* ours alone: the parent has its own descriptors of the same objects */
    l->lock = (struct wf_lock){0};
    for (size_t c = 0; c < WF_LOOP_CHUNKS; c++) {
        free(l->chunks[c]);
        l->chunks[c] = NULL;
    }
    err = open_fds(l);
    if (err || !l->uv_made)
        return err;
    if (uv_loop_fork(&l->uv) < 0)
        return WF_ELIMIT;
    err = watch(l, uv_backend_fd(&l->uv), UV_TAG);
    uv_run(&l->uv, UV_RUN_NOWAIT);
    return err;
}
