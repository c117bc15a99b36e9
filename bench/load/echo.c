// Load for an echo server: one request under way on each connection, for a fixed time.
//
// usage: echo PORT PID CONNECTIONS SIZE WARM_UP_MS MEASURED_MS
//
// PID is the server's: its CPU clock is read when the measured time begins and when it ends. Each
// answer is compared with what was sent. The result is one line of JSON. In the end the last
// answers are waited for, so that the server sees its connections close and none reset.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, LARGEST = 4096, BUCKETS = 1000000 };

struct connection {
    int fd;
    size_t got;    // bytes of the answer so far
    uint64_t sent; // when the request went out
};

static unsigned char request[LARGEST];
static size_t size;
static uint32_t latencies[BUCKETS]; // answers by whole microseconds; the last takes all longer
static uint64_t answers;
static size_t under_way; // requests not yet answered
static enum { WARMING_UP, MEASURING, ENDING } phase;

static void die(const char *what)
{
    fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        die("clock_gettime");
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        die("setsockopt");
    return fd;
}

static void send_request(struct connection *c)
{
    c->got = 0;
    c->sent = read_clock(CLOCK_MONOTONIC);
    // Far smaller than a socket's buffer, which is empty: one send takes it all.
    if (send(c->fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        die("send");
    under_way++;
}

static void count_answer(const struct connection *c)
{
    under_way--;
    if (phase != MEASURING)
        return;
    uint64_t us = (read_clock(CLOCK_MONOTONIC) - c->sent) / 1000;
    latencies[us < BUCKETS ? us : BUCKETS - 1]++;
    answers++;
}

static void receive(struct connection *c)
{
    unsigned char answer[LARGEST];
    ssize_t n = recv(c->fd, answer, size - c->got, 0);
    if (n <= 0)
        die("the server closed a connection");
    if (memcmp(answer, request + c->got, (size_t)n) != 0)
        die("the answer is not what was sent");
    c->got += (size_t)n;
    if (c->got < size)
        return;
    count_answer(c);
    if (phase != ENDING)
        send_request(c);
}

static void run_until(int epoll, uint64_t end)
{
    struct epoll_event events[EVENTS];
    while (under_way > 0 && read_clock(CLOCK_MONOTONIC) < end) {
        int n = epoll_wait(epoll, events, EVENTS, 10);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++)
            receive(events[i].data.ptr);
    }
}

static unsigned percentile(uint64_t percent)
{
    uint64_t seen = 0, wanted = answers * percent / 100;
    unsigned us = 0;
    while (us < BUCKETS - 1 && (seen += latencies[us]) <= wanted)
        us++;
    return us;
}

static int open_connections(uint16_t port, long count)
{
    struct connection *all = calloc((size_t)count, sizeof *all);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (all == NULL || epoll < 0)
        die("epoll_create1");
    for (long i = 0; i < count; i++) {
        all[i].fd = connect_to(port);
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &all[i]}};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) != 0)
            die("epoll_ctl");
    }
    for (long i = 0; i < count; i++)
        send_request(&all[i]);
    return epoll;
}

static void measure(int epoll, clockid_t server, uint64_t duration)
{
    uint64_t cpu = read_clock(server), start = read_clock(CLOCK_MONOTONIC);
    phase = MEASURING;
    run_until(epoll, start + duration);
    double wall = (double)(read_clock(CLOCK_MONOTONIC) - start) / 1e9;
    printf("{\"requests\": %llu, \"server_cpu_s\": %.6f, \"wall_s\": %.6f, \"p50_us\": %u,"
           " \"p99_us\": %u}\n",
           (unsigned long long)answers, (double)(read_clock(server) - cpu) / 1e9, wall,
           percentile(50), percentile(99));
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: echo PORT PID CONNECTIONS SIZE WARM_UP_MS MEASURED_MS\n");
        return 2;
    }
    size = strtoul(argv[4], NULL, 10);
    if (size == 0 || size > LARGEST) {
        fprintf(stderr, "echo: SIZE must be 1 to %d\n", LARGEST);
        return 2;
    }
    for (size_t i = 0; i < size; i++)
        request[i] = (unsigned char)('a' + i % 26);
    clockid_t server;
    errno = clock_getcpuclockid((pid_t)strtol(argv[2], NULL, 10), &server);
    if (errno != 0)
        die("the server's CPU clock");
    int epoll = open_connections((uint16_t)strtoul(argv[1], NULL, 10), strtol(argv[3], NULL, 10));
    run_until(epoll, read_clock(CLOCK_MONOTONIC) + strtoul(argv[5], NULL, 10) * 1000000u);
    measure(epoll, server, strtoul(argv[6], NULL, 10) * 1000000u);
    phase = ENDING;
    run_until(epoll, UINT64_MAX);
    return 0;
}
