/* The handle table. A handle's value:
 *
 *     bit 63        set: no address of user space has it, so no pointer is taken for a handle
 *     bits 60-62    kind
 *     bits 32-59    generation of the slot
 *     bits 0-31     index of the slot
 *
 * A slot's generation moves on when its handle ends, so that the next one in it differs. After
 * 2^28 handles in one slot the numbers repeat. */
#include "handle.h"

#include "base/assert.h"
#include "base/status.h"
#include "machine/lock.h"

#include <stdlib.h>

enum { CHUNK_SLOTS = 1024, MAX_CHUNKS = 1 << 16, INDEX_BITS = 32, GENERATION_BITS = 28 };

static const uint64_t MARK = UINT64_C(1) << 63;
static const uint32_t GENERATION_MASK = (1u << GENERATION_BITS) - 1;
static const uint32_t NO_SLOT = UINT32_MAX;

_Static_assert(sizeof(void *) == 8, "a handle's value needs 64 bits");

struct slot {
    void *object; /* holds one reference; NULL: free */
    enum wf_handle_kind kind;
    uint32_t generation;
    uint32_t next_free;
};

/* Chunks never move or go away: a slot's address is good for ever. */
static struct {
    struct wf_lock lock; /* protects all below, and every slot */
    struct slot *chunks[MAX_CHUNKS];
    uint32_t count;      /* slots ever used */
    uint32_t first_free; /* list of free ones; NO_SLOT: none */
    uint32_t forked;     /* slots below this belong to the parent process */
} table = {.first_free = UINT32_MAX};

/* ---- values --------------------------------------------------------------------------------- */

static void *encode(uint32_t index, const struct slot *s)
{
    uint64_t kind = (uint64_t)s->kind << (INDEX_BITS + GENERATION_BITS);
    uint64_t generation = (uint64_t)s->generation << INDEX_BITS;

    return (void *)(uintptr_t)(MARK | kind | generation | index);
}

static struct slot *slot_at(uint32_t index)
{
    return &table.chunks[index / CHUNK_SLOTS][index % CHUNK_SLOTS];
}

/* The slot of a handle that is valid, or was before fork; else NULL. Under the lock. */
static struct slot *slot_of(const void *handle)
{
    uint64_t value = (uint64_t)(uintptr_t)handle;
    uint32_t index = (uint32_t)value;
    struct slot *s;

    if (!(value & MARK) || index >= table.count)
        return NULL;
    s = slot_at(index);
    return s->object && encode(index, s) == handle ? s : NULL;
}

static bool from_before_fork(const void *handle)
{
    return (uint32_t)(uintptr_t)handle < table.forked;
}

/* ---- objects -------------------------------------------------------------------------------- */

/* The token that carries the reference count of an object. */
static struct wf_token *counter_of(enum wf_handle_kind kind, void *object)
{
    switch (kind) {
    case WF_HANDLE_FIBER:
        return &((struct wf_task *)object)->own;
    case WF_HANDLE_NURSERY:
        return &((struct wf_nursery *)object)->token;
    case WF_HANDLE_TOKEN:
    case WF_HANDLE_SCOPE:
        return object;
    case WF_HANDLE_FREE:
    case WF_HANDLE_KINDS:
        break;
    }
    WF_ASSERT(!"a kind of handle");
    return NULL;
}

void wf_handle_unref(enum wf_handle_kind kind, void *object)
{
    wf_token_unref(counter_of(kind, object));
}

/* ---- slots, under the lock ------------------------------------------------------------------- */

static struct slot *take_free(uint32_t *index)
{
    struct slot *s;

    if (table.first_free == NO_SLOT)
        return NULL;
    *index = table.first_free;
    s = slot_at(*index);
    table.first_free = s->next_free;
    return s;
}

static struct slot *take_fresh(uint32_t *index)
{
    uint32_t chunk = table.count / CHUNK_SLOTS;

    if (chunk == MAX_CHUNKS)
        return NULL;
    if (!table.chunks[chunk])
        table.chunks[chunk] = calloc(CHUNK_SLOTS, sizeof(struct slot));
    if (!table.chunks[chunk])
        return NULL;
    *index = table.count++;
    return slot_at(*index);
}

/* Empties the slot; the reference goes to the caller. */
static void *release(uint32_t index, struct slot *s)
{
    void *object = s->object;

    s->object = NULL;
    s->kind = WF_HANDLE_FREE;
    s->generation = (s->generation + 1) & GENERATION_MASK;
    s->next_free = table.first_free;
    table.first_free = index;
    return object;
}

/* ---- the calls ------------------------------------------------------------------------------ */

int wf_handle_make(enum wf_handle_kind kind, void *object, void **out)
{
    struct slot *s;
    uint32_t index = 0;

    *out = NULL;
    wf_lock(&table.lock);
    s = take_free(&index);
    if (!s)
        s = take_fresh(&index);
    if (s) {
        s->kind = kind;
        s->object = object;
        *out = encode(index, s);
    }
    wf_unlock(&table.lock);
    return s ? WF_OK : WF_ENOMEM;
}

int wf_handle_get_either(const void *handle, enum wf_handle_kind kind, enum wf_handle_kind other,
                         void **object)
{
    struct slot *s;
    int err = WF_OK;

    *object = NULL;
    wf_lock(&table.lock);
    s = slot_of(handle);
    if (!s || (s->kind != kind && s->kind != other)) {
        err = WF_EBADHANDLE;
    } else if (from_before_fork(handle)) {
        err = WF_EFORKED;
    } else {
        wf_token_ref(counter_of(s->kind, s->object));
        *object = s->object;
    }
    wf_unlock(&table.lock);
    return err;
}

int wf_handle_get(const void *handle, enum wf_handle_kind kind, void **object)
{
    return wf_handle_get_either(handle, kind, kind, object);
}

int wf_handle_drop(const void *handle, enum wf_handle_kind kind)
{
    void *object = NULL;
    struct slot *s;
    int err = WF_OK;

    wf_lock(&table.lock);
    s = slot_of(handle);
    if (!s || s->kind != kind)
        err = WF_EBADHANDLE;
    else if (from_before_fork(handle))
        err = WF_EFORKED;
    else
        object = release((uint32_t)(uintptr_t)handle, s);
    wf_unlock(&table.lock);
    if (object)
        wf_handle_unref(kind, object);
    return err;
}

static void drop_at(uint32_t index)
{
    struct slot *s = slot_at(index);
    enum wf_handle_kind kind = s->kind;
    void *object = NULL;

    wf_lock(&table.lock);
    if (s->object)
        object = release(index, s);
    wf_unlock(&table.lock);
    if (object)
        wf_handle_unref(kind, object);
}

void wf_handle_drop_all(void)
{
    for (uint32_t index = table.forked; index < table.count; index++)
        drop_at(index);
}

/* The parent's slots are neither freed nor used again: their handles must go on to read
 * WF_EFORKED. */
void wf_handle_after_fork(void)
{
    table.lock = (struct wf_lock){0};
    table.forked = table.count;
    table.first_free = NO_SLOT;
}
