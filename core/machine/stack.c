/* Stack slabs, guards and pools; see stack.h. */
#include "machine/stack.h"

#include "base/status.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; newer than the libc headers we build with */
#endif

enum {
    SLAB_STACKS = 64,         /* stacks per mapping: few mappings, little address space wasted */
    MAPS_RESERVE = 4096,      /* mappings left for everybody else in the process */
    MAPS_PER_GUARD = 2,       /* mprotect splits: the guard and the stack */
    DEFAULT_MAX_MAPS = 65530, /* the kernel's default when /proc cannot be read */
};

size_t wf_page_size(void)
{
    static size_t size; /* same value whoever writes it first */

    if (!size)
        size = (size_t)sysconf(_SC_PAGESIZE);
    return size;
}

/* How many guards made by mprotect leave the process enough mappings. */
static size_t max_guards(void)
{
    FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
    unsigned long n = DEFAULT_MAX_MAPS;

    if (f) {
        if (fscanf(f, "%lu", &n) != 1)
            n = DEFAULT_MAX_MAPS;
        fclose(f);
    }
    return n > MAPS_RESERVE + MAPS_PER_GUARD ? (n - MAPS_RESERVE) / MAPS_PER_GUARD : 1;
}

void wf_stack_pool_init(struct wf_stack_pool *p, size_t size, size_t hot_limit)
{
    size_t page = wf_page_size();

    *p = (struct wf_stack_pool){
        .size = (size + page - 1) & ~(page - 1),
        .hot_limit = hot_limit,
    };
}

/* Room in the free lists for every stack that exists, so that freeing one cannot fail. */
static int grow_lists(struct wf_stack_pool *p)
{
    size_t capacity = p->capacity + SLAB_STACKS;
    void **hot = realloc(p->hot, capacity * sizeof(*hot));
    void **cold;

    if (!hot)
        return WF_ENOMEM;
    p->hot = hot;
    cold = realloc(p->cold, capacity * sizeof(*cold));
    if (!cold)
        return WF_ENOMEM;
    p->cold = cold;
    p->capacity = capacity;
    return WF_OK;
}

static int map_slab(struct wf_stack_pool *p)
{
    size_t stride = p->size + wf_page_size();
    char *slab;
    int err;

    if (stride > SIZE_MAX / SLAB_STACKS)
        return WF_ENOMEM;
    err = grow_lists(p);
    if (err)
        return err;
    slab = mmap(NULL, stride * SLAB_STACKS, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (slab == MAP_FAILED)
        return WF_ENOMEM;
    /* A huge page would make one touched byte cost 2 MiB. Absent in some kernels: no matter. */
    (void)madvise(slab, stride * SLAB_STACKS, MADV_NOHUGEPAGE);
    p->slab_next = slab;
    p->slab_end = slab + stride * SLAB_STACKS;
    return WF_OK;
}

static int install_guard(struct wf_stack_pool *p, char *at)
{
    size_t page = wf_page_size();

    if (!p->guard_by_mprotect) {
        if (madvise(at, page, MADV_GUARD_INSTALL) == 0)
            return WF_OK;
        p->guard_by_mprotect = true;
    }
    if (!p->guard_limit)
        p->guard_limit = max_guards();
    if (p->guards >= p->guard_limit)
        return WF_ELIMIT;
    if (mprotect(at, page, PROT_NONE) < 0)
        return errno == ENOMEM ? WF_ELIMIT : WF_ENOMEM;
    p->guards++;
    return WF_OK;
}

static int carve(struct wf_stack_pool *p, char **base)
{
    size_t page = wf_page_size();
    int err = p->slab_next == p->slab_end ? map_slab(p) : WF_OK;

    if (!err)
        err = install_guard(p, p->slab_next);
    if (err)
        return err;
    *base = p->slab_next + page;
    p->slab_next += p->size + page;
    return WF_OK;
}

/* A fiber that ends never returns from its frames, so ASan still has their red zones. */
static void forget_poison(const struct wf_stack *s)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(s->base, s->size);
#else
    (void)s;
#endif
}

int wf_stack_alloc(struct wf_stack_pool *p, struct wf_stack *out)
{
    int saved = errno;
    int err = WF_OK;

    out->size = p->size;
    wf_lock(&p->lock);
    if (p->hot_count)
        out->base = p->hot[--p->hot_count];
    else if (p->cold_count)
        out->base = p->cold[--p->cold_count];
    else
        err = carve(p, &out->base);
    wf_unlock(&p->lock);
    errno = saved;
    return err;
}

void wf_stack_free(struct wf_stack_pool *p, struct wf_stack *s)
{
    bool keep;

    forget_poison(s);
    wf_lock(&p->lock);
    keep = p->hot_count < p->hot_limit;
    if (keep)
        p->hot[p->hot_count++] = s->base;
    wf_unlock(&p->lock);
    if (keep)
        return;
    (void)madvise(s->base, s->size, MADV_DONTNEED);
    wf_lock(&p->lock);
    p->cold[p->cold_count++] = s->base;
    wf_unlock(&p->lock);
}

size_t wf_stack_pool_hot(struct wf_stack_pool *p)
{
    size_t n;

    wf_lock(&p->lock);
    n = p->hot_count;
    wf_unlock(&p->lock);
    return n;
}
