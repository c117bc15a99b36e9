/* Own TLS blocks on glibc; see tls.h. The layout facts used here:
 *   x86-64   the thread pointer is the start of struct pthread, which begins with the TCB
 *            {tcb, dtv, self, multiple_threads, ..., stack_guard, pointer_guard};
 *   aarch64  the thread pointer is {dtv, private}; struct pthread lies right below it.
 * Everything else inside struct pthread comes from the _thread_db_* descriptors. */
#include "machine/tls.h"

#include "base/assert.h"
#include "base/status.h"
#include "machine/context.h"
#include "machine/lock.h"
#include "machine/tls_malloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_IMAGES = 128,
    POOL_LIMIT = 1024,   /* free blocks kept; as many as stacks are kept hot */
    FIRST_TID = 1 << 23, /* above the kernel's largest pid */
    KEYS_PER_BLOCK = 32, /* of struct pthread's first block of key values, which lies ... */
    FIRST_KEYS_BYTES = KEYS_PER_BLOCK * 2 * (int)sizeof(void *), /* ... right below `specific` */
};

/* A _thread_db_* descriptor: width in bits, element count, offset in bytes. */
struct db_field {
    uint32_t bits, count, offset;
};

/* The static TLS segment of one loaded object, relative to the thread pointer. */
struct tls_image {
    ptrdiff_t offset;
    const void *initial;
    size_t file_size, memory_size;
};

struct key_slot { /* an element of glibc's __pthread_keys */
    uintptr_t sequence;
    void (*destructor)(void *);
};

struct key_value { /* an element of struct pthread's `specific` blocks */
    uintptr_t sequence;
    void *value;
};

typedef union { /* an element of the dynamic thread vector */
    size_t counter;
    struct {
        void *value, *to_free;
    } pointer;
} dtv_entry;

#define DTV_UNALLOCATED ((void *)-1L)

static struct {
    bool tried, usable;
    const char *why;
    void *(*allocate)(void *);
    void (*deallocate)(void *, bool);
    void (*ctype_init)(void);
    const struct key_slot *keys;
    size_t pthread_size;
    const struct db_field *tid, *list, *specific, *report_events;
    ptrdiff_t stack_offset; /* of {stackblock, size} in struct pthread; -1: not found */
    size_t static_size;

    struct wf_lock lock; /* protects all below */
    struct tls_image images[MAX_IMAGES];
    size_t image_count;
    void *pool; /* free blocks, linked through specific[0] */
    size_t pooled;
    int next_tid;
} tls = {.why = "not looked yet", .next_tid = FIRST_TID};

static char *pthread_of(const void *tp)
{
#if defined(__aarch64__)
    return (char *)(uintptr_t)tp - tls.pthread_size;
#else
    return (char *)(uintptr_t)tp;
#endif
}

static void *field(const void *tp, const struct db_field *f)
{
    return pthread_of(tp) + f->offset;
}

/* ---- finding glibc's parts ---- */

static const void *private_symbol(const char *name)
{
    const void *p = dlvsym(RTLD_DEFAULT, name, "GLIBC_PRIVATE");

    return p ? p : dlsym(RTLD_DEFAULT, name);
}

static bool find_symbols(void)
{
    const uint32_t *size = private_symbol("_thread_db_sizeof_pthread");

    /* POSIX lets dlsym return functions as object pointers; ISO C has no such conversion. */
    *(const void **)(void *)&tls.allocate = private_symbol("_dl_allocate_tls");
    *(const void **)(void *)&tls.deallocate = private_symbol("_dl_deallocate_tls");
    *(const void **)(void *)&tls.ctype_init = private_symbol("__ctype_init");
    tls.keys = private_symbol("__pthread_keys");
    tls.tid = private_symbol("_thread_db_pthread_tid");
    tls.list = private_symbol("_thread_db_pthread_list");
    tls.specific = private_symbol("_thread_db_pthread_specific");
    tls.report_events = private_symbol("_thread_db_pthread_report_events");
    if (!size || !tls.allocate || !tls.deallocate || !tls.ctype_init || !tls.keys || !tls.tid ||
        !tls.list || !tls.specific || !tls.report_events)
        return false;
    tls.pthread_size = *size;
    return true;
}

static void find_static_size(void)
{
    void (*info)(size_t *, size_t *);
    size_t align = 0;

    *(const void **)(void *)&info = private_symbol("_dl_get_tls_static_info");
    tls.static_size = 1 << 16;
    if (info)
        info(&tls.static_size, &align);
}

