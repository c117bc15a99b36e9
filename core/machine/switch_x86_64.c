/* First frame of a new context on x86-64, and which way the FS base is written. */
#include "machine/switch.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>

#define HWCAP2_FSGSBASE_BIT 2u /* linux: user space may execute wrfsbase */

__attribute__((visibility("hidden"))) bool wf_switch_has_fsgsbase;
__attribute__((visibility("hidden"))) void wf_switch_start(void);

__attribute__((constructor)) static void detect(void)
{
    wf_switch_has_fsgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT) != 0;
}

void *wf_switch_prepare(char *top, size_t size, void (*entry)(void *), void *arg)
{
    /* Offsets as wf_switch pops them; the slot above the return address keeps the stack
     * 16-byte aligned at the call in wf_switch_start. */
    enum { CONTROL, R15, R14, R13, R12, RBX, RBP, RETURN, ALIGN, SLOTS = 10 };
    uint64_t *sp = (uint64_t *)(void *)top - SLOTS;
    uint32_t mxcsr;
    uint16_t x87;

    (void)size;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
    for (int i = 0; i < SLOTS; i++)
        sp[i] = 0;
    sp[CONTROL] = mxcsr | (uint64_t)x87 << 32;
    sp[RBX] = (uint64_t)(uintptr_t)entry;
    sp[RBP] = (uint64_t)(uintptr_t)arg;
    sp[RETURN] = (uint64_t)(uintptr_t)wf_switch_start;
    return sp;
}
