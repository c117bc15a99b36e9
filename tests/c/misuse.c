/* Calls with wrong arguments and from wrong places: each gives its code and does no harm. */
#include "check.h"

#include <pthread.h>
#include <signal.h>

static weft_outcome out = {.size = sizeof(out)};
static weft_cancel_info info = {.size = sizeof(info)};

/* ---- before the start, after the stop ---- */

/* Every call that needs a runtime, with arguments that are otherwise right. */
static void all_say(int code)
{
    weft_scope_opts opts = {.size = sizeof(opts), .deadline_ns = WEFT_NEVER};
    weft_stats stats = {.size = sizeof(stats)};
    weft_nursery *n;
    weft_fiber *f;
    weft_token *t;
    int32_t state;

    FAILS(code, weft_stop());
    FAILS(code, weft_stats_read(&stats));
    FAILS(code, weft_spawn(NULL, returns_at_once, NULL, NULL, &f));
    FAILS(code, weft_adopt(NULL, NULL, &f));
    FAILS(code, weft_adopt_abort());
    FAILS(code, weft_join(NULL, WEFT_NEVER, &out));
    FAILS(code, weft_fiber_cancel(NULL, NULL));
    FAILS(code, weft_fiber_state_get(NULL, &state));
    FAILS(code, weft_fiber_release(NULL));
    FAILS(code, weft_self(&f));
    FAILS(code, weft_yield());
    FAILS(code, weft_sleep(0));
    FAILS(code, weft_sleep_until(0));
    FAILS(code, weft_checkpoint());
    FAILS(code, weft_outcome_set(WEFT_VALUE, 0));
    FAILS(code, weft_nursery_open(NULL, &n));
    FAILS(code, weft_nursery_cancel(NULL, NULL));
    FAILS(code, weft_nursery_close(NULL, WEFT_VALUE, &out));
    FAILS(code, weft_nursery_info(NULL, &info));
    FAILS(code, weft_scope_open(&opts, &t));
    FAILS(code, weft_scope_close(NULL, WEFT_VALUE, &out));
    FAILS(code, weft_token_current(&t));
    FAILS(code, weft_token_cancel(NULL, NULL));
    FAILS(code, weft_token_info(NULL, &info));
    FAILS(code, weft_token_release(NULL));
    FAILS(code, weft_cancel_state(&info));
    CHECK_EQ(weft_host_interrupt_ack(&info), 0);
}

static void not_started(void)
{
    OK(weft_stop());
    all_say(WEFT_ENOTSTARTED);
    CHECK(weft_now() > 0);
    CHECK_EQ(weft_version(), WEFT_VERSION);
    OK(weft_start(NULL));
}

static void started_twice(void)
{
    FAILS(WEFT_ESTARTED, weft_start(NULL));
}

static void stopped_while_busy(void)
{
    weft_nursery *n = open_nursery();
    weft_token *t;

    FAILS(WEFT_EBUSY, weft_stop());
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    t = open_scope(WEFT_NEVER);
    FAILS(WEFT_EBUSY, weft_stop());
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
}

static int stops(void *arg)
{
    (void)arg;
    return weft_stop();
}

static void stopped_by_another_fiber(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *f = spawn(n, stops, NULL);

    CHECK_EQ(join(f).code, WEFT_EORDER);
    close_with(n, WEFT_VALUE, WEFT_ERROR, 1);
    OK(weft_fiber_release(f));
}

static void bad_config(void)
{
    weft_config c = {.size = sizeof(c)};

    OK(weft_stop());
    c.processors = 2;
    FAILS(WEFT_EINVAL, weft_start(&c));
    c.processors = 1;
    c.flags = 1;
    FAILS(WEFT_EINVAL, weft_start(&c));
    c.flags = 0;
    c.stack_light = 1;
    FAILS(WEFT_EINVAL, weft_start(&c));
    c.stack_light = (size_t)-1;
    FAILS(WEFT_EINVAL, weft_start(&c));
    c.stack_light = 0;
    c.stack_thread = (size_t)1 << 40;
    FAILS(WEFT_EINVAL, weft_start(&c));
    c.stack_thread = 0;
    c.size = 8;
    FAILS(WEFT_EMISMATCH, weft_start(&c));
    c.size = sizeof(c);
    OK(weft_start(&c));
}

