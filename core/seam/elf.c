/* Import slots of ELF objects; see elf.h. */
#include "seam/elf.h"

#include "base/status.h"
#include "machine/stack.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
enum { JUMP_SLOT = R_X86_64_JUMP_SLOT, GLOB_DAT = R_X86_64_GLOB_DAT, ABSOLUTE = R_X86_64_64 };
#elif defined(__aarch64__)
enum { JUMP_SLOT = R_AARCH64_JUMP_SLOT, GLOB_DAT = R_AARCH64_GLOB_DAT, ABSOLUTE = R_AARCH64_ABS64 };
#endif

enum { TABLE = 1024 /* a power of two, several times the number of hooks */ };

/* Open addressing by name; filled before the first patch, constant afterwards. */
static const struct wf_hook *hooks[TABLE];

/* What has been looked at already; seam.c's lock. */
static struct {
    struct {
        uintptr_t base;
        char *name;
    } * seen;
    size_t count, capacity;
    unsigned long long unloads;
} done;

static size_t hash(const char *s)
{
    size_t h = 5381; /* djb2 */

    while (*s)
        h = h * 33 + (unsigned char)*s++;
    return h;
}

void wf_elf_add_hooks(const struct wf_hook *table)
{
    for (; table->symbol; table++) {
        size_t i = hash(table->symbol) % TABLE;

        while (hooks[i] && strcmp(hooks[i]->symbol, table->symbol) != 0)
            i = (i + 1) % TABLE;
        WF_ASSERT(!hooks[i] || hooks[i] == table); /* one hook for a symbol */
        hooks[i] = table;
    }
}

static const struct wf_hook *find(const char *symbol)
{
    for (size_t i = hash(symbol) % TABLE; hooks[i]; i = (i + 1) % TABLE) {
        if (strcmp(hooks[i]->symbol, symbol) == 0)
            return hooks[i];
    }
    return NULL;
}

/* ---- one object ---- */

struct object {
    uintptr_t base;
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * relocations[2]; /* of data and of calls */
    size_t relocation_counts[2];
    uintptr_t relro_start, relro_end; /* page-rounded; made read-only by the loader */
    bool host;
    bool relro_open;
    size_t slots;
};

/* glibc has relocated the addresses in the dynamic section in place; others have not. */
static const void *dynamic_address(const struct object *o, ElfW(Addr) value)
{
    return (const void *)(value < o->base ? value + o->base : value);
}

static bool read_dynamic(struct object *o, const ElfW(Dyn) * d)
{
    for (; d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_SYMTAB:
            o->symbols = dynamic_address(o, d->d_un.d_ptr);
            break;
        case DT_STRTAB:
            o->strings = dynamic_address(o, d->d_un.d_ptr);
            break;
        case DT_RELA:
            o->relocations[0] = dynamic_address(o, d->d_un.d_ptr);
            break;
        case DT_RELASZ:
            o->relocation_counts[0] = d->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_JMPREL:
            o->relocations[1] = dynamic_address(o, d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            o->relocation_counts[1] = d->d_un.d_val / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
    return o->symbols && o->strings;
}

static bool read_object(struct object *o, const struct dl_phdr_info *info)
{
    const ElfW(Dyn) *dynamic = NULL;
    uintptr_t page = wf_page_size();

    o->base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];

        if (p->p_type == PT_DYNAMIC)
            dynamic = (const void *)(o->base + p->p_vaddr);
        if (p->p_type == PT_GNU_RELRO) {
            o->relro_start = (o->base + p->p_vaddr) & ~(page - 1);
            o->relro_end = (o->base + p->p_vaddr + p->p_memsz) & ~(page - 1);
        }
    }
    return dynamic && read_dynamic(o, dynamic);
}

static bool make_writable(struct object *o, uintptr_t slot)
{
    if (slot < o->relro_start || slot >= o->relro_end || o->relro_open)
        return true;
    o->relro_open = mprotect((void *)o->relro_start, o->relro_end - o->relro_start,
                             PROT_READ | PROT_WRITE) == 0;
    return o->relro_open;
}

static void patch_slot(struct object *o, const ElfW(Rela) * r)
{
    unsigned type = (unsigned)ELF64_R_TYPE(r->r_info);
    const ElfW(Sym) *symbol = &o->symbols[ELF64_R_SYM(r->r_info)];
    uintptr_t slot = o->base + r->r_offset;
    const struct wf_hook *h;

    if (type != JUMP_SLOT && type != GLOB_DAT && (type != ABSOLUTE || r->r_addend != 0))
        return;
    if (symbol->st_shndx != SHN_UNDEF)
        return;
    h = find(o->strings + symbol->st_name);
    if (!h || ((h->flags & WF_HOOK_HOST_ONLY) && !o->host))
        return;
    if (*(wf_hook_fn *)slot == h->replacement || !make_writable(o, slot))
        return;
    /* One aligned store: a thread that calls through the slot sees the old or the new. */
    __atomic_store_n((wf_hook_fn *)slot, h->replacement, __ATOMIC_RELEASE);
    o->slots++;
}

static void patch_object(struct object *o)
{
    for (int table = 0; table < 2; table++) {
        for (size_t i = 0; i < o->relocation_counts[table]; i++)
            patch_slot(o, &o->relocations[table][i]);
    }
    if (o->relro_open)
        mprotect((void *)o->relro_start, o->relro_end - o->relro_start, PROT_READ);
}

/* ---- all objects ---- */

static void forget_all(void)
{
    for (size_t i = 0; i < done.count; i++)
        free(done.seen[i].name);
    done.count = 0;
}

static bool was_seen(const struct dl_phdr_info *info)
{
    for (size_t i = 0; i < done.count; i++) {
        if (done.seen[i].base == info->dlpi_addr && strcmp(done.seen[i].name, info->dlpi_name) == 0)
            return true;
    }
    return false;
}

static bool remember(const struct dl_phdr_info *info)
{
    char *name = strdup(info->dlpi_name);

    if (name && done.count == done.capacity) {
        size_t capacity = done.capacity ? done.capacity * 2 : 64;
        void *grown = realloc(done.seen, capacity * sizeof(*done.seen));

        if (!grown) {
            free(name);
            return false;
        }
        done.seen = grown;
        done.capacity = capacity;
    }
    if (!name)
        return false;
    done.seen[done.count].base = info->dlpi_addr;
    done.seen[done.count++].name = name;
    return true;
}

struct pass {
    wf_elf_choose choose;
    size_t slots;
    bool failed;
};

static int visit(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct pass *pass = arg;
    const char *slash = strrchr(info->dlpi_name, '/');
    enum wf_elf_treatment how = pass->choose(slash ? slash + 1 : info->dlpi_name);
    struct object o = {.host = how == WF_ELF_PATCH_HOST};

    (void)size;
    if (info->dlpi_subs != done.unloads) { /* an address may have been used again */
        forget_all();
        done.unloads = info->dlpi_subs;
    }
    if (how == WF_ELF_SKIP || was_seen(info))
        return 0;
    if (!remember(info)) {
        pass->failed = true;
        return 1;
    }
    if (read_object(&o, info))
        patch_object(&o);
    pass->slots += o.slots;
    return 0;
}

int wf_elf_patch_new(wf_elf_choose choose, size_t *slots)
{
    struct pass pass = {.choose = choose};

    dl_iterate_phdr(visit, &pass);
    *slots = pass.slots;
    return pass.failed ? WF_ENOMEM : WF_OK;
}
