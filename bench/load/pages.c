// A web server that answers each GET with 1 KiB after a delay, as a page over a network would.
//
// usage: pages DELAY_MS
//
// It listens on a port of the loopback, prints the port's number, and lives as long as its standard
// input is open. Connections are kept alive; one request at a time on each.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, REQUEST = 4096, BODY = 1024 };

struct connection {
    int fd;
    bool waiting; // is in the queue; freed there if `closed`
    bool closed;
    uint64_t due;            // ns of CLOCK_MONOTONIC
    struct connection *next; // in the queue
    size_t length;
    char request[REQUEST + 1];
};

static uint64_t delay;
static struct connection *first, *last; // the answers to come: one delay for all, so in order
static char answer[BODY + 256];
static size_t answer_length;

static void die(const char *what)
{
    fprintf(stderr, "pages: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void make_answer(void)
{
    int n =
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", BODY);
    memset(answer + n, 'w', BODY);
    answer_length = (size_t)n + BODY;
}

static int listen_here(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = what}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void accept_all(int epoll, int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        if (c == NULL)
            die("calloc");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd = fd;
        watch(epoll, fd, c);
    }
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        die("accept");
}

static void drop(struct connection *c)
{
    close(c->fd);
    c->closed = true;
    if (!c->waiting)
        free(c);
}

static void delay_answer(struct connection *c)
{
    c->length = 0;
    c->due = now() + delay;
    c->waiting = true;
    c->next = NULL;
    if (last != NULL)
        last->next = c;
    else
        first = c;
    last = c;
}

static void receive(struct connection *c)
{
    ssize_t n = recv(c->fd, c->request + c->length, REQUEST - c->length, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || c->waiting) { // it went away, or does not wait for its answer
        drop(c);
        return;
    }
    c->length += (size_t)n;
    c->request[c->length] = '\0';
    if (strstr(c->request, "\r\n\r\n") != NULL)
        delay_answer(c);
    else if (c->length == REQUEST)
        drop(c);
}

static void send_answer(struct connection *c)
{
    c->waiting = false;
    if (c->closed)
        free(c);
    else if (send(c->fd, answer, answer_length, MSG_NOSIGNAL) != (ssize_t)answer_length)
        drop(c);
}

static void send_due(void)
{
    uint64_t time = now();
    while (first != NULL && first->due <= time) {
        struct connection *c = first;
        first = c->next;
        if (first == NULL)
            last = NULL;
        send_answer(c);
    }
}

// Until the next answer is due, in whole milliseconds and never too short.
static int patience(void)
{
    if (first == NULL)
        return -1;
    uint64_t time = now();
    return first->due <= time ? 0 : (int)((first->due - time + 999999) / 1000000);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    static char listening, input; // only their addresses matter
    if (argc != 2) {
        fprintf(stderr, "usage: pages DELAY_MS\n");
        return 2;
    }
    delay = strtoul(argv[1], NULL, 10) * 1000000u;
    make_answer();
    int epoll = epoll_create1(EPOLL_CLOEXEC), listener = listen_here();
    watch(epoll, listener, &listening);
    watch(epoll, STDIN_FILENO, &input);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, patience());
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &input)
                return 0;
            if (events[i].data.ptr == &listening)
                accept_all(epoll, listener);
            else
                receive(events[i].data.ptr);
        }
        send_due();
    }
}