static void versions(void)
{
    uint32_t config = sizeof(weft_config), stats = sizeof(weft_stats);

    OK(weft_check(WEFT_VERSION, config, stats));
    FAILS(WEFT_EMISMATCH, weft_check(WEFT_VERSION + 1, config, stats));
    FAILS(WEFT_EMISMATCH, weft_check(WEFT_VERSION + (1 << 8), config, stats));
    FAILS(WEFT_EMISMATCH, weft_check(WEFT_VERSION + (1 << 16), config, stats));
    FAILS(WEFT_EMISMATCH, weft_check(0, config, stats));
    FAILS(WEFT_EMISMATCH, weft_check(WEFT_VERSION, config - 1, stats));
    FAILS(WEFT_EMISMATCH, weft_check(WEFT_VERSION, config, stats + 8));
}

static void texts(void)
{
    CHECK(strcmp(weft_err_name(WEFT_ECANCELED), "WEFT_ECANCELED") == 0);
    CHECK(strcmp(weft_strerror(WEFT_OK), "success") == 0);
    for (int code = 5; code > -200; code--) {
        CHECK(weft_strerror(code)[0] != '\0');
        CHECK(weft_err_name(code)[0] != '\0');
    }
}

/* ---- not a fiber ---- */

static void *in_a_thread(void *arg)
{
    weft_scope_opts opts = {.size = sizeof(opts), .deadline_ns = WEFT_NEVER};
    weft_nursery *n;
    weft_fiber *f;
    weft_token *t;

    FAILS(WEFT_EORDER, weft_stop());
    FAILS(WEFT_ESTARTED, weft_start(NULL));
    FAILS(WEFT_ENOTFIBER, weft_spawn(arg, returns_at_once, NULL, NULL, &f));
    FAILS(WEFT_ENOTFIBER, weft_adopt(arg, NULL, &f));
    FAILS(WEFT_ENOTFIBER, weft_adopt_abort());
    FAILS(WEFT_ENOTFIBER, weft_join(NULL, WEFT_NEVER, &out));
    FAILS(WEFT_ENOTFIBER, weft_self(&f));
    FAILS(WEFT_ENOTFIBER, weft_yield());
    FAILS(WEFT_ENOTFIBER, weft_sleep(0));
    FAILS(WEFT_ENOTFIBER, weft_sleep_until(0));
    FAILS(WEFT_ENOTFIBER, weft_checkpoint());
    FAILS(WEFT_ENOTFIBER, weft_outcome_set(WEFT_VALUE, 0));
    FAILS(WEFT_ENOTFIBER, weft_nursery_open(NULL, &n));
    FAILS(WEFT_ENOTFIBER, weft_nursery_close(arg, WEFT_VALUE, &out));
    FAILS(WEFT_ENOTFIBER, weft_scope_open(&opts, &t));
    FAILS(WEFT_ENOTFIBER, weft_token_current(&t));
    FAILS(WEFT_ENOTFIBER, weft_cancel_state(&info));
    CHECK_EQ(weft_host_interrupt_ack(NULL), 0);
    OK(weft_nursery_info(arg, &info));
    OK(weft_nursery_cancel(arg, "from a thread"));
    return NULL;
}

static void not_a_fiber(void)
{
    weft_nursery *n = open_nursery();
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, in_a_thread, n), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    FAILS(WEFT_ECANCELED, weft_sleep(1));
    CHECK(strcmp(state_here().text, "from a thread") == 0);
    close_with(n, WEFT_CANCELLED, WEFT_VALUE, 0);
}

/* ---- handles ---- */

