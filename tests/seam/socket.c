/* The data calls of sockets. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 60, LARGE = 1 << 20 };

static char big[LARGE];
static char got[LARGE];

static void send_hello(int fd)
{
    (void)!write(fd, "hello", 5);
}

static void shut(int fd)
{
    shutdown(fd, SHUT_RDWR);
}

static void set_timeout(int fd, int option, int ms)
{
    struct timeval t = {ms / 1000, ms % 1000 * 1000};

    EXPECT(setsockopt(fd, SOL_SOCKET, option, &t, sizeof(t)) == 0);
}

static void nonblocking(int fd)
{
    EXPECT(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

static void case_recv_waits(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    char buf[16] = {0};

    later(WAIT, send_hello, p.b);
    CALL_FOR(WAIT, recv(p.a, buf, sizeof(buf), 0));
    say("%s", buf);
    later(WAIT, send_hello, p.b);
    CALL_FOR(WAIT, recv(p.a, buf, 2, MSG_PEEK));
    CALL(recv(p.a, buf, sizeof(buf), 0));
    later(WAIT, shut, p.b);
    CALL_FOR(WAIT, recv(p.a, buf, sizeof(buf), 0));
    CALL(recv(p.a, buf, sizeof(buf), 0));
    CALL(fcntl(p.a, F_GETFL) & O_NONBLOCK);
}

static void case_recv_does_not_wait(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    char buf[16];

    CALL(recv(p.a, buf, sizeof(buf), MSG_DONTWAIT));
    CALL(recv(p.a, buf, 0, MSG_DONTWAIT));
    CALL(read(p.a, buf, 0));
    nonblocking(p.a);
    CALL(recv(p.a, buf, sizeof(buf), 0));
    CALL(recv(p.a, buf, sizeof(buf), MSG_WAITALL));
    CALL(read(p.a, buf, sizeof(buf)));
    send_hello(p.b);
    CALL(recv(p.a, buf, sizeof(buf), MSG_WAITALL));
    CALL(recv(p.a, buf, sizeof(buf), MSG_OOB));
}

static void case_recv_errors(void)
{
    struct pair p = pipe_pair();
    char buf[4];
    int tcp = keep(socket(AF_INET, SOCK_STREAM, 0));

    CALL(recv(-1, buf, 4, 0));
    CALL(recv(9999, buf, 4, 0));
    CALL(recv(p.a, buf, 4, 0));
    CALL(send(p.b, buf, 4, 0));
    CALL(recv(tcp, buf, 4, 0));
    CALL(recv(tcp, buf, 4, MSG_OOB));
    CALL(recvmsg(tcp, &(struct msghdr){0}, MSG_ERRQUEUE));
    CALL(read(tcp, buf, 4));
    CALL(send(tcp, buf, 4, MSG_NOSIGNAL));
}

static void case_recv_timeout(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    struct msghdr msg = {0};
    struct iovec iov;
    char buf[16] = {0};

    set_timeout(p.a, SO_RCVTIMEO, WAIT);
    CALL_FOR(WAIT, recv(p.a, buf, sizeof(buf), 0));
    CALL_FOR(WAIT, read(p.a, buf, sizeof(buf)));
    iov = (struct iovec){buf, sizeof(buf)};
    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    CALL_FOR(WAIT, recvmsg(p.a, &msg, 0));
    send_hello(p.b);
    CALL_FOR(WAIT, recv(p.a, buf, sizeof(buf), MSG_WAITALL));
    later(WAIT / 3, send_hello, p.b);
    CALL(recv(p.a, buf, sizeof(buf), 0));
}

static void case_recv_empty_tcp(void)
{
    struct pair p = tcp_pair();
    char buf[8];

    later(WAIT, send_hello, p.b);
    CALL_FOR(WAIT, recv(p.a, buf, 0, 0));
    CALL(recv(p.a, buf, 0, 0));
    CALL(recv(p.a, buf, 8, 0));
}

static void send_parts(int fd)
{
    for (int i = 0; i < 4; i++) {
        struct timespec t = {0, 20000000};

        (void)!write(fd, big + 5 * i, 5);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    }
}

static void send_parts_and_shut(int fd)
{
    send_parts(fd);
    shut(fd);
}

static void case_waitall(void)
{
    struct pair p = tcp_pair();
    struct iovec iov[3] = {{got, 7}, {got + 7, 0}, {got + 7, 13}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};

    fill(big, 20);
    later(0, send_parts, p.b);
    CALL_FOR(WAIT, recv(p.a, got, 20, MSG_WAITALL));
    say("%s", judge(got, 20));
    settle();
    memset(got, 0, 20);
    later(0, send_parts, p.b);
    CALL_FOR(WAIT, recvmsg(p.a, &msg, MSG_WAITALL));
    say("%s, %zu, flags %d", judge(got, 20), msg.msg_iovlen, msg.msg_flags);
    settle();
    later(0, send_parts, p.b);
    CALL_FOR(WAIT, recv(p.a, got, 18, MSG_WAITALL | MSG_PEEK));
    settle();
    CALL(recv(p.a, got, 100, 0));
    later(0, send_parts_and_shut, p.b);
    CALL_FOR(WAIT, recv(p.a, got, 100, MSG_WAITALL));
    CALL(recv(p.a, got, 100, MSG_WAITALL));
}

static void case_waitall_peek_end(void)
{
    struct pair p = unix_pair(SOCK_STREAM);

    later(0, send_parts_and_shut, p.b);
    CALL(recv(p.a, got, 100, MSG_WAITALL) > 0);
    p = tcp_pair();
    later(0, send_parts_and_shut, p.b);
    CALL_FOR(WAIT, recv(p.a, got, 100, MSG_WAITALL | MSG_PEEK));
    CALL(recv(p.a, got, 100, MSG_WAITALL));
}

static void case_waitall_datagram(void)
{
    struct pair p = unix_pair(SOCK_DGRAM);

    send_hello(p.b);
    CALL(recv(p.a, got, 100, MSG_WAITALL));
    send_hello(p.b);
    CALL(recv(p.a, got, 2, MSG_TRUNC));
    later(WAIT, send_hello, p.b);
    CALL_FOR(WAIT, recv(p.a, got, 100, MSG_TRUNC | MSG_WAITALL));
}

static void drain(int fd)
{
    char part[4096];
    struct timespec t = {0, 100000};

    for (size_t n = 0; n < LARGE;) {
        ssize_t r = read(fd, part, sizeof(part));

        if (r <= 0)
            return;
        n += (size_t)r;
        if (n % (64 * sizeof(part)) == 0)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    }
}

static void collect(int fd)
{
    size_t n = 0;
    ssize_t r;

    memset(got, 0, LARGE);
    while (n < LARGE && (r = read(fd, got + n, LARGE - n)) > 0)
        n += (size_t)r;
}

static void case_send_all(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    struct iovec iov[40];
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 40};

    fill(big, LARGE);
    later(WAIT, collect, p.b);
    CALL_FOR(WAIT, send(p.a, big, LARGE, 0));
    settle();
    say("%s", judge(got, LARGE));
    later(WAIT, collect, p.b);
    CALL_FOR(WAIT, write(p.a, big, LARGE));
    settle();
    say("%s", judge(got, LARGE));
    for (int i = 0; i < 40; i++)
        iov[i] = (struct iovec){big + i * (LARGE / 64), LARGE / 64};
    iov[39].iov_len = LARGE - 39 * (LARGE / 64);
    later(WAIT, collect, p.b);
    CALL_FOR(WAIT, sendmsg(p.a, &msg, 0));
    settle();
    say("%s", judge(got, LARGE));
    later(WAIT, collect, p.b);
    CALL_FOR(WAIT, writev(p.a, iov, 40));
    settle();
    say("%s", judge(got, LARGE));
}

static void case_send_nonblocking(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    long all = 0, r;

    do {
        r = send(p.a, big, 4096, MSG_DONTWAIT);
        all += r > 0 ? r : 0;
    } while (r > 0);
    CALL(errno);
    nonblocking(p.a);
    CALL(send(p.a, big, 1, 0));
    CALL(write(p.a, big, 1));
    say("%d", all > 0);
    p = unix_pair(SOCK_STREAM);
    nonblocking(p.a);
    CALL(send(p.a, big, LARGE, 0));
    CALL(send(p.a, big, LARGE, 0));
}

static void case_send_timeout(void)
{
    struct pair p = unix_pair(SOCK_STREAM);

    set_timeout(p.a, SO_SNDTIMEO, WAIT);
    CALL_FOR(WAIT, send(p.a, big, LARGE, 0));
    CALL_FOR(WAIT, send(p.a, big, LARGE, 0));
    CALL_FOR(WAIT, write(p.a, big, 1));
}

static void case_send_broken(void)
{
    struct pair p = unix_pair(SOCK_STREAM);

    signal(SIGPIPE, SIG_DFL); /* a SIGPIPE in the middle would end the program */
    later(WAIT, shut, p.b);
    CALL_FOR(WAIT, send(p.a, big, LARGE, 0));
    signal(SIGPIPE, SIG_IGN);
    CALL(send(p.a, big, LARGE, 0));
    CALL(write(p.a, big, LARGE));
}

