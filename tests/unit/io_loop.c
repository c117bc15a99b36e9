/* The real driver: readiness of pipes and sockets, closing under a waiter, work on the pool. */
#include "base/status.h"
#include "io/loop.h"
#include "io/offload.h"
#include "io/ready.h"
#include "sched/processor.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct wf_loop loop;
static struct wf_processor processor;
static struct wf_worker worker;
static struct wf_fiber main_fiber;

static void start(void)
{
    cr_assert_eq(wf_loop_init(&loop), WF_OK);
    cr_assert_eq(wf_processor_init(&processor, &loop.driver), WF_OK);
    cr_assert_eq(wf_fiber_init_main(&main_fiber, &processor), WF_OK);
    cr_assert_eq(wf_worker_adopt(&worker, &processor, &main_fiber), WF_OK);
}

static void wait_all(void)
{
    while (wf_fiber_counters().live > 1)
        (void)wf_park_sleep(&main_fiber, wf_clock_after(WF_NS_PER_MS), 0);
}

static struct wf_fiber *spawn(int (*fn)(void *), void *arg)
{
    struct wf_fiber_opts opts = {.fn = fn, .arg = arg};
    struct wf_fiber *f;

    cr_assert_eq(wf_fiber_create(&opts, &processor, &f), WF_OK);
    wf_fiber_start(f);
    return f;
}

/* What a waiter is to wait for, and what came of it. */
struct waiter {
    int fd;
    short events;
    bool closed, done;
};

static bool is_ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return poll(&p, 1, 0) != 0;
}

static int wait_ready(void *arg)
{
    struct waiter *w = arg;
    struct wf_fd_wait wait = {.fd = w->fd, .events = w->events};

    while (!wait.closed && !is_ready(w->fd, w->events))
        (void)wf_ready_wait(wf_fiber_self(), &wait, 1, WF_NEVER, 0);
    w->closed = wait.closed;
    w->done = true;
    return 0;
}

static void let_them_wait(void)
{
    (void)wf_park_sleep(&main_fiber, wf_clock_after(5 * WF_NS_PER_MS), 0);
}

Test(io_loop, all_waiters_of_an_fd_are_woken, .init = start)
{
    int p[2];
    struct waiter w[10];

    cr_assert_eq(pipe(p), 0);
    for (int i = 0; i < 10; i++) {
        w[i] = (struct waiter){.fd = p[0], .events = POLLIN};
        spawn(wait_ready, &w[i]);
    }
    let_them_wait();
    cr_assert_not(w[0].done);
    cr_assert_eq(write(p[1], "x", 1), 1);
    wait_all();
    for (int i = 0; i < 10; i++)
        cr_expect(w[i].done);
}

Test(io_loop, readers_and_writers_of_one_socket_do_not_disturb_each_other, .init = start)
{
    int s[2];
    char block[4096] = {0};
    struct waiter reader, writer;

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s), 0);
    while (write(s[0], block, sizeof(block)) > 0)
        ;
    reader = (struct waiter){.fd = s[0], .events = POLLIN};
    writer = (struct waiter){.fd = s[0], .events = POLLOUT};
    spawn(wait_ready, &reader);
    spawn(wait_ready, &writer);
    let_them_wait();
    cr_assert_not(writer.done);
    while (read(s[1], block, sizeof(block)) > 0)
        ;
    let_them_wait();
    cr_expect(writer.done);
    cr_expect_not(reader.done);
    cr_assert_eq(write(s[1], "x", 1), 1);
    wait_all();
    cr_expect(reader.done);
}

Test(io_loop, closing_wakes_and_a_reused_number_is_watched_anew, .init = start)
{
    int p[2], q[2];
    struct waiter w, again;

    cr_assert_eq(pipe(p), 0);
    w = (struct waiter){.fd = p[0], .events = POLLIN};
    spawn(wait_ready, &w);
    let_them_wait();
    wf_ready_forget(p[0]);
    close(p[0]);
    wait_all();
    cr_expect(w.closed);
    cr_assert_eq(pipe(q), 0);
    cr_assert_eq(q[0], p[0], "the test needs the number to be reused");
    again = (struct waiter){.fd = q[0], .events = POLLIN};
    spawn(wait_ready, &again);
    let_them_wait();
    cr_assert_eq(write(q[1], "x", 1), 1);
    wait_all();
    cr_expect(again.done && !again.closed);
}

Test(io_loop, a_number_closed_behind_our_back_is_watched_anew, .init = start)
{
    int p[2], q[2];
    struct waiter w;

    cr_assert_eq(pipe(p), 0);
    w = (struct waiter){.fd = p[0], .events = POLLIN};
    spawn(wait_ready, &w);
    let_them_wait();
    cr_assert_eq(write(p[1], "x", 1), 1);
    wait_all();
    close(p[0]); /* no wf_ready_forget */
    cr_assert_eq(pipe(q), 0);
    cr_assert_eq(q[0], p[0], "the test needs the number to be reused");
    w = (struct waiter){.fd = q[0], .events = POLLIN};
    spawn(wait_ready, &w);
    let_them_wait();
    cr_assert_eq(write(q[1], "x", 1), 1);
    wait_all();
    cr_expect(w.done);
}

Test(io_loop, users_fds_keep_their_mode, .init = start)
{
    int p[2];
    struct waiter w;

    cr_assert_eq(pipe(p), 0);
    w = (struct waiter){.fd = p[0], .events = POLLIN};
    spawn(wait_ready, &w);
    let_them_wait();
    cr_expect_eq(fcntl(p[0], F_GETFL) & O_NONBLOCK, 0);
    cr_assert_eq(write(p[1], "x", 1), 1);
    wait_all();
}

struct sum {
    struct wf_offload offload;
    int from, result;
    _Atomic bool *abandoned;
};

static void add_up(struct wf_offload *o)
{
    struct sum *s = (struct sum *)(void *)o;

    usleep(20000);
    for (int i = 1; i <= s->from; i++)
        s->result += i;
}

static void drop(struct wf_offload *o)
{
    struct sum *s = (struct sum *)(void *)o;

    *s->abandoned = true;
    free(s);
}

static struct sum *new_sum(int from, _Atomic bool *abandoned)
{
    struct sum *s = calloc(1, sizeof(*s));

    cr_assert_not_null(s);
    s->offload = (struct wf_offload){.work = add_up, .abandon = drop};
    s->from = from;
    s->abandoned = abandoned;
    return s;
}

static int offloaded(void *arg)
{
    struct sum *s = new_sum(*(int *)arg, NULL);
    int status;

    cr_assert_eq(wf_offload_run(wf_fiber_self(), &s->offload, WF_NEVER, 0, &status), WF_PARK_OK);
    cr_assert_eq(status, WF_OK);
    *(int *)arg = s->result;
    free(s);
    return 0;
}

Test(io_loop, work_on_the_pool_comes_back, .init = start)
{
    int n[20];

    for (int i = 0; i < 20; i++) {
        n[i] = i;
        spawn(offloaded, &n[i]);
    }
    wait_all();
    for (int i = 0; i < 20; i++)
        cr_expect_eq(n[i], i * (i + 1) / 2);
}

Test(io_loop, abandoned_work_is_disposed_of, .init = start)
{
    static _Atomic bool abandoned;
    struct sum *s = new_sum(5, &abandoned);
    int status;
    enum wf_park_result r =
        wf_offload_run(&main_fiber, &s->offload, wf_clock_after(WF_NS_PER_MS), 0, &status);

    cr_assert_eq(r, WF_PARK_TIMEOUT);
    while (!abandoned)
        let_them_wait();
}
