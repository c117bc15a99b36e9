/* The fd table: chunks of atomic words, made on demand and never given back, so that readers need
 * no lock. */
#include "seam/fdtable.h"

#include "base/assert.h"
#include "base/atomic.h"
#include "io/ready.h"
#include "sched/park.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    CHUNK_SIZE = 1024,
    CHUNKS = 4096, /* fds from four million on are not cached: an fstat each time */
};

/* An entry: kind, watched, and above them a generation that every forgetting advances, so that a
 * kind learnt from an fd that has been closed meanwhile is not entered. */
enum {
    KIND_MASK = 7,
    WATCHED = 8,
    GENERATION = 16,
};

struct chunk {
    _Atomic uint32_t entries[CHUNK_SIZE];
};

static struct chunk *_Atomic chunks[CHUNKS];

static struct chunk *make_chunk(struct chunk *_Atomic *slot)
{
    struct chunk *fresh = calloc(1, sizeof(*fresh));
    struct chunk *present = NULL;

    /* Publishes the zeroes; pairs with the acquire in find. */
    if (fresh && !wf_cas_acq_rel(slot, &present, fresh)) {
        free(fresh);
        return present;
    }
    return fresh;
}

/* NULL: not cached. */
static _Atomic uint32_t *find(int fd, bool make)
{
    size_t at = (size_t)fd / CHUNK_SIZE;
    struct chunk *c;

    if (fd < 0 || at >= CHUNKS)
        return NULL;
    c = wf_load_acquire(&chunks[at]);
    if (!c && make) {
        int saved = errno;

        c = make_chunk(&chunks[at]);
        errno = saved;
    }
    return c ? &c->entries[(size_t)fd % CHUNK_SIZE] : NULL;
}

static enum wf_fd_kind ask_kernel(int fd)
{
    struct stat st;
    int saved = errno;

    if (fstat(fd, &st) < 0) {
        errno = saved;
        return WF_FD_UNKNOWN;
    }
    if (S_ISSOCK(st.st_mode))
        return WF_FD_SOCKET;
    if (S_ISFIFO(st.st_mode))
        return WF_FD_PIPE;
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
        return WF_FD_FILE;
    return WF_FD_CHAR; /* eventfd and its like have no type bits at all */
}

/* The entries guard no other memory, so relaxed accesses do. */
static void enter(_Atomic uint32_t *entry, uint32_t before, enum wf_fd_kind kind)
{
    if (entry)
        (void)wf_cas_acq_rel(entry, &before, (before & ~(uint32_t)KIND_MASK) | (uint32_t)kind);
}

enum wf_fd_kind wf_fdtable_kind(int fd)
{
    _Atomic uint32_t *entry = find(fd, true);
    uint32_t before = entry ? wf_load(entry) : 0;
    enum wf_fd_kind kind = (enum wf_fd_kind)(before & KIND_MASK);

    if (wf_likely(kind != WF_FD_UNKNOWN))
        return kind;
    kind = ask_kernel(fd);
    enter(entry, before, kind);
    return kind;
}

void wf_fdtable_learn(int fd, enum wf_fd_kind kind)
{
    _Atomic uint32_t *entry = find(fd, true);

    if (entry)
        enter(entry, wf_load(entry), kind);
}

void wf_fdtable_watch(int fd)
{
    _Atomic uint32_t *entry = find(fd, true);

    if (entry && !(wf_load(entry) & WATCHED))
        (void)atomic_fetch_or_explicit(entry, (uint32_t)WATCHED, memory_order_relaxed);
}

/* Clears kind and mark, also of an empty entry: somebody may be about to enter what he learnt.
 * Tells whether fibers had waited for the fd. */
static bool forget(_Atomic uint32_t *entry)
{
    uint32_t before = wf_load(entry);

    while (!wf_cas_acq_rel(entry, &before, (before & ~(uint32_t)(GENERATION - 1)) + GENERATION))
        continue;
    return (before & WATCHED) != 0;
}

void wf_fdtable_close_begin(int fd)
{
    _Atomic uint32_t *entry = find(fd, false);
    int saved = errno;

    if (entry)
        (void)forget(entry);
    wf_ready_forget(fd);
    errno = saved;
}

void wf_fdtable_close_end(int fd)
{
    _Atomic uint32_t *entry = find(fd, false);

    if (entry)
        (void)forget(entry);
}

/* Calls `each` for the fds of the range that have an entry at all. */
static void for_range(unsigned first, unsigned last, void (*each)(int fd))
{
    unsigned end = CHUNKS * CHUNK_SIZE - 1;

    if (last > end)
        last = end;
    for (unsigned fd = first; fd <= last;) {
        if (find((int)fd, false)) {
            each((int)fd);
            fd++;
        } else {
            fd = (fd / CHUNK_SIZE + 1) * CHUNK_SIZE;
        }
    }
}

static void begin_if_watched(int fd)
{
    if (wf_load(find(fd, false)) & WATCHED)
        wf_fdtable_close_begin(fd);
}

void wf_fdtable_close_range_begin(unsigned first, unsigned last)
{
    for_range(first, last, begin_if_watched);
}

void wf_fdtable_close_range_end(unsigned first, unsigned last)
{
    for_range(first, last, wf_fdtable_close_end);
}
