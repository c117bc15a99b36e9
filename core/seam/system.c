/* system(): libc's own would wait inside libc. This one does what POSIX says of it, and parks. */
#include "machine/lock.h"
#include "seam/interrupt.h"
#include "seam/process.h"
#include "seam/signal.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The process ignores SIGINT and SIGQUIT as long as any call is under way. */
static struct {
    struct wf_lock lock; /* protects all below */
    unsigned callers;
    struct sigaction old_int, old_quit;
} ignoring;

static void begin_ignoring(sigset_t *defaults)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    wf_lock(&ignoring.lock);
    if (ignoring.callers++ == 0) {
        sigaction(SIGINT, &ignore, &ignoring.old_int);
        sigaction(SIGQUIT, &ignore, &ignoring.old_quit);
    }
    sigemptyset(defaults);
    if (ignoring.old_int.sa_handler != SIG_IGN)
        sigaddset(defaults, SIGINT);
    if (ignoring.old_quit.sa_handler != SIG_IGN)
        sigaddset(defaults, SIGQUIT);
    wf_unlock(&ignoring.lock);
}

static void end_ignoring(void)
{
    wf_lock(&ignoring.lock);
    if (--ignoring.callers == 0) {
        sigaction(SIGINT, &ignoring.old_int, NULL);
        sigaction(SIGQUIT, &ignoring.old_quit, NULL);
    }
    wf_unlock(&ignoring.lock);
}

/* 0 or an errno. */
static int start_shell(const char *command, const sigset_t *mask, const sigset_t *defaults,
                       pid_t *child)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)"--", (char *)command, NULL};
    posix_spawnattr_t attr;
    int err = posix_spawnattr_init(&attr);

    if (err)
        return err;
    posix_spawnattr_setsigmask(&attr, mask);
    posix_spawnattr_setsigdefault(&attr, defaults);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    err = posix_spawn(child, "/bin/sh", NULL, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    return err;
}

/* Signals do not end it. Cancellation does, by killing the shell, as libc does it. */
static int wait_for_shell(struct wf_fiber *f, pid_t child)
{
    int status = -1;
    int err;

    while (wf_process_wait4(f, child, &status, 0, NULL) < 0) {
        if (errno != EINTR && errno != ECANCELED)
            return -1;
        if (!wf_fiber_interrupted(f))
            continue;
        err = errno;
        kill(child, SIGKILL);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
        errno = err;
        return -1;
    }
    return status;
}

int wf_hook_system(const char *command)
{
    enum { NO_SHELL = 127 };
    struct wf_fiber *f = wf_seam_interruptible();
    sigset_t chld, defaults, mask;
    pid_t child;
    int result, saved;

    if (!f)
        return system(command);
    if (!command)
        return wf_hook_system("exit 0") == 0;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    begin_ignoring(&defaults);
    (void)wf_hook_pthread_sigmask(SIG_BLOCK, &chld, &mask);
    result = start_shell(command, &mask, &defaults, &child) == 0 ? wait_for_shell(f, child)
                                                                 : W_EXITCODE(NO_SHELL, 0);
    saved = errno;
    end_ignoring();
    (void)wf_hook_pthread_sigmask(SIG_SETMASK, &mask, NULL);
    errno = saved;
    return result;
}

void wf_system_after_fork(void)
{
    ignoring.lock = (struct wf_lock){0};
}
