/* What a context-switch back-end provides; only context.c calls it. */
#ifndef WF_MACHINE_SWITCH_H
#define WF_MACHINE_SWITCH_H

#include <stddef.h>

/* Lays out the first frame below `top`; returns the stack pointer to switch to. */
void *wf_switch_prepare(char *top, size_t size, void (*entry)(void *), void *arg);
/* Saves the callee-saved state, stores the stack pointer in *save, resumes `to`. */
void wf_switch(void **save, void *to);
/* The same, and sets the thread pointer in between. Nothing may touch TLS or the stack
 * protector from the moment the thread pointer changes, hence assembly. */
void wf_switch_tp(void **save, void *to, void *tp);

#endif
