/* Changing the credentials of every OS thread of the process: see setxid.h. First the calling
 * thread, which shows whether it is allowed at all, then the others one by one: each is sent the
 * signal that libc keeps for this purpose, and makes the same system call in its handler. The
 * list of threads is read again until it holds no new one, because a thread that has not been
 * told yet may start another. */
#include "seam/setxid.h"

#include "base/assert.h"
#include "base/atomic.h"
#include "machine/clock.h"
#include "machine/lock.h"
#include "seam/fork.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SIGNAL = 33, /* libc's SIGSETXID: it lets nobody block it */
    KERNEL_SIGSET = 8,
    ANSWER_POLL_NS = 20000,
    KERNEL_WORKER = 0x10, /* PF_IO_WORKER: io_uring's threads take no signals and need none */
};

/* As the kernel has it. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

struct change {
    long number;
    long a, b, c;
};

static struct {
    struct wf_lock lock; /* one change at a time */
    struct change change;
    _Atomic int answered; /* by the thread that was told last: 1, */
    _Atomic int error;    /* and what its system call said */
} setxid;

static int make(const struct change *c)
{
    return syscall(c->number, c->a, c->b, c->c) < 0 ? errno : 0;
}

static void on_signal(int sig)
{
    int saved = errno;

    (void)sig;
    wf_store(&setxid.error, make(&setxid.change));
    wf_store_release(&setxid.answered, 1); /* pairs with the load in tell */
    errno = saved;
}

static void install(struct kernel_sigaction *old)
{
    struct kernel_sigaction k = {.handler = on_signal, .flags = SA_RESTART, .mask = UINT64_MAX};

#if defined(__x86_64__)
    enum { SA_RESTORER = 0x04000000 };
    extern void wf_setxid_restorer(void);

    k.flags |= SA_RESTORER;
    k.restorer = wf_setxid_restorer;
#endif
    syscall(SYS_rt_sigaction, SIGNAL, &k, old, KERNEL_SIGSET);
}

/* The 9th field of its stat file, after a name that may hold anything but is in parentheses. */
static bool is_kernel_worker(int task_dir, pid_t tid)
{
    char path[32], text[512];
    const char *end;
    unsigned flags = 0;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "%d/stat", (int)tid);
    fd = openat(task_dir, path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    end = strrchr(text, ')');
    if (end && sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1)
        return (flags & KERNEL_WORKER) != 0;
    return false;
}

/* Until it has answered, or has ended. */
static void tell(int task_dir, pid_t tid)
{
    const struct timespec pause = {.tv_nsec = ANSWER_POLL_NS};
    pid_t pid = getpid();

    if (is_kernel_worker(task_dir, tid))
        return;
    wf_store(&setxid.answered, 0);
    if (syscall(SYS_tgkill, pid, tid, SIGNAL) < 0)
        return;
    /* Pairs with the store in on_signal. */
    while (!wf_load_acquire(&setxid.answered)) {
        nanosleep(&pause, NULL);
        if (syscall(SYS_tgkill, pid, tid, 0) < 0)
            return;
    }
    /* Half of the threads with other rights than the rest: libc aborts then, too. */
    WF_ASSERT_EQ(wf_load(&setxid.error), 0);
}

struct told {
    pid_t *tids;
    size_t count, capacity;
};

static bool was_told(const struct told *t, pid_t tid)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->tids[i] == tid)
            return true;
    }
    return false;
}

static void remember(struct told *t, pid_t tid)
{
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 64;
        t->tids = realloc(t->tids, t->capacity * sizeof(*t->tids));
        WF_ASSERT(t->tids);
    }
    t->tids[t->count++] = tid;
}

/* Whether there was anybody new. */
static bool tell_new_ones(DIR *tasks, struct told *told)
{
    const struct dirent *entry;
    bool any = false;

    rewinddir(tasks);
    while ((entry = readdir(tasks))) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (tid <= 0 || was_told(told, tid))
            continue;
        tell(dirfd(tasks), tid);
        remember(told, tid);
        any = true;
    }
    return any;
}

static void tell_all(DIR *tasks)
{
    struct kernel_sigaction old;
    struct told told = {0};

    remember(&told, (pid_t)syscall(SYS_gettid));
    install(&old);
    while (tell_new_ones(tasks, &told))
        ;
    syscall(SYS_rt_sigaction, SIGNAL, &old, NULL, KERNEL_SIGSET);
    free(told.tids);
}

/* The child of vfork is a process of one thread. */
static int change_all(long number, long a, long b, long c)
{
    struct change change = {.number = number, .a = a, .b = b, .c = c};
    DIR *tasks = NULL;
    int err;

    if (wf_fork_in_vfork_child())
        return (int)syscall(number, a, b, c);
    wf_lock(&setxid.lock);
    tasks = opendir("/proc/self/task");
    err = tasks ? make(&change) : EAGAIN; /* not one without the others */
    if (!err) {
        setxid.change = change;
        tell_all(tasks);
    }
    if (tasks)
        closedir(tasks);
    wf_unlock(&setxid.lock);
    if (err)
        errno = err;
    return err ? -1 : 0;
}

/* The kernel reads -1 as "leave it". */
static long id_argument(unsigned id)
{
    return id == UINT_MAX ? -1 : (long)id;
}

static int fail_invalid(void)
{
    errno = EINVAL;
    return -1;
}

int wf_hook_setuid(uid_t uid)
{
    return change_all(SYS_setuid, id_argument(uid), 0, 0);
}

int wf_hook_setgid(gid_t gid)
{
    return change_all(SYS_setgid, id_argument(gid), 0, 0);
}

int wf_hook_seteuid(uid_t uid)
{
    return uid == (uid_t)-1 ? fail_invalid() : change_all(SYS_setresuid, -1, id_argument(uid), -1);
}

int wf_hook_setegid(gid_t gid)
{
    return gid == (gid_t)-1 ? fail_invalid() : change_all(SYS_setresgid, -1, id_argument(gid), -1);
}

int wf_hook_setreuid(uid_t real, uid_t effective)
{
    return change_all(SYS_setreuid, id_argument(real), id_argument(effective), 0);
}

int wf_hook_setregid(gid_t real, gid_t effective)
{
    return change_all(SYS_setregid, id_argument(real), id_argument(effective), 0);
}

int wf_hook_setresuid(uid_t real, uid_t effective, uid_t saved)
{
    return change_all(SYS_setresuid, id_argument(real), id_argument(effective), id_argument(saved));
}

int wf_hook_setresgid(gid_t real, gid_t effective, gid_t saved)
{
    return change_all(SYS_setresgid, id_argument(real), id_argument(effective), id_argument(saved));
}

int wf_hook_setgroups(size_t count, const gid_t *groups)
{
    return change_all(SYS_setgroups, (long)count, (long)(intptr_t)groups, 0);
}

/* libc's own would call libc's setgroups. */
int wf_hook_initgroups(const char *user, gid_t group)
{
    int count = 64;

    for (;;) {
        int room = count;
        gid_t *groups = calloc((size_t)room, sizeof(*groups));
        int err;

        if (!groups)
            return -1;
        if (getgrouplist(user, group, groups, &count) >= 0) {
            err = wf_hook_setgroups((size_t)count, groups);
            free(groups);
            return err;
        }
        free(groups);
        if (count <= room)
            count = 2 * room;
    }
}

void wf_setxid_after_fork(void)
{
    setxid.lock = (struct wf_lock){0};
}