static void case_datagrams(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {0};
    socklen_t size = sizeof(addr);
    int a = keep(socket(AF_INET, SOCK_DGRAM, 0));
    int b = keep(socket(AF_INET, SOCK_DGRAM, 0));
    char buf[16];

    EXPECT(bind(a, (struct sockaddr *)&addr, size) == 0);
    EXPECT(getsockname(a, (struct sockaddr *)&addr, &size) == 0);
    CALL(sendto(b, "", 0, 0, (struct sockaddr *)&addr, size));
    CALL(recvfrom(a, buf, 16, 0, (struct sockaddr *)&from, &size));
    say("%u, %s", size, from.sin_addr.s_addr == addr.sin_addr.s_addr ? "its address" : "wrong");
    EXPECT(connect(b, (struct sockaddr *)&addr, sizeof(addr)) == 0);
    later(WAIT, send_hello, b);
    size = sizeof(from);
    CALL_FOR(WAIT, recvfrom(a, buf, 3, 0, (struct sockaddr *)&from, &size));
    CALL(write(b, buf, 0));
    CALL(writev(b, &(struct iovec){buf, 0}, 1));
    CALL(read(a, buf, 16));
    CALL(recv(a, buf, 16, MSG_DONTWAIT));
    CALL(sendto(b, buf, 16, 0, NULL, 0));
    CALL(send(b, big, 100000, 0));
}

