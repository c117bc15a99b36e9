/* fork, vfork and waiting for children in fibers, and credentials. */
#include "fibers.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Runs `fn` in a fiber. */
static void in_fiber(void *(*fn)(void *))
{
    join(fiber(fn, NULL));
}

static void exits_with(pid_t child, int code)
{
    int status;

    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), code);
}

/* ---- waiting ---- */

static pid_t child_that_exits(int code, long after_ms)
{
    pid_t child = fork();

    if (child == 0) {
        nap_ms(after_ms);
        _exit(code);
    }
    CHECK(child > 0);
    return child;
}

static atomic_int ticks;
static atomic_bool stop;

static void *tick(void *arg)
{
    while (!stop) {
        ticks++;
        nap_ms(2);
    }
    return arg;
}

static void *wait_in_every_way(void *arg)
{
    struct rusage usage;
    siginfo_t info;
    int status;
    pid_t child;

    exits_with(child_that_exits(1, 30), 1);
    child = child_that_exits(2, 30);
    CHECK_EQ(wait(&status), child);
    CHECK_EQ(WEXITSTATUS(status), 2);
    child = child_that_exits(3, 30);
    CHECK_EQ(wait4(child, &status, 0, &usage), child);
    CHECK_EQ(WEXITSTATUS(status), 3);
    CHECK(usage.ru_maxrss > 0);
    child = child_that_exits(4, 30);
    CHECK_EQ(wait3(&status, 0, NULL), child);
    child = child_that_exits(5, 30);
    CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    CHECK_EQ(info.si_status, 5);
    CHECK_EQ(waitid(P_ALL, 0, NULL, WEXITED), 0);
    child = child_that_exits(6, 30);
    CHECK_EQ(waitid(P_PGID, 0, &info, WEXITED), 0);
    CHECK_EQ(info.si_pid, child);
    CHECK_EQ(waitpid(-1, &status, 0), -1);
    CHECK_EQ(errno, ECHILD);
    CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), -1);
    CHECK_EQ(errno, ECHILD);
    CHECK_EQ(waitpid(-1, &status, 0x40), -1);
    CHECK_EQ(errno, EINVAL);
    return arg;
}

static void waiting_parks(void)
{
    pthread_t ticker = fiber(tick, NULL);

    in_fiber(wait_in_every_way);
    stop = 1;
    join(ticker);
    CHECK(ticks > 30);
}

static void *wait_for_stop(void *arg)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        raise(SIGSTOP);
        _exit(9);
    }
    CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status));
    CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
    kill(child, SIGCONT);
    CHECK_EQ(waitpid(child, &status, WCONTINUED), child);
    if (WIFCONTINUED(status))
        CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WEXITSTATUS(status), 9);
    return arg;
}

static void stops_are_seen(void)
{
    in_fiber(wait_for_stop);
}

static void *reap_any(void *arg)
{
    int status;

    CHECK(wait(&status) > 0);
    return arg;
}

/* Two wait for the same one: who comes second is told that there is no such child. */
static void child_reaped_by_another(void)
{
    pid_t child = child_that_exits(0, 20);
    pthread_t other = fiber(reap_any, NULL);
    int status;
    pid_t got = waitpid(child, &status, 0);

    CHECK(got == child || (got == -1 && errno == ECHILD));
    if (got == child)
        child_that_exits(0, 0); /* for the other */
    join(other);
}

/* ---- system() ---- */

static void *run_shells(void *arg)
{
    CHECK_EQ(system(NULL), 1);
    CHECK_EQ(WEXITSTATUS(system("exit 7")), 7);
    CHECK_EQ(WTERMSIG(system("kill -TERM $$")), SIGTERM);
    CHECK_EQ(WEXITSTATUS(system("no-such-command-here 2>/dev/null")), 127);
    CHECK_EQ(system("sleep 0.1; kill -INT $PPID"), 0); /* ignored meanwhile */
    return arg;
}

