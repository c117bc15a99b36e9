/* Versions, texts, the clock, start and stop, counters. */
#include "api.h"

#include <pthread.h>

static const size_t MAX_STACK = (size_t)1 << 30;

static struct {
    pthread_once_t once;
    int watched; /* pthread_atfork's answer */
    bool forked; /* since the runtime was started; written in the child, which has one thread */
} fork_watch = {.once = PTHREAD_ONCE_INIT};

WEFT_API uint32_t weft_version(void)
{
    return WEFT_VERSION;
}

static uint32_t major_of(uint32_t version)
{
    return version >> 16;
}

static uint32_t minor_of(uint32_t version)
{
    return version >> 8 & 0xff;
}

WEFT_API int weft_check(uint32_t version, uint32_t config_size, uint32_t stats_size)
{
    if (version > WEFT_VERSION || major_of(version) != WEFT_VERSION_MAJOR)
        return WF_EMISMATCH;
    if (WEFT_VERSION_MAJOR == 0 && minor_of(version) != WEFT_VERSION_MINOR)
        return WF_EMISMATCH;
    if (config_size != sizeof(weft_config) || stats_size != sizeof(weft_stats))
        return WF_EMISMATCH;
    return WF_OK;
}

WEFT_API const char *weft_strerror(int code)
{
    return wf_status_text(code);
}

WEFT_API const char *weft_err_name(int code)
{
    return wf_status_name(code);
}

WEFT_API int64_t weft_now(void)
{
    return wf_clock_now();
}

static void in_forked_child(void)
{
    wf_handle_after_fork();
    fork_watch.forked = wf_runtime_started();
}

/* Two ways to hear of a fork: of one by a plain OS thread, and of _Fork, which calls no handlers.
 * To hear of the same twice does no harm. */
static void watch_forks(void)
{
    wf_scope_forked = in_forked_child;
    fork_watch.watched = pthread_atfork(NULL, NULL, in_forked_child);
}

static int read_config(const weft_config *config, struct wf_runtime_config *out)
{
    int err;

    *out = (struct wf_runtime_config){0};
    if (!config)
        return WF_OK;
    err = wf_api_size(config->size, sizeof(*config));
    if (err)
        return err;
    if (config->flags != 0 || config->stack_light > MAX_STACK || config->stack_thread > MAX_STACK)
        return WF_EINVAL;
    out->processors = config->processors;
    out->stack_light = config->stack_light;
    out->stack_thread = config->stack_thread;
    return WF_OK;
}

WEFT_API int weft_start(const weft_config *config)
{
    struct wf_runtime_config c;
    int err = read_config(config, &c);

    if (err)
        return err;
    pthread_once(&fork_watch.once, watch_forks);
    if (fork_watch.watched != 0)
        return WF_ENOMEM;
    return wf_runtime_start(&c);
}

WEFT_API int weft_stop(void)
{
    int err = wf_api_started();

    if (err)
        return err;
    if (fork_watch.forked)
        return WF_EFORKED;
    err = wf_runtime_stop();
    if (err == WF_ENOTFIBER)
        return WF_EORDER;
    if (!err)
        wf_handle_drop_all();
    return err;
}

WEFT_API int weft_stats_read(weft_stats *out)
{
    struct wf_runtime_stats s;
    int err = wf_api_started();

    if (err)
        return err;
    if (!out)
        return WF_EINVAL;
    err = wf_api_size(out->size, sizeof(*out));
    if (err)
        return err;
    wf_runtime_stats(&s);
    *out = (weft_stats){
        .size = sizeof(*out),
        .fibers_live = s.fibers_live,
        .fibers_peak = s.fibers_peak,
        .fibers_spawned = s.fibers_spawned,
        .switches = s.switches,
        .parks = s.parks,
        .polls = s.polls,
        .events = s.events,
        .stacks_cached = s.stacks_cached,
        .slots_patched = s.slots_patched,
        .os_threads = s.os_threads,
        .interrupts = s.interrupts,
    };
    return WF_OK;
}
