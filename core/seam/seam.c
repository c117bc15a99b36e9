/* Opening the seam. */
#include "seam/seam.h"

#include "base/status.h"
#include "machine/lock.h"
#include "machine/tls.h"
#include "seam/interrupt.h"
#include "seam/parkinglot.h"
#include "seam/signal.h"

_Thread_local int wf_seam_bypass __attribute__((tls_model("initial-exec")));

static const struct wf_hook *const families[] = {
    wf_seam_socket_hooks, wf_seam_poll_hooks,   wf_seam_sleep_hooks,   wf_seam_file_hooks,
    wf_seam_lock_hooks,   wf_seam_thread_hooks, wf_seam_process_hooks, wf_seam_fork_hooks,
    wf_seam_signal_hooks, wf_seam_dns_hooks,    wf_seam_dl_hooks,
};

static struct {
    struct wf_lock lock; /* protects all below, and the state of elf.c and policy.c */
    bool open;
    enum wf_policy policy;
    size_t slots;
} seam;

/* Under the lock. */
static int patch(void)
{
    size_t slots = 0;
    int err = wf_elf_patch_new(wf_policy_choose, &slots);

    seam.slots += slots;
    return err;
}

static void add_families(void)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        wf_elf_add_hooks(families[i]);
}

/* Under the lock. */
static int open_first(struct wf_processor *p, enum wf_policy policy, const char *const *modules)
{
    int err = wf_policy_set(policy, modules);

    if (err || policy == WF_POLICY_NONE)
        return err;
    err = wf_tls_init(); /* hooked code believes it runs in a pthread of its own */
    if (err)
        return err;
    add_families();
    seam.open = true;
    seam.policy = policy;
    err = patch();
    wf_seam_signal_open(p);
    return err;
}

int wf_seam_open(struct wf_processor *p, enum wf_policy policy, const char *const *modules)
{
    int err;

    wf_lock(&seam.lock);
    if (!seam.open)
        err = open_first(p, policy, modules);
    else if (seam.policy != policy)
        err = WF_EBUSY;
    else
        err = patch();
    wf_unlock(&seam.lock);
    return err;
}

int wf_seam_host(int signal_number, int (*interrupt)(int signal_number), const char *module)
{
    int err;

    wf_lock(&seam.lock);
    err = wf_policy_set_host(module);
    if (!err)
        wf_seam_host_set(signal_number, interrupt);
    wf_unlock(&seam.lock);
    return err;
}

size_t wf_seam_slots_patched(void)
{
    size_t n;

    wf_lock(&seam.lock);
    n = seam.slots;
    wf_unlock(&seam.lock);
    return n;
}

void wf_seam_patch_new(void)
{
    wf_lock(&seam.lock);
    (void)patch(); /* out of memory: the object stays unpatched and blocks, as without weft */
    wf_unlock(&seam.lock);
    wf_tls_rescan();
}

void wf_seam_after_fork(void)
{
    seam.lock = (struct wf_lock){0};
    wf_lot_after_fork();
}
