/* poll, select, epoll_wait and their variants: look with a timeout of zero, park, look again.
 *
 * Every look is the real call, with the caller's signal mask when it has one: so sets, counts,
 * revents and the delivery of signals that only this mask lets through are the kernel's own. While
 * parked the mask is not applied: it would be applied to the OS thread, which runs others. A
 * signalfd for what it lets through stands in instead; it shows a signal that is pending because
 * it is blocked, and the look after that delivers it. */
#include "seam/budget.h"
#include "seam/fdtable.h"
#include "seam/hook.h"
#include "seam/interrupt.h"

#include "base/atomic.h"
#include "io/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The fortified entry points of libc, which no header declares by these names. */
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                size_t size);

enum {
    FEW = 16, /* fds waited for without an allocation */
    /* A wait that ends this soon, this often, and for nothing: epoll shows what poll was not
     * asked for (a hang-up, to select). Then it is looked at by the clock. */
    QUICK_NS = 100000,
    QUICK_LIMIT = 8,
    UNEVENTFUL_NS = 1000000,
    NO_SIGNALFD_NS = 10000000,
};

/* One call of the family. */
struct call {
    struct wf_fiber *fiber;
    /* The real call with a timeout of zero. */
    int (*look)(struct call *c);
    /* Fills `waits` with at most `capacity` fds and returns how many. */
    size_t (*list)(struct call *c);
    /* The result when one of them was closed meanwhile; NULL: EBADF. Its number may mean another
     * file already. */
    int (*closed)(struct call *c);
    size_t capacity;
    const sigset_t *mask; /* NULL: none */
    int64_t deadline;

    struct wf_fd_wait *waits; /* NULL until it has to wait */
    struct wf_fd_wait few[FEW + 1];
    size_t n;
    int signal_fd; /* -1: none */
    unsigned quick;
};

static int open_signalfd(const sigset_t *mask)
{
    sigset_t let_through;

    sigemptyset(&let_through);
    for (int s = 1; s <= SIGRTMAX; s++) {
        if (sigismember(mask, s) == 0)
            sigaddset(&let_through, s);
    }
    return signalfd(-1, &let_through, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* 0 or ENOMEM. */
static int prepare(struct call *c)
{
    if (c->waits)
        return 0;
    c->waits = c->few;
    if (c->capacity > FEW)
        c->waits = calloc(c->capacity + 1, sizeof(*c->waits));
    if (!c->waits)
        return ENOMEM;
    c->n = c->list(c);
    for (size_t i = 0; i < c->n; i++)
        wf_fdtable_watch(c->waits[i].fd);
    if (c->mask) {
        c->signal_fd = open_signalfd(c->mask);
        if (c->signal_fd >= 0)
            c->waits[c->n++] = (struct wf_fd_wait){.fd = c->signal_fd, .events = POLLIN};
    }
    return 0;
}

static void finish(struct call *c)
{
    int saved = errno;

    if (c->signal_fd >= 0) {
        wf_ready_forget(c->signal_fd);
        close(c->signal_fd);
    }
    if (c->waits != c->few)
        free(c->waits);
    errno = saved;
}

/* Until when to park: the look may have to be repeated without an event. */
static int64_t look_again_at(const struct call *c, int64_t until)
{
    if (c->quick >= QUICK_LIMIT)
        return wf_clock_min(until, wf_clock_after(UNEVENTFUL_NS));
    if (c->mask && c->signal_fd < 0)
        return wf_clock_min(until, wf_clock_after(NO_SIGNALFD_NS));
    return until;
}

static bool somebody_closed(const struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->waits[i].closed)
            return true;
    }
    return false;
}

/* 0: look again. ETIMEDOUT, EINTR, ECANCELED, ENOMEM; EBADF: one of the fds was closed. */
static int wait_once(struct call *c)
{
    struct wf_seam_wait w;
    int err = prepare(c);
    int64_t began, until;
    enum wf_park_result r;

    if (!err)
        err = wf_seam_wait_begin(&w, c->fiber, WF_SEAM_POLL, c->deadline);
    if (err)
        return err;
    began = wf_clock_now();
    until = look_again_at(c, w.until);
    r = wf_ready_wait(c->fiber, c->waits, c->quick < QUICK_LIMIT ? c->n : 0, until, w.flags);
    if (r == WF_PARK_TIMEOUT && until < w.until)
        r = WF_PARK_OK;
    if (c->quick < QUICK_LIMIT)
        c->quick = wf_clock_now() - began < QUICK_NS ? c->quick + 1 : 0;
    err = wf_seam_wait_end(&w, r);
    return somebody_closed(c) ? EBADF : err;
}

