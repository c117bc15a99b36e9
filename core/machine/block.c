/* The cache: one size, the first small one asked for, linked through the blocks themselves. */
#include "machine/block.h"

#include "machine/lock.h"

#include <errno.h>
#include <sys/mman.h>

enum {
    CACHED_MAX = 64 << 10, /* bytes of a block worth keeping */
    KEPT = 1024,           /* as many as stacks are kept hot */
};

struct block {
    struct block *next;
};

static struct {
    struct wf_lock lock; /* protects all below */
    size_t size;         /* of the blocks kept; 0: none asked for yet */
    struct block *first;
    size_t count;
} cache;

static struct block *take(size_t size)
{
    struct block *b = NULL;

    if (size > CACHED_MAX)
        return NULL;
    wf_lock(&cache.lock);
    if (!cache.size)
        cache.size = size;
    if (cache.size == size && cache.first) {
        b = cache.first;
        cache.first = b->next;
        cache.count--;
    }
    wf_unlock(&cache.lock);
    return b;
}

void *wf_block_alloc(size_t size)
{
    void *p = take(size);

    if (p)
        return p;
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static int keep(struct block *b, size_t size)
{
    int kept;

    wf_lock(&cache.lock);
    kept = cache.size == size && cache.count < KEPT;
    if (kept) {
        b->next = cache.first;
        cache.first = b;
        cache.count++;
    }
    wf_unlock(&cache.lock);
    return kept;
}

void wf_block_free(void *p, size_t size)
{
    int saved = errno;

    if (!p || keep(p, size))
        return;
    munmap(p, size);
    errno = saved;
}

void wf_block_after_fork(void)
{
    cache.lock = (struct wf_lock){0};
}
