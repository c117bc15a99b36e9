/* connect and accept. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 60 };

static struct sockaddr_in where;

static void connect_to_it(int unused)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)unused;
    (void)!connect(fd, (struct sockaddr *)&where, sizeof(where));
    close(fd);
}

static void shut(int fd)
{
    shutdown(fd, SHUT_RDWR);
}

static int any_socket(int type)
{
    return keep(socket(AF_INET, type | SOCK_CLOEXEC, 0));
}

static void case_accept(void)
{
    int listener = tcp_listener(&where, 8);
    struct sockaddr_in from = {0};
    socklen_t size = sizeof(from);
    int fd;

    later(WAIT, connect_to_it, 0);
    fd = CALL_FD(accept(listener, (struct sockaddr *)&from, &size));
    say("%u %x, flags %d", size, from.sin_addr.s_addr, fcntl(fd, F_GETFD));
    close(fd);
    settle();
    connect_to_it(0);
    fd = CALL_FD(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    say("flags %d %d", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
    CALL(accept4(listener, NULL, NULL, 0x4000000));
    EXPECT(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
    CALL(accept(listener, NULL, NULL));
    EXPECT(fcntl(listener, F_SETFL, 0) == 0);
    later(WAIT, shut, listener);
    CALL_FOR(WAIT, accept(listener, NULL, NULL));
}

static void case_accept_errors(void)
{
    struct pair p = pipe_pair();
    struct pair t = tcp_pair();

    CALL(accept(-1, NULL, NULL));
    CALL(accept(9999, NULL, NULL));
    CALL(accept(p.a, NULL, NULL));
    CALL(accept(t.a, NULL, NULL));
    CALL(accept(any_socket(SOCK_STREAM), NULL, NULL));
    CALL(accept(any_socket(SOCK_DGRAM), NULL, NULL));
}

static void case_accept_timeout(void)
{
    int listener = tcp_listener(&where, 8);
    struct timeval t = {0, WAIT * 1000};

    EXPECT(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
    CALL_FOR(WAIT, accept(listener, NULL, NULL));
}

static void case_connect(void)
{
    int listener = tcp_listener(&where, 8);
    int fd = any_socket(SOCK_STREAM);
    const struct sockaddr *addr = (const struct sockaddr *)&where;
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    CALL(connect(fd, addr, sizeof(where)));
    CALL(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CALL(connect(fd, addr, sizeof(where)));
    CALL(connect(fd, &none, sizeof(none)));
    CALL(connect(fd, addr, sizeof(where)));
    close(listener);
    fd = any_socket(SOCK_STREAM);
    CALL(connect(fd, addr, sizeof(where)));
    CALL(connect(fd, addr, sizeof(where)));
    CALL(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CALL(connect(fd, addr, 3));
    CALL(connect(-1, addr, sizeof(where)));
    CALL(connect(pipe_pair().a, addr, sizeof(where)));
    fd = any_socket(SOCK_DGRAM);
    CALL(connect(fd, addr, sizeof(where)));
    CALL(connect(fd, &none, sizeof(none)));
}

static void listen_again(int listener)
{
    /* Its queue was full, which dropped the SYN; a place makes the repeated one succeed. */
    close(accept(listener, NULL, NULL));
    close(accept(listener, NULL, NULL));
}

/* Fills the queue of a listener, so that the next connect has to wait for SYN's repetition. */
static void fill_queue(int fds[2])
{
    for (int i = 0; i < 2; i++) {
        struct pollfd p;

        fds[i] = any_socket(SOCK_STREAM | SOCK_NONBLOCK);
        (void)!connect(fds[i], (struct sockaddr *)&where, sizeof(where));
        p = (struct pollfd){fds[i], POLLOUT, 0};
        EXPECT(poll(&p, 1, 1000) == 1);
    }
}

static void case_connect_waits(void)
{
    int listener = tcp_listener(&where, 1);
    struct timeval t = {0, WAIT * 1000};
    int fds[2], fd;

    fill_queue(fds);
    fd = any_socket(SOCK_STREAM);
    EXPECT(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) == 0);
    CALL_FOR(WAIT, connect(fd, (struct sockaddr *)&where, sizeof(where)));
    CALL_FOR(WAIT, connect(fd, (struct sockaddr *)&where, sizeof(where)));
    CALL(fcntl(fd, F_GETFL) & O_NONBLOCK);
    fd = any_socket(SOCK_STREAM);
    later(WAIT, listen_again, listener);
    CALL_FOR(500, connect(fd, (struct sockaddr *)&where, sizeof(where)));
    CALL(connect(fd, (struct sockaddr *)&where, sizeof(where)));
}

static void case_connect_nonblocking(void)
{
    int listener = tcp_listener(&where, 8);
    int fd = any_socket(SOCK_STREAM | SOCK_NONBLOCK);
    struct pollfd p = {fd, POLLOUT, 0};

    CALL(connect(fd, (struct sockaddr *)&where, sizeof(where)));
    CALL(poll(&p, 1, 1000));
    CALL(connect(fd, (struct sockaddr *)&where, sizeof(where)));
    CALL(connect(fd, (struct sockaddr *)&where, sizeof(where)));
    CALL(fcntl(fd, F_GETFL) & O_NONBLOCK);
    (void)listener;
}

static void accept_and_close(int listener)
{
    close(accept(listener, NULL, NULL));
}

static void case_connect_unix(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(addr.sun_family);
    struct timeval t = {0, WAIT * 1000};
    int listener = keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int fd;

    EXPECT(bind(listener, (struct sockaddr *)&addr, size) == 0 && listen(listener, 0) == 0);
    size = sizeof(addr);
    EXPECT(getsockname(listener, (struct sockaddr *)&addr, &size) == 0);
    fd = keep(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(fd, (struct sockaddr *)&addr, size));
    fd = keep(socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) == 0);
    CALL_FOR(WAIT, connect(fd, (struct sockaddr *)&addr, size));
    fd = keep(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    CALL(connect(fd, (struct sockaddr *)&addr, size));
    fd = keep(socket(AF_UNIX, SOCK_STREAM, 0));
    later(WAIT, accept_and_close, listener);
    CALL_FOR(WAIT, connect(fd, (struct sockaddr *)&addr, size));
    CALL(fcntl(fd, F_GETFL) & O_NONBLOCK);
    settle();
    accept_and_close(listener); /* with a full queue not even EISCONN comes at once */
    CALL(connect(fd, (struct sockaddr *)&addr, size));
    close(listener);
    fd = keep(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(fd, (struct sockaddr *)&addr, size));
}

static const struct seam_case cases[] = {
    {"accept", case_accept, 0},
    {"accept_errors", case_accept_errors, 0},
    {"accept_timeout", case_accept_timeout, 0},
    {"connect", case_connect, 0},
    {"connect_waits", case_connect_waits, 0},
    {"connect_nonblocking", case_connect_nonblocking, 0},
    {"connect_unix", case_connect_unix, 0},
    CASES_END,
};

int main(void)
{
    return seam_main(cases);
}