static void no_kind_of_handle(void *h)
{
    int32_t state;

    FAILS(WEFT_EBADHANDLE, weft_spawn(h, returns_at_once, NULL, NULL, NULL));
    FAILS(WEFT_EBADHANDLE, weft_adopt(h, NULL, NULL));
    FAILS(WEFT_EBADHANDLE, weft_join(h, 0, NULL));
    FAILS(WEFT_EBADHANDLE, weft_fiber_cancel(h, NULL));
    FAILS(WEFT_EBADHANDLE, weft_fiber_state_get(h, &state));
    FAILS(WEFT_EBADHANDLE, weft_fiber_release(h));
    FAILS(WEFT_EBADHANDLE, weft_nursery_cancel(h, NULL));
    FAILS(WEFT_EBADHANDLE, weft_nursery_close(h, WEFT_VALUE, &out));
    FAILS(WEFT_EBADHANDLE, weft_nursery_info(h, &info));
    FAILS(WEFT_EBADHANDLE, weft_scope_close(h, WEFT_VALUE, &out));
    FAILS(WEFT_EBADHANDLE, weft_token_cancel(h, NULL));
    FAILS(WEFT_EBADHANDLE, weft_token_info(h, &info));
    FAILS(WEFT_EBADHANDLE, weft_token_release(h));
}

static void foreign_handles(void)
{
    weft_nursery *n = open_nursery();
    uint64_t value = (uint64_t)(uintptr_t)n;
    int on_the_stack;

    no_kind_of_handle(NULL);
    no_kind_of_handle(&on_the_stack);
    no_kind_of_handle((void *)(uintptr_t)strlen);
    no_kind_of_handle((void *)(uintptr_t)UINT64_MAX);
    for (int bit = 0; bit < 64; bit++) /* another index, generation or kind */
        no_kind_of_handle((void *)(uintptr_t)(value ^ UINT64_C(1) << bit));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    no_kind_of_handle(n);
}

static void stale_handles(void)
{
    weft_nursery *n = open_nursery(), *old = n;
    weft_fiber *f = spawn(n, sleeps_long, NULL);
    weft_token *t = open_scope(WEFT_NEVER);

    OK(weft_fiber_release(f));
    no_kind_of_handle(f);
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
    no_kind_of_handle(t);
    OK(weft_token_current(&t));
    OK(weft_token_release(t));
    no_kind_of_handle(t);
    OK(weft_nursery_cancel(n, NULL));
    close_with(n, WEFT_CANCELLED, WEFT_VALUE, 0);
    no_kind_of_handle(n);
    for (int i = 0; i < 1000; i++) { /* the slot comes back, the handle does not */
        n = open_nursery();
        CHECK(n != old);
        no_kind_of_handle(old);
        close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    }
}

static void handles_of_another_kind(void)
{
    weft_nursery *n = open_nursery();
    weft_token *scope = open_scope(WEFT_NEVER), *token;
    weft_fiber *self;
    int32_t state;

    OK(weft_self(&self));
    OK(weft_token_current(&token));
    FAILS(WEFT_EBADHANDLE, weft_fiber_cancel((weft_fiber *)(void *)n, NULL));
    FAILS(WEFT_EBADHANDLE, weft_fiber_state_get((weft_fiber *)(void *)scope, &state));
    FAILS(WEFT_EBADHANDLE, weft_nursery_cancel((weft_nursery *)(void *)self, NULL));
    FAILS(WEFT_EBADHANDLE, weft_nursery_close((weft_nursery *)(void *)token, WEFT_VALUE, &out));
    FAILS(WEFT_EBADHANDLE, weft_token_cancel((weft_token *)(void *)n, NULL));
    FAILS(WEFT_EBADHANDLE, weft_token_info((weft_token *)(void *)self, &info));
    FAILS(WEFT_EBADHANDLE, weft_scope_close(token, WEFT_VALUE, &out));
    FAILS(WEFT_EORDER, weft_token_release(scope));
    OK(weft_token_info(scope, &info));
    OK(weft_token_info(token, &info));
    OK(weft_fiber_release(self));
    OK(weft_token_release(token));
    close_scope(scope, WEFT_VALUE, WEFT_VALUE, 0);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
}

