/* Blocking work on libuv's thread pool. Two owners share a job, the fiber and the pool; the one
 * that leaves last disposes of it. Both leave on the processor's worker, so a flag is enough. */
#include "io/offload.h"

#include "base/assert.h"
#include "base/status.h"
#include "io/loop.h"

#include <stdlib.h>

struct job {
    uv_work_t request;
    struct wf_offload *user;
    struct wf_fiber *waiter; /* NULL: nobody waits any more */
    bool done;
};

static void work(uv_work_t *request)
{
    struct job *j = wf_container(request, struct job, request);

    j->user->work(j->user);
}

static void after(uv_work_t *request, int status)
{
    struct job *j = wf_container(request, struct job, request);

    (void)status; /* cancelled before it began: abandoned all the same */
    if (!j->waiter) {
        j->user->abandon(j->user);
        free(j);
        return;
    }
    j->done = true;
    (void)wf_unpark(j->waiter, WF_PARK_OK);
}

static struct job *submit(struct wf_fiber *self, struct wf_offload *o)
{
    uv_loop_t *uv = wf_loop_uv(wf_loop_of(self));
    struct job *j = uv ? calloc(1, sizeof(*j)) : NULL;

    if (!j)
        return NULL;
    j->user = o;
    j->waiter = self;
    if (uv_queue_work(uv, &j->request, work, after) < 0) {
        free(j);
        return NULL;
    }
    return j;
}

enum wf_park_result wf_offload_run(struct wf_fiber *self, struct wf_offload *o, int64_t deadline,
                                   unsigned flags, int *status)
{
    struct job *j = submit(self, o);
    enum wf_park_result r = WF_PARK_OK;

    *status = j ? WF_OK : WF_ENOMEM;
    if (!j)
        return WF_PARK_OK;
    while (!j->done && r == WF_PARK_OK) {
        wf_park_prepare(self, WF_WAIT_OFFLOAD, flags);
        r = wf_park_commit(self, deadline);
    }
    if (j->done) {
        free(j);
        return WF_PARK_OK;
    }
    j->waiter = NULL;
    uv_cancel((uv_req_t *)&j->request); /* spares the pool what it has not begun */
    return r;
}
