/* The hooks of the lock family, one file for each kind of object, and what they share.
 *
 * The objects stay glibc's own, with native owners (each thread fiber has a tid of its own): a
 * fiber takes them by their try functions, and stands in the parking lot while it cannot. What is
 * read of their insides is read through the fields that glibc's own headers publish, but for the
 * few words named here.
 *
 * Waits for mutexes, conditions, rwlocks, barriers and once-initialisers are never interrupted:
 * no caller expects that of them. */
#ifndef WF_SEAM_LOCKS_H
#define WF_SEAM_LOCKS_H

#include "machine/clock.h"
#include "sched/park.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <time.h>

/* ---- what they share ---- */

/* Objects that other processes use too are looked at by timer: nobody there knows our lot. */
struct wf_lock_retry {
    bool shared;
    int64_t delay; /* of the last look */
};

/* Until when to sleep now: `deadline`, or the next look. */
int64_t wf_lock_retry_until(struct wf_lock_retry *r, int64_t deadline);

/* Whether glibc would wait until `t` on `clock` at all. */
bool wf_lock_valid_time(const struct timespec *t);
bool wf_lock_valid_clock(clockid_t clock);

/* The tid that glibc writes into objects the caller owns. */
int wf_lock_owner(void);

/* After an object changed: up to `n` waiters of it look again. Also from signal handlers. */
void wf_lock_wake(const void *object, size_t n);

/* Results as pthread_mutex_lock, and ETIMEDOUT. `f` NULL: a plain OS thread. */
int wf_lock_mutex(struct wf_fiber *f, pthread_mutex_t *m, int64_t deadline);
/* Whether the caller must take `m` that way, or may leave it to libc. */
bool wf_lock_mutex_by_lot(const struct wf_fiber *f, const pthread_mutex_t *m);

/* ---- the hooks ---- */

int wf_hook_mutex_lock(pthread_mutex_t *m);
int wf_hook_mutex_timedlock(pthread_mutex_t *m, const struct timespec *abs);
int wf_hook_mutex_unlock(pthread_mutex_t *m);

int wf_hook_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int wf_hook_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *abs);
int wf_hook_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                           const struct timespec *abs);
int wf_hook_cond_signal(pthread_cond_t *c);
int wf_hook_cond_broadcast(pthread_cond_t *c);

int wf_hook_sem_wait(sem_t *s);
int wf_hook_sem_timedwait(sem_t *s, const struct timespec *abs);
int wf_hook_sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *abs);
int wf_hook_sem_post(sem_t *s);

int wf_hook_rwlock_rdlock(pthread_rwlock_t *l);
int wf_hook_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *abs);
int wf_hook_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *abs);
int wf_hook_rwlock_wrlock(pthread_rwlock_t *l);
int wf_hook_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *abs);
int wf_hook_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *abs);
int wf_hook_rwlock_unlock(pthread_rwlock_t *l);

int wf_hook_barrier_wait(pthread_barrier_t *b);
int wf_hook_once(pthread_once_t *once, void (*fn)(void));

/* ---- in a forked child ---- */

void wf_barrier_after_fork(void);
void wf_once_after_fork(void);

#endif