static void handles_of_an_earlier_runtime(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *f = spawn(n, returns_at_once, NULL), *again;

    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_stop());
    OK(weft_start(NULL));
    no_kind_of_handle(f);
    n = open_nursery();
    again = spawn(n, returns_at_once, NULL);
    CHECK(again != f);
    no_kind_of_handle(f);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
    OK(weft_fiber_release(again));
}

/* ---- arguments ---- */

static void null_arguments(void)
{
    weft_nursery *n = open_nursery();
    weft_token *t = (weft_token *)(void *)n;
    weft_fiber *self, *f = (weft_fiber *)(void *)&self;

    OK(weft_self(&self));
    FAILS(WEFT_EINVAL, weft_stats_read(NULL));
    FAILS(WEFT_EINVAL, weft_spawn(n, NULL, NULL, NULL, &f));
    CHECK_EQ((uintptr_t)f, 0);
    FAILS(WEFT_EINVAL, weft_fiber_state_get(self, NULL));
    FAILS(WEFT_EINVAL, weft_self(NULL));
    FAILS(WEFT_EINVAL, weft_nursery_open(NULL, NULL));
    FAILS(WEFT_EINVAL, weft_nursery_close(n, WEFT_VALUE, NULL));
    FAILS(WEFT_EINVAL, weft_nursery_info(n, NULL));
    FAILS(WEFT_EINVAL, weft_scope_open(NULL, &t));
    CHECK_EQ((uintptr_t)t, 0);
    OK(weft_token_current(&t));
    FAILS(WEFT_EINVAL, weft_token_info(t, NULL));
    OK(weft_token_release(t));
    FAILS(WEFT_EINVAL, weft_token_current(NULL));
    FAILS(WEFT_EINVAL, weft_cancel_state(NULL));
    FAILS(WEFT_EINVAL, weft_host_set(NULL));
    OK(weft_fiber_release(self));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
}

static void numbers_out_of_range(void)
{
    weft_nursery *n = open_nursery();
    weft_scope_opts opts = {.size = sizeof(opts), .flags = 2};
    weft_token *t;

    FAILS(WEFT_EINVAL, weft_sleep(-1));
    FAILS(WEFT_EINVAL, weft_sleep(INT64_MIN));
    OK(weft_sleep_until(INT64_MIN));
    FAILS(WEFT_EINVAL, weft_outcome_set(4, 0));
    FAILS(WEFT_EINVAL, weft_outcome_set(-1, 0));
    FAILS(WEFT_EINVAL, weft_outcome_set(WEFT_VALUE, 1));
    FAILS(WEFT_EINVAL, weft_nursery_close(n, 4, &out));
    FAILS(WEFT_EINVAL, weft_nursery_close(n, -1, &out));
    FAILS(WEFT_EINVAL, weft_scope_open(&opts, &t));
    opts.flags = 0;
    opts.grace_ns = -1;
    FAILS(WEFT_EINVAL, weft_scope_open(&opts, &t));
    t = open_scope(WEFT_NEVER);
    FAILS(WEFT_EINVAL, weft_scope_close(t, 17, &out));
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
}

static void bad_spawn(weft_nursery *n, weft_spawn_opts opts, int code)
{
    weft_fiber *f = (weft_fiber *)(void *)n;

    FAILS(code, weft_spawn(n, returns_at_once, NULL, &opts, &f));
    CHECK_EQ((uintptr_t)f, 0);
    FAILS(code, weft_adopt(n, &opts, &f));
    CHECK_EQ((uintptr_t)f, 0);
}

static void spawn_options(void)
{
    enum { SIZE = sizeof(weft_spawn_opts) };
    weft_nursery *n = open_nursery();

    bad_spawn(n, (weft_spawn_opts){.size = SIZE, .flags = 4}, WEFT_EINVAL);
    bad_spawn(n, (weft_spawn_opts){.size = SIZE, .stack = 1}, WEFT_EINVAL);
    bad_spawn(n, (weft_spawn_opts){.size = SIZE, .stack = (size_t)-1}, WEFT_EINVAL);
    bad_spawn(n, (weft_spawn_opts){.size = SIZE, .stack = (size_t)1 << 40}, WEFT_EINVAL);
    bad_spawn(n, (weft_spawn_opts){.size = SIZE, .stack = 16 << 10, .flags = WEFT_SPAWN_THREAD},
              WEFT_EINVAL);
    bad_spawn(n, (weft_spawn_opts){.size = 0}, WEFT_EMISMATCH);
    bad_spawn(n, (weft_spawn_opts){.size = SIZE + 8}, WEFT_EMISMATCH);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
}