static void read_slowly(int fd)
{
    char part[64];

    for (int i = 0; i < 1000; i++) {
        if (recv(fd, part, sizeof(part), MSG_DONTWAIT) < 0)
            return;
    }
}

/* poll() calls the unconnected sender ready all the time; the receiver's queue is full. */
static void case_datagram_queue_full(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(addr.sun_family);
    int a = keep(socket(AF_UNIX, SOCK_DGRAM, 0));
    int b = keep(socket(AF_UNIX, SOCK_DGRAM, 0));
    int n = 0;

    EXPECT(bind(a, (struct sockaddr *)&addr, size) == 0);
    size = sizeof(addr);
    EXPECT(getsockname(a, (struct sockaddr *)&addr, &size) == 0);
    while (sendto(b, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&addr, size) == 1)
        n++;
    EXPECT(n > 0 && errno == EAGAIN);
    later(WAIT, read_slowly, a);
    CALL_FOR(WAIT, sendto(b, "x", 1, 0, (struct sockaddr *)&addr, size));
    settle();
    EXPECT(connect(b, (struct sockaddr *)&addr, size) == 0);
    while (send(b, "x", 1, MSG_DONTWAIT) == 1)
        continue;
    later(WAIT, read_slowly, a);
    CALL_FOR(WAIT, send(b, "x", 1, 0));
}

static ssize_t send_fd(int via, int fd, const char *text, size_t n)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec iov = {(void *)(size_t)text, n};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.space,
                         .msg_controllen = sizeof(control.space)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return sendmsg(via, &msg, 0);
}

static void send_fd_later(int fd)
{
    struct timespec t = {0, 30000000};

    send_hello(fd);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    send_fd(fd, 0, "12", 2);
    send_hello(fd);
}

static void case_control_data(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    char control[CMSG_SPACE(sizeof(int)) * 2];
    struct iovec iov = {got, 100};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    int count = 0;

    fill(big, LARGE);
    later(WAIT, collect, p.b);
    CALL_FOR(WAIT, send_fd(p.a, 1, big, LARGE));
    settle();
    say("%s", judge(got, LARGE));
    later(WAIT, send_fd_later, p.b);
    msg.msg_control = control;
    msg.msg_controllen = sizeof(control);
    CALL_FOR(WAIT, recvmsg(p.a, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC));
    say("%zu bytes of control data, flags %x", msg.msg_controllen, (unsigned)msg.msg_flags);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        int fd;

        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        keep(fd);
        count++;
    }
    say("%d fds", count);
    settle();
    CALL(recv(p.a, got, 100, 0));
}

static void send_three(int fd)
{
    struct timespec t = {0, 10000000};

    for (int i = 0; i < 3; i++) {
        (void)!write(fd, "hello", (size_t)i + 1);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    }
}

