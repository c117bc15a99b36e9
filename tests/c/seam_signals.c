/* Signals in a process with fibers: handlers, masks, who is woken and by what. */
#include "fibers.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* siginterrupt */

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>

static atomic_int handled;
static atomic_int last_value;

static void count(int sig)
{
    (void)sig;
    handled++;
}

static void count_with_info(int sig, siginfo_t *info, void *context)
{
    CHECK_EQ(info->si_signo, sig);
    CHECK(context != NULL);
    last_value = info->si_value.sival_int;
    handled++;
}

static void install(int sig, void (*fn)(int), int flags)
{
    struct sigaction act = {.sa_handler = fn, .sa_flags = flags};

    CHECK_EQ(sigaction(sig, &act, NULL), 0);
    handled = 0;
}

/* From a real thread, to the process, after a while. */
static void *send_soon(void *sig)
{
    usleep(20000);
    CHECK_EQ(kill(getpid(), *(int *)sig), 0);
    return NULL;
}

static int usr1 = SIGUSR1;

static pthread_t signal_soon(void)
{
    return real_thread(send_soon, &usr1);
}

/* ---- what sigaction() answers ---- */

static void handler_from_before_is_wrapped(void)
{
    static int usr2 = SIGUSR2;
    struct sigaction now;
    pthread_t sender;

    CHECK_EQ(sigaction(SIGUSR2, NULL, &now), 0); /* installed at the top of main() */
    CHECK(now.sa_handler == count);
    CHECK_EQ(now.sa_flags & SA_SIGINFO, 0);
    CHECK_EQ(sigismember(&now.sa_mask, SIGHUP), 1);
    handled = 0;
    CHECK_EQ(raise(SIGUSR2), 0);
    CHECK_EQ(handled, 1);
    sender = real_thread(send_soon, &usr2);
    CHECK_EQ(usleep(1000000), -1);
    CHECK_EQ(errno, EINTR);
    CHECK_EQ(handled, 2);
    join(sender);
}

static void actions_are_answered_exactly(void)
{
    struct sigaction act = {.sa_sigaction = count_with_info, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sigaction old, now;

    sigemptyset(&act.sa_mask);
    sigaddset(&act.sa_mask, SIGTERM);
    CHECK(signal(SIGUSR1, count) == SIG_DFL);
    CHECK_EQ(sigaction(SIGUSR1, &act, &old), 0);
    CHECK(old.sa_handler == count);
    CHECK_EQ(old.sa_flags & (SA_RESTART | SA_SIGINFO), SA_RESTART);
    CHECK_EQ(sigismember(&old.sa_mask, SIGUSR1), 1);
    CHECK_EQ(sigaction(SIGUSR1, NULL, &now), 0);
    CHECK(now.sa_sigaction == count_with_info);
    CHECK_EQ(now.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_RESTART), SA_SIGINFO | SA_NODEFER);
    CHECK_EQ(sigismember(&now.sa_mask, SIGTERM), 1);
    CHECK(signal(SIGUSR1, SIG_IGN) == (sighandler_t)(void (*)(void))count_with_info);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_DFL);
    CHECK(signal(SIGKILL, count) == SIG_ERR);
    CHECK_EQ(errno, EINVAL);
    CHECK(signal(1000, count) == SIG_ERR);
    install(SIGUSR1, count, (int)SA_RESETHAND);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(handled, 1);
    CHECK_EQ(sigaction(SIGUSR1, NULL, &now), 0);
    CHECK(now.sa_handler == SIG_DFL);
}

/* ---- main is woken ---- */

static void main_is_woken(void)
{
    struct timespec hour = {.tv_sec = 3600};
    struct pollfd none = {.fd = -1};
    pthread_t sender;
    int ends[2];
    sem_t s;
    char c;

    install(SIGUSR1, count, 0);
    sem_init(&s, 0, 0);
    CHECK_EQ(pipe(ends), 0);

    sender = signal_soon();
    CHECK_EQ(nanosleep(&hour, &hour), -1);
    CHECK_EQ(errno, EINTR);
    CHECK_EQ(hour.tv_sec, 3599);
    join(sender);
    sender = signal_soon();
    CHECK_EQ(sem_wait(&s), -1);
    CHECK_EQ(errno, EINTR);
    join(sender);
    sender = signal_soon();
    CHECK_EQ(read(ends[0], &c, 1), -1);
    CHECK_EQ(errno, EINTR);
    join(sender);
    sender = signal_soon();
    CHECK_EQ(poll(&none, 1, -1), -1);
    CHECK_EQ(errno, EINTR);
    join(sender);
    sender = signal_soon();
    CHECK_EQ(pause(), -1);
    CHECK_EQ(errno, EINTR);
    join(sender);
    CHECK_EQ(handled, 5);
}

static void *post_soon(void *sem)
{
    usleep(60000);
    sem_post(sem);
    return NULL;
}

