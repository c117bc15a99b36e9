/* Linked into every test under AddressSanitizer. Before a call that does not return (exit,
 * pthread_exit, longjmp) ASan asks libc for the stack bounds of the thread. For a fiber libc asks
 * the kernel about a thread id that the kernel does not know; answer instead, with what lies just
 * above the caller's frame. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>

enum { PAGE = 4096, SPAN = 64 << 10 };

__attribute__((visibility("default"))) int pthread_getattr_np(pthread_t thread,
                                                              pthread_attr_t *attr)
{
    int (*real)(pthread_t, pthread_attr_t *);
    uintptr_t here = (uintptr_t)__builtin_frame_address(0) / PAGE * PAGE;
    int err;

    *(void **)(void *)&real = dlsym(RTLD_NEXT, "pthread_getattr_np");
    err = real(thread, attr);
    if (err != ESRCH)
        return err;
    pthread_attr_init(attr);
    return pthread_attr_setstack(attr, (void *)here, SPAN);
}
