/* pthread_once. libc runs the initialiser, which may park; whoever comes meanwhile must not wait
 * inside libc, because that would stop the worker and with it the initialiser. So who runs an
 * initialiser says so in a list, and the others wait in the lot.
 *
 * The initialiser may leave by a C++ exception (std::call_once): this file is compiled with
 * -fexceptions, so that the claim is given up then too. */
#include "base/list.h"
#include "base/atomic.h"
#include "machine/lock.h"
#include "seam/hook.h"
#include "seam/locks.h"
#include "seam/parkinglot.h"

enum { ONCE_DONE = 2 }; /* glibc's bit in the control word */

/* On the stack of who runs the initialiser. */
struct claim {
    struct wf_list link;
    const pthread_once_t *once;
    unsigned generation;
};

static struct {
    struct wf_lock lock; /* protects the list */
    struct wf_list claims;
    unsigned generation; /* forks this process descends through; claims from before are void */
} onces = {.claims = {&onces.claims, &onces.claims}};

static bool is_done(const pthread_once_t *once)
{
    /* Pairs with libc's release store after the initialiser. */
    return __atomic_load_n(once, __ATOMIC_ACQUIRE) & ONCE_DONE;
}

/* Under the lock. */
static bool is_claimed(const pthread_once_t *once)
{
    for (struct wf_list *l = onces.claims.next; l != &onces.claims; l = l->next) {
        if (wf_container(l, struct claim, link)->once == once)
            return true;
    }
    return false;
}

static bool try_claim(struct claim *c)
{
    bool free_now;

    wf_lock(&onces.lock);
    free_now = !is_claimed(c->once);
    if (free_now) {
        c->generation = onces.generation;
        wf_list_push_back(&onces.claims, &c->link);
    }
    wf_unlock(&onces.lock);
    return free_now;
}

static void give_up(struct claim *c)
{
    wf_lock(&onces.lock);
    if (c->generation == onces.generation)
        wf_list_remove(&c->link);
    wf_unlock(&onces.lock);
    (void)wf_lot_wake(c->once, SIZE_MAX);
}

static void claim_or_wait(struct claim *c, struct wf_fiber *f)
{
    while (!try_claim(c)) {
        struct wf_lot_waiter w;

        wf_lot_enter(&w, f, c->once, 0);
        if (try_claim(c)) {
            wf_lot_leave(&w);
            return;
        }
        (void)wf_lot_sleep(&w, WF_NEVER);
    }
}

static int run(pthread_once_t *once, void (*fn)(void))
{
    __attribute__((cleanup(give_up))) struct claim c = {.once = once};

    claim_or_wait(&c, wf_seam_fiber());
    return pthread_once(once, fn);
}

int wf_hook_once(pthread_once_t *once, void (*fn)(void))
{
    return wf_seam_bypass || is_done(once) ? pthread_once(once, fn) : run(once, fn);
}

void wf_once_after_fork(void)
{
    onces.lock = (struct wf_lock){0};
    onces.generation++;
    wf_list_init(&onces.claims);
}
