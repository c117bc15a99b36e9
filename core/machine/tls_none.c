/* The twin of tls_glibc.c for builds without own TLS: ucontext cannot set the thread pointer, and
 * ThreadSanitizer keeps its state in TLS. There are light fibers only. */
#include "machine/tls.h"

#include "base/assert.h"
#include "base/status.h"

int wf_tls_init(void)
{
    return WF_ENOTSUP;
}

const char *wf_tls_why(void)
{
    return "this build (ucontext or ThreadSanitizer) cannot give a fiber its own TLS";
}

void wf_tls_rescan(void)
{
}

void *wf_tls_acquire(const struct wf_stack *stack)
{
    (void)stack;
    return NULL;
}

void wf_tls_release(void *tp)
{
    (void)tp;
    WF_ASSERT(!"no block was ever acquired");
}

void wf_tls_hold(void *tp)
{
    (void)tp;
    WF_ASSERT(!"no block was ever acquired");
}

void wf_tls_first_run(void)
{
}

void wf_tls_run_key_destructors(void)
{
}

int wf_tls_tid(const void *tp)
{
    (void)tp;
    return 0;
}

void wf_tls_set_tid(void *tp, int tid)
{
    (void)tp, (void)tid;
}

void wf_tls_after_fork(void)
{
}