static void case_recvmmsg(void)
{
    struct pair p = unix_pair(SOCK_DGRAM);
    struct iovec iov[4];
    struct mmsghdr v[4] = {{{0}, 0}};
    struct timespec limit = {0, WAIT * 1000000};
    struct timespec wrong = {0, -1};

    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){got + 100 * i, 100};
        v[i].msg_hdr.msg_iov = &iov[i];
        v[i].msg_hdr.msg_iovlen = 1;
    }
    CALL(recvmmsg(p.a, v, 4, MSG_DONTWAIT, NULL));
    CALL(recvmmsg(p.a, v, 0, 0, NULL));
    CALL(recvmmsg(p.a, v, 4, 0, &wrong));
    CALL(recvmmsg(-1, v, 4, 0, NULL));
    later(WAIT, send_three, p.b);
    CALL_FOR(WAIT, recvmmsg(p.a, v, 3, 0, NULL));
    say("%u %u %u", v[0].msg_len, v[1].msg_len, v[2].msg_len);
    settle();
    later(WAIT, send_three, p.b);
    CALL_FOR(WAIT, recvmmsg(p.a, v, 4, MSG_WAITFORONE, NULL));
    settle();
    CALL(recvmmsg(p.a, v, 4, MSG_WAITFORONE, NULL));
    later(WAIT / 2, send_three, p.b);
    later(WAIT + 40, send_hello, p.b);
    CALL_FOR(WAIT, recvmmsg(p.a, v, 4, 0, &limit));
    say("%ld.%09ld left", (long)limit.tv_sec, limit.tv_nsec);
    settle();
    limit = (struct timespec){0, 0};
    send_three(p.b);
    CALL(recvmmsg(p.a, v, 4, 0, &limit));
    CALL(recvmmsg(p.a, v, 2, 0, NULL));
    set_timeout(p.a, SO_RCVTIMEO, WAIT);
    CALL_FOR(WAIT, recvmmsg(p.a, v, 4, 0, NULL));
    send_hello(p.b);
    CALL_FOR(WAIT, recvmmsg(p.a, v, 4, 0, NULL));
}

static void case_sendmmsg(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    struct iovec iov[3];
    struct mmsghdr v[3] = {{{0}, 0}};

    fill(big, LARGE);
    for (int i = 0; i < 3; i++) {
        iov[i] = (struct iovec){big + LARGE / 3 * i, LARGE / 3};
        v[i].msg_hdr.msg_iov = &iov[i];
        v[i].msg_hdr.msg_iovlen = 1;
    }
    iov[2].iov_len += LARGE % 3;
    later(WAIT, collect, p.b);
    CALL_FOR(WAIT, sendmmsg(p.a, v, 3, 0));
    say("%u %u %u", v[0].msg_len, v[1].msg_len, v[2].msg_len);
    settle();
    say("%s", judge(got, LARGE));
    CALL(sendmmsg(p.a, v, 0, 0));
    CALL(sendmmsg(-1, v, 1, 0));
    CALL(sendmmsg(p.a, v, 3, MSG_DONTWAIT) > 0);
}

static void case_vectors(void)
{
    struct pair p = unix_pair(SOCK_STREAM);
    struct iovec iov[2] = {{got, 2}, {got + 2, 2}};
    volatile int too_few = -1, too_many = 1025; /* the compiler would know better */

    CALL(readv(p.a, iov, 0));
    CALL(readv(p.a, iov, too_few));
    CALL(readv(p.a, iov, too_many));
    CALL(writev(p.a, iov, too_many));
    CALL(writev(p.a, iov, 0));
    iov[0].iov_len = iov[1].iov_len = 0;
    CALL(readv(p.a, iov, 2));
    iov[0].iov_len = SIZE_MAX;
    CALL(readv(p.a, iov, 2));
    iov[0].iov_len = iov[1].iov_len = 2;
    later(WAIT, send_hello, p.b);
    CALL_FOR(WAIT, readv(p.a, iov, 2));
    CALL(readv(p.a, iov, 2));
    nonblocking(p.a);
    CALL(readv(p.a, iov, 2));
    CALL(readv(-1, iov, 2));
}

/* Many bytes both ways through one connection, the other end in a plain thread. */
static void case_tcp_bulk(void)
{
    struct pair p = tcp_pair();

    later(0, drain, p.b);
    CALL(send(p.a, big, LARGE, 0));
    settle();
    later(WAIT, shut, p.b);
    CALL_FOR(WAIT, recv(p.a, got, LARGE, MSG_WAITALL));
}

static const struct seam_case cases[] = {
    {"recv_waits", case_recv_waits, 0},
    {"recv_does_not_wait", case_recv_does_not_wait, 0},
    {"recv_errors", case_recv_errors, 0},
    {"recv_timeout", case_recv_timeout, 0},
    {"recv_empty_tcp", case_recv_empty_tcp, 0},
    {"waitall", case_waitall, 0},
    {"waitall_peek_end", case_waitall_peek_end, 0},
    {"waitall_datagram", case_waitall_datagram, 0},
    {"send_all", case_send_all, 0},
    {"send_nonblocking", case_send_nonblocking, 0},
    {"send_timeout", case_send_timeout, 0},
    {"send_broken", case_send_broken, 0},
    {"datagrams", case_datagrams, 0},
    {"datagram_queue_full", case_datagram_queue_full, 0},
    {"control_data", case_control_data, 0},
    {"recvmmsg", case_recvmmsg, 0},
    {"sendmmsg", case_sendmmsg, 0},
    {"vectors", case_vectors, 0},
    {"tcp_bulk", case_tcp_bulk, 0},
    CASES_END,
};

int main(void)
{
    return seam_main(cases);
}
