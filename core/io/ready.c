/* Waiting for readiness on Linux: one-shot epoll registrations, armed at each park. Arming costs a
 * system call, but epoll then checks for us that the number still means the same file: a
 * descriptor that was closed behind our back cannot leave a fiber waiting for ever. */
#include "io/ready.h"

#include "base/assert.h"
#include "io/loop.h"
#include "sched/processor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLPRI == EPOLLPRI &&
                   POLLRDHUP == EPOLLRDHUP,
               "poll and epoll share their bits on Linux");

enum {
    /* An fd that epoll does not take (no memory, number out of range): looked at this often. */
    UNWATCHED_RETRY_NS = 1000000,
};
enum { WATCHED = POLLIN | POLLOUT | POLLPRI | POLLRDHUP, ALWAYS = POLLERR | POLLHUP };

/* The one loop of the process; more when there are more processors. NULL before start. Written
 * while only one thread knows of weft. */
static struct wf_loop *the_loop;

/* NULL: too large a number, or (with `make`) no memory. Under the loop's lock. */
static struct wf_loop_fd *entry_of(struct wf_loop *l, int fd, bool make)
{
    size_t chunk = (size_t)fd / WF_LOOP_CHUNK;

    if (fd < 0 || chunk >= WF_LOOP_CHUNKS)
        return NULL;
    if (!l->chunks[chunk]) {
        struct wf_loop_fd *fresh = make ? calloc(WF_LOOP_CHUNK, sizeof(*fresh)) : NULL;

        if (!fresh)
            return NULL;
        for (size_t i = 0; i < WF_LOOP_CHUNK; i++)
            wf_list_init(&fresh[i].waiters);
        l->chunks[chunk] = fresh;
    }
    return &l->chunks[chunk][(size_t)fd % WF_LOOP_CHUNK];
}

static struct wf_fd_wait *waiter_at(struct wf_list *link)
{
    return wf_container(link, struct wf_fd_wait, link);
}

/* Asks epoll for all that the waiters of `fd` want. False: the fd cannot be watched. */
static bool arm(struct wf_loop *l, int fd, struct wf_loop_fd *e)
{
    struct epoll_event event = {.events = EPOLLONESHOT, .data.u64 = (uint64_t)fd};
    int first = e->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int second = e->registered ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    for (struct wf_list *n = e->waiters.next; n != &e->waiters; n = n->next)
        event.events |= (uint32_t)(waiter_at(n)->events & WATCHED);
    e->registered = true;
    if (epoll_ctl(l->epoll_fd, first, fd, &event) == 0)
        return true;
    if ((errno == ENOENT || errno == EEXIST) && epoll_ctl(l->epoll_fd, second, fd, &event) == 0)
        return true;
    e->registered = false;
    return false;
}

static bool enter(struct wf_loop *l, struct wf_fd_wait *w)
{
    struct wf_loop_fd *e = entry_of(l, w->fd, true);

    if (!e)
        return false;
    wf_list_push_back(&e->waiters, &w->link);
    return arm(l, w->fd, e);
}

enum wf_park_result wf_ready_wait(struct wf_fiber *self, struct wf_fd_wait *waits, size_t n,
                                  int64_t deadline, unsigned flags)
{
    struct wf_loop *l = wf_loop_of(self);
    enum wf_park_result r;
    bool watchable = true;
    int64_t until;
    int saved = errno;

    the_loop = l;
    wf_park_prepare(self, WF_WAIT_FD, flags);
    wf_lock(&l->lock);
    for (size_t i = 0; i < n; i++) {
        wf_list_init(&waits[i].link);
        waits[i].fiber = self;
        waits[i].closed = false;
        if (waits[i].fd >= 0 && watchable)
            watchable = enter(l, &waits[i]);
    }
    wf_unlock(&l->lock);
    until = watchable ? deadline : wf_clock_min(deadline, wf_clock_after(UNWATCHED_RETRY_NS));
    r = wf_park_commit(self, until);
    if (r == WF_PARK_TIMEOUT && until < deadline)
        r = WF_PARK_OK;
    wf_lock(&l->lock);
    for (size_t i = 0; i < n; i++)
        wf_list_remove(&waits[i].link);
    wf_unlock(&l->lock);
    errno = saved;
    return r;
}

static void wake_all(struct wf_loop_fd *e, bool closed)
{
    for (struct wf_list *n = e->waiters.next; n != &e->waiters; n = n->next) {
        waiter_at(n)->closed |= closed;
        (void)wf_unpark(waiter_at(n)->fiber, WF_PARK_OK);
    }
}

void wf_ready_deliver(struct wf_loop *l, int fd, uint32_t events)
{
    struct wf_loop_fd *e;
    bool left = false;

    wf_lock(&l->lock);
    e = entry_of(l, fd, false);
    for (struct wf_list *n = e ? e->waiters.next : NULL; n && n != &e->waiters; n = n->next) {
        struct wf_fd_wait *w = waiter_at(n);

        if (events & ((uint32_t)(unsigned short)w->events | (uint32_t)ALWAYS))
            (void)wf_unpark(w->fiber, WF_PARK_OK);
        else
            left = true;
    }
    if (left && !arm(l, fd, e))
        wake_all(e, false); /* they look for themselves */
    wf_unlock(&l->lock);
}

void wf_ready_forget(int fd)
{
    struct wf_loop *l = the_loop;
    struct wf_loop_fd *e;

    if (!l)
        return;
    wf_lock(&l->lock);
    e = entry_of(l, fd, false);
    if (e) {
        e->registered = false;
        wake_all(e, true);
    }
    wf_unlock(&l->lock);
}
