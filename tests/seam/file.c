/* read and write on pipes, terminals and other descriptors; the calls that close. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 60, LARGE = 1 << 20 };

static char big[LARGE];
static char got[LARGE];

static void write_hello(int fd)
{
    (void)!write(fd, "hello", 5);
}

static void write_eight(int fd)
{
    (void)!write(fd, "\1\0\0\0\0\0\0\0", 8);
}

static void close_it(int fd)
{
    close(fd);
}

static void collect(int fd)
{
    size_t n = 0;
    ssize_t r;

    memset(got, 0, LARGE);
    while (n < LARGE && (r = read(fd, got + n, LARGE - n)) > 0)
        n += (size_t)r;
}

static void case_pipe_read(void)
{
    struct pair p = pipe_pair();
    char buf[16] = {0};
    struct iovec iov[2] = {{buf, 2}, {buf + 2, 8}};

    later(WAIT, write_hello, p.b);
    CALL_FOR(WAIT, read(p.a, buf, sizeof(buf)));
    say("%s", buf);
    CALL(read(p.a, buf, 0));
    later(WAIT, write_hello, p.b);
    CALL_FOR(WAIT, readv(p.a, iov, 2));
    CALL(read(p.b, buf, 1));
    CALL(write(p.a, buf, 1));
    CALL(write(p.b, buf, 0));
    CALL(fcntl(p.a, F_GETFL));
    later(WAIT, close_it, fcntl(p.b, F_DUPFD_CLOEXEC, 0));
    close(p.b);
    CALL_FOR(WAIT, read(p.a, buf, sizeof(buf)));
    CALL(read(p.b, buf, sizeof(buf)));
    CALL(read(-1, buf, sizeof(buf)));
    CALL(write(9999, buf, sizeof(buf)));
}

static void case_pipe_nonblocking(void)
{
    struct pair p = pipe_pair();
    char buf[16];

    EXPECT(fcntl(p.a, F_SETFL, O_NONBLOCK) == 0 && fcntl(p.b, F_SETFL, O_NONBLOCK) == 0);
    CALL(read(p.a, buf, sizeof(buf)));
    CALL(write(p.b, big, LARGE));
    CALL(write(p.b, big, 1));
    CALL(read(p.a, got, LARGE));
}

static void case_pipe_write_all(void)
{
    struct pair p = pipe_pair();
    struct iovec iov[40];

    fill(big, LARGE);
    later(WAIT, collect, p.a);
    CALL_FOR(WAIT, write(p.b, big, LARGE));
    settle();
    say("%s", judge(got, LARGE));
    for (int i = 0; i < 40; i++)
        iov[i] = (struct iovec){big + i * (LARGE / 64), LARGE / 64};
    iov[39].iov_len = LARGE - 39 * (LARGE / 64);
    later(WAIT, collect, p.a);
    CALL_FOR(WAIT, writev(p.b, iov, 40));
    settle();
    say("%s", judge(got, LARGE));
}

static void read_some_and_close(int fd)
{
    read(fd, got, 100000);
    close(fd);
}

static void case_pipe_broken(void)
{
    struct pair p = pipe_pair();

    signal(SIGPIPE, SIG_IGN);
    later(WAIT, read_some_and_close, fcntl(p.a, F_DUPFD_CLOEXEC, 0));
    close(p.a);
    CALL_FOR(WAIT, write(p.b, big, LARGE));
    CALL(write(p.b, big, 1));
}

static int make_fifo(void)
{
    char name[] = "/tmp/weft-fifo-XXXXXX";
    int fd;

    EXPECT(mkdtemp(name) != NULL && rmdir(name) == 0 && mkfifo(name, 0600) == 0);
    fd = keep(open(name, O_RDWR | O_CLOEXEC));
    unlink(name);
    return fd;
}

static void case_fifo(void)
{
    int fd = make_fifo();
    char buf[16];

    later(WAIT, write_hello, fd);
    CALL_FOR(WAIT, read(fd, buf, sizeof(buf)));
    fill(big, LARGE);
    later(WAIT, collect, fd);
    CALL_FOR(WAIT, write(fd, big, LARGE));
    settle();
    say("%s", judge(got, LARGE));
}

static void collect_some(int fd)
{
    size_t n = 0;
    ssize_t r;

    while (n < 100000 && (r = read(fd, got + n, 100000 - n)) > 0)
        n += (size_t)r;
}

static void case_terminal(void)
{
    int master = keep(posix_openpt(O_RDWR | O_NOCTTY));
    struct termios raw;
    int slave;
    char buf[32] = {0};

    EXPECT(grantpt(master) == 0 && unlockpt(master) == 0);
    slave = keep(open(ptsname(master), O_RDWR | O_NOCTTY));
    tcgetattr(slave, &raw);
    raw.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(slave, TCSANOW, &raw);
    later(WAIT / 2, write_hello, master);
    later(WAIT, write_hello, master);
    later(WAIT + 20, write_eight, slave);
    CALL_FOR(WAIT, read(master, buf, 8));
    settle();
    CALL(write(master, "\n", 1));
    CALL(read(slave, buf, sizeof(buf)));
    say("%s", buf);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    fill(big, 100000);
    memset(got, 0, 100000);
    later(WAIT, collect_some, master);
    CALL_FOR(WAIT, write(slave, big, 100000));
    settle();
    say("%s", judge(got, 100000));
    memset(got, 0, 100000);
    later(WAIT, collect_some, slave);
    CALL_FOR(WAIT, write(master, big, 100000));
    settle();
    say("%s", judge(got, 100000));
    CALL(fcntl(master, F_GETFL) & O_NONBLOCK);
    CALL(fcntl(slave, F_GETFL) & O_NONBLOCK);
    CALL(write(slave, big, 0));
}

static void case_eventfd(void)
{
    int fd = keep(eventfd(0, EFD_CLOEXEC));
    uint64_t value = 0;

    CALL(read(fd, &value, 4));
    later(WAIT, write_eight, fd);
    CALL_FOR(WAIT, read(fd, &value, 8));
    say("%d", (int)value);
    CALL(write(fd, &value, 3));
    value = UINT64_MAX - 1;
    CALL(write(fd, &value, 8));
    CALL(read(fd, &value, 8));
}

static void case_timerfd(void)
{
    int fd = keep(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    struct itimerspec t = {.it_value = {0, WAIT * 1000000}};
    uint64_t value = 0;

    EXPECT(timerfd_settime(fd, 0, &t, NULL) == 0);
    CALL_FOR(WAIT, read(fd, &value, 8));
    CALL(value);
    CALL(write(fd, &value, 8));
}

static void case_files(void)
{
    FILE *f = tmpfile();
    int fd = fileno(f);
    char buf[8] = {0};
    int zero = keep(open("/dev/zero", O_RDWR | O_CLOEXEC));

    CALL(write(fd, "abc", 3));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(read(fd, buf, 8));
    CALL(read(fd, buf, 8));
    CALL(writev(fd, &(struct iovec){buf, 3}, 1));
    CALL(read(zero, buf, 8));
    CALL(write(zero, buf, 8));
    CALL(fclose(f));
    CALL(write(fd, "abc", 3));
    fd = keep(open("/", O_RDONLY | O_DIRECTORY));
    CALL(read(fd, buf, 8));
}

/* A number that means now this, now that. */
static void case_reused_number(void)
{
    char buf[8];
    struct pair p = pipe_pair();
    struct pair s = unix_pair(SOCK_STREAM);
    int file = keep(open("/dev/zero", O_RDWR | O_CLOEXEC));
    int regular = keep(open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
    int n = keep(fcntl(regular, F_DUPFD_CLOEXEC, 100));

    CALL(read(n, buf, 2));
    CALL(dup2(p.a, n) == n);
    later(WAIT, write_hello, p.b);
    CALL_FOR(WAIT, read(n, buf, 8));
    CALL(dup3(s.a, n, O_CLOEXEC) == n);
    later(WAIT, write_hello, s.b);
    CALL_FOR(WAIT, read(n, buf, 8));
    CALL(dup2(file, n) == n);
    CALL(read(n, buf, 8));
    CALL(close(n));
    CALL(read(n, buf, 8));
    CALL(dup2(p.a, n) == n);
    later(WAIT, write_hello, p.b);
    CALL_FOR(WAIT, read(n, buf, 8));
    CALL(close_range((unsigned)n, (unsigned)n, 0));
    CALL(read(n, buf, 8));
    CALL(dup2(s.a, n) == n);
    CALL(close_range((unsigned)n, (unsigned)n, CLOSE_RANGE_CLOEXEC));
    later(WAIT, write_hello, s.b);
    CALL_FOR(WAIT, read(n, buf, 8));
    CALL(dup2(-1, n));
    CALL(dup2(n, n) == n);
    CALL(dup3(n, n, 0));
    CALL(dup3(p.a, n, O_NONBLOCK));
    CALL(dup2(9999, n));
    CALL(dup2(p.a, -1));
    CALL(close(-1));
    CALL(close_range(5, 4, 0));
    CALL(send(s.b, "x", 1, 0));
    CALL(read(n, buf, 8));
}

/* ---- sendfile ---- */

static int filled_file(void)
{
    FILE *f = tmpfile();
    int fd = keep(fcntl(fileno(f), F_DUPFD_CLOEXEC, 0));

    fill(big, LARGE);
    EXPECT(write(fd, big, LARGE) == LARGE && lseek(fd, 0, SEEK_SET) == 0);
    fclose(f);
    return fd;
}

static void read_half(int fd)
{
    (void)!read(fd, got, 32768);
}

static void case_sendfile(void)
{
    int file = filled_file();
    struct pair s = unix_pair(SOCK_STREAM);
    struct pair p = pipe_pair();
    off_t at = 0;

    later(WAIT, collect, s.b);
    CALL_FOR(WAIT, sendfile(s.a, file, NULL, LARGE));
    settle();
    say("%s, at %ld", judge(got, LARGE), (long)lseek(file, 0, SEEK_CUR));
    CALL(sendfile(s.a, file, NULL, LARGE));
    CALL(sendfile(p.b, file, &at, LARGE)); /* a pipe takes what it has room for */
    later(WAIT, read_half, p.a);
    CALL_FOR(WAIT, sendfile(p.b, file, &at, LARGE));
    settle();
    CALL(sendfile(p.a, file, &at, LARGE));
    say("at %ld, %ld", (long)at, (long)lseek(file, 0, SEEK_CUR));
    at = 10;
    CALL(sendfile(s.a, file, &at, 0));
    CALL(sendfile(s.a, file, &at, 100));
    CALL(at);
    at = LARGE - 5;
    CALL(sendfile(s.a, file, &at, 100));
    CALL(recv(s.b, got, 1000, 0));
    at = -1;
    CALL(sendfile(s.a, file, &at, 100));
    CALL(sendfile(s.a, -1, NULL, 100));
    CALL(sendfile(-1, file, NULL, 100));
    EXPECT(fcntl(s.a, F_SETFL, O_NONBLOCK) == 0);
    at = 0;
    CALL(sendfile(s.a, file, &at, LARGE) > 0);
    CALL(sendfile(s.a, file, &at, LARGE));
    CALL(fcntl(s.a, F_GETFL) & O_NONBLOCK);
}

static const struct seam_case cases[] = {
    {"pipe_read", case_pipe_read, 0},
    {"pipe_nonblocking", case_pipe_nonblocking, 0},
    {"pipe_write_all", case_pipe_write_all, 0},
    {"pipe_broken", case_pipe_broken, 0},
    {"fifo", case_fifo, 0},
    {"terminal", case_terminal, 0},
    {"eventfd", case_eventfd, 0},
    {"timerfd", case_timerfd, 0},
    {"files", case_files, 0},
    {"reused_number", case_reused_number, 0},
    {"sendfile", case_sendfile, 0},
    CASES_END,
};

int main(void)
{
    return seam_main(cases);
}
