/* C11's threads are glibc's pthreads under other names, with results of their own. */
#ifndef WF_SEAM_C11_H
#define WF_SEAM_C11_H

#include <threads.h>
#include <time.h>

int wf_hook_mtx_lock(mtx_t *m);
int wf_hook_mtx_timedlock(mtx_t *m, const struct timespec *abs);
int wf_hook_mtx_unlock(mtx_t *m);
int wf_hook_cnd_wait(cnd_t *c, mtx_t *m);
int wf_hook_cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *abs);
int wf_hook_cnd_signal(cnd_t *c);
int wf_hook_cnd_broadcast(cnd_t *c);
void wf_hook_call_once(once_flag *once, void (*fn)(void));

int wf_hook_thrd_create(thrd_t *id, thrd_start_t fn, void *arg);
int wf_hook_thrd_join(thrd_t id, int *result);
int wf_hook_thrd_detach(thrd_t id);
void wf_hook_thrd_exit(int result);
thrd_t wf_hook_thrd_current(void);

#endif
