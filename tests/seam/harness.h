/* Runs each case several times: where libc is itself, and where the seam stands in for it, in a
 * plain thread, in the main fiber, in a thread fiber and in a light one. A case says what it sees;
 * what it said with libc itself is the truth for the others. */
#ifndef WEFT_TESTS_SEAM_HARNESS_H
#define WEFT_TESTS_SEAM_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seam_case_flags {
    MAIN_ONLY = 1,   /* not in other fibers: it is about signals, which reach the main one */
    FIBERS_ONLY = 2, /* has no twin in libc: it fails by EXPECT alone */
    THREADED = 4,    /* not in light fibers */
};

struct seam_case {
    const char *name;
    void (*run)(void);
    unsigned flags;
};

/* Ends a list of cases. */
#define CASES_END                                                                                  \
    {                                                                                              \
        NULL, NULL, 0                                                                              \
    }

/* main() of a test program. SIGUSR2 is blocked everywhere. */
int seam_main(const struct seam_case *cases);

/* ---- for cases ---- */

/* One line of what the case saw. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
/* A call with its result and errno; returns the result. */
#define CALL(call) (seam_before(), seam_after(#call, (long)(call)))
/* The same for a call whose result is a new fd, of which only "an fd" is said. */
#define CALL_FD(call) (seam_before(), seam_after_fd(#call, (int)(call)))
/* The same for calls that have to take a time, in milliseconds: at least `least`, and not absurdly
 * longer. */
#define CALL_FOR(least, call) (seam_before(), seam_after_for(#call, (long)(call), (least)))

void seam_before(void);
long seam_after(const char *text, long result);
int seam_after_fd(const char *text, int fd);
long seam_after_for(const char *text, long result, long least_ms);

/* Fails the case with a text when the condition does not hold. */
#define EXPECT(condition) seam_expect((condition), __FILE__, __LINE__, #condition)
void seam_expect(bool holds, const char *file, int line, const char *text);

/* Runs fn(arg) in a real OS thread, after a while. The case does not end before it. All signals
 * are blocked there. */
void later(unsigned ms, void (*fn)(int), int arg);
/* Waits for all that was to be done later. */
void settle(void);
int64_t now_ms(void);
/* Whether the case runs where weft is at work. */
bool in_fiber(void);

/* The fds of a connected pair; they are closed at the end of the case. */
struct pair {
    int a, b;
};
struct pair unix_pair(int type);
struct pair tcp_pair(void);
struct pair pipe_pair(void);
/* A listening TCP socket on the loopback, and its address in `addr` (struct sockaddr_in). */
int tcp_listener(void *addr, int backlog);
/* Closes the fd at the end of the case. */
int keep(int fd);
/* Deterministic bytes; and a short text that tells whether `n` bytes are those. */
void fill(void *buf, size_t n);
const char *judge(const void *buf, size_t n);

#endif
