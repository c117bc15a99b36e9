/* glibc's tcache (2.32 to 2.41): uint16_t counts[64]; struct entry *entries[64]; the links of an
 * entry are mangled with the address they are stored at. Other layouts are recognised as unknown,
 * and blocks are then kept for ever instead of freed. */
#include "machine/tls_malloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BINS = 64, LINK_SHIFT = 12, SMALL = 24 };

struct tcache {
    uint16_t counts[BINS];
    uintptr_t entries[BINS];
};

/* Offset from the thread pointer of libc's pointer to the cache; valid when known. Written once,
 * while only one thread knows of weft. */
static ptrdiff_t pointer_offset;
static bool known;

/* False instead of a fault when `at` is no address. */
static bool read_memory(const void *at, void *to, size_t size)
{
    struct iovec local = {.iov_base = to, .iov_len = size};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)at, .iov_len = size};

    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}

static uintptr_t next_of(uintptr_t entry)
{
    uintptr_t link = 0;

    /* Freed blocks are read on purpose: they are where the cache keeps its links. */
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    if (!read_memory((const void *)entry, &link, sizeof(link)))
        return 0;
    return link ^ entry >> LINK_SHIFT;
}

/* After two frees of the smallest size the cache must show exactly these. */
static bool is_cache(const void *candidate, uintptr_t first, uintptr_t second)
{
    struct tcache t;

    return read_memory(candidate, &t, sizeof(t)) && t.counts[0] == 2 && t.entries[0] == second &&
           next_of(second) == first && next_of(first) == 0;
}

void wf_tls_malloc_find(const char *tp, const char *segment, size_t size)
{
    void *blocks[2] = {malloc(SMALL), malloc(SMALL)};
    volatile uintptr_t first = (uintptr_t)blocks[0], second = (uintptr_t)blocks[1];

    free(blocks[0]);
    free(blocks[1]);
    for (size_t i = 0; i + sizeof(void *) <= size && !known; i += sizeof(void *)) {
        void *candidate;

        memcpy(&candidate, segment + i, sizeof(candidate));
        if (candidate && (uintptr_t)candidate % sizeof(void *) == 0 &&
            is_cache(candidate, first, second)) {
            pointer_offset = segment + i - tp;
            known = true;
        }
    }
}

bool wf_tls_malloc_known(void)
{
    return known;
}

void wf_tls_malloc_drain(char *tp)
{
    struct tcache *t, copy;

    memcpy(&t, tp + pointer_offset, sizeof(t));
    if (!t)
        return;
    memset(tp + pointer_offset, 0, sizeof(t));
    copy = *t;
    for (int bin = 0; bin < BINS; bin++) {
        for (uintptr_t entry = copy.entries[bin], next; entry; entry = next) {
            memcpy(&next, (void *)entry, sizeof(next));
            next ^= entry >> LINK_SHIFT;
            free((void *)entry); /* into the cache of the thread we run on, or its arena */
        }
    }
    free(t);
}