/* The offset of an object's TLS segment from the thread pointer; 0 when it has no static TLS. */
static ptrdiff_t static_tls_offset(const struct dl_phdr_info *object)
{
    const struct db_field *f = private_symbol("_thread_db_link_map_l_tls_offset");
    ptrdiff_t offset;

    for (struct link_map *m = f ? _r_debug.r_map : NULL; m; m = m->l_next) {
        if (m->l_addr != object->dlpi_addr || strcmp(m->l_name, object->dlpi_name) != 0)
            continue;
        memcpy(&offset, (char *)m + f->offset, sizeof(offset));
        /* Small negative values mark objects without static TLS. */
        if (offset <= 0 || offset >= (ptrdiff_t)tls.static_size)
            return 0;
#if defined(__aarch64__)
        return offset;
#else
        return -offset; /* below the thread pointer */
#endif
    }
    return 0;
}

/* libc's malloc cache and the loader's state live in their TLS and must survive reuse. */
static bool keeps_its_state(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "ld-linux", 8) == 0;
}

static int add_image(struct dl_phdr_info *object, size_t size, void *unused)
{
    (void)size, (void)unused;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];
        ptrdiff_t offset;

        if (p->p_type != PT_TLS || keeps_its_state(object->dlpi_name))
            continue;
        offset = static_tls_offset(object);
        if (offset == 0 || tls.image_count == MAX_IMAGES)
            continue;
        tls.images[tls.image_count++] = (struct tls_image){
            .offset = offset,
            .initial = (const char *)object->dlpi_addr + p->p_vaddr,
            .file_size = p->p_filesz,
            .memory_size = p->p_memsz,
        };
    }
    return 0;
}

void wf_tls_rescan(void)
{
    if (!tls.usable)
        return;
    wf_lock(&tls.lock);
    tls.image_count = 0;
    dl_iterate_phdr(add_image, NULL);
    wf_unlock(&tls.lock);
}

/* ---- making a block ---- */

static void put_word(void *at, const void *value)
{
    memcpy(at, &value, sizeof(value));
}

static void fill_tcb(char *tp)
{
#if defined(__x86_64__)
    enum { TCB = 0, SELF = 0x10, MULTIPLE_THREADS = 0x18, GUARDS = 0x28 };
    const char *own = wf_context_tp();
    int one = 1;

    put_word(tp + TCB, tp);
    put_word(tp + SELF, tp);
    memcpy(tp + MULTIPLE_THREADS, &one, sizeof(one));
    memcpy(tp + GUARDS, own + GUARDS, 2 * sizeof(void *)); /* stack and pointer guard */
#else
    (void)tp;           /* aarch64 keeps the guards in globals and the dtv is set already */
#endif
}

/* Links the block into glibc's list of threads with user-provided stacks, beside the caller's
 * node: a library with initial-exec TLS that is loaded later is then initialised here too, and
 * fork() in this fiber can unlink it. The list's lock is not exported, hence a window while
 * another OS thread starts or ends; blocks are made rarely (they are pooled). */
static void link_into_glibc(char *tp)
{
    void **node = field(tp, tls.list);
    void **beside = field(wf_context_tp(), tls.list);
    unsigned char user_stack = 1;
    void **next;

    memcpy((char *)field(tp, tls.report_events) + 1, &user_stack, 1);
    next = beside[0];
    node[0] = next;
    node[1] = beside;
    next[1] = node;
    beside[0] = node;
}

static void fill_pthread(char *tp)
{
    enum { ROBUST_OFFSET = 16, FUTEX_OFFSET = -32, RSEQ_FAILED = -2 };
    char *robust = (char *)field(tp, tls.tid) + ROBUST_OFFSET;
    long futex_offset = FUTEX_OFFSET;
    char *specific = field(tp, tls.specific);
    const ptrdiff_t *rseq = dlsym(RTLD_DEFAULT, "__rseq_offset");
    int failed = RSEQ_FAILED;

    put_word(robust, robust); /* empty list of robust mutexes: head points to itself */
    memcpy(robust + sizeof(void *), &futex_offset, sizeof(futex_offset));
    put_word(specific, specific - FIRST_KEYS_BYTES); /* specific[0] = specific_1stblock */
    if (rseq) /* no rseq area here: sched_getcpu must ask the kernel */
        memcpy(tp + *rseq + sizeof(int), &failed, sizeof(failed));
}

