/* dlopen: constructors run without switching (the loader's lock is held), and what was loaded
 * gets its slots rewritten. The loader searches DT_RUNPATH of the caller, which is this library
 * when the call comes through us; only a bare file name without LD_LIBRARY_PATH can tell. */
#include "seam/hook.h"
#include "seam/seam.h"

#include <dlfcn.h>

static void *hook_dlopen(const char *file, int flags)
{
    void *handle;

    wf_seam_bypass++;
    handle = dlopen(file, flags);
    wf_seam_bypass--;
    if (handle && file)
        wf_seam_patch_new();
    return handle;
}

static void *hook_dlmopen(Lmid_t space, const char *file, int flags)
{
    void *handle;

    wf_seam_bypass++;
    handle = dlmopen(space, file, flags);
    wf_seam_bypass--;
    if (handle && file)
        wf_seam_patch_new();
    return handle;
}

const struct wf_hook wf_seam_dl_hooks[] = {
    WF_HOOK(dlopen, hook_dlopen),
    WF_HOOK(dlmopen, hook_dlmopen),
    {NULL, NULL, 0},
};