static void restarting_handlers_do_not_cut(void)
{
    pthread_t sender, poster;
    sem_t s;

    install(SIGUSR1, count, SA_RESTART);
    sem_init(&s, 0, 0);
    sender = signal_soon();
    poster = real_thread(post_soon, &s);
    CHECK_EQ(sem_wait(&s), 0);
    CHECK_EQ(handled, 1);
    join(sender);
    join(poster);
    sender = signal_soon();
    CHECK_EQ(usleep(1000000), -1); /* sleeps are never restarted */
    join(sender);
    CHECK_EQ(siginterrupt(SIGUSR1, 1), 0);
    sender = signal_soon();
    CHECK_EQ(sem_wait(&s), -1);
    CHECK_EQ(errno, EINTR);
    join(sender);
    CHECK(signal(SIGUSR1, count) == count);
    sender = signal_soon();
    CHECK_EQ(sem_wait(&s), -1);
    join(sender);
    CHECK_EQ(siginterrupt(SIGUSR1, 0), 0);
}

static void *sleep_undisturbed(void *arg)
{
    struct timespec t = {.tv_nsec = 60000000};

    CHECK_EQ(nanosleep(&t, NULL), 0);
    return arg;
}

static void only_main_is_woken(void)
{
    pthread_t sender, other;

    install(SIGUSR1, count, 0);
    other = fiber(sleep_undisturbed, NULL);
    sender = signal_soon();
    CHECK_EQ(usleep(1000000), -1);
    join(sender);
    join(other);
}

/* ---- what a handler may do ---- */

static atomic_int others_ran;

static void block_in_handler(int sig)
{
    int before = others_ran;

    (void)sig;
    usleep(20000);
    CHECK_EQ(others_ran, before); /* it did not switch */
    handled++;
}

static void *run_often(void *arg)
{
    while (!handled) {
        others_ran++;
        nap_ms(1);
    }
    return arg;
}

static void handlers_do_not_switch(void)
{
    pthread_t other;

    install(SIGUSR1, block_in_handler, 0);
    other = fiber(run_often, NULL);
    nap_ms(5);
    CHECK(others_ran > 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(handled, 1);
    join(other);
}

static void install_again(int sig)
{
    struct sigaction act = {.sa_handler = install_again};

    CHECK_EQ(sigaction(sig, &act, NULL), 0);
    handled++;
}

static void handlers_may_install_handlers(void)
{
    install(SIGUSR1, install_again, (int)SA_RESETHAND);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(handled, 3);
}

static sigjmp_buf back;

static void jump_out(int sig)
{
    (void)sig;
    siglongjmp(back, 1);
}

/* The old way to give a call a time limit. */
static void handlers_may_jump_out(void)
{
    sigset_t blocked;

    install(SIGUSR1, jump_out, 0);
    for (int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0) {
            CHECK_EQ(raise(SIGUSR1), 0);
            CHECK(0);
        }
        join(fiber(sleep_undisturbed, NULL)); /* parks: the hooks apply again */
        CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
        CHECK_EQ(sigismember(&blocked, SIGUSR1), 0);
    }
}

/* ---- signals for a fiber ---- */

static atomic_int in_wait;

static void *wait_for_signal(void *arg)
{
    struct timespec hour = {.tv_sec = 3600};

    in_wait = 1;
    CHECK_EQ(nanosleep(&hour, NULL), -1);
    CHECK_EQ(errno, EINTR);
    in_wait = 2;
    CHECK_EQ(pause(), -1);
    CHECK_EQ(errno, EINTR);
    return arg;
}

static void pthread_kill_reaches_a_parked_fiber(void)
{
    union sigval value = {.sival_int = 42};
    struct sigaction act = {.sa_sigaction = count_with_info, .sa_flags = SA_SIGINFO};
    pthread_t id;

    CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
    handled = in_wait = 0;
    id = fiber(wait_for_signal, NULL);
    while (in_wait == 0)
        nap_ms(1);
    CHECK_EQ(pthread_kill(id, 99), EINVAL);
    CHECK_EQ(pthread_kill(id, 0), 0);
    CHECK_EQ(pthread_kill(id, SIGUSR1), 0);
    CHECK_EQ(handled, 1);
    while (in_wait == 1)
        nap_ms(1);
    CHECK_EQ(pthread_sigqueue(id, SIGUSR1, value), 0);
    CHECK_EQ(last_value, 42);
    join(id);
    CHECK_EQ(handled, 2);
}

static void *kill_itself(void *arg)
{
    CHECK_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
    CHECK_EQ(handled, 1);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(handled, 2);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(handled, 3);
    return arg;
}

static void signals_to_itself_are_handled_at_once(void)
{
    install(SIGUSR1, count, 0);
    kill_itself(NULL);
    handled = 0;
    join(fiber(kill_itself, NULL));
}

/* ---- masks ---- */

static uint64_t kernel_mask(void)
{
    uint64_t mask;

    CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8), 0);
    return mask;
}

static void block(int how, int sig)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    CHECK_EQ(pthread_sigmask(how, &set, NULL), 0);
}

static void *block_another(void *arg)
{
    uint64_t inherited = kernel_mask();
    int sig = *(int *)arg;

    block(SIG_BLOCK, sig);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(kernel_mask(), inherited | UINT64_C(1) << (sig - 1));
        nap_ms(1);
    }
    return NULL;
}

