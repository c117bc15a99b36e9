/* poll, select, epoll_wait. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 60 };

static const struct timespec wait_time = {0, WAIT * 1000000};
static const struct timespec no_time, bad_time = {0, 1000000000}, before = {-1, 0};

static void write_byte(int fd)
{
    (void)!write(fd, "x", 1);
}

static void close_it(int fd)
{
    close(fd);
}

static void case_poll(void)
{
    struct pair p = pipe_pair();
    struct pair s = unix_pair(SOCK_STREAM);
    struct pollfd fds[5] = {{p.a, POLLIN, -1},
                            {-1, POLLIN, -1},
                            {s.a, POLLIN | POLLRDNORM, -1},
                            {s.b, 0, -1},
                            {p.a, POLLIN | POLLPRI, -1}};

    CALL(poll(fds, 5, 0));
    CALL_FOR(WAIT, poll(fds, 5, WAIT));
    later(WAIT, write_byte, p.b);
    CALL_FOR(WAIT, poll(fds, 5, -1));
    for (int i = 0; i < 5; i++)
        say("%d", fds[i].revents);
    CALL(poll(fds, 5, 1000));
    CALL(poll(fds, 5, 0));
    CALL_FOR(WAIT, poll(fds + 1, 2, WAIT));
    CALL_FOR(WAIT, poll(NULL, 0, WAIT));
    CALL(poll(NULL, 0, 0));
    fds[0] = (struct pollfd){s.b, POLLIN | POLLOUT | POLLRDHUP, 0};
    later(WAIT, close_it, fcntl(s.a, F_DUPFD_CLOEXEC, 0));
    close(s.a);
    CALL(poll(fds, 1, 1000));
    say("%d", fds[0].revents);
    settle();
    CALL(poll(fds, 1, 1000));
    say("%d", fds[0].revents);
    fds[1] = (struct pollfd){s.b, 0, 0};
    CALL(poll(fds + 1, 1, -1));
    say("%d", fds[1].revents);
}

static void case_poll_odd(void)
{
    struct pollfd fds[2] = {{9999, POLLIN, 0}, {-5, POLLIN, 7}};
    int file = keep(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    struct pair p = pipe_pair();
    struct rlimit limit;
    struct pollfd *many;

    CALL(poll(fds, 2, -1));
    say("%d %d", fds[0].revents, fds[1].revents);
    fds[0] = (struct pollfd){file, POLLIN | POLLOUT, 0};
    CALL(poll(fds, 1, -1));
    say("%d", fds[0].revents);
    fds[0].events = POLLPRI;
    CALL_FOR(WAIT, poll(fds, 1, WAIT));
    fds[0] = (struct pollfd){p.a, POLLOUT, 0};
    CALL_FOR(WAIT, poll(fds, 1, WAIT));
    fds[0] = (struct pollfd){p.b, POLLRDBAND, 0};
    CALL_FOR(WAIT, poll(fds, 1, WAIT));
    getrlimit(RLIMIT_NOFILE, &limit);
    many = calloc(limit.rlim_cur + 1, sizeof(*many));
    CALL(poll(many, limit.rlim_cur + 1, 0));
    CALL(poll(many, limit.rlim_cur + 1, 1));
    free(many);
}

static void case_poll_many(void)
{
    struct pollfd fds[200];
    struct pair p = {0, 0};

    for (int i = 0; i < 100; i++) {
        p = unix_pair(SOCK_DGRAM);
        fds[2 * i] = (struct pollfd){p.a, POLLIN, 0};
        fds[2 * i + 1] = (struct pollfd){p.b, POLLIN, 0};
    }
    later(WAIT, write_byte, p.a);
    CALL_FOR(WAIT, poll(fds, 200, 10000));
    say("%d", fds[199].revents);
}

static void case_ppoll(void)
{
    struct pair p = pipe_pair();
    struct pollfd fd = {p.a, POLLIN, 0};
    struct timespec t = wait_time;
    sigset_t none;

    sigemptyset(&none);
    CALL(ppoll(&fd, 1, &bad_time, NULL));
    CALL(ppoll(&fd, 1, &before, NULL));
    CALL(ppoll(&fd, 1, &no_time, NULL));
    CALL(ppoll(&fd, 1, &no_time, &none));
    CALL_FOR(WAIT, ppoll(&fd, 1, &t, NULL));
    CALL_FOR(WAIT, ppoll(&fd, 1, &t, &none));
    say("%ld", t.tv_nsec);
    later(WAIT, write_byte, p.b);
    CALL_FOR(WAIT, ppoll(&fd, 1, NULL, &none));
}

static void say_sets(const char *what, const fd_set *set, const struct pair *p)
{
    say("%s %d%d", what, FD_ISSET(p->a, set) != 0, FD_ISSET(p->b, set) != 0);
}

static void set_both(fd_set *set, const struct pair *p)
{
    FD_ZERO(set);
    FD_SET(p->a, set);
    FD_SET(p->b, set);
}

static void case_select(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    int n = (p.a > p.b ? p.a : p.b) + 1;
    struct timeval t = {0, WAIT * 1000};
    fd_set reads, writes, excepts;

    set_both(&reads, &p);
    CALL_FOR(WAIT, select(n, &reads, NULL, NULL, &t));
    say_sets("reads", &reads, &p);
    say("%ld %ld", t.tv_sec, t.tv_usec);
    set_both(&reads, &p);
    set_both(&writes, &p);
    set_both(&excepts, &p);
    CALL(select(n, &reads, &writes, &excepts, NULL));
    say_sets("reads", &reads, &p);
    say_sets("writes", &writes, &p);
    say_sets("excepts", &excepts, &p);
    set_both(&reads, &p);
    t = (struct timeval){5, 0};
    later(WAIT, write_byte, p.b);
    CALL_FOR(WAIT, select(n, &reads, NULL, NULL, &t));
    say_sets("reads", &reads, &p);
    say("%ld", t.tv_sec);
    set_both(&reads, &p);
    t = (struct timeval){0, 0};
    CALL(select(n, &reads, NULL, NULL, &t));
    set_both(&reads, &p);
    CALL(select(0, &reads, NULL, NULL, &t));
    say_sets("untouched", &reads, &p);
    t = (struct timeval){0, 1000 * WAIT};
    CALL_FOR(WAIT, select(0, NULL, NULL, NULL, &t));
}

static void case_select_errors(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    int n = (p.a > p.b ? p.a : p.b) + 1;
    struct timeval t = {0, -1};
    fd_set reads;

    set_both(&reads, &p);
    CALL(select(-1, &reads, NULL, NULL, NULL));
    CALL(select(n, &reads, NULL, NULL, &t));
    t = (struct timeval){-1, 0};
    CALL(select(n, &reads, NULL, NULL, &t));
    CALL(pselect(n, &reads, NULL, NULL, &bad_time, NULL));
    CALL(pselect(n, &reads, NULL, NULL, &before, NULL));
    t = (struct timeval){0, 1500000};
    write_byte(p.b);
    CALL(select(n, &reads, NULL, NULL, &t));
    say("%ld", t.tv_sec);
    FD_ZERO(&reads);
    FD_SET(60, &reads);
    t = (struct timeval){5, 0};
    CALL(select(61, &reads, NULL, NULL, &t));
    say("%d", FD_ISSET(60, &reads) != 0);
    set_both(&reads, &p);
    CALL_FOR(WAIT, pselect(n, NULL, NULL, &reads, &wait_time, NULL));
    say_sets("excepts", &reads, &p);
}

/* A hang-up is an event for epoll, and none for select's third set. */
static void case_select_hang_up(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    struct timespec t = wait_time;
    fd_set set;

    close(p.a);
    FD_ZERO(&set);
    FD_SET(p.b, &set);
    CALL_FOR(WAIT, pselect(p.b + 1, NULL, NULL, &set, &t, NULL));
    FD_SET(p.b, &set);
    CALL(pselect(p.b + 1, &set, NULL, NULL, NULL, NULL));
}

