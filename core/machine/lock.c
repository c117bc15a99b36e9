/* The sleeping half of wf_lock, and the parker: the two places that use a futex. */
#include "machine/lock.h"

#include "machine/clock.h"
#include "machine/parker.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPINS = 100 };

/* errno belongs to the user's code that we stand in for. */
static void futex_wait(_Atomic int *word, int expected, const struct timespec *until)
{
    int saved = errno;

    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, until, NULL,
            FUTEX_BITSET_MATCH_ANY);
    errno = saved;
}

static void futex_wake(_Atomic int *word)
{
    int saved = errno;

    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved;
}

void wf_lock_slow(struct wf_lock *l)
{
    for (int i = 0; i < SPINS; i++) {
        int free_word = 0;

        wf_cpu_relax();
        if (wf_load(&l->word) == 0 && wf_cas_acq_rel(&l->word, &free_word, 1))
            return;
    }
    /* Pairs with the exchange in wf_unlock. */
    while (wf_exchange_acq_rel(&l->word, 2) != 0)
        futex_wait(&l->word, 2, NULL);
}

void wf_unlock_slow(struct wf_lock *l)
{
    futex_wake(&l->word);
}

void wf_parker_init(struct wf_parker *p)
{
    wf_store(&p->token, 0);
}

bool wf_parker_wait(struct wf_parker *p, int64_t deadline)
{
    struct timespec until = wf_clock_timespec(deadline);

    for (;;) {
        int one = 1;

        /* Pairs with the exchange in wf_parker_wake: what the waker wrote is seen. */
        if (wf_cas_acq_rel(&p->token, &one, 0))
            return true;
        if (deadline != WF_NEVER && wf_clock_now() >= deadline)
            return false;
        futex_wait(&p->token, 0, deadline == WF_NEVER ? NULL : &until);
    }
}

void wf_parker_wake(struct wf_parker *p)
{
    /* Pairs with the compare-exchange in wf_parker_wait. */
    if (wf_exchange_acq_rel(&p->token, 1) == 0)
        futex_wake(&p->token);
}