static void shells_at_once(void)
{
    pthread_t ids[4];
    long long began = now_ms();
    struct sigaction now;
    sigset_t mask;

    for (int i = 0; i < 4; i++)
        ids[i] = fiber(run_shells, NULL);
    for (int i = 0; i < 4; i++)
        join(ids[i]);
    CHECK(now_ms() - began < 390);
    sigaction(SIGINT, NULL, &now);
    CHECK(now.sa_handler == SIG_DFL);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    CHECK_EQ(sigismember(&mask, SIGCHLD), 0);
}

/* ---- fork ---- */

static void *count_up(void *arg)
{
    nap_ms(5);
    ++*(int *)arg;
    return NULL;
}

/* What a child does: everything that needs the scheduler, the loop and the lot anew. */
static void live_on(void)
{
    static int count;
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    struct timespec soon = in_ms(CLOCK_REALTIME, 5);
    int ends[2];
    char c;

    CHECK_EQ(gettid(), getpid());
    join(fiber(count_up, &count));
    CHECK_EQ(count, 1);
    pthread_mutex_lock(&m);
    CHECK_EQ(pthread_mutex_timedlock(&m, &soon), ETIMEDOUT);
    CHECK_EQ(pipe(ends), 0);
    if (fork() == 0) {
        nap_ms(5);
        _exit(write(ends[1], "y", 1) == 1 ? 0 : 1);
    }
    CHECK_EQ(read(ends[0], &c, 1), 1);
    CHECK_EQ(wait(NULL) > 0, 1);
}

static pthread_t sleeper;

static void *sleep_long(void *arg)
{
    nap_ms(100000);
    return arg;
}

static pid_t (*fork_by)(void);

static void *fork_and_live_on(void *arg)
{
    pid_t child = fork_by();

    if (child == 0) {
        CHECK_EQ(pthread_kill(sleeper, 0), ESRCH); /* it exists in the parent only */
        live_on();
        _exit(21);
    }
    exits_with(child, 21);
    CHECK_EQ(pthread_kill(sleeper, 0), 0);
    return arg;
}

/* Through calls of our own: a pointer to libc's function would do as well, but not obviously. */
static pid_t plain_fork(void)
{
    return fork();
}

static pid_t raw_fork(void)
{
    return _Fork();
}

static void fork_in_a_fiber(void)
{
    sleeper = fiber(sleep_long, NULL);
    CHECK_EQ(pthread_detach(sleeper), 0);
    fork_by = plain_fork;
    in_fiber(fork_and_live_on);
    fork_and_live_on(NULL); /* in main */
    fork_by = raw_fork;
    in_fiber(fork_and_live_on);
    fork_and_live_on(NULL);
}

static void *fork_and_return(void *arg)
{
    pid_t child = fork();

    if (child == 0) {
        static int count;

        fiber(count_up, &count);
        return arg; /* the last thread but one: the process ends with the other */
    }
    exits_with(child, 0);
    return arg;
}

static void survivor_may_return(void)
{
    in_fiber(fork_and_return);
}

static void *fork_and_exit_thread(void *arg)
{
    pid_t child = fork();

    if (child == 0)
        pthread_exit(arg);
    exits_with(child, 0);
    return arg;
}

static void survivor_may_exit(void)
{
    in_fiber(fork_and_exit_thread);
}

/* A plain thread forks: there is no runtime in the child, but locks work. */
static void *fork_for_real(void *arg)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
        pthread_cond_t c = PTHREAD_COND_INITIALIZER;
        struct timespec soon = in_ms(CLOCK_REALTIME, 5);

        pthread_mutex_lock(&m);
        CHECK_EQ(pthread_cond_timedwait(&c, &m, &soon), ETIMEDOUT);
        CHECK_EQ(pthread_kill(*(pthread_t *)arg, 0), ESRCH);
        _exit(24);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WEXITSTATUS(status), 24);
    return NULL;
}

static void fork_in_a_real_thread(void)
{
    pthread_t other = fiber(sleep_long, NULL);

    CHECK_EQ(pthread_detach(other), 0);
    join(real_thread(fork_for_real, &other));
}

/* ---- vfork ---- */