static void case_select_large(void)
{
    enum { NUMBER = 3000 };
    unsigned long words[4096 / 64] = {0}; /* as far as the kernel looks with such an fd */
    struct pair p = unix_pair(SOCK_STREAM);
    fd_set *set = (fd_set *)(void *)words;
    struct timeval t = {0, WAIT * 1000};
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur <= NUMBER)
        return;
    EXPECT(keep(fcntl(p.a, F_DUPFD_CLOEXEC, NUMBER)) == NUMBER);
    words[NUMBER / 64] |= 1ul << NUMBER % 64;
    CALL_FOR(WAIT, select(NUMBER + 1, set, NULL, NULL, &t));
    words[NUMBER / 64] |= 1ul << NUMBER % 64;
    later(WAIT, write_byte, p.b);
    CALL_FOR(WAIT, select(NUMBER + 1, set, NULL, NULL, NULL));
    say("%d", (int)(words[NUMBER / 64] >> NUMBER % 64 & 1));
    CALL(select(1000000, set, NULL, NULL, NULL));
}

static void case_epoll(void)
{
    struct pair p = pipe_pair();
    int ep = keep(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = 7};
    struct epoll_event out[4];
    volatile int too_few = -1; /* the compiler would know better */
    char byte;

    EXPECT(epoll_ctl(ep, EPOLL_CTL_ADD, p.a, &e) == 0);
    CALL(epoll_wait(ep, out, 0, 0));
    CALL(epoll_wait(ep, out, too_few, 1000));
    CALL(epoll_wait(-1, out, 4, 1000));
    CALL(epoll_wait(p.a, out, 4, 1000));
    CALL(epoll_wait(ep, out, 4, 0));
    CALL_FOR(WAIT, epoll_wait(ep, out, 4, WAIT));
    later(WAIT, write_byte, p.b);
    CALL_FOR(WAIT, epoll_wait(ep, out, 4, -1));
    say("%u %u", out[0].events, out[0].data.u32);
    CALL(epoll_pwait(ep, out, 4, 1000, NULL));
    CALL(read(p.a, &byte, 1));
    CALL_FOR(WAIT, epoll_pwait2(ep, out, 4, &wait_time, NULL));
    CALL(epoll_pwait2(ep, out, 4, &no_time, NULL));
    CALL(epoll_pwait2(ep, out, 4, &bad_time, NULL));
    e.events = EPOLLIN | EPOLLET;
    EXPECT(epoll_ctl(ep, EPOLL_CTL_MOD, p.a, &e) == 0);
    later(WAIT, write_byte, p.b);
    CALL_FOR(WAIT, epoll_pwait2(ep, out, 4, NULL, NULL));
    CALL_FOR(WAIT, epoll_wait(ep, out, 4, WAIT));
}

