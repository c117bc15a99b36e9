/* malloc's per-thread cache inside a TLS block. glibc empties it when a thread exits, by a
 * function it does not export; a block that we free would take the cached memory with it. */
#ifndef WF_MACHINE_TLS_MALLOC_H
#define WF_MACHINE_TLS_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* On a plain thread that has not used malloc much: finds the cache in libc's own TLS segment
 * [segment, segment + size) and checks that it is laid out as expected. */
void wf_tls_malloc_find(const char *tp, const char *segment, size_t size);
/* Whether blocks may be freed at all. */
bool wf_tls_malloc_known(void);
/* Gives back what the cache of a block holds; nobody runs on the block any more. */
void wf_tls_malloc_drain(char *tp);

#endif
