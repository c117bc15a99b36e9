/* First frame of a new context on aarch64. */
#include "machine/switch.h"

#include <stdint.h>

__attribute__((visibility("hidden"))) void wf_switch_start(void);

void *wf_switch_prepare(char *top, size_t size, void (*entry)(void *), void *arg)
{
    /* Offsets (in words) as wf_switch loads them. */
    enum { X19 = 0, X20 = 1, X30 = 11, FPCR = 20, SLOTS = 22 };
    uint64_t *sp = (uint64_t *)(void *)top - SLOTS;
    uint64_t fpcr;

    (void)size;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    for (int i = 0; i < SLOTS; i++)
        sp[i] = 0;
    sp[X19] = (uint64_t)(uintptr_t)entry;
    sp[X20] = (uint64_t)(uintptr_t)arg;
    sp[X30] = (uint64_t)(uintptr_t)wf_switch_start;
    sp[FPCR] = fpcr;
    return sp;
}