/* ---- signals ---- */

static volatile sig_atomic_t runs;

static void on_signal(int sig)
{
    (void)sig;
    runs++;
}

static void send_signal(int sig)
{
    kill(getpid(), sig);
}

static void handle(int sig, int flags)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = flags};

    runs = 0;
    EXPECT(sigaction(sig, &a, NULL) == 0);
}

static void case_signal_cuts(void)
{
    struct pair p = pipe_pair();
    struct pollfd fd = {p.a, POLLIN, 0};
    struct timeval t = {5, 0};
    int ep = keep(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event out;
    fd_set set;

    handle(SIGUSR1, SA_RESTART);
    later(WAIT, send_signal, SIGUSR1);
    CALL_FOR(WAIT, poll(&fd, 1, -1));
    later(WAIT, send_signal, SIGUSR1);
    CALL_FOR(WAIT, epoll_wait(ep, &out, 1, 5000));
    later(WAIT, send_signal, SIGUSR1);
    FD_ZERO(&set);
    FD_SET(p.a, &set);
    CALL_FOR(WAIT, select(p.a + 1, &set, NULL, NULL, &t));
    say("%d, %ld", FD_ISSET(p.a, &set) != 0, t.tv_sec);
    CALL_FOR(WAIT, poll(&fd, 1, WAIT));
    CALL(runs);
}

/* SIGUSR2 is blocked all the time but for the wait. */
static void case_signal_mask(void)
{
    struct pair p = pipe_pair();
    struct pollfd fd = {p.a, POLLIN, 0};
    struct timespec t = {5, 0};
    sigset_t none, now;

    handle(SIGUSR2, 0);
    sigemptyset(&none);
    later(WAIT, send_signal, SIGUSR2);
    CALL_FOR(WAIT, ppoll(&fd, 1, &t, &none));
    CALL(runs);
    send_signal(SIGUSR2);
    CALL_FOR(WAIT, poll(&fd, 1, WAIT));
    CALL(runs);
    CALL(ppoll(&fd, 1, &t, &none));
    CALL(runs);
    later(WAIT, send_signal, SIGUSR2);
    CALL_FOR(WAIT, pselect(0, NULL, NULL, NULL, NULL, &none));
    CALL(runs);
    send_signal(SIGUSR2);
    write_byte(p.b);
    CALL(ppoll(&fd, 1, &t, &none)); /* what is ready comes first, the signal stays pending */
    CALL(runs);
    EXPECT(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
    say("still blocked: %d", sigismember(&now, SIGUSR2));
    signal(SIGUSR2, SIG_IGN);
    CALL_FOR(WAIT, pselect(0, NULL, NULL, NULL, &wait_time, &none));
    CALL(runs);
}

static const struct seam_case cases[] = {
    {"poll", case_poll, 0},
    {"poll_odd", case_poll_odd, 0},
    {"poll_many", case_poll_many, 0},
    {"ppoll", case_ppoll, 0},
    {"select", case_select, 0},
    {"select_errors", case_select_errors, 0},
    {"select_hang_up", case_select_hang_up, 0},
    {"select_large", case_select_large, 0},
    {"epoll", case_epoll, 0},
    {"signal_cuts", case_signal_cuts, MAIN_ONLY},
    {"signal_mask", case_signal_mask, 0},
    CASES_END,
};

int main(void)
{
    return seam_main(cases);
}
