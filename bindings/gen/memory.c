/* Allocation that never returns NULL. */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

static void *or_die(void *block)
{
    if (block == NULL) {
        fprintf(stderr, "weft-gen: out of memory\n");
        exit(2);
    }
    return block;
}

void *wf_memory_alloc(size_t size)
{
    return or_die(calloc(1, size > 0 ? size : 1));
}

void *wf_memory_grow(void *block, size_t size)
{
    return or_die(realloc(block, size));
}
