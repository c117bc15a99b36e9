/* When and how a blocked libc call is cut; the recipe is in interrupt.h. Everything here runs in
 * the fiber concerned, so its record needs no lock. */
#include "seam/interrupt.h"

#include "io/ready.h"
#include "seam/signal.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    REPEAT_FIRST_NS = 1000000,
    REPEAT_MAX_NS = 20000000,
    MAIN_LOOKS_WITHIN_NS = 50000000,
    SWALLOWED_LIMIT = 3, /* after so many EINTRs nobody asked about, ECANCELED */
};

/* Written once, before the seam opens. */
static struct {
    int signal_number;
    int (*interrupt)(int signal_number);
} host;

static _Atomic uint64_t delivered;

void wf_seam_host_set(int signal_number, int (*interrupt)(int signal_number))
{
    host.signal_number = signal_number;
    host.interrupt = interrupt;
}

/* An interrupt that was given and not acknowledged is repeated after 1, 2, 4 .. 20 ms. */
static int64_t repeat_delay(unsigned swallowed)
{
    int64_t delay = REPEAT_FIRST_NS;

    for (unsigned i = 1; i < swallowed && delay < REPEAT_MAX_NS; i++)
        delay *= 2;
    return wf_clock_min(delay, REPEAT_MAX_NS);
}

static int give_interrupt(struct wf_fiber *f, enum wf_seam_call call)
{
    struct wf_interrupt *i = &f->interrupt;

    bool may_refuse = call == WF_SEAM_IO || call == WF_SEAM_NAP;

    if (!host.interrupt || (may_refuse && i->swallowed >= SWALLOWED_LIMIT))
        return ECANCELED;
    i->swallowed++;
    i->pending = true;
    i->tripped = false;
    i->repeat_at = wf_clock_after(repeat_delay(i->swallowed));
    return EINTR;
}

int wf_seam_wait_begin(struct wf_seam_wait *w, struct wf_fiber *f, enum wf_seam_call call,
                       int64_t deadline)
{
    *w = (struct wf_seam_wait){
        .fiber = f,
        .call = call,
        .deadline = deadline,
        .until = deadline,
        .flags = WF_PARK_INTERRUPTIBLE,
    };
    if (call == WF_SEAM_LOCK && !host.interrupt) {
        /* Its caller knows no errno that means "cancelled"; a signal still ends it. */
        w->flags = wf_fiber_interrupted(f) ? 0 : WF_PARK_INTERRUPTIBLE;
        return 0;
    }
    if (!wf_fiber_interrupted(f)) {
        f->interrupt.swallowed = 0;
        f->interrupt.pending = false;
        return 0;
    }
    if (f->interrupt.swallowed == 0 || wf_clock_now() >= f->interrupt.repeat_at)
        return give_interrupt(f, call);
    w->flags = 0; /* it was told and did not listen: wait for real until the next repeat */
    w->until = wf_clock_min(deadline, f->interrupt.repeat_at);
    return 0;
}

/* As the kernel does after a handler with SA_RESTART, for the calls that it restarts. Counted from
 * the call's entry: a handler that runs between two looks of one call ends it too. */
static bool restarts(const struct wf_seam_wait *w)
{
    return (w->call == WF_SEAM_IO || w->call == WF_SEAM_LOCK) &&
           w->fiber->interrupt.cuts == wf_seam_signal_cuts();
}

int wf_seam_wait_end(struct wf_seam_wait *w, enum wf_park_result r)
{
    switch (r) {
    case WF_PARK_OK:
        return 0;
    case WF_PARK_TIMEOUT:
        return w->until < w->deadline ? 0 : ETIMEDOUT;
    case WF_PARK_SIGNAL:
        return restarts(w) ? 0 : EINTR;
    case WF_PARK_CANCEL:
        if (w->call == WF_SEAM_LOCK && !host.interrupt)
            return 0;
        return give_interrupt(w->fiber, w->call);
    }
    return 0;
}

int wf_seam_wait_fd(struct wf_fiber *f, int fd, short events, int64_t deadline)
{
    struct wf_fd_wait wait = {.fd = fd, .events = events};
    struct wf_seam_wait w;
    /* Only SO_RCVTIMEO and SO_SNDTIMEO give a deadline here. */
    enum wf_seam_call call = deadline == WF_NEVER ? WF_SEAM_IO : WF_SEAM_NAP;
    int err = wf_seam_wait_begin(&w, f, call, deadline);

    if (err)
        return err;
    err = wf_seam_wait_end(&w, wf_ready_wait(f, &wait, 1, w.until, w.flags));
    return wait.closed ? EBADF : err;
}

int wf_seam_sleep_until(struct wf_fiber *f, enum wf_wait_reason why, int64_t deadline)
{
    int err;

    do {
        struct wf_seam_wait w;

        err = wf_seam_wait_begin(&w, f, WF_SEAM_NAP, deadline);
        if (err)
            return err;
        if (deadline <= wf_clock_now()) { /* a loop of sleep(0) waits for somebody to run */
            wf_yield(f);
            return ETIMEDOUT;
        }
        wf_park_prepare(f, why, w.flags);
        err = wf_seam_wait_end(&w, wf_park_commit(f, w.until));
    } while (err == 0);
    return err;
}

/* ---- real signals ---- */

bool wf_seam_hold_signal(int sig)
{
    struct wf_fiber *f = wf_fiber_self();

    if (!f || (f->flags & WF_FIBER_MAIN) || !f->interrupt.pending || !f->interrupt.tripped)
        return false;
    f->interrupt.held |= UINT64_C(1) << (sig - 1);
    return true;
}

void wf_seam_release_signals(struct wf_fiber *f)
{
    uint64_t held = f->interrupt.held;
    int saved = errno;

    f->interrupt.held = 0;
    for (int sig = 1; held; sig++, held >>= 1) {
        if (held & 1)
            syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
    }
    errno = saved;
}

void wf_seam_signal_is_mains(struct wf_processor *p)
{
    if (host.interrupt)
        wf_store(&p->signal_due, wf_clock_after(MAIN_LOOKS_WITHIN_NS));
}

static bool main_has_first_claim(struct wf_processor *p)
{
    int64_t due = wf_load(&p->signal_due);

    return due != 0 && wf_clock_now() < due;
}

void wf_seam_main_looked(struct wf_fiber *main)
{
    wf_store(&main->home->signal_due, 0);
    wf_processor_signals_seen(main->home);
}

/* ---- the host's side ---- */

bool wf_seam_impersonates_main(struct wf_fiber *f)
{
    struct wf_interrupt *i = &f->interrupt;

    if (!i->pending)
        return false;
    if (!i->tripped && !(f->flags & WF_FIBER_MAIN) && main_has_first_claim(f->home)) {
        i->swallowed = 1; /* not its fault: no ECANCELED for that */
        return false;
    }
    /* Once for each EINTR: the interrupt function itself asks who it is (CPython 3.11, 3.12), and
     * so does the handler's first bytecode (3.13), which would run the handler again. */
    if (!i->tripped) {
        i->tripped = true;
        host.interrupt(host.signal_number);
    }
    return true;
}

bool wf_seam_interrupt_ack(struct wf_fiber *f)
{
    struct wf_interrupt *i = &f->interrupt;
    bool was = i->pending;

    i->pending = false;
    i->swallowed = 0;
    if (was)
        wf_add(&delivered, 1);
    if (i->held)
        wf_seam_release_signals(f);
    return was;
}

uint64_t wf_seam_interrupts(void)
{
    return wf_load(&delivered);
}