/* The kernel's order: what is ready counts more than the end of the time or a signal. */
static int look_until_ready(struct call *c)
{
    int err = 0;

    while (err != EBADF) {
        int r = c->look(c);

        if (r != 0 || err == ETIMEDOUT)
            return r;
        if (err)
            break;
        err = wait_once(c);
    }
    if (err == EBADF && c->closed)
        return c->closed(c);
    errno = err;
    return -1;
}

/* A call that does not want to wait. A loop of such calls spends its budget, then the others get
 * their turn: an event loop with something to do polls like that at every step. */
static int look_once(struct call *c)
{
    int saved = errno;
    int r = c->look(c);

    if (r < 0)
        return r;
    wf_seam_spend(c->fiber, WF_SPEND_IO);
    errno = saved;
    return r;
}

/* `zero`: the caller's timeout is zero. */
static int run(struct call *c, bool zero)
{
    int saved = errno;
    int r;

    c->signal_fd = -1;
    if (zero)
        return look_once(c);
    r = look_until_ready(c);
    if (r > 0 && !c->waits)
        wf_seam_spend(c->fiber, WF_SPEND_IO);
    if (r >= 0)
        errno = saved;
    finish(c);
    return r;
}

static const struct timespec no_time;

static int64_t after_ms(int timeout)
{
    return timeout < 0 ? WF_NEVER : wf_clock_after((int64_t)timeout * WF_NS_PER_MS);
}

static bool valid(const struct timespec *t)
{
    return !t || (t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < WF_NS_PER_S);
}

static int64_t after(const struct timespec *t)
{
    return t ? wf_clock_after(wf_clock_from_timespec(t)) : WF_NEVER;
}

static bool is_zero(const struct timespec *t)
{
    return t && t->tv_sec == 0 && t->tv_nsec == 0;
}

/* ---- poll ---- */

struct poll_call {
    struct call base;
    struct pollfd *fds;
    nfds_t n;
};

static struct poll_call *poll_call_of(struct call *c)
{
    return wf_container(c, struct poll_call, base);
}

static int look_poll(struct call *c)
{
    struct poll_call *p = poll_call_of(c);

    return c->mask ? ppoll(p->fds, p->n, &no_time, c->mask) : poll(p->fds, p->n, 0);
}

static short watched_events(short events)
{
    short watched = events & (POLLIN | POLLPRI | POLLOUT | POLLRDHUP);

    if (events & POLLRDNORM)
        watched |= POLLIN;
    if (events & POLLWRNORM)
        watched |= POLLOUT;
    if (events & POLLRDBAND)
        watched |= POLLPRI;
    return watched;
}

static size_t list_poll(struct call *c)
{
    const struct poll_call *p = poll_call_of(c);

    for (nfds_t i = 0; i < p->n; i++)
        c->waits[i] =
            (struct wf_fd_wait){.fd = p->fds[i].fd, .events = watched_events(p->fds[i].events)};
    return p->n;
}

/* An fd that was closed under poll() is POLLNVAL, also if its number means another file now. */
static int report_closed(struct call *c)
{
    struct poll_call *p = poll_call_of(c);
    int count = 0;

    (void)poll(p->fds, p->n, 0);
    for (nfds_t i = 0; i < p->n; i++) {
        if (c->waits[i].closed)
            p->fds[i].revents = POLLNVAL;
        count += p->fds[i].revents != 0;
    }
    return count;
}

static int poll_fiber(struct wf_fiber *f, struct pollfd *fds, nfds_t n, int64_t deadline, bool zero,
                      const sigset_t *mask)
{
    struct poll_call p;

    p.base = (struct call){.fiber = f,
                           .look = look_poll,
                           .list = list_poll,
                           .closed = report_closed,
                           .capacity = n,
                           .mask = mask,
                           .deadline = deadline};
    p.fds = fds;
    p.n = n;
    return run(&p.base, zero);
}

static int hook_poll(struct pollfd *fds, nfds_t n, int timeout)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f)
        return poll(fds, n, timeout);
    return poll_fiber(f, fds, n, after_ms(timeout), timeout == 0, NULL);
}

static int hook_poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
    if (size / sizeof(*fds) < n)
        return __poll_chk(fds, n, timeout, size); /* aborts */
    return hook_poll(fds, n, timeout);
}

static int hook_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                      const sigset_t *mask)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f || !valid(timeout))
        return ppoll(fds, n, timeout, mask);
    return poll_fiber(f, fds, n, after(timeout), is_zero(timeout), mask);
}

