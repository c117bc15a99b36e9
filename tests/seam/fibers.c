/* What only fibers show: many at one fd, an fd closed under a waiter, fairness, cancellation. */
#include "harness.h"

#include <weft.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_NS = 30000000, MANY = 50 };

/* A nursery whose children are thread fibers. */
static weft_nursery *group;

static void open_group(void)
{
    EXPECT(weft_nursery_open(NULL, &group) == WEFT_OK);
}

static void go(weft_fn fn, void *arg)
{
    weft_spawn_opts opts = {.size = sizeof(opts), .flags = WEFT_SPAWN_THREAD};

    EXPECT(weft_spawn(group, fn, arg, &opts, NULL) == WEFT_OK);
}

static void close_group(void)
{
    weft_outcome outcome = {.size = sizeof(outcome)};

    EXPECT(weft_nursery_close(group, WEFT_VALUE, &outcome) == WEFT_OK);
    EXPECT(outcome.kind == WEFT_VALUE);
}

/* ---- many at one fd ---- */

static int accepted;

static int accept_one(void *arg)
{
    int fd = accept(*(int *)arg, NULL, NULL);

    EXPECT(fd >= 0);
    accepted++;
    close(fd);
    return 0;
}

static void case_many_accept(void)
{
    struct sockaddr_in addr;
    int listener = tcp_listener(&addr, MANY);

    accepted = 0;
    open_group();
    for (int i = 0; i < MANY; i++)
        go(accept_one, &listener);
    for (int i = 0; i < MANY; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        EXPECT(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
        close(fd);
    }
    close_group();
    EXPECT(accepted == MANY);
}

static int taken;

static int read_one(void *arg)
{
    char byte;

    EXPECT(read(*(int *)arg, &byte, 1) == 1);
    taken++;
    return 0;
}

static void case_many_readers(void)
{
    struct pair p = pipe_pair();

    taken = 0;
    open_group();
    for (int i = 0; i < MANY; i++)
        go(read_one, &p.a);
    EXPECT(weft_sleep(WAIT_NS) == WEFT_OK);
    for (int i = 0; i < MANY; i++)
        EXPECT(write(p.b, "x", 1) == 1);
    close_group();
    EXPECT(taken == MANY);
}

static int answer(void *arg)
{
    int fd = *(int *)arg;
    char buf[64];
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0)
        EXPECT(write(fd, buf, (size_t)n) == n);
    EXPECT(n == 0);
    return 0;
}

static int ask(void *arg)
{
    int fd = *(int *)arg;
    char buf[64];

    for (int i = 0; i < 100; i++) {
        int n = snprintf(buf, sizeof(buf), "question %d", i);

        EXPECT(send(fd, buf, (size_t)n, 0) == n);
        memset(buf, 0, sizeof(buf));
        EXPECT(recv(fd, buf, (size_t)n, MSG_WAITALL) == n && memcmp(buf, "question ", 9) == 0);
    }
    shutdown(fd, SHUT_WR);
    return 0;
}

static void case_many_pairs(void)
{
    struct pair pairs[MANY];

    open_group();
    for (int i = 0; i < MANY; i++) {
        pairs[i] = i % 2 ? tcp_pair() : unix_pair(SOCK_STREAM);
        go(answer, &pairs[i].b);
        go(ask, &pairs[i].a);
    }
    close_group();
}

/* One end writes and the other reads, both in fibers: neither may keep the worker. */
static char flood[1 << 20];

static int write_flood(void *arg)
{
    EXPECT(write(*(int *)arg, flood, sizeof(flood)) == sizeof(flood));
    return 0;
}

static int read_flood(void *arg)
{
    static char part[5000];
    size_t n = 0;

    while (n < sizeof(flood)) {
        ssize_t r = read(*(int *)arg, part, sizeof(part));

        EXPECT(r > 0);
        if (r <= 0)
            break;
        n += (size_t)r;
    }
    return 0;
}

static void case_both_ends(void)
{
    struct pair pairs[3] = {pipe_pair(), unix_pair(SOCK_STREAM), tcp_pair()};

    for (int i = 0; i < 3; i++) {
        open_group();
        go(write_flood, &pairs[i].b);
        go(read_flood, &pairs[i].a);
        close_group();
    }
}

