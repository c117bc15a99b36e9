/* Fibers as pthreads: what the pthread_* hooks know of a fiber that has TLS of its own.
 *
 * A fiber's pthread_t is that of its thread control block, so pthread_self() is right in code that
 * is not patched too. An id is never followed: the registry knows every id that was ever a
 * fiber's (the blocks are reused, so there are as many as fibers at the peak), and whether one is
 * a thread now. An id that it does not know is a real thread's and goes to libc; so does main's. */
#ifndef WF_SEAM_THREAD_H
#define WF_SEAM_THREAD_H

#include "sched/fiber.h"
#include "seam/hook.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct wf_thread_exit; /* a destructor of a thread_local object */

enum { WF_THREAD_NAME = 16 }; /* with its NUL, as the kernel has it */

/* Who may touch what:
 *   id, tp, start, arg          constant after creation
 *   result, exits, stack, then, unwinds   the thread itself; result by the joiner once it is done
 *   done                        written under the registry's lock, read without it
 *   all others                  the registry's lock
 * It is freed by whoever joins it, or at its end when it is detached. */
struct wf_thread {
    pthread_t id;
    void *tp;
    struct wf_fiber *fiber; /* NULL once it has ended */
    void *(*start)(void *); /* NULL: a fiber that pthread_create did not make; not joinable */
    void *arg, *result;
    struct wf_thread_exit *exits;
    stack_t signal_stack;                         /* what sigaltstack() answers */
    void (*then)(struct wf_fiber *f, int result); /* the fiber's on_end before we took its place */
    bool unwinds; /* pthread_exit can unwind as far as thread_main */
    _Atomic bool done;
    bool detached;
    bool joining;                   /* somebody waits for it; it is his */
    const struct wf_thread *joiner; /* who, if that is a fiber */
    char name[WF_THREAD_NAME];      /* empty: none given */
    uint64_t pending;               /* signals sent to it alone while it blocks them */
};

/* What an id is. */
enum wf_thread_kind {
    WF_THREAD_NATIVE, /* libc's affair, main included */
    WF_THREAD_FIBER,
    WF_THREAD_GONE, /* was a fiber's */
};

void wf_thread_lock(void);
void wf_thread_unlock(void);
/* Under the lock; `*out` only for WF_THREAD_FIBER, else NULL. */
enum wf_thread_kind wf_thread_find(pthread_t id, struct wf_thread **out);
/* Under the lock: takes it out of the registry. The caller then frees it with wf_thread_free. */
void wf_thread_forget(struct wf_thread *t);
void wf_thread_free(struct wf_thread *t);

/* The record of the calling fiber, made now if there is none. NULL: a light fiber, main, or no
 * memory. */
struct wf_thread *wf_thread_self(struct wf_fiber *self);
/* Finds `id`, and the calling fiber's own too when it had no record yet. Without the lock. */
enum wf_thread_kind wf_thread_kind_of(pthread_t id);

/* The pthread_t that goes with a thread pointer. */
pthread_t wf_thread_id_of_tp(const void *tp);

/* In a forked child: all threads but the survivor (NULL: all) are gone. */
void wf_thread_after_fork(struct wf_fiber *survivor);

/* ---- the hooks that others call, or that lie outside thread.c ---- */

int wf_hook_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*start)(void *),
                           void *arg);
void wf_hook_pthread_exit(void *result);

int wf_hook_join(pthread_t id, void **result);
int wf_hook_tryjoin(pthread_t id, void **result);
int wf_hook_timedjoin(pthread_t id, void **result, const struct timespec *abs);
int wf_hook_clockjoin(pthread_t id, void **result, clockid_t clock, const struct timespec *abs);
int wf_hook_detach(pthread_t id);

pthread_t wf_hook_pthread_self(void);
pid_t wf_hook_gettid(void);
long wf_hook_syscall(long number, long a, long b, long c, long d, long e, long f);
int wf_hook_setname(pthread_t id, const char *name);
int wf_hook_getname(pthread_t id, char *name, size_t size);
int wf_hook_getattr(pthread_t id, pthread_attr_t *attr);
int wf_hook_getcpuclockid(pthread_t id, clockid_t *clock);
int wf_hook_setaffinity(pthread_t id, size_t size, const cpu_set_t *set);
int wf_hook_getaffinity(pthread_t id, size_t size, cpu_set_t *set);
int wf_hook_setschedparam(pthread_t id, int policy, const struct sched_param *param);
int wf_hook_getschedparam(pthread_t id, int *policy, struct sched_param *param);
int wf_hook_setschedprio(pthread_t id, int priority);
int wf_hook_cancel(pthread_t id);

#endif
