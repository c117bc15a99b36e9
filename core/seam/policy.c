/* Which loaded objects are patched, and which of them are the host. */
#include "seam/policy.h"

#include "base/status.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Never patched: libc and the loader, what the library itself stands on (their threads and locks
 * must stay real), and the sanitizers' runtimes. */
static const char *const never[] = {
    "libc.so",     "ld-linux",   "linux-vdso",  "libpthread.so", "libdl.so",
    "librt.so",    "libuv.so",   "libffi.so",   "libasan.so",    "libtsan.so",
    "libubsan.so", "liblsan.so", "libgcc_s.so", "libweft.so",    "libprotobuf-c.so",
};

/* Written under seam.c's lock. */
static struct {
    enum wf_policy policy;
    char **modules;
    char *host;
    const char *self; /* base name of the object that contains this library */
} chosen;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Statically linked into a program, our own calls go through the program's slots: patching it
 * would make the hooks call themselves. */
static void find_self(void)
{
    Dl_info info;

    if (!chosen.self && dladdr((const void *)&chosen, &info) && info.dli_fname)
        chosen.self = base_name(info.dli_fname);
}

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    char **copy;

    while (list[n])
        n++;
    copy = calloc(n + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = strdup(list[i]);
        if (!copy[i]) {
            while (i > 0)
                free(copy[--i]);
            free(copy);
            return NULL;
        }
    }
    return copy;
}

int wf_policy_set(enum wf_policy policy, const char *const *modules)
{
    char **copy = NULL;

    if (policy < WF_POLICY_NONE || policy > WF_POLICY_PROCESS)
        return WF_EINVAL;
    if ((policy == WF_POLICY_LISTED) != (modules != NULL))
        return WF_EINVAL;
    if (modules && !(copy = copy_list(modules)))
        return WF_ENOMEM;
    for (char **m = chosen.modules; m && *m; m++)
        free(*m);
    free(chosen.modules);
    chosen.modules = copy;
    chosen.policy = policy;
    find_self();
    return WF_OK;
}

int wf_policy_set_host(const char *module)
{
    char *copy = module ? strdup(module) : NULL;

    if (module && !copy)
        return WF_ENOMEM;
    free(chosen.host);
    chosen.host = copy;
    return WF_OK;
}

static bool excluded(const char *name)
{
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (strncmp(name, never[i], strlen(never[i])) == 0)
            return true;
    }
    return chosen.self && strcmp(name, chosen.self) == 0;
}

static bool listed(const char *name)
{
    for (char **m = chosen.modules; m && *m; m++) {
        if (strstr(name, *m))
            return true;
    }
    return false;
}

enum wf_elf_treatment wf_policy_choose(const char *name)
{
    bool main_program = *name == '\0';

    if (chosen.policy == WF_POLICY_NONE || (!main_program && excluded(name)))
        return WF_ELF_SKIP;
    if (chosen.policy == WF_POLICY_LISTED && !listed(name))
        return WF_ELF_SKIP;
    if (main_program || (chosen.host && strstr(name, chosen.host)))
        return WF_ELF_PATCH_HOST;
    return WF_ELF_PATCH;
}