static void *make_block(void)
{
    char *tp = tls.allocate(NULL);

    if (!tp)
        return NULL;
    fill_tcb(tp);
    fill_pthread(tp);
    link_into_glibc(tp);
    return tp;
}

/* Modules whose TLS is allocated on first use start anew in the next fiber. */
static void drop_dynamic_tls(char *tp)
{
    dtv_entry *dtv;
#if defined(__aarch64__)
    memcpy(&dtv, tp, sizeof(dtv));
#else
    memcpy(&dtv, tp + sizeof(void *), sizeof(dtv));
#endif
    for (size_t i = 1; i <= dtv[-1].counter; i++) {
        if (!dtv[i].pointer.to_free)
            continue;
        free(dtv[i].pointer.to_free);
        dtv[i].pointer.value = DTV_UNALLOCATED;
        dtv[i].pointer.to_free = NULL;
    }
}

static void copy_images(char *tp)
{
    for (size_t i = 0; i < tls.image_count; i++) {
        const struct tls_image *image = &tls.images[i];

        memcpy(tp + image->offset, image->initial, image->file_size);
        memset(tp + image->offset + image->file_size, 0, image->memory_size - image->file_size);
    }
}

static void set_stack(char *tp, const struct wf_stack *stack)
{
    char *at = pthread_of(tp) + tls.stack_offset;

    if (tls.stack_offset < 0)
        return;
    put_word(at, stack->base);
    memcpy(at + sizeof(void *), &stack->size, sizeof(stack->size));
}

/* In each block: releases that must come before the last one. */
static _Thread_local _Atomic int holds __attribute__((tls_model("initial-exec")));

static _Atomic int *holds_of(void *tp)
{
    return wf_tls_peer(tp, wf_context_tp(), (const void *)&holds);
}

void *wf_tls_acquire(const struct wf_stack *stack)
{
    void *tp;
    int tid;

    wf_lock(&tls.lock);
    tp = tls.pool;
    if (tp) {
        memcpy(&tls.pool, field(tp, tls.specific), sizeof(tls.pool));
        put_word(field(tp, tls.specific), (char *)field(tp, tls.specific) - FIRST_KEYS_BYTES);
        tls.pooled--;
    }
    tid = tls.next_tid++;
    if (tls.next_tid == INT_MAX)
        tls.next_tid = FIRST_TID;
    if (tp)
        copy_images(tp);
    else
        tp = make_block();
    wf_unlock(&tls.lock);
    if (!tp)
        return NULL;
    wf_store(holds_of(tp), 0);
    wf_tls_set_tid(tp, tid);
    set_stack(tp, stack);
    return tp;
}

/* For good: what glibc does when a thread exits. */
static void destroy_block(char *tp)
{
    void **node = field(tp, tls.list);
    void **blocks = field(tp, tls.specific);
    void **next = node[0], **previous = node[1];

    previous[0] = next;
    next[1] = previous;
    for (size_t b = 1; b < PTHREAD_KEYS_MAX / KEYS_PER_BLOCK; b++)
        free(blocks[b]);
    wf_tls_malloc_drain(tp);
    tls.deallocate(tp, true);
}

void wf_tls_hold(void *tp)
{
    wf_add(holds_of(tp), 1);
}

void wf_tls_release(void *tp)
{
    bool keep;

    /* Pairs with itself: what the other holder did is over before the block is used again. */
    if (wf_sub_acq_rel(holds_of(tp), 1) > 0)
        return;
    drop_dynamic_tls(tp);
    wf_lock(&tls.lock);
    keep = tls.pooled < POOL_LIMIT || !wf_tls_malloc_known();
    if (keep) {
        memcpy(field(tp, tls.specific), &tls.pool, sizeof(tls.pool));
        tls.pool = tp;
        tls.pooled++;
    } else {
        destroy_block(tp);
    }
    wf_unlock(&tls.lock);
}

int wf_tls_tid(const void *tp)
{
    int tid;

    memcpy(&tid, field(tp, tls.tid), sizeof(tid));
    return tid;
}

void wf_tls_set_tid(void *tp, int tid)
{
    memcpy(field(tp, tls.tid), &tid, sizeof(tid));
}