static void *vfork_and_exec(void *arg)
{
    static volatile int shared;
    sigset_t mask;
    pid_t child;

    shared = 0;
    child = vfork();
    if (child == 0) {
        struct sigaction act = {.sa_handler = SIG_DFL};

        shared = 1;
        usleep(5000); /* must not park: the parent's fibers are not the child's */
        sigaction(SIGUSR2, &act, NULL);
        sigemptyset(&mask);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        execl("/bin/sh", "sh", "-c", "exit 31", (char *)NULL);
        _exit(99);
    }
    CHECK_EQ(shared, 1);
    exits_with(child, 31);
    child = vfork();
    if (child == 0)
        _exit(32);
    exits_with(child, 32);
    return arg;
}

static void on_usr2(int sig)
{
    (void)sig;
}

static void vfork_in_fibers(void)
{
    struct sigaction act = {.sa_handler = on_usr2}, now;
    pthread_t ids[8];

    sigaction(SIGUSR2, &act, NULL);
    for (int i = 0; i < 8; i++)
        ids[i] = fiber(vfork_and_exec, NULL);
    for (int i = 0; i < 8; i++)
        join(ids[i]);
    vfork_and_exec(NULL);
    sigaction(SIGUSR2, NULL, &now);
    CHECK(now.sa_handler == on_usr2); /* what the child did was the child's */
    nap_ms(5);                        /* hooks work again */
}

static void *vfork_fails(void *arg)
{
    struct rlimit none = {.rlim_cur = 0}, old;

    if (geteuid() == 0) /* root has no limit */
        return arg;
    getrlimit(RLIMIT_NPROC, &old);
    none.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_NPROC, &none);
    errno = 0;
    CHECK_EQ(vfork(), -1);
    CHECK_EQ(errno, EAGAIN);
    setrlimit(RLIMIT_NPROC, &old);
    nap_ms(1);
    return arg;
}

/* ---- credentials ---- */

static atomic_int phase;

static void *look_at_ids(void *arg)
{
    (void)arg;
    while (phase == 0)
        sched_yield();
    /* The kernel's answer for this very thread. */
    return (void *)(intptr_t)(syscall(SYS_geteuid) * 100000 + syscall(SYS_getegid));
}

static void *drop_privileges(void *arg)
{
    gid_t groups[1] = {65534};

    CHECK_EQ(setgroups(1, groups), 0);
    CHECK_EQ(setegid(65534), 0);
    CHECK_EQ(setegid(0), 0);
    CHECK_EQ(setresgid(65534, 65534, 65534), 0);
    CHECK_EQ(setuid(65534), 0);
    errno = 0;
    CHECK_EQ(setuid(0), -1);
    CHECK_EQ(errno, EPERM);
    CHECK_EQ(seteuid((uid_t)-1), -1);
    CHECK_EQ(errno, EINVAL);
    vfork_fails(NULL);
    return arg;
}

static void setuid_reaches_all_threads(void)
{
    pid_t child;

    if (geteuid() != 0) {
        printf("(not root) ");
        return;
    }
    child = fork();
    if (child == 0) {
        pthread_t real = real_thread(look_at_ids, NULL);
        void *ids;

        join(fiber(drop_privileges, NULL));
        phase = 1;
        CHECK_EQ(pthread_join(real, &ids), 0);
        CHECK_EQ((intptr_t)ids, 65534 * 100000LL + 65534);
        CHECK_EQ(geteuid(), 65534);
        exit(41);
    }
    exits_with(child, 41);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"waiting_parks", waiting_parks},
        {"stops_are_seen", stops_are_seen},
        {"child_reaped_by_another", child_reaped_by_another},
        {"shells_at_once", shells_at_once},
        {"fork_in_a_fiber", fork_in_a_fiber},
        {"survivor_may_return", survivor_may_return},
        {"survivor_may_exit", survivor_may_exit},
        {"fork_in_a_real_thread", fork_in_a_real_thread},
        {"vfork_in_fibers", vfork_in_fibers},
        {"setuid_reaches_all_threads", setuid_reaches_all_threads},
        {NULL, NULL},
    };

    return run_tests(argc, argv, tests);
}
