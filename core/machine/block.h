/* A cache of small anonymous mappings for hosts that map and unmap one with every thread: two
 * system calls and a page fault, several microseconds, cost more than the fiber itself. */
#ifndef WF_MACHINE_BLOCK_H
#define WF_MACHINE_BLOCK_H

#include <stddef.h>

/* Page-aligned memory of `size` bytes with unspecified contents; NULL: none left. Any thread. */
void *wf_block_alloc(size_t size);
/* `p` came from wf_block_alloc or from an anonymous mmap of this size. Any thread. */
void wf_block_free(void *p, size_t size);
void wf_block_after_fork(void);

#endif