static int hook_ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                          const sigset_t *mask, size_t size)
{
    if (size / sizeof(*fds) < n)
        return __ppoll_chk(fds, n, timeout, mask, size);
    return hook_ppoll(fds, n, timeout, mask);
}

/* ---- select ---- */

typedef unsigned long set_word;

enum { WORD_BITS = 8 * sizeof(set_word), SETS = 3 };

struct select_call {
    struct call base;
    int n;
    size_t words;                /* of each set, as many as the kernel touches */
    const set_word *asked[SETS]; /* read, write, except; NULL: not given */
    set_word *found[SETS];       /* what the last look left */
};

static struct select_call *select_call_of(struct call *c)
{
    return wf_container(c, struct select_call, base);
}

static int look_select(struct call *c)
{
    struct select_call *s = select_call_of(c);
    fd_set *sets[SETS];

    for (int i = 0; i < SETS; i++) {
        sets[i] = s->asked[i] ? (fd_set *)(void *)s->found[i] : NULL;
        if (sets[i])
            memcpy(s->found[i], s->asked[i], s->words * sizeof(set_word));
    }
    return pselect(s->n, sets[0], sets[1], sets[2], &no_time, c->mask);
}

static bool has(const set_word *set, int fd)
{
    return set && (set[fd / WORD_BITS] >> (fd % WORD_BITS) & 1);
}

static size_t list_select(struct call *c)
{
    const struct select_call *s = select_call_of(c);
    size_t count = 0;

    for (int fd = 0; fd < s->n; fd++) {
        short events = 0;

        if (has(s->asked[0], fd))
            events |= POLLIN;
        if (has(s->asked[1], fd))
            events |= POLLOUT;
        if (has(s->asked[2], fd))
            events |= POLLPRI;
        if (events)
            c->waits[count++] = (struct wf_fd_wait){.fd = fd, .events = events};
    }
    return count;
}

static size_t count_asked(const struct select_call *s)
{
    size_t count = 0;

    for (int fd = 0; fd < s->n; fd++)
        count += has(s->asked[0], fd) || has(s->asked[1], fd) || has(s->asked[2], fd);
    return count;
}

/* The caller's sets change only when the call succeeds. */
static int select_with(struct select_call *s, fd_set *const sets[SETS], set_word *room, bool zero)
{
    int r;

    for (int i = 0; i < SETS; i++) {
        s->asked[i] = (const set_word *)(const void *)sets[i];
        s->found[i] = room + (size_t)i * s->words;
    }
    s->base.capacity = count_asked(s);
    r = run(&s->base, zero);
    for (int i = 0; i < SETS && r >= 0; i++) {
        if (sets[i])
            memcpy(sets[i], s->found[i], s->words * sizeof(set_word));
    }
    return r;
}

/* The size of the process's table of fds. The kernel looks at the sets no further, and programs
 * rely on it: they pass getdtablesize() with sets of FD_SETSIZE. */
static int read_table_size(void)
{
    char text[2048];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    const char *field;

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    field = strstr(text, "FDSize:");
    return field ? (int)strtol(field + 7, NULL, 10) : getdtablesize();
}

/* It only grows, so what was seen once is good for all smaller numbers. */
static int within_table(int n)
{
    static _Atomic int seen;
    int saved = errno;
    int size;

    if (n <= FD_SETSIZE || n <= wf_load(&seen))
        return n;
    size = read_table_size();
    wf_store(&seen, size);
    errno = saved;
    return n < size ? n : size;
}

static int select_fiber(struct wf_fiber *f, int n, fd_set *const sets[SETS], int64_t deadline,
                        bool zero, const sigset_t *mask)
{
    set_word usual[SETS * (FD_SETSIZE / WORD_BITS)];
    set_word *room = usual;
    struct select_call s;
    int r;

    n = within_table(n);
    s.base = (struct call){
        .fiber = f, .look = look_select, .list = list_select, .mask = mask, .deadline = deadline};
    s.n = n;
    s.words = ((size_t)n + WORD_BITS - 1) / WORD_BITS;
    if (n > FD_SETSIZE)
        room = calloc(SETS * s.words, sizeof(set_word));
    if (!room)
        return -1;
    r = select_with(&s, sets, room, zero);
    if (room != usual) {
        int saved = errno;

        free(room);
        errno = saved;
    }
    return r;
}

