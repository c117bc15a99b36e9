/* The I/O driver of a processor. weft's own epoll set is on top: it knows the fds fibers wait
 * for, a wake-up eventfd, and libuv's backend fd. libuv's uv_poll is not used for user fds because it
 * sets O_NONBLOCK on the shared description behind the user's back; libuv does what needs a
 * thread pool or a child watcher, and its loop is made when the first such need comes. */
#ifndef WF_IO_LOOP_H
#define WF_IO_LOOP_H

#include "base/list.h"
#include "machine/lock.h"
#include "sched/driver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { WF_LOOP_CHUNK = 1024, WF_LOOP_CHUNKS = 1024 }; /* fds below a million have entries */

/* What the loop knows of one fd number. */
struct wf_loop_fd {
    struct wf_list waiters; /* of struct wf_fd_wait */
    bool registered;        /* believed to be in the epoll set; epoll_ctl has the last word */
};

struct wf_loop {
    struct wf_driver driver;
    int epoll_fd, wake_fd;
    struct wf_lock lock;                       /* protects the table and the waiter lists */
    struct wf_loop_fd *chunks[WF_LOOP_CHUNKS]; /* made on demand, kept */
    uint64_t events;                           /* the processor's holder; statistics */

    uv_loop_t uv; /* only the processor's holder */
    bool uv_made;
};

/* WF_ENOMEM or WF_ELIMIT (out of fds). */
int wf_loop_init(struct wf_loop *l);
/* The loop of the calling fiber's processor. */
struct wf_fiber;
struct wf_loop *wf_loop_of(const struct wf_fiber *f);
/* libuv's loop, made on first use; NULL: out of memory or fds. Only by the holder. */
uv_loop_t *wf_loop_uv(struct wf_loop *l);
/* In a forked child: fresh kernel objects, no waiters. */
int wf_loop_after_fork(struct wf_loop *l);

/* ready.c, for loop.c: wakes the waiters of `fd` for which `events` came. */
void wf_ready_deliver(struct wf_loop *l, int fd, uint32_t events);

#endif
