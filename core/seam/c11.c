/* <threads.h> in terms of the pthread hooks; see c11.h. The types are the same inside. */
#include "seam/c11.h"

#include "seam/locks.h"
#include "seam/thread.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

static int translate(int err)
{
    switch (err) {
    case 0:
        return thrd_success;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    default:
        return thrd_error;
    }
}

static pthread_mutex_t *mutex_of(mtx_t *m)
{
    return (pthread_mutex_t *)(void *)m;
}

static pthread_cond_t *cond_of(cnd_t *c)
{
    return (pthread_cond_t *)(void *)c;
}

int wf_hook_mtx_lock(mtx_t *m)
{
    return translate(wf_hook_mutex_lock(mutex_of(m)));
}

int wf_hook_mtx_timedlock(mtx_t *m, const struct timespec *abs)
{
    return translate(wf_hook_mutex_timedlock(mutex_of(m), abs));
}

int wf_hook_mtx_unlock(mtx_t *m)
{
    return translate(wf_hook_mutex_unlock(mutex_of(m)));
}

int wf_hook_cnd_wait(cnd_t *c, mtx_t *m)
{
    return translate(wf_hook_cond_wait(cond_of(c), mutex_of(m)));
}

int wf_hook_cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *abs)
{
    return translate(wf_hook_cond_timedwait(cond_of(c), mutex_of(m), abs));
}

int wf_hook_cnd_signal(cnd_t *c)
{
    return translate(wf_hook_cond_signal(cond_of(c)));
}

int wf_hook_cnd_broadcast(cnd_t *c)
{
    return translate(wf_hook_cond_broadcast(cond_of(c)));
}

void wf_hook_call_once(once_flag *once, void (*fn)(void))
{
    (void)wf_hook_once((pthread_once_t *)(void *)once, fn);
}

/* ---- threads ---- */

struct start {
    thrd_start_t fn;
    void *arg;
};

static void *run(void *arg)
{
    struct start start = *(struct start *)arg;

    free(arg);
    return (void *)(intptr_t)start.fn(start.arg);
}

int wf_hook_thrd_create(thrd_t *id, thrd_start_t fn, void *arg)
{
    struct start *start;
    int err;

    if (!wf_seam_fiber())
        return thrd_create(id, fn, arg);
    start = malloc(sizeof(*start));
    if (!start)
        return thrd_nomem;
    *start = (struct start){.fn = fn, .arg = arg};
    err = wf_hook_pthread_create(id, NULL, run, start);
    if (err)
        free(start);
    return err == EAGAIN ? thrd_nomem : translate(err);
}

int wf_hook_thrd_join(thrd_t id, int *result)
{
    void *value = NULL;
    int err = wf_hook_join(id, &value);

    if (!err && result)
        *result = (int)(intptr_t)value;
    return translate(err);
}

int wf_hook_thrd_detach(thrd_t id)
{
    return translate(wf_hook_detach(id));
}

void wf_hook_thrd_exit(int result)
{
    wf_hook_pthread_exit((void *)(intptr_t)result);
}

thrd_t wf_hook_thrd_current(void)
{
    return wf_hook_pthread_self();
}
