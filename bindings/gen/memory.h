/* Allocation for a program that runs for a moment: out of memory ends it with a message. */
#ifndef WF_GEN_MEMORY_H
#define WF_GEN_MEMORY_H

#include <stddef.h>

/* Zeroed. */
void *wf_memory_alloc(size_t size);
void *wf_memory_grow(void *block, size_t size);

#endif
