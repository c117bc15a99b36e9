/* A TLS block and thread control block of its own for each thread fiber, so that errno,
 * __thread variables, pthread keys, mutex owners and the C library's own per-thread state are
 * right by construction, and a parked fiber may be resumed by another OS thread.
 *
 * tls_glibc.c; tls_none.c is the twin for builds that cannot. What glibc does not export as API is found through the descriptors it exports for
 * debuggers (_thread_db_*), never by constants, and wf_tls_init checks all of it by making a
 * block and looking at it. Where that fails there are no thread fibers, and the reason is said. */
#ifndef WF_MACHINE_TLS_H
#define WF_MACHINE_TLS_H

#include "machine/stack.h"

#include <stdbool.h>
#include <stddef.h>

/* Idempotent. WF_OK, or WF_ENOTSUP with a sentence in wf_tls_why(). */
int wf_tls_init(void);
const char *wf_tls_why(void);
/* Takes notice of libraries loaded since: their static TLS images. After each dlopen. */
void wf_tls_rescan(void);

/* A block ready for a new fiber (fresh or reused, images copied anew), as a thread pointer.
 * NULL: out of memory. */
void *wf_tls_acquire(const struct wf_stack *stack);
/* Back into the pool; nobody may run on it any more. */
void wf_tls_release(void *tp);
/* One more wf_tls_release is needed before the block may be used again: the id of a thread that
 * can still be joined must stay its own. */
void wf_tls_hold(void *tp);

/* Once, on the new fiber itself before any other code: the C library's per-thread set-up. */
void wf_tls_first_run(void);
/* On the ending fiber itself: pthread key destructors, at most PTHREAD_DESTRUCTOR_ITERATIONS
 * rounds. */
void wf_tls_run_key_destructors(void);

/* The number glibc takes for the thread's kernel id (mutex owners, gettid). */
int wf_tls_tid(const void *tp);
void wf_tls_set_tid(void *tp, int tid);
/* The same variable as seen in the block of `tp`; only for static TLS, as ours is. */
static inline void *wf_tls_peer(const void *tp, const void *own_tp, const void *own_variable)
{
    return (char *)(size_t)tp + ((const char *)own_variable - (const char *)own_tp);
}

/* In a forked child: forgets the blocks of fibers that do not exist there. */
void wf_tls_after_fork(void);

#endif