void wf_tls_first_run(void)
{
    tls.ctype_init();
    uselocale(LC_GLOBAL_LOCALE); /* the block's last fiber may have left another */
}

/* ---- the end of a fiber ---- */

static bool run_destructor(unsigned key, struct key_value *slot)
{
    void *value = slot->value;

    slot->value = NULL;
    if (!value || !tls.keys[key].destructor || slot->sequence != tls.keys[key].sequence)
        return false;
    tls.keys[key].destructor(value);
    return true;
}

void wf_tls_run_key_destructors(void)
{
    struct key_value **blocks = field(wf_context_tp(), tls.specific);

    for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
        bool any = false;

        for (unsigned b = 0; b < PTHREAD_KEYS_MAX / KEYS_PER_BLOCK; b++) {
            for (unsigned i = 0; blocks[b] && i < KEYS_PER_BLOCK; i++)
                any |= run_destructor(b * KEYS_PER_BLOCK + i, &blocks[b][i]);
        }
        if (!any)
            return;
    }
}

void wf_tls_after_fork(void)
{
    /* The pool's blocks are still on glibc's thread list, which fork() has just emptied into
     * its stack cache: do not use them again. */
    tls.pool = NULL;
    tls.pooled = 0;
    tls.lock = (struct wf_lock){0};
}

/* ---- the self-check ---- */

static char probe_stack[1 << 16] __attribute__((aligned(4096)));

static int find_malloc_cache(struct dl_phdr_info *object, size_t size, void *unused)
{
    const char *tp = wf_context_tp();
    ptrdiff_t offset;

    (void)size, (void)unused;
    if (!strstr(object->dlpi_name, "/libc.so"))
        return 0;
    offset = static_tls_offset(object);
    for (int i = 0; offset && i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type == PT_TLS)
            wf_tls_malloc_find(tp, tp + offset, object->dlpi_phdr[i].p_memsz);
    }
    return 1;
}

/* On a thread with a known stack: where struct pthread keeps the stack's bounds, and where libc's
 * TLS keeps malloc's cache. */
static void *probe(void *unused)
{
    const char *self = pthread_of(wf_context_tp());

    (void)unused;
    dl_iterate_phdr(find_malloc_cache, NULL);
    for (size_t i = 0; i + 2 * sizeof(void *) <= tls.pthread_size; i += sizeof(void *)) {
        void *base;
        size_t size;

        memcpy(&base, self + i, sizeof(base));
        memcpy(&size, self + i + sizeof(base), sizeof(size));
        if (base == (void *)probe_stack && size == sizeof(probe_stack)) {
            tls.stack_offset = (ptrdiff_t)i;
            break;
        }
    }
    return NULL;
}

static void probe_thread(void)
{
    pthread_attr_t attr;
    pthread_t thread;

    tls.stack_offset = -1;
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, probe_stack, sizeof(probe_stack));
    if (pthread_create(&thread, &attr, probe, NULL) == 0)
        pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}

/* The descriptors must agree with what can be observed of the running thread. */
static const char *check_layout(void)
{
    void *tp = wf_context_tp();
    const void *block;
    static const char marker;
    pthread_key_t key;

#if defined(__x86_64__)
    if ((void *)pthread_self() != tp)
        return "pthread_self() is not the thread pointer";
#endif
    if (wf_tls_tid(tp) <= 0)
        return "the thread id is not where the descriptor says";
    if (pthread_key_create(&key, NULL) != 0)
        return "no pthread key left for the self-check";
    pthread_setspecific(key, &marker);
    block = *(void **)field(tp, tls.specific);
    pthread_setspecific(key, NULL);
    pthread_key_delete(key);
    if (block != (char *)field(tp, tls.specific) - FIRST_KEYS_BYTES)
        return "thread-specific data is not where the descriptor says";
    return NULL;
}

static const char *look(void)
{
    const char *why;

    if (!find_symbols())
        return "this C library does not export what own TLS needs (glibc 2.36 to 2.43 do)";
    why = check_layout();
    if (why)
        return why;
    find_static_size();
    probe_thread();
    return NULL;
}

int wf_tls_init(void)
{
    if (!tls.tried) {
        tls.tried = true;
        tls.why = look();
        tls.usable = !tls.why;
        wf_tls_rescan();
    }
    return tls.usable ? WF_OK : WF_ENOTSUP;
}

const char *wf_tls_why(void)
{
    return tls.why ? tls.why : "supported";
}
