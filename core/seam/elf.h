/* Rewrites the import slots (GOT) of loaded objects, so that their calls of libc reach our hooks.
 * Nothing of libc itself is touched, and a slot holds either the old or the new address at any
 * moment, so other threads may call through it meanwhile. */
#ifndef WF_SEAM_ELF_H
#define WF_SEAM_ELF_H

#include "seam/hook.h"

#include <stddef.h>

/* How an object is to be treated. */
enum wf_elf_treatment { WF_ELF_SKIP, WF_ELF_PATCH, WF_ELF_PATCH_HOST };

/* `name` is the base name of the object, "" for the main program. */
typedef enum wf_elf_treatment (*wf_elf_choose)(const char *name);

/* Adds a table; before the first wf_elf_patch_new. */
void wf_elf_add_hooks(const struct wf_hook *table);
/* Patches every object that has been loaded since the last call. Returns the slots rewritten;
 * WF_ENOMEM. */
int wf_elf_patch_new(wf_elf_choose choose, size_t *slots);

#endif