static void struct_sizes(void)
{
    weft_nursery *n = open_nursery(), *none;
    weft_token *t = open_scope(WEFT_NEVER), *no_token;
    weft_outcome small = {.size = 4};
    weft_cancel_info large = {.size = sizeof(large) + 1};
    weft_stats stats = {.size = 0};
    weft_nursery_opts nursery = {.size = 1};
    weft_scope_opts scope = {.size = 0};
    weft_host host = {.size = 3};
    weft_fiber *self;

    OK(weft_self(&self));
    FAILS(WEFT_EMISMATCH, weft_stats_read(&stats));
    FAILS(WEFT_EMISMATCH, weft_nursery_open(&nursery, &none));
    FAILS(WEFT_EMISMATCH, weft_nursery_close(n, WEFT_VALUE, &small));
    FAILS(WEFT_EMISMATCH, weft_nursery_info(n, &large));
    FAILS(WEFT_EMISMATCH, weft_scope_open(&scope, &no_token));
    FAILS(WEFT_EMISMATCH, weft_scope_close(t, WEFT_VALUE, &small));
    FAILS(WEFT_EMISMATCH, weft_token_info(t, &large));
    FAILS(WEFT_EMISMATCH, weft_cancel_state(&large));
    FAILS(WEFT_EMISMATCH, weft_join(self, 0, &small));
    FAILS(WEFT_EMISMATCH, weft_host_set(&host));
    OK(weft_fiber_release(self));
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
}

static void seam_arguments(void)
{
    static const char *const modules[] = {"libpq", NULL}, *const none[] = {NULL};
    weft_host host = {.size = sizeof(host), .signal_number = 1000};

    FAILS(WEFT_EINVAL, weft_seam_open(3, NULL));
    FAILS(WEFT_EINVAL, weft_seam_open(-1, NULL));
    FAILS(WEFT_EINVAL, weft_seam_open(WEFT_SEAM_LISTED, NULL));
    FAILS(WEFT_EINVAL, weft_seam_open(WEFT_SEAM_LISTED, none));
    FAILS(WEFT_EINVAL, weft_seam_open(WEFT_SEAM_PROCESS, modules));
    FAILS(WEFT_EINVAL, weft_seam_open(WEFT_SEAM_NONE, modules));
    OK(weft_seam_open(WEFT_SEAM_NONE, NULL));
    FAILS(WEFT_EINVAL, weft_host_set(&host));
    host.interrupt = raise;
    host.signal_number = 0;
    FAILS(WEFT_EINVAL, weft_host_set(&host));
    host.interrupt = NULL;
    OK(weft_host_set(&host));
    CHECK_EQ(weft_host_interrupt_ack(&info), 0);
}

/* ---- places ---- */

static void joined_by_itself(void)
{
    weft_fiber *self;

    OK(weft_self(&self));
    FAILS(WEFT_EDEADLOCK, weft_join(self, WEFT_NEVER, NULL));
    OK(weft_fiber_release(self));
}

static int closes(void *arg)
{
    weft_outcome left = {.size = sizeof(left)};

    return weft_nursery_close(arg, WEFT_VALUE, &left);
}

static int closes_scope(void *arg)
{
    weft_outcome left = {.size = sizeof(left)};

    return weft_scope_close(arg, WEFT_VALUE, &left);
}

static void closed_from_a_child(void)
{
    weft_nursery *n = open_nursery();
    weft_token *t = open_scope(WEFT_NEVER);
    weft_fiber *a = spawn(n, closes, n), *b;

    CHECK_EQ(join(a).code, WEFT_EORDER);
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
    close_with(n, WEFT_VALUE, WEFT_ERROR, 1);
    n = open_nursery();
    t = open_scope(WEFT_NEVER);
    b = spawn(n, closes_scope, t);
    CHECK_EQ(join(b).code, WEFT_EORDER);
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
    close_with(n, WEFT_VALUE, WEFT_ERROR, 1);
    OK(weft_fiber_release(a));
    OK(weft_fiber_release(b));
}