/* ---- closed under a waiter ---- */

static int read_closed(void *arg)
{
    char byte;

    EXPECT(read(*(int *)arg, &byte, 1) == -1 && errno == EBADF);
    return 0;
}

static int recv_closed(void *arg)
{
    char byte;

    EXPECT(recv(*(int *)arg, &byte, 1, 0) == -1 && errno == EBADF);
    return 0;
}

static int accept_closed(void *arg)
{
    EXPECT(accept(*(int *)arg, NULL, NULL) == -1 && errno == EBADF);
    return 0;
}

static int poll_closed(void *arg)
{
    struct pollfd p[2] = {{-1, POLLIN, 0}, {*(int *)arg, POLLIN, 0}};

    EXPECT(poll(p, 2, -1) == 1 && p[1].revents == POLLNVAL);
    return 0;
}

static int select_closed(void *arg)
{
    int fd = *(int *)arg;
    fd_set set;

    FD_ZERO(&set);
    FD_SET(fd, &set);
    EXPECT(select(fd + 1, &set, NULL, NULL, NULL) == -1 && errno == EBADF);
    return 0;
}

static int epoll_closed(void *arg)
{
    struct epoll_event e;

    EXPECT(epoll_wait(*(int *)arg, &e, 1, -1) == -1 && errno == EBADF);
    return 0;
}

static void close_under(weft_fn fn, int fd)
{
    int replacement = keep(dup(0));

    open_group();
    go(fn, &fd);
    EXPECT(weft_sleep(WAIT_NS) == WEFT_OK);
    EXPECT(close(fd) == 0);
    EXPECT(dup2(replacement, fd) == fd); /* the number means something else at once */
    close_group();
}

static void case_closed_under_waiter(void)
{
    struct sockaddr_in addr;

    close_under(read_closed, pipe_pair().a);
    close_under(read_closed, unix_pair(SOCK_STREAM).a);
    close_under(recv_closed, tcp_pair().a);
    close_under(accept_closed, tcp_listener(&addr, 4));
    close_under(poll_closed, pipe_pair().a);
    close_under(select_closed, pipe_pair().a);
    close_under(epoll_closed, keep(epoll_create1(EPOLL_CLOEXEC)));
}

/* ---- fairness ---- */

static volatile int stop;

static int stop_soon(void *arg)
{
    (void)arg;
    EXPECT(weft_sleep(WAIT_NS) == WEFT_OK);
    stop = 1;
    return 0;
}

/* `step` is repeated until another fiber says stop; that one needs its turn, and time to pass. */
static void hammer(void (*step)(int), int fd)
{
    time_t began = time(NULL);

    stop = 0;
    open_group();
    go(stop_soon, NULL);
    while (!stop && time(NULL) < began + 5)
        step(fd);
    EXPECT(stop);
    close_group();
}

static void poll_step(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    EXPECT(poll(&p, 1, 0) == 0);
}

static void select_step(int fd)
{
    struct timeval t = {0, 0};
    fd_set set;

    FD_ZERO(&set);
    FD_SET(fd, &set);
    EXPECT(select(fd + 1, &set, NULL, NULL, &t) == 0);
}

static void epoll_step(int fd)
{
    struct epoll_event e;

    EXPECT(epoll_wait(fd, &e, 1, 0) == 0);
}

static void write_step(int fd)
{
    char byte = 'x';

    EXPECT(write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1);
}

static void datagram_step(int fd)
{
    char byte = 'x';

    EXPECT(send(fd, &byte, 1, MSG_DONTWAIT) == 1 && recv(fd, &byte, 1, 0) == 1);
}

static void yield_step(int fd)
{
    (void)fd;
    EXPECT(sched_yield() == 0);
}

static void nap_step(int fd)
{
    (void)fd;
    EXPECT(usleep(0) == 0);
}

static int own_end(int type)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(addr);
    int fd = keep(socket(AF_INET, type, 0));

    EXPECT(bind(fd, (struct sockaddr *)&addr, size) == 0);
    EXPECT(getsockname(fd, (struct sockaddr *)&addr, &size) == 0);
    EXPECT(connect(fd, (struct sockaddr *)&addr, size) == 0);
    return fd;
}

