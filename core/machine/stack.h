/* Fiber stacks: slices of big lazily touched mappings, one pool per size class.
 * A stack has a guard at its low end. Guards cost no VMA where the kernel has
 * MADV_GUARD_INSTALL (6.13+); elsewhere mprotect splits the mapping, and the pool refuses
 * (WF_ELIMIT) before vm.max_map_count is reached instead of letting some later mmap fail.
 *
 * A pool keeps finished stacks hot in LIFO order; beyond `hot_limit` their pages are given back
 * to the system and only the address range is kept. */
#ifndef WF_MACHINE_STACK_H
#define WF_MACHINE_STACK_H

#include "machine/lock.h"

#include <stdbool.h>
#include <stddef.h>

struct wf_stack {
    char *base;  /* lowest usable byte, above the guard */
    size_t size; /* usable bytes; base + size is page aligned */
};

struct wf_stack_pool {
    size_t size; /* usable bytes of each stack */
    size_t hot_limit;
    bool guard_by_mprotect; /* the kernel has no cheaper way, or a test asked for it */
    struct wf_lock lock;    /* protects all below */
    void **hot, **cold;     /* free stacks: pages kept, pages given back */
    size_t hot_count, cold_count, capacity;
    char *slab_next, *slab_end; /* part of the newest slab not handed out yet */
    size_t guards, guard_limit; /* stacks whose guard cost a VMA; 0: limit not read yet */
};

/* `size` is rounded up to pages. */
void wf_stack_pool_init(struct wf_stack_pool *p, size_t size, size_t hot_limit);
/* WF_ENOMEM or WF_ELIMIT; the stack's memory reads as zero or as its last user left it. */
int wf_stack_alloc(struct wf_stack_pool *p, struct wf_stack *out);
void wf_stack_free(struct wf_stack_pool *p, struct wf_stack *s);
/* Stacks kept with their pages. */
size_t wf_stack_pool_hot(struct wf_stack_pool *p);

size_t wf_page_size(void);

#endif