/* glibc takes microseconds beyond a second too. */
static struct timespec timespec_of(const struct timeval *t)
{
    return (struct timespec){
        .tv_sec = t->tv_sec + t->tv_usec / 1000000,
        .tv_nsec = t->tv_usec % 1000000 * 1000,
    };
}

/* Linux leaves in select's timeout what was not slept. */
static void store_time_left(struct timeval *timeout, int64_t deadline)
{
    int64_t now = wf_clock_now();
    struct timespec left = wf_clock_timespec(deadline > now ? deadline - now : 0);

    if (deadline == WF_NEVER)
        return;
    timeout->tv_sec = left.tv_sec;
    timeout->tv_usec = left.tv_nsec / 1000;
}

static int hook_select(int n, fd_set *reads, fd_set *writes, fd_set *excepts,
                       struct timeval *timeout)
{
    struct wf_fiber *f = wf_seam_interruptible();
    fd_set *const sets[SETS] = {reads, writes, excepts};
    struct timespec span = {0, 0};
    int64_t deadline;
    bool zero;
    int r;

    if (!f || n < 0 || (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
        return select(n, reads, writes, excepts, timeout);
    if (timeout)
        span = timespec_of(timeout);
    zero = timeout && is_zero(&span);
    deadline = timeout ? after(&span) : WF_NEVER;
    r = select_fiber(f, n, sets, deadline, zero, NULL);
    if (timeout && !zero)
        store_time_left(timeout, deadline);
    return r;
}

static int hook_pselect(int n, fd_set *reads, fd_set *writes, fd_set *excepts,
                        const struct timespec *timeout, const sigset_t *mask)
{
    struct wf_fiber *f = wf_seam_interruptible();
    fd_set *const sets[SETS] = {reads, writes, excepts};

    if (!f || n < 0 || !valid(timeout))
        return pselect(n, reads, writes, excepts, timeout, mask);
    return select_fiber(f, n, sets, after(timeout), is_zero(timeout), mask);
}

/* ---- epoll ---- */

struct epoll_call {
    struct call base;
    int fd;
    struct epoll_event *events;
    int n;
};

static struct epoll_call *epoll_call_of(struct call *c)
{
    return wf_container(c, struct epoll_call, base);
}

static int look_epoll(struct call *c)
{
    struct epoll_call *e = epoll_call_of(c);

    return epoll_pwait(e->fd, e->events, e->n, 0, c->mask);
}

static size_t list_epoll(struct call *c)
{
    c->waits[0] = (struct wf_fd_wait){.fd = epoll_call_of(c)->fd, .events = POLLIN};
    return 1;
}

static int epoll_fiber(struct wf_fiber *f, int fd, struct epoll_event *events, int n,
                       int64_t deadline, bool zero, const sigset_t *mask)
{
    struct epoll_call e;

    e.base = (struct call){.fiber = f,
                           .look = look_epoll,
                           .list = list_epoll,
                           .capacity = 1,
                           .mask = mask,
                           .deadline = deadline};
    e.fd = fd;
    e.events = events;
    e.n = n;
    return run(&e.base, zero);
}

static int hook_epoll_pwait(int fd, struct epoll_event *events, int n, int timeout,
                            const sigset_t *mask)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f)
        return epoll_pwait(fd, events, n, timeout, mask);
    return epoll_fiber(f, fd, events, n, after_ms(timeout), timeout == 0, mask);
}

static int hook_epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
    return hook_epoll_pwait(fd, events, n, timeout, NULL);
}

static int hook_epoll_pwait2(int fd, struct epoll_event *events, int n,
                             const struct timespec *timeout, const sigset_t *mask)
{
    struct wf_fiber *f = wf_seam_interruptible();

    if (!f || !valid(timeout))
        return epoll_pwait2(fd, events, n, timeout, mask);
    return epoll_fiber(f, fd, events, n, after(timeout), is_zero(timeout), mask);
}

const struct wf_hook wf_seam_poll_hooks[] = {
    WF_HOOK(poll, hook_poll),
    WF_HOOK(__poll, hook_poll),
    WF_HOOK(__poll_chk, hook_poll_chk),
    WF_HOOK(ppoll, hook_ppoll),
    WF_HOOK(__ppoll_chk, hook_ppoll_chk),
    WF_HOOK(select, hook_select),
    WF_HOOK(__select, hook_select),
    WF_HOOK(pselect, hook_pselect),
    WF_HOOK(epoll_wait, hook_epoll_wait),
    WF_HOOK(epoll_pwait, hook_epoll_pwait),
    WF_HOOK(epoll_pwait2, hook_epoll_pwait2),
    {NULL, NULL, 0},
};