static void case_fairness(void)
{
    hammer(poll_step, pipe_pair().a);
    hammer(select_step, pipe_pair().a);
    hammer(epoll_step, keep(epoll_create1(EPOLL_CLOEXEC)));
    hammer(write_step, own_end(SOCK_DGRAM));
    hammer(datagram_step, own_end(SOCK_DGRAM));
    hammer(yield_step, -1);
    hammer(nap_step, -1);
}

/* ---- cancellation, without a host ---- */

static int cancelled_read(void *arg)
{
    char byte;

    EXPECT(read(*(int *)arg, &byte, 1) == -1 && errno == ECANCELED);
    EXPECT(read(*(int *)arg, &byte, 1) == -1 && errno == ECANCELED);
    return WEFT_ECANCELED;
}

static int cancelled_recv(void *arg)
{
    char buf[10];

    EXPECT(recv(*(int *)arg, buf, sizeof(buf), MSG_WAITALL) == 3);
    EXPECT(recv(*(int *)arg, buf, sizeof(buf), 0) == -1 && errno == ECANCELED);
    return WEFT_ECANCELED;
}

static int cancelled_write(void *arg)
{
    ssize_t n = write(*(int *)arg, flood, sizeof(flood));

    EXPECT(n > 0 && (size_t)n < sizeof(flood));
    EXPECT(write(*(int *)arg, flood, sizeof(flood)) == -1 && errno == ECANCELED);
    return WEFT_ECANCELED;
}

static int cancelled_poll(void *arg)
{
    struct pollfd p = {*(int *)arg, POLLIN, 0};

    EXPECT(poll(&p, 1, -1) == -1 && errno == ECANCELED);
    EXPECT(poll(&p, 1, 0) == 0);
    return WEFT_ECANCELED;
}

static int cancelled_sleep(void *arg)
{
    struct timespec t = {100, 0}, rem = {0, 0};

    (void)arg;
    EXPECT(nanosleep(&t, &rem) == -1 && errno == ECANCELED);
    EXPECT(rem.tv_sec == 99);
    EXPECT(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL) == ECANCELED);
    return WEFT_ECANCELED;
}

static int cancelled_accept(void *arg)
{
    EXPECT(accept(*(int *)arg, NULL, NULL) == -1 && errno == ECANCELED);
    return WEFT_ECANCELED;
}

static int cancelled_lookup(void *arg)
{
    struct addrinfo *found = NULL;

    (void)arg;
    EXPECT(weft_sleep(10 * (int64_t)WAIT_NS) == WEFT_ECANCELED);
    EXPECT(getaddrinfo("localhost", NULL, NULL, &found) == EAI_SYSTEM && errno == ECANCELED);
    return WEFT_ECANCELED;
}

static void cancel(weft_fn fn, int fd)
{
    open_group();
    go(fn, &fd);
    EXPECT(weft_sleep(WAIT_NS) == WEFT_OK);
    EXPECT(weft_nursery_cancel(group, "test") == WEFT_OK);
    close_group();
}

static void case_cancellation(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    struct sockaddr_in addr;

    EXPECT(write(p.b, "abc", 3) == 3);
    cancel(cancelled_recv, p.a);
    cancel(cancelled_read, p.a);
    cancel(cancelled_read, pipe_pair().a);
    cancel(cancelled_write, p.a);
    cancel(cancelled_write, pipe_pair().b);
    cancel(cancelled_poll, p.a);
    cancel(cancelled_sleep, -1);
    cancel(cancelled_accept, tcp_listener(&addr, 1));
    cancel(cancelled_lookup, -1);
}

static const struct seam_case cases[] = {
    {"many_accept", case_many_accept, FIBERS_ONLY},
    {"many_readers", case_many_readers, FIBERS_ONLY},
    {"many_pairs", case_many_pairs, FIBERS_ONLY},
    {"both_ends", case_both_ends, FIBERS_ONLY},
    {"closed_under_waiter", case_closed_under_waiter, FIBERS_ONLY},
    {"fairness", case_fairness, FIBERS_ONLY},
    {"cancellation", case_cancellation, FIBERS_ONLY},
    CASES_END,
};

int main(void)
{
    return seam_main(cases);
}