static void masks_go_with_the_fiber(void)
{
    static int hup = SIGHUP, term = SIGTERM;
    uint64_t before = kernel_mask();
    pthread_t a, b;

    block(SIG_BLOCK, SIGUSR2);
    a = fiber(block_another, &hup);
    b = fiber(block_another, &term);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(kernel_mask(), before | UINT64_C(1) << (SIGUSR2 - 1));
        nap_ms(1);
    }
    join(a);
    join(b);
    block(SIG_UNBLOCK, SIGUSR2);
    CHECK_EQ(kernel_mask(), before);
}

static void *block_and_look(void *arg)
{
    block(SIG_BLOCK, SIGUSR1);
    in_wait = 1;
    nap_ms(10);
    CHECK_EQ(handled, 0);
    block(SIG_UNBLOCK, SIGUSR1);
    CHECK_EQ(handled, 1);
    return arg;
}

static void blocked_signals_wait_for_their_fiber(void)
{
    pthread_t id;

    install(SIGUSR1, count, 0);
    in_wait = 0;
    id = fiber(block_and_look, NULL);
    while (!in_wait)
        nap_ms(1);
    CHECK_EQ(pthread_kill(id, SIGUSR1), 0);
    join(id);
    CHECK_EQ(handled, 1);
}

static void blocked_in_main_means_later(void)
{
    pthread_t sender;

    install(SIGUSR1, count, 0);
    block(SIG_BLOCK, SIGUSR1);
    sender = signal_soon();
    nap_ms(60);
    CHECK_EQ(handled, 0);
    block(SIG_UNBLOCK, SIGUSR1);
    CHECK_EQ(handled, 1);
    join(sender);
}

/* ---- alternate stacks ---- */

static stack_t early_stack; /* from before weft: none, or a sanitizer's */
static char stacks[2][65536];
static void *_Atomic ran_at;

static void note_place(int sig)
{
    char here;

    (void)sig;
    ran_at = &here;
    handled++;
}

static void *look_at_stack(void *arg)
{
    stack_t s = {.ss_sp = stacks[1], .ss_size = sizeof(stacks[1])}, now;

    CHECK_EQ(sigaltstack(NULL, &now), 0);
    CHECK_EQ(now.ss_flags, SS_DISABLE);
    CHECK_EQ(sigaltstack(&s, NULL), 0);
    nap_ms(1);
    CHECK_EQ(sigaltstack(NULL, &now), 0);
    CHECK(now.ss_sp == stacks[1]);
    s.ss_size = 1;
    CHECK_EQ(sigaltstack(&s, NULL), -1);
    CHECK_EQ(errno, ENOMEM);
    s.ss_flags = 0x40;
    CHECK_EQ(sigaltstack(&s, NULL), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(raise(SIGUSR1), 0);
    return arg;
}

static void alternate_stacks(void)
{
    stack_t s = {.ss_sp = stacks[0], .ss_size = sizeof(stacks[0])}, now;

    install(SIGUSR1, note_place, SA_ONSTACK);
    CHECK_EQ(sigaltstack(NULL, &now), 0);
    CHECK_EQ(now.ss_flags, early_stack.ss_flags);
    join(fiber(look_at_stack, NULL));
    CHECK_EQ(handled, 1);
    CHECK_EQ(sigaltstack(&s, NULL), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK((char *)ran_at >= stacks[0] && (char *)ran_at < stacks[0] + sizeof(stacks[0]));
    CHECK_EQ(sigaltstack(NULL, &now), 0);
    CHECK(now.ss_sp == stacks[0]);
    s.ss_flags = SS_DISABLE;
    CHECK_EQ(sigaltstack(&s, NULL), 0);
    CHECK_EQ(sigaltstack(NULL, &now), 0);
    CHECK_EQ(now.ss_flags, SS_DISABLE);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"handler_from_before_is_wrapped", handler_from_before_is_wrapped},
        {"actions_are_answered_exactly", actions_are_answered_exactly},
        {"main_is_woken", main_is_woken},
        {"restarting_handlers_do_not_cut", restarting_handlers_do_not_cut},
        {"only_main_is_woken", only_main_is_woken},
        {"handlers_do_not_switch", handlers_do_not_switch},
        {"handlers_may_install_handlers", handlers_may_install_handlers},
        {"handlers_may_jump_out", handlers_may_jump_out},
        {"pthread_kill_reaches_a_parked_fiber", pthread_kill_reaches_a_parked_fiber},
        {"signals_to_itself_are_handled_at_once", signals_to_itself_are_handled_at_once},
        {"masks_go_with_the_fiber", masks_go_with_the_fiber},
        {"blocked_signals_wait_for_their_fiber", blocked_signals_wait_for_their_fiber},
        {"blocked_in_main_means_later", blocked_in_main_means_later},
        {"alternate_stacks", alternate_stacks},
        {NULL, NULL},
    };
    struct sigaction early = {.sa_handler = count};

    sigemptyset(&early.sa_mask);
    sigaddset(&early.sa_mask, SIGHUP);
    sigaction(SIGUSR2, &early, NULL);
    sigaltstack(NULL, &early_stack);
    return run_tests(argc, argv, tests);
}