static void closed_out_of_order(void)
{
    weft_nursery *outer = open_nursery(), *inner;
    weft_token *t = open_scope(WEFT_NEVER);

    inner = open_nursery();
    FAILS(WEFT_EORDER, weft_nursery_close(outer, WEFT_VALUE, &out));
    FAILS(WEFT_EORDER, weft_scope_close(t, WEFT_VALUE, &out));
    close_with(inner, WEFT_VALUE, WEFT_VALUE, 0);
    FAILS(WEFT_EORDER, weft_nursery_close(outer, WEFT_VALUE, &out));
    close_scope(t, WEFT_VALUE, WEFT_VALUE, 0);
    close_with(outer, WEFT_VALUE, WEFT_VALUE, 0);
}

static weft_nursery *left_open;

static int forgets_to_close(void *arg)
{
    weft_token *t = open_scope(WEFT_NEVER);

    (void)t;
    left_open = open_nursery();
    start(left_open, sleeps_long, arg);
    OK(weft_yield());
    return 0;
}

static void what_was_left_open(void)
{
    weft_nursery *n = open_nursery();
    weft_fiber *f = spawn(n, forgets_to_close, NULL);

    CHECK_EQ(join(f).code, WEFT_EORDER);
    FAILS(WEFT_ECLOSED, weft_spawn(left_open, returns_at_once, NULL, NULL, NULL));
    FAILS(WEFT_ECLOSED, weft_adopt(left_open, NULL, NULL));
    FAILS(WEFT_EORDER, weft_nursery_close(left_open, WEFT_VALUE, &out));
    OK(weft_nursery_cancel(left_open, NULL));
    close_with(n, WEFT_VALUE, WEFT_ERROR, 1);
    OK(weft_fiber_release(f));
}

static void adopted_and_not_made(void)
{
    weft_nursery *n = open_limited(1);
    weft_fiber *f, *second = (weft_fiber *)(void *)n;

    OK(weft_adopt_abort());
    OK(weft_adopt(n, NULL, &f));
    CHECK_EQ(state_of(f), WEFT_FIBER_PENDING);
    FAILS(WEFT_EBUSY, weft_adopt(n, NULL, &second));
    CHECK_EQ((uintptr_t)second, 0);
    OK(weft_adopt_abort());
    no_kind_of_handle(f);
    OK(weft_adopt(n, NULL, &f)); /* the place is free again */
    OK(weft_fiber_release(f));
    OK(weft_adopt_abort());
    OK(weft_adopt(n, NULL, NULL));
    close_with(n, WEFT_VALUE, WEFT_VALUE, 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"not_started", not_started},
        {"started_twice", started_twice},
        {"stopped_while_busy", stopped_while_busy},
        {"stopped_by_another_fiber", stopped_by_another_fiber},
        {"bad_config", bad_config},
        {"versions", versions},
        {"texts", texts},
        {"not_a_fiber", not_a_fiber},
        {"foreign_handles", foreign_handles},
        {"stale_handles", stale_handles},
        {"handles_of_another_kind", handles_of_another_kind},
        {"handles_of_an_earlier_runtime", handles_of_an_earlier_runtime},
        {"null_arguments", null_arguments},
        {"numbers_out_of_range", numbers_out_of_range},
        {"spawn_options", spawn_options},
        {"struct_sizes", struct_sizes},
        {"seam_arguments", seam_arguments},
        {"joined_by_itself", joined_by_itself},
        {"closed_from_a_child", closed_from_a_child},
        {"closed_out_of_order", closed_out_of_order},
        {"what_was_left_open", what_was_left_open},
        {"adopted_and_not_made", adopted_and_not_made},
        {NULL, NULL},
    };

    return check_all(argc, argv, tests);
}
